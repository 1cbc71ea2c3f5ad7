"""Versions of the database."""

from pathlib import Path
import re
import sqlite3
from typing import Any

import pytest
from sqlalchemy import create_engine

from custom_components.ocpp_central.ledger import Ledger, LedgerError, LedgerTooNewError
from custom_components.ocpp_central.ledger.migrations import MIGRATIONS, migrate
from custom_components.ocpp_central.ledger.schema import Base

from .common import a_start, rows


def shape(path: Path) -> dict[str, Any]:
    """Return what a database consists of."""
    connection = sqlite3.connect(path)
    names = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
    ).fetchall()
    # Columns that came later stand behind the others, with a default for old rows.
    found: dict[str, Any] = {}
    for kind, name, sql in names:
        if kind == "index":
            found[name] = re.sub(r"\s+", " ", sql)
            continue
        columns = connection.execute(f"PRAGMA table_xinfo({name})")
        found[name] = (
            {
                column: (type_, required, key)
                for _, column, type_, required, _, key, _ in columns
            },
            "AUTOINCREMENT" in sql,
            "WITHOUT ROWID" in sql,
        )
    connection.close()
    return found


def version(path: Path) -> int:
    """Return the version in a database."""
    connection = sqlite3.connect(path)
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(number)


async def test_migrations_lead_to_the_tables_in_use(path: Path, tmp_path: Path) -> None:
    """The history and the present tell the same."""
    ledger = Ledger(path)
    await ledger.open()
    await ledger.close()
    assert version(path) == len(MIGRATIONS) == 3

    declared = tmp_path / "declared.db"
    engine = create_engine(f"sqlite:///{declared}")
    Base.metadata.create_all(engine)
    engine.dispose()
    assert shape(path) == shape(declared)


async def test_opening_again_changes_nothing(path: Path) -> None:
    """A database of the current version is left as it is."""
    ledger = Ledger(path)
    await ledger.open()
    await ledger.start(a_start())
    await ledger.close()
    before = (shape(path), rows(path))
    await ledger.open()
    await ledger.close()
    assert (shape(path), rows(path)) == before


async def test_a_newer_database_is_not_touched(path: Path) -> None:
    """Somebody went back to an older release."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE sessions (id INTEGER PRIMARY KEY)")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerTooNewError, match="version 4, written by a later"):
        await Ledger(path).open()
    assert path.read_bytes() == before


async def test_a_foreign_database(path: Path) -> None:
    """Tables that are not ours are not taken over."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE transactions (id INTEGER PRIMARY KEY)")
    connection.close()
    with pytest.raises(LedgerError, match="already exists"):
        await Ledger(path).open()
    assert version(path) == 0


async def test_a_database_that_lost_its_tables(path: Path) -> None:
    """An error when it is opened; the thread does not stay behind."""
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.close()
    with pytest.raises(LedgerError, match="no such table"):
        await Ledger(path).open()


def test_a_failed_migration_leaves_the_version_before(path: Path) -> None:
    """Each step is whole or not there, and the next start goes on from it."""
    connection = sqlite3.connect(path, isolation_level=None)
    later = ("ALTER TABLE transactions ADD COLUMN price FLOAT",)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, (*MIGRATIONS, (*later, "CREATE NONSENSE")))
    connection.execute("SELECT raw_start FROM transactions")
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("SELECT price FROM transactions")
    assert version(path) == len(MIGRATIONS)

    migrate(connection, (*MIGRATIONS, later))
    connection.execute("SELECT price FROM transactions")
    assert version(path) == len(MIGRATIONS) + 1
    connection.close()
