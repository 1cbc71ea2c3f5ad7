"""OCPP 2.0.1 and 2.1: messages on its display, and what a session costs."""

from .v2_base import Base2, MessagesBase2


class DisplayMessages2(MessagesBase2):
    """The messages about messages on its display, and what a session costs."""


class Display2(Base2):
    """The commands about messages on its display, and what a session costs."""
