"""Calls of ours that wait to be sent, or to be answered."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from .errors import CommandError


@dataclass(slots=True, order=True, unsafe_hash=True)
class PendingCall:
    """A call of ours; what is to go out first is the least."""

    priority: int
    number: int
    action: str = field(compare=False)
    unique_id: str = field(compare=False)
    frame: bytes = field(compare=False)
    future: asyncio.Future[dict[str, Any]] = field(compare=False)
    # How long the answer may take once it is sent, if not as long as any.
    patience: float | None = field(default=None, compare=False)

    def fail(self, error: CommandError) -> None:
        """Let who waits for the answer know that there will be none."""
        if not self.future.done():
            self.future.set_exception(error)


def make_way(way: asyncio.Future[None], _: object = None) -> None:
    """Let the next call go out."""
    if not way.done():
        way.set_result(None)
