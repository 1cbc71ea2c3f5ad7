"""OCPP 1.6: what accepts a command, and what follows from it."""

from typing import ClassVar, override

from ocpp.v16.enums import Action

from .connection import Payload
from .model import STATION
from .sender import Sender


class Base16(Sender):
    """Sends commands of OCPP 1.6 over one connection."""

    # Nothing to clear is as good as cleared.
    accepted: ClassVar = {
        Action.change_availability: {"accepted", "scheduled"},
        Action.change_configuration: {"accepted", "rebootrequired"},
        Action.clear_charging_profile: {"accepted", "unknown"},
        Action.get_log: {"accepted", "acceptedcanceled"},
        Action.signed_update_firmware: {"accepted", "acceptedcanceled"},
        Action.unlock_connector: {"unlocked"},
    }

    @override
    def _carried_out(self, action: str, payload: Payload, status: str) -> None:
        charge_point = self._charge_point
        if action == Action.change_configuration:
            charge_point.settings.written(
                payload["key"], payload["value"], reboot=status == "rebootrequired"
            )
        elif action == Action.set_charging_profile:
            charge_point.schedules.profile_changed(payload["connectorId"])
        elif action == Action.clear_charging_profile:
            charge_point.schedules.profile_changed(STATION)
