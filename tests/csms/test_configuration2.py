"""The settings of a charger of OCPP 2.x: read in parts, changed, and watched."""

import asyncio
from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.configuration import Findings
from custom_components.ocpp_central.csms.errors import (
    CommandFailed,
    CommandRejected,
    InvalidCommand,
    NotConnected,
)
from custom_components.ocpp_central.csms.model import Event, EventKind, LimitUnit
from custom_components.ocpp_central.csms.settings import MONITOR_INTERVAL
from custom_components.ocpp_central.csms.vocabulary import Setting

from .common import (
    TIMING,
    Answer,
    Central,
    Charger,
    Raw,
    Refusal,
    Silence,
    bring_up,
    central_system,
)
from .common2 import BOOT, both_versions, connect2
from .conftest import LoopClock
from .device_model import FINE, DeviceModel, changed

TIMEOUT = "TxCtrlr.EVConnectionTimeOut"
ITEMS = "DeviceDataCtrlr.ItemsPerMessage[GetVariables]"
BYTES = "DeviceDataCtrlr.BytesPerMessage[GetVariables]"


async def ready(
    central: Central, version: str, **values: str | None
) -> tuple[ChargePoint, Charger, DeviceModel]:
    """Have a charger past its bring-up."""
    charge_point, charger = await connect2(central, version)
    model = DeviceModel(**FINE, **values)
    model.serve(charger)
    await charger.call("BootNotification", BOOT)
    await bring_up()
    charger.forget()
    return charge_point, charger, model


async def report(charge_point: ChargePoint, charger: Charger, parts: Any) -> Findings:
    """Ask for everything, which the charger tells in these parts of a request."""
    task = asyncio.create_task(charge_point.settings.read())
    call = await charger.called("GetBaseReport")
    assert call.payload["reportBase"] == "FullInventory"
    for part in parts(call.payload["requestId"]):
        assert await charger.call("NotifyReport", part) == {}
    return await task


def values(findings: Findings) -> dict[str, str | None]:
    """Return what is known."""
    return {name: key.value for name, key in findings.known.items()}


def follow(charge_point: ChargePoint) -> list[tuple[Any, ...]]:
    """Return the list that changes will be added to."""
    events: list[tuple[Any, ...]] = []

    def note(event: Event) -> None:
        if event.kind is EventKind.CONFIGURATION:
            events.append(tuple(event.attributes.values()))

    charge_point.subscribe_events(note)
    return events


# Everything


@both_versions
@pytest.mark.parametrize(
    "order",
    [(0, 1, 2), (2, 0, 1), (0, 0, 1, 1, 2), (1, 2, 0)],
    ids=["in order", "last first", "twice", "first last"],
)
async def test_report(central: Central, version: str, order: tuple[int, ...]) -> None:
    """A report is complete when all its parts have come, however they come."""
    charge_point, charger, model = await ready(
        central, version, **{"A.B": "1", "Connector@1:2.Available[x]": "true"}
    )
    model.values["SecurityCtrlr.BasicAuthPassword"] = None
    model.readonly = {"A.B"}
    findings = await report(
        charge_point,
        charger,
        lambda number: [model.parts(number, 3)[part] for part in order],
    )
    assert values(findings) == model.values
    assert not findings.unknown
    assert findings.known["a.b"].readonly
    assert charge_point.configuration["A.B"].value == "1"


@both_versions
@pytest.mark.parametrize("left_out", [0, 1, 2])
async def test_report_that_never_ends(
    socket_enabled: None, loop_clock: LoopClock, version: str, left_out: int
) -> None:
    """What has come in time is better than nothing."""
    async with central_system(timing=replace(TIMING, call=30)) as central:
        charge_point, charger, model = await ready(central, version)
        task = asyncio.create_task(charge_point.settings.read())
        call = await charger.called("GetBaseReport")
        parts = model.parts(call.payload["requestId"], 2)
        parts.append({**parts[0], "seqNo": 2, "reportData": parts[0]["reportData"][:1]})
        parts[1]["tbc"] = True
        del parts[left_out]
        for part in parts:
            await charger.call("NotifyReport", part)
        loop_clock.advance(31)
        findings = await task
        assert set(findings.known) <= set(model.values)
        assert findings.known


