"""One thread with one connection, on which whatever waits at once is one commit."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError
from sqlalchemy.orm import Session

from .errors import LedgerError
from .migrations import check_version, migrate

type Job[T] = Callable[[Session], T]

# A thousand callers released in one go would hold up the event loop.
_LARGEST_COMMIT = 200


class Writer:
    """Carries out jobs in the order they came, and tells each that it is on disk."""

    def __init__(self, path: Path, busy_timeout: float) -> None:
        """Take where the database is, and how long to wait for others' locks."""
        self._path = path
        self._busy_timeout = busy_timeout
        self._queue: deque[tuple[Job[Any], asyncio.Future[Any]]] = deque()
        self._running = False
        self._closed = True

    async def open(self) -> None:
        """Start the thread and have it open the database."""
        executor = ThreadPoolExecutor(1, "ocpp_central_ledger")
        connecting = executor.submit(self._connect)
        try:
            self._engine = await asyncio.wrap_future(connecting)
        except BaseException as err:
            executor.submit(lambda: connecting.result().dispose())
            # A cancelled caller does not wait for the end of a long migration.
            executor.shutdown(wait=isinstance(err, Exception))
            raise
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._closed = False

    def submit[T](self, job: Job[T]) -> asyncio.Future[T]:
        """Queue a job; its result comes once it is committed, or a LedgerError."""
        if self._closed:
            raise LedgerError("The ledger is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.append((job, future))
        if not self._running:
            self._running = True
            # Not at once: what else arrives in this turn of the loop joins in.
            self._loop.call_soon(self._next)
        return future

    async def between_commits[T](self, work: Callable[[], T]) -> T:
        """Do something off the event loop while nothing is being written."""
        executor = None if self._closed else self._executor
        return await asyncio.get_running_loop().run_in_executor(executor, work)

    async def drain(self) -> None:
        """Return when everything queued so far is committed or has failed."""
        with suppress(LedgerError):
            await self.submit(_nothing)

    async def close(self) -> None:
        """Finish what is queued, close the database and end the thread."""
        last = self.submit(_nothing)
        self._closed = True
        with suppress(LedgerError):
            await last
        await self._loop.run_in_executor(self._executor, self._engine.dispose)
        # The thread has nothing left to do: this waits for no disk.
        self._executor.shutdown()

    def _next(self) -> None:
        """Hand the thread what is waiting."""
        if not self._queue:
            self._running = False
            return
        batch = [
            self._queue.popleft() for _ in range(min(len(self._queue), _LARGEST_COMMIT))
        ]
        work = self._loop.run_in_executor(
            self._executor, self._commit, [job for job, _ in batch]
        )
        work.add_done_callback(partial(self._release, [future for _, future in batch]))

    def _release(
        self,
        futures: Sequence[asyncio.Future[Any]],
        work: asyncio.Future[list[Any]],
    ) -> None:
        """Tell the callers, and go on."""
        for future, outcome in zip(futures, work.result(), strict=True):
            if future.done():
                # The caller went away; what it brought is kept all the same.
                continue
            if isinstance(outcome, LedgerError):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        self._next()

    def _connect(self) -> Engine:
        """Open the database (on the writer thread)."""
        engine = create_engine(
            "sqlite://",
            creator=self._open_file,
            poolclass=StaticPool,
            hide_parameters=True,
        )
        event.listen(engine, "begin", _begin)
        try:
            engine.connect().close()
        except DBAPIError as err:
            raise LedgerError(f"Cannot open {self._path}: {err.orig}") from err
        return engine

    def _open_file(self) -> sqlite3.Connection:
        """Return a connection that a power cut takes nothing from."""
        # Without an isolation level, transactions begin where _begin says so.
        # sqlite3 itself refuses the connection to any other thread.
        connection = sqlite3.connect(
            self._path, timeout=self._busy_timeout, isolation_level=None
        )
        try:
            # First of all: a later release's database is not to be changed.
            check_version(connection)
            _check_health(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _commit(self, jobs: Sequence[Job[Any]]) -> list[Any]:
        """Carry out jobs in one transaction (on the writer thread)."""
        try:
            with (
                Session(self._engine, expire_on_commit=False) as session,
                session.begin(),
            ):
                return [job(session) for job in jobs]
        except Exception as err:  # noqa: BLE001 - the callers are told, whatever it is
            if isinstance(err, OperationalError) or len(jobs) == 1:
                # The disk is full, or somebody has locked the database.
                return [_failure(err) for _ in jobs]
            # One of them cannot be stored; the others are not to suffer for it.
            return [outcome for job in jobs for outcome in self._commit([job])]


def _check_health(connection: sqlite3.Connection) -> None:
    """Refuse a damaged file: people are billed from what is in it."""
    (health,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if health != "ok":
        raise sqlite3.DatabaseError(health)


def _begin(connection: Connection) -> None:
    """Take the write lock first, so that no transaction fails halfway for it."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _nothing(session: Session) -> None:
    """Be a job whose end means that all before it have ended."""


def _failure(err: Exception) -> LedgerError:
    """Return an error of its own for each caller."""
    # SQLAlchemy's own words hold the statement and whose card it was about.
    reason = err.orig if isinstance(err, StatementError) else err
    failure = LedgerError(f"The database refused: {reason}")
    failure.__cause__ = err
    return failure
