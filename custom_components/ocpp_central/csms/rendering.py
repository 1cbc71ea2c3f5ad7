"""How profiles of our own are written, whichever OCPP version they are for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .clock import utcnow
from .connection import Payload
from .evses import place_of
from .model import STATION, LimitProfile, Purpose
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# A charger may ignore a profile that starts in its future, so all start in the past:
# those that last at a fixed time, those of a transaction well before any clock error.
_ALWAYS = datetime(2020, 1, 1, tzinfo=UTC)
_BEFORE = timedelta(seconds=600)
# What the ids of profiles on a higher level are counted from.
_HIGHER = 100
_IN_TRANSACTIONS = (Purpose.DEFAULT, Purpose.TRANSACTION)
_IMPORTANCE = (Purpose.DEFAULT, Purpose.STATION, Purpose.TRANSACTION)
_PURPOSES = {
    "chargepointmaxprofile": Purpose.STATION,
    "chargingstationmaxprofile": Purpose.STATION,
    "txdefaultprofile": Purpose.DEFAULT,
    "txprofile": Purpose.TRANSACTION,
}


@dataclass(frozen=True, slots=True)
class Rendering:
    """A limit as it is written: since when, in the charger's time, and its periods.

    Without a start they count from the start of the transaction.
    """

    start: datetime | None
    periods: list[Payload]
    # In the charger's time as well.
    valid_to: datetime | None = None


def render(charge_point: ChargePoint, profile: LimitProfile) -> Rendering:
    """Write a limit as periods, the way back among them."""
    offset = charge_point.clock.offset or timedelta()
    start: datetime | None = None
    if profile.relative:
        counted_from = profile.since or utcnow()
    elif profile.purpose is Purpose.TRANSACTION or len(profile.course) > 1:
        counted_from = utcnow().replace(microsecond=0) - _BEFORE
        start = counted_from + offset
    else:
        counted_from = start = _ALWAYS
    periods: list[Payload] = []
    since = 0
    for step in profile.course:
        period: Payload = {"startPeriod": since, "limit": step.limit}
        if profile.phases is not None:
            period["numberPhases"] = profile.phases
        periods.append(period)
        if step.until:
            elapsed = (step.until - counted_from).total_seconds()
            since = max(since + 1, int(elapsed))
    valid_to = profile.valid_to + offset if profile.valid_to else None
    return Rendering(start, periods, valid_to)


def profile_id(
    charge_point: ChargePoint, purpose: Purpose, place: int, stack: int = 0
) -> int:
    """Return the one id of a purpose and level at a connector (OCPP 1.6) or EVSE (2.x).

    Small, because some chargers want ids up to the number of profiles they hold; but
    above those that one may keep for limits from outside (2.1).
    """
    kept = charge_point.configuration.integer(Setting.LIMIT_KEPT_IDS)
    first = 0 if kept is None else kept + 1
    most = charge_point.configuration.integer(Setting.LIMIT_PROFILES)
    if most and most < _HIGHER:
        return first + _small_id(charge_point, purpose, place, stack, most)
    if stack:
        first += _HIGHER
    if purpose is Purpose.STATION:
        return first + 1
    if place == STATION:
        return first + _HIGHER - 1
    return first + 2 * place + (purpose is Purpose.TRANSACTION)


def _small_id(
    charge_point: ChargePoint, purpose: Purpose, place: int, stack: int, most: int
) -> int:
    """Return an id that a charger takes which holds few profiles, if there is one."""
    evses = [place_of(connector)[0] for connector in charge_point.connectors]
    places = range(1, max([1, *evses]) + 1)
    each = [(each, place) for place in places for each in _IN_TRANSACTIONS]
    order = [(Purpose.STATION, STATION), *each, (Purpose.DEFAULT, STATION)]
    if most < len(order):
        # There is no room for all of them; what holds for any transaction comes first.
        order.sort(key=lambda one: _IMPORTANCE.index(one[0]))
    one = purpose, STATION if purpose is Purpose.STATION else place
    number = order.index(one) if one in order else _HIGHER
    return 1 + number + (len(order) if stack else 0)


def purpose_of(word: str) -> Purpose | None:
    """Return what a profile is for, by the word of either dialect."""
    return _PURPOSES.get(word.casefold())
