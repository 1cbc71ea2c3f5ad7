"""OCPP 2.0.1 and 2.1: messages on its display, and what a session costs."""

from functools import partial

from .clock import format_time
from .connection import Payload, Priority
from .display import DisplayMessage
from .errors import CommandTimeout
from .evses import place_of
from .model import STATION
from .payloads import members
from .v2_base import Base2

_REPORT = "NotifyDisplayMessages"


class Display2(Base2):
    """The commands about messages on its display, and what a session costs."""

    async def set_display_message(self, message: DisplayMessage) -> Payload:
        """SetDisplayMessage (O01, O02, O06); one of the same id is replaced."""
        content: Payload = {"format": message.format, "content": message.text}
        if message.language:
            content["language"] = message.language
        info: Payload = {
            "id": message.id,
            "priority": message.priority,
            "message": content,
        }
        if message.state:
            info["state"] = message.state
        if message.start:
            info["startDateTime"] = format_time(message.start)
        if message.end:
            info["endDateTime"] = format_time(message.end)
        if message.transaction:
            info["transactionId"] = message.transaction
        if message.connector != STATION:
            evse = {"id": place_of(message.connector)[0]}
            info["display"] = {"name": "Display", "evse": evse}
        return await self._command("SetDisplayMessage", {"message": info})

    async def clear_display_message(self, message_id: int) -> Payload:
        """ClearDisplayMessage (O05)."""
        return await self._command("ClearDisplayMessage", {"id": message_id})

    async def get_display_messages(
        self,
        ids: list[int] | None = None,
        priority: str | None = None,
        state: str | None = None,
    ) -> Payload:
        """GetDisplayMessages (O03, O04), and the messages there are."""
        reports = self._charge_point.reports
        request_id = reports.new_id()
        payload = {
            "requestId": request_id,
            "id": ids or None,
            "priority": priority,
            "state": state,
        }
        payload = {key: value for key, value in payload.items() if value is not None}
        report = await reports.gather(
            _REPORT, request_id, partial(self._command, "GetDisplayMessages", payload)
        )
        if not report.complete:
            raise CommandTimeout(_REPORT)
        messages = [
            message for part in report.parts for message in members(part, "messageInfo")
        ]
        return {**report.answer, "messages": messages}

    async def update_cost(self, transaction: str, cost: float) -> Payload:
        """CostUpdated (I02)."""
        return await self._command(
            "CostUpdated",
            {"totalCost": cost, "transactionId": transaction},
            Priority.POLL,
        )
