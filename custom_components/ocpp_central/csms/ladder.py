"""The ways to limit a charger, from the likeliest down, and what was learnt of them.

A rung is one way to write a limit. Which one a charger obeys, and which it refuses or
ignores, is remembered by its vendor, model and firmware.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
import logging
from typing import TYPE_CHECKING, override

from .errors import (
    CommandError,
    CommandFailed,
    CommandRejected,
    CommandTimeout,
    NotSupported,
)
from .known_models import known_keys, known_ways
from .model import LimitUnit, Purpose
from .profiles import units_of
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_LOGGER = logging.getLogger(__name__)

# What says that a charger does not know the way at all.
_UNKNOWN = ("NotSupported", "NotImplemented")
# So often in a row, it is no reason of the moment any more.
_TOO_OFTEN = 3


class Slot(StrEnum):
    """What a limit is to hold for."""

    STATION = "station"
    # Any transaction.
    IDLE = "idle"
    # The one that runs.
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to make a charger hold a limit."""

    purpose: Purpose
    # By what the periods are counted (OCPP 1.6, 7.12): the clock, or from the start of
    # the transaction.
    relative: bool = False
    stack: int = 0
    unit: LimitUnit = LimitUnit.AMPERE
    # Written to connector 0, for all of them.
    everywhere: bool = False
    # No profile at all, but a configuration key that limits the current.
    key: str | None = None

    @override
    def __str__(self) -> str:
        """Return the name it is remembered by, and shown as."""
        if self.key:
            return f"key {self.key}"
        words = [
            self.purpose,
            "relative" if self.relative else "absolute",
            str(self.stack),
            self.unit,
        ]
        return " ".join([*words, "everywhere"] if self.everywhere else words)


_PLACES = {
    Slot.STATION: [(Purpose.STATION, False)],
    Slot.IDLE: [(Purpose.DEFAULT, False), (Purpose.DEFAULT, True)],
    Slot.RUNNING: [
        (Purpose.TRANSACTION, False),
        (Purpose.DEFAULT, False),
        (Purpose.DEFAULT, True),
    ],
}


