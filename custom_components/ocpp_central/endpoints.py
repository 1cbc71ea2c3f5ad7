"""Where chargers dial in: the addresses to type into them, and whether they can open."""

import asyncio
from collections.abc import Mapping
import errno
import ssl
from typing import Any

from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers.network import NoURLAvailableError, get_url
from yarl import URL

from .const import (
    CONF_CERTIFICATE,
    CONF_CLIENT_CA,
    CONF_CLIENT_CA_KEY,
    CONF_LISTEN,
    CONF_PRIVATE_KEY,
    CONF_SERVE_ON_HA,
    DEFAULT_PORT,
    ENDPOINT,
)
from .tls import TlsFiles

_PORTS_TRIED = 100


def addresses(hass: HomeAssistant, data: Mapping[str, Any]) -> list[str]:
    """Return the URLs of the endpoints that are on, to be followed by an identity.

    They end in a slash: some chargers append their identity with one, others without,
    and two do no harm.
    """
    urls = []
    if data[CONF_LISTEN]:
        encrypted = CONF_CERTIFICATE in data
        urls.append(
            URL.build(
                scheme="wss" if encrypted else "ws",
                host=_host(hass, encrypted=encrypted),
                port=data[CONF_PORT],
                path="/",
            )
        )
    if data[CONF_SERVE_ON_HA]:
        base = _home_assistant(hass)
        scheme = "wss" if base.scheme == "https" else "ws"
        urls.append(base.with_scheme(scheme).with_path(f"{ENDPOINT}/"))
    return [str(url) for url in urls]


def shown_address(url: str) -> str:
    """Return an address as Markdown, with a word where the identity belongs."""
    return f"`{url}IDENTITY`"


def _host(hass: HomeAssistant, *, encrypted: bool) -> str:
    """Return the name or address of this machine as a charger can use it."""
    try:
        # A certificate is for a name, which may be the one used from outside.
        url = get_url(
            hass, allow_external=encrypted, prefer_external=False, allow_cloud=False
        )
    except NoURLAvailableError:
        return _local_ip(hass)
    host = URL(url).host or ""
    # Chargers rarely know how to find such a name.
    return _local_ip(hass) if host.endswith(".local") else host


def _home_assistant(hass: HomeAssistant) -> URL:
    """Return the URL of Home Assistant as a charger can use it."""
    try:
        url = URL(get_url(hass, prefer_external=False, allow_cloud=False))
    except NoURLAvailableError:
        # Home Assistant sets up its HTTP server before this integration.
        assert hass.config.api
        return URL.build(
            scheme="https" if hass.config.api.use_ssl else "http",
            host=hass.config.api.local_ip,
            port=hass.config.api.port,
        )
    if url.scheme == "http" and (url.host or "").endswith(".local"):
        return url.with_host(_local_ip(hass))
    return url


def _local_ip(hass: HomeAssistant) -> str:
    assert hass.config.api
    return hass.config.api.local_ip


async def async_port_error(port: int) -> str | None:
    """Return why our own listener cannot have a port."""
    try:
        server = await asyncio.get_running_loop().create_server(
            asyncio.Protocol, None, port
        )
    except OSError as error:
        return "port_not_permitted" if error.errno == errno.EACCES else "address_in_use"
    server.close()
    await server.wait_closed()
    return None


async def async_free_port() -> int:
    """Return the first port that our own listener could have."""
    port = DEFAULT_PORT
    while port < DEFAULT_PORT + _PORTS_TRIED and await async_port_error(port):
        port += 1
    return port


async def async_tls_error(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> tuple[str, str] | None:
    """Return why a certificate cannot be used, and the file it is about."""
    certificate = data.get(CONF_CERTIFICATE)
    private_key = data.get(CONF_PRIVATE_KEY)
    client_ca = data.get(CONF_CLIENT_CA)
    client_ca_key = data.get(CONF_CLIENT_CA_KEY)
    if certificate is None:
        files = private_key or client_ca or client_ca_key
        return ("certificate_missing", "") if files else None
    if client_ca_key and not client_ca:
        return "client_ca_missing", ""
    load = hass.async_add_executor_job
    try:
        await load(TlsFiles(certificate, private_key).context)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return "key_mismatch", private_key or certificate
        return "certificate_invalid", certificate
    except OSError as error:
        return "file_unreadable", str(error.filename)
    files_of_both = TlsFiles(certificate, private_key, client_ca, client_ca_key)
    try:
        await load(files_of_both.context)
        await load(files_of_both.authority)
    except ssl.SSLError:
        return "client_ca_invalid", str(client_ca)
    except OSError as error:
        return "file_unreadable", str(error.filename)
    except ValueError:
        return "client_ca_key_invalid", str(client_ca_key)
    return None
