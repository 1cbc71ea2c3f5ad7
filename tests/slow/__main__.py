"""Kill Home Assistant again and again: `script/kill-test --help`."""

import argparse
import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
import shutil
import signal
import sys
from tempfile import mkdtemp
import time
from typing import TextIO

from aiohttp import ClientSession

from demo import DemoError
from demo.processes import kill_all

from . import Wrong
from .ordeal import Ordeal

_STARTED = time.monotonic()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/kill-test",
        description="Kills a real Home Assistant at random moments while chargers start"
        " and stop transactions, and checks that nothing confirmed is lost or wrong.",
    )
    parser.add_argument(
        "--rounds", type=int, default=100, help="how often to kill (default: 100)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="when to kill, and what chargers do"
    )
    return parser.parse_args()


def _say(text: str, to: TextIO = sys.stdout) -> None:
    to.write(f"[{time.monotonic() - _STARTED:5.1f} s] {text}\n")
    to.flush()


def _all_of(error: BaseException) -> Iterator[BaseException]:
    """What went wrong in a group of tasks, and in theirs."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _all_of(one)
    else:
        yield error


async def _run(arguments: argparse.Namespace, folder: Path) -> bool:
    errors: list[BaseException] = []
    async with ClientSession() as http:
        ordeal = Ordeal(folder, http, arguments.seed, _say)
        try:
            await ordeal.run(arguments.rounds)
        except* (Wrong, DemoError, TimeoutError) as group:
            errors += _all_of(group)
    for name, figure in asdict(ordeal.figures).items():
        _say(f"{name.replace('_', ' ')}: {figure}")
    if not errors:
        _say("Nothing confirmed was lost, nothing is wrong")
        return True
    _say(f"Home Assistant's log ends:\n{ordeal.log}", sys.stderr)
    for error in errors:
        _say(f"{type(error).__name__}: {error}", sys.stderr)
    return False


async def _main() -> int:
    """Run until the end, or until told to stop."""
    arguments = _arguments()
    folder = Path(mkdtemp(prefix="ocpp-central-kill-"))
    task = asyncio.create_task(_run(arguments, folder))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    well = False
    try:
        well = await task
    except asyncio.CancelledError:
        return 130
    finally:
        kill_all()
        if well or task.cancelled():
            shutil.rmtree(folder)
        else:
            _say(f"Seed {arguments.seed}; the files are in {folder}", sys.stderr)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
