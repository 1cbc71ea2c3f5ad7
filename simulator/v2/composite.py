"""The composite schedule of charging profiles: what they allow together, over a time span."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
import math

from simulator.profiles import Unit

from .profiles import Profile2, Site2, anchor, limit_at, session_limit


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` seconds on, this limit; `phases` where they are told."""

    start: int
    limit: float
    phases: int | None = None


def composite(
    profiles: Collection[Profile2],
    evse: int,
    start: datetime,
    duration: int,
    site: Site2,
    unit: Unit = Unit.A,
) -> list[Period]:
    """The composite schedule: `limit_at` for every second of a time span, rounded down to tenths."""
    schedule: list[Period] = []
    for offset in sorted(_changes(profiles, start, duration, site)):
        at = start + timedelta(seconds=offset)
        limit = limit_at(profiles, evse, at, site, unit, idle=start)
        # A float just below a tenth (16.1 is 16.0999…) is that tenth.
        limit = math.floor(limit * 10 + 1e-6) / 10
        phases = None
        if evse > 0:
            phases = session_limit(profiles, evse, at, site, start).phases
        if not schedule or (schedule[-1].limit, schedule[-1].phases) != (limit, phases):
            schedule.append(Period(offset, limit, phases))
    return schedule


def _changes(
    profiles: Collection[Profile2], start: datetime, duration: int, site: Site2
) -> set[int]:
    """The whole seconds after `start` at which any profile may begin, change or end."""
    offsets = {0}

    def note(when: datetime) -> None:
        offset = math.ceil((when - start) / timedelta(seconds=1))
        if 0 < offset < duration:
            offsets.add(offset)

    end = start + timedelta(seconds=duration)
    begun = {start, *(running.start for running in site.transactions.values())}
    for profile in profiles:
        for bound in profile.validity:
            if bound is not None:
                note(bound)
        for first in {anchor(profile, began) for began in begun}:
            for cycle in _cycles(profile, first, start, end):
                for period in profile.periods:
                    note(cycle + timedelta(seconds=period["startPeriod"]))
                if (length := profile.schedule.get("duration")) is not None:
                    note(cycle + timedelta(seconds=length))
    return offsets


def _cycles(
    profile: Profile2, first: datetime, start: datetime, end: datetime
) -> Iterator[datetime]:
    """When a profile starts over, as far as it matters between two moments."""
    if profile.recurrence is None:
        yield first
        return
    cycle = first
    if start > first:
        cycle += (start - first) // profile.recurrence * profile.recurrence
    while cycle < end:
        yield cycle
        cycle += profile.recurrence
