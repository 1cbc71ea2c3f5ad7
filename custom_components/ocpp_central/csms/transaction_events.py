"""Transactions as OCPP 2.x tells them: by events, under the charger's own ids."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from .clock import is_plausible
from .evses import connector_number, place_of
from .metering import Reading
from .model import (
    STATION,
    Amendment,
    Authorization,
    AuthorizationStatus,
    EndedTransaction,
    SessionLedger,
    Transaction,
    TransactionStart,
    TransactionStop,
)
from .transaction_event import EventType, Known, Outcome, TransactionEvent
from .transaction_states import TransactionStates
from .transaction_tokens import TransactionTokens

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# Transactions that are over, and still known.
_MOST_OVER = 50


class TransactionEvents:
    """Follows the transactions of a charge point by their events, one by one."""

    def __init__(self, charge_point: ChargePoint, ledger: SessionLedger) -> None:
        """Know of none."""
        self._charge_point = charge_point
        self._ledger = ledger
        # By the charger's id: the last one it has called so.
        self._known: dict[str, Known] = {}
        self._tokens = TransactionTokens(charge_point, ledger)
        self.states = TransactionStates(charge_point)
        self._lock = asyncio.Lock()

    def restore(
        self, transactions: Iterable[Transaction], ended: Iterable[EndedTransaction]
    ) -> None:
        """Take up what was known before a restart."""
        for over in ended:
            if over.charger_id is not None:
                self._known.setdefault(
                    over.charger_id,
                    Known(id=over.id, ended=over.ended if over.told else None),
                )
        for one in transactions:
            known = self._known.get(one.charger_id or "")
            if one.charger_id is not None and (known is None or known.id < one.id):
                transaction = self._charge_point.transactions.find(one.id) or one
                self._known[one.charger_id] = Known(
                    id=one.id, transaction=transaction, connector=one.connector
                )

    async def take(self, event: TransactionEvent) -> Outcome:
        """Take an event; what is to be kept of it is on disk then."""
        async with self._lock:
            clock = self._charge_point.clock
            plausible = is_plausible(event.timestamp)
            if plausible and not event.offline:
                clock.observe(event.timestamp)
            past = event.offline or (plausible and clock.is_past(event.timestamp))
            known = self._known.get(event.charger_id)
            if event.kind is EventType.STARTED:
                outcome = await self._start(event, known, past=past)
            elif known and not self._is_another(known, event):
                outcome = await self._go_on(event, known, past=past)
            elif event.kind is EventType.UPDATED:
                outcome = await self._start(event, None, past=past)
            else:
                outcome = await self._end_unknown(event, past=past)
            return replace(outcome, past=past)

    # The parts of a transaction

    async def _start(
        self, event: TransactionEvent, known: Known | None, *, past: bool
    ) -> Outcome:
        """Begin a transaction, be it in the middle."""
        charge_point = self._charge_point
        started = charge_point.clock.correct(event.timestamp)
        if (
            known
            and known.transaction
            and known.transaction.taken_up
            and started <= known.transaction.started
        ):
            await self._start_late(event, known.transaction, started)
            return await self._go_on(event, known, past=past)
        connector = self._place(event, None)
        answer, by = self._tokens.authorize(event, connector, started, past=past)
        token = self._tokens.token(event)
        transaction = await charge_point.transactions.begin(
            TransactionStart(
                identity=charge_point.identity,
                connector=connector,
                id_token=token,
                timestamp=event.timestamp,
                started=started,
                meter_start=event.meter_start,
                account=charge_point.transactions.new_account(
                    connector, started, event.meter_start, past=past
                ),
                authorization=answer.status if answer else AuthorizationStatus.ACCEPTED,
                authorized_by=by,
                user=answer.user if answer else None,
                group=answer.group if answer else None,
                charger_id=event.charger_id,
                taken_up=event.kind is not EventType.STARTED,
                raw=event.raw,
            )
        )
        if known is None or known.id != transaction.id:
            known = Known(
                id=transaction.id,
                transaction=charge_point.transactions.find(transaction.id)
                or transaction,
                connector=transaction.connector,
                ended=transaction.ended if transaction.stop_reason else None,
            )
            self._known.pop(event.charger_id, None)
            self._known[event.charger_id] = known
            self._forget()
        late, again = known.take(event)
        if not again:
            self._measure(event, known, past=past or late)
        if not late:
            self._show(event, known, past=past)
        return Outcome(
            connector=known.connector,
            transaction=known.transaction,
            answer=answer if event.id_token is not None else None,
            fresh=not again,
        )

    async def _start_late(
        self, event: TransactionEvent, transaction: Transaction, started: datetime
    ) -> None:
        """Take the start of what has been taken up in the middle."""
        await self._ledger.amend(
            Amendment(
                transaction_id=transaction.id,
                timestamp=event.timestamp,
                started=started,
                meter_start=event.meter_start,
            )
        )
        transaction.taken_up = False
        self._charge_point.transactions.begun_before(
            transaction, started, event.meter_start
        )

    async def _go_on(
        self, event: TransactionEvent, known: Known, *, past: bool
    ) -> Outcome:
        """Go on with a transaction, or end it."""
        late, again = known.take(event)
        transaction = known.transaction
        connector = self._place(event, known)
        answer: Authorization | None = None
        had = transaction.id_token if transaction else None
        if transaction and not late:
            await self._resume(event, known, transaction, connector)
        if event.id_token is not None:
            answer = await self._tokens.take(event, known, past=past)
        if (
            transaction
            and transaction.meter_start is None
            and (event.meter_start is not None)
        ):
            # Some tell where the meter stood at the start only at the end.
            self._charge_point.transactions.begun_before(
                transaction, transaction.started, event.meter_start
            )
        if not again:
            self._measure(event, known, past=past or late)
        if event.kind is EventType.ENDED:
            known.transaction = transaction = await self._end(event, known, past=past)
        if not late:
            self._show(event, known, past=past)
        return Outcome(
            connector=known.connector,
            transaction=transaction,
            answer=answer,
            fresh=not again and not event.stops and event.id_token != had,
        )

    async def _resume(
        self,
        event: TransactionEvent,
        known: Known,
        transaction: Transaction,
        connector: int,
    ) -> None:
        """Take note of where a transaction is, and that it goes on."""
        transactions = self._charge_point.transactions
        if connector not in (STATION, known.connector):
            await self._ledger.amend(
                Amendment(transaction_id=known.id, connector=connector)
            )
            known.connector = connector
            if transactions.find(known.id) and self._charge_point.add_connector(
                connector
            ):
                transactions.move(transaction, connector)
        if (
            event.kind is EventType.UPDATED
            and known.ended is None
            and transaction.ended
            and transactions.reopen(transaction)
        ):
            await self._ledger.amend(Amendment(transaction_id=known.id, reopened=True))
        if event.kind is EventType.UPDATED and transactions.find(known.id):
            transactions.heard(transaction)
            if not transaction.carried:
                transaction.carried = True
                self._ledger.progress(transaction)

    async def _end(
        self, event: TransactionEvent, known: Known, *, past: bool
    ) -> Transaction | None:
        """End a transaction."""
        stop = self._stop(event, known.id, past=past)
        known.ended = stop.ended
        # Whoever it was that ended it may have been told before.
        stop = replace(stop, id_token=event.id_token or known.stop_token)
        return await self._charge_point.transactions.finish(stop)

    async def _end_unknown(self, event: TransactionEvent, *, past: bool) -> Outcome:
        """Record the end of what has not been heard of lately, or never."""
        charge_point = self._charge_point
        connector = self._place(event, None)
        answer = self._tokens.authorize_stop(event)
        transaction = await charge_point.transactions.finish(
            self._stop(event, 0, past=past)
        )
        if event.readings and connector != STATION:
            charge_point.meters.take(connector, event.readings, _nowhere, past=True)
        return Outcome(connector=connector, transaction=transaction, answer=answer)

    def _stop(
        self, event: TransactionEvent, transaction_id: int, *, past: bool
    ) -> TransactionStop:
        clock = self._charge_point.clock
        # What is under way has counted them.
        running = self._charge_point.transactions.find(transaction_id)
        readings = [] if running else event.readings
        return TransactionStop(
            identity=self._charge_point.identity,
            transaction_id=transaction_id,
            charger_id=event.charger_id,
            timestamp=event.timestamp,
            ended=clock.correct(event.timestamp),
            meter_start=event.meter_start,
            meter_stop=event.meter_stop,
            readings=[
                (clock.correct(reading.time), reading.values) for reading in readings
            ],
            signed=[value for reading in readings for value in reading.signed],
            replayed=past,
            reason=event.reason,
            id_token=event.id_token,
            raw=event.raw,
        )

    # What is measured, and shown

    def _measure(self, event: TransactionEvent, known: Known, *, past: bool) -> None:
        """Count what an event has measured."""
        charge_point = self._charge_point
        if not event.readings:
            return
        running = charge_point.transactions.find(known.id)
        count = partial(charge_point.transactions.count, running) if running else None
        if known.connector == STATION or not charge_point.add_connector(
            known.connector
        ):
            for reading in event.readings if count else ():
                assert count
                count(charge_point.clock.correct(reading.time), reading, past=past)
            return
        charge_point.meters.take(
            known.connector,
            event.readings,
            count or _nowhere,
            over=known.ended is not None,
            past=past,
        )

    def _show(self, event: TransactionEvent, known: Known, *, past: bool) -> None:
        """Show what a connector does by an event."""
        over = event.kind is EventType.ENDED
        if (
            known.connector != STATION
            and (over or event.state is not None)
            and self._charge_point.add_connector(known.connector)
        ):
            self.states.tell(
                known.connector,
                known.id,
                None if over else event.state,
                past=past,
                reason=event.reason,
            )

    # Where, and which

    def _place(self, event: TransactionEvent, known: Known | None) -> int:
        """Return the connector of a transaction; the station's 0 if nobody knows."""
        before = known.connector if known else STATION
        connectors = self._charge_point.connectors
        if event.evse is None:
            if before == STATION and len(connectors) == 1:
                return connectors[0]
            return before
        if event.on_evse is not None:
            return connector_number(event.evse, event.on_evse) or before
        if place_of(before)[0] == event.evse:
            return before
        mine = [one for one in connectors if place_of(one)[0] == event.evse]
        occupied = [one for one in mine if self.states.is_occupied(one)]
        if len(occupied) == 1:
            return occupied[0]
        return connector_number(event.evse, None) or before

    def _is_another(self, known: Known, event: TransactionEvent) -> bool:
        """Return whether a charger has used an id again, and not told the start."""
        return (
            known.ended is not None
            and self._charge_point.clock.correct(event.timestamp) > known.ended
            and (known.highest < 0 or event.sequence <= known.highest)
        )

    def _forget(self) -> None:
        """Let go of those that were over long ago."""
        find = self._charge_point.transactions.find
        over = [name for name, known in self._known.items() if not find(known.id)]
        for name in over[:-_MOST_OVER]:
            del self._known[name]

    @property
    def doubtful(self) -> list[str]:
        """Return those that nothing has been heard of since the charger is back."""
        charge_point = self._charge_point
        return [
            name
            for name, known in self._known.items()
            if not known.heard_since_connected
            and charge_point.transactions.find(known.id)
        ]

    def connected(self) -> None:
        """Take note that the charger is back, and may have lost what was under way."""
        for known in self._known.values():
            known.heard_since_connected = False

    async def verify(self) -> None:
        """Ask for those that nothing has been heard of since the charger is back.

        What it does not know, and has nothing more to tell of, is over.
        """
        charge_point = self._charge_point
        for name in self.doubtful:
            answer = await charge_point.commands.get_transaction_status(name)
            known = self._known.get(name)
            transaction = charge_point.transactions.find(known.id) if known else None
            if (
                known
                and transaction
                and not known.heard_since_connected
                and answer.get("ongoingIndicator") is False
                and answer.get("messagesInQueue") is False
            ):
                charge_point.transactions.end_unheard(transaction)
                if known.connector != STATION:
                    self.states.settle(known.connector, "other")


def _nowhere(time: datetime, reading: Reading, *, past: bool) -> None:
    """Count a reading to nothing."""
