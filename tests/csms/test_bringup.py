"""The first conversation after a charger connects."""

from collections.abc import AsyncIterator
from dataclasses import replace
import logging
from typing import Any

import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.timing import Timing

from .common import (
    TIMING,
    Answer,
    Central,
    Charger,
    HangUp,
    Payload,
    Raw,
    Refusal,
    Silence,
    bring_up,
    central_system,
    meter_values,
    sample,
    status,
    until,
)
from .conftest import LoopClock

ALL_MEASURANDS = (
    "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage"
)
# What has nothing to be changed.
FINE: dict[str, str | None] = {
    "NumberOfConnectors": "1",
    "MeterValueSampleInterval": "30",
    "MeterValuesSampledData": ALL_MEASURANDS,
}


def keys(readonly: tuple[str, ...] = (), **values: Any) -> Payload:
    """Return an answer to GetConfiguration."""
    return {
        "configurationKey": [
            {
                "key": key,
                "readonly": key in readonly,
                **({} if value is None else {"value": value}),
            }
            for key, value in values.items()
        ]
    }


def told(charger: Charger) -> list[tuple[str, Payload]]:
    """Return what the charger was told since this was last asked."""
    calls = [(call.action, call.payload) for call in charger.calls]
    charger.forget()
    return calls


def changes(charger: Charger) -> dict[str, str]:
    """Return the keys that were to be changed."""
    return {
        payload["key"]: payload["value"]
        for action, payload in told(charger)
        if action == "ChangeConfiguration"
    }


async def booted(central: Central, configuration: Payload, **more: Any) -> Charger:
    """Return a charger that has booted and been got to know."""
    _, charger = await central.connect(**more)
    charger.answers["GetConfiguration"] = configuration
    await charger.boot()
    await bring_up()
    return charger


def everything(**answers: Answer) -> dict[str, Answer]:
    """Return answers under which every step is taken."""
    return {
        "GetConfiguration": keys(
            NumberOfConnectors="2",
            MeterValueSampleInterval="60",
            MeterValuesSampledData="Energy.Active.Import.Register",
        ),
        **answers,
    }


async def with_all_wishes(central: Central, **answers: Answer) -> Charger:
    """Return a charger with which every step is taken."""
    charge_point = await central.add()
    charge_point.add_connector(1)
    await charge_point.set_available(2, False)
    await charge_point.set_current_limit(1, 10)
    charger = await central.dial()
    charger.answers |= everything(**answers)
    await charger.start(1)
    await charger.boot()
    await bring_up()
    return charger


EVERYTHING: list[tuple[str, Payload]] = [
    ("GetConfiguration", {}),
    ("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "30"}),
    ("ChangeConfiguration", {"key": "MeterValuesSampledData", "value": ALL_MEASURANDS}),
    ("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}),
    ("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 2}),
    ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}),
    ("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"}),
]


async def test_all_of_it(central: Central) -> None:
    """Read first, write little, ask for what was not told, carry out wishes."""
    charger = await with_all_wishes(central)
    calls = [call for call in told(charger) if call[0] != "SetChargingProfile"]
    assert calls == EVERYTHING


async def test_nothing_to_be_done(central: Central) -> None:
    """A charger that is as it should be is asked once for its keys, and no more."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = keys(**FINE)
    await charger.boot(status("Available"))
    await bring_up()
    assert told(charger) == [("GetConfiguration", {})]
    assert charge_point.connectors == [1]
    # Neither after it dials again, nor boots again.
    await charger.close()
    charger = await central.dial()
    await charger.boot(status("Available"))
    await bring_up()
    assert told(charger) == []


async def test_after_a_restart(central: Central) -> None:
    """What it said then is not asked again, until its firmware is another."""
    charger = await booted(central, keys(**FINE))
    await central.restart()
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = keys(**FINE | {"NumberOfConnectors": "2"})
    await charger.boot(status("Available"))
    await bring_up()
    assert told(charger) == []
    await charger.boot(
        status("Available", 1), status("Available", 2), firmwareVersion="2.0"
    )
    await bring_up()
    assert told(charger) == [("GetConfiguration", {})]
    assert charge_point.connectors == [1, 2]


async def test_a_change_is_not_made_twice(central: Central) -> None:
    """Nor after a restart."""
    charger = await booted(central, keys(MeterValueSampleInterval="60"))
    assert changes(charger) == {"MeterValueSampleInterval": "30"}
    await charger.boot()
    await bring_up()
    assert changes(charger) == {}
    await central.restart()
    charger = await booted(central, Refusal("NotSupported"))
    assert changes(charger) == {}


async def test_a_change_that_is_refused(central: Central) -> None:
    """It is remembered, for this value."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = keys(MeterValueSampleInterval="60")
    charger.answers["ChangeConfiguration"] = {"status": "Rejected"}
    await charger.boot()
    await bring_up()
    assert changes(charger) == {"MeterValueSampleInterval": "30"}
    await charger.boot()
    await bring_up()
    assert changes(charger) == {}
    charge_point.config = replace(charge_point.config, meter_interval=120)
    await charger.boot()
    await bring_up()
    assert changes(charger) == {"MeterValueSampleInterval": "120"}


