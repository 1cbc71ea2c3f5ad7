"""What is wanted of a connector, in a charger's own unit."""

from collections.abc import Callable
from math import floor
import re
from typing import TYPE_CHECKING

from .configuration import ConfigurationKeys
from .known_models import known_model
from .model import STATION, ChargingLimit, LimitUnit, SessionLimit
from .timeline import Course, Demand, Step, least
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# A car cannot charge below this with alternating current (IEC 61851-1), in A.
MINIMUM_CURRENT = 6.0
# The standard says Current and Power; chargers also say these.
_AMPERE_WORDS = {"current", "a", "amp", "amps", "ampere"}
_WATT_WORDS = {"power", "w", "watt", "watts"}


def units_of(
    configuration: ConfigurationKeys, *, direct_current: bool = False
) -> list[LimitUnit]:
    """Return the units a charger takes limits in, amperes first.

    With direct current watts come first: amperes behind a converter are not those of
    the fuse.
    """
    words = set(re.split(r"[,;\s]+", configuration.text(Setting.LIMIT_UNITS).lower()))
    units = [LimitUnit.AMPERE] if words & _AMPERE_WORDS else []
    units += [LimitUnit.WATT] if words & _WATT_WORDS else []
    if direct_current:
        return units[::-1] or [LimitUnit.WATT]
    return units or [LimitUnit.AMPERE]


def demand_of(
    charge_point: ChargePoint,
    connector: int,
    unit: LimitUnit,
    session: SessionLimit | None = None,
    driven: Course = (),
    *,
    live: bool = False,
    running: bool = False,
) -> Demand:
    """Return what everybody wants of a connector, and of its running transaction.

    Where it is `running`, the phases count that the car at it draws on.

    The engine may want less than the user, in A per phase, never more.
    """

    phases = charge_point.phases
    fewest = phases.fewest(connector, running=running)
    most_phases = phases.most(connector)

    def spoken(value: float, given: LimitUnit = LimitUnit.AMPERE) -> float:
        # So that no phase carries more than its current, and no more than its power
        # flows in all.
        count = fewest if given is LimitUnit.AMPERE else most_phases
        return in_unit(charge_point, ChargingLimit(value, given, count), unit)

    config, wishes = charge_point.config, charge_point.wishes
    asked = _asked(charge_point, connector, spoken)
    # What the user has confirmed that the wiring carries, whatever else was said.
    most = spoken(config.installation_current)
    if wishes.maximum_current is not None:
        most = min(most, spoken(wishes.maximum_current))
    fallback = most
    if wishes.offline_current is not None:
        fallback = min(most, spoken(wishes.offline_current))
    course: Course = ()
    if session:
        limit = spoken(session.value, session.unit)
        back = most if asked is None else asked
        course = (Step(limit),)
        if session.ends:
            course = (Step(limit, session.ends), Step(back))
    if driven:
        own = course or (Step(most if asked is None else asked),)
        steps = [Step(spoken(step.limit), step.until) for step in driven]
        if steps[-1].until is not None:
            # What comes after a plan.
            steps.append(Step(fallback))
        course = least([tuple(steps), own])
    wish = charge_point.wish(connector)
    rests = phases.rests(connector)
    stays = ends_at_zero(charge_point) and not rests
    return Demand(
        most=most,
        floor=fallback,
        shared=charge_point.shares_fuse is not False,
        limit=asked,
        course=course,
        live=live,
        paused=wish.paused or rests,
        rest=spoken(MINIMUM_CURRENT) if stays else 0,
        # What carries a number of phases has to be there.
        capped=phases.commanded(connector) is not None,
        minimum=0 if charge_point.direct_current else _minimum(charge_point, unit),
    )


def ends_at_zero(charge_point: ChargePoint) -> bool:
    """Return whether a limit of 0 ends the transaction, so that it cannot be paused."""
    return not charge_point.direct_current and (
        charge_point.capabilities.zero_ends or known_model(charge_point.info).zero_ends
    )


def _asked(
    charge_point: ChargePoint,
    connector: int,
    spoken: Callable[[float, LimitUnit], float],
) -> float | None:
    """Return the user's own limit of a connector, or of all of them."""
    wish, common = charge_point.wish(connector), charge_point.wish(STATION)
    current = common.current_limit if wish.current_limit is None else wish.current_limit
    limits = []
    if current is not None:
        limits.append(spoken(current, LimitUnit.AMPERE))
    if wish.power_limit is not None:
        limits.append(spoken(wish.power_limit, LimitUnit.WATT))
    return min(limits, default=None)


def _minimum(charge_point: ChargePoint, unit: LimitUnit) -> float:
    """Return what a car on one phase cannot charge below."""
    if unit is LimitUnit.AMPERE:
        return MINIMUM_CURRENT
    return MINIMUM_CURRENT * charge_point.config.nominal_voltage


def in_unit(charge_point: ChargePoint, limit: ChargingLimit, unit: LimitUnit) -> float:
    """Return a limit in a unit."""
    if limit.unit is unit:
        return limit.value
    if unit is LimitUnit.AMPERE:
        return amperes(charge_point, limit)
    return limit.value * _volts(charge_point, limit.phases)


def written(value: float, step: float = 0.1) -> float:
    """Return a limit as chargers take it, rounded down to a multiple of a step."""
    return round(floor(round(value / step, 6)) * step, 1)


def amperes(charge_point: ChargePoint, limit: ChargingLimit) -> float:
    """Return a limit in A per phase."""
    if limit.unit is LimitUnit.AMPERE:
        return limit.value
    return limit.value / _volts(charge_point, limit.phases)


def watts(charge_point: ChargePoint, limit: ChargingLimit) -> float:
    """Return a limit in W of all phases."""
    return in_unit(charge_point, limit, LimitUnit.WATT)


def _volts(charge_point: ChargePoint, phases: int | None) -> float:
    config = charge_point.config
    return config.nominal_voltage * (phases or config.phases)
