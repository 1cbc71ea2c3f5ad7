"""OCPP 2.0.1 and 2.1: new firmware for a charger, and files from it."""

from .v2_base import Base2, MessagesBase2


class FileMessages2(MessagesBase2):
    """The messages about new firmware for a charger, and files from it."""


class Files2(Base2):
    """The commands about new firmware for a charger, and files from it."""
