"""The REST API: for scripts outside Home Assistant that have a key."""

import asyncio
import hmac
from http import HTTPStatus
import logging
import re
from typing import Any
from urllib.parse import unquote

from aiohttp import hdrs, web
from homeassistant.core import HomeAssistant

from .charger_actions import CHARGER_ACTIONS
from .charging_actions import CHARGING_ACTIONS
from .const import CONF_API_KEY
from .csms.charge_point import ChargePoint
from .csms.errors import CommandFailed, CommandRejected, CommandTimeout, NotConnected
from .csms.model import STATION, ConnectorStatus, Value
from .hub import OcppConfigEntry

_LOGGER = logging.getLogger(__name__)

# Seconds until whoever asked gets an answer, whatever the charger does.
_PATIENCE = 60
_STATUS = "status"
_RESET = "reset"
_UNLOCK = "unlockconnector"
_SET_LIMIT = "setcharginglimit"
_CLEAR_LIMIT = "clearcharginglimit"
_FORMS = {
    _STATUS: "Status",
    _RESET: "Reset/<id>",
    _UNLOCK: "UnlockConnector/<id>/<connector>",
    _SET_LIMIT: "SetChargingLimit/<id>/<connector>/<limit>",
    _CLEAR_LIMIT: "ClearChargingLimit/<id>/<connector>",
}
# What is asked for here is what the action of Home Assistant does.
_ACTIONS = {
    _RESET: CHARGER_ACTIONS["reset"].action,
    _UNLOCK: CHARGER_ACTIONS["unlock_connector"].action,
    _SET_LIMIT: CHARGING_ACTIONS["set_charging_limit"].action,
    _CLEAR_LIMIT: CHARGING_ACTIONS["clear_charging_limit"].action,
}
_CONNECTOR = re.compile(r"[0-9]{1,9}")
_LIMIT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([AW])", re.IGNORECASE)
_LIMIT_FIELDS = {"A": "current", "W": "power"}
_UNDEFINED = 0
_OCCUPIED = 2
_STATUS_NUMBERS: dict[Value, int] = {
    None: _UNDEFINED,
    ConnectorStatus.AVAILABLE: 1,
    ConnectorStatus.UNAVAILABLE: 3,
    ConnectorStatus.FAULTED: 4,
}


class _RefusedError(Exception):
    """A request that is not carried out."""

    def __init__(self, http_status: HTTPStatus, status: str, message: str) -> None:
        """Keep what to answer."""
        super().__init__(message)
        self.http_status = http_status
        self.status = status


