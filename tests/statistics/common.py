"""A household with a recorder, in which time passes as it does for statistics."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import history
from homeassistant.components.recorder.db_schema import Statistics
from homeassistant.components.recorder.statistics import (
    get_metadata,
    statistics_during_period,
)
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import State
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)
from sqlalchemy import select

from tests.common import System, until
from tests.csms.common import Charger, meter_values, sample, stamp, start, status, stop

ENERGY = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"
PERIOD = timedelta(minutes=5)
HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)

type Register = Callable[[datetime], float]


def at(time: str) -> datetime:
    """Return a time of the night in which the tests take place: 12:00 to 11:59."""
    hours, minutes = map(int, time.split(":"))
    hours -= 24 if hours >= 12 else 0
    return MIDNIGHT + timedelta(hours=hours, minutes=minutes)


def clock(time: datetime) -> str:
    """Return a time as people write it."""
    return time.strftime("%H:%M")


def charging(*phases: tuple[str, str, float], begin: float = 100_000) -> Register:
    """Return the register of a meter, in Wh, that counts at some power in each phase."""

    def register(time: datetime) -> float:
        energy = begin
        for since, till, power in phases:
            seconds = (min(time, at(till)) - at(since)).total_seconds()
            energy += power * max(0.0, seconds) / 3600
        return energy

    return register


@dataclass
class Household:
    """Home Assistant with its recorder, and a charger whose meter goes on by itself."""

    system: System
    freezer: FrozenDateTimeFactory
    register: Register = field(default_factory=charging)
    raw: Charger | None = None
    transaction: int | None = None
    # Whether the charger measures.
    measures: bool = True
    compiled: datetime = field(default_factory=dt_util.utcnow)

    @property
    def now(self) -> datetime:
        """Return the time."""
        return dt_util.utcnow()

    # The charger

    async def connect(self) -> Charger:
        """Have the charger dial in."""
        self._wait()
        self.raw = await self.system.dial()
        await self.raw.boot()
        await self.raw.call("StatusNotification", status("Charging"))
        return self.raw

    async def disconnect(self) -> None:
        """Cut the cable."""
        self._wait()
        assert self.raw
        raw, self.raw = self.raw, None
        await raw.hang_up()
        if entity_id := self.system.find("sensor", "energy"):
            states = self.system.hass.states
            await until(
                self.system.hass,
                lambda: states.get(entity_id).state == STATE_UNAVAILABLE,
            )

    async def begin(
        self,
        token: str = "CARD1",  # noqa: S107
        time: datetime | None = None,
    ) -> int:
        """Begin a transaction, now or as it began."""
        self._wait()
        assert self.raw
        time = time or self.now
        payload = start(token=token, meter=self.register(time), time=stamp(time))
        answer = await self.raw.call("StartTransaction", payload)
        self.transaction = answer["transactionId"]
        assert self.transaction
        return self.transaction

    async def end(self, time: datetime | None = None, **more: Any) -> None:
        """End the transaction, now or as it ended."""
        self._wait()
        assert self.raw
        assert self.transaction
        time = time or self.now
        values = {"meter": self.register(time), **more}
        payload = stop(self.transaction, time=stamp(time), **values)
        await self.raw.call("StopTransaction", payload)
        self.transaction = None

    async def tell(self, time: datetime | None = None) -> None:
        """Send what the meter shows, or showed."""
        assert self.raw
        time = time or self.now
        self._wait()
        power = self.register(time) - self.register(time - timedelta(seconds=36))
        payload = meter_values(
            sample(str(round(self.register(time), 1)), ENERGY),
            sample(str(round(100 * power)), POWER),
            transaction=self.transaction,
            time=stamp(time),
        )
        await self.raw.call("MeterValues", payload)

    async def replay(self, since: str, till: str, minutes: float = 5) -> None:
        """Tell what was measured while nobody listened."""
        time = at(since)
        while time <= at(till):
            await self.tell(time)
            time += timedelta(minutes=minutes)

    # Time

    def _wait(self) -> None:
        """Let the recorder tell which of two states was the later."""
        self.freezer.tick(0.001)

    async def go(self, time: str) -> None:
        """Let time pass; each five minutes the recorder makes statistics."""
        while (end := self.compiled + PERIOD) <= at(time):
            await self.tick(self.compiled + timedelta(seconds=61))
            if self.raw and self.measures:
                self.freezer.move_to(end - timedelta(seconds=1))
                await self.tell()
            self.freezer.move_to(end)
            await self.compile()
        await self.tick(at(time))

    async def compile(self) -> None:
        """Have the recorder make statistics of the last five minutes."""
        await async_wait_recording_done(self.system.hass)
        do_adhoc_statistics(self.system.hass, start=self.compiled)
        await async_wait_recording_done(self.system.hass)
        self.compiled += PERIOD

    async def tick(self, time: datetime) -> None:
        """Have done what is due at a time, or now if that is later."""
        self.freezer.move_to(max(time, self.now))
        async_fire_time_changed(self.system.hass)
        await self.settle()

    async def settle(self) -> None:
        """Wait until all is done, and in the databases."""
        await self.system.hass.async_block_till_done(wait_background_tasks=True)
        await async_wait_recording_done(self.system.hass)

    # Statistics

    @property
    def energy(self) -> str:
        """Return the sensor of the lifetime energy."""
        return self.system.id("sensor", "energy")

    async def changes(
        self,
        statistic_id: str | None = None,
        period: Any = "hour",
        since: str = "12:00",
    ) -> dict[str, float]:
        """Return what the energy dashboard draws, in kWh, by the hour or the day."""
        statistic_id = statistic_id or self.energy
        found = await self._job(
            partial(
                statistics_during_period,
                self.system.hass,
                at(since),
                None,
                {statistic_id},
                period,
                {"energy": "kWh"},
                {"change"},
            )
        )
        shown = "%H:%M" if period == "hour" else "%a"
        return {
            f"{dt_util.utc_from_timestamp(row['start']):{shown}}": row["change"]
            for row in found.get(statistic_id, [])
        }

    async def rows(self, statistic_id: str | None = None) -> list[tuple[Any, ...]]:
        """Return the hourly rows as they are in the database: hour, state, sum."""

        def read() -> list[tuple[Any, ...]]:
            known = get_metadata(self.system.hass, statistic_ids={statistic})
            with session_scope(hass=self.system.hass, read_only=True) as session:
                return [
                    (clock(dt_util.utc_from_timestamp(row[0])), row[1], row[2])
                    for row in session.execute(
                        select(Statistics.start_ts, Statistics.state, Statistics.sum)
                        .where(Statistics.metadata_id == known[statistic][0])
                        .order_by(Statistics.start_ts)
                    )
                ]

        statistic = statistic_id or self.energy
        return await self._job(read)

    async def metadata(self, *statistic_ids: str) -> dict[str, Any]:
        """Return what the recorder knows of some series."""
        found = await self._job(
            partial(get_metadata, self.system.hass, statistic_ids={*statistic_ids})
        )
        return {statistic_id: known[1] for statistic_id, known in found.items()}

    async def states(self, key: str, since: str) -> list[str]:
        """Return the states that a sensor is recorded to have had."""
        entity_id = self.system.id("sensor", key)
        found: dict[str, list[State]] = await self._job(
            partial(
                history.state_changes_during_period,
                self.system.hass,
                at(since),
                None,
                entity_id,
                include_start_time_state=False,
            )
        )
        return [state.state for state in found.get(entity_id, [])]

    def charged(self, since: str, till: str) -> float:
        """Return what the meter counted, in kWh."""
        return (self.register(at(till)) - self.register(at(since))) / 1000

    def by_hour(self, since: str, till: str) -> dict[str, float]:
        """Return what the meter counted in each hour, in kWh."""
        hours: dict[str, float] = {}
        time = at(since)
        while time < at(till):
            hours[clock(time)] = (
                self.register(time + HOUR) - self.register(time)
            ) / 1000
            time += HOUR
        return hours

    async def _job(self, job: Callable[[], Any]) -> Any:
        await async_wait_recording_done(self.system.hass)
        return await get_instance(self.system.hass).async_add_executor_job(job)
