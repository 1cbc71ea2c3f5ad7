"""A charger's settings: read as it can bear it, changed, and watched."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.capabilities import ConfigurationKey
from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.configuration import (
    STANDARD_KEYS,
    ConfigurationKeys,
    is_secret,
    read_keys,
)
from custom_components.ocpp_central.csms.errors import (
    CommandFailed,
    CommandRejected,
    CommandTimeout,
    NotConnected,
    NotSupported,
)
from custom_components.ocpp_central.csms.model import Event, EventKind
from custom_components.ocpp_central.csms.settings import MONITOR_INTERVAL

from .common import (
    TIMING,
    Answer,
    Central,
    Charger,
    Payload,
    Raw,
    Refusal,
    Silence,
    bring_up,
    central_system,
)
from .conftest import LoopClock


class Memory:
    """A charger's keys, and how it answers questions about them."""

    def __init__(self, **keys: str | None) -> None:
        """Have these keys."""
        self.keys = keys
        self.most = 1000
        # Keys whose mention makes it refuse the whole question.
        self.poison: set[str] = set()

    def __call__(self, payload: Payload) -> Answer:
        """Answer GetConfiguration."""
        asked = payload.get("key")
        if asked is None:
            asked = list(self.keys)
        elif len(asked) > self.most:
            return Refusal("OccurenceConstraintViolation")
        if self.poison & set(asked):
            return Refusal("InternalError")
        names = {name.casefold(): name for name in self.keys}
        known = [names[name.casefold()] for name in asked if name.casefold() in names]
        return {
            "configurationKey": [self.entry(name) for name in known],
            "unknownKey": [name for name in asked if name.casefold() not in names],
        }

    def change(self, payload: Payload) -> Payload:
        """Answer ChangeConfiguration."""
        self.keys[payload["key"]] = payload["value"]
        return {"status": "Accepted"}

    def entry(self, name: str) -> Payload:
        """Return a key as the charger tells it."""
        value = self.keys[name]
        return {
            "key": name,
            "readonly": False,
            **({} if value is None else {"value": value}),
        }


def asked(charger: Charger) -> list[list[str] | None]:
    """Return which keys were asked for since this was last asked."""
    calls = [
        call.payload.get("key")
        for call in charger.calls
        if call.action == "GetConfiguration"
    ]
    charger.forget()
    return calls


async def ready(
    central: Central, answer: Answer | None = None, **keys: str | None
) -> tuple[ChargePoint, Charger, Memory]:
    """Have a charger past its bring-up."""
    memory = Memory(**keys)
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = answer or memory
    await charger.boot()
    await bring_up()
    charger.forget()
    return charge_point, charger, memory


def follow(charge_point: ChargePoint) -> list[Event]:
    """Return the list that changes will be added to."""
    events: list[Event] = []

    def note(event: Event) -> None:
        if event.kind is EventKind.CONFIGURATION:
            events.append(event)

    charge_point.subscribe_events(note)
    return events


def changes(events: list[Event]) -> list[tuple[Any, ...]]:
    """Return what changed how."""
    return [tuple(event.attributes.values()) for event in events]


# Names


def test_names() -> None:
    """Names are found as anybody spells them, and kept as the charger does."""
    keys = ConfigurationKeys(
        {
            "heartbeatINTERVAL": ConfigurationKey("60", False),
            "HeartbeatInterval": ConfigurationKey(None, False),
            "Empty": ConfigurationKey(None, True),
            "EMPTY": ConfigurationKey("", True),
        }
    )
    assert list(keys) == ["heartbeatINTERVAL", "Empty"]
    assert keys["HEARTBEATINTERVAL"].value == "60"
    assert keys["empty"].value == ""
    assert keys.spelled("heartbeatinterval") == "heartbeatINTERVAL"
    assert keys.spelled("Unheard") == "Unheard"
    assert "Unheard" not in keys
    newer = keys.updated({"EMPTY": ConfigurationKey("now", True)})
    assert {name: key.value for name, key in newer.items()} == {
        "EMPTY": "now",
        "heartbeatINTERVAL": "60",
    }


