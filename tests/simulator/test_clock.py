"""Time in the test's hand."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from simulator import ManualClock, WallClock
from simulator.clock import Ticker, format_time, parse_time

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


async def test_timers_come_in_order_and_at_their_time() -> None:
    """Also those that are set on the way."""
    clock = ManualClock(NOON)
    heard: list[tuple[str, float]] = []

    def hear(name: str) -> None:
        heard.append((name, (clock.now() - NOON).total_seconds()))

    def first() -> None:
        hear("first")
        clock.call_later(1, lambda: hear("third"))

    clock.call_later(5, lambda: hear("last"))
    clock.call_later(1, first)
    clock.call_later(1, lambda: hear("second"))
    clock.call_later(3, lambda: hear("never")).cancel()
    await clock.advance(4.5)
    assert heard == [("first", 1), ("second", 1), ("third", 2)]
    assert clock.now() == NOON + timedelta(seconds=4.5)
    await clock.advance(0.5)
    assert heard[-1] == ("last", 5)


async def test_ticker() -> None:
    """It ticks until it is stopped, and an interval of zero is no interval."""
    clock = ManualClock(NOON)
    ticks: list[datetime] = []
    ticker = Ticker(clock, lambda: ticks.append(clock.now()))
    ticker.start(10, first=1)
    await clock.advance(21)
    assert [(tick - NOON).seconds for tick in ticks] == [1, 11, 21]
    ticker.start(0)
    assert not ticker.running
    await clock.advance(60)
    assert len(ticks) == 3


def test_clocks_refuse_nonsense() -> None:
    """A clock needs a direction and a zone."""
    with pytest.raises(ValueError, match="above zero"):
        WallClock(0)
    with pytest.raises(ValueError, match="aware"):
        ManualClock(datetime(2026, 3, 2))


def test_timestamps() -> None:
    """In UTC, with a Z, and read back from any zone."""
    east = timezone(timedelta(hours=2))
    assert (
        format_time(datetime(2026, 3, 2, 14, tzinfo=east)) == "2026-03-02T12:00:00.000Z"
    )
    assert parse_time("2026-03-02T14:00:00+02:00") == NOON
    assert parse_time("2026-03-02T12:00:00") == NOON
