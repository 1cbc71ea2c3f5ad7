"""What becomes of a reading in the database, and of an end that nobody told.

What is noted of sessions while they go on. It is written on the writer thread, inside a
transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, selectinload

from custom_components.ocpp_central.csms.accounting import Account
from custom_components.ocpp_central.csms.model import Transaction
from custom_components.ocpp_central.csms.register import Register

from .schema import (
    MeterRow,
    ReplayedRow,
    SessionHourRow,
    SignedValueRow,
    TransactionRow,
)

_WITH_HOURS: Final = (
    select(TransactionRow)
    .where(TransactionRow.id.in_(bindparam("ids", expanding=True)))
    .options(selectinload(TransactionRow.hours))
)


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


def end_untold(row: TransactionRow, ended: datetime) -> None:
    """End a transaction whose end nobody told."""
    row.ended = max(row.started, ended)
    row.meter_stop = row.meter_last
    row.inferred = True


def enter_notes(session: Session, notes: Iterable[Note]) -> None:
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
            enter_account(row, note.account)
            keep_signed(session, row.id, note.signed)
            if note.ended:
                end_untold(row, note.ended)


def enter_account(row: TransactionRow, account: Account) -> None:
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


def keep_signed(
    session: Session, session_id: int, values: Sequence[dict[str, Any]]
) -> None:
    """Keep signed meter values with their session."""
    session.add_all(
        SignedValueRow(session_id=session_id, value=value) for value in values
    )


def write_notes(
    session: Session,
    notes: Sequence[Note],
    meters: Mapping[tuple[str, int], Register],
    replayed: Mapping[tuple[str, int, datetime], float],
) -> None:
    """Write what has been noted."""
    enter_notes(session, notes)
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
