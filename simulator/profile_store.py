"""The charging profiles a charger holds, and which it takes."""

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import override

from .configuration import Configuration
from .profiles import Kind, Profile, Purpose, Running, Unit

# By the standard, and as some write it.
_UNIT_NAMES = {Unit.A: {"Current", "A"}, Unit.W: {"Power", "W"}}


class ProfileRefused(Exception):
    """The charger does not take a profile."""


class ProfileStore(Collection[Profile]):
    """Keeps profiles over reboots, like flash memory."""

    def __init__(self, configuration: Configuration) -> None:
        """Start empty."""
        self._configuration = configuration
        self._profiles: list[Profile] = []

    @override
    def __iter__(self) -> Iterator[Profile]:
        return iter(self._profiles)

    @override
    def __len__(self) -> int:
        return len(self._profiles)

    @override
    def __contains__(self, profile: object) -> bool:
        return profile in self._profiles

    def install(self, profile: Profile, transactions: Mapping[int, Running]) -> None:
        """Take a profile in place of those it replaces. Raises ProfileRefused."""
        self.check(profile)
        if profile.purpose is Purpose.TX:
            running = transactions.get(profile.connector)
            if running is None:
                raise ProfileRefused("no transaction is running there")
            if (
                profile.transaction_id is not None
                and profile.transaction_id != running.id
            ):
                raise ProfileRefused(
                    "that is not the transaction that is running there"
                )
        kept = [other for other in self._profiles if not _replaces(profile, other)]
        if len(kept) >= self._configuration.integer("MaxChargingProfilesInstalled"):
            raise ProfileRefused("there is no room for another profile")
        self._profiles = [*kept, profile]

    def check(self, profile: Profile) -> None:
        """Refuse what this charger could not take in any situation. Raises ProfileRefused."""
        if (profile.purpose is Purpose.MAX) and profile.connector != 0:
            raise ProfileRefused("the station has only one maximum")
        if (profile.purpose is Purpose.TX) and profile.connector == 0:
            raise ProfileRefused("connector 0 has no transactions")
        if profile.purpose is not Purpose.TX and profile.transaction_id is not None:
            raise ProfileRefused("only a TxProfile belongs to a transaction")
        highest = self._configuration.integer("ChargeProfileMaxStackLevel")
        if not 0 <= profile.stack_level <= highest:
            raise ProfileRefused(f"stack levels end at {highest}")
        units = self._configuration.items("ChargingScheduleAllowedChargingRateUnit")
        if _UNIT_NAMES[profile.unit].isdisjoint(units):
            raise ProfileRefused(f"only {units} can be limited")
        if profile.kind is Kind.RECURRING and None in {
            profile.recurrence,
            profile.start,
        }:
            raise ProfileRefused(
                "a recurring profile needs recurrencyKind and startSchedule"
            )
        self._check_periods(profile)

    def _check_periods(self, profile: Profile) -> None:
        most = self._configuration.integer("ChargingScheduleMaxPeriods")
        if not 1 <= len(profile.periods) <= most:
            raise ProfileRefused(f"a schedule has 1 to {most} periods")
        if profile.periods[0].start != 0:
            raise ProfileRefused("the first period must start at 0")
        if any(
            later.start <= earlier.start for earlier, later in pairwise(profile.periods)
        ):
            raise ProfileRefused("the periods must follow each other")
        for period in profile.periods:
            if period.limit < 0:
                raise ProfileRefused("a limit cannot be negative")
            if period.phases is not None and not 1 <= period.phases <= 3:
                raise ProfileRefused("there are one to three phases")

    def clear(
        self,
        *,
        profile_id: int | None = None,
        connector: int | None = None,
        purpose: str | None = None,
        stack_level: int | None = None,
    ) -> int:
        """Remove the profiles that meet every criterion given, and count them."""
        kept = [
            profile
            for profile in self._profiles
            if (profile_id is not None and profile.id != profile_id)
            or (connector is not None and profile.connector != connector)
            or (purpose is not None and profile.purpose != purpose)
            or (stack_level is not None and profile.stack_level != stack_level)
        ]
        cleared = len(self._profiles) - len(kept)
        self._profiles = kept
        return cleared

    def transaction_ended(self, connector: int) -> None:
        """Forget what belonged to the transaction of a connector."""
        self.clear(connector=connector, purpose=Purpose.TX)


def _replaces(new: Profile, old: Profile) -> bool:
    """Whether one profile takes the place of another."""
    return new.id == old.id or (
        (new.purpose, new.stack_level, new.connector)
        == (old.purpose, old.stack_level, old.connector)
    )
