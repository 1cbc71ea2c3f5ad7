"""The actions."""

from functools import partial

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import (
    async_get_device_and_config_entry,
    async_register_admin_service,
)
import voluptuous as vol

from .actions import ATTR_CONNECTOR, CONNECTOR, ActionDescription, Response
from .certificate_actions import CERTIFICATE_ACTIONS
from .charger_actions import CHARGER_ACTIONS
from .charging_actions import CHARGING_ACTIONS
from .const import DOMAIN
from .csms.charge_point import ChargePoint
from .csms.errors import CommandRejected
from .csms.evses import place_of
from .csms.model import STATION, Value, mask_token
from .csms.reservations import Reservation
from .devices import identity_and_connector
from .display_actions import DISPLAY_ACTIONS
from .entity import translated_errors
from .file_actions import FILE_ACTIONS
from .hub import OcppConfigEntry
from .list_actions import LIST_ACTIONS
from .reservation_actions import RESERVATION_ACTIONS
from .session_actions import async_setup_session_actions


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions, once for all entries."""
    async_setup_session_actions(hass)
    for name, description in {
        **CHARGING_ACTIONS,
        **CHARGER_ACTIONS,
        **CERTIFICATE_ACTIONS,
        **DISPLAY_ACTIONS,
        **FILE_ACTIONS,
        **LIST_ACTIONS,
        **RESERVATION_ACTIONS,
    }.items():
        fields = {vol.Required(ATTR_DEVICE_ID): cv.string, **description.fields}
        if description.connector:
            fields[vol.Optional(ATTR_CONNECTOR)] = CONNECTOR
        register = (
            partial(async_register_admin_service, hass)
            if description.admin
            else hass.services.async_register
        )
        register(
            DOMAIN,
            name,
            partial(_async_handle, hass, description),
            schema=vol.Schema(
                vol.All(fields, description.rule) if description.rule else fields
            ),
            supports_response=description.response,
        )
    hass.services.async_register(
        DOMAIN,
        "get_status",
        partial(_async_get_status, hass),
        schema=vol.Schema({vol.Optional(ATTR_DEVICE_ID): cv.string}),
        supports_response=SupportsResponse.ONLY,
    )


async def _async_handle(
    hass: HomeAssistant, description: ActionDescription, call: ServiceCall
) -> ServiceResponse:
    """Carry out an action; a refusal raises unless its answer was asked for."""
    charge_point, own_connector = _target(hass, call.data[ATTR_DEVICE_ID])
    data = dict(call.data)
    if own_connector != STATION and description.own_connector:
        data.setdefault(ATTR_CONNECTOR, own_connector)
    connector = data.get(ATTR_CONNECTOR, 1)
    with translated_errors(charge_point):
        try:
            response = await description.action(charge_point, connector, data)
        except CommandRejected as error:
            if not call.return_response:
                raise
            response = error.response
    return response if call.return_response else None


def _target(hass: HomeAssistant, device_id: str) -> tuple[ChargePoint, int]:
    """Return the charge point of a device, and its connector (0: no one in particular)."""
    entry: OcppConfigEntry
    device, entry = async_get_device_and_config_entry(hass, DOMAIN, device_id)
    identity, connector = identity_and_connector(device)
    charge_point = entry.runtime_data.central.charge_points.get(identity)
    if charge_point is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="charge_point_gone"
        )
    return charge_point, connector


async def _async_get_status(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Return every charge point and connector with what is known of them."""
    if device_id := call.data.get(ATTR_DEVICE_ID):
        charge_points = [_target(hass, device_id)[0]]
    else:
        entries: list[OcppConfigEntry] = hass.config_entries.async_loaded_entries(
            DOMAIN
        )
        charge_points = [
            charge_point
            for entry in entries
            for charge_point in entry.runtime_data.central.charge_points.values()
        ]
    return {"charge_points": [_status(charge_point) for charge_point in charge_points]}


def _status(charge_point: ChargePoint) -> Response:
    return {
        "id": charge_point.identity,
        "name": charge_point.config.name,
        "connected": charge_point.connected,
        "protocol": charge_point.commands.protocol if charge_point.connected else None,
        "status": _fact(charge_point, STATION, "status"),
        "connectors": [
            _connector_status(charge_point, connector)
            for connector in charge_point.connectors
        ],
        "reservations": [
            _reservation_status(charge_point, reservation)
            for reservation in charge_point.reservations
        ],
    }


def _reservation_status(
    charge_point: ChargePoint, reservation: Reservation
) -> Response:
    return {
        "id": reservation.id,
        "connector": reservation.connector,
        "id_token": mask_token(reservation.id_token),
        "reserved_for": charge_point.access.name_of(reservation.id_token),
        "expiry": reservation.expiry.isoformat(),
        "state": reservation.state,
    }


def _connector_status(charge_point: ChargePoint, connector: int) -> Response:
    transaction = charge_point.transactions.at(connector)
    evse, on_evse = place_of(connector)
    return {
        "connector": connector,
        # As the charger calls it, where that is something else.
        **({"evse": evse, "evse_connector": on_evse} if evse != connector else {}),
        "status": _fact(charge_point, connector, "status"),
        "charge_rate_kw": _kilo(_fact(charge_point, connector, "power")),
        "meter_kwh": _kilo(_fact(charge_point, connector, "energy")),
        "soc": _fact(charge_point, connector, "soc"),
        "transaction_id": transaction.reference if transaction else None,
        "session_kwh": _kilo(charge_point.value(connector, "session_energy")),
    }


def _fact(charge_point: ChargePoint, connector: int, key: str) -> Value:
    """Return what the charger said; nobody knows what is so while it is away."""
    return charge_point.value(connector, key) if charge_point.connected else None


def _kilo(value: object) -> float | None:
    return round(value / 1000, 3) if isinstance(value, (int, float)) else None
