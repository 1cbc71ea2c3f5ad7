"""The physics of a socket: a car, a meter, and the current that is offered."""

from abc import abstractmethod
from dataclasses import dataclass

from .car import MINIMUM_CURRENT, Car
from .meter import NOMINAL_VOLTAGE, Reading
from .quirks import Offered


@dataclass(eq=False, kw_only=True)
class Outlet:
    """A socket, with its meter.

    Attributes:
        phases: The phases that are wired.
        energy_wh: The meter register, over all transactions.
        offered: What the car is offered now, in A per phase.
        offered_phases: The phases it is offered on.
        shows: What of that is told.
    """

    phases: int
    energy_wh: float = 0.0
    car: Car | None = None
    offered: float = 0.0
    offered_phases: int = 3
    shows: Offered = Offered.HONEST

    @property
    @abstractmethod
    def energized(self) -> bool:
        """Whether the car may draw current, if it is offered any."""

    @property
    def current(self) -> float:
        """What the car draws on each of the phases it uses, in A."""
        return 0.0 if self.car is None else self.car.current

    @property
    def currents(self) -> tuple[float, ...]:
        """What flows on L1, L2, L3, as far as this charger has them, in A."""
        used = (
            0
            if self.car is None
            else min(self.car.phases, self.offered_phases, self.phases)
        )
        return tuple(
            self.current if number < used else 0.0 for number in range(self.phases)
        )

    @property
    def power(self) -> float:
        """What the car draws, in W."""
        return self.reading.power

    @property
    def soc(self) -> float | None:
        """The state of charge of the car, in percent."""
        return None if self.car is None else self.car.soc

    @property
    def reading(self) -> Reading:
        """What the meter shows now."""
        return Reading(
            energy_wh=self.energy_wh,
            currents=self.currents,
            offered=self._shown,
            offered_phases=self.offered_phases,
            soc=self.soc,
        )

    @property
    def _shown(self) -> float | None:
        match self.shows:
            case Offered.ZERO:
                return 0.0
            case Offered.NONE:
                return None
        return self.offered

    def flow(self, seconds: float) -> None:
        """Let the car charge for a while at what it is offered."""
        if self.car is None:
            return
        if not self.energized:
            self.car.interrupt()
            return
        phases = min(self.phases, self.offered_phases)
        self.energy_wh += self.car.charge(
            seconds, self.offered, phases, NOMINAL_VOLTAGE
        )

    def offer(self, current: float, phases: int) -> None:
        """Offer another current. A car that may not draw any stops at once."""
        self.offered, self.offered_phases = current, phases
        if self.car is not None and (not self.energized or current < MINIMUM_CURRENT):
            self.car.interrupt()
