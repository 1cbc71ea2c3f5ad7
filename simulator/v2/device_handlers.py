"""Requests about the device model."""

from .connection import Connection2


class DeviceHandlers(Connection2):
    """Serves the requests about the device model."""
