"""Writes limits to a charger, one after the other, the urgent ones first."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
import logging
from typing import TYPE_CHECKING, Any

from .clock import utcnow
from .connection import Payload, Priority
from .errors import CommandError, CommandFailed, CommandRejected
from .limit_keys import write_key
from .model import STATION, ChargingLimit
from .profiles import in_unit
from .wanted import Place, Write
from .write_budget import DEAD_BAND, TOO_MANY, Cause, WriteBudget

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_LOGGER = logging.getLogger(__name__)


class Superseded(Exception):
    """What was to be written is not wanted any more, or not first."""


@dataclass(frozen=True, slots=True)
class _Writing:
    """What is on its way to the charger; without a write, what takes one away."""

    task: asyncio.Task[Payload]
    write: Write | None = None
    urgent: bool = False


class LimitWriter:
    """Writes to one charge point."""

    def __init__(self, charge_point: ChargePoint, again: Callable[[], None]) -> None:
        """`again` is called when what had to wait need not wait any more."""
        self._charge_point = charge_point
        self._again = again
        self._budget = WriteBudget[Place]()
        self._writing: _Writing | None = None
        self._timer: asyncio.TimerHandle | None = None

    def forget(self) -> None:
        """Assume nothing of what the charger holds."""
        self._budget.forget()

    def let_go(self, place: Place) -> None:
        """Take note that there is nothing in a place."""
        self._budget.let_go(place)

    def stop(self) -> None:
        """Wait for nothing any more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def new_day(self) -> None:
        """Begin to count again."""
        if self._budget.writes:
            self._budget.writes = 0
            self._charge_point.update(STATION, {"limit_writes": 0})

    def has_failed(self, write: Write) -> bool:
        """Return whether the charger did not take what was written last there."""
        return self._budget.has_failed(write.place)

    # When

    def lowers(self, write: Write) -> bool:
        """Return whether less may flow by a write than may be flowing now."""
        return self._budget.lowers(write.place, write.profile, utcnow())

    def wait(self, write: Write, cause: Cause) -> float:
        """Return for how many seconds something should not be written yet."""
        profile = write.profile
        return self._budget.wait(
            write.place,
            profile,
            utcnow(),
            asyncio.get_running_loop().time(),
            dead_band=in_unit(
                self._charge_point, ChargingLimit(DEAD_BAND), profile.unit
            ),
            cause=cause,
            key=write.place.key is not None,
        )

    def come_back(self, seconds: float | None) -> None:
        """Have what has to wait looked at again after so long; None: nothing does."""
        self.stop()
        if seconds is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, self._again)

    def make_way(self, due: Iterable[Write]) -> None:
        """Give up on what is on its way where what is due is more urgent, or newer."""
        writing = self._writing
        if writing is None:
            return
        now = writing.write
        others = [
            write
            for write in due
            if now is None or write.place != now.place or write.profile != now.profile
        ]
        if any(now and write.place == now.place for write in others) or (
            not writing.urgent and any(map(self.lowers, others))
        ):
            # Where it is sent already, the next call waits for the answer, as long as
            # its priority says.
            writing.task.cancel()
        elif any(
            self._budget.known(write.place) and self.lowers(write) for write in others
        ):
            patience = self._charge_point.timing.patience
            loop = asyncio.get_running_loop()
            timer = loop.call_later(patience, writing.task.cancel)
            writing.task.add_done_callback(lambda _: timer.cancel())

    # Writing

    async def write(self, write: Write, priority: Priority) -> Payload:
        """Write a limit and return the answer. Raises CommandError or Superseded."""
        place, profile = write.place, write.profile
        urgent = self.lowers(write)
        if urgent:
            priority = Priority.SAFETY
        self._count(write)
        commands = self._charge_point.commands
        if place.key:
            limit = profile.course[0].limit
            work = write_key(self._charge_point, place.key, limit, priority)
        else:
            ladder, timing = self._charge_point.limits.ladder, self._charge_point.timing
            trial = ladder.is_trial(write.slot, write.rung)
            work = commands.set_limit_profile(
                profile, priority, timing.probe if trial else None
            )
        try:
            answer = await self._run(work, write, urgent=urgent)
        except CommandRejected, CommandFailed:
            self._budget.refused(place, profile)
            raise
        except CommandError:
            self._budget.unanswered(place, profile)
            raise
        self._budget.accepted(place, profile)
        return answer

    async def clear(self, work: Coroutine[Any, Any, Payload]) -> Payload:
        """Take a limit away. Raises CommandError or Superseded."""
        return await self._run(work)

    async def _run(
        self,
        work: Coroutine[Any, Any, Payload],
        write: Write | None = None,
        *,
        urgent: bool = False,
    ) -> Payload:
        task = asyncio.create_task(work, name=f"{self._charge_point.identity} limit")
        self._writing = _Writing(task, write, urgent)
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            self._writing = None
        if task.cancelled():
            raise Superseded
        return task.result()

    def _count(self, write: Write) -> None:
        at = asyncio.get_running_loop().time()
        if self._budget.writing(write.place, write.profile, at):
            _LOGGER.warning(
                "%s was told its limits more than %s times today",
                self._charge_point.identity,
                TOO_MANY,
            )
        self._charge_point.update(STATION, {"limit_writes": self._budget.writes})