async def test_read_only(central: Central) -> None:
    """What cannot be written is left alone."""
    charger = await booted(
        central,
        keys(
            ("MeterValuesSampledData", "MeterValueSampleInterval"),
            MeterValueSampleInterval="60",
            MeterValuesSampledData="",
        ),
    )
    assert changes(charger) == {}


@pytest.mark.parametrize("readonly", ["true", "True", True])
async def test_read_only_as_text(central: Central, readonly: object) -> None:
    """Chargers write it in their own way."""
    configuration = keys(MeterValueSampleInterval="60")
    configuration["configurationKey"][0]["readonly"] = readonly
    assert changes(await booted(central, configuration)) == {}


async def test_not_read_only_as_text(central: Central) -> None:
    """A text that says false is not taken for true."""
    configuration = keys(MeterValueSampleInterval="60")
    configuration["configurationKey"][0]["readonly"] = "false"
    charger = await booted(central, configuration)
    assert changes(charger) == {"MeterValueSampleInterval": "30"}


MEASURANDS: dict[str, tuple[dict[str, Any], str | None]] = {
    "nothing": ({"MeterValuesSampledData": ""}, ALL_MEASURANDS),
    "no value": ({"MeterValuesSampledData": None}, ALL_MEASURANDS),
    "no such key": ({}, None),
    "all": ({"MeterValuesSampledData": ALL_MEASURANDS}, None),
    "more": ({"MeterValuesSampledData": f"SoC,{ALL_MEASURANDS},Temperature"}, None),
    "white space": (
        {"MeterValuesSampledData": ALL_MEASURANDS.replace(",", ", ")},
        None,
    ),
    "quoted": ({"MeterValuesSampledData": f"'{ALL_MEASURANDS}'"}, None),
    "energy and power": (
        {"MeterValuesSampledData": "Power.Active.Import,Energy.Active.Import.Register"},
        None,
    ),
    "no energy": (
        {"MeterValuesSampledData": "SoC,Power.Active.Import"},
        "SoC,Power.Active.Import,Energy.Active.Import.Register,Current.Import,Voltage",
    ),
    "short list": (
        {
            "MeterValuesSampledData": "SoC,Temperature",
            "MeterValuesSampledDataMaxLength": "3",
        },
        "Energy.Active.Import.Register,Power.Active.Import,Current.Import",
    ),
    "length that says nothing": (
        {
            "MeterValuesSampledData": "",
            "MeterValuesSampledDataMaxLength": "0",
        },
        ALL_MEASURANDS,
    ),
}


@pytest.mark.parametrize(
    ("configuration", "wanted"), MEASURANDS.values(), ids=MEASURANDS.keys()
)
async def test_measurands(
    central: Central, configuration: dict[str, Any], wanted: str | None
) -> None:
    """Only what sensors live on is added, and nothing is taken away."""
    charger = await booted(central, keys(**configuration))
    assert changes(charger) == (
        {} if wanted is None else {"MeterValuesSampledData": wanted}
    )


async def test_measurands_that_are_refused(central: Central) -> None:
    """A shorter list is tried, once; then it stays as it was."""
    _, charger = await central.connect()
    charger.answers["GetConfiguration"] = keys(MeterValuesSampledData="SoC")
    charger.answers["ChangeConfiguration"] = {"status": "Rejected"}
    await charger.boot()
    await bring_up()
    written = [
        payload["value"]
        for action, payload in told(charger)
        if action == "ChangeConfiguration"
    ]
    assert written == [
        f"SoC,{ALL_MEASURANDS}",
        "Energy.Active.Import.Register,Power.Active.Import,Current.Import",
    ]
    await charger.boot()
    await bring_up()
    assert changes(charger) == {}


