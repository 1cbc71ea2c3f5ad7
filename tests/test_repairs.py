"""Repairs that are made with a click."""

from http import HTTPStatus
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ocpp_central.const import DOMAIN

from .common import System

ISSUE = "reboot_required_garage"


@pytest.fixture
async def client(
    hass: HomeAssistant, system: System, hass_client: ClientSessionGenerator
) -> TestClient[Any, Any]:
    """Return a browser."""
    assert await async_setup_component(hass, "repairs", {})
    return await hass_client()


async def begin(client: TestClient[Any, Any]) -> dict[str, Any]:
    """Open the repair."""
    response = await client.post(
        "/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": ISSUE}
    )
    assert response.status == HTTPStatus.OK
    form: dict[str, Any] = await response.json()
    return form


async def submit(client: TestClient[Any, Any], form: dict[str, Any]) -> dict[str, Any]:
    """Agree."""
    response = await client.post(f"/api/repairs/issues/fix/{form['flow_id']}", json={})
    assert response.status == HTTPStatus.OK
    result: dict[str, Any] = await response.json()
    return result


async def test_restart(
    hass: HomeAssistant, system: System, client: TestClient[Any, Any]
) -> None:
    """The charger is restarted, once it can be and wants to."""
    charger = await system.connect()
    await system.act("set_configuration", key="WebSocketPingInterval", value="20")
    form = await begin(client)
    assert form["step_id"] == "confirm"
    placeholders = {"name": "Garage", "keys": "WebSocketPingInterval"}
    assert form["description_placeholders"] == placeholders
    charger.answer("Reset", {"status": "Rejected"})
    form = await submit(client, form)
    assert form["errors"] == {"base": "refused"}
    assert form["description_placeholders"]["error"] == "Reset: Rejected"
    charger.behave()
    result = await submit(client, form)
    assert result["type"] == "create_entry"
    assert charger.requests[-1] == ("Reset", {"type": "Soft"})
    assert ir.async_get(hass).async_get_issue(DOMAIN, ISSUE) is None
    assert charger.violations == []


async def test_not_connected(
    hass: HomeAssistant, system: System, client: TestClient[Any, Any]
) -> None:
    """Without a connection nothing is restarted, and that is said."""
    charger = await system.connect()
    await system.act("set_configuration", key="WebSocketPingInterval", value="20")
    form = await begin(client)
    await charger.stop()
    await hass.async_block_till_done()
    form = await submit(client, form)
    assert form["errors"] == {"base": "not_connected"}

    # Meanwhile it was restarted by hand: there is nothing left to do.
    charger = await system.connect()
    charger.requests.clear()
    result = await submit(client, form)
    assert result["type"] == "create_entry"
    assert charger.requests == []


async def test_gone(
    hass: HomeAssistant, system: System, client: TestClient[Any, Any]
) -> None:
    """Nor is a charger that was removed while the form was open."""
    await system.connect()
    await system.act("set_configuration", key="WebSocketPingInterval", value="20")
    form = await begin(client)
    (subentry,) = system.entry.subentries.values()
    hass.config_entries.async_remove_subentry(system.entry, subentry.subentry_id)
    await hass.async_block_till_done()
    result = await submit(client, form)
    assert (result["type"], result["reason"]) == ("abort", "charge_point_gone")
