"""OCPP 2.0.1 and 2.1: firmware, logs and certificates."""

from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.ocpp_central.csms.errors import CommandRejected
from custom_components.ocpp_central.csms.jobs import JobKind
from custom_components.ocpp_central.csms.model import STATION, Event, EventKind

from .common import Central, Payload, stamp
from .common2 import both_versions, connect2

DAY = datetime(2026, 12, 1, 3, tzinfo=UTC)
LOCATION = "ftp://anna:secret@192.0.2.10/files/"
CERTIFICATE = "-----BEGIN CERTIFICATE-----"
HASH: Payload = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "00",
    "issuerKeyHash": "01",
    "serialNumber": "02",
}
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
PUBLISHING = {
    "Idle": "idle",
    "DownloadScheduled": "download_scheduled",
    "Downloading": "downloading",
    "Downloaded": "downloaded",
    "Published": "published",
    "DownloadFailed": "download_failed",
    "DownloadPaused": "download_paused",
    "InvalidChecksum": "invalid_checksum",
    "ChecksumVerified": "checksum_verified",
    "PublishFailed": "publish_failed",
}
LOG = {
    "BadMessage": "bad_message",
    "Idle": "idle",
    "NotSupportedOperation": "not_supported_operation",
    "PermissionDenied": "permission_denied",
    "Uploaded": "uploaded",
    "UploadFailure": "upload_failure",
    "Uploading": "uploading",
    "AcceptedCanceled": "accepted_canceled",
}
STATUSES = [
    *(("FirmwareStatusNotification", "firmware", *each) for each in FIRMWARE.items()),
    *(
        ("PublishFirmwareStatusNotification", "firmware", *each)
        for each in PUBLISHING.items()
    ),
    *(("LogStatusNotification", "diagnostics", *each) for each in LOG.items()),
]


@both_versions
async def test_firmware(central: Central, version: str) -> None:
    """Firmware has a number, which its progress is told by."""
    charge_point, charger = await connect2(central, version)
    await charge_point.jobs.update_firmware(LOCATION, DAY, retries=2, retry_interval=60)
    payload = (await charger.called("UpdateFirmware")).payload
    number = payload.pop("requestId")
    firmware = {"location": LOCATION, "retrieveDateTime": "2026-12-01T03:00:00Z"}
    assert payload == {"firmware": firmware, "retries": 2, "retryInterval": 60}
    attributes = charge_point.jobs.attributes(JobKind.FIRMWARE)
    assert (attributes["running"], attributes["request_id"]) == (True, number)
    for request_id, word in ((number - 1, "Idle"), (number, "Installed")):
        await charger.call(
            "FirmwareStatusNotification", {"status": word, "requestId": request_id}
        )
    assert charge_point.value(STATION, "firmware_status") == "installed"
    assert charge_point.jobs.attributes(JobKind.FIRMWARE)["running"] is False


@both_versions
async def test_signed_firmware(central: Central, version: str) -> None:
    """It is the same message, with the signature."""
    charge_point, charger = await connect2(central, version)
    await charge_point.jobs.signed_update_firmware(
        LOCATION, DAY, CERTIFICATE, "c2ln", 7, install_date=DAY
    )
    assert (await charger.called("UpdateFirmware")).payload == {
        "requestId": 7,
        "firmware": {
            "location": LOCATION,
            "retrieveDateTime": "2026-12-01T03:00:00Z",
            "installDateTime": "2026-12-01T03:00:00Z",
            "signingCertificate": CERTIFICATE,
            "signature": "c2ln",
        },
    }
    charger.answers["UpdateFirmware"] = {"status": "InvalidCertificate"}
    with pytest.raises(CommandRejected, match="InvalidCertificate"):
        await charge_point.jobs.signed_update_firmware(
            LOCATION, DAY, CERTIFICATE, "c2ln"
        )


@both_versions
async def test_diagnostics(central: Central, version: str) -> None:
    """What OCPP 1.6 calls diagnostics is one of the logs."""
    charge_point, charger = await connect2(central, version)
    charger.answers["GetLog"] = {"status": "Accepted", "filename": "x.log"}
    response = await charge_point.jobs.get_diagnostics(LOCATION, start=DAY)
    assert response["fileName"] == response["filename"] == "x.log"
    payload = (await charger.called("GetLog")).payload
    number = payload.pop("requestId")
    assert payload == {
        "logType": "DiagnosticsLog",
        "log": {
            "remoteLocation": LOCATION,
            "oldestTimestamp": "2026-12-01T03:00:00Z",
        },
    }
    await charger.call(
        "LogStatusNotification", {"status": "Uploaded", "requestId": number}
    )
    assert charge_point.jobs.attributes(JobKind.DIAGNOSTICS)["running"] is False


