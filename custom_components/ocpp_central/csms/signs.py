"""Signs of life of a charger: when it was heard last, and how fast it answers."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from .clock import utcnow
from .model import STATION, Value

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# What changes by less than this, in ms, and by less than this part of it, is the same.
_LEAST = 5
_PART = 0.2


class Signs:
    """Keeps `last_seen` and `latency` of one charge point.

    They change with every message; told each time, they would be its busiest values.
    """

    def __init__(self, charge_point: ChargePoint) -> None:
        """Know nothing yet."""
        self._charge_point = charge_point

    def tick(self) -> None:
        """Take note; called once a minute, and as the charger goes."""
        charge_point = self._charge_point
        connection = charge_point.connection
        if connection is None:
            return
        age = asyncio.get_running_loop().time() - connection.last_seen
        heard = utcnow() - timedelta(seconds=age)
        changes: dict[str, Value] = {"last_seen": heard.replace(microsecond=0)}
        if connection.latency is not None:
            latency = round(connection.latency * 1000)
            if _differs(charge_point.value(STATION, "latency"), latency):
                changes["latency"] = latency
        charge_point.update(STATION, changes)


def _differs(shown: Value, latency: int) -> bool:
    if not isinstance(shown, int):
        return True
    return abs(latency - shown) >= max(_LEAST, shown * _PART)
