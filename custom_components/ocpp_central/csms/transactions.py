"""The transactions of one charge point: what is open, and what it has charged."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .clock import utcnow
from .metering import Reading
from .model import (
    AuthorizationStatus,
    Event,
    EventKind,
    SessionLedger,
    Transaction,
    TransactionStart,
    TransactionStop,
    mask_token,
)

if TYPE_CHECKING:
    from .charge_point import ChargePoint


class Transactions:
    """The open transaction of each connector."""

    def __init__(self, charge_point: ChargePoint, ledger: SessionLedger) -> None:
        """Start with none; `restore` brings those of before a restart."""
        self._charge_point = charge_point
        self._ledger = ledger
        self._open: dict[int, Transaction] = {}
        # Chargers go on naming a transaction after it ended.
        self._ended: deque[int] = deque(maxlen=50)

    def at(self, connector: int) -> Transaction | None:
        """Return the open transaction of a connector."""
        return self._open.get(connector)

    def restore(self, transactions: Iterable[Transaction]) -> None:
        """Take up what was open before a restart, or began before the user added it."""
        newest = {transaction.connector: transaction for transaction in transactions}
        for connector, transaction in newest.items():
            known = self._open.get(connector)
            if (known is None or known.foreign) and self._charge_point.add_connector(
                connector
            ):
                self._open[connector] = transaction
                self._publish(transaction)

    async def start(
        self,
        connector: int,
        id_token: str,
        timestamp: datetime,
        meter_start: float,
        raw: dict[str, Any],
    ) -> tuple[int, AuthorizationStatus]:
        """Record a start; returns its id and whether it may charge, once on disk."""
        charge_point = self._charge_point
        status = charge_point.authorizer.authorize(charge_point.identity, id_token)
        transaction = await self._ledger.start(
            TransactionStart(
                identity=charge_point.identity,
                connector=connector,
                id_token=id_token,
                timestamp=timestamp,
                meter_start=meter_start,
                authorization=status,
                raw=raw,
            )
        )
        before = self._open.get(connector)
        retried = before is not None and before.id == transaction.id
        if (
            status is AuthorizationStatus.ACCEPTED
            and not retried
            and transaction.ended is None
            and charge_point.add_connector(connector)
        ):
            if before:
                self._close(before)
            self._open[connector] = transaction
            self._publish(transaction)
            charge_point.update(connector, {"stop_reason": None})
            self._tell(transaction, "started")
            charge_point.limits.transaction_started(connector, transaction.id)
            charge_point.run(charge_point.limits.apply(), "set the charging limit")
        return transaction.id, status

    async def stop(
        self,
        transaction_id: int,
        timestamp: datetime,
        meter_stop: float | None,
        reason: str,
        id_token: str | None,
        raw: dict[str, Any],
    ) -> None:
        """Record an end; returns once it is on disk."""
        await self._ledger.stop(
            TransactionStop(
                identity=self._charge_point.identity,
                transaction_id=transaction_id,
                timestamp=timestamp,
                meter_stop=meter_stop,
                reason=reason,
                id_token=id_token,
                raw=raw,
            )
        )
        transaction = next(
            (open_ for open_ in self._open.values() if open_.id == transaction_id), None
        )
        self._ended.append(transaction_id)
        if transaction is None:
            return
        if meter_stop is not None:
            self._register(transaction, meter_stop)
        transaction.ended = self._charge_point.clock.correct(timestamp)
        transaction.stop_reason = reason
        self._close(transaction)

    def sample(
        self, connector: int, transaction_id: int | None, reading: Reading
    ) -> None:
        """Count a reading towards the transaction it belongs to."""
        transaction = self._open.get(connector)
        energy = reading.values.get("energy")
        # 0 and -1 stand for "none" and for "you have not told me yet".
        if transaction_id is not None and transaction_id > 0:
            if transaction_id in self._ended:
                return
            if transaction is None:
                transaction = self._adopt(connector, transaction_id, reading)
            if transaction.id != transaction_id:
                return
            transaction.carried = True
        if transaction is None:
            return
        if energy is not None:
            self._register(transaction, energy)
        if not transaction.foreign:
            self._ledger.progress(transaction)

    def tick(self) -> None:
        """Let the sessions' duration go on; called once a minute."""
        for transaction in self._open.values():
            self._charge_point.update(
                transaction.connector, {"session_duration": self._duration(transaction)}
            )

    def _adopt(
        self, connector: int, transaction_id: int, reading: Reading
    ) -> Transaction:
        """Take up a transaction that another central system gave its id.

        It can be stopped by that id, and what it charges from now on is counted.
        """
        transaction = Transaction(
            id=transaction_id,
            connector=connector,
            id_token=None,
            started=reading.time,
            meter_start=reading.values.get("energy"),
            foreign=True,
        )
        self._open[connector] = transaction
        self._publish(transaction)
        return transaction

    def _register(self, transaction: Transaction, energy: float) -> None:
        if transaction.meter_start is None:
            transaction.meter_start = energy
        # A register below the start has been reset, or is nonsense.
        if energy >= transaction.meter_start:
            transaction.meter_last = energy
            self._charge_point.update(
                transaction.connector, {"session_energy": transaction.energy}
            )

    def _close(self, transaction: Transaction) -> None:
        connector = transaction.connector
        del self._open[connector]
        self._charge_point.limits.transaction_ended(connector)
        self._charge_point.update(
            connector,
            {
                "session_duration": self._duration(transaction),
                "stop_reason": transaction.stop_reason,
                "transaction": None,
            },
        )
        self._tell(transaction, "ended")

    def _publish(self, transaction: Transaction) -> None:
        self._charge_point.update(
            transaction.connector,
            {
                "transaction": transaction.id,
                "session_energy": transaction.energy or 0.0,
                "session_started": self._charge_point.clock.correct(
                    transaction.started
                ),
                "session_duration": self._duration(transaction),
                "session_user": self._user(transaction),
            },
        )

    def _user(self, transaction: Transaction) -> str | None:
        token = transaction.id_token
        if token is None or token == self._charge_point.config.remote_tag:
            return token
        return mask_token(token)

    def _duration(self, transaction: Transaction) -> float:
        started = self._charge_point.clock.correct(transaction.started)
        return max(0.0, ((transaction.ended or utcnow()) - started).total_seconds())

    def _tell(self, transaction: Transaction, kind: str) -> None:
        attributes: dict[str, Any] = {"transaction_id": transaction.id}
        if user := self._user(transaction):
            attributes["id_token"] = user
        if kind == "ended":
            attributes |= {
                "energy": transaction.energy,
                "stop_reason": transaction.stop_reason,
            }
        self._charge_point.tell(
            Event(EventKind.TRANSACTION, transaction.connector, kind, attributes)
        )


def register_at_end(readings: Iterable[Reading]) -> float | None:
    """Return the newest register among the samples of a whole transaction."""
    registers = [
        reading.values["energy"] for reading in readings if "energy" in reading.values
    ]
    return registers[-1] if registers else None
