"""The charging profiles a station holds, and which it takes (OCPP 2.0.1 and 2.1, K01, K28)."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
import math
from typing import Any, override

from simulator.profiles import Unit

from .profiles import Kind, Profile2, Purpose, Running
from .variables import Name, Variables

_ADDITIONAL = {Purpose.PRIORITY, Purpose.LOCAL}

#: What only a Dynamic profile has.
_DYNAMIC = ("dynUpdateInterval", "dynUpdateTime")

#: What an update may change in the period of a Dynamic profile.
_UPDATED = frozenset(
    f"{name}{phase}"
    for name in ("limit", "dischargeLimit", "setpoint", "setpointReactive")
    for phase in ("", "_L2", "_L3")
)


class ProfileRefused(Exception):
    """The station does not take a profile."""

    def __init__(self, reason: str, text: str, *, violation: bool = True) -> None:
        """Give a reason code, and say whether the central system should have known."""
        super().__init__(text)
        self.reason = reason
        self.violation = violation


class ProfileStore2(Collection[Profile2]):
    """Keeps profiles over reboots, like flash memory."""

    def __init__(self, version: str, evses: int, variables: Variables) -> None:
        """Start empty."""
        #: The EVSEs whose cars have told what they need: their profiles may have three schedules.
        self.needs_told: set[int] = set()
        self._version = version
        self._evses = evses
        self._variables = variables
        self._profiles: list[Profile2] = []

    @override
    def __iter__(self) -> Iterator[Profile2]:
        return iter(self._profiles)

    @override
    def __len__(self) -> int:
        return len(self._profiles)

    @override
    def __contains__(self, profile: object) -> bool:
        return profile in self._profiles

    def _integer(self, name: str) -> int:
        return self._variables.integer(f"SmartChargingCtrlr.{name}")

    def _truth(self, name: str) -> bool:
        return self._variables.truth(f"SmartChargingCtrlr.{name}")

    @property
    def _room(self) -> float:
        found = self._variables.find(
            Name.parse("SmartChargingCtrlr.Entries[ChargingProfiles]")
        )
        most = None if found is None else found[1].maximum
        return math.inf if most is None else most

    @property
    def units(self) -> list[str]:
        """What limits may be measured in."""
        return self._variables.items("SmartChargingCtrlr.RateUnit")

    def find(self, profile_id: int) -> Profile2 | None:
        """The profile with an id."""
        return next((each for each in self._profiles if each.id == profile_id), None)

    def put(self, profile: Profile2) -> None:
        """Have a profile, whatever the rules are."""
        self._profiles = [each for each in self._profiles if each.id != profile.id]
        self._profiles.append(profile)

    def install(self, profile: Profile2, transactions: Mapping[int, Running]) -> None:
        """Take a profile, in place of the one with its id. Raises ProfileRefused."""
        self.check(profile)
        if profile.purpose is Purpose.TX:
            self._check_transaction(profile, transactions)
        self._check_rivals(profile)
        present = self.find(profile.id)
        if present is not None and present.purpose is Purpose.EXTERNAL:
            raise ProfileRefused("InvalidProfile", "that id is taken from outside")
        if present is None and len(self) >= self._room:
            raise ProfileRefused("OutOfMemory", "no room is left", violation=False)
        self.put(profile)

    def _check_transaction(
        self, profile: Profile2, transactions: Mapping[int, Running]
    ) -> None:
        running = transactions.get(profile.evse)
        if running is None:
            raise ProfileRefused(
                "TxNotFound", "no transaction runs there (FR.09)", violation=False
            )
        if profile.transaction_id != running.id:
            raise ProfileRefused(
                "TxNotFound", "another transaction runs there (FR.33)", violation=False
            )

    def _check_rivals(self, profile: Profile2) -> None:
        """No two of one purpose and level may count at the same time (FR.06, FR.39, FR.52, FR.53)."""
        for other in self._profiles:
            if (
                other.id == profile.id
                or other.purpose is not profile.purpose
                or other.stack_level != profile.stack_level
            ):
                continue
            if profile.purpose is Purpose.TX:
                rival = other.transaction_id == profile.transaction_id
            elif profile.purpose is Purpose.TX_DEFAULT:
                rival = other.evse == profile.evse or 0 in {other.evse, profile.evse}
            else:
                rival = other.evse == profile.evse
            if rival and profile.overlaps(other):
                raise ProfileRefused(
                    "DuplicateProfile",
                    f"profile {other.id} has this purpose and stack level",
                    violation=not other.foreign,
                )

    # What no situation could make right

    def check(self, profile: Profile2) -> None:
        """Refuse what this station could not take in any situation. Raises ProfileRefused."""
        if profile.evse > self._evses:
            raise ProfileRefused("UnknownEvse", "there is no such EVSE (FR.28)")
        highest = self._integer("ProfileStackLevel")
        if profile.stack_level > highest or profile.stack_level < 0:
            raise ProfileRefused("InvalidStackLevel", f"stack levels end at {highest}")
        self._check_purpose(profile)
        self._check_kind(profile)
        self._check_offline(profile)
        schedules = profile.wire["chargingSchedule"]
        if len(schedules) > 1 and profile.evse not in self.needs_told:
            raise ProfileRefused("InvalidSchedule", "one schedule is enough (FR.34)")
        for schedule in schedules:
            self._check_schedule(profile, schedule)

    def _check_purpose(self, profile: Profile2) -> None:
        purpose = profile.purpose
        if purpose is Purpose.EXTERNAL:
            raise ProfileRefused("InvalidProfile", "that comes from outside (FR.22)")
        if purpose in _ADDITIONAL and purpose not in self._variables.items(
            "SmartChargingCtrlr.SupportedAdditionalPurposes"
        ):
            raise ProfileRefused("UnsupportedPurpose", f"no {purpose} here")
        if purpose is Purpose.MAX and profile.evse != 0:
            raise ProfileRefused("InvalidValue", "the station has only one maximum")
        if purpose is Purpose.TX:
            if profile.evse == 0:
                raise ProfileRefused("InvalidValue", "EVSE 0 never charges (FR.16)")
            if profile.transaction_id is None:
                raise ProfileRefused("MissingParam", "which transaction? (FR.03)")
        elif profile.transaction_id is not None:
            raise ProfileRefused(
                "InvalidProfile", "only a TxProfile belongs to a transaction"
            )

    def _check_kind(self, profile: Profile2) -> None:
        kind, wire = profile.kind, profile.wire
        recurrency = wire.get("recurrencyKind")
        if (kind is Kind.RECURRING) != (recurrency is not None):
            raise ProfileRefused(
                "InvalidProfile", "recurrencyKind is what a Recurring profile has"
            )
        if kind is Kind.RELATIVE and profile.purpose is Purpose.MAX:
            raise ProfileRefused(
                "InvalidValue", "the maximum is Absolute or Recurring (FR.38)"
            )
        if kind is not Kind.DYNAMIC:
            if any(key in wire for key in _DYNAMIC):
                raise ProfileRefused(
                    "InvalidProfile", "this is not Dynamic (K28.FR.04)"
                )
            return
        if not self._truth("SupportsDynamicProfiles"):
            raise ProfileRefused("UnsupportedKind", "nothing Dynamic here (FR.121)")
        schedules = wire["chargingSchedule"]
        if len(schedules) != 1 or len(profile.periods) != 1:
            raise ProfileRefused(
                "InvalidSchedule", "a Dynamic profile has one period (K28.FR.03)"
            )

    def _check_offline(self, profile: Profile2) -> None:
        fields = ("maxOfflineDuration", "invalidAfterOfflineDuration")
        if any(key in profile.wire for key in fields) and not self._truth(
            "SupportsMaxOfflineDuration"
        ):
            raise ProfileRefused("UnsupportedParam", "no maxOfflineDuration here")

    def _check_schedule(self, profile: Profile2, schedule: Mapping[str, Any]) -> None:
        kind = profile.kind
        begins = "startSchedule" in schedule
        if kind in {Kind.ABSOLUTE, Kind.RECURRING} and not begins:
            raise ProfileRefused("InvalidSchedule", "startSchedule is missing (FR.40)")
        if kind is Kind.RELATIVE and begins:
            raise ProfileRefused("InvalidSchedule", "it is Relative to a start (FR.41)")
        if schedule["chargingRateUnit"] not in self.units:
            raise ProfileRefused("UnsupportedRateUnit", "not in this unit (FR.26)")
        if profile.purpose is Purpose.PRIORITY and "duration" in schedule:
            raise ProfileRefused("InvalidSchedule", "no end for a priority (FR.73)")
        for key, variable in (
            ("useLocalTime", "SupportsUseLocalTime"),
            ("randomizedDelay", "SupportsRandomizedDelay"),
            ("limitAtSoC", "SupportsLimitAtSoC"),
        ):
            if schedule.get(key) and not self._truth(variable):
                raise ProfileRefused("UnsupportedParam", f"no {key} here")
        periods = schedule["chargingSchedulePeriod"]
        most = self._integer("PeriodsPerSchedule")
        if len(periods) > most:
            raise ProfileRefused("TooManyElements", f"a schedule has {most} periods")
        if periods[0]["startPeriod"] != 0:
            raise ProfileRefused("InvalidSchedule", "it has to begin at 0 (FR.31)")
        if any(
            later["startPeriod"] <= earlier["startPeriod"]
            for earlier, later in pairwise(periods)
        ):
            raise ProfileRefused("InvalidSchedule", "periods are in order (FR.35)")
        for period in periods:
            self._check_period(period, Unit(schedule["chargingRateUnit"]))

    def _check_period(self, period: Mapping[str, Any], unit: Unit) -> None:
        phases = period.get("numberPhases", 3)
        least = 1 if self._version == "2.0.1" else 0
        if not least <= phases <= 3:
            raise ProfileRefused("InvalidSchedule", "there are one to three phases")
        if "phaseToUse" in period:
            if phases != 1:
                raise ProfileRefused("InvalidSchedule", "phaseToUse is for one (FR.19)")
            if not self._truth("ACPhaseSwitchingSupported"):
                raise ProfileRefused("UnsupportedParam", "no choice of phase (FR.20)")
        modes = {None, "ChargingOnly", "CentralSetpoint", "Idle"}
        if period.get("operationMode") not in modes:
            raise ProfileRefused("UnsupportedParam", "no such operation mode here")
        if not any(key in period for key in ("limit", "setpoint", "operationMode")):
            raise ProfileRefused("InvalidSchedule", f"a period limits in {unit}")
        if any(period.get(key, 0) < 0 for key in ("limit", "limit_L2", "limit_L3")):
            raise ProfileRefused("InvalidSchedule", "a limit cannot be negative")

    # Changing

    def update(
        self, profile_id: int, update: Mapping[str, Any], now: datetime
    ) -> Profile2:
        """Give a Dynamic profile other limits. Raises ProfileRefused."""
        profile = self.find(profile_id)
        if profile is None or profile.kind is not Kind.DYNAMIC:
            raise ProfileRefused(
                "InvalidProfile", "no such Dynamic profile (K28.FR.11)", violation=False
            )
        changes = {key: value for key, value in update.items() if key in _UPDATED}
        period = {**profile.periods[0], **changes}
        schedule = {**profile.schedule, "chargingSchedulePeriod": [period]}
        changed = replace(
            profile,
            wire={**profile.wire, "chargingSchedule": [schedule]},
            updated=now,
        )
        self._check_period(period, changed.unit)
        self.put(changed)
        return changed

    def remove(self, wanted: Callable[[Profile2], bool]) -> int:
        """Remove some profiles, and count them."""
        kept = [profile for profile in self._profiles if not wanted(profile)]
        removed = len(self._profiles) - len(kept)
        self._profiles = kept
        return removed

    def transaction_ended(self, transaction_id: str) -> None:
        """Forget what belonged to a transaction."""
        self.remove(
            lambda profile: (
                profile.purpose is Purpose.TX
                and profile.transaction_id == transaction_id
            )
        )
