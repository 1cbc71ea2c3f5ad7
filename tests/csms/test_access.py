"""Who may charge: the answers about tokens, and cars that need not ask."""

import asyncio
from datetime import UTC, datetime, timedelta
import logging

import pytest

from custom_components.ocpp_central.csms.authorization import Tokens
from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.model import (
    AccessMode,
    AuthorizationStatus,
    Event,
    EventKind,
    KnownToken,
)

from .common import (
    Answer,
    Central,
    Charger,
    HangUp,
    Payload,
    Refusal,
    Silence,
    bring_up,
    start,
    status,
    stop,
    until,
)

ANNA = KnownToken(id_token="04A1B2C3", name="Anna's card", user="Anna", group="FAMILY")
LOST = KnownToken(
    id_token="105C", name="Lost", status=AuthorizationStatus.BLOCKED, group="FAMILY"
)
OLD = KnownToken(id_token="01D", name="Old", status=AuthorizationStatus.EXPIRED)
BROKEN = KnownToken(
    id_token="BR0CEN", name="Broken", status=AuthorizationStatus.INVALID
)


def know(central: Central, *tokens: KnownToken, once: bool = False) -> None:
    """Have these tokens known."""
    central.authorizer.set(tokens, one_session_each=once)


def follow(charge_point: ChargePoint) -> list[Event]:
    """Return the list that tokens shown here will be added to."""
    events: list[Event] = []

    def note(event: Event) -> None:
        if event.kind is EventKind.ID_TOKEN:
            events.append(event)

    charge_point.subscribe_events(note)
    return events


async def in_authorize(charger: Charger, token: str) -> Payload:
    """Return the answer to a token that is shown."""
    return (await charger.call("Authorize", {"idTag": token}))["idTagInfo"]


async def in_start(charger: Charger, token: str) -> Payload:
    """Return the answer to a token that starts a transaction, which ends at once."""
    answer = await charger.call("StartTransaction", start(token=token))
    await charger.call("StopTransaction", stop(answer["transactionId"]))
    return answer["idTagInfo"]


async def in_stop(charger: Charger, token: str) -> Payload:
    """Return the answer to a token that ends a transaction."""
    number = await charger.start(token="SOMEBODY")
    answer = await charger.call("StopTransaction", stop(number, idTag=token))
    return answer["idTagInfo"]


async def everywhere(charger: Charger, token: str) -> Payload:
    """Return the one answer that a token gets in all messages."""
    answer = await in_authorize(charger, token)
    assert await in_start(charger, token) == answer
    assert await in_stop(charger, token) == answer
    assert await in_authorize(charger, token) == answer
    return answer


# --- Tokens ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(AccessMode))
@pytest.mark.parametrize(
    ("token", "answer"),
    [
        (ANNA, {"status": "Accepted", "parentIdTag": "FAMILY"}),
        (LOST, {"status": "Blocked", "parentIdTag": "FAMILY"}),
        (OLD, {"status": "Expired"}),
        (BROKEN, {"status": "Invalid"}),
    ],
)
async def test_known_token(
    central: Central, mode: AccessMode, token: KnownToken, answer: Payload
) -> None:
    """What the user says of a token counts in every mode and message."""
    know(central, ANNA, LOST, OLD, BROKEN)
    charge_point, charger = await central.connect()
    charge_point.access.set_mode(mode)
    assert await everywhere(charger, token.id_token) == answer


@pytest.mark.parametrize(
    ("mode", "answer"),
    [
        (AccessMode.PLUG_AND_CHARGE, "Accepted"),
        (AccessMode.ANY_TOKEN, "Accepted"),
        (AccessMode.KNOWN_TOKENS, "Invalid"),
    ],
)
@pytest.mark.parametrize("token", ["STRANGER", "ocppd", "NoAuthorization", ""])
async def test_unknown_token(
    central: Central, mode: AccessMode, answer: str, token: str
) -> None:
    """A card that nobody knows, and no card at all, are let in where anybody is."""
    know(central, ANNA)
    charge_point, charger = await central.connect()
    charge_point.access.set_mode(mode)
    assert await in_authorize(charger, token) == {"status": answer}
    assert await in_start(charger, token) == {"status": answer}