class Ladder:
    """Where one charge point stands on its ways to be limited."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Begin with what is known of the model."""
        self._charge_point = charge_point
        # Ways that were accepted since the charger booted, and how often they were
        # refused since they were accepted last.
        self._refusals: dict[tuple[Slot, Rung], int] = {}

    def rung(self, slot: Slot) -> Rung | None:
        """Return the way to take: the likeliest one that has not failed.

        Where all have, the likeliest of all: what the charger says to it tells most.
        """
        rungs = {str(rung): rung for rung in self._rungs(slot)}
        names = (
            self._charge_point.config.limit_way,
            self._charge_point.capabilities.rungs.get(slot),
            *(name for name in rungs if not self._has_failed(slot, name)),
            *rungs,
        )
        return next((rungs[name] for name in names if name in rungs), None)

    def ways(self) -> list[Rung]:
        """Return all ways that there are for this charger, for whoever chooses one."""
        slots = (Slot.RUNNING, Slot.IDLE, Slot.STATION)
        return [*dict.fromkeys(rung for slot in slots for rung in self._rungs(slot))]

    def exhausted(self, slot: Slot) -> bool:
        """Return whether the charger obeys in no way that there is."""
        return all(self._has_failed(slot, str(rung)) for rung in self._rungs(slot))

    def ruled_out(self, slot: Slot, rung: Rung) -> bool:
        """Return whether the charger was seen to refuse or ignore a way."""
        return self._has_failed(slot, str(rung))

    def works(self, slot: Slot) -> bool:
        """Return whether the charger was seen to obey on the present rung."""
        return str(self.rung(slot)) == self._charge_point.capabilities.rungs.get(slot)

    def accepted(self, slot: Slot, rung: Rung) -> None:
        """Take note of a way that a charger accepts."""
        self._refusals[slot, rung] = 0

    async def refused(self, slot: Slot, rung: Rung, error: CommandError) -> bool:
        """Take note of a refusal; returns whether there is another way to try.

        What it has accepted before, a charger may refuse for a reason of the moment.
        """
        if not isinstance(error, (CommandRejected, CommandFailed, CommandTimeout)):
            return False
        unknown = isinstance(error, NotSupported) or (
            isinstance(error, CommandRejected) and error.status in _UNKNOWN
        )
        refusals = self._refusals.get((slot, rung))
        if refusals is not None and not unknown:
            self._refusals[slot, rung] = refusals + 1
            if refusals + 1 < _TOO_OFTEN:
                return False
        for other in self._rungs(slot):
            # It knows nothing of the kind, however it is written.
            if other == rung or (unknown and other.purpose is rung.purpose):
                await self.failed(slot, other, str(error))
        return not self.exhausted(slot)

    async def obeyed(self, slot: Slot, rung: Rung) -> None:
        """Remember a way that a charger was seen to obey."""
        rungs = self._charge_point.capabilities.rungs
        if rungs.get(slot) != str(rung):
            rungs[slot] = str(rung)
            await self._charge_point.capability_store.save()

    async def failed(self, slot: Slot, rung: Rung, why: str) -> None:
        """Remember a way that a charger refuses or ignores, in its own words."""
        capabilities = self._charge_point.capabilities
        self._refusals.pop((slot, rung), None)
        capabilities.failed_rungs[f"{slot}: {rung}"] = why
        if capabilities.rungs.get(slot) == str(rung):
            del capabilities.rungs[slot]
        _LOGGER.info(
            "%s cannot be limited by %s: %s", self._charge_point.identity, rung, why
        )
        await self._charge_point.capability_store.save()

    def booted(self) -> None:
        """Try all ways once more where none was left: its settings may be others now."""
        self._refusals.clear()
        failed = self._charge_point.capabilities.failed_rungs
        for slot in Slot:
            if self.exhausted(slot):
                for name in [*failed]:
                    if name.startswith(f"{slot}: "):
                        del failed[name]

    def _has_failed(self, slot: Slot, name: str) -> bool:
        return f"{slot}: {name}" in self._charge_point.capabilities.failed_rungs

    def _rungs(self, slot: Slot) -> Iterator[Rung]:
        """Return the ways there are, from the likeliest down."""
        charge_point = self._charge_point
        guesses = known_ways(charge_point.info)
        rungs = [*self._profile_rungs(slot), *self._key_rungs()]
        names = {str(rung): rung for rung in rungs}
        for guess in guesses:
            if rung := names.pop(guess, None):
                yield rung
        yield from names.values()

    def _profile_rungs(self, slot: Slot) -> Iterator[Rung]:
        for unit in self._units():
            for purpose, everywhere in _PLACES[slot]:
                for stack in self._stacks():
                    for relative in (False, True):
                        yield Rung(purpose, relative, stack, unit, everywhere)
        # What holds for the whole station holds for its only connector.
        if slot is not Slot.STATION and len(self._charge_point.connectors) == 1:
            if (rung := self.rung(Slot.STATION)) and rung.key is None:
                yield rung

    def _units(self) -> list[LimitUnit]:
        configuration = self._charge_point.configuration
        units = units_of(configuration)
        # One that does not say which it takes may take the other one only.
        return units if configuration.text(Setting.LIMIT_UNITS) else list(LimitUnit)

    def _stacks(self) -> list[int]:
        """Return the lowest level and the highest, which is above what others wrote."""
        highest = self._charge_point.configuration.integer(Setting.LIMIT_STACK)
        return [0] if highest == 0 else [0, highest or 1]

    def _key_rungs(self) -> Iterator[Rung]:
        configuration = self._charge_point.configuration
        for name in known_keys():
            key = configuration.get(name)
            if key and not key.readonly:
                spelled = configuration.spelled(name)
                yield Rung(Purpose.STATION, key=spelled)
