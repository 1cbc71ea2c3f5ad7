"""The actions."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

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

from .const import DOMAIN
from .csms.charge_point import ChargePoint
from .csms.clock import utcnow
from .csms.errors import CommandRejected
from .csms.limits import MINIMUM_CURRENT
from .csms.model import STATION, ChargingLimit, LimitUnit, Value
from .devices import identity_and_connector
from .entity import no_transaction, translated_errors
from .hub import OcppConfigEntry
from .session_actions import async_setup_session_actions

ATTR_CONNECTOR = "connector"

type Response = dict[str, Any]
type Action = Callable[[ChargePoint, int, dict[str, Any]], Awaitable[Response]]

# Connector numbers go out as given; the charger knows which it has.
_CONNECTOR = vol.All(vol.Coerce(int), vol.Range(min=0))
_CURRENT = vol.All(vol.Coerce(float), vol.Range(min=0))
_POWER = vol.All(vol.Coerce(float), vol.Range(min=0))


async def _reset(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.reset(data["type"])


async def _unlock_connector(
    charge_point: ChargePoint, connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.unlock_connector(connector)


async def _start_transaction(
    charge_point: ChargePoint, connector: int, data: dict[str, Any]
) -> Response:
    token = data.get("id_token") or charge_point.config.remote_tag
    response = await charge_point.commands.start_transaction(
        connector, token, data.get("charging_profile")
    )
    current = data.get("current")
    # Many chargers take no profile in the request itself; it follows the start.
    charge_point.limits.limit_next_session(
        connector, token, None if current is None else _typed_current(current)
    )
    return response


async def _stop_transaction(
    charge_point: ChargePoint, connector: int, data: dict[str, Any]
) -> Response:
    transaction_id = data.get("transaction_id")
    if transaction_id is None:
        transaction = charge_point.transactions.at(connector)
        if transaction is None:
            raise no_transaction(charge_point, connector)
        transaction_id = transaction.id
    return await charge_point.commands.stop_transaction(transaction_id)


async def _set_charging_limit(
    charge_point: ChargePoint, connector: int, data: dict[str, Any]
) -> Response:
    limit = (
        _typed_current(data["current"])
        if "current" in data
        else ChargingLimit(data["power"], LimitUnit.WATT)
    )
    duration: timedelta | None = data.get("duration")
    scope = data.get("scope") or ("session" if duration else "default")
    if scope == "session":
        until = utcnow() + duration if duration else None
        return await charge_point.limits.limit_session(connector, limit, until)
    if duration:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="duration_needs_session"
        )
    if scope == "station":
        return await charge_point.limits.limit_station(limit)
    if not limit.value and charge_point.connected:
        # Told 0 A while idle some chargers hang, so nothing at all is a pause.
        await charge_point.set_paused(connector, True)
        return {"status": "Accepted"}
    return await charge_point.limits.limit_default(connector, limit)


def _typed_current(current: float) -> ChargingLimit:
    """Return a limit as the user must mean it: a car needs 6 A, or gets nothing."""
    return ChargingLimit(max(current, MINIMUM_CURRENT) if current else 0.0)


async def _clear_charging_limit(
    charge_point: ChargePoint, connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.limits.clear(connector)


async def _set_charging_profile(
    charge_point: ChargePoint, connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.set_charging_profile(connector, data["profile"])


async def _clear_charging_profile(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.clear_charging_profile(data["criteria"])


async def _get_composite_schedule(
    charge_point: ChargePoint, connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.get_composite_schedule(
        connector, int(data["duration"].total_seconds()), data.get("unit")
    )


async def _get_configuration(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.get_configuration(data["keys"])


async def _set_configuration(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.set_configuration(data["key"], data["value"])


async def _change_availability(
    charge_point: ChargePoint, connector: int, data: dict[str, Any]
) -> Response:
    operative = data["operative"]
    response = await charge_point.commands.change_availability(connector, operative)
    if connector != STATION:
        # After a reconnect the charger is told the same again.
        charge_point.wish(connector).available = operative
        charge_point.wishes_changed()
    return response


async def _trigger_message(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.trigger_message(
        data["message"], data.get(ATTR_CONNECTOR)
    )


async def _data_transfer(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.data_transfer(
        data["vendor_id"], data.get("message_id"), data.get("data")
    )


async def _clear_cache(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.clear_cache()


async def _call(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.call(data["action"], data["payload"])


@dataclass(frozen=True, slots=True)
class _ActionDescription:
    """One action to a charge point."""

    action: Action
    fields: dict[Any, Any]
    rule: Callable[[Any], Any] | None = None
    connector: bool = False
    admin: bool = False
    response: SupportsResponse = SupportsResponse.OPTIONAL


ACTIONS = {
    "reset": _ActionDescription(
        _reset, {vol.Optional("type", default="Soft"): vol.In(["Soft", "Hard"])}
    ),
    "unlock_connector": _ActionDescription(_unlock_connector, {}, connector=True),
    "start_transaction": _ActionDescription(
        _start_transaction,
        {
            vol.Optional("id_token"): cv.string,
            vol.Optional("current"): _CURRENT,
            vol.Optional("charging_profile"): dict,
        },
        connector=True,
    ),
    "stop_transaction": _ActionDescription(
        _stop_transaction,
        {vol.Optional("transaction_id"): vol.Coerce(int)},
        connector=True,
    ),
    "set_charging_limit": _ActionDescription(
        _set_charging_limit,
        {
            vol.Exclusive("current", "limit"): _CURRENT,
            vol.Exclusive("power", "limit"): _POWER,
            vol.Optional("scope"): vol.In(["session", "default", "station"]),
            vol.Optional("duration"): cv.positive_time_period,
        },
        rule=cv.has_at_least_one_key("current", "power"),
        connector=True,
    ),
    "clear_charging_limit": _ActionDescription(
        _clear_charging_limit, {}, connector=True
    ),
    "set_charging_profile": _ActionDescription(
        _set_charging_profile, {vol.Required("profile"): dict}, connector=True
    ),
    "clear_charging_profile": _ActionDescription(
        _clear_charging_profile, {vol.Optional("criteria", default=dict): dict}
    ),
    "get_composite_schedule": _ActionDescription(
        _get_composite_schedule,
        {
            vol.Optional(
                "duration", default=timedelta(days=1)
            ): cv.positive_time_period,
            vol.Optional("unit"): vol.In(["A", "W"]),
        },
        connector=True,
        response=SupportsResponse.ONLY,
    ),
    "get_configuration": _ActionDescription(
        _get_configuration,
        {vol.Optional("keys", default=list): vol.All(cv.ensure_list, [cv.string])},
        response=SupportsResponse.ONLY,
    ),
    "set_configuration": _ActionDescription(
        _set_configuration,
        {vol.Required("key"): cv.string, vol.Required("value"): cv.string},
        admin=True,
    ),
    "change_availability": _ActionDescription(
        _change_availability, {vol.Required("operative"): cv.boolean}, connector=True
    ),
    "trigger_message": _ActionDescription(
        _trigger_message,
        {
            vol.Required("message"): cv.string,
            vol.Optional(ATTR_CONNECTOR): _CONNECTOR,
        },
    ),
    "data_transfer": _ActionDescription(
        _data_transfer,
        {
            vol.Required("vendor_id"): cv.string,
            vol.Optional("message_id"): cv.string,
            vol.Optional("data"): cv.string,
        },
        admin=True,
    ),
    "clear_cache": _ActionDescription(_clear_cache, {}),
    "call": _ActionDescription(
        _call,
        {
            vol.Required("action"): cv.string,
            vol.Optional("payload", default=dict): dict,
        },
        admin=True,
    ),
}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions, once for all entries."""
    async_setup_session_actions(hass)
    for name, description in ACTIONS.items():
        fields = {vol.Required(ATTR_DEVICE_ID): cv.string, **description.fields}
        if description.connector:
            fields[vol.Optional(ATTR_CONNECTOR)] = _CONNECTOR
        register = (
            partial(async_register_admin_service, hass)
            if description.admin
            else hass.services.async_register
        )
        register(
            DOMAIN,
            name,
            partial(_async_handle, hass, description.action),
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
    hass: HomeAssistant, action: Action, call: ServiceCall
) -> ServiceResponse:
    """Carry out an action; a refusal raises unless its answer was asked for."""
    charge_point, own_connector = _target(hass, call.data[ATTR_DEVICE_ID])
    data = dict(call.data)
    if own_connector != STATION:
        data.setdefault(ATTR_CONNECTOR, own_connector)
    connector = data.get(ATTR_CONNECTOR, 1)
    with translated_errors(charge_point):
        try:
            response = await action(charge_point, connector, data)
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
    }


def _connector_status(charge_point: ChargePoint, connector: int) -> Response:
    transaction = charge_point.transactions.at(connector)
    return {
        "connector": connector,
        "status": _fact(charge_point, connector, "status"),
        "charge_rate_kw": _kilo(_fact(charge_point, connector, "power")),
        "meter_kwh": _kilo(_fact(charge_point, connector, "energy")),
        "soc": _fact(charge_point, connector, "soc"),
        "transaction_id": transaction.id if transaction else None,
        "session_kwh": _kilo(charge_point.value(connector, "session_energy")),
    }


def _fact(charge_point: ChargePoint, connector: int, key: str) -> Value:
    """Return what the charger said; nobody knows what is so while it is away."""
    return charge_point.value(connector, key) if charge_point.connected else None


def _kilo(value: object) -> float | None:
    return round(value / 1000, 3) if isinstance(value, (int, float)) else None
