"""Configuration, triggers and everything else a central system may ask for."""

from typing import Any

import pytest

from simulator import Charger, ManualClock

from .central import CallError, Central, MakeCharger


async def change(central: Central, key: str, value: str) -> str:
    """Change a configuration key."""
    answer = await central.call("ChangeConfiguration", {"key": key, "value": value})
    return str(answer["status"])


async def test_get_configuration(charger: Charger, central: Central) -> None:
    """All keys, or those asked for, whatever their case."""
    everything = await central.call("GetConfiguration", {})
    keys = {key["key"]: key for key in everything["configurationKey"]}
    assert keys["NumberOfConnectors"] == {
        "key": "NumberOfConnectors",
        "readonly": True,
        "value": "2",
    }
    assert await central.call("GetConfiguration", {"key": []}) == everything
    some = await central.call(
        "GetConfiguration", {"key": ["heartbeatinterval", "Nonsense"]}
    )
    assert some == {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
        ],
        "unknownKey": ["Nonsense"],
    }


async def test_too_many_keys(make_charger: MakeCharger, central: Central) -> None:
    """GetConfigurationMaxKeys is meant."""
    await make_charger(config={"GetConfigurationMaxKeys": "1"}).start()
    with pytest.raises(CallError) as error:
        await central.call("GetConfiguration", {"key": ["A", "B"]})
    assert error.value.code == "OccurenceConstraintViolation"


async def test_change_configuration(charger: Charger, central: Central) -> None:
    """Only what exists, may be changed and makes sense."""
    assert await change(central, "MeterValueSampleInterval", "10") == "Accepted"
    assert charger.configuration.integer("MeterValueSampleInterval") == 10
    assert await change(central, "metervaluesampleinterval", "-10") == "Rejected"
    assert await change(central, "MeterValueSampleInterval", "9999999999") == "Rejected"
    assert await change(central, "LocalPreAuthorize", "TRUE") == "Accepted"
    assert await change(central, "LocalPreAuthorize", "yes") == "Rejected"
    assert await change(central, "NumberOfConnectors", "3") == "Rejected"
    assert await change(central, "Nonsense", "1") == "NotSupported"
    assert await change(central, "WebSocketPingInterval", "20") == "RebootRequired"
    assert (
        await change(central, "MeterValuesSampledData", "Voltage, Temperature")
        == "Accepted"
    )
    assert (
        await change(central, "MeterValuesSampledData", "Voltage,Voltage") == "Rejected"
    )
    assert await change(central, "MeterValuesSampledData", "Voltage,SoC") == "Rejected"
    assert await change(central, "MeterValuesSampledData", "") == "Accepted"


async def test_overrides(make_charger: MakeCharger, central: Central) -> None:
    """A test may want other keys."""
    charger = make_charger(config={"AcmeMode": "fast", "HeartbeatInterval": None})
    await charger.start()
    answer = await central.call(
        "GetConfiguration", {"key": ["AcmeMode", "HeartbeatInterval"]}
    )
    assert answer["configurationKey"] == [
        {"key": "AcmeMode", "readonly": False, "value": "fast"},
        # It came back with the interval of the BootNotification.
        {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
    ]
    assert await change(central, "AcmeMode", "slow") == "Accepted"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("BootNotification", ["BootNotification"]),
        ("Heartbeat", ["Heartbeat"]),
        ("StatusNotification", ["StatusNotification"] * 3),
        ("MeterValues", ["MeterValues"] * 2),
        ("FirmwareStatusNotification", ["FirmwareStatusNotification"]),
        ("DiagnosticsStatusNotification", ["DiagnosticsStatusNotification"]),
    ],
)
async def test_trigger(
    charger: Charger, central: Central, message: str, said: list[str]
) -> None:
    """Whatever is asked for comes after the answer, once for each connector."""
    before = len(central.actions)
    answer = await central.call("TriggerMessage", {"requestedMessage": message})
    assert answer == {"status": "Accepted"}
    await charger.settle()
    assert central.actions[before:] == said


