"""On how many phases a car draws, as far as that is measured."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# From here on a car draws on a phase, in A: none does so with less than 6, but meters
# show a little where nothing flows.
_DRAWS = 2.0
# Some cars begin on one phase: so many seconds it has to stay like that.
_STEADY = 60.0


class ActivePhases:
    """The phases that the cars at one charge point draw on.

    The most of those that were seen together since the car came, so that one that slows
    down, or is between two phases, does not become another.
    """

    def __init__(self, charge_point: ChargePoint) -> None:
        """Know nothing yet."""
        self._charge_point = charge_point
        # By connector: how many, and the loop's time when so many were seen first.
        self._seen: dict[int, tuple[int, float]] = {}

    def at(self, connector: int) -> int | None:
        """Return on how many phases something flows; None: nobody knows."""
        charge_point = self._charge_point
        if charge_point.direct_current or charge_point.config.phases == 1:
            return 1
        seen = self._seen.get(connector)
        if seen is None:
            return None
        phases, since = seen
        steady = asyncio.get_running_loop().time() - since >= _STEADY
        return phases if steady or phases >= charge_point.config.phases else None

    def sampled(self, connector: int, values: Mapping[str, object]) -> None:
        """Take note of what was measured just now."""
        phases = sum(
            isinstance(current := values.get(f"current_l{phase}"), (int, float))
            and current >= _DRAWS
            for phase in (1, 2, 3)
        )
        most, _ = self._seen.get(connector, (0, 0.0))
        if phases > most:
            self._seen[connector] = phases, asyncio.get_running_loop().time()

    def forget(self, connector: int) -> None:
        """Know nothing of the next car, or of this one after a switch."""
        self._seen.pop(connector, None)
