"""What a charger that obeys to the letter lets flow, second by second."""

from datetime import timedelta

from custom_components.ocpp_central.csms.model import ChargingLimit
from custom_components.ocpp_central.csms.timeline import Step

from .site import HOUR, NOW, MakeSite, all_versions

pytestmark = all_versions


async def test_ceiling(site: MakeSite) -> None:
    """Nothing above what the user set, never above what the wiring carries."""
    one = await site()
    await one.holds((0, 32))
    await one.charge_point.set_maximum_current(13)
    await one.holds((0, 13))
    await one.charge_point.limits.limit_station(ChargingLimit(32))
    await one.holds((0, 16))


async def test_idle(site: MakeSite) -> None:
    """The less of fallback and limit, never nothing."""
    one = await site()
    await one.charge_point.set_offline_current(8)
    await one.holds((0, 8))
    await one.charge_point.set_current_limit(1, 7)
    await one.holds((0, 7))
    await one.charge_point.set_paused(1, True)
    await one.holds((0, 7))


async def test_fixed(site: MakeSite) -> None:
    """On a fuse of its own it holds for good, above the fallback and below."""
    one = await site()
    one.charge_point.shares_fuse = False
    await one.charge()
    await one.charge_point.set_current_limit(1, 10)
    await one.holds((0, 10))
    await one.charge_point.set_offline_current(8)
    await one.holds((0, 10))


async def test_live_above(site: MakeSite) -> None:
    """More than the fallback for five minutes; renewed while we are there."""
    one = await site()
    await one.charge_point.set_offline_current(8)
    await one.charge()
    await one.holds((0, 16), (300, 8))
    await one.pass_by(149)
    await one.holds((0, 16), (151, 8))
    await one.pass_by(1)
    await one.holds((0, 16), (300, 8))


async def test_live_below(site: MakeSite) -> None:
    """Less than the fallback for two hours."""
    one = await site()
    await one.charge()
    await one.charge_point.limits.drive(1, (Step(7),))
    await one.holds((0, 7), (2 * HOUR, 16))
    await one.charge_point.limits.drive(1, (Step(4),))
    await one.holds((0, 0), (2 * HOUR, 16))
    # Up it goes slowly.
    await one.charge_point.limits.drive(1, ())
    await one.pass_by(60)
    await one.holds((0, 16))


async def test_pause(site: MakeSite) -> None:
    """Nothing until the user wants it otherwise, whatever becomes of us."""
    one = await site()
    await one.charge()
    await one.charge_point.set_paused(1, True)
    await one.holds((0, 0), beyond=14 * HOUR)
    await one.charge_point.set_paused(1, False)
    await one.holds((0, 16))


async def test_plan(site: MakeSite) -> None:
    """The charger runs it alone, and ends at the fallback."""
    one = await site()
    await one.charge()
    hours = [(1, 0), (2, 16), (3, 0), (4, 10)]
    plan = tuple(Step(limit, NOW + timedelta(hours=hour)) for hour, limit in hours)
    await one.charge_point.limits.drive(1, plan, live=False)
    course = [(0, 0), (HOUR, 16), (2 * HOUR, 0), (3 * HOUR, 10), (4 * HOUR, 16)]
    await one.holds(*course)
    # With others on the fuse only what does not exceed the fallback is left to it.
    await one.charge_point.set_offline_current(8)
    await one.holds((0, 0), (HOUR, 8), (2 * HOUR, 0), (3 * HOUR, 8))


async def test_only_defaults(site: MakeSite) -> None:
    """The same in the place that holds for every car."""
    one = await site()
    await one.charge_point.set_offline_current(8)
    one.insist("default absolute 0 A")
    await one.charge()
    await one.holds((0, 16), (300, 8))
    await one.charge_point.set_paused(1, True)
    await one.holds((0, 0), (12 * HOUR, 8))
    one.charger.connector(1).unplug()
    await one.rest()
    await one.holds((0, 8))


async def test_only_relative(site: MakeSite) -> None:
    """Counted from the start of the transaction."""
    one = await site()
    await one.charge_point.set_offline_current(8)
    one.insist("transaction relative 0 A")
    await one.charge()
    await one.holds((0, 16), (300, 8))
    await one.pass_by(1000)
    await one.holds((0, 16), (300, 8))


async def test_one_period(site: MakeSite) -> None:
    """What comes after lies below what holds until then."""
    one = await site()
    one.charge_point.capabilities.one_period = True
    await one.charge_point.set_offline_current(8)
    await one.charge()
    await one.holds((0, 16), (300, 8))
    await one.charge_point.set_paused(1, True)
    await one.holds((0, 0))
    await one.charge_point.set_paused(1, False)
    await one.holds((0, 16), (300, 8))
    # Where that is not obeyed, nothing above the fallback is risked.
    one.charge_point.capabilities.no_validity = True
    await one.charge_point.limits.apply()
    await one.holds((0, 8))


async def test_paused_car_of_a_central_system_that_is_killed(site: MakeSite) -> None:
    """Our absence starts nobody."""
    one = await site()
    await one.charge()
    await one.charge_point.set_paused(1, True)
    await one.pass_by(5)
    await one.central.close()
    for _ in range(40):
        await one.pass_by(10, alone=True)
        assert one.car.current == 0


async def test_central_system_is_killed(site: MakeSite) -> None:
    """The car falls to the fallback in time, and nothing ever exceeds the ceiling."""
    one = await site()
    await one.charge_point.set_offline_current(8)
    await one.charge()
    await one.pass_by(5)
    assert one.car.current == 16
    await one.central.close()
    currents = []
    for _ in range(40):
        await one.pass_by(10, alone=True)
        currents.append(one.car.current)
    assert set(currents[:29]) == {16}
    assert set(currents[30:]) == {8}
