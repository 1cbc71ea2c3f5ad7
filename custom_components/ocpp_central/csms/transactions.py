"""The transactions of one charge point: what is open, and what it has charged."""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .accounting import Account
from .activity import Activity
from .authorization import authorized_by
from .clock import is_plausible, utcnow
from .errors import CallError
from .metering import Reading, power_of
from .model import (
    STATION,
    Authorization,
    AuthorizationStatus,
    ConnectorStatus,
    EndedTransaction,
    SessionLedger,
    Transaction,
    TransactionStart,
    TransactionStop,
)
from .prices import Prices
from .register import Register
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


class Transactions:
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

    def restore(
        self, transactions: Iterable[Transaction], ended: Iterable[EndedTransaction]
    ) -> None:
        """Take up what was open before a restart, or began before the user added it."""
        self._ended.extend(one.id for one in ended)
        newest = {transaction.connector: transaction for transaction in transactions}
        for transaction in transactions:
            connector = transaction.connector
            known = self._open.get(connector)
            if transaction is not newest[connector]:
                self._late[transaction.id] = transaction
            elif (known is None or known.foreign) and self._charge_point.add_connector(
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
    ) -> tuple[int, Authorization]:
        """Record a start; returns its id and whether it may charge, once on disk."""
        self._admit()
        charge_point = self._charge_point
        clock = charge_point.clock
        started = clock.correct(timestamp)
        if meter_start == 0 and not is_plausible(timestamp):
            # A charger that does not know the time has not read its meter either.
            meter_start = None
        past = clock.is_past(timestamp) and is_plausible(timestamp)
        answer = charge_point.access.authorize(
            id_token, connector, at=started if past else None, concurrent=not past
        )
        transaction = await self._ledger.start(
            TransactionStart(
                identity=charge_point.identity,
                connector=connector,
                id_token=id_token,
                timestamp=timestamp,
                started=started,
                meter_start=meter_start,
                account=self._new_account(connector, started, meter_start, past=past),
                authorization=answer.status,
                authorized_by=authorized_by(
                    id_token,
                    answer,
                    offline=past,
                    remote=charge_point.access.is_ours(id_token),
                ),
                user=answer.user,
                group=answer.group,
                raw=raw,
            ),
            self._running(),
        )
        charge_point.access.started(id_token, connector)
        self._forget_late(transaction)
        if meter_start is not None and charge_point.add_connector(connector):
            charge_point.meters.begun(connector, started, meter_start)
        if (
            answer.status is AuthorizationStatus.ACCEPTED
            and transaction.ended is None
            and charge_point.add_connector(connector)
        ):
            # Whatever came in while the disk was busy.
            before = self._open.get(connector)
            if before is None or self._is_newer(transaction, before):
                if before:
                    self._ended.append(before.id)
                    self._close(before)
                self._take_up(transaction)
                self._shown.started(transaction)
                charge_point.limits.transaction_started(transaction)
            elif transaction.id != before.id:
                self._late[transaction.id] = transaction
        return transaction.id, answer

    def _new_account(
        self,
        connector: int,
        started: datetime,
        meter_start: float | None,
        *,
        past: bool,
    ) -> Account:
        """Return an empty account, from the register it begins with if that is known."""
        known = self._charge_point.meters.register(connector)
        if meter_start is not None:
            register = Register(value=meter_start, time=started)
        elif known:
            register = Register(value=known.value, time=known.time)
        else:
            return Account(replayed=past)
        if known:
            register.agreed = known.agreed
        return Account(register=register, replayed=past)

    def _forget_late(self, newer: Transaction) -> None:
        """Let go of those told late that a start has ended."""
        for late in list(self._late.values()):
            if (
                late.connector == newer.connector
                and late.id < newer.id
                and late.started <= newer.started
            ):
                del self._late[late.id]
                self._ended.append(late.id)

    def _running(self) -> Sequence[Transaction]:
        """Return what is open and in the ledger; a stranger's id may be another's."""
        running = [*self._open.values(), *self._late.values()]
        return [transaction for transaction in running if not transaction.foreign]

    def _admit(self) -> None:
        """Take a stranger's word, but not without end: it keeps what is refused."""
        if not self._charge_point.claimed and not self._charge_point.unclaimed.take():
            raise CallError("GenericError", "Not added to the central system yet")

    def _is_newer(self, transaction: Transaction, before: Transaction) -> bool:
        """Return whether a start is neither a retry nor one told late."""
        return transaction.id != before.id and transaction.started >= before.started

    async def stop(
        self,
        transaction_id: int,
        timestamp: datetime,
        meter_stop: float | None,
        reason: str,
        id_token: str | None,
        raw: dict[str, Any],
        *,
        readings: Sequence[Reading] = (),
        signed: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Record an end; returns once it is on disk."""
        self._admit()
        clock = self._charge_point.clock
        ended = clock.correct(timestamp)
        transaction = await self._ledger.stop(
            TransactionStop(
                identity=self._charge_point.identity,
                transaction_id=transaction_id,
                timestamp=timestamp,
                ended=ended,
                meter_stop=meter_stop,
                readings=[
                    (clock.correct(reading.time), reading.values)
                    for reading in readings
                ],
                signed=signed,
                replayed=clock.is_past(timestamp) and is_plausible(timestamp),
                reason=reason,
                id_token=id_token,
                raw=raw,
            ),
            self._running(),
        )
        self._ended.append(transaction_id)
        if transaction is None:
            transaction = next(
                (
                    one
                    for one in self._open.values()
                    if one.foreign and one.id == transaction_id
                ),
                None,
            )
            if transaction is None:
                return
            if meter_stop is not None:
                transaction.account.finish(
                    ended, transaction.meter_start, meter_stop, self._prices
                )
            transaction.ended = ended
            transaction.stop_reason = reason
        self._ended.append(transaction.id)
        self._late.pop(transaction.id, None)
        connector = transaction.connector
        if transaction.meter_last is not None:
            self._charge_point.meters.ended(connector, ended, transaction.meter_last)
        open_ = self._open.get(connector)
        if open_ and open_.id == transaction.id:
            self._shown.used(transaction)
            self._close(transaction)

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
        if transaction is None:
            return
        if transaction.connector in self._available:
            self._available[transaction.connector] = utcnow()
        account = transaction.account
        account.replayed |= past
        values = reading.values
        if "power" not in values and "current" in values:
            config = self._charge_point.config
            power = power_of(reading, config.nominal_voltage, config.phases)
            values = {**values, "power": power}
        windows = None
        if (energy := values.get("energy")) is not None:
            # Samples are not always told in order.
            if account.register is None or time >= account.register.time:
                transaction.meter_last = energy
            if transaction.meter_start is None:
                transaction.meter_start = energy
            if account.register and not past:
                activity = self._activity(transaction.connector)
                windows = activity.take(account.register.time, time)
        account.read(time, values, self._prices, windows)
        transaction.signed += reading.signed
        if energy is not None and transaction.id not in self._late:
            self._shown.used(transaction)
        if not transaction.foreign:
            self._ledger.progress(transaction)

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

    def _close(self, transaction: Transaction) -> None:
        connector = transaction.connector
        del self._open[connector]
        self._available.pop(connector, None)
        self._charge_point.limits.transaction_ended(connector)
        self._shown.ended(transaction)
        self._charge_point.access.ended(transaction)
