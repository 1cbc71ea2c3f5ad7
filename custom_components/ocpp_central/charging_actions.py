"""The actions about charging: start, stop, and how fast."""

from datetime import timedelta
from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .actions import ATTR_CONNECTOR, ActionDescription, Response
from .const import DOMAIN
from .csms.charge_point import ChargePoint
from .csms.clock import utcnow
from .csms.model import STATION, ChargingLimit, LimitUnit
from .csms.profiles import MINIMUM_CURRENT
from .entity import no_transaction

_CURRENT = vol.All(vol.Coerce(float), vol.Range(min=0))
_POWER = vol.All(vol.Coerce(float), vol.Range(min=0))


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
        connector,
        token,
        None if current is None else _typed_current(charge_point, current),
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
        transaction_id = transaction.reference
    return await charge_point.commands.stop_transaction(transaction_id)


async def _set_charging_limit(
    charge_point: ChargePoint, connector: int, data: dict[str, Any]
) -> Response:
    duration: timedelta | None = data.get("duration")
    scope = data.get("scope") or ("session" if duration else "default")
    if "phases" in data:
        if scope == "station":
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="phases_of_connectors"
            )
        await _set_phases(charge_point, connector, data["phases"])
    if "current" in data:
        limit = ChargingLimit(data["current"])
        # Below what a car needs a ceiling still is one: nothing flows.
        if scope != "station":
            limit = _typed_current(charge_point, data["current"])
    elif "power" in data:
        limit = ChargingLimit(data["power"], LimitUnit.WATT)
    else:
        return {"status": "Accepted"}
    if scope == "session":
        until = utcnow() + duration if duration else None
        response = await charge_point.limits.limit_session(connector, limit, until)
        await _resume(charge_point, connector, limit)
        return response
    if duration:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="duration_needs_session"
        )
    if scope == "station":
        return await charge_point.limits.limit_station(limit)
    if not limit.value and charge_point.connected:
        # Told 0 A while idle some chargers hang, so nothing at all is a pause.
        for each in charge_point.connectors if connector == STATION else [connector]:
            await charge_point.set_paused(each, True)
        return {"status": "Accepted"}
    response = await charge_point.limits.limit_default(connector, limit)
    await _resume(charge_point, connector, limit)
    return response


async def _set_phases(charge_point: ChargePoint, connector: int, phases: int) -> None:
    """Let cars charge on so many phases from now on."""
    if not charge_point.phases.offered:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="phase_switching_off"
            if charge_point.phases.supported
            else "phase_switching_unknown",
            translation_placeholders={"charge_point": charge_point.config.name},
        )
    for each in charge_point.connectors if connector == STATION else [connector]:
        await charge_point.phases.wish(each, phases)


async def _resume(
    charge_point: ChargePoint, connector: int, limit: ChargingLimit
) -> None:
    """Let cars go on: who sets 0 A in an action has no other way to end that."""
    if not limit.value:
        return
    for each in charge_point.connectors if connector == STATION else [connector]:
        if charge_point.wish(each).paused:
            await charge_point.set_paused(each, False)


def _typed_current(charge_point: ChargePoint, current: float) -> ChargingLimit:
    """Return a limit as the user must mean it: a car needs 6 A, or gets nothing."""
    least = 0.0 if charge_point.direct_current else MINIMUM_CURRENT
    return ChargingLimit(max(current, least) if current else 0.0)


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


async def _get_charging_profiles(
    charge_point: ChargePoint, _connector: int, data: dict[str, Any]
) -> Response:
    # Nothing said of a connector: of all of them.
    return await charge_point.commands.get_charging_profiles(
        data["criteria"], data.get(ATTR_CONNECTOR)
    )


async def _get_composite_schedule(
    charge_point: ChargePoint, connector: int, data: dict[str, Any]
) -> Response:
    return await charge_point.commands.get_composite_schedule(
        connector, int(data["duration"].total_seconds()), data.get("unit")
    )


CHARGING_ACTIONS = {
    "start_transaction": ActionDescription(
        _start_transaction,
        {
            vol.Optional("id_token"): cv.string,
            vol.Optional("current"): _CURRENT,
            vol.Optional("charging_profile"): dict,
        },
        connector=True,
    ),
    "stop_transaction": ActionDescription(
        _stop_transaction,
        {vol.Optional("transaction_id"): cv.string},
        connector=True,
    ),
    "set_charging_limit": ActionDescription(
        _set_charging_limit,
        {
            vol.Exclusive("current", "limit"): _CURRENT,
            vol.Exclusive("power", "limit"): _POWER,
            vol.Optional("phases"): vol.All(vol.Coerce(int), vol.In([1, 3])),
            vol.Optional("scope"): vol.In(["session", "default", "station"]),
            vol.Optional("duration"): cv.positive_time_period,
        },
        rule=cv.has_at_least_one_key("current", "power", "phases"),
        connector=True,
    ),
    "clear_charging_limit": ActionDescription(
        _clear_charging_limit, {}, connector=True
    ),
    "set_charging_profile": ActionDescription(
        _set_charging_profile, {vol.Required("profile"): dict}, connector=True
    ),
    "clear_charging_profile": ActionDescription(
        _clear_charging_profile, {vol.Optional("criteria", default=dict): dict}
    ),
    "get_charging_profiles": ActionDescription(
        _get_charging_profiles,
        {vol.Optional("criteria", default=dict): dict},
        connector=True,
        response=SupportsResponse.ONLY,
    ),
    "get_composite_schedule": ActionDescription(
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
}
