"""Variables and reports."""

from typing import Any

import pytest

from simulator import Charger2, ManualClock
from simulator.v2.variables import Name
from tests.simulator.central import CallError

from .central import Central2, MakeCharger2


@pytest.mark.parametrize(
    "text",
    [
        "TxCtrlr.TxStartPoint",
        "Connector@1:2.AvailabilityState",
        "EVSE@1.Power",
        "DeviceDataCtrlr.ItemsPerMessage[GetVariables]",
        "Component[one]@2:1.Variable[two]",
    ],
)
def test_names(text: str) -> None:
    """A name goes over the wire and comes back."""
    name = Name.parse(text)
    assert Name.from_wire(name.wire()) == name


@pytest.mark.parametrize("text", ["", "TxCtrlr", ".X", "A@x.B", "A[b.C"])
def test_no_names(text: str) -> None:
    """Not everything is one."""
    with pytest.raises(ValueError, match="Not the name"):
        Name.parse(text)


async def test_reads(charger: Charger2, central: Central2) -> None:
    """Names are not case-sensitive; what is live is live."""
    answer = await central.get({"name": "txctrlr"}, {"name": "txstartpoint"})
    assert answer["attributeValue"] == "PowerPathClosed"
    charger.connector(2).plug_in()
    at = {"name": "Connector", "evse": {"id": 2, "connectorId": 1}}
    answer = await central.get(at, {"name": "AvailabilityState"})
    assert answer["attributeValue"] == "Occupied"
    for component, variable, status in (
        ("Nothing", "TxStartPoint", "UnknownComponent"),
        ("TxCtrlr", "Nothing", "UnknownVariable"),
    ):
        answer = await central.get({"name": component}, {"name": variable})
        assert answer["attributeStatus"] == status
    wanted = {
        "component": {"name": "TxCtrlr"},
        "variable": {"name": "TxStartPoint"},
        "attributeType": "Target",
    }
    result = await central.call("GetVariables", {"getVariableData": [wanted]})
    assert result["getVariableResult"][0]["attributeStatus"] == (
        "NotSupportedAttributeType"
    )


@pytest.mark.parametrize(
    ("component", "variable", "value", "status"),
    [
        ("TxCtrlr", "TxStartPoint", "EVConnected,Authorized", "Accepted"),
        ("TxCtrlr", "TxStartPoint", "EVConnected,EVConnected", "Rejected"),
        ("TxCtrlr", "TxStartPoint", "Whenever", "Rejected"),
        ("TxCtrlr", "EVConnectionTimeOut", "0", "Rejected"),
        ("TxCtrlr", "EVConnectionTimeOut", "soon", "Rejected"),
        ("AuthCtrlr", "LocalPreAuthorize", "TRUE", "Rejected"),
        ("AuthCtrlr", "LocalPreAuthorize", "true", "Accepted"),
        ("OCPPCommCtrlr", "WebSocketPingInterval", "10", "RebootRequired"),
        ("SecurityCtrlr", "SecurityProfile", "3", "Rejected"),
        ("SecurityCtrlr", "Nothing", "3", "UnknownVariable"),
    ],
)
async def test_changes(
    charger: Charger2,
    central: Central2,
    component: str,
    variable: str,
    value: str,
    status: str,
) -> None:
    """As far as a value is one."""
    assert await central.set(component, variable, value) == status
    kept = charger.variables.text(f"{component}.{variable}") == value
    assert kept == (status in {"Accepted", "RebootRequired"})


