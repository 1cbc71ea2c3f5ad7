"""Requests about transactions and tokens."""

from .connection import Connection2


class SessionHandlers(Connection2):
    """Serves the requests about transactions and tokens."""
