"""OCPP 2.0.1 and 2.1: what all messages and commands have in common."""

from typing import ClassVar

from .charge_point import ChargePoint
from .connection import Connection, Payload, Priority
from .evses import connector_number, place_of
from .messages import Messages
from .payloads import member, number
from .sender import Sender


class MessagesBase2(Messages):
    """Answers what a charge point sends."""

    def __init__(self, charge_point: ChargePoint, version: str) -> None:
        """Serve a charge point that speaks "2.0.1" or "2.1" over one connection."""
        super().__init__(charge_point)
        self.version = version

    def _connector(self, payload: Payload) -> int | None:
        """Return the connector that the `evse` of a payload stands for."""
        evse = member(payload, "evse")
        return connector_number(number(evse, "id"), number(evse, "connectorId"))


class Base2(Sender):
    """Sends commands of OCPP 2.0.1 and 2.1 over one connection."""

    # Nothing to clear is as good as cleared.
    accepted: ClassVar = {
        "ChangeAvailability": {"accepted", "scheduled"},
        "ClearChargingProfile": {"accepted", "unknown"},
        "ClearDisplayMessage": {"accepted", "unknown"},
        "GetDisplayMessages": {"accepted", "unknown"},
        "GetLog": {"accepted", "acceptedcanceled"},
        "Reset": {"accepted", "scheduled"},
        "UnlockConnector": {"unlocked"},
        "UnpublishFirmware": {"unpublished", "nofirmware"},
        "UpdateFirmware": {"accepted", "acceptedcanceled"},
    }

    def __init__(
        self, charge_point: ChargePoint, connection: Connection, version: str
    ) -> None:
        """Speak "2.0.1" or "2.1" to a charge point over a connection."""
        super().__init__(charge_point, connection)
        self.version = version

    @property
    def protocol(self) -> str:
        """Return the subprotocol spoken."""
        return f"ocpp{self.version}"

    async def probe(self) -> Payload:
        """Ask for one variable that every charger has."""
        return await self._connection.call(
            "GetVariables",
            {
                "getVariableData": [
                    {
                        "component": {"name": "OCPPCommCtrlr"},
                        "variable": {"name": "HeartbeatInterval"},
                    }
                ]
            },
            priority=Priority.SAFETY,
        )


def evse_of(connector: int) -> Payload:
    """Return the `evse` that a connector is, as narrow as it can be told."""
    evse, on_evse = place_of(connector)
    return {"id": evse, "connectorId": on_evse}
