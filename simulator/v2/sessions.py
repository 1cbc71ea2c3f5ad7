"""The life of a transaction: who is let in, when it begins, and when it ends."""

from collections.abc import Callable

from simulator.activity import Activity
from simulator.clock import Clock

from .events import Events
from .hooks import Reservations
from .schemas import Payload
from .station import Connector2, Evse, Station2
from .tokens import ACCEPTED, Tokens, same
from .transaction import Authorization
from .variables import Variables

#: What ends a transaction whatever TxStopPoint says, and the trigger that belongs to it.
_FORCED = {
    "EmergencyStop": "AbnormalCondition",
    "GroundFault": "AbnormalCondition",
    "ImmediateReset": "ResetCommand",
    "Other": "AbnormalCondition",
    "OvercurrentFault": "AbnormalCondition",
    "PowerLoss": "AbnormalCondition",
    "PowerQuality": "AbnormalCondition",
    "Reboot": "AbnormalCondition",
}

#: What ends an authorization, and the trigger that belongs to it.
_TRIGGERS = {
    "Remote": "RemoteStop",
    "DeAuthorized": "Deauthorized",
    "Timeout": "EVConnectTimeout",
    "EVDisconnected": "EVCommunicationLost",
    "EnergyLimitReached": "EnergyLimitReached",
    "TimeLimitReached": "TimeLimitReached",
    "StoppedByEV": "ChargingStateChanged",
}


