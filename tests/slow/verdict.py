"""Compares what is in the ledger with what the chargers know."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
import shutil
import sqlite3
from tempfile import TemporaryDirectory
from typing import Any

from .charger import Charger
from .sessions import REASONS, Session

type Row = dict[str, Any]


@dataclass
class Verdict:
    """What is wrong, and how many confirmations never arrived."""

    wrongs: list[str] = field(default_factory=list)
    starts_untold: int = 0
    stops_untold: int = 0


def examine(database: Path, chargers: Sequence[Charger], *, settled: bool) -> Verdict:
    """Judge the database of a Home Assistant that is not running.

    `settled`: all is confirmed, so nothing may be open or unknown.
    """
    with TemporaryDirectory() as folder:
        # A copy: looking at it would tidy up what the kill has left.
        copy = Path(folder) / database.name
        for file in (database, database.with_name(f"{database.name}-wal")):
            if file.exists():
                shutil.copy(file, folder)
        with closing(sqlite3.connect(copy)) as connection:
            connection.row_factory = sqlite3.Row
            health = connection.execute("PRAGMA integrity_check").fetchall()
            rows = [
                dict(row)
                for row in connection.execute("SELECT * FROM transactions ORDER BY id")
            ]
            orphans = [
                dict(row) for row in connection.execute("SELECT * FROM orphan_stops")
            ]
    verdict = Verdict([f"Damaged: {tuple(row)}" for row in health if row[0] != "ok"])
    verdict.wrongs += [f"Orphan: {orphan}" for orphan in orphans]
    _check_order(verdict, rows, chargers)
    sessions = [session for charger in chargers for session in charger.sessions]
    _check_sessions(verdict, rows, sessions)
    if settled:
        verdict.wrongs += [
            f"Never settled: {session}" for session in sessions if not session.stopped
        ]
    return verdict


def _check_order(
    verdict: Verdict, rows: Sequence[Row], chargers: Iterable[Charger]
) -> None:
    """Ids rise in time, for all that is stored and for what each charger was told."""
    for before, after in pairwise(rows):
        if before["received_at"] > after["received_at"]:
            verdict.wrongs.append(f"Later, but with a lower id: {before}, {after}")
    for charger in chargers:
        if any(a >= b for a, b in pairwise(charger.ids)):
            verdict.wrongs.append(f"{charger.identity} got ids {charger.ids}")
    given = Counter(number for charger in chargers for number in charger.ids)
    verdict.wrongs += [
        f"Id {n} was given twice" for n, times in given.items() if times > 1
    ]


def _check_sessions(
    verdict: Verdict, rows: Sequence[Row], sessions: Sequence[Session]
) -> None:
    """Each session has its row, and no row is without a session."""
    stored = {row["id"]: row for row in rows}
    unconfirmed: dict[tuple[Any, ...], Session] = {}
    for session in sessions:
        if session.id is None:
            if session.starts_sent:
                # One charger has one message under way at a time.
                unconfirmed[_as_said(session)] = session
        elif (row := stored.pop(session.id, None)) is None:
            verdict.wrongs.append(f"Lost: {session}")
        else:
            _check_row(verdict, row, session)
    for row in stored.values():
        said = unconfirmed.pop(_as_stored(row), None)
        if said is None:
            verdict.wrongs.append(f"Nobody's: {row}")
        else:
            verdict.starts_untold += 1
            said.stored = row["id"]
            _check_row(verdict, row, said)


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
        datetime.fromisoformat(row["started"]),
    )


def _check_row(verdict: Verdict, row: Row, session: Session) -> None:
    """A row says what its charger said."""

    def check(what: str, *, holds: bool) -> None:
        if not holds:
            verdict.wrongs.append(f"{what}: {row}, but {session}")

    check("Another start", holds=_as_stored(row) == _as_said(session))
    check("Another id", holds=session.stored in (None, row["id"]))
    check("Not accepted", holds=row["authorization"] == "Accepted")
    check("Guessed", holds=not row["inferred"])
    if row["stop_received_at"] is None:
        check("Lost stop", holds=not session.stopped)
        check("Half a stop", holds=row["ended"] is row["meter_stop"] is None)
        check("Half a stop", holds=row["stop_reason"] is None)
        return
    if not session.stops_sent or session.ended is None or session.meter_stop is None:
        check("Nobody's stop", holds=False)
        return
    verdict.stops_untold += not session.stopped
    ended = datetime.fromisoformat(row["ended"])
    check("Another end", holds=ended == session.ended.replace(tzinfo=None))
    check("Another register", holds=row["meter_stop"] == session.meter_stop)
    check("Another reason", holds=row["stop_reason"] == REASONS[session.reason])
    energy = session.meter_stop - session.meter_start
    check("Another energy", holds=row["meter_stop"] - row["meter_start"] == energy)
    if "energy" in row:
        check("Another energy", holds=row["energy"] == energy)