@both_versions
@pytest.mark.parametrize(("action", "kind", "word", "shown"), STATUSES)
async def test_statuses(
    central: Central, version: str, action: str, kind: str, word: str, shown: str
) -> None:
    """Each word of the standard has one of ours, with and without a number."""
    charge_point, charger = await connect2(central, version)
    await charger.call(action, {"status": word})
    assert charge_point.value(STATION, f"{kind}_status") == shown
    more: Payload = {"requestId": 3}
    if version == "2.1":
        more["statusInfo"] = {"reasonCode": "Full", "additionalInfo": "No room"}
    await charger.call(action, {"status": word, **more})
    step = charge_point.jobs.attributes(JobKind(kind))["history"][-1]
    assert step["request_id"] == 3
    assert step.get("info") == ("Full No room" if version == "2.1" else None)


@both_versions
@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("CentralSystemRootCertificate", "CSMSRootCertificate"),
        ("ManufacturerRootCertificate", "ManufacturerRootCertificate"),
        ("MORootCertificate", "MORootCertificate"),
    ],
)
async def test_certificates(
    central: Central, version: str, name: str, sent: str
) -> None:
    """The names of OCPP 1.6 work as well as the charger's own."""
    charge_point, charger = await connect2(central, version)
    commands = charge_point.commands
    await commands.install_certificate(name, CERTIFICATE)
    payload = (await charger.called("InstallCertificate")).payload
    assert payload == {"certificateType": sent, "certificate": CERTIFICATE}
    chain = {"certificateType": sent, "certificateHashData": HASH}
    answer: Payload = {"status": "Accepted", "certificateHashDataChain": [chain]}
    charger.answers["GetInstalledCertificateIds"] = answer
    response = await commands.get_installed_certificate_ids(name)
    assert response == {**answer, "certificateHashData": [HASH]}
    payload = (await charger.called("GetInstalledCertificateIds")).payload
    assert payload == {"certificateType": [sent]}
    await commands.delete_certificate(HASH)
    payload = (await charger.called("DeleteCertificate")).payload
    assert payload == {"certificateHashData": HASH}


@both_versions
@pytest.mark.parametrize("use", [None, "ChargingStationCertificate", "V2GCertificate"])
async def test_no_certificate_without_an_authority(
    central: Central, version: str, use: str | None
) -> None:
    """A charger that asks is told that it gets none."""
    _, charger = await connect2(central, version)
    payload = {"csr": "-----BEGIN CERTIFICATE REQUEST-----"}
    if use:
        payload["certificateType"] = use
    assert await charger.call("SignCertificate", payload) == {"status": "Rejected"}


@both_versions
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("FirmwareUpdated", "firmware_updated"),
        ("FailedToAuthenticateAtCsms", "failed_to_authenticate_at_central_system"),
        ("CsmsFailedToAuthenticate", "central_system_failed_to_authenticate"),
        ("InvalidCsmsCertificate", "invalid_central_system_certificate"),
        ("InvalidChargingStationCertificate", "invalid_charge_point_certificate"),
        ("MaintenanceLoginFailed", "maintenance_login_failed"),
        ("SomethingElse", "other"),
    ],
)
async def test_security_events(
    central: Central, version: str, said: str, shown: str
) -> None:
    """They are the same as in OCPP 1.6, whatever they are called."""
    charge_point, charger = await connect2(central, version)
    events: list[Event] = []
    charge_point.subscribe_events(events.append)
    await charger.call(
        "SecurityEventNotification", {"type": said, "timestamp": stamp()}
    )
    (event,) = [event for event in events if event.kind is EventKind.SECURITY]
    assert (event.type, event.attributes["event"]) == (shown, said)


@both_versions
@pytest.mark.parametrize("taken", [True, False])
async def test_another_password(central: Central, version: str, taken: bool) -> None:
    """It is told as it is; one that the charger refuses is not expected of it."""
    charge_point, charger = await connect2(central, version)

    def answer(payload: Payload) -> Payload:
        return {
            "setVariableResult": [
                {
                    "attributeStatus": "Accepted" if taken else "Rejected",
                    "component": item["component"],
                    "variable": item["variable"],
                }
                for item in payload["setVariableData"]
            ]
        }

    charger.answers["SetVariables"] = answer
    data: dict[str, Any] = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "attributeValue": "another password",
    }
    await charge_point.commands.call("SetVariables", {"setVariableData": [data]})
    assert charge_point.security.state.next == ("another password" if taken else None)
