"""From "16 A" to the profiles a charger holds."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.capabilities import ConfigurationKey
from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import (
    CommandFailed,
    CommandRejected,
    CommandTimeout,
    NotConnected,
)
from custom_components.ocpp_central.csms.model import ChargingLimit, LimitUnit, Wishes

from .common import (
    TIMING,
    Answer,
    Central,
    Charger,
    Payload,
    Refusal,
    Silence,
    bring_up,
    central_system,
    meter_values,
    sample,
    status,
    stop,
    until,
)
from .conftest import LoopClock

NOW = "2026-05-01T12:00:00Z"
# Ten minutes before it.
BEFORE = "2026-05-01T11:50:00Z"
ALWAYS = "2020-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clocks on the wall."""
    freezer.move_to(NOW)


def profile(
    number: int,
    purpose: str,
    *periods: tuple[int, float],
    start: str = ALWAYS,
    unit: str = "A",
    transaction: int | None = None,
) -> Payload:
    """Return a profile as a charger should get it."""
    result: Payload = {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": start,
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [
                {"startPeriod": seconds, "limit": limit} for seconds, limit in periods
            ],
        },
    }
    if transaction is not None:
        result["transactionId"] = transaction
    return result


def station(limit: float, unit: str = "A") -> tuple[int, Payload]:
    """Return the ceiling of the charge point."""
    return 0, profile(1, "ChargePointMaxProfile", (0, limit), unit=unit)


def default(connector: int, limit: float, unit: str = "A") -> tuple[int, Payload]:
    """Return what holds for any transaction of a connector."""
    number = 2 * connector
    return connector, profile(number, "TxDefaultProfile", (0, limit), unit=unit)


def running(
    connector: int,
    transaction: int,
    *periods: tuple[int, float],
    unit: str = "A",
    start: str = BEFORE,
) -> tuple[int, Payload]:
    """Return what holds for the running transaction."""
    return connector, profile(
        2 * connector + 1,
        "TxProfile",
        *periods,
        start=start,
        unit=unit,
        transaction=transaction,
    )


def profiles(charger: Charger) -> list[tuple[int, Payload]]:
    """Return what was installed since this was last asked."""
    installed = [
        (call.payload["connectorId"], call.payload["csChargingProfiles"])
        for call in charger.calls
        if call.action == "SetChargingProfile"
    ]
    charger.forget()
    return installed


async def settled(charge_point: ChargePoint, charger: Charger) -> None:
    """Wait until what goes on in the background is done."""
    await charger.alive()
    while tasks := [
        task
        for task in asyncio.all_tasks()
        if task.get_name() == f"{charge_point.identity} set the charging limit"
    ]:
        await asyncio.wait(tasks)


async def charging(central: Central, **more: Any) -> tuple[ChargePoint, Charger, int]:
    """Return a charger in the middle of a transaction."""
    charge_point, charger = await central.connect(**more)
    number = await charger.start()
    await charger.call("StatusNotification", status("Charging"))
    named = meter_values(sample("1000"), transaction=number)
    await charger.call("MeterValues", named)
    await settled(charge_point, charger)
    assert profiles(charger) == []
    return charge_point, charger, number


def refuse(purpose: str, answer: Answer) -> Answer:
    """Refuse the profiles of one purpose."""

    def choose(payload: Payload) -> Answer:
        given = payload["csChargingProfiles"]["chargingProfilePurpose"]
        return answer if given == purpose else {"status": "Accepted"}

    return choose


# Idle


