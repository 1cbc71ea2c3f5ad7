"""Files that charge points send to Home Assistant."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from http import HTTPStatus
import logging
from pathlib import Path
import re
import secrets
import time
from typing import Any, BinaryIO, Final, override
from urllib.parse import unquote

from aiohttp import BodyPartReader, ClientError, web
from homeassistant.components import persistent_notification
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util, slugify
from yarl import URL

from .const import CONF_CERTIFICATE, CONF_LISTEN, CONF_SERVE_ON_HA, DOMAIN
from .csms.charge_point import ChargePoint
from .csms.jobs import Upload, UploadTarget
from .csms.server import UPLOAD_PATH, CentralSystem
from .endpoints import addresses
from .files import UPLOAD_ENDPOINT, async_upload_url

_LOGGER = logging.getLogger(__name__)

MAX_SIZE = 100 * 1024 * 1024
# How long a charger may take to come with a file, and to send more of it.
VALID = timedelta(hours=24)
STALLED = 60.0
KEEP = 20

UPLOAD_ID: Final = re.compile(r"[0-9a-f]{8}", re.ASCII)
UPLOAD_FOLDER: Final = re.compile(r"[a-z0-9_]{1,80}", re.ASCII)
_FILE: Final = re.compile(
    r"(?P<stamp>\d{8}-\d{6})_(?P<id>[0-9a-f]{8})_(?P<name>[\w.-]{1,80})", re.ASCII
)
_STAMP: Final = "%Y%m%d-%H%M%S"
_PART: Final = ".part"
_ABANDONED: Final = 86_400.0
_TOKEN: Final = 32
_BLOCK: Final = 256 * 1024
_LINK_VALID: Final = timedelta(days=7)
# Everybody who can log in sees notifications.
_NOTIFIED_LINK_VALID: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that has come."""

    path: Path
    id: str
    name: str
    received: datetime
    size: int


@dataclass(slots=True, kw_only=True)
class _Offer:
    """Room for one file."""

    upload: Upload
    id: str
    identity: str
    charge_point_name: str
    until: datetime
    busy: bool = False
    done: bool = False


