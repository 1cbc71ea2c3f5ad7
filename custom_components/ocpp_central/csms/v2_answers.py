"""OCPP 2.0.1 and 2.1: what a charger tells or asks that has no place here."""

from typing import override

from ocpp.v21.enums import (
    Action,
    GenericStatusEnumType,
    NotifyEVChargingNeedsStatusEnumType,
)

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
        handlers: dict[str, Handler] = {
            **super().handlers,
            Action.notify_customer_information: self._on_told,
            Action.notify_ev_charging_needs: self._on_charging_needs,
            Action.notify_ev_charging_schedule: self._on_charging_schedule,
        }
        if self.version != "2.1":
            return handlers
        return {
            **handlers,
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

    def _on_charging_needs(self, payload: Payload) -> Payload:
        """NotifyEVChargingNeeds (K15): no schedule comes of it."""
        if self.version == "2.1":
            # The car goes on under the limits that are there (K15.FR.03).
            return {"status": NotifyEVChargingNeedsStatusEnumType.no_charging_profile}
        return {"status": NotifyEVChargingNeedsStatusEnumType.rejected}

    def _on_charging_schedule(self, payload: Payload) -> Payload:
        """NotifyEVChargingSchedule (K15): heard, which is no consent."""
        return {"status": GenericStatusEnumType.accepted}

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
