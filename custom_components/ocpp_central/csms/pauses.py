"""Chargers that end a transaction where they are told to pause it."""

from typing import TYPE_CHECKING

from .model import Transaction
from .profiles import ends_at_zero

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# So soon after a limit of 0, in seconds, and for no other reason, the end of a
# transaction is due to it.
_AT_ONCE = 60.0
_BY_ITSELF = frozenset({"other", "energy_limit_reached"})


def cannot_pause(charge_point: ChargePoint, connector: int, limit: float) -> bool:
    """Return whether a limit in A lets something flow, so that a pause ends nothing."""
    wish = charge_point.wish(connector)
    return limit > 0 and wish.paused and ends_at_zero(charge_point)


def learn_of_end(
    charge_point: ChargePoint, transaction: Transaction, limit: float, age: float
) -> None:
    """Learn of a charger that ends what it was limited in, so many seconds ago."""
    if (
        limit > 0
        or age > _AT_ONCE
        or transaction.stop_reason not in _BY_ITSELF
        or charge_point.capabilities.zero_ends
    ):
        return
    charge_point.capabilities.zero_ends = True
    charge_point.run(charge_point.capability_store.save(), "remember that 0 ends it")
