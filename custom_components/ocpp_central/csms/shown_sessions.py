"""What is shown and told of the session at each connector."""

from typing import TYPE_CHECKING, Any

from .clock import utcnow
from .model import Event, EventKind, Transaction, Value, mask_token
from .prices import Prices

if TYPE_CHECKING:
    from .charge_point import ChargePoint


class ShownSessions:
    """Keeps the values of sessions in step with their transactions."""

    def __init__(self, charge_point: ChargePoint, prices: Prices) -> None:
        """Show nothing yet."""
        self._charge_point = charge_point
        self._prices = prices

    def started(self, transaction: Transaction) -> None:
        """Tell of a transaction that has just started."""
        self._charge_point.update(transaction.connector, {"stop_reason": None})
        self._tell(transaction, "started")

    def begun(self, transaction: Transaction) -> None:
        """Show a transaction, a new one or one from before a restart."""
        self._charge_point.update(
            transaction.connector,
            {
                "transaction": transaction.id,
                "session_started": transaction.started,
                "session_duration": _duration(transaction),
                "session_user": self._user(transaction),
            },
        )
        self.used(transaction)

    def named(self, transaction: Transaction) -> None:
        """Show whose transaction it is."""
        self._charge_point.update(
            transaction.connector, {"session_user": self._user(transaction)}
        )

    def used(self, transaction: Transaction) -> None:
        """Show what a transaction has used so far."""
        self._charge_point.update(
            transaction.connector,
            {
                "session_energy": transaction.energy or 0.0,
                **self._cost(transaction, "session"),
            },
        )

    def lasted(self, transaction: Transaction) -> None:
        """Show how long a transaction has lasted."""
        self._charge_point.update(
            transaction.connector, {"session_duration": _duration(transaction)}
        )

    def ended(self, transaction: Transaction) -> None:
        """Show and tell that a transaction has ended."""
        self._charge_point.update(
            transaction.connector,
            {
                "session_duration": _duration(transaction),
                "stop_reason": transaction.stop_reason,
                "transaction": None,
                "last_session_energy": transaction.energy,
                **self._cost(transaction, "last_session"),
            },
        )
        self._tell(transaction, "ended")

    def _cost(self, transaction: Transaction, prefix: str) -> dict[str, Value]:
        """Return what there is to say of the cost; none where there are no prices."""
        account = transaction.account
        price = self._prices.current
        cost = account.cost
        if cost is None and price and not account.unpriced:
            cost = 0.0
        said: dict[str, Value] = {
            f"{prefix}_currency": account.currency
            or (price.currency if price else None),
            f"{prefix}_unpriced": account.unpriced,
        }
        key = f"{prefix}_cost"
        if cost is not None or key in self._charge_point.values(transaction.connector):
            said[key] = cost
        return said

    def _user(self, transaction: Transaction) -> str | None:
        if transaction.user:
            return transaction.user
        token = transaction.id_token
        if not token:
            return None
        if token == self._charge_point.config.remote_tag:
            return token
        return mask_token(token)

    def _tell(self, transaction: Transaction, kind: str) -> None:
        attributes: dict[str, Any] = {"transaction_id": transaction.reference}
        if user := self._user(transaction):
            attributes["id_token"] = user
        if kind == "ended":
            attributes |= {
                "energy": transaction.energy,
                "stop_reason": transaction.stop_reason,
            }
            if (cost := transaction.account.cost) is not None:
                attributes |= {
                    "cost": cost,
                    "currency": transaction.account.currency,
                }
        self._charge_point.tell(
            Event(EventKind.TRANSACTION, transaction.connector, kind, attributes)
        )


def _duration(transaction: Transaction) -> float:
    ended = transaction.ended or utcnow()
    return float(max(0, round((ended - transaction.started).total_seconds())))
