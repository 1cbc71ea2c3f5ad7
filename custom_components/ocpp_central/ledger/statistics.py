"""What statistics are made from, and what of it they have already.

Everything in here runs on the writer thread, inside a transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.orm import Session

from .schema import ReplayedRow, SessionHourRow, TransactionRow

type Place = tuple[str, int]
type Points = Sequence[tuple[datetime, float]]
type Hours = Sequence[tuple[datetime, float]]

_HOUR: Final = timedelta(hours=1)
# Cards are the same in either case, and chargers are not consistent about it.
_token: Final = func.lower(TransactionRow.id_token)


def replayed(session: Session) -> Mapping[Place, Points]:
    """Return the lifetime energy of each connector at times that nobody listened."""
    places: dict[Place, list[tuple[datetime, float]]] = {}
    for row in session.scalars(select(ReplayedRow).order_by(ReplayedRow.time)):
        places.setdefault((row.identity, row.connector), []).append(
            (row.time, row.energy)
        )
    return places


def forget_replayed(session: Session, place: Place, points: Points) -> None:
    """Delete what statistics have; what has come in since stays."""
    known = dict(points)
    for row in session.scalars(
        select(ReplayedRow).where(
            ReplayedRow.identity == place[0], ReplayedRow.connector == place[1]
        )
    ):
        if known.get(row.time) == row.energy:
            session.delete(row)


def forget_replayed_before(session: Session, time: datetime) -> None:
    """Delete what nobody has asked for."""
    session.execute(delete(ReplayedRow).where(ReplayedRow.time < time))


class Unpublished(NamedTuple):
    """A session whose use has changed since statistics were made of it."""

    id: int
    revision: int
    identity: str
    # In lower case.
    token: str | None
    first_hour: datetime


def unpublished(session: Session) -> Sequence[Unpublished]:
    """Return the sessions that statistics do not have as they are."""
    rows = session.execute(
        select(
            TransactionRow.id,
            TransactionRow.revision,
            TransactionRow.identity,
            _token,
            func.min(SessionHourRow.hour),
        )
        .join(SessionHourRow, SessionHourRow.session_id == TransactionRow.id)
        .where(TransactionRow.published < TransactionRow.revision)
        .group_by(TransactionRow.id)
    )
    return [Unpublished(*row) for row in rows]


def publish(session: Session, revisions: Mapping[int, int]) -> None:
    """Take note of which revision of each session statistics have."""
    for session_id, revision in revisions.items():
        session.execute(
            update(TransactionRow)
            .where(TransactionRow.id == session_id)
            .values(published=revision)
        )


class Subject(NamedTuple):
    """Whose use it is: a charge point's, or that of an id token in lower case."""

    identity: str | None = None
    token: str | None = None


class Series(NamedTuple):
    """Something by the hour, and the sum of all that was before."""

    before: float
    hours: Hours


@dataclass(frozen=True, slots=True)
class Use:
    """What a subject has used from an hour on: Wh, and its cost by currency."""

    # The first session there was: a name that never changes and tells nothing.
    first_session: int
    # As it was last told, and whose it is.
    token: str | None
    user: str | None
    energy: Series
    costs: Mapping[str, Series] = field(default_factory=dict)


def use(
    session: Session,
    subject: Subject,
    since: datetime | None,
    identities: Collection[str],
) -> Use:
    """Return what a subject has used since an hour; None: ever.

    Counted are sessions that have been published before, and those of the charge
    points given: strangers have sessions as well.
    """
    mine: list[ColumnElement[bool]] = [
        or_(TransactionRow.published > 0, TransactionRow.identity.in_(identities))
    ]
    if subject.token is None:
        mine.append(TransactionRow.identity == subject.identity)
    else:
        mine.append(_token == subject.token)
    sessions = select(TransactionRow.id).where(*mine)
    first = session.scalars(sessions.order_by(TransactionRow.id).limit(1)).one()
    token, user = session.execute(
        select(TransactionRow.id_token, TransactionRow.user)
        .where(*mine)
        # Somebody's, if it ever was.
        .order_by(TransactionRow.user.is_(None), TransactionRow.id.desc())
        .limit(1)
    ).one()
    currencies = session.scalars(
        select(TransactionRow.currency)
        .where(*mine, TransactionRow.currency.is_not(None))
        .distinct()
    )
    return Use(
        first,
        token,
        user,
        _series(session, SessionHourRow.energy, sessions, since),
        {
            currency: _series(
                session,
                SessionHourRow.cost,
                sessions.where(TransactionRow.currency == currency),
                since,
            )
            for currency in currencies
            if currency
        },
    )


def _series(
    session: Session,
    value: ColumnElement[float] | object,
    sessions: Select[tuple[int]],
    since: datetime | None,
) -> Series:
    """Add up a column of some sessions by the hour."""
    total = func.sum(value)
    mine = SessionHourRow.session_id.in_(sessions)
    hours = select(SessionHourRow.hour, total).where(mine)
    before = 0.0
    if since is not None:
        # The hour before as well: it is to be known whether there is one.
        since -= _HOUR
        hours = hours.where(SessionHourRow.hour >= since)
        before = (
            session.scalar(select(total).where(mine, SessionHourRow.hour < since))
            or 0.0
        )
    rows = session.execute(
        hours.group_by(SessionHourRow.hour).order_by(SessionHourRow.hour)
    )
    return Series(before, [(hour, amount) for hour, amount in rows])
