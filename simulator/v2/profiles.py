"""Charging profiles of OCPP 2.0.1 and 2.1: what is allowed, when. Pure functions, no charger needed.

At every moment the limit of an EVSE is the least of what the leading profiles of
ChargingStationMaxProfile, ChargingStationExternalConstraints and TxDefaultProfile leave; in place of
the last comes TxProfile, where one is active, and PriorityCharging, where somebody asked for it. What
LocalGeneration gives is added on top (2.1, SC.01). More than the hardware has never flows.

Where the standard leaves room, this is how it is read here:

- Profiles for EVSE 0 and for the EVSE itself compete by their stack level alone: no two of one level
  may be installed (K01.FR.52, K01.FR.53).
- Where no TxProfile is active at the moment (expired, or not begun), TxDefaultProfiles apply.
- A limit in W is the total of all phases. To become A it is divided by the voltage and by the phases
  that may be used: numberPhases, 3 if absent, and never more than the charger has.
- With limit_L2 or limit_L3 the limits are each of one phase; the car draws alike on all phases, so
  the least of those it uses counts.
- A setpoint of 0 or more caps as a limit does; a negative one (discharging) and the operation mode
  Idle leave nothing.
- The `duration` of a Dynamic profile counts from its last update (K28.FR.15).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
import math
from typing import Any, Self

from simulator.clock import parse_time
from simulator.profiles import Limit, Unit


class Purpose(StrEnum):
    """What a profile limits."""

    EXTERNAL = "ChargingStationExternalConstraints"
    MAX = "ChargingStationMaxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"
    PRIORITY = "PriorityCharging"
    LOCAL = "LocalGeneration"


class Kind(StrEnum):
    """What the times in a profile count from."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"
    DYNAMIC = "Dynamic"


