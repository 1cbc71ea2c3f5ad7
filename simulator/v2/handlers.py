"""Everything that the charger does when the central system asks for it.

An answer must leave before its consequences, and a handler must not wait for the central system,
which waits for the handler. So handlers only decide; what follows is handed to `then`.
"""

from .device_handlers import DeviceHandlers
from .session_handlers import SessionHandlers
from .station_handlers import StationHandlers


class Handlers2(SessionHandlers, StationHandlers, DeviceHandlers):
    """A connection that serves every request the charger knows."""
