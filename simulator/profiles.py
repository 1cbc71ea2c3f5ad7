"""OCPP 1.6 charging profiles: what is allowed, when. Pure functions, no charger needed.

Where the standard leaves room, this is how it is read here:

- A TxDefaultProfile of a connector takes the place of the one for connector 0 with the same stack
  level; on other stack levels the highest one wins, wherever it is installed.
- Where no TxProfile is active at the moment (expired, or not begun), TxDefaultProfiles apply.
- An Absolute profile without a start is relative to the start of charging, like a Relative one. With
  nothing charging, that is the moment asked about. A ChargePointMaxProfile, which belongs to no
  transaction, counts from its installation instead.
- A Recurring profile does not apply before its startSchedule.
- A limit in W is the total of all phases. To become A it is divided by the voltage and by the phases
  that may be used: numberPhases, 3 if absent, and never more than the charger has. A charger that
  cannot switch phases uses all it has.
- Limits in A are per phase; what several connectors draw is added up as if all used the same phase.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
import math
from typing import Any, Self

from .clock import parse_time


class Purpose(StrEnum):
    """What a profile limits."""

    MAX = "ChargePointMaxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"


class Kind(StrEnum):
    """What the times in a profile count from."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class Unit(StrEnum):
    """What a limit is measured in."""

    A = "A"
    W = "W"


