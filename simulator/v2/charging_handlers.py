"""Requests about smart charging (OCPP 2.0.1 and 2.1, K)."""

from datetime import timedelta

from simulator.clock import format_time
from simulator.profiles import Unit

from .composite import composite
from .connection import Connection2, Refused, serves
from .profile_store import ProfileRefused
from .profiles import Profile2, Purpose
from .schemas import Payload


def refusal(status: str, reason: str, text: str = "") -> Payload:
    """An answer with a reason."""
    info = {"reasonCode": reason}
    if text:
        info["additionalInfo"] = text
    return {"status": status, "statusInfo": info}


class ChargingHandlers(Connection2):
    """Serves the requests about charging profiles."""

    def _check_available(self) -> None:
        if not self._charger.variables.truth("SmartChargingCtrlr.Available"):
            raise Refused("NotSupported", "no smart charging here", violation=False)

    def _refused(self, action: str, error: ProfileRefused) -> Payload:
        if error.violation:
            self._charger.violated(f"{action}: {error}")
        return refusal("Rejected", error.reason, str(error))

    @serves("SetChargingProfile")
    def on_set_charging_profile(self, payload: Payload) -> Payload:
        """Take a profile (K01)."""
        self._check_available()
        if not self._charger.variables.truth("SmartChargingCtrlr.Enabled"):
            return refusal("Rejected", "NotEnabled")
        try:
            self._charger.charging.install(
                payload["evseId"], payload["chargingProfile"]
            )
        except ProfileRefused as error:
            return self._refused("SetChargingProfile", error)
        self.then(self._charger.station.update)
        return {"status": "Accepted"}

    @serves("ClearChargingProfile")
    def on_clear_charging_profile(self, payload: Payload) -> Payload:
        """Forget profiles (K10). What comes from outside is not the central system's to clear."""
        self._check_available()
        wanted = payload.get("chargingProfileId")
        criteria = payload.get("chargingProfileCriteria", {})
        if wanted is None and not criteria:
            self._charger.violated("ClearChargingProfile: which? (K10.FR.02)")
        if criteria.get("chargingProfilePurpose") == Purpose.EXTERNAL:
            self._charger.violated("ClearChargingProfile: not from outside (K10.FR.06)")

        def meant(profile: Profile2) -> bool:
            if profile.source != "CSO":
                return False
            if wanted is not None:
                return bool(profile.id == wanted)
            return _meets(profile, criteria)

        if not self._charger.charging.profiles.remove(meant):
            return {"status": "Unknown"}
        self.then(self._charger.station.update)
        return {"status": "Accepted"}

    @serves("GetChargingProfiles")
    def on_get_charging_profiles(self, payload: Payload) -> Payload:
        """Report the profiles that are asked for, afterwards (K09)."""
        self._check_available()
        criterion = payload["chargingProfile"]
        if "chargingProfileId" in criterion and len(criterion) > 1:
            self._charger.violated("GetChargingProfiles: ids, or something else")
        charging = self._charger.charging
        sources = criterion.get("chargingLimitSource")
        found = [
            profile
            for profile in charging.profiles
            if _meets(profile, {**payload, **criterion})
            and profile.id in criterion.get("chargingProfileId", [profile.id])
            and (sources is None or profile.source in sources)
        ]
        if not found:
            return {"status": "NoProfiles"}
        reports = charging.reports(payload["requestId"], found)

        def report() -> None:
            for action, each in reports:
                self._charger.outbox.put(action, each)

        self.then(report)
        return {"status": "Accepted"}

    @serves("GetCompositeSchedule")
    def on_get_composite_schedule(self, payload: Payload) -> Payload:
        """Tell what all profiles together allow (K08)."""
        self._check_available()
        charger = self._charger
        charging = charger.charging
        evse = payload["evseId"]
        units = charging.profiles.units
        unit = payload.get("chargingRateUnit", units[0])
        if not 0 <= evse <= len(charger.station.evses):
            return refusal("Rejected", "UnknownEvse")
        if unit not in units:
            return refusal("Rejected", "UnsupportedRateUnit")
        if payload["duration"] <= 0:
            return refusal("Rejected", "ValuePositiveOnly")
        now = charger.clock.now()
        # The periods begin at whole seconds after the start, so the start is a whole second, too.
        start = now - timedelta(microseconds=now.microsecond)
        periods = composite(
            charging.told(evse),
            evse,
            start,
            payload["duration"],
            charging.site,
            Unit(unit),
        )
        return {
            "status": "Accepted",
            "schedule": {
                "evseId": evse,
                "duration": payload["duration"],
                "scheduleStart": format_time(start),
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": [
                    {"startPeriod": period.start, "limit": period.limit}
                    if period.phases is None
                    else {
                        "startPeriod": period.start,
                        "limit": period.limit,
                        "numberPhases": period.phases,
                    }
                    for period in periods
                ],
            },
        }

    @serves("UpdateDynamicSchedule")
    def on_update_dynamic_schedule(self, payload: Payload) -> Payload:
        """Take other limits for a Dynamic profile (2.1, K28)."""
        try:
            self._charger.charging.update(
                payload["chargingProfileId"], payload["scheduleUpdate"]
            )
        except ProfileRefused as error:
            return self._refused("UpdateDynamicSchedule", error)
        self.then(self._charger.station.update)
        return {"status": "Accepted"}

    @serves("UsePriorityCharging")
    def on_use_priority_charging(self, payload: Payload) -> Payload:
        """Let the PriorityCharging profile count, or no longer (2.1, K21)."""
        status = self._charger.charging.prioritize(
            payload["transactionId"], on=payload["activate"]
        )
        if status == "Rejected":
            return refusal(status, "TxNotFound")
        self.then(self._charger.station.update)
        return {"status": status}

    @serves("NotifyAllowedEnergyTransfer")
    def on_notify_allowed_energy_transfer(self, payload: Payload) -> Payload:
        """Hear how the car may be charged (2.1, Q01)."""
        running = self._charger.charging.running.values()
        known = any(each.id == payload["transactionId"] for each in running)
        return {"status": "Accepted"} if known else refusal("Rejected", "TxNotFound")


def _meets(profile: Profile2, criteria: Payload) -> bool:
    """Whether a profile is on an EVSE, of a purpose and on a stack level, as far as they are given."""
    own = {
        "evseId": profile.evse,
        "chargingProfilePurpose": profile.purpose,
        "stackLevel": profile.stack_level,
    }
    return all(criteria.get(key, value) == value for key, value in own.items())
