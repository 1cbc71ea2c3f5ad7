"""What the charger does when the central system asks for something.

An answer must leave before its consequences, and a handler must not wait for the central system,
which waits for the handler. So handlers only decide; what follows is handed to `then`.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ocpp.charge_point import snake_to_camel_case
from ocpp.exceptions import (
    OccurenceConstraintViolationError,
    PropertyConstraintViolationError,
)
from ocpp.v16 import call_result
from ocpp.v16.enums import Action

from .access_handlers import AccessHandlers
from .clock import format_time
from .connection import serves
from .connector import Connector
from .file_handlers import FileHandlers
from .profile_store import ProfileRefused
from .profiles import Profile, Unit, composite
from .security import PASSWORD_KEY, PROFILE_KEY, SecurityHandlers
from .transport import Transport

if TYPE_CHECKING:
    from .charger import Charger


# What the security extensions call by another name when it is asked for.
_SIGNED = {"FirmwareStatusNotification": "SignedFirmwareStatusNotification"}


def _accepted(yes: bool) -> str:
    return "Accepted" if yes else "Rejected"


class Handlers(AccessHandlers, FileHandlers, SecurityHandlers):
    """A connection that serves every request of the feature profiles the charger has."""

    def __init__(self, charger: Charger, transport: Transport) -> None:
        """Serve one connection of a charger."""
        super().__init__(charger.identity, transport, charger)
        self._charger = charger

    # Transactions

    @serves(Action.remote_start_transaction)
    def on_remote_start_transaction(
        self,
        id_tag: str,
        connector_id: int | None = None,
        charging_profile: dict[str, Any] | None = None,
    ) -> call_result.RemoteStartTransaction:
        """Accept if a transaction could begin."""
        profile = (
            None if charging_profile is None else snake_to_camel_case(charging_profile)
        )
        begin = None
        if self._charger.accepted:
            try:
                begin = self._charger.sessions.remote_start(
                    id_tag, connector_id, profile
                )
            except ValueError as error:
                raise PropertyConstraintViolationError(str(error)) from error
        if begin is not None:
            self.then(begin)
        return call_result.RemoteStartTransaction(_accepted(begin is not None))

    @serves(Action.remote_stop_transaction)
    def on_remote_stop_transaction(
        self, transaction_id: int
    ) -> call_result.RemoteStopTransaction:
        """Accept if that transaction is running."""
        end = None
        if self._charger.accepted:
            end = self._charger.sessions.remote_stop(transaction_id)
        if end is not None:
            self.then(end)
        return call_result.RemoteStopTransaction(_accepted(end is not None))

    @serves(Action.unlock_connector)
    def on_unlock_connector(self, connector_id: int) -> call_result.UnlockConnector:
        """Let go of the plug, and end the transaction."""
        connector = self._charger.station.socket(connector_id)
        if connector is None:
            return call_result.UnlockConnector("NotSupported")
        self.then(lambda: self._charger.sessions.end(connector, "UnlockCommand"))
        return call_result.UnlockConnector("Unlocked")

    @serves(Action.change_availability)
    def on_change_availability(
        self,
        connector_id: int,
        type: str,
    ) -> call_result.ChangeAvailability:
        """Put connectors in or out of service, after their transactions."""
        station = self._charger.station
        if connector_id == 0:
            affected = station.connectors
        elif (connector := station.socket(connector_id)) is not None:
            affected = [connector]
        else:
            return call_result.ChangeAvailability("Rejected")
        operative = type == "Operative"
        for each in affected:
            each.operative = operative
        self.then(station.update)
        if not operative and any(each.transaction is not None for each in affected):
            return call_result.ChangeAvailability("Scheduled")
        return call_result.ChangeAvailability("Accepted")

    # The charger itself

    @serves(Action.reset)
    def on_reset(self, type: str) -> call_result.Reset:
        """Restart, politely or not."""
        charger = self._charger
        if type == "Soft":
            self.then(lambda: charger.activity.spawn(charger.restart("SoftReset")))
        else:
            self.then(lambda: charger.activity.spawn(charger.crash("HardReset")))
        return call_result.Reset("Accepted")

    @serves(Action.get_configuration)
    def on_get_configuration(
        self, key: list[str] | None = None
    ) -> call_result.GetConfiguration:
        """Show configuration keys."""
        configuration = self._charger.configuration
        most = configuration.integer("GetConfigurationMaxKeys")
        if key is not None and len(key) > most > 0:
            raise OccurenceConstraintViolationError(f"at most {most} keys at a time")
        known, unknown = configuration.report(key or [])
        return call_result.GetConfiguration(known or None, unknown or None)

    @serves(Action.change_configuration)
    def on_change_configuration(
        self, key: str, value: str
    ) -> call_result.ChangeConfiguration:
        """Change a configuration key."""
        status = self._charger.configuration.change(key, value)
        if key in (PASSWORD_KEY, PROFILE_KEY) and status == "Accepted":
            self.then(lambda: self._charger.security.changed(key))
            if key == PASSWORD_KEY and self._charger.security.password_needs_reboot:
                status = "RebootRequired"
        return call_result.ChangeConfiguration(status)

    @serves(Action.clear_cache)
    def on_clear_cache(self) -> call_result.ClearCache:
        """Forget the authorizations learnt so far."""
        self._charger.sessions.clear_cache()
        return call_result.ClearCache("Accepted")

    @serves(Action.data_transfer)
    def on_data_transfer(
        self, vendor_id: str, message_id: str | None = None, data: str | None = None
    ) -> call_result.DataTransfer:
        """Echo what is meant for this vendor, if there is something to echo."""
        if vendor_id != self._charger.vendor:
            return call_result.DataTransfer("UnknownVendorId")
        if message_id not in {None, "Echo"}:
            return call_result.DataTransfer("UnknownMessageId")
        if message_id and not data:
            return call_result.DataTransfer("Rejected")
        return call_result.DataTransfer("Accepted", data)

    @serves(Action.trigger_message)
    def on_trigger_message(
        self, requested_message: str, connector_id: int | None = None
    ) -> call_result.TriggerMessage:
        """Send what was asked for, even while registration is pending."""
        concerned = self._concerned(requested_message, connector_id)
        if concerned is None:
            return call_result.TriggerMessage("Rejected")
        self.then(lambda: self._trigger(requested_message, concerned))
        return call_result.TriggerMessage("Accepted")

    @serves(Action.extended_trigger_message)
    def on_extended_trigger_message(
        self, requested_message: str, connector_id: int | None = None
    ) -> call_result.ExtendedTriggerMessage:
        """Send what was asked for; about firmware, in the words of signed firmware."""
        concerned = self._concerned(requested_message, connector_id)
        if concerned is None:
            return call_result.ExtendedTriggerMessage("Rejected")
        message = _SIGNED.get(requested_message, requested_message)
        self.then(lambda: self._trigger(message, concerned))
        return call_result.ExtendedTriggerMessage("Accepted")

    def _concerned(
        self, message: str, connector_id: int | None
    ) -> list[Connector] | None:
        """Return the connectors that a message is wanted of; None if there is none."""
        station = self._charger.station
        if connector_id is None:
            return station.connectors
        if connector_id == 0 and message == "StatusNotification":
            return [station.main]
        connector = station.socket(connector_id)
        return None if connector is None else [connector]

    def _trigger(self, message: str, concerned: list[Connector]) -> None:
        charger = self._charger
        match message:
            case "BootNotification":
                charger.outbox.put(
                    message,
                    charger.boot_payload(),
                    triggered=True,
                    answered=charger.link.registration,
                )
            case "Heartbeat":
                charger.outbox.put(message, {}, triggered=True)
            case "StatusNotification":
                for connector in concerned:
                    charger.report(
                        connector, charger.station.status(connector), triggered=True
                    )
            case "MeterValues":
                for connector in concerned:
                    if connector.id > 0:
                        charger.sessions.trigger(connector)
            case "SignChargePointCertificate":
                csr = charger.security.request()
                charger.outbox.put("SignCertificate", {"csr": csr}, triggered=True)
            case _:
                charger.maintenance.trigger(message)

    # Smart charging

    @serves(Action.set_charging_profile)
    def on_set_charging_profile(
        self, connector_id: int, cs_charging_profiles: dict[str, Any]
    ) -> call_result.SetChargingProfile:
        """Install a charging profile."""
        station = self._charger.station
        if connector_id != 0 and station.socket(connector_id) is None:
            raise PropertyConstraintViolationError(
                f"there is no connector {connector_id}"
            )
        station.update()
        try:
            profile = Profile.from_wire(
                connector_id,
                snake_to_camel_case(cs_charging_profiles),
                self._charger.clock.now(),
            )
        except ValueError as error:
            raise PropertyConstraintViolationError(str(error)) from error
        try:
            station.profiles.install(profile, station.running)
        except ProfileRefused:
            return call_result.SetChargingProfile("Rejected")
        self.then(station.update)
        return call_result.SetChargingProfile("Accepted")

    @serves(Action.clear_charging_profile)
    def on_clear_charging_profile(
        self,
        id: int | None = None,
        connector_id: int | None = None,
        charging_profile_purpose: str | None = None,
        stack_level: int | None = None,
    ) -> call_result.ClearChargingProfile:
        """Remove the profiles that meet all criteria."""
        station = self._charger.station
        station.update()
        cleared = station.profiles.clear(
            profile_id=id,
            connector=connector_id,
            purpose=charging_profile_purpose,
            stack_level=stack_level,
        )
        self.then(station.update)
        return call_result.ClearChargingProfile("Accepted" if cleared else "Unknown")

    @serves(Action.get_composite_schedule)
    def on_get_composite_schedule(
        self, connector_id: int, duration: int, charging_rate_unit: str = "A"
    ) -> call_result.GetCompositeSchedule:
        """Tell what all profiles together allow."""
        station = self._charger.station
        known = connector_id == 0 or station.socket(connector_id) is not None
        if not known or duration <= 0:
            return call_result.GetCompositeSchedule("Rejected")
        now = self._charger.clock.now()
        # The periods begin at whole seconds after the start, so the start is a whole second, too.
        start = now - timedelta(microseconds=now.microsecond)
        periods = composite(
            station.told(connector_id),
            connector_id,
            start,
            duration,
            station.site,
            Unit(charging_rate_unit),
        )
        schedule = {
            "duration": duration,
            "startSchedule": format_time(start),
            "chargingRateUnit": charging_rate_unit,
            "chargingSchedulePeriod": [
                {"startPeriod": period.start, "limit": period.limit}
                for period in periods
            ],
        }
        return call_result.GetCompositeSchedule(
            "Accepted", connector_id, format_time(start), schedule
        )
