"""The actions about firmware, and about files that a charger sends."""

from datetime import datetime
from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .actions import ActionDescription, Response
from .csms.charge_point import ChargePoint

# They go out as given; the charger knows what it takes.
_WHOLE = vol.Coerce(int)
_RETRIES = {
    vol.Optional("retries"): _WHOLE,
    vol.Optional("retry_interval"): _WHOLE,
}


def _moment(value: Any) -> datetime:
    """Return a moment; what has no time zone is where Home Assistant is."""
    return dt_util.as_utc(cv.datetime(value))


def _chosen(data: dict[str, Any], **names: str) -> dict[str, Any]:
    """Return what was given, by the names it has inside."""
    given = {"retries": "retries", "retry_interval": "retry_interval", **names}
    return {ours: data[name] for ours, name in given.items() if name in data}


async def _update_firmware(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.jobs.update_firmware(
        data["location"], data.get("retrieve_date", dt_util.utcnow()), **_chosen(data)
    )


async def _signed_update_firmware(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.jobs.signed_update_firmware(
        data["location"],
        data.get("retrieve_date", dt_util.utcnow()),
        data["signing_certificate"],
        data["signature"],
        data.get("request_id"),
        **_chosen(data, install_date="install_date"),
    )


async def _get_diagnostics(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.jobs.get_diagnostics(
        data.get("location"), **_chosen(data, start="start", stop="stop")
    )


async def _get_log(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.jobs.get_log(
        data["log_type"],
        data.get("location"),
        data.get("request_id"),
        **_chosen(data, oldest="oldest", latest="latest"),
    )


async def _get_uploaded_files(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    return {"files": await charge_point.jobs.files()}


FILE_ACTIONS = {
    "update_firmware": ActionDescription(
        _update_firmware,
        {
            vol.Required("location"): cv.string,
            vol.Optional("retrieve_date"): _moment,
            **_RETRIES,
        },
        admin=True,
    ),
    "signed_update_firmware": ActionDescription(
        _signed_update_firmware,
        {
            vol.Required("location"): cv.string,
            vol.Required("signing_certificate"): cv.string,
            vol.Required("signature"): cv.string,
            vol.Optional("retrieve_date"): _moment,
            vol.Optional("install_date"): _moment,
            vol.Optional("request_id"): _WHOLE,
            **_RETRIES,
        },
        admin=True,
    ),
    "get_diagnostics": ActionDescription(
        _get_diagnostics,
        {
            vol.Optional("location"): cv.string,
            vol.Optional("start"): _moment,
            vol.Optional("stop"): _moment,
            **_RETRIES,
        },
        admin=True,
    ),
    "get_log": ActionDescription(
        _get_log,
        {
            vol.Optional("log_type", default="DiagnosticsLog"): vol.In(
                ["DiagnosticsLog", "SecurityLog"]
            ),
            vol.Optional("location"): cv.string,
            vol.Optional("oldest"): _moment,
            vol.Optional("latest"): _moment,
            vol.Optional("request_id"): _WHOLE,
            **_RETRIES,
        },
        admin=True,
    ),
    "get_uploaded_files": ActionDescription(
        _get_uploaded_files, {}, admin=True, response=SupportsResponse.ONLY
    ),
}
