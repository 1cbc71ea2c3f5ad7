"""OCPP 2.0.1 and 2.1: smart charging."""

from collections.abc import Iterator
from functools import partial
from typing import override

from ocpp.v21.enums import (
    Action,
    ChargingProfileKindEnumType,
    ChargingProfilePurposeEnumType,
)

from .charge_point import ChargePoint
from .clock import format_time
from .connection import Connection, Handler, Payload, Priority
from .errors import CommandFailed, CommandRejected
from .evses import connector_number, place_of
from .external import ExternalLimit
from .model import STATION, Event, EventKind, LimitProfile, LimitUnit, Purpose
from .payloads import member, members, number, real, text
from .profiles import amperes, fallback, least_of_evse, left_of_evse
from .rendering import profile_id, purpose_of, render
from .reports import Report
from .v2_base import Base2, MessagesBase2
from .vocabulary import Setting

_PURPOSES = {
    Purpose.STATION: ChargingProfilePurposeEnumType.charging_station_max_profile,
    Purpose.DEFAULT: ChargingProfilePurposeEnumType.tx_default_profile,
    Purpose.TRANSACTION: ChargingProfilePurposeEnumType.tx_profile,
}
# How long more than the fallback may flow with nobody there to command, in seconds.
_OFFLINE = 300


class ProfileMessages2(MessagesBase2):
    """The messages about smart charging."""

    @property
    @override
    def handlers(self) -> dict[str, Handler]:
        handlers: dict[str, Handler] = {
            **super().handlers,
            Action.cleared_charging_limit: self._on_cleared_charging_limit,
            Action.notify_charging_limit: self._on_notify_charging_limit,
            Action.notify_ev_charging_needs: self._on_notify_ev_charging_needs,
            Action.notify_ev_charging_schedule: self._on_notify_ev_charging_schedule,
            Action.report_charging_profiles: self._on_report_charging_profiles,
        }
        if self.version == "2.1":
            handlers |= {
                Action.notify_priority_charging: self._on_notify_priority_charging,
                Action.pull_dynamic_schedule_update: self._on_pull_dynamic_schedule,
            }
        return handlers

    def _on_notify_charging_limit(self, payload: Payload) -> Payload:
        """NotifyChargingLimit (K12, K13)."""
        limit = member(payload, "chargingLimit")
        external = self._charge_point.external
        # What is generated on site may flow in addition to the limits (2.1, K27).
        if limit.get("isLocalGeneration") is not True:
            external.limited(
                number(payload, "evseId") or STATION,
                ExternalLimit(
                    source=text(limit, "chargingLimitSource"),
                    grid_critical=limit.get("isGridCritical") is True,
                    schedules=members(payload, "chargingSchedule"),
                ),
            )
        external.look()
        return {}

    def _on_cleared_charging_limit(self, payload: Payload) -> Payload:
        """ClearedChargingLimit (K13)."""
        external = self._charge_point.external
        source = text(payload, "chargingLimitSource")
        external.cleared(number(payload, "evseId"), source)
        external.look()
        return {}

    def _on_report_charging_profiles(self, payload: Payload) -> Payload:
        """ReportChargingProfiles (K09): it goes to who has asked for it."""
        return {}

    def _on_notify_ev_charging_needs(self, payload: Payload) -> Payload:
        """NotifyEVChargingNeeds (K15): no schedule of ours follows the car's wishes."""
        needs = member(payload, "chargingNeeds")
        soc = real(member(needs, "dcChargingParameters"), "stateOfCharge")
        connector = connector_number(number(payload, "evseId"), None)
        if soc is not None and connector in self._charge_point.connectors:
            self._charge_point.update(connector, {"soc": soc})
        return {"status": "NoChargingProfile" if self.version == "2.1" else "Rejected"}

    def _on_notify_ev_charging_schedule(self, payload: Payload) -> Payload:
        """NotifyEVChargingSchedule (K15): the car's own plan keeps to every limit."""
        return {"status": "Accepted"}

    def _on_notify_priority_charging(self, payload: Payload) -> Payload:
        """NotifyPriorityCharging (OCPP 2.1, K21): somebody has pressed a button."""
        charge_point = self._charge_point
        reference = text(payload, "transactionId")
        active = payload.get("activated") is True
        connector = next(
            (
                connector
                for connector in charge_point.connectors
                if (transaction := charge_point.transactions.at(connector))
                and transaction.reference == reference
            ),
            STATION,
        )
        if connector != STATION:
            charge_point.external.prioritized(connector, reference, active=active)
        kind = "priority_charging_on" if active else "priority_charging_off"
        charge_point.tell(Event(EventKind.BUTTON, connector, kind))
        return {}

    def _on_pull_dynamic_schedule(self, payload: Payload) -> Payload:
        """PullDynamicScheduleUpdate (OCPP 2.1, K28): the limit that is to hold now."""
        charge_point = self._charge_point
        wanted = number(payload, "chargingProfileId")
        for connector in charge_point.connectors:
            evse, _ = place_of(connector)
            limit = charge_point.limits.live(connector)
            if limit and wanted == profile_id(charge_point, Purpose.TRANSACTION, evse):
                return {"status": "Accepted", "scheduleUpdate": {"limit": limit.value}}
        return {"status": "Rejected"}


