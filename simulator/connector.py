"""A connector: its socket, its meter and its transaction."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, override

from .car import MINIMUM_CURRENT, Car
from .clock import Ticker, Timer
from .outlet import Outlet
from .profiles import Profile, Running


@dataclass(eq=False)
class Transaction:
    """A transaction, from the moment energy was allowed to flow.

    Attributes:
        id: What the central system calls it; None until it has answered.
        parent: The group the token belongs to: its other tokens may end the transaction.
        refused: The central system did not accept the token: no energy, but not stopped.
        begin: The MeterValue of its beginning, for the StopTransaction.
    """

    id_tag: str
    start: datetime
    meter_start: int
    id: int | None = None
    parent: str | None = None
    refused: bool = False
    begin: dict[str, Any] | None = None
    samples: Ticker | None = None

    @property
    def wire_id(self) -> int:
        """The id to send; -1 stands for one that the central system never gave."""
        return -1 if self.id is None else self.id


@dataclass(eq=False)
class Authorization:
    """Someone who may charge, and is waited for to plug in."""

    id_tag: str
    profile: Profile | None
    timer: Timer


@dataclass(eq=False, kw_only=True)
class Connector(Outlet):
    """One socket. Connector 0 stands for the station and has no socket at all.

    Attributes:
        operative: Whether the central system wants it in service.
        fault: The error code of a fault, if there is one.
        reserved: It is kept free for somebody.
        finished: The transaction of the car that is still plugged in has ended.
        reported: The last status and error code that were reported since the last boot.
    """

    id: int
    update: Callable[[], None]
    plugged: Callable[[Connector], None]
    unplugged: Callable[[Connector], None]
    transaction: Transaction | None = None
    authorization: Authorization | None = None
    operative: bool = True
    station: Connector | None = None
    fault: str | None = None
    reserved: bool = False
    finished: bool = False
    reported: tuple[str, str] | None = field(default=None, repr=False)

    def plug_in(self, car: Car | None = None) -> Car:
        """Plug a car in."""
        if self.car is not None:
            raise ValueError(f"There is a car at connector {self.id} already")
        self.update()
        self.car = car or Car()
        self.plugged(self)
        return self.car

    def unplug(self) -> None:
        """Pull the plug. Without a car this does nothing."""
        if self.car is not None:
            self.update()
            self.car.interrupt()
            self.car = None
            self.finished = False
            self.unplugged(self)

    @property
    def available(self) -> bool:
        """Whether a transaction may begin here."""
        in_service = self.operative and (self.station is None or self.station.operative)
        return in_service and self.error_code == "NoError" and self.transaction is None

    @property
    def error_code(self) -> str:
        """The error code for StatusNotification."""
        if self.fault is None and self.station is not None:
            return self.station.fault or "NoError"
        return self.fault or "NoError"

    @property
    @override
    def energized(self) -> bool:
        return (
            self.car is not None
            and self.transaction is not None
            and not self.transaction.refused
            and self.error_code == "NoError"
        )

    @property
    def status(self) -> str:
        """The status as OCPP 1.6 names it."""
        if self.error_code != "NoError":
            return "Faulted"
        if self.transaction is not None:
            return self._charging_status(self.transaction)
        if not self.operative or (
            self.station is not None and not self.station.operative
        ):
            return "Unavailable"
        if self.authorization is not None:
            return "Preparing"
        if self.reserved:
            return "Reserved"
        if self.car is not None:
            return "Finishing" if self.finished else "Preparing"
        return "Available"

    def _charging_status(self, transaction: Transaction) -> str:
        if self.car is None:
            return "SuspendedEV"
        if transaction.refused or self.offered < MINIMUM_CURRENT:
            return "SuspendedEVSE"
        return "SuspendedEV" if self.car.full else "Charging"

    @property
    def transaction_id(self) -> int | None:
        """The id of the running transaction, if there is one and it is known."""
        return None if self.transaction is None else self.transaction.id

    @property
    def running(self) -> Running | None:
        """The running transaction, as the charging profiles see it."""
        if self.transaction is None:
            return None
        return Running(self.transaction.start, self.transaction.id)
