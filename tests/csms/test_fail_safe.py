"""What becomes of limits when nobody commands."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.capabilities import ConfigurationKey
from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.clock import utcnow
from custom_components.ocpp_central.csms.fail_safe import CannotTest

from .common import Central, Charger, Payload, central_system, status, until
from .conftest import LoopClock
from .test_effective_limit import schedule
from .test_proof import PROVING, VERIFY, charging, later, measures, quiet, writes


@pytest.fixture(autouse=True)
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clocks on the wall."""
    freezer.move_to("2026-05-01T12:00:00Z")


@pytest.fixture
async def central(socket_enabled: None) -> AsyncIterator[Central]:
    """Return a central system that looks whether it is obeyed."""
    async with central_system(timing=PROVING) as central:
        yield central


def composite(charger: Charger) -> Payload:
    """Answer with the profile for what runs, as a charger that obeys."""
    periods = [(0.0, 16.0)]
    for call in charger.calls:
        if call.action == "SetChargingProfile":
            written = call.payload["csChargingProfiles"]["chargingSchedule"]
            if written["startSchedule"].startswith("2020"):
                continue
            periods = [
                (max(0.0, period["startPeriod"] - 600), period["limit"])
                for period in written["chargingSchedulePeriod"]
            ]
    return schedule(*periods)


def state(charge_point: ChargePoint) -> object:
    """Return what is shown."""
    return charge_point.value(0, "fail_safe")


async def test_shown_by_schedule(central: Central) -> None:
    """The charger's own schedule has the way back in it: kept for its firmware."""
    charge_point, charger = await charging(central)
    charger.answers["GetCompositeSchedule"] = lambda _: composite(charger)
    charge_point.capabilities.no_composite = False
    assert state(charge_point) is None
    await charge_point.set_offline_current(6)
    await quiet(charge_point, charger)
    assert state(charge_point) == "proven"
    await central.restart()
    charge_point = await central.add()
    charger = await central.dial()
    await charger.boot()
    charge_point.wishes.offline_current = 6
    charge_point.wishes_changed()
    assert state(charge_point) == "proven"


async def test_not_shown(central: Central) -> None:
    """A schedule that goes on and on proves nothing."""
    charge_point, charger = await charging(central, schedule((0, 16)))
    await charge_point.set_offline_current(6)
    await quiet(charge_point, charger)
    assert state(charge_point) == "unverified"


async def test_ceiling(central: Central) -> None:
    """Where no less may flow without us, the ceiling in the charger is enough."""
    limits = [16.0]
    charge_point, charger = await charging(central, lambda _: schedule((0, limits[0])))
    limits[0] = 12
    await charge_point.set_maximum_current(12)
    await quiet(charge_point, charger)
    assert state(charge_point) == "proven"
    assert charge_point.fail_safe.counted(1, utcnow()) == 12


async def test_ceiling_unverified(central: Central) -> None:
    """One that was only accepted is not enough."""
    charge_point, charger = await charging(central)
    await charge_point.set_maximum_current(12)
    await quiet(charge_point, charger)
    assert state(charge_point) == "unverified"
    assert charge_point.fail_safe.counted(1, utcnow()) == 16


async def test_one_period(central: Central) -> None:
    """Without a second period, and a level above, there is no way back."""
    charge_point, charger = await charging(central)
    charge_point.set_configuration(
        {
            "ChargingScheduleMaxPeriods": ConfigurationKey("1", True),
            "ChargeProfileMaxStackLevel": ConfigurationKey("0", True),
        }
    )
    await charge_point.set_offline_current(6)
    await quiet(charge_point, charger)
    assert state(charge_point) == "none"
    assert charge_point.fail_safe.counted(1, utcnow()) == 16


# A minute on its own


async def drop(
    central: Central,
    clock: LoopClock,
    freezer: FrozenDateTimeFactory,
    current: float | None,
) -> tuple[ChargePoint, Charger, asyncio.Task[bool]]:
    """Try it out; after a minute this flows, or nothing is told."""
    charge_point, charger = await charging(central)
    await charge_point.set_offline_current(6)
    await measures(charge_point, charger, 16)
    writes(charger)
    test = asyncio.create_task(charge_point.fail_safe.test(1))
    call = await charger.called("SetChargingProfile")
    periods = call.payload["csChargingProfiles"]["chargingSchedule"]
    assert periods["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 16},
        {"startPeriod": 660, "limit": 6},
    ]
    for _ in range(5):
        await charger.alive()
    freezer.tick(60 + VERIFY)
    await later(clock, charge_point, charger, 61 + VERIFY)
    assert not test.done()
    if current is None:
        await later(clock, charge_point, charger, 3600)
    else:
        await measures(charge_point, charger, current)
    return charge_point, charger, test


