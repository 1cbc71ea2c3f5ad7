"""The ledger: what the central system asks for, carried to the writer thread."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
import logging
from pathlib import Path
from typing import override

from custom_components.ocpp_central.csms.model import (
    SessionLedger,
    Transaction,
    TransactionStart,
    TransactionStop,
)

from . import records
from .records import MAX_ID, Note, TransactionIds
from .writer import Writer

_LOGGER = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Ledger(SessionLedger):
    """Keeps transactions in one SQLite file; every touch of it on one thread."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], datetime] = _now,
        progress_interval: float = 60.0,
        busy_timeout: float = 5.0,
    ) -> None:
        """Take the file, and how often (in seconds) registers are written."""
        self._clock = clock
        self._interval = progress_interval
        self._writer = Writer(path, busy_timeout)
        self._opened = False
        self._ids = TransactionIds(0)
        # What has been noted and is not known to be on disk. The writer thread
        # looks things up in here, so that an end never misses the last register.
        self._notes: dict[int, Note] = {}
        # Transactions written as carried, and those heard of in this interval.
        self._carried: set[int] = set()
        self._heard: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._behind = False

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

    @override
    async def start(self, start: TransactionStart) -> Transaction:
        return await self._writer.submit(
            partial(
                records.start,
                start=start,
                received=self._clock(),
                ids=self._ids,
                notes=self._notes,
            )
        )

    @override
    async def stop(self, stop: TransactionStop) -> Transaction | None:
        return await self._writer.submit(
            partial(records.stop, stop=stop, received=self._clock(), notes=self._notes)
        )

    @override
    async def open_transactions(self, identity: str) -> Sequence[Transaction]:
        return await self._writer.submit(
            partial(records.open_transactions, identity=identity, notes=self._notes)
        )

    @override
    def progress(self, transaction: Transaction) -> None:
        if not self._opened or not 0 < transaction.id <= MAX_ID:
            return
        note = Note(transaction.meter_last, transaction.carried, self._clock())
        self._notes[transaction.id] = note
        self._heard.add(transaction.id)
        if note.carried and transaction.id not in self._carried:
            self._carried.add(transaction.id)
            self._write({transaction.id: note})
        elif self._timer is None:
            self._schedule()

    def _schedule(self) -> None:
        """Write the registers of all transactions together, in a while."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._interval, self._write_notes)

    def _write_notes(self) -> None:
        """Write what has been noted of all transactions."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # Whoever was silent for a whole interval may be written at once again;
        # so the sets hold the living only.
        self._carried &= self._heard
        self._heard.clear()
        if self._notes:
            self._write(self._notes.copy())

    def _write(self, notes: Mapping[int, Note]) -> None:
        """Queue notes, behind the starts and stops that came before them."""
        self._writer.submit(partial(records.progress, notes=notes)).add_done_callback(
            partial(self._written, notes)
        )

    def _written(self, notes: Mapping[int, Note], future: asyncio.Future[None]) -> None:
        """Forget what is on disk, keep the rest for the next time."""
        if (error := future.exception()) is not None:
            if not self._behind:
                _LOGGER.warning("Meter registers wait for the disk: %s", error)
            self._behind = True
            if self._opened and self._timer is None:
                self._schedule()
            return
        self._behind = False
        for number, note in notes.items():
            if self._notes.get(number) is note:
                del self._notes[number]
