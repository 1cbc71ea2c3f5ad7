"""The port of our own: opened at the start, or as soon as it is free."""

import asyncio
from datetime import UTC, datetime, timedelta
import logging
import ssl

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval

from .const import (
    CONF_CERTIFICATE,
    CONF_CLIENT_CA,
    CONF_CLIENT_CA_KEY,
    CONF_LISTEN,
    CONF_PRIVATE_KEY,
    DOMAIN,
)
from .csms.server import CentralSystem
from .tls import RenewableContext, TlsFiles

_LOGGER = logging.getLogger(__name__)

# Seconds until a port that was taken is tried again.
_RETRY = 30
# How often it is looked whether the certificate has been renewed.
_LOOK = timedelta(hours=1)
# Who renews a certificate by itself has done so before this, or a third of its time.
_EXPIRES_SOON = timedelta(days=14)


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
        self._files: TlsFiles | None = None
        self._stamp: list[tuple[str, int, int]] = []
        self._context: RenewableContext | None = None
        self._expires: tuple[str, datetime, datetime]

    async def async_open(self) -> None:
        """Open the port, now or later; Home Assistant's endpoint serves meanwhile.

        Raises ConfigEntryError where the certificate cannot be used.
        """
        data = self._entry.data
        if not data[CONF_LISTEN]:
            return
        if CONF_CERTIFICATE in data:
            self._files = TlsFiles(
                data[CONF_CERTIFICATE],
                data.get(CONF_PRIVATE_KEY),
                data.get(CONF_CLIENT_CA),
                data.get(CONF_CLIENT_CA_KEY),
            )
            await self._async_encrypt(self._files)
        if not await self._async_try():
            self._retrying = self._entry.async_create_background_task(
                self._hass, self._async_retry(), "ocpp_central listener"
            )

    async def async_close(self) -> None:
        """Give up what has not been opened; the rest is the central system's."""
        if self._retrying:
            self._retrying.cancel()
            await asyncio.wait([self._retrying])
        for issue in (self._issue, "certificate_expires", *_TLS_PROBLEMS):
            ir.async_delete_issue(self._hass, DOMAIN, issue)

    async def _async_try(self) -> bool:
        """Open the port; False while something else holds it."""
        port = self._entry.data[CONF_PORT]
        try:
            await self._central.listen(
                None,
                port,
                self._context,
                certificates=bool(self._files and self._files.client_ca),
            )
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

    async def _async_retry(self) -> None:
        while True:
            await asyncio.sleep(_RETRY)
            if await self._async_try():
                return

    # Encryption

    async def _async_encrypt(self, files: TlsFiles) -> None:
        """Load the certificate, and again whenever it has been renewed."""
        try:
            await self._async_load(files)
        except (OSError, ValueError) as error:
            raise ConfigEntryError(
                translation_domain=DOMAIN,
                translation_key="certificate",
                translation_placeholders={"error": str(error)},
            ) from error

        async def look(_now: datetime) -> None:
            if await self._hass.async_add_executor_job(files.stamp) != self._stamp:
                try:
                    await self._async_load(files)
                except (OSError, ValueError) as error:
                    # It may be half written; the one in use is kept.
                    _LOGGER.warning("The renewed certificate cannot be used: %s", error)
            self._async_tell_expiry()

        self._entry.async_on_unload(
            async_track_time_interval(self._hass, look, _LOOK, cancel_on_shutdown=True)
        )
        self._async_tell_expiry()

    async def _async_load(self, files: TlsFiles) -> None:
        """Read the files; connections that are open stay so."""
        load = self._hass.async_add_executor_job
        stamp = await load(files.stamp)
        context = await load(files.context)
        context.on_failed = self._async_failed
        authority = await load(files.authority)
        self._expires = await load(files.expires)
        if self._context is None:
            self._context = RenewableContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.newest = context
        self._central.signing.authority = authority
        self._stamp = stamp

    @callback
    def _async_tell_expiry(self) -> None:
        path, begins, ends = self._expires
        soon = min(_EXPIRES_SOON, (ends - begins) / 3)
        if datetime.now(UTC) < ends - soon:
            ir.async_delete_issue(self._hass, DOMAIN, "certificate_expires")
            return
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            "certificate_expires",
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="certificate_expires",
            translation_placeholders={"file": path, "date": ends.date().isoformat()},
        )

    @callback
    def _async_failed(self, error: ssl.SSLError) -> None:
        """Tell that somebody could not connect, where the user can do something."""
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = error.verify_message
            self._async_log("client_certificate", reason)
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                "client_certificate",
                is_fixable=False,
                severity=ir.IssueSeverity.ERROR,
                translation_key="client_certificate",
                translation_placeholders={"error": reason},
            )
        elif error.reason == "HTTP_REQUEST":
            self._async_log("plain_connection", "its connection is not encrypted")
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                "plain_connection",
                is_fixable=False,
                severity=ir.IssueSeverity.ERROR,
                translation_key="plain_connection",
                translation_placeholders={"port": str(self._entry.data[CONF_PORT])},
            )
        else:
            _LOGGER.debug("An encrypted connection did not come about: %s", error)

    @callback
    def _async_log(self, issue_id: str, reason: str) -> None:
        """Log why somebody could not connect, once for as long as it is told."""
        if ir.async_get(self._hass).async_get_issue(DOMAIN, issue_id) is None:
            _LOGGER.warning("A charge point could not connect: %s", reason)

    @callback
    def async_let_in(self) -> None:
        """Take back what was told of somebody unknown; who still fails tells it again."""
        for problem in _TLS_PROBLEMS:
            ir.async_delete_issue(self._hass, DOMAIN, problem)


_TLS_PROBLEMS = ("client_certificate", "plain_connection")
