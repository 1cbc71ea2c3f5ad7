"""EVSEs and their connectors, as one row of connectors (OCPP 2.0.1, part 1, 7.2)."""

from .model import STATION

# The first connectors of all EVSEs are counted from 1, the second ones from 101.
_ROW = 100
# Above these, a number is no connector but uninitialised memory, as seen.
_MAX_EVSES = 64
_MAX_ON_EVSE = 8


def connector_number(evse: int | None, connector: int | None) -> int | None:
    """Return the number of a connector; None where a charger cannot mean it.

    An EVSE with one connector is that connector; without an EVSE it is the station.
    """
    if not evse:
        return None if connector else STATION
    if connector is None:
        connector = 1
    if not (0 < evse <= _MAX_EVSES and 0 < connector <= _MAX_ON_EVSE):
        return None
    return evse + _ROW * (connector - 1)


def place_of(number: int) -> tuple[int, int]:
    """Return the EVSE and the connector on it that a number stands for."""
    if number == STATION:
        return 0, 0
    further, evse = divmod(number, _ROW)
    return evse, further + 1


def is_connector(number: int) -> bool:
    """Return whether a charger can mean a connector by a number."""
    return number > 0 and connector_number(*place_of(number)) is not None
