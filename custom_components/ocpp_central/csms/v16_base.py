"""OCPP 1.6: how a command reaches the charger, whatever it is about."""

from typing import Any

from ocpp.v16.enums import Action

from .charge_point import ChargePoint
from .connection import Connection, Payload, Priority
from .errors import CommandRejected
from .model import STATION

# What each action answers when it does, or will do, as told, whatever the case of the
# letters. Nothing to clear is as good as cleared.
_ACCEPTED = {
    Action.change_availability: {"accepted", "scheduled"},
    Action.change_configuration: {"accepted", "rebootrequired"},
    Action.clear_charging_profile: {"accepted", "unknown"},
    Action.get_log: {"accepted", "acceptedcanceled"},
    Action.signed_update_firmware: {"accepted", "acceptedcanceled"},
    Action.unlock_connector: {"unlocked"},
}


class Base16:
    """Sends commands over one connection."""

    def __init__(self, charge_point: ChargePoint, connection: Connection) -> None:
        """Speak to a charge point over a connection."""
        self._charge_point = charge_point
        self._connection = connection

    async def _command(
        self,
        action: str,
        payload: dict[str, Any],
        priority: Priority = Priority.USER,
    ) -> Payload:
        response = await self._connection.call(action, payload, priority=priority)
        accepted = _ACCEPTED.get(action, {"accepted"})
        status = str(response.get("status", "Accepted")).casefold()
        if status not in accepted:
            raise CommandRejected(action, response)
        self._carried_out(action, payload, status)
        return response

    def _carried_out(self, action: str, payload: Payload, status: str) -> None:
        """Take note of what the charger is different by from now on."""
        charge_point = self._charge_point
        if action == Action.change_configuration:
            charge_point.settings.written(
                payload["key"], payload["value"], reboot=status == "rebootrequired"
            )
        elif action == Action.set_charging_profile:
            charge_point.schedules.profile_changed(payload["connectorId"])
        elif action == Action.clear_charging_profile:
            charge_point.schedules.profile_changed(STATION)
