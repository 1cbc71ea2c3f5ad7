"""OCPP 2.0.1 and 2.1: the charger itself."""

from typing import Any

from ocpp.v21.enums import MessageTriggerEnumType

from .connection import Payload
from .errors import ConnectionLost
from .evses import place_of
from .model import STATION
from .v2_base import Base2, evse_of

# What OCPP 1.6 calls them.
_RESETS = {"Soft": "OnIdle", "Hard": "Immediate"}
_TRIGGERS = {
    "DiagnosticsStatusNotification": "LogStatusNotification",
    "SignChargePointCertificate": "SignChargingStationCertificate",
}


class Control2(Base2):
    """The commands about the charger itself."""

    async def reset(self, kind: str, connector: int = STATION) -> Payload:
        """Reset (B11, B12); empty where an immediate one took the charger down at once."""
        payload: Payload = {"type": _RESETS.get(kind, kind)}
        if connector != STATION:
            payload["evseId"] = place_of(connector)[0]
        try:
            return await self._command("Reset", payload)
        except ConnectionLost:
            if payload["type"] == "OnIdle":
                raise
            return {}

    async def unlock_connector(self, connector: int) -> Payload:
        """UnlockConnector (F05)."""
        evse, on_evse = place_of(connector)
        return await self._command(
            "UnlockConnector", {"evseId": evse, "connectorId": on_evse}
        )

    async def change_availability(self, connector: int, operative: bool) -> Payload:
        """ChangeAvailability (G03, G04).

        A connector that is alone on its EVSE is put in or out of service with it.
        """
        payload: Payload = {
            "operationalStatus": "Operative" if operative else "Inoperative"
        }
        if connector != STATION:
            evse = evse_of(connector)
            payload["evse"] = evse if self._shares(connector) else {"id": evse["id"]}
        return await self._command("ChangeAvailability", payload)

    async def trigger_message(
        self, message: str, connector: int | None = None
    ) -> Payload:
        """TriggerMessage (F06); in OCPP 2.1 whatever else there is to the charger."""
        message = _TRIGGERS.get(message, message)
        payload: Payload = {"requestedMessage": message}
        if self.version != "2.0.1" and message not in set(MessageTriggerEnumType):
            payload = {"requestedMessage": "CustomTrigger", "customTrigger": message}
        if connector:
            evse = evse_of(connector)
            # A status is a connector's, all else an EVSE's (F06.FR.13).
            exact = message == "StatusNotification"
            payload["evse"] = evse if exact else {"id": evse["id"]}
        return await self._command("TriggerMessage", payload)

    async def extended_trigger_message(
        self, message: str, connector: int | None = None
    ) -> Payload:
        """TriggerMessage (F06), which knows them all."""
        return await self.trigger_message(message, connector)

    async def data_transfer(
        self, vendor_id: str, message_id: str | None, data: Any
    ) -> Payload:
        """DataTransfer (P01)."""
        payload = {"vendorId": vendor_id, "messageId": message_id, "data": data}
        return await self._command(
            "DataTransfer",
            {key: value for key, value in payload.items() if value is not None},
        )

    async def clear_cache(self) -> Payload:
        """ClearCache (C11)."""
        return await self._command("ClearCache", {})

    def _shares(self, connector: int) -> bool:
        """Return whether an EVSE has several connectors."""
        evse = place_of(connector)[0]
        return any(
            other != connector and place_of(other)[0] == evse
            for other in (*self._charge_point.connectors, evse)
        )