_RECURRENCE = {"Daily": timedelta(days=1), "Weekly": timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` seconds on, this limit."""

    start: int
    limit: float
    phases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One charging profile, as installed on one connector."""

    id: int
    connector: int
    purpose: Purpose
    stack_level: int
    kind: Kind
    unit: Unit
    periods: tuple[Period, ...]
    installed: datetime
    start: datetime | None = None
    duration: int | None = None
    recurrence: timedelta | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction_id: int | None = None

    @classmethod
    def from_wire(
        cls, connector: int, payload: Mapping[str, Any], installed: datetime
    ) -> Self:
        """Read a `csChargingProfiles`. Raises ValueError for a timestamp that is none."""

        def moment(holder: Mapping[str, Any], key: str) -> datetime | None:
            return None if (text := holder.get(key)) is None else parse_time(text)

        schedule = payload["chargingSchedule"]
        kind = Kind(payload["chargingProfileKind"])
        recurring = kind is Kind.RECURRING
        return cls(
            id=payload["chargingProfileId"],
            connector=connector,
            purpose=Purpose(payload["chargingProfilePurpose"]),
            stack_level=payload["stackLevel"],
            kind=kind,
            unit=Unit(schedule["chargingRateUnit"]),
            periods=tuple(
                Period(
                    period["startPeriod"],
                    float(period["limit"]),
                    period.get("numberPhases"),
                )
                for period in schedule["chargingSchedulePeriod"]
            ),
            installed=installed,
            start=moment(schedule, "startSchedule"),
            duration=schedule.get("duration"),
            recurrence=_RECURRENCE.get(payload.get("recurrencyKind", ""))
            if recurring
            else None,
            valid_from=moment(payload, "validFrom"),
            valid_to=moment(payload, "validTo"),
            transaction_id=payload.get("transactionId"),
        )


@dataclass(frozen=True, slots=True)
class Running:
    """A transaction, as far as profiles care."""

    start: datetime
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The charger the profiles are installed on, and what it is doing."""

    connectors: int = 1
    phases: int = 3
    voltage: float = 230.0
    max_current: float = 32.0
    phase_switching: bool = True
    transactions: Mapping[int, Running] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit in both units at once: whichever is tighter counts."""

    current: float = math.inf
    power: float = math.inf
    phases: int = 3

    def amps(self, voltage: float, phases: int | None = None) -> float:
        """The current per phase, on the phases in use or on all that are allowed."""
        used = self.phases if phases is None else min(phases, self.phases)
        return min(self.current, self.power / (voltage * used))

    def watts(self, voltage: float) -> float:
        """The power on all phases that are allowed."""
        return min(self.power, self.current * voltage * self.phases)

    def rate(self, unit: Unit, voltage: float) -> float:
        """The limit in one unit."""
        return self.amps(voltage) if unit is Unit.A else self.watts(voltage)


def period_at(profile: Profile, at: datetime, began: datetime) -> Period | None:
    """The period of a profile that applies at a moment, if any.

    `began` is when charging began: what Relative profiles count from.
    """
    if profile.valid_from is not None and at < profile.valid_from:
        return None
    if profile.valid_to is not None and at >= profile.valid_to:
        return None
    start = _anchor(profile, began)
    if at < start:
        return None
    if profile.recurrence is not None:
        start += (at - start) // profile.recurrence * profile.recurrence
    elapsed = (at - start).total_seconds()
    if profile.duration is not None and elapsed >= profile.duration:
        return None
    found = None
    for period in profile.periods:
        if period.start > elapsed:
            break
        found = period
    return found


def _anchor(profile: Profile, began: datetime) -> datetime:
    """What the periods of a profile count from; the first of several for a recurring one."""
    if profile.start is not None and profile.kind is not Kind.RELATIVE:
        return profile.start
    return profile.installed if profile.purpose is Purpose.MAX else began


def _leading(
    profiles: Collection[Profile], at: datetime, began: datetime
) -> tuple[Profile, Period] | None:
    """The profile of the highest stack level that has a period now."""
    for profile in sorted(profiles, key=lambda profile: -profile.stack_level):
        if (period := period_at(profile, at, began)) is not None:
            return profile, period
    return None


def _candidates(
    profiles: Collection[Profile], connector: int, site: Site
) -> Iterator[Collection[Profile]]:
    """The profiles that may limit a connector: of the first group with an active one, one counts."""
    if (running := site.transactions.get(connector)) is not None:
        yield [
            profile
            for profile in profiles
            if profile.purpose is Purpose.TX
            and profile.connector == connector
            and profile.transaction_id in {None, running.id}
        ]
    defaults = [
        profile for profile in profiles if profile.purpose is Purpose.TX_DEFAULT
    ]
    own = [profile for profile in defaults if profile.connector == connector]
    replaced = {profile.stack_level for profile in own}
    yield own + [
        profile
        for profile in defaults
        if profile.connector == 0 and profile.stack_level not in replaced
    ]


def session_limit(
    profiles: Collection[Profile],
    connector: int,
    at: datetime,
    site: Site,
    idle: datetime,
) -> Limit:
    """What TxProfile or else TxDefaultProfile, and the hardware, leave to one connector."""
    running = site.transactions.get(connector)
    began = idle if running is None else running.start
    for group in _candidates(profiles, connector, site):
        if (leading := _leading(group, at, began)) is None:
            continue
        profile, period = leading
        phases = site.phases
        if site.phase_switching and period.phases is not None:
            phases = max(1, min(phases, period.phases))
        if profile.unit is Unit.A:
            return Limit(min(site.max_current, period.limit), phases=phases)
        return Limit(site.max_current, period.limit, phases)
    return Limit(site.max_current, phases=site.phases)


def station_limit(profiles: Collection[Profile], at: datetime, site: Site) -> Limit:
    """What the ChargePointMaxProfile leaves to all connectors together."""
    group = [profile for profile in profiles if profile.purpose is Purpose.MAX]
    if (leading := _leading(group, at, at)) is None:
        return Limit(phases=site.phases)
    profile, period = leading
    if profile.unit is Unit.A:
        return Limit(current=period.limit, phases=site.phases)
    return Limit(
        power=period.limit, phases=min(site.phases, max(1, period.phases or 3))
    )


def limit_at(
    profiles: Collection[Profile],
    connector: int,
    at: datetime,
    site: Site,
    unit: Unit = Unit.A,
    *,
    idle: datetime | None = None,
) -> float:
    """The composite limit of a connector at a moment; connector 0 is the station as a whole.

    For a connector: the least of the hardware, the TxProfile (else TxDefaultProfile) and the
    ChargePointMaxProfile. For the station: the sum of what its connectors may draw, or the
    ChargePointMaxProfile if that is less. `idle` is what Relative profiles count from where
    nothing is charging, and defaults to `at`.
    """
    idle = idle or at
    station = station_limit(profiles, at, site).rate(unit, site.voltage)
    connectors = range(1, site.connectors + 1) if connector == 0 else (connector,)
    total = sum(
        session_limit(profiles, each, at, site, idle).rate(unit, site.voltage)
        for each in connectors
    )
    return min(station, total)


def composite(
    profiles: Collection[Profile],
    connector: int,
    start: datetime,
    duration: int,
    site: Site,
    unit: Unit = Unit.A,
) -> list[Period]:
    """The composite schedule: `limit_at` for every second of a time span, rounded down to tenths."""
    schedule: list[Period] = []
    for offset in sorted(_changes(profiles, start, duration, site)):
        limit = limit_at(
            profiles,
            connector,
            start + timedelta(seconds=offset),
            site,
            unit,
            idle=start,
        )
        # A float just below a tenth (16.1 is 16.0999…) is that tenth.
        limit = math.floor(limit * 10 + 1e-6) / 10
        if not schedule or schedule[-1].limit != limit:
            schedule.append(Period(offset, limit))
    return schedule


def _changes(
    profiles: Collection[Profile], start: datetime, duration: int, site: Site
) -> set[int]:
    """The whole seconds after `start` at which any profile may begin, change or end."""
    offsets = {0}

    def note(moment: datetime) -> None:
        offset = math.ceil((moment - start) / timedelta(seconds=1))
        if 0 < offset < duration:
            offsets.add(offset)

    end = start + timedelta(seconds=duration)
    begun = {start, *(running.start for running in site.transactions.values())}
    for profile in profiles:
        for bound in (profile.valid_from, profile.valid_to):
            if bound is not None:
                note(bound)
        for anchor in {_anchor(profile, began) for began in begun}:
            for cycle in _cycles(profile, anchor, start, end):
                for period in profile.periods:
                    note(cycle + timedelta(seconds=period.start))
                if profile.duration is not None:
                    note(cycle + timedelta(seconds=profile.duration))
    return offsets


def _cycles(
    profile: Profile, anchor: datetime, start: datetime, end: datetime
) -> Iterator[datetime]:
    """When a profile starts over, as far as it matters between two moments."""
    if profile.recurrence is None:
        yield anchor
        return
    cycle = anchor
    if start > anchor:
        cycle += (start - anchor) // profile.recurrence * profile.recurrence
    while cycle < end:
        yield cycle
        cycle += profile.recurrence
