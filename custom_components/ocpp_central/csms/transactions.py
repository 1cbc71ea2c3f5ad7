"""The transactions of one charge point: what is open, and what it has charged."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .clock import utcnow
from .errors import CallError
from .metering import Reading
from .model import (
    STATION,
    AuthorizationStatus,
    ConnectorStatus,
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


# Some chargers say "none", or what they never learnt, with a number of their own.
_MAX_ID = 2**31 - 1
# What a connector says that has no transaction.
_IDLE = frozenset(
    {
        ConnectorStatus.AVAILABLE,
        ConnectorStatus.PREPARING,
        ConnectorStatus.FINISHING,
        ConnectorStatus.RESERVED,
        ConnectorStatus.UNAVAILABLE,
    }
)
# A transaction has ended, though nobody said so, on a connector that has been
# available for so long without a sample of it.
_UNHEARD = timedelta(minutes=10)


class Transactions:
    """The open transaction of each connector."""

    def __init__(self, charge_point: ChargePoint, ledger: SessionLedger) -> None:
        """Start with none; `restore` brings those of before a restart."""
        self._charge_point = charge_point
        self._ledger = ledger
        self._open: dict[int, Transaction] = {}
        # Chargers go on naming a transaction after it ended.
        self._ended: deque[int] = deque(maxlen=50)
        # Since when connectors with an open transaction have been available.
        self._available: dict[int, datetime] = {}

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
                self._take_up(transaction)

    def has_ended(self, transaction_id: int | None) -> bool:
        """Return whether a transaction has ended lately."""
        return transaction_id in self._ended

    async def start(
        self,
        connector: int,
        id_token: str,
        timestamp: datetime,
        meter_start: float | None,
        raw: dict[str, Any],
    ) -> tuple[int, AuthorizationStatus]:
        """Record a start; returns its id and whether it may charge, once on disk."""
        self._admit()
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
        if (
            status is AuthorizationStatus.ACCEPTED
            and transaction.ended is None
            and not (before and self._is_older(transaction, before))
            and charge_point.add_connector(connector)
        ):
            if before:
                self._close(before)
            self._take_up(transaction)
            charge_point.update(connector, {"stop_reason": None})
            self._tell(transaction, "started")
            charge_point.limits.transaction_started(transaction)
        return transaction.id, status

    def _admit(self) -> None:
        """Take a stranger's word, but not without end: it keeps what is refused."""
        if not self._charge_point.claimed and not self._charge_point.unclaimed.take():
            raise CallError("GenericError", "Not added to the central system yet")

    def _is_older(self, transaction: Transaction, before: Transaction) -> bool:
        """Return whether a start says nothing new: a retry, or one told late."""
        clock = self._charge_point.clock
        return transaction.id == before.id or (
            clock.is_past(transaction.started)
            and clock.correct(transaction.started) < before.started
        )

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
        self._admit()
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
            self._register(transaction, meter_stop, final=True)
        transaction.ended = self._charge_point.clock.correct(timestamp)
        transaction.stop_reason = reason
        self._close(transaction)

    def sample(
        self, connector: int, transaction_id: int | None, reading: Reading
    ) -> None:
        """Count a reading towards the transaction it belongs to."""
        transaction = self._named(connector, transaction_id, reading)
        if transaction is None:
            return
        if transaction.connector in self._available:
            self._available[transaction.connector] = utcnow()
        if (energy := reading.values.get("energy")) is not None:
            self._register(transaction, energy)
        if not transaction.foreign:
            self._ledger.progress(transaction)

    def update_status(self, connector: int, status: ConnectorStatus) -> None:
        """Note whether a connector with an open transaction denies it."""
        transaction = self._open.get(connector)
        if transaction and status not in _IDLE:
            self._charge_point.limits.transaction_seen(connector, named=False)
        if transaction is None or status is not ConnectorStatus.AVAILABLE:
            self._available.pop(connector, None)
        elif transaction.foreign:
            self._end_unheard(transaction, utcnow())
        else:
            self._available.setdefault(connector, utcnow())

    def tick(self) -> None:
        """Let the sessions' duration go on; called once a minute."""
        self._charge_point.limits.tick()
        for transaction in list(self._open.values()):
            since = self._available.get(transaction.connector)
            if since and utcnow() - since >= _UNHEARD:
                self._end_unheard(transaction, since)
            else:
                self._charge_point.update(
                    transaction.connector,
                    {"session_duration": self._duration(transaction)},
                )

    def _named(
        self, connector: int, transaction_id: int | None, reading: Reading
    ) -> Transaction | None:
        """Return the transaction that a sample counts towards.

        A register belongs to the connector, so it counts towards what is open there
        even where the charger still names an earlier transaction.
        """
        current = self._open.get(connector)
        # 0 and -1 stand for "none" and for "you have not told me yet".
        if transaction_id is None or not 0 < transaction_id <= _MAX_ID:
            return current
        for transaction in self._open.values():
            if transaction.id == transaction_id:
                transaction.carried = True
                self._charge_point.limits.transaction_seen(
                    transaction.connector, named=True
                )
                # The register of another connector, or the sum of all, is not its own.
                return (
                    transaction if self._is_meter_of(transaction, connector) else None
                )
        if (
            connector == STATION
            or transaction_id in self._ended
            or self._charge_point.clock.is_past(reading.time)
            or self._charge_point.status(connector) in _IDLE
            # That one's id never came back, so this may be the charger's name for it.
            or (current and not current.carried)
        ):
            return current
        if current:
            self._close(current)
        return self._adopt(connector, transaction_id, reading)

    def _is_meter_of(self, transaction: Transaction, connector: int) -> bool:
        alone = self._charge_point.connectors == [transaction.connector]
        return connector == transaction.connector or (connector == STATION and alone)

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
            carried=True,
            foreign=True,
        )
        self._take_up(transaction)
        return transaction

    def _take_up(self, transaction: Transaction) -> None:
        # Once: a clock that was never set is no measure of how long it lasts.
        transaction.started = self._charge_point.clock.correct(transaction.started)
        self._open[transaction.connector] = transaction
        self._publish(transaction)

    def _end_unheard(self, transaction: Transaction, ended: datetime) -> None:
        """End a transaction whose StopTransaction never came.

        Only here: the ledger waits for it, and takes it even if it comes late.
        """
        self._ended.append(transaction.id)
        transaction.ended = ended
        self._close(transaction)

    def _register(
        self, transaction: Transaction, energy: float, *, final: bool = False
    ) -> None:
        if transaction.meter_start is None:
            transaction.meter_start = energy
        lowest = transaction.meter_start
        if transaction.meter_last is not None and not final:
            lowest = transaction.meter_last
        # A lower register has been reset, is from the past, or is nonsense.
        if energy >= lowest:
            transaction.meter_last = energy
            self._charge_point.update(
                transaction.connector, {"session_energy": transaction.energy}
            )

    def _close(self, transaction: Transaction) -> None:
        connector = transaction.connector
        del self._open[connector]
        self._available.pop(connector, None)
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
                "session_started": transaction.started,
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
        ended = transaction.ended or utcnow()
        return float(max(0, round((ended - transaction.started).total_seconds())))

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
