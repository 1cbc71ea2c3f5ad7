"""The simulated chargers, each a program of its own."""

import asyncio
from dataclasses import dataclass
import json
from pathlib import Path
import sys
from typing import Any

from . import ROOT, DemoError
from .processes import Process

#: How long a charger may take to carry out a command, in seconds.
_PATIENCE = 20.0


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a charger is, and how its owner would call it."""

    identity: str
    name: str
    connectors: int
    max_current: int
    meter_start: int
    arguments: tuple[str, ...]
    #: The version of OCPP it speaks.
    protocol: str = "1.6"
    #: One of its settings, and what it is.
    setting: tuple[str, str] = ("NumberOfConnectors", "1")

    def key(self, connector: int, key: str) -> str:
        """The unique id of an entity of a connector (0: the charge point)."""
        return f"{self.device(connector)}_{key}"

    def device(self, connector: int) -> str:
        """The identifier of the device of a connector (0: the charge point)."""
        return f"{self.identity.casefold()}_{connector}"


GARAGE = Kind(
    identity="GARAGE",
    name="Garage",
    connectors=1,
    max_current=16,
    meter_start=4_284_350,
    arguments=(
        "--vendor",
        "SimCharge",
        "--model",
        "SimCharge 11",
        "--serial",
        "SC11-004217",
        "--soc",
    ),
)
CAR_PARK = Kind(
    identity="CARPARK",
    name="Car park",
    connectors=2,
    max_current=32,
    meter_start=8_412_900,
    protocol="2.0.1",
    setting=("AuthCtrlr.Enabled", "true"),
    arguments=(
        "--vendor",
        "SimCharge",
        "--model",
        "SimCharge 22 Duo",
        "--serial",
        "SC22D-000983",
        # What it tells of a connector that nobody uses.
        "--config",
        "AlignedDataCtrlr.Measurands="
        "Energy.Active.Import.Register,Power.Active.Import,Current.Import",
    ),
)
CARPORT = Kind(
    identity="CARPORT",
    name="Carport",
    connectors=1,
    max_current=16,
    meter_start=2_087_640,
    protocol="2.1",
    setting=("AuthCtrlr.Enabled", "true"),
    arguments=(
        "--vendor",
        "SimCharge",
        "--model",
        "SimCharge 11 Next",
        "--serial",
        "SC11N-000112",
        "--soc",
    ),
)
# Those that follow do not do as they are told: who can tell a limit that holds from one
# that was merely accepted, shows it here.
GUEST = Kind(
    identity="GUEST",
    name="Guest",
    connectors=1,
    max_current=16,
    meter_start=931_200,
    arguments=(
        # Takes a ceiling and forgets it, but obeys what is for its connector.
        "--personality",
        "Grizzl-E Ultimate",
    ),
)
COURTYARD = Kind(
    identity="COURTYARD",
    name="Courtyard",
    connectors=1,
    max_current=16,
    meter_start=3_310_450,
    # Refuses all limits, until somebody changes its own settings.
    arguments=("--personality", "Schneider EVlink, own energy management off"),
)


class Charger:
    """One charger, and who stands in front of it."""

    def __init__(self, kind: Kind, url: str, log: Path) -> None:
        """Prepare a charger that will dial a central system."""
        self.kind = kind
        self._url = url
        self._log = log
        self._process: Process | None = None
        self._lock = asyncio.Lock()

    async def start(self, *, meter_start: int | None = None) -> None:
        """Power it up; it dials by itself."""
        kind = self.kind
        meter = kind.meter_start if meter_start is None else meter_start
        self._process = await Process.start(
            [
                sys.executable,
                "-m",
                "simulator",
                "--json",
                *("--url", self._url),
                *("--protocol", kind.protocol),
                *("--identity", kind.identity),
                *("--connectors", str(kind.connectors)),
                *("--max-current", str(kind.max_current)),
                *("--meter-start", str(meter)),
                *kind.arguments,
            ],
            folder=ROOT,
            log=self._log,
        )

    async def do(self, command: str) -> dict[str, Any]:
        """Have a command carried out. Raises DemoError if the charger will not."""
        process = self._process
        if process is None:
            raise DemoError(f"{self.kind.name} is off")
        async with self._lock, asyncio.timeout(_PATIENCE):
            process.input.write(f"{command}\n".encode())
            line = await process.output.readline()
        if not line:
            raise DemoError(f"{self.kind.name} has gone: {command}")
        reply: dict[str, Any] = json.loads(line)
        if not reply.pop("ok"):
            raise DemoError(f"{self.kind.name}: {command}: {reply['error']}")
        return reply

    async def connector(self, number: int = 1) -> dict[str, Any]:
        """What somebody in front of a connector sees."""
        status = await self.do("status")
        connector: dict[str, Any] = status["connectors"][number - 1]
        return connector

    async def kill(self) -> None:
        """Cut the power, as it were."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def stop(self) -> None:
        """Switch it off."""
        if self._process is not None:
            await self._process.stop()
            self._process = None
