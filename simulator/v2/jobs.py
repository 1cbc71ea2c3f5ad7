"""Jobs that take a while: firmware, logs, and firmware for others (OCPP 2.x, L, N)."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, override

from simulator.clock import parse_time
from simulator.maintenance import STEP_SECONDS, Maintenance, Say, Script

from .connection import Connection2, serves, triggers
from .schemas import Payload

if TYPE_CHECKING:
    from .features import Features

_RETRY_INTERVAL = 60

type Begin = Callable[[], None]


class Jobs(Maintenance):
    """What the station does with firmware and files.

    `new_firmware`, `failure` and `content` are there as for OCPP 1.6; `failure` may also be
    InvalidChecksum or PublishFailed.
    """

    def __init__(self, charger: Features) -> None:
        """Begin with nothing to do."""
        super().__init__(charger)
        self._station = charger
        #: The checksums of firmware that is there for others, and of what is being fetched.
        self.published: set[str] = set()
        self.fetching: str | None = None
        self._log_id: int | None = None

    @override
    def trigger(self, action: str) -> None:
        kinds = {
            "LogStatusNotification": "upload",
            "PublishFirmwareStatusNotification": "publish",
        }
        job = self._jobs.get(kinds.get(action, "firmware"))
        running = job is not None and job.running
        payload = self._said[action] if running and action in self._said else None
        self._station.outbox.put(action, payload or {"status": "Idle"}, triggered=True)

    def firmware(self, payload: Payload) -> tuple[str, Begin | None]:
        """Install firmware; returns the answer, and what begins it."""
        firmware = payload["firmware"]
        certificate = firmware.get("signingCertificate")
        signed = certificate is not None and "signature" in firmware
        if certificate is not None:
            if "-----BEGIN CERTIFICATE-----" not in certificate:
                return "InvalidCertificate", None
            if certificate in self.revoked:
                return "RevokedCertificate", None
        install = firmware.get("installDateTime")
        instead = self._running("Firmware")
        say = self._sayer("FirmwareStatusNotification", payload["requestId"])
        script = self._replace(
            say,
            parse_time(firmware["retrieveDateTime"]),
            None if install is None else parse_time(install),
            payload.get("retries", 0),
            payload.get("retryInterval", _RETRY_INTERVAL),
            signed=signed,
        )
        begin = self._start("firmware", script)
        return ("AcceptedCanceled" if instead else "Accepted"), begin

    async def _replace(
        self,
        say: Say,
        retrieve: datetime,
        install: datetime | None,
        retries: int,
        interval: float,
        *,
        signed: bool,
    ) -> Script:
        """Fetch firmware, and install it once nobody charges (L01, L02)."""
        if (wait := self._until(retrieve)) > 0:
            await say("DownloadScheduled")
            yield wait
        for attempt in range(retries + 1):
            if attempt:
                yield interval
            await say("Downloading")
            yield STEP_SECONDS
            if self.failure == "DownloadPaused":
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
                await self._station.security_event("InvalidFirmwareSignature")
                return
            await say("SignatureVerified")
        wait = 0.0 if install is None else self._until(install)
        if wait > 0 or self._station.busy:
            await say("InstallScheduled")
        if wait > 0:
            yield wait
        while self._station.busy:
            yield STEP_SECONDS
        await say("Installing")
        yield STEP_SECONDS
        if self.failure in {"InstallationFailed", "InstallVerificationFailed"}:
            await say(self.failure)
            return
        await say("InstallRebooting")
        self._after_boot = lambda: self._told(say)
        await self._station.flash(self.new_firmware)

    async def _told(self, say: Say) -> None:
        await say("Installed")
        await self._station.security_event("FirmwareUpdated", self.new_firmware)

    def get_log(self, payload: Payload) -> tuple[Payload, Begin | None]:
        """Send a log; returns the answer, and what begins it."""
        before = self._log_id if self._running("LogStatusNotification") else None
        status, name, begin = self.log(
            payload["requestId"],
            payload["logType"],
            payload["log"]["remoteLocation"],
            payload.get("retries", 0),
            payload.get("retryInterval", _RETRY_INTERVAL),
        )
        if begin is None:
            return {"status": status}, None
        self._log_id = payload["requestId"]
        start = begin

        def instead() -> None:
            # N01.FR.20: what was being sent is told to be given up.
            if before is not None:
                gone = {"status": "AcceptedCanceled", "requestId": before}
                self._station.outbox.put("LogStatusNotification", gone)
            start()

        return {"status": status, "filename": name}, instead

    # Firmware for others

    def publish(self, payload: Payload) -> Begin:
        """Fetch firmware and have it ready for others; returns what begins it (L03)."""
        self.fetching = payload["checksum"]
        return self._start("publish", self._publish(payload))

    async def _publish(self, payload: Payload) -> Script:
        action = "PublishFirmwareStatusNotification"
        checksum = payload["checksum"]

        async def say(status: str, **more: Any) -> None:
            told = {"status": status, "requestId": payload["requestId"], **more}
            self._said[action] = told
            await self._station.told(action, told)

        for attempt in range(payload.get("retries", 0) + 1):
            if attempt:
                yield payload.get("retryInterval", _RETRY_INTERVAL)
            await say("Downloading")
            yield STEP_SECONDS
            if self.failure != "DownloadFailed":
                break
            await say("DownloadFailed")
        else:
            self.fetching = None
            return
        self.fetching = None
        await say("Downloaded")
        yield STEP_SECONDS
        if self.failure == "InvalidChecksum":
            await say("InvalidChecksum")
            return
        await say("ChecksumVerified")
        if self.failure == "PublishFailed":
            await say("PublishFailed")
            return
        self.published.add(checksum)
        name = payload["location"].rsplit("/", 1)[-1]
        await say("Published", location=[f"http://192.0.2.1/{name}"])

    def unpublish(self, checksum: str) -> str:
        """Have it ready no longer, and return the status to answer (L04)."""
        if self.fetching == checksum:
            return "DownloadOngoing"
        if checksum not in self.published:
            return "NoFirmware"
        self.published.discard(checksum)
        return "Unpublished"


class JobHandlers(Connection2):
    """Serves the requests about firmware and logs."""

    @serves("GetLog")
    def on_get_log(self, payload: Payload) -> Payload:
        """Send a log instead of what is being sent (N01)."""
        answer, begin = self._charger.jobs.get_log(payload)
        if begin is not None:
            self.then(begin)
        return answer

    @serves("UpdateFirmware")
    def on_update_firmware(self, payload: Payload) -> Payload:
        """Pretend to install a file (L01, L02)."""
        status, begin = self._charger.jobs.firmware(payload)
        if begin is not None:
            self.then(begin)
        elif status == "InvalidCertificate":
            self.then(
                lambda: self._charger.activity.spawn(
                    self._charger.security_event("InvalidFirmwareSigningCertificate")
                )
            )
        return {"status": status}

    @serves("PublishFirmware")
    def on_publish_firmware(self, payload: Payload) -> Payload:
        """Pretend to have a file ready for others (L03)."""
        self.then(self._charger.jobs.publish(payload))
        return {"status": "Accepted"}

    @serves("UnpublishFirmware")
    def on_unpublish_firmware(self, payload: Payload) -> Payload:
        """Have it ready no longer (L04)."""
        return {"status": self._charger.jobs.unpublish(payload["checksum"])}

    @triggers("LogStatusNotification")
    def trigger_log(self, payload: Payload) -> Begin:
        """Tell how far a log is."""
        return lambda: self._charger.jobs.trigger("LogStatusNotification")

    @triggers("FirmwareStatusNotification")
    def trigger_firmware(self, payload: Payload) -> Begin:
        """Tell how far firmware is."""
        return lambda: self._charger.jobs.trigger("FirmwareStatusNotification")

    @triggers("PublishFirmwareStatusNotification")
    def trigger_publish(self, payload: Payload) -> Begin:
        """Tell how far firmware for others is."""
        return lambda: self._charger.jobs.trigger("PublishFirmwareStatusNotification")
