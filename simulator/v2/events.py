"""What the central system is told of transactions: TransactionEvent, and when to send one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from simulator.clock import Clock, Ticker, Timer, format_time
from simulator.outbox import Outbox

from .hooks import Costs
from .meter import Meter
from .schemas import Payload
from .station import Evse, Station2
from .tokens import Tokens
from .transaction import Transaction
from .variables import Variables

_SAMPLED, _ALIGNED = "SampledDataCtrlr", "AlignedDataCtrlr"

#: Each limit of a transaction, and what is said when it is reached.
_LIMITS = {
    "maxCost": "CostLimitReached",
    "maxEnergy": "EnergyLimitReached",
    "maxTime": "TimeLimitReached",
    "maxSoC": "SoCLimitReached",
}


class Events:
    """Meters transactions, and says what happens in them."""

    def __init__(
        self,
        station: Station2,
        outbox: Outbox,
        tokens: Tokens,
        clock: Clock,
        variables: Variables,
        online: Callable[[], bool],
    ) -> None:
        """Serve the EVSEs of a station."""
        self.meter = Meter()
        self.costs = Costs()
        #: Told what the central system thinks of the token of a transaction.
        self.answered: Callable[[Evse, str, Payload | None], None] = (
            lambda _evse, _transaction, _info: None
        )
        #: Told what the central system did wrong.
        self.complain: Callable[[str], None] = lambda _complaint: None
        self._station = station
        self._outbox = outbox
        self._tokens = tokens
        self._clock = clock
        self._variables = variables
        self._online = online
        self._aligned: Timer | None = None
        self._undelivered: dict[str, int] = {}

    # Beginning, going on, ending

    def started(self, evse: Evse, trigger: str) -> None:
        """A transaction begins."""
        transaction = Transaction(str(uuid4()), self._clock.now(), evse.energy_wh)
        transaction.points = evse.points
        evse.transaction = transaction
        evse.finished = False
        begin = self._sample(
            evse, f"{_SAMPLED}.TxStartedMeasurands", "Transaction.Begin"
        )
        end = self._sample(evse, f"{_SAMPLED}.TxEndedMeasurands", "Transaction.Begin")
        transaction.collected += end
        state = evse.state if trigger == "ChargingStateChanged" else self._quiet(evse)
        self._event(evse, "Started", trigger, state=state, values=begin)
        transaction.tickers = [
            Ticker(self._clock, lambda: self._periodic(evse)),
            Ticker(self._clock, lambda: self._collect(evse, _SAMPLED)),
            Ticker(self._clock, lambda: self._collect(evse, _ALIGNED)),
        ]
        self._restart(transaction)

    @staticmethod
    def _quiet(evse: Evse) -> str:
        """The charging state before any energy flows."""
        return "Idle" if evse.car is None else "EVConnected"

    def updated(
        self,
        evse: Evse,
        trigger: str,
        *,
        state: str | None = None,
        token: Payload | None = None,
        values: list[Payload] | None = None,
        info: Payload | None = None,
    ) -> None:
        """Something has happened in a transaction."""
        self._event(
            evse,
            "Updated",
            trigger,
            state=state or evse.state,
            token=token,
            values=values,
            info=info,
        )

    def ended(
        self, evse: Evse, trigger: str, reason: str, token: Payload | None
    ) -> None:
        """A transaction ends."""
        if (transaction := evse.transaction) is None:
            return
        for ticker in transaction.tickers:
            ticker.stop()
        end = self._sample(evse, f"{_SAMPLED}.TxEndedMeasurands", "Transaction.End")
        self._event(
            evse,
            "Ended",
            trigger,
            state=self._quiet(evse),
            token=token,
            values=[*transaction.collected, *end],
            info={
                "stoppedReason": reason,
                "timeSpentCharging": int(transaction.charged),
            },
        )

    def _event(
        self,
        evse: Evse,
        kind: str,
        trigger: str,
        *,
        state: str,
        token: Payload | None = None,
        values: list[Payload] | None = None,
        info: Payload | None = None,
    ) -> None:
        if (transaction := evse.transaction) is None:
            return
        payload: Payload = {
            "eventType": kind,
            "timestamp": format_time(self._clock.now()),
            "triggerReason": trigger,
            "seqNo": transaction.sequence,
            "transactionInfo": {"transactionId": transaction.id, **(info or {})},
        }
        if state != transaction.told:
            payload["transactionInfo"]["chargingState"] = state
            transaction.told = state
        transaction.sequence += 1
        self._place(evse, transaction, payload)
        self._somebody(evse, transaction, payload, token)
        if values:
            payload["meterValue"] = values
        if not self._online():
            payload["offline"] = True
        payload |= self.costs.event(evse, payload)
        self._undelivered[transaction.id] = self.waiting(transaction.id) + 1
        delivery = self._outbox.put(
            "TransactionEvent",
            payload,
            lasting=True,
            triggered=trigger == "Trigger",
            answered=lambda answer: self._answer(evse, transaction, payload, answer),
        )
        delivery.add_done_callback(lambda _: self._delivered(transaction.id))

    def _delivered(self, transaction_id: str) -> None:
        """One message less waits, whether it got through or was given up."""
        self._undelivered[transaction_id] -= 1
        if not self._undelivered[transaction_id]:
            del self._undelivered[transaction_id]

    @staticmethod
    def _place(evse: Evse, transaction: Transaction, payload: Payload) -> None:
        """Say where it is, as soon as that is known, and not again."""
        place: Payload = {"id": evse.id}
        if evse.car is not None or len(evse.connectors) == 1:
            place["connectorId"] = evse.active.id
        if place != transaction.place:
            transaction.place = place
            payload["evse"] = place
        if evse.car is not None and not transaction.cable_told:
            transaction.cable_told = True
            payload["cableMaxCurrent"] = int(evse.max_current)
        if payload["transactionInfo"].get("chargingState") == "Charging":
            payload["numberOfPhasesUsed"] = min(
                evse.active.offered_phases, evse.car.phases if evse.car else 3
            )

    @staticmethod
    def _somebody(
        evse: Evse, transaction: Transaction, payload: Payload, token: Payload | None
    ) -> None:
        """Say who it is, once; and who has ended it."""
        somebody = evse.authorization
        if somebody is not None and not transaction.token_told:
            transaction.token_told = True
            payload["idToken"] = somebody.token
            if somebody.remote is not None:
                payload["transactionInfo"]["remoteStartId"] = somebody.remote
            if somebody.reservation is not None:
                payload["reservationId"] = somebody.reservation
        if token is not None:
            payload["idToken"] = token

    def _answer(
        self, evse: Evse, transaction: Transaction, payload: Payload, answer: Payload
    ) -> None:
        """Take to heart what the central system says."""
        if (cost := answer.get("totalCost")) is not None:
            transaction.cost = cost
        if (message := answer.get("updatedPersonalMessage")) is not None:
            transaction.message = message
        info = answer.get("idTokenInfo")
        if info is None and "idToken" in payload:
            self.complain("the answer to TransactionEvent says nothing of the idToken")
        if info is not None and "idToken" in payload:
            self._tokens.learn(payload["idToken"], info)
        if (limits := answer.get("transactionLimit")) is not None:
            self.limit(evse, transaction, limits)
        self.answered(evse, transaction.id, info)
        self._station.update()

    def waiting(self, transaction_id: str | None) -> int:
        """How many messages about a transaction, or about any, were not delivered yet."""
        if transaction_id is None:
            return len(self._outbox.lasting)
        return self._undelivered.get(transaction_id, 0)

    # Limits of a transaction (OCPP 2.1, E16)

    def limit(self, evse: Evse, transaction: Transaction, limits: Payload) -> None:
        """Obey limits for a transaction, and say so."""
        wanted = {key: limits[key] for key in _LIMITS if key in limits}
        if evse.transaction is not transaction or wanted == transaction.limits:
            return
        transaction.limits = wanted
        self.updated(evse, "LimitSet", info={"transactionLimit": wanted})

    def check_limits(self, evse: Evse) -> None:
        """Suspend what has reached a limit, and go on where it was raised."""
        if (transaction := evse.transaction) is None:
            return
        elapsed = (self._clock.now() - transaction.start) / timedelta(seconds=1)
        own = self.costs.cost(evse)
        figures = {
            "maxCost": transaction.cost if own is None else own,
            "maxEnergy": evse.energy_wh - transaction.meter_start,
            "maxTime": elapsed,
            "maxSoC": evse.active.soc,
        }
        reached = None
        for key, limit in transaction.limits.items():
            figure = figures[key]
            if figure is not None and figure >= limit:
                reached = _LIMITS[key]
        if reached is not None and transaction.reached is None:
            transaction.reached = reached
            state = "SuspendedEVSE" if evse.admitted or evse.car else evse.state
            self.updated(evse, reached, state=state)
        elif reached is None:
            transaction.reached = None

    # Metering

    def _sample(
        self, evse: Evse, measurands: str, context: str, *, time: str | None = None
    ) -> list[Payload]:
        controller = measurands.split(".", maxsplit=1)[0]
        if self._variables.text(f"{controller}.Enabled") == "false":
            return []
        value = self.meter.value(
            time or format_time(self._clock.now()),
            evse.reading,
            self._variables.items(measurands),
            context,
            signed=self._variables.truth(f"{controller}.SignReadings"),
        )
        return [] if value is None else [value]

    def _periodic(self, evse: Evse) -> None:
        self._measured(
            evse,
            "MeterValuePeriodic",
            f"{_SAMPLED}.TxUpdatedMeasurands",
            "Sample.Periodic",
        )

    def _collect(self, evse: Evse, controller: str) -> None:
        if evse.transaction is not None and self._station.powered:
            self._station.update()
            context = "Sample.Clock" if controller == _ALIGNED else "Sample.Periodic"
            name = f"{controller}.TxEndedMeasurands"
            evse.transaction.collected += self._sample(evse, name, context)

    def _measured(
        self, evse: Evse, trigger: str, measurands: str, context: str
    ) -> bool:
        self._station.update()
        if evse.transaction is None or not self._station.powered:
            return False
        if values := self._sample(evse, measurands, context):
            self.updated(evse, trigger, values=values)
        return bool(values)

    def trigger(self, evse: Evse) -> None:
        """Tell of a transaction because the central system asked."""
        self._station.update()
        if evse.transaction is not None:
            values = self._sample(evse, f"{_SAMPLED}.TxUpdatedMeasurands", "Trigger")
            self.updated(evse, "Trigger", values=values)

    def trigger_meter(self, evse: Evse) -> None:
        """Send meter values because the central system asked for them."""
        self._station.update()
        self._meter_values(evse, "Trigger")

    def _meter_values(self, evse: Evse, context: str) -> None:
        if values := self._sample(evse, f"{_ALIGNED}.Measurands", context):
            payload: dict[str, Any] = {"evseId": evse.id, "meterValue": values}
            self._outbox.put("MeterValues", payload, triggered=context == "Trigger")

    def start(self) -> None:
        """Begin, or go on after a stop."""
        self.restart_samples()
        self.restart_aligned()

    def stop(self) -> None:
        """Stop all timers."""
        for evse in self._station.evses:
            if evse.authorization is not None and evse.authorization.timer is not None:
                evse.authorization.timer.cancel()
            if evse.transaction is not None:
                for ticker in evse.transaction.tickers:
                    ticker.stop()
        if self._aligned is not None:
            self._aligned.cancel()
            self._aligned = None

    def restart_samples(self) -> None:
        """Sample at the intervals that are configured now."""
        for evse in self._station.busy:
            if evse.transaction is not None:
                self._restart(evse.transaction)

    def _restart(self, transaction: Transaction) -> None:
        names = (
            f"{_SAMPLED}.TxUpdatedInterval",
            f"{_SAMPLED}.TxEndedInterval",
            f"{_ALIGNED}.TxEndedInterval",
        )
        for ticker, name in zip(transaction.tickers, names, strict=True):
            ticker.start(self._variables.integer(name))

    def restart_aligned(self) -> None:
        """Measure at the full intervals of the day that are configured now."""
        if self._aligned is not None:
            self._aligned.cancel()
            self._aligned = None
        if (interval := self._variables.integer(f"{_ALIGNED}.Interval")) <= 0:
            return
        now = self._clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        delay = interval - ((now - midnight) / timedelta(seconds=1)) % interval
        # A timer that came a moment early must not measure the same instant twice.
        self._aligned = self._clock.call_later(
            delay if delay > 0.5 else delay + interval, self._measure_aligned
        )

    def _measure_aligned(self) -> None:
        self.restart_aligned()
        self._station.update()
        idle_only = self._variables.truth(f"{_ALIGNED}.SendDuringIdle")
        if not self._station.powered or (idle_only and self._station.busy):
            return
        for evse in self._station.evses:
            if evse.transaction is None:
                self._meter_values(evse, "Sample.Clock")
            else:
                name = f"{_ALIGNED}.Measurands"
                self._measured(evse, "MeterValueClock", name, "Sample.Clock")
