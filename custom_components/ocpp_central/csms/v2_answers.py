"""OCPP 2.1: what a charger tells or asks that has no place here."""

from typing import override

from ocpp.v21.enums import Action, GenericStatusEnumType

from .connection import Handler, Payload
from .payloads import number, text
from .v2_base import MessagesBase2

# Sent without waiting for an answer, and left out of the enum.
_NOTIFY_PERIODIC_EVENT_STREAM = "NotifyPeriodicEventStream"
_MAX_INTEGER = 2**31 - 1


class AnswerMessages2(MessagesBase2):
    """The messages about what a charger tells or asks that has no place here.

    What is only told is confirmed; what would oblige us is refused.
    """

    @property
    @override
    def handlers(self) -> dict[str, Handler]:
        if self.version != "2.1":
            return super().handlers
        return {
            **super().handlers,
            Action.battery_swap: self._on_told,
            Action.close_periodic_event_stream: self._on_told,
            Action.notify_der_alarm: self._on_told,
            Action.notify_der_start_stop: self._on_told,
            _NOTIFY_PERIODIC_EVENT_STREAM: self._on_told,
            Action.notify_settlement: self._on_told,
            Action.notify_web_payment_started: self._on_told,
            Action.open_periodic_event_stream: self._on_open_stream,
            Action.report_der_control: self._on_told,
            Action.vat_number_validation: self._on_vat_number,
        }

    def _on_told(self, payload: Payload) -> Payload:
        """Confirm what nothing follows from."""
        return {}

    def _on_open_stream(self, payload: Payload) -> Payload:
        """OpenPeriodicEventStream (N11): the charger goes on with its usual messages."""
        return {"status": GenericStatusEnumType.rejected}

    def _on_vat_number(self, payload: Payload) -> Payload:
        """VatNumberValidation (C27): nobody is asked about it."""
        answer: Payload = {
            "vatNumber": text(payload, "vatNumber")[:20],
            "status": GenericStatusEnumType.rejected,
        }
        evse = number(payload, "evseId")
        if evse is not None and 0 <= evse <= _MAX_INTEGER:
            answer["evseId"] = evse
        return answer
