"""A register is followed: never down, never twice, whatever it does."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
import json

from hypothesis import given, strategies as st
import pytest
from sqlalchemy.dialects import sqlite

from custom_components.ocpp_central.csms.register import Register
from custom_components.ocpp_central.ledger.schema import RegisterState

T0 = datetime(2026, 3, 2, 12, tzinfo=UTC)
INTERVALS = pytest.mark.parametrize("interval", [10, 60, 300, 900, 1800])


def at(seconds: float) -> datetime:
    """Return a time, counted from the first reading."""
    return T0 + timedelta(seconds=seconds)


def follow(
    values: Sequence[float],
    interval: float = 60,
    *,
    power: float | None = None,
    register: Register | None = None,
) -> Register:
    """Take readings at even intervals; the first is where a new register begins."""
    if register is None:
        register = Register(value=values[0], time=T0)
        register.power = power
        values = values[1:]
    for value in values:
        before = register.total
        flowed = register.read(
            register.time + timedelta(seconds=interval), value, power
        )
        assert flowed >= 0
        assert register.total == pytest.approx(before + flowed, abs=0.001)
    return register


def steps(start: float, power: float, minutes: int, unit: float = 1) -> list[float]:
    """Return what a register shows that counts even power each minute."""
    return [start + power / 60 * minute / unit for minute in range(minutes + 1)]


@given(
    st.integers(0, 10**9),
    st.lists(st.tuples(st.integers(0, 86_400), st.floats(0, 1)), max_size=30),
)
def test_sane(start: int, moves: list[tuple[int, float]]) -> None:
    """What rose is what flowed, whatever the steps."""
    register = Register(value=start, time=T0)
    time, value = T0, start
    for seconds, part in moves:
        time += timedelta(seconds=seconds)
        value += int(part * (350_000 * seconds / 3600 + 2000))
        # Nothing tells a rise to a thousand times as much from another unit.
        if value > 300 * max(start, 40):
            return
        register.read(time, value)
    assert register.total == value - start
    assert register.value == value
    assert register.intact


@given(
    st.floats(0, 1e9),
    st.lists(
        st.tuples(
            st.integers(-600, 86_400),
            st.floats(-1e3, 1e12) | st.integers(0, 200_000),
            st.none() | st.floats(-1e4, 1e7),
            st.booleans(),
        ),
        max_size=40,
    ),
)
def test_anything(
    start: float, readings: list[tuple[int, float, float | None, bool]]
) -> None:
    """The total only grows, and by no more than can have flowed."""
    register = Register(value=start, time=T0)
    time = T0
    for seconds, value, power, told in readings:
        time += timedelta(seconds=seconds)
        total, since = register.total, register.time
        if told:
            register.restart(time, max(0.0, value))
            assert register.total == total
            continue
        flowed = register.read(time, value, power)
        assert 0 <= flowed < 1e300
        assert register.total == pytest.approx(total + flowed, abs=0.001)
        assert since <= register.time


@given(
    st.lists(st.integers(0, 2000), min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(0, 19), st.sampled_from([0, 1e12])), max_size=3),
    st.integers(0, 10**7),
    st.sampled_from([10, 60, 300, 900]),
)
def test_glitches(
    rises: list[int], glitches: list[tuple[int, float]], start: int, interval: int
) -> None:
    """Wrong for a moment, a register has lost nothing, and counts nothing twice."""
    start += 20_000
    values = [start]
    for rise in rises:
        values.append(values[-1] + rise)
    expected = values[-1] - start
    for place, wrong in sorted(glitches, reverse=True):
        values.insert(1 + min(place, len(rises) - 1), wrong)
    total = follow(values, interval).total
    assert total == expected


@INTERVALS
def test_reset_with_each_session(interval: int) -> None:
    """Some count from zero each time: all sessions are the sum."""
    session = [*range(0, 10_001, 500)]
    assert follow([*session, *session, *session], interval).total == 30_000
    # By steps that do not meet.
    other = [0, 170, 900, 1800, 2600, 3500]
    assert follow([*session, *other, *session], interval).total == 23_500


def test_reset_that_is_told() -> None:
    """A session that was said to begin at zero is no glitch, however long it was."""
    register = follow([0, 5000, 10_000])
    register.restart(at(180), 0)
    assert register.total == 10_000
    follow([10_000], register=register)
    assert register.total == 20_000
    # Zero was seen before it was told.
    follow([0], register=register)
    register.confirm(0)
    follow([10_100], 900, register=register)
    assert register.total == 30_100
    # What is said of another register confirms nothing.
    follow([0], register=register)
    register.confirm(10_100)
    assert register.before
    assert not register.before.told


@pytest.mark.parametrize("interval", [10, 60, 300, 900])
@pytest.mark.parametrize("start", [0, 5000, 60_000, 200_000, 5_000_000])
@pytest.mark.parametrize(
    "glitch", [[0], [0, 0], [3], [4_294_967_295.0], [0, 4_294_967_295.0]]
)
def test_glitch(start: float, interval: int, glitch: list[float]) -> None:
    """Back where it was, a register goes on, with nothing lost or counted twice."""
    register = follow([start, start + 500, *glitch, start + 610, start + 720], interval)
    assert register.total == pytest.approx(720, abs=3)
    assert register.value == start + 720


def test_another_meter() -> None:
    """A new meter begins near zero and counts on; what it shows first may be its."""
    register = follow([5_000_000, 5_001_000, 3, 3, 103, 203], 3600)
    assert register.total == 1203
    # A used one.
    register = follow([50_000, 51_000, 20_000, 20_100, 20_200])
    assert register.total == 1200


def test_rounding() -> None:
    """Values in whole kWh among exact ones count nothing twice."""
    assert follow([15_000, 15_400, 15_000, 15_900, 15_000, 16_000]).total == 1000
    assert follow([51_900, 51_000, 52_100, 52_000, 52_050]).total == 200
    assert follow([1000, 999, 1000, 1001]).total == 1


def test_below_zero() -> None:
    """No register is negative: it is no reading."""
    assert follow([0, -1, 0, 5, -1, 10]).total == 10
    assert follow([100_000, -5, 100_100]).intact


@pytest.mark.parametrize("outage", [60, 6 * 3600])
def test_unit_that_changes(outage: float) -> None:
    """From Wh to kWh that are called Wh, and back, as firmware does."""
    register = follow([19_091_000, 19_091_351])
    follow([19_091.451], outage, register=register)
    assert register.total == pytest.approx(451)
    follow([19_091.551, 19_092.0], register=register)
    assert register.total == pytest.approx(1000)
    follow([19_092_500], outage, register=register)
    follow([19_093_000], register=register)
    assert register.total == pytest.approx(2000)
    assert register.intact


@pytest.mark.parametrize("interval", [10, 60, 900])
@pytest.mark.parametrize("lifetime", [40_000, 100_000, 5_000_000])
def test_registers_that_take_turns(lifetime: int, interval: int) -> None:
    """Of the session while it charges, of all time in between: ABB."""
    values = []
    for _ in range(4):
        values += [lifetime, lifetime, *range(0, 8001, 800)]
        lifetime += 8000
    assert follow([*values, lifetime, lifetime + 50], interval).total == 32_050
    # One in each message.
    values = []
    for rise in range(0, 6000, 100):
        values += [lifetime + rise, rise]
    assert follow(values, interval).total == 5900


@pytest.mark.parametrize(
    ("unit", "resolution"), [(1000, 0.0001), (1000, 1), (1 / 1000, 1)]
)
@pytest.mark.parametrize("power", [3_700, 7_400, 22_000])
def test_wrong_unit(power: float, unit: float, resolution: float) -> None:
    """Measured power tells kWh that are called Wh, or Wh that are called kWh."""
    minutes = int(4_000 / power * 60)
    values = [
        value // resolution * resolution for value in steps(50, power, minutes, unit)
    ]
    register = follow(values, power=power)
    assert register.scale == unit
    # From there on it is as exact as any.
    follow([values[-1] + 10_000 / unit], 1800, register=register)
    assert register.total == pytest.approx(minutes * power / 60 + 10_000, abs=1000)


def test_wrong_unit_between_start_and_samples() -> None:
    """A start in Wh, and samples in kWh called Wh, are never multiplied."""
    register = follow([50_000, *steps(50, 7400, 60, 1000)], power=7400)
    assert register.total == pytest.approx(7400, abs=60)
    # Fixed by an update: nothing is invented until power has told so.
    follow(steps(57_400, 7400, 60), register=register, power=7400)
    assert 12_300 < register.total < 14_860
    assert register.scale == 1


@pytest.mark.parametrize("power", [5.0, 7.4, 7_400_000.0, 0.0, -7400.0])
def test_power_that_cannot_be(power: float) -> None:
    """A power in kW that is called W, or the other way round, proves nothing."""
    values = steps(1000, 7400, 60 * 40)
    register = follow(values, power=power)
    assert register.scale == 1
    assert register.total == pytest.approx(40 * 7400)


def test_power_that_is_stuck() -> None:
    """What a car trickles is not a thousand times as much."""
    values = [*steps(1000, 7400, 30)]
    values += [values[-1] + minute // 12 for minute in range(600)]
    register = follow(values, power=7400)
    assert register.total == pytest.approx(values[-1] - 1000)


def test_coarse_register_with_power() -> None:
    """Whole kWh are Wh all the same."""
    values = [value // 1000 * 1000 for value in steps(50_000, 11_000, 120)]
    register = follow(values, power=11_000)
    assert register.total == 22_000
    assert register.agreed


def test_power_does_not_tell_of_gaps() -> None:
    """What rose while nobody measured is not held against what was measured."""
    register = follow(steps(1000, 7400, 10), power=7400)
    follow([3_001_000], 30 * 86_400, register=register, power=7400)
    follow(steps(3_001_000, 7400, 60), register=register, power=7400)
    assert register.scale == 1
    assert register.total == pytest.approx(3_000_000 + 7400)


def test_what_can_have_flowed() -> None:
    """Fast chargers and outages are believed, and what cannot be is not."""
    assert follow(steps(1000, 350_000, 20), power=350_000).total == pytest.approx(
        350_000 / 3
    )
    assert follow([1000, 101_000], 12 * 3600).total == 100_000
    assert follow([600_000, 5_600_000, 5_600_100], 30).total == 100
    # Where power is measured, it says what can have flowed.
    register = follow([1000, 1100, 61_000, 1300], power=7400)
    assert register.total == 300


def test_order() -> None:
    """An older reading tells nothing; a clock that was set back a little is forgiven."""
    register = follow([1000, 1500], 600)
    assert register.read(at(0), 900) == 0
    assert register.read(at(60), 1600) == 0
    assert register.read(at(595), 1600) == 100
    assert register.time == at(600)
    assert register.read(at(595), 1590) == 0
    assert register.read(at(660), 1700) == 100
    assert register.total == 700


def test_total_at() -> None:
    """What comes late finds its place, back to where the register broke off."""
    register = Register(value=5000, time=T0, total=105_000)
    follow([6000, 7000], register=register)
    assert register.total_at(at(60), 6000) == 106_000
    assert register.total_at(at(60), 8000) is None
    assert register.total_at(at(60), -200_000) is None
    follow([0, 500], register=register)
    assert register.total == 107_500
    assert register.total_at(at(230), 300) == 107_300
    assert register.total_at(at(60), 6000) is None


RISES = st.lists(st.integers(0, 2000), max_size=15)


@given(RISES, RISES, st.sampled_from([0, 0.001, 4e9]))
def test_restart(before: list[int], after: list[int], odd: float) -> None:
    """From disk, a register goes on as if nothing had happened."""
    values = [30_000.0]
    for rise in before:
        values.append(values[-1] + rise)
    register = follow([*values, odd], power=7400)
    state = RegisterState()
    dialect = sqlite.dialect()
    told = json.loads(json.dumps(state.process_bind_param(register, dialect)))
    restored = state.process_result_value(told, dialect)
    assert restored == register
    copy = register.copy()
    values = [values[-1] + sum(after[:count]) for count in range(len(after) + 1)]
    assert follow(values, register=restored, power=7400) == follow(
        values, register=register, power=7400
    )
    assert copy == state.process_result_value(told, dialect)
    assert all(one <= other for one, other in pairwise(values))


def test_nothing_on_disk() -> None:
    """No register is none, to and fro."""
    state = RegisterState()
    assert state.process_bind_param(None, sqlite.dialect()) is None
    assert state.process_result_value(None, sqlite.dialect()) is None
