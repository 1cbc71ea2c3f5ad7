"""How a station shares its limit between its connectors."""

from collections.abc import Sequence
from dataclasses import dataclass

from .car import MINIMUM_CURRENT
from .profiles import Limit


@dataclass(frozen=True, slots=True)
class Demand:
    """What one connector may have, and what its car could use of it, in A per phase."""

    limit: float
    appetite: float
    phases: int


def share(demands: Sequence[Demand], station: Limit, voltage: float) -> list[float]:
    """The current each connector may offer.

    As long as all limits fit together, everyone gets its own. Otherwise those who came first get the
    minimum first, nobody gets less than that, and the rest is divided evenly.
    """
    shares = [
        demand.limit if demand.limit >= MINIMUM_CURRENT else 0.0 for demand in demands
    ]
    if _fits(shares, demands, station, voltage):
        return shares
    caps = [
        min(each, max(demand.appetite, MINIMUM_CURRENT))
        for each, demand in zip(shares, demands, strict=True)
    ]
    shares = [0.0] * len(demands)
    for index, cap in enumerate(caps):
        if cap > 0:
            shares[index] = MINIMUM_CURRENT
            if not _fits(shares, demands, station, voltage):
                shares[index] = 0.0
    while growing := [i for i, cap in enumerate(caps) if 0 < shares[i] < cap]:
        current_left = station.current - sum(shares)
        power_left = station.power - _power(shares, demands, voltage)
        phases = sum(demands[index].phases for index in growing)
        room = min(caps[index] - shares[index] for index in growing)
        step = min(room, current_left / len(growing), power_left / (voltage * phases))
        if step < 1e-6:
            break
        for index in growing:
            shares[index] += step
    return shares


def _power(shares: Sequence[float], demands: Sequence[Demand], voltage: float) -> float:
    pairs = zip(shares, demands, strict=True)
    return sum(current * demand.phases * voltage for current, demand in pairs)


def _fits(
    shares: Sequence[float], demands: Sequence[Demand], station: Limit, voltage: float
) -> bool:
    """Whether the station can carry all of this. Rounding errors do not count."""
    return (
        sum(shares) <= station.current + 1e-6
        and _power(shares, demands, voltage) <= station.power + 1e-3
    )
