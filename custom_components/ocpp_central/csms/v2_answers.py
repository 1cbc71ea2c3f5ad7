"""OCPP 2.0.1 and 2.1: what a charger tells or asks that has no place here."""

from .v2_base import MessagesBase2


class AnswerMessages2(MessagesBase2):
    """The messages about what a charger tells or asks that has no place here."""
