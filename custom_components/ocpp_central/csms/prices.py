"""What energy costs, and when: the price of each time, as far as it is known."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

_HOUR = timedelta(hours=1)
# Chargers that were offline tell of the past, but not of any past.
KEPT = timedelta(days=32)


@dataclass(frozen=True, slots=True)
class Price:
    """What a kWh costs from `start` until `end`; None: until further notice."""

    start: datetime
    end: datetime | None
    per_kwh: float
    currency: str


class Share(NamedTuple):
    """What flowed within one hour at one price; None: no price is known for it."""

    hour: datetime
    energy: float
    price: Price | None


class Prices:
    """The prices of the last weeks, without those nobody knew."""

    def __init__(self, prices: Sequence[Price] = ()) -> None:
        """Begin with what is known, oldest first."""
        self._prices = list(prices)

    def __iter__(self) -> Iterator[Price]:
        """Return the prices, oldest first."""
        return iter(self._prices)

    def copy(self) -> Prices:
        """Return the prices as they are now."""
        return Prices(self._prices)

    def restore(self, prices: Sequence[Price]) -> None:
        """Take back what was known before a restart, oldest first."""
        self._prices[:0] = prices

    @property
    def current(self) -> Price | None:
        """Return the price that holds until further notice."""
        last = self._prices[-1] if self._prices else None
        return last if last and last.end is None else None

    def set(self, now: datetime, per_kwh: float, currency: str) -> None:
        """Take a price that holds from now on."""
        price = Price(now, None, per_kwh, currency)
        current = self.current
        if current and current.start <= now and replace(current, start=now) == price:
            return
        self.end(now)
        self._prices.append(price)
        while (oldest := self._prices[0]).end and now - oldest.end > KEPT:
            del self._prices[0]

    def end(self, now: datetime) -> None:
        """Take note that nobody knows the price from now on."""
        # A clock that is set back unsays what it said of the future.
        while self._prices and self._prices[-1].start >= now:
            del self._prices[-1]
        if self._prices and ((end := self._prices[-1].end) is None or now < end):
            self._prices[-1] = replace(self._prices[-1], end=now)

    def spread(
        self, windows: Sequence[tuple[datetime, datetime]], energy: float
    ) -> Iterator[Share]:
        """Share out energy that flowed evenly in some windows of time."""
        total = sum((end - start).total_seconds() for start, end in windows)
        if total <= 0:
            at = windows[-1][1]
            yield Share(_hour(at), energy, self._at(at)[0])
            return
        for start, end in windows:
            while start < end:
                price, until = self._at(start)
                hour = _hour(start)
                stop = min(end, hour + _HOUR, until or end)
                part = (stop - start).total_seconds() / total
                yield Share(hour, energy * part, price)
                start = stop

    def _at(self, time: datetime) -> tuple[Price | None, datetime | None]:
        """Return the price at a time, and until when that is so."""
        index = bisect_right(self._prices, time, key=_start)
        following = self._prices[index].start if index < len(self._prices) else None
        if index:
            price = self._prices[index - 1]
            if price.end is None or time < price.end:
                return price, price.end
        return None, following


def _start(price: Price) -> datetime:
    return price.start


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)
