"""The actions about the certificates that a charger trusts."""

from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .actions import ActionDescription, Response
from .csms.charge_point import ChargePoint


async def _install_certificate(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.install_certificate(
        data["certificate_type"], data["certificate"]
    )


async def _delete_certificate(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.delete_certificate(data["certificate_hash_data"])


async def _get_installed_certificate_ids(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.get_installed_certificate_ids(
        data["certificate_type"]
    )


CERTIFICATE_ACTIONS = {
    "install_certificate": ActionDescription(
        _install_certificate,
        {
            vol.Required("certificate_type"): cv.string,
            vol.Required("certificate"): cv.string,
        },
        admin=True,
    ),
    "delete_certificate": ActionDescription(
        _delete_certificate,
        {vol.Required("certificate_hash_data"): dict},
        admin=True,
    ),
    "get_installed_certificate_ids": ActionDescription(
        _get_installed_certificate_ids,
        {vol.Required("certificate_type"): cv.string},
        admin=True,
        response=SupportsResponse.ONLY,
    ),
}
