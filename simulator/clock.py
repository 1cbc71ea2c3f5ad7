"""The time a simulated charge point lives by.

Two things pass: wall time, which is what goes on the wire and what every protocol timer (heartbeats,
meter samples, back-off, profile periods) counts in, and the time of the physics (energy, state of
charge, ramps). `WallClock(speed=60)` lets only the physics run sixty times as fast: a demo fills a
battery in minutes, while the central system still sees honest timestamps, intervals and schedules.
The price is that energy and power no longer agree with each other over wall time.

`ManualClock` stands still until a test moves it, and is deterministic: it never sleeps.
"""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Protocol, override


class Timer(Protocol):
    """Something that will happen, unless it is called off."""

    def cancel(self) -> None:
        """Call it off."""


class Follower(Protocol):
    """Somebody whose world a clock moves on."""

    @property
    def at_rest(self) -> bool:
        """Whether there is nothing to wait for."""

    async def settle(self) -> None:
        """Come to rest."""

    def catch_up(self) -> None:
        """Bring everything up to the present, even where no timer was due."""


class Clock(ABC):
    """Tells the time and wakes people."""

    #: How many seconds of physics pass in one second of this clock.
    speed: float = 1.0

    @abstractmethod
    def now(self) -> datetime:
        """The wall time, aware and in UTC."""

    @abstractmethod
    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back once, after so many seconds."""

    @abstractmethod
    def attach(self, follower: Follower) -> None:
        """Have somebody follow every step, of a clock that takes steps."""

    @abstractmethod
    def detach(self, follower: Follower) -> None:
        """Undo `attach`."""


class WallClock(Clock):
    """The real time, with physics that may run faster."""

    def __init__(self, speed: float = 1.0) -> None:
        """Let the physics run `speed` times as fast as the time."""
        if speed <= 0:
            raise ValueError(f"The speed must be above zero: {speed}")
        self.speed = speed

    @override
    def now(self) -> datetime:
        return datetime.now(UTC)

    @override
    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(delay, callback)

    @override
    def attach(self, follower: Follower) -> None:
        """Time passes by itself: there are no steps."""

    @override
    def detach(self, follower: Follower) -> None:
        """Nothing was attached."""


class SlowClock(Clock):
    """Another clock, that somebody has set wrong."""

    def __init__(self, clock: Clock, behind: timedelta) -> None:
        """Be behind another clock."""
        self._clock = clock
        self._behind = behind
        self.speed = clock.speed

    @override
    def now(self) -> datetime:
        return self._clock.now() - self._behind

    @override
    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        return self._clock.call_later(delay, callback)

    @override
    def attach(self, follower: Follower) -> None:
        self._clock.attach(follower)

    @override
    def detach(self, follower: Follower) -> None:
        self._clock.detach(follower)


class _ManualTimer:
    """A timer of a `ManualClock`."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualClock(Clock):
    """A time that passes only when it is told to."""

    def __init__(self, start: datetime | None = None) -> None:
        """Start at the given moment, or at the present whole second."""
        self._now = start or datetime.now(UTC).replace(microsecond=0)
        if self._now.tzinfo is None:
            raise ValueError("The start must be an aware datetime")
        self._order = count()
        self._timers: list[tuple[datetime, int, _ManualTimer]] = []
        self._followers: list[Follower] = []

    @override
    def now(self) -> datetime:
        return self._now

    @override
    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        timer = _ManualTimer(callback)
        when = self._now + timedelta(seconds=max(0.0, delay))
        heappush(self._timers, (when, next(self._order), timer))
        return timer

    @override
    def attach(self, follower: Follower) -> None:
        if follower not in self._followers:
            self._followers.append(follower)

    @override
    def detach(self, follower: Follower) -> None:
        if follower in self._followers:
            self._followers.remove(follower)

    async def advance(self, seconds: float) -> None:
        """Let time pass, timer by timer, and let everyone come to rest after each of them.

        At rest means: nothing left to send, no request without its answer, none half served. A
        central system that does not answer is waited for only once, and briefly.
        """
        await self._rest()
        end = self._now + timedelta(seconds=seconds)
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heappop(self._timers)
            if timer.callback is None:
                continue
            self._now = max(self._now, when)
            timer.callback()
            await self._rest()
        self._now = end
        for follower in self._followers:
            follower.catch_up()
        await self._rest()

    async def _rest(self) -> None:
        """Let everyone react to what just happened."""
        # The other side may live in this very event loop and have something to say.
        await asyncio.sleep(0)
        for follower in tuple(self._followers):
            if not follower.at_rest:
                await follower.settle()


class Ticker:
    """Calls back at a regular interval, until it is stopped."""

    def __init__(self, clock: Clock, callback: Callable[[], None]) -> None:
        """Prepare, without starting."""
        self._clock = clock
        self._callback = callback
        self._interval = 0.0
        self._timer: Timer | None = None

    @property
    def running(self) -> bool:
        """Whether there is a next call."""
        return self._timer is not None

    def start(self, interval: float, first: float | None = None) -> None:
        """Begin anew; `first` is the delay of the first call, where it differs. Zero only stops."""
        self.stop()
        self._interval = interval
        if interval > 0:
            self._timer = self._clock.call_later(
                interval if first is None else first, self._tick
            )

    def stop(self) -> None:
        """Call no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = self._clock.call_later(self._interval, self._tick)
        self._callback()


def format_time(moment: datetime) -> str:
    """Write a moment as OCPP wants it."""
    return (
        moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def parse_time(text: str) -> datetime:
    """Read an OCPP timestamp; one without a zone is in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (
        moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    )
