"""What a charger says with yes or no."""

import asyncio

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from .common import System, until
from .csms.common import status


async def test_classes(hass: HomeAssistant, system: System) -> None:
    """Each has the device class that automations are found by."""
    await system.connect()
    entities = er.async_get(hass).entities.values()
    assert {
        entity.unique_id: (entity.original_device_class, entity.entity_category)
        for entity in entities
        if entity.domain == "binary_sensor" and not entity.disabled
    } == {
        "garage_0_connected": ("connectivity", "diagnostic"),
        "garage_0_reboot_required": (None, "diagnostic"),
        "garage_1_plugged_in": ("plug", None),
        "garage_1_car_charging": ("battery_charging", None),
        "garage_1_problem": ("problem", None),
    }


@pytest.mark.parametrize(
    ("said", "plugged_in", "car_charging", "problem"),
    [
        ("Available", "off", "off", "off"),
        ("Preparing", "on", "off", "off"),
        ("Charging", "on", "on", "off"),
        ("SuspendedEV", "on", "off", "off"),
        ("SuspendedEVSE", "on", "off", "off"),
        ("Finishing", "on", "off", "off"),
        ("Reserved", "off", "off", "off"),
        # These say nothing of the plug.
        ("Unavailable", "unknown", "off", "off"),
        ("Faulted", "unknown", "off", "on"),
    ],
)
async def test_follows_the_status(
    hass: HomeAssistant,
    system: System,
    said: str,
    plugged_in: str,
    car_charging: str,
    problem: str,
) -> None:
    """What a status means for the plug, the car and the technician."""
    raw = await system.dial()
    await raw.call("StatusNotification", status(said))
    await hass.async_block_till_done()
    assert system.value("binary_sensor", "plugged_in") == plugged_in
    assert system.value("binary_sensor", "car_charging") == car_charging
    assert system.value("binary_sensor", "problem") == problem


async def test_a_fault_is_shown(
    hass: HomeAssistant, all_enabled: None, system: System
) -> None:
    """A broken connector stays to be seen, with what is broken."""
    charger = await system.connect()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await charger.fault(1, "GroundFailure")
    await system.rest()
    assert system.value("binary_sensor", "problem") == "on"
    assert system.value("sensor", "status") == "faulted"
    assert system.value("sensor", "error_code") == "GroundFailure"
    # Its transaction is still there, and can be ended.
    assert system.value("switch", "charging") == "on"
    for entity in er.async_get(hass).entities.values():
        state = hass.states.get(entity.entity_id)
        assert state is not None
        assert state.state != STATE_UNAVAILABLE, entity.entity_id
    await charger.clear_fault(1)
    await system.rest()
    assert system.value("binary_sensor", "problem") == "off"
    assert system.value("sensor", "error_code") == "NoError"


async def test_an_error_without_a_fault(hass: HomeAssistant, system: System) -> None:
    """A charger may go on charging with something wrong; that is a problem, too."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Charging", error="HighTemperature"))
    await hass.async_block_till_done()
    assert system.value("binary_sensor", "problem") == "on"
    assert system.value("binary_sensor", "car_charging") == "on"


@pytest.mark.parametrize("silent", [False, True])
async def test_connected(hass: HomeAssistant, system: System, silent: bool) -> None:
    """Within a second of a closed socket everybody knows, and never before."""
    assert system.value("binary_sensor", "connected", 0) == "off"
    charger = await system.connect()
    assert system.value("binary_sensor", "connected", 0) == "on"
    await charger.drop(silent=silent)
    if silent:
        await hass.async_block_till_done()
        assert system.value("binary_sensor", "connected", 0) == "on"
        assert system.value("sensor", "status") == "available"
    else:
        async with asyncio.timeout(1):
            await until(
                hass, lambda: system.value("sensor", "status") == STATE_UNAVAILABLE
            )
        assert system.value("binary_sensor", "connected", 0) == "off"
        assert system.value("binary_sensor", "plugged_in") == STATE_UNAVAILABLE
    await charger.reconnect()
    await system.rest()
    assert system.value("binary_sensor", "connected", 0) == "on"
    assert system.value("sensor", "status") == "available"


async def test_log(
    hass: HomeAssistant, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    """A line when it comes and a line when it goes, and nothing else."""
    charger = await system.connect()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await system.rest()
    await charger.drop()
    await until(hass, lambda: system.value("sensor", "status") == STATE_UNAVAILABLE)
    assert [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components") and record.levelname != "DEBUG"
    ] == ["Garage connected", "Garage disconnected"]
