"""One way to make a charger hold a limit, and what it is called."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self, override

from .model import LimitUnit, Purpose

if TYPE_CHECKING:
    from .known_models import KnownModel

_KEY = "key "
_EVERYWHERE = "everywhere"
_RELATIVE = "relative"
_ABSOLUTE = "absolute"


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
            return f"{_KEY}{self.key}"
        words = [
            self.purpose,
            _RELATIVE if self.relative else _ABSOLUTE,
            str(self.stack),
            self.unit,
        ]
        return " ".join([*words, _EVERYWHERE] if self.everywhere else words)

    @classmethod
    def named(cls, name: str) -> Self | None:
        """Return the way of a name, if it is one."""
        if name.startswith(_KEY):
            return cls(Purpose.STATION, key=name.removeprefix(_KEY))
        try:
            purpose, kind, stack, unit, *everywhere = name.split()
            rung = cls(
                Purpose(purpose),
                kind == _RELATIVE,
                int(stack),
                LimitUnit(unit),
                everywhere == [_EVERYWHERE],
            )
        except ValueError:
            return None
        return rung if str(rung) == name else None

    def is_like(self, other: Self) -> bool:
        """Return whether this is the same way but for how it is written."""
        return (self.purpose, self.everywhere, self.key) == (
            other.purpose,
            other.everywhere,
            other.key,
        )

    def detours(self, known: KnownModel, unit: LimitUnit) -> int:
        """Return in how many respects it is another than the likeliest of its kind.

        That is by the clock, at the bottom, of one connector and in `unit`, unless more
        is known of the model.
        """
        station = self.purpose is Purpose.STATION
        return sum(
            (
                self.relative is not bool(known.relative),
                self.stack != (known.stack or 0),
                self.unit is not (known.unit or unit),
                not station and self.everywhere is not known.everywhere,
            )
        )
