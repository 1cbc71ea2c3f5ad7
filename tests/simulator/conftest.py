"""What the tests of the simulated charge point share."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest

from simulator import Charger, ManualClock

from .central import Central, MakeCharger

#: A Monday.
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    """A clock in the test's hand."""
    return ManualClock(NOON)


@pytest.fixture
async def central(socket_enabled: None, clock: ManualClock) -> AsyncGenerator[Central]:
    """A central system."""
    async with Central(clock.now) as central:
        yield central


@pytest.fixture
async def make_charger(
    central: Central, clock: ManualClock
) -> AsyncGenerator[MakeCharger]:
    """Make chargers that know the central system; in the end nobody may have done wrong."""
    chargers: list[Charger] = []

    def make(**options: Any) -> Charger:
        options.setdefault("clock", clock)
        options.setdefault("url", central.url)
        charger = Charger(
            options.pop("url"), options.pop("identity", "GARAGE"), **options
        )
        chargers.append(charger)
        return charger

    yield make
    for charger in chargers:
        await charger.stop()
    for charger in chargers:
        assert charger.violations == []


@pytest.fixture
async def charger(make_charger: MakeCharger) -> Charger:
    """A charger that is online, with two connectors."""
    charger = make_charger(connectors=2)
    await charger.start()
    return charger
