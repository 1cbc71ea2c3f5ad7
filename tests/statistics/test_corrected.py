"""Rows as they should be, whatever happened when."""

from hypothesis import example, given, strategies as st
import pytest

from custom_components.ocpp_central.statistics_replay import Point, Row, corrected

HOUR = 3600
STEP = 600
HOURS = 12
READINGS = HOURS * HOUR // STEP


@given(
    used=st.lists(st.sampled_from([0, 1, 50, 1800]), min_size=72, max_size=72),
    lost=st.integers(1, READINGS - 1),
    length=st.integers(1, READINGS),
    stale=st.booleans(),
    sparse=st.booleans(),
    distance=st.floats(-1e6, 1e6),
)
@example(
    used=[1800] * 72, lost=5, length=20, stale=True, sparse=False, distance=-1000.0
)
def test_any_outage(
    used: list[int], lost: int, length: int, stale: bool, sparse: bool, distance: float
) -> None:
    """Each hour has what was charged in it, and that does not change any more."""
    register = [100_000.0]
    for energy in used:
        register.append(register[-1] + energy)
    back = min(lost + length, READINGS)
    told = range(lost, back + 1)
    points = [
        Point(index * STEP, register[index])
        for index in (
            (lost, back)
            if sparse
            # Only what moved is kept, with what was before.
            else [
                index
                for index in told
                if index in {lost, back}
                or register[index] > register[index - 1]
                or register[index] < register[index + 1]
            ]
        )
    ]
    rows = {}
    for hour in range(HOURS):
        end = (hour + 1) * 6
        heard = [index for index in range(hour * 6, end + 1) if not lost < index < back]
        if (heard and heard != [end]) or stale:
            last = max(index for index in range(end + 1) if not lost < index < back)
            rows[float(hour * HOUR)] = Row(
                hour * HOUR, register[last], register[last] + distance
            )
    first = points[0].time // HOUR * HOUR
    before = rows.get(first - HOUR)
    known = {start: row for start, row in rows.items() if start >= first}
    if before is None and not known:
        return
    end_of_all = float(HOURS * HOUR)
    wanted = {row.start: row for row in corrected(points, before, known, end_of_all)}
    fixed = rows | wanted
    for hour in range(HOURS):
        row = fixed[hour * HOUR]
        assert row.sum - row.state == pytest.approx(distance, abs=1e-6)
        if not sparse or (hour + 1) * 6 <= lost or (hour + 1) * 6 >= back:
            assert row.state == pytest.approx(register[(hour + 1) * 6], abs=2)
    states = [fixed[hour * HOUR].state for hour in range(HOURS)]
    assert states == sorted(states)
    again = corrected(points, before, wanted, end_of_all)
    assert {row.start: row for row in again} == {
        start: pytest.approx(row, abs=1e-6) for start, row in wanted.items()
    }


def test_another_register() -> None:
    """A sum that belongs to a register of old is nothing to go by."""
    points = [Point(HOUR + 60, 10.0), Point(3 * HOUR + 60, 30.0)]
    old = Row(0.0, 5000.0, 700.0)
    assert not list(corrected(points, old, {}, 4.0 * HOUR))
    # The recorder went on counting from where it was.
    known = {3.0 * HOUR: Row(3.0 * HOUR, 30.0, 730.0)}
    assert [
        (row.start / HOUR, round(row.state), round(row.sum))
        for row in corrected(points, old, known, 4.0 * HOUR)
    ] == [(1, 20, 720), (2, 30, 730), (3, 30, 730)]
