"""The command line."""

import asyncio
import json
from pathlib import Path
import sys

import pytest

from simulator import Car, Charger, ManualClock
from simulator.__main__ import main
from simulator.console import Console
from simulator.scenarios import SCENARIOS, play

from .central import Central, MakeCharger

ROOT = Path(__file__).parents[2]


async def dialogue(
    charger: Charger, *commands: str, as_json: bool = False
) -> list[str]:
    """Give commands, and return the replies."""
    replies: list[str] = []
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    for command in (*commands, None):
        lines.put_nowait(command)
    console = Console(charger, Car, as_json, replies.append)
    assert await console.run(lines) == ("quit" in commands)
    return replies


async def test_a_session_by_commands(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Everything that can be done at a charger."""
    assert await dialogue(charger, "plug", "", "swipe CARD1 1", "unplug") == [
        "ok",
        "Accepted",
        "ok",
    ]
    assert (
        await dialogue(
            charger, "fault 2 GroundFailure", "fault 0", "clear 0", "clear 2"
        )
        == ["ok"] * 4
    )
    await dialogue(charger, "plug 2", "swipe CARD2 2", "stop 2")
    reasons = [each["reason"] for each in central.said("StopTransaction")]
    assert reasons == ["EVDisconnected", "Local"]
    assert central.statuses(2)[1:5] == ["Faulted", "Available", "Preparing", "Charging"]

    await dialogue(charger, "drop")
    assert not charger.accepted
    await dialogue(charger, "reconnect")
    await charger.connected()
    for restart in ("reboot", "power_loss"):
        await dialogue(charger, restart)
        await clock.advance(5)
        assert charger.accepted


async def test_status(charger: Charger) -> None:
    """For people and for programs."""
    await dialogue(charger, "plug", "swipe CARD1")
    (text,) = await dialogue(charger, "status")
    assert text.splitlines() == [
        "GARAGE: online, 0 messages kept",
        "  1: Charging  0.000 kWh  0 W  0.0 A of 32.0 A  40.0 %  CARD1 #101",
        "  2: Available  0.000 kWh  0 W  0.0 A of 0.0 A",
    ]
    (text,) = await dialogue(charger, "status", as_json=True)
    state = json.loads(text)
    assert state["ok"]
    assert state["connectors"][0]["status"] == "Charging"
    assert state["connectors"][0]["idTag"] == "CARD1"
    await charger.drop()
    (text,) = await dialogue(charger, "status")
    assert text.startswith("GARAGE: offline")


async def test_mistakes(charger: Charger) -> None:
    """Are told, and are not fatal."""
    replies = await dialogue(
        charger, "dance", "swipe", "plug 3", "plug x", "help", "quit"
    )
    assert replies[:4] == [
        "error: cannot do that: dance (try help)",
        "error: cannot do that: swipe (try help)",
        "error: There is no connector 3",
        "error: not a connector number: x",
    ]
    assert "swipe TOKEN" in replies[4]
    assert replies[5] == "ok"
    (reply,) = await dialogue(charger, "dance", as_json=True)
    assert json.loads(reply)["ok"] is False


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_scenarios(
    make_charger: MakeCharger, central: Central, clock: ManualClock, scenario: str
) -> None:
    """What happens by itself."""
    charger = make_charger()
    await charger.start(wait=False)
    play(charger, scenario, lambda: Car(soc=50), "CARD9")
    await charger.connected()
    await clock.advance(10)
    status = {"idle": "Available", "charging": "Charging"}.get(scenario, "Preparing")
    assert charger.connector(1).status == status
    tokens = [each["idTag"] for each in central.said("StartTransaction")]
    assert tokens == (["CARD9"] if scenario == "charging" else [])


async def test_cars_come_and_go(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """The scenario auto never ends."""
    charger = make_charger()
    await charger.start()
    play(charger, "auto", lambda: Car(soc=50), "CARD9")
    for number in (1, 2):
        await charger.settle()
        await central.call("RemoteStartTransaction", {"idTag": "HOME"})
        await clock.advance(10)
        assert len(central.said("StartTransaction")) == number
        await charger.stop_transaction(1)
        await clock.advance(60)
        assert charger.connector(1).status == "Available"
        await clock.advance(60)
        assert charger.connector(1).status == "Preparing"


async def test_scenario_without_permission(
    make_charger: MakeCharger, central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody would know why nothing happens."""
    central.answers["Authorize"] = {"idTagInfo": {"status": "Invalid"}}
    charger = make_charger()
    await charger.start()
    play(charger, "charging", Car, "CARD9")
    await charger.wait_for(lambda: "Authorize" in central.actions)
    await charger.settle()
    assert "does not let CARD9 charge: Invalid" in caplog.text


async def test_program(central: Central) -> None:
    """The whole thing, as the demo drives it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulator", "--url", central.url, "--identity", "DRIVE", "--json"),
        *("--scenario", "charging", "--soc", "--speed", "3600", "--password", "secret"),
        *("--config", "HeartbeatInterval=7", "--connectors", "2"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    await central.wait_for(lambda: "Charging" in central.statuses(1))
    output, errors = await process.communicate(b"status\nstop 1\nstatus\nquit\n")
    assert errors == b""
    assert process.returncode == 0
    before, stopped, after, left = (json.loads(line) for line in output.splitlines())
    assert before["identity"] == "DRIVE"
    assert before["connectors"][0]["status"] == "Charging"
    assert stopped == left == {"ok": True}
    assert after["connectors"][0]["status"] == "Finishing"
    assert central.said("StopTransaction")[0]["reason"] == "Local"
    assert central.paths == ["/ocpp/DRIVE"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--connectors", "0"],
        ["--speed", "0"],
        ["--config", "nonsense"],
        ["--scenario", "party"],
    ],
)
def test_bad_arguments(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    """Are refused with a reason."""
    monkeypatch.setattr(sys, "argv", ["simulator", *arguments])
    with pytest.raises(SystemExit):
        main()
    assert arguments[0] in capsys.readouterr().err