class RestApi:
    """Answers the requests to the REST API, on whichever endpoint they come."""

    def __init__(self, hass: HomeAssistant, entry: OcppConfigEntry) -> None:
        """Serve the charge points of a config entry."""
        self._hass = hass
        self._entry = entry
        self._warned = False

    async def async_answer(
        self, request: web.Request, raw_path: str
    ) -> web.Response | None:
        """Answer a request to the REST API; None for any other request."""
        parts = [part for raw in raw_path.split("/") if (part := unquote(raw).strip())]
        if len(parts) < 2 or parts[0].casefold() != "api":
            return None
        http_status = HTTPStatus.OK
        try:
            self._check_key(request)
            body = await self._async_carry_out(parts[1], parts[2:])
        except _RefusedError as refused:
            http_status = refused.http_status
            body = {"status": refused.status, "message": str(refused)}
        return web.json_response(
            body, status=http_status, headers={hdrs.CACHE_CONTROL: "no-store"}
        )

    def _check_key(self, request: web.Request) -> None:
        key: str | None = self._entry.options.get(CONF_API_KEY)
        if not key:
            raise _RefusedError(
                HTTPStatus.NOT_FOUND,
                "Disabled",
                "The REST API is off until it is given a key in the options.",
            )
        given = request.headers.get("X-API-Key", "").encode(errors="surrogateescape")
        if hmac.compare_digest(given, key.encode()):
            self._warned = False
            return
        if not self._warned:
            self._warned = True
            _LOGGER.warning(
                "A request to the REST API from %s had no key or a wrong one",
                request.remote,
            )
        # Returned, not raised, so that Home Assistant counts no failed login.
        raise _RefusedError(
            HTTPStatus.UNAUTHORIZED,
            "Unauthorized",
            "The header X-API-Key must hold the key of the options.",
        )

    async def _async_carry_out(self, command: str, arguments: list[str]) -> Any:
        command = command.casefold()
        form = _FORMS.get(command)
        if form is None:
            raise _RefusedError(
                HTTPStatus.NOT_FOUND,
                "UnknownCommand",
                f"There are {', '.join(_FORMS.values())}.",
            )
        if len(arguments) != form.count("/"):
            raise _bad_request(f"The form of this request is /API/{form}")
        if command == _STATUS:
            return [_status(each) for each in self._charge_points.values()]
        charge_point = self._charge_points.get(arguments[0].casefold())
        if charge_point is None:
            raise _RefusedError(
                HTTPStatus.NOT_FOUND,
                "UnknownChargePoint",
                "No charge point has this identity.",
            )
        connector = _connector(arguments[1]) if len(arguments) > 1 else STATION
        data = _limit(arguments[2]) if command == _SET_LIMIT else {"type": "Soft"}
        # What has been begun is brought to its end, whoever hangs up.
        task = self._entry.async_create_background_task(
            self._hass,
            _async_command(charge_point, command, connector, data),
            f"ocpp_central REST API {command}",
        )
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await asyncio.shield(task)
        except TimeoutError:
            return {"status": "Timeout"}
        if isinstance(answer, _RefusedError):
            raise answer
        return answer

    @property
    def _charge_points(self) -> dict[str, ChargePoint]:
        return self._entry.runtime_data.central.charge_points


async def _async_command(
    charge_point: ChargePoint, command: str, connector: int, data: dict[str, Any]
) -> dict[str, str] | _RefusedError:
    """Return what the charger answers, or how it does not."""
    try:
        response = await _ACTIONS[command](charge_point, connector, data)
    except CommandRejected as error:
        return {"status": error.status}
    except CommandTimeout:
        return {"status": "Timeout"}
    except CommandFailed as error:
        return {"status": error.code, "message": error.description}
    except NotConnected:
        return _RefusedError(
            HTTPStatus.NOT_FOUND, "Offline", "The charge point is not connected."
        )
    return {"status": str(response.get("status", "Accepted"))}


def _status(charge_point: ChargePoint) -> dict[str, Any]:
    connected = charge_point.connected
    return {
        "id": charge_point.identity,
        "name": charge_point.config.name,
        "protocol": charge_point.commands.protocol if connected else None,
        "connected": connected,
        "OnlineConnectors": {
            str(connector): _connector_status(charge_point, connector)
            for connector in charge_point.connectors
        },
    }


def _connector_status(charge_point: ChargePoint, connector: int) -> dict[str, Any]:
    # Nobody knows what is so while the charger is away.
    values = charge_point.values(connector) if charge_point.connected else {}
    return {
        "Status": _STATUS_NUMBERS.get(values.get("status"), _OCCUPIED),
        "ChargeRateKW": _kilo(values.get("power")),
        "MeterKWH": _kilo(values.get("energy")),
        "SoC": values.get("soc"),
    }


def _kilo(value: Value) -> float | None:
    return round(value / 1000, 3) if isinstance(value, (int, float)) else None


def _connector(text: str) -> int:
    if not _CONNECTOR.fullmatch(text):
        raise _bad_request("A connector is a number; 0 is the whole charge point.")
    return int(text)


def _limit(text: str) -> dict[str, Any]:
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise _bad_request("A limit is a number with its unit, such as 16A or 2000W.")
    value, unit = match.groups()
    return {_LIMIT_FIELDS[unit.upper()]: float(value)}


def _bad_request(message: str) -> _RefusedError:
    return _RefusedError(HTTPStatus.BAD_REQUEST, "BadRequest", message)