async def test_limit_of_a_connector(central: Central) -> None:
    """While nothing charges, it is the default of what comes."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Available"))
    await charge_point.set_current_limit(1, 10)
    assert profiles(charger) == [default(1, 10)]
    # What it holds already is not written again.
    await charge_point.set_current_limit(1, 10)
    assert profiles(charger) == []
    await charge_point.set_current_limit(1, 12.3)
    assert profiles(charger) == [default(1, 12.3)]


async def test_each_connector_has_its_own(central: Central) -> None:
    """Neither the station nor the other one is throttled."""
    charge_point, charger = await central.connect()
    for connector in (1, 2):
        await charger.call("StatusNotification", status("Available", connector))
    await charge_point.set_current_limit(2, 8)
    await charge_point.set_current_limit(1, 9)
    # And nothing had to be asked for it.
    assert charger.actions == ["SetChargingProfile"] * 2
    assert profiles(charger) == [default(2, 8), default(1, 9)]
    ids = {default(n, 0)[1]["chargingProfileId"] for n in range(1, 9)}
    ids |= {running(n, 1)[1]["chargingProfileId"] for n in range(1, 9)}
    assert len(ids | {station(0)[1]["chargingProfileId"]}) == 17


async def test_ceiling(central: Central) -> None:
    """The whole charge point is limited as such."""
    charge_point, charger = await central.connect(installation_current=25)
    await charge_point.set_maximum_current(20)
    assert profiles(charger) == [station(20)]
    # Never above what the wiring was said to carry.
    await charge_point.limits.limit_station(ChargingLimit(32))
    assert profiles(charger) == [station(25)]
    assert charge_point.wishes.maximum_current == 25


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [(6, 6), (5.9, 6), (1, 6), (0, 6), (10.04, 10), (10.05, 10), (10.09, 10), (32, 32)],
)
async def test_what_a_car_can_do(central: Central, wanted: float, sent: float) -> None:
    """Never below 6 A, never 0 while idle, and never more than was asked for."""
    charge_point, charger = await central.connect(installation_current=32)
    await charger.call("StatusNotification", status("Available"))
    await charge_point.set_current_limit(1, wanted)
    assert profiles(charger) == [default(1, sent)]
    # The action rounds in the same way, and writes once.
    await charge_point.set_current_limit(1, 31)
    profiles(charger)
    await charge_point.limits.limit_default(1, ChargingLimit(wanted))
    assert profiles(charger) == [default(1, sent)]


# In a transaction


async def test_limit_in_a_transaction(central: Central) -> None:
    """What holds for any transaction holds for the one that runs as well."""
    charge_point, charger, number = await charging(central)
    await charge_point.set_current_limit(1, 10)
    assert profiles(charger) == [default(1, 10)]
    await charger.call("StopTransaction", stop(number))
    await charger.call("StatusNotification", status("Available"))
    await charger.start(meter=2000)
    await settled(charge_point, charger)
    assert profiles(charger) == []


async def test_a_default_that_is_fixed(central: Central) -> None:
    """Where a transaction goes on as it began, it is told itself."""
    charge_point, charger, number = await charging(central)
    charge_point.capabilities.default_fixed = True
    await charge_point.set_current_limit(1, 10)
    assert profiles(charger) == [running(1, number, (0, 10)), default(1, 10)]
    await charge_point.set_current_limit(1, 12)
    assert profiles(charger) == [running(1, number, (0, 12)), default(1, 12)]


async def test_more_than_may_flow_without_us(
    central: Central, freezer: FrozenDateTimeFactory
) -> None:
    """The way back is in the schedule, and renewed while we are there."""
    charge_point, charger, number = await charging(central)
    await charge_point.set_offline_current(8)
    assert profiles(charger) == [
        running(1, number, (0, 16), (600 + 300, 8)),
        default(1, 8),
    ]
    freezer.tick(149)
    charge_point.transactions.tick()
    await settled(charge_point, charger)
    assert profiles(charger) == []
    freezer.tick(1)
    charge_point.transactions.tick()
    await settled(charge_point, charger)
    later = "2026-05-01T11:52:30Z"
    assert profiles(charger) == [
        running(1, number, (0, 16), (600 + 300, 8), start=later)
    ]
    # What is written for another reason needs no renewal so soon.
    freezer.tick(100)
    await charge_point.set_current_limit(1, 12)
    later = "2026-05-01T11:54:10Z"
    assert profiles(charger) == [
        running(1, number, (0, 12), (600 + 300, 8), start=later)
    ]
    # Back to what holds for any transaction.
    await charge_point.set_current_limit(1, 7)
    assert profiles(charger) == [
        running(1, number, (0, 7), start=later),
        default(1, 7),
    ]


async def test_fallback_that_is_lifted(central: Central) -> None:
    """What was written for its sake is written anew."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Available"))
    await charge_point.set_offline_current(8)
    assert profiles(charger) == [default(1, 8)]
    await charge_point.set_offline_current(16)
    assert profiles(charger) == [default(1, 16)]


