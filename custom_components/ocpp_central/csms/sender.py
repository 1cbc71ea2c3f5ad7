"""How a command reaches the charger, whatever it is about."""

from collections.abc import Mapping
from typing import ClassVar

from .charge_point import ChargePoint
from .connection import Connection, Payload, Priority
from .errors import CommandFailed, CommandRejected, InvalidCommand

_RESET = "Reset"


class Sender:
    """Sends commands over one connection."""

    # What each action answers when it does, or will do, as told, whatever the case of
    # the letters; where it is not just "accepted".
    accepted: ClassVar[Mapping[str, set[str]]] = {}

    def __init__(self, charge_point: ChargePoint, connection: Connection) -> None:
        """Speak to a charge point over a connection."""
        self._charge_point = charge_point
        self._connection = connection

    async def call(
        self, action: str, payload: Payload, *, report: bool = False
    ) -> Payload:
        """Send any call as given; only the standard's schema can forbid it."""
        return await self._command(action, payload)

    async def _command(
        self,
        action: str,
        payload: Payload,
        priority: Priority = Priority.USER,
        patience: float | None = None,
    ) -> Payload:
        bring_up = self._charge_point.bring_up
        if action == _RESET:
            bring_up.resetting()
        try:
            response = await self._answer(action, payload, priority, patience)
        except CommandRejected, CommandFailed, InvalidCommand:
            if action == _RESET:
                bring_up.stays()
            raise
        bring_up.bears(action)
        return response

    async def _answer(
        self, action: str, payload: Payload, priority: Priority, patience: float | None
    ) -> Payload:
        response = await self._connection.call(
            action, payload, priority=priority, patience=patience
        )
        accepted = self.accepted.get(action, {"accepted"})
        status = str(response.get("status", "Accepted")).casefold()
        if status not in accepted:
            raise CommandRejected(action, response)
        self._carried_out(action, payload, status)
        return response

    def _carried_out(self, action: str, payload: Payload, status: str) -> None:
        """Take note of what the charger is different by from now on."""
