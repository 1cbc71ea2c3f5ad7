"""What the simulated charger does with firmware and files."""

from collections.abc import AsyncGenerator
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest

from simulator import REBOOT_SECONDS, Charger, ManualClock
from simulator.maintenance import STEP_SECONDS

from .central import Central

NOW = "2026-03-02T12:00:00Z"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PLAIN = {"location": "ftp://example.com/f", "retrieveDate": NOW}


class Target:
    """Takes files, or refuses them."""

    def __init__(self) -> None:
        """Take everything."""
        self.answers: list[int] = []
        self.taken: list[tuple[str, str, bytes]] = []
        self.url = ""

    async def serve(self, request: web.Request) -> web.Response:
        """Take a file."""
        if request.content_type.startswith("multipart/"):
            field: Any = (await request.post())["file"]
            content = field.file.read()
        else:
            content = await request.read()
        self.taken.append((request.method, request.path, content))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)


@pytest.fixture
async def target(socket_enabled: None) -> AsyncGenerator[Target]:
    """Return where files can go."""
    target = Target()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", target.serve)
    server = TestServer(app)
    await server.start_server()
    target.url = str(server.make_url("/token/"))
    yield target
    await server.close()


def signed(number: int, **more: Any) -> dict[str, Any]:
    """Return a SignedUpdateFirmware."""
    return {
        "requestId": number,
        "firmware": {
            "location": "https://example.com/f",
            "retrieveDateTime": NOW,
            "signingCertificate": CERTIFICATE,
            "signature": "c2ln",
            **more,
        },
    }


def words(central: Central, action: str) -> list[str]:
    """Return the statuses said so far."""
    return [each["status"] for each in central.said(action)]


async def test_firmware(charger: Charger, central: Central, clock: ManualClock) -> None:
    """Step by step, and the new version after the restart."""
    action = "FirmwareStatusNotification"
    assert await central.call("UpdateFirmware", PLAIN) == {}
    await charger.settle()
    assert words(central, action) == ["Downloading"]
    await central.call("TriggerMessage", {"requestedMessage": action})
    await charger.settle()
    assert words(central, action) == ["Downloading", "Downloading"]
    await clock.advance(STEP_SECONDS)
    assert words(central, action)[2:] == ["Downloaded"]
    await clock.advance(2 * STEP_SECONDS)
    assert words(central, action)[2:] == ["Downloaded", "Installing", "Installed"]
    await clock.advance(REBOOT_SECONDS)
    await charger.connected()
    assert central.said("BootNotification")[-1]["firmwareVersion"] == "2.0.0"
    await central.call("TriggerMessage", {"requestedMessage": action})
    await charger.settle()
    assert words(central, action)[-1] == "Idle"


@pytest.mark.parametrize(
    ("failure", "statuses"),
    [
        ("DownloadFailed", ["Downloading", "DownloadFailed"] * 2),
        (
            "InstallationFailed",
            ["Downloading", "Downloaded", "Installing", "InstallationFailed"],
        ),
    ],
)
async def test_firmware_fails(
    charger: Charger,
    central: Central,
    clock: ManualClock,
    failure: str,
    statuses: list[str],
) -> None:
    """It is tried again as often as asked for."""
    charger.maintenance.failure = failure
    request = {**PLAIN, "retries": 1, "retryInterval": 30}
    await central.call("UpdateFirmware", request)
    await clock.advance(120)
    assert words(central, "FirmwareStatusNotification") == statuses
    assert len(central.said("BootNotification")) == 1


