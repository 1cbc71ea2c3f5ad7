"""OCPP 2.0.1 and 2.1: the charger itself."""

from .v2_base import Base2


class Control2(Base2):
    """The commands about the charger itself."""
