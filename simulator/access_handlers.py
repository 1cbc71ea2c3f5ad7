"""What the charger does about its list of tokens, and about reservations."""

from typing import TYPE_CHECKING, Any

from ocpp.charge_point import snake_to_camel_case
from ocpp.v16 import call_result
from ocpp.v16.enums import Action

from .clock import parse_time
from .connection import Connection, serves

if TYPE_CHECKING:
    from .charger import Charger


class AccessHandlers(Connection):
    """Serves the requests about the local authorization list and reservations."""

    _charger: Charger

    @serves(Action.get_local_list_version)
    def on_get_local_list_version(self) -> call_result.GetLocalListVersion:
        """Tell the version of the list."""
        return call_result.GetLocalListVersion(self._charger.local_list.version)

    @serves(Action.send_local_list)
    def on_send_local_list(
        self,
        list_version: int,
        update_type: str,
        local_authorization_list: list[dict[str, Any]] | None = None,
    ) -> call_result.SendLocalList:
        """Replace or change the list."""
        entries = [snake_to_camel_case(each) for each in local_authorization_list or []]
        return call_result.SendLocalList(
            self._charger.local_list.update(list_version, update_type, entries)
        )

    @serves(Action.reserve_now)
    def on_reserve_now(
        self,
        connector_id: int,
        expiry_date: str,
        id_tag: str,
        reservation_id: int,
        parent_id_tag: str | None = None,
    ) -> call_result.ReserveNow:
        """Keep a connector free."""
        status = self._charger.reservations.reserve(
            reservation_id, connector_id, id_tag, parent_id_tag, parse_time(expiry_date)
        )
        self.then(self._charger.station.update)
        return call_result.ReserveNow(status)

    @serves(Action.cancel_reservation)
    def on_cancel_reservation(
        self, reservation_id: int
    ) -> call_result.CancelReservation:
        """Keep a connector free no longer."""
        charger = self._charger
        if reservation_id not in charger.reservations.ids:
            return call_result.CancelReservation("Rejected")
        self.then(lambda: charger.reservations.cancel(reservation_id))
        return call_result.CancelReservation("Accepted")
