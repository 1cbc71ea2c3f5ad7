"""OCPP 1.6: what it has no message for."""

from .connection import Payload
from .display import DisplayMessage
from .errors import NotSupported
from .v16_base import Base16


class Display16(Base16):
    """The commands about a display, which came with OCPP 2.0.1."""

    async def set_display_message(self, message: DisplayMessage) -> Payload:
        """Refuse: there is no such message."""
        raise _unknown("SetDisplayMessage")

    async def clear_display_message(self, message_id: int) -> Payload:
        """Refuse: there is no such message."""
        raise _unknown("ClearDisplayMessage")

    async def get_display_messages(
        self,
        ids: list[int] | None = None,
        priority: str | None = None,
        state: str | None = None,
    ) -> Payload:
        """Refuse: there is no such message."""
        raise _unknown("GetDisplayMessages")

    async def update_cost(self, transaction: str, cost: float) -> Payload:
        """Refuse: there is no such message."""
        raise _unknown("CostUpdated")


def _unknown(action: str) -> NotSupported:
    return NotSupported(action, "NotSupported", "it came with OCPP 2.0.1")
