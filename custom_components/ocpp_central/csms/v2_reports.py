"""OCPP 2.0.1 and 2.1: requests that are answered in messages of their own."""

from collections.abc import Awaitable
from functools import partial
from typing import override

from .connection import Handler, Payload
from .errors import InvalidCommand
from .payloads import number
from .v2_base import Base2, MessagesBase2

# What each of them is answered by, in as many parts as it takes.
_REPORTS = {
    "CustomerInformation": "NotifyCustomerInformation",
    "GetBaseReport": "NotifyReport",
    "GetChargingProfiles": "ReportChargingProfiles",
    "GetDERControl": "ReportDERControl",
    "GetDisplayMessages": "NotifyDisplayMessages",
    "GetMonitoringReport": "NotifyMonitoringReport",
    "GetReport": "NotifyReport",
}


class ReportMessages2(MessagesBase2):
    """Hands each part of a report to who has asked for it, besides its own handler."""

    @property
    @override
    def handlers(self) -> dict[str, Handler]:
        handlers = {
            "NotifyCustomerInformation": _take_note,
            "NotifyDisplayMessages": _take_note,
            **super().handlers,
        }
        return handlers | {
            message: partial(self._on_report, message, handlers[message])
            for message in set(_REPORTS.values()) & set(handlers)
        }

    def _on_report(
        self, message: str, handler: Handler, payload: Payload
    ) -> Payload | Awaitable[Payload]:
        self._charge_point.reports.take(message, payload)
        return handler(payload)


class Reports2(Base2):
    """The calls that no command of its own makes."""

    @override
    async def call(
        self, action: str, payload: Payload, *, report: bool = False
    ) -> Payload:
        """Send any call of this version; `reports` has what has come on it in time."""
        if not self._connection.knows(action):
            raise InvalidCommand(f"{action}: no message of OCPP {self.version}")
        message = _REPORTS.get(action)
        request_id = number(payload, "requestId")
        if not report or message is None or request_id is None:
            return await self._command(action, payload)
        gathered = await self._charge_point.reports.gather(
            message, request_id, partial(self._command, action, payload)
        )
        return {**gathered.answer, "reports": gathered.parts}


def _take_note(payload: Payload) -> Payload:
    """Answer what is for who has asked for it, and for nobody else."""
    return {}
