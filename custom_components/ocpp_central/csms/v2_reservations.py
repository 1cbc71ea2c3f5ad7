"""OCPP 2.0.1 and 2.1: reservations."""

from datetime import datetime
from typing import override

from .clock import format_time
from .connection import Handler, Payload
from .evses import place_of
from .model import STATION
from .payloads import number, text
from .reservations import ReservationState
from .v2_base import Base2, MessagesBase2
from .v2_tokens import group_of, token_of

_STATES = {
    "expired": ReservationState.EXPIRED,
    "removed": ReservationState.REMOVED,
    # The card was there, but no transaction came of it (OCPP 2.1).
    "notransaction": ReservationState.UNUSED,
}


class ReservationMessages2(MessagesBase2):
    """The messages about reservations."""

    @property
    @override
    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers,
            "ReservationStatusUpdate": self._on_reservation_status,
        }

    def _on_reservation_status(self, payload: Payload) -> Payload:
        """ReservationStatusUpdate (H04)."""
        reservation_id = number(payload, "reservationId")
        state = _STATES.get(text(payload, "reservationUpdateStatus").casefold())
        if reservation_id is not None and state:
            self._charge_point.reservations.over(reservation_id, state)
        return {}


class Reservations2(Base2):
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
        """ReserveNow (H01); connector 0 leaves it to the charger which one."""
        payload: Payload = {
            "id": reservation_id,
            "expiryDateTime": format_time(expiry),
            "idToken": token_of(id_token),
        }
        if connector != STATION:
            payload["evseId"] = place_of(connector)[0]
        if connector_type is not None:
            payload["connectorType"] = connector_type
        if parent_id_token is not None:
            payload["groupIdToken"] = group_of(parent_id_token)
        return await self._command("ReserveNow", payload)

    async def cancel_reservation(self, reservation_id: int) -> Payload:
        """CancelReservation (H02)."""
        return await self._command(
            "CancelReservation", {"reservationId": reservation_id}
        )
