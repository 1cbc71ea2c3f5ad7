"""Commands for a running charger, one per line."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import json
import os
import sys
from threading import Thread
from typing import Any

from .charger import Charger
from .scenarios import MakeCar
from .v2 import Charger2

type Reply = dict[str, Any]

_HELP = """\
plug [N]             plug a car in at connector N (default 1)
unplug [N]           pull the plug
swipe TOKEN [N]      hold a card to the reader, to start or to stop
stop [N]             stop the transaction without a card
fault [N] [CODE]     break connector N (0: the station), default GroundFailure
clear [N]            repair it
drop                 lose the connection; it comes back by itself
reconnect            connect now
reboot               restart politely
power_loss           lose power for a moment
status               what the charger is doing
help                 this list
quit                 leave"""


class _Mistake(Exception):
    """The command makes no sense."""


@dataclass
class Console:
    """Carries out commands and writes a reply to each."""

    charger: Charger | Charger2
    make_car: MakeCar
    as_json: bool
    write: Callable[[str], None]

    async def run(self, lines: asyncio.Queue[str | None]) -> bool:
        """Carry out commands until told to quit (True) or there are no more (False)."""
        while (line := await lines.get()) is not None:
            words = line.split()
            if not words:
                continue
            if words[0] == "quit":
                self._reply({"ok": True})
                return True
            try:
                reply = await self._carry_out(words[0], words[1:])
            except (_Mistake, ValueError) as error:
                self._reply({"ok": False, "error": str(error)})
            else:
                self._reply({"ok": True, **reply})
        return False

    async def _carry_out(self, command: str, arguments: list[str]) -> Reply:
        charger = self.charger
        simple: dict[str, Callable[[], Awaitable[None]]] = {
            "drop": charger.drop,
            "reboot": charger.reboot,
            "power_loss": charger.power_loss,
        }
        if command in simple:
            await simple[command]()
            return {}
        match command, arguments:
            case "plug", _:
                charger.connector(_number(arguments)).plug_in(self.make_car())
            case "unplug", _:
                charger.connector(_number(arguments)).unplug()
            case "swipe", [token, *rest]:
                return {"status": await charger.swipe(token, _number(rest))}
            case "stop", _:
                await charger.stop_transaction(_number(arguments))
            case "fault", _:
                await charger.fault(_number(arguments[:1]), *arguments[1:2])
            case "clear", _:
                await charger.clear_fault(_number(arguments))
            case "reconnect", _:
                charger.link.dial()
            case "status", _:
                return charger.state()
            case "help", _:
                return {"help": _HELP}
            case _:
                raise _Mistake(f"cannot do that: {command} (try help)")
        return {}

    def _reply(self, reply: Reply) -> None:
        if self.as_json:
            self.write(json.dumps(reply))
        elif not reply["ok"]:
            self.write(f"error: {reply['error']}")
        elif "help" in reply:
            self.write(reply["help"])
        elif "connectors" in reply:
            self.write(_table(reply))
        else:
            self.write(str(reply.get("status", "ok")))


def _number(arguments: list[str]) -> int:
    """The connector a command is about."""
    if not arguments:
        return 1
    if not arguments[0].isdecimal():
        raise _Mistake(f"not a connector number: {arguments[0]}")
    return int(arguments[0])


def _table(state: Reply) -> str:
    """Write the state of a charger for people."""
    online = (
        "online"
        if state["accepted"]
        else "not accepted"
        if state["connected"]
        else "offline"
    )
    lines = [f"{state['identity']}: {online}, {state['queued']} messages kept"]
    for connector in state["connectors"]:
        line = (
            f"  {connector['connector']}: {connector['status']}"
            f"  {connector['energyWh'] / 1000:.3f} kWh  {connector['powerW']} W"
            f"  {connector['currentA']} A of {connector['offeredA']} A"
        )
        if connector["soc"] is not None:
            line += f"  {connector['soc']} %"
        if connector["idTag"] is not None:
            line += f"  {connector['idTag']} #{connector['transactionId'] or '?'}"
        lines.append(line)
    return "\n".join(lines)


def read_lines() -> asyncio.Queue[str | None]:
    """Read standard input, whatever it is, in a thread that does not hold up the end."""
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    stdin = sys.stdin.fileno()

    def read() -> None:
        # Not through sys.stdin, whose lock this thread would hold when the program ends.
        rest = b""
        while data := os.read(stdin, 4096):
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                loop.call_soon_threadsafe(
                    lines.put_nowait, line.decode(errors="replace")
                )
        loop.call_soon_threadsafe(lines.put_nowait, None)

    Thread(target=read, name="stdin", daemon=True).start()
    return lines
