"""What Home Assistant's own backups hold of the sessions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
import json
import logging
from pathlib import Path
import sqlite3
import tarfile
from typing import IO, Any

from homeassistant.backup_restore import RESTORE_BACKUP_FILE, restore_backup
from homeassistant.components.backup import BackupManager, async_get_manager
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from custom_components.ocpp_central.backup import async_post_backup, async_pre_backup
from custom_components.ocpp_central.hub import LEDGER_FILE
from custom_components.ocpp_central.ledger import Ledger

from .common import System, charge_point
from .csms.common import Charger, Payload, start, stop
from .ledger.common import a_start, rows

NAMES = ("ONE", "TWO", "THREE", "FOUR")
# Meanwhile the ledger's log, where nobody holds it, is begun anew more than once.
CHUNKS = 12
TURN = 16


class Load:
    """Charge points that start and stop all the time."""

    def __init__(self, system: System) -> None:
        """Take the system they dial into."""
        # What was sent, by the id that was answered.
        self.started: dict[int, Payload] = {}
        self.stopped: dict[int, Payload] = {}
        self._system = system
        self._busy = False
        self._confirmed = asyncio.Condition()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have them charge meanwhile."""
        self._busy = True
        async with asyncio.TaskGroup() as tasks:
            for name in NAMES:
                tasks.create_task(self._charge(await self._system.dial(name)))
            yield
            self._busy = False

    def told(self) -> tuple[set[int], set[int]]:
        """Return what has been confirmed so far: starts, stops."""
        return set(self.started), set(self.stopped)

    async def more(self, confirmations: int) -> None:
        """Wait until so many more have been confirmed."""
        wanted = len(self.started) + len(self.stopped) + confirmations
        async with self._confirmed:
            await self._confirmed.wait_for(
                lambda: len(self.started) + len(self.stopped) >= wanted
            )

    async def _charge(self, charger: Charger) -> None:
        meter = 0
        while self._busy:
            meter += 1
            # Spread over some pages of the database.
            message = start(meter=meter) | {"vendor": f"{meter} " * 10_000}
            number = (await charger.call("StartTransaction", message))["transactionId"]
            self.started[number] = message
            message = stop(number, meter) | {"vendor": f"{meter} " * 10_000}
            await charger.call("StopTransaction", message)
            self.stopped[number] = message
            async with self._confirmed:
                self._confirmed.notify_all()


@pytest.fixture(autouse=True)
def quiet_engine(caplog: pytest.LogCaptureFixture) -> None:
    """Keep SQLAlchemy from logging each statement, which the harness asks it to."""
    caplog.set_level(logging.WARNING, "sqlalchemy.engine")


@pytest.fixture
def charge_points() -> list[ConfigSubentryData]:
    """Return the charge points that the user has added."""
    return [charge_point(name, name.capitalize()) for name in NAMES]


@pytest.fixture
def load(system: System) -> Load:
    """Return what uses the system."""
    return Load(system)


@pytest.fixture
async def manager(hass: HomeAssistant, system: System) -> BackupManager:
    """Return Home Assistant's backup manager, which finds the platform by itself."""
    assert await async_setup_component(hass, "backup", {})
    await hass.async_block_till_done()
    return async_get_manager(hass)


@contextmanager
def slow_disk(
    hass: HomeAssistant, turn: Callable[[], Awaitable[None]]
) -> Iterator[None]:
    """Let something happen after each part of the ledger's files that is copied."""
    turns = 0
    copy = tarfile.copyfileobj  # type: ignore[attr-defined]

    def slowly(source: IO[bytes], target: Any, size: int, **how: Any) -> None:
        nonlocal turns
        parts = CHUNKS if LEDGER_FILE in getattr(source, "name", "") else 1
        for number in range(parts):
            part = size * (number + 1) // parts - size * number // parts
            copy(source, target, part, **how)
            if parts > 1:
                turns += 1
                asyncio.run_coroutine_threadsafe(turn(), hass.loop).result(20)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tarfile, "copyfileobj", slowly)
        yield
    assert turns == 2 * CHUNKS


