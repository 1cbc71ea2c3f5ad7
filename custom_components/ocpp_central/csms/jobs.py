"""What a charger is busy with for a while: new firmware, and files it sends."""

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
import time
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from .clock import utcnow
from .connection import Payload
from .errors import (
    CommandError,
    CommandTimeout,
    ConnectionLost,
    InvalidCommand,
    NotConnected,
)
from .model import STATION

if TYPE_CHECKING:
    from aiohttp import web

    from .charge_point import ChargePoint

# What the charger says in words that the standard does not have.
OTHER = "other"
FIRMWARE_STATUSES = (
    "checksum_verified",
    "download_failed",
    "download_paused",
    "download_scheduled",
    "downloaded",
    "downloading",
    "idle",
    "install_rebooting",
    "install_scheduled",
    "install_verification_failed",
    "installation_failed",
    "installed",
    "installing",
    "invalid_checksum",
    "invalid_signature",
    "publish_failed",
    "published",
    "signature_verified",
    OTHER,
)
DIAGNOSTICS_STATUSES = (
    "accepted_canceled",
    "bad_message",
    "idle",
    "not_supported_operation",
    "permission_denied",
    "upload_failed",
    "upload_failure",
    "uploaded",
    "uploading",
    OTHER,
)
# A job goes on after any other.
_FINAL = frozenset(
    {
        "accepted_canceled",
        "bad_message",
        "download_failed",
        "idle",
        "install_verification_failed",
        "installation_failed",
        "installed",
        "invalid_checksum",
        "invalid_signature",
        "not_supported_operation",
        "permission_denied",
        "publish_failed",
        "published",
        "upload_failed",
        "upload_failure",
        "uploaded",
    }
)
_STEPS = 10
# A charger that has not said a word for so long will not say any more.
_SILENCE = timedelta(hours=24)


class JobKind(StrEnum):
    """What a job is about."""

    FIRMWARE = "firmware"
    DIAGNOSTICS = "diagnostics"


@dataclass(slots=True, kw_only=True)
class Upload:
    """A place for one file of a charge point."""

    # Where the charger has to put it, and where the user gets it then.
    url: str
    link: str
    # What the charger calls it, where it says so before it sends it.
    file_name: str | None = None
    received: Callable[[str], None] = field(default=lambda _: None)


class UploadTarget(Protocol):
    """Takes files from charge points."""

    def offer(self, charge_point: ChargePoint) -> Upload:
        """Make room for one file."""

    def withdraw(self, upload: Upload) -> None:
        """Take nothing after all."""

    async def receive(self, request: web.Request, path: str) -> web.StreamResponse:
        """Take a file; `path` is what follows the address that all have in common."""

    async def files(self, identity: str) -> list[dict[str, Any]]:
        """Return what a charge point has sent, the newest first."""


@dataclass(slots=True, kw_only=True)
class Job:
    """Something the charger was asked to do that takes a while."""

    request_id: int | None
    # Where it gets or puts the file, without credentials.
    host: str | None
    since: datetime
    # It need not begin before.
    due: datetime
    # What was installed when it was asked.
    firmware: str | None
    running: bool = True
    file: str | None = None


# Chargers differ in case and spelling: "DownloadFailed", "downloadFailed".
_STATUSES = {
    kind: {status.replace("_", ""): status for status in statuses}
    for kind, statuses in (
        (JobKind.FIRMWARE, FIRMWARE_STATUSES),
        (JobKind.DIAGNOSTICS, DIAGNOSTICS_STATUSES),
    )
}


