"""The timeline of prices."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.ocpp_central.csms.prices import KEPT, Price, Prices

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """Return a time, counted from noon."""
    return NOON + timedelta(minutes=minutes)


# A time, and the price from then on; the clock may be set back.
CHANGES = st.lists(st.tuples(st.integers(0, 180), st.none() | st.integers(-2, 5)))


@given(CHANGES, st.integers(0, 200), st.integers(1, 200))
def test_spread(
    changes: list[tuple[int, int | None]], start: int, minutes: int
) -> None:
    """Each minute at the price that was last said of it, in its own hour."""
    prices = Prices()
    expected: dict[int, int | None] = {}
    for minute, price in changes:
        if price is None:
            prices.end(at(minute))
        else:
            prices.set(at(minute), price, "EUR")
        expected |= dict.fromkeys(range(minute, 400), price)
    shares = list(prices.spread([(at(start), at(start + minutes))], minutes))
    found: dict[tuple[datetime, float | None], float] = {}
    for share in shares:
        key = share.hour, share.price and share.price.per_kwh
        found[key] = found.get(key, 0) + share.energy
    wanted: dict[tuple[datetime, float | None], float] = {}
    for minute in range(start, start + minutes):
        key = NOON + timedelta(hours=minute // 60), expected.get(minute)
        wanted[key] = wanted.get(key, 0) + 1
    assert found == pytest.approx(wanted)


def test_what_is_kept() -> None:
    """Nobody tells of what is longer ago than some weeks."""
    prices = Prices([Price(at(0), at(60), 0.2, "EUR")])
    prices.set(at(60) + KEPT, 0.3, "EUR")
    assert len(list(prices)) == 2
    prices.set(at(61) + KEPT, 0.4, "EUR")
    assert [price.per_kwh for price in prices] == [0.3, 0.4]
    # The same once more is no news.
    before = prices.current
    prices.set(at(62) + KEPT, 0.4, "EUR")
    assert prices.current is before


WINDOWS = st.lists(
    st.tuples(st.floats(0, 3000), st.floats(0, 500)), min_size=1, max_size=4
)


@given(CHANGES, WINDOWS, st.floats(0, 200_000))
def test_sum(
    changes: list[tuple[int, int | None]],
    spans: list[tuple[float, float]],
    energy: float,
) -> None:
    """Whatever the windows and prices, all of the energy is shared out, and no more."""
    prices = Prices()
    for minute, price in changes:
        if price is None:
            prices.end(at(minute))
        else:
            prices.set(at(minute), price, "EUR")
    windows = [(at(start), at(start + length)) for start, length in spans]
    shares = list(prices.spread(windows, energy))
    assert sum(share.energy for share in shares) == pytest.approx(energy)
    assert all(share.energy >= 0 for share in shares)
    assert all(share.hour == share.hour.replace(minute=0, second=0) for share in shares)


def test_several_windows() -> None:
    """Energy flowed evenly within them, and not between."""
    prices = Prices([Price(at(0), at(30), 0.2, "EUR"), Price(at(60), None, 0.3, "EUR")])
    windows = [(at(0), at(10)), (at(20), at(20)), (at(55), at(65))]
    assert [
        (share.hour, share.energy, share.price and share.price.per_kwh)
        for share in prices.spread(windows, 200)
    ] == [(at(0), 100, 0.2), (at(0), 50, None), (at(60), 50, 0.3)]


def test_boundaries() -> None:
    """A price and an hour begin with their first moment, and end before their last."""
    prices = Prices([Price(at(0), at(60), 0.2, "EUR"), Price(at(60), None, 0.3, "EUR")])
    for minute, price in ((0, 0.2), (59.999, 0.2), (60, 0.3), (600, 0.3)):
        (share,) = prices.spread([(at(minute), at(minute))], 7)
        assert share == (at(minute // 60 * 60), 7, share.price)
        assert share.price
        assert share.price.per_kwh == price
    (share,) = prices.spread([(at(-1), at(-1))], 7)
    assert share.price is None
    (share,) = prices.spread([(at(0), at(60))], 7)
    assert share.hour == at(0)


@pytest.mark.parametrize(("month", "day"), [(3, 29), (10, 25)])
def test_when_clocks_change(month: int, day: int) -> None:
    """The hours are those of UTC: none is missing, and none comes twice."""
    start = datetime(2026, month, day, tzinfo=UTC)
    end = start + timedelta(days=1)
    shares = list(Prices().spread([(start, end)], 24))
    assert [share.hour for share in shares] == [
        start + timedelta(hours=hour) for hour in range(24)
    ]
    assert {share.energy for share in shares} == {1}


def test_prices_of_a_year() -> None:
    """A price that changes four times an hour does not fill the memory."""
    prices = Prices()
    for quarter in range(4 * 24 * 365):
        prices.set(at(15 * quarter), quarter, "EUR")
    assert len(list(prices)) <= KEPT // timedelta(minutes=15) + 2


def test_current() -> None:
    """The price of now is the one that holds until further notice."""
    prices = Prices()
    assert prices.current is None
    prices.set(at(0), 0.2, "EUR")
    copy = prices.copy()
    prices.end(at(10))
    assert prices.current is None
    assert copy.current == Price(at(0), None, 0.2, "EUR")
    prices.set(at(20), 0.3, "EUR")
    prices.restore([Price(at(-10), at(0), 0.1, "EUR")])
    assert [price.per_kwh for price in prices] == [0.1, 0.2, 0.3]
