"""Smart charging: whose limits count, and what is told about them (OCPP 2.0.1 and 2.1, K)."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, override

from simulator.clock import Timer, format_time
from simulator.link import CallFailed, LinkDown
from simulator.meter import NOMINAL_VOLTAGE
from simulator.profiles import Limit

from .hooks import Limits
from .profile_store import ProfileRefused, ProfileStore2
from .profiles import (
    Kind,
    Profile2,
    Purpose,
    Running,
    Site2,
    session_limit,
    station_limit,
)
from .schemas import Payload
from .variables import Variable

if TYPE_CHECKING:
    from .features import Features
    from .station import Evse

#: How many profiles fit into one report.
_PART = 3


class Charging(Limits):
    """Lets the profiles have their say."""

    def __init__(self, charger: Features) -> None:
        """Begin without any profile."""
        self._charger = charger
        self._oddities = charger.oddities
        add_variables(charger)
        self.profiles = ProfileStore2(
            charger.version, len(charger.station.evses), charger.variables
        )
        self._priority: set[str] = set()
        self._pulls: dict[int, Timer] = {}
        self._offline_since: datetime | None = None
        self._last_set: datetime | None = None
        charger.variables.add(
            "SmartChargingCtrlr.Entries[ChargingProfiles]",
            Variable(
                kind="integer",
                mutability="ReadOnly",
                maximum=20,
                live=lambda: str(len(self.profiles)),
            ),
        )

    # What the station asks

    @property
    def site(self) -> Site2:
        """What the charging profiles have to know."""
        station = self._charger.station
        return Site2(
            evses=len(station.evses),
            phases=station.phases,
            voltage=NOMINAL_VOLTAGE,
            max_current=station.max_current,
            phase_switching=self._charger.variables.truth(
                "SmartChargingCtrlr.Phases3to1"
            ),
            transactions=self.running,
            offline_since=self._offline_since,
        )

    @property
    def running(self) -> dict[int, Running]:
        """The running transactions, as the charging profiles see them."""
        return {
            evse.id: Running(tx.start, tx.id, tx.id in self._priority)
            for evse in self._charger.station.busy
            if (tx := evse.transaction) is not None
        }

    @property
    def _now(self) -> datetime:
        return self._charger.clock.now()

    @override
    def session(self, evse: Evse) -> Limit:
        self._expire()
        running = self.running
        counting = self._oddities.counting(self.profiles, evse.id, running)
        limit = session_limit(counting, evse.id, self._now, self.site)
        allowed = limit.amps(NOMINAL_VOLTAGE)
        offered = self._oddities.offered(evse.id, allowed)
        self._oddities.limited(evse.id, allowed, busy=evse.id in running)
        return limit if offered == allowed else replace(limit, current=offered)

    @override
    def station(self) -> Limit:
        counting = self._oddities.counting(self.profiles, 0, self.running)
        return station_limit(counting, self._now, self.site)

    @override
    def permits(self, evse: Evse, profile: Payload) -> bool:
        if "transactionId" in profile:
            return False
        return self._refusal(evse, {**profile, "transactionId": "-"}) is None

    def _refusal(self, evse: Evse, profile: Payload) -> ProfileRefused | None:
        found = Profile2.from_wire(evse.id, profile, self._now)
        try:
            self.profiles.check(found)
        except ProfileRefused as refused:
            return refused
        if found.purpose is not Purpose.TX:
            return ProfileRefused("InvalidProfile", "only a TxProfile starts with one")
        return None

    @override
    def started(self, evse: Evse, profile: Payload | None) -> None:
        if profile is None or evse.transaction is None:
            return
        wire = {**profile, "transactionId": evse.transaction.id}
        # If the last place was taken since, the transaction goes on without it.
        with suppress(ProfileRefused):
            self.install(evse.id, wire)

    @override
    def ended(self, evse: Evse, transaction_id: str) -> None:
        self._oddities.ended(evse.id)
        self._priority.discard(transaction_id)
        self.profiles.transaction_ended(transaction_id)
        self.profiles.needs_told.discard(evse.id)
        self._charger.displays.transaction_ended(transaction_id)

    def leave_behind(self, limit: float) -> None:
        """Have a default that another central system has left."""
        period = {"startPeriod": 0, "limit": limit}
        schedule = {
            "id": 1,
            "startSchedule": format_time(self._now),
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [period],
        }
        wire = {
            "id": 990,
            "stackLevel": 8,
            "chargingProfilePurpose": Purpose.TX_DEFAULT,
            "chargingProfileKind": Kind.ABSOLUTE,
            "chargingSchedule": [schedule],
        }
        self.profiles.put(Profile2.from_wire(0, wire, self._now, foreign=True))

    def told(self, evse: int) -> Collection[Profile2]:
        """The profiles that a composite schedule is made of."""
        return self._oddities.told(self.profiles, evse, self.running)

    # The connection

    def link_up(self) -> None:
        """The central system may be asked again."""
        self._offline_since = None
        for profile in self.profiles:
            self._pull_later(profile)
        self._charger.station.update()

    def link_down(self) -> None:
        """From now on the station is on its own."""
        if self._offline_since is None:
            self._offline_since = self._now
        self.stop()

    def stop(self) -> None:
        """Stop all timers."""
        for timer in self._pulls.values():
            timer.cancel()
        self._pulls.clear()

    def _expire(self) -> None:
        """Forget what must not count any more after so long on one's own."""
        if (since := self._offline_since) is None:
            return
        alone = (self._now - since).total_seconds()
        self.profiles.remove(
            lambda profile: (
                profile.wire.get("invalidAfterOfflineDuration") is True
                and alone >= profile.wire.get("maxOfflineDuration", alone + 1)
            )
        )

    # Profiles of the central system

    def install(self, evse_id: int, wire: Payload) -> None:
        """Take a profile. Raises ProfileRefused."""
        now = self._now
        pause = self._charger.variables.integer(
            "SmartChargingCtrlr.ChargingProfileUpdateRateLimit"
        )
        last = self._last_set
        if last is not None and (now - last).total_seconds() < pause:
            raise ProfileRefused("RateLimitExceeded", "not so fast (FR.56)")
        profile = Profile2.from_wire(evse_id, wire, now)
        self.profiles.install(profile, self.running)
        self._last_set = now
        self._pull_later(profile)

    def update(self, profile_id: int, change: Payload) -> None:
        """Give a Dynamic profile other limits. Raises ProfileRefused."""
        self._pull_later(self.profiles.update(profile_id, change, self._now))

    def _pull_later(self, profile: Profile2) -> None:
        """Ask for limits once those of a Dynamic profile are old (K28.FR.10)."""
        if (before := self._pulls.pop(profile.id, None)) is not None:
            before.cancel()
        interval = profile.wire.get("dynUpdateInterval", 0)
        if profile.kind is Kind.DYNAMIC and interval > 0 and profile.source == "CSO":
            self._pulls[profile.id] = self._charger.clock.call_later(
                interval,
                lambda: self._charger.activity.spawn(self._pull(profile.id)),
            )

    async def _pull(self, profile_id: int) -> None:
        if (profile := self.profiles.find(profile_id)) is None:
            return
        self._pull_later(profile)
        with suppress(LinkDown, CallFailed, ProfileRefused):
            answer = await self._charger.outbox.put(
                "PullDynamicScheduleUpdate", {"chargingProfileId": profile_id}
            )
            if answer["status"] != "Accepted":
                return
            if "scheduleUpdate" not in answer:
                self._charger.violated("an accepted pull has an update (K28.FR.08)")
                return
            self.update(profile_id, answer["scheduleUpdate"])
            self._charger.station.update()

    def reports(
        self, request_id: int, profiles: Iterable[Profile2]
    ) -> list[tuple[str, Payload]]:
        """The reports of some profiles, one for each EVSE and source, in parts."""
        groups: dict[tuple[int, str], list[Payload]] = {}
        for profile in profiles:
            groups.setdefault((profile.evse, profile.source), []).append(
                reported(profile)
            )
        parts = [
            (evse, source, found[begin : begin + _PART])
            for (evse, source), found in groups.items()
            for begin in range(0, len(found), _PART)
        ]
        return [
            (
                "ReportChargingProfiles",
                {
                    "requestId": request_id,
                    "chargingLimitSource": source,
                    "evseId": evse,
                    "chargingProfile": part,
                    "tbc": number < len(parts),
                },
            )
            for number, (evse, source, part) in enumerate(parts, 1)
        ]

    # Limits from outside

    def outside(
        self, evse_id: int, amps: float | None, source: str, *, local: bool
    ) -> tuple[str, Payload] | None:
        """Obey somebody else, or with None no longer; returns what to tell about it."""
        purpose = Purpose.LOCAL if local else Purpose.EXTERNAL
        profile_id = -1 - 2 * evse_id - (1 if local else 0)
        before = self.profiles.find(profile_id)
        payload: Payload = {"evseId": evse_id}
        if amps is None:
            if before is None:
                return None
            self.profiles.remove(lambda profile: profile.id == profile_id)
            return "ClearedChargingLimit", {
                **payload,
                "chargingLimitSource": before.source,
            }
        now = self._now
        schedule = {
            "id": 1,
            "startSchedule": format_time(now - timedelta(seconds=1)),
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amps}],
        }
        wire = {
            "id": profile_id,
            "stackLevel": 0,
            "chargingProfilePurpose": purpose,
            "chargingProfileKind": "Absolute",
            "chargingSchedule": [schedule],
        }
        profile = Profile2.from_wire(evse_id, wire, now, source=source, foreign=True)
        self.profiles.put(profile)
        if before is not None and not self._significant(before, amps):
            return None
        limit: Payload = {"chargingLimitSource": source}
        if local:
            limit["isLocalGeneration"] = True
        payload["chargingLimit"] = limit
        if self._charger.variables.truth(
            "SmartChargingCtrlr.NotifyChargingLimitWithSchedules"
        ):
            payload["chargingSchedule"] = [schedule]
        return "NotifyChargingLimit", payload

    def _significant(self, before: Profile2, amps: float) -> bool:
        last = float(before.periods[0]["limit"])
        percent = float(
            self._charger.variables.text("SmartChargingCtrlr.LimitChangeSignificance")
            or 0
        )
        change = abs(amps - last)
        return change > 0 and change * 100 >= percent * max(last, 0.1)

    # PriorityCharging

    def prioritize(self, transaction_id: str, *, on: bool) -> str:
        """Let the PriorityCharging profile count, or no longer; returns the status to answer."""
        found = [evse for evse, tx in self.running.items() if tx.id == transaction_id]
        if not found:
            return "Rejected"
        if not any(
            profile.purpose is Purpose.PRIORITY and profile.evse in {0, found[0]}
            for profile in self.profiles
        ):
            return "NoProfile"
        if on:
            self._priority.add(transaction_id)
        else:
            self._priority.discard(transaction_id)
        return "Accepted"


