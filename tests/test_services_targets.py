"""Whom an action is for, and who may perform it."""

from typing import Any

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState, ConfigSubentryData
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from .common import System, charge_point

DOMAIN = "ocpp_central"

PROFILE = {
    "chargingProfileId": 99,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
    },
}


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("set_configuration", {"key": "HeartbeatInterval", "value": "1"}),
        ("data_transfer", {"vendor_id": "V"}),
        ("call", {"action": "Reset", "payload": {"type": "Hard"}}),
    ],
)
async def test_administrators_only(
    hass: HomeAssistant,
    system: System,
    hass_read_only_user: User,
    hass_admin_user: User,
    action: str,
    data: dict[str, Any],
) -> None:
    """What could break a charger is not for everybody in the house."""
    charger = await system.connect()
    charger.requests.clear()
    data = {"device_id": system.device(), **data}
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            action,
            data,
            blocking=True,
            context=Context(user_id=hass_read_only_user.id),
        )
    assert charger.requests == []
    await hass.services.async_call(
        DOMAIN,
        action,
        data,
        blocking=True,
        return_response=True,
        context=Context(user_id=hass_admin_user.id),
    )
    assert len(charger.requests) == 1


async def test_which_connector(hass: HomeAssistant, system: System) -> None:
    """The one that is named, else the device's own, else the first."""
    charger = await system.connect(connectors=2)
    second = system.device(2)
    for device_id, data, connector in (
        (system.device(), {}, 1),
        (system.device(), {"connector": 2}, 2),
        (second, {}, 2),
        (second, {"connector": 1}, 1),
        # The charger knows best which it has.
        (second, {"connector": 9}, 9),
        (system.device(), {"connector": 0}, 0),
    ):
        await system.act("unlock_connector", response=True, device_id=device_id, **data)
        assert charger.requests[-1][1] == {"connectorId": connector}
    await system.act("trigger_message", device_id=second, message="StatusNotification")
    assert charger.requests[-1][1]["connectorId"] == 2
    # What concerns the whole charger takes either device.
    await system.act("clear_cache", device_id=second)
    assert charger.requests[-1] == ("ClearCache", {})


async def test_wrong_connectors(hass: HomeAssistant, system: System) -> None:
    """The charger's answer about a connector it does not have is the answer."""
    charger = await system.connect()
    answer = await system.act("unlock_connector", response=True, connector=9)
    assert answer == {"status": "NotSupported"}
    with pytest.raises(HomeAssistantError, match="there is no connector 9"):
        await system.act("set_charging_profile", connector=9, profile=PROFILE)
    with pytest.raises(ServiceValidationError) as error:
        await system.act("stop_transaction", connector=9)
    assert str(error.value) == (
        "No charging session is running at connector 9 of Garage"
    )
    assert charger.requests[-1][1]["connectorId"] == 9
    for connector in (-1, "one"):
        with pytest.raises(vol.Invalid):
            await system.act("unlock_connector", connector=connector)


@pytest.mark.parametrize(
    "charge_points", [[charge_point(), charge_point("CARPORT", "Carport")]]
)
async def test_wrong_device(
    hass: HomeAssistant, system: System, charge_points: list[ConfigSubentryData]
) -> None:
    """Nobody obeys for somebody else."""
    garage = await system.connect()
    carport = await system.connect("CARPORT")
    devices = dr.async_get(hass)
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    foreign = devices.async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", "garage_0")}
    )
    gone = devices.async_get_or_create(
        config_entry_id=system.entry.entry_id, identifiers={(DOMAIN, "gone_0")}
    )
    for charger in (garage, carport):
        charger.requests.clear()
    for device_id in ("garage", "", foreign.id):
        with pytest.raises(ServiceValidationError):
            await system.act("reset", device_id=device_id)
    with pytest.raises(ServiceValidationError) as error:
        await system.act("reset", device_id=gone.id)
    assert str(error.value) == (
        "This device belongs to a charge point that no longer exists"
    )
    with pytest.raises(vol.Invalid):
        await hass.services.async_call(DOMAIN, "reset", {}, blocking=True)
    assert garage.requests == carport.requests == []
    await system.act("clear_cache", device_id=system.device(identity="CARPORT"))
    assert garage.requests == []
    assert carport.requests == [("ClearCache", {})]


async def test_entry_that_is_not_loaded(hass: HomeAssistant, system: System) -> None:
    """The actions stay, and say what is wrong."""
    await system.connect()
    device_id = system.device()
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    assert system.entry.state is ConfigEntryState.NOT_LOADED
    assert hass.services.has_service(DOMAIN, "reset")
    with pytest.raises(ServiceValidationError, match="not loaded"):
        await system.act("reset", device_id=device_id)
    answer = await system.act("get_status", response=True)
    assert answer == {"charge_points": []}