async def test_signed_firmware(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """At the times asked for; what is called off is not done."""
    action = "SignedFirmwareStatusNotification"
    charger.maintenance.failure = "DownloadPaused"
    request = signed(
        7,
        retrieveDateTime="2026-03-02T12:01:00Z",
        installDateTime="2026-03-02T12:05:00Z",
    )
    answer = await central.call("SignedUpdateFirmware", signed(6))
    assert answer == {"status": "Accepted"}
    answer = await central.call("SignedUpdateFirmware", request)
    assert answer == {"status": "AcceptedCanceled"}
    await clock.advance(600)
    await charger.connected()
    said = [(each["requestId"], each["status"]) for each in central.said(action)]
    assert said[0] == (6, "Downloading")
    assert said[1:] == [
        (7, status)
        for status in (
            "DownloadScheduled",
            "Downloading",
            "DownloadPaused",
            "Downloading",
            "Downloaded",
            "SignatureVerified",
            "InstallScheduled",
            "Installing",
            "InstallRebooting",
            "Installed",
        )
    ]
    assert central.said("SecurityEventNotification")[0]["type"] == "FirmwareUpdated"


@pytest.mark.parametrize("failure", ["InvalidSignature", "InstallVerificationFailed"])
async def test_signed_firmware_fails(
    charger: Charger, central: Central, clock: ManualClock, failure: str
) -> None:
    """What is not right is not installed."""
    charger.maintenance.failure = failure
    await central.call("SignedUpdateFirmware", signed(1))
    await clock.advance(120)
    assert words(central, "SignedFirmwareStatusNotification")[-1] == failure
    assert len(central.said("BootNotification")) == 1


async def test_signed_firmware_refused(charger: Charger, central: Central) -> None:
    """By the certificate, and while somebody charges."""
    charger.maintenance.revoked.add(CERTIFICATE)
    answer = await central.call("SignedUpdateFirmware", signed(1))
    assert answer == {"status": "RevokedCertificate"}
    answer = await central.call(
        "SignedUpdateFirmware", signed(1, signingCertificate="x")
    )
    assert answer == {"status": "InvalidCertificate"}
    charger.maintenance.revoked.clear()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    answer = await central.call("SignedUpdateFirmware", signed(1))
    assert answer == {"status": "Rejected"}


@pytest.mark.parametrize("method", ["PUT", "POST", "form"])
async def test_diagnostics(
    charger: Charger,
    central: Central,
    clock: ManualClock,
    target: Target,
    method: str,
) -> None:
    """A file is really sent, again if that fails."""
    target.answers = [500]
    charger.maintenance.method = method
    request = {"location": target.url, "retries": 1, "retryInterval": 10}
    answer = await central.call("GetDiagnostics", request)
    assert answer == {"fileName": "GARAGE.log"}
    await clock.advance(60)
    path = "/token/" if method == "form" else "/token/GARAGE.log"
    file = ("PUT" if method == "PUT" else "POST", path, charger.maintenance.content)
    assert target.taken == [file, file]
    said = words(central, "DiagnosticsStatusNotification")
    assert said == ["Uploading", "Uploading", "Uploaded"]


async def test_diagnostics_fail(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """There may be nothing to send, or no way to send it."""
    await central.call("GetDiagnostics", {"location": "ftp://example.com/"})
    await clock.advance(60)
    said = words(central, "DiagnosticsStatusNotification")
    assert said == ["Uploading", "UploadFailed"]
    charger.maintenance.content = None
    request = {"location": "ftp://example.com/"}
    assert await central.call("GetDiagnostics", request) == {}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (200, "Uploaded"),
        (400, "BadMessage"),
        (403, "PermissionDenied"),
        (500, "UploadFailure"),
        (None, "NotSupportedOperation"),
    ],
)
async def test_log(
    charger: Charger,
    central: Central,
    clock: ManualClock,
    target: Target,
    answer: int | None,
    status: str,
) -> None:
    """What becomes of a log, in the words of the standard."""
    target.answers = [answer or 200]
    location = target.url if answer else "ftp://example.com/"
    request = {
        "logType": "SecurityLog",
        "requestId": 3,
        "log": {"remoteLocation": location},
    }
    assert await central.call("GetLog", request) == {
        "status": "Accepted",
        "filename": "GARAGE-SecurityLog.log",
    }
    await clock.advance(60)
    assert central.said("LogStatusNotification") == [
        {"status": "Uploading", "requestId": 3},
        {"status": status, "requestId": 3},
    ]


async def test_log_instead(
    charger: Charger, central: Central, clock: ManualClock, target: Target
) -> None:
    """A second request takes the place of the first; without logs there are none."""
    request = {
        "logType": "DiagnosticsLog",
        "requestId": 1,
        "log": {"remoteLocation": target.url},
    }
    await central.call("GetLog", request)
    answer = await central.call("GetLog", {**request, "requestId": 2})
    assert answer["status"] == "AcceptedCanceled"
    await clock.advance(60)
    said = central.said("LogStatusNotification")
    assert said[-1] == {"status": "Uploaded", "requestId": 2}
    assert len(target.taken) == 1
    charger.maintenance.content = None
    assert await central.call("GetLog", request) == {"status": "Rejected"}