_RECURRENCE = {"Daily": timedelta(days=1), "Weekly": timedelta(days=7)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile2:
    """One charging profile, as installed on one EVSE.

    Attributes:
        wire: The profile as it was sent, to report it.
        source: Who limits: CSO, or for what comes from outside EMS, SO or Other.
        updated: When a Dynamic profile got its limit.
        foreign: The central system did not install it.
    """

    evse: int
    wire: Mapping[str, Any]
    installed: datetime
    source: str = "CSO"
    updated: datetime | None = None
    foreign: bool = False

    @classmethod
    def from_wire(
        cls, evse: int, wire: Mapping[str, Any], installed: datetime, **more: Any
    ) -> Self:
        """Read a `chargingProfile`."""
        updated = installed if wire["chargingProfileKind"] == Kind.DYNAMIC else None
        return cls(
            evse=evse, wire=wire, installed=installed, **{"updated": updated, **more}
        )

    @property
    def id(self) -> int:
        """Its id."""
        return int(self.wire["id"])

    @property
    def purpose(self) -> Purpose:
        """What it limits."""
        return Purpose(self.wire["chargingProfilePurpose"])

    @property
    def kind(self) -> Kind:
        """What its times count from."""
        return Kind(self.wire["chargingProfileKind"])

    @property
    def stack_level(self) -> int:
        """The higher, the more it has to say."""
        return int(self.wire["stackLevel"])

    @property
    def transaction_id(self) -> str | None:
        """The transaction a TxProfile is for."""
        return self.wire.get("transactionId")

    @property
    def schedule(self) -> Mapping[str, Any]:
        """Its schedule; of several the first, which is what the car would choose."""
        schedule: Mapping[str, Any] = self.wire["chargingSchedule"][0]
        return schedule

    @property
    def unit(self) -> Unit:
        """What its limits are measured in."""
        return Unit(self.schedule["chargingRateUnit"])

    @property
    def periods(self) -> list[Mapping[str, Any]]:
        """The periods of its schedule."""
        return list(self.schedule["chargingSchedulePeriod"])

    @property
    def start(self) -> datetime | None:
        """When its schedule begins, if that is fixed."""
        return moment(self.schedule, "startSchedule")

    @property
    def recurrence(self) -> timedelta | None:
        """After how long its schedule starts over."""
        if self.kind is not Kind.RECURRING:
            return None
        return _RECURRENCE.get(self.wire.get("recurrencyKind", ""))

    @property
    def validity(self) -> tuple[datetime | None, datetime | None]:
        """From when to when it may count."""
        return moment(self.wire, "validFrom"), moment(self.wire, "validTo")

    def overlaps(self, other: Profile2) -> bool:
        """Whether both may count at the same time, as far as their validity goes."""
        (begin, end), (other_begin, other_end) = self.validity, other.validity
        return not (
            (end is not None and other_begin is not None and end <= other_begin)
            or (other_end is not None and begin is not None and other_end <= begin)
        )


def moment(holder: Mapping[str, Any], key: str) -> datetime | None:
    """A moment in a payload, if it is there."""
    return None if (text := holder.get(key)) is None else parse_time(text)


@dataclass(frozen=True, slots=True)
class Running:
    """A transaction, as far as profiles care. `priority`: somebody asked for PriorityCharging."""

    start: datetime
    id: str
    priority: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Site2:
    """The station the profiles are installed on, and what it is doing."""

    evses: int = 1
    phases: int = 3
    voltage: float = 230.0
    max_current: float = 32.0
    phase_switching: bool = True
    transactions: Mapping[int, Running] = field(default_factory=dict)
    offline_since: datetime | None = None


def period_at(
    profile: Profile2, at: datetime, began: datetime, offline: datetime | None = None
) -> Mapping[str, Any] | None:
    """The period of a profile that applies at a moment, if any.

    `began` is when charging began: what Relative profiles count from. `offline` is since when the
    station has been on its own.
    """
    begin, end = profile.validity
    if (begin is not None and at < begin) or (end is not None and at >= end):
        return None
    patience = profile.wire.get("maxOfflineDuration")
    if patience is not None and offline is not None:
        if (at - offline).total_seconds() >= patience:
            return None
    start = anchor(profile, began)
    if at < start:
        return None
    if profile.recurrence is not None:
        start += (at - start) // profile.recurrence * profile.recurrence
    elapsed = (at - start).total_seconds()
    duration = profile.schedule.get("duration")
    if duration is not None and elapsed >= duration:
        return None
    found = None
    for period in profile.periods:
        if period["startPeriod"] > elapsed:
            break
        found = period
    return found


def anchor(profile: Profile2, began: datetime) -> datetime:
    """What the periods of a profile count from; the first of several for a recurring one."""
    if profile.kind is Kind.DYNAMIC:
        return max(
            profile.updated or profile.installed, profile.start or profile.installed
        )
    if profile.kind is Kind.RELATIVE or profile.start is None:
        return began
    return profile.start


def _leading(
    profiles: Collection[Profile2], at: datetime, began: datetime, site: Site2
) -> tuple[Profile2, Mapping[str, Any]] | None:
    """The profile of the highest stack level that has a period now."""
    for profile in sorted(profiles, key=lambda profile: -profile.stack_level):
        period = period_at(profile, at, began, site.offline_since)
        if period is not None:
            return profile, period
    return None


def _limit(leading: tuple[Profile2, Mapping[str, Any]] | None, site: Site2) -> Limit:
    """What a period allows."""
    if leading is None:
        return Limit(phases=site.phases)
    profile, period = leading
    phases = site.phases
    asked = period.get("numberPhases")
    if site.phase_switching and asked is not None:
        phases = max(1, min(phases, asked))
    amount = _amount(period, phases)
    if profile.unit is Unit.A:
        return Limit(current=amount, phases=phases)
    if period.keys() & {"limit_L2", "limit_L3"}:
        return Limit(current=amount / site.voltage, phases=phases)
    return Limit(power=amount, phases=phases)


def _amount(period: Mapping[str, Any], phases: int) -> float:
    """The number that counts in a period, in the unit of its schedule."""
    if period.get("operationMode") == "Idle":
        return 0.0
    each = [period.get("limit", math.inf)]
    each += [
        period[key] for key in ("limit_L2", "limit_L3")[: phases - 1] if key in period
    ]
    return max(0.0, min(float(min(each)), float(period.get("setpoint", math.inf))))


def _least(limits: Collection[Limit]) -> Limit:
    return Limit(
        min(limit.current for limit in limits),
        min(limit.power for limit in limits),
        min(limit.phases for limit in limits),
    )


def _widened(limit: Limit, by: Limit, site: Site2) -> Limit:
    """A limit with what is generated locally on top."""
    if math.isinf(by.current) and math.isinf(by.power):
        return limit
    return Limit(
        limit.current + by.amps(site.voltage, limit.phases),
        limit.power + by.watts(site.voltage),
        limit.phases,
    )


def _purpose(
    profiles: Collection[Profile2], purpose: Purpose, evses: Collection[int]
) -> list[Profile2]:
    return [each for each in profiles if each.purpose is purpose and each.evse in evses]


def _session(
    profiles: Collection[Profile2], evse: int, at: datetime, site: Site2, idle: datetime
) -> tuple[Profile2, Mapping[str, Any]] | None:
    """PriorityCharging where it is wanted, else TxProfile, else TxDefaultProfile."""
    running = site.transactions.get(evse)
    began = idle if running is None else running.start
    groups: list[list[Profile2]] = []
    if running is not None:
        if running.priority:
            groups.append(_purpose(profiles, Purpose.PRIORITY, {0, evse}))
        groups.append(
            [
                profile
                for profile in _purpose(profiles, Purpose.TX, {evse})
                if profile.transaction_id == running.id
            ]
        )
    groups.append(_purpose(profiles, Purpose.TX_DEFAULT, {0, evse}))
    for group in groups:
        if (leading := _leading(group, at, began, site)) is not None:
            return leading
    return None


def session_limit(
    profiles: Collection[Profile2],
    evse: int,
    at: datetime,
    site: Site2,
    idle: datetime | None = None,
) -> Limit:
    """What the profiles for its transaction, those from outside and the hardware leave to one EVSE."""
    limits = [_limit(_session(profiles, evse, at, site, idle or at), site)]
    outside = _purpose(profiles, Purpose.EXTERNAL, {evse})
    limits.append(_limit(_leading(outside, at, at, site), site))
    local = _purpose(profiles, Purpose.LOCAL, {0, evse})
    limit = _widened(_least(limits), _limit(_leading(local, at, at, site), site), site)
    return _least([limit, Limit(site.max_current, phases=limit.phases)])


def station_limit(profiles: Collection[Profile2], at: datetime, site: Site2) -> Limit:
    """What is left to all EVSEs together."""
    limits = [
        _limit(_leading(_purpose(profiles, purpose, {0}), at, at, site), site)
        for purpose in (Purpose.MAX, Purpose.EXTERNAL)
    ]
    local = _purpose(profiles, Purpose.LOCAL, {0})
    return _widened(_least(limits), _limit(_leading(local, at, at, site), site), site)


def limit_at(
    profiles: Collection[Profile2],
    evse: int,
    at: datetime,
    site: Site2,
    unit: Unit = Unit.A,
    *,
    idle: datetime | None = None,
) -> float:
    """The composite limit of an EVSE at a moment; EVSE 0 is the station as a whole.

    For the station: the sum of what its EVSEs may draw, or what is left to all of them if that is
    less. `idle` is what Relative profiles count from where nothing is charging, and defaults to `at`.
    """
    station = station_limit(profiles, at, site).rate(unit, site.voltage)
    evses = range(1, site.evses + 1) if evse == 0 else (evse,)
    total = sum(
        session_limit(profiles, each, at, site, idle).rate(unit, site.voltage)
        for each in evses
    )
    return min(station, total)