CONFIGURATIONS: dict[str, tuple[Any, list[int]]] = {
    "one": (keys(NumberOfConnectors="1"), [1]),
    "three": (keys(NumberOfConnectors="3"), [1, 2, 3]),
    "number": (keys(NumberOfConnectors=2), [1, 2]),
    "white space": (keys(NumberOfConnectors=" 2 "), [1, 2]),
    "zero": (keys(NumberOfConnectors="0"), []),
    "nonsense": (keys(NumberOfConnectors="1634030126"), []),
    "negative": (keys(NumberOfConnectors="-1"), []),
    "no number": (keys(NumberOfConnectors="two"), []),
    "no value": (keys(NumberOfConnectors=None, Other=None), []),
    "no keys": (keys(), []),
    "nothing": ({}, []),
    "null": ({"configurationKey": None}, []),
    "no list": ({"configurationKey": "none"}, []),
    "a number": ({"configurationKey": 7}, []),
    "an object": ({"configurationKey": {"key": "A"}}, []),
    "odd entries": (
        {
            "configurationKey": [
                None,
                7,
                {},
                {"key": None},
                {"key": 5},
                {"key": "NumberOfConnectors", "value": "1"},
            ]
        },
        [1],
    ),
    "twice the same": (
        {
            "configurationKey": [
                {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
                {"key": "NumberOfConnectors", "readonly": True, "value": "1"},
            ]
        },
        [1],
    ),
    "unknown keys only": ({"unknownKey": ["A"]}, []),
}


@pytest.mark.parametrize(
    ("configuration", "connectors"), CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys()
)
async def test_configuration(
    central: Central,
    configuration: Answer,
    connectors: list[int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever the keys look like, the other steps are taken."""
    charger = await booted(central, configuration)
    charge_point = central.system.charge_points["cp1"]
    assert charge_point.connectors == connectors
    assert [call for call in told(charger) if call[0] == "TriggerMessage"] == [
        (
            "TriggerMessage",
            {"requestedMessage": "StatusNotification", "connectorId": connector},
        )
        for connector in connectors or [1]
    ]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    "answer",
    [
        Refusal("NotImplemented"),
        Refusal("InternalError"),
        Raw('[3,"{id}",{"configurationKey":[{"key":"A","read'),
        {"status": "Rejected"},
    ],
)
@pytest.mark.parametrize(
    "action",
    [
        "GetConfiguration",
        "ChangeConfiguration",
        "TriggerMessage",
        "ChangeAvailability",
        "SetChargingProfile",
    ],
)
async def test_every_step_is_optional(
    central: Central, action: str, answer: Answer
) -> None:
    """What a charger refuses keeps nothing else from it."""
    charger = await with_all_wishes(central, **{action: answer})
    actions = {call for call, _ in told(charger)}
    expected = {call for call, _ in EVERYTHING} | {"SetChargingProfile"}
    if action == "GetConfiguration":
        # What is not known is not written.
        expected.discard("ChangeConfiguration")
    assert actions == expected
    await charger.alive()


async def test_everything_is_refused(central: Central) -> None:
    """A charger that wants nothing of it is a charger all the same."""
    refusal = Refusal("NotSupported")
    charger = await with_all_wishes(
        central,
        GetConfiguration=refusal,
        ChangeConfiguration=refusal,
        TriggerMessage=refusal,
        ChangeAvailability=refusal,
        SetChargingProfile=refusal,
    )
    await charger.call("StatusNotification", status("Charging"))
    charge_point = central.system.charge_points["cp1"]
    assert charge_point.value(1, "status") == "charging"


async def test_no_answer(socket_enabled: None, loop_clock: LoopClock) -> None:
    """A step without an answer is passed over."""
    async with central_system(timing=replace(TIMING, call=30)) as central:
        charge_point, charger = await central.connect()
        charger.answers["GetConfiguration"] = Silence()
        await charger.boot()
        await charger.called("GetConfiguration")
        loop_clock.advance(31)
        await charger.called("TriggerMessage")
        await bring_up()
        assert charge_point.capabilities.quarantined == []


# When


@pytest.fixture
async def patient(socket_enabled: None) -> AsyncIterator[Central]:
    """Return a central system with the real time limits for bring-up."""
    real = Timing()
    timing = replace(
        TIMING,
        boot_grace=real.boot_grace,
        no_boot=real.no_boot,
        quiet=real.quiet,
        pace=real.pace,
    )
    async with central_system(timing=timing) as central:
        yield central


async def test_silence_before_the_boot(patient: Central, loop_clock: LoopClock) -> None:
    """Nothing is sent before it is accepted, and then not at once."""
    _, charger = await patient.connect()
    loop_clock.advance(9)
    await charger.alive()
    await charger.boot()
    loop_clock.advance(1.1)
    await charger.alive()
    # It has just called, so we let it finish.
    loop_clock.advance(4)
    await charger.call("StatusNotification", status("Available"))
    loop_clock.advance(4)
    await charger.delivered()
    assert told(charger) == []
    loop_clock.advance(1.1)
    assert (await charger.called("GetConfiguration")).payload == {}


async def test_without_a_boot(patient: Central, loop_clock: LoopClock) -> None:
    """Chargers that only reconnect are waited for no longer than ten seconds."""
    _, charger = await patient.connect()
    loop_clock.advance(9.5)
    await charger.delivered()
    assert told(charger) == []
    loop_clock.advance(0.6)
    assert (await charger.called("GetConfiguration")).payload == {}


async def test_a_charger_that_never_falls_silent(
    patient: Central, loop_clock: LoopClock
) -> None:
    """There is an end to patience."""
    _, charger = await patient.connect()
    await charger.boot()
    for _ in range(65):
        loop_clock.advance(1)
        await charger.alive()
        if charger.calls:
            break
    assert charger.actions == ["GetConfiguration"]


async def test_pace(patient: Central, loop_clock: LoopClock) -> None:
    """One step after another, with a breath between."""
    _, charger = await patient.connect()
    charger.answers |= everything()
    loop_clock.advance(10.1)
    await charger.called("GetConfiguration")
    for _ in range(2):
        await charger.alive()
        assert len(told(charger)) == 1
        loop_clock.advance(1.1)
        await charger.called("ChangeConfiguration")


async def test_a_boot_begins_it_anew(central: Central) -> None:
    """What was under way is for the charger that there was."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = Silence()
    await charger.boot()
    await charger.called("GetConfiguration")
    charger.answers["GetConfiguration"] = keys(**FINE)
    await charger.boot()
    await charger.called("GetConfiguration")
    await bring_up()
    assert charge_point.connectors == [1]
    assert charge_point.capabilities.quarantined == []
    assert charge_point.capabilities.trying == {}


async def test_a_boot_loop(patient: Central, loop_clock: LoopClock) -> None:
    """A charger that boots every few seconds is not disturbed."""
    _, charger = await patient.connect()
    for _ in range(10):
        await charger.boot()
        loop_clock.advance(4)
        await charger.delivered()
    assert told(charger) == []


# After a reboot


async def test_after_a_reboot(central: Central) -> None:
    """What the user wants is wanted still; what he never touched is left alone."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = keys(**FINE)
    await charger.boot(status("Available"))
    await bring_up()
    await charge_point.set_current_limit(1, 8)
    await charge_point.set_available(1, False)
    told(charger)
    await charger.close()
    charger = await central.dial()
    await charger.boot(status("Unavailable"))
    await bring_up()
    calls = told(charger)
    assert [action for action, _ in calls] == [
        "ChangeAvailability",
        "SetChargingProfile",
    ]
    assert calls[0][1] == {"connectorId": 1, "type": "Inoperative"}
    period = calls[1][1]["csChargingProfiles"]["chargingSchedule"][
        "chargingSchedulePeriod"
    ]
    assert period == [{"startPeriod": 0, "limit": 8.0}]


async def test_a_wish_that_is_refused_later(
    central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for the answer any more, so it is in the log."""
    charge_point = await central.add()
    await charge_point.set_available(1, False)
    charger = await central.dial()
    charger.answers["ChangeAvailability"] = {"status": "Rejected"}
    await charger.boot()
    await bring_up()
    assert "CP1: ChangeAvailability: Rejected" in caplog.text


# Triggers


async def test_status_that_was_told_is_not_asked_for(central: Central) -> None:
    """Most chargers tell it by themselves after a boot."""
    _, charger = await central.connect()
    charger.answers["GetConfiguration"] = keys(**FINE | {"NumberOfConnectors": "2"})
    await charger.boot(status("Available", 2))
    await bring_up()
    triggers = [call for call in told(charger) if call[0] == "TriggerMessage"]
    assert [payload["connectorId"] for _, payload in triggers] == [1]


async def test_status_of_before_a_boot_is_asked_for_again(central: Central) -> None:
    """After it, the connector may be doing something else."""
    _, charger = await central.connect()
    charger.answers["GetConfiguration"] = keys(**FINE)
    await charger.call("StatusNotification", status("Charging"))
    await charger.boot()
    await bring_up()
    assert ("TriggerMessage", EVERYTHING[3][1]) in told(charger)


async def test_meter_values_are_asked_for_in_a_transaction_only(
    central: Central,
) -> None:
    """Some chargers hang when asked too often."""
    _, charger = await central.connect()
    charger.answers["GetConfiguration"] = keys(**FINE)
    await charger.boot(status("Charging"))
    await bring_up()
    assert told(charger) == [("GetConfiguration", {})]
    await charger.start()
    await charger.boot(status("Charging"))
    await bring_up()
    assert told(charger) == [
        ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1})
    ]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "Rejected"},
        {"status": "NotImplemented"},
        Refusal("NotImplemented"),
        Refusal("NotSupported"),
    ],
)
async def test_a_trigger_that_is_refused(central: Central, answer: Answer) -> None:
    """It is remembered by message, over a restart, until the firmware changes."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = keys(**FINE | {"NumberOfConnectors": "2"})
    charger.answers["TriggerMessage"] = answer
    await charger.boot()
    await bring_up()
    # Not even for the second connector.
    assert [call[0] for call in told(charger)] == ["GetConfiguration", "TriggerMessage"]
    assert charge_point.capabilities.untriggerable == ["StatusNotification"]
    await central.restart()
    charge_point, charger = await central.connect()
    await charger.boot()
    await bring_up()
    assert told(charger) == []
    await charger.start()
    await charger.boot()
    await bring_up()
    assert told(charger) == [
        ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1})
    ]
    await charger.boot(firmwareVersion="2.0")
    await charger.called("GetConfiguration")
    await bring_up()
    assert "TriggerMessage" in charger.actions


async def test_a_trigger_that_failed_is_tried_again(central: Central) -> None:
    """An internal error says nothing about what a charger can do."""
    charge_point, charger = await central.connect()
    charger.answers["TriggerMessage"] = Refusal("InternalError")
    await charger.boot()
    await bring_up()
    assert charge_point.capabilities.untriggerable == []


# Steps that take the charger down


def die_of(action: str) -> dict[str, Answer]:
    """Return the answers of a charger that does not survive the first of its kind."""

    def answer(payload: Payload) -> Answer:
        survives = payload.get("key") == "MeterValuesSampledData"
        return {"status": "Accepted"} if survives else HangUp()

    return everything(**{action: answer})


STEPS = {
    "GetConfiguration": "GetConfiguration",
    "ChangeConfiguration": "MeterValueSampleInterval",
    "TriggerMessage": "TriggerMessage StatusNotification",
    "ChangeAvailability": "ChangeAvailability",
    "SetChargingProfile": "SetChargingProfile",
}


async def deadly(central: Central, action: str) -> tuple[ChargePoint, Charger]:
    """Return a charger that was taken down by a step."""
    charge_point = await central.add()
    charge_point.add_connector(1)
    await charge_point.set_available(1, True)
    await charge_point.set_current_limit(1, 10)
    charger = await central.dial()
    charger.answers |= die_of(action)
    await charger.boot()
    await charger.called(action)
    await bring_up()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    return charge_point, charger


@pytest.mark.parametrize("action", STEPS)
async def test_a_step_that_kills_is_not_repeated(
    central: Central, action: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither after the charger is back, nor after a restart; the others are taken."""
    charge_point, _ = await deadly(central, action)
    assert charge_point.capabilities.quarantined == [STEPS[action]]
    assert "dropped its connection" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    for _ in range(2):
        charger = await central.dial()
        charger.answers |= die_of(action)
        await charger.boot()
        await bring_up()
        assert all(
            call.payload.get("key") != STEPS[action] and call.action != STEPS[action]
            for call in charger.calls
        )
        await charger.alive()
        await central.restart()
        charge_point = await central.add()
        charge_point.add_connector(1)
        await charge_point.set_available(1, True)
        await charge_point.set_current_limit(1, 10)
    # Another firmware gets another chance.
    charger = await central.dial()
    charger.answers |= everything()
    await charger.boot(firmwareVersion="2.0")
    await charger.called(action)
    await bring_up()


