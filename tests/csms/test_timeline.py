"""What may flow at a connector, now and later."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.ocpp_central.csms.timeline import (
    Course,
    Demand,
    Step,
    idle_limit,
    least,
    lifetime,
    needs_end,
    running_course,
    step_at,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
END = NOW + timedelta(minutes=5)
LATER = NOW + timedelta(hours=1)


def demand(**more: object) -> Demand:
    """Return what is wanted of a connector that carries 16 A, for a car."""
    return Demand(**{"most": 16, "floor": 16, "minimum": 6, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "limit"),
    [
        ({}, None),
        ({"limit": 10}, 10),
        ({"limit": 20}, 16),
        ({"limit": 3}, 6),
        ({"floor": 8}, 8),
        ({"floor": 8, "limit": 10}, 8),
        ({"floor": 8, "limit": 7}, 7),
        # Never nothing: some chargers hang.
        ({"limit": 10, "paused": True}, 10),
    ],
)
def test_idle(wanted: dict[str, float], limit: float | None) -> None:
    """What holds for any transaction is the less of limit and fallback, never 0."""
    assert idle_limit(demand(**wanted)) == limit


@pytest.mark.parametrize(
    ("wanted", "course"),
    [
        # Nothing is wanted, or what holds for any transaction is enough.
        ({}, ()),
        ({"limit": 10}, ()),
        ({"floor": 8, "limit": 7}, ()),
        # More than may flow without us, where nobody else depends on it.
        ({"floor": 8, "limit": 10}, (Step(10),)),
        ({"floor": 8}, (Step(16),)),
        ({"paused": True}, (Step(0),)),
        # For this transaction only.
        ({"course": (Step(8),)}, (Step(8),)),
        ({"course": (Step(8, LATER), Step(16))}, (Step(8, LATER), Step(16))),
        ({"course": (Step(3),)}, (Step(6),)),
        ({"course": (Step(20),)}, (Step(16),)),
        ({"course": (Step(0),)}, (Step(0),)),
    ],
)
def test_own_fuse(wanted: dict[str, object], course: Course) -> None:
    """On a fuse of its own a charger goes on as it was told."""
    given = demand(**wanted)
    assert not needs_end(given)
    assert running_course(given) == course


@pytest.mark.parametrize(
    ("wanted", "course"),
    [
        ({"limit": 10}, (Step(10, END), Step(8))),
        ({}, (Step(16, END), Step(8))),
        (
            {"course": (Step(12, NOW + timedelta(minutes=2)), Step(6))},
            (Step(12, NOW + timedelta(minutes=2)), Step(6)),
        ),
        (
            {"course": (Step(7, LATER), Step(16))},
            (Step(7, LATER), Step(8)),
        ),
        ({"limit": 10, "live": True}, (Step(10, END), Step(8))),
        ({"limit": 7, "live": True}, (Step(7, END), Step(8))),
        # The engine asks for less than a car can do.
        ({"limit": 3, "live": True}, (Step(0, END), Step(8))),
    ],
)
def test_shared_fuse(wanted: dict[str, object], course: Course) -> None:
    """On a shared fuse no more than the fallback flows once nobody commands."""
    given = demand(floor=8, shared=True, **wanted)
    assert needs_end(given)
    assert running_course(given, END) == course


def test_lifetime() -> None:
    """More than the fallback may flow for minutes only."""
    assert lifetime(demand(floor=8, limit=10)) == timedelta(minutes=5)
    assert lifetime(demand(floor=8, limit=7)) == timedelta(hours=2)


def test_pause_for_all() -> None:
    """A pause that would hold for every car to come ends some time."""
    assert running_course(demand(paused=True), LATER) == (Step(0, LATER), Step(16))
    assert running_course(demand(paused=True, floor=8), LATER) == (
        Step(0, LATER),
        Step(8),
    )


limits = st.integers(0, 40).map(float)
moments = st.integers(0, 7200).map(lambda seconds: NOW + timedelta(seconds=seconds))


@st.composite
def courses(draw: st.DrawFn) -> Course:
    """Make any course."""
    ends = sorted(draw(st.sets(moments, max_size=4)))
    return (*(Step(draw(limits), end) for end in ends), Step(draw(limits)))


demands = st.builds(
    Demand,
    most=st.integers(6, 32).map(float),
    floor=st.integers(0, 32).map(float),
    shared=st.booleans(),
    limit=st.none() | limits,
    course=st.just(()) | courses(),
    live=st.booleans(),
    paused=st.booleans(),
    minimum=st.sampled_from([0.0, 6.0]),
)


@given(demands, moments, moments)
def test_never_too_much(wanted: Demand, end: datetime, time: datetime) -> None:
    """Nothing exceeds the ceiling, and on a shared fuse, in the end, the fallback."""
    needed = needs_end(wanted)
    course = running_course(wanted, end if needed else None)
    if not course:
        return
    limit = step_at(course, time).limit
    assert limit <= wanted.most
    assert limit == 0 or limit >= min(wanted.minimum, wanted.floor)
    if needed and time >= end:
        assert limit <= wanted.floor
    assert course[-1].until is None
    assert [step.limit for step in course[1:]] != [
        step.limit for step in course[:-1]
    ] or (len(course) == 1)


@given(st.lists(courses(), min_size=1, max_size=3), moments)
def test_least(given_courses: list[Course], time: datetime) -> None:
    """Who shares a place gets what is least at any time."""
    least_of = step_at(least(given_courses), time).limit
    assert least_of == min(step_at(course, time).limit for course in given_courses)
