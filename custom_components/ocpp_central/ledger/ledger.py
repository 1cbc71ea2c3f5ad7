"""The ledger: what the central system asks for, carried to the writer thread."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
import logging
from pathlib import Path
import sqlite3
from typing import override

from custom_components.ocpp_central.csms.model import (
    Amendment,
    EndedTransaction,
    SessionLedger,
    Transaction,
    TransactionStart,
    TransactionStop,
)
from custom_components.ocpp_central.csms.prices import Prices
from custom_components.ocpp_central.csms.register import Register

from . import records
from .errors import LedgerError
from .hold import hold
from .notes import Note, note_of, put_back, write_notes
from .records import MAX_ID, TransactionIds
from .writer import Job, Writer

_LOGGER = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


def _nobody() -> None:
    """Be told something that nobody wants to know."""


@dataclass(slots=True)
class _Pending:
    """What has come in and is not written."""

    # Transactions, with the time of the last word of them.
    transactions: dict[int, tuple[Transaction, datetime]] = field(default_factory=dict)
    ended: dict[int, Transaction] = field(default_factory=dict)
    meters: dict[tuple[str, int], Register] = field(default_factory=dict)
    # Lifetime energy at times that nobody listened.
    replayed: dict[tuple[str, int, datetime], float] = field(default_factory=dict)

    def __or__(self, newer: _Pending) -> _Pending:
        """Return both; of one and the same thing, the newer."""
        return _Pending(
            self.transactions | newer.transactions,
            self.ended | newer.ended,
            self.meters | newer.meters,
            self.replayed | newer.replayed,
        )


class Ledger(SessionLedger):
    """Keeps transactions in one SQLite file; every touch of it on one thread."""

    def __init__(
        self,
        path: Path,
        *,
        prices: Prices | None = None,
        clock: Callable[[], datetime] = _now,
        progress_interval: float = 60.0,
        busy_timeout: float = 5.0,
    ) -> None:
        """Take the file, and how often (in seconds) registers are written."""
        self._path = path
        self._clock = clock
        self._interval = progress_interval
        self._writer = Writer(path, busy_timeout)
        self._opened = False
        self._ids = TransactionIds(0)
        self._prices = prices or Prices()
        self._pending = _Pending()
        # Transactions written as carried, and those heard of in this interval.
        self._carried: set[int] = set()
        self._heard: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._behind = False
        # Told when a session has ended, or something came in after the fact.
        self.on_news: Callable[[], None] = _nobody

    async def open(self) -> None:
        """Open or create the database; LedgerError if it cannot be used."""
        await self._writer.open()
        try:
            self._ids = TransactionIds(await self._writer.submit(records.last_id))
        except BaseException:
            await self._writer.close()
            raise
        self._opened = True

    async def close(self) -> None:
        """Write all there is and let go of the file."""
        if not self._opened:
            return
        self._opened = False
        self._write_notes()
        await self._writer.close()

    async def drain(self) -> None:
        """Write all there is; returns when it is on disk."""
        if not self._opened:
            return
        self._write_notes()
        await self._writer.drain()

    async def hold(self) -> sqlite3.Connection | None:
        """Make the files fit for being copied, until what this returns is closed.

        None if there is no file; the ledger need not be open.
        """
        return await self._writer.between_commits(partial(hold, self._path))

    async def ask[T](self, job: Job[T]) -> T:
        """Have something done on the database, after all that has come in so far."""
        self._write_notes()
        return await self._writer.submit(job)

    @override
    async def start(
        self, start: TransactionStart, running: Sequence[Transaction] = ()
    ) -> Transaction:
        with self._noted(running) as notes:
            return await self._writer.submit(
                partial(
                    records.start,
                    start=start,
                    received=self._clock(),
                    ids=self._ids,
                    running=notes,
                )
            )

    @override
    async def stop(
        self, stop: TransactionStop, running: Sequence[Transaction] = ()
    ) -> Transaction | None:
        self.on_news()
        with self._noted(running) as notes:
            transaction = await self._writer.submit(
                partial(
                    records.stop,
                    stop=stop,
                    received=self._clock(),
                    running=notes,
                    prices=self._prices.copy(),
                )
            )
        # With the meter as it stood then, which is noted next: some begin anew.
        asyncio.get_running_loop().call_soon(self._write_notes)
        return transaction

    @override
    async def amend(self, amendment: Amendment) -> None:
        # Behind what has been noted: it may have been an end.
        await self.ask(partial(records.amend, amendment=amendment))
        self.on_news()

    @override
    async def open_transactions(self, identity: str) -> Sequence[Transaction]:
        return await self.ask(partial(records.open_transactions, identity=identity))

    @override
    async def ended_transactions(self, identity: str) -> Sequence[EndedTransaction]:
        return await self.ask(partial(records.ended_transactions, identity=identity))

    @override
    async def meters(self, identity: str) -> Mapping[int, Register]:
        return await self.ask(partial(records.meters, identity=identity))

    @override
    def progress(self, transaction: Transaction) -> None:
        if not self._opened or not 0 < transaction.id <= MAX_ID:
            return
        self._pending.transactions[transaction.id] = transaction, self._clock()
        self._heard.add(transaction.id)
        if transaction.carried and transaction.id not in self._carried:
            self._carried.add(transaction.id)
            # Whoever restarts now has to know: the next like start is no retry.
            self._write(
                _Pending({transaction.id: self._pending.transactions[transaction.id]})
            )
        else:
            self._schedule()

    @override
    def end(self, transaction: Transaction) -> None:
        if self._opened:
            self._pending.ended[transaction.id] = transaction
            self._write_notes()
            self.on_news()

    @override
    def meter(self, identity: str, connector: int, register: Register) -> None:
        if self._opened:
            self._pending.meters[identity.casefold(), connector] = register
            self._schedule()

    @override
    def replay(
        self, identity: str, connector: int, points: Sequence[tuple[datetime, float]]
    ) -> None:
        if self._opened:
            for time, energy in points:
                self._pending.replayed[identity.casefold(), connector, time] = energy
            self._schedule()
            self.on_news()

    @contextmanager
    def _noted(self, running: Sequence[Transaction]) -> Iterator[Sequence[Note]]:
        """Take along all that is known of some transactions."""
        heard = self._pending.transactions
        notes = [
            note_of(one, heard[one.id][1] if one.id in heard else None, whole=True)
            for one in running
        ]
        try:
            yield notes
        except LedgerError:
            put_back(running, notes)
            raise

    def _schedule(self) -> None:
        """Write the registers of all transactions together, in a while."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._interval, self._write_notes)

    def _write_notes(self) -> None:
        """Write what has been noted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # Whoever was silent for a whole interval may be written at once again;
        # so the sets hold the living only.
        self._carried &= self._heard
        self._heard.clear()
        pending, self._pending = self._pending, _Pending()
        if any((pending.transactions, pending.ended, pending.meters, pending.replayed)):
            self._write(pending)

    def _write(self, pending: _Pending) -> None:
        """Queue notes, behind the starts and stops that came before them."""
        running = [
            *(transaction for transaction, _ in pending.transactions.values()),
            *pending.ended.values(),
        ]
        notes = [
            *(note_of(one, at) for one, at in pending.transactions.values()),
            *(note_of(one, whole=True) for one in pending.ended.values()),
        ]
        work = self._writer.submit(
            partial(
                write_notes,
                notes=notes,
                meters={
                    place: register.copy() for place, register in pending.meters.items()
                },
                replayed=pending.replayed,
            )
        )
        work.add_done_callback(partial(self._written, pending, running, notes))

    def _written(
        self,
        pending: _Pending,
        running: Sequence[Transaction],
        notes: Sequence[Note],
        future: asyncio.Future[None],
    ) -> None:
        """Keep what is not on disk for the next time."""
        if (error := future.exception()) is None:
            self._behind = False
            return
        if not self._behind:
            _LOGGER.warning("Meter registers wait for the disk: %s", error)
        self._behind = True
        put_back(running, notes)
        self._pending = pending | self._pending
        if self._opened:
            self._schedule()
