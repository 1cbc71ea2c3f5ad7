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
