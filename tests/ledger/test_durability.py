"""Kills, power cuts, backups, full disks, damaged files."""

import asyncio
from pathlib import Path
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from sqlalchemy import Pool, event

from custom_components.ocpp_central.ledger import Ledger, LedgerError

from .common import Clock, a_start, a_stop, rows

ROOT = Path(__file__).parents[2]


def copy_as_of_now(path: Path, folder: Path) -> Path:
    """Copy the database as a power cut would leave it, or a backup take it."""
    folder.mkdir()
    for file in (path, path.with_name(f"{path.name}-wal")):
        shutil.copy(file, folder)
    return folder / path.name


@pytest.mark.parametrize("confirmations", [1, 2, 41, 500])
def test_a_killed_process_has_stored_what_it_confirmed(
    path: Path, confirmations: int
) -> None:
    """Everything told before SIGKILL is in the database."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.crash", str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(confirmations)]
    process.kill()
    # What it managed to say before the signal hit it.
    told += process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    assert process.wait() == -9

    whole = [line.split() for line in told if line.endswith("\n")]
    assert len(whole) >= confirmations
    stored = {row["id"]: row for row in rows(path)}
    for what, number in whole:
        assert int(number) in stored
        if what == "stop":
            assert stored[int(number)]["stop_received_at"] is not None


async def test_power_cut_after_a_start(
    ledger: Ledger, path: Path, tmp_path: Path, clock: Clock
) -> None:
    """The next ledger knows the transaction, its register, and goes on counting."""
    transaction = await ledger.start(a_start())
    transaction.meter_last = 2500.0
    transaction.carried = True
    ledger.progress(transaction)
    await ledger.open_transactions("Garage")

    image = copy_as_of_now(path, tmp_path / "image")
    after = Ledger(image, clock=clock)
    await after.open()
    assert await after.open_transactions("garage") == [transaction]
    assert (await after.start(a_start())).id == transaction.id + 1
    await after.close()


async def test_a_retry_after_a_power_cut(
    ledger: Ledger, path: Path, tmp_path: Path, clock: Clock
) -> None:
    """The answer was lost with the power, the transaction was not."""
    transaction = await ledger.start(a_start())
    after = Ledger(copy_as_of_now(path, tmp_path / "image"), clock=clock)
    await after.open()
    assert await after.start(a_start()) == transaction
    await after.close()


async def test_a_restored_backup_gives_out_no_id_twice(
    ledger: Ledger, path: Path, tmp_path: Path, clock: Clock
) -> None:
    """Even though it knows nothing of those given out since."""
    given = [(await ledger.start(a_start(connector=1))).id]
    backup = copy_as_of_now(path, tmp_path / "backup")
    for connector in range(2, 10):
        clock.tick(60)
        given.append((await ledger.start(a_start(connector=connector))).id)

    clock.tick(60)
    restored = Ledger(backup, clock=clock)
    await restored.open()
    assert (await restored.start(a_start(connector=10))).id not in given
    await restored.close()


async def test_deleted_rows_do_not_free_their_ids(path: Path, clock: Clock) -> None:
    """Somebody tidied up."""
    ledger = Ledger(path, clock=clock)
    await ledger.open()
    ids = [(await ledger.start(a_start(connector=n))).id for n in range(1, 6)]
    await ledger.close()
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM transactions")
    connection.commit()
    connection.close()
    await ledger.open()
    assert (await ledger.start(a_start())).id == ids[-1] + 1
    await ledger.close()


async def test_locked_by_somebody_else(ledger: Ledger, path: Path) -> None:
    """All that wait are told, after one wait; the next attempts succeed."""
    transaction = await ledger.start(a_start())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    outcomes = await asyncio.gather(
        ledger.stop(a_stop(transaction.id)),
        *(ledger.start(a_start(identity=f"CP{n}")) for n in range(100)),
        return_exceptions=True,
    )
    # The time-out is 0.2 s; a hundred of them would be 20 s.
    assert time.monotonic() - began < 5
    assert all(isinstance(outcome, LedgerError) for outcome in outcomes)
    assert "locked" in str(outcomes[0])
    other.execute("ROLLBACK")
    other.close()

    assert len(rows(path)) == 1
    again = await asyncio.gather(
        *(ledger.start(a_start(identity=f"CP{n}")) for n in range(100))
    )
    stopped = await ledger.stop(a_stop(transaction.id))
    assert stopped is not None
    assert len({transaction.id, *(one.id for one in again)}) == 101


async def test_disk_full(path: Path, clock: Clock) -> None:
    """What does not fit is refused; what fits afterwards is taken."""

    def limit(connection: Any, record: object) -> None:
        connection.execute("PRAGMA max_page_count = 40")

    event.listen(Pool, "connect", limit)
    ledger = Ledger(path, clock=clock)
    await ledger.open()
    event.remove(Pool, "connect", limit)

    first = await ledger.start(a_start())
    huge = {"data": "x" * 1_000_000}
    with pytest.raises(LedgerError, match="full"):
        await ledger.start(a_start(connector=2, raw=huge))
    with pytest.raises(LedgerError, match="full"):
        await ledger.stop(a_stop(first.id, raw=huge))
    assert await ledger.open_transactions("Garage") == [first]
    second = await ledger.start(a_start(connector=2))
    assert second.id > first.id
    assert await ledger.stop(a_stop(first.id)) is not None
    await ledger.close()
    assert [row["id"] for row in rows(path)] == [first.id, second.id]


async def test_a_file_that_is_no_database(path: Path) -> None:
    """A clear error, and the file stays as it is."""
    path.write_bytes(b"billing data of another program\n" * 500)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=f"{path}.*not a database"):
        await Ledger(path).open()
    assert path.read_bytes() == before


async def test_a_damaged_database(path: Path, clock: Clock) -> None:
    """Found when it is opened, not in the middle of a bill."""
    ledger = Ledger(path, clock=clock)
    await ledger.open()
    await asyncio.gather(
        *(ledger.start(a_start(identity=f"CP{n}")) for n in range(500))
    )
    await ledger.close()
    content = bytearray(path.read_bytes())
    content[8192:20000] = b"\xa5" * (20000 - 8192)
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="Cannot open"):
        await ledger.open()


@pytest.mark.parametrize("place", [".", "missing/ocpp_central.db"])
async def test_a_path_that_cannot_be_opened(tmp_path: Path, place: str) -> None:
    """A folder, or a file in a folder that is not there."""
    with pytest.raises(LedgerError, match="unable to open"):
        await Ledger(tmp_path / place).open()


async def test_opening_while_locked(path: Path) -> None:
    """Fails cleanly, and works once the lock is gone."""
    ledger = Ledger(path, busy_timeout=0.05)
    await ledger.open()
    transaction = await ledger.start(a_start())
    await ledger.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LedgerError, match="locked"):
        await ledger.open()
    with pytest.raises(LedgerError, match="closed"):
        await ledger.start(a_start())
    other.execute("ROLLBACK")
    other.close()
    await ledger.open()
    assert await ledger.open_transactions("Garage") == [transaction]
    await ledger.close()


async def test_opening_is_cancelled(path: Path) -> None:
    """The thread ends by itself, and the database can be opened."""
    ledger = Ledger(path)
    opening = asyncio.create_task(ledger.open())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    for thread in threading.enumerate():
        if thread.name.startswith("ocpp_central_ledger"):
            thread.join()
    await ledger.open()
    await ledger.close()