def reported(profile: Profile2) -> dict[str, Any]:
    """A profile as it is reported."""
    wire = dict(profile.wire)
    if profile.kind is Kind.DYNAMIC and profile.updated is not None:
        wire["dynUpdateTime"] = format_time(profile.updated)
    return wire


def add_variables(charger: Features) -> None:
    """Add what the standard wants to be known about smart charging."""

    def add(name: str, value: str, kind: str = "boolean", **more: Any) -> None:
        more = {"mutability": "ReadOnly", **more}
        variable = Variable(value, kind, **more)
        charger.variables.add(f"SmartChargingCtrlr.{name}", variable)

    add("Available", "true")
    add("Enabled", "true", mutability="ReadWrite")
    add("ACPhaseSwitchingSupported", "false")
    add("Phases3to1", "true")
    add("RateUnit", "A,W", "MemberList", options=("A", "W"))
    add("ProfileStackLevel", "8", "integer")
    add("PeriodsPerSchedule", "24", "integer")
    add("LimitChangeSignificance", "1", "decimal", unit="Percent")
    add("NotifyChargingLimitWithSchedules", "true", mutability="ReadWrite")
    add("ExternalControlSignalsEnabled", "true", mutability="ReadWrite")
    if charger.version != "2.1":
        return
    purposes = (Purpose.PRIORITY.value, Purpose.LOCAL.value)
    add(
        "SupportedAdditionalPurposes",
        ",".join(purposes),
        "MemberList",
        options=purposes,
    )
    add("SupportsDynamicProfiles", "true")
    add("SupportsMaxOfflineDuration", "true")
    add("SupportsUseLocalTime", "false")
    add("SupportsRandomizedDelay", "false")
    add("SupportsLimitAtSoC", "false")
    add("SupportsEvseSleep", "false")
    add("MaxExternalConstraintsId", "-1", "integer")
    add("ExternalConstraintsProfileDisallowed", "false")
    add("ChargingProfileUpdateRateLimit", "0", "integer", unit="s")
    for purpose in (
        "TxProfile",
        "ChargingStationExternalConstraints",
        "LocalGeneration",
    ):
        add(f"ChargingProfilePersistence[{purpose}]", "true")