async def test_trigger_for_one_connector(charger: Charger, central: Central) -> None:
    """Meter values tell that they were triggered, and of which transaction they are."""
    charger.connector(2).plug_in()
    await charger.swipe("CARD1", 2)
    request = {"requestedMessage": "MeterValues", "connectorId": 2}
    assert await central.call("TriggerMessage", request) == {"status": "Accepted"}
    await charger.settle()
    (values,) = central.said("MeterValues")
    assert (values["connectorId"], values["transactionId"]) == (2, 101)
    assert values["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"
    for connector, message in ((0, "MeterValues"), (3, "StatusNotification")):
        request = {"requestedMessage": message, "connectorId": connector}
        assert await central.call("TriggerMessage", request) == {"status": "Rejected"}
    request = {"requestedMessage": "StatusNotification", "connectorId": 0}
    assert await central.call("TriggerMessage", request) == {"status": "Accepted"}


async def test_data_transfer(charger: Charger, central: Central) -> None:
    """Only for this vendor, and only what it knows."""
    request = {"vendorId": "Simulated Chargers", "messageId": "Echo", "data": "x"}
    answer = await central.call("DataTransfer", request)
    assert answer == {"status": "Accepted", "data": "x"}
    for request, status in (
        ({"vendorId": "Acme"}, "UnknownVendorId"),
        ({"vendorId": "Simulated Chargers", "messageId": "Sing"}, "UnknownMessageId"),
        ({"vendorId": "Simulated Chargers", "messageId": "Echo"}, "Rejected"),
        ({"vendorId": "Simulated Chargers"}, "Accepted"),
    ):
        assert await central.call("DataTransfer", request) == {"status": status}


async def test_rude_answers(charger: Charger, central: Central) -> None:
    """An overridden request is answered as told, and nothing happens."""
    request = {"idTag": "HOME", "connectorId": 1}
    charger.connector(1).plug_in()
    charger.answer("RemoteStartTransaction", {"status": "Accepted"})
    assert await central.call("RemoteStartTransaction", request) == {
        "status": "Accepted"
    }
    charger.answer("RemoteStartTransaction", {"status": "Perhaps"}, times=1)
    assert await central.call("RemoteStartTransaction", request) == {
        "status": "Perhaps"
    }
    await charger.settle()
    assert "StartTransaction" not in central.actions
    assert (
        len([each for each in charger.requests if each[0] == "RemoteStartTransaction"])
        == 2
    )
    assert await central.call("RemoteStartTransaction", request) == {
        "status": "Accepted"
    }
    await charger.settle()
    assert "StartTransaction" in central.actions


async def test_rude_errors_and_silence(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """A CALLERROR, or nothing at all."""
    charger.error("ClearCache", "InternalError", "cannot", {"why": "rude"})
    with pytest.raises(CallError) as error:
        await central.call("ClearCache", {})
    assert error.value.args == ("InternalError", "cannot", {"why": "rude"})
    charger.behave("ClearCache")
    charger.never_answer("ClearCache", times=1)
    charger.never_answer("Reset")
    await central.send('[2, "silence", "ClearCache", {}]')
    await central.send('[2, "more silence", "Reset", {"type": "Hard"}]')
    assert await central.call("ClearCache", {}) == {"status": "Accepted"}
    charger.behave()
    await central.call("Reset", {"type": "Hard"})
    await charger.wait_for(lambda: not charger.accepted)


async def test_history_is_bounded(
    charger: Charger, central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A charger may run for months."""
    monkeypatch.setattr("simulator.base._HISTORY", 10)
    for _ in range(20):
        await charger.call("DataTransfer", {"vendorId": "Acme"})
    assert len(charger.sent) <= 10


async def test_failing_tasks_are_logged(
    charger: Charger, caplog: pytest.LogCaptureFixture
) -> None:
    """And harm nobody else; nor does a condition that cannot be evaluated."""

    async def fail() -> None:
        raise RuntimeError("on purpose")

    charger.activity.spawn(fail())
    await charger.settle()
    assert "on purpose" in caplog.text

    def nonsense() -> bool:
        if charger.connector(1).car is None:
            return False
        raise ZeroDivisionError

    charger.connector(2).plug_in()
    waiting: Any = charger.wait_for(nonsense)
    charger.activity.spawn(_plug_in(charger))
    with pytest.raises(ZeroDivisionError):
        await waiting


async def _plug_in(charger: Charger) -> None:
    charger.connector(1).plug_in()
