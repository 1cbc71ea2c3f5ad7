"""What a charger tells on request in messages of its own, part by part (OCPP 2.x)."""

import asyncio
from collections.abc import Awaitable, Callable
import time

from .connection import Payload
from .errors import CommandTimeout, ConnectionLost, InvalidCommand
from .payloads import number


class Reports:
    """Brings the parts of a report to who has asked for it."""

    def __init__(self, limit: float) -> None:
        """Wait so many seconds for each part."""
        self._limit = limit
        self._last = 0
        # The parts by message and request; None: no more will come.
        self._parts: dict[tuple[str, int], asyncio.Queue[Payload | None]] = {}

    def new_id(self) -> int:
        """Return a number for a request that no earlier one has, whoever made it."""
        self._last = max(self._last + 1, int(time.time()))
        return self._last

    async def gather(
        self, message: str, request_id: int, ask: Callable[[], Awaitable[Payload]]
    ) -> tuple[Payload, list[Payload]]:
        """Ask for a report; returns the answer, and all parts where it is accepted."""
        if (message, request_id) in self._parts:
            raise InvalidCommand(f"requestId: {request_id} is under way")
        queue = self._parts[message, request_id] = asyncio.Queue()
        parts: list[Payload] = []
        try:
            answer = await ask()
            accepted = str(answer.get("status")).casefold() == "accepted"
            while accepted and (not parts or _goes_on(parts[-1])):
                async with asyncio.timeout(self._limit):
                    part = await queue.get()
                if part is None:
                    raise ConnectionLost
                parts.append(part)
        except TimeoutError:
            raise CommandTimeout(message) from None
        finally:
            del self._parts[message, request_id]
        return answer, parts

    def take(self, message: str, payload: Payload) -> bool:
        """Take a part; False where nobody has asked for it."""
        request_id = number(payload, "requestId")
        if request_id is None or (message, request_id) not in self._parts:
            return False
        self._parts[message, request_id].put_nowait(payload)
        return True

    def lost(self) -> None:
        """Let nobody wait for a charger that has gone."""
        for queue in self._parts.values():
            queue.put_nowait(None)


def _goes_on(part: Payload) -> bool:
    return str(part.get("tbc")).casefold() == "true"
