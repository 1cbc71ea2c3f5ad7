"""How often limits were written to a charger today."""

from datetime import datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from .charging import VERSIONS, connect
from .common import System


@pytest.mark.parametrize("version", VERSIONS)
async def test_counted_by_the_day(
    hass: HomeAssistant,
    all_enabled: None,
    system: System,
    freezer: FrozenDateTimeFactory,
    version: str,
) -> None:
    """From midnight to midnight where the user lives, not only while it is connected."""
    midnight = dt_util.start_of_local_day() + timedelta(days=1)
    await connect(system, version)
    assert system.find("sensor", "limit_writes", 0) is None

    async def until(time: datetime) -> None:
        freezer.move_to(time)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()

    async def limited(current: float) -> None:
        await hass.services.async_call(
            "number",
            "set_value",
            {"value": current},
            target={"entity_id": system.id("number", "current_limit")},
            blocking=True,
        )
        await system.rest()

    await limited(10)
    state = system.state("sensor", "limit_writes", 0)
    assert state.attributes["state_class"] == "total_increasing"
    assert state.state == "1"
    await limited(8)
    assert system.value("sensor", "limit_writes", 0) == "2"
    await until(midnight - timedelta(seconds=2))
    assert system.value("sensor", "limit_writes", 0) == "2"
    await until(midnight + timedelta(minutes=1))
    assert system.value("sensor", "limit_writes", 0) == "0"
    await limited(6)
    assert system.value("sensor", "limit_writes", 0) == "1"


async def test_nothing_to_count(
    hass: HomeAssistant,
    all_enabled: None,
    system: System,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A charger that was never told a limit has no such sensor, whatever day it is."""
    await connect(system, "1.6")
    freezer.tick(timedelta(days=1))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert system.find("sensor", "limit_writes", 0) is None
