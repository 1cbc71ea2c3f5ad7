"""OCPP 2.0.1 and 2.1: the charger's messages, and what they change."""

from typing import override

from ocpp.v201.enums import Action, ConnectorStatusEnumType

from .connection import Handler, Payload
from .errors import CallError
from .evses import connector_number
from .model import STATION, BootInfo, ConnectorStatus
from .payloads import member, number, text
from .v2_answers import AnswerMessages2
from .v2_files import FileMessages2
from .v2_profiles import ProfileMessages2
from .v2_reports import ReportMessages2
from .v2_reservations import ReservationMessages2
from .v2_security import SecurityMessages2
from .v2_transactions import TransactionMessages2
from .v2_variables import VariableMessages2

_STATUSES = {
    ConnectorStatusEnumType.available: ConnectorStatus.AVAILABLE,
    ConnectorStatusEnumType.occupied: ConnectorStatus.OCCUPIED,
    ConnectorStatusEnumType.reserved: ConnectorStatus.RESERVED,
    ConnectorStatusEnumType.unavailable: ConnectorStatus.UNAVAILABLE,
    ConnectorStatusEnumType.faulted: ConnectorStatus.FAULTED,
}
_STATUS_WORDS = {status.value.casefold(): ours for status, ours in _STATUSES.items()}


class Messages2(
    ReportMessages2,
    TransactionMessages2,
    VariableMessages2,
    ProfileMessages2,
    ReservationMessages2,
    FileMessages2,
    SecurityMessages2,
    AnswerMessages2,
):
    """Answers what a charge point sends."""

    @property
    @override
    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers,
            Action.boot_notification: self._on_boot_notification,
            Action.status_notification: self._on_status_notification,
        }

    def _on_boot_notification(self, payload: Payload) -> Payload:
        """BootNotification (B01)."""
        station = member(payload, "chargingStation")
        return self._boot(
            BootInfo(
                vendor=text(station, "vendorName"),
                model=text(station, "model"),
                serial=text(station, "serialNumber") or None,
                firmware=text(station, "firmwareVersion") or None,
            )
        )

    def _on_status_notification(self, payload: Payload) -> Payload:
        """StatusNotification (G01)."""
        status = _STATUS_WORDS.get(text(payload, "connectorStatus").casefold())
        if status is None:
            raise CallError("PropertyConstraintViolation", "unknown status")
        connector = connector_number(
            number(payload, "evseId"), number(payload, "connectorId")
        )
        if connector is not None and not self._is_covered(connector, status):
            self._status(connector, status, payload.get("timestamp"), {})
        return {}

    def _is_covered(self, connector: int, status: ConnectorStatus) -> bool:
        """Return whether more is known of a connector than that it is occupied."""
        return (
            status is ConnectorStatus.OCCUPIED
            and connector != STATION
            and self._charge_point.transactions.at(connector) is not None
        )
