"""A schedule of limits as a charger tells it, and what it says for now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .clock import ChargerClock, parse_time, utcnow
from .connection import Payload
from .model import ChargePointConfig, LimitUnit
from .payloads import member, members, real, text

# How far ahead a charger is asked to look, in seconds.
HORIZON = 86_400
# A schedule of a time further away than this is not meant for now.
_NOW = timedelta(days=1)
# How many seconds a charger's clock may be ahead of ours and still be right.
_SLACK = 60.0
_RECURRENCIES = {"daily": 86_400.0, "weekly": 7 * 86_400.0}


@dataclass(frozen=True, slots=True)
class Period:
    """One period of a schedule, until the next one starts."""

    start: datetime
    # None: no limit.
    limit: float | None
    phases: int | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A composite schedule as a charger told it (OCPP 1.6, 7.13)."""

    unit: LimitUnit
    periods: Sequence[Period]
    end: datetime

    def at(self, time: datetime) -> Period | None:
        """Return the period that holds at a time."""
        if not self.periods or time >= self.end:
            return None
        return next(
            (period for period in reversed(self.periods) if period.start <= time),
            self.periods[0],
        )

    def change_after(self, time: datetime) -> datetime:
        """Return when something else holds, or nothing is known any more."""
        return next(
            (period.start for period in self.periods if period.start > time), self.end
        )


def read_composite(answer: Payload, clock: ChargerClock) -> Schedule | None:
    """Read an answer to GetCompositeSchedule, as far as it makes sense.

    (OCPP 1.6, 6.22; 2.0.1, K08)
    """
    schedule = member(answer, "schedule") or answer.get("chargingSchedule")
    if not isinstance(schedule, dict):
        return None
    now = utcnow()
    start = next(
        (
            clock.correct(time)
            for value in (
                schedule.get("startSchedule"),
                schedule.get("scheduleStart"),
                answer.get("scheduleStart"),
            )
            if (time := parse_time(value))
        ),
        now,
    )
    if abs(start - now) > _NOW:
        start = now
    periods = sorted(
        (
            Period(start + timedelta(seconds=seconds), limit, phases)
            for seconds, limit, phases in _periods(schedule)
            if seconds <= HORIZON
        ),
        key=lambda period: period.start,
    )
    duration = real(schedule, "duration")
    return Schedule(
        _unit(schedule),
        periods,
        start + timedelta(seconds=min(duration or HORIZON, HORIZON)),
    )


def limit_now(
    schedule: Payload,
    config: ChargePointConfig,
    clock: ChargerClock,
    *,
    recurrency: object = None,
    begun: datetime | None = None,
) -> float | None:
    """Return what a schedule limits to at present, in A per phase.

    One without a start of its own counts from when the transaction has begun; None:
    it does not limit now. (OCPP 2.0.1, 2.10)
    """
    now = utcnow()
    start = parse_time(schedule.get("startSchedule"))
    start = clock.correct(start) if start else begun or now
    elapsed = (now - start).total_seconds()
    if length := _RECURRENCIES.get(str(recurrency).casefold()):
        elapsed %= length
    duration = real(schedule, "duration")
    if elapsed < -_SLACK or (duration and elapsed >= duration):
        return None
    elapsed = max(elapsed, 0.0)
    holding = [period for period in _periods(schedule) if period[0] <= elapsed]
    if not holding:
        return None
    _, limit, phases = max(holding, key=lambda period: period[0])
    return in_amperes(limit, _unit(schedule), phases, config)


def in_amperes(
    limit: float | None, unit: LimitUnit, phases: int | None, config: ChargePointConfig
) -> float | None:
    """Return a limit in A per phase."""
    if limit is None or unit is LimitUnit.AMPERE:
        return limit
    phases = min(phases or config.phases, config.phases)
    return round(limit / (config.nominal_voltage * phases), 1)


def _unit(schedule: Payload) -> LimitUnit:
    word = text(schedule, "chargingRateUnit").casefold()
    return LimitUnit.WATT if word == "w" else LimitUnit.AMPERE


def _periods(schedule: Payload) -> list[tuple[float, float | None, int | None]]:
    return [
        period
        for entry in members(schedule, "chargingSchedulePeriod")
        if (period := _period(entry))
    ]


def _period(entry: Payload) -> tuple[float, float | None, int | None] | None:
    """Read when a period starts, its limit (None: no limit) and its phases."""
    # OCPP 2.1 may say what is to flow instead of what may.
    key = "limit" if "limit" in entry else "setpoint"
    offset, limit = real(entry, "startPeriod"), real(entry, key)
    if offset is None or (limit is None and key in entry):
        return None
    phases = real(entry, "numberPhases")
    return (
        offset,
        limit if limit is not None and limit >= 0 else None,
        int(phases) if phases and phases in (1, 2, 3) else None,
    )
