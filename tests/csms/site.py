"""A charger that obeys to the letter, a car at it, and a central system."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.schedule import read_composite
from simulator import Car, Charger, Charger2, ManualClock

from .common import TIMING as NEVER, Central, Payload, central_system, until
from .loop_clock import LoopClock

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = 3600
TIMING = replace(NEVER, no_boot=10)
VERSIONS = ("1.6", "2.0.1", "2.1")
all_versions = pytest.mark.parametrize("version", VERSIONS)


class Site:
    """A charger, a car at it, and a central system."""

    charge_point: ChargePoint
    charger: Charger | Charger2

    def __init__(
        self, central: Central, freezer: FrozenDateTimeFactory, loop_clock: LoopClock
    ) -> None:
        """Begin at noon."""
        freezer.move_to(NOW)
        self.central = central
        self.clock = ManualClock(NOW)
        self.car = self.new_car()
        self.chargers: list[Charger | Charger2] = []
        self._freezer = freezer
        self._loop_clock = loop_clock

    def new_car(self) -> Car:
        """Return a car that takes what it is offered."""
        return Car(max_current=32, ramp=1000, capacity_wh=10_000_000, soc=0)

    # What there is

    async def install(self, version: str, **more: Any) -> None:
        """Have a charger, and wait until it has come to rest."""
        url = f"ws://127.0.0.1:{self.central.port}"
        if version == "1.6":
            self.charger = Charger(url, "CP1", clock=self.clock, **more)
        else:
            self.charger = Charger2(
                url, "CP1", version=version, clock=self.clock, **more
            )
        self.chargers.append(self.charger)
        await self.charger.start()
        await self.rest()

    def insist(self, way: str) -> None:
        """Have the user insist on a way to limit the charger."""
        self.charge_point.config = replace(self.charge_point.config, limit_way=way)

    async def restart(self) -> None:
        """Be another process on the same disk, and have the charger dial in again."""
        before = self.charge_point
        await self.central.restart(self.central.port)
        self.charge_point = await self.central.system.add(before.config)
        self.charge_point.wishes = deepcopy(before.wishes)
        self.charge_point.shares_fuse = before.shares_fuse
        self.charge_point.set_spoken(before.spoken)
        assert before.info
        self.charge_point.set_info(before.info)
        await self.reconnect()

    async def reconnect(self) -> None:
        """Have the charger dial in again, and boot or not, as it does."""
        await self.charger.reconnect()
        one = self.charge_point
        await until(one.subscribe_connection, lambda: one.connected)
        await asyncio.sleep(0)
        self._loop_clock.advance(TIMING.no_boot + 1)
        await self.rest()

    async def change_version(self, version: str) -> None:
        """Give the charger firmware that speaks another version; it has lost all else."""
        await self.charger.stop()
        self.charge_point.configure(replace(self.charge_point.config, version=version))
        await self.install(version)

    # What happens

    async def rest(self) -> None:
        """Wait until all is said and done."""
        while True:
            await self.charger.settle()
            await self.charge_point.bring_up.ended()
            tasks = [
                task
                for task in asyncio.all_tasks()
                if task.get_name() == "CP1 set the charging limit"
            ]
            if not tasks:
                break
            await asyncio.wait(tasks)

    async def charge(self, connector: int = 1, car: Car | None = None) -> None:
        """Plug in and begin."""
        self.charger.connector(connector).plug_in(car or self.car)
        await self.charger.swipe(f"CARD{connector}", connector)
        await self.rest()

    async def leave(self) -> None:
        """Stop, and drive away."""
        await self.charger.swipe("CARD1")
        self.charger.connector(1).unplug()
        await self.rest()

    async def pass_by(self, seconds: int, *, alone: bool = False) -> None:
        """Let time go by, without a central system where the charger is alone."""
        # The loop's clock goes with it.
        self._freezer.tick(seconds)
        await self.clock.advance(seconds)
        if not alone:
            self.charge_point.transactions.tick()
            await self.rest()

    # What comes of it

    async def holds(
        self, *way: tuple[int, float], connector: int = 1, beyond: int = HOUR
    ) -> None:
        """Hold what the charger would let flow from now on against a course.

        Until so many seconds after its last step.
        """
        seconds = way[-1][0] + beyond
        answer = await self.charge_point.commands.get_composite_schedule(
            connector, seconds
        )
        schedule = read_composite(answer, self.charge_point.clock)
        assert schedule
        now = datetime.now(UTC)
        for second in range(seconds):
            period = schedule.at(now + timedelta(seconds=second))
            expected = next(limit for until, limit in reversed(way) if until <= second)
            assert period and period.limit == expected, (second, period, expected)

    @property
    def energy(self) -> float:
        """Return where the meter stands."""
        return self.charger.connector(1).energy_wh

    @property
    def commanded(self) -> list[float]:
        """Return every limit that the charger was ever told, whenever it was to hold."""
        return [
            period["limit"]
            for action, payload in self.charger.requests
            if action == "SetChargingProfile"
            for schedule in _schedules(payload)
            for period in schedule["chargingSchedulePeriod"]
        ]


def _schedules(payload: Payload) -> list[Payload]:
    if "csChargingProfiles" in payload:
        return [payload["csChargingProfiles"]["chargingSchedule"]]
    schedules: list[Payload] = payload["chargingProfile"]["chargingSchedule"]
    return schedules


type MakeSite = Callable[..., Awaitable[Site]]


@asynccontextmanager
async def sites(
    freezer: FrozenDateTimeFactory, loop_clock: LoopClock, version: str
) -> AsyncIterator[MakeSite]:
    """Return what makes a site: from what the user says, and from the charger's side."""
    async with central_system(timing=TIMING) as central:
        made = Site(central, freezer, loop_clock)

        async def make(charger: dict[str, Any] | None = None, **config: Any) -> Site:
            config.setdefault("installation_current", 16)
            made.charge_point = await central.add(version=version, **config)
            await made.install(version, **charger or {})
            return made

        yield make
        for charger in made.chargers:
            await charger.stop()
