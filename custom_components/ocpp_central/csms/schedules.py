"""What may flow at each connector by all that is known, and who says so."""

import asyncio
from enum import StrEnum
import logging
from typing import TYPE_CHECKING

from .clock import utcnow
from .connection import Priority
from .errors import (
    CommandFailed,
    CommandRejected,
    CommandTimeout,
    ConnectionLost,
    NotConnected,
    NotSupported,
)
from .evidence import SAME, offer, offer_below, too_much
from .limit_keeper import Held
from .model import STATION, ConnectorStatus
from .profiles import amperes
from .schedule import HORIZON, Schedule, in_amperes, read_composite

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_LOGGER = logging.getLogger(__name__)

# How close the measured current is to a limit that it is held down by, in A.
_CLOSE = 1.0
# How far apart two limits are the same, in A.
_SAME = 0.1
# A charger that drops its socket over the question so often is not asked any more.
_MAX_LOSSES = 2
# How often, in seconds, the end of a period may be a reason to ask.
_RARELY = 60.0


class Source(StrEnum):
    """By what an effective limit is known."""

    # The charger's own sum of all its profiles.
    COMPOSITE = "composite"
    # What it says that it offers to the car.
    OFFERED = "offered"
    # What somebody else limits it to, as it says.
    EXTERNAL = "external"
    # What it accepted from us, and the current agrees.
    MEASURED = "measured"
    # What it accepted from us.
    UNVERIFIED = "unverified"


