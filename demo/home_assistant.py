"""A real Home Assistant, in a config folder of its own."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
import json
from pathlib import Path
import re
import socket
import sys
from typing import Any

from custom_components.ocpp_central.hub import LEDGER_FILE

from . import DOMAIN, ROOT, DemoError
from .processes import Process

#: How long it may take to start, in seconds. Two or three are usual.
_START_LIMIT = 120.0

#: What it does where it could not use its port: it opens another, to everybody.
_RECOVERY = "Activating recovery mode"
#: What it says after that, when all is set up.
_READY = "[homeassistant.core] Starting Home Assistant"

#: Where configuration may be added to, file by file.
_PACKAGES = "packages"

#: What the process returns when it was asked to start again.
_RESTART = 100

_CONFIGURATION = """\
# What "default_config" brings, without what wants the network or hardware.
homeassistant:
  name: Demo
  unit_system: metric
  currency: EUR
  country: NL
  latitude: 52.09
  longitude: 5.12
  elevation: 5
  packages: !include_dir_named packages
frontend:
config:
history:
logbook:
energy:
system_health:
recorder:
  commit_interval: 1
logger:
  default: info
  logs:
    custom_components.ocpp_central: debug
    homeassistant.helpers.entity_registry: warning
    homeassistant.setup: warning
"""

_RECORD = re.compile(
    r"\d{4}-\d\d-\d\d [\d:.]+ (?P<level>[A-Z]+) \(.*?\) \[(?P<logger>.*?)\] "
)
#: What Home Assistant says of every custom integration.
_EVERYBODY = "which has not been tested by Home Assistant"


def free_port() -> int:
    """A port that nothing listens on, on any address."""
    with socket.socket(socket.AF_INET) as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port


def check_port(port: int) -> None:
    """Refuse a port that is taken: Home Assistant would start in recovery mode on another."""
    with socket.socket(socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise DemoError(f"Port {port} cannot be used: {error}") from error


class HomeAssistant:
    """The process, its folder and its log."""

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        configuration: str = _CONFIGURATION,
        program: Sequence[str | Path] = ("-m", "homeassistant"),
        environment: Mapping[str, str] | None = None,
        ready: str = _READY,
    ) -> None:
        """Use a folder and a port of this machine, and what Python is to run."""
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._folder = folder
        self._configuration = configuration
        self._program = program
        self._environment = environment
        self._ready_line = ready
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._log: list[str] = []
        self._starts = 0
        self._ready = asyncio.Event()

    def prepare(self) -> None:
        """Write the config folder of an installation that only lacks its first user."""
        check_port(self.port)
        (self._folder / ".storage").mkdir(parents=True)
        (self._folder / _PACKAGES).mkdir()
        (self._folder / "configuration.yaml").write_text(self._configuration)
        components = self._folder / "custom_components"
        components.mkdir()
        (components / DOMAIN).symlink_to(ROOT / "custom_components" / DOMAIN)
        # In YAML this would only be on trial, and be taken back after five minutes.
        stable = {
            "server_host": ["127.0.0.1"],
            "server_port": self.port,
            "cors_allowed_origins": [],
            "login_attempts_threshold": -1,
            "ip_ban_enabled": True,
            "ssl_profile": "modern",
            "use_x_frame_options": True,
            "created_at": "2026-01-01T00:00:00+00:00",
            "error": None,
            "error_message": None,
        }
        http = {"stable": stable, "pending": None, "yaml_migration_done": True}
        self._store("http", http, version=2, minor_version=2)
        done = ["analytics", "core_config", "integration"]
        self._store("onboarding", {"done": done}, version=4)

    def add_package(self, name: str, configuration: str) -> None:
        """Add to the configuration; Home Assistant reads it when told to, or restarted."""
        (self._folder / _PACKAGES / f"{name}.yaml").write_text(configuration)

    @property
    def ledger(self) -> Path:
        """The file of the integration's sessions."""
        return self._folder / LEDGER_FILE

    def _store(
        self, key: str, data: Any, *, version: int, minor_version: int = 1
    ) -> None:
        (self._folder / ".storage" / key).write_text(
            json.dumps(
                {
                    "version": version,
                    "minor_version": minor_version,
                    "key": key,
                    "data": data,
                }
            )
        )

    async def start(self) -> None:
        """Start, and keep it running through restarts; returns once it answers."""
        await self.launch()
        await self.started(1)

    async def launch(self) -> None:
        """Start, and keep it running through restarts; returns before it does anything."""
        process = await self._spawn()
        self._task = asyncio.create_task(self._supervise(process))

    async def started(self, times: int) -> None:
        """Wait until it has been started so often. Raises DemoError if it will not."""
        assert self._task is not None
        async with asyncio.timeout(_START_LIMIT):
            while self._starts < times:
                self._ready.clear()
                ready = asyncio.create_task(self._ready.wait())
                try:
                    await asyncio.wait(
                        {ready, self._task}, return_when=asyncio.FIRST_COMPLETED
                    )
                finally:
                    ready.cancel()
                if self._task.done():
                    # Raises what went wrong.
                    self._task.result()

    @property
    def starts(self) -> int:
        """How often it has been started."""
        return self._starts

    async def ended(self) -> None:
        """Wait for an end that nobody asked for. Raises DemoError then."""
        assert self._task is not None
        await asyncio.wait([self._task])
        self._task.result()

    async def stop(self) -> None:
        """Stop it."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError, DemoError):
            await self._task
        if self._process is not None:
            reading = asyncio.create_task(self._read(self._process))
            await self._process.stop()
            await reading

    async def kill(self) -> None:
        """End it without a warning; returns when it is gone and its log read."""
        assert self._process is not None
        assert self._task is not None
        self._process.kill()
        with suppress(DemoError):
            await self._task

    async def _spawn(self) -> Process:
        self._process = await Process.start(
            [
                sys.executable,
                *self._program,
                "--config",
                self._folder,
                "--log-no-color",
            ],
            folder=self._folder,
            environment=self._environment,
        )
        return self._process

    async def _supervise(self, process: Process) -> None:
        while True:
            await self._read(process)
            code = await process.wait()
            if code != _RESTART:
                raise DemoError(f"Home Assistant ended with code {code}")
            process = await self._spawn()

    async def _read(self, process: Process) -> None:
        while line := await process.output.readline():
            text = line.decode(errors="replace").rstrip()
            self._log.append(text)
            if _RECOVERY in text:
                raise DemoError("Home Assistant started in recovery mode")
            if self._ready_line in text:
                self._starts += 1
                self._ready.set()

    # Its log

    def tail(self, lines: int = 60) -> str:
        """The end of the log."""
        return "\n".join(self._log[-lines:])

    def complaints(self, *levels: str, about: str = DOMAIN) -> list[str]:
        """What was logged at these levels about something, by whomever."""
        records: list[list[str]] = []
        for line in self._log:
            if _RECORD.match(line) or not records:
                records.append([])
            records[-1].append(line)
        complaints = []
        for record in records:
            text = "\n".join(record)
            match = _RECORD.match(text)
            if (
                match
                and match["level"] in levels
                and about in text
                and _EVERYBODY not in text
            ):
                complaints.append(text)
        return complaints
