"""What the tests of the central system share."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.prices import Price, Prices

from .common import Central, central_system
from .durable import Durable, durable_system
from .loop_clock import LoopClock
from .site import MakeSite, sites

__all__ = ["LoopClock"]


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


@pytest.fixture
async def loop_clock() -> LoopClock:
    """Return the clock that time limits go by."""
    return LoopClock(asyncio.get_running_loop())


@pytest.fixture
def version() -> str:
    """Return the version that is spoken, where a test does not say another."""
    return "1.6"


@pytest.fixture
async def site(
    socket_enabled: None,
    freezer: FrozenDateTimeFactory,
    loop_clock: LoopClock,
    version: str,
) -> AsyncIterator[MakeSite]:
    """Return what makes a site with a charger that has come to rest."""
    async with sites(freezer, loop_clock, version) as make:
        yield make
