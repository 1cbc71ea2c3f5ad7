"""Keeps the database's files such that they can be copied while they are written to."""

from pathlib import Path
import sqlite3

# Starts and stops wait as long, should somebody else be at the database.
_BUSY_TIMEOUT = 1.0


def hold(path: Path) -> sqlite3.Connection | None:
    """Hold off all checkpoints of a database, if there is one.

    Until the connection is closed, by whichever thread, nobody begins the log beside
    the main file anew or deletes it. It only grows, and holds whatever may be changing
    in the main file; so a copy of both, in any order, is the database of some moment.
    """
    if not path.exists():
        return None
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        _check_mode(connection)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        # So that the main file alone is worth something too. Somebody who reads can
        # refuse this; what follows does without.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        _write(connection)
        # A reader keeps everybody's checkpoints, even a last connection's, from the
        # frames it may need.
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _check_mode(connection: sqlite3.Connection) -> None:
    """Refuse a database without a log: a reader would keep everybody from writing."""
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        raise sqlite3.OperationalError(f"its journal mode is {mode}")


def _write(connection: sqlite3.Connection) -> None:
    """Commit something that changes nothing.

    A reader only keeps a log from being begun anew that holds more than the main file.
    """
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("COMMIT")
