"""Who may charge in OCPP 2.0.1 and 2.1: the same answer, wherever a token is shown."""

from datetime import UTC, datetime

import pytest

from custom_components.ocpp_central.csms.model import (
    AccessMode,
    AuthorizationStatus,
    Event,
    EventKind,
    KnownToken,
)

from .common import Central, Charger, Payload, bring_up
from .common2 import BOOT, both_versions, card, connect2, event, status

MAY_2030 = datetime(2030, 5, 1, tzinfo=UTC)
ANNA = KnownToken(
    id_token="04A1B2C3", name="Anna", user="Anna", group="FAMILY", expires=MAY_2030
)
LOST = KnownToken(id_token="105C", name="Lost", status=AuthorizationStatus.BLOCKED)
OLD = KnownToken(id_token="01D", name="Old", status=AuthorizationStatus.EXPIRED)
BROKEN = KnownToken(id_token="BAD", name="Bad", status=AuthorizationStatus.INVALID)
ANSWERS = [
    (
        "04a1b2c3",
        {
            "status": "Accepted",
            "groupIdToken": {"idToken": "FAMILY", "type": "Central"},
            "cacheExpiryDateTime": "2030-05-01T00:00:00Z",
        },
    ),
    ("105C", {"status": "Blocked"}),
    ("01D", {"status": "Expired"}),
    ("BAD", {"status": "Invalid"}),
    ("STRANGER", {"status": "Unknown"}),
]


async def authorize(charger: Charger, token: str, kind: str = "ISO14443") -> Payload:
    """Return the answer to a token that is shown."""
    answer = await charger.call("Authorize", {"idToken": card(token, kind)})
    info: Payload = answer["idTokenInfo"]
    return info


@both_versions
@pytest.mark.parametrize(("token", "info"), ANSWERS)
async def test_the_same_answer_everywhere(
    central: Central, version: str, token: str, info: Payload
) -> None:
    """Authorize, and each part of a transaction."""
    central.authorizer.set([ANNA, LOST, OLD, BROKEN], one_session_each=False)
    charge_point, charger = await connect2(central, version)
    charge_point.access.set_mode(AccessMode.KNOWN_TOKENS)
    assert await authorize(charger, token) == info
    answer = await charger.call(
        "TransactionEvent", event("Started", "A", evse=1, token=token)
    )
    assert answer["idTokenInfo"] == info
    await charger.call("TransactionEvent", event("Started", "B", evse=1))
    for kind in ("Updated", "Ended"):
        answer = await charger.call("TransactionEvent", event(kind, "B", token=token))
        assert answer["idTokenInfo"] == info
    answer = await charger.call("TransactionEvent", event("Ended", "C", token=token))
    assert answer["idTokenInfo"] == info


@both_versions
@pytest.mark.parametrize("kind", ["eMAID", "MacAddress", "KeyCode", "Local", "Central"])
async def test_other_kinds_of_tokens(central: Central, version: str, kind: str) -> None:
    """Known or not by what they say; a contract is not vouched for."""
    token = KnownToken(id_token="DE8AA1234567", name="Contract")
    central.authorizer.set([token], one_session_each=False)
    charge_point, charger = await connect2(central, version)
    charge_point.access.set_mode(AccessMode.KNOWN_TOKENS)
    assert await authorize(charger, "DE8AA1234567", kind) == {"status": "Accepted"}
    assert await authorize(charger, "DE8AA7654321", kind) == {"status": "Unknown"}
    answer = await charger.call(
        "Authorize",
        {"idToken": card("DE8AA1234567", kind), "certificate": "PEM"},
    )
    assert answer["certificateStatus"] == "NoCertificateAvailable"


@both_versions
async def test_one_session_each(central: Central, version: str) -> None:
    """A token that charges elsewhere may not do so here."""
    central.authorizer.set([ANNA], one_session_each=True)
    _, charger = await connect2(central, version)
    for evse, expected in ((1, "Accepted"), (2, "ConcurrentTx")):
        answer = await charger.call(
            "TransactionEvent",
            event("Started", f"T{evse}", evse=evse, token="04A1B2C3"),
        )
        assert answer["idTokenInfo"]["status"] == expected
    # What is refused is not taken up by what follows, but may be authorized.
    charge_point = central.system.charge_points["cp1"]
    await charger.call("TransactionEvent", event("Updated", "T2", state="EVConnected"))
    assert charge_point.transactions.at(2) is None


@both_versions
async def test_a_card_is_told_of_once_a_visit(central: Central, version: str) -> None:
    """Authorize and the start it brings are one; ours is no card."""
    charge_point, charger = await connect2(central, version)
    told: list[Event] = []
    charge_point.subscribe_events(
        lambda one: told.append(one) if one.kind is EventKind.ID_TOKEN else None
    )
    await authorize(charger, "CARD1")
    await charger.call("TransactionEvent", event("Started", evse=1, token="CARD1"))
    await charger.call("TransactionEvent", event("Updated", token="CARD1"))
    await charger.alive()
    assert len(told) == 1
    await charger.call("TransactionEvent", event("Ended"))
    # A charger that knows the card does not ask.
    await charger.call(
        "TransactionEvent", event("Started", "T2", evse=1, token="CARD1")
    )
    await charger.alive()
    assert [one.connector for one in told] == [0, 1]
    tag = charge_point.config.remote_tag
    await charger.call("TransactionEvent", event("Started", "T3", evse=2, token=tag))
    await charger.alive()
    assert len(told) == 2


@both_versions
@pytest.mark.parametrize("begun", [False, True])
async def test_plug_and_charge(central: Central, version: str, begun: bool) -> None:
    """A car is started, be there a transaction that waits for it, or none."""
    charge_point, charger = await connect2(central, version)
    charge_point.access.set_mode(AccessMode.PLUG_AND_CHARGE)
    await charger.call("BootNotification", BOOT)
    await bring_up()
    if begun:
        await charger.call(
            "TransactionEvent",
            event("Started", evse=1, reason="CablePluggedIn", state="EVConnected"),
        )
    else:
        await charger.call("StatusNotification", status("Occupied"))
    call = await charger.called("RequestStartTransaction")
    kind = "Updated" if begun else "Started"
    answer = await charger.call(
        "TransactionEvent",
        event(
            kind,
            evse=1,
            reason="RemoteStart",
            token=call.payload["idToken"]["idToken"],
            state="Charging",
            info={"remoteStartId": call.payload["remoteStartId"]},
        ),
    )
    assert answer["idTokenInfo"]["status"] == "Accepted"
    # Whoever stops it has meant it.
    await charger.call(
        "TransactionEvent", event("Ended", info={"stoppedReason": "Local"})
    )
    await charger.call("StatusNotification", status("Occupied"))
    await charger.alive()
    starts = [one for one in charger.calls if one.action == "RequestStartTransaction"]
    assert len(starts) == 1
