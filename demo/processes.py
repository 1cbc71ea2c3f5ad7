"""Programs that must not outlive the demo."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
import os
from pathlib import Path
import signal
from typing import Self

#: How long a program may take to end when asked politely, in seconds.
_PATIENCE = 20.0

_running: set[Process] = set()


class Process:
    """A program in a session of its own.

    Ctrl-C in a terminal reaches everything in the foreground at once. In sessions of
    their own the programs end in the order we choose, and whatever they started can be
    found by their group.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take over a program that was just started."""
        self._process = process
        _running.add(self)

    @classmethod
    async def start(
        cls,
        command: Sequence[str | Path],
        *,
        folder: Path,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start a program; without a log its output and errors are read by us."""
        errors = (
            asyncio.subprocess.STDOUT
            if log is None
            else os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        )
        try:
            return cls(
                await asyncio.create_subprocess_exec(
                    *command,
                    cwd=folder,
                    env={**os.environ, **(environment or {})},
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=errors,
                    start_new_session=True,
                    # Dashboards in one line, screenshots in base64.
                    limit=2**26,
                )
            )
        finally:
            if log is not None:
                os.close(errors)

    @property
    def input(self) -> asyncio.StreamWriter:
        """Its standard input."""
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def output(self) -> asyncio.StreamReader:
        """Its standard output."""
        assert self._process.stdout is not None
        return self._process.stdout

    async def wait(self) -> int:
        """Wait for its end, and return how it ended."""
        code = await self._process.wait()
        self.kill()
        return code

    async def stop(self) -> None:
        """Ask it to end, and insist if it does not."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._process.wait()
        except TimeoutError:
            pass
        finally:
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        """End it and all it has started, at once."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        _running.discard(self)


def kill_all() -> None:
    """End everything at once, for somebody who cannot wait."""
    for process in tuple(_running):
        process.kill()
