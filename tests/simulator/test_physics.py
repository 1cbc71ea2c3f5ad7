"""Cars, and how a station shares its power."""

from hypothesis import given, strategies as st
import pytest

from simulator.car import Car
from simulator.power import Demand, share
from simulator.profiles import Limit


def test_car_ramps_up_and_follows() -> None:
    """It takes time to reach the offered current, and to come down from it."""
    car = Car(max_current=16, ramp=2)
    car.charge(1, 32, 3, 230)
    assert car.current == 2
    car.charge(10, 32, 3, 230)
    assert car.current == 16
    car.charge(1, 10, 3, 230)
    assert car.current == 14
    car.charge(2, 10, 3, 230)
    assert car.current == 10


def test_car_stops_at_once_below_the_minimum() -> None:
    """Less than 6 A cannot be offered."""
    car = Car()
    car.charge(20, 16, 3, 230)
    assert car.charge(1, 5.9, 3, 230) == 0
    assert car.current == 0


def test_energy_and_state_of_charge() -> None:
    """An hour at 10 A on three phases."""
    car = Car(capacity_wh=60_000, soc=40, ramp=100)
    energy = car.charge(3600, 10, 3, 230)
    assert energy == pytest.approx(6900, rel=0.001)
    assert car.soc == pytest.approx(40 + energy / 600)


def test_car_uses_its_own_phases() -> None:
    """Three phases are of no use to a car with one."""
    car = Car(phases=1, ramp=100)
    assert car.charge(3600, 10, 3, 230) == pytest.approx(2300, rel=0.001)


def test_taper_and_end() -> None:
    """Towards the end it draws less, and then nothing."""
    car = Car(capacity_wh=10_000, soc=90)
    car.charge(60, 32, 3, 230)
    assert car.current < 9
    stored = 0.0
    while not car.full:
        stored += car.charge(60, 32, 3, 230)
    assert (car.soc, car.current) == (100, 0)
    assert stored < 1000
    assert car.charge(60, 32, 3, 230) == 0


@given(
    st.floats(0, 99),
    st.lists(st.tuples(st.integers(1, 600), st.floats(0, 40)), max_size=20),
)
def test_car_keeps_within_bounds(soc: float, offers: list[tuple[int, float]]) -> None:
    """Whatever it is offered, a car draws neither too much nor for ever."""
    car = Car(capacity_wh=2000, soc=soc)
    for seconds, offered in offers:
        energy = car.charge(seconds, offered, 3, 230)
        assert 0 <= energy <= 16 * 690 * seconds / 3600 + 1e-6
        assert 0 <= car.current <= 16
        assert soc <= car.soc <= 100
        if seconds > 10:
            assert car.current <= max(offered, 0) + 1e-9


def test_everyone_gets_its_limit_if_it_fits() -> None:
    """Without a shortage nothing is shared."""
    demands = [Demand(32, 16, 3), Demand(10, 16, 3), Demand(4, 16, 3)]
    assert share(demands, Limit(current=42), 230) == [32, 10, 0]


def test_shortage_is_shared_evenly() -> None:
    """What one does not need, others get."""
    demands = [Demand(32, 32, 3), Demand(32, 32, 3), Demand(32, 8, 3)]
    assert share(demands, Limit(current=32), 230) == pytest.approx([12, 12, 8])


def test_late_comers_wait() -> None:
    """Nobody gets less than the minimum, so somebody gets nothing."""
    assert share([Demand(32, 16, 3)] * 3, Limit(current=13), 230) == [6.5, 6.5, 0]


def test_power_limit_counts_phases() -> None:
    """A car on one phase takes a third of the power."""
    demands = [Demand(32, 16, 1), Demand(32, 16, 3)]
    assert share(demands, Limit(power=9200), 230) == pytest.approx([10, 10])


_demands = st.builds(
    Demand,
    st.floats(0, 32),
    st.sampled_from([8.0, 16.0, 32.0]),
    st.sampled_from([1, 3]),
)


@given(st.lists(_demands, max_size=5), st.floats(0, 100), st.floats(0, 60_000))
def test_station_is_never_overloaded(
    demands: list[Demand], current: float, power: float
) -> None:
    """Neither in A nor in W, nor any connector by itself."""
    shares = share(demands, Limit(current, power), 230)
    assert sum(shares) <= current + 1e-5
    total = sum(
        each * demand.phases for each, demand in zip(shares, demands, strict=True)
    )
    assert total * 230 <= power + 1e-2
    for each, demand in zip(shares, demands, strict=True):
        assert each == 0 or 6 <= each <= demand.limit
