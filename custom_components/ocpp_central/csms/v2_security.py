"""OCPP 2.0.1 and 2.1: certificates."""

from .v2_base import Base2, MessagesBase2


class SecurityMessages2(MessagesBase2):
    """The messages about certificates."""


class Security2(Base2):
    """The commands about certificates."""
