"""Fixtures of the tests with a recorder."""

from collections.abc import Iterator
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from tests.common import System

from .common import Household, at


@pytest.fixture(autouse=True, scope="module")
def quiet_engine() -> Iterator[None]:
    """Keep SQLAlchemy from logging each statement, which the harness asks it to."""
    logger = logging.getLogger("sqlalchemy.engine")
    before = logger.level
    logger.setLevel(logging.WARNING)
    yield
    logger.setLevel(before)


@pytest.fixture
def recorder_config(freezer: FrozenDateTimeFactory) -> dict[str, Any]:
    """Begin at nine in the evening: a new recorder looks at the clock."""
    freezer.move_to(at("21:00"))
    return {}


@pytest.fixture
async def household(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    system: System,
) -> Household:
    """Return a household whose recorder makes statistics."""
    await hass.config.async_set_time_zone("UTC")
    assert await async_setup_component(hass, "sensor", {})
    return Household(system, freezer)