@pytest.mark.parametrize("spelled", ["04a1b2c3", " 04A1B2C3 ", "04A1B2C3_K01234567"])
async def test_spelling(central: Central, spelled: str) -> None:
    """Case does not matter, nor what a KEBA adds."""
    know(central, ANNA)
    charge_point, charger = await central.connect()
    charge_point.access.set_mode(AccessMode.KNOWN_TOKENS)
    answer = await everywhere(charger, spelled)
    assert answer == {"status": "Accepted", "parentIdTag": "FAMILY"}
    number = await charger.start(token=spelled)
    assert charge_point.value(1, "session_user") == "Anna"
    assert central.ledger.starts[-1].user == "Anna"
    assert central.ledger.starts[-1].group == "FAMILY"
    await charger.call("StopTransaction", stop(number))


async def test_the_moment_it_expires(central: Central) -> None:
    """Up to that moment it may charge, from then on not; what began before may be told."""
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    moment = datetime.now(UTC) - timedelta(minutes=30)
    tokens = Tokens(lambda: now)
    token = KnownToken(id_token="GUEST", name="Guest", expires=now)
    tokens.set([token], one_session_each=False)
    answers = []
    for seconds in (-1, 0, 1):
        now = token.expires + timedelta(seconds=seconds) if token.expires else now
        answers.append(tokens.authorize("guest", AccessMode.ANY_TOKEN).status)
    assert answers == ["Accepted", "Expired", "Expired"]

    know(central, KnownToken(id_token="GUEST", name="Guest", expires=moment))
    _, charger = await central.connect()
    expired = {
        "status": "Expired",
        "expiryDate": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    assert await everywhere(charger, "GUEST") == expired
    # Charged while the charger was on its own, and told when it is back.
    before = (moment - timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = await charger.call("StartTransaction", start(token="GUEST", time=before))
    assert answer["idTagInfo"] == {**expired, "status": "Accepted"}


async def test_changes_count_at_once(central: Central) -> None:
    """No connection is closed when a card is added, blocked or taken away."""
    charge_point, charger = await central.connect()
    charge_point.access.set_mode(AccessMode.KNOWN_TOKENS)
    for tokens, answer in (
        ((), "Invalid"),
        ((ANNA,), "Accepted"),
        ((LOST,), "Invalid"),
    ):
        know(central, *tokens)
        assert (await in_authorize(charger, ANNA.id_token))["status"] == answer
    assert (await in_authorize(charger, LOST.id_token))["status"] == "Blocked"


# --- One session per card --------------------------------------------------------------


async def test_charging_elsewhere(central: Central) -> None:
    """Where that is not wanted, a card charges once at a time."""
    know(central, ANNA, once=True)
    _, charger = await central.connect()
    _, other = await central.connect("CP2")
    first = start(token=ANNA.id_token)
    answer = await charger.call("StartTransaction", first)
    number = answer["transactionId"]
    assert answer["idTagInfo"]["status"] == "Accepted"
    # The answer was lost: it is the same start.
    assert await charger.call("StartTransaction", first) == answer
    # Shown at the charger once more, it may be to end it.
    assert (await in_authorize(charger, "04a1b2c3"))["status"] == "Accepted"
    refused = await charger.call("StartTransaction", start(2, token=ANNA.id_token))
    assert refused["idTagInfo"]["status"] == "ConcurrentTx"

    assert (await in_authorize(other, "04a1b2c3"))["status"] == "ConcurrentTx"
    assert (await in_start(other, "04a1b2c3_KEBA"))["status"] == "ConcurrentTx"
    # It ends what somebody else began, and an end is nothing twice.
    assert (await in_stop(other, ANNA.id_token))["status"] == "Accepted"

    await charger.call("StopTransaction", stop(number))
    assert (await in_authorize(other, ANNA.id_token))["status"] == "Accepted"
    assert (await in_start(other, ANNA.id_token))["status"] == "Accepted"


async def test_charging_elsewhere_is_fine(central: Central) -> None:
    """Unless the user says otherwise."""
    know(central, ANNA)
    _, charger = await central.connect()
    _, other = await central.connect("CP2")
    await charger.start(token=ANNA.id_token)
    assert (await in_authorize(other, ANNA.id_token))["status"] == "Accepted"
    assert (await in_start(other, ANNA.id_token))["status"] == "Accepted"


async def test_what_was_charged_offline_is_not_refused(central: Central) -> None:
    """A session of the past happened, whatever the card does now."""
    know(central, ANNA, once=True)
    _, charger = await central.connect()
    _, other = await central.connect("CP2")
    await charger.start(token=ANNA.id_token)
    replayed = start(
        token=ANNA.id_token,
        time=(datetime.now(UTC) - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    answer = await other.call("StartTransaction", replayed)
    assert answer["idTagInfo"]["status"] == "Accepted"


# --- Our own starts --------------------------------------------------------------------


async def test_a_token_that_we_ask_for(central: Central) -> None:
    """It starts, asks again and ends; then it is a card like any other."""
    know(central, LOST)
    charge_point, charger = await central.connect()
    charge_point.access.set_mode(AccessMode.KNOWN_TOKENS)
    events = follow(charge_point)
    await charge_point.commands.start_transaction(1, "Guest7")
    assert await in_authorize(charger, "GUEST7") == {"status": "Accepted"}
    began = start(token="GUEST7")
    answer = await charger.call("StartTransaction", began)
    assert answer["idTagInfo"] == {"status": "Accepted"}
    assert await charger.call("StartTransaction", began) == answer
    assert central.ledger.starts[0].authorized_by == "remote"
    end = stop(answer["transactionId"], idTag="GUEST7")
    assert await charger.call("StopTransaction", end) == {
        "idTagInfo": {"status": "Accepted"}
    }
    await charger.start(token="HOMEASSISTANT")
    assert await in_authorize(charger, "GUEST7") == {"status": "Invalid"}
    await charger.alive()
    # The retry is told once, for it may be the card itself that was shown.
    assert [event.type for event in events] == ["accepted", "unknown"]

    # Whose card it is, is known nevertheless.
    await charge_point.commands.start_transaction(2, LOST.id_token)
    await charger.start(2, token=LOST.id_token)
    assert charge_point.value(2, "session_user") == "Lost"


async def test_unplugged_ends_what_was_granted(central: Central) -> None:
    """The next one to come with the card asks anew."""
    charge_point, charger = await central.connect()
    charge_point.access.set_mode(AccessMode.KNOWN_TOKENS)
    await charge_point.commands.start_transaction(1, "GUEST")
    await charger.call("StatusNotification", status("Preparing"))
    number = await charger.start(token="GUEST")
    await charger.call("StopTransaction", stop(number, reason="EVDisconnected"))
    await charger.call("StatusNotification", status("Available"))
    assert await in_authorize(charger, "GUEST") == {"status": "Invalid"}


@pytest.mark.parametrize("answer", [{"status": "Rejected"}, Refusal("InternalError")])
async def test_a_start_that_was_refused(central: Central, answer: Answer) -> None:
    """Then the token was not let in either."""
    charge_point, charger = await central.connect()
    charge_point.access.set_mode(AccessMode.KNOWN_TOKENS)
    charger.answers["RemoteStartTransaction"] = answer
    with pytest.raises(Exception, match=r"Rejected|InternalError"):
        await charge_point.commands.start_transaction(1, "GUEST")
    assert await in_authorize(charger, "GUEST") == {"status": "Invalid"}


async def test_remote_tag_of_a_keba(central: Central) -> None:
    """It adds its serial number to our own tag as well."""
    charge_point, charger = await central.connect()
    charge_point.access.set_mode(AccessMode.KNOWN_TOKENS)
    assert await everywhere(charger, "homeassistant_123") == {"status": "Accepted"}


# --- What is told ----------------------------------------------------------------------


async def test_events(central: Central) -> None:
    """Each visit is told once, by name where there is one."""
    know(central, ANNA, LOST, OLD, BROKEN, once=True)
    charge_point, charger = await central.connect()
    _, other = await central.connect("CP2")
    charge_point.access.set_mode(AccessMode.KNOWN_TOKENS)
    events = follow(charge_point)
    for token in (ANNA, LOST, OLD, BROKEN):
        await in_authorize(charger, token.id_token)
    await in_authorize(charger, "STRANGER")
    await in_authorize(charger, "ocppd")
    await other.start(token=ANNA.id_token)
    # Let in when it was shown, but not any more when it was to start.
    await charger.call("StartTransaction", start(token=ANNA.id_token))
    await charger.alive()
    assert [
        (event.type, event.connector, event.attributes.get("name")) for event in events
    ] == [
        ("accepted", 0, "Anna's card"),
        ("blocked", 0, "Lost"),
        ("expired", 0, "Old"),
        ("invalid", 0, "Broken"),
        ("unknown", 0, None),
        ("concurrent", 1, "Anna's card"),
    ]
    assert all(event.attributes["id_token"].startswith("…") for event in events)


async def test_shown_hours_ago(central: Central) -> None:
    """What a charger tells late is no visit now, but the card can be added."""
    charge_point, charger = await central.connect()
    events = follow(charge_point)
    await charger.start(token="STRANGER", time="2026-01-01T12:00:00Z")
    await charger.alive()
    assert events == []
    assert [token.id_token for token in central.authorizer.unknown] == ["STRANGER"]
    assert central.ledger.starts[0].authorized_by == "offline_unknown"


async def test_known_to_the_charger(central: Central) -> None:
    """On its own, a charger goes by its list."""
    charge_point, charger = await central.connect()
    charge_point.access.is_listed = lambda token: token == "LISTED"
    for connector, token in ((1, "LISTED"), (2, "OTHER")):
        await charger.start(connector, token=token, time="2026-01-01T12:00:00Z")
    await charger.start(3, token="LISTED")
    assert [start.authorized_by for start in central.ledger.starts] == [
        "offline_local_list",
        "offline_unknown",
        "online",
    ]


async def test_unknown_tokens(central: Central) -> None:
    """The last ones are kept to be added, each once and as its card has it."""
    charge_point, charger = await central.connect()
    know(central, ANNA)
    told = []
    central.authorizer.on_unknown = lambda: told.append(1)
    await charger.boot(chargePointSerialNumber="K0123")
    for token in ("AAAA", "BBBB_k0123", "aaaa", ANNA.id_token, "HOMEASSISTANT", ""):
        await in_authorize(charger, token)
    unknown = central.authorizer.unknown
    assert [token.id_token for token in unknown] == ["BBBB", "aaaa"]
    assert unknown[0].identity == "CP1"
    assert len(told) == 3
    know(central, KnownToken(id_token="bbbb", name="B"))
    assert [token.id_token for token in central.authorizer.unknown] == ["aaaa"]
    assert len(told) == 4
    for number in range(50):
        await in_authorize(charger, f"CARD{number}")
    assert [token.id_token for token in central.authorizer.unknown] == [
        f"CARD{number}" for number in range(30, 50)
    ]
    assert charge_point.access.mode is AccessMode.ANY_TOKEN


async def test_strangers_show_nothing(central: Central) -> None:
    """A charger that nobody has added may make tokens up."""
    charger = await central.dial("/STRANGER")
    assert await in_authorize(charger, "AAAA") == {"status": "Accepted"}
    assert central.authorizer.unknown == []


async def test_not_in_the_log(
    central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody's card is written down in full, at any level but the frames'."""
    know(central, ANNA)
    _, charger = await central.connect()
    with caplog.at_level(logging.DEBUG):
        caplog.clear()
        for token in (ANNA.id_token, "STRANGER"):
            await everywhere(charger, token)
    ours = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components")
        and not record.name.endswith("connection")
    ]
    assert not any(ANNA.id_token in line or "STRANGER" in line for line in ours)


# --- Plug and charge -------------------------------------------------------------------


async def dial(central: Central) -> Charger:
    """Have a charger dial in and get over the first conversation."""
    charger = await central.dial()
    await charger.boot()
    await bring_up()
    charger.forget()
    return charger


async def free(central: Central) -> tuple[ChargePoint, Charger]:
    """Have a charge point dial in where no card is needed."""
    charge_point = await central.add()
    charge_point.access.set_mode(AccessMode.PLUG_AND_CHARGE)
    return charge_point, await dial(central)


async def plug_in(charger: Charger, connector: int = 1) -> None:
    """Say that a car has come."""
    await charger.call("StatusNotification", status("Preparing", connector))


async def leave(charger: Charger, connector: int = 1) -> None:
    """Say that it has left."""
    await charger.call("StatusNotification", status("Available", connector))


def starts(charger: Charger) -> list[int]:
    """Return the connectors that were asked to start."""
    return [
        call.payload["connectorId"]
        for call in charger.calls
        if call.action == "RemoteStartTransaction"
    ]


async def rest(charger: Charger) -> None:
    """Wait until whatever was brought about has been sent."""
    await bring_up()
    await charger.delivered()
    await charger.alive()


async def charge(charger: Charger, connector: int = 1) -> int:
    """Do as one is asked, and return the transaction."""
    call = await charger.called("RemoteStartTransaction")
    assert call.payload == {"connectorId": connector, "idTag": "HOMEASSISTANT"}
    number = await charger.start(connector, token="HOMEASSISTANT")
    await charger.call("StatusNotification", status("Charging", connector))
    return number


async def test_plug_and_charge(central: Central) -> None:
    """A car is started once, and the next one again."""
    charge_point, charger = await free(central)
    for _ in range(2):
        await plug_in(charger)
        number = await charge(charger)
        assert charge_point.transactions.at(1)
        await charger.call("StopTransaction", stop(number, reason="EVDisconnected"))
        await charger.call("StatusNotification", status("Finishing"))
        await leave(charger)
    await rest(charger)
    assert starts(charger) == [1, 1]


async def test_each_connector_on_its_own(central: Central) -> None:
    """Two cars are two starts."""
    _, charger = await free(central)
    await plug_in(charger, 2)
    await charge(charger, 2)
    await plug_in(charger, 1)
    await charge(charger, 1)
    await plug_in(charger, 2)
    await rest(charger)
    assert starts(charger) == [2, 1]


@pytest.mark.parametrize("mode", [AccessMode.ANY_TOKEN, AccessMode.KNOWN_TOKENS])
async def test_where_a_card_is_needed(central: Central, mode: AccessMode) -> None:
    """No car is started."""
    charge_point = await central.add()
    charge_point.access.set_mode(mode)
    charger = await dial(central)
    await plug_in(charger)
    await rest(charger)
    assert starts(charger) == []
    # Until the mode changes: it is the car that has waited.
    charge_point.access.set_mode(AccessMode.PLUG_AND_CHARGE)
    await charge(charger)


@pytest.mark.parametrize("change", ["mode", "pause"])
async def test_not_wanted_any_more(central: Central, change: str) -> None:
    """A car that was to be started is not, until that is wanted again."""
    charge_point = await central.add()
    charge_point.access.set_mode(AccessMode.PLUG_AND_CHARGE)
    charger = await central.dial()
    charger.answers["GetConfiguration"] = Silence()
    await charger.boot(status("Preparing"))
    call = await charger.called("GetConfiguration")
    if change == "mode":
        charge_point.access.set_mode(AccessMode.ANY_TOKEN)
    else:
        await charge_point.set_paused(1, True)
    await charger.answer(call, {"configurationKey": []})
    await rest(charger)
    assert starts(charger) == []
    if change == "mode":
        charge_point.access.set_mode(AccessMode.PLUG_AND_CHARGE)
    else:
        await charge_point.set_paused(1, False)
    await charge(charger)
    assert starts(charger) == [1]


async def test_plugged_in_while_nobody_listened(central: Central) -> None:
    """The charger tells of the car when it connects, also when it is asked to."""
    charge_point = await central.add()
    charge_point.access.set_mode(AccessMode.PLUG_AND_CHARGE)
    charger = await central.dial()

    async def tell() -> None:
        while True:
            call = await charger.called("TriggerMessage")
            if call.payload["requestedMessage"] == "StatusNotification":
                await plug_in(charger)
                return

    telling = asyncio.create_task(tell())
    await charger.boot()
    await telling
    await bring_up()
    await charge(charger)
    assert starts(charger) == [1]
    # Not before all else was said.
    assert charger.actions.index("TriggerMessage") < charger.actions.index(
        "RemoteStartTransaction"
    )


async def test_connects_again_while_a_car_waits(central: Central) -> None:
    """It was not started before the connection was lost, so it is now; and only once."""
    charge_point = await central.add()
    charge_point.access.set_mode(AccessMode.PLUG_AND_CHARGE)
    charger = await central.dial()
    await charger.boot(status("Preparing"))
    # In the middle of the first conversation.
    await charger.close()
    charger = await central.dial()
    await charger.boot(status("Preparing"))
    await bring_up()
    await charge(charger)
    await charger.boot(status("Charging"))
    await rest(charger)
    assert starts(charger) == [1]


async def test_takes_the_charger_down(
    central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    """A charger that drops its socket when it is to start is not driven round and round."""
    _, charger = await free(central)
    charger.answers["RemoteStartTransaction"] = HangUp()
    await plug_in(charger)
    await charger.closed.wait()
    charger = await dial(central)
    await plug_in(charger)
    await rest(charger)
    assert starts(charger) == []
    assert caplog.text.count("dropped its connection when it was to start") == 1
    await leave(charger)
    await plug_in(charger)
    await charge(charger)


async def test_rejected(central: Central, caplog: pytest.LogCaptureFixture) -> None:
    """That is said once, and the next car is tried again."""
    _, charger = await free(central)
    charger.answers["RemoteStartTransaction"] = {"status": "Rejected"}
    await plug_in(charger)
    await charger.called("RemoteStartTransaction")
    await plug_in(charger)
    await charger.call("StatusNotification", status("Unavailable"))
    await charger.call("StatusNotification", status("Faulted", error="OtherError"))
    await plug_in(charger)
    await rest(charger)
    assert starts(charger) == [1]
    assert caplog.text.count("could not start the car") == 1
    await leave(charger)
    await plug_in(charger)
    await rest(charger)
    assert starts(charger) == [1, 1]


async def test_starts_by_itself(
    central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    """A go-e that was faster is left alone, and no card was shown."""
    charge_point, charger = await free(central)
    events = follow(charge_point)
    charger.answers["RemoteStartTransaction"] = Silence()
    await plug_in(charger)
    call = await charger.called("RemoteStartTransaction")
    assert await charger.start(token="ocppd")
    await charger.answer(call, {"status": "Rejected"})
    await rest(charger)
    assert charge_point.transactions.at(1)
    assert "could not start" not in caplog.text
    assert events == []
    assert central.ledger.starts[0].authorized_by == "none"
    await plug_in(charger)
    await rest(charger)
    assert starts(charger) == [1]


@pytest.mark.parametrize("reason", ["Remote", "Local", "EmergencyStop", "Other"])
async def test_stopped(central: Central, reason: str) -> None:
    """Whoever stops a car has meant it, until it leaves."""
    charge_point, charger = await free(central)
    await plug_in(charger)
    number = await charge(charger)
    await charger.call("StopTransaction", stop(number, reason=reason))
    await plug_in(charger)
    charge_point.access.set_mode(AccessMode.PLUG_AND_CHARGE)
    await charger.close()
    charger = await dial(central)
    await plug_in(charger)
    await rest(charger)
    assert starts(charger) == []
    assert charge_point.wish(1).stopped
    await leave(charger)
    assert not charge_point.wish(1).stopped
    await plug_in(charger)
    await charge(charger)


async def test_started_again_by_hand(central: Central) -> None:
    """What was stopped and started again goes on after a power cut."""
    charge_point, charger = await free(central)
    await plug_in(charger)
    number = await charge(charger)
    await charger.call("StopTransaction", stop(number, reason="Remote"))
    await plug_in(charger)
    await charge_point.commands.start_transaction(1, "HOMEASSISTANT")
    number = await charge(charger)
    charger.forget()
    await charger.call("StopTransaction", stop(number, 3000, reason="PowerLoss"))
    await plug_in(charger)
    await charge(charger)


@pytest.mark.parametrize("reason", ["PowerLoss", "Reboot", "HardReset", "SoftReset"])
async def test_power_cut(central: Central, reason: str) -> None:
    """A charger that came back goes on with its car, unless the start is what fells it."""
    _, charger = await free(central)
    await plug_in(charger)
    number = await charge(charger)
    charger.forget()
    await plug_in(charger)
    await charger.call("StopTransaction", stop(number, reason=reason))
    await charge(charger)
    charger.forget()
    number = await charger.start(meter=2000, token="HOMEASSISTANT")
    await charger.call("StopTransaction", stop(number, 2000, reason=reason))
    await plug_in(charger)
    await rest(charger)
    assert starts(charger) == []


async def test_another_car_while_the_charger_was_away(central: Central) -> None:
    """The end of one session is told after the next car has come."""
    _, charger = await free(central)
    await plug_in(charger)
    number = await charge(charger)
    await charger.close()
    charger = await dial(central)
    await plug_in(charger)
    await rest(charger)
    assert starts(charger) == []
    await charger.call("StopTransaction", stop(number, reason="EVDisconnected"))
    await charge(charger)


async def test_paused(central: Central) -> None:
    """A car is not started while charging is paused, but when it goes on."""
    charge_point, charger = await free(central)
    await charge_point.set_paused(1, True)
    await plug_in(charger)
    await rest(charger)
    assert starts(charger) == []
    await charge_point.set_paused(1, False)
    await charge(charger)
    assert starts(charger) == [1]


async def test_strangers_are_not_started(central: Central) -> None:
    """Nor a charger that has been added before it says that it is there."""
    charger = await central.dial("/CP9")
    await charger.call("StatusNotification", status("Preparing"))
    stranger = central.system.unknown["cp9"]
    stranger.access.set_mode(AccessMode.PLUG_AND_CHARGE)
    await charger.alive()
    assert starts(charger) == []


# --- What the charger decides ----------------------------------------------------------


KEYS = {
    "local_authorize_offline": "LocalAuthorizeOffline",
    "local_pre_authorize": "LocalPreAuthorize",
    "allow_offline_unknown": "AllowOfflineTxForUnknownId",
}


def keys(readonly: bool = False, **values: str) -> Payload:
    """Return an answer to GetConfiguration."""
    return {
        "configurationKey": [
            {"key": key, "value": value, "readonly": readonly}
            for key, value in values.items()
        ]
    }


async def with_keys(central: Central, **values: str) -> tuple[ChargePoint, Charger]:
    """Have a charger tell its configuration."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = keys(**values)
    await charger.boot(status("Available"))
    await bring_up()
    charger.forget()
    return charge_point, charger


def changes(charger: Charger) -> list[tuple[str, str]]:
    """Return what was changed in the configuration."""
    return [
        (call.payload["key"], call.payload["value"])
        for call in charger.calls
        if call.action == "ChangeConfiguration"
    ]


@pytest.mark.parametrize("name", list(KEYS))
async def test_key(central: Central, name: str) -> None:
    """It is as the charger has it, and changes with its consent only."""
    key = KEYS[name]
    charge_point, charger = await with_keys(central, **{key.upper(): "TRUE"})
    settings = charge_point.access_keys
    assert settings.value(name) is True
    await settings.set(name, False)
    assert changes(charger) == [(key.upper(), "false")]
    assert settings.value(name) is False
    charger.answers["ChangeConfiguration"] = {"status": "Rejected"}
    with pytest.raises(Exception, match="Rejected"):
        await settings.set(name, True)
    assert settings.value(name) is False
    charger.answers["ChangeConfiguration"] = {"status": "RebootRequired"}
    await settings.set(name, True)
    assert settings.value(name) is True


async def test_key_while_the_charger_is_away(central: Central) -> None:
    """It is changed when the charger is back, and only if it is not so already."""
    charge_point, charger = await with_keys(
        central, LocalAuthorizeOffline="true", AllowOfflineTxForUnknownId="false"
    )
    await charger.close()
    await charge_point.access_keys.set("local_authorize_offline", True)
    await charge_point.access_keys.set("allow_offline_unknown", True)
    assert charge_point.access_keys.value("allow_offline_unknown") is True
    for told in ([("AllowOfflineTxForUnknownId", "true")], []):
        charger = await central.dial()
        await charger.boot(status("Available"))
        await bring_up()
        assert changes(charger) == told
        assert charge_point.access_keys.value("allow_offline_unknown") is True
        await charger.close()


async def test_key_refused_when_it_is_back(
    central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    """Then the wish is over, and what the charger has is shown."""
    charge_point, charger = await with_keys(central, LocalAuthorizeOffline="true")
    await charger.close()
    await charge_point.access_keys.set("local_authorize_offline", False)
    charger = await central.dial()
    charger.answers["ChangeConfiguration"] = {"status": "Rejected"}
    await charger.boot(status("Available"))
    await bring_up()
    assert charge_point.access_keys.value("local_authorize_offline") is True
    assert "refused to change LocalAuthorizeOffline" in caplog.text


async def test_key_changed_by_somebody_else(central: Central) -> None:
    """The newest word counts: it is not written over."""
    charge_point, charger = await with_keys(central, LocalAuthorizeOffline="true")
    await charge_point.access_keys.set("local_authorize_offline", True)
    await charge_point.commands.set_configuration("LocalAuthorizeOffline", "false")
    assert charge_point.access_keys.value("local_authorize_offline") is False
    await charger.close()
    charger = await central.dial()
    await charger.boot(status("Available"))
    await bring_up()
    assert changes(charger) == []


async def test_keys_that_cannot_be_changed(central: Central) -> None:
    """They are no settings, nor are those that the charger does not have."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = keys(readonly=True, LocalPreAuthorize="true")
    await charger.boot(status("Available"))
    await bring_up()
    assert not set(KEYS) & set(charge_point.values(0))
    await charge_point.access_keys.choose(AccessMode.KNOWN_TOKENS)
    await charger.alive()
    assert changes(charger) == []


@pytest.mark.parametrize("mode", list(AccessMode))
async def test_whoever_is_asked_first(central: Central, mode: AccessMode) -> None:
    """It is Home Assistant or the charger: the last choice counts."""
    charge_point, charger = await with_keys(central, LocalPreAuthorize="true")
    await charge_point.access_keys.choose(mode)
    assert changes(charger) == [("LocalPreAuthorize", "false")]
    await charge_point.access_keys.choose(mode)
    assert len(changes(charger)) == 1
    await charge_point.access_keys.set("local_pre_authorize", True)
    assert charge_point.access.mode is (
        AccessMode.ANY_TOKEN if mode is AccessMode.PLUG_AND_CHARGE else mode
    )
    assert charge_point.access_keys.value("local_pre_authorize") is True


async def test_bring_up_is_waited_for(central: Central) -> None:
    """A car that comes in the middle of the first conversation is started after it."""
    charge_point = await central.add()
    charge_point.access.set_mode(AccessMode.PLUG_AND_CHARGE)
    charger = await central.dial()
    charger.answers["GetConfiguration"] = Silence()
    await charger.boot(status("Preparing"))
    call = await charger.called("GetConfiguration")
    # It boots once more: the conversation begins again.
    await charger.boot(status("Preparing"))
    call = await charger.called("GetConfiguration")
    assert starts(charger) == []
    await charger.answer(call, keys(LocalPreAuthorize="false"))
    await charge(charger)
    await until(
        lambda listener: charge_point.subscribe(1, ("status",), listener),
        lambda: charge_point.status(1) == "charging",
    )
