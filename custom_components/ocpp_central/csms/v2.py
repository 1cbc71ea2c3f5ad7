"""OCPP 2.0.1 and 2.1: the charger's messages, and what they change."""

from typing import override

from ocpp.v201.enums import Action

from .connection import Handler, Payload
from .model import BootInfo
from .payloads import member, text
from .v2_answers import AnswerMessages2
from .v2_events import VariableMessages2
from .v2_files import FileMessages2
from .v2_profiles import ProfileMessages2
from .v2_reports import ReportMessages2
from .v2_reservations import ReservationMessages2
from .v2_security import SecurityMessages2
from .v2_transactions import TransactionMessages2


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
