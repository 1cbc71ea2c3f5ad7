"""The benchmark writes the entry itself; Home Assistant wants a flow all the same."""

from homeassistant.config_entries import ConfigFlow

from .const import DOMAIN


class FloorConfigFlow(ConfigFlow, domain=DOMAIN):
    """A flow without steps."""
