"""Jobs that take a while: installing firmware, and sending files.

Nothing is downloaded. Files really are uploaded, by HTTP; the charger speaks no FTP. Each status is
said when it is due by the charger's clock.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import aiohttp

from .activity import Activity
from .clock import Clock, Timer, format_time
from .link import CallFailed, LinkDown
from .outbox import Outbox

#: How long each step of a job takes.
STEP_SECONDS = 5.0

type Script = AsyncGenerator[float]
type Say = Callable[[str], Awaitable[None]]

# What the library sends only with the number of a request; the standard leaves it out
# where nothing runs.
_NUMBERED = frozenset({"LogStatusNotification", "SignedFirmwareStatusNotification"})


class Owner(Protocol):
    """The charger, as its jobs see it."""

    identity: str
    clock: Clock
    activity: Activity
    outbox: Outbox

    @property
    def busy(self) -> bool:
        """Whether a transaction is running."""

    async def flash(self, firmware: str) -> None:
        """Have another firmware, and restart with it."""


class _Job:
    """A script that yields how long to wait until it goes on."""

    def __init__(self, charger: Owner, script: Script) -> None:
        self._charger = charger
        self._script = script
        self._timer: Timer | None = None
        self._cancelled = False
        self.running = True

    def start(self) -> None:
        """Go on."""
        self._charger.activity.spawn(self._go())

    def cancel(self) -> None:
        """Stop where it is."""
        self.running = False
        self._cancelled = True
        if self._timer is not None:
            self._timer.cancel()

    async def _go(self) -> None:
        try:
            delay = await anext(self._script)
        except StopAsyncIteration:
            self.running = False
            return
        if self._cancelled:
            await self._script.aclose()
        else:
            self._timer = self._charger.clock.call_later(delay, self.start)


class Maintenance:
    """What the charger does with firmware and files."""

    def __init__(self, charger: Owner) -> None:
        """Begin with nothing to do."""
        self._charger = charger
        #: What the next firmware is called, once it is installed.
        self.new_firmware = "2.0.0"
        #: The status with which installing fails, such as DownloadFailed.
        self.failure: str | None = None
        #: Certificates that must not have signed anything any more.
        self.revoked: set[str] = set()
        #: What is in the files to be sent; with None there is no file.
        self.content: bytes | None = b"2026-03-02T12:00:00Z Everything is fine.\n"
        #: How it is sent: PUT, POST or form.
        self.method = "PUT"
        self._jobs: dict[str, _Job] = {}
        #: The last word about each kind of job, for TriggerMessage.
        self._said: dict[str, dict[str, Any]] = {}
        self._after_boot: Callable[[], Awaitable[None]] | None = None

    def stop(self) -> None:
        """Stand still for good."""
        for job in self._jobs.values():
            job.cancel()

    def link_up(self, *, booted: bool) -> None:
        """Say what the restart was for."""
        if booted and self._after_boot is not None:
            self._charger.activity.spawn(self._finish(self._after_boot))
            self._after_boot = None

    async def _finish(self, work: Callable[[], Awaitable[None]]) -> None:
        await work()

    def trigger(self, action: str) -> None:
        """Tell how far a job is."""
        idle: dict[str, Any] = {"status": "Idle"}
        if action in _NUMBERED:
            idle["requestId"] = 0
        payload = self._said.get(action, idle) if self._running(action) else idle
        self._charger.outbox.put(action, payload, triggered=True)

    def _running(self, action: str) -> bool:
        job = self._jobs.get("firmware" if "Firmware" in action else "upload")
        return job is not None and job.running

    def _start(self, kind: str, script: Script) -> Callable[[], None]:
        """Take on a job instead of the one before; returns what begins it."""
        if (before := self._jobs.get(kind)) is not None:
            before.cancel()
        job = self._jobs[kind] = _Job(self._charger, script)
        return job.start

    def _sayer(self, action: str, request_id: int | None = None) -> Say:
        async def say(status: str) -> None:
            payload: dict[str, Any] = {"status": status}
            if request_id is not None:
                payload["requestId"] = request_id
            self._said[action] = payload
            with suppress(LinkDown, CallFailed):
                await self._charger.outbox.put(action, payload)

        return say

    # Firmware

    def update(
        self, retrieve: datetime, retries: int, interval: float
    ) -> Callable[[], None]:
        """Install firmware as it comes; returns what begins it."""
        say = self._sayer("FirmwareStatusNotification")
        return self._start(
            "firmware", self._install(say, retrieve, retries, interval, signed=False)
        )

    def signed_update(
        self,
        request_id: int,
        retrieve: datetime,
        install: datetime | None,
        certificate: str,
        retries: int,
        interval: float,
    ) -> tuple[str, Callable[[], None] | None]:
        """Install firmware whose signature is right; returns the answer, and what begins it."""
        if "-----BEGIN CERTIFICATE-----" not in certificate:
            return "InvalidCertificate", None
        if certificate in self.revoked:
            return "RevokedCertificate", None
        if self._charger.busy:
            return "Rejected", None
        instead = self._running("Firmware")
        say = self._sayer("SignedFirmwareStatusNotification", request_id)
        begin = self._start(
            "firmware",
            self._install(say, retrieve, retries, interval, signed=True, at=install),
        )
        return ("AcceptedCanceled" if instead else "Accepted"), begin

    async def _install(
        self,
        say: Say,
        retrieve: datetime,
        retries: int,
        interval: float,
        *,
        signed: bool,
        at: datetime | None = None,
    ) -> Script:
        if (wait := self._until(retrieve)) > 0:
            if signed:
                await say("DownloadScheduled")
            yield wait
        for attempt in range(retries + 1):
            if attempt:
                yield interval
            await say("Downloading")
            yield STEP_SECONDS
            if signed and self.failure == "DownloadPaused":
                await say("DownloadPaused")
                yield STEP_SECONDS
                await say("Downloading")
                yield STEP_SECONDS
            if self.failure != "DownloadFailed":
                break
            await say("DownloadFailed")
        else:
            return
        await say("Downloaded")
        yield STEP_SECONDS
        if signed:
            if self.failure == "InvalidSignature":
                await say("InvalidSignature")
                return
            await say("SignatureVerified")
            if at is not None and (wait := self._until(at)) > 0:
                await say("InstallScheduled")
                yield wait
        await say("Installing")
        yield STEP_SECONDS
        if self.failure in {"InstallationFailed", "InstallVerificationFailed"}:
            await say(self.failure)
            return
        if signed:
            await say("InstallRebooting")
            self._after_boot = lambda: self._installed(say)
        else:
            await say("Installed")
        await self._charger.flash(self.new_firmware)

    async def _installed(self, say: Say) -> None:
        await say("Installed")
        event = {
            "type": "FirmwareUpdated",
            "timestamp": format_time(self._charger.clock.now()),
            "techInfo": self.new_firmware,
        }
        with suppress(LinkDown, CallFailed):
            await self._charger.outbox.put("SecurityEventNotification", event)

    def _until(self, moment: datetime) -> float:
        return (moment - self._charger.clock.now()).total_seconds()

    # Files

    def diagnostics(
        self, location: str, retries: int, interval: float
    ) -> tuple[str | None, Callable[[], None] | None]:
        """Send a file; returns its name, and what begins it."""
        if self.content is None:
            return None, None
        name = f"{self._charger.identity}.log"[-255:]
        say = self._sayer("DiagnosticsStatusNotification")
        return name, self._start(
            "upload", self._send(say, location, name, retries, interval, log=False)
        )

    def log(
        self,
        request_id: int,
        log_type: str,
        location: str,
        retries: int,
        interval: float,
    ) -> tuple[str, str | None, Callable[[], None] | None]:
        """Send a log; returns the answer, its name, and what begins it."""
        if self.content is None:
            return "Rejected", None, None
        name = f"{self._charger.identity}-{log_type}.log"[-255:]
        instead = self._running("LogStatusNotification")
        say = self._sayer("LogStatusNotification", request_id)
        begin = self._start(
            "upload", self._send(say, location, name, retries, interval, log=True)
        )
        return ("AcceptedCanceled" if instead else "Accepted"), name, begin

    async def _send(
        self,
        say: Say,
        location: str,
        name: str,
        retries: int,
        interval: float,
        *,
        log: bool,
    ) -> Script:
        status = ""
        for attempt in range(retries + 1):
            if attempt:
                yield interval
            await say("Uploading")
            yield STEP_SECONDS
            status = await self._upload(location, name)
            if status == "Uploaded":
                break
        await say(status if log or status == "Uploaded" else "UploadFailed")

    async def _upload(self, location: str, name: str) -> str:
        """Put a file where it belongs, and return what became of it as a log's status."""
        if urlsplit(location).scheme not in {"http", "https"}:
            return "NotSupportedOperation"
        url = f"{location.rstrip('/')}/{quote(name, safe='')}"
        data: bytes | aiohttp.FormData = self.content or b""
        if self.method == "form":
            form = aiohttp.FormData()
            form.add_field("file", data, filename=name)
            url, data = location, form
        method = "PUT" if self.method == "PUT" else "POST"
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.request(method, url, data=data) as response,
            ):
                status = response.status
        except aiohttp.ClientError, OSError:
            return "UploadFailure"
        if status in {401, 403}:
            return "PermissionDenied"
        if status == 400:
            return "BadMessage"
        return "Uploaded" if status < 300 else "UploadFailure"