@both_versions
@pytest.mark.parametrize(
    "refusal",
    [
        {"status": "Rejected"},
        {"status": "NotSupported"},
        {"status": "EmptyResultSet"},
        Refusal("NotImplemented"),
        Refusal("InternalError"),
    ],
)
async def test_no_report(central: Central, version: str, refusal: Answer) -> None:
    """A charger that makes no report is asked for what there usually is."""
    charge_point, charger, _ = await ready(central, version, **{TIMEOUT: "60"})
    charger.answers["GetBaseReport"] = refusal
    findings = await charge_point.settings.read()
    assert [
        call.payload["reportBase"]
        for call in charger.calls
        if call.action == "GetBaseReport"
    ] == ["FullInventory", "ConfigurationInventory"]
    assert values(findings) == {**FINE, TIMEOUT: "60"}
    assert not findings.unknown


@both_versions
async def test_report_of_the_other_kind(central: Central, version: str) -> None:
    """Some tell only what can be changed."""
    charge_point, charger, model = await ready(central, version)
    charger.answers["GetBaseReport"] = lambda payload: {
        "status": "NotSupported"
        if payload["reportBase"] == "FullInventory"
        else "Accepted"
    }
    task = asyncio.create_task(charge_point.settings.read())
    await charger.called("GetBaseReport")
    call = await charger.called("GetBaseReport")
    for part in model.parts(call.payload["requestId"]):
        await charger.call("NotifyReport", part)
    assert values(await task) == FINE


@both_versions
async def test_gone_in_mid_report(central: Central, version: str) -> None:
    """Nobody waits for a charger that has gone."""
    charge_point, charger, model = await ready(central, version)
    task = asyncio.create_task(charge_point.settings.read())
    call = await charger.called("GetBaseReport")
    await charger.call("NotifyReport", model.parts(call.payload["requestId"], 2)[0])
    await charger.hang_up()
    with pytest.raises(NotConnected):
        await task


@both_versions
async def test_unasked_report(central: Central, version: str) -> None:
    """What a charger reports unasked, or to whom asked by `call`, is known then."""
    charge_point, charger, model = await ready(central, version)
    model.values |= {"LocalAuthListCtrlr.Entries": "2", TIMEOUT: "45"}
    model.most["LocalAuthListCtrlr.Entries"] = 20.0
    for part in model.parts(4711):
        assert await charger.call("NotifyReport", part) == {}
    configuration = charge_point.configuration
    assert configuration.integer(Setting.CONNECTION_TIMEOUT) == 45
    assert configuration.most(Setting.LOCAL_LIST_ENTRIES) == 20


# By name


@both_versions
async def test_by_name(central: Central, version: str) -> None:
    """Names are taken as people write them; what nobody may read has no value."""
    charge_point, charger, _ = await ready(
        central, version, **{TIMEOUT: "60", "A.Secret": None, "EVSE@1.Power": "11"}
    )
    findings = await charge_point.settings.read(
        [
            "txctrlr.evconnectiontimeout",
            "EVSE @1. Power",
            "A.Secret",
            "No.Such",
            "What?",
        ]
    )
    assert values(findings) == {TIMEOUT: "60", "EVSE@1.Power": "11", "A.Secret": None}
    assert findings.unknown == ["What?", "No.Such"]
    (call,) = charger.calls
    assert call.payload["getVariableData"][1] == {
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Power"},
    }


@both_versions
async def test_by_its_name_in_16(central: Central, version: str) -> None:
    """Automations need not know which version a charger speaks."""
    charge_point, charger, _ = await ready(central, version, **{TIMEOUT: "60"})
    findings = await charge_point.settings.read(["ConnectionTimeOut"])
    assert values(findings) == {TIMEOUT: "60"}
    await charge_point.commands.set_configuration("ConnectionTimeOut", "90")
    assert charger.calls[-1].payload == {
        "setVariableData": [
            {
                "component": {"name": "TxCtrlr"},
                "variable": {"name": "EVConnectionTimeOut"},
                "attributeValue": "90",
            }
        ]
    }


def sizes(charger: Charger) -> list[int]:
    """Return how many variables were asked for at a time."""
    return [
        len(call.payload["getVariableData"])
        for call in charger.calls
        if call.action == "GetVariables"
    ]


