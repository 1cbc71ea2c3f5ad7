"""How the database came to be what it is, version by version.

A migration, once released, is never edited: files exist that went through it.
"""

import sqlite3
from typing import Final

from .errors import LedgerTooNewError

_TRANSACTIONS_1: Final = """
CREATE TABLE transactions (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    identity VARCHAR NOT NULL,
    connector INTEGER NOT NULL,
    id_token VARCHAR,
    authorization VARCHAR NOT NULL,
    started DATETIME NOT NULL,
    received_at DATETIME NOT NULL,
    meter_start FLOAT,
    meter_last FLOAT,
    progressed_at DATETIME,
    carried BOOLEAN NOT NULL,
    ended DATETIME,
    meter_stop FLOAT,
    stop_reason VARCHAR,
    stop_id_token VARCHAR,
    stop_received_at DATETIME,
    inferred BOOLEAN NOT NULL,
    raw_start JSON NOT NULL,
    raw_stop JSON
)
"""

_ORPHAN_STOPS_1: Final = """
CREATE TABLE orphan_stops (
    id INTEGER NOT NULL PRIMARY KEY,
    identity VARCHAR NOT NULL,
    transaction_id VARCHAR NOT NULL,
    ended DATETIME NOT NULL,
    received_at DATETIME NOT NULL,
    meter_stop FLOAT,
    stop_reason VARCHAR,
    id_token VARCHAR,
    raw_stop JSON NOT NULL
)
"""

_COLUMNS_2: Final = (
    "timestamp DATETIME NOT NULL DEFAULT '1970-01-01 00:00:00.000000'",
    '"user" VARCHAR',
    "token_group VARCHAR",
    "authorized_by VARCHAR",
    "energy FLOAT",
    "register JSON",
    "cost FLOAT",
    "currency VARCHAR",
    "unpriced FLOAT NOT NULL DEFAULT 0",
    "charging FLOAT NOT NULL DEFAULT 0",
    "peak_power FLOAT",
    "soc_start FLOAT",
    "soc_end FLOAT",
    "replayed BOOLEAN NOT NULL DEFAULT 0",
    "corrected BOOLEAN NOT NULL DEFAULT 0",
    "revision INTEGER NOT NULL DEFAULT 0",
    "published INTEGER NOT NULL DEFAULT 0",
)

_SESSION_HOURS_2: Final = """
CREATE TABLE session_hours (
    session_id INTEGER NOT NULL,
    hour DATETIME NOT NULL,
    energy FLOAT NOT NULL,
    cost FLOAT NOT NULL,
    unpriced FLOAT NOT NULL,
    PRIMARY KEY (session_id, hour)
) WITHOUT ROWID
"""

_SIGNED_VALUES_2: Final = """
CREATE TABLE signed_values (
    id INTEGER NOT NULL PRIMARY KEY,
    session_id INTEGER NOT NULL,
    value JSON NOT NULL
)
"""

_METERS_2: Final = """
CREATE TABLE meters (
    identity VARCHAR NOT NULL,
    connector INTEGER NOT NULL,
    register JSON NOT NULL,
    PRIMARY KEY (identity, connector)
) WITHOUT ROWID
"""

_REPLAYED_2: Final = """
CREATE TABLE replayed (
    identity VARCHAR NOT NULL,
    connector INTEGER NOT NULL,
    time DATETIME NOT NULL,
    energy FLOAT NOT NULL,
    PRIMARY KEY (identity, connector, time)
) WITHOUT ROWID
"""

_PRICES_2: Final = """
CREATE TABLE prices (
    start DATETIME NOT NULL PRIMARY KEY,
    until DATETIME,
    per_kwh FLOAT NOT NULL,
    currency VARCHAR NOT NULL
)
"""

# The statements that lead to version 1, to version 2, and so on.
MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        _TRANSACTIONS_1,
        "CREATE INDEX transactions_by_start"
        " ON transactions (identity, connector, started)",
        "CREATE INDEX transactions_open"
        " ON transactions (identity, connector) WHERE ended IS NULL",
        _ORPHAN_STOPS_1,
        "CREATE INDEX orphan_stops_by_id"
        " ON orphan_stops (identity, transaction_id, ended)",
    ),
    (
        *(f"ALTER TABLE transactions ADD COLUMN {column}" for column in _COLUMNS_2),
        "UPDATE transactions SET timestamp = started,"
        " energy = max(0, coalesce(meter_stop, meter_last) - meter_start)",
        # A charger that did not know the time started when it said so.
        "UPDATE transactions SET started = received_at WHERE started < '2015'",
        "DROP INDEX transactions_by_start",
        "CREATE INDEX transactions_by_timestamp"
        " ON transactions (identity, connector, timestamp)",
        "CREATE INDEX transactions_by_start ON transactions (started)",
        "CREATE INDEX transactions_unpublished"
        " ON transactions (id) WHERE published < revision",
        _SESSION_HOURS_2,
        "CREATE INDEX session_hours_by_hour ON session_hours (hour)",
        _SIGNED_VALUES_2,
        "CREATE INDEX signed_values_by_session ON signed_values (session_id)",
        _METERS_2,
        _REPLAYED_2,
        _PRICES_2,
    ),
    (
        "ALTER TABLE transactions ADD COLUMN charger_id VARCHAR",
        "ALTER TABLE transactions ADD COLUMN taken_up BOOLEAN NOT NULL DEFAULT 0",
        "CREATE INDEX transactions_by_charger_id ON transactions"
        " (identity, charger_id) WHERE charger_id IS NOT NULL",
    ),
)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def check_version(connection: sqlite3.Connection) -> None:
    """Raise if a later release has been at the database."""
    if (version := _version(connection)) > len(MIGRATIONS):
        raise LedgerTooNewError(
            f"The database has version {version}, written by a later release;"
            f" this one knows versions up to {len(MIGRATIONS)}"
        )


def migrate(
    connection: sqlite3.Connection,
    migrations: tuple[tuple[str, ...], ...] = MIGRATIONS,
) -> None:
    """Bring the database to the newest version, each step whole or not at all."""
    for number, statements in enumerate(migrations, start=1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Asked under the lock: somebody else may be migrating as well.
            if _version(connection) < number:
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
