"""What stations that speak OCPP 2.0.1 and 2.1 do besides charging."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

from aiohttp import web
import pytest

from simulator import ManualClock
from simulator.clock import format_time
from simulator.v2 import Charger2

from .central import Central
from .stations import ACCEPTED, charge, ready

TOKEN = {"idToken": "CARD1", "type": "ISO14443"}
OTHER = {"idToken": "CARD2", "type": "ISO14443"}

NEWER = pytest.mark.parametrize("version", ["2.1"])


@pytest.fixture(params=["2.0.1", "2.1"])
def version(request: pytest.FixtureRequest) -> str:
    """A version of OCPP."""
    return str(request.param)


@pytest.fixture
async def station(
    central: Central, clock: ManualClock, version: str
) -> AsyncGenerator[Charger2]:
    """A station with two EVSEs, online; in the end nobody may have done wrong."""
    ready(central, version)
    charger = Charger2(central.url, "GARAGE", version=version, evses=2, clock=clock)
    await charger.start()
    yield charger
    await charger.stop()
    assert charger.violations == []


async def status(central: Central, action: str, payload: dict[str, Any]) -> str:
    """Ask for something and return the status."""
    return str((await central.call(action, payload))["status"])


async def test_reservation(
    station: Charger2, central: Central, clock: ManualClock
) -> None:
    """A place is kept for one token, until it is used, given up or too late."""

    async def reserve(number: int, **what: Any) -> str:
        expiry = format_time(clock.now() + timedelta(minutes=5))
        payload = {"id": number, "expiryDateTime": expiry, "idToken": TOKEN, **what}
        return await status(central, "ReserveNow", payload)

    assert await reserve(1, evseId=1) == "Accepted"
    await station.settle()
    assert station.connector(1).status == "Reserved"
    assert await reserve(2, evseId=1) == "Occupied"
    assert await reserve(2, evseId=3) == "Rejected"
    assert await reserve(2, connectorType="cCCS2") == "Rejected"
    assert await reserve(2, connectorType="cType2") == "Accepted"
    assert await reserve(3) == "Occupied"
    station.connector(1).plug_in()
    assert await station.swipe("CARD2", 1) == "Unavailable"
    assert await station.swipe("CARD1", 1) == "Accepted"
    started = central.said("TransactionEvent")[0]
    assert started["reservationId"] == 1
    await clock.advance(301)
    assert central.said("ReservationStatusUpdate") == [
        {"reservationId": 2, "reservationUpdateStatus": "Expired"}
    ]
    assert await status(central, "CancelReservation", {"reservationId": 2}) == (
        "Rejected"
    )
    assert await reserve(4, evseId=2) == "Accepted"
    await station.fault(2)
    assert central.said("ReservationStatusUpdate")[-1] == {
        "reservationId": 4,
        "reservationUpdateStatus": "Removed",
    }


async def test_local_list(station: Charger2, central: Central) -> None:
    """The list is replaced, changed, and used while offline."""

    async def send(number: int, kind: str, *entries: Any) -> str:
        payload: dict[str, Any] = {"versionNumber": number, "updateType": kind}
        if entries:
            payload["localAuthorizationList"] = list(entries)
        return await status(central, "SendLocalList", payload)

    known = {"idToken": TOKEN, "idTokenInfo": ACCEPTED}
    assert await send(3, "Full", known) == "Accepted"
    assert await send(3, "Differential", known) == "VersionMismatch"
    blocked = {"idToken": OTHER, "idTokenInfo": {"status": "Blocked"}}
    assert await send(4, "Differential", blocked) == "Accepted"
    assert station.local_list.tokens == {"card1": "Accepted", "card2": "Blocked"}
    assert await send(5, "Differential", {"idToken": OTHER}) == "Accepted"
    answer = await central.call("GetLocalListVersion", {})
    assert answer == {"versionNumber": 5}
    assert station.variables.text("LocalAuthListCtrlr.Entries") == "1"


async def test_log(station: Charger2, central: Central, clock: ManualClock) -> None:
    """A log is really sent."""
    bodies: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return web.Response()

    app = web.Application()
    app.router.add_put("/{name}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"

    ask = {"logType": "DiagnosticsLog", "log": {"remoteLocation": url}}
    first = await central.call("GetLog", {**ask, "requestId": 1})
    assert first["status"] == "Accepted"
    second = await central.call("GetLog", {**ask, "requestId": 2})
    assert second["status"] == "AcceptedCanceled"
    await clock.advance(20)
    await runner.cleanup()
    assert bodies == [station.jobs.content]
    assert [
        (each["status"], each["requestId"])
        for each in central.said("LogStatusNotification")
    ] == [
        ("Uploading", 1),
        ("AcceptedCanceled", 1),
        ("Uploading", 2),
        ("Uploaded", 2),
    ]


async def test_firmware(
    station: Charger2, central: Central, clock: ManualClock
) -> None:
    """Firmware is installed once nobody charges."""
    await charge(station, clock)
    firmware = {
        "location": "http://files/firmware",
        "retrieveDateTime": format_time(clock.now()),
        "signingCertificate": "-----BEGIN CERTIFICATE-----",
        "signature": "MEUCIQ",
    }
    ask = {"requestId": 4, "firmware": firmware}
    assert await status(central, "UpdateFirmware", ask) == "Accepted"
    await clock.advance(30)
    await station.swipe("CARD1")
    await clock.advance(60)
    said = central.said("FirmwareStatusNotification")
    assert {each["requestId"] for each in said} == {4}
    assert [each["status"] for each in said] == [
        "Downloading",
        "Downloaded",
        "SignatureVerified",
        "InstallScheduled",
        "Installing",
        "InstallRebooting",
        "Installed",
    ]
    boot = central.said("BootNotification")[-1]
    assert boot["reason"] == "FirmwareUpdate"
    assert boot["chargingStation"]["firmwareVersion"] == "2.0.0"
    trigger = {"requestedMessage": "FirmwareStatusNotification"}
    assert await status(central, "TriggerMessage", trigger) == "Accepted"
    await station.settle()
    assert central.said("FirmwareStatusNotification")[-1] == {"status": "Idle"}


async def test_published_firmware(
    station: Charger2, central: Central, clock: ManualClock
) -> None:
    """Firmware is there for others until it is taken back."""
    ask = {"requestId": 4, "location": "http://files/f.bin", "checksum": "abc"}
    assert await status(central, "PublishFirmware", ask) == "Accepted"
    taken_back = {"checksum": "abc"}
    assert await status(central, "UnpublishFirmware", taken_back) == "DownloadOngoing"
    await clock.advance(20)
    said = central.said("PublishFirmwareStatusNotification")
    assert [each["status"] for each in said][-2:] == ["ChecksumVerified", "Published"]
    assert await status(central, "UnpublishFirmware", taken_back) == "Unpublished"
    assert await status(central, "UnpublishFirmware", taken_back) == "NoFirmware"


async def test_display(station: Charger2, central: Central, clock: ManualClock) -> None:
    """Messages are shown, reported in parts, and go by themselves."""

    async def show(number: int, **what: Any) -> str:
        text = {"format": "UTF8", "content": f"text {number}"}
        message = {"id": number, "priority": "NormalCycle", "message": text, **what}
        return await status(central, "SetDisplayMessage", {"message": message})

    for number in range(3):
        assert await show(number) == "Accepted"
    end = format_time(clock.now() + timedelta(minutes=1))
    assert await show(3, priority="AlwaysFront", endDateTime=end) == "Accepted"
    assert await show(4, transactionId="none") == "UnknownTransaction"
    assert station.displays.shown == ["text 3"]
    assert await status(central, "GetDisplayMessages", {"requestId": 1}) == "Accepted"
    await station.settle()
    reports = central.said("NotifyDisplayMessages")
    assert [each["tbc"] for each in reports] == [True, False]
    await clock.advance(61)
    assert station.displays.shown == ["text 0", "text 1", "text 2"]
    assert await status(central, "ClearDisplayMessage", {"id": 1}) == "Accepted"
    assert await status(central, "ClearDisplayMessage", {"id": 1}) == "Unknown"


def monitor(kind: str, value: float, **more: Any) -> dict[str, Any]:
    """What to watch the power of EVSE 1 for."""
    return {
        "type": kind,
        "value": value,
        "severity": 5,
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Power"},
        **more,
    }


async def test_monitors(
    station: Charger2, central: Central, clock: ManualClock
) -> None:
    """What is watched is told, reported, and no longer."""
    wanted = [
        monitor("UpperThreshold", 5000),
        monitor("UpperThreshold", 6000),
        monitor("LowerThreshold", -1),
        monitor("Periodic", 60, variable={"name": "Nothing"}),
    ]
    answer = await central.call("SetVariableMonitoring", {"setMonitoringData": wanted})
    assert [each["status"] for each in answer["setMonitoringResult"]] == [
        "Accepted",
        "Duplicate",
        "Rejected",
        "UnknownVariable",
    ]
    await charge(station, clock)
    await station.swipe("CARD1")
    events = [each["eventData"][0] for each in central.said("NotifyEvent")]
    assert [(each["trigger"], each.get("cleared")) for each in events] == [
        ("Alerting", None),
        ("Alerting", True),
    ]
    assert float(events[0]["actualValue"]) > 5000
    ask: dict[str, Any] = {"requestId": 1}
    assert await status(central, "GetMonitoringReport", ask) == "Accepted"
    await station.settle()
    (report,) = central.said("NotifyMonitoringReport")
    (found,) = report["monitor"][0]["variableMonitoring"]
    assert found["value"] == 5000
    answer = await central.call("ClearVariableMonitoring", {"id": [found["id"], 99]})
    assert [each["status"] for each in answer["clearMonitoringResult"]] == [
        "Accepted",
        "NotFound",
    ]
    assert await status(central, "GetMonitoringReport", ask) == "EmptyResultSet"


@NEWER
async def test_stream(station: Charger2, central: Central, clock: ManualClock) -> None:
    """Values are streamed in portions, without an answer."""
    params = {"interval": 0, "values": 2}
    data = monitor("Periodic", 10, periodicEventStream=params)
    answer = await central.call("SetVariableMonitoring", {"setMonitoringData": [data]})
    (result,) = answer["setMonitoringResult"]
    await clock.advance(45)
    sent = [each for action, each in station.sent if "PeriodicEventStream" in action]
    assert [len(each["data"]) for each in sent[1:]] == [2, 2]
    assert (await central.call("GetPeriodicEventStream", {}))["constantStreamData"] == [
        {"id": 1, "variableMonitoringId": result["id"], "params": params}
    ]
    adjusted = {"id": 1, "params": {"values": 1}}
    assert await status(central, "AdjustPeriodicEventStream", adjusted) == "Accepted"
    await central.call("ClearVariableMonitoring", {"id": [result["id"]]})
    await station.settle()
    assert central.said("ClosePeriodicEventStream") == [{"id": 1}]
    assert await central.call("GetPeriodicEventStream", {}) == {}


@NEWER
async def test_tariffs(station: Charger2, central: Central, clock: ManualClock) -> None:
    """A transaction costs what the tariff says."""
    tariff = {
        "tariffId": "T1",
        "currency": "EUR",
        "energy": {"prices": [{"priceKwh": 0.5}]},
        "fixedFee": {"prices": [{"priceFixed": 1.0}]},
    }
    everywhere = {"evseId": 0}
    assert await status(central, "GetTariffs", everywhere) == "NoTariff"
    ask = {**everywhere, "tariff": tariff}
    assert await status(central, "SetDefaultTariff", ask) == "Accepted"
    transaction = await charge(station, clock)
    change = {"transactionId": transaction, "tariff": {**tariff, "currency": "USD"}}
    answer = await status(central, "ChangeTransactionTariff", change)
    assert answer == "NoCurrencyChange"
    await clock.advance(3600)
    await station.swipe("CARD1")
    ended = central.said("TransactionEvent")[-1]
    cost = ended["costDetails"]
    assert cost["totalCost"]["fixed"] == {"exclTax": 1.0}
    energy = cost["totalUsage"]["energy"]
    assert energy == pytest.approx(11, abs=0.1)
    assert cost["totalCost"]["total"]["exclTax"] == pytest.approx(
        1 + energy / 2, abs=0.001
    )
    assert (await central.call("GetTariffs", everywhere))["tariffAssignments"] == [
        {"tariffId": "T1", "tariffKind": "DefaultTariff", "evseIds": [1, 2]}
    ]
    answer_ = await central.call("ClearTariffs", {"tariffIds": ["T1", "T2"]})
    assert [each["status"] for each in answer_["clearTariffsResult"]] == [
        "Accepted",
        "NoTariff",
    ]


@NEWER
async def test_grid_and_batteries(
    station: Charger2, central: Central, clock: ManualClock
) -> None:
    """What else came with 2.1."""
    control = {
        "isDefault": False,
        "controlId": "c1",
        "controlType": "FixedVar",
        "fixedVar": {
            "priority": 1,
            "setpoint": 10.0,
            "unit": "PctMaxVar",
            "startTime": format_time(clock.now() + timedelta(seconds=10)),
            "duration": 20.0,
        },
    }
    assert await status(central, "SetDERControl", control) == "Accepted"
    second = await central.call("SetDERControl", {**control, "controlId": "c2"})
    assert second == {"status": "Accepted", "supersededIds": ["c1"]}
    ask: dict[str, Any] = {"requestId": 3}
    assert await status(central, "GetDERControl", ask) == "Accepted"
    await station.settle()
    (report,) = central.said("ReportDERControl")
    assert [each["isSuperseded"] for each in report["fixedVar"]] == [True, False]
    await clock.advance(31)
    told = central.said("NotifyDERStartStop")
    assert [(each["controlId"], each["started"]) for each in told][-1] == ("c2", False)
    gone = {"isDefault": True}
    assert await status(central, "ClearDERControl", gone) == "NotFound"

    swap = {"requestId": 5, "idToken": TOKEN}
    assert await status(central, "RequestBatterySwap", swap) == "Rejected"
    station.batteries.append("FULL-1")
    assert await status(central, "RequestBatterySwap", swap) == "Accepted"
    await station.settle()
    assert [each["eventType"] for each in central.said("BatterySwap")] == [
        "BatteryIn",
        "BatteryOut",
    ]
    signal = {"timestamp": format_time(clock.now()), "signal": 1}
    assert await status(central, "AFRRSignal", signal) == "Rejected"


async def test_others(station: Charger2, central: Central, clock: ManualClock) -> None:
    """Customers, ways to connect, costs and certificates."""
    await charge(station, clock)
    ask = {"requestId": 1, "report": True, "clear": True, "idToken": TOKEN}
    assert await status(central, "CustomerInformation", ask) == "Accepted"
    await station.settle()
    (told,) = central.said("NotifyCustomerInformation")
    assert "charges at EVSE 1" in told["data"]
    data = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": "ws://elsewhere",
        "messageTimeout": 30,
        "securityProfile": 1,
        "ocppInterface": "Wired0",
    }
    slot = {"configurationSlot": 1, "connectionData": data}
    assert await status(central, "SetNetworkProfile", slot) == "Accepted"
    slot["configurationSlot"] = 9
    assert await status(central, "SetNetworkProfile", slot) == "Rejected"
    assert await status(central, "GetInstalledCertificateIds", {}) == "NotFound"
    trigger = {"requestedMessage": "SignChargingStationCertificate"}
    assert await status(central, "TriggerMessage", trigger) == "Accepted"
    await station.settle()
    (signing,) = central.said("SignCertificate")
    assert "CERTIFICATE REQUEST" in signing["csr"]
    transaction = station.connector(1).transaction_id
    cost = {"totalCost": 3.5, "transactionId": transaction}
    assert await central.call("CostUpdated", cost) == {}
