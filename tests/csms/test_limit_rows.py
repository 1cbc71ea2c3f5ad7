"""What a charger that obeys to the letter lets flow, second by second."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.model import ChargingLimit
from custom_components.ocpp_central.csms.schedule import read_composite
from custom_components.ocpp_central.csms.timeline import Step
from simulator import Car, Charger, Charger2, ManualClock

from .common import Central, bring_up, central_system
from .conftest import LoopClock

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = 3600
VERSIONS = ("1.6", "2.0.1", "2.1")


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Return the version that is spoken."""
    spoken: str = request.param
    return spoken


class Site:
    """A charger, a car at it, and a central system."""

    def __init__(
        self,
        central: Central,
        charge_point: ChargePoint,
        charger: Charger | Charger2,
        freezer: FrozenDateTimeFactory,
        clock: ManualClock,
        loop_clock: LoopClock,
    ) -> None:
        """Take what there is."""
        self.central = central
        self.charge_point = charge_point
        self.charger = charger
        self.car = Car(max_current=32, ramp=1000, capacity_wh=10_000_000, soc=0)
        self._freezer = freezer
        self._clock = clock
        self._loop_clock = loop_clock

    async def rest(self) -> None:
        """Wait until all is said and done."""
        while True:
            await self.charger.settle()
            await bring_up("CP1")
            tasks = [
                task
                for task in asyncio.all_tasks()
                if task.get_name() == "CP1 set the charging limit"
            ]
            if not tasks:
                break
            await asyncio.wait(tasks)

    async def charge(self) -> None:
        """Plug in and begin."""
        self.charger.connector(1).plug_in(self.car)
        await self.charger.swipe("CARD1")
        await self.rest()

    async def pass_by(self, seconds: int, *, alone: bool = False) -> None:
        """Let time go by."""
        self._freezer.tick(seconds)
        self._loop_clock.advance(seconds)
        await self._clock.advance(seconds)
        if not alone:
            self.charge_point.transactions.tick()
            await self.rest()

    async def holds(self, *way: tuple[int, float], hours: int = 14) -> None:
        """Hold what the charger would let flow from now on against a course."""
        answer = await self.charge_point.commands.get_composite_schedule(
            1, hours * HOUR
        )
        schedule = read_composite(answer, self.charge_point.clock)
        assert schedule
        now = datetime.now(UTC)
        for second in range(hours * HOUR):
            period = schedule.at(now + timedelta(seconds=second))
            expected = next(limit for until, limit in reversed(way) if until <= second)
            assert period and period.limit == expected, (second, period, expected)


@pytest.fixture
async def site(
    socket_enabled: None,
    freezer: FrozenDateTimeFactory,
    loop_clock: LoopClock,
    version: str,
) -> AsyncIterator[Callable[..., Any]]:
    """Return what makes a site with a charger that has come to rest."""
    freezer.move_to(NOW)
    clock = ManualClock(NOW)
    chargers: list[Charger | Charger2] = []

    async with central_system() as central:

        async def make(config: dict[str, str] | None = None, **more: Any) -> Site:
            more.setdefault("installation_current", 16)
            charge_point = await central.add(version=version, **more)
            url = f"ws://127.0.0.1:{central.port}"
            charger: Charger | Charger2
            if version == "1.6":
                charger = Charger(url, "CP1", clock=clock, config=config)
            else:
                charger = Charger2(
                    url, "CP1", version=version, clock=clock, config=config
                )
            chargers.append(charger)
            await charger.start()
            made = Site(central, charge_point, charger, freezer, clock, loop_clock)
            await made.rest()
            return made

        yield make
        for charger in chargers:
            await charger.stop()


async def test_ceiling(site: Any) -> None:
    """Nothing above what the user set, never above what the wiring carries."""
    one = await site()
    await one.holds((0, 32))
    await one.charge_point.set_maximum_current(13)
    await one.holds((0, 13))
    await one.charge_point.limits.limit_station(ChargingLimit(32))
    await one.holds((0, 16))


async def test_idle(site: Any) -> None:
    """The less of fallback and limit, never nothing."""
    one = await site()
    await one.charge_point.set_offline_current(8)
    await one.holds((0, 8))
    await one.charge_point.set_current_limit(1, 7)
    await one.holds((0, 7))
    await one.charge_point.set_paused(1, True)
    await one.holds((0, 7))


async def test_fixed(site: Any) -> None:
    """On a fuse of its own it holds for good, above the fallback and below."""
    one = await site()
    one.charge_point.shares_fuse = False
    await one.charge()
    await one.charge_point.set_current_limit(1, 10)
    await one.holds((0, 10))
    await one.charge_point.set_offline_current(8)
    await one.holds((0, 10))


async def test_live_above(site: Any) -> None:
    """More than the fallback for five minutes; renewed while we are there."""
    one = await site()
    await one.charge_point.set_offline_current(8)
    await one.charge()
    await one.holds((0, 16), (300, 8))
    await one.pass_by(149)
    await one.holds((0, 16), (151, 8))
    await one.pass_by(1)
    await one.holds((0, 16), (300, 8))


async def test_live_below(site: Any) -> None:
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


async def test_pause(site: Any) -> None:
    """Nothing until the user wants it otherwise, whatever becomes of us."""
    one = await site()
    await one.charge()
    await one.charge_point.set_paused(1, True)
    await one.holds((0, 0))
    await one.charge_point.set_paused(1, False)
    await one.holds((0, 16))


async def test_plan(site: Any) -> None:
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


async def test_only_defaults(site: Any) -> None:
    """The same in the place that holds for every car."""
    one = await site()
    await one.charge_point.set_offline_current(8)
    one.charge_point.config = one.charge_point.config.__replace__(
        limit_way="default absolute 0 A"
    )
    await one.charge()
    await one.holds((0, 16), (300, 8))
    await one.charge_point.set_paused(1, True)
    await one.holds((0, 0), (12 * HOUR, 8))
    one.charger.connector(1).unplug()
    await one.rest()
    await one.holds((0, 8))


async def test_only_relative(site: Any) -> None:
    """Counted from the start of the transaction."""
    one = await site()
    await one.charge_point.set_offline_current(8)
    one.charge_point.config = one.charge_point.config.__replace__(
        limit_way="transaction relative 0 A"
    )
    await one.charge()
    await one.holds((0, 16), (300, 8))
    await one.pass_by(1000)
    await one.holds((0, 16), (300, 8))


async def test_one_period(site: Any) -> None:
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


async def test_paused_car_of_a_central_system_that_is_killed(site: Any) -> None:
    """Our absence starts nobody."""
    one = await site()
    await one.charge()
    await one.charge_point.set_paused(1, True)
    await one.pass_by(5)
    await one.central.close()
    for _ in range(40):
        await one.pass_by(10, alone=True)
        assert one.car.current == 0


async def test_central_system_is_killed(site: Any) -> None:
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
