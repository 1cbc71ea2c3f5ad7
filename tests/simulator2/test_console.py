"""The command line and the scenarios, for a charging station of 2.x."""

import asyncio
import json
from pathlib import Path
import sys

import pytest

from simulator import Car, Charger2, ManualClock
from simulator.console import Console
from simulator.scenarios import play

from .central import Central2

_ROOT = Path(__file__).parents[2]


async def _dialogue(
    charger: Charger2, *commands: str, as_json: bool = False
) -> list[str]:
    replies: list[str] = []
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    for command in (*commands, None):
        lines.put_nowait(command)
    await Console(charger, Car, as_json, replies.append).run(lines)
    return replies


async def test_commands(
    charger: Charger2, central: Central2, clock: ManualClock
) -> None:
    """The same as those of 1.6."""
    assert await _dialogue(charger, "plug 2", "swipe CARD1 2") == ["ok", "Accepted"]
    (text,) = await _dialogue(charger, "status")
    assert "  2: Occupied  0.000 kWh" in text
    (text,) = await _dialogue(charger, "status", as_json=True)
    assert json.loads(text)["connectors"][1]["idTag"] == "CARD1"
    await _dialogue(charger, "fault 2", "clear 2", "stop 2", "unplug 2")
    assert central.story[-1] == "Ended StopAuthorized"
    assert (await _dialogue(charger, "plug 9"))[0].startswith("error: There is no")
    for restart in ("reboot", "power_loss"):
        await _dialogue(charger, restart)
        await clock.advance(5)
        assert charger.accepted


async def test_cars_come_and_go(
    charger: Charger2, central: Central2, clock: ManualClock
) -> None:
    """In the scenario for demos."""
    play(charger, "auto", Car, "CARD1")
    first = charger.connector(1).car
    await charger.swipe("CARD1")
    await charger.stop_transaction(1)
    await clock.advance(60)
    assert charger.connector(1).car is None
    await clock.advance(60)
    second = charger.connector(1).car
    assert second is not None
    assert second is not first


async def test_charging(charger: Charger2, central: Central2) -> None:
    """In the scenario that swipes a card."""
    play(charger, "charging", Car, "CARD1")
    await charger.wait_for(lambda: charger.connector(1).transaction_id is not None)
    await charger.settle()
    assert central.states[-1] == "Charging"


@pytest.mark.timeout(60)
async def test_program(central: Central2, version: str) -> None:
    """It runs on its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulator",
        f"--url={central.url}",
        f"--protocol={version}",
        "--connectors=2",
        "--scenario=charging",
        cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    await central.wait_for(lambda: bool(central.events))
    output, _ = await process.communicate(b"status\nquit\n")
    assert b"1: Occupied" in output
    assert process.returncode == 0
