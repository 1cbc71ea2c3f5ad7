"""OCPP 2.0.1 and 2.1: smart charging."""

from .v2_base import Base2, MessagesBase2


class ProfileMessages2(MessagesBase2):
    """The messages about smart charging."""


class Profiles2(Base2):
    """The commands about smart charging."""
