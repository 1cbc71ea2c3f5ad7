"""A central system whose ledger is on disk, and the ways that it comes back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
import shutil
import sqlite3
from typing import Any, Self

from aiohttp import ClientSession

from custom_components.ocpp_central.csms.prices import Prices
from custom_components.ocpp_central.ledger import Ledger

from .common import NEVER, Central


class Durable:
    """One central system after the other, on one ledger."""

    central: Central
    ledger: Ledger

    def __init__(self, folder: Path, prices: Prices) -> None:
        """Take where the ledger is to be."""
        self._folder = folder
        self._prices = prices
        self._generation = 0

    @property
    def path(self) -> Path:
        """Return where the ledger is."""
        return self._folder / f"{self._generation}.db"

    async def open(self) -> Self:
        """Begin to listen."""
        self._session = ClientSession()
        await self._open_ledger()
        self.central = await Central(
            self._session, ledger=self.ledger, prices=self._prices
        ).open()
        return self

    async def close(self) -> None:
        """Close all that is open."""
        await self.central.close()
        await self.ledger.close()
        await self._session.close()

    async def restart(self) -> None:
        """Be another process."""
        await self.central.close()
        await self.ledger.close()
        await self._go_on()

    async def power_cut(self) -> None:
        """Be another process, with nothing but what was on the disk."""
        before = self.path
        self._generation += 1
        shutil.copy(before, self.path)
        shutil.copy(f"{before}-wal", f"{self.path}-wal")
        await self.central.close()
        await self.ledger.close()
        await self._go_on()

    def rows(self, table: str = "transactions") -> list[dict[str, Any]]:
        """Read a table the way any other program would, in the order of its key."""
        connection = sqlite3.connect(self.path)
        try:
            connection.row_factory = sqlite3.Row
            query = f"SELECT * FROM {table} ORDER BY 1, 2"  # noqa: S608 - our own
            return [dict(row) for row in connection.execute(query)]
        finally:
            connection.close()

    async def row(self, number: int) -> dict[str, Any]:
        """Return a transaction, after all there is has been written."""
        await self.ledger.drain()
        (row,) = [row for row in self.rows() if row["id"] == number]
        return row

    async def _open_ledger(self) -> None:
        self.ledger = Ledger(self.path, prices=self._prices, progress_interval=NEVER)
        await self.ledger.open()

    async def _go_on(self) -> None:
        await self._open_ledger()
        self.central.ledger = self.ledger
        await self.central.restart()


@asynccontextmanager
async def durable_system(
    folder: Path, prices: Prices | None = None
) -> AsyncIterator[Durable]:
    """Run a central system on a ledger."""
    durable = await Durable(folder, prices or Prices()).open()
    try:
        yield durable
    finally:
        await durable.close()
