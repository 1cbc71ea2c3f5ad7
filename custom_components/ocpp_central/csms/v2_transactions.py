"""OCPP 2.0.1 and 2.1: transactions, and who may charge."""

from .v2_base import Base2, MessagesBase2


class TransactionMessages2(MessagesBase2):
    """The messages about transactions, and who may charge."""


class Transactions2(Base2):
    """The commands about transactions, and who may charge."""
