"""Requests about the station, its connectors and its messages."""

from .connection import Connection2


class StationHandlers(Connection2):
    """Serves the requests about the station, its connectors and its messages."""
