"""What the tests of the central system share."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from custom_components.ocpp_central.csms.prices import Price, Prices

from .common import Central, central_system
from .durable import Durable, durable_system


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give up early on a frame that never comes."""
    for item in items:
        if item.path.parent.name == "csms":
            item.add_marker(pytest.mark.timeout(15))


@pytest.fixture
async def central(socket_enabled: None) -> AsyncIterator[Central]:
    """Return a central system that does nothing by the clock."""
    async with central_system() as central:
        yield central


@pytest.fixture
async def on_disk(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Durable]:
    """Return a central system whose ledger is on disk, under one price."""
    price = Price(datetime(2026, 1, 1, tzinfo=UTC), None, 0.3, "EUR")
    async with durable_system(tmp_path, Prices([price])) as durable:
        yield durable


class LoopClock:
    """The event loop's clock, which can be put forward."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the loop's clock in hand."""
        self._real = loop.time
        self._ahead = 0.0
        loop.time = self._time  # type: ignore[method-assign]

    def advance(self, seconds: float) -> None:
        """Put the clock forward; what is due is done in the loop's next round."""
        self._ahead += seconds

    def _time(self) -> float:
        return self._real() + self._ahead


@pytest.fixture
async def loop_clock() -> LoopClock:
    """Return the clock that time limits go by."""
    return LoopClock(asyncio.get_running_loop())