async def test_pause(central: Central) -> None:
    """0 A, in a transaction only; going on replaces it, for not all can clear it."""
    charge_point, charger, number = await charging(central, installation_current=20)
    events: list[str] = []
    charge_point.subscribe_events(lambda event: events.append(event.type))
    await charge_point.set_paused(1, True)
    assert profiles(charger) == [running(1, number, (0, 0))]
    await charge_point.set_paused(1, True)
    assert profiles(charger) == []
    await charge_point.set_paused(1, False)
    assert profiles(charger) == [running(1, number, (0, 20))]
    # The profile is there now, and has to follow.
    await charge_point.set_current_limit(1, 10)
    assert profiles(charger) == [running(1, number, (0, 10)), default(1, 10)]
    await charge_point.set_paused(1, True)
    await charge_point.set_paused(1, False)
    assert profiles(charger) == [
        running(1, number, (0, 0)),
        running(1, number, (0, 10)),
    ]
    await charger.alive()
    assert events == ["paused", "resumed", "paused", "resumed"]
    assert "ClearChargingProfile" not in charger.actions


async def test_pause_without_a_transaction(central: Central) -> None:
    """The wish waits for a transaction: some chargers hang on 0 A while idle."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Preparing"))
    await charge_point.set_paused(1, True)
    assert profiles(charger) == []
    number = await charger.start()
    await settled(charge_point, charger)
    assert profiles(charger) == [running(1, number, (0, 0))]


async def test_ceiling_while_paused(central: Central) -> None:
    """Going on, a car gets what the station may carry."""
    charge_point, charger, number = await charging(central)
    await charge_point.set_maximum_current(13)
    await charge_point.set_paused(1, True)
    profiles(charger)
    await charge_point.set_paused(1, False)
    assert profiles(charger) == [running(1, number, (0, 13))]


async def test_limit_of_the_session(central: Central) -> None:
    """It ends with the transaction, or when the connector's own one is set anew."""
    charge_point, charger, number = await charging(central, installation_current=20)
    await charge_point.set_current_limit(1, 16)
    profiles(charger)
    assert await charge_point.limits.limit_session(1, ChargingLimit(8), None) == {
        "status": "Accepted"
    }
    assert profiles(charger) == [running(1, number, (0, 8))]
    # The newest wish wins.
    await charge_point.set_current_limit(1, 20)
    assert profiles(charger) == [running(1, number, (0, 20)), default(1, 20)]
    await charger.call("StopTransaction", stop(number))
    await charger.start(meter=2000)
    await settled(charge_point, charger)
    assert profiles(charger) == []


@pytest.mark.parametrize(
    ("own", "back"), [(None, 16), (10.0, 10)], ids=["no other limit", "another limit"]
)
async def test_limit_for_a_while(
    central: Central, freezer: FrozenDateTimeFactory, own: float | None, back: float
) -> None:
    """The way back is in the schedule: the charger goes it alone."""
    charge_point, charger, number = await charging(central, installation_current=16)
    if own:
        await charge_point.set_current_limit(1, own)
        profiles(charger)
    until_ = datetime.now(UTC) + timedelta(minutes=30)
    await charge_point.limits.limit_session(1, ChargingLimit(8), until_)
    assert profiles(charger) == [running(1, number, (0, 8), (600 + 1800, back))]
    freezer.tick(1700)
    await charge_point.limits.apply()
    assert profiles(charger) == []
    # It has come back by itself: there is nothing to say.
    freezer.tick(101)
    await charge_point.limits.apply()
    assert profiles(charger) == []
    later = "2026-05-01T12:20:01Z"
    await charge_point.set_paused(1, True)
    await charge_point.set_paused(1, False)
    assert profiles(charger) == [
        running(1, number, (0, 0), start=later),
        running(1, number, (0, back), start=later),
    ]


