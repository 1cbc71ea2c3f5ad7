"""Diagnostics tell what a charger is and does, and nothing of who it is or who charges."""

import json

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from simulator import Car

from .common import System, charge_point

SECRETS = (
    "hunter2-hunter2",
    "SN-424242",
    "CARD-0815-4711",
    "4711",
    "secret-key-16char",
)


@pytest.fixture
def charge_points() -> list[object]:
    """Return a charge point with a password."""
    return [charge_point(password="hunter2-hunter2")]


async def test_diagnostics(
    hass: HomeAssistant, system: System, hass_client: ClientSessionGenerator
) -> None:
    """A charger that charges, with a card and a key that are nobody's business."""
    assert await async_setup_component(hass, "diagnostics", {})
    charger = await system.connect(
        password="hunter2-hunter2",
        serial="SN-424242",
        config={"AuthorizationKey": "secret-key-16char"},
    )
    charger.connector(1).plug_in(Car())
    await charger.swipe("CARD-0815-4711")
    await system.clock.advance(60)
    await system.rest()
    device = dr.async_get(hass).async_get(system.device())
    assert isinstance(device, dr.DeviceEntry)

    whole = await get_diagnostics_for_config_entry(hass, hass_client, system.entry)
    of_device = await get_diagnostics_for_device(
        hass, hass_client, system.entry, device
    )

    assert whole["charge_points"] == [of_device]
    assert of_device["connected"] is True
    assert of_device["info"]["vendor"] == "Simulated Chargers"
    assert of_device["values"]["1"]["status"] == "charging"
    assert of_device["configuration"]["NumberOfConnectors"]["value"] == "1"
    text = json.dumps([whole, of_device])
    assert not [secret for secret in SECRETS if secret in text]
    assert "GARAGE" not in text


async def test_charger_away(
    hass: HomeAssistant, system: System, hass_client: ClientSessionGenerator
) -> None:
    """A charger that never came has little to tell."""
    assert await async_setup_component(hass, "diagnostics", {})
    whole = await get_diagnostics_for_config_entry(hass, hass_client, system.entry)
    (told,) = whole["charge_points"]
    assert told["connected"] is False
    assert told["info"] is None
    assert told["anomalies"] == {}
