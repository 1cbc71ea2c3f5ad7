"""OCPP 1.6: connectors that are kept free for somebody."""

from datetime import datetime

from ocpp.v16.enums import Action

from .clock import format_time
from .connection import Payload
from .errors import InvalidCommand
from .v16_base import Base16


class Reservations16(Base16):
    """The commands about reservations."""

    async def reserve_now(
        self,
        reservation_id: int,
        connector: int,
        id_token: str,
        expiry: datetime,
        parent_id_token: str | None = None,
        connector_type: str | None = None,
    ) -> Payload:
        """ReserveNow (5.13); connector 0 leaves it to the charger which one."""
        if connector_type is not None:
            raise InvalidCommand("connectorType: OCPP 1.6 has none")
        payload: Payload = {
            "connectorId": connector,
            "expiryDate": format_time(expiry),
            "idTag": id_token,
            "reservationId": reservation_id,
        }
        if parent_id_token is not None:
            payload["parentIdTag"] = parent_id_token
        return await self._command(Action.reserve_now, payload)

    async def cancel_reservation(self, reservation_id: int) -> Payload:
        """CancelReservation (5.1)."""
        return await self._command(
            Action.cancel_reservation, {"reservationId": reservation_id}
        )
