"""Compares what is in the ledger with what the chargers know."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
import json
from math import isclose
from pathlib import Path
import shutil
import sqlite3
from tempfile import TemporaryDirectory
from typing import Any

from .charger import Charger
from .sessions import REASONS, Session

type Row = dict[str, Any]


@dataclass
class Ledger:
    """What was found in the database."""

    health: list[Row]
    transactions: list[Row]
    orphans: list[Row]
    #: What each transaction used, added up from its hours, by id.
    hours: dict[int, float]
    #: Lifetime energy, by identity and connector.
    lifetime: dict[tuple[str, int], float]


def read(database: Path) -> Ledger:
    """Read a copy: looking at the database would tidy up what the kill has left."""
    with TemporaryDirectory() as folder:
        for file in (database, database.with_name(f"{database.name}-wal")):
            if file.exists():
                shutil.copy(file, folder)
        with closing(sqlite3.connect(Path(folder) / database.name)) as connection:
            connection.row_factory = sqlite3.Row

            def rows(query: str) -> list[Row]:
                return [dict(row) for row in connection.execute(query)]

            hours = rows(
                "SELECT session_id, SUM(energy) AS energy FROM session_hours"
                " GROUP BY session_id"
            )
            return Ledger(
                rows("PRAGMA integrity_check"),
                rows("SELECT * FROM transactions ORDER BY id"),
                rows("SELECT * FROM orphan_stops"),
                {row["session_id"]: row["energy"] for row in hours},
                {
                    (row["identity"], row["connector"]): json.loads(row["register"])[
                        "total"
                    ]
                    for row in rows("SELECT * FROM meters")
                },
            )


def examine(database: Path, chargers: Sequence[Charger], *, settled: bool) -> list[str]:
    """Return what is wrong in the database of a Home Assistant that is not running.

    `settled`: all has been confirmed.
    """
    ledger = read(database)
    wrongs = [f"Damaged: {row}" for row in ledger.health if "ok" not in row.values()]
    wrongs += [f"Orphan: {row}" for row in ledger.orphans]
    _check_order(wrongs, ledger.transactions, chargers)
    sessions = [session for charger in chargers for session in charger.sessions]
    _check_sessions(wrongs, ledger, sessions)
    if settled:
        wrongs += [
            f"Never settled: {session}" for session in sessions if not session.stopped
        ]
        stood = {
            (session.identity.casefold(), session.connector): session.meter_stop
            for session in sessions
        }
        if ledger.lifetime != stood:
            wrongs.append(f"Another lifetime: {ledger.lifetime}, but {stood}")
    return wrongs


def _check_order(
    wrongs: list[str], rows: Sequence[Row], chargers: Iterable[Charger]
) -> None:
    """Ids rise in time, for all that is stored and for what each charger was told."""
    wrongs += [
        f"Later, but with a lower id: {before}, {after}"
        for before, after in pairwise(rows)
        if before["received_at"] > after["received_at"]
    ]
    wrongs += [
        f"{charger.identity} got ids {charger.ids}"
        for charger in chargers
        if any(a >= b for a, b in pairwise(charger.ids))
    ]
    given = Counter(number for charger in chargers for number in charger.ids)
    wrongs += [f"Id {n} was given twice" for n, times in given.items() if times > 1]


def _check_sessions(
    wrongs: list[str], ledger: Ledger, sessions: Sequence[Session]
) -> None:
    """Each session has its row, and no row is without a session."""
    stored = {row["id"]: row for row in ledger.transactions}
    unconfirmed: dict[tuple[Any, ...], Session] = {}
    for session in sessions:
        if session.id is None:
            if session.starts_sent:
                # A charger has one message under way at a time.
                unconfirmed[_as_said(session)] = session
        elif (row := stored.pop(session.id, None)) is None:
            wrongs.append(f"Lost: {session}")
        else:
            _check_row(wrongs, ledger, row, session)
    for row in stored.values():
        said = unconfirmed.pop(_as_stored(row), None)
        if said is None:
            wrongs.append(f"Nobody's: {row}")
        else:
            if said.stored is None:
                said.stored = row["id"]
            _check_row(wrongs, ledger, row, said)
    wrongs += [
        f"Gone: {session}"
        for session in unconfirmed.values()
        if session.stored is not None
    ]


def _as_said(session: Session) -> tuple[Any, ...]:
    return (
        session.identity.casefold(),
        session.connector,
        session.token,
        session.meter_start,
        session.started.replace(tzinfo=None),
    )


def _as_stored(row: Row) -> tuple[Any, ...]:
    return (
        row["identity"],
        row["connector"],
        row["id_token"],
        row["meter_start"],
        datetime.fromisoformat(row["timestamp"]),
    )


def _check_row(wrongs: list[str], ledger: Ledger, row: Row, session: Session) -> None:
    """A row says what its charger said."""

    def check(what: str, *, holds: bool) -> None:
        if not holds:
            wrongs.append(f"{what}: {row}, but {session}")

    check("Another start", holds=_as_stored(row) == _as_said(session))
    # The charger's clock is ours.
    check("Another time", holds=row["started"] == row["timestamp"])
    check("Another id", holds=session.stored in (None, row["id"]))
    check("Not accepted", holds=row["authorization"] == "Accepted")
    check("Guessed", holds=not row["inferred"])
    if row["stop_received_at"] is None:
        check("Lost stop", holds=not (session.stopped or session.stop_stored))
        check("Half a stop", holds=row["ended"] is row["meter_stop"] is None)
        check("Half a stop", holds=row["stop_reason"] is None)
        return
    if not session.stops_sent or session.ended is None or session.meter_stop is None:
        check("Nobody's stop", holds=False)
        return
    session.stop_stored |= not session.stopped
    ended = datetime.fromisoformat(row["ended"])
    check("Another end", holds=ended == session.ended.replace(tzinfo=None))
    check("Another register", holds=row["meter_stop"] == session.meter_stop)
    check("Another reason", holds=row["stop_reason"] == REASONS[session.reason])
    energy = session.meter_stop - session.meter_start
    check("Another energy", holds=row["energy"] == energy)
    hours = ledger.hours.get(row["id"], 0)
    check(f"{hours} by the hour", holds=isclose(hours, energy, abs_tol=0.001))
