"""Firmware, diagnostics and logs as the user sees them, with a charger that does it all."""

from datetime import timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
import pytest

from simulator import REBOOT_SECONDS, Charger
from simulator.maintenance import STEP_SECONDS

from .common import System

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
LOCATION = "https://anna:secret@192.0.2.10/firmware.bin"
SIGNED = {
    "location": LOCATION,
    "signing_certificate": CERTIFICATE,
    "signature": "c2ln",
}


@pytest.fixture
async def charger(all_enabled: None, system: System) -> Charger:
    """Return a charger that is online."""
    return await system.connect()


async def go_on(system: System, seconds: float) -> None:
    """Let the charger work."""
    await system.clock.advance(seconds)
    await system.rest()


def steps(system: System, key: str) -> list[str]:
    """Return what the charger has said lately."""
    history = system.state("sensor", key, 0).attributes["history"]
    return [step["status"] for step in history]


async def test_update_firmware(
    hass: HomeAssistant, system: System, charger: Charger
) -> None:
    """From the request to the new version on the device's page."""
    when = system.clock.now() + timedelta(minutes=10)
    answer = await system.act(
        "update_firmware",
        response=True,
        location=LOCATION,
        retrieve_date=when.isoformat(),
        retries=2,
        retry_interval=30,
    )
    assert answer == {}
    await hass.async_block_till_done()
    assert charger.requests[-1] == (
        "UpdateFirmware",
        {
            "location": LOCATION,
            "retrieveDate": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "retries": 2,
            "retryInterval": 30,
        },
    )
    state = system.state("sensor", "firmware_status", 0)
    assert state.state == "unknown"
    assert state.attributes["running"]
    assert state.attributes["host"] == "192.0.2.10"
    await go_on(system, 600)
    assert system.value("sensor", "firmware_status", 0) == "downloading"
    await go_on(system, 3 * STEP_SECONDS + REBOOT_SECONDS)
    await charger.connected()
    await system.rest()
    assert steps(system, "firmware_status") == [
        "downloading",
        "downloaded",
        "installing",
        "installed",
    ]
    state = system.state("sensor", "firmware_status", 0)
    assert state.state == "installed"
    assert not state.attributes["running"]
    device = dr.async_get(hass).async_get(system.device())
    assert device
    assert device.sw_version == "2.0.0"
    assert charger.violations == []


async def test_signed_update_firmware(system: System, charger: Charger) -> None:
    """Its messages are told apart by a number."""
    answer = await system.act("signed_update_firmware", response=True, **SIGNED)
    assert answer == {"status": "Accepted"}
    answer = await system.act(
        "signed_update_firmware", response=True, request_id=7, **SIGNED
    )
    assert answer == {"status": "AcceptedCanceled"}
    await go_on(system, 4 * STEP_SECONDS + REBOOT_SECONDS)
    await charger.connected()
    await system.rest()
    assert steps(system, "firmware_status")[-2:] == ["new_version", "installed"]
    attributes = system.state("sensor", "firmware_status", 0).attributes
    assert attributes["request_id"] == 7
    assert charger.violations == []


@pytest.mark.parametrize(
    ("failure", "shown"),
    [
        ("DownloadFailed", "download_failed"),
        ("InvalidSignature", "invalid_signature"),
        ("InstallationFailed", "installation_failed"),
        ("InstallVerificationFailed", "install_verification_failed"),
    ],
)
async def test_failures(
    system: System, charger: Charger, failure: str, shown: str
) -> None:
    """What went wrong can be read."""
    charger.maintenance.failure = failure
    await system.act("signed_update_firmware", **SIGNED)
    await go_on(system, 60)
    state = system.state("sensor", "firmware_status", 0)
    assert state.state == shown
    assert not state.attributes["running"]
    assert charger.violations == []


@pytest.mark.parametrize("status", ["InvalidCertificate", "RevokedCertificate"])
async def test_refused(system: System, charger: Charger, status: str) -> None:
    """A refusal is an error, unless the answer was asked for."""
    data = dict(SIGNED)
    if status == "InvalidCertificate":
        data["signing_certificate"] = "x"
    else:
        charger.maintenance.revoked.add(CERTIFICATE)
    with pytest.raises(HomeAssistantError, match=status):
        await system.act("signed_update_firmware", **data)
    answer = await system.act("signed_update_firmware", response=True, **data)
    assert answer == {"status": status}
    assert system.find("sensor", "firmware_status", 0) is None


@pytest.mark.parametrize("method", ["PUT", "POST", "form"])
@pytest.mark.parametrize(
    ("action", "data", "name"),
    [
        ("get_diagnostics", {}, "GARAGE.log"),
        ("get_log", {}, "GARAGE-DiagnosticsLog.log"),
        ("get_log", {"log_type": "SecurityLog"}, "GARAGE-SecurityLog.log"),
    ],
)
async def test_files(
    system: System,
    charger: Charger,
    method: str,
    action: str,
    data: dict[str, Any],
    name: str,
) -> None:
    """A file is asked for, comes, and can be had."""
    charger.maintenance.method = method
    answer = await system.act(action, response=True, **data)
    assert answer["url"].startswith("/api/ocpp_central_files/uploads/garage_")
    await go_on(system, STEP_SECONDS)
    state = system.state("sensor", "diagnostics_status", 0)
    assert state.state == "uploaded"
    assert steps(system, "diagnostics_status") == ["uploading", "received", "uploaded"]
    assert state.attributes["file"] == name
    assert not state.attributes["running"]
    assert "upload/" not in str(state.attributes)
    (file,) = (await system.act("get_uploaded_files", response=True))["files"]
    assert file["file"] == name
    assert file["size"] == len(charger.maintenance.content or b"")
    assert charger.violations == []


async def test_elsewhere(system: System, charger: Charger) -> None:
    """A charger that cannot reach the place says so."""
    await system.act("get_log", location="ftp://192.0.2.10/logs/", request_id=3)
    await go_on(system, STEP_SECONDS)
    state = system.state("sensor", "diagnostics_status", 0)
    assert state.state == "not_supported_operation"
    charger.maintenance.content = None
    assert await system.act("get_diagnostics", response=True, location="ftp://x/") == {}
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await system.act("get_log")
    assert charger.violations == []


@pytest.mark.parametrize(
    ("message", "key"),
    [
        ("FirmwareStatusNotification", "firmware_status"),
        ("DiagnosticsStatusNotification", "diagnostics_status"),
    ],
)
async def test_trigger(
    system: System, charger: Charger, message: str, key: str
) -> None:
    """A charger can be asked how far it is."""
    await system.act("trigger_message", message=message)
    await system.rest()
    assert system.value("sensor", key, 0) == "idle"


async def test_not_connected(system: System) -> None:
    """Nobody is there to be asked."""
    with pytest.raises(HomeAssistantError, match="not connected"):
        await system.act("get_diagnostics")