class _Refused(Exception):
    """A file is not taken."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class Uploads(UploadTarget):
    """Takes files on whichever endpoint is on, each once and with a token."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Offer nothing yet."""
        self._hass = hass
        self._entry = entry
        self._offers: dict[str, _Offer] = {}

    @override
    def offer(self, charge_point: ChargePoint) -> Upload:
        now = dt_util.utcnow()
        for token, offer in list(self._offers.items()):
            if offer.until + VALID < now:
                del self._offers[token]
        base = self._base(charge_point)
        # All in lower case and without signs: some chargers spoil others.
        token, upload_id = secrets.token_hex(_TOKEN // 2), secrets.token_hex(4)
        identity = charge_point.identity
        upload = Upload(
            # A charger appends the name of the file, with a slash of its own or not.
            url=f"{base}{token}/",
            link=async_upload_url(
                self._hass, folder_name(identity), upload_id, _LINK_VALID
            ),
        )
        self._offers[token] = _Offer(
            upload=upload,
            id=upload_id,
            identity=identity,
            charge_point_name=charge_point.config.name,
            until=now + VALID,
        )
        return upload

    @override
    def withdraw(self, upload: Upload) -> None:
        self._offers = {
            token: offer
            for token, offer in self._offers.items()
            if offer.upload is not upload
        }

    def _base(self, charge_point: ChargePoint) -> str:
        """Return where a charger can send files: the way it came, if not encrypted.

        Many a charger that speaks OCPP over TLS does not upload over TLS.
        """
        data = self._entry.data
        address = charge_point.address
        own = addresses(self._hass, {**data, CONF_SERVE_ON_HA: False})
        if not charge_point.on_own_port:
            central: CentralSystem = self._entry.runtime_data.central
            encrypted = address is None or address.scheme == "https"
            if (
                encrypted
                and data[CONF_LISTEN]
                and central.listening
                and CONF_CERTIFICATE not in data
            ):
                return str(_as_http(own[0]).with_path(UPLOAD_PATH))
            if address:
                return str(address.with_path(f"{UPLOAD_ENDPOINT}/"))
            home_assistant = addresses(self._hass, {**data, CONF_LISTEN: False})
            return str(_as_http(home_assistant[0]).with_path(f"{UPLOAD_ENDPOINT}/"))
        return str((address or _as_http(own[0])).with_path(UPLOAD_PATH))

    @override
    async def receive(self, request: web.Request, path: str) -> web.StreamResponse:
        try:
            offer = self._expected(request, path)
            offer.busy = True
            try:
                file = await self._take(request, offer, path[_TOKEN:])
            finally:
                offer.busy = False
        except _Refused as refusal:
            _LOGGER.info("A file was refused: %s", refusal)
            return web.Response(status=refusal.status, text=f"{refusal}\n")
        offer.done = True
        self._tell(offer, file)
        return web.Response(text="Thank you.\n")

    def _expected(self, request: web.Request, path: str) -> _Offer:
        """Return what a charger was asked for, if it may send that now."""
        offer = self._offers.get(path[:_TOKEN])
        if offer is None:
            raise _Refused(HTTPStatus.NOT_FOUND, "Nothing is expected here.")
        if offer.done:
            raise _Refused(HTTPStatus.FORBIDDEN, "The file is here already.")
        if offer.until < dt_util.utcnow():
            raise _Refused(HTTPStatus.FORBIDDEN, "The time for this is over.")
        if offer.busy:
            raise _Refused(HTTPStatus.CONFLICT, "A file is on its way already.")
        if (request.content_length or 0) > MAX_SIZE:
            raise _too_large()
        return offer

    async def _take(self, request: web.Request, offer: _Offer, path: str) -> StoredFile:
        folder = upload_folder(self._hass, offer.identity)
        writer = _Writer(self._hass, folder / f"{offer.id}{_PART}")
        try:
            name, read = await _file_in(request)
            async for block in _blocks(read):
                await writer.write(block)
            return await writer.finish(
                offer.id,
                file_name(offer.upload.file_name)
                or file_name(name)
                or file_name(path)
                or "file",
            )
        except BaseException as error:
            await writer.discard()
            match error:
                case TimeoutError():
                    raise _Refused(
                        HTTPStatus.REQUEST_TIMEOUT, "Nothing has come for long."
                    ) from error
                case (
                    ConnectionError() | ClientError() | ValueError() | AssertionError()
                ):
                    raise _Refused(
                        HTTPStatus.BAD_REQUEST, "The file did not come whole."
                    ) from error
                case OSError():
                    raise _Refused(
                        HTTPStatus.INSUFFICIENT_STORAGE,
                        f"The file cannot be written: {error.strerror}",
                    ) from error
            raise

    def _tell(self, offer: _Offer, file: StoredFile) -> None:
        offer.upload.received(file.name)
        url = async_upload_url(
            self._hass, file.path.parent.name, file.id, _NOTIFIED_LINK_VALID
        )
        persistent_notification.async_create(
            self._hass,
            # Without a target, the frontend takes the link for one of its own pages.
            f'<a href="{url}" target="_blank">{file.name}</a> ({_readable(file.size)})',
            f"A file from {offer.charge_point_name}",
            f"{DOMAIN}_{file.id}",
        )

    @override
    async def files(self, identity: str) -> list[dict[str, Any]]:
        folder = upload_folder(self._hass, identity)
        return [
            {
                "file": file.name,
                "size": file.size,
                "received": file.received.isoformat(),
                "path": str(file.path),
                "url": async_upload_url(self._hass, folder.name, file.id, _LINK_VALID),
            }
            for file in await self._hass.async_add_executor_job(stored_files, folder)
        ]


class _Writer:
    """Writes a file off the event loop; it is there once it is whole."""

    def __init__(self, hass: HomeAssistant, part: Path) -> None:
        self._hass = hass
        self._part = part
        self._file: BinaryIO | None = None
        self._working: asyncio.Future[Any] | None = None
        self.size = 0

    async def write(self, block: bytes) -> None:
        """Append a block."""
        self.size += len(block)
        if self.size > MAX_SIZE:
            raise _too_large()
        await self._run(self._write, block)

    async def finish(self, upload_id: str, name: str) -> StoredFile:
        """Give the file its name, and make room for others."""
        if not self.size:
            raise _Refused(HTTPStatus.BAD_REQUEST, "The file is empty.")
        received = dt_util.utcnow().replace(microsecond=0)
        path = self._part.with_name(f"{received:{_STAMP}}_{upload_id}_{name}")
        await self._run(self._finish, path)
        return StoredFile(
            path=path, id=upload_id, name=name, received=received, size=self.size
        )

    async def discard(self) -> None:
        """Leave nothing behind."""
        if self._working:
            # It may still be writing.
            await asyncio.wait([self._working])
        await self._hass.async_add_executor_job(self._discard)

    async def _run[*Ts](self, work: Callable[[*Ts], None], *arguments: *Ts) -> None:
        self._working = self._hass.async_add_executor_job(work, *arguments)
        await asyncio.shield(self._working)

    def _write(self, block: bytes) -> None:
        if self._file is None:
            self._part.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._part.open("wb")
        self._file.write(block)

    def _finish(self, path: Path) -> None:
        assert self._file
        self._file.close()
        self._part.replace(path)
        with suppress(OSError):
            # Another upload may be tidying up as well; and the file is there.
            _tidy_up(path.parent)

    def _discard(self) -> None:
        if self._file:
            # A disk that is full refuses what is still to be written.
            with suppress(OSError):
                self._file.close()
            self._part.unlink(missing_ok=True)


async def _file_in(
    request: web.Request,
) -> tuple[str | None, Callable[[], Any]]:
    """Return the name that comes with a file, and what reads a piece of it."""
    if not request.content_type.startswith("multipart/"):
        return None, request.content.readany
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if isinstance(part, BodyPartReader) and part.filename:
            return part.filename, partial(part.read_chunk, _BLOCK)
    raise ValueError("no file in it")


async def _blocks(read: Callable[[], Any]) -> AsyncIterator[bytes]:
    """Return a file in blocks that are worth a trip to the disk."""
    block = bytearray()
    while True:
        async with asyncio.timeout(STALLED):
            piece = await read()
        block += piece
        if block and (not piece or len(block) >= _BLOCK):
            yield bytes(block)
            block.clear()
        if not piece:
            return


def _too_large() -> _Refused:
    return _Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The file is larger than {_readable(MAX_SIZE)}.",
    )


