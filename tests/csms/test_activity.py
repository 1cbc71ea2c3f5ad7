"""When current flowed between one reading and the next."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, strategies as st

from custom_components.ocpp_central.csms.activity import Activity


def at(minutes: float) -> datetime:
    """Return a time, counted from noon."""
    return datetime(2026, 3, 2, 12, tzinfo=UTC) + timedelta(minutes=minutes)


def test_nothing_is_known() -> None:
    """A connector that never said what it does has no times of charging."""
    assert Activity().take(at(0), at(10)) is None


def test_from_before_it_was_known() -> None:
    """Half known is not known."""
    activity = Activity()
    activity.update(at(5), charging=True)
    assert activity.take(at(0), at(10)) is None
    assert activity.take(at(10), at(20)) == [(at(10), at(20))]


def test_charging_and_pausing() -> None:
    """Each window of charging is told once, cut to the time that is asked about."""
    activity = Activity()
    activity.update(at(0), charging=False)
    activity.update(at(10), charging=True)
    activity.update(at(11), charging=True)
    activity.update(at(20), charging=False)
    activity.update(at(21), charging=False)
    activity.update(at(25), charging=True)
    windows = [(at(10), at(20)), (at(25), at(30))]
    assert activity.take(at(0), at(30)) == windows
    activity.update(at(40), charging=False)
    assert activity.take(at(30), at(60)) == [(at(30), at(40))]
    # Energy without charging: it is not known when it flowed.
    assert activity.take(at(60), at(90)) is None


def test_cut() -> None:
    """What is outside of the time that is asked about does not count."""
    activity = Activity()
    activity.update(at(0), charging=True)
    activity.update(at(20), charging=False)
    activity.update(at(50), charging=True)
    assert activity.take(at(10), at(15)) == [(at(10), at(15))]
    # A reading of before it began.
    assert activity.take(at(30), at(40)) is None
    assert activity.take(at(40), at(60)) == [(at(50), at(60))]


def test_unheard() -> None:
    """While the charger is away, anything can happen."""
    activity = Activity()
    activity.update(at(0), charging=True)
    activity.forget()
    assert activity.take(at(0), at(10)) is None
    activity.update(at(20), charging=True)
    assert activity.take(at(10), at(30)) is None
    assert activity.take(at(30), at(40)) == [(at(30), at(40))]


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.booleans())))
def test_any_order(changes: list[tuple[int, bool, bool]]) -> None:
    """No minute is told twice, none in which it did not charge, and none is missed."""
    activity = Activity()
    activity.update(at(0), charging=False)
    minute = asked = 0
    charging = False
    expected: set[int] = set()
    told: list[int] = []
    for minutes, then, ask in [*changes, (1, False, True)]:
        if charging:
            expected.update(range(minute, minute + minutes))
        minute += minutes
        charging = then
        activity.update(at(minute), charging=charging)
        if ask:
            windows = activity.take(at(asked), at(minute)) or []
            assert all(one[1] <= other[0] for one, other in pairwise(windows))
            for start, end in windows:
                first = (start - at(0)) // timedelta(minutes=1)
                told += range(first, first + (end - start) // timedelta(minutes=1))
            asked = minute
    assert sorted(told) == sorted(expected)