async def test_changes_count_at_once(
    charger: Charger2, central: Central2, clock: ManualClock
) -> None:
    """The interval of meter values, for one."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await central.set("SampledDataCtrlr", "TxUpdatedInterval", "10")
    await clock.advance(30)
    assert central.story.count("Updated MeterValuePeriodic") == 3
    await central.set("OCPPCommCtrlr", "HeartbeatInterval", "15")
    await clock.advance(30)
    assert len(central.said("Heartbeat")) == 2


async def test_too_much_at_once(make_charger: MakeCharger2, central: Central2) -> None:
    """A message may be too long in two ways; the same variable twice is wrong as well."""
    charger = make_charger(
        config={
            "DeviceDataCtrlr.ItemsPerMessage[GetVariables]": "2",
            "DeviceDataCtrlr.BytesPerMessage[SetVariables]": "100",
        }
    )
    await charger.start()
    one = {"component": {"name": "TxCtrlr"}, "variable": {"name": "TxStartPoint"}}
    with pytest.raises(CallError, match="OccurrenceConstraintViolation"):
        await central.call("GetVariables", {"getVariableData": [one] * 3})
    with pytest.raises(CallError, match="FormatViolation"):
        await central.set("TxCtrlr", "TxStartPoint", "EVConnected")
    charger.variables.set("DeviceDataCtrlr.BytesPerMessage[SetVariables]", "1000")
    twice = {"setVariableData": [{**one, "attributeValue": "EVConnected"}] * 2}
    await central.call("SetVariables", twice)
    assert len(charger.violations) == 3
    charger.violations.clear()


async def test_base_reports(charger: Charger2, central: Central2) -> None:
    """In parts, numbered, until nothing is to come."""
    for number, kind in enumerate(
        ("FullInventory", "ConfigurationInventory", "SummaryInventory"), 1
    ):
        wanted = {"requestId": number, "reportBase": kind}
        assert await central.call("GetBaseReport", wanted) == {"status": "Accepted"}
        await charger.settle()
        parts = [
            part for part in central.said("NotifyReport") if part["requestId"] == number
        ]
        assert [part["seqNo"] for part in parts] == list(range(len(parts)))
        assert [part.get("tbc", False) for part in parts] == (
            [True] * (len(parts) - 1) + [False]
        )
        data = [item for part in parts for item in part["reportData"]]
        if kind == "FullInventory":
            assert len(parts) > 2
            assert len(data) == len(charger.variables.all())
        elif kind == "ConfigurationInventory":
            assert all(
                item["variableAttribute"][0]["mutability"] != "ReadOnly"
                for item in data
            )
        else:
            places = [item["component"]["name"] for item in data]
            assert places.count("Connector") == 2


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"componentVariable": [{"component": {"name": "EVSE"}}]}, 10),
        (
            {
                "componentVariable": [
                    {
                        "component": {"name": "EVSE", "evse": {"id": 2}},
                        "variable": {"name": "Power"},
                    }
                ]
            },
            1,
        ),
        ({"componentVariable": [{"component": {"name": "Nothing"}}]}, 0),
        ({"componentCriteria": ["Problem"]}, 0),
        (
            {
                "componentCriteria": ["Enabled"],
                "componentVariable": [{"component": {"name": "AuthCtrlr"}}],
            },
            6,
        ),
    ],
)
async def test_reports(
    charger: Charger2, central: Central2, wanted: dict[str, Any], found: int
) -> None:
    """Only what was asked for."""
    answer = await central.call("GetReport", {"requestId": 5, **wanted})
    await charger.settle()
    data = [
        item for part in central.said("NotifyReport") for item in part["reportData"]
    ]
    assert len(data) == found
    assert answer["status"] == ("Accepted" if found else "EmptyResultSet")


async def test_overrides(make_charger: MakeCharger2, central: Central2) -> None:
    """A vendor may have more, less or other variables."""
    charger = make_charger(
        config={
            "Acme@1.Light[left]": "on",
            "TxCtrlr.TxStopPoint": None,
            "Connector@1:1.AvailabilityState": "Broken",
        }
    )
    await charger.start()
    light = await central.get(
        {"name": "Acme", "evse": {"id": 1}}, {"name": "Light", "instance": "left"}
    )
    assert light["attributeValue"] == "on"
    gone = await central.get({"name": "TxCtrlr"}, {"name": "TxStopPoint"})
    assert gone["attributeStatus"] == "UnknownVariable"
    assert charger.variables.text("Connector@1:1.AvailabilityState") == "Broken"
    now = await central.get({"name": "ClockCtrlr"}, {"name": "DateTime"})
    assert now["attributeValue"] == "2026-03-02T12:00:00.000Z"