@pytest.mark.parametrize(
    ("answer", "keys"),
    [
        ({}, {}),
        ({"configurationKey": "none"}, {}),
        ({"configurationKey": [None, 7, {}, {"key": ""}, {"key": None}]}, {}),
        ({"configurationKey": [{"key": "A"}]}, {"A": None}),
        ({"configurationKey": [{"key": " A ", "value": 5}]}, {"A": "5"}),
        (
            {
                "configurationKey": [
                    {"key": "A", "value": "1"},
                    {"key": "a", "value": "2"},
                    {"key": "A"},
                ]
            },
            {"A": "2"},
        ),
    ],
)
def test_read_keys(answer: Payload, keys: dict[str, str | None]) -> None:
    """Whatever the charger says, the sense of it is kept."""
    assert {name: key.value for name, key in read_keys(answer).items()} == keys


async def test_bring_up_with_other_case(central: Central) -> None:
    """Nothing depends on the case of names; a change goes out as the charger spells it."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = Memory(
        numberofconnectors="2",
        METERVALUESAMPLEINTERVAL="900",
        chargingScheduleAllowedChargingRateUnit="Power",
    )
    await charger.boot()
    await bring_up()
    assert charge_point.connectors == [1, 2]
    assert charge_point.limit_units == ["W"]
    (change,) = [each for each in charger.calls if each.action == "ChangeConfiguration"]
    assert change.payload == {"key": "METERVALUESAMPLEINTERVAL", "value": "30"}
    assert charge_point.configuration["MeterValueSampleInterval"].value == "30"


# Reading


async def test_all(central: Central) -> None:
    """No names: all there is, in one question without a list."""
    charge_point, charger, _ = await ready(central, A="1", B=None)
    report = await charge_point.settings.read()
    assert asked(charger) == [None]
    assert dict(report.known) == {
        "A": ConfigurationKey("1", False),
        "B": ConfigurationKey(None, False),
    }
    assert report.unknown == []


async def test_all_refused(central: Central) -> None:
    """A charger that does not tell all is asked for what the standard names."""
    charge_point, charger, memory = await ready(central, HeartbeatInterval="60")

    def answer(payload: Payload) -> Answer:
        return memory(payload) if "key" in payload else Refusal("GenericError")

    charger.answers["GetConfiguration"] = answer
    report = await charge_point.settings.read()
    first, *named = asked(charger)
    assert first is None
    assert [name for part in named for name in part or ()] == list(STANDARD_KEYS)
    assert max(len(part or ()) for part in named) == 10
    # What it does not have was our guess, not the user's question.
    assert (list(report.known), report.unknown) == (["HeartbeatInterval"], [])


async def test_all_refused_by_name_too(central: Central) -> None:
    """One that tells nothing is not asked fifty times, and says so in its own words."""
    charge_point, charger, _ = await ready(central, A="1")
    charger.answers["GetConfiguration"] = Refusal("NotImplemented", "no idea")
    with pytest.raises(NotSupported, match="no idea"):
        await charge_point.settings.read()
    assert len(asked(charger)) == 12


async def test_portions(central: Central) -> None:
    """Never more names at a time than the charger says it takes."""
    charge_point, charger, memory = await ready(
        central, GetConfigurationMaxKeys="2", **{f"K{n}": str(n) for n in range(5)}
    )
    memory.most = 2
    names = [f"K{n}" for n in range(5)] + ["Nonsense"]
    report = await charge_point.settings.read(names)
    assert asked(charger) == [["K0", "K1"], ["K2", "K3"], ["K4", "Nonsense"]]
    assert list(report.known) == names[:5]
    assert report.unknown == ["Nonsense"]


async def test_list_refused(central: Central) -> None:
    """Where a list is too long without notice, each key is asked for by itself."""
    charge_point, charger, memory = await ready(central, A="1", B="2", C="3")
    memory.most = 1
    report = await charge_point.settings.read(["A", "B", "Nonsense"])
    assert asked(charger) == [["A", "B", "Nonsense"], ["A"], ["B"], ["Nonsense"]]
    assert (list(report.known), report.unknown) == (["A", "B"], ["Nonsense"])


async def test_poison(central: Central) -> None:
    """One key that the charger stumbles over does not hide the others."""
    charge_point, _, memory = await ready(central, A="1", B="2")
    memory.poison = {"Bad"}
    report = await charge_point.settings.read(["A", "Bad", "B"])
    assert (list(report.known), report.unknown) == (["A", "B"], ["Bad"])
    # Alone, its refusal is the answer.
    with pytest.raises(CommandFailed, match="InternalError"):
        await charge_point.settings.read(["Bad"])


async def test_broken_answer(central: Central) -> None:
    """Cut off in the middle for a key it does not know, as some firmware does."""
    charge_point, charger, memory = await ready(central, A="1")

    def answer(payload: Payload) -> Answer:
        if "Bad" in payload["key"]:
            return Raw('[3,"{id}",{"configurationKey":[{"key":')
        return memory(payload)

    charger.answers["GetConfiguration"] = answer
    report = await charge_point.settings.read(["A", "Bad"])
    assert list(report.known) == ["A"]
    assert report.unknown == ["Bad"]


async def test_cut_short(central: Central) -> None:
    """What an answer leaves out without a word is asked for once more."""
    charge_point, charger, memory = await ready(central, A="1", B="2", C="3")

    def answer(payload: Payload) -> Answer:
        return memory({"key": payload["key"][:2]})

    charger.answers["GetConfiguration"] = answer
    report = await charge_point.settings.read(["A", "B", "C"])
    assert asked(charger) == [["A", "B", "C"], ["C"]]
    assert list(report.known) == ["A", "B", "C"]
    charger.answers["GetConfiguration"] = {}
    report = await charge_point.settings.read(["A"])
    assert report.unknown == ["A"]


async def test_odd_answers(central: Central) -> None:
    """Not asked for, twice, in other letters, without a value, not a list."""
    charge_point, charger, _ = await ready(central)
    charger.answers["GetConfiguration"] = {
        "configurationKey": [
            {"key": "AAA", "readonly": "true"},
            {"key": "aaa", "readonly": True, "value": "1"},
            {"key": "Else", "readonly": False, "value": "2"},
        ],
        "unknownKey": None,
    }
    report = await charge_point.settings.read(["Aaa", "Bbb"])
    assert dict(report.known) == {"AAA": ConfigurationKey("1", True)}
    assert report.unknown == ["Bbb"]
    assert charge_point.configuration == {}


async def test_no_answer(socket_enabled: None, loop_clock: LoopClock) -> None:
    """Silence is an error, not the absence of keys, and nothing more is asked."""
    async with central_system(timing=replace(TIMING, call=30)) as central:
        charge_point, charger, _ = await ready(central, A="1")
        charger.answers["GetConfiguration"] = Silence()
        reading = asyncio.create_task(charge_point.settings.read(["A", "B"]))
        await charger.called("GetConfiguration")
        loop_clock.advance(31)
        with pytest.raises(CommandTimeout):
            await reading
        assert asked(charger) == [["A", "B"]]


async def test_refused_by_status(central: Central) -> None:
    """A status where there is none is a refusal all the same."""
    charge_point, charger, _ = await ready(central, A="1")
    charger.answers["GetConfiguration"] = {"status": "Rejected"}
    with pytest.raises(CommandRejected, match="Rejected"):
        await charge_point.settings.read(["A"])


async def test_reading_is_remembered(central: Central) -> None:
    """What is read is what is known from then on; a few keys are not all."""
    charge_point, _, memory = await ready(central, A="1", B="1")
    memory.keys |= {"A": "2", "B": "2", "C": "2"}
    await charge_point.settings.read(["a", "C"])
    known = {name: key.value for name, key in charge_point.configuration.items()}
    assert known == {"A": "2", "B": "1", "C": "2"}


# Changing


@pytest.mark.parametrize("status", ["Rejected", "NotSupported"])
async def test_refused_change(central: Central, status: str) -> None:
    """A change that is refused has changed nothing."""
    charge_point, charger, _ = await ready(central, A="1")
    charge_point.settings.monitor(["A"])
    events = follow(charge_point)
    charger.answers["ChangeConfiguration"] = {"status": status}
    with pytest.raises(CommandRejected, match=status):
        await charge_point.commands.set_configuration("A", "2")
    assert charge_point.configuration["A"].value == "1"
    await charger.alive()
    assert events == []


@pytest.mark.parametrize("raw", [False, True])
async def test_own_change(central: Central, raw: bool) -> None:
    """A change of ours is told at once, and once."""
    charge_point, charger, memory = await ready(central, A="1", B="1")
    charger.answers["ChangeConfiguration"] = memory.change
    charge_point.settings.monitor(["a"])
    events = follow(charge_point)
    commands = charge_point.commands
    for key in ("A", "B"):
        if raw:
            payload = {"key": key, "value": "2"}
            await commands.call("ChangeConfiguration", payload)
        else:
            await commands.set_configuration(key, "2")
    await charger.alive()
    assert changes(events) == [("A", "1", "2", "own")]
    await charge_point.settings.reread()
    await charger.alive()
    assert len(events) == 1


async def test_secret(central: Central) -> None:
    """Who watches a password learns that it changed, and never what to."""
    charge_point, charger, memory = await ready(central, AuthorizationKey="old")
    assert is_secret("AUTHORIZATIONKEY") and is_secret("WifiPassword")
    charge_point.settings.monitor(["AuthorizationKey"])
    events = follow(charge_point)
    await charge_point.commands.set_configuration("AuthorizationKey", "0011223344")
    memory.keys["AuthorizationKey"] = "else"
    await charge_point.settings.reread()
    await charger.alive()
    assert changes(events) == [("AuthorizationKey", "…", "…", "own")]
    assert charge_point.settings.state.monitored == {"AuthorizationKey": None}


# Watching


async def test_foreign_change(central: Central) -> None:
    """What somebody else changes is found after a reconnect; reading once is no change."""
    charge_point, charger, memory = await ready(central, A="1", B=None)
    settings = charge_point.settings
    assert settings.monitor(["A"]) == ["A"]
    assert settings.monitor(["B", "a", "Later"]) == ["A", "B", "Later"]
    events = follow(charge_point)
    await charger.close()
    memory.keys |= {"A": "5", "B": "set", "Later": "1"}
    charger = await central.dial()
    charger.answers["GetConfiguration"] = memory
    await charger.boot()
    await bring_up()
    assert changes(events) == [
        ("A", "1", "5", "charger"),
        ("B", "", "set", "charger"),
    ]
    assert asked(charger) == [["A", "B", "Later"]]


async def test_hourly(central: Central, freezer: FrozenDateTimeFactory) -> None:
    """Once an hour the monitored keys are read, and only they."""
    charge_point, charger, memory = await ready(central, A="1", B="1")
    freezer.tick(2 * MONITOR_INTERVAL)
    charge_point.settings.tick()
    await charger.alive()
    assert asked(charger) == []

    events = follow(charge_point)
    charge_point.settings.monitor(["A"])
    await charger.called("GetConfiguration")
    for minutes, questions in ((59, []), (2, [["A"]]), (1, [])):
        charger.forget()
        memory.keys["A"] = str(minutes)
        freezer.tick(timedelta(minutes=minutes))
        charge_point.settings.tick()
        await charger.alive()
        await charger.alive()
        assert asked(charger) == questions
    assert changes(events) == [("A", "1", "2", "charger")]

    assert charge_point.settings.monitor([]) == []
    freezer.tick(2 * MONITOR_INTERVAL)
    charge_point.settings.tick()
    await charger.alive()
    assert asked(charger) == []


async def test_watching_a_charger_that_is_away(central: Central) -> None:
    """Keys may be named while the charger is away, and it may refuse to tell them."""
    charge_point = await central.add()
    assert charge_point.settings.monitor(["A"]) == ["A"]
    charge_point.settings.tick()
    with pytest.raises(NotConnected):
        await charge_point.settings.read(["A"])
    charger = await central.dial()
    charger.answers["GetConfiguration"] = Refusal("InternalError")
    await charger.boot()
    await bring_up()
    assert asked(charger) == [None, ["A"]]
    assert charge_point.settings.state.monitored == {"A": None}


# Restarts


async def test_reboot_required(central: Central) -> None:
    """Needed until the charger has restarted; meanwhile the old value is no change."""
    charge_point, charger, memory = await ready(central, A="1")
    settings = charge_point.settings
    settings.monitor(["A"])
    events = follow(charge_point)
    told: list[None] = []
    settings.subscribe(lambda: told.append(None))
    assert charge_point.value(0, "reboot_required") is None
    charger.answers["ChangeConfiguration"] = {"status": "RebootRequired"}
    await charge_point.commands.set_configuration("A", "2")
    await charge_point.commands.set_configuration("A", "2")
    assert charge_point.value(0, "reboot_required") is True
    assert settings.state.reboot_required == ["A"]
    assert told
    await settings.reread()
    # A boot that was asked for, on the same socket, is no restart.
    await charger.boot()
    await bring_up()
    assert charge_point.value(0, "reboot_required") is True
    assert changes(events) == [("A", "1", "2", "own")]

    await charger.close()
    charger = await central.dial()
    memory.keys["A"] = "2"
    charger.answers["GetConfiguration"] = memory
    assert charge_point.value(0, "reboot_required") is True
    await charger.boot()
    assert charge_point.value(0, "reboot_required") is False
    await bring_up()
    assert len(events) == 1
