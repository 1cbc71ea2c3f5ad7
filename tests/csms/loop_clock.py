"""The clock of an event loop, in a test's hand."""

import asyncio


class LoopClock:
    """The event loop's clock, which can be put forward."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the loop's clock in hand."""
        self._real = loop.time
        self._ahead = 0.0
        loop.time = self._time  # type: ignore[method-assign]

    def advance(self, seconds: float) -> None:
        """Put the clock forward; what is due is done in the loop's next round."""
        self._ahead += seconds

    def _time(self) -> float:
        return self._real() + self._ahead
