"""Who may charge, and the life of a transaction."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from .activity import Activity
from .clock import Clock, Ticker, Timer, format_time, parse_time
from .configuration import Configuration
from .connector import Authorization, Connector, Transaction
from .link import CallFailed, LinkDown
from .local_list import LocalList
from .meter import meter_value
from .outbox import Outbox, Payload
from .profile_store import ProfileRefused
from .profiles import Profile, Purpose
from .reservations import Reservations
from .station import Station

type IdTagInfo = Mapping[str, Any]

_ACCEPTED = "Accepted"
_NOBODY: IdTagInfo = {"status": "Invalid"}


class Sessions:
    """Starts, meters and ends transactions, and tells the central system about them."""

    def __init__(
        self,
        station: Station,
        outbox: Outbox,
        clock: Clock,
        configuration: Configuration,
        activity: Activity,
        local_list: LocalList,
        reservations: Reservations,
    ) -> None:
        """Serve the connectors of a station."""
        self._station = station
        self._outbox = outbox
        self._clock = clock
        self._configuration = configuration
        self._activity = activity
        self._list = local_list
        self._reservations = reservations
        self._cache: dict[str, IdTagInfo] = {}
        self._aligned: Timer | None = None

    # Who may charge

    async def swipe(self, token: str, connector: Connector) -> str:
        """Hold a card to the reader. Returns its status, or Unavailable if nothing can begin."""
        transaction = connector.transaction
        if transaction is not None and transaction.id_tag == token:
            self.end(connector, "Local", token)
            return _ACCEPTED
        info = await self._authorize(token)
        status = str(info["status"])
        if status != _ACCEPTED:
            return status
        if (transaction := connector.transaction) is not None:
            parent = info.get("parentIdTag")
            if parent is not None and parent == transaction.parent:
                self.end(connector, "Local", token)
            return status
        parent = info.get("parentIdTag")
        if not connector.available or not self._reservations.permits(
            connector, token, parent
        ):
            return "Unavailable"
        self._admit(connector, token, None)
        return status

    def clear_cache(self) -> None:
        """Forget everyone."""
        self._cache.clear()

    async def _authorize(self, token: str) -> IdTagInfo:
        if self._configuration.truth("LocalPreAuthorize"):
            if (known := self._known(token)) is not None and known[
                "status"
            ] == _ACCEPTED:
                return known
        try:
            answer = await self._outbox.put("Authorize", {"idTag": token})
        except LinkDown:
            return self._authorize_offline(token)
        except CallFailed:
            return _NOBODY
        self._learn(token, answer)
        return dict(answer["idTagInfo"])

    def _authorize_offline(self, token: str) -> IdTagInfo:
        known = self._known(token)
        if known is not None and self._configuration.truth("LocalAuthorizeOffline"):
            return known
        if known is None and self._configuration.truth("AllowOfflineTxForUnknownId"):
            return {"status": _ACCEPTED}
        return _NOBODY

    def _known(self, token: str) -> IdTagInfo | None:
        """What the charger itself knows of a token; the list is above the cache."""
        return self._list.find(token) or self._cached(token)

    def _cached(self, token: str) -> IdTagInfo | None:
        if not self._configuration.truth("AuthorizationCacheEnabled"):
            return None
        if (info := self._cache.get(token)) is None:
            return None
        expiry = info.get("expiryDate")
        expired = expiry is not None and parse_time(expiry) <= self._clock.now()
        return {**info, "status": "Expired"} if expired else info

    def _learn(self, token: str, answer: Payload) -> None:
        if (info := answer.get("idTagInfo")) is not None:
            self._cache[token] = info

    def _parent(self, token: str) -> str | None:
        """The group of a token, if the charger knows it."""
        return (self._known(token) or {}).get("parentIdTag")

    # Beginning

    def remote_start(
        self, id_tag: str, number: int | None, profile_payload: Mapping[str, Any] | None
    ) -> Callable[[], None] | None:
        """What to do once a RemoteStartTransaction is accepted, or None to reject it."""
        free = [
            connector
            for connector in self._station.sockets
            if connector.available
            and number in {None, connector.id}
            and self._reservations.permits(connector, id_tag, self._parent(id_tag))
        ]
        if not free:
            return None
        # Whoever asks without naming a connector means the one with the car.
        connector = min(
            free, key=lambda connector: (connector.car is None, connector.id)
        )
        profile = None
        if profile_payload is not None:
            profile = Profile.from_wire(
                connector.id, profile_payload, self._clock.now()
            )
            if profile.purpose is not Purpose.TX or profile.transaction_id is not None:
                return None
            try:
                self._station.profiles.check(profile)
            except ProfileRefused:
                return None
        if not self._configuration.truth("AuthorizeRemoteTxRequests"):
            return lambda: self._admit(connector, id_tag, profile)
        return lambda: self._activity.spawn(
            self._authorize_remote(connector, id_tag, profile)
        )

    async def _authorize_remote(
        self, connector: Connector, id_tag: str, profile: Profile | None
    ) -> None:
        info = await self._authorize(id_tag)
        if info["status"] == _ACCEPTED and connector.available:
            self._admit(connector, id_tag, profile)

    def _admit(
        self, connector: Connector, id_tag: str, profile: Profile | None
    ) -> None:
        """Begin now, or as soon as a car is plugged in."""
        self._expire(connector)
        if self._station.oddities.hung:
            return
        if connector.car is not None:
            self._begin(connector, id_tag, profile)
            return

        def nobody_came() -> None:
            self._expire(connector)
            self._station.update()

        timer = self._clock.call_later(
            self._configuration.integer("ConnectionTimeOut"), nobody_came
        )
        connector.authorization = Authorization(id_tag, profile, timer)
        self._station.update()

    def _expire(self, connector: Connector) -> None:
        if connector.authorization is not None:
            connector.authorization.timer.cancel()
            connector.authorization = None

    def plugged(self, connector: Connector) -> None:
        """A car has come."""
        # The status shows the car before anything else happens.
        self._station.update()
        if (authorization := connector.authorization) is not None:
            self._expire(connector)
            if connector.available:
                self._begin(connector, authorization.id_tag, authorization.profile)

    def _begin(
        self, connector: Connector, id_tag: str, profile: Profile | None
    ) -> None:
        self._station.update()
        reading = connector.reading
        transaction = Transaction(id_tag, self._clock.now(), reading.register)
        transaction.parent = self._parent(id_tag)
        transaction.begin = self._transaction_data(connector, "Transaction.Begin")
        connector.transaction = transaction
        connector.finished = False
        if profile is not None:
            # If the last place was taken since, the transaction goes on without it.
            with suppress(ProfileRefused):
                self._station.profiles.install(profile, self._station.running)
        payload = {
            "connectorId": connector.id,
            "idTag": id_tag,
            "meterStart": transaction.meter_start,
            "timestamp": format_time(transaction.start),
        }
        reservation = self._reservations.use(connector, id_tag, transaction.parent)
        if reservation is not None:
            payload["reservationId"] = reservation.id
        self._outbox.put(
            "StartTransaction",
            payload,
            lasting=True,
            answered=lambda answer: self._started(connector, transaction, answer),
        )
        transaction.samples = Ticker(
            self._clock, lambda: self._sample(connector, transaction)
        )
        self._restart_samples(transaction)
        self._station.update()

    def _started(
        self, connector: Connector, transaction: Transaction, answer: Payload
    ) -> None:
        """The central system knows the transaction now, and may not like it."""
        self._station.update()
        transaction.id = answer["transactionId"]
        self._learn(transaction.id_tag, answer)
        transaction.parent = answer["idTagInfo"].get("parentIdTag")
        if (
            answer["idTagInfo"]["status"] != _ACCEPTED
            and connector.transaction is transaction
        ):
            transaction.refused = True
            if self._configuration.truth("StopTransactionOnInvalidId"):
                self.end(connector, "DeAuthorized")
        self._station.update()

    # Ending

    def remote_stop(self, transaction_id: int) -> Callable[[], None] | None:
        """What to do once a RemoteStopTransaction is accepted, or None to reject it."""
        for connector in self._station.busy:
            if connector.transaction_id == transaction_id:
                return lambda: self.end(connector, "Remote")
        return None

    def unplugged(self, connector: Connector) -> None:
        """The car has left."""
        if self._configuration.truth("StopTransactionOnEVSideDisconnect"):
            self.end(connector, "EVDisconnected")
        self._station.update()

    def end(self, connector: Connector, reason: str, id_tag: str | None = None) -> None:
        """End the transaction of a connector. Without one this does nothing."""
        self._station.update()
        if (transaction := connector.transaction) is None:
            return
        if transaction.samples is not None:
            transaction.samples.stop()
        payload: Payload = {
            "meterStop": connector.reading.register,
            "timestamp": format_time(self._clock.now()),
            "reason": reason,
        }
        if id_tag is not None:
            payload["idTag"] = id_tag
        data = [transaction.begin, self._transaction_data(connector, "Transaction.End")]
        if present := [value for value in data if value is not None]:
            payload["transactionData"] = present
        connector.transaction = None
        connector.finished = connector.car is not None
        self._station.profiles.transaction_ended(connector.id)
        self._station.oddities.ended(connector.id)
        self._outbox.put(
            "StopTransaction",
            lambda: {**payload, "transactionId": transaction.wire_id},
            lasting=True,
            answered=lambda answer: self._learn(id_tag or transaction.id_tag, answer),
        )
        self._station.update()

    def reboot(self) -> None:
        """Forget what is not in the flash memory."""
        for connector in self._station.sockets:
            self._expire(connector)
            connector.finished = False

    # Metering

    def start(self) -> None:
        """Begin, or go on after a stop."""
        self.restart_samples()
        self.restart_aligned()

    def stop(self) -> None:
        """Stop all timers."""
        for connector in self._station.sockets:
            self._expire(connector)
            if (
                connector.transaction is not None
                and connector.transaction.samples is not None
            ):
                connector.transaction.samples.stop()
        if self._aligned is not None:
            self._aligned.cancel()
            self._aligned = None

    def restart_samples(self) -> None:
        """Sample at the interval that is configured now."""
        for connector in self._station.busy:
            if connector.transaction is not None:
                self._restart_samples(connector.transaction)

    def _restart_samples(self, transaction: Transaction) -> None:
        if transaction.samples is not None:
            transaction.samples.start(
                self._configuration.integer("MeterValueSampleInterval")
            )

    def restart_aligned(self) -> None:
        """Measure at the full intervals of the day that are configured now."""
        if self._aligned is not None:
            self._aligned.cancel()
            self._aligned = None
        if (interval := self._configuration.integer("ClockAlignedDataInterval")) == 0:
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
        measurands = self._configuration.items("MeterValuesAlignedData")
        for connector in self._station.sockets:
            self._measure(connector, measurands, "Sample.Clock", connector.transaction)

    def _sample(self, connector: Connector, transaction: Transaction) -> None:
        measurands = self._configuration.items("MeterValuesSampledData")
        self._measure(connector, measurands, "Sample.Periodic", transaction)

    def trigger(self, connector: Connector) -> None:
        """Send meter values because the central system asked for them."""
        measurands = self._configuration.items("MeterValuesSampledData")
        self._measure(connector, measurands, "Trigger", None)

    def _measure(
        self,
        connector: Connector,
        measurands: list[str],
        context: str,
        transaction: Transaction | None,
    ) -> None:
        """Send meter values. With a transaction they are a part of it and must arrive."""
        self._station.update()
        time = format_time(self._clock.now())
        if (value := meter_value(time, connector.reading, measurands, context)) is None:
            return

        def build() -> Payload:
            payload: Payload = {"connectorId": connector.id, "meterValue": [value]}
            if transaction is not None:
                payload["transactionId"] = transaction.wire_id
            elif (known := connector.transaction_id) is not None:
                payload["transactionId"] = known
            return payload

        self._outbox.put(
            "MeterValues",
            build,
            lasting=transaction is not None,
            triggered=context == "Trigger",
        )

    def _transaction_data(self, connector: Connector, context: str) -> Payload | None:
        measurands = self._configuration.items("StopTxnSampledData")
        time = format_time(self._clock.now())
        return meter_value(time, connector.reading, measurands, context)
