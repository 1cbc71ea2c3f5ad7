"""Firmware, diagnostics and logs: what a charger is told, and what it makes of it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, override

from aiohttp import web
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import (
    CommandFailed,
    CommandRejected,
    ConnectionLost,
    InvalidCommand,
    NotConnected,
)
from custom_components.ocpp_central.csms.jobs import JobKind, Upload, UploadTarget
from custom_components.ocpp_central.csms.model import STATION

from .common import BOOT, Central, HangUp, Payload, Refusal, central_system, until

type Ask = Callable[[ChargePoint], Awaitable[Payload]]

DAY = datetime(2026, 12, 1, 3, tzinfo=UTC)
CERTIFICATE = "-----BEGIN CERTIFICATE-----"
LOCATION = "ftp://anna:secret@192.0.2.10/files/"
SIGNED: Payload = {
    "location": LOCATION,
    "retrieveDateTime": "2026-12-01T03:00:00Z",
    "signingCertificate": CERTIFICATE,
    "signature": "c2ln",
}

COMMANDS: dict[str, tuple[Ask, str, Payload, Payload]] = {
    "firmware": (
        lambda charge_point: charge_point.jobs.update_firmware(LOCATION, DAY),
        "UpdateFirmware",
        {"location": LOCATION, "retrieveDate": "2026-12-01T03:00:00Z"},
        {},
    ),
    "firmware, again and again": (
        lambda charge_point: charge_point.jobs.update_firmware(
            LOCATION, DAY, retries=3, retry_interval=60
        ),
        "UpdateFirmware",
        {
            "location": LOCATION,
            "retrieveDate": "2026-12-01T03:00:00Z",
            "retries": 3,
            "retryInterval": 60,
        },
        {},
    ),
    "diagnostics": (
        lambda charge_point: charge_point.jobs.get_diagnostics(LOCATION),
        "GetDiagnostics",
        {"location": LOCATION},
        {"fileName": "x.log"},
    ),
    "diagnostics of a day": (
        lambda charge_point: charge_point.jobs.get_diagnostics(
            LOCATION,
            start=DAY,
            stop=DAY + timedelta(days=1),
            retries=0,
            retry_interval=0,
        ),
        "GetDiagnostics",
        {
            "location": LOCATION,
            "startTime": "2026-12-01T03:00:00Z",
            "stopTime": "2026-12-02T03:00:00Z",
            "retries": 0,
            "retryInterval": 0,
        },
        {},
    ),
    "log": (
        lambda charge_point: charge_point.jobs.get_log("SecurityLog", LOCATION, 7),
        "GetLog",
        {
            "logType": "SecurityLog",
            "requestId": 7,
            "log": {"remoteLocation": LOCATION},
        },
        {"status": "Accepted", "filename": "x.log"},
    ),
    "log of a day": (
        lambda charge_point: charge_point.jobs.get_log(
            "DiagnosticsLog",
            LOCATION,
            7,
            oldest=DAY,
            latest=DAY + timedelta(days=1),
            retries=1,
            retry_interval=2,
        ),
        "GetLog",
        {
            "logType": "DiagnosticsLog",
            "requestId": 7,
            "retries": 1,
            "retryInterval": 2,
            "log": {
                "remoteLocation": LOCATION,
                "oldestTimestamp": "2026-12-01T03:00:00Z",
                "latestTimestamp": "2026-12-02T03:00:00Z",
            },
        },
        {"status": "AcceptedCanceled"},
    ),
    "signed firmware": (
        lambda charge_point: charge_point.jobs.signed_update_firmware(
            LOCATION, DAY, CERTIFICATE, "c2ln", 8
        ),
        "SignedUpdateFirmware",
        {"requestId": 8, "firmware": SIGNED},
        {"status": "Accepted"},
    ),
    "signed firmware, installed later": (
        lambda charge_point: charge_point.jobs.signed_update_firmware(
            LOCATION,
            DAY,
            CERTIFICATE,
            "c2ln",
            8,
            install_date=DAY + timedelta(hours=1),
            retries=1,
            retry_interval=2,
        ),
        "SignedUpdateFirmware",
        {
            "requestId": 8,
            "retries": 1,
            "retryInterval": 2,
            "firmware": {**SIGNED, "installDateTime": "2026-12-01T04:00:00Z"},
        },
        {"status": "AcceptedCanceled"},
    ),
}
REFUSALS = [
    ("log", "Rejected"),
    ("signed firmware", "Rejected"),
    ("signed firmware", "InvalidCertificate"),
    ("signed firmware", "RevokedCertificate"),
]
FIRMWARE = {
    "Downloaded": "downloaded",
    "DownloadFailed": "download_failed",
    "Downloading": "downloading",
    "DownloadScheduled": "download_scheduled",
    "DownloadPaused": "download_paused",
    "Idle": "idle",
    "InstallationFailed": "installation_failed",
    "Installing": "installing",
    "Installed": "installed",
    "InstallRebooting": "install_rebooting",
    "InstallScheduled": "install_scheduled",
    "InstallVerificationFailed": "install_verification_failed",
    "InvalidSignature": "invalid_signature",
    "SignatureVerified": "signature_verified",
}
DIAGNOSTICS = {
    "Idle": "idle",
    "Uploaded": "uploaded",
    "UploadFailed": "upload_failed",
    "Uploading": "uploading",
}
LOG = {
    "BadMessage": "bad_message",
    "Idle": "idle",
    "NotSupportedOperation": "not_supported_operation",
    "PermissionDenied": "permission_denied",
    "Uploaded": "uploaded",
    "UploadFailure": "upload_failure",
    "Uploading": "uploading",
}
STATUSES = [
    *(("FirmwareStatusNotification", *each) for each in FIRMWARE.items()),
    *(("SignedFirmwareStatusNotification", *each) for each in FIRMWARE.items()),
    *(("DiagnosticsStatusNotification", *each) for each in DIAGNOSTICS.items()),
    *(("LogStatusNotification", *each) for each in LOG.items()),
    ("FirmwareStatusNotification", "download_failed", "download_failed"),
    ("FirmwareStatusNotification", "Unzipping", "other"),
    ("LogStatusNotification", "Compressing", "other"),
]


class Target(UploadTarget):
    """Room for files that only counts."""

    def __init__(self) -> None:
        """Begin with none."""
        self.offered: list[Upload] = []

    @override
    def offer(self, charge_point: ChargePoint) -> Upload:
        upload = Upload(url=f"http://192.0.2.1/{len(self.offered)}/", link="link")
        self.offered.append(upload)
        return upload

    @override
    def withdraw(self, upload: Upload) -> None:
        self.offered.remove(upload)

    @override
    async def receive(self, request: web.Request, path: str) -> web.StreamResponse:
        return web.Response(text=f"{request.method} {path}")

    @override
    async def files(self, identity: str) -> list[dict[str, Any]]:
        return [{"file": identity}]


@pytest.mark.parametrize("name", COMMANDS)
async def test_commands(central: Central, name: str) -> None:
    """What is asked for goes out as it was given, and the answer comes back."""
    ask, action, payload, answer = COMMANDS[name]
    charge_point, charger = await central.connect()
    charger.answers[action] = answer
    assert await ask(charge_point) == answer
    assert [call.payload for call in charger.calls if call.action == action] == [
        payload
    ]
    kind = JobKind.FIRMWARE if "Firmware" in action else JobKind.DIAGNOSTICS
    job = charge_point.jobs.attributes(kind)
    assert job["running"]
    assert job["host"] == "192.0.2.10"
    assert job.get("request_id") == payload.get("requestId")
    assert "secret" not in str(job)


@pytest.mark.parametrize(("name", "status"), REFUSALS)
async def test_refusals(central: Central, name: str, status: str) -> None:
    """Refused in the charger's own words; then there is no job."""
    ask, action, _, _ = COMMANDS[name]
    charge_point, charger = await central.connect()
    charger.answers[action] = {"status": status}
    with pytest.raises(CommandRejected, match=status):
        await ask(charge_point)
    for kind in JobKind:
        assert charge_point.jobs.attributes(kind) == {"history": []}
        assert f"{kind}_status" not in charge_point.values(STATION)