class Sessions2:
    """Lets people in and out, and begins and ends transactions accordingly."""

    def __init__(
        self,
        station: Station2,
        events: Events,
        tokens: Tokens,
        clock: Clock,
        variables: Variables,
        activity: Activity,
    ) -> None:
        """Serve the EVSEs of a station."""
        self.reservations = Reservations()
        #: Told that a transaction has ended.
        self.changed: Callable[[], None] = lambda: None
        self._station = station
        self._events = events
        self._tokens = tokens
        self._clock = clock
        self._variables = variables
        self._activity = activity
        station.on_plugged = self.plugged
        station.on_unplugged = self.unplugged
        station.on_update = self.watch
        events.answered = self._answered

    # Who may charge

    async def swipe(
        self, token: str, connector: Connector2, kind: str = "ISO14443"
    ) -> str:
        """Hold a card to the reader. Returns its status, or Unavailable if nothing can begin."""
        return await self.present({"idToken": token, "type": kind}, connector.evse)

    async def present(self, token: Payload, evse: Evse) -> str:
        """Show any token."""
        holder = evse.authorization
        if holder is not None and same(holder.token, token):
            self.leave(evse, "Local", token)
            return ACCEPTED
        info, answer = await self._tokens.authorize(token)
        status = str(info["status"])
        if status != ACCEPTED:
            return status
        group = info.get("groupIdToken")
        if (holder := evse.authorization) is not None:
            if same(group, holder.group):
                self.leave(evse, "Local", token)
            return status
        if not evse.available or not self.reservations.permits(evse, token, group):
            return "Unavailable"
        if answer is not None:
            self._events.costs.authorized(evse, answer)
        self._admit(evse, Authorization(token, group), "Authorized")
        return status

    def remote_start(
        self,
        evse_id: int | None,
        token: Payload,
        group: Payload | None,
        remote: int,
        profile: Payload | None,
    ) -> tuple[Evse, Callable[[], None]] | None:
        """Where a remote start takes place, and what begins it; None to reject it."""
        group = group or self._tokens.group(token)
        free = [
            evse
            for evse in self._station.evses
            if evse.available
            and evse_id in {None, evse.id}
            and self.reservations.permits(evse, token, group)
            and (profile is None or self._station.limits.permits(evse, profile))
        ]
        if not free:
            return None
        # Whoever asks without naming an EVSE means the one with the car.
        evse = min(free, key=lambda evse: (evse.car is None, evse.id))
        somebody = Authorization(token, group, remote, profile)
        if (
            not self._variables.truth("AuthCtrlr.AuthorizeRemoteStart")
            or token["type"] == "NoAuthorization"
        ):
            return evse, lambda: self._admit(evse, somebody, "RemoteStart")
        return evse, lambda: self._activity.spawn(self._ask_first(evse, somebody))

    async def _ask_first(self, evse: Evse, somebody: Authorization) -> None:
        info, answer = await self._tokens.authorize(somebody.token)
        if info["status"] == ACCEPTED and evse.available:
            if answer is not None:
                self._events.costs.authorized(evse, answer)
            somebody.group = info.get("groupIdToken") or somebody.group
            self._admit(evse, somebody, "RemoteStart")

    def remote_stop(self, transaction_id: str) -> Callable[[], None] | None:
        """What ends a transaction at the central system's request, or None."""
        evse = self.find(transaction_id)
        return None if evse is None else lambda: self.leave(evse, "Remote")

    def find(self, transaction_id: str) -> Evse | None:
        """The EVSE where a transaction runs."""
        for evse in self._station.busy:
            if evse.transaction is not None and evse.transaction.id == transaction_id:
                return evse
        return None

    def _admit(self, evse: Evse, somebody: Authorization, trigger: str) -> None:
        """Let somebody in, who may still have to plug in."""
        if self._station.oddities.hung:
            return
        self._station.update()
        somebody.reservation = self.reservations.use(
            evse, somebody.token, somebody.group
        )
        evse.authorization = somebody
        evse.finished = False
        if evse.car is None:
            somebody.timer = self._clock.call_later(
                self._variables.integer("TxCtrlr.EVConnectionTimeOut"),
                lambda: self._nobody_came(evse, somebody),
            )
        if evse.transaction is not None:
            evse.transaction.token_told = False
            self._events.updated(evse, trigger, state=evse.transaction.told)
        else:
            self._begin(evse, trigger)
        self._station.update()

    def _nobody_came(self, evse: Evse, somebody: Authorization) -> None:
        if evse.authorization is somebody and evse.car is None:
            self.leave(evse, "Timeout")

    # Beginning

    def plugged(self, connector: Connector2) -> None:
        """A car has come."""
        evse = connector.evse
        # The status shows the car before anything else happens.
        self._station.report()
        if evse.authorization is not None and evse.authorization.timer is not None:
            evse.authorization.timer.cancel()
            evse.authorization.timer = None
        if evse.transaction is not None:
            self._events.updated(evse, "CablePluggedIn", state="EVConnected")
        elif connector.in_service and connector.broken is None:
            detected = "ParkingBayOccupancy" in self._points("TxStartPoint")
            self._begin(evse, "EVDetected" if detected else "CablePluggedIn")
        self._station.update()

    def arrive(self, evse: Evse) -> None:
        """A car stands in the bay, not plugged in yet."""
        self._station.update()
        evse.parked = True
        if evse.transaction is None:
            self._begin(evse, "EVDetected")
        self._station.update()

    def depart(self, evse: Evse) -> None:
        """The car has left the bay."""
        self._station.update()
        evse.parked = False
        self._check_end(evse, "EVDeparted", None)
        self._station.update()

    def _points(self, variable: str) -> set[str]:
        return set(self._variables.items(f"TxCtrlr.{variable}"))

    def _begin(self, evse: Evse, trigger: str) -> bool:
        """Begin a transaction if a condition for that is met."""
        if not evse.points & self._points("TxStartPoint"):
            return False
        self._events.started(evse, trigger)
        somebody = evse.authorization
        self._station.limits.started(
            evse, None if somebody is None else somebody.profile
        )
        return True

    # Watching

    def watch(self) -> None:
        """Look what has become of each EVSE since the last time."""
        for evse in self._station.evses:
            transaction = evse.transaction
            if transaction is None:
                if (
                    not evse.finished
                    and evse.authorization is not None
                    and evse.state == "Charging"
                    and self._begin(evse, "ChargingStateChanged")
                ):
                    self._note(evse)
                continue
            self._note(evse)
            self._events.check_limits(evse)
            if transaction.told != evse.state:
                self._events.updated(evse, "ChargingStateChanged")
            by_car = evse.state == "SuspendedEV"
            self._check_end(
                evse,
                "ChargingStateChanged",
                None,
                reason="StoppedByEV" if by_car else "Other",
            )

    def _note(self, evse: Evse) -> None:
        if evse.transaction is not None:
            evse.transaction.points |= evse.points

    # Ending

    def leave(self, evse: Evse, reason: str, token: Payload | None = None) -> None:
        """End somebody's authorization, and the transaction if it depends on that."""
        self._station.update()
        somebody, evse.authorization = evse.authorization, None
        if somebody is not None and somebody.timer is not None:
            somebody.timer.cancel()
        trigger = _TRIGGERS.get(reason, "StopAuthorized")
        if (transaction := evse.transaction) is not None:
            self._note(evse)
            transaction.reason = transaction.reason or reason
            if not self._check_end(evse, trigger, token, somebody):
                self._events.updated(evse, trigger, token=token)
        elif somebody is not None and evse.car is not None:
            evse.finished = True
        self._station.update()

    def unplugged(self, connector: Connector2) -> None:
        """The car has left."""
        evse = connector.evse
        self._station.report()
        transaction = evse.transaction
        somebody = evse.authorization
        if self._variables.truth("TxCtrlr.StopTxOnEVSideDisconnect"):
            evse.authorization = None
            if transaction is not None:
                transaction.reason = transaction.reason or "EVDisconnected"
        if transaction is not None and not self._check_end(
            evse, "EVCommunicationLost", None, somebody
        ):
            self._events.updated(evse, "EVCommunicationLost")
        self._station.update()

    def _check_end(
        self,
        evse: Evse,
        trigger: str,
        token: Payload | None,
        somebody: Authorization | None = None,
        reason: str = "EVDisconnected",
    ) -> bool:
        """End the transaction if a condition that it once met is no longer met."""
        transaction = evse.transaction
        if transaction is None:
            return False
        lost = transaction.points & self._points("TxStopPoint") - evse.points
        if evse.car is None and not self._variables.truth(
            "TxCtrlr.StopTxOnEVSideDisconnect"
        ):
            # The car may come back, as long as nobody ended it otherwise.
            if evse.authorization is not None or somebody is not None:
                lost -= {"PowerPathClosed", "DataSigned", "EnergyTransfer"}
        if not lost:
            return False
        self._end(evse, trigger, transaction.reason or reason, token)
        return True

    def stop(self, evse: Evse, reason: str) -> None:
        """End a transaction at the charger, for any reason."""
        if reason not in _FORCED:
            self.leave(evse, reason)
            return
        self._station.update()
        if evse.transaction is not None:
            self._end(evse, _FORCED[reason], reason, None)
        self._station.update()

    def _end(
        self, evse: Evse, trigger: str, reason: str, token: Payload | None
    ) -> None:
        if (transaction := evse.transaction) is None:
            return
        self._events.ended(evse, trigger, reason, token)
        evse.transaction = None
        evse.authorization = None
        evse.finished = evse.car is not None
        self._station.limits.ended(evse, transaction.id)
        self.changed()

    # What the central system thinks of it

    def _answered(self, evse: Evse, transaction_id: str, info: Payload | None) -> None:
        """The central system may not like the token."""
        transaction, somebody = evse.transaction, evse.authorization
        if (
            info is None
            or transaction is None
            or somebody is None
            or transaction.id != transaction_id
        ):
            return
        somebody.group = info.get("groupIdToken") or somebody.group
        if info["status"] == ACCEPTED:
            return
        if self._variables.truth("TxCtrlr.StopTxOnInvalidId"):
            self.leave(evse, "DeAuthorized")
        else:
            somebody.refused = True
            self._events.updated(evse, "Deauthorized", state="SuspendedEVSE")
            self._station.update()

    def power_down(self) -> None:
        """Forget what is not in the flash memory."""
        for evse in self._station.evses:
            if evse.transaction is None:
                if evse.authorization is not None and evse.authorization.timer:
                    evse.authorization.timer.cancel()
                evse.authorization = None
                evse.finished = False
