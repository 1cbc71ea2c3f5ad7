"""The ways to limit a charger, from the likeliest down, and what was learnt of them.

A rung is one way to write a limit. Which one a charger obeys, and which it refuses or
ignores, is remembered by its vendor, model and firmware.
"""

from collections.abc import Collection, Iterator
import logging
from typing import TYPE_CHECKING, Any

from .errors import (
    CommandError,
    CommandFailed,
    CommandRejected,
    CommandTimeout,
    NotSupported,
)
from .known_models import known_keys, known_model
from .model import STATION, LimitUnit, Purpose
from .rungs import Rung, Slot
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint
    from .connection import Connection

__all__ = ["Ladder", "Rung", "Slot"]

_LOGGER = logging.getLogger(__name__)

# What says that a charger does not know the way at all.
_UNKNOWN = ("notsupported", "notimplemented")
# So often in a row, it is no reason of the moment any more.
_TOO_OFTEN = 3
# What is said of ways that were accepted without any effect.
_IGNORED = "accepted, but "
# So many ways of one purpose ignored, it is the purpose that is ignored.
_ENOUGH = 2
# A charger that drops its socket over a way so often is not asked for it any more.
_MAX_LOSSES = 2

# A charger that is particular in more respects at once is not known.
_MAX_DETOURS = 2

_PLACES = {
    Slot.STATION: [(Purpose.STATION, False)],
    Slot.IDLE: [(Purpose.DEFAULT, False), (Purpose.DEFAULT, True)],
    Slot.RUNNING: [
        (Purpose.TRANSACTION, False),
        (Purpose.DEFAULT, False),
        (Purpose.DEFAULT, True),
    ],
}
# What a default is refused for has nothing to do with a running transaction.
_ALIKE = {
    Slot.STATION: (Slot.STATION,),
    Slot.IDLE: (Slot.IDLE, Slot.RUNNING),
    Slot.RUNNING: (Slot.RUNNING,),
}