async def test_refused_while_another_is_running(central: Central) -> None:
    """A job goes on where a second one is refused."""
    charge_point, charger = await central.connect()
    await COMMANDS["firmware"][0](charge_point)
    job = charge_point.jobs.attributes(JobKind.FIRMWARE)
    charger.answers["UpdateFirmware"] = Refusal("InternalError")
    with pytest.raises(CommandFailed):
        await COMMANDS["firmware"][0](charge_point)
    assert charge_point.jobs.attributes(JobKind.FIRMWARE) == job


@pytest.mark.parametrize(("action", "said", "shown"), STATUSES)
async def test_statuses(central: Central, action: str, said: str, shown: str) -> None:
    """Every word of the standard, and others."""
    charge_point, charger = await central.connect()
    await charger.call(action, {"status": said})
    kind = JobKind.FIRMWARE if "Firmware" in action else JobKind.DIAGNOSTICS
    assert charge_point.value(STATION, f"{kind}_status") == shown
    (step,) = charge_point.jobs.attributes(kind)["history"]
    assert step["status"] == shown
    assert step.get("reported") == (said if shown == "other" else None)


async def test_progress(central: Central) -> None:
    """A job runs until its last word; the last ten steps are kept."""
    charge_point, charger = await central.connect()
    await COMMANDS["signed firmware"][0](charge_point)
    action = "SignedFirmwareStatusNotification"
    for status in ("Downloading", "DownloadFailed", "Downloading"):
        await charger.call(action, {"status": status, "requestId": 8})
    job = charge_point.jobs.attributes(JobKind.FIRMWARE)
    assert job["running"]
    assert [step["status"] for step in job["history"]] == [
        "downloading",
        "download_failed",
        "downloading",
    ]
    for _ in range(10):
        await charger.call(action, {"status": "Installed", "requestId": 8})
    job = charge_point.jobs.attributes(JobKind.FIRMWARE)
    assert not job["running"]
    assert [step["status"] for step in job["history"]] == ["installed"] * 10
    await charger.alive()


