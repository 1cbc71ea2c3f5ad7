"""What a charger tells on request in messages of its own, part by part (OCPP 2.x)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
import time

from .connection import Payload
from .errors import ConnectionLost, InvalidCommand
from .payloads import number


@dataclass(slots=True)
class Report:
    """The answer to a request, and what has followed it."""

    answer: Payload
    parts: list[Payload] = field(default_factory=list)
    # Whether nothing is missing: False where a part did not come in time.
    complete: bool = False


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
    ) -> Report:
        """Ask for a report and wait for it, if the charger accepts to make one."""
        if (message, request_id) in self._parts:
            raise InvalidCommand(f"requestId: {request_id} is under way")
        queue = self._parts[message, request_id] = asyncio.Queue()
        try:
            report = Report(await ask())
            if str(report.answer.get("status")).casefold() == "accepted":
                await self._collect(queue, report)
            else:
                report.complete = True
        finally:
            del self._parts[message, request_id]
        return report

    async def _collect(
        self, queue: asyncio.Queue[Payload | None], report: Report
    ) -> None:
        while not report.complete:
            try:
                async with asyncio.timeout(self._limit):
                    part = await queue.get()
            except TimeoutError:
                return
            if part is None:
                raise ConnectionLost
            # Sent again, for its answer was lost.
            if part not in report.parts:
                report.parts.append(part)
            report.complete = _is_all(report.parts)

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


def _is_all(parts: list[Payload]) -> bool:
    """Return whether the last part has come, and all before it, in any order."""
    for part in parts:
        if str(part.get("tbc")).casefold() != "true":
            last = number(part, "seqNo")
            numbers = {number(other, "seqNo") for other in parts}
            return last is None or numbers.issuperset(range(last))
    return False