class Ladder:
    """Where one charge point stands on its ways to be limited."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Begin with what is known of the model."""
        self._charge_point = charge_point
        # Ways that were accepted since the charger booted, and how often they were
        # refused since they were accepted last.
        self._refusals: dict[tuple[Slot, Rung], int] = {}
        self._losses: dict[Rung, int] = {}
        # What the list of ways was made from, and the list.
        self._made: dict[Slot, tuple[tuple[object, ...], list[Rung]]] = {}

    # Which way to take

    def rung(self, slot: Slot) -> Rung | None:
        """Return the way to take: the likeliest one that has not failed.

        Where all have, the likeliest of all: what the charger says to it tells most.
        """
        if rung := self._insisted(slot):
            return rung
        ways = self._rungs(slot)
        for remembered in (self._obeyed, self._accepted):
            if (rung := Rung.named(remembered.get(slot, ""))) and rung in ways:
                return rung
        likeliest = next(iter(ways), None)
        open_ = [way for way in ways if not self.ruled_out(slot, way)]
        ignored = self._ignored(slot)
        # What is accepted and ignored once is ignored in most of its variants, but
        # where something of others lies above it.
        highest = max(self._stacks())

        def odds(way: Rung) -> tuple[int, bool]:
            count = sum(other.purpose is way.purpose for other in ignored)
            return count, count > 0 and way.stack != highest

        return min(open_, key=odds, default=likeliest)

    def exhausted(self, slot: Slot) -> bool:
        """Return whether the charger obeys in no way that there is."""
        return all(self.ruled_out(slot, rung) for rung in self._rungs(slot))

    def ruled_out(self, slot: Slot, rung: Rung) -> bool:
        """Return whether the charger was seen to refuse or ignore a way."""
        return f"{slot}: {rung}" in self._charge_point.capabilities.failed_rungs

    def works(self, slot: Slot) -> bool:
        """Return whether the charger was seen to obey on the present rung."""
        return str(self.rung(slot)) == self._obeyed.get(slot)

    def is_trial(self, slot: Slot, rung: Rung) -> bool:
        """Return whether nobody knows yet that the charger takes this way."""
        return not (
            (slot, rung) in self._refusals
            or str(rung) in (self._obeyed.get(slot), self._accepted.get(slot))
        )

    @property
    def _obeyed(self) -> dict[str, str]:
        return self._charge_point.capabilities.rungs

    @property
    def _accepted(self) -> dict[str, str]:
        return self._charge_point.capabilities.accepted_rungs

    def _insisted(self, slot: Slot) -> Rung | None:
        """Return the way that the user insists on, if it is one for this."""
        rung = Rung.named(self._charge_point.config.limit_way or "")
        return rung if rung and rung.purpose in self._purposes(slot, rung) else None

    def _purposes(self, slot: Slot, rung: Rung) -> Collection[Purpose]:
        if slot is Slot.STATION or rung.purpose is not Purpose.STATION:
            return [purpose for purpose, _ in _PLACES[slot]]
        # What holds for the whole station holds for its only connector.
        return [Purpose.STATION] if self._is_single else []

    # What becomes of it

    def accepted(self, slot: Slot, rung: Rung) -> None:
        """Take note of a way that a charger accepts."""
        self._refusals[slot, rung] = 0
        self._losses.pop(rung, None)
        if self._accepted.get(slot) != str(rung):
            self._accepted[slot] = str(rung)
            self._save()

    async def obeyed(self, slot: Slot, rung: Rung) -> None:
        """Remember a way that a charger was seen to obey."""
        if self._obeyed.get(slot) != str(rung):
            self._obeyed[slot] = str(rung)
            await self._charge_point.capability_store.save()

    async def refused(self, slot: Slot, rung: Rung, error: CommandError) -> bool:
        """Take note of a refusal; returns whether there is another way to try.

        What it has accepted before, a charger may refuse for a reason of the moment.
        """
        if isinstance(error, CommandTimeout):
            # What was taken before is not refused by being slow, nor by what overtakes.
            if not error.sent or not self.is_trial(slot, rung):
                return False
        elif not isinstance(error, (CommandRejected, CommandFailed)):
            return False
        if self.ruled_out(slot, rung):
            # It was known to be none, and tried for what the charger says to it.
            return False
        unknown = isinstance(error, NotSupported) or (
            isinstance(error, CommandRejected) and error.status.casefold() in _UNKNOWN
        )
        if not self.is_trial(slot, rung):
            refusals = self._refusals.get((slot, rung), 0) + 1
            self._refusals[slot, rung] = refusals
            if refusals < _TOO_OFTEN:
                return False
        silent = isinstance(error, CommandTimeout)
        slots = (Slot.IDLE, Slot.RUNNING) if silent or unknown else ()
        # A default of all in the stead of one each may be none of the ways there are.
        self._rule_out(slot, rung, str(error), but=slot)
        for each in dict.fromkeys([slot, *slots, *_ALIKE[slot]]):
            for other in [*self._rungs(each)]:
                # It knows nothing of the kind, however it is written; and what it does
                # not even answer costs too long to try in all its variants.
                if other == rung or (
                    other.is_like(rung)
                    and (unknown or (silent and other.relative == rung.relative))
                ):
                    self._rule_out(each, other, str(error), but=slot)
        await self._charge_point.capability_store.save()
        if self._insisted(slot):
            return False
        # The only connector can hold what the station does not take.
        return not self.exhausted(slot) or (slot is Slot.STATION and self._is_single)

    def _rule_out(self, slot: Slot, rung: Rung, why: str, *, but: Slot) -> None:
        """Take note of a way that is none; elsewhere it may be known to work."""
        if slot is not but and not self.is_trial(slot, rung):
            return
        self._refusals.pop((slot, rung), None)
        self._charge_point.capabilities.failed_rungs[f"{slot}: {rung}"] = why
        for remembered in (self._obeyed, self._accepted):
            if remembered.get(slot) == str(rung):
                del remembered[slot]
        _LOGGER.info(
            "%s cannot be limited by %s: %s", self._charge_point.identity, rung, why
        )

    async def ignored(self, slot: Slot, rung: Rung, seen: str) -> None:
        """Remember a way that a charger accepts and ignores, by what was seen.

        After two of a kind it is not asked for the others.
        """
        self._rule_out(slot, rung, f"{_IGNORED}{seen}", but=slot)
        alike = [other for other in self._ignored(slot) if other.is_like(rung)]
        if len(alike) >= _ENOUGH:
            for other in [*self._rungs(slot)]:
                if other.is_like(rung) and not self.ruled_out(slot, other):
                    self._rule_out(slot, other, f"{_IGNORED}{seen}", but=slot)
        await self._charge_point.capability_store.save()

    def _ignored(self, slot: Slot) -> list[Rung]:
        """Return the ways that the charger was seen to accept and ignore."""
        failed = self._charge_point.capabilities.failed_rungs
        return [
            rung
            for rung in self._rungs(slot)
            if failed.get(f"{slot}: {rung}", "").startswith(_IGNORED)
        ]

    def lost(self, slot: Slot, rung: Rung, connection: Connection) -> None:
        """Take note that a charger has dropped its socket over a way."""
        if not connection.lost or self._charge_point.bring_up.goes_down:
            return
        self._losses[rung] = self._losses.get(rung, 0) + 1
        if self._losses[rung] >= _MAX_LOSSES and self.is_trial(slot, rung):
            self._rule_out(slot, rung, "the charger drops its connection", but=slot)
            self._save()

    def booted(self) -> None:
        """Try all ways once more where none was left: its settings may be others now."""
        self._refusals.clear()
        self.try_again()

    def try_again(self) -> None:
        """Forget what has failed where nothing else is left."""
        failed = self._charge_point.capabilities.failed_rungs
        for slot in Slot:
            if self.exhausted(slot):
                for name in [*failed]:
                    if name.startswith(f"{slot}: "):
                        del failed[name]

    def start_over(self) -> None:
        """Forget all that was learnt: the user has changed the charger, or given up."""
        self._refusals.clear()
        self._losses.clear()
        capabilities = self._charge_point.capabilities
        for learnt in (self._obeyed, self._accepted, capabilities.failed_rungs):
            learnt.clear()
        self._save()

    def _save(self) -> None:
        store = self._charge_point.capability_store
        self._charge_point.run(store.save(), "remember how to limit it")

    # What there is

    def ways(self) -> list[Rung]:
        """Return what the user may insist on."""
        slots = (Slot.RUNNING, Slot.IDLE, Slot.STATION)
        profiles = [rung for slot in slots for rung in self._profile_rungs(slot)]
        keys = [Rung(Purpose.STATION, key=key) for key in self._keys()]
        return list(dict.fromkeys([*profiles, *keys]))

    def as_dict(self) -> dict[str, Any]:
        """Return all that is known of the ways, for who has to find out why."""
        charge_point = self._charge_point
        settings = (
            *(Setting.LIMIT_UNITS, Setting.LIMIT_STACK, Setting.LIMIT_PERIODS),
            *(Setting.LIMIT_PROFILES, Setting.FEATURES, Setting.SMART_CHARGING),
        )
        configuration = charge_point.configuration
        names = [*map(configuration.name, settings), *self._keys()]
        failed = charge_point.capabilities.failed_rungs
        return {
            "known_model": known_model(charge_point.info).as_dict(),
            "insisted_on": charge_point.config.limit_way,
            "settings": {name: configuration[name].value for name in names if name},
            "slots": {
                str(slot): {
                    "way": str(self.rung(slot)),
                    "obeyed": self._obeyed.get(slot),
                    "accepted": self._accepted.get(slot),
                    "failed": {
                        name.removeprefix(f"{slot}: "): why
                        for name, why in failed.items()
                        if name.startswith(f"{slot}: ")
                    },
                    "ways": [str(rung) for rung in self._rungs(slot)],
                }
                for slot in Slot
            },
        }

    def _rungs(self, slot: Slot) -> list[Rung]:
        """Return the ways there are, from the likeliest down."""
        charge_point = self._charge_point
        source = (
            *(charge_point.info, charge_point.spoken, self._is_single),
            *(self._may_cap, charge_point.direct_current),
            charge_point.config.limit_way,
        )
        keys = charge_point.configuration
        made = self._made.get(slot)
        if made is None or made[0][0] is not keys or made[0][1:] != source:
            made = self._made[slot] = ((keys, *source), self._make(slot))
        return made[1]

    def _make(self, slot: Slot) -> list[Rung]:
        known = known_model(self._charge_point.info)
        purposes = [purpose for purpose, _ in _PLACES[slot]] + [Purpose.STATION]
        unit = self._units()[0]

        def odds(rung: Rung) -> tuple[bool, int, int]:
            unlikely = bool(known.purposes) and rung.purpose not in known.purposes
            return unlikely, purposes.index(rung.purpose), rung.detours(known, unit)

        profiles = sorted(
            (
                rung
                for rung in self._profile_rungs(slot)
                if rung.detours(known, unit) <= _MAX_DETOURS
            ),
            key=odds,
        )
        if not self._is_single and slot is not Slot.STATION:
            return profiles
        if slot is Slot.STATION and self._is_single and not self._insisted(slot):
            # Its only connector keeps a ceiling that the model is known to ignore.
            profiles = [rung for rung in profiles if not odds(rung)[0]]
        keys = [Rung(Purpose.STATION, key=key) for key in self._keys()]
        if self._charge_point.configuration.smart_charging is False:
            # It says itself that it takes no profiles; some say so and do.
            return [*keys, *profiles]
        return [*profiles, *keys]

    def _profile_rungs(self, slot: Slot) -> Iterator[Rung]:
        for unit in self._units():
            for purpose, everywhere in _PLACES[slot]:
                for stack in self._stacks():
                    for relative in self._kinds(purpose):
                        yield Rung(purpose, relative, stack, unit, everywhere)
        # What holds for the whole station holds for its only connector.
        if slot is not Slot.STATION and self._is_single and self._may_cap:
            yield from self._profile_rungs(Slot.STATION)

    @property
    def _is_single(self) -> bool:
        return len(self._charge_point.connectors) == 1

    @property
    def _may_cap(self) -> bool:
        """Return whether no ceiling of an installer can be raised by a limit of ours."""
        charge_point = self._charge_point
        wishes, config = charge_point.wishes, charge_point.config
        if wishes.maximum_current is not None or any(
            place.startswith(Purpose.STATION) for place in wishes.places
        ):
            return True
        limit = charge_point.value(STATION, "effective_limit")
        return not isinstance(limit, float) or limit >= config.installation_current

    def _kinds(self, purpose: Purpose) -> Collection[bool]:
        # A station of 2.x is never limited relatively (K01.FR.38).
        absolute = purpose is Purpose.STATION and self._charge_point.spoken != "1.6"
        return (False,) if absolute else (False, True)

    def _units(self) -> list[LimitUnit]:
        units = self._charge_point.limit_units
        if self._charge_point.configuration.text(Setting.LIMIT_UNITS):
            return units
        # One that does not say which it takes may take the other one only.
        return [*units, *(unit for unit in LimitUnit if unit not in units)]

    def _stacks(self) -> list[int]:
        """Return the lowest levels, and the highest, which is above what others wrote."""
        highest = self._charge_point.configuration.integer(Setting.LIMIT_STACK)
        if highest is None:
            return [0, 1]
        return list(dict.fromkeys([0, min(1, highest), highest]))

    def _keys(self) -> list[str]:
        """Return the configuration keys that limit the current, as they are spelled."""
        configuration = self._charge_point.configuration
        return [
            configuration.spelled(name)
            for name in known_keys()
            if (key := configuration.get(name)) and not key.readonly
        ]