async def test_last_word_of_another_job(central: Central) -> None:
    """A job that was called off says so, while the next one is running."""
    charge_point, charger = await central.connect()
    await charge_point.jobs.get_log("SecurityLog", LOCATION, 1)
    await charge_point.jobs.get_log("SecurityLog", LOCATION, 2)
    action = "LogStatusNotification"
    await charger.call(action, {"status": "Uploading", "requestId": 2})
    await charger.call(action, {"status": "UploadFailure", "requestId": 1})
    assert charge_point.value(STATION, "diagnostics_status") == "uploading"
    job = charge_point.jobs.attributes(JobKind.DIAGNOSTICS)
    assert job["running"]
    assert job["history"][-1]["request_id"] == 1


async def test_numbers(central: Central) -> None:
    """Without a number of the user's, each request has one of its own."""
    charge_point, charger = await central.connect()
    charger.answers["SignedUpdateFirmware"] = {"status": "Accepted"}
    await charge_point.jobs.get_log("SecurityLog", LOCATION)
    await charge_point.jobs.get_log("SecurityLog", LOCATION)
    await charge_point.jobs.signed_update_firmware(LOCATION, DAY, CERTIFICATE, "c2ln")
    numbers = [
        call.payload["requestId"]
        for call in charger.calls
        if "requestId" in call.payload
    ]
    assert len(set(numbers)) == 3
    assert all(0 < number < 2**31 for number in numbers)