async def test_a_step_that_kills_late(patient: Central, loop_clock: LoopClock) -> None:
    """Some chargers answer first, and die then."""
    charge_point, charger = await patient.connect()
    charger.answers |= everything()
    await charger.boot()
    loop_clock.advance(10)
    await charger.called("GetConfiguration")
    await charger.alive()
    await charger.hang_up()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    await bring_up()
    assert charge_point.capabilities.quarantined == ["GetConfiguration"]


async def test_a_charger_that_died_and_dials_before_its_socket_closes(
    central: Central,
) -> None:
    """A crash sends no goodbye: the old socket looks open still."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = Silence()
    await charger.boot()
    await charger.called("GetConfiguration")
    charger = await central.dial()
    await charger.boot()
    await bring_up()
    assert charge_point.capabilities.quarantined == ["GetConfiguration"]
    assert "GetConfiguration" not in charger.actions


async def test_a_step_that_kills_us(central: Central) -> None:
    """If we go down with it, the mark on disk tells what it was."""
    _, charger = await central.connect()
    charger.answers["GetConfiguration"] = Silence()
    await charger.boot()
    await charger.called("GetConfiguration")
    assert central.store.disk["models"]["Vendor|Model|1.0"]["trying"] == {
        "CP1": "GetConfiguration"
    }
    crashed = central.store.disk
    await central.close()
    central.store.disk = crashed
    await central.restart()
    charge_point, charger = await central.connect()
    await charger.boot()
    await bring_up()
    assert charge_point.capabilities.quarantined == ["GetConfiguration"]
    assert "GetConfiguration" not in charger.actions


@pytest.mark.parametrize("how", ["stopped", "disabled", "removed"])
async def test_a_step_that_we_interrupt(central: Central, how: str) -> None:
    """Letting a charger go in the middle is no fault of the step."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = Silence()
    await charger.boot()
    await charger.called("GetConfiguration")
    match how:
        case "stopped":
            await central.system.stop()
        case "disabled":
            await charge_point.set_enabled(False)
        case "removed":
            await central.system.remove("CP1")
    await charger.closed.wait()
    await bring_up()
    capabilities = central.store.disk["models"]["Vendor|Model|1.0"]
    assert capabilities["quarantined"] == []
    assert capabilities["trying"] == {}


