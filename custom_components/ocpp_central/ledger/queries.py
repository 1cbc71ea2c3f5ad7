"""What is read out of the ledger: sessions page by page, and what they come to.

Everything in here runs on the writer thread, where chargers wait for their starts and
stops to be written: no more than a page at a time. Refused starts are no sessions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, null, or_, select
from sqlalchemy.orm import Session

from custom_components.ocpp_central.csms.model import AuthorizationStatus

from .schema import SignedValueRow, TransactionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions; what is None does not matter."""

    # When they started: not before, and before.
    start: datetime | None = None
    end: datetime | None = None
    # Casefolded.
    identity: str | None = None
    connector: int | None = None
    # In whichever case.
    id_token: str | None = None
    user: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Return what has to be so."""
        row = TransactionRow
        yield row.authorization == AuthorizationStatus.ACCEPTED.value
        if self.start is not None:
            yield row.started >= self.start
        if self.end is not None:
            yield row.started < self.end
        if self.identity is not None:
            of_charge_point = row.identity == self.identity
            # SQLite would rather read all that a charge point ever did than a month
            # of all charge points.
            yield func.likely(of_charge_point) if self.start else of_charge_point
        if self.connector is not None:
            yield row.connector == self.connector
        if self.id_token is not None:
            yield row.id_token.collate("NOCASE") == self.id_token
        if self.user is not None:
            yield row.user.collate("NOCASE") == self.user


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as the ledger has it; the fields are the table's."""

    id: int
    identity: str
    connector: int
    id_token: str | None
    user: str | None
    token_group: str | None
    authorized_by: str | None
    started: datetime
    ended: datetime | None
    meter_start: float | None
    meter_last: float | None
    meter_stop: float | None
    energy: float | None
    charging: float
    peak_power: float | None
    soc_start: float | None
    soc_end: float | None
    cost: float | None
    currency: str | None
    unpriced: float
    stop_reason: str | None
    replayed: bool
    inferred: bool
    corrected: bool
    charger_id: str | None
    taken_up: bool


@dataclass(slots=True)
class Totals:
    """What sessions come to: Wh, s, and money by currency."""

    sessions: int = 0
    energy: float = 0.0
    unpriced: float = 0.0
    charging: float = 0.0
    cost: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class StatementLine:
    """What the sessions of one token, or of one user, come to in one currency."""

    # Tokens that differ in case only are one.
    key: str | None
    id_token: str | None
    user: str | None
    currency: str | None
    sessions: int
    energy: float
    cost: float | None
    unpriced: float


_COLUMNS: Final = tuple(
    getattr(TransactionRow, column.name) for column in fields(SessionRecord)
)
_SESSIONS: Final = func.count()
_ENERGY: Final = func.coalesce(func.sum(TransactionRow.energy), 0.0)
_COST: Final = func.sum(TransactionRow.cost)
_UNPRICED: Final = func.coalesce(func.sum(TransactionRow.unpriced), 0.0)
_CHARGING: Final = func.coalesce(func.sum(TransactionRow.charging), 0.0)


def newest(
    session: Session, which: SessionFilter, limit: int, offset: int = 0
) -> list[SessionRecord]:
    """Return a page of sessions, the newest first."""
    return _records(
        session,
        select(*_COLUMNS)
        .where(*which.conditions())
        .order_by(TransactionRow.started.desc(), TransactionRow.id.desc())
        .limit(limit)
        .offset(offset),
    )


def following(
    session: Session, which: SessionFilter, limit: int, last: SessionRecord | None
) -> list[SessionRecord]:
    """Return the sessions after one (None: from the first on), the oldest first."""
    statement = select(*_COLUMNS).where(*which.conditions())
    if last is not None:
        statement = statement.where(
            TransactionRow.started >= last.started,
            or_(TransactionRow.started > last.started, TransactionRow.id > last.id),
        )
    return _records(
        session,
        statement.order_by(TransactionRow.started, TransactionRow.id).limit(limit),
    )


def _records(
    session: Session, statement: Select[tuple[Any, ...]]
) -> list[SessionRecord]:
    return [SessionRecord(*row) for row in session.execute(statement)]


def signed_values(
    session: Session, records: Sequence[SessionRecord]
) -> Mapping[int, list[dict[str, Any]]]:
    """Return the signed meter values of those sessions that have some, by id."""
    found: dict[int, list[dict[str, Any]]] = {}
    for session_id, value in session.execute(
        select(SignedValueRow.session_id, SignedValueRow.value)
        .where(SignedValueRow.session_id.in_([record.id for record in records]))
        .order_by(SignedValueRow.id)
    ):
        found.setdefault(session_id, []).append(value)
    return found


def totals(session: Session, which: SessionFilter) -> Totals:
    """Return what all sessions come to."""
    sums = Totals()
    for currency, sessions, energy, cost, unpriced, charging in session.execute(
        select(TransactionRow.currency, _SESSIONS, _ENERGY, _COST, _UNPRICED, _CHARGING)
        .where(*which.conditions())
        .group_by(TransactionRow.currency)
        .order_by(TransactionRow.currency)
    ):
        sums.sessions += sessions
        sums.energy += energy
        sums.unpriced += unpriced
        sums.charging += charging
        if currency is not None and cost is not None:
            sums.cost[currency] = cost
    return sums


def span(session: Session, which: SessionFilter) -> tuple[datetime, datetime] | None:
    """Return when the first and the last of the sessions started."""
    started = TransactionRow.started
    statement = select(started).where(*which.conditions()).limit(1)
    first = session.scalar(statement.order_by(started))
    last = session.scalar(statement.order_by(started.desc()))
    return (first, last) if first and last else None


def statement(
    session: Session, which: SessionFilter, *, by_user: bool
) -> list[StatementLine]:
    """Return what each token with its user, or each user, has used and is to pay."""
    row = TransactionRow
    key, id_token = (
        (null(), null())
        if by_user
        else (func.lower(row.id_token), func.min(row.id_token))
    )
    groups = [row.user] if by_user else [key, row.user]
    lines: list[StatementLine] = []
    for values in session.execute(
        select(
            key,
            id_token,
            row.user,
            row.currency,
            _SESSIONS,
            _ENERGY,
            _COST,
            _UNPRICED,
        )
        .where(*which.conditions())
        .group_by(*groups, row.currency)
        .order_by(*groups, row.currency.desc())
    ):
        line = StatementLine(*values)
        before = lines[-1] if lines else None
        if (
            before
            and line.currency is None
            and (before.key, before.user) == (line.key, line.user)
        ):
            # Nothing but unpriced energy: it goes with what has a price.
            before.sessions += line.sessions
            before.energy += line.energy
            before.unpriced += line.unpriced
        else:
            lines.append(line)
    return lines