async def test_never_heard_of_again(
    central: Central, freezer: FrozenDateTimeFactory
) -> None:
    """A day after it was due, nothing more is expected."""
    charge_point, charger = await central.connect()
    await charge_point.jobs.update_firmware(
        LOCATION, datetime.now(UTC) + timedelta(days=2)
    )
    await charger.call("FirmwareStatusNotification", {"status": "Downloading"})
    freezer.tick(timedelta(hours=71))
    charge_point.jobs.tick()
    assert charge_point.jobs.attributes(JobKind.FIRMWARE)["running"]
    freezer.tick(timedelta(hours=2))
    charge_point.jobs.tick()
    charge_point.jobs.tick()
    job = charge_point.jobs.attributes(JobKind.FIRMWARE)
    assert not job["running"]
    assert [step["status"] for step in job["history"]] == ["downloading", "no_report"]
    # What the charger said last is still what it said last.
    assert charge_point.value(STATION, "firmware_status") == "downloading"


async def test_new_version(central: Central) -> None:
    """Many a charger says nothing but who it is now."""
    charge_point, charger = await central.connect()
    await charger.boot()
    await COMMANDS["firmware"][0](charge_point)
    await charger.call("BootNotification", BOOT)
    await charger.call("BootNotification", {**BOOT, "firmwareVersion": "1.1"})
    (step,) = charge_point.jobs.attributes(JobKind.FIRMWARE)["history"]
    assert (step["status"], step["firmware"]) == ("new_version", "1.1")


@pytest.mark.parametrize(
    "location", ["x", "http://[192.0.2.1/x", "ftp://192.0.2.10/" + "x" * 512]
)
async def test_what_the_schema_forbids(central: Central, location: str) -> None:
    """Only that is not sent."""
    charge_point, charger = await central.connect()
    charger.forget()
    ask = (
        charge_point.jobs.get_log("SecurityLog", location)
        if len(location) > 100
        else charge_point.jobs.get_diagnostics(location)
    )
    with pytest.raises(InvalidCommand):
        await ask
    assert not charger.calls


async def test_upload_to_us(socket_enabled: None) -> None:
    """Without a location it is ours; with a refusal it is taken back."""
    target = Target()
    async with central_system(uploads=target) as central:
        charge_point = await central.add()
        with pytest.raises(NotConnected):
            await charge_point.jobs.get_diagnostics()
        assert not target.offered
        charger = await central.dial()
        charger.answers["GetDiagnostics"] = {"fileName": "x.log"}
        assert await charge_point.jobs.get_diagnostics() == {
            "fileName": "x.log",
            "url": "link",
        }
        (upload,) = target.offered
        assert (await charger.called("GetDiagnostics")).payload == {
            "location": upload.url
        }
        assert upload.file_name == "x.log"
        upload.received("x.log")
        job = charge_point.jobs.attributes(JobKind.DIAGNOSTICS)
        assert job["file"] == job["history"][-1]["file"] == "x.log"
        assert await charge_point.jobs.files() == [{"file": "CP1"}]

        charger.answers["GetLog"] = {"status": "Rejected"}
        with pytest.raises(CommandRejected):
            await charge_point.jobs.get_log("SecurityLog")
        assert target.offered == [upload]

        # It may have heard, and come with a file yet.
        charger.answers["GetLog"] = HangUp()
        with pytest.raises(ConnectionLost):
            await charge_point.jobs.get_log("SecurityLog")
        assert len(target.offered) == 2
        await until(
            charge_point.subscribe_connection, lambda: not charge_point.connected
        )
        for method in ("PUT", "POST"):
            url = f"http://127.0.0.1:{central.port}/upload/abc/x.log"
            async with central.session.request(method, url) as response:
                assert await response.text() == f"{method} abc/x.log"


async def test_nowhere_to_upload(central: Central) -> None:
    """Without a location there has to be somebody who takes it."""
    charge_point, _ = await central.connect()
    with pytest.raises(InvalidCommand):
        await charge_point.jobs.get_diagnostics()
    assert await charge_point.jobs.files() == []
    url = f"http://127.0.0.1:{central.port}/upload/abc/x.log"
    async with central.session.put(url, data=b"x") as response:
        assert response.status == 503
    async with central.session.put(f"http://127.0.0.1:{central.port}/CP1") as response:
        assert response.status == 405
