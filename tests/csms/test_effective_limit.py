"""What may flow at a connector, and by whose word."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.model import ChargingLimit, LimitUnit
from custom_components.ocpp_central.csms.timing import Timing

from .common import (
    TIMING,
    Answer,
    Central,
    Charger,
    HangUp,
    Payload,
    Refusal,
    Silence,
    bring_up,
    central_system,
    meter_values,
    sample,
    stamp,
    status,
    stop,
    until,
)
from .conftest import LoopClock

SOON = replace(TIMING, settle=0)


@pytest.fixture
async def central(socket_enabled: None) -> AsyncIterator[Central]:
    """Return a central system that asks at once."""
    async with central_system(timing=SOON) as central:
        yield central


def schedule(
    *periods: tuple[float, float] | tuple[float, float, int],
    connector: int = 1,
    unit: str = "A",
    start: str | None = None,
    duration: int = 86_400,
) -> Payload:
    """Return an answer to GetCompositeSchedule."""
    start = start or stamp()
    return {
        "status": "Accepted",
        "connectorId": connector,
        "scheduleStart": start,
        "chargingSchedule": {
            "duration": duration,
            "startSchedule": start,
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [
                {
                    "startPeriod": offset,
                    "limit": limit,
                    **({"numberPhases": phases[0]} if phases else {}),
                }
                for offset, limit, *phases in periods
            ],
        },
    }


async def ready(
    central: Central, answer: Answer, *, connectors: int = 1, **more: Any
) -> tuple[ChargePoint, Charger]:
    """Have a charger past its bring-up."""
    charge_point, charger = await central.connect(**more)
    charger.answers["GetCompositeSchedule"] = answer
    await charger.boot(
        *(status("Available", number) for number in range(1, connectors + 1))
    )
    await bring_up()
    return charge_point, charger


def shown(charge_point: ChargePoint, connector: int = 1) -> tuple[Any, Any]:
    """Return the limit and by what it is known."""
    return (
        charge_point.value(connector, "effective_limit"),
        charge_point.value(connector, "effective_limit_source"),
    )


async def shows(
    charge_point: ChargePoint, limit: float | None, source: str, connector: int = 1
) -> None:
    """Wait until this is the limit."""
    await until(
        lambda listener: charge_point.subscribe(
            connector,
            ("effective_limit", "effective_limit_source", "effective_limit_schedule"),
            listener,
        ),
        lambda: shown(charge_point, connector) == (limit, source),
    )


def questions(charger: Charger) -> list[int]:
    """Return of which connectors the charger was asked since this was last asked."""
    asked = [
        call.payload["connectorId"]
        for call in charger.calls
        if call.action == "GetCompositeSchedule"
    ]
    charger.forget()
    return asked


async def settled(charge_point: ChargePoint) -> None:
    """Wait until nothing is asked any more."""
    name = f"{charge_point.identity} read the limits in force"
    tasks = [task for task in asyncio.all_tasks() if task.get_name() == name]
    await asyncio.gather(*tasks)


# The charger's own sum


async def test_of_all_connectors(central: Central) -> None:
    """After the first conversation the charger is asked, once of each and of itself."""

    def answer(payload: Payload) -> Answer:
        connector = payload["connectorId"]
        return schedule((0, 10.0 + connector), connector=connector)

    charge_point, charger = await ready(central, answer, connectors=2)
    await shows(charge_point, 12, "composite", 2)
    assert shown(charge_point, 1) == (11, "composite")
    assert shown(charge_point, 0) == (10, "composite")
    await settled(charge_point)
    assert questions(charger) == [0, 1, 2]
    assert charger.calls == []


async def test_question(central: Central) -> None:
    """The charger answers in its own unit: none is asked for."""
    _, charger = await ready(central, schedule((0, 16)))
    call = await charger.called("GetCompositeSchedule")
    assert call.payload == {"connectorId": 0, "duration": 86_400}


@pytest.mark.parametrize(
    ("answer", "limit"),
    [
        (schedule((0, 11_040), unit="W"), 16),
        (schedule((0, 3680, 1), unit="W"), 16),
        (schedule((0, 16.4)), 16.4),
        # No limit, as MicroOcpp says it.
        (schedule((0, -1)), None),
        # Sorted by nobody, and begun some time ago.
        (schedule((60, 8), (0, 16), start=stamp(seconds=90)), 8),
        # By a clock that was never set.
        (schedule((0, 16), (600, 8), start="1970-01-01T00:00:00Z"), 16),
        # In half a century.
        (schedule((0, 16), start="2077-01-01T00:00:00Z"), 16),
        (schedule((5, 16)), 16),
    ],
)
async def test_value(central: Central, answer: Payload, limit: float | None) -> None:
    """In A per phase, for now."""
    charge_point, _ = await ready(central, answer)
    await shows(charge_point, limit, "composite")


async def test_schedule(central: Central) -> None:
    """All of it is kept, as the charger told it."""
    charge_point, _ = await ready(central, schedule((0, 7360), (1800, -1, 1), unit="W"))
    await shows(charge_point, 10.7, "composite")
    known = charge_point.schedules.at(1)
    assert known
    first, second = known.periods
    assert known.unit is LimitUnit.WATT
    assert second.start - first.start == timedelta(seconds=1800)
    assert (first.limit, first.phases) == (7360, None)
    assert (second.limit, second.phases) == (None, 1)
    assert known.end - first.start == timedelta(days=1)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "Accepted"},
        {"status": "Accepted", "chargingSchedule": "none"},
        {"status": "Accepted", "chargingSchedule": {}},
        schedule(),
        schedule((0, 16), duration=60, start=stamp(hours=1)),
        {
            "status": "Accepted",
            "chargingSchedule": {
                "chargingRateUnit": None,
                "duration": "long",
                "chargingSchedulePeriod": [
                    None,
                    {"startPeriod": "now", "limit": 1},
                    {"startPeriod": 0, "limit": None},
                    {"startPeriod": 1e30, "limit": 1},
                ],
            },
        },
        {"status": "Rejected"},
        Refusal("PropertyConstraintViolation"),
        Refusal("InternalError"),
    ],
)
async def test_no_use(central: Central, answer: Answer) -> None:
    """An answer that tells nothing shows nothing, and is asked for another time."""
    charge_point, charger = await ready(central, answer)
    await charger.called("GetCompositeSchedule")
    await charger.called("GetCompositeSchedule")
    await settled(charge_point)
    assert shown(charge_point) == (None, None)
    assert not charge_point.capabilities.no_composite
    charger.answers["GetCompositeSchedule"] = schedule((0, 16))
    await charger.call("StatusNotification", status("Preparing"))
    await shows(charge_point, 16, "composite")


# When it is asked


async def test_when(central: Central) -> None:
    """After each change of a profile, a transaction or a status, of what it concerns."""
    charge_point, charger = await ready(central, schedule((0, 16)), connectors=2)
    await shows(charge_point, 16, "composite", 2)
    await settled(charge_point)
    questions(charger)

    async def look() -> list[int]:
        await charger.alive()
        await settled(charge_point)
        return questions(charger)

    await charger.call("StatusNotification", status("Preparing", 2))
    assert await look() == [2]
    transaction = await charger.start(2)
    assert await look() == [2]
    await charger.call("MeterValues", meter_values(sample("7", "Current.Import")))
    assert await look() == []
    await charge_point.limits.limit_default(1, ChargingLimit(10))
    assert await look() == [0, 1]
    await charge_point.commands.clear_charging_profile({})
    assert await look() == [0, 1, 2]
    await charge_point.commands.call(
        "ClearChargingProfile", {"chargingProfilePurpose": "TxProfile"}
    )
    assert await look() == [0, 1, 2]
    await charger.call("StopTransaction", stop(transaction))
    assert await look() == [2]
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}
    with pytest.raises(Exception, match="Rejected"):
        await charge_point.limits.limit_default(1, ChargingLimit(8))
    assert await look() == []


async def test_gentle(socket_enabled: None, loop_clock: LoopClock) -> None:
    """What changes within seconds is one question, and not during the first talk."""
    timing = replace(TIMING, settle=5, boot_grace=60)
    async with central_system(timing=timing) as central:
        _, charger = await central.connect()
        charger.answers["GetCompositeSchedule"] = schedule((0, 16))
        await charger.boot(status("Available"))
        loop_clock.advance(10)
        await charger.alive()
        await charger.alive()
        assert questions(charger) == []
        loop_clock.advance(60)
        await bring_up()
        for each in ("Preparing", "Charging", "SuspendedEV", "Charging"):
            await charger.call("StatusNotification", status(each))
        assert questions(charger) == []
        loop_clock.advance(5.1)
        await charger.called("GetCompositeSchedule")
        await charger.alive()
        await charger.alive()
        assert sorted(call.payload["connectorId"] for call in charger.calls) == [0, 1]


async def test_next_period(socket_enabled: None, loop_clock: LoopClock) -> None:
    """When a period ends the next one shows, and the charger is asked again."""
    async with central_system(timing=SOON) as central:
        charge_point, charger = await ready(central, schedule((0, 16), (3600, 8)))
        await shows(charge_point, 16, "composite")
        await settled(charge_point)
        questions(charger)
        start = stamp(seconds=3600)
        charger.answers["GetCompositeSchedule"] = schedule(
            (0, 16), (3600, 8), start=start
        )
        loop_clock.advance(3601)
        await shows(charge_point, 8, "composite")
        await settled(charge_point)
        assert sorted(questions(charger)) == [0, 1]


async def test_short_schedule(socket_enabled: None, loop_clock: LoopClock) -> None:
    """A charger that looks ahead by seconds is asked once a minute all the same."""
    async with central_system(timing=SOON) as central:
        charge_point, charger = await ready(central, schedule((0, 16), duration=5))
        await shows(charge_point, 16, "composite")
        await settled(charge_point)
        questions(charger)
        for seconds, asked in ((6, []), (30, []), (30, [0, 1])):
            loop_clock.advance(seconds)
            await charger.alive()
            await settled(charge_point)
            assert sorted(questions(charger)) == asked


@pytest.mark.parametrize(
    "answer",
    [
        Refusal("NotSupported"),
        Refusal("NotImplemented"),
        {"status": "NotSupported"},
        {"status": "NotImplemented"},
    ],
    ids=str,
)
async def test_not_supported(central: Central, answer: Answer) -> None:
    """Said once, it holds for this firmware, also after a restart."""
    charge_point, charger = await ready(central, answer)
    await charger.called("GetCompositeSchedule")
    await settled(charge_point)
    assert charge_point.capabilities.no_composite
    questions(charger)
    await charger.call("StatusNotification", status("Preparing"))
    await charger.alive()
    assert questions(charger) == []

    await central.restart()
    charge_point, charger = await ready(central, schedule((0, 16)))
    await charger.alive()
    assert questions(charger) == []
    # Another firmware may have learnt it.
    await charger.boot(firmwareVersion="2.0")
    await bring_up()
    await shows(charge_point, 16, "composite", 0)


async def test_no_answer(socket_enabled: None, loop_clock: LoopClock) -> None:
    """Who does not answer is not asked again."""
    async with central_system(timing=replace(SOON, call=30)) as central:
        charge_point, charger = await ready(central, Silence())
        await charger.called("GetCompositeSchedule")
        loop_clock.advance(31)
        await settled(charge_point)
        assert charge_point.capabilities.no_composite
        assert questions(charger) == [0]


async def test_deadly_question(central: Central) -> None:
    """A charger that drops its socket over it is asked twice, and never again."""
    charge_point, charger = await ready(central, HangUp())
    for _ in range(2):
        await charger.closed.wait()
        await settled(charge_point)
        charger = await central.dial()
        charger.answers["GetCompositeSchedule"] = HangUp()
        await charger.boot(status("Available"))
        await bring_up()
    await charger.alive()
    await settled(charge_point)
    assert charge_point.capabilities.no_composite
    assert not charger.closed.is_set()


async def test_stranger(central: Central) -> None:
    """Who is not added yet is not asked."""
    charger = await central.dial("/STRANGER")
    await charger.boot(status("Available"))
    await charger.alive()
    assert charger.calls == []


# What else tells


async def test_offered(central: Central) -> None:
    """Without a sum of its own, what the charger says it offers counts."""
    charge_point, charger = await ready(central, Refusal("NotImplemented"))
    await settled(charge_point)
    await charger.call("MeterValues", meter_values(sample("13", "Current.Offered")))
    await shows(charge_point, 13, "offered")
    await charger.call("MeterValues", meter_values(sample("6", "Current.Offered")))
    await shows(charge_point, 6, "offered")


async def test_accepted_is_not_applied(central: Central) -> None:
    """What was only accepted is not verified, until the current agrees with it."""
    charge_point, charger = await ready(central, Refusal("NotImplemented"))
    await settled(charge_point)
    assert shown(charge_point) == (None, None)
    await charge_point.limits.limit_default(1, ChargingLimit(10))
    await shows(charge_point, 10, "unverified")
    await charger.call("StatusNotification", status("Charging"))
    for current, limit, source in (
        ("9.8", 10, "measured"),
        ("6", 10, "unverified"),
        ("16", None, "unverified"),
    ):
        await charger.call(
            "MeterValues", meter_values(sample(current, "Current.Import"))
        )
        await shows(charge_point, limit, source)


async def test_paused(central: Central) -> None:
    """A pause that the charger shows is a limit of nothing."""
    charge_point, charger = await ready(central, Refusal("NotImplemented"))
    await settled(charge_point)
    await charger.call("MeterValues", meter_values(sample("0", "Current.Import")))
    await charger.start()
    await charge_point.set_paused(1, True)
    await charger.call("StatusNotification", status("SuspendedEVSE"))
    await shows(charge_point, 0, "measured")


async def test_ceiling(central: Central) -> None:
    """The lowest of what we have set holds; and the station has its own."""
    charge_point, _ = await ready(central, Refusal("NotImplemented"))
    await settled(charge_point)
    await charge_point.limits.limit_default(1, ChargingLimit(14))
    await shows(charge_point, 14, "unverified")
    await charge_point.set_maximum_current(12)
    await shows(charge_point, 12, "unverified")
    assert shown(charge_point, 0) == (12, "unverified")


def test_timing() -> None:
    """Out of tests a charger is asked every few seconds at most."""
    assert Timing().settle >= 3
