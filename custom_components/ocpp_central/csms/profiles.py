"""Limits in a charger's own units, as charging profiles of ours."""

from datetime import datetime
from math import floor
import re
from typing import TYPE_CHECKING

from .configuration import ConfigurationKeys
from .evses import place_of
from .model import STATION, ChargingLimit, LimitProfile, LimitUnit, Purpose
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint


# The standard says Current and Power; chargers also say these.
_AMPERE_WORDS = {"current", "a", "amp", "amps", "ampere"}
_WATT_WORDS = {"power", "w", "watt", "watts"}


def units_of(configuration: ConfigurationKeys) -> list[LimitUnit]:
    """Return the units a charger takes limits in, amperes first."""
    words = set(re.split(r"[,;\s]+", configuration.text(Setting.LIMIT_UNITS).lower()))
    units = [LimitUnit.AMPERE] if words & _AMPERE_WORDS else []
    units += [LimitUnit.WATT] if words & _WATT_WORDS else []
    return units or [LimitUnit.AMPERE]


def station_profile(charge_point: ChargePoint, limit: ChargingLimit) -> LimitProfile:
    """Return the ceiling of a whole charge point."""
    return LimitProfile(
        purpose=Purpose.STATION, connector=STATION, limit=spoken(charge_point, limit)
    )


def default_profile(
    charge_point: ChargePoint, connector: int, limit: ChargingLimit
) -> LimitProfile:
    """Return what holds for any transaction of a connector."""
    return LimitProfile(
        purpose=Purpose.DEFAULT, connector=connector, limit=spoken(charge_point, limit)
    )


def least_of_evse(charge_point: ChargePoint, profile: LimitProfile) -> LimitProfile:
    """Return a default as it must be where connectors share an EVSE, and so its default."""
    shared = charge_point.wish(STATION).current_limit
    others = _defaults_beside(charge_point, profile.connector, shared)
    return _least(charge_point, [profile, *others])


def left_of_evse(charge_point: ChargePoint, connector: int) -> LimitProfile | None:
    """Return the default that stays at an EVSE once one of its connectors has none."""
    others = _defaults_beside(charge_point, connector, None)
    return _least(charge_point, others) if others else None


def _least(charge_point: ChargePoint, profiles: list[LimitProfile]) -> LimitProfile:
    return min(profiles, key=lambda one: amperes(charge_point, one.limit))


def _defaults_beside(
    charge_point: ChargePoint, connector: int, shared: float | None
) -> list[LimitProfile]:
    """Return what is wanted of the other connectors of an EVSE."""
    evse, _ = place_of(connector)
    wishes = {
        one: charge_point.wish(one).current_limit or shared
        for one in charge_point.connectors
        if one != connector and place_of(one)[0] == evse
    }
    return [
        default_profile(charge_point, one, ChargingLimit(current))
        for one, current in wishes.items()
        if current is not None
    ]


def transaction_profile(
    charge_point: ChargePoint,
    connector: int,
    transaction_id: int | None,
    limit: ChargingLimit,
    until: datetime | None,
) -> LimitProfile:
    """Return what holds for one transaction, its way back included."""
    after = spoken(charge_point, fallback(charge_point, connector)).value
    return LimitProfile(
        purpose=Purpose.TRANSACTION,
        connector=connector,
        limit=spoken(charge_point, limit),
        until=until,
        after=after if until else 0,
        transaction_id=transaction_id,
    )


def fallback(charge_point: ChargePoint, connector: int) -> ChargingLimit:
    """Return what may flow once a limit of the session has run out."""
    return ChargingLimit(
        charge_point.wish(connector).current_limit
        or charge_point.wish(STATION).current_limit
        or charge_point.wishes.maximum_current
        or charge_point.config.installation_current
    )


def spoken(charge_point: ChargePoint, limit: ChargingLimit) -> ChargingLimit:
    """Return a limit in a unit the charger speaks, rounded down to 0.1."""
    units = charge_point.limit_units
    if limit.unit not in units:
        watts = limit.value * _volts(charge_point)
        limit = (
            ChargingLimit(amperes(charge_point, limit))
            if units[0] is LimitUnit.AMPERE
            else ChargingLimit(watts, LimitUnit.WATT)
        )
    return ChargingLimit(floor(round(limit.value * 10, 3)) / 10, limit.unit)


def amperes(charge_point: ChargePoint, limit: ChargingLimit) -> float:
    """Return a limit in A per phase."""
    if limit.unit is LimitUnit.AMPERE:
        return limit.value
    return limit.value / _volts(charge_point)


def _volts(charge_point: ChargePoint) -> float:
    return charge_point.config.nominal_voltage * charge_point.config.phases
