"""Signs of life: when a charger was heard last, and how fast it answers."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from .charging import VERSIONS, connect
from .common import System, until


async def minute(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let a minute pass."""
    freezer.tick(timedelta(minutes=1))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


@pytest.mark.parametrize("version", VERSIONS)
async def test_last_seen(
    hass: HomeAssistant,
    all_enabled: None,
    system: System,
    freezer: FrozenDateTimeFactory,
    version: str,
) -> None:
    """It is known once a minute, to the second when the charger goes, and stays."""
    freezer.move_to("2026-03-02T12:00:00+00:00")
    charger = await connect(system, version)
    await minute(hass, freezer)
    state = system.state("sensor", "last_seen", 0)
    assert state.attributes["device_class"] == "timestamp"
    # Nothing has come since.
    assert state.state == "2026-03-02T12:00:00+00:00"
    charger.connector(1).plug_in()
    await system.rest()
    await charger.drop()
    await until(hass, lambda: system.value("sensor", "status") == "unavailable")
    await hass.async_block_till_done()
    # How it went counts, whenever the next minute is over.
    assert system.value("sensor", "last_seen", 0) == "2026-03-02T12:01:00+00:00"
    await minute(hass, freezer)
    assert system.value("sensor", "last_seen", 0) == "2026-03-02T12:01:00+00:00"
    await system.restart()
    assert system.value("sensor", "last_seen", 0) == "2026-03-02T12:01:00+00:00"


@pytest.mark.parametrize("version", VERSIONS)
async def test_latency(
    hass: HomeAssistant,
    all_enabled: None,
    system: System,
    freezer: FrozenDateTimeFactory,
    version: str,
) -> None:
    """How long the charger took to answer is known once it has answered."""
    charger = await connect(system, version)
    await minute(hass, freezer)
    state = system.state("sensor", "latency", 0)
    assert state.attributes["unit_of_measurement"] == "ms"
    assert 0 <= float(state.state) < 30_000
    await charger.drop()
    await until(hass, lambda: system.value("sensor", "latency", 0) == "unavailable")


async def test_disabled_at_first(hass: HomeAssistant, system: System) -> None:
    """Few people need them."""
    await system.connect()
    for key in ("last_seen", "latency"):
        entity_id = system.find("sensor", key, 0)
        assert entity_id is None or hass.states.get(entity_id) is None