def _readable(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MiB" if size >= 100_000 else f"{size} B"


def _as_http(url: str) -> URL:
    address = URL(url)
    return address.with_scheme("https" if address.scheme == "wss" else "http")


def file_name(given: str | None) -> str | None:
    """Return the harmless part of a name, if there is any."""
    name = re.split(r"[/\\]", unquote(given or "").rstrip("/\\"))[-1]
    name = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).lstrip("._")
    return name[-80:].lstrip("._") or None


def folder_name(identity: str) -> str:
    """Return what the folder of a charge point is called; no other has this one."""
    key = identity.casefold()
    return f"{slugify(key)[:60]}_{sha256(key.encode()).hexdigest()[:8]}"


def upload_folder(hass: HomeAssistant, identity: str) -> Path:
    """Return where the files of a charge point are."""
    return Path(hass.config.path(DOMAIN, "uploads", folder_name(identity)))


def stored_files(folder: Path) -> list[StoredFile]:
    """Return the files in a folder, the newest first."""
    if not folder.is_dir():
        return []
    return [
        StoredFile(
            path=path,
            id=match["id"],
            name=match["name"],
            received=datetime.strptime(match["stamp"], _STAMP).replace(tzinfo=UTC),
            size=path.stat().st_size,
        )
        for path in sorted(folder.iterdir(), reverse=True)
        if (match := _FILE.fullmatch(path.name))
    ]


def _tidy_up(folder: Path) -> None:
    """Delete what is old, or was left behind when Home Assistant was killed."""
    for file in stored_files(folder)[KEEP:]:
        file.path.unlink()
    for path in folder.glob(f"*{_PART}"):
        if path.stat().st_mtime < time.time() - _ABANDONED:
            path.unlink()
