"""Names shared by more than one file."""

from typing import Final

DOMAIN: Final = "ocpp_floor"

CONF_CHARGE_POINTS: Final = "charge_points"
CONF_IDLE: Final = "idle"
CONF_SESSION: Final = "session"
