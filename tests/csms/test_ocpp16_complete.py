"""All of OCPP 1.6 and its security extensions: each message is served or can be sent.

The list of messages is that of the ocpp package.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
import re

from ocpp.v16.enums import Action
import pytest

from custom_components.ocpp_central.csms.commands import Commands

from .common import (
    BOOT,
    ENERGY,
    Central,
    Payload,
    meter_values,
    sample,
    stamp,
    start,
    status,
    stop,
)

REPOSITORY = Path(__file__).parents[2]
TABLE = REPOSITORY / "docs" / "ocpp16.md"

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
URL = "https://example.com/file"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
HASH = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "00",
    "issuerKeyHash": "00",
    "serialNumber": "01",
}
PROFILE = {
    "chargingProfileId": 99,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
    },
}

FROM_CHARGER: dict[str, Payload] = {
    "Authorize": {"idTag": "CARD1"},
    "BootNotification": BOOT,
    "DataTransfer": {"vendorId": "Vendor"},
    "DiagnosticsStatusNotification": {"status": "Idle"},
    "FirmwareStatusNotification": {"status": "Idle"},
    "Heartbeat": {},
    "LogStatusNotification": {"status": "Idle"},
    "MeterValues": meter_values(sample("1000", ENERGY, unit="Wh")),
    "SecurityEventNotification": {"type": "SettingSystemTime", "timestamp": stamp()},
    "SignCertificate": {"csr": "-----BEGIN CERTIFICATE REQUEST-----"},
    "SignedFirmwareStatusNotification": {"status": "Idle"},
    "StartTransaction": start(),
    "StatusNotification": status("Available"),
    "StopTransaction": stop(1),
}
TO_CHARGER: dict[str, Callable[[Commands], Awaitable[Payload]]] = {
    "CancelReservation": lambda commands: commands.cancel_reservation(1),
    "CertificateSigned": lambda commands: commands.certificate_signed(CERTIFICATE),
    "ChangeAvailability": lambda commands: commands.change_availability(1, True),
    "ChangeConfiguration": lambda commands: commands.set_configuration("Key", "1"),
    "ClearCache": lambda commands: commands.clear_cache(),
    "ClearChargingProfile": lambda commands: commands.clear_charging_profile({}),
    "DataTransfer": lambda commands: commands.data_transfer("Vendor", None, None),
    "DeleteCertificate": lambda commands: commands.delete_certificate(HASH),
    "ExtendedTriggerMessage": lambda commands: commands.extended_trigger_message(
        "Heartbeat"
    ),
    "GetCompositeSchedule": lambda commands: commands.get_composite_schedule(1, 60),
    "GetConfiguration": lambda commands: commands.get_configuration([]),
    "GetDiagnostics": lambda commands: commands.get_diagnostics(URL),
    "GetInstalledCertificateIds": lambda commands: (
        commands.get_installed_certificate_ids("CentralSystemRootCertificate")
    ),
    "GetLocalListVersion": lambda commands: commands.get_local_list_version(),
    "GetLog": lambda commands: commands.get_log("SecurityLog", 1, URL),
    "InstallCertificate": lambda commands: commands.install_certificate(
        "CentralSystemRootCertificate", CERTIFICATE
    ),
    "RemoteStartTransaction": lambda commands: commands.start_transaction(1, "CARD1"),
    "RemoteStopTransaction": lambda commands: commands.stop_transaction(1),
    "ReserveNow": lambda commands: commands.reserve_now(1, 0, "CARD1", NOW),
    "Reset": lambda commands: commands.reset("Soft"),
    "SendLocalList": lambda commands: commands.send_local_list(1, "Full", []),
    "SetChargingProfile": lambda commands: commands.set_charging_profile(1, PROFILE),
    "SignedUpdateFirmware": lambda commands: commands.signed_update_firmware(
        1, URL, NOW, CERTIFICATE, "signature"
    ),
    "TriggerMessage": lambda commands: commands.trigger_message("Heartbeat"),
    "UnlockConnector": lambda commands: commands.unlock_connector(1),
    "UpdateFirmware": lambda commands: commands.update_firmware(URL, NOW),
}
# What is not answered with just Accepted.
ANSWERS: dict[str, Payload] = {
    "GetConfiguration": {"configurationKey": []},
    "GetDiagnostics": {"fileName": "diagnostics.log"},
    "GetInstalledCertificateIds": {
        "status": "Accepted",
        "certificateHashData": [HASH],
    },
    "GetLocalListVersion": {"listVersion": 1},
    "UnlockConnector": {"status": "Unlocked"},
    "UpdateFirmware": {},
}


def test_nothing_is_left_out() -> None:
    """Each message has a direction; only DataTransfer has both."""
    assert FROM_CHARGER.keys() | TO_CHARGER.keys() == {
        action.value for action in Action
    }
    assert FROM_CHARGER.keys() & TO_CHARGER.keys() == {"DataTransfer"}


@pytest.mark.parametrize("action", FROM_CHARGER)
async def test_from_charger(central: Central, action: str) -> None:
    """A charger is told nothing but valid answers."""
    _, charger = await central.connect()
    await charger.boot()
    await charger.call(action, FROM_CHARGER[action])
    await charger.alive()


@pytest.mark.parametrize("action", TO_CHARGER)
async def test_to_charger(central: Central, action: str) -> None:
    """A charger is asked in the way of the schema, and its answer comes back."""
    charge_point, charger = await central.connect()
    answer = ANSWERS.get(action, {"status": "Accepted"})
    charger.answers[action] = answer
    assert await TO_CHARGER[action](charge_point.commands) == answer
    payload = (await charger.called(action)).payload
    # The same as it comes from the raw call.
    charger.forget()
    assert await charge_point.commands.call(action, payload) == answer
    assert (await charger.called(action)).payload == payload


def test_table() -> None:
    """The documentation has each message in each direction, and names its tests."""
    rows = re.findall(
        r"^\| `(\w+)` \| (in|out) \| (.+) \| (.+) \|$", TABLE.read_text(), re.MULTILINE
    )
    named = [(message, direction) for message, direction, _, _ in rows]
    assert set(named) == {
        *((action, "in") for action in FROM_CHARGER),
        *((action, "out") for action in TO_CHARGER),
    }
    assert len(named) == len(set(named))
    for message, _, _, tests in rows:
        paths = re.findall(r"`(tests/[\w/]+\.py)`", tests)
        assert paths, message
        for path in paths:
            assert (REPOSITORY / path).is_file(), path
