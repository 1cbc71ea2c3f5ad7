"""Each status that OCPP 1.6 lets a charger answer comes back as it was given."""

from importlib.resources import files
import json
from typing import Any

from homeassistant.exceptions import HomeAssistantError
import pytest

from .common import System

HASH = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "aa",
    "issuerKeyHash": "bb",
    "serialNumber": "1",
}
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}],
    },
}
# Message -> our action for it, what it is given, and the statuses that are no refusal.
MESSAGES: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "CancelReservation": ("cancel_reservation", {"reservation_id": 1}, {"Accepted"}),
    "ChangeAvailability": (
        "change_availability",
        {"operative": False},
        {"Accepted", "Scheduled"},
    ),
    "ChangeConfiguration": (
        "set_configuration",
        {"key": "LightIntensity", "value": "50"},
        {"Accepted", "RebootRequired"},
    ),
    "ClearCache": ("clear_cache", {}, {"Accepted"}),
    "ClearChargingProfile": ("clear_charging_profile", {}, {"Accepted", "Unknown"}),
    "DataTransfer": ("data_transfer", {"vendor_id": "Acme"}, {"Accepted"}),
    "DeleteCertificate": (
        "delete_certificate",
        {"certificate_hash_data": HASH},
        {"Accepted"},
    ),
    "ExtendedTriggerMessage": (
        "extended_trigger_message",
        {"message": "Heartbeat"},
        {"Accepted"},
    ),
    "GetCompositeSchedule": ("get_composite_schedule", {}, {"Accepted", "Rejected"}),
    "GetInstalledCertificateIds": (
        "get_installed_certificate_ids",
        {"certificate_type": "CentralSystemRootCertificate"},
        {"Accepted", "NotFound"},
    ),
    "GetLog": (
        "get_log",
        {"log_type": "SecurityLog", "location": "ftp://192.0.2.1/"},
        {"Accepted", "AcceptedCanceled"},
    ),
    "InstallCertificate": (
        "install_certificate",
        {
            "certificate_type": "CentralSystemRootCertificate",
            "certificate": "-----BEGIN CERTIFICATE-----",
        },
        {"Accepted"},
    ),
    "RemoteStartTransaction": ("start_transaction", {}, {"Accepted"}),
    "RemoteStopTransaction": (
        "stop_transaction",
        {"transaction_id": 5},
        {"Accepted"},
    ),
    "ReserveNow": (
        "reserve_now",
        {"id_token": "CARD1", "expiry": "2040-07-01 12:00:00"},
        {"Accepted"},
    ),
    "Reset": ("reset", {}, {"Accepted"}),
    "SendLocalList": (
        "send_local_list",
        {"list_version": 3, "update_type": "Full"},
        {"Accepted"},
    ),
    "SetChargingProfile": (
        "set_charging_profile",
        {"profile": PROFILE},
        {"Accepted"},
    ),
    "SignedUpdateFirmware": (
        "signed_update_firmware",
        {
            "location": "https://192.0.2.1/firmware",
            "signing_certificate": "-----BEGIN CERTIFICATE-----",
            "signature": "c2ln",
        },
        {"Accepted", "AcceptedCanceled"},
    ),
    "TriggerMessage": ("trigger_message", {"message": "Heartbeat"}, {"Accepted"}),
    "UnlockConnector": ("unlock_connector", {}, {"Unlocked"}),
}
# Answered by us, or sent by us without anybody asking.
OTHERS = {"BootNotification", "CertificateSigned", "SignCertificate"}


def statuses() -> dict[str, list[str]]:
    """Return the statuses in the answer to each message, by the standard's schemas."""
    found = {}
    for path in (files("ocpp") / "v16" / "schemas").iterdir():
        schema = json.loads(path.read_text("utf-8-sig"))
        status = schema.get("properties", {}).get("status", {})
        if path.name.endswith("Response.json") and "$ref" in status:
            status = schema["definitions"][status["$ref"].rpartition("/")[2]]
        if path.name.endswith("Response.json") and "enum" in status:
            found[path.name.removesuffix("Response.json")] = status["enum"]
    return found


def test_all_messages() -> None:
    """None that has a status is left out."""
    assert statuses().keys() - OTHERS == MESSAGES.keys()


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (message, status)
        for message, words in sorted(statuses().items())
        for status in words
        if message in MESSAGES
    ],
)
async def test_status(
    all_enabled: None, system: System, message: str, status: str
) -> None:
    """It is the response; and an error to those who wanted none, where it refuses."""
    action, data, accepted = MESSAGES[message]
    charger = await system.connect()
    charger.answer(message, {"status": status})
    assert (await system.act(action, response=True, **data))["status"] == status
    assert charger.requests[-1][0] == message
    if action.startswith("get_") and action != "get_log":
        return
    if status in accepted:
        await system.act(action, **data)
    else:
        with pytest.raises(HomeAssistantError, match=status):
            await system.act(action, **data)
