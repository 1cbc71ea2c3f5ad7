"""The actions about the list of tokens that a charger keeps."""

from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .actions import ActionDescription, Response
from .csms.charge_point import ChargePoint


async def _get_local_list_version(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.get_local_list_version()


async def _send_local_list(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.send_local_list(
        data["list_version"], data["update_type"], data.get("local_authorization_list")
    )


LIST_ACTIONS = {
    "get_local_list_version": ActionDescription(
        _get_local_list_version, {}, response=SupportsResponse.ONLY
    ),
    "send_local_list": ActionDescription(
        _send_local_list,
        {
            vol.Required("list_version"): vol.Coerce(int),
            vol.Required("update_type"): vol.In(["Full", "Differential"]),
            vol.Optional("local_authorization_list"): vol.All(cv.ensure_list, [dict]),
        },
        admin=True,
    ),
}
