"""Registers: cheap to note, seldom written, never lost by an end."""

import asyncio
from dataclasses import replace
from pathlib import Path
import sqlite3

import pytest

from custom_components.ocpp_central.csms.model import Transaction
from custom_components.ocpp_central.csms.prices import Prices
from custom_components.ocpp_central.ledger import Ledger, LedgerError

from .common import Clock, a_start, a_stop, rows


def note(ledger: Ledger, transaction: Transaction, register: float) -> None:
    """Let a charger report a register without naming the transaction."""
    transaction.meter_last = register
    transaction.account.count(transaction.started, register, Prices())
    ledger.progress(transaction)


def count_updates(path: Path) -> None:
    """Have the database itself write down every update of a transaction."""
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        CREATE TABLE updates (id INTEGER PRIMARY KEY, meter FLOAT, carried BOOLEAN);
        CREATE TRIGGER updated AFTER UPDATE ON transactions BEGIN
            INSERT INTO updates (meter, carried) VALUES (new.meter_last, new.carried);
        END;
        """
    )
    connection.close()


def updates(path: Path) -> list[tuple[float | None, int]]:
    """Return what the database wrote down."""
    return [(row["meter"], row["carried"]) for row in rows(path, "updates")]


async def test_registers_wait(ledger: Ledger, path: Path, clock: Clock) -> None:
    """Mere registers are not written before their time, but they are known."""
    transaction = await ledger.start(a_start())
    count_updates(path)
    for register in range(1000, 2000):
        note(ledger, transaction, float(register))
    assert updates(path) == []
    (known,) = await ledger.open_transactions("Garage")
    assert known.meter_last == 1999.0
    assert updates(path) == [(1999.0, 0)]

    clock.tick(30)
    note(ledger, transaction, 2000.0)
    await ledger.drain()
    assert updates(path) == [(1999.0, 0), (2000.0, 0)]
    assert rows(path)[0]["progressed_at"] == "2026-11-20 12:00:30.000000"
    # There is nothing left to write.
    await ledger.drain()
    assert len(updates(path)) == 2


async def test_carried_is_written_at_once(ledger: Ledger, path: Path) -> None:
    """The first time; after that, registers wait as ever."""
    transaction = await ledger.start(a_start())
    count_updates(path)
    transaction.carried = True
    for register in range(1000, 2000):
        note(ledger, transaction, float(register))
    # Whatever is confirmed later is on disk later.
    await ledger.stop(a_stop(1))
    assert updates(path) == [(1000.0, 1)]
    await ledger.drain()
    assert updates(path) == [(1000.0, 1), (1999.0, 1)]


async def test_registers_are_written_in_time(path: Path) -> None:
    """Once an interval at most, without anybody asking for it, all together."""
    ledger = Ledger(path, progress_interval=0.05)
    await ledger.open()
    one = await ledger.start(a_start(connector=1))
    two = await ledger.start(a_start(connector=2))
    count_updates(path)

    loop = asyncio.get_running_loop()
    began = loop.time()
    register = 1000.0
    async with asyncio.timeout(10):
        while len(updates(path)) < 6:
            note(ledger, one, register := register + 1)
            note(ledger, two, register)
            await asyncio.sleep(0)
    intervals = (loop.time() - began) / 0.05
    assert len(updates(path)) <= 2 * intervals
    await ledger.close()
    assert [row["meter_last"] for row in rows(path)] == [register, register]


async def test_a_silent_transaction_is_forgotten_and_written_at_once(
    ledger: Ledger, path: Path
) -> None:
    """One that reports less often than the interval needs no throttle."""
    transaction = await ledger.start(a_start())
    count_updates(path)
    transaction.carried = True
    note(ledger, transaction, 1100.0)
    await ledger.drain()
    # Heard of just now: this one waits, though nothing was left to write.
    note(ledger, transaction, 1200.0)
    await ledger.stop(a_stop(1))
    assert updates(path) == [(1100.0, 1)]
    await ledger.drain()
    # Silent from one turn to the next.
    await ledger.drain()
    note(ledger, transaction, 1300.0)
    await ledger.stop(a_stop(1))
    assert updates(path) == [(1100.0, 1), (1200.0, 1), (1300.0, 1)]


async def test_close_writes_the_latest(path: Path, clock: Clock) -> None:
    """And a new ledger knows the energy so far."""
    ledger = Ledger(path, clock=clock)
    await ledger.open()
    transaction = await ledger.start(a_start())
    note(ledger, transaction, 4000.0)
    await ledger.close()
    # The socket may outlive the ledger by a moment.
    note(ledger, transaction, 5000.0)

    await ledger.open()
    (restored,) = await ledger.open_transactions("Garage")
    await ledger.close()
    assert restored.meter_last == 4000.0
    assert restored.energy == 3000.0


async def test_nothing_comes_after_the_end(ledger: Ledger, path: Path) -> None:
    """A register reported after the stop does not change what was billed."""
    transaction = await ledger.start(a_start())
    await ledger.stop(a_stop(transaction.id))
    before = rows(path)
    transaction.carried = True
    note(ledger, transaction, 9000.0)
    await ledger.drain()
    assert rows(path) == before


async def test_order_with_an_end_in_flight(ledger: Ledger, path: Path) -> None:
    """Noted, ended, begun anew, all before the disk turned once."""
    transaction = await ledger.start(a_start())
    note(ledger, transaction, 2000.0)
    stopping = asyncio.ensure_future(ledger.stop(a_stop(transaction.id)))
    beginning = asyncio.ensure_future(ledger.start(a_start()))
    await asyncio.gather(stopping, beginning)
    # Not a retry: the stop before it carried the id.
    assert beginning.result().id != transaction.id
    assert [row["meter_last"] for row in rows(path)] == [8000.0, None]


async def test_ids_that_are_not_ours(ledger: Ledger, path: Path) -> None:
    """Progress of a transaction that was never confirmed is no error."""
    transaction = await ledger.start(a_start())
    for foreign in (-1, 0, 2**31, 10**30, transaction.id + 1):
        note(ledger, replace(transaction, id=foreign, carried=True), 1.0)
        note(ledger, replace(transaction, id=foreign), 2.0)
    note(ledger, transaction, 1500.0)
    await ledger.drain()
    (row,) = rows(path)
    assert row["meter_last"] == 1500.0


async def test_a_failed_write_is_made_up_for(
    path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Registers survive a locked database, with one line in the log."""
    ledger = Ledger(path, clock=clock, progress_interval=0.01, busy_timeout=0.01)
    await ledger.open()
    transaction = await ledger.start(a_start())
    transaction.carried = True
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for register in (2000.0, 3000.0):
        note(ledger, transaction, register)
        await ledger.drain()
        with pytest.raises(LedgerError):
            await ledger.start(a_start(connector=2))
    other.execute("ROLLBACK")
    other.close()

    async with asyncio.timeout(10):
        while rows(path)[0]["meter_last"] != 3000.0:
            await asyncio.sleep(0)
    assert rows(path)[0]["carried"] == 1
    await ledger.close()
    assert caplog.text.count("Meter registers wait for the disk") == 1