class Schedules:
    """Keeps the effective limits of one charge point, and asks for them gently."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Know nothing yet."""
        self._charge_point = charge_point
        self._schedules: dict[int, Schedule] = {}
        # What to ask for next, in the order it came up.
        self._due: dict[int, None] = {}
        self._reading = False
        self._losses = 0
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._watched: set[int] = set()
        # Loop time of the newest question about each connector.
        self._asked: dict[int, float] = {}
        charge_point.subscribe_new(self._on_new)
        charge_point.limits.subscribe(self._accepted)

    def at(self, connector: int) -> Schedule | None:
        """Return what the charger told of a connector, while it holds."""
        schedule = self._schedules.get(connector)
        return schedule if schedule and utcnow() < schedule.end else None

    def read_since(self, connector: int, time: float) -> Schedule | None:
        """Return what the charger told when asked after a time of the event loop."""
        if self._asked.get(connector, 0.0) < time:
            return None
        return self.at(connector)

    def profile_changed(self, connector: int) -> None:
        """Look again after a profile of a connector, or of all of them (0), changed."""
        concerned = [connector] if connector else self._charge_point.connectors
        # Once everybody has taken note of it.
        asyncio.get_running_loop().call_soon(self.refresh, STATION, *concerned)

    def refresh(self, *connectors: int) -> None:
        """Show what is known, and ask for what is in force, soon and once."""
        charge_point = self._charge_point
        for connector in connectors:
            self._show(connector)
        if (
            not charge_point.claimed
            or not charge_point.connected
            or charge_point.capabilities.no_composite
        ):
            return
        self._due |= dict.fromkeys(connectors)
        if not self._reading:
            self._reading = True
            charge_point.run(self._read(), "read the limits in force")

    def stop(self) -> None:
        """Wait for nothing any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    # Asking

    async def _read(self) -> None:
        charge_point = self._charge_point
        try:
            while self._due:
                # What changes together is asked for once, and never too often.
                await asyncio.sleep(charge_point.timing.settle)
                while charge_point.bring_up.under_way:
                    await charge_point.bring_up.ended()
                due, self._due = self._due, {}
                for connector in due:
                    if charge_point.capabilities.no_composite:
                        return
                    await self._ask(connector)
        finally:
            self._reading = False
            self._due.clear()

    async def _ask(self, connector: int) -> None:
        """Read one schedule; a charger that cannot tell is not asked again."""
        charge_point = self._charge_point
        connection = charge_point.connection
        self._asked[connector] = asyncio.get_running_loop().time()
        schedule = None
        try:
            answer = await charge_point.commands.get_composite_schedule(
                connector, HORIZON, priority=Priority.POLL
            )
            schedule = read_composite(answer, charge_point.clock)
            self._losses = 0
        except ConnectionLost:
            if connection and connection.lost:
                self._losses += 1
                if self._losses >= _MAX_LOSSES:
                    await self._give_up()
            raise
        except NotConnected:
            raise
        except (NotSupported, CommandTimeout) as error:
            _LOGGER.debug("%s: %s", charge_point.identity, error)
            await self._give_up()
        except CommandRejected as error:
            if error.status.casefold() in ("notsupported", "notimplemented"):
                await self._give_up()
        except CommandFailed as error:
            # Perhaps not of this connector, or not just now.
            _LOGGER.debug("%s: %s", charge_point.identity, error)
        if schedule:
            self._schedules[connector] = schedule
        else:
            self._schedules.pop(connector, None)
        self._show(connector)
        # Also where it says the same as before: now it is about what was told last.
        charge_point.proof.looked(connector)
        charge_point.fail_safe.looked(connector)

    async def _give_up(self) -> None:
        self._charge_point.capabilities.no_composite = True
        await self._charge_point.capability_store.save()

    # Showing

    def _accepted(self, held: Held) -> None:
        connector = held.profile.connector
        everybody = (STATION, *self._charge_point.connectors)
        for each in everybody if connector == STATION else (connector,):
            self._show(each)

    def _on_new(self, connector: int, key: str) -> None:
        if connector == STATION or connector in self._watched:
            return
        self._watched.add(connector)
        self._charge_point.subscribe(
            connector, ("status", "transaction"), lambda: self.refresh(connector)
        )
        self._charge_point.subscribe(
            connector, ("current", "current_offered"), lambda: self._measured(connector)
        )

    def _look_again(self, connector: int, delay: float) -> None:
        loop = asyncio.get_running_loop()
        self._timers[connector] = loop.call_later(
            max(1.0, delay), self._period_over, connector
        )

    def _period_over(self, connector: int) -> None:
        """Show what comes next, and ask; a schedule of seconds is no reason to nag."""
        loop = asyncio.get_running_loop()
        rest = self._asked[connector] + _RARELY - loop.time()
        if rest <= 0:
            self.refresh(connector)
            return
        self._show(connector)
        if connector not in self._timers:
            self._look_again(connector, rest)

    def _measured(self, connector: int) -> None:
        # The charger's own sum needs no support, but for what contradicts it.
        told = self._charge_point.values(connector)
        limit = told.get("effective_limit")
        if (
            connector not in self._schedules
            or told.get("effective_limit_source") != Source.COMPOSITE
            or self._contradicted(
                connector, limit if isinstance(limit, (int, float)) else None
            )
        ):
            self._show(connector)

    def _show(self, connector: int) -> None:
        charge_point = self._charge_point
        if connector != STATION and connector not in charge_point.connectors:
            return
        if timer := self._timers.pop(connector, None):
            timer.cancel()
        schedule = self.at(connector)
        now = utcnow()
        period = schedule.at(now) if schedule else None
        if schedule and period:
            limit = in_amperes(
                period.limit, schedule.unit, period.phases, charge_point.config
            )
            source: Source | None = Source.COMPOSITE
            self._look_again(
                connector, (schedule.change_after(now) - now).total_seconds()
            )
        else:
            limit, source = self._without_schedule(connector)
        limit, source = self._from_outside(connector, limit, source)
        if contradiction := self._contradicted(connector, limit):
            limit, source = contradiction
        if source is None and "effective_limit" not in charge_point.values(connector):
            return
        charge_point.update(
            connector,
            {
                "effective_limit": limit,
                "effective_limit_source": source,
                # Another schedule is another attribute, even where the value is the same.
                "effective_limit_schedule": str(schedule) if schedule else None,
            },
        )

    def _contradicted(
        self, connector: int, limit: float | None
    ) -> tuple[float, Source] | None:
        """Return what holds in spite of what the charger makes of its profiles."""
        charge_point = self._charge_point
        excess = charge_point.proof.excess(connector)
        if excess is not None and limit is not None and too_much(excess, limit):
            return round(excess, 1), Source.MEASURED
        asked = self._asked.get(connector)
        if connector not in self._schedules or asked is None:
            return None
        offered = offer_below(charge_point, connector, asked)
        if offered is None or (limit is not None and offered > limit - SAME):
            return None
        return offered, Source.OFFERED

    def _from_outside(
        self, connector: int, limit: float | None, source: Source | None
    ) -> tuple[float | None, Source | None]:
        """Return a limit, or the one from outside where it is that which holds."""
        charge_point = self._charge_point
        outside = charge_point.external.now(connector)
        if outside is None or (limit is not None and outside > limit + _SAME):
            return limit, source
        ours = charge_point.limits.held(connector)
        if limit is not None and ours and amperes(charge_point, ours) <= outside:
            return limit, source
        return outside, Source.EXTERNAL

    def _without_schedule(self, connector: int) -> tuple[float | None, Source | None]:
        """Return what else tells of the limit: the offer, the current, or nobody."""
        charge_point = self._charge_point
        offered = offer(charge_point, connector)
        if offered is not None:
            return offered, Source.OFFERED
        ours = charge_point.limits.held(connector)
        if ours is None:
            return None, None
        limit = round(amperes(charge_point, ours), 1)
        current = charge_point.value(connector, "current")
        if isinstance(current, (int, float)):
            if current > limit + _CLOSE:
                # More flows than was accepted: whatever holds, it is not this.
                return None, Source.UNVERIFIED
            status = charge_point.status(connector)
            if (limit - current <= _CLOSE and status is ConnectorStatus.CHARGING) or (
                limit == 0 and status is ConnectorStatus.SUSPENDED_EVSE
            ):
                return limit, Source.MEASURED
        return limit, Source.UNVERIFIED