@both_versions
async def test_portions(central: Central, version: str) -> None:
    """It is asked for no more at a time than it says it can take."""
    names = [f"A.B{number}" for number in range(25)]
    charge_point, charger, model = await ready(
        central, version, **dict.fromkeys(names, "1")
    )
    await charge_point.settings.read(names)
    assert sizes(charger) == [10, 10, 5]
    model.values |= {ITEMS: "4", BYTES: "5000"}
    await charge_point.settings.read([ITEMS, BYTES])
    charger.forget()
    await charge_point.settings.read(names)
    assert sizes(charger) == [4] * 6 + [1]
    model.values |= {BYTES: "210"}
    await charge_point.settings.read([ITEMS, BYTES])
    charger.forget()
    await charge_point.settings.read(names)
    assert sizes(charger) == [2] * 12 + [1]


@both_versions
async def test_one_by_one(central: Central, version: str) -> None:
    """What it refuses to tell together is asked for one by one."""
    charge_point, charger, model = await ready(central, version, **{"A.A": "1"})
    model.poison = {"A.B"}
    findings = await charge_point.settings.read(["A.A", "A.B", "A.C"])
    assert values(findings) == {"A.A": "1"}
    assert findings.unknown == ["A.C", "A.B"]
    assert sizes(charger) == [3, 1, 1, 1]
    with pytest.raises(CommandFailed, match="OccurrenceConstraint"):
        await charge_point.settings.read(["A.B"])


# Changes


@both_versions
@pytest.mark.parametrize(
    "status",
    ["Rejected", "UnknownComponent", "UnknownVariable", "NotSupportedAttributeType"],
)
async def test_refused(central: Central, version: str, status: str) -> None:
    """The charger's own word comes back."""
    charge_point, _, model = await ready(central, version, **{TIMEOUT: "60"})
    model.statuses[TIMEOUT] = status
    with pytest.raises(CommandRejected) as error:
        await charge_point.commands.set_configuration(TIMEOUT, "90")
    assert error.value.response == {"status": status}
    assert charge_point.configuration[TIMEOUT].value == "60"


@both_versions
async def test_why_refused(central: Central, version: str) -> None:
    """And so does its reason."""
    charge_point, charger, _ = await ready(central, version)
    info = {"reasonCode": "ReadOnly", "additionalInfo": "It is."}
    charger.answers["SetVariables"] = lambda payload: {
        "setVariableResult": [
            {
                "attributeStatus": "Rejected",
                "attributeStatusInfo": info,
                "component": payload["setVariableData"][0]["component"],
                "variable": payload["setVariableData"][0]["variable"],
            }
        ]
    }
    with pytest.raises(CommandRejected) as error:
        await charge_point.commands.set_configuration("A.B", "1")
    assert error.value.response == {"status": "Rejected", "statusInfo": info}


@both_versions
async def test_no_variable(central: Central, version: str) -> None:
    """What names no component cannot be sent."""
    charge_point, charger, _ = await ready(central, version)
    with pytest.raises(InvalidCommand, match="Lamp"):
        await charge_point.commands.set_configuration("Lamp", "1")
    assert not charger.calls


@both_versions
@pytest.mark.parametrize("by_call", [False, True])
async def test_restart_required(central: Central, version: str, by_call: bool) -> None:
    """What holds only after a restart is remembered until then."""
    charge_point, charger, model = await ready(central, version, **{TIMEOUT: "60"})
    model.statuses[TIMEOUT] = "RebootRequired"
    if by_call:
        component, variable = {"name": "TxCtrlr"}, {"name": "EVConnectionTimeOut"}
        change = {
            "component": component,
            "variable": variable,
            "attributeValue": "90",
        }
        await charge_point.commands.call("SetVariables", {"setVariableData": [change]})
    else:
        answer = await charge_point.commands.set_configuration(TIMEOUT, "90")
        assert answer == {"status": "RebootRequired"}
    assert charge_point.value(0, "reboot_required") is True
    assert charge_point.settings.state.reboot_required == [TIMEOUT]
    assert charge_point.configuration[TIMEOUT].value == "90"
    await charger.close()
    charger = await central.dial(protocols=(f"ocpp{version}",))
    model.serve(charger)
    await charger.call("BootNotification", BOOT)
    assert charge_point.value(0, "reboot_required") is False
    await bring_up()


