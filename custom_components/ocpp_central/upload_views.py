"""Where charge points put files on Home Assistant's own HTTP server, and users get them."""

from pathlib import Path

from aiohttp import hdrs, web
from homeassistant.core import HomeAssistant
from homeassistant.helpers.http import KEY_HASS, HomeAssistantView

from .const import CONF_SERVE_ON_HA, DOMAIN
from .files import UPLOAD_ENDPOINT, UPLOADED, may_have
from .hub import OcppConfigEntry
from .uploads import UPLOAD_FOLDER, UPLOAD_ID, StoredFile, stored_files


class UploadView(HomeAssistantView):
    """Takes files from charge points that were given a token for one."""

    url = f"{UPLOAD_ENDPOINT}/{{path:.*}}"
    name = "api:ocpp_central_files:upload"
    requires_auth = False
    cors_allowed = False

    async def put(self, request: web.Request, path: str) -> web.StreamResponse:
        """Take a file."""
        hass = request.app[KEY_HASS]
        # The entry is looked up each time, because a view cannot be unregistered.
        entries: list[OcppConfigEntry] = hass.config_entries.async_loaded_entries(
            DOMAIN
        )
        if not entries or not entries[0].data[CONF_SERVE_ON_HA] or hass.is_stopping:
            return web.Response(status=503)
        return await entries[0].runtime_data.uploads.receive(request, path)

    async def post(self, request: web.Request, path: str) -> web.StreamResponse:
        """Take a file, as it is or out of a form."""
        return await self.put(request, path)


class UploadedView(HomeAssistantView):
    """Hands files to administrators, and to whoever has a link that we signed."""

    url = f"{UPLOADED}/{{folder}}/{{upload_id}}"
    name = "api:ocpp_central_files:uploads"

    async def get(
        self, request: web.Request, folder: str, upload_id: str
    ) -> web.StreamResponse:
        """Return a file."""
        if not may_have(request):
            return web.Response(status=403)
        if not (UPLOAD_FOLDER.fullmatch(folder) and UPLOAD_ID.fullmatch(upload_id)):
            return web.Response(status=404)
        hass = request.app[KEY_HASS]
        file = await hass.async_add_executor_job(_find, hass, folder, upload_id)
        if file is None:
            return web.Response(status=404)
        return web.FileResponse(
            file.path,
            headers={
                hdrs.CONTENT_TYPE: "application/octet-stream",
                hdrs.CONTENT_DISPOSITION: f'attachment; filename="{file.name}"',
                hdrs.CACHE_CONTROL: "no-store",
            },
        )


def _find(hass: HomeAssistant, folder: str, upload_id: str) -> StoredFile | None:
    files = stored_files(Path(hass.config.path(DOMAIN, "uploads", folder)))
    return next((file for file in files if file.id == upload_id), None)
