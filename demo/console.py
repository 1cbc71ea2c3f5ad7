"""Lets somebody play with the cars while Home Assistant runs."""

import asyncio
import sys
from threading import Thread
from typing import Any

from . import DemoError
from .cards import ANNA, API_KEY, BEN, LOST, STRANGER
from .chargers import Charger
from .past import CARD
from .stage import PASSWORD, USERNAME, Stage

_HELP = f"""\
garage unplug            the car leaves; "garage plug" brings it back
garage swipe {CARD}    hold a card to the reader, to start or to stop
carpark swipe {BEN.token}    Ben's card, which the car park takes
carpark swipe {LOST.token}    a blocked one; the event "Card scanned" tells
carpark swipe {STRANGER}    one that nobody knows; add it at the integration
carport swipe {ANNA.token}    Anna's card, which ends her session there
carpark plug 2           a car comes to the second connector
carpark fault 1          break a connector; "carpark clear 1" repairs it
garage drop              lose the connection; it comes back by itself
garage power_loss        lose power for a moment
garage status            what the charger is really doing
help                     this list
quit                     the end (or Ctrl-C)"""


def welcome(stage: Stage, path: str) -> str:
    """Say where to look and what to try."""
    return f"""
Home Assistant:  {stage.home_assistant.url}
Login:           {USERNAME} / {PASSWORD}
Dashboard:       {stage.home_assistant.url}{path}
Chargers dial:   ws://127.0.0.1:{stage.ocpp_port}/<identity>
Scripts ask:     curl -H "X-API-Key: {API_KEY}" {stage.rest_api}/Status

A car charges in the garage (which speaks OCPP 1.6), another in the carport (2.1), and
a third waits at the first connector of the car park (2.0.1). The guest charger takes a
ceiling and forgets it, as is known of its model: its "Maximum current" holds all the same.
The one in the courtyard refuses all limits: it has a repair, with what it says.
Move the current limit, pause, or stop in Home Assistant, and see what the charger
does. Behind the tab "Sessions" there are three months of them, and what they cost;
the graphs of it come a minute after the start (load the page anew then).
Anybody may charge in the garage ("Access" on its page); the car park takes only the
cards that were added at the integration.
Or type here what happens at the chargers:

{_HELP}
"""


async def converse(stage: Stage) -> None:
    """Carry out commands until told to quit; without any more, wait for ever."""
    lines = _read_lines()
    chargers = {
        charger.kind.identity.casefold(): charger for charger in stage.everybody
    }
    while (line := await lines.get()) is not None:
        words = line.split()
        if not words:
            continue
        if words == ["quit"]:
            return
        if words[0] not in chargers or len(words) == 1:
            print(_HELP)
            continue
        try:
            print(await _carry_out(chargers[words[0]], " ".join(words[1:])))
        except (DemoError, TimeoutError) as error:
            print(f"error: {error}")
    await asyncio.Event().wait()


async def _carry_out(charger: Charger, command: str) -> str:
    reply = await charger.do(command)
    if "connectors" in reply:
        return "\n".join(_line(connector) for connector in reply["connectors"])
    return str(reply.get("help") or reply.get("status") or "ok")


def _line(connector: dict[str, Any]) -> str:
    line = (
        f"{connector['connector']}: {connector['status']}"
        f"  {connector['energyWh'] / 1000:.2f} kWh"
        f"  {connector['powerW'] / 1000:.1f} kW"
        f"  {connector['currentA']:.1f} A of {connector['offeredA']:.1f} A"
    )
    return line if connector["soc"] is None else f"{line}  {connector['soc']:.0f} %"


def _read_lines() -> asyncio.Queue[str | None]:
    """Read standard input in a thread that does not hold up the end."""
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, None)

    Thread(target=read, name="stdin", daemon=True).start()
    return lines
