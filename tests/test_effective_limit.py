"""What may flow, as a user sees it."""

from dataclasses import replace

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.history import get_last_state_changes
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
import pytest

from .common import TIMING, System, until

SOON = replace(TIMING, settle=0)


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody wait, neither for a slow charger nor for limits to settle."""
    monkeypatch.setattr("custom_components.ocpp_central.hub.TIMING", SOON)


async def limit(system: System, value: str, connector: int = 1) -> None:
    """Wait until this is the limit."""
    key = "effective_limit" if connector else "station_limit"
    await until(
        system.hass,
        lambda: (
            system.find("sensor", key, connector) is not None
            and system.value("sensor", key, connector) == value
        ),
    )


async def test_limits(
    hass: HomeAssistant,
    all_enabled: None,
    system: System,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Whatever is set, from wherever, what comes of it is shown."""
    charger = await system.connect(connectors=2)
    # The station can give each connector its own.
    for connector, value in ((0, "64.0"), (1, "32.0"), (2, "32.0")):
        await limit(system, value, connector)
    state = system.state("sensor", "effective_limit")
    assert state.attributes["source"] == "composite"
    assert state.attributes["unit"] == "A"
    (period,) = state.attributes["schedule"]
    assert (period["limit"], period["phases"]) == (32, None)
    assert period["start"].endswith("+00:00")

    await system.set("number", "current_limit", 10)
    await limit(system, "10.0")
    assert system.value("sensor", "effective_limit", 2) == "32.0"
    await system.set("number", "maximum_current", 8, connector=0)
    for connector in (0, 1, 2):
        await limit(system, "8.0", connector)

    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await system.set("switch", "paused", True)
    await limit(system, "0.0")
    await system.set("switch", "paused", False)
    await limit(system, "8.0")
    await system.act(
        "set_charging_limit", current=6, scope="session", duration="00:10:00"
    )
    await limit(system, "6.0")
    assert len(system.state("sensor", "effective_limit").attributes["schedule"]) == 2
    # It ends by itself, in the charger as here.
    await system.advance(freezer, 605)
    await limit(system, "8.0")
    assert charger.violations == []


async def test_away(hass: HomeAssistant, system: System) -> None:
    """A fact of the charger is gone with its socket."""
    charger = await system.connect()
    await limit(system, "32.0")
    await charger.stop()
    await limit(system, "unavailable")


async def test_offered(hass: HomeAssistant, system: System) -> None:
    """Where the charger has no sum of its own, it still says what it offers."""
    charger = system.charger()
    charger.error("GetCompositeSchedule", "NotImplemented")
    await charger.start()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await system.act("trigger_message", message="MeterValues")
    await limit(system, "32.0")
    assert system.state("sensor", "effective_limit").attributes["source"] == "offered"
    assert charger.violations == []


async def test_not_in_the_recorder(
    recorder_mock: None, hass: HomeAssistant, system: System
) -> None:
    """The value is, its schedule is not."""
    await system.connect()
    await limit(system, "32.0")
    await hass.async_block_till_done()
    instance = get_instance(hass)
    await instance.async_block_till_done()
    entity_id = system.id("sensor", "effective_limit")
    recorded = await instance.async_add_executor_job(
        get_last_state_changes, hass, 1, entity_id
    )
    (row,) = recorded[entity_id]
    assert row.state == "32.0"
    assert "schedule" not in row.attributes
