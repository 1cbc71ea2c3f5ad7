"""What becomes of a start, a stop and a reading in the database.

Everything in here runs on the writer thread, inside a transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import bindparam, or_, select, text
from sqlalchemy.orm import Session

from custom_components.ocpp_central.csms.model import (
    STATION,
    Amendment,
    AuthorizationStatus,
    EndedTransaction,
    Transaction,
    TransactionStart,
    TransactionStop,
)
from custom_components.ocpp_central.csms.prices import Prices
from custom_components.ocpp_central.csms.register import Register

from .notes import Note, end_untold, enter_account, enter_notes, keep_signed
from .schema import MeterRow, OrphanStopRow, TransactionRow

# Transaction ids are signed 32-bit numbers in many a charger.
MAX_ID: Final = 2**31 - 1

EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)

# Before it, a charger's clock has not been set.
_CLOCK_SET: Final = datetime(2015, 1, 1, tzinfo=UTC)

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
# The very same start of what the charger calls by that id, which it may use again. Where
# it does not know the time either, only what no later message has carried is the same.
_SAME_EVENT: Final = (
    select(TransactionRow)
    .where(
        TransactionRow.identity == bindparam("identity"),
        TransactionRow.charger_id == bindparam("charger_id"),
        TransactionRow.timestamp == bindparam("timestamp"),
        or_(
            TransactionRow.carried.is_(False),
            TransactionRow.timestamp >= bindparam("set"),
        ),
    )
    .order_by(TransactionRow.id.desc())
    .limit(1)
)
_BY_CHARGER_ID: Final = (
    select(TransactionRow)
    .where(
        TransactionRow.identity == bindparam("identity"),
        TransactionRow.charger_id == bindparam("charger_id"),
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
    select(
        TransactionRow.id,
        TransactionRow.charger_id,
        TransactionRow.started,
        TransactionRow.ended,
        TransactionRow.stop_received_at.is_not(None),
    )
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
_METERS: Final = select(MeterRow).where(MeterRow.identity == bindparam("identity"))


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
    enter_notes(session, running)
    identity = start.identity.casefold()
    retried = _retried(session, identity, start)
    if retried is not None:
        # The charger never got the first answer: this one counts.
        if start.id_token is not None:
            retried.authorization = start.authorization
            retried.user = start.user
            retried.token_group = start.group
        return retried.as_transaction()

    started = start.started or start.timestamp
    _supersede(session, identity, start.connector, started)
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
        charger_id=start.charger_id,
        taken_up=start.taken_up,
        unpriced=0.0,
        charging=0.0,
        replayed=start.account.replayed,
        register=start.account.register and start.account.register.copy(),
        energy=start.account.energy,
        raw_start=start.raw,
    )
    session.add(row)
    return row.as_transaction()


def _retried(
    session: Session, identity: str, start: TransactionStart
) -> TransactionRow | None:
    """Return the row of a start that has come before."""
    if start.charger_id is None:
        return session.scalars(
            _SAME_START,
            {
                "identity": identity,
                "connector": start.connector,
                "timestamp": start.timestamp,
                "id_token": start.id_token,
                "meter_start": start.meter_start,
            },
        ).first()
    return session.scalars(
        _SAME_EVENT,
        {
            "identity": identity,
            "charger_id": start.charger_id,
            "timestamp": start.timestamp,
            "set": _CLOCK_SET,
        },
    ).first()


def _supersede(
    session: Session, identity: str, connector: int, started: datetime
) -> None:
    """End what a connector did before, for it cannot do two things at once."""
    # What has no connector yet is nobody's neighbour.
    if connector == STATION:
        return
    for older in session.scalars(
        _OPEN_ON_CONNECTOR, {"identity": identity, "connector": connector}
    ):
        # A start from the past, told late, ends nothing.
        if older.started <= started:
            end_untold(older, min(_last_heard(older) or started, started))


def amend(session: Session, amendment: Amendment) -> None:
    """Enter what was told of a transaction after its start."""
    row = session.get_one(TransactionRow, amendment.transaction_id)
    connector = amendment.connector
    if connector is not None and connector != row.connector:
        _supersede(session, row.identity, connector, row.started)
        row.connector = connector
    if amendment.id_token is not None:
        row.id_token = amendment.id_token
        row.user = amendment.user
        row.token_group = amendment.group
        row.revision += 1
    row.authorization = amendment.authorization or row.authorization
    row.authorized_by = amendment.authorized_by or row.authorized_by
    if amendment.started is not None and amendment.timestamp is not None:
        row.started = amendment.started
        row.timestamp = amendment.timestamp
        row.taken_up = False
        if amendment.meter_start is not None:
            row.meter_start = amendment.meter_start
    if amendment.reopened:
        row.ended = row.meter_stop = None
        row.inferred = False


def _last_heard(row: TransactionRow) -> datetime | None:
    """Return the time of the last word of a transaction, in our time."""
    if row.progressed_at and row.replayed and row.register:
        # What came in late is as old as it says.
        return row.register.time
    return row.progressed_at


def stop(
    session: Session,
    stop: TransactionStop,
    received: datetime,
    running: Sequence[Note],
    prices: Prices,
) -> Transaction | None:
    """Record an end, with the transaction or as an orphan."""
    enter_notes(session, running)
    row = _ended_by(session, stop)
    if row is None:
        _keep_orphan(session, stop, received)
        return None
    named = stop.charger_id is not None or _is_ours(stop.transaction_id)
    # Who names it knows better than an end that only seemed to be its own.
    if row.stop_received_at is None or (named and row.inferred and not row.corrected):
        ended = stop.ended or stop.timestamp
        account = row.account()
        if row.meter_start is None and stop.meter_start is not None:
            account.begin_before(row.started, stop.meter_start, prices)
            row.meter_start = stop.meter_start
        for time, values in stop.readings:
            if row.started <= time <= ended:
                account.read(time, values, prices)
                row.meter_last = values.get("energy", row.meter_last)
        if stop.meter_stop is not None:
            account.finish(ended, row.meter_start, stop.meter_stop, prices)
            row.meter_last = stop.meter_stop
        account.replayed |= stop.replayed
        enter_account(row, account)
        keep_signed(session, row.id, stop.signed)
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
    if stop.charger_id is not None and not stop.transaction_id:
        return _ended_by_name(session, identity, stop)
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


def _ended_by_name(
    session: Session, identity: str, stop: TransactionStop
) -> TransactionRow | None:
    """Return what a stop ends by the charger's own id: the last one called so.

    Unless that has been ended before: then it is another one, never heard of.
    """
    row = session.scalars(
        _BY_CHARGER_ID, {"identity": identity, "charger_id": stop.charger_id}
    ).first()
    if row is None or row.started > (stop.ended or stop.timestamp):
        return None
    said = row.raw_stop
    if said is not None and said.get("timestamp") != stop.raw.get("timestamp"):
        return None
    return row


def _keep_orphan(session: Session, stop: TransactionStop, received: datetime) -> None:
    """Keep an end that belongs to nothing we know, once."""
    identity = stop.identity.casefold()
    name = str(stop.transaction_id) if stop.charger_id is None else stop.charger_id
    known = session.scalars(
        _SAME_ORPHAN,
        {
            "identity": identity,
            "transaction_id": name,
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
            transaction_id=name,
            ended=stop.timestamp,
            received_at=received,
            meter_stop=stop.meter_stop,
            stop_reason=stop.reason,
            id_token=stop.id_token,
            raw_stop=stop.raw,
        )
    )


def open_transactions(session: Session, identity: str) -> list[Transaction]:
    """Return the accepted transactions that have not ended, oldest first."""
    return [
        row.as_transaction()
        for row in session.scalars(_OPEN, {"identity": identity.casefold()})
    ]


def ended_transactions(session: Session, identity: str) -> list[EndedTransaction]:
    """Return the last transactions that have ended, oldest first."""
    rows = session.execute(_ENDED, {"identity": identity.casefold()})
    return [EndedTransaction(*row) for row in rows][::-1]


def meters(session: Session, identity: str) -> Mapping[int, Register]:
    """Return where the meters of a charge point stood."""
    return {
        row.connector: row.register.copy()
        for row in session.scalars(_METERS, {"identity": identity.casefold()})
    }
