"""Charge points and connectors as devices."""

from homeassistant.config_entries import ConfigSubentry, ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from .common import System, charge_point
from .csms.common import meter_values, sample, status


def _names(system: System) -> dict[str, str | None]:
    """Return the identifier and name of each device."""
    registry = dr.async_get(system.hass)
    devices = dr.async_entries_for_config_entry(registry, system.entry.entry_id)
    children = dr.async_child_entries_for_config_entry(registry, system.entry.entry_id)
    return {
        identifier: device.name
        for device in (*devices, *children)
        for _, identifier in device.identifiers
    }


def _states(hass: HomeAssistant) -> dict[str, str]:
    return {state.entity_id: state.state for state in hass.states.async_all()}


def _device_of(system: System, entity_id: str) -> str | None:
    entity = er.async_get(system.hass).async_get(entity_id)
    assert entity is not None
    return entity.device_id


def _charge_point(system: System) -> dr.DeviceEntry:
    registry = dr.async_get(system.hass)
    device = registry.async_get(system.device())
    assert isinstance(device, dr.DeviceEntry)
    return device


async def test_who_the_charger_says_it_is(hass: HomeAssistant, system: System) -> None:
    """The device shows what BootNotification said, and follows an update."""
    raw = await system.dial()
    device = _charge_point(system)
    assert (device.name, device.manufacturer, device.sw_version) == (
        "Garage",
        None,
        None,
    )

    await raw.boot()
    await hass.async_block_till_done()
    device = _charge_point(system)
    assert device.manufacturer == "Vendor"
    assert device.model == "Model"
    assert device.serial_number == "S1"
    assert device.sw_version == "1.0"

    await raw.boot(firmwareVersion="2.0")
    await hass.async_block_till_done()
    device = _charge_point(system)
    assert device.sw_version == "2.0"

    await raw.close()
    await system.restart()
    device = _charge_point(system)
    assert (device.manufacturer, device.sw_version) == ("Vendor", "2.0")


async def test_one_connector_is_the_charge_point(system: System) -> None:
    """A charge point with one connector is one device with all entities."""
    await system.connect()
    assert _names(system) == {"garage_0": "Garage"}
    assert _device_of(system, "sensor.garage_status") == system.device()
    assert _device_of(system, "binary_sensor.garage_connected") == system.device()


async def test_several_connectors_are_devices_of_their_own(system: System) -> None:
    """Each connector is a child of the charge point, named after both."""
    await system.connect(connectors=2)
    assert _names(system) == {
        "garage_0": "Garage",
        "garage_1": "Garage connector 1",
        "garage_2": "Garage connector 2",
    }
    for connector in (1, 2):
        entity_id = f"sensor.garage_connector_{connector}_status"
        assert _device_of(system, entity_id) == system.device(connector)
        state = system.state("sensor", "status", connector)
        assert state.entity_id == entity_id
        assert state.name == f"Garage connector {connector} Status"
    assert _device_of(system, "binary_sensor.garage_connected") == system.device()
    registry = dr.async_get(system.hass)
    for connector in (1, 2):
        child = registry.async_get_child_device_by_identifier(
            ("ocpp_central", f"garage_{connector}"), system.entry.entry_id
        )
        assert child is not None
        assert child.parent_device_id == system.device()


async def test_second_connector_appears(hass: HomeAssistant, system: System) -> None:
    """Connector 1's entities move to a device of their own, and stay who they are."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Charging"))
    await raw.call("MeterValues", meter_values(sample("7000", "Power.Active.Import")))
    await hass.async_block_till_done()
    registry = er.async_get(hass)
    before = {
        entity.unique_id: (entity.id, entity.entity_id)
        for entity in er.async_entries_for_device(
            registry, system.device(), include_disabled_entities=True
        )
        if entity.unique_id.startswith("garage_1_")
    }
    assert len(before) > 10
    states = _states(hass)
    assert states["sensor.garage_power"] == "7.0"

    await raw.call("StatusNotification", status("Available", 2))
    await hass.async_block_till_done()
    assert _names(system) == {
        "garage_0": "Garage",
        "garage_1": "Garage connector 1",
        "garage_2": "Garage connector 2",
    }
    after = {
        entity.unique_id: (entity.id, entity.entity_id)
        for entity in er.async_entries_for_device(
            registry, system.device(1), include_disabled_entities=True
        )
    }
    assert after == before
    assert states.items() <= _states(hass).items()
    assert system.state("sensor", "power").name == "Garage connector 1 Power"
    assert system.value("sensor", "status", 2) == "available"
    # What the charge point itself has stays with it, and what comes later finds its place.
    assert _device_of(system, "binary_sensor.garage_connected") == system.device()
    await raw.call(
        "MeterValues", meter_values(sample("21", "Temperature"), connector=1)
    )
    await hass.async_block_till_done()
    assert _device_of(system, system.id("sensor", "temperature")) == system.device(1)
    # The moved entities still hear of their connector.
    await raw.call("MeterValues", meter_values(sample("3000", "Power.Active.Import")))
    await hass.async_block_till_done()
    assert system.value("sensor", "power") == "3.0"


async def test_second_connector_first(hass: HomeAssistant, system: System) -> None:
    """A charger that begins with its last connector has more than that one."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Available", 2))
    await hass.async_block_till_done()
    assert _names(system) == {"garage_0": "Garage", "garage_2": "Garage connector 2"}
    await raw.call("StatusNotification", status("Available", 1))
    await hass.async_block_till_done()
    for connector in (1, 2):
        entity_id = f"sensor.garage_connector_{connector}_status"
        assert system.id("sensor", "status", connector) == entity_id
        assert _device_of(system, entity_id) == system.device(connector)


