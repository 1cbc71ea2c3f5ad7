"""OCPP 2.0.1 and 2.1: reservations."""

from .v2_base import Base2, MessagesBase2


class ReservationMessages2(MessagesBase2):
    """The messages about reservations."""


class Reservations2(Base2):
    """The commands about reservations."""