class Profiles2(Base2):
    """The commands about smart charging."""

    # A default of the whole station is refused where an EVSE has its own (K01.FR.53).
    one_default = False

    def __init__(
        self, charge_point: ChargePoint, connection: Connection, version: str
    ) -> None:
        """Start without knowing what is in force."""
        super().__init__(charge_point, connection, version)
        # By EVSE, what the dynamic profile in force there is but for its limit.
        self._dynamic: dict[int, tuple[str | None, LimitUnit, bool]] = {}
        self._takes_dynamic = True

    async def set_charging_profile(self, connector: int, profile: Payload) -> Payload:
        """SetChargingProfile (K01)."""
        evse, _ = place_of(connector)
        return await self._command(
            Action.set_charging_profile,
            {"evseId": evse, "chargingProfile": self._translated(profile)},
        )

    async def clear_charging_profile(self, criteria: Payload) -> Payload:
        """ClearChargingProfile (K10); the criteria are ANDed."""
        payload = dict(criteria)
        if not {"chargingProfileId", "chargingProfileCriteria"} & set(payload):
            payload = _criteria(payload)
        return await self._command(Action.clear_charging_profile, payload)

    async def get_charging_profiles(
        self,
        criteria: Payload,
        connector: int | None = None,
        priority: Priority = Priority.USER,
    ) -> Payload:
        """GetChargingProfiles, with all of ReportChargingProfiles (K09)."""
        reports = self._charge_point.reports
        payload: Payload = {"requestId": reports.new_id(), "chargingProfile": criteria}
        if connector is not None:
            payload["evseId"], _ = place_of(connector)
        try:
            report = await reports.gather(
                Action.report_charging_profiles,
                payload["requestId"],
                partial(self._command, Action.get_charging_profiles, payload, priority),
            )
        except CommandRejected as error:
            if error.status.casefold() != "noprofiles":
                raise
            report = Report(error.response, complete=True)
        return {
            **report.answer,
            "complete": report.complete,
            "charging_profiles": list(_profiles(report.parts)),
        }

    async def get_composite_schedule(
        self,
        connector: int,
        duration: int,
        unit: str | None = None,
        priority: Priority = Priority.USER,
    ) -> Payload:
        """GetCompositeSchedule (K08)."""
        evse, _ = place_of(connector)
        payload: Payload = {"duration": duration, "evseId": evse}
        if unit:
            payload["chargingRateUnit"] = unit
        return await self._command(Action.get_composite_schedule, payload, priority)

    async def use_priority_charging(self, connector: int, active: bool) -> Payload:
        """UsePriorityCharging (OCPP 2.1, K22)."""
        return await self._command(
            Action.use_priority_charging,
            {"transactionId": self._reference(connector) or "", "activate": active},
        )

    # Profiles of ours

    async def set_limit_profile(
        self, profile: LimitProfile, priority: Priority = Priority.USER
    ) -> Payload:
        """Install one of our own profiles, or update what is dynamic."""
        evse, _ = place_of(profile.connector)
        if profile.purpose is Purpose.DEFAULT:
            profile = least_of_evse(self._charge_point, profile)
        if profile.purpose is not Purpose.TRANSACTION:
            return await self._install(profile, priority)
        nature = (
            self._reference(profile.connector),
            profile.limit.unit,
            self._is_above_fallback(profile),
        )
        dynamic = self._can_be_dynamic(profile)
        if dynamic and self._dynamic.get(evse) == nature:
            try:
                return await self._update(profile, priority)
            except CommandRejected, CommandFailed:
                # It may have none any more.
                del self._dynamic[evse]
        self._dynamic.pop(evse, None)
        if not dynamic:
            return await self._install(profile, priority)
        try:
            response = await self._install(profile, priority, dynamic=True)
        except CommandRejected, CommandFailed:
            response = await self._install(profile, priority)
            # The kind was what it refused.
            self._takes_dynamic = False
        else:
            self._dynamic[evse] = nature
        return response

    async def clear_limit_profile(self, purpose: Purpose, connector: int) -> Payload:
        """Remove one of our own profiles, and only that."""
        evse, _ = place_of(connector)
        if purpose is Purpose.TRANSACTION:
            self._dynamic.pop(evse, None)
        elif purpose is Purpose.DEFAULT and (
            left := left_of_evse(self._charge_point, connector)
        ):
            return await self._install(left, Priority.USER)
        return await self._command(
            Action.clear_charging_profile,
            {"chargingProfileId": profile_id(self._charge_point, purpose, evse)},
        )

    async def _install(
        self, profile: LimitProfile, priority: Priority, *, dynamic: bool = False
    ) -> Payload:
        evse, _ = place_of(profile.connector)
        number = profile_id(self._charge_point, profile.purpose, evse)
        rendering = render(self._charge_point, profile)
        schedule: Payload = {
            "id": number,
            "chargingRateUnit": profile.limit.unit,
            "chargingSchedulePeriod": rendering.periods,
        }
        if not dynamic:
            schedule["startSchedule"] = format_time(rendering.start)
        kind = ChargingProfileKindEnumType
        written: Payload = {
            "id": number,
            "stackLevel": 0,
            "chargingProfilePurpose": _PURPOSES[profile.purpose],
            "chargingProfileKind": kind.dynamic if dynamic else kind.absolute,
            "chargingSchedule": [schedule],
        }
        if profile.purpose is Purpose.TRANSACTION:
            if reference := self._reference(profile.connector):
                written["transactionId"] = reference
            if self._is_above_fallback(profile):
                written["maxOfflineDuration"] = _OFFLINE
                written["invalidAfterOfflineDuration"] = False
        return await self._command(
            Action.set_charging_profile,
            {"evseId": evse, "chargingProfile": written},
            priority,
        )

    async def _update(self, profile: LimitProfile, priority: Priority) -> Payload:
        """UpdateDynamicSchedule (OCPP 2.1, K28)."""
        evse, _ = place_of(profile.connector)
        return await self._command(
            Action.update_dynamic_schedule,
            {
                "chargingProfileId": profile_id(
                    self._charge_point, profile.purpose, evse
                ),
                "scheduleUpdate": {"limit": profile.limit.value},
            },
            priority,
        )

    def _can_be_dynamic(self, profile: LimitProfile) -> bool:
        """Return whether a limit may be a dynamic profile, which has one period."""
        return (
            self.version == "2.1"
            and self._takes_dynamic
            and profile.until is None
            and profile.transaction_id is not None
            and self._charge_point.configuration.truth(Setting.LIMIT_DYNAMIC) is True
        )

    def _is_above_fallback(self, profile: LimitProfile) -> bool:
        """Return whether a charger that can is to fall back by itself once alone."""
        charge_point = self._charge_point
        return (
            self.version == "2.1"
            and charge_point.configuration.truth(Setting.LIMIT_OFFLINE) is True
            and amperes(charge_point, profile.limit)
            > fallback(charge_point, profile.connector).value
        )

    def _reference(self, connector: int) -> str | None:
        """Return what the charger calls the transaction at a connector."""
        transaction = self._charge_point.transactions.at(connector)
        return str(transaction.reference) if transaction else None

    def _translated(self, profile: Payload) -> Payload:
        """Return a profile as it is spelled here; one of OCPP 1.6 is known by its id."""
        if "chargingProfileId" not in profile:
            return profile
        spelled = dict(profile)
        spelled["id"] = spelled.pop("chargingProfileId")
        if purpose := purpose_of(text(profile, "chargingProfilePurpose")):
            spelled["chargingProfilePurpose"] = _PURPOSES[purpose]
        if isinstance(schedule := profile.get("chargingSchedule"), dict):
            spelled["chargingSchedule"] = [{"id": spelled["id"], **schedule}]
        if (ours := number(profile, "transactionId")) is not None:
            spelled["transactionId"] = next(
                (
                    str(transaction.reference)
                    for connector in self._charge_point.connectors
                    if (transaction := self._charge_point.transactions.at(connector))
                    and transaction.id == ours
                ),
                str(ours),
            )
        return spelled

    @override
    def _carried_out(self, action: str, payload: Payload, status: str) -> None:
        super()._carried_out(action, payload, status)
        schedules = self._charge_point.schedules
        if action == Action.set_charging_profile:
            schedules.profile_changed(
                connector_number(number(payload, "evseId"), None) or STATION
            )
        elif action in (
            Action.clear_charging_profile,
            Action.update_dynamic_schedule,
            Action.use_priority_charging,
        ):
            schedules.profile_changed(STATION)


def _criteria(criteria: Payload) -> Payload:
    """Return criteria as OCPP 1.6 has them, which may be for 2.x as well."""
    spelled = dict(criteria)
    payload: Payload = {}
    if "id" in spelled:
        payload["chargingProfileId"] = spelled.pop("id")
    if "connectorId" in spelled:
        spelled["evseId"], _ = place_of(spelled.pop("connectorId"))
    if purpose := purpose_of(text(spelled, "chargingProfilePurpose")):
        spelled["chargingProfilePurpose"] = _PURPOSES[purpose]
    if spelled or not payload:
        payload["chargingProfileCriteria"] = spelled
    return payload


def _profiles(parts: list[Payload]) -> Iterator[Payload]:
    for part in parts:
        for profile in members(part, "chargingProfile"):
            yield {
                "evseId": number(part, "evseId") or STATION,
                "chargingLimitSource": text(part, "chargingLimitSource"),
                "chargingProfile": profile,
            }
