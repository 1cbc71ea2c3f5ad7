"""What becomes of a start, a stop and a reading in the database.

Everything in here runs on the writer thread, inside a transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session, selectinload

from custom_components.ocpp_central.csms.accounting import Account
from custom_components.ocpp_central.csms.model import (
    AuthorizationStatus,
    Transaction,
    TransactionStart,
    TransactionStop,
)
from custom_components.ocpp_central.csms.prices import Prices
from custom_components.ocpp_central.csms.register import Register

from .schema import (
    MeterRow,
    OrphanStopRow,
    ReplayedRow,
    SessionHourRow,
    SignedValueRow,
    TransactionRow,
)

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
        TransactionRow.timestamp == bindparam("timestamp"),
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
_ENDED: Final = (
    select(TransactionRow.id)
    .where(
        TransactionRow.identity == bindparam("identity"),
        TransactionRow.ended.is_not(None),
    )
    .order_by(TransactionRow.id.desc())
    .limit(50)
)
_SAME_ORPHAN: Final = select(OrphanStopRow).where(
    OrphanStopRow.identity == bindparam("identity"),
    OrphanStopRow.transaction_id == bindparam("transaction_id"),
    OrphanStopRow.ended == bindparam("ended"),
)
_WITH_HOURS: Final = (
    select(TransactionRow)
    .where(TransactionRow.id.in_(bindparam("ids", expanding=True)))
    .options(selectinload(TransactionRow.hours))
)
_METERS: Final = select(MeterRow).where(MeterRow.identity == bindparam("identity"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is to be written of a transaction that is under way."""

    id: int
    carried: bool
    meter_start: float | None
    meter_last: float | None
    account: Account
    signed: Sequence[dict[str, Any]]
    # When the charger last spoke of it; None: that is on disk.
    at: datetime | None = None
    ended: datetime | None = None


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
    running: Sequence[Note],
) -> Transaction:
    """Give a start its row, or find the one it has."""
    _note(session, running)
    identity = start.identity.casefold()
    retried = session.scalars(
        _SAME_START,
        {
            "identity": identity,
            "connector": start.connector,
            "timestamp": start.timestamp,
            "id_token": start.id_token,
            "meter_start": start.meter_start,
        },
    ).first()
    if retried is not None:
        # The charger never got the first answer: this one counts.
        retried.authorization = start.authorization
        retried.user = start.user
        retried.token_group = start.group
        return retried.as_transaction()

    started = start.started or start.timestamp
    for older in session.scalars(
        _OPEN_ON_CONNECTOR, {"identity": identity, "connector": start.connector}
    ):
        # A start from the past, told late, ends nothing.
        if older.started <= started:
            _end(older, min(_last_heard(older) or started, started))

    row = TransactionRow(
        id=ids.next(received),
        identity=identity,
        connector=start.connector,
        id_token=start.id_token,
        user=start.user,
        token_group=start.group,
        authorization=start.authorization,
        authorized_by=start.authorized_by,
        timestamp=start.timestamp,
        started=started,
        received_at=received,
        meter_start=start.meter_start,
        carried=False,
        inferred=False,
        unpriced=0.0,
        charging=0.0,
        replayed=start.account.replayed,
        register=start.account.register and start.account.register.copy(),
        energy=start.account.energy,
        raw_start=start.raw,
    )
    session.add(row)
    return row.as_transaction()


def _last_heard(row: TransactionRow) -> datetime | None:
    """Return the time of the last word of a transaction, in our time."""
    if row.progressed_at and row.replayed and row.register:
        # What came in late is as old as it says.
        return row.register.time
    return row.progressed_at


def _end(row: TransactionRow, ended: datetime) -> None:
    """End a transaction whose end nobody told."""
    row.ended = max(row.started, ended)
    row.meter_stop = row.meter_last
    row.inferred = True


def stop(
    session: Session,
    stop: TransactionStop,
    received: datetime,
    running: Sequence[Note],
    prices: Prices,
) -> Transaction | None:
    """Record an end, with the transaction or as an orphan."""
    _note(session, running)
    row = _ended_by(session, stop)
    if row is None:
        _keep_orphan(session, stop, received)
        return None
    named = _is_ours(stop.transaction_id)
    # Who names it knows better than an end that only seemed to be its own.
    if row.stop_received_at is None or (named and row.inferred and not row.corrected):
        ended = stop.ended or stop.timestamp
        account = row.account()
        for time, values in stop.readings:
            if row.started <= time <= ended:
                account.read(time, values, prices)
                row.meter_last = values.get("energy", row.meter_last)
        if stop.meter_stop is not None:
            account.finish(ended, row.meter_start, stop.meter_stop, prices)
            row.meter_last = stop.meter_stop
        account.replayed |= stop.replayed
        _enter(row, account)
        _keep_signed(session, row.id, stop.signed)
        row.corrected = row.inferred
        row.inferred |= not named
        row.ended = max(row.started, ended)
        row.meter_stop = row.meter_last
        row.stop_reason = stop.reason
        row.stop_id_token = stop.id_token
        row.stop_received_at = received
        row.raw_stop = stop.raw
        row.carried = True
    return row.as_transaction()