async def test_a_clock_that_is_wrong(
    central: Central, freezer: FrozenDateTimeFactory
) -> None:
    """Times of a schedule are in the charger's time."""
    charge_point, charger, number = await charging(central)
    for _ in range(3):
        freezer.tick(30)
        wrong = (datetime.now(UTC) - timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
        await charger.call(
            "StatusNotification", status("Charging") | {"timestamp": wrong}
        )
    until_ = datetime.now(UTC) + timedelta(minutes=30)
    await charge_point.limits.limit_session(1, ChargingLimit(8), until_)
    assert profiles(charger) == [
        running(1, number, (0, 8), (2400, 16), start="2026-05-01T06:51:30Z")
    ]


async def test_limit_of_a_session_without_one(central: Central) -> None:
    """The charger itself says what it thinks of that."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Available"))
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}
    with pytest.raises(CommandRejected):
        await charge_point.limits.limit_session(1, ChargingLimit(8), None)
    connector, sent = running(1, 0, (0, 8))
    del sent["transactionId"]
    assert profiles(charger) == [(connector, sent)]


async def test_limit_of_the_next_session(central: Central) -> None:
    """A start with a limit: the profile follows the transaction's id."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Preparing"))
    charge_point.limits.limit_next_session(1, "TAG", ChargingLimit(7))
    number = await charger.start(token="TAG")
    await settled(charge_point, charger)
    assert profiles(charger) == [running(1, number, (0, 7))]
    await charger.call("StopTransaction", stop(number))
    await charger.start(meter=2000, token="TAG")
    await settled(charge_point, charger)
    assert profiles(charger) == []


async def test_a_charger_that_does_not_know_its_transaction_yet(
    central: Central,
) -> None:
    """It is tried again when there is something new, and only then complained of."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Preparing"))
    await charge_point.set_paused(1, True)
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}
    number = await charger.start()
    await settled(charge_point, charger)
    assert profiles(charger) == [running(1, number, (0, 0))]
    charger.answers["SetChargingProfile"] = {"status": "Accepted"}
    await charger.call("StatusNotification", status("Charging"))
    await settled(charge_point, charger)
    assert profiles(charger) == [running(1, number, (0, 0))]
    named = meter_values(sample("1000"), transaction=number)
    await charger.call("MeterValues", named)
    await charger.call("MeterValues", named)
    await settled(charge_point, charger)
    assert profiles(charger) == []


async def test_a_transaction_of_someone_else(central: Central) -> None:
    """Its id serves as well as one of ours."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("MeterValues", meter_values(sample("1"), transaction=777))
    await charge_point.set_paused(1, True)
    assert profiles(charger) == [running(1, 777, (0, 0))]


# Away and back


async def test_wish_while_away(central: Central) -> None:
    """It is kept, and carried out when the charger is back."""
    charge_point = await central.add(installation_current=32)
    charge_point.add_connector(1)
    wished: list[float | None] = []
    charge_point.subscribe_wishes(
        lambda: wished.append(charge_point.wish(1).current_limit)
    )
    await charge_point.set_current_limit(1, 10)
    await charge_point.set_maximum_current(20)
    assert wished == [10, 10]
    charger = await central.dial()
    await charger.boot()
    await bring_up()
    assert profiles(charger) == [station(20), default(1, 10)]


async def test_wish_when_the_line_goes(central: Central) -> None:
    """A socket that closes in between is no refusal."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Available"))
    charger.answers["SetChargingProfile"] = Silence()
    setting = asyncio.create_task(charge_point.set_current_limit(1, 10))
    await charger.called("SetChargingProfile")
    await charger.hang_up()
    await setting
    assert charge_point.wish(1).current_limit == 10
    charger = await central.dial()
    await charger.boot()
    await bring_up()
    assert profiles(charger) == [default(1, 10)]


async def test_reconnect_without_a_boot(central: Central) -> None:
    """What a charger holds, it still holds: nothing is written."""
    charge_point, charger, number = await charging(central)
    await charge_point.set_current_limit(1, 10)
    await charge_point.set_paused(1, True)
    await charger.close()
    charger = await central.dial()
    await charge_point.limits.apply()
    assert profiles(charger) == []
    # A reboot is another matter.
    await charger.boot()
    await bring_up()
    assert profiles(charger) == [running(1, number, (0, 0)), default(1, 10)]


async def test_going_on_while_away(central: Central) -> None:
    """A pause that ended while the charger was away has to be told to it."""
    charge_point, charger, number = await charging(central)
    await charge_point.set_paused(1, True)
    await charger.close()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    await charge_point.set_paused(1, False)
    # And the process ends as well: only what is written down is left.
    wishes = charge_point.wish(1)
    kept = Wishes(paused=wishes.paused, limited=wishes.limited)
    await central.restart()
    charge_point = await central.add()
    charge_point.wishes.connectors[1] = kept
    charger = await central.dial()
    await charger.boot()
    await bring_up()
    assert profiles(charger) == [running(1, number, (0, 16))]


async def test_nothing_is_written_for_who_wants_nothing(central: Central) -> None:
    """A restart in mid-charge leaves the charger alone."""
    _, charger, _ = await charging(central)
    await central.restart()
    await central.add()
    charger = await central.dial()
    await charger.boot()
    await bring_up()
    assert profiles(charger) == []


# Refused


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": "Rejected"}, CommandRejected),
        ({"status": "NotSupported"}, CommandRejected),
        (Refusal("NotSupported"), CommandFailed),
        (Refusal("PropertyConstraintViolation"), CommandFailed),
        (Refusal("InternalError", "Load balancer is disabled"), CommandFailed),
    ],
)
async def test_refused(
    central: Central, answer: Answer, error: type[Exception]
) -> None:
    """The wish is taken back and the user hears it in the charger's words."""
    charge_point, charger = await central.connect(installation_current=32)
    for connector in (1, 2):
        await charger.call("StatusNotification", status("Available", connector))
    await charge_point.set_current_limit(1, 16)
    await charge_point.set_maximum_current(20)
    wished: list[None] = []
    charge_point.subscribe_wishes(lambda: wished.append(None))
    charger.answers["SetChargingProfile"] = answer
    for setting in (
        charge_point.set_current_limit(1, 10),
        charge_point.set_maximum_current(18),
        charge_point.limits.limit_default(1, ChargingLimit(10)),
        charge_point.limits.limit_station(ChargingLimit(18)),
    ):
        with pytest.raises(error):
            await setting
    assert charge_point.wish(1).current_limit == 16
    assert charge_point.wishes.maximum_current == 20
    assert wished == []
    # It goes on holding what it held.
    charger.answers["SetChargingProfile"] = {"status": "Accepted"}
    profiles(charger)
    await charge_point.limits.apply()
    assert profiles(charger) == []


async def test_refused_pause(central: Central) -> None:
    """A pause that is none is not shown as one."""
    charge_point, charger, number = await charging(central)
    events: list[str] = []
    charge_point.subscribe_events(lambda event: events.append(event.type))
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}
    with pytest.raises(CommandRejected):
        await charge_point.set_paused(1, True)
    assert charge_point.wish(1).paused is False
    # It was tried in every way there is, the likeliest first.
    first, *others = profiles(charger)
    assert first == running(1, number, (0, 0))
    assert others
    assert "ClearChargingProfile" not in charger.actions
    await charger.alive()
    assert events == []


