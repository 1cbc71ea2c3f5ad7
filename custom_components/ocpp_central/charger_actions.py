"""The actions about the charger itself."""

from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .actions import ATTR_CONNECTOR, CONNECTOR, ActionDescription, Response
from .csms.charge_point import ChargePoint
from .csms.model import STATION


async def _reset(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.reset(
        data["type"], data.get(ATTR_CONNECTOR, STATION)
    )


async def _unlock_connector(
    charge_point: ChargePoint, connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.unlock_connector(connector)


async def _get_configuration(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    report = await charge_point.settings.read(data["keys"])
    return {
        "known": [
            {"key": name, "value": key.value, "readonly": key.readonly}
            for name, key in report.known.items()
        ],
        "unknown": report.unknown,
    }


async def _set_configuration(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.set_configuration(data["key"], data["value"])


async def _monitor_configuration(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return {"monitored": charge_point.settings.monitor(data["keys"])}


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


async def _extended_trigger_message(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.extended_trigger_message(
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
    return await charge_point.commands.call(
        data["action"], data["payload"], report=data["report"]
    )


_TRIGGER = {
    vol.Required("message"): cv.string,
    vol.Optional(ATTR_CONNECTOR): CONNECTOR,
}

CHARGER_ACTIONS = {
    "reset": ActionDescription(
        _reset,
        {
            vol.Optional("type", default="Soft"): vol.In(
                ["Soft", "Hard", "OnIdle", "Immediate", "ImmediateAndResume"]
            ),
            vol.Optional(ATTR_CONNECTOR): CONNECTOR,
        },
        own_connector=False,
    ),
    "unlock_connector": ActionDescription(_unlock_connector, {}, connector=True),
    "get_configuration": ActionDescription(
        _get_configuration,
        {vol.Optional("keys", default=list): vol.All(cv.ensure_list, [cv.string])},
        response=SupportsResponse.ONLY,
    ),
    "set_configuration": ActionDescription(
        _set_configuration,
        {vol.Required("key"): cv.string, vol.Required("value"): cv.string},
        admin=True,
    ),
    "monitor_configuration": ActionDescription(
        _monitor_configuration,
        {vol.Required("keys"): vol.All(cv.ensure_list, [cv.string])},
    ),
    "change_availability": ActionDescription(
        _change_availability, {vol.Required("operative"): cv.boolean}, connector=True
    ),
    "trigger_message": ActionDescription(_trigger_message, _TRIGGER),
    "extended_trigger_message": ActionDescription(_extended_trigger_message, _TRIGGER),
    "data_transfer": ActionDescription(
        _data_transfer,
        {
            vol.Required("vendor_id"): cv.string,
            vol.Optional("message_id"): cv.string,
            vol.Optional("data"): object,
        },
        admin=True,
    ),
    "clear_cache": ActionDescription(_clear_cache, {}),
    "call": ActionDescription(
        _call,
        {
            vol.Required("action"): cv.string,
            vol.Optional("payload", default=dict): dict,
            vol.Optional("report", default=False): cv.boolean,
        },
        admin=True,
    ),
}
