"""OCPP 1.6: what a charger can be told."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ocpp.v16.enums import (
    Action,
    AvailabilityType,
    ChargingProfileKindType,
    ChargingProfilePurposeType,
    ResetType,
)

from .clock import format_time
from .configuration import STANDARD_KEYS, ConfigurationKeys, Findings, read_keys
from .connection import Payload, Priority
from .errors import (
    CommandFailed,
    CommandRejected,
    ConnectionLost,
    InvalidCommand,
    NotSupported,
)
from .model import STATION, LimitProfile, Purpose
from .rendering import profile_id, render
from .v16_display import Display16
from .v16_files import Files16
from .v16_lists import Lists16
from .v16_reservations import Reservations16
from .v16_security import Security16
from .vocabulary import Setting

_PURPOSES = {
    Purpose.STATION: ChargingProfilePurposeType.charge_point_max_profile,
    Purpose.DEFAULT: ChargingProfilePurposeType.tx_default_profile,
    Purpose.TRANSACTION: ChargingProfilePurposeType.tx_profile,
}


class Commands16(Display16, Files16, Lists16, Reservations16, Security16):
    """Sends commands over one connection."""

    protocol = "ocpp1.6"
    reading = Action.get_configuration.value
    sampling = ("MeterValues",)
    portion = None
    first_settings = ()
    usual_settings = STANDARD_KEYS

    async def reset(self, kind: str, connector: int = STATION) -> Payload:
        """Reset (5.14); empty where a hard reset took the charger down at once."""
        if connector != STATION:
            raise InvalidCommand("Reset: OCPP 1.6 only has one of the whole charger")
        try:
            return await self._command(Action.reset, {"type": kind})
        except ConnectionLost:
            if kind == ResetType.hard:
                return {}
            raise

    async def unlock_connector(self, connector: int) -> Payload:
        """UnlockConnector (5.18)."""
        return await self._command(Action.unlock_connector, {"connectorId": connector})

    async def start_transaction(
        self, connector: int, id_token: str, profile: Payload | None = None
    ) -> Payload:
        """RemoteStartTransaction (5.11)."""
        payload: Payload = {"connectorId": connector, "idTag": id_token}
        if profile:
            payload["chargingProfile"] = profile
        access = self._charge_point.access
        access.request(id_token, connector)
        try:
            return await self._command(Action.remote_start_transaction, payload)
        except CommandRejected, CommandFailed, InvalidCommand:
            access.refused(connector)
            raise

    async def stop_transaction(self, transaction_id: int | str) -> Payload:
        """RemoteStopTransaction (5.12)."""
        # What is no number, the standard's schema refuses.
        with suppress(ValueError):
            transaction_id = int(transaction_id)
        return await self._command(
            Action.remote_stop_transaction, {"transactionId": transaction_id}
        )

    async def get_transaction_status(self, transaction_id: str) -> Payload:
        """Know nothing of it: 1.6 has no such message."""
        raise NotSupported("GetTransactionStatus", "NotSupported", "")

    async def set_charging_profile(self, connector: int, profile: Payload) -> Payload:
        """SetChargingProfile (5.16)."""
        return await self._command(
            Action.set_charging_profile,
            {"connectorId": connector, "csChargingProfiles": profile},
        )

    async def clear_charging_profile(self, criteria: Payload) -> Payload:
        """ClearChargingProfile (5.5); the criteria are ANDed."""
        return await self._command(Action.clear_charging_profile, criteria)

    async def set_limit_profile(
        self,
        profile: LimitProfile,
        priority: Priority = Priority.USER,
        patience: float | None = None,
    ) -> Payload:
        """Install one of our own profiles."""
        rendering = render(self._charge_point, profile)
        kind = ChargingProfileKindType
        schedule: Payload = {
            "chargingRateUnit": profile.unit,
            "chargingSchedulePeriod": rendering.periods,
        }
        if rendering.start:
            schedule["startSchedule"] = format_time(rendering.start)
        written: Payload = {
            "chargingProfileId": profile_id(self._charge_point, *profile.slot),
            "stackLevel": profile.stack,
            "chargingProfilePurpose": _PURPOSES[profile.purpose],
            "chargingProfileKind": kind.relative if profile.relative else kind.absolute,
            "chargingSchedule": schedule,
        }
        if rendering.valid_to:
            written["validTo"] = format_time(rendering.valid_to)
        if (
            profile.purpose is Purpose.TRANSACTION
            and profile.transaction_id is not None
        ):
            written["transactionId"] = profile.transaction_id
        return await self._command(
            Action.set_charging_profile,
            {"connectorId": profile.connector, "csChargingProfiles": written},
            priority,
            patience,
        )

    async def clear_limit_profile(
        self, purpose: Purpose, connector: int, stack: int = 0
    ) -> Payload:
        """Remove one of our own profiles, and only that."""
        return await self.clear_charging_profile(
            {"id": profile_id(self._charge_point, purpose, connector, stack)}
        )

    async def get_charging_profiles(
        self,
        criteria: Payload,
        connector: int | None = None,
        priority: Priority = Priority.USER,
    ) -> Payload:
        """Say that OCPP 1.6 cannot tell."""
        raise NotSupported("GetChargingProfiles", "NotSupported", "")

    async def use_priority_charging(self, connector: int, active: bool) -> Payload:
        """Say that OCPP 1.6 does not know of it."""
        raise NotSupported("UsePriorityCharging", "NotSupported", "")

    async def get_composite_schedule(
        self,
        connector: int,
        duration: int,
        unit: str | None = None,
        priority: Priority = Priority.USER,
    ) -> Payload:
        """GetCompositeSchedule (5.7)."""
        payload: Payload = {"connectorId": connector, "duration": duration}
        if unit:
            payload["chargingRateUnit"] = unit
        return await self._command(Action.get_composite_schedule, payload, priority)

    async def get_configuration(
        self, keys: list[str], priority: Priority = Priority.USER
    ) -> Payload:
        """GetConfiguration (5.8). Some chargers choke on an empty list of keys."""
        return await self._command(
            Action.get_configuration, {"key": keys} if keys else {}, priority
        )

    def setting_size(self, name: str) -> int:
        """Return how many bytes a key takes in a message."""
        return len(name)

    async def read_settings(
        self, names: Sequence[str], priority: Priority = Priority.USER
    ) -> Findings:
        """GetConfiguration (5.8) for some keys."""
        answer = await self.get_configuration(list(names), priority)
        known = read_keys(answer)
        unknown = answer.get("unknownKey")
        refused = {
            str(name).strip().casefold()
            for name in (unknown if isinstance(unknown, list) else ())
        }
        findings = Findings()
        for name in names:
            if key := known.get(name):
                findings.known.add(known.spelled(name), key)
            elif name.casefold() in refused:
                findings.unknown.append(name)
            else:
                findings.unanswered.append(name)
        return findings

    async def read_all_settings(
        self, priority: Priority = Priority.USER
    ) -> ConfigurationKeys:
        """GetConfiguration (5.8) for all keys."""
        return read_keys(await self.get_configuration([], priority))

    async def watch_settings(
        self, names: Sequence[str], priority: Priority = Priority.USER
    ) -> dict[str, int | None]:
        """Watch nothing: no charger tells changes of its keys."""
        return {}

    async def unwatch_settings(
        self, monitors: Sequence[int], priority: Priority = Priority.USER
    ) -> None:
        """End no watch: there is none."""

    async def set_configuration(
        self, key: str, value: str, priority: Priority = Priority.USER
    ) -> Payload:
        """ChangeConfiguration (5.3)."""
        return await self._command(
            Action.change_configuration, {"key": key, "value": value}, priority
        )

    def setting_name(self, setting: Setting) -> str:
        """Return the configuration key."""
        if setting.key is None:
            raise NotSupported(Action.change_configuration, setting.name, "")
        return setting.key

    async def change_availability(self, connector: int, operative: bool) -> Payload:
        """ChangeAvailability (5.2)."""
        kind = AvailabilityType.operative if operative else AvailabilityType.inoperative
        return await self._command(
            Action.change_availability, {"connectorId": connector, "type": kind}
        )

    async def trigger_message(
        self, message: str, connector: int | None = None
    ) -> Payload:
        """TriggerMessage (5.17)."""
        payload: Payload = {"requestedMessage": message}
        if connector is not None:
            payload["connectorId"] = connector
        return await self._command(Action.trigger_message, payload)

    async def extended_trigger_message(
        self, message: str, connector: int | None = None
    ) -> Payload:
        """ExtendedTriggerMessage (security extension, 5.3)."""
        payload: Payload = {"requestedMessage": message}
        if connector is not None:
            payload["connectorId"] = connector
        return await self._command(Action.extended_trigger_message, payload)

    async def data_transfer(
        self, vendor_id: str, message_id: str | None, data: Any
    ) -> Payload:
        """DataTransfer (5.6); what is neither an object nor a list goes as text."""
        if data is not None and not isinstance(data, (dict, list)):
            data = str(data)
        payload = {"vendorId": vendor_id, "messageId": message_id, "data": data}
        return await self._command(
            Action.data_transfer,
            {key: value for key, value in payload.items() if value is not None},
        )

    async def clear_cache(self) -> Payload:
        """ClearCache (5.4)."""
        return await self._command(Action.clear_cache, {})

    async def probe(self) -> Payload:
        """Ask for one key that every charger has."""
        return await self._connection.call(
            Action.get_configuration,
            {"key": [Setting.HEARTBEAT_INTERVAL.key]},
            priority=Priority.SAFETY,
        )
