"""The endpoint on Home Assistant's own HTTP server."""

from ipaddress import ip_address

from aiohttp import web
from homeassistant.helpers.http import KEY_HASS, HomeAssistantView
from homeassistant.helpers.network import is_cloud_connection
from homeassistant.util.network import is_local

from .const import CONF_SERVE_ON_HA, DOMAIN, ENDPOINT
from .hub import OcppConfigEntry


class OcppView(HomeAssistantView):
    """Hands charge points to the central system.

    This port may face the world, without login: a charge point needs a password here,
    and a stranger is let in only from nearby.
    """

    url = f"{ENDPOINT}/{{identity:.*}}"
    extra_urls = [ENDPOINT]
    name = "api:ocpp_central"
    requires_auth = False
    cors_allowed = False

    async def get(self, request: web.Request, identity: str = "") -> web.StreamResponse:
        """Serve a charge point's WebSocket."""
        hass = request.app[KEY_HASS]
        # The entry is looked up each time, because a view cannot be unregistered.
        entries: list[OcppConfigEntry] = hass.config_entries.async_loaded_entries(
            DOMAIN
        )
        if not entries or not entries[0].data[CONF_SERVE_ON_HA] or hass.is_stopping:
            return web.Response(status=503)
        raw_path = request.rel_url.raw_path.removeprefix(ENDPOINT)
        return await entries[0].runtime_data.central.serve(
            request,
            raw_path,
            password_required=True,
            unknown_allowed=not is_cloud_connection(hass) and _is_near(request),
        )


def _is_near(request: web.Request) -> bool:
    return request.remote is not None and is_local(ip_address(request.remote))
