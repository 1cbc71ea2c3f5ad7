"""The thread: where SQLite runs, what one commit holds, how it ends."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
import sqlite3
import sys
import threading
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from custom_components.ocpp_central.ledger import Ledger, LedgerError
from custom_components.ocpp_central.ledger.writer import Writer

from .common import Clock, a_start, a_stop, rows


@pytest.fixture
def commits() -> Iterator[list[object]]:
    """Return a list that grows with every commit."""
    seen: list[object] = []

    def note(connection: object) -> None:
        seen.append(connection)

    event.listen(Engine, "commit", note)
    yield seen
    event.remove(Engine, "commit", note)


@pytest.fixture
def sqlite_threads() -> Iterator[set[int]]:
    """Return the threads in which a function of sqlite3 was called."""
    threads: set[int] = set()

    def watch(frame: FrameType, kind: str, function: Any) -> None:
        if kind == "c_call" and (
            isinstance(
                getattr(function, "__self__", None),
                (sqlite3.Connection, sqlite3.Cursor),
            )
            or function in (sqlite3.connect, sqlite3.Connection)
        ):
            threads.add(threading.get_ident())

    threading.setprofile(watch)
    sys.setprofile(watch)
    yield threads
    sys.setprofile(None)
    threading.setprofile(None)


async def test_sqlite_runs_on_one_thread_that_is_not_the_event_loop(
    sqlite_threads: set[int], path: Path, clock: Clock
) -> None:
    """From opening and migrating to closing."""
    ledger = Ledger(path, clock=clock)
    await ledger.open()
    transaction = await ledger.start(a_start())
    transaction.carried = True
    ledger.progress(transaction)
    await ledger.open_transactions("Garage")
    transaction.meter_last = 2000.0
    ledger.progress(transaction)
    await ledger.drain()
    await ledger.stop(a_stop(transaction.id))
    await ledger.stop(a_stop(-1))
    await ledger.close()

    assert len(sqlite_threads) == 1
    assert threading.get_ident() not in sqlite_threads
    # The other way round, so that the test is known to see anything.
    rows(path)
    assert threading.get_ident() in sqlite_threads


async def test_the_thread_ends(path: Path) -> None:
    """Closing joins it; a ledger can be opened again."""
    before = threading.active_count()
    ledger = Ledger(path)
    for _ in range(2):
        await ledger.open()
        assert threading.active_count() == before + 1
        await ledger.close()
        assert threading.active_count() == before
        assert not path.with_name(f"{path.name}-wal").exists()


async def test_a_thousand_starts_share_a_few_commits(
    ledger: Ledger, path: Path, commits: list[object]
) -> None:
    """A thousand chargers coming back do not cost a thousand turns of the disk."""
    commits.clear()
    started = await asyncio.gather(
        *(ledger.start(a_start(identity=f"CP{n}")) for n in range(1000))
    )
    assert len(commits) <= 6
    assert len({transaction.id for transaction in started}) == 1000
    assert [row["id"] for row in rows(path)] == [one.id for one in started]

    commits.clear()
    await asyncio.gather(
        *(
            ledger.stop(a_stop(one.id, identity=f"CP{n}"))
            for n, one in enumerate(started)
        )
    )
    assert len(commits) <= 6
    assert all(row["ended"] for row in rows(path))


async def test_each_is_released_after_its_row_is_on_disk(
    ledger: Ledger, path: Path
) -> None:
    """Another connection sees the row as soon as the caller goes on."""
    other = sqlite3.connect(path)

    async def start_and_look(number: int) -> None:
        started = await ledger.start(a_start(identity=f"CP{number}"))
        query = "SELECT ended FROM transactions WHERE id = ?"
        assert other.execute(query, (started.id,)).fetchone() == (None,)
        await ledger.stop(a_stop(started.id, identity=f"CP{number}"))
        assert other.execute(query, (started.id,)).fetchone() != (None,)

    await asyncio.gather(*(start_and_look(number) for number in range(300)))
    other.close()


async def test_concurrent_retries_are_one_transaction(
    ledger: Ledger, path: Path
) -> None:
    """Also within one commit."""
    started = await asyncio.gather(*(ledger.start(a_start()) for _ in range(50)))
    assert len({transaction.id for transaction in started}) == 1
    assert len(rows(path)) == 1


async def test_a_caller_that_goes_away_leaves_its_message(
    ledger: Ledger, path: Path
) -> None:
    """The socket closes while the start is being written."""
    leaving = asyncio.create_task(ledger.start(a_start()))
    staying = asyncio.create_task(ledger.start(a_start(connector=2)))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert leaving.cancelled()
    assert [row["connector"] for row in rows(path)] == [1, 2]


async def test_close_finishes_what_is_queued(path: Path) -> None:
    """Starts that were received are answered, later ones refused."""
    ledger = Ledger(path)
    await ledger.open()
    starting = [
        asyncio.create_task(ledger.start(a_start(identity=f"CP{n}")))
        for n in range(500)
    ]
    await asyncio.sleep(0)
    await ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        await ledger.start(a_start())
    with pytest.raises(LedgerError, match="closed"):
        await ledger.stop(a_stop(1))
    # As Home Assistant does when it stops: drain once more, close once more.
    await ledger.drain()
    await ledger.close()
    assert len(await asyncio.gather(*starting)) == 500
    assert len(rows(path)) == 500


async def test_one_that_cannot_be_stored_stands_alone(
    ledger: Ledger, path: Path
) -> None:
    """Its neighbours in the same commit are stored, and it is told."""
    outcomes = await asyncio.gather(
        ledger.start(a_start(connector=1)),
        ledger.start(a_start(connector=10**30)),
        ledger.start(a_start(connector=2, raw={"idTag": object()})),
        ledger.start(
            a_start(connector=3, timestamp=a_start().timestamp.replace(tzinfo=None))
        ),
        ledger.start(a_start(connector=4, authorization=None)),
        ledger.start(a_start(connector=5)),
        return_exceptions=True,
    )
    failed = [isinstance(outcome, LedgerError) for outcome in outcomes]
    assert failed == [False, True, True, True, True, False]
    stored = rows(path)
    assert [row["connector"] for row in stored] == [1, 5]
    assert (await ledger.start(a_start(connector=6))).id > stored[-1]["id"]
    # Whose card it was is nobody's business, and SQL not the user's.
    told = " ".join(str(one) for one in outcomes if isinstance(one, LedgerError))
    assert "04A2B3" not in told
    assert "INSERT" not in told


async def test_the_disk_has_it_at_each_commit(path: Path) -> None:
    """The settings that make a commit survive a power cut."""
    writer = Writer(path, 1.0)
    await writer.open()
    journal = await writer.submit(
        lambda session: session.scalar(text("PRAGMA journal_mode"))
    )
    # 2 is FULL: the log is flushed with each commit.
    synchronous = await writer.submit(
        lambda session: session.scalar(text("PRAGMA synchronous"))
    )
    await writer.close()
    assert (journal, synchronous) == ("wal", 2)
