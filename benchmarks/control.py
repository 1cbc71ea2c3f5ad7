"""A server under test: one line of JSON asks, one line answers."""

import asyncio
from collections.abc import Awaitable, Callable
import gc
import json
import os
from pathlib import Path
import resource
import sys
import time
from typing import Any

type Answer = Callable[[], Awaitable[dict[str, Any]]]


def options() -> dict[str, Any]:
    """Return what this server was started with, and take its place on the machine."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    if given["cores"] and hasattr(os, "sched_setaffinity"):
        # Threads that come later follow.
        os.sched_setaffinity(0, given["cores"])
    return given


async def serve(ready: dict[str, Any], drain: Answer | None = None) -> None:
    """Tell that all is ready, then answer until the benchmark hangs up.

    `drain` returns once nothing is left over of the messages so far.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    _say(ready)
    while line := await reader.readline():
        question = line.decode().strip()
        if question == "memory":
            _say({"rss": memory()})
        elif question == "drain" and drain:
            _say(await drain())
        else:
            _say({"cpu": time.process_time()})


def memory() -> int:
    """Return the bytes of memory this process holds."""
    gc.collect()
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        # Not Linux: the most it ever held, on macOS in bytes.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * resource.getpagesize()


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
