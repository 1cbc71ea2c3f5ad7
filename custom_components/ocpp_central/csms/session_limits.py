"""Limits that are for one transaction only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .clock import utcnow
from .model import ChargingLimit, SessionLimit, Transaction
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# How long a car may take to come after a remote start, where the charger does not
# say; and a little more for its clock and the line.
_CONNECTION_TIMEOUT = 240
_SLACK = 60


@dataclass(frozen=True, slots=True)
class _NextSession:
    """The limit of a transaction that is about to start."""

    id_token: str
    limit: ChargingLimit
    expires: datetime


class SessionLimits:
    """What was wanted for the running transaction of each connector, and the next."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Begin with what is kept among the wishes."""
        self._charge_point = charge_point
        self._next: dict[int, _NextSession] = {}

    def expect(
        self, connector: int, id_token: str, limit: ChargingLimit | None
    ) -> None:
        """Take a limit for the transaction that a remote start is about to bring."""
        if limit is None:
            self._next.pop(connector, None)
            return
        seconds = self._charge_point.configuration.integer(Setting.CONNECTION_TIMEOUT)
        if seconds is None:
            seconds = _CONNECTION_TIMEOUT
        expires = utcnow() + timedelta(seconds=seconds + _SLACK)
        self._next[connector] = _NextSession(id_token, limit, expires)

    def begin(self, transaction: Transaction) -> None:
        """Keep what was meant for a transaction that has just started."""
        if transaction.awaits_token:
            # Whose it is comes later.
            return
        expected = self._next.pop(transaction.connector, None)
        if (
            expected
            and expected.id_token == transaction.id_token
            and utcnow() < expected.expires
        ):
            self.keep(transaction, expected.limit, None)

    def keep(
        self, transaction: Transaction, limit: ChargingLimit, until: datetime | None
    ) -> None:
        """Keep what is to hold for a transaction, or until a time."""
        self._charge_point.wish(transaction.connector).session = SessionLimit(
            transaction_id=transaction.id,
            value=limit.value,
            unit=limit.unit,
            until=until.timestamp() if until else None,
        )
        self._charge_point.wishes_changed()

    def drop(self, connector: int) -> None:
        """Forget what held for a transaction."""
        wish = self._charge_point.wish(connector)
        if wish.session:
            wish.session = None
            self._charge_point.wishes_changed()

    def of(self, transaction: Transaction) -> SessionLimit | None:
        """Return the limit meant for this transaction, while it holds."""
        session = self._charge_point.wish(transaction.connector).session
        if session is None or session.transaction_id != transaction.id:
            return None
        if session.until is not None and session.until <= utcnow().timestamp():
            return None
        return session
