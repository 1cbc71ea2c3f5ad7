"""A car with a battery, seen from the socket."""

from dataclasses import dataclass

#: Below this a charger may not offer anything to an AC car (IEC 61851).
MINIMUM_CURRENT = 6.0

#: Even right before it is full, a car draws this share of its current, or it would never be full.
_LEAST_SHARE = 0.1

#: The longest step the physics are computed in, in seconds.
_STEP = 1.0


@dataclass
class Car:
    """A car that follows the offered current, slowly, and tapers off towards the end.

    Attributes:
        capacity_wh: What the battery holds.
        soc: How full it is, in percent.
        max_current: What its charger draws at most, per phase.
        phases: The phases its charger uses.
        ramp: How fast it changes its current, in A/s. Only an interruption acts at once.
        taper_from: The state of charge above which it draws less and less.
        current: What it draws now, per phase.
    """

    capacity_wh: float = 60_000.0
    soc: float = 40.0
    max_current: float = 16.0
    phases: int = 3
    ramp: float = 2.0
    taper_from: float = 80.0
    current: float = 0.0

    @property
    def full(self) -> bool:
        """Whether nothing more goes in."""
        return self.soc >= 100.0

    @property
    def wanted(self) -> float:
        """What it would draw now if it was offered enough, per phase."""
        if self.full:
            return 0.0
        if self.soc <= self.taper_from:
            return self.max_current
        share = (100.0 - self.soc) / (100.0 - self.taper_from)
        return self.max_current * max(share, _LEAST_SHARE)

    def charge(
        self, seconds: float, offered: float, phases: int, voltage: float
    ) -> float:
        """Draw from an offered current for some time, and return the energy in Wh."""
        energy = 0.0
        while seconds > 0:
            step = min(seconds, _STEP)
            seconds -= step
            energy += self._step(step, offered, min(phases, self.phases), voltage)
        return energy

    def interrupt(self) -> None:
        """The contactor opened."""
        self.current = 0.0

    def _step(
        self, seconds: float, offered: float, phases: int, voltage: float
    ) -> float:
        target = min(offered, self.wanted) if offered >= MINIMUM_CURRENT else 0.0
        if target <= 0:
            self.interrupt()
            return 0.0
        before = self.current
        if target > before:
            self.current = min(target, before + self.ramp * seconds)
        else:
            self.current = max(target, before - self.ramp * seconds)
        energy = (before + self.current) / 2 * phases * voltage * seconds / 3600
        room = self.capacity_wh * (100.0 - self.soc) / 100
        if energy >= room:
            self.soc = 100.0
            self.interrupt()
            return room
        self.soc += energy / self.capacity_wh * 100
        return energy
