"""Why a car does not charge."""

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from .clock import utcnow
from .model import STATION, AccessMode, ConnectorStatus, Transaction
from .profiles import MINIMUM_CURRENT, amperes

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_STATUSES = frozenset({ConnectorStatus.AVAILABLE, ConnectorStatus.RESERVED})
# What a connector says before a car has been let in, or as long as it says no more.
_WAITING = frozenset({ConnectorStatus.PREPARING, ConnectorStatus.OCCUPIED})
# What the reason follows from, besides what the user wants and the connection.
_KEYS = (
    "status",
    "transaction",
    "session_user",
    "effective_limit",
    "effective_limit_schedule",
    "external",
    "throttled",
    "limit_verified",
)
_STATION_KEYS = ("status", "reboot_required")


class Reason(StrEnum):
    """Why a car does not charge, or that there is nothing to give a reason for."""

    CHARGING = "charging"
    NO_CAR = "no_car"
    OFFLINE = "offline"
    FAULT = "fault"
    UNAVAILABLE = "unavailable"
    PENDING_AUTHORIZATION = "pending_authorization"
    PENDING_SCHEDULE = "pending_schedule"
    PAUSED_BY_USER = "paused_by_user"
    LIMITED_BY_LOAD_BALANCING = "limited_by_load_balancing"
    LIMITED_BY_STATION = "limited_by_station"
    LIMIT_BELOW_MINIMUM = "limit_below_minimum"
    CAR_NOT_REQUESTING = "car_not_requesting"
    REBOOT_REQUIRED = "reboot_required"


class Reasons:
    """Keeps the reason of each connector in step with what it follows from."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Look whenever something changes that a reason follows from."""
        self._charge_point = charge_point
        self._watched: set[int] = set()
        charge_point.subscribe_new(self._on_new)
        charge_point.subscribe(STATION, _STATION_KEYS, self._look_at_all)
        charge_point.subscribe_connection(self._look_at_all)
        charge_point.subscribe_wishes(self._look_at_all)

    def _on_new(self, connector: int, key: str) -> None:
        if connector == STATION or connector in self._watched:
            return
        self._watched.add(connector)
        look = partial(self._look, connector)
        self._charge_point.subscribe(connector, _KEYS, look)
        look()

    def _look_at_all(self) -> None:
        for connector in self._charge_point.connectors:
            self._look(connector)

    def _look(self, connector: int) -> None:
        if connector in self._charge_point.connectors:
            reason = reason_of(self._charge_point, connector)
            self._charge_point.update(connector, {"reason_not_charging": reason})


def reason_of(charge_point: ChargePoint, connector: int) -> Reason | None:
    """Return why a car at a connector does not charge; None: nobody knows."""
    status = charge_point.status(connector)
    if not charge_point.connected:
        return Reason.OFFLINE
    if status is None:
        return None
    whole = charge_point.status(STATION)
    if ConnectorStatus.FAULTED in (status, whole):
        return Reason.FAULT
    if status is ConnectorStatus.CHARGING and not _is_kept(charge_point, connector):
        return Reason.CHARGING
    if ConnectorStatus.UNAVAILABLE in (status, whole):
        return Reason.UNAVAILABLE
    if status in _STATUSES:
        return Reason.NO_CAR
    transaction = charge_point.transactions.at(connector)
    if transaction is None:
        return _not_started(charge_point, connector)
    return _held_back(charge_point, connector, status, transaction)


def _is_kept(charge_point: ChargePoint, connector: int) -> bool:
    """Return whether nothing flows, as was told: some go on to call that charging."""
    held = charge_point.limits.held(connector)
    return (
        held is not None and held.value == 0 and charge_point.proof.verified(connector)
    )


def _not_started(charge_point: ChargePoint, connector: int) -> Reason:
    """Return why a car that is plugged in has not been let in."""
    wish = charge_point.wish(connector)
    own = charge_point.access.mode is AccessMode.PLUG_AND_CHARGE
    if own and (wish.paused or wish.stopped):
        return Reason.PAUSED_BY_USER
    return Reason.PENDING_AUTHORIZATION


def _held_back(
    charge_point: ChargePoint,
    connector: int,
    status: ConnectorStatus,
    transaction: Transaction,
) -> Reason | None:
    """Return why nothing flows in a transaction."""
    if charge_point.wish(connector).paused:
        return Reason.PAUSED_BY_USER
    if status in _WAITING and transaction.awaits_token:
        return _not_started(charge_point, connector)
    if charge_point.phases.rests(connector):
        # It goes on by itself, in seconds.
        return None
    if limited := _limited(charge_point, connector):
        return limited
    if status is not ConnectorStatus.SUSPENDED_EVSE:
        return Reason.CAR_NOT_REQUESTING
    if charge_point.value(STATION, "reboot_required"):
        return Reason.REBOOT_REQUIRED
    return Reason.LIMITED_BY_STATION


def _limited(charge_point: ChargePoint, connector: int) -> Reason | None:
    """Return whose limit it is that no car can charge with, if there is one."""
    limit = charge_point.value(connector, "effective_limit")
    if not isinstance(limit, (int, float)) or not _too_low(charge_point, limit):
        return None
    session = charge_point.wish(connector).session
    if session and session.value == 0:
        return Reason.PAUSED_BY_USER
    wanted = charge_point.limits.now(connector)
    if wanted and _too_low(charge_point, amperes(charge_point, wanted)):
        return Reason.LIMIT_BELOW_MINIMUM
    if outside := _from_outside(charge_point, connector):
        return outside
    schedule = charge_point.schedules.at(connector)
    now = utcnow()
    if schedule and any(
        period.start > now and (period.limit is None or period.limit > 0)
        for period in schedule.periods
    ):
        return Reason.PENDING_SCHEDULE
    return Reason.LIMIT_BELOW_MINIMUM if limit > 0 else None


def _from_outside(charge_point: ChargePoint, connector: int) -> Reason | None:
    """Return who else does not let a car charge."""
    external = charge_point.external
    for limit in external.at(connector):
        value = external.value(limit)
        if value is not None and _too_low(charge_point, value):
            return _whose(balances=limit.balances)
    for foreign in external.profiles_at(connector):
        value = external.profile_value(foreign, connector)
        if value is not None and _too_low(charge_point, value):
            return _whose(balances=foreign.balances)
    if charge_point.value(connector, "throttled") is not None:
        return Reason.LIMITED_BY_STATION
    return None


def _whose(*, balances: bool) -> Reason:
    return Reason.LIMITED_BY_LOAD_BALANCING if balances else Reason.LIMITED_BY_STATION


def _too_low(charge_point: ChargePoint, limit: float) -> bool:
    """Return whether no car can charge with a current."""
    return limit <= 0 or (limit < MINIMUM_CURRENT and not charge_point.direct_current)
