"""Fixtures of the ledger's tests."""

from collections.abc import AsyncIterator, Iterator
import logging
from pathlib import Path

import pytest

from custom_components.ocpp_central.ledger import Ledger

from .common import Clock


@pytest.fixture(autouse=True)
def quiet_engine() -> Iterator[None]:
    """Keep SQLAlchemy from logging each statement, which the harness asks it to."""
    logger = logging.getLogger("sqlalchemy.engine")
    before = logger.level
    logger.setLevel(logging.WARNING)
    yield
    logger.setLevel(before)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the database is to be."""
    return tmp_path / "ocpp_central.db"


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the ledger."""
    return Clock()


@pytest.fixture
async def ledger(path: Path, clock: Clock) -> AsyncIterator[Ledger]:
    """Return an open ledger that writes mere registers only when told to."""
    ledger = Ledger(path, clock=clock, progress_interval=3600, busy_timeout=0.2)
    await ledger.open()
    yield ledger
    await ledger.close()
