"""The transactions that are open at one charge point, and what they charge."""

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .activity import Activity
from .clock import utcnow
from .metering import Reading, power_of
from .model import STATION, ConnectorStatus, SessionLedger, Transaction
from .prices import Prices
from .shown_sessions import ShownSessions

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


class Running:
    """The open transaction of each connector."""

    def __init__(
        self, charge_point: ChargePoint, ledger: SessionLedger, prices: Prices
    ) -> None:
        """Start with none; `restore` brings those of before a restart."""
        self._charge_point = charge_point
        self._ledger = ledger
        self._prices = prices
        self._shown = ShownSessions(charge_point, prices)
        self._open: dict[int, Transaction] = {}
        # Those whose start came after that of a newer one, by id.
        self._late: dict[int, Transaction] = {}
        self._activities: dict[int, Activity] = {}
        # Chargers go on naming a transaction after it ended.
        self._ended: deque[int] = deque(maxlen=50)
        # Since when connectors with an open transaction have been available.
        self._available: dict[int, datetime] = {}

    def at(self, connector: int) -> Transaction | None:
        """Return the open transaction of a connector."""
        return self._open.get(connector)

    def find(self, transaction_id: int) -> Transaction | None:
        """Return what is under way, shown or not, by our id."""
        return self._late.get(transaction_id) or next(
            (one for one in self._open.values() if one.id == transaction_id), None
        )

    def has_ended(self, transaction_id: int | None) -> bool:
        """Return whether a transaction has ended lately."""
        return transaction_id in self._ended

    def sample(
        self,
        connector: int,
        transaction_id: int | None,
        time: datetime,
        reading: Reading,
        *,
        past: bool,
    ) -> None:
        """Count a reading, taken at a time of ours, to the transaction it belongs to."""
        transaction = self._named(connector, transaction_id, time, reading, past=past)
        if transaction:
            self.count(transaction, time, reading, past=past)

    def count(
        self, transaction: Transaction, time: datetime, reading: Reading, *, past: bool
    ) -> None:
        """Count a reading, taken at a time of ours, to a transaction."""
        self.heard(transaction)
        account = transaction.account
        account.replayed |= past
        values = reading.values
        if "power" not in values and "current" in values:
            config = self._charge_point.config
            phases = self._charge_point.counted_phases(transaction.connector)
            power = power_of(reading, config.nominal_voltage, phases)
            values = {**values, "power": power}
        windows = None
        if (energy := values.get("energy")) is not None:
            register = account.register
            # Samples are not always told in order.
            if register is None or time >= register.time:
                transaction.meter_last = energy
            if transaction.meter_start is None:
                # It counts from where the connector stood, if that goes on.
                transaction.meter_start = (
                    min(register.value, energy) if register else energy
                )
            if register and not past:
                activity = self._activity(transaction.connector)
                windows = activity.take(register.time, time)
        account.read(time, values, self._prices, windows)
        transaction.signed += reading.signed
        if energy is not None and transaction.id not in self._late:
            self._shown.used(transaction)
        if not transaction.foreign:
            self._ledger.progress(transaction)

    def begun_before(
        self, transaction: Transaction, started: datetime, meter_start: float | None
    ) -> None:
        """Take the start of what was taken up in the middle."""
        if self.find(transaction.id) is not transaction:
            return
        if meter_start is not None:
            transaction.account.begin_before(started, meter_start, self._prices)
            transaction.meter_start = meter_start
        transaction.started = started
        if transaction.id not in self._late:
            self._shown.begun(transaction)
        self._ledger.progress(transaction)

    def heard(self, transaction: Transaction) -> None:
        """Take note that a transaction goes on, whatever its connector says."""
        if transaction.connector in self._available:
            self._available[transaction.connector] = utcnow()

    def _activity(self, connector: int) -> Activity:
        return self._activities.setdefault(connector, Activity())

    def disconnected(self) -> None:
        """Take note that the charger is not heard any more."""
        for activity in self._activities.values():
            activity.forget()

    def update_status(self, connector: int, status: ConnectorStatus) -> None:
        """Note what a connector does, and whether it denies its open transaction."""
        self._activity(connector).update(utcnow(), status is ConnectorStatus.CHARGING)
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
        self._charge_point.phases.look_at_all()
        for transaction in list(self._open.values()):
            since = self._available.get(transaction.connector)
            if since and utcnow() - since >= _UNHEARD:
                self._end_unheard(transaction, since)
            else:
                self._shown.lasted(transaction)

    def _named(
        self,
        connector: int,
        transaction_id: int | None,
        time: datetime,
        reading: Reading,
        *,
        past: bool,
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
        if late := self._late.get(transaction_id):
            late.carried = True
            return late
        if (
            connector == STATION
            or transaction_id in self._ended
            or past
            or self._charge_point.status(connector) in _IDLE
            # That one's id never came back, so this may be the charger's name for it.
            or (current and not current.carried)
        ):
            return current
        if current:
            self._close(current)
        return self._adopt(connector, transaction_id, time, reading)

    def _is_meter_of(self, transaction: Transaction, connector: int) -> bool:
        alone = self._charge_point.connectors == [transaction.connector]
        return connector == transaction.connector or (connector == STATION and alone)

    def _adopt(
        self, connector: int, transaction_id: int, time: datetime, reading: Reading
    ) -> Transaction:
        """Take up a transaction that another central system gave its id.

        It can be stopped by that id, and what it charges from now on is counted.
        """
        transaction = Transaction(
            id=transaction_id,
            identity=self._charge_point.identity,
            connector=connector,
            id_token=None,
            started=time,
            meter_start=reading.values.get("energy"),
            carried=True,
            foreign=True,
        )
        self._take_up(transaction)
        return transaction

    def _take_up(self, transaction: Transaction) -> None:
        self._open[transaction.connector] = transaction
        self._shown.begun(transaction)

    def _end_unheard(self, transaction: Transaction, ended: datetime) -> None:
        """End a transaction whose StopTransaction never came, until one does."""
        self._ended.append(transaction.id)
        transaction.ended = ended
        if not transaction.foreign:
            self._ledger.end(transaction)
        self._close(transaction)

    def end_unheard(self, transaction: Transaction) -> None:
        """End what the charger knows nothing of, until it does."""
        if self._open.get(transaction.connector) is transaction:
            self._end_unheard(transaction, utcnow())

    def _leave(self, transaction: Transaction) -> None:
        """Let go of the connector of a transaction."""
        connector = transaction.connector
        del self._open[connector]
        self._available.pop(connector, None)
        self._charge_point.phases.ended(connector)
        self._charge_point.limits.transaction_ended(connector)

    def _close(self, transaction: Transaction) -> None:
        self._charge_point.proof.ended(transaction)
        self._leave(transaction)
        wishes = self._charge_point.wishes.connectors.get(transaction.connector)
        if wishes and wishes.budget:
            wishes.budget = None
            self._charge_point.wishes_changed()
        self._shown.ended(transaction)
        self._charge_point.access.ended(transaction)
