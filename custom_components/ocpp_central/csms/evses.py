"""EVSEs and their connectors, as one row of connectors (OCPP 2.0.1, part 1, 7.2)."""

from .model import STATION

# A station has fewer EVSEs than this; a further connector of one is counted beyond.
_MAX_EVSES = 100


def connector_number(evse: int | None, connector: int | None) -> int | None:
    """Return the number of a connector; None where a charger cannot mean it.

    An EVSE with one connector is that connector; without an EVSE it is the station.
    """
    if not evse:
        return None if connector else STATION
    if connector is None:
        connector = 1
    if not (0 < evse < _MAX_EVSES and 0 < connector < _MAX_EVSES):
        return None
    return evse + _MAX_EVSES * (connector - 1)


def place_of(number: int) -> tuple[int, int]:
    """Return the EVSE and the connector on it that a number stands for."""
    if number == STATION:
        return 0, 0
    further, evse = divmod(number, _MAX_EVSES)
    return evse, further + 1