async def test_a_fleet_of_one_model(central: Central) -> None:
    """What one is being asked is no mark against the others."""
    charge_points = [await central.add(f"CP{number}") for number in range(5)]
    chargers = [await central.dial(f"/CP{number}") for number in range(5)]
    for charger in chargers:
        charger.answers |= everything(GetConfiguration=Silence())
        await charger.boot()
    calls = [await charger.called("GetConfiguration") for charger in chargers]
    for charger, call in zip(chargers, calls, strict=True):
        await charger.answer(call, keys(**FINE))
    for number in range(5):
        await bring_up(f"CP{number}")
    for charge_point in charge_points:
        assert charge_point.capabilities.quarantined == []
        assert charge_point.capabilities.trying == {}
        assert charge_point.connectors == [1]


async def test_light_on_the_disk(central: Central) -> None:
    """Nothing is written where nothing was done."""
    charger = await booted(central, keys(**FINE))
    told(charger)
    saves: list[None] = []
    save = central.store.save

    async def counted() -> None:
        saves.append(None)
        await save()

    central.store.save = counted  # type: ignore[method-assign]
    await charger.boot(status("Available"))
    await bring_up()
    assert told(charger) == []
    assert saves == []


async def test_entities_do_not_wait_for_it(central: Central) -> None:
    """What a charger tells is shown, whatever else goes on."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = Silence()
    await charger.boot()
    await charger.called("GetConfiguration")
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("MeterValues", meter_values(sample("5", "Voltage", phase="L1")))
    number = await charger.start()
    assert charge_point.value(1, "status") == "charging"
    assert charge_point.value(1, "voltage") == 5
    assert charge_point.value(1, "transaction") == number
