"""A meter's register, followed over resets, swaps and glitches. Energy in Wh, power in W."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Self

# No charger delivers more power, and no car takes more energy at once. What a register
# rose by beyond both did not flow.
_MOST_POWER = 500_000.0
MOST_AT_ONCE = 120_000.0
# What may have flowed in no time, for registers and clocks are not read together.
_SLACK = 2000.0
# Power does not always tell what flowed, but never misses a thousand times as much.
_MEASURED_SLACK = 20_000.0
_UNORDERED = timedelta(minutes=2)
# How far a register may fall by rounding: to whole kWh, and never by much of it.
_ROUNDING = 1000.0
_ROUNDED_OF = 0.9
# A glitch is over with the next sample or two; some chargers send four an hour.
_GLITCH = timedelta(hours=1)
# A register this high does not meet another one a thousand times it by chance.
_TELLING = 10_000.0
_KILO = 1000.0
# A gap this long says nothing of the power that flowed in it.
_LONGEST_SAMPLE = timedelta(minutes=5)
# Measured power is asked for a unit after so much energy; and only while a car charges,
# in what can be watts.
_JUDGED_AFTER = 2000.0
_LEAST_POWER = 1000.0


class Mark(NamedTuple):
    """Where a register stood before it broke off."""

    value: float
    time: datetime
    total: float
    # Whether it was said to begin anew, rather than seen to.
    told: bool
    # Whether it had gone on there: a glitch does not.
    settled: bool = True


@dataclass(slots=True, kw_only=True)
class Register:
    """One register, and the energy that it has counted since it is followed.

    `total` only grows, and only by what can have flowed, whatever the register does:
    fall with each session, begin anew in another meter, show zero once, or turn from
    Wh to kWh.
    """

    value: float
    time: datetime
    total: float = 0.0
    # What readings are multiplied with, since the register changed its unit.
    factor: float = 1.0
    # What the register is wrong by, as measured power shows.
    scale: float = 1.0
    # What it showed when the total was zero.
    origin: float | None = None
    before: Mark | None = None
    # Whether it has gone on since it broke off.
    settled: bool = True
    # What power says has flowed, and what the register rose by meanwhile.
    integral: float = 0.0
    risen: float = 0.0
    counted: float = 0.0
    power: float | None = None
    # Power has once agreed with it as it is: whatever power says later, it is stuck.
    agreed: bool = False

    def __post_init__(self) -> None:
        """Begin where it stands."""
        if self.origin is None:
            self.origin = self.value - self.total

    @property
    def intact(self) -> bool:
        """Return whether the total is what the register rose by, and nothing else."""
        assert self.origin is not None
        return abs(self.value - self.origin - self.total) < 1

    def copy(self) -> Self:
        """Return the register as it is now."""
        return replace(self)

    def read(self, time: datetime, value: float, power: float | None = None) -> float:
        """Take a reading and return what flowed since the one before.

        An older reading tells nothing, and neither does one below zero.
        """
        if value < 0:
            return 0.0
        if time < self.time:
            if value * self.factor < self.value or self.time - time > _UNORDERED:
                return 0.0
            # A clock that was set back a little.
            time = self.time
        measured = self._measure(time, power)
        risen = self.risen
        flowed = self._follow(time, value * self.factor, measured)
        if measured is None:
            self.risen = risen
        elif not self.agreed:
            flowed += self._judge(measured, flowed)
        self.time = time
        self.total = round(self.total + flowed, 6)
        return flowed

    def restart(self, time: datetime, value: float) -> None:
        """Begin anew from a value, as a new session does with some meters."""
        self.before = Mark(self.value, self.time, self.total, told=True)
        self.settled = True
        self.value = value
        self.time = max(time, self.time)
        self.factor = 1.0

    def end(self, time: datetime, value: float, flowed: float) -> float:
        """Take the last value, and what flowed by another count, if it can have."""
        if flowed > self._limit(self.time, time, MOST_AT_ONCE) * self.scale:
            flowed = 0.0
        self.value = value
        self.time = time
        self.total = round(self.total + flowed, 6)
        return flowed

    def confirm(self, value: float) -> None:
        """Take note that a session began at a value: a fall to it was no glitch."""
        if self.before and value < self.before.value:
            self.before = self.before._replace(told=True)

    def total_at(self, time: datetime, value: float) -> float | None:
        """Return the total at an earlier reading; None if that was before a break."""
        if self.before and time < self.before.time:
            return None
        missing = (self.value - value * self.factor) * self.scale
        return self.total - missing if 0 <= missing <= self.total else None

    def _limit(self, since: datetime, time: datetime, slack: float) -> float:
        """Return how far a register can have risen, in its own unit."""
        hours = (time - since).total_seconds() / 3600
        # One whose unit had to be guessed is not trusted with much at once.
        slack = slack if self.scale == 1 else _SLACK
        return (_MOST_POWER * hours + slack) / self.scale

    def _measure(self, time: datetime, power: float | None) -> float | None:
        """Return what flowed by the power measured; None where that says nothing."""
        before, self.power = self.power, power
        elapsed = time - self.time
        if before is None or power is None or elapsed > _LONGEST_SAMPLE:
            return None
        mean = (before + power) / 2
        if not _LEAST_POWER <= mean <= _MOST_POWER:
            return None
        return mean * elapsed.total_seconds() / 3600

    def _follow(self, time: datetime, value: float, measured: float | None) -> float:
        """Return what flowed, and take the value."""
        rise = value - self.value
        if -_ROUNDING <= rise < 0 and value >= self.value * _ROUNDED_OF:
            # It stays at the highest: the next rise counts from there.
            return 0.0
        likely = self._limit(self.time, time, _SLACK)
        limit = self._limit(self.time, time, MOST_AT_ONCE)
        if measured is not None:
            likely = min(likely, (2 * measured + _SLACK) / self.scale)
            limit = min(limit, (10 * measured + _MEASURED_SLACK) / self.scale)
        if self.before and self._is_back(self.before, time, value, rise > likely):
            return self._return(self.before, value)
        turns = self.value >= _TELLING and value > self.value * _KILO / 3
        if 0 <= rise <= limit and not turns:
            self.value = value
            self.settled |= rise > 0
            self.risen += rise
            return rise * self.scale
        for factor, telling in ((1 / _KILO, _TELLING), (_KILO, 10 * _TELLING)):
            turned = value * factor - self.value
            if self.value >= telling and 0 <= turned <= min(limit, self.value / 20):
                self.factor *= factor
                self.value = value * factor
                return turned * self.scale
        # It is another register, a reset one, or nonsense; in the unit of old.
        if self.settled:
            self.before = Mark(self.value, self.time, self.total, told=False)
            self.settled = False
        self.value = value / self.factor
        self.factor = 1.0
        if rise > 0:
            # Nothing rises so fast.
            self.risen += rise
            return 0.0
        # It began anew, and has counted since.
        return self.value * self.scale if self.value <= likely else 0.0

    def _is_back(
        self, before: Mark, time: datetime, value: float, jumped: bool
    ) -> bool:
        """Return whether the register goes on from where it stood before a break."""
        rise = value - before.value
        if rise < 0 or before.value <= self.value <= value:
            return False
        if jumped:
            return rise <= self._limit(before.time, time, MOST_AT_ONCE)
        flowed = rise * self.scale
        counted = self.total - before.total
        if before.told and not counted:
            return False
        # It counted the session by itself, and now all of them again; or it glitched.
        telling = counted if before.told else max(counted, before.value * self.scale)
        return abs(flowed - counted) <= telling / 50 or (
            not before.told
            and counted <= flowed
            and time - before.time <= _GLITCH
            and rise <= self._limit(before.time, time, _SLACK)
        )

    def _return(self, before: Mark, value: float) -> float:
        """Go on from before a break, and return what flowed since."""
        flowed = before.total + (value - before.value) * self.scale - self.total
        # Two registers that take turns are both gone on from.
        self.before = Mark(self.value, self.time, self.total, False, self.settled)
        self.settled = before.settled or value > before.value
        self.value = value
        return max(0.0, flowed)

    def _judge(self, measured: float, flowed: float) -> float:
        """Return what the register has missed, by the power measured meanwhile.

        Some registers count kWh and call them Wh, or the other way round.
        """
        self.integral += measured
        self.counted += flowed
        if self.integral < _JUDGED_AFTER or not self.risen:
            return 0.0
        missed = 0.0
        ratio = self.risen * self.scale / self.integral
        if _is_about(ratio, 1 / _KILO) or _is_about(ratio, _KILO):
            self.scale *= _KILO if ratio < 1 else 1 / _KILO
            missed = max(0.0, self.risen * self.scale - self.counted)
        else:
            self.agreed = self.scale == 1 and _is_about(ratio, 1)
        self.integral = self.risen = self.counted = 0.0
        return missed


def _is_about(ratio: float, expected: float) -> bool:
    return expected / 2 < ratio < expected * 2
