"""The hardware: EVSEs with connectors, the power they share, and the statuses they show."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import override

from simulator.car import MINIMUM_CURRENT, Car
from simulator.clock import Clock, Ticker
from simulator.meter import NOMINAL_VOLTAGE, Reading
from simulator.oddities import Oddities
from simulator.outlet import Outlet
from simulator.power import Demand, share
from simulator.profiles import Limit

from .hooks import Limits
from .transaction import Authorization, Transaction

#: How often the physics are brought up to date while a car may charge, in seconds.
_TICK = 1.0


@dataclass(eq=False)
class Place:
    """Something with a state of its own: the station, an EVSE or a connector.

    Attributes:
        operative: Whether the central system wants it in service.
        fault: What is broken, if anything.
    """

    operative: bool = True
    fault: str | None = None


@dataclass(eq=False, kw_only=True)
class Connector2(Outlet, Place):
    """A connector of an EVSE.

    Attributes:
        id: Its number within the EVSE.
        reserved: It is kept free for somebody.
        stuck: Its lock does not open.
        reported: The status that was reported last since the last boot.
    """

    id: int
    evse: Evse
    reserved: bool = False
    stuck: bool = False
    reported: str | None = None

    @property
    def number(self) -> int:
        """The number among all connectors: first ones are called like their EVSEs."""
        return self.evse.id + 100 * (self.id - 1)

    def plug_in(self, car: Car | None = None) -> Car:
        """Plug a car in."""
        if self.evse.plugged is not None:
            raise ValueError(f"There is a car at EVSE {self.evse.id} already")
        self.evse.station.update()
        self.car = car or Car()
        self.evse.station.on_plugged(self)
        return self.car

    def unplug(self) -> None:
        """Pull the plug. Without a car this does nothing."""
        if self.car is not None:
            self.evse.station.update()
            self.car.interrupt()
            self.car = None
            self.evse.finished = False
            self.evse.station.on_unplugged(self)

    @property
    def broken(self) -> str | None:
        """What is broken, here or above."""
        return self.fault or self.evse.fault or self.evse.station.main.fault

    @property
    def in_service(self) -> bool:
        """Whether it is meant to be used."""
        return (
            self.operative
            and self.evse.operative
            and self.evse.station.main.operative
            and not self.evse.resetting
        )

    @property
    @override
    def energized(self) -> bool:
        return (
            self.car is not None
            and self.broken is None
            and self.evse.admitted
            and self.evse.station.powered
        )

    @property
    def status(self) -> str:
        """The status as OCPP 2.x names it."""
        if self.broken is not None:
            return "Faulted"
        if self.car is not None and (self.evse.transaction or self.in_service):
            return "Occupied"
        if not self.in_service and self.evse.transaction is None:
            return "Unavailable"
        if self.evse.plugged is not None:
            # The one meter and contactor of the EVSE are in use.
            return "Unavailable"
        if self.evse.authorization is not None and self.id == 1:
            return "Occupied"
        return "Reserved" if self.reserved else "Available"

    # What the connectors of OCPP 1.6 tell as well.

    @property
    def finished(self) -> bool:
        """Whether the transaction of the car that is still plugged in has ended."""
        return self.car is not None and self.evse.finished

    @property
    def transaction(self) -> Transaction | None:
        """The transaction of the EVSE."""
        return self.evse.transaction

    @property
    def transaction_id(self) -> str | None:
        """What the charger calls it."""
        transaction = self.evse.transaction
        return None if transaction is None else transaction.id


@dataclass(eq=False, kw_only=True)
class Evse(Place):
    """An EVSE: a meter, a contactor, and connectors of which one is used at a time.

    Attributes:
        parked: Whether a car stands there, as far as that is noticed apart from the plug.
        finished: The transaction of the car that is still plugged in has ended.
        resetting: It restarts.
    """

    id: int
    station: Station2
    phases: int
    max_current: float
    connectors: list[Connector2] = field(default_factory=list)
    authorization: Authorization | None = None
    transaction: Transaction | None = None
    parked: bool = False
    finished: bool = False
    resetting: bool = False

    @property
    def plugged(self) -> Connector2 | None:
        """The connector with a car."""
        return next((each for each in self.connectors if each.car is not None), None)

    @property
    def active(self) -> Connector2:
        """The connector that counts: the one with a car, or else the first."""
        return self.plugged or self.connectors[0]

    @property
    def car(self) -> Car | None:
        """The car."""
        return self.active.car

    @property
    def available(self) -> bool:
        """Whether somebody could be let in here."""
        return (
            self.active.in_service
            and self.active.broken is None
            and self.authorization is None
            and (self.transaction is None or self.transaction.reason is None)
        )

    @property
    def admitted(self) -> bool:
        """Whether somebody there may draw energy."""
        return (
            self.authorization is not None
            and not self.authorization.refused
            and (self.transaction is None or self.transaction.reached is None)
        )

    @property
    def state(self) -> str:
        """The chargingState of OCPP 2.x."""
        active = self.active
        if active.car is None:
            return "Idle"
        if self.authorization is None:
            return "EVConnected"
        if not active.energized or active.offered < MINIMUM_CURRENT:
            return "SuspendedEVSE"
        return "SuspendedEV" if active.car.full else "Charging"

    @property
    def points(self) -> set[str]:
        """Which of the conditions of TxStartPoint and TxStopPoint are met."""
        active = self.active
        authorized = self.authorization is not None
        met = {
            "ParkingBayOccupancy": self.parked or active.car is not None,
            "EVConnected": active.car is not None,
            "Authorized": authorized,
            "DataSigned": authorized and active.car is not None,
            "PowerPathClosed": authorized and active.car is not None,
            "EnergyTransfer": self.state == "Charging",
        }
        return {point for point, yes in met.items() if yes}

    @property
    def energy_wh(self) -> float:
        """The register of the meter, over all connectors."""
        return sum(connector.energy_wh for connector in self.connectors)

    @property
    def reading(self) -> Reading:
        """What the meter shows now."""
        return replace(self.active.reading, energy_wh=self.energy_wh)


class Station2:
    """Lets current flow as far as limits, faults and cars allow, and tells what changed."""

    def __init__(
        self,
        *,
        evses: int,
        connectors_per_evse: int,
        phases: int,
        max_current: float,
        meter_start: float,
        clock: Clock,
        oddities: Oddities,
    ) -> None:
        """Build a station with so many EVSEs, all alike."""
        self.main = Place()
        self.phases = phases
        self.max_current = max_current
        self.limits = Limits()
        self.oddities = oddities
        #: Whether there is power: not while the charger restarts.
        self.powered = True
        #: Told of plugs, of statuses to report, and that time has passed.
        self.on_plugged: Callable[[Connector2], None] = lambda _connector: None
        self.on_unplugged: Callable[[Connector2], None] = lambda _connector: None
        self.on_status: Callable[[Connector2], None] = lambda _connector: None
        self.on_update: Callable[[], None] = lambda: None
        self._clock = clock
        self._last = clock.now()
        self._ticker = Ticker(clock, self.update)
        self._updating = False
        self.evses = [
            Evse(id=number, station=self, phases=phases, max_current=max_current)
            for number in range(1, evses + 1)
        ]
        for evse in self.evses:
            evse.connectors = [
                Connector2(
                    id=number,
                    evse=evse,
                    phases=phases,
                    offered_phases=phases,
                    energy_wh=meter_start if number == 1 else 0.0,
                )
                for number in range(1, connectors_per_evse + 1)
            ]

    @property
    def connectors(self) -> list[Connector2]:
        """All connectors."""
        return [connector for evse in self.evses for connector in evse.connectors]

    @property
    def busy(self) -> list[Evse]:
        """The EVSEs with a running transaction, the oldest first."""
        found = [
            (evse.transaction.start, evse.id, evse)
            for evse in self.evses
            if evse.transaction is not None
        ]
        return [evse for *_, evse in sorted(found, key=lambda each: each[:2])]

    def evse(self, number: int) -> Evse | None:
        """The EVSE with a number above zero, if there is one."""
        return self.evses[number - 1] if 1 <= number <= len(self.evses) else None

    def connector(self, evse_id: int, connector_id: int) -> Connector2 | None:
        """A connector of an EVSE, if there is one."""
        if (evse := self.evse(evse_id)) is None:
            return None
        inside = 1 <= connector_id <= len(evse.connectors)
        return evse.connectors[connector_id - 1] if inside else None

    def start(self) -> None:
        """Begin, or go on after a stop during which time stood still."""
        self._last = self._clock.now()
        self.update()

    def stop(self) -> None:
        """Freeze."""
        self.update()
        self._ticker.stop()

    def update(self) -> None:
        """Bring everything up to the present, with what was offered until now; then offer anew."""
        if self._updating:
            return
        self._updating = True
        try:
            self._flow()
            self._offer()
            self.report()
            if self.powered:
                self.on_update()
            # What followed may have let somebody in, or stopped somebody.
            self._offer()
            self.report()
        finally:
            self._updating = False
        if not any(connector.energized for connector in self.connectors):
            self._ticker.stop()
        elif not self._ticker.running:
            self._ticker.start(_TICK)

    def report(self) -> None:
        """Tell every status that is not what was told last."""
        for connector in self.connectors:
            if connector.reported != connector.status:
                self.on_status(connector)

    def _flow(self) -> None:
        now = self._clock.now()
        elapsed = (now - self._last).total_seconds() * self._clock.speed
        self._last = now
        if elapsed <= 0:
            return
        for evse in self.evses:
            if evse.transaction is not None and evse.state == "Charging":
                evse.transaction.charged += elapsed
            for connector in evse.connectors:
                connector.flow(elapsed)

    def _offer(self) -> None:
        """Share what the limits allow between those who may have it."""
        station = self.limits.station()
        hungry: list[tuple[Connector2, Limit, Demand]] = []
        for connector in self.connectors:
            if not connector.energized:
                connector.offer(0.0, self.phases)
        for evse in sorted(self.evses, key=self._turn):
            connector = evse.active
            car = connector.car
            limit = self.limits.session(evse)
            if car is None or not connector.energized:
                continue
            phases = min(limit.phases, car.phases)
            current = limit.amps(NOMINAL_VOLTAGE, phases)
            if car.full:
                # It draws nothing, so what it is offered is not taken from the others.
                shared = station.amps(NOMINAL_VOLTAGE, phases)
                connector.offer(min(current, shared), limit.phases)
            else:
                demand = Demand(current, car.max_current, phases)
                hungry.append((connector, limit, demand))
        shares = share([demand for *_, demand in hungry], station, NOMINAL_VOLTAGE)
        for (connector, limit, _), current in zip(hungry, shares, strict=True):
            connector.offer(current, limit.phases)

    def _turn(self, evse: Evse) -> tuple[float, int]:
        """Who came first is served first."""
        began = None if evse.transaction is None else evse.transaction.start.timestamp()
        return (float("inf") if began is None else began, evse.id)