async def test_refused_in_a_transaction(central: Central) -> None:
    """What cannot hold now is not set for later either."""
    charge_point, charger, number = await charging(central)
    await charge_point.set_paused(1, True)
    await charge_point.set_paused(1, False)
    profiles(charger)
    charger.answers["SetChargingProfile"] = refuse("TxProfile", {"status": "Rejected"})
    with pytest.raises(CommandRejected):
        await charge_point.set_current_limit(1, 10)
    assert profiles(charger) == [running(1, number, (0, 10))]
    assert charge_point.wish(1).current_limit is None


async def test_refused_in_the_second_place(central: Central) -> None:
    """What was accepted of a wish that came to nothing is taken back as well."""
    charge_point, charger, number = await charging(central)
    await charge_point.set_paused(1, True)
    await charge_point.set_paused(1, False)
    await charge_point.set_current_limit(1, 16)
    profiles(charger)
    charger.answers["SetChargingProfile"] = refuse(
        "TxDefaultProfile", {"status": "Rejected"}
    )
    with pytest.raises(CommandRejected):
        await charge_point.set_current_limit(1, 10)
    await settled(charge_point, charger)
    assert profiles(charger) == [
        running(1, number, (0, 10)),
        default(1, 10),
        running(1, number, (0, 16)),
    ]


