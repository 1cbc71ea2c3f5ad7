"""Copies of the files while transactions start and stop: what a backup takes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
import json
from pathlib import Path
import sqlite3
from typing import Any

import pytest

from custom_components.ocpp_central.ledger import Ledger

from .common import a_start, a_stop, rows

# Meanwhile the log, where nobody holds it, is begun anew more than once.
CHUNKS = 8
TURN = 12
MAIN = "ocpp_central.db"
LOG = "ocpp_central.db-wal"


def raw(what: str, *numbers: int) -> dict[str, Any]:
    """Return a message that spreads over some pages, each telling what it is from."""
    return {"message": f"{what} {numbers} " * 2000}


class Load:
    """Charge points that start and stop all the time."""

    def __init__(self, ledger: Ledger) -> None:
        """Take the ledger they are recorded in."""
        self.ledger = ledger
        # What was sent, by the id that was answered.
        self.started: dict[int, dict[str, Any]] = {}
        self.stopped: dict[int, dict[str, Any]] = {}
        self._busy = False
        self._confirmed = asyncio.Condition()

    @asynccontextmanager
    async def running(self, charge_points: int = 8) -> AsyncIterator[None]:
        """Have them charge meanwhile."""
        self._busy = True
        async with asyncio.TaskGroup() as tasks:
            for number in range(charge_points):
                tasks.create_task(self._charge(number))
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

    async def _charge(self, number: int) -> None:
        session = 0
        while self._busy:
            session += 1
            message = raw("start", number, session)
            transaction = await self.ledger.start(
                a_start(identity=f"CP{number}", meter_start=session, raw=message)
            )
            self.started[transaction.id] = message
            transaction.meter_last = session + 0.5
            transaction.carried = True
            self.ledger.progress(transaction)
            message = raw("stop", number, session)
            stop = a_stop(transaction.id, identity=f"CP{number}", raw=message)
            assert await self.ledger.stop(stop) is not None
            self.stopped[transaction.id] = message
            async with self._confirmed:
                self._confirmed.notify_all()


@pytest.fixture
def load(ledger: Ledger) -> Load:
    """Return charge points that use the ledger."""
    return Load(ledger)


async def copy(file: Path, folder: Path, turn: Callable[[], Awaitable[None]]) -> None:
    """Copy a file as tar does, slowly: as much as there was, and not a byte less."""
    with file.open("rb") as source, (folder / file.name).open("wb") as target:
        size = left = file.stat().st_size
        while left:
            chunk = source.read(min(size // CHUNKS + 1, left))
            assert chunk, "The file has become shorter"
            left -= len(chunk)
            target.write(chunk)
            await turn()


async def back_up(
    path: Path,
    names: Sequence[str],
    turn: Callable[[], Awaitable[None]],
) -> Path:
    """Copy the files as Home Assistant does; returns the main one."""
    folder = path.with_name("backup")
    folder.mkdir()
    for name in names:
        await copy(path.with_name(name), folder, turn)
    return folder / MAIN


async def check(copy: Path, load: Load, told: tuple[set[int], set[int]]) -> None:
    """Check that a copy is sound, and misses nothing of what had been told."""
    started, stopped = told
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    stored = {row["id"]: row for row in rows(copy)}
    assert started <= stored.keys()
    ended = {number for number in stored if stored[number]["stop_received_at"]}
    assert stopped <= ended
    for number, row in stored.items():
        assert json.loads(row["raw_start"]) == load.started[number]
    for number in ended:
        assert json.loads(stored[number]["raw_stop"]) == load.stopped[number]
    restored = Ledger(copy)
    await restored.open()
    assert (await restored.start(a_start())).id not in stored
    await restored.close()


@pytest.mark.parametrize("names", [(MAIN, LOG), (LOG, MAIN), (MAIN,)])
async def test_a_copy_under_load(
    names: Sequence[str], ledger: Ledger, path: Path, load: Load
) -> None:
    """In any order, or the main file alone; transactions go on being confirmed."""
    async with load.running():
        await load.more(60)
        before = load.told()
        hold = await ledger.hold()
        assert hold is not None
        image = await back_up(path, names, lambda: load.more(TURN))
        await asyncio.to_thread(hold.close)
    await check(image, load, before)


async def test_the_ledger_is_reopened_meanwhile(
    ledger: Ledger, path: Path, load: Load
) -> None:
    """What closes would clear the log away; what opens knows nothing of the hold."""

    async def reopen() -> None:
        async with load.running():
            await load.more(TURN)
        await ledger.close()
        await ledger.open()

    async with load.running():
        await load.more(60)
    before = load.told()
    hold = await ledger.hold()
    assert hold is not None
    image = await back_up(path, (LOG, MAIN), reopen)
    hold.close()
    await check(image, load, before)


@pytest.mark.parametrize("names", [(MAIN, LOG), (LOG, MAIN)])
async def test_somebody_reads_while_the_hold_is_taken(
    names: Sequence[str],
    ledger: Ledger,
    path: Path,
    load: Load,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It cannot be as thorough then, and the copy is sound all the same."""
    monkeypatch.setattr("custom_components.ocpp_central.ledger.hold._BUSY_TIMEOUT", 0)
    async with load.running():
        await load.more(60)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        # What the main file does not have yet is what a reader needs the log for.
        reader.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # One commit after the other, so that a part of the log is an old state.
        async with load.running(1):
            await load.more(30)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM transactions").fetchone()
        before = load.told()
        hold = await ledger.hold()
    assert hold is not None
    async with load.running():
        image = await back_up(path, names, lambda: load.more(TURN))
    hold.close()
    await check(image, load, before)


async def test_the_ledger_is_closed(path: Path, load: Load) -> None:
    """It may be opened before the copy is made."""
    ledger = load.ledger
    async with load.running():
        await load.more(60)
    await ledger.close()
    before = load.told()
    hold = await ledger.hold()
    assert hold is not None
    await ledger.open()
    async with load.running():
        image = await back_up(path, (MAIN, LOG), lambda: load.more(TURN))
    hold.close()
    await check(image, load, before)


async def test_checkpoints_go_on_afterwards(ledger: Ledger, path: Path) -> None:
    """The log does not grow for ever."""

    def checkpoint() -> tuple[int, int]:
        with closing(sqlite3.connect(path)) as other:
            _, frames, moved = other.execute("PRAGMA wal_checkpoint").fetchone()
        return frames, moved

    hold = await ledger.hold()
    assert hold is not None
    await ledger.start(a_start())
    frames, moved = checkpoint()
    assert moved < frames
    hold.close()
    frames, moved = checkpoint()
    assert moved == frames


async def test_there_is_no_file(tmp_path: Path) -> None:
    """None is made."""
    path = tmp_path / MAIN
    assert await Ledger(path).hold() is None
    assert not path.exists()


async def test_a_database_without_a_log(ledger: Ledger, path: Path) -> None:
    """A reader would keep the ledger from writing, so there is to be none."""
    await ledger.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    with pytest.raises(sqlite3.OperationalError, match="journal mode is delete"):
        await ledger.hold()
    await ledger.open()
    await ledger.start(a_start())


async def test_a_file_that_is_no_database(path: Path) -> None:
    """It is left as it is."""
    path.write_bytes(b"billing data of another program\n" * 500)
    before = path.read_bytes()
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        await Ledger(path).hold()
    assert path.read_bytes() == before
