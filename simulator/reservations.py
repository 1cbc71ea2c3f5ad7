"""Connectors that are kept free for a token."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .clock import Clock, Timer
from .configuration import Configuration
from .connector import Connector
from .station import Station


@dataclass(eq=False)
class Reservation:
    """A reservation; at connector 0, of any one connector."""

    id: int
    connector: int
    id_tag: str
    parent: str | None
    timer: Timer

    def meets(self, id_tag: str, parent: str | None) -> bool:
        """Whether it is for somebody."""
        return self.id_tag.casefold() == id_tag.casefold() or (
            self.parent is not None and self.parent == parent
        )


class Reservations:
    """Keeps connectors free (OCPP 1.6, 5.13). Survives reboots."""

    def __init__(
        self, station: Station, clock: Clock, configuration: Configuration
    ) -> None:
        """Begin with none."""
        self._station = station
        self._clock = clock
        self._configuration = configuration
        self._reservations: dict[int, Reservation] = {}

    @property
    def ids(self) -> list[int]:
        """The reservations there are."""
        return list(self._reservations)

    def reserve(
        self,
        reservation_id: int,
        number: int,
        id_tag: str,
        parent: str | None,
        expiry: datetime,
    ) -> str:
        """Reserve a connector, or change a reservation; returns the status to answer."""
        rest = (expiry - self._clock.now()) / timedelta(seconds=1)
        if rest <= 0 or not (connectors := self._concerned(number)):
            return "Rejected"
        before = self._reservations.get(reservation_id)
        free = [
            connector
            for connector in connectors
            if connector.status == "Available"
            or (before is not None and before.connector == connector.id)
        ]
        if len(free) <= (self._anywhere(but=reservation_id) if number == 0 else 0):
            statuses = {connector.status for connector in connectors}
            for status in ("Faulted", "Unavailable"):
                if statuses == {status}:
                    return status
            return "Occupied"
        self._drop(reservation_id)
        timer = self._clock.call_later(rest, lambda: self.cancel(reservation_id))
        self._reservations[reservation_id] = Reservation(
            reservation_id, number, id_tag, parent, timer
        )
        self._show()
        return "Accepted"

    def cancel(self, reservation_id: int) -> None:
        """Keep a connector free no longer."""
        self._drop(reservation_id)
        self._show()
        self._station.update()

    def permits(self, connector: Connector, id_tag: str, parent: str | None) -> bool:
        """Whether somebody may use a connector as far as reservations go."""
        if self._of(connector, id_tag, parent) is not None:
            return True
        free = [one for one in self._station.sockets if one.status == "Available"]
        return not connector.reserved and (
            connector not in free or len(free) > self._anywhere()
        )

    def use(
        self, connector: Connector, id_tag: str, parent: str | None
    ) -> Reservation | None:
        """Take up the reservation that a transaction begins with, if there is one."""
        reservation = self._of(connector, id_tag, parent)
        if reservation is not None:
            self._drop(reservation.id)
            self._show()
        return reservation

    def stop(self) -> None:
        """Stop all timers."""
        for reservation in self._reservations.values():
            reservation.timer.cancel()

    def _concerned(self, number: int) -> list[Connector]:
        if number == 0:
            supported = self._configuration.truth("ReserveConnectorZeroSupported")
            return self._station.sockets if supported else []
        connector = self._station.socket(number)
        return [] if connector is None else [connector]

    def _of(
        self, connector: Connector, id_tag: str, parent: str | None
    ) -> Reservation | None:
        """The reservation that somebody has for a connector: for itself, or as any one."""
        for number in (connector.id, 0):
            for reservation in self._reservations.values():
                if reservation.connector == number and reservation.meets(
                    id_tag, parent
                ):
                    return reservation
        return None

    def _anywhere(self, but: int | None = None) -> int:
        """How many connectors are to be kept free, whichever."""
        return sum(
            reservation.connector == 0 and reservation.id != but
            for reservation in self._reservations.values()
        )

    def _drop(self, reservation_id: int) -> None:
        if (reservation := self._reservations.pop(reservation_id, None)) is not None:
            reservation.timer.cancel()

    def _show(self) -> None:
        numbers = {reservation.connector for reservation in self._reservations.values()}
        for connector in self._station.sockets:
            connector.reserved = connector.id in numbers
