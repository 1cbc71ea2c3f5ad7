"""OCPP 2.0.1 and 2.1: payloads with members that are missing, extra or of the wrong type."""

from copy import deepcopy
import logging
from typing import Any

import pytest

from .common import Central, Charger, Payload, stamp
from .common2 import BOOT, ENERGY, bucket, card, connect2, event, sample, status
from .generated import INCOMING, incoming
from .test_payloads import WRONG, changed, places

# As OCPP-J 2.0.1 spells them, 4.3.
CODES = {
    "FormatViolation",
    "GenericError",
    "NotSupported",
    "OccurrenceConstraintViolation",
    "PropertyConstraintViolation",
    "ProtocolError",
    "SecurityError",
    "TypeConstraintViolation",
}
HASH: Payload = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "00",
    "issuerKeyHash": "01",
    "serialNumber": "02",
}
PLACE: Payload = {"component": {"name": "C"}, "variable": {"name": "V"}}
SCHEDULE: Payload = {
    "id": 1,
    "chargingRateUnit": "A",
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
}
FULL: dict[str, Payload] = {
    "Authorize": {"idToken": card("CARD")},
    "BootNotification": BOOT,
    "ClearedChargingLimit": {"chargingLimitSource": "EMS", "evseId": 1},
    "DataTransfer": {"vendorId": "V", "messageId": "M", "data": {"any": ["thing"]}},
    "FirmwareStatusNotification": {"status": "Installed", "requestId": 1},
    "Get15118EVCertificate": {
        "iso15118SchemaVersion": "urn",
        "action": "Install",
        "exiRequest": "AAAA",
    },
    "GetCertificateStatus": {"ocspRequestData": {**HASH, "responderURL": "https://x"}},
    "Heartbeat": {},
    "LogStatusNotification": {"status": "Uploaded", "requestId": 1},
    "MeterValues": {
        "evseId": 1,
        "meterValue": [
            bucket(
                sample(1.5, ENERGY, unit="kWh", multiplier=0, context="Sample.Periodic")
            )
        ],
    },
    "NotifyChargingLimit": {
        "evseId": 1,
        "chargingLimit": {"chargingLimitSource": "EMS", "isGridCritical": True},
        "chargingSchedule": [SCHEDULE],
    },
    "NotifyCustomerInformation": {
        "data": "x",
        "seqNo": 0,
        "generatedAt": stamp(),
        "requestId": 1,
    },
    "NotifyDisplayMessages": {
        "requestId": 1,
        "messageInfo": [
            {
                "id": 1,
                "priority": "InFront",
                "message": {"format": "UTF8", "content": "Hello"},
            }
        ],
    },
    "NotifyEVChargingNeeds": {
        "evseId": 1,
        "chargingNeeds": {"requestedEnergyTransfer": "DC"},
    },
    "NotifyEVChargingSchedule": {
        "evseId": 1,
        "timeBase": stamp(),
        "chargingSchedule": SCHEDULE,
    },
    "NotifyEvent": {
        "generatedAt": stamp(),
        "seqNo": 0,
        "eventData": [
            {
                "eventId": 1,
                "timestamp": stamp(),
                "trigger": "Delta",
                "actualValue": "1",
                "eventNotificationType": "CustomMonitor",
                **PLACE,
            }
        ],
    },
    "NotifyMonitoringReport": {
        "requestId": 1,
        "seqNo": 0,
        "generatedAt": stamp(),
        "monitor": [
            {
                **PLACE,
                "variableMonitoring": [
                    {
                        "id": 1,
                        "transaction": False,
                        "value": 1,
                        "type": "Delta",
                        "severity": 1,
                    }
                ],
            }
        ],
    },
    "NotifyReport": {
        "requestId": 1,
        "seqNo": 0,
        "generatedAt": stamp(),
        "reportData": [{**PLACE, "variableAttribute": [{"value": "1"}]}],
    },
    "PublishFirmwareStatusNotification": {"status": "Published", "requestId": 1},
    "ReportChargingProfiles": {
        "requestId": 1,
        "chargingLimitSource": "EMS",
        "evseId": 1,
        "chargingProfile": [
            {
                "id": 1,
                "stackLevel": 0,
                "chargingProfilePurpose": "TxDefaultProfile",
                "chargingProfileKind": "Relative",
                "chargingSchedule": [SCHEDULE],
            }
        ],
    },
    "ReservationStatusUpdate": {
        "reservationId": 1,
        "reservationUpdateStatus": "Expired",
    },
    "SecurityEventNotification": {
        "type": "FirmwareUpdated",
        "timestamp": stamp(),
        "techInfo": "x",
    },
    "SignCertificate": {"csr": "x", "certificateType": "ChargingStationCertificate"},
    "StatusNotification": status(),
    "TransactionEvent": event(
        "Started",
        evse=1,
        token="CARD",
        state="Charging",
        values=[bucket(sample(1000, ENERGY))],
        sequence=0,
    ),
    "BatterySwap": {
        "batteryData": [{"evseId": 1, "serialNumber": "1", "soC": 50, "soH": 90}],
        "eventType": "BatteryIn",
        "idToken": card("CARD"),
        "requestId": 1,
    },
    "ClosePeriodicEventStream": {"id": 1},
    "GetCertificateChainStatus": {
        "certificateStatusRequests": [
            {"certificateHashData": HASH, "source": "OCSP", "urls": ["https://x"]}
        ]
    },
    "NotifyDERAlarm": {"controlType": "VoltVar", "timestamp": stamp()},
    "NotifyDERStartStop": {"controlId": "1", "started": True, "timestamp": stamp()},
    "NotifyPriorityCharging": {"transactionId": "T1", "activated": True},
    "NotifySettlement": {
        "pspRef": "1",
        "status": "Settled",
        "settlementAmount": 1,
        "settlementTime": stamp(),
    },
    "NotifyWebPaymentStarted": {"evseId": 1, "timeout": 60},
    "OpenPeriodicEventStream": {
        "constantStreamData": {"id": 1, "params": {}, "variableMonitoringId": 1}
    },
    "PullDynamicScheduleUpdate": {"chargingProfileId": 1},
    "ReportDERControl": {"requestId": 1},
    "VatNumberValidation": {"vatNumber": "NL1", "evseId": 1},
}
# What 2.1 requires beyond.
NEW: dict[str, Payload] = {
    "NotifyMonitoringReport": changed(
        FULL["NotifyMonitoringReport"],
        ("monitor", 0, "variableMonitoring", 0, "eventNotificationType"),
        "CustomMonitor",
    )
}
# What is sent without an answer is in test_answers2.py.
CALLED = [each for each in INCOMING if each[1] != "NotifyPeriodicEventStream"]
each_message = pytest.mark.parametrize(("version", "action"), CALLED)