async def test_refused_once_is_not_refused_for_all(central: Central) -> None:
    """What a charger refuses of one connector is no reason to leave out the rest."""
    charge_point = await central.add(installation_current=32)
    for connector in (1, 2):
        charge_point.add_connector(connector)
        await charge_point.set_current_limit(connector, 10)
    await charge_point.set_maximum_current(20)
    charger = await central.dial()
    charger.answers["SetChargingProfile"] = refuse(
        "ChargePointMaxProfile", {"status": "NotSupported"}
    )
    await charger.boot()
    await bring_up()
    assert profiles(charger) == [station(20), default(1, 10), default(2, 10)]
    # Nor is a wish for one taken back for the other's sake.
    await charge_point.set_current_limit(1, 12)
    assert profiles(charger) == [default(1, 12)]
    assert charge_point.wish(1).current_limit == 12


async def test_no_answer(socket_enabled: None, loop_clock: LoopClock) -> None:
    """Nobody knows then what the charger holds, so it is told again."""
    async with central_system(timing=TIMING.__replace__(call=30)) as central:
        charge_point, charger = await central.connect()
        await charger.call("StatusNotification", status("Available"))
        await charge_point.set_current_limit(1, 16)
        profiles(charger)
        charger.answers["SetChargingProfile"] = Silence()
        setting = asyncio.create_task(charge_point.set_current_limit(1, 10))
        await charger.called("SetChargingProfile")
        loop_clock.advance(31)
        with pytest.raises(CommandTimeout):
            await setting
        assert charge_point.wish(1).current_limit == 16
        profiles(charger)
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        await charge_point.limits.apply()
        assert profiles(charger) == [default(1, 16)]


async def test_many_wishes_at_once(central: Central) -> None:
    """A slider that is drawn: what is overtaken is not sent."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Available"))
    charger.answers["SetChargingProfile"] = Silence()
    setting = [asyncio.create_task(charge_point.set_current_limit(1, 6))]
    first = await charger.called("SetChargingProfile")
    setting += [
        asyncio.create_task(charge_point.set_current_limit(1, current))
        for current in range(7, 17)
    ]
    await charger.alive()
    charger.answers["SetChargingProfile"] = {"status": "Accepted"}
    await charger.answer(first, {"status": "Accepted"})
    await asyncio.gather(*setting)
    assert profiles(charger) == [default(1, 6), default(1, 16)]
    assert charge_point.wish(1).current_limit == 16


# Clearing


async def test_clear(central: Central) -> None:
    """Only our own profiles, by their ids."""
    charge_point, charger, _ = await charging(central)
    await charge_point.set_current_limit(1, 10)
    await charge_point.set_maximum_current(20)
    charger.forget()
    assert await charge_point.limits.clear(1) == {"status": "Accepted"}
    assert await charge_point.limits.clear(0) == {"status": "Accepted"}
    assert [(call.action, call.payload) for call in charger.calls] == [
        ("ClearChargingProfile", {"id": 3}),
        ("ClearChargingProfile", {"id": 2}),
        ("ClearChargingProfile", {"id": 1}),
    ]
    assert charge_point.wish(1).current_limit is None
    assert charge_point.wishes.maximum_current is None
    await charge_point.limits.apply()
    assert profiles(charger) == []
    # What is wished for again is sent again.
    await charge_point.set_current_limit(1, 10)
    assert profiles(charger) == [default(1, 10)]


async def test_clear_nothing(central: Central) -> None:
    """A charger that has nothing to clear says so; that is as good."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Available"))
    charger.answers["ClearChargingProfile"] = {"status": "Unknown"}
    assert await charge_point.limits.clear(1) == {"status": "Unknown"}
    charger.answers["ClearChargingProfile"] = Refusal("NotSupported")
    with pytest.raises(CommandFailed):
        await charge_point.limits.clear(1)


# Units


