"""What a session used and cost, from reading to reading."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.ocpp_central.csms.accounting import Account
from custom_components.ocpp_central.csms.prices import Prices
from custom_components.ocpp_central.csms.register import Register


def at(minutes: float) -> datetime:
    """Return a time, counted from noon."""
    return datetime(2026, 3, 2, 12, tzinfo=UTC) + timedelta(minutes=minutes)


def priced(*prices: tuple[float, float | None], currency: str = "EUR") -> Prices:
    """Return prices by the minute they begin at; None: not known."""
    timeline = Prices()
    for minute, per_kwh in prices:
        if per_kwh is None:
            timeline.end(at(minute))
        else:
            timeline.set(at(minute), per_kwh, currency)
    return timeline


FIXED = priced((-1000, 0.5))


def begun(meter_start: float = 1000) -> Account:
    """Return the account of a session that began at noon."""
    return Account(register=Register(value=meter_start, time=at(0)))


def sampled(
    *values: float, prices: Prices = FIXED, start: float = 1000, every: float = 15
) -> Account:
    """Return the account of a session that had a sample each quarter of an hour."""
    account = begun(start)
    for number, value in enumerate(values, 1):
        account.read(at(every * number), {"energy": value}, prices)
    return account


def check(account: Account) -> None:
    """Compare the sums of the hours with what the session says."""
    hours = account.hours.values()
    assert sum(hour.energy for hour in hours) == pytest.approx(
        account.energy or 0, abs=0.01
    )
    assert sum(hour.cost for hour in hours) == pytest.approx(
        account.cost or 0, abs=1e-6
    )
    assert sum(hour.unpriced for hour in hours) == pytest.approx(
        account.unpriced, abs=1e-6
    )
    assert all(hour.energy >= 0 and hour.unpriced >= -1e-9 for hour in hours)
    assert account.fresh <= account.hours.keys()
    assert all(hour.minute == hour.second == 0 for hour in account.hours)


def test_nothing_measured() -> None:
    """No register, no energy: not zero, and no cost."""
    account = Account()
    account.read(at(0), {"power": 7000.0, "soc": 40.0}, FIXED)
    assert account.energy is None
    assert account.cost is None


def test_without_a_start() -> None:
    """The first register is where it starts."""
    account = Account()
    account.read(at(0), {"energy": 500_000.0}, FIXED)
    account.read(at(30), {"energy": 501_000.0}, FIXED)
    assert account.energy == 1000
    assert account.cost == pytest.approx(0.5)


def test_prices_that_change() -> None:
    """Each part at the price of its time."""
    prices = priced((0, 0.2), (30, 0.4), (90, 0.1))
    account = begun()
    account.read(at(120), {"energy": 9000}, prices)
    check(account)
    assert account.cost == pytest.approx(2 * 0.2 + 4 * 0.4 + 2 * 0.1)
    assert account.currency == "EUR"
    assert account.charging == 7200
    first, second = (account.hours[at(minute)] for minute in (0, 60))
    assert (first.energy, first.cost) == pytest.approx((4000, 1.2))
    assert (second.energy, second.cost) == pytest.approx((4000, 1.0))


def test_a_price_below_zero() -> None:
    """Then one is paid for charging."""
    account = sampled(3000, prices=priced((0, -0.1)))
    check(account)
    assert account.cost == pytest.approx(-0.2)


def test_prices_nobody_knows() -> None:
    """Then nothing is guessed, and what has no price is told."""
    account = sampled(2000, 3000, 4000, prices=priced((15, 0.2), (30, None)))
    check(account)
    assert account.cost == pytest.approx(0.2)
    assert account.unpriced == pytest.approx(2000)
    account = sampled(2000, prices=Prices())
    assert account.cost is None
    assert account.currency is None
    assert account.unpriced == 1000


def test_a_free_session() -> None:
    """A price of zero is a price."""
    account = sampled(2000, prices=priced((0, 0.0)))
    assert account.cost == 0
    assert account.unpriced == 0


def test_a_bill_is_in_one_currency() -> None:
    """What another one was asked for has no price."""
    prices = priced((0, 0.2))
    prices.set(at(15), 5.0, "SEK")
    account = sampled(2000, 3000, prices=prices)
    check(account)
    assert account.currency == "EUR"
    assert account.cost == pytest.approx(0.2)
    assert account.unpriced == 1000


def test_when_current_flowed() -> None:
    """Energy belongs where the connector charged, not where the car paused."""
    prices = priced((0, 0.1), (60, 0.3))
    account = begun()
    windows = [(at(0), at(10)), (at(100), at(110))]
    account.read(at(120), {"energy": 3000}, prices, windows)
    check(account)
    assert account.charging == 1200
    assert account.hours[at(0)].energy == pytest.approx(1000)
    assert account.cost == pytest.approx(0.1 + 0.3)
    # Not known when: all the time between the readings.
    account = begun()
    account.read(at(120), {"energy": 3000}, prices, None)
    assert account.charging == 7200


def test_nothing_flowed() -> None:
    """Then no time was charged, and no hour has changed."""
    account = sampled(1000, 1000)
    assert account.energy == 0
    assert account.charging == 0
    assert account.hours == {}
    assert account.fresh == set()


def test_two_readings_at_once() -> None:
    """What rose in no time belongs to that hour."""
    account = begun()
    account.read(at(0), {"energy": 1500}, FIXED)
    check(account)
    assert account.hours.keys() == {at(0)}
    assert account.cost == pytest.approx(0.25)


def test_peaks_and_battery() -> None:
    """The highest power, the first and the last state of charge."""
    account = Account()
    for minute, values in enumerate(
        ({"power": -5.0}, {"power": 7000, "soc": 20}, {"power": 11_000}, {"soc": 80})
    ):
        account.read(at(minute), values, FIXED)
    assert account.peak_power == 11_000
    assert (account.soc_start, account.soc_end) == (20, 80)


SAMPLES = (4000.0, 8000.0)
END = at(40)


@pytest.mark.parametrize(
    ("samples", "start", "stop", "energy"),
    [
        # The last word, whether more or less.
        (SAMPLES, 1000, 8100, 7100),
        (SAMPLES, 1000, 8000, 7000),
        (SAMPLES, 1000, 7900, 6900),
        (SAMPLES, 1000, 1500, 500),
        (SAMPLES, 1000, 1000, 0),
        # Registers that were reset too early, or count from the start of the session.
        (SAMPLES, 1000, 0, 7000),
        ((4000, 7000), 0, 0, 7000),
        ((104_000, 107_000), 100_000, 7000, 7000),
        ((104_000, 107_000), 100_000, 7100, 7100),
        ((104_000, 107_000), 100_000, 6990, 7000),
        ((8000, 12_000), 5000, 150, 7150),
        # Without samples.
        ((), 1000, 8000, 7000),
        ((), 1000, 999, 0),
        ((), 0, -1, 0),
        ((), 100_000, 7000, 7000),
        # Samples count from the start of the session: ABB.
        ((0, 3000, 6000), 100_000, 107_000, 7000),
        ((500,), 100_000, 107_000, 7000),
        # The charger began anew in between.
        ((2500, 5000, 0, 3000), 0, 3100, 8100),
        ((2500, 5000, 0, 1000), 0, 1100, 6100),
        # The last sample was nonsense, or one that was believed.
        ((1500, 4_294_967_295), 1000, 2000, 1000),
        ((501_000, 551_000, 501_110), 500_000, 501_110, 1110),
        # The unit changed.
        ((20_001_000, 20_001.5), 20_000_000, 20_002.5, 2500),
        ((20_001_000, 20_001.5), 20_000_000, 20_002_500, 2500),
        # Nothing charges so much.
        ((), 1000, 900_000_000, 0),
    ],
)
@pytest.mark.parametrize("every", [1, 15])
def test_end(
    samples: Sequence[float], start: float, stop: float, energy: float, every: float
) -> None:
    """What a session has used, once its charger said the register at the end."""
    account = sampled(*samples, start=start, every=every)
    end = every * (len(samples) + 1)
    account.finish(at(end), start, stop, FIXED)
    check(account)
    assert account.energy == pytest.approx(energy, abs=0.001)
    assert (account.cost or 0) == pytest.approx(energy * 0.0005)


def test_end_without_anything_before() -> None:
    """One register is no energy yet."""
    account = Account()
    account.finish(END, None, 5000, FIXED)
    assert account.energy == 0


def test_end_without_a_start() -> None:
    """The first sample is the start then."""
    account = Account()
    for minute, energy in ((0, 1000.0), (15, 4000.0)):
        account.read(at(minute), {"energy": energy}, FIXED)
    account.finish(END, None, 3100, FIXED)
    check(account)
    assert account.energy == 2100


def test_end_before_the_last_sample() -> None:
    """Clocks and queues: it is the end all the same."""
    account = sampled(4000, 8000)
    account.finish(at(10), 1000, 8500, FIXED)
    check(account)
    assert account.energy == 7500


def test_end_in_wh_of_samples_in_kwh() -> None:
    """Samples in kWh that are called Wh, and ends in Wh, are never multiplied."""
    account = begun(50_000)
    for minute in range(61):
        values = {"energy": 50 + minute * 7.4 / 60, "power": 7400.0}
        account.read(at(minute), values, FIXED)
    account.finish(at(61), 50_000, 57_400, FIXED)
    check(account)
    assert account.energy == pytest.approx(7400, abs=60)


def test_take_back() -> None:
    """The newest hours give back first, with their cost and what has no price."""
    prices = priced((0, 0.2), (90, None))
    account = begun()
    account.read(at(60), {"energy": 5000}, prices)
    account.read(at(120), {"energy": 9000}, prices)
    account.fresh.clear()
    assert (account.cost, account.unpriced) == pytest.approx((1.2, 2000))
    account.finish(at(130), 1000, 8000, prices)
    check(account)
    assert account.energy == 7000
    assert account.hours[at(0)].energy == 4000
    assert account.hours[at(60)].energy == pytest.approx(3000)
    # Half of that hour had no price, so half of what goes had none.
    assert (account.cost, account.unpriced) == pytest.approx((1.1, 1500))
    assert account.fresh == {at(60)}


@given(
    st.lists(st.tuples(st.integers(1, 200), st.integers(0, 20_000)), max_size=10),
    st.lists(st.tuples(st.integers(0, 800), st.none() | st.integers(-5, 50))),
    st.integers(0, 100_000),
    st.integers(-2000, 250_000),
)
def test_sums(
    samples: list[tuple[int, int]],
    changes: list[tuple[int, int | None]],
    start: int,
    stop: int,
) -> None:
    """Whatever is told: hours add up to the session, and the cost to its energy."""
    prices = priced(*sorted(changes, key=lambda change: change[0]))
    account = begun(start)
    minute, value = 0, start
    for minutes, energy in samples:
        minute, value = minute + minutes, value + energy
        account.read(at(minute), {"energy": value}, prices)
        check(account)
    assert account.energy == value - start
    account.finish(at(minute + 1), start, start + stop, prices)
    check(account)
    assert account.energy is not None
    if 0 < start <= start + stop <= value:
        assert account.energy == pytest.approx(stop)


@given(
    st.lists(
        st.tuples(st.integers(-5, 900), st.integers(-10, 300_000)),
        min_size=1,
        max_size=15,
    ),
    st.none() | st.integers(0, 300_000),
    st.integers(-10, 300_000),
)
def test_any_register(
    samples: list[tuple[int, int]], start: int | None, stop: int
) -> None:
    """However a register jumps: never negative, and the sums are right."""
    account = Account() if start is None else begun(start)
    minute = 0
    for minutes, value in samples:
        minute += minutes
        before = account.energy or 0
        account.read(at(minute), {"energy": value}, FIXED)
        assert (account.energy or 0) >= before
        check(account)
    account.finish(at(minute), start, stop, FIXED)
    check(account)
    assert (account.energy or 0) >= 0
