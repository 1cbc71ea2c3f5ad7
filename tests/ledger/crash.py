"""A ledger at work until somebody kills it: `python -m tests.ledger.crash DB`."""

import asyncio
from pathlib import Path
import sys

from custom_components.ocpp_central.ledger import Ledger

from .common import a_start, a_stop


async def charge(ledger: Ledger, identity: str) -> None:
    """Start and stop for ever, and tell what has been confirmed."""
    meter = 0.0
    while True:
        meter += 1.0
        started = await ledger.start(a_start(identity=identity, meter_start=meter))
        tell("start", started.id)
        await ledger.stop(a_stop(started.id, identity=identity))
        tell("stop", started.id)


def tell(what: str, number: int) -> None:
    """Say it at once: nothing is flushed when the process is killed."""
    sys.stdout.write(f"{what} {number}\n")
    sys.stdout.flush()


async def main() -> None:
    """Run twenty charge points."""
    ledger = Ledger(Path(sys.argv[1]))
    await ledger.open()
    await asyncio.gather(*(charge(ledger, f"CP{n}") for n in range(20)))


if __name__ == "__main__":
    asyncio.run(main())
