"""OCPP 2.0.1 and 2.1: what is refused honestly, and what only 2.1 sends."""

import pytest

from custom_components.ocpp_central.csms.errors import CommandFailed

from .common import Central, Payload, Raw, Refused, stamp
from .common2 import both_versions, connect2

HASH: Payload = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "00",
    "issuerKeyHash": "01",
    "serialNumber": "02",
}
NEEDS: Payload = {
    "evseId": 1,
    "chargingNeeds": {"requestedEnergyTransfer": "AC_three_phase"},
}
EV_CERTIFICATE: Payload = {
    "iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef",
    "action": "Install",
    "exiRequest": "AAAA",
}


@both_versions
async def test_what_is_refused(central: Central, version: str) -> None:
    """Nobody makes schedules for cars or knows their contracts."""
    _, charger = await connect2(central, version)
    needs = "NoChargingProfile" if version == "2.1" else "Rejected"
    for action, payload, answer in (
        ("NotifyEVChargingNeeds", NEEDS, {"status": needs}),
        (
            "Get15118EVCertificate",
            EV_CERTIFICATE,
            {"status": "Failed", "exiResponse": ""},
        ),
        (
            "GetCertificateStatus",
            {"ocspRequestData": {**HASH, "responderURL": "https://example.com"}},
            {"status": "Failed"},
        ),
    ):
        assert await charger.call(action, payload) == answer


async def test_what_is_refused_in_the_newest(central: Central) -> None:
    """Each with what the schema requires of a refusal."""
    _, charger = await connect2(central, "2.1")
    stream = {"id": 1, "params": {"interval": 5}, "variableMonitoringId": 2}
    answer = await charger.call(
        "OpenPeriodicEventStream", {"constantStreamData": stream}
    )
    assert answer == {"status": "Rejected"}
    answer = await charger.call(
        "VatNumberValidation", {"vatNumber": "NL123", "evseId": 1}
    )
    assert answer == {"vatNumber": "NL123", "evseId": 1, "status": "Rejected"}
    asked = {"certificateHashData": HASH, "source": "CRL", "urls": ["https://x"]}
    answer = await charger.call(
        "GetCertificateChainStatus", {"certificateStatusRequests": [asked]}
    )
    (status,) = answer["certificateStatus"]
    assert status.pop("nextUpdate").endswith("Z")
    assert status == {"certificateHashData": HASH, "source": "CRL", "status": "Failed"}


@pytest.mark.parametrize("action", ["BatterySwap", "VatNumberValidation", "Nonsense"])
async def test_what_is_not_known(central: Central, action: str) -> None:
    """A message of 2.1 does not exist in 2.0.1."""
    _, charger = await connect2(central, "2.0.1")
    with pytest.raises(Refused) as refused:
        await charger.call(action, {})
    assert refused.value.code == "NotImplemented"


STREAM: Payload = {
    "id": 1,
    "pending": 0,
    "basetime": stamp(),
    "data": [{"t": 0, "v": "1"}],
}


@pytest.mark.parametrize(
    "frame",
    [
        [6, "x", "NotifyPeriodicEventStream", STREAM],
        [6, "x", "NotifyPeriodicEventStream", {}],
        [6, "x", "Nonsense", {}],
        [6, "x", "Heartbeat", {}],
        [6, "x", 7, {}],
        [6, "x", "NotifyPeriodicEventStream", []],
        ["6", "x", "Heartbeat", {}],
        [6, [], "Heartbeat", {}],
        [6, "x"],
        [5, "x", "FormatViolation", "it hurts", {}],
        [5, "x"],
        [5, None],
        ["5", "x", "InternalError", "", {}],
    ],
)
@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_what_has_no_answer(
    central: Central, version: str, frame: list[object]
) -> None:
    """Message types of 2.1 are never answered, and break nothing where unknown."""
    charge_point, charger = await connect2(central, version)
    await charger.send(frame)
    await charger.delivered()
    await charger.send([2, "next", "Heartbeat", {}])
    assert (await charger.frame())[:2] == [3, "next"]
    assert charge_point.connection is not None
    if version != "2.1":
        assert charge_point.connection.anomalies


async def test_an_answer_the_charger_does_not_understand(central: Central) -> None:
    """It is noted for the diagnostics, with what the charger says of it."""
    charge_point, charger = await connect2(central, "2.1")
    await charger.alive()
    await charger.send([5, "c1", "FormatViolation", "currentTime", {}])
    await charger.alive()
    assert charge_point.connection is not None
    anomaly = charge_point.connection.anomalies["our answer was not understood"]
    assert (anomaly.count, anomaly.example) == (1, "FormatViolation currentTime")


@pytest.mark.parametrize(
    ("version", "code"),
    [("1.6", "FormationViolation"), ("2.0.1", "FormatViolation")],
)
async def test_an_answer_that_is_no_use(
    central: Central, version: str, code: str
) -> None:
    """Whoever asked hears at once; the charger cannot be told."""
    charge_point, charger = await connect2(central, version)
    charger.answers["ClearCache"] = Raw('[3,"{id}","Accepted"]')
    with pytest.raises(CommandFailed, match=f"ClearCache: {code}"):
        await charge_point.commands.clear_cache()
    await charger.alive()


async def test_an_answer_that_is_no_use_to_the_newest(central: Central) -> None:
    """The charger is told what was wrong with its answer."""
    charge_point, charger = await connect2(central, "2.1")
    charger.answers["ClearCache"] = Raw('[3,"{id}","Accepted"]')
    with pytest.raises(CommandFailed, match="ClearCache: FormatViolation"):
        await charge_point.commands.clear_cache()
    unique_id = (await charger.called("ClearCache")).unique_id
    assert await charger.frame() == [
        5,
        unique_id,
        "FormatViolation",
        "payload is no object",
        {},
    ]
    await charger.alive()


@pytest.mark.parametrize(
    ("frame", "old", "new"),
    [
        ('[2,"a","Heartbeat",[]]', "FormationViolation", "FormatViolation"),
        ('[2,"a",7,{}]', "FormationViolation", "RpcFrameworkError"),
        ('[2,"a","Heartbeat",{"a":"b', "FormationViolation", "RpcFrameworkError"),
        ('[2,null,"Heartbeat",{}]', "FormationViolation", "RpcFrameworkError"),
    ],
)
@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_error_codes(
    central: Central, version: str, frame: str, old: str, new: str
) -> None:
    """Each version has its own words for what is wrong with a frame."""
    _, charger = await connect2(central, version)
    await charger.send(frame)
    answer = await charger.frame()
    assert answer[2] == (old if version == "1.6" else new)
    await charger.alive()
