"""What a charger says that it offers to cars, and whether that is to be believed."""

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING

from .known_models import known_model

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_OFFERS = frozenset({"current_offered", "power_offered"})
# From here on something flows, in A.
_FLOWS = 1.0
# A current takes a moment to fall after the offer of it.
_TOO_OFTEN = 3


class Offers:
    """When a charger told last what it offers and what flows, and if the former is so."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Know nothing yet."""
        self._charge_point = charge_point
        # Loop time of the newest sample of each connector.
        self._told: dict[int, float] = {}
        self._measured: dict[int, float] = {}
        # How often in a row nothing was offered, and something flowed.
        self._contradictions = 0

    @property
    def trusted(self) -> bool:
        """Return whether what the charger says it offers is what it does."""
        charge_point = self._charge_point
        return not (
            charge_point.capabilities.false_offers
            or known_model(charge_point.info).offers_wrong
        )

    def told(self, connector: int) -> float | None:
        """Return when the charger last said what it offers, by the loop's clock."""
        return self._told.get(connector)

    def measured(self, connector: int) -> float | None:
        """Return when it last said what flows, by the loop's clock."""
        return self._measured.get(connector)

    def sampled(self, connector: int, keys: Collection[str]) -> None:
        """Take note of samples that have just come."""
        now = asyncio.get_running_loop().time()
        if "current" in keys:
            self._measured[connector] = now
        if not _OFFERS.isdisjoint(keys):
            self._told[connector] = now
            if "current" in keys:
                self._compare(connector)

    def _compare(self, connector: int) -> None:
        """Learn of a charger that says it offers nothing, and yet something flows."""
        charge_point = self._charge_point
        current = charge_point.value(connector, "current")
        if any(charge_point.value(connector, key) for key in _OFFERS):
            self._contradictions = 0
        elif isinstance(current, (int, float)) and current > _FLOWS:
            self._contradictions += 1
            if self._contradictions == _TOO_OFTEN:
                self._misstated()

    def refuted(self, connector: int, *, since: float) -> None:
        """Learn of a charger that offers something while it lets nothing flow."""
        told = self._told.get(connector, 0.0)
        offered = self._charge_point.value(connector, "current_offered")
        if told >= since and isinstance(offered, (int, float)) and offered > _FLOWS:
            self._misstated()

    def _misstated(self) -> None:
        """Remember that what this charger says it offers is not so."""
        charge_point = self._charge_point
        if self.trusted:
            charge_point.capabilities.false_offers = True
            charge_point.run(
                charge_point.capability_store.save(),
                "remember that its offers are none",
            )