class Jobs:
    """The jobs of one charge point, as far as it tells."""

    def __init__(
        self, charge_point: ChargePoint, uploads: UploadTarget | None = None
    ) -> None:
        """Begin with nothing to do."""
        self._uploads = uploads
        self._charge_point = charge_point
        self._jobs: dict[JobKind, Job] = {}
        self._steps: dict[JobKind, deque[dict[str, Any]]] = {
            kind: deque(maxlen=_STEPS) for kind in JobKind
        }
        self._told = 0
        self._request_id = 0
        charge_point.subscribe_info(self._on_info)

    # What the user asks for

    async def update_firmware(
        self, location: str, retrieve_date: datetime, **more: Any
    ) -> Payload:
        """Have the charger fetch and install firmware."""
        number = self._number()
        async with self._job(
            JobKind.FIRMWARE, location, due=retrieve_date, request_id=number
        ):
            return await self._charge_point.commands.update_firmware(
                location, retrieve_date, request_id=number, **more
            )

    async def signed_update_firmware(
        self,
        location: str,
        retrieve_date: datetime,
        signing_certificate: str,
        signature: str,
        request_id: int | None = None,
        **more: Any,
    ) -> Payload:
        """Have the charger fetch and install firmware that it can verify."""
        number = self._new_id() if request_id is None else request_id
        async with self._job(
            JobKind.FIRMWARE, location, due=retrieve_date, request_id=number
        ):
            return await self._charge_point.commands.signed_update_firmware(
                number, location, retrieve_date, signing_certificate, signature, **more
            )

    async def get_diagnostics(
        self, location: str | None = None, **more: Any
    ) -> Payload:
        """Have the charger upload a file for its maker, by default to us."""
        async with self._upload(location) as (url, upload):
            number = self._number()
            async with self._job(JobKind.DIAGNOSTICS, url, request_id=number):
                response = await self._charge_point.commands.get_diagnostics(
                    url, request_id=number, **more
                )
            return _with_link(response, upload, response.get("fileName"))

    async def get_log(
        self,
        log_type: str,
        location: str | None = None,
        request_id: int | None = None,
        **more: Any,
    ) -> Payload:
        """Have the charger upload a log, by default to us."""
        number = self._new_id() if request_id is None else request_id
        async with self._upload(location) as (url, upload):
            async with self._job(JobKind.DIAGNOSTICS, url, request_id=number):
                response = await self._charge_point.commands.get_log(
                    log_type, number, url, **more
                )
            return _with_link(response, upload, response.get("filename"))

    def _number(self) -> int | None:
        """Return the number of a new job where the charger's dialect has one."""
        return self._new_id() if self._charge_point.commands.numbers_jobs else None

    def _new_id(self) -> int:
        """Return a number that no earlier request had, not even before a restart."""
        self._request_id = max(self._request_id + 1, int(time.time()))
        return self._request_id

    async def files(self) -> list[dict[str, Any]]:
        """Return what the charger has sent, the newest first."""
        if self._uploads is None:
            return []
        return await self._uploads.files(self._charge_point.identity)

    @asynccontextmanager
    async def _upload(
        self, location: str | None
    ) -> AsyncIterator[tuple[str, Upload | None]]:
        if location is not None:
            yield location, None
            return
        if not self._charge_point.connected:
            raise NotConnected
        if self._uploads is None:
            raise InvalidCommand("location")
        upload = self._uploads.offer(self._charge_point)
        upload.received = self._received
        try:
            yield upload.url, upload
        except CommandTimeout, ConnectionLost:
            raise
        except CommandError:
            self._uploads.withdraw(upload)
            raise

    @asynccontextmanager
    async def _job(
        self,
        kind: JobKind,
        location: str,
        *,
        due: datetime | None = None,
        request_id: int | None = None,
    ) -> AsyncIterator[None]:
        """Count a job as running from now on, unless the charger refuses it.

        Its first word may be here before whoever asked learns of the answer.
        """
        now = utcnow()
        info = self._charge_point.info
        before = self._jobs.get(kind)
        job = self._jobs[kind] = Job(
            request_id=request_id,
            host=_host(location),
            since=now,
            due=max(due or now, now),
            firmware=info.firmware if info else None,
        )
        try:
            yield
        except CommandTimeout, ConnectionLost:
            # It may do it all the same.
            self._tell(kind)
            raise
        except CommandError:
            if self._jobs.get(kind) is job:
                self._restore(kind, before)
            raise
        self._tell(kind)

    def _restore(self, kind: JobKind, job: Job | None) -> None:
        if job:
            self._jobs[kind] = job
        else:
            del self._jobs[kind]

    # What becomes of it

    def report(
        self, kind: JobKind, word: str, request_id: int | None, info: str | None = None
    ) -> None:
        """Take note of what the charger says; `word` is how it puts it."""
        plain = word.lower().replace("_", "").replace(" ", "")
        status = _STATUSES[kind].get(plain, OTHER)
        step: dict[str, Any] = {"status": status}
        if status == OTHER:
            step["reported"] = word
        if request_id is not None:
            step["request_id"] = request_id
        if info:
            step["info"] = info
        self._step(kind, **step)
        job = self._jobs.get(kind)
        ours = job and (request_id is None or request_id == job.request_id)
        if job and ours:
            job.running = status not in _FINAL
        if ours or not (job and job.running and job.request_id is not None):
            # An earlier job that was called off may have a last word as well.
            self._charge_point.update(STATION, {f"{kind}_status": status})
        self._tell(kind)

    def tick(self) -> None:
        """Give up what nothing was heard of for long."""
        for kind, job in self._jobs.items():
            last = max(
                job.due, *(step["time"] for step in self._steps[kind]), job.since
            )
            if job.running and utcnow() - last > _SILENCE:
                job.running = False
                self._step(kind, status="no_report")
                self._tell(kind)

    def runs(self, kind: JobKind) -> bool:
        """Return whether the charger is busy with a job of a kind."""
        job = self._jobs.get(kind)
        return job is not None and job.running

    def attributes(self, kind: JobKind) -> dict[str, Any]:
        """Return how far the newest job is, and the last steps."""
        job = self._jobs.get(kind)
        steps = self._steps[kind]
        attributes: dict[str, Any] = {}
        if job:
            attributes = {
                "running": job.running,
                "requested": job.since,
                "request_id": job.request_id,
                "host": job.host,
                "file": job.file,
            }
        return {
            **{key: value for key, value in attributes.items() if value is not None},
            "history": list(steps),
        }

    def _received(self, name: str) -> None:
        """Take note of a file that has come."""
        if job := self._jobs.get(JobKind.DIAGNOSTICS):
            job.file = name
        self._step(JobKind.DIAGNOSTICS, status="received", file=name)
        self._tell(JobKind.DIAGNOSTICS)

    def _on_info(self) -> None:
        """Take note of new firmware: many a charger does not say more."""
        job = self._jobs.get(JobKind.FIRMWARE)
        info = self._charge_point.info
        if job and job.running and info and info.firmware != job.firmware:
            self._step(JobKind.FIRMWARE, status="new_version", firmware=info.firmware)
            self._tell(JobKind.FIRMWARE)

    def _step(self, kind: JobKind, **step: Any) -> None:
        self._steps[kind].append({"time": utcnow(), **step})

    def _tell(self, kind: JobKind) -> None:
        """Have the status shown anew; what it is, only the charger says."""
        self._told += 1
        key = f"{kind}_status"
        self._charge_point.update(
            STATION,
            {key: self._charge_point.value(STATION, key), f"{kind}_job": self._told},
        )


def _host(location: str) -> str | None:
    try:
        return urlsplit(location).hostname
    except ValueError:
        return None


def _with_link(
    response: Payload, upload: Upload | None, file_name: str | None
) -> Payload:
    """Return the charger's answer, and where the file will be."""
    if upload is None:
        return response
    upload.file_name = file_name
    return {**response, "url": upload.link}
