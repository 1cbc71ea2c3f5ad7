"""OCPP 2.0.1 and 2.1: what a charger can be told."""

from .v2_control import Control2
from .v2_display import Display2
from .v2_files import Files2
from .v2_lists import Lists2
from .v2_profiles import Profiles2
from .v2_reports import Reports2
from .v2_reservations import Reservations2
from .v2_security import Security2
from .v2_transactions import Transactions2
from .v2_variables import Variables2


class Commands2(
    Control2,
    Display2,
    Files2,
    Lists2,
    Profiles2,
    Reports2,
    Reservations2,
    Security2,
    Transactions2,
    Variables2,
):
    """Sends commands over one connection."""