# Watching


@both_versions
async def test_watch(central: Central, version: str) -> None:
    """A charger that can tells changes by itself, until that is called off."""
    charge_point, charger, model = await ready(
        central, version, **{TIMEOUT: "60", "A.B": "x"}
    )
    model.monitors[7] = "Foreign.One"
    await charge_point.settings.read([TIMEOUT, "A.B"])
    events = follow(charge_point)
    charge_point.settings.monitor(["connectiontimeout", "A.B"])
    call = await charger.called("SetVariableMonitoring")
    assert call.payload["setMonitoringData"] == [
        {
            "component": {"name": "TxCtrlr"},
            "variable": {"name": "EVConnectionTimeOut"},
            "type": "Delta",
            "value": 0.1,
            "severity": 7,
        }
    ]
    await charger.called("GetVariables")
    await charger.delivered()
    await charger.call("NotifyEvent", changed(TIMEOUT, "30"))
    await charger.call("NotifyEvent", changed(TIMEOUT, "30"))
    await charger.call("NotifyEvent", changed("A.B", "y"))
    await charger.call("NotifyEvent", changed("A.Other", "y"))
    assert [event[1:] for event in events] == [
        ("60", "30", "charger"),
        ("x", "y", "charger"),
    ]
    assert charge_point.configuration["A.B"].value == "y"

    charger.forget()
    assert charge_point.settings.monitor([]) == []
    call = await charger.called("ClearVariableMonitoring")
    assert call.payload == {"id": [101, 102]}
    await charger.delivered()
    assert model.monitors == {7: "Foreign.One"}
    await charger.call("NotifyEvent", changed("A.B", "z"))
    assert len(events) == 2


@both_versions
async def test_own_change_told(central: Central, version: str) -> None:
    """A change of ours is ours, also where the charger tells it before it answers."""
    charge_point, charger, _ = await ready(central, version, **{TIMEOUT: "60"})
    await charge_point.settings.read([TIMEOUT])
    events = follow(charge_point)
    charge_point.settings.monitor([TIMEOUT])
    await charger.called("GetVariables")
    charger.answers["SetVariables"] = Silence()
    task = asyncio.create_task(charge_point.commands.set_configuration(TIMEOUT, "30"))
    call = await charger.called("SetVariables")
    await charger.call("NotifyEvent", changed(TIMEOUT, "30"))
    (item,) = call.payload["setVariableData"]
    del item["attributeValue"]
    await charger.answer(
        call, {"setVariableResult": [{**item, "attributeStatus": "Accepted"}]}
    )
    await task
    assert events == [(TIMEOUT, "60", "30", "own")]


@both_versions
@pytest.mark.parametrize(
    "answer",
    [
        "UnknownVariable",
        "UnsupportedMonitorType",
        "Rejected",
        "Duplicate",
        Refusal("NotImplemented"),
        Refusal("InternalError"),
        Raw('[3,"{id}",{"setMonitoringResult":null}]'),
    ],
)
async def test_it_does_not_tell(
    central: Central, version: str, answer: Any, freezer: FrozenDateTimeFactory
) -> None:
    """One that does not tell is asked again; and a watch of others is not ended."""
    charge_point, charger, model = await ready(central, version, **{TIMEOUT: "60"})
    await charge_point.settings.read([TIMEOUT])
    if isinstance(answer, str):
        model.monitoring[TIMEOUT] = answer
    else:
        charger.answers["SetVariableMonitoring"] = answer
    events = follow(charge_point)
    charge_point.settings.monitor([TIMEOUT])
    await charger.called("GetVariables")
    await charger.delivered()
    model.values[TIMEOUT] = "20"
    freezer.tick(MONITOR_INTERVAL)
    charge_point.settings.tick()
    await charger.called("GetVariables")
    await charger.alive()
    assert events == [(TIMEOUT, "60", "20", "charger")]
    charger.forget()
    charge_point.settings.monitor([])
    await charger.alive()
    assert charger.actions == []