async def send(charger: Charger, action: str, payload: Payload) -> None:
    """Send a payload; its answer is valid, or a refusal that the standard knows."""
    if refused := await charger.attempt(action, payload):
        assert refused.code in CODES, (payload, refused.description)
        assert refused.details == {}


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what went wrong on our side."""
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_nothing_is_left_out() -> None:
    """Each message that a charger calls is here."""
    assert {action for _, action in CALLED} == FULL.keys()
    assert FULL.keys() >= {*incoming("2.0.1")}


@each_message
async def test_complete(central: Central, version: str, action: str) -> None:
    """As the standard has it, with what vendors may add."""
    charge_point, charger = await connect2(central, version)
    payload = (NEW if version == "2.1" else FULL).get(action, FULL[action])
    custom = {"customData": {"vendorId": "V", "more": {"a": [1, None]}}}
    await charger.call(action, {**payload, **custom})
    assert charge_point.connection is not None
    assert charge_point.connection.anomalies == {}


@each_message
async def test_members_left_out(
    central: Central, version: str, action: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Anything may be missing, on any level, alone or together with the rest."""
    _, charger = await connect2(central, version)
    await send(charger, action, {})
    for path in places(FULL[action]):
        await send(charger, action, changed(FULL[action], path))
        await send(charger, action, {path[0]: FULL[action][path[0]]})
    await charger.alive()
    assert not errors(caplog)


@each_message
async def test_members_of_the_wrong_type(
    central: Central, version: str, action: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Anything may be something else."""
    _, charger = await connect2(central, version)
    for path in places(FULL[action]):
        for value in WRONG:
            await send(charger, action, changed(FULL[action], path, value))
    await charger.alive()
    assert not errors(caplog)


@each_message
async def test_extra_members(central: Central, version: str, action: str) -> None:
    """Vendors add their own, on any level; that is no reason to refuse."""
    _, charger = await connect2(central, version)
    payload = deepcopy(FULL[action])

    def add(value: Any) -> None:
        if isinstance(value, dict):
            for inner in value.values():
                add(inner)
            value["vendorSays"] = {"a": [1, None]}
        elif isinstance(value, list):
            for inner in value:
                add(inner)

    add(payload)
    await charger.call(action, payload)


def texts(value: Any) -> Any:
    """Return a payload with its numbers written as texts."""
    match value:
        case bool():
            return value
        case int() | float():
            return str(value)
        case dict():
            return {key: texts(inner) for key, inner in value.items()}
        case list():
            return [texts(inner) for inner in value]
    return value


@each_message
async def test_numbers_as_texts(central: Central, version: str, action: str) -> None:
    """What is meant is clear."""
    _, charger = await connect2(central, version)
    await charger.call(action, texts(FULL[action]))
