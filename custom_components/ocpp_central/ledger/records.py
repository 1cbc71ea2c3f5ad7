"""What becomes of a start, a stop and a register in the database.

Everything in here runs on the writer thread, inside a transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Boolean, Float, bindparam, case, func, or_, select, text, update
from sqlalchemy.orm import Session

from custom_components.ocpp_central.csms.model import (
    AuthorizationStatus,
    Transaction,
    TransactionStart,
    TransactionStop,
)

from .schema import OrphanStopRow, TransactionRow, UtcDateTime

# Transaction ids are signed 32-bit numbers in many a charger.
MAX_ID: Final = 2**31 - 1

EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)

# Reached in 2054. Keeps a clock that is decades ahead from using up all ids.
_HIGHEST_FLOOR: Final = 2**30


# Built once: putting a statement together costs more than carrying it out.
_SAME_START: Final = (
    select(TransactionRow)
    .where(
        TransactionRow.identity == bindparam("identity"),
        TransactionRow.connector == bindparam("connector"),
        TransactionRow.started == bindparam("started"),
        TransactionRow.id_token == bindparam("id_token"),
        TransactionRow.meter_start.is_not_distinct_from(bindparam("meter_start")),
        TransactionRow.carried.is_(False),
    )
    .order_by(TransactionRow.id.desc())
    .limit(1)
)
_OPEN_ON_CONNECTOR: Final = select(TransactionRow).where(
    TransactionRow.identity == bindparam("identity"),
    TransactionRow.connector == bindparam("connector"),
    TransactionRow.ended.is_(None),
)
_OPEN: Final = (
    select(TransactionRow)
    .where(
        TransactionRow.identity == bindparam("identity"),
        TransactionRow.authorization == AuthorizationStatus.ACCEPTED.value,
        TransactionRow.ended.is_(None),
    )
    .order_by(TransactionRow.started, TransactionRow.id)
)
_SAME_ORPHAN: Final = select(OrphanStopRow).where(
    OrphanStopRow.identity == bindparam("identity"),
    OrphanStopRow.transaction_id == bindparam("transaction_id"),
    OrphanStopRow.ended == bindparam("ended"),
)
_PROGRESS: Final = (
    update(TransactionRow.__table__)  # type: ignore[arg-type]
    .where(TransactionRow.id == bindparam("row"))
    .values(
        carried=or_(TransactionRow.carried, bindparam("noted_carried", type_=Boolean)),
        # The registers of a session that has ended stay as they were billed.
        meter_last=case(
            (
                TransactionRow.ended.is_(None),
                func.coalesce(
                    bindparam("noted_meter", type_=Float), TransactionRow.meter_last
                ),
            ),
            else_=TransactionRow.meter_last,
        ),
        progressed_at=case(
            (TransactionRow.ended.is_(None), bindparam("noted_at", type_=UtcDateTime)),
            else_=TransactionRow.progressed_at,
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Note:
    """The newest of a transaction that is perhaps not written yet."""

    meter_last: float | None
    carried: bool
    at: datetime


class TransactionIds:
    """Numbers for transactions, each higher than the last one."""

    def __init__(self, last: int) -> None:
        """Go on after an id."""
        self._last = last

    def next(self, now: datetime) -> int:
        """Return an id that nobody has been given before.

        At least the seconds since 2020: a database restored from a backup does
        not know of the ids given out since, but time has gone on.
        """
        floor = min(int((now - EPOCH).total_seconds()), _HIGHEST_FLOOR)
        if (number := max(self._last + 1, floor)) > MAX_ID:
            raise OverflowError("No transaction ids are left")
        self._last = number
        return number


def last_id(session: Session) -> int:
    """Return the highest id given out so far."""
    # sqlite_sequence remembers rows that have been deleted since.
    statement = text("SELECT seq FROM sqlite_sequence WHERE name = 'transactions'")
    return session.execute(statement).scalar() or 0


def start(
    session: Session,
    start: TransactionStart,
    received: datetime,
    ids: TransactionIds,
    notes: Mapping[int, Note],
) -> Transaction:
    """Give a start its row, or find the one it has."""
    identity = start.identity.casefold()
    retried = session.scalars(
        _SAME_START,
        {
            "identity": identity,
            "connector": start.connector,
            "started": start.timestamp,
            "id_token": start.id_token,
            "meter_start": start.meter_start,
        },
    ).first()
    if retried is not None:
        # The charger never got the first answer: this one counts.
        retried.authorization = start.authorization
        return retried.as_transaction()

    for older in session.scalars(
        _OPEN_ON_CONNECTOR, {"identity": identity, "connector": start.connector}
    ):
        _infer_end(older, start, received, notes.get(older.id))

    row = TransactionRow(
        id=ids.next(received),
        identity=identity,
        connector=start.connector,
        id_token=start.id_token,
        authorization=start.authorization,
        started=start.timestamp,
        received_at=received,
        meter_start=start.meter_start,
        carried=False,
        inferred=False,
        raw_start=start.raw,
    )
    session.add(row)
    return row.as_transaction()


def _infer_end(
    older: TransactionRow,
    start: TransactionStart,
    received: datetime,
    note: Note | None,
) -> None:
    """End a transaction that the connector must have ended by now."""
    # A charger whose clock was never set starts in 1970 or 2000.
    began = start.timestamp if start.timestamp >= EPOCH else received
    if began < older.started:
        # A start from the past, told late: the open transaction is the newer one.
        return
    if note is not None:
        _take_register(older, note)
    older.ended = max(older.started, older.progressed_at or began)
    older.meter_stop = older.meter_last
    older.inferred = True


def stop(
    session: Session,
    stop: TransactionStop,
    received: datetime,
    notes: Mapping[int, Note],
) -> Transaction | None:
    """Record an end, with the transaction or as an orphan."""
    row = (
        session.get(TransactionRow, stop.transaction_id)
        if 0 < stop.transaction_id <= MAX_ID
        else None
    )
    if row is None or row.identity != stop.identity.casefold():
        _keep_orphan(session, stop, received)
        return None
    if row.stop_received_at is None:
        if (note := notes.get(row.id)) is not None:
            _take_register(row, note)
        if stop.meter_stop is not None:
            row.meter_last = stop.meter_stop
        row.ended = stop.timestamp
        row.meter_stop = row.meter_last
        row.stop_reason = stop.reason
        row.stop_id_token = stop.id_token
        row.stop_received_at = received
        row.raw_stop = stop.raw
        row.carried = True
    return row.as_transaction()


def _keep_orphan(session: Session, stop: TransactionStop, received: datetime) -> None:
    """Keep an end that belongs to nothing we know, once."""
    identity = stop.identity.casefold()
    known = session.scalars(
        _SAME_ORPHAN,
        {
            "identity": identity,
            "transaction_id": str(stop.transaction_id),
            "ended": stop.timestamp,
        },
    )
    said = (stop.meter_stop, stop.reason, stop.id_token, stop.raw)
    if any(
        said == (row.meter_stop, row.stop_reason, row.id_token, row.raw_stop)
        for row in known
    ):
        return
    session.add(
        OrphanStopRow(
            identity=identity,
            transaction_id=str(stop.transaction_id),
            ended=stop.timestamp,
            received_at=received,
            meter_stop=stop.meter_stop,
            stop_reason=stop.reason,
            id_token=stop.id_token,
            raw_stop=stop.raw,
        )
    )


def _take_register(row: TransactionRow, note: Note) -> None:
    """Bring a row up to what has been noted."""
    if note.meter_last is not None:
        row.meter_last = note.meter_last
    row.progressed_at = note.at


def progress(session: Session, notes: Mapping[int, Note]) -> None:
    """Write what has been noted."""
    session.connection().execute(
        _PROGRESS,
        [
            {
                "row": number,
                "noted_carried": note.carried,
                "noted_meter": note.meter_last,
                "noted_at": note.at,
            }
            for number, note in notes.items()
        ],
    )


def open_transactions(
    session: Session, identity: str, notes: Mapping[int, Note]
) -> list[Transaction]:
    """Return the accepted transactions that have not ended, oldest first."""
    transactions = [
        row.as_transaction()
        for row in session.scalars(_OPEN, {"identity": identity.casefold()})
    ]
    for transaction in transactions:
        note = notes.get(transaction.id)
        if note is not None and note.meter_last is not None:
            transaction.meter_last = note.meter_last
    return transactions
