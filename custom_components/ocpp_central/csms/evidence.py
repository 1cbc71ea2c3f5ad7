"""What a charger shows of a limit that it has accepted."""

from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import TYPE_CHECKING

from .clock import utcnow
from .model import STATION, ChargingLimit, ConnectorStatus, LimitUnit
from .profiles import amperes
from .schedule import in_amperes

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# How far what a charger offers may be from what it was told, in A.
SAME = 0.5
# How far below a limit a car may be that is held down by it, in A; and the least that
# is no longer nothing.
_CLOSE = 1.0
# A car may take a little more than it is offered, and meters err.
_MORE = 1.1
_FLOWING = frozenset({ConnectorStatus.CHARGING, ConnectorStatus.OCCUPIED})


class Verdict(Enum):
    """How what a charger does compares to what it was told."""

    AGREES = auto()
    MORE = auto()
    LESS = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a charger does, as far as it shows."""

    verdict: Verdict
    # In A per phase; None: without a limit, or nobody knows.
    seen: float | None = None
    words: str = ""


NOTHING = Evidence(Verdict.UNKNOWN)
# More flows than should, and it may be on its way down.
_PENDING = Evidence(Verdict.UNKNOWN, words="still flowing")


def too_much(current: float, limit: float) -> bool:
    """Return whether more flows than a limit lets, in A."""
    return current > limit * _MORE + _CLOSE


def evidence_of(
    charge_point: ChargePoint,
    connector: int,
    told: float,
    *,
    since: float,
    settled: float,
) -> Evidence:
    """Return what a charger shows of a limit in A.

    What it said before `since` is about another limit; what is measured before
    `settled` may be on its way. (Both by the event loop's clock.)
    """
    measured = _measured(charge_point, connector, told, since, settled)
    if measured.verdict is Verdict.MORE:
        # Whatever it says, it does not do it.
        return measured
    if measured is _PENDING:
        return NOTHING
    status = charge_point.status(connector)
    if told == 0 and status is ConnectorStatus.SUSPENDED_EVSE:
        return Evidence(Verdict.AGREES, 0)
    composite = _composite(charge_point, connector, told, since)
    offered = _offered(charge_point, connector, told, since)
    if composite.verdict in (Verdict.AGREES, Verdict.LESS):
        lower = offered.verdict is Verdict.LESS
        if lower and offer_below(charge_point, connector, settled) is not None:
            # It is held down by something that its profiles know nothing of.
            return offered
        return composite
    if offered.verdict is Verdict.AGREES:
        return offered
    if composite.verdict is not Verdict.UNKNOWN:
        return composite
    return measured if offered.verdict is Verdict.UNKNOWN else offered


def offer(charge_point: ChargePoint, connector: int) -> float | None:
    """Return what a charger says that it offers, in A, where it can be trusted."""
    if not charge_point.offers.trusted:
        return None
    current = charge_point.value(connector, "current_offered")
    if isinstance(current, (int, float)):
        return float(current)
    power = charge_point.value(connector, "power_offered")
    if isinstance(power, (int, float)):
        phases = charge_point.active_phases(connector)
        return amperes(charge_point, ChargingLimit(power, LimitUnit.WATT, phases))
    return None


def flowing_above(
    charge_point: ChargePoint, connector: int, limit: float
) -> float | None:
    """Return what was measured last, in A, where that is more than a limit lets."""
    current = charge_point.value(connector, "current")
    flows = charge_point.status(connector) in _FLOWING
    if flows and isinstance(current, (int, float)) and too_much(current, limit):
        return current
    return None


def _measured(
    charge_point: ChargePoint,
    connector: int,
    told: float,
    since: float,
    settled: float,
) -> Evidence:
    current = charge_point.value(connector, "current")
    sampled = charge_point.offers.measured(connector)
    if not isinstance(current, (int, float)) or sampled is None or sampled < since:
        return NOTHING
    if connector == STATION or charge_point.status(connector) not in _FLOWING:
        return NOTHING
    if too_much(current, told):
        if sampled < settled:
            return _PENDING
        return Evidence(Verdict.MORE, current, f"{current:g} A flow")
    if told and told - current <= _CLOSE:
        return Evidence(Verdict.AGREES, current)
    return NOTHING


def _composite(
    charge_point: ChargePoint, connector: int, told: float, since: float
) -> Evidence:
    schedule = charge_point.schedules.read_since(connector, since)
    period = schedule.at(utcnow()) if schedule else None
    if schedule is None or period is None:
        return NOTHING
    limit = in_amperes(period.limit, schedule.unit, period.phases, charge_point.config)
    return _compared(limit, told, "the charger's own schedule says {}")


def _offered(
    charge_point: ChargePoint, connector: int, told: float, since: float
) -> Evidence:
    offered = offer(charge_point, connector)
    sampled = charge_point.offers.told(connector)
    if offered is None or sampled is None or sampled < since or connector == STATION:
        return NOTHING
    return _compared(offered, told, "{} are offered")


def offer_below(
    charge_point: ChargePoint, connector: int, since: float
) -> float | None:
    """Return what was offered to a car since a time, in A, where no more flows."""
    sampled = charge_point.offers.told(connector)
    offered = offer(charge_point, connector)
    if offered is None or sampled is None or sampled < since:
        return None
    status = charge_point.status(connector)
    if not offered:
        return 0 if status is ConnectorStatus.SUSPENDED_EVSE else None
    if status not in _FLOWING or flowing_above(charge_point, connector, offered):
        return None
    return offered


def _compared(limit: float | None, told: float, words: str) -> Evidence:
    seen = inf if limit is None else limit
    words = words.format("no limit" if limit is None else f"{limit:g} A")
    if seen > told + SAME:
        return Evidence(Verdict.MORE, limit, words)
    if seen < told - SAME:
        return Evidence(Verdict.LESS, limit, words)
    return Evidence(Verdict.AGREES, limit)