@both_versions
async def test_watch_over_time(central: Central, version: str) -> None:
    """A watch is set once per firmware, and ended when the charger is back."""
    charge_point, charger, model = await ready(central, version, **{TIMEOUT: "60"})
    charge_point.settings.monitor([TIMEOUT])
    await charger.called("SetVariableMonitoring")
    await charger.called("GetVariables")
    await charger.alive()

    async def again(firmware: str) -> list[str]:
        charger = await central.dial(protocols=(f"ocpp{version}",))
        model.serve(charger)
        station = {**BOOT["chargingStation"], "firmwareVersion": firmware}
        await charger.call("BootNotification", {**BOOT, "chargingStation": station})
        await bring_up()
        return [call for call in charger.actions if "Monitoring" in call]

    await charger.close()
    assert await again("1.0") == []
    assert await again("1.1") == ["SetVariableMonitoring"]
    await central.chargers[-1].close()
    charge_point.settings.monitor([])
    assert await again("1.1") == ["ClearVariableMonitoring"]
    assert await again("1.1") == []


# What else is told


@both_versions
async def test_problem(central: Central, version: str) -> None:
    """What a charger reports as a problem is the error of the connector."""
    charge_point, charger, _ = await ready(central, version)
    problem, lock = "Connector@1:1.Problem", "ConnectorPlugRetentionLock@1:1.Problem"
    await charger.call(
        "NotifyEvent", changed(problem, "true", trigger="Alerting", techCode="E12")
    )
    assert charge_point.value(1, "error_code") == "E12"
    await charger.call("NotifyEvent", changed(lock, "true", trigger="Alerting"))
    assert charge_point.value(1, "error_code") == f"E12 {lock}"
    await charger.call("NotifyEvent", changed(problem, "false"))
    await charger.call("NotifyEvent", changed(lock, "true", cleared=True))
    assert charge_point.value(1, "error_code") == "NoError"
    await charger.call("NotifyEvent", changed("ChargingStation.Problem", "true"))
    assert charge_point.value(0, "error_code") == "ChargingStation.Problem"
    await charger.call("NotifyEvent", changed("Connector@0:1.Problem", "true"))
    await charger.call("NotifyEvent", changed("Connector@99999:1.Problem", "true"))
    assert charge_point.connectors == [1]


@both_versions
async def test_status_as_an_event(central: Central, version: str) -> None:
    """A charger may tell what its connector does as an event of a variable."""
    charge_point, charger, _ = await ready(central, version)
    name = "Connector@1:1.AvailabilityState"
    await charger.call("NotifyEvent", changed(name, "Occupied"))
    assert charge_point.value(1, "status") == "occupied"
    await charger.call("NotifyEvent", changed(name, "Dancing"))
    await charger.call(
        "NotifyEvent", changed("Connector@0:1.AvailabilityState", "Faulted")
    )
    assert charge_point.value(1, "status") == "occupied"


@both_versions
async def test_odd_events(central: Central, version: str) -> None:
    """Whatever is told is answered."""
    _, charger, _ = await ready(central, version)
    for payload in ({}, {"eventData": None}, {"eventData": [{}, 1, {"component": 2}]}):
        assert await charger.call("NotifyEvent", payload) == {}
        assert await charger.call("NotifyReport", payload) == {}
        assert await charger.call("NotifyMonitoringReport", payload) == {}


# One vocabulary


@both_versions
async def test_vocabulary(central: Central, version: str) -> None:
    """What the house asks for by one name, each dialect has by its own."""
    charge_point, _, model = await ready(
        central,
        version,
        **{
            "SmartChargingCtrlr.RateUnit": "A,W",
            "AuthCtrlr.LocalPreAuthorize": "false",
            "AuthCtrlr.LocalAuthorizeOffline": "True",
            "LocalAuthListCtrlr.ItemsPerMessage": "5",
        },
    )
    assert charge_point.limit_units == [LimitUnit.AMPERE, LimitUnit.WATT]
    assert charge_point.configuration.integer(Setting.LOCAL_LIST_PART) == 5
    assert charge_point.value(0, "local_authorize_offline") is True
    assert "allow_offline_unknown" not in charge_point.values(0)
    await charge_point.access_keys.set("local_pre_authorize", True)
    assert model.values["AuthCtrlr.LocalPreAuthorize"] == "true"
    assert charge_point.value(0, "local_pre_authorize") is True