async def back_up(hass: HomeAssistant, manager: BackupManager) -> Path:
    """Have Home Assistant make a backup; returns where it is."""
    (agent,) = manager.local_backup_agents
    await manager.async_create_backup(
        agent_ids=[agent],
        include_addons=None,
        include_all_addons=False,
        include_database=True,
        include_folders=None,
        include_homeassistant=True,
        name="Before the update",
        password=None,
    )
    backups, errors = await manager.async_get_backups()
    assert errors == {}
    (backup_id,) = backups
    return manager.local_backup_agents[agent].get_backup_path(backup_id)


async def restore(hass: HomeAssistant, backup: Path, folder: Path) -> Path:
    """Have Home Assistant restore a backup, and return the ledger that was in it."""
    folder.mkdir()
    instruction = {
        "path": str(backup),
        "password": None,
        "remove_after_restore": False,
        "restore_database": True,
        "restore_homeassistant": True,
    }
    (folder / RESTORE_BACKUP_FILE).write_text(json.dumps(instruction))
    assert await hass.async_add_executor_job(restore_backup, str(folder))
    return folder / LEDGER_FILE


async def check(path: Path, load: Load, told: tuple[set[int], set[int]]) -> None:
    """Check that a ledger is sound, and misses nothing of what had been told."""
    started, stopped = told
    assert started
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    stored = {row["id"]: row for row in rows(path)}
    ended = {number for number in stored if stored[number]["stop_received_at"]}
    assert started <= stored.keys()
    assert stopped <= ended
    for number, row in stored.items():
        assert json.loads(row["raw_start"]) == load.started[number]
    for number in ended:
        assert json.loads(stored[number]["raw_stop"]) == load.stopped[number]
    ledger = Ledger(path)
    await ledger.open()
    assert (await ledger.start(a_start())).id > max(stored)
    await ledger.close()


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was warned of; that the machine is slow is nobody's fault."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelname == "WARNING" and record.name != "asyncio"
    ]


async def test_backup_under_load(
    hass: HomeAssistant,
    manager: BackupManager,
    load: Load,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Transactions start and stop, and are confirmed, while their files are copied."""
    async with load.running():
        await load.more(60)
        told = load.told()
        with slow_disk(hass, lambda: load.more(TURN)):
            backup = await back_up(hass, manager)
    folder = tmp_path_factory.mktemp("restored") / "config"
    await check(await restore(hass, backup, folder), load, told)


async def test_backup_while_the_entry_is_not_loaded(
    hass: HomeAssistant,
    system: System,
    manager: BackupManager,
    load: Load,
    tmp_path_factory: pytest.TempPathFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What there is, is in it."""
    async with load.running():
        await load.more(TURN)
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    backup = await back_up(hass, manager)
    folder = tmp_path_factory.mktemp("restored") / "config"
    await check(await restore(hass, backup, folder), load, load.told())
    assert not _warnings(caplog)


async def test_the_ledger_cannot_be_held(
    hass: HomeAssistant,
    manager: BackupManager,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The user is told, and gets the backup, with everything else in it."""

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("custom_components.ocpp_central.ledger.ledger.hold", fail)
    assert (await back_up(hass, manager)).exists()
    assert _warnings(caplog) == [
        "Charging sessions may be damaged in this backup: disk I/O error"
    ]


async def test_there_is_no_ledger(
    hass: HomeAssistant, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody deleted it while the entry was disabled."""
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    Path(hass.config.path(LEDGER_FILE)).unlink()
    await async_pre_backup(hass)
    await async_post_backup(hass)
    assert not Path(hass.config.path(LEDGER_FILE)).exists()
    assert not _warnings(caplog)


async def test_backups_that_do_not_end(
    hass: HomeAssistant, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is called how often: after the last end, nothing is held."""

    def moved() -> bool:
        with closing(sqlite3.connect(hass.config.path(LEDGER_FILE))) as other:
            _, log, moved = other.execute("PRAGMA wal_checkpoint").fetchone()
        return bool(log == moved)

    charger = await system.dial(NAMES[0])
    await async_post_backup(hass)
    await async_pre_backup(hass)
    await async_pre_backup(hass)
    await charger.start()
    assert not moved()
    await system.restart()
    assert not moved()
    await async_post_backup(hass)
    assert moved()
    await async_post_backup(hass)
    charger = await system.dial(NAMES[0])
    await charger.start(2)
    assert moved()
    assert not _warnings(caplog)