def _is_ours(transaction_id: int) -> bool:
    """Return whether an id can be one that we gave."""
    return 0 < transaction_id <= MAX_ID


def _ended_by(session: Session, stop: TransactionStop) -> TransactionRow | None:
    """Return the transaction that a stop ends."""
    identity = stop.identity.casefold()
    if _is_ours(stop.transaction_id):
        row = session.get(TransactionRow, stop.transaction_id)
        return row if row and row.identity == identity else None
    # With -1, 0 or a number of its own a charger ends what it was never told the id of.
    unnamed = [
        row
        for row in session.scalars(_OPEN, {"identity": identity})
        if not row.carried
        and row.started <= (stop.ended or stop.timestamp)
        and (row.meter_start or 0) <= (stop.meter_stop or row.meter_start or 0)
    ]
    return unnamed[0] if len(unnamed) == 1 else None


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


def _note(session: Session, notes: Iterable[Note]) -> None:
    """Bring transactions up to what has been noted."""
    by_id = {note.id: note for note in notes}
    for row in session.scalars(_WITH_HOURS, {"ids": list(by_id)}):
        note = by_id[row.id]
        row.carried |= note.carried
        # What a session has used stays as it was billed, once it has ended.
        if row.ended is None:
            row.meter_start = note.meter_start
            row.meter_last = note.meter_last
            row.progressed_at = note.at or row.progressed_at
            _enter(row, note.account)
            _keep_signed(session, row.id, note.signed)
            if note.ended:
                _end(row, note.ended)


def _enter(row: TransactionRow, account: Account) -> None:
    """Write what a session has used; hours that the account leaves out stay."""
    row.register = account.register and account.register.copy()
    row.energy = account.energy
    row.cost = account.cost
    row.currency = account.currency
    row.unpriced = account.unpriced
    row.charging = account.charging
    row.peak_power = account.peak_power
    row.soc_start = account.soc_start
    row.soc_end = account.soc_end
    row.replayed = account.replayed
    known = {hour.hour: hour for hour in row.hours}
    for hour, share in account.hours.items():
        if hour not in known:
            known[hour] = SessionHourRow(session_id=row.id, hour=hour)
            row.hours.append(known[hour])
        known[hour].energy = share.energy
        known[hour].cost = share.cost
        known[hour].unpriced = share.unpriced
    if account.hours:
        row.revision += 1


def _keep_signed(
    session: Session, session_id: int, values: Sequence[dict[str, Any]]
) -> None:
    session.add_all(
        SignedValueRow(session_id=session_id, value=value) for value in values
    )


def write(
    session: Session,
    notes: Sequence[Note],
    meters: Mapping[tuple[str, int], Register],
    replayed: Mapping[tuple[str, int, datetime], float],
) -> None:
    """Write what has been noted."""
    _note(session, notes)
    for (identity, connector), register in meters.items():
        session.merge(
            MeterRow(identity=identity, connector=connector, register=register)
        )
    for (identity, connector, time), energy in replayed.items():
        session.merge(
            ReplayedRow(
                identity=identity, connector=connector, time=time, energy=energy
            )
        )


def open_transactions(session: Session, identity: str) -> list[Transaction]:
    """Return the accepted transactions that have not ended, oldest first."""
    return [
        row.as_transaction()
        for row in session.scalars(_OPEN, {"identity": identity.casefold()})
    ]


def ended_transactions(session: Session, identity: str) -> list[int]:
    """Return the ids of the last transactions that have ended, oldest first."""
    return list(session.scalars(_ENDED, {"identity": identity.casefold()}))[::-1]


def meters(session: Session, identity: str) -> Mapping[int, Register]:
    """Return where the meters of a charge point stood."""
    return {
        row.connector: row.register.copy()
        for row in session.scalars(_METERS, {"identity": identity.casefold()})
    }


def note_of(
    transaction: Transaction, at: datetime | None = None, *, whole: bool = False
) -> Note:
    """Take what is to be written of a transaction: all, or what is new."""
    account = transaction.account
    signed = tuple(transaction.signed)
    transaction.signed.clear()
    hours = account.hours if whole else account.fresh
    note = Note(
        id=transaction.id,
        carried=transaction.carried,
        meter_start=transaction.meter_start,
        meter_last=transaction.meter_last,
        account=replace(
            account,
            register=account.register and account.register.copy(),
            hours={hour: replace(account.hours[hour]) for hour in hours},
        ),
        signed=signed,
        at=at,
        ended=transaction.ended,
    )
    account.fresh.clear()
    return note


def put_back(transactions: Iterable[Transaction], notes: Iterable[Note]) -> None:
    """Give back what could not be written."""
    for transaction, note in zip(transactions, notes, strict=True):
        transaction.signed[:0] = note.signed
        transaction.account.fresh.update(note.account.hours)
