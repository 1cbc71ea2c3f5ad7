"""What a charger is busy with, and who waits for it to change."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
import logging
from typing import Any

_LOGGER = logging.getLogger(__name__)


class Activity:
    """Counts what is under way, keeps its tasks, and wakes those who wait for a condition."""

    def __init__(self) -> None:
        """Start at rest."""
        #: How long a silent central system holds up `settle`, in real seconds, once per silence.
        self.patience = 5.0
        self._busy = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._out_of_patience = False

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Something is under way."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self.changed()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something on its own. It counts as under way from now on, not from its first step."""
        self._busy += 1
        self.watch(work).add_done_callback(self._finished)

    def watch(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something that mostly waits, and does not count as under way."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _finished(self, _task: asyncio.Task[None]) -> None:
        self._busy -= 1
        self.changed()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOGGER.error("A task of the charger failed", exc_info=error)

    def hope(self) -> None:
        """Something was heard, or a wait was given up: what is under way now is worth waiting for."""
        self._out_of_patience = False

    def changed(self) -> None:
        """Something changed: wake those whose condition is met."""
        for waiter in tuple(self._waiters):
            condition, future = waiter
            if future.done():
                continue
            try:
                met = condition()
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                future.set_exception(error)
            else:
                if met:
                    future.set_result(None)

    async def wait_for(
        self, condition: Callable[[], bool], timeout: float | None
    ) -> None:
        """Wait until the condition is met; it is looked at whenever something changed."""
        if condition():
            return
        waiter = (condition, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout):
                await waiter[1]
        finally:
            self._waiters.remove(waiter)

    @property
    def at_rest(self) -> bool:
        """Whether nothing is under way that is worth waiting for."""
        return not self._busy or self._out_of_patience

    async def settle(self) -> None:
        """Wait until nothing is under way, except for a central system that keeps silent."""
        while not self.at_rest:
            try:
                await self.wait_for(lambda: not self._busy, self.patience)
            except TimeoutError:
                self._out_of_patience = True

    async def cancel(self) -> None:
        """End everything."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
