"""Which limits may be written when: less at once, more slowly, and few in all.

Chargers keep profiles in a flash memory that wears out, and some take seconds to follow
each of them; but a fuse does not wait.
"""

from collections.abc import Hashable
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto

from .model import LimitProfile
from .timeline import Course, step_at

# How many seconds lie between two writes of one limit, where the later one lets more
# flow and nobody has typed it: by so much more, by less, and where it wears out a
# configuration key.
_SPACING = 30.0
_SMALL_SPACING = 300.0
_KEY_SPACING = 60.0
# What is tried again though the charger did not take it: after so long, then ever later.
_FIRST_RETRY = 60.0
_LAST_RETRY = 3600.0
# What is worth a write, in A.
DEAD_BAND = 1.0
# So many a day are not what a household needs.
TOO_MANY = 1000


class Cause(Enum):
    """Why a limit is to be another one."""

    # A user says so now.
    USER = auto()
    # What a user said came to nothing.
    TAKEN_BACK = auto()
    ENGINE = auto()


def lowers(before: Course, after: Course, now: datetime) -> bool:
    """Return whether anywhere from now on less may flow than before."""
    return any(
        step_at(after, time).limit < step_at(before, time).limit
        for time in _changes(now, before, after)
    )


def _changes(now: datetime, *courses: Course) -> set[datetime]:
    ends = {step.until for course in courses for step in course if step.until}
    return {now, *(end for end in ends if end > now)}


class WriteBudget[Place: Hashable]:
    """What a charger may hold in each place, and when that was written last.

    Clocks are handed in: `now` is a time of day, `at` seconds of any beginning.
    """

    def __init__(self) -> None:
        """Begin without knowing what the charger holds."""
        # All that it may hold: more than one thing where it gave no answer.
        self._possible: dict[Place, list[LimitProfile]] = {}
        self._written: dict[Place, float] = {}
        # What it did not take last, and how often in a row.
        self._failed: dict[Place, tuple[LimitProfile, int]] = {}
        self.writes = 0

    def forget(self) -> None:
        """Assume nothing of what the charger holds."""
        self._possible.clear()
        self._failed.clear()

    def let_go(self, place: Place) -> None:
        """Take note that there is nothing in a place."""
        self._possible.pop(place, None)

    def writing(self, place: Place, profile: LimitProfile, at: float) -> bool:
        """Take note of a write; returns whether it is the first of too many."""
        self._possible.setdefault(place, []).append(profile)
        self._written[place] = at
        self.writes += 1
        return self.writes == TOO_MANY + 1

    def accepted(self, place: Place, profile: LimitProfile) -> None:
        """Take note of what the charger holds now."""
        self._possible[place] = [profile]
        self._failed.pop(place, None)

    def unanswered(self, place: Place, profile: LimitProfile) -> None:
        """Take note of what it may have taken or not."""
        _, failures = self._failed.get(place, (profile, 0))
        self._failed[place] = profile, failures + 1

    def refused(self, place: Place, profile: LimitProfile) -> None:
        """Take note of what it has not taken."""
        self.unanswered(place, profile)
        possible = [one for one in self._possible.get(place, []) if one is not profile]
        if possible:
            self._possible[place] = possible
        else:
            self.let_go(place)

    def known(self, place: Place) -> bool:
        """Return whether there is anything that the charger may hold."""
        return place in self._possible

    def has_failed(self, place: Place) -> bool:
        """Return whether the charger did not take what was written last."""
        return place in self._failed

    def lowers(self, place: Place, profile: LimitProfile, now: datetime) -> bool:
        """Return whether less may flow by a profile than by what there may be.

        Where nothing is known, anything may.
        """
        possible = self._possible.get(place)
        return not possible or any(
            not _alike(one, profile) or lowers(one.course, profile.course, now)
            for one in possible
        )

    def wait(
        self,
        place: Place,
        profile: LimitProfile,
        now: datetime,
        at: float,
        *,
        dead_band: float,
        cause: Cause,
        key: bool = False,
    ) -> float:
        """Return for how many seconds a profile should not be written yet.

        `dead_band` is what is worth a write, in the profile's unit. What a user says
        does not wait, except for a key.
        """
        failed, failures = self._failed.get(place, (None, 0))
        spacing = 0.0
        if failed and cause is not Cause.USER and _same(failed, profile, now):
            spacing = min(_FIRST_RETRY * 2 ** (failures - 1), _LAST_RETRY)
        elif not self.lowers(place, profile, now):
            spacing = _KEY_SPACING if key else 0.0
            if cause is Cause.ENGINE:
                before = self._possible[place][-1]
                grows = profile.limit_at(now).value - before.limit_at(now).value
                small = 0 < grows < dead_band
                spacing = max(spacing, _SMALL_SPACING if small else _SPACING)
        return max(0.0, self._written.get(place, at - spacing) + spacing - at)


def _same(one: LimitProfile, other: LimitProfile, now: datetime) -> bool:
    """Return whether two profiles come to the same for now."""
    return _alike(one, other) and one.limit_at(now) == other.limit_at(now)


def _alike(one: LimitProfile, other: LimitProfile) -> bool:
    """Return whether two profiles differ in nothing but their courses."""
    return replace(one, course=(), valid_to=None) == replace(
        other, course=(), valid_to=None
    )
