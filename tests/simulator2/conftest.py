"""What the tests of the simulated charging station share."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from simulator import Charger2, ManualClock
from tests.simulator.conftest import NOON

from .central import Central2, MakeCharger2


@pytest.fixture(params=["2.0.1", "2.1"])
def version(request: pytest.FixtureRequest) -> str:
    """The version that is spoken."""
    return str(request.param)


@pytest.fixture
def clock() -> ManualClock:
    """A clock in the test's hand."""
    return ManualClock(NOON)


@pytest.fixture
async def central(
    socket_enabled: None, clock: ManualClock, version: str
) -> AsyncGenerator[Central2]:
    """A central system."""
    async with Central2(clock.now, version) as central:
        yield central


@pytest.fixture
async def make_charger(
    central: Central2, clock: ManualClock
) -> AsyncGenerator[MakeCharger2]:
    """Make chargers that know the central system; in the end nobody may have done wrong."""
    chargers: list[Charger2] = []

    def make(**options: Any) -> Charger2:
        options.setdefault("clock", clock)
        options.setdefault("version", central.version)
        charger = Charger2(central.url, options.pop("identity", "GARAGE"), **options)
        chargers.append(charger)
        return charger

    yield make
    for charger in chargers:
        await charger.stop()
    for charger in chargers:
        assert charger.violations == []


@pytest.fixture
async def charger(make_charger: MakeCharger2) -> Charger2:
    """A charger that is online, with two EVSEs."""
    charger = make_charger(evses=2)
    await charger.start()
    return charger
