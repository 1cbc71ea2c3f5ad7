"""The actions about a charger's display."""

from datetime import datetime
from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .actions import ATTR_CONNECTOR, CONNECTOR, ActionDescription, Response
from .csms.charge_point import ChargePoint
from .csms.display import DisplayMessage
from .csms.model import STATION
from .entity import no_transaction


async def _set_display_message(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    connector = data.get(ATTR_CONNECTOR, STATION)
    transaction = None
    if data["session_only"]:
        transaction = charge_point.transactions.at(connector or 1)
        if transaction is None:
            raise no_transaction(charge_point, connector or 1)
    message_id = data["message_id"]
    response = await charge_point.commands.set_display_message(
        DisplayMessage(
            id=message_id,
            text=data["message"],
            priority=data["priority"],
            format=data["format"],
            language=data.get("language"),
            state=data.get("state"),
            start=_utc(data.get("start")),
            end=_utc(data.get("end")),
            transaction=str(transaction.reference) if transaction else None,
            connector=connector,
        )
    )
    return {**response, "message_id": message_id}


async def _clear_display_message(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.clear_display_message(data["message_id"])


async def _get_display_messages(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.get_display_messages(
        data.get("message_ids"), data.get("priority"), data.get("state")
    )


def _utc(time: datetime | None) -> datetime | None:
    return dt_util.as_utc(time) if time else None


# Without a number of their own, messages replace each other.
_MESSAGE_ID = vol.Optional("message_id", default=1)
_PRIORITY = vol.In(["NormalCycle", "InFront", "AlwaysFront"])
_STATE = vol.In(
    ["Charging", "Faulted", "Idle", "Unavailable", "Suspended", "Discharging"]
)

DISPLAY_ACTIONS = {
    "set_display_message": ActionDescription(
        _set_display_message,
        {
            vol.Required("message"): cv.string,
            _MESSAGE_ID: vol.Coerce(int),
            vol.Optional("priority", default="NormalCycle"): _PRIORITY,
            vol.Optional("state"): _STATE,
            vol.Optional("start"): cv.datetime,
            vol.Optional("end"): cv.datetime,
            vol.Optional("session_only", default=False): cv.boolean,
            vol.Optional("format", default="UTF8"): vol.In(
                ["UTF8", "ASCII", "HTML", "URI", "QRCODE"]
            ),
            vol.Optional("language"): cv.string,
            vol.Optional(ATTR_CONNECTOR): CONNECTOR,
        },
        own_connector=False,
    ),
    "clear_display_message": ActionDescription(
        _clear_display_message, {_MESSAGE_ID: vol.Coerce(int)}
    ),
    "get_display_messages": ActionDescription(
        _get_display_messages,
        {
            vol.Optional("message_ids"): vol.All(cv.ensure_list, [vol.Coerce(int)]),
            vol.Optional("priority"): _PRIORITY,
            vol.Optional("state"): _STATE,
        },
        response=SupportsResponse.ONLY,
    ),
}