@pytest.mark.parametrize(
    ("words", "units"),
    [
        ("Current", ["A"]),
        ("Power", ["W"]),
        ("Current,Power", ["A", "W"]),
        ("Power,Current", ["A", "W"]),
        ("W", ["W"]),
        ("A", ["A"]),
        ("Amp", ["A"]),
        ("watts;amps", ["A", "W"]),
        (" power ", ["W"]),
        ("", ["A"]),
        ("Whatever", ["A"]),
        (None, ["A"]),
    ],
)
async def test_units(central: Central, words: str | None, units: list[str]) -> None:
    """Chargers name their units in many ways."""
    charge_point = await central.add()
    assert charge_point.limit_units == ["A"]
    charge_point.set_configuration(
        {"ChargingScheduleAllowedChargingRateUnit": ConfigurationKey(words, True)}
    )
    assert charge_point.limit_units == units


async def speaks(charge_point: ChargePoint, words: str) -> None:
    """Let the charger have said which units it speaks."""
    charge_point.set_configuration(
        {"ChargingScheduleAllowedChargingRateUnit": ConfigurationKey(words, True)}
    )


async def test_a_charger_that_only_speaks_watts(central: Central) -> None:
    """Amperes times phases times the nominal voltage."""
    charge_point, charger, number = await charging(
        central, nominal_voltage=230.0, phases=3, installation_current=16
    )
    await speaks(charge_point, "Power")
    await charge_point.set_current_limit(1, 10)
    assert profiles(charger) == [default(1, 6900, "W")]
    await charge_point.set_maximum_current(13)
    assert profiles(charger) == [station(8970, "W")]
    await charge_point.set_paused(1, True)
    assert profiles(charger) == [running(1, number, (0, 0), unit="W")]
    await charge_point.set_paused(1, False)
    profiles(charger)
    until_ = datetime.now(UTC) + timedelta(hours=1)
    limit = ChargingLimit(5000, LimitUnit.WATT)
    await charge_point.limits.limit_session(1, limit, until_)
    assert profiles(charger) == [running(1, number, (0, 5000), (4200, 6900), unit="W")]


async def test_one_phase_in_watts(central: Central) -> None:
    """As many phases as the user wired."""
    charge_point, charger = await central.connect(nominal_voltage=240.0, phases=1)
    await charger.call("StatusNotification", status("Available"))
    await speaks(charge_point, "W")
    await charge_point.set_current_limit(1, 3)
    connector, expected = default(1, 1440, "W")
    # Otherwise the charger would make it up with three.
    expected["chargingSchedule"]["chargingSchedulePeriod"][0]["numberPhases"] = 1
    assert profiles(charger) == [(connector, expected)]


async def test_watts_for_a_charger_that_speaks_amperes(central: Central) -> None:
    """Rounded down, and kept as the user will see it."""
    charge_point, charger = await central.connect(phases=3)
    await charger.call("StatusNotification", status("Available"))
    limit = ChargingLimit(7000, LimitUnit.WATT)
    await charge_point.limits.limit_default(1, limit)
    assert profiles(charger) == [default(1, 10.1)]
    assert charge_point.wish(1).current_limit == pytest.approx(10.14, abs=0.01)
    await charge_point.limits.limit_station(limit)
    assert profiles(charger) == [station(10.1)]
    await charge_point.limits.apply()
    assert profiles(charger) == []


