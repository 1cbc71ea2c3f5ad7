"""Requests about the local list and reservations (OCPP 2.x, D, H)."""

from .charging_handlers import refusal
from .connection import Connection2, serves
from .schemas import Payload


class AccessHandlers(Connection2):
    """Serves the requests about the local authorization list and reservations."""

    @serves("GetLocalListVersion")
    def on_get_local_list_version(self, payload: Payload) -> Payload:
        """Tell the version of the list; 0 if there is none (D02)."""
        known = self._charger.local_list
        return {"versionNumber": known.version if known.enabled else 0}

    @serves("SendLocalList")
    def on_send_local_list(self, payload: Payload) -> Payload:
        """Replace or change the list (D01)."""
        known = self._charger.local_list
        if not known.enabled:
            return refusal("Failed", "NotEnabled")
        status, reason = known.update(
            payload["versionNumber"],
            payload["updateType"],
            payload.get("localAuthorizationList", []),
            self._size,
        )
        return refusal(status, reason) if reason else {"status": status}

    @serves("ReserveNow")
    def on_reserve_now(self, payload: Payload) -> Payload:
        """Keep something free (H01)."""
        status, reason = self._charger.reservations.reserve(payload)
        self.then(self._charger.station.update)
        return refusal(status, reason) if reason else {"status": status}

    @serves("CancelReservation")
    def on_cancel_reservation(self, payload: Payload) -> Payload:
        """Keep it free no longer (H02)."""
        reservations = self._charger.reservations
        reservation_id = payload["reservationId"]
        if reservation_id not in reservations.ids:
            return refusal("Rejected", "NotFound")
        self.then(lambda: reservations.cancel(reservation_id))
        return {"status": "Accepted"}
