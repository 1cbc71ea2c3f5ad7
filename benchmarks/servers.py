"""Starts the servers under test, each a process on the server's core."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import json
import os
from pathlib import Path
import socket
import sys
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

from .configuration import ROOT

# Enough to write the tables of Home Assistant's recorder on a slow disk.
_START_LIMIT = 180
_STOP_LIMIT = 20


class Server:
    """One server under test."""

    def __init__(
        self, process: asyncio.subprocess.Process, port: int, ready: dict[str, Any]
    ) -> None:
        """Take over a server that is ready."""
        self.port = port
        self.ready = ready
        self._process = process

    async def cpu(self) -> float:
        """Return the seconds of CPU it used so far, of all its threads."""
        return float((await _ask(self._process, "cpu"))["cpu"])

    async def drained_cpu(self) -> float:
        """Return the same once everything so far is done with."""
        return float((await _ask(self._process, "drain"))["cpu"])

    async def memory(self) -> int:
        """Return the bytes of memory it holds."""
        return int((await _ask(self._process, "memory"))["rss"])


@asynccontextmanager
async def start(
    module: str, cores: list[int], port: int, **options: Any
) -> AsyncIterator[Server]:
    """Run a module of this package as a server until the block ends."""
    with TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"{__package__}.{module}",
            json.dumps({"cores": cores, "port": port, **options}),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        try:
            async with asyncio.timeout(_START_LIMIT):
                ready = await _answer(process)
            yield Server(process, port, ready)
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace"))
            raise
        finally:
            await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    assert process.stdin
    process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_LIMIT):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _ask(process: asyncio.subprocess.Process, question: str) -> dict[str, Any]:
    assert process.stdin
    process.stdin.write(f"{question}\n".encode())
    return await _answer(process)


async def _answer(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("The server under test ended; what it said is above.")
    answer: dict[str, Any] = json.loads(line)
    return answer


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def split_cores() -> tuple[list[int], list[int]]:
    """Return the cores for the load and for the servers; empty where all may run anywhere."""
    if not hasattr(os, "sched_getaffinity"):
        return [], []
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return [], []
    # The first one is where a machine's interrupts tend to be.
    return cores[:1], cores[1:2]


@asynccontextmanager
async def temporary_folder() -> AsyncIterator[Path]:
    """Give a folder that is gone after the block."""
    with TemporaryDirectory(prefix="ocpp-benchmark-") as folder:
        yield Path(folder)
