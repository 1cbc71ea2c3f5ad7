"""OCPP 2.0.1 and 2.1: what a connector is doing."""

from typing import override

from ocpp.v201.enums import Action, ConnectorStatusEnumType

from .connection import Handler, Payload
from .errors import CallError
from .evses import connector_number
from .model import STATION, ConnectorStatus
from .payloads import number, text
from .v2_base import MessagesBase2

_STATUSES = {
    ConnectorStatusEnumType.available: ConnectorStatus.AVAILABLE,
    ConnectorStatusEnumType.occupied: ConnectorStatus.OCCUPIED,
    ConnectorStatusEnumType.reserved: ConnectorStatus.RESERVED,
    ConnectorStatusEnumType.unavailable: ConnectorStatus.UNAVAILABLE,
    ConnectorStatusEnumType.faulted: ConnectorStatus.FAULTED,
}
_STATUS_WORDS = {status.value.casefold(): ours for status, ours in _STATUSES.items()}


class StatusMessages2(MessagesBase2):
    """The messages about what a connector is doing."""

    @property
    @override
    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers,
            Action.status_notification: self._on_status_notification,
        }

    def _on_status_notification(self, payload: Payload) -> Payload:
        """StatusNotification (G01)."""
        connector = connector_number(
            number(payload, "evseId"), number(payload, "connectorId")
        )
        word = text(payload, "connectorStatus")
        if not self._connector_status(connector, word, payload.get("timestamp")):
            raise CallError("PropertyConstraintViolation", "unknown status")
        return {}

    def _connector_status(
        self, connector: int | None, word: str, timestamp: object
    ) -> bool:
        """Take a status, for a connector that there can be; False for no status."""
        status = _STATUS_WORDS.get(word.casefold())
        if status is None:
            return False
        if connector is not None:
            if connector != STATION:
                events = self._charge_point.transaction_events
                status = events.states.report(connector, status)
            self._status(connector, status, timestamp, {})
        return True
