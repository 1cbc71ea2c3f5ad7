"""Any call of OCPP 2.0.1 and 2.1, raw, and what a charger reports on it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from custom_components.ocpp_central.csms.errors import (
    CommandRejected,
    InvalidCommand,
    NotConnected,
)

from .common import TIMING, Central, Charger, HangUp, Payload, central_system
from .common2 import both_versions, connect2


@pytest.mark.parametrize(
    ("version", "action"),
    [
        ("2.0.1", "RemoteStartTransaction"),
        ("2.0.1", "GetTariffs"),
        ("2.0.1", "reset"),
        ("2.1", "GetDiagnostics"),
        ("2.1", ""),
    ],
)
async def test_unknown_call(central: Central, version: str, action: str) -> None:
    """What the version has no message for is not sent."""
    charge_point, charger = await connect2(central, version)
    with pytest.raises(InvalidCommand) as error:
        await charge_point.commands.call(action, {})
    assert str(error.value) == f"{action}: no message of OCPP {version}"
    assert charger.actions == []


@both_versions
@pytest.mark.parametrize(
    ("payload", "wrong"),
    [
        ({}, "type"),
        ({"type": "Soft"}, "type"),
        ({"type": "OnIdle", "evseId": "1"}, "evseId"),
        ({"type": "OnIdle", "connectorId": 1}, "connectorId"),
    ],
)
async def test_invalid_call(
    central: Central, version: str, payload: Payload, wrong: str
) -> None:
    """What the schema forbids is not sent, and the error says where."""
    charge_point, charger = await connect2(central, version)
    with pytest.raises(InvalidCommand, match=f"Reset.*{wrong}"):
        await charge_point.commands.call("Reset", payload)
    assert charger.actions == []


@both_versions
async def test_members_go_out_in_the_callers_order(
    central: Central, version: str
) -> None:
    """A raw call is what the caller made of it."""
    charge_point, charger = await connect2(central, version)
    payload: Payload = {
        "vendorId": "V",
        "customData": {"z": 1, "vendorId": "V", "a": {"some_name": None}},
        "data": {"y": 2, "b": [None, True, "ü"]},
    }
    await charge_point.commands.call("DataTransfer", payload)
    assert str(charger.calls[0].payload) == str(payload)


INFORMATION: Payload = {
    "requestId": 7,
    "report": True,
    "clear": False,
    "customerIdentifier": "Ada",
}


def information(data: str, number: int = 0, **more: Any) -> Payload:
    """Return the payload of a NotifyCustomerInformation."""
    return {
        "data": data,
        "seqNo": number,
        "generatedAt": "2040-01-01T00:00:00Z",
        "requestId": 7,
        **more,
    }


class Reporter:
    """How a charger answers that it will report, and then does."""

    def __init__(self, charger: Charger, message: str, *parts: Payload) -> None:
        """Take the parts of the report."""
        self._charger = charger
        self._message = message
        self._parts = parts
        self.told: asyncio.Task[None] | None = None

    def __call__(self, _payload: Payload) -> Payload:
        """Accept."""
        self.told = asyncio.create_task(self._tell())
        return {"status": "Accepted"}

    async def _tell(self) -> None:
        for part in self._parts:
            await self._charger.call(self._message, part)


@both_versions
async def test_report(central: Central, version: str) -> None:
    """Who asks for it gets all parts along with the answer."""
    charge_point, charger = await connect2(central, version)
    parts = (
        information("one", tbc=True),
        information("other", requestId=8),
        information("two", 1),
    )
    charger.answers["CustomerInformation"] = Reporter(
        charger, "NotifyCustomerInformation", *parts
    )
    call = charge_point.commands.call
    assert await call("CustomerInformation", INFORMATION, report=True) == {
        "status": "Accepted",
        "reports": [parts[0], parts[2]],
    }
    assert await call("CustomerInformation", INFORMATION) == {"status": "Accepted"}
    # What is not reported on has just its answer.
    assert await call("ClearCache", {}, report=True) == {"status": "Accepted"}


@pytest.mark.parametrize(
    ("version", "action", "message", "payload", "part"),
    [
        (
            version,
            "GetBaseReport",
            "NotifyReport",
            {"requestId": 7, "reportBase": "FullInventory"},
            {"requestId": 7, "generatedAt": "2040-01-01T00:00:00Z", "seqNo": 0},
        )
        for version in ("2.0.1", "2.1")
    ]
    + [
        (
            version,
            "GetMonitoringReport",
            "NotifyMonitoringReport",
            {"requestId": 7},
            {"requestId": 7, "generatedAt": "2040-01-01T00:00:00Z", "seqNo": 0},
        )
        for version in ("2.0.1", "2.1")
    ],
)
async def test_other_reports(
    central: Central,
    version: str,
    action: str,
    message: str,
    payload: Payload,
    part: Payload,
) -> None:
    """So it is with each message that is answered by others."""
    charge_point, charger = await connect2(central, version)
    charger.answers[action] = Reporter(charger, message, part)
    answer = await charge_point.commands.call(action, payload, report=True)
    assert answer == {"status": "Accepted", "reports": [part]}


@both_versions
async def test_report_refused(central: Central, version: str) -> None:
    """Then nobody waits for one."""
    charge_point, charger = await connect2(central, version)
    charger.answers["CustomerInformation"] = {"status": "Invalid"}
    call = charge_point.commands.call
    with pytest.raises(CommandRejected, match="Invalid"):
        await call("CustomerInformation", INFORMATION, report=True)
    charger.answers["CustomerInformation"] = HangUp()
    with pytest.raises(NotConnected):
        await call("CustomerInformation", INFORMATION, report=True)


@both_versions
async def test_report_that_stops(socket_enabled: None, version: str) -> None:
    """What has come in time is what there is."""
    async with central_system(timing=replace(TIMING, call=0.1)) as central:
        charge_point, charger = await connect2(central, version)
        part = information("one", tbc=True)
        charger.answers["CustomerInformation"] = Reporter(
            charger, "NotifyCustomerInformation", part
        )
        call = charge_point.commands.call
        answer = await call("CustomerInformation", INFORMATION, report=True)
        assert answer == {"status": "Accepted", "reports": [part]}


@both_versions
async def test_one_report_at_a_time(central: Central, version: str) -> None:
    """Two under one number could not be told apart."""
    charge_point, charger = await connect2(central, version)
    call = charge_point.commands.call
    first = asyncio.create_task(call("CustomerInformation", INFORMATION, report=True))
    await charger.called("CustomerInformation")
    with pytest.raises(InvalidCommand, match="7 is under way"):
        await call("CustomerInformation", INFORMATION, report=True)
    await charger.call("NotifyCustomerInformation", information("one"))
    assert (await first)["reports"] == [information("one")]
