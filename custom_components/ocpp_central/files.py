"""Files that Home Assistant hands out, and who may have them."""

from datetime import timedelta
from typing import Final

from aiohttp import hdrs, web
from homeassistant.auth.models import User
from homeassistant.components.http.auth import async_sign_path
from homeassistant.components.http.const import KEY_HASS_USER
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.http import KEY_HASS, HomeAssistantView

from .exports import EXPORT_NAME, export_folder

# Not below the path that belongs to charge points.
_FILES: Final = "/api/ocpp_central_files"
_EXPORTS: Final = f"{_FILES}/exports"
# Where charge points put files, and where users get them.
UPLOAD_ENDPOINT: Final = f"{_FILES}/upload"
UPLOADED: Final = f"{_FILES}/uploads"


def may_have(request: web.Request) -> bool:
    """Return whether files are for whoever asks.

    Anybody who can log in can have any path signed, but then comes as themselves. A
    link of ours comes as Home Assistant's own user for content.
    """
    user: User = request[KEY_HASS_USER]
    return user.is_admin or user.system_generated


class ExportView(HomeAssistantView):
    """Hands files to administrators, and to whoever has a link that we signed."""

    url = f"{_EXPORTS}/{{name}}"
    name = "api:ocpp_central_files:exports"

    async def get(self, request: web.Request, name: str) -> web.StreamResponse:
        """Return a file."""
        if not may_have(request):
            return web.Response(status=403)
        if not EXPORT_NAME.fullmatch(name):
            return web.Response(status=404)
        return web.FileResponse(
            export_folder(request.app[KEY_HASS]) / name,
            headers={
                hdrs.CONTENT_TYPE: "text/csv; charset=utf-8",
                hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
                hdrs.CACHE_CONTROL: "no-store",
            },
        )


@callback
def async_signed_url(hass: HomeAssistant, name: str, valid: timedelta) -> str:
    """Return a link to an export that needs no login, for a while."""
    return async_sign_path(hass, f"{_EXPORTS}/{name}", valid, use_content_user=True)


@callback
def async_upload_url(
    hass: HomeAssistant, folder: str, upload_id: str, valid: timedelta
) -> str:
    """Return a link to a charge point's file that needs no login, for a while."""
    path = f"{UPLOADED}/{folder}/{upload_id}"
    return async_sign_path(hass, path, valid, use_content_user=True)
