"""What may flow at a connector, now and later: the course that a charger is to hold.

Wishes and times in, courses out, all in one unit, amperes per phase or watts; how a
charger is made to take them is the ladder's business.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

# How long what is wanted outlives us: briefly where it is more than may flow without
# us, longer where it is less.
_ABOVE = timedelta(minutes=5)
_BELOW = timedelta(hours=2)
# What is held in any case while nothing charges, in A or W.
_IDLE = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """So much may flow until a time; None: for good."""

    limit: float
    until: datetime | None = None


# Step after step, the last one for good.
type Course = tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What everybody wants of one connector."""

    # M: what may flow at most.
    most: float
    # F: what may flow when nobody commands, and whether others rely on that, because
    # they share a fuse.
    floor: float
    shared: bool = False
    # U: what the user wants of any transaction; None: nothing.
    limit: float | None = None
    # What is wanted of the running transaction instead.
    course: Course = ()
    # Whether what is wanted follows something that moves on, as the sun does.
    live: bool = False
    paused: bool = False
    # What a pause comes to: more where nothing would end the transaction.
    rest: float = 0.0
    # Whether nothing else holds the ceiling.
    capped: bool = False
    # What a car cannot charge below; 0 with direct current.
    minimum: float = 0.0


def idle_limit(demand: Demand) -> float | None:
    """Return what holds for any transaction; None where nobody wants a limit.

    Never 0, which makes some chargers hang.
    """
    if demand.limit is None and demand.floor >= demand.most and not demand.capped:
        return None
    if demand.most < (least_possible := max(_IDLE, demand.minimum)):
        return None
    return max(least_possible, min(demand.floor, demand.most, _asked(demand)))


def running_course(demand: Demand, end: datetime | None = None) -> Course:
    """Return what holds for the running transaction; empty: what holds for any.

    From `end` on, the charger is on its own: needed where the demand `needs_end`.
    """
    if demand.paused:
        rest = min(demand.rest, demand.most)
        return (Step(rest, end), Step(_after(demand))) if end else (Step(rest),)
    course = _wanted(demand)
    if end:
        return _fallen_back(course, demand, end)
    if not demand.course and course[0].limit == (idle_limit(demand) or demand.most):
        return ()
    return course


def needs_end(demand: Demand) -> bool:
    """Return whether the charger has to come to its floor by itself without us."""
    if demand.paused:
        return False
    above = any(step.limit > demand.floor for step in _wanted(demand))
    return demand.live or (demand.shared and above)


def lifetime(demand: Demand) -> timedelta:
    """Return how long what is wanted now may outlive us."""
    course = _wanted(demand)
    coming = course[:1] if demand.live else course
    return _ABOVE if any(step.limit > demand.floor for step in coming) else _BELOW


def without_return(demand: Demand) -> Demand:
    """Return a demand of who cannot come back to the floor without us.

    Where others rely on that, no more than it may ever flow.
    """
    if not demand.shared:
        return demand
    return replace(demand, most=min(demand.floor, demand.most))


def ahead(course: Course, now: datetime) -> Course:
    """Return what is not over yet of a course."""
    return tuple(step for step in course if step.until is None or now < step.until)


def shortened(course: Course, most: int) -> Course:
    """Return a course of so many steps at most, nowhere above the given one."""
    if len(course) <= most:
        return course
    rest = min(step.limit for step in course[most - 1 :])
    return _merged([*course[: most - 1], Step(rest)])


def step_at(course: Course, time: datetime) -> Step:
    """Return the step of a course that holds at a time."""
    return next(step for step in course if step.until is None or time < step.until)


def _wanted(demand: Demand) -> Course:
    course = demand.course or (Step(_asked(demand)),)
    return _merged(Step(_possible(demand, step.limit), step.until) for step in course)


def _asked(demand: Demand) -> float:
    return demand.most if demand.limit is None else demand.limit


def _possible(demand: Demand, limit: float) -> float:
    """Return a limit that a car can charge with: what is asked for, but never more."""
    if limit > 0 and not demand.live:
        limit = max(limit, demand.minimum)
    limit = min(limit, demand.most)
    return limit if limit >= demand.minimum else 0


def _after(demand: Demand) -> float:
    """Return what may flow after a pause that has ended without us."""
    return idle_limit(demand) or _floor(demand)


def _floor(demand: Demand) -> float:
    """Return what a car may charge with once nobody commands."""
    floor = min(demand.floor, demand.most)
    return floor if floor >= demand.minimum else 0


def _fallen_back(course: Course, demand: Demand, end: datetime) -> Course:
    """Return a course that nowhere exceeds the floor from `end` on."""
    before = [step for step in course if step.until is not None and step.until < end]
    after = course[len(before) :]
    floor = _floor(demand)
    if demand.live:
        # It followed something, and that says nothing about later.
        return _merged([*before, Step(after[0].limit, end), Step(floor)])
    return _merged(
        [
            *before,
            Step(after[0].limit, end),
            *(Step(min(step.limit, floor), step.until) for step in after),
        ]
    )


def _merged(steps: Iterable[Step]) -> Course:
    course: list[Step] = []
    for step in steps:
        if course and course[-1].limit == step.limit:
            course[-1] = step
        else:
            course.append(step)
    return tuple(course)


def least(courses: Sequence[Course]) -> Course:
    """Return the course that nowhere exceeds any of these."""
    ends = {step.until for course in courses for step in course} - {None}
    steps = []
    start: datetime | None = None
    for end in [*sorted(end for end in ends if end), None]:
        limits = [
            step.limit if start is None else step_at(course, start).limit
            for course in courses
            for step in course[:1]
        ]
        steps.append(Step(min(limits), end))
        start = end
    return _merged(steps)
