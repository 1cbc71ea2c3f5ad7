"""The actions about reservations."""

from typing import Any

from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .actions import ActionDescription, Response
from .csms.charge_point import ChargePoint


async def _reserve_now(
    charge_point: ChargePoint, connector: int, data: dict[str, Any]
) -> Response:
    reservation_id, response = await charge_point.reservations.reserve(
        connector,
        data["id_token"],
        dt_util.as_utc(data["expiry"]),
        reservation_id=data.get("reservation_id"),
        parent_id_token=data.get("parent_id_token"),
        connector_type=data.get("connector_type"),
    )
    return {**response, "reservation_id": reservation_id}


async def _cancel_reservation(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.reservations.cancel(data["reservation_id"])


RESERVATION_ACTIONS = {
    "reserve_now": ActionDescription(
        _reserve_now,
        {
            vol.Required("id_token"): cv.string,
            vol.Required("expiry"): cv.datetime,
            vol.Optional("reservation_id"): vol.Coerce(int),
            vol.Optional("parent_id_token"): cv.string,
            vol.Optional("connector_type"): cv.string,
        },
        connector=True,
    ),
    "cancel_reservation": ActionDescription(
        _cancel_reservation, {vol.Required("reservation_id"): vol.Coerce(int)}
    ),
}
