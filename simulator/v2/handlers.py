"""Everything that the charger does when the central system asks for it.

An answer must leave before its consequences, and a handler must not wait for the central system,
which waits for the handler. So handlers only decide; what follows is handed to `then`.
"""

from .access_handlers import AccessHandlers
from .certificates import CertificateHandlers
from .charging_handlers import ChargingHandlers
from .device_handlers import DeviceHandlers
from .displays import DisplayHandlers
from .grid import GridHandlers
from .jobs import JobHandlers
from .monitor_handlers import MonitorHandlers
from .other_handlers import OtherHandlers
from .session_handlers import SessionHandlers
from .station_handlers import StationHandlers
from .streams import StreamHandlers
from .tariffs import TariffHandlers


class Handlers2(
    SessionHandlers,
    StationHandlers,
    DeviceHandlers,
    ChargingHandlers,
    AccessHandlers,
    JobHandlers,
    CertificateHandlers,
    DisplayHandlers,
    MonitorHandlers,
    StreamHandlers,
    TariffHandlers,
    GridHandlers,
    OtherHandlers,
):
    """A connection that serves every request the charger knows."""