async def test_drops(
    central: Central, loop_clock: LoopClock, freezer: FrozenDateTimeFactory
) -> None:
    """What flows falls: proven, and the car goes on as before."""
    charge_point, charger, test = await drop(central, loop_clock, freezer, 6)
    assert await test
    await quiet(charge_point, charger)
    assert state(charge_point) == "proven"
    assert ("TxProfile", 16) in writes(charger)


async def test_stays(
    central: Central, loop_clock: LoopClock, freezer: FrozenDateTimeFactory
) -> None:
    """It does not: there is no way back, and no more than that may ever flow."""
    charge_point, charger, test = await drop(central, loop_clock, freezer, 16)
    assert not await test
    await quiet(charge_point, charger)
    assert state(charge_point) == "none"
    held = charge_point.limits.held(1)
    assert held is not None
    assert held.value == 6


async def test_car_stops(
    central: Central, loop_clock: LoopClock, freezer: FrozenDateTimeFactory
) -> None:
    """A car that takes nothing tells nothing."""
    charge_point, _, test = await drop(central, loop_clock, freezer, 0)
    with pytest.raises(CannotTest, match="car_took_less"):
        await test
    assert state(charge_point) == "unverified"


async def test_silent(
    central: Central, loop_clock: LoopClock, freezer: FrozenDateTimeFactory
) -> None:
    """What was measured before it was alone proves nothing against it."""
    charge_point, _, test = await drop(central, loop_clock, freezer, None)
    with pytest.raises(CannotTest, match="no_samples"):
        await test
    assert state(charge_point) == "unverified"


async def test_cannot(central: Central) -> None:
    """Without a car that takes more than may flow without us there is nothing to see."""
    charge_point, charger = await charging(central)
    with pytest.raises(CannotTest, match="no_way_back"):
        await charge_point.fail_safe.test(1)
    await charge_point.set_offline_current(6)
    await measures(charge_point, charger, 6)
    with pytest.raises(CannotTest, match="too_little"):
        await charge_point.fail_safe.test(1)
    await charger.call("StatusNotification", status("SuspendedEV"))
    with pytest.raises(CannotTest, match="no_car"):
        await charge_point.fail_safe.test(1)
    await charger.hang_up()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    with pytest.raises(CannotTest, match="not_connected"):
        await charge_point.fail_safe.test(1)


# What to count on


async def test_counted(central: Central, freezer: FrozenDateTimeFactory) -> None:
    """As told while it is here, then by its course; and a decrease only once it is seen."""
    charge_point, charger = await charging(central)
    charger.answers["GetCompositeSchedule"] = lambda _: composite(charger)
    charge_point.capabilities.no_composite = False
    await charge_point.set_offline_current(6)
    await quiet(charge_point, charger)
    assert state(charge_point) == "proven"
    assert charge_point.fail_safe.counted(1, utcnow()) == 16
    charger.answers["GetCompositeSchedule"] = {"status": "Accepted"}
    await charge_point.set_current_limit(1, 10)
    await quiet(charge_point, charger)
    assert charge_point.fail_safe.counted(1, utcnow()) == 16
    await measures(charge_point, charger, 10)
    assert charge_point.fail_safe.counted(1, utcnow()) == 10
    await charger.hang_up()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    now = utcnow()
    assert charge_point.fail_safe.counted(1, now + timedelta(minutes=4)) == 10
    assert charge_point.fail_safe.counted(1, now + timedelta(minutes=6)) == 6


async def test_counted_unproven(central: Central) -> None:
    """A charger that was not seen to come back is counted at what its wiring carries."""
    charge_point, charger = await charging(central)
    await charge_point.set_offline_current(6)
    await charge_point.set_current_limit(1, 8)
    await quiet(charge_point, charger)
    assert charge_point.fail_safe.counted(1, utcnow()) == 16
