"""The first conversation with a charger of OCPP 2.x."""

from dataclasses import replace
from typing import Any

import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint

from .common import (
    NEVER,
    TIMING,
    Answer,
    Central,
    Charger,
    HangUp,
    Payload,
    Refusal,
    bring_up,
    central_system,
)
from .common2 import BOOT, both_versions, connect2, dial2, event, status
from .conftest import LoopClock
from .device_model import ENERGY, FINE, MEASURANDS, DeviceModel

INTERVAL = "SampledDataCtrlr.TxUpdatedInterval"
UPDATED = "SampledDataCtrlr.TxUpdatedMeasurands"
STARTED = "SampledDataCtrlr.TxStartedMeasurands"
ENDED = "SampledDataCtrlr.TxEndedMeasurands"
ENABLED = "SampledDataCtrlr.Enabled"


def variable(name: str) -> Payload:
    """Return component and variable of a plain name."""
    component, _, what = name.partition(".")
    return {"component": {"name": component}, "variable": {"name": what}}


def written(charger: Charger) -> list[tuple[str, str]]:
    """Return what was written, in order."""
    return [
        (
            f"{change['component']['name']}.{change['variable']['name']}",
            change["attributeValue"],
        )
        for call in charger.calls
        if call.action == "SetVariables"
        for change in call.payload["setVariableData"]
    ]


def triggered(charger: Charger) -> list[Payload]:
    """Return what was triggered."""
    return [call.payload for call in charger.calls if call.action == "TriggerMessage"]


async def booted(
    central: Central, version: str, model: DeviceModel, *statuses: Payload, **more: Any
) -> tuple[ChargePoint, Charger]:
    """Return a charger that has booted and been got to know."""
    charge_point, charger = await connect2(central, version, **more)
    model.serve(charger)
    await boot(charger, *statuses)
    return charge_point, charger


async def boot(charger: Charger, *statuses: Payload) -> None:
    """Boot, say what the connectors do, and be got to know."""
    await charger.call("BootNotification", BOOT)
    for payload in statuses:
        await charger.call("StatusNotification", payload)
    await bring_up()


async def again(central: Central, version: str, model: DeviceModel) -> Charger:
    """Return the same charger after another boot."""
    await central.chargers[-1].close()
    charger = await dial2(central, version)
    model.serve(charger)
    await boot(charger)
    return charger


@both_versions
async def test_nothing_to_be_done(central: Central, version: str) -> None:
    """A charger that is as it should be is only read, once per firmware."""
    model = DeviceModel(**FINE)
    _, charger = await booted(central, version, model, status("Available"))
    assert set(charger.actions) == {"GetVariables"}
    asked = [
        item["component"]["name"]
        for call in charger.calls
        for item in call.payload["getVariableData"]
    ]
    assert {"SampledDataCtrlr", "SmartChargingCtrlr", "AuthCtrlr"} <= set(asked)
    assert len(asked) <= 32
    charger = await again(central, version, model)
    assert "GetVariables" not in charger.actions


@both_versions
async def test_little_is_written(central: Central, version: str) -> None:
    """Only what differs, one after another, and the whole list of measurands."""
    model = DeviceModel(
        **{
            INTERVAL: "60",
            UPDATED: "Energy.Active.Import.Register,SoC",
            STARTED: "",
            ENDED: ENERGY,
            ENABLED: "False",
        }
    )
    _, charger = await booted(central, version, model)
    assert written(charger) == [
        (INTERVAL, "30"),
        (ENABLED, "true"),
        (UPDATED, f"{ENERGY},SoC,Power.Active.Import,Current.Import,Voltage"),
        (STARTED, ENERGY),
    ]
    assert all(
        len(call.payload["setVariableData"]) == 1
        for call in charger.calls
        if call.action == "SetVariables"
    )


@both_versions
async def test_refused_writes(central: Central, version: str) -> None:
    """A long list that is refused is followed by a short one, and neither comes again."""
    model = DeviceModel(**{**FINE, UPDATED: "", INTERVAL: "60"})
    model.statuses = {UPDATED: "Rejected", INTERVAL: "Rejected"}
    _, charger = await booted(central, version, model)
    assert written(charger) == [
        (INTERVAL, "30"),
        (UPDATED, MEASURANDS),
        (UPDATED, MEASURANDS.removesuffix(",Voltage")),
    ]
    charger = await again(central, version, model)
    assert written(charger) == []


@both_versions
async def test_absent_is_not_written(central: Central, version: str) -> None:
    """What a charger does not have is not written; what it lacks does not say no."""
    charge_point, charger = await booted(central, version, DeviceModel())
    assert written(charger) == []
    assert charge_point.connectors == [1]
    assert charge_point.limit_units


@both_versions
@pytest.mark.parametrize(
    "answer",
    [Refusal("NotImplemented"), Refusal("InternalError"), {"getVariableResult": None}],
)
async def test_unread(central: Central, version: str, answer: Answer) -> None:
    """A charger that tells nothing is got to know all the same."""
    charge_point, charger = await connect2(central, version)
    charger.answers["GetVariables"] = answer
    await boot(charger, status("Available", 2))
    assert charge_point.connectors == [2]
    assert "GetBaseReport" not in charger.actions


# Connectors


@both_versions
async def test_connectors_by_evidence(central: Central, version: str) -> None:
    """The connectors are those that were heard of, and there is one at least."""
    model = DeviceModel(**FINE)
    charge_point, charger = await booted(
        central,
        version,
        model,
        status(evse=0, connector=0),
        status(evse=1, connector=0),
    )
    assert charge_point.connectors == [1]
    assert triggered(charger) == [
        {
            "requestedMessage": "StatusNotification",
            "evse": {"id": 1, "connectorId": 1},
        }
    ]
    # What it tells later counts as well.
    model.values |= {"Connector@2:1.Available": "true", "EVSE@3.Available": "true"}
    for part in model.parts(1):
        await charger.call("NotifyReport", part)
    charger = await again(central, version, model)
    assert charge_point.connectors == [1, 2, 3]
    assert len(triggered(charger)) == 3


