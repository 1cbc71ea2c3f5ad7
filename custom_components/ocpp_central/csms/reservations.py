"""Connectors that are kept free for somebody."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .clock import utcnow
from .connection import Payload
from .errors import CommandRejected, CommandTimeout, ConnectionLost
from .model import STATION
from .state import Unsubscribe, add_listener, call_listeners

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# How many are remembered; those that hold a connector are, in any case.
_KEPT = 20


class ReservationState(StrEnum):
    """What has become of a reservation."""

    ACTIVE = "active"
    USED = "used"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    # By the charger itself, for instance because of a fault (OCPP 2.x).
    REMOVED = "removed"
    # The card was there, but no transaction came of it (OCPP 2.1).
    UNUSED = "unused"


@dataclass(slots=True, kw_only=True)
class Reservation:
    """A connector that is kept free (0: any one) for a token."""

    id: int
    connector: int
    id_token: str
    parent_id_token: str | None = None
    expiry: datetime
    state: ReservationState = ReservationState.ACTIVE


class Reservations:
    """The reservations of one charge point, oldest first."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Begin with none."""
        self._charge_point = charge_point
        self._reservations: list[Reservation] = []
        # The newest id of our own choice; others' do not raise it.
        self._last_id = 0
        self._shown = 0
        self._listeners: list[Callable[[], None]] = []

    def __iter__(self) -> Iterator[Reservation]:
        """Iterate over those there are, as they are now."""
        self.tick()
        return iter(list(self._reservations))

    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call a listener after one came or changed its state."""
        return add_listener(self._listeners, listener)

    def as_dict(self) -> dict[str, Any]:
        """Return what `restore` takes."""
        return {
            "last_id": self._last_id,
            "reservations": [
                {**asdict(one), "expiry": one.expiry.isoformat()}
                for one in self._reservations
            ],
        }

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up what there was before a restart."""
        self._last_id = data["last_id"]
        self._reservations = [
            Reservation(
                **{
                    **one,
                    "expiry": datetime.fromisoformat(one["expiry"]),
                    "state": ReservationState(one["state"]),
                }
            )
            for one in data["reservations"]
        ]
        self.tick()

    # What happens to them

    async def reserve(
        self,
        connector: int,
        id_token: str,
        expiry: datetime,
        *,
        reservation_id: int | None = None,
        parent_id_token: str | None = None,
        connector_type: str | None = None,
    ) -> tuple[int, Payload]:
        """Have a connector kept free; returns the id and the charger's answer."""
        if reservation_id is None:
            reservation_id = self._next_id()
        reservation = Reservation(
            id=reservation_id,
            connector=connector,
            id_token=id_token,
            parent_id_token=parent_id_token,
            expiry=expiry,
        )
        try:
            response = await self._charge_point.commands.reserve_now(
                reservation_id,
                connector,
                id_token,
                expiry,
                parent_id_token,
                connector_type,
            )
        except CommandRejected:
            await self._add(replace(reservation, state=ReservationState.REFUSED))
            raise
        except CommandTimeout, ConnectionLost:
            # It may have been carried out, and only what is known can be cancelled.
            await self._add(reservation)
            raise
        await self._add(reservation)
        return reservation_id, response

    async def cancel(self, reservation_id: int) -> Payload:
        """Have a connector kept free no longer."""
        response = await self._charge_point.commands.cancel_reservation(reservation_id)
        self._end(reservation_id, ReservationState.CANCELLED)
        await self._charge_point.capability_store.save()
        return response

    def used(self, reservation_id: int) -> None:
        """Take note that a transaction has begun by a reservation."""
        self._end(reservation_id, ReservationState.USED)

    def over(self, reservation_id: int, state: ReservationState) -> None:
        """Take note of how a reservation has ended, as the charger says."""
        for one in reversed(self._reservations):
            if one.id == reservation_id and one.state in (
                ReservationState.ACTIVE,
                ReservationState.EXPIRED,
            ):
                one.state = state
                self._changed()
                return

    def tick(self) -> None:
        """Let expire what is over; called once a minute."""
        now = utcnow()
        over = [
            one
            for one in self._reservations
            if one.state is ReservationState.ACTIVE and one.expiry <= now
        ]
        for one in over:
            one.state = ReservationState.EXPIRED
        if over:
            self._changed()

    async def _add(self, reservation: Reservation) -> None:
        if reservation.state is ReservationState.ACTIVE:
            # A charger takes the same id for the same reservation, changed.
            self._reservations = [
                one
                for one in self._reservations
                if one.id != reservation.id or one.state is not ReservationState.ACTIVE
            ]
        self._reservations.append(reservation)
        while len(self._reservations) > _KEPT and (
            oldest := next(
                (
                    one
                    for one in self._reservations
                    if one.state is not ReservationState.ACTIVE
                ),
                None,
            )
        ):
            self._reservations.remove(oldest)
        self._changed()
        await self._charge_point.capability_store.save()

    def _end(self, reservation_id: int, state: ReservationState) -> None:
        for one in reversed(self._reservations):
            # One that a refusal did not change is still the one that is meant.
            if one.id == reservation_id and one.state is not ReservationState.REFUSED:
                one.state = state
                self._changed()
                return

    def _next_id(self) -> int:
        taken = {one.id for one in self._reservations}
        self._last_id += 1
        while self._last_id in taken:
            self._last_id += 1
        return self._last_id

    # What is shown of them

    def at(self, connector: int) -> Reservation | None:
        """Return what a connector is reserved by: for itself, or as any one."""
        now = utcnow()
        active = [
            one
            for one in reversed(self._reservations)
            if one.state is ReservationState.ACTIVE and one.expiry > now
        ]
        for where in (connector, STATION):
            for one in active:
                if one.connector == where:
                    return one
        return None

    def show(self) -> None:
        """Have it shown anew for whom connectors are reserved."""
        if self._reservations:
            self._shown += 1
            for connector in self._charge_point.connectors:
                self._charge_point.update(connector, {"reservations": self._shown})

    def _changed(self) -> None:
        self.show()
        call_listeners(self._listeners)
