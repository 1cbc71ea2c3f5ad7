"""The port of our own: opened at the start, or as soon as it is free."""

import asyncio
from ssl import SSLContext

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import issue_registry as ir

from .const import (
    CONF_CERTIFICATE,
    CONF_CLIENT_CA,
    CONF_LISTEN,
    CONF_PRIVATE_KEY,
    DOMAIN,
)
from .csms.server import CentralSystem
from .tls import server_context

# Seconds until a port that was taken is tried again.
_RETRY = 30


class Listener:
    """Opens the port that a config entry asks for, and says so where it cannot."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, central: CentralSystem
    ) -> None:
        """Open nothing yet."""
        self._hass = hass
        self._entry = entry
        self._central = central
        self._issue = f"port_{entry.entry_id}"
        self._retrying: asyncio.Task[None] | None = None

    async def async_open(self) -> None:
        """Open the port, now or later; Home Assistant's endpoint serves meanwhile.

        Raises ConfigEntryError where the certificate cannot be used.
        """
        if not self._entry.data[CONF_LISTEN]:
            return
        context = await self._async_context()
        if not await self._async_try(context):
            self._retrying = self._entry.async_create_background_task(
                self._hass, self._async_retry(context), "ocpp_central listener"
            )

    async def async_close(self) -> None:
        """Give up what has not been opened; the rest is the central system's."""
        if self._retrying:
            self._retrying.cancel()
            await asyncio.wait([self._retrying])
        ir.async_delete_issue(self._hass, DOMAIN, self._issue)

    async def _async_context(self) -> SSLContext | None:
        data = self._entry.data
        if CONF_CERTIFICATE not in data:
            return None
        try:
            return await self._hass.async_add_executor_job(
                server_context,
                data[CONF_CERTIFICATE],
                data.get(CONF_PRIVATE_KEY),
                data.get(CONF_CLIENT_CA),
            )
        except OSError as error:
            raise ConfigEntryError(
                translation_domain=DOMAIN,
                translation_key="certificate",
                translation_placeholders={"error": str(error)},
            ) from error

    async def _async_try(self, context: SSLContext | None) -> bool:
        """Open the port; False while something else holds it."""
        port = self._entry.data[CONF_PORT]
        try:
            await self._central.listen(None, port, context)
        except OSError as error:
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                self._issue,
                is_fixable=False,
                severity=ir.IssueSeverity.ERROR,
                translation_key="port",
                translation_placeholders={"port": str(port), "error": str(error)},
            )
            return False
        ir.async_delete_issue(self._hass, DOMAIN, self._issue)
        return True

    async def _async_retry(self, context: SSLContext | None) -> None:
        while True:
            await asyncio.sleep(_RETRY)
            if await self._async_try(context):
                return