@both_versions
async def test_two_connectors_of_one_evse(central: Central, version: str) -> None:
    """Each is asked for by its own place."""
    model = DeviceModel(**FINE)
    await booted(central, version, model, status(connector=1), status(connector=2))
    charger = await again(central, version, model)
    assert [payload["evse"] for payload in triggered(charger)] == [
        {"id": 1, "connectorId": 1},
        {"id": 1, "connectorId": 2},
    ]


# Order


@both_versions
async def test_silence_before_the_boot(
    socket_enabled: None, loop_clock: LoopClock, version: str
) -> None:
    """Nothing is said before the boot, and then until the charger has said its say."""
    timing = replace(TIMING, boot_grace=1, quiet=5, no_boot=NEVER)
    async with central_system(timing=timing) as central:
        _, charger = await connect2(central, version)
        await charger.alive()
        assert charger.actions == []
        await charger.call("BootNotification", BOOT)
        loop_clock.advance(4)
        await charger.call("StatusNotification", status())
        loop_clock.advance(4)
        await charger.alive()
        assert charger.actions == []
        loop_clock.advance(6)
        await charger.called("GetVariables")


@both_versions
async def test_no_report_is_asked_for(central: Central, version: str) -> None:
    """A full report breaks some chargers when they are busy, and takes long for all."""
    _, charger = await booted(central, version, DeviceModel(**{**FINE, INTERVAL: "1"}))
    assert not {"GetBaseReport", "GetReport"} & set(charger.actions)


@both_versions
async def test_quarantine(central: Central, version: str) -> None:
    """A step that takes the charger down is not tried again with this firmware."""
    model = DeviceModel(**{**FINE, INTERVAL: "60", STARTED: ""})
    charge_point, charger = await connect2(central, version)
    model.serve(charger)
    charger.answers["SetVariables"] = HangUp()
    await charger.call("BootNotification", BOOT)
    await charger.closed.wait()
    await bring_up()
    assert charge_point.capabilities.quarantined == [INTERVAL]
    charger = await dial2(central, version)
    model.serve(charger)
    await boot(charger)
    assert written(charger) == [(STARTED, ENERGY)]


@both_versions
async def test_reading_takes_it_down(central: Central, version: str) -> None:
    """Not even what is read is safe."""
    charge_point, charger = await connect2(central, version)
    charger.answers["GetVariables"] = HangUp()
    await charger.call("BootNotification", BOOT)
    await charger.closed.wait()
    await bring_up()
    assert charge_point.capabilities.quarantined == ["GetVariables"]
    charger = await dial2(central, version)
    await boot(charger)
    assert "GetVariables" not in charger.actions


# The state


@both_versions
@pytest.mark.parametrize("takes", [True, False])
async def test_running_transaction(central: Central, version: str, takes: bool) -> None:
    """What runs is told anew: as a transaction, or at least as meter values."""
    model = DeviceModel(**FINE)
    _, charger = await connect2(central, version)
    model.serve(charger)
    if not takes:
        charger.answers["TriggerMessage"] = lambda payload: {
            "status": "NotImplemented"
            if payload["requestedMessage"] == "TransactionEvent"
            else "Accepted"
        }
    await charger.call("TransactionEvent", event("Started", evse=2, token="CARD1"))
    await boot(charger, status("Occupied", 2))
    expected = [{"requestedMessage": "TransactionEvent", "evse": {"id": 2}}]
    if not takes:
        expected.append({"requestedMessage": "MeterValues", "evse": {"id": 2}})
    assert [
        payload
        for payload in triggered(charger)
        if payload["requestedMessage"] != "StatusNotification"
    ] == expected


@both_versions
async def test_wishes(central: Central, version: str) -> None:
    """What was wanted while it was away is carried out."""
    model = DeviceModel(**FINE, **{"AuthCtrlr.LocalPreAuthorize": "false"})
    charge_point, charger = await booted(central, version, model, status())
    await charger.close()
    await charge_point.set_available(1, False)
    await charge_point.access_keys.set("local_pre_authorize", True)
    charger = await again(central, version, model)
    assert written(charger) == [("AuthCtrlr.LocalPreAuthorize", "true")]
    (call,) = [call for call in charger.calls if call.action == "ChangeAvailability"]
    assert call.payload == {"operationalStatus": "Inoperative", "evse": {"id": 1}}


@both_versions
async def test_another_version(central: Central, version: str) -> None:
    """What is known of a charger in one version is not taken for the other."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = {
        "configurationKey": [
            {"key": "ConnectionTimeOut", "value": "77", "readonly": False}
        ]
    }
    await charger.boot()
    await bring_up()
    await charger.close()
    charger = await dial2(central, version)
    model = DeviceModel(**FINE)
    model.serve(charger)
    await boot(charger)
    assert "ConnectionTimeOut" not in charge_point.configuration
    assert set(FINE) <= set(charge_point.configuration)
    await charger.close()
    charger = await central.dial()
    await charger.boot()
    await bring_up()
    assert not set(FINE) & set(charge_point.configuration)


@both_versions
async def test_sign_of_life(central: Central, version: str) -> None:
    """A silent charger is asked for a variable that each has."""
    charge_point, charger = await connect2(central, version)
    await charge_point.commands.probe()
    (call,) = charger.calls
    assert call.payload["getVariableData"] == [
        variable("OCPPCommCtrlr.HeartbeatInterval")
    ]
