"""OCPP 2.0.1 and 2.1: the device model."""

from .v2_base import Base2, MessagesBase2


class VariableMessages2(MessagesBase2):
    """The messages about the device model."""


class Variables2(Base2):
    """The commands about the device model."""