async def test_connectors_stay_devices(hass: HomeAssistant, system: System) -> None:
    """A connector that was a device of its own never moves back."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Available", 1))
    await hass.async_block_till_done()
    await raw.call("StatusNotification", status("Available", 2))
    await hass.async_block_till_done()
    await raw.close()

    await system.restart()
    raw = await system.dial()
    await raw.boot()
    await raw.call("StatusNotification", status("Charging", 1))
    await hass.async_block_till_done()
    assert len(_names(system)) == 3
    assert _device_of(system, "sensor.garage_status") == system.device(1)
    assert system.value("sensor", "status", 1) == "charging"
    assert system.value("sensor", "status", 2) == "unknown"


async def test_connectors_appear_at_once(hass: HomeAssistant, system: System) -> None:
    """Two connectors in two frames of one packet are two devices."""
    raw = await system.dial()
    for connector in (1, 2):
        payload = status("Available", connector)
        await raw.send([2, f"m{connector}", "StatusNotification", payload])
    for _ in (1, 2):
        await raw.frame()
    await hass.async_block_till_done()
    for connector in (1, 2):
        for key in ("status", "session_energy"):
            assert _device_of(
                system, system.id("sensor", key, connector)
            ) == system.device(connector)


@pytest.mark.parametrize(
    "charge_points",
    [[charge_point("garage", "Garage"), charge_point("garage_1", "Garage 1")]],
)
async def test_alike_identities(
    hass: HomeAssistant,
    system: System,
    charge_points: list[ConfigSubentryData],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Connector 1 of `garage` and the charge point `garage_1` never meet."""
    garage = await system.dial("garage")
    other = await system.dial("garage_1")
    for raw in (garage, other):
        for connector in (1, 2):
            await raw.call("StatusNotification", status("Available", connector))
    await hass.async_block_till_done()
    assert _names(system) == {
        "garage_0": "Garage",
        "garage_1": "Garage connector 1",
        "garage_2": "Garage connector 2",
        "garage_1_0": "Garage 1",
        "garage_1_1": "Garage 1 connector 1",
        "garage_1_2": "Garage 1 connector 2",
    }
    await other.call("StatusNotification", status("Charging", 1))
    await hass.async_block_till_done()
    assert system.value("sensor", "status", 1, "garage") == "available"
    assert system.value("sensor", "status", 1, "garage_1") == "charging"

    # One of them goes; the other does not notice.
    entities = er.async_get(hass).entities
    remaining = {
        entity.unique_id
        for entity in entities.values()
        if entity.unique_id.startswith("garage_1_")
        and entity.config_subentry_id == _subentry(system, "garage_1").subentry_id
    }
    hass.config_entries.async_remove_subentry(
        system.entry, _subentry(system, "garage").subentry_id
    )
    await hass.async_block_till_done()
    await garage.closed.wait()
    caplog.clear()
    await other.call("StatusNotification", status("Available", 0))
    await other.call("StatusNotification", status("Faulted", 1))
    await other.call("MeterValues", meter_values(sample("230", "Voltage")))
    await hass.async_block_till_done()
    assert {entity.unique_id for entity in entities.values()} == {
        *remaining,
        "garage_1_0_station_status",
        "garage_1_1_voltage",
    }
    assert system.value("sensor", "status", 1, "garage_1") == "faulted"
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def _subentry(system: System, identity: str) -> ConfigSubentry:
    return next(
        subentry
        for subentry in system.entry.subentries.values()
        if subentry.data["identity"] == identity
    )


async def test_new_name(hass: HomeAssistant, system: System) -> None:
    """A charge point that is renamed has its connectors renamed with it."""
    raw = await system.dial()
    for connector in (1, 2):
        await raw.call("StatusNotification", status("Available", connector))
    await hass.async_block_till_done()
    subentry = _subentry(system, "GARAGE")
    hass.config_entries.async_update_subentry(
        system.entry, subentry, data={**subentry.data, "name": "Carport"}
    )
    await hass.async_block_till_done()
    assert _names(system) == {
        "garage_0": "Carport",
        "garage_1": "Carport connector 1",
        "garage_2": "Carport connector 2",
    }
    assert not raw.closed.is_set()


async def test_connector_that_is_gone(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, system: System
) -> None:
    """Its device can be deleted once the charger does not speak of it any more."""
    assert await async_setup_component(hass, "config", {})
    client = await hass_ws_client(hass)
    raw = await system.dial()
    for connector in (1, 2):
        await raw.call("StatusNotification", status("Available", connector))
    await hass.async_block_till_done()
    second = system.device(2)
    for device_id in (system.device(), second):
        assert not (await client.remove_device(device_id))["success"]
    await raw.close()
    await system.restart()
    assert not (await client.remove_device(second))["success"]

    raw = await system.dial()
    await raw.call("StatusNotification", status("Available", 1))
    assert (await client.remove_device(second))["success"]
    await hass.async_block_till_done()
    assert _names(system) == {"garage_0": "Garage", "garage_1": "Garage connector 1"}
    assert system.find("sensor", "status", 2) is None
    answer = await system.act("get_status", response=True)
    (garage,) = answer["charge_points"]
    assert [connector["connector"] for connector in garage["connectors"]] == [1]
    # It was only slow.
    await raw.call("StatusNotification", status("Charging", 2))
    await hass.async_block_till_done()
    assert system.value("sensor", "status", 2) == "charging"
    assert _names(system)["garage_2"] == "Garage connector 2"


async def test_connector_numbers_from_memory_rubbish(
    hass: HomeAssistant, system: System
) -> None:
    """A number that no charger can have makes no device."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Available", 1))
    await raw.call("StatusNotification", status("Available", 4711))
    await hass.async_block_till_done()
    assert _names(system) == {"garage_0": "Garage"}
