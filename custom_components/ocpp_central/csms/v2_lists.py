"""OCPP 2.0.1 and 2.1: the local authorization list."""

from .v2_base import Base2


class Lists2(Base2):
    """The commands about the local authorization list."""