async def test_watts_for_a_charger_that_speaks_both(central: Central) -> None:
    """A fuse is rated in amperes, and so is what is kept: it is written once."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Available"))
    await speaks(charge_point, "Current,Power")
    limit = ChargingLimit(7000, LimitUnit.WATT)
    await charge_point.limits.limit_default(1, limit)
    assert profiles(charger) == [default(1, 10.1)]


# Chargers that know no profiles of a transaction


@pytest.mark.parametrize(
    "answer",
    [{"status": "NotSupported"}, Refusal("NotSupported"), Refusal("NotImplemented")],
)
async def test_only_defaults(central: Central, answer: Answer) -> None:
    """All that is wanted goes into the default, and back to idle at the end."""
    charge_point, charger, number = await charging(central)
    charger.answers["SetChargingProfile"] = refuse("TxProfile", answer)
    await charge_point.set_paused(1, True)
    paused = profile(2, "TxDefaultProfile", (0, 0), (600 + 12 * 3600, 16), start=BEFORE)
    # Found out once, and remembered.
    assert profiles(charger) == [running(1, number, (0, 0)), (1, paused)]
    assert charge_point.capabilities.failed_rungs
    await charge_point.limits.apply()
    assert profiles(charger) == []
    # What was wanted before is written again in the same place.
    await charge_point.set_paused(1, False)
    assert profiles(charger) == [default(1, 16)]
    await charge_point.set_current_limit(1, 10)
    assert profiles(charger) == [default(1, 10)]
    await charge_point.limits.limit_session(1, ChargingLimit(8), None)
    assert profiles(charger) == [(1, profile(2, "TxDefaultProfile", (0, 8)))]
    await charger.call("StopTransaction", stop(number))
    await settled(charge_point, charger)
    assert profiles(charger) == [default(1, 10)]
    await charger.start(meter=2000)
    await settled(charge_point, charger)
    assert profiles(charger) == []


async def test_only_defaults_never_stop_the_next_car(central: Central) -> None:
    """0 A do not outlive the transaction they were for."""
    charge_point, charger, number = await charging(central, installation_current=20)
    charger.answers["SetChargingProfile"] = refuse(
        "TxProfile", {"status": "NotSupported"}
    )
    await charge_point.set_paused(1, True)
    profiles(charger)
    await charger.call("StopTransaction", stop(number))
    await settled(charge_point, charger)
    assert profiles(charger) == [default(1, 20)]


async def test_only_defaults_renew_a_pause(
    central: Central, freezer: FrozenDateTimeFactory
) -> None:
    """It lasts as long as the user wants, and ends by itself without us."""
    charge_point, charger, _ = await charging(central)
    charger.answers["SetChargingProfile"] = refuse(
        "TxProfile", {"status": "NotSupported"}
    )
    await charge_point.set_paused(1, True)
    profiles(charger)
    freezer.tick(5 * 3600)
    charge_point.transactions.tick()
    await settled(charge_point, charger)
    assert profiles(charger) == []
    freezer.tick(3600 + 1)
    charge_point.transactions.tick()
    await settled(charge_point, charger)
    assert profiles(charger) == [
        (
            1,
            profile(
                2,
                "TxDefaultProfile",
                (0, 0),
                (600 + 12 * 3600, 16),
                start="2026-05-01T17:50:01Z",
            ),
        )
    ]


async def test_offline_there_is_nothing_to_say(central: Central) -> None:
    """Actions that answer with the charger's word need the charger."""
    charge_point = await central.add()
    for verb in (
        charge_point.limits.limit_session(1, ChargingLimit(8), None),
        charge_point.limits.limit_default(1, ChargingLimit(8)),
        charge_point.limits.limit_station(ChargingLimit(8)),
        charge_point.limits.clear(1),
        charge_point.limits.apply(),
    ):
        with suppress(NotConnected):
            await verb
            pytest.fail("nobody was there")


# All connectors at once


async def test_all_connectors(central: Central) -> None:
    """One default of all stands only where none has its own."""
    charge_point, charger = await central.connect()
    for connector in (1, 2):
        await charger.call("StatusNotification", status("Available", connector))
    await charge_point.limits.limit_default(0, ChargingLimit(10))
    [(connector, common)] = profiles(charger)
    number = common["chargingProfileId"]
    assert connector == 0
    assert common == profile(number, "TxDefaultProfile", (0, 10))
    await charge_point.set_current_limit(2, 16)
    sent = [
        (call.action, call.payload.get("id"), call.payload.get("connectorId"))
        for call in charger.calls
    ]
    assert sent == [
        ("SetChargingProfile", None, 1),
        ("SetChargingProfile", None, 2),
        ("ClearChargingProfile", number, None),
    ]
    assert profiles(charger) == [default(1, 10), default(2, 16)]
    # It is known after a restart as well.
    assert charge_point.wishes.places == ["default 1 0", "default 2 0"]


async def test_a_limit_of_all_refused_in_every_way(central: Central) -> None:
    """Each way is tried once, and then it is enough."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Available"))
    await charge_point.limits.limit_default(0, ChargingLimit(10))
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}
    charger.forget()
    with pytest.raises(CommandRejected):
        await charge_point.limits.limit_default(0, ChargingLimit(8))
    assert 1 < len(profiles(charger)) < 30
