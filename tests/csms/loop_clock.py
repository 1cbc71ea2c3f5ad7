"""The clock of an event loop, in a test's hand."""

import asyncio


class LoopClock:
    """The event loop's clock, which can be put forward."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, stands: bool = False
    ) -> None:
        """Take the loop's clock in hand; if it `stands`, it goes only if put forward."""
        self._real = loop.time
        self._stands_at = loop.time() if stands else None
        self._ahead = 0.0
        loop.time = self._time  # type: ignore[method-assign]

    def advance(self, seconds: float) -> None:
        """Put the clock forward; what is due is done in the loop's next round."""
        self._ahead += seconds

    def release(self) -> None:
        """Have the clock go on by itself from now on."""
        if self._stands_at is not None:
            self._ahead += self._stands_at - self._real()
            self._stands_at = None

    def _time(self) -> float:
        now = self._real() if self._stands_at is None else self._stands_at
        return now + self._ahead
