"""The transactions of one charge point: what is open, and what it has charged."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from .accounting import Account
from .authorization import authorized_by
from .clock import is_plausible
from .errors import CallError
from .metering import Reading
from .model import (
    STATION,
    Authorization,
    AuthorizationStatus,
    EndedTransaction,
    Transaction,
    TransactionStart,
    TransactionStop,
)
from .register import Register
from .running import Running


class Transactions(Running):
    """The transactions of a charge point, from their starts to their ends."""

    def restore(
        self, transactions: Iterable[Transaction], ended: Iterable[EndedTransaction]
    ) -> None:
        """Take up what was open before a restart, or began before the user added it."""
        self._ended.extend(one.id for one in ended)
        newest = {transaction.connector: transaction for transaction in transactions}
        for transaction in transactions:
            connector = transaction.connector
            known = self._open.get(connector)
            if transaction is not newest[connector] or connector == STATION:
                self._late[transaction.id] = transaction
            elif (known is None or known.foreign) and self._charge_point.add_connector(
                connector
            ):
                self._take_up(transaction)
        self._charge_point.transaction_events.restore(transactions, ended)

    async def start(
        self,
        connector: int,
        id_token: str,
        timestamp: datetime,
        meter_start: float | None,
        raw: dict[str, Any],
    ) -> tuple[int, Authorization]:
        """Record a start; returns its id and whether it may charge, once on disk."""
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
        transaction = await self.begin(
            TransactionStart(
                identity=charge_point.identity,
                connector=connector,
                id_token=id_token,
                timestamp=timestamp,
                started=started,
                meter_start=meter_start,
                account=self.new_account(connector, started, meter_start, past=past),
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
            )
        )
        return transaction.id, answer

    async def begin(self, start: TransactionStart) -> Transaction:
        """Record what has started; returns once it is on disk."""
        self._admit()
        charge_point = self._charge_point
        transaction = await self._ledger.start(start, self._running())
        # A start told again may leave out where it was.
        connector = transaction.connector
        if start.id_token is not None:
            charge_point.access.started(start.id_token, connector)
        self._forget_late(transaction)
        known = charge_point.add_connector(connector)
        if start.meter_start is not None and known:
            charge_point.meters.begun(
                connector, start.started or start.timestamp, start.meter_start
            )
        if (
            start.authorization == AuthorizationStatus.ACCEPTED
            and transaction.ended is None
            and known
        ):
            self._begin(transaction)
        return transaction

    def _begin(self, transaction: Transaction) -> None:
        """Show what has started, unless it is told late or once more."""
        connector = transaction.connector
        # Whatever came in while the disk was busy.
        before = self._open.get(connector)
        if before and transaction.id == before.id:
            return
        if transaction.charger_id is not None and connector == STATION:
            # Where it is comes later.
            self._late.setdefault(transaction.id, transaction)
        elif before is None or transaction.started >= before.started:
            if before:
                self._ended.append(before.id)
                self._close(before)
            self._late.pop(transaction.id, None)
            self._take_up(transaction)
            self._shown.started(transaction)
            self._charge_point.limits.transaction_started(transaction)
        else:
            self._late[transaction.id] = transaction

    def cost(self, transaction: Transaction) -> float | None:
        """Return what a transaction has cost; None where that is not known."""
        account = transaction.account
        if account.unpriced:
            return None
        if account.cost is None and self._prices.current and not account.energy:
            return 0.0
        return account.cost

    def move(self, transaction: Transaction, connector: int) -> None:
        """Take note of where a transaction is, told after its start."""
        self._late.pop(transaction.id, None)
        if self._open.get(transaction.connector) is transaction:
            self._leave(transaction)
        transaction.connector = connector
        self._begin(transaction)

    def reopen(self, transaction: Transaction) -> bool:
        """Go on with what seemed to have ended, unless another one has begun."""
        if transaction.connector in self._open:
            return False
        transaction.ended = None
        self._take_up(transaction)
        return True

    def named(self, transaction: Transaction) -> None:
        """Take note of whose transaction it is, told after its start."""
        if transaction.id_token is not None:
            access = self._charge_point.access
            access.started(transaction.id_token, transaction.connector)
        if self._open.get(transaction.connector) is transaction:
            self._shown.named(transaction)
            self._charge_point.limits.transaction_started(transaction)

    def new_account(
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
                late.connector != STATION
                and late.connector == newer.connector
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
        clock = self._charge_point.clock
        ended = clock.correct(timestamp)
        await self.finish(
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
            )
        )

    async def finish(self, stop: TransactionStop) -> Transaction | None:
        """Record what has ended; returns once it is on disk, None for nothing known."""
        self._admit()
        ended = stop.ended or stop.timestamp
        transaction = await self._ledger.stop(stop, self._running())
        if stop.transaction_id:
            self._ended.append(stop.transaction_id)
        if transaction is None:
            transaction = next(
                (
                    one
                    for one in self._open.values()
                    if one.foreign and one.id == stop.transaction_id
                ),
                None,
            )
            if transaction is None:
                return None
            if stop.meter_stop is not None:
                transaction.account.finish(
                    ended, transaction.meter_start, stop.meter_stop, self._prices
                )
            transaction.ended = ended
            transaction.stop_reason = stop.reason
        self._ended.append(transaction.id)
        self._late.pop(transaction.id, None)
        connector = transaction.connector
        if transaction.meter_last is not None:
            self._charge_point.meters.ended(connector, ended, transaction.meter_last)
        open_ = self._open.get(connector)
        if open_ and open_.id == transaction.id:
            self._shown.used(transaction)
            self._close(transaction)
        return transaction
