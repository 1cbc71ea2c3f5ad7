"""What a charger of OCPP 2.0.1 or 2.1 is told about itself, frame by frame."""

from collections.abc import Awaitable, Callable

import pytest

from custom_components.ocpp_central.csms.commands import Commands
from custom_components.ocpp_central.csms.errors import (
    CommandRejected,
    InvalidCommand,
    NotConnected,
    NotSupported,
)

from .common import Answer, Central, HangUp, Payload, Refusal
from .common2 import both_versions, connect2, status

type Verb = Callable[[Commands], Awaitable[Payload]]

COMMANDS: dict[str, tuple[Verb, str, Payload, Payload]] = {
    "soft reset": (
        lambda commands: commands.reset("Soft"),
        "Reset",
        {"type": "OnIdle"},
        {"status": "Scheduled"},
    ),
    "hard reset": (
        lambda commands: commands.reset("Hard"),
        "Reset",
        {"type": "Immediate"},
        {"status": "Accepted"},
    ),
    "reset by its own name": (
        lambda commands: commands.reset("OnIdle"),
        "Reset",
        {"type": "OnIdle"},
        {"status": "Accepted", "statusInfo": {"reasonCode": "NoError"}},
    ),
    "reset of an EVSE": (
        lambda commands: commands.reset("Immediate", 2),
        "Reset",
        {"type": "Immediate", "evseId": 2},
        {"status": "Accepted"},
    ),
    "unlock": (
        lambda commands: commands.unlock_connector(2),
        "UnlockConnector",
        {"evseId": 2, "connectorId": 1},
        {"status": "Unlocked"},
    ),
    "unlock a further connector": (
        lambda commands: commands.unlock_connector(102),
        "UnlockConnector",
        {"evseId": 2, "connectorId": 2},
        {"status": "Unlocked"},
    ),
    "station in service": (
        lambda commands: commands.change_availability(0, True),
        "ChangeAvailability",
        {"operationalStatus": "Operative"},
        {"status": "Accepted"},
    ),
    "EVSE out of service": (
        lambda commands: commands.change_availability(2, False),
        "ChangeAvailability",
        {"operationalStatus": "Inoperative", "evse": {"id": 2}},
        {"status": "Scheduled"},
    ),
    "connector out of service": (
        lambda commands: commands.change_availability(102, False),
        "ChangeAvailability",
        {"operationalStatus": "Inoperative", "evse": {"id": 2, "connectorId": 2}},
        {"status": "Accepted"},
    ),
    "trigger": (
        lambda commands: commands.trigger_message("Heartbeat"),
        "TriggerMessage",
        {"requestedMessage": "Heartbeat"},
        {"status": "Accepted"},
    ),
    "trigger for the station": (
        lambda commands: commands.trigger_message("MeterValues", 0),
        "TriggerMessage",
        {"requestedMessage": "MeterValues"},
        {"status": "Accepted"},
    ),
    "trigger for an EVSE": (
        lambda commands: commands.trigger_message("MeterValues", 2),
        "TriggerMessage",
        {"requestedMessage": "MeterValues", "evse": {"id": 2}},
        {"status": "Accepted"},
    ),
    "trigger a status": (
        lambda commands: commands.trigger_message("StatusNotification", 2),
        "TriggerMessage",
        {
            "requestedMessage": "StatusNotification",
            "evse": {"id": 2, "connectorId": 1},
        },
        {"status": "Accepted"},
    ),
    "trigger by the name of 1.6": (
        lambda commands: commands.trigger_message("DiagnosticsStatusNotification"),
        "TriggerMessage",
        {"requestedMessage": "LogStatusNotification"},
        {"status": "Accepted"},
    ),
    "extended trigger": (
        lambda commands: commands.extended_trigger_message(
            "SignChargePointCertificate"
        ),
        "TriggerMessage",
        {"requestedMessage": "SignChargingStationCertificate"},
        {"status": "Accepted"},
    ),
    "vendor data": (
        lambda commands: commands.data_transfer("V", "M", {"b": [1, None], "a": "ü"}),
        "DataTransfer",
        {"vendorId": "V", "messageId": "M", "data": {"b": [1, None], "a": "ü"}},
        {"status": "Accepted", "data": [True]},
    ),
    "little vendor data": (
        lambda commands: commands.data_transfer("V", None, None),
        "DataTransfer",
        {"vendorId": "V"},
        {"status": "Accepted"},
    ),
    "a number as vendor data": (
        lambda commands: commands.data_transfer("V", None, 0),
        "DataTransfer",
        {"vendorId": "V", "data": 0},
        {"status": "Accepted"},
    ),
    "clear the cache": (
        lambda commands: commands.clear_cache(),
        "ClearCache",
        {},
        {"status": "Accepted"},
    ),
}


@both_versions
@pytest.mark.parametrize(
    ("verb", "action", "payload", "answer"), COMMANDS.values(), ids=COMMANDS.keys()
)
async def test_command(
    central: Central,
    version: str,
    verb: Verb,
    action: str,
    payload: Payload,
    answer: Payload,
) -> None:
    """The frame is exact, and the answer comes back as it is."""
    charge_point, charger = await connect2(central, version)
    charger.answers[action] = answer
    assert await verb(charge_point.commands) == answer
    assert [(call.action, call.payload) for call in charger.calls] == [
        (action, payload)
    ]


REFUSALS: dict[str, tuple[Verb, list[str]]] = {
    "Reset": (lambda commands: commands.reset("Soft"), ["Rejected"]),
    "UnlockConnector": (
        lambda commands: commands.unlock_connector(1),
        ["UnlockFailed", "OngoingAuthorizedTransaction", "UnknownConnector"],
    ),
    "ChangeAvailability": (
        lambda commands: commands.change_availability(1, True),
        ["Rejected"],
    ),
    "TriggerMessage": (
        lambda commands: commands.trigger_message("Heartbeat"),
        ["Rejected", "NotImplemented"],
    ),
    "DataTransfer": (
        lambda commands: commands.data_transfer("V", None, None),
        ["Rejected", "UnknownMessageId", "UnknownVendorId"],
    ),
    "ClearCache": (lambda commands: commands.clear_cache(), ["Rejected"]),
}


@both_versions
@pytest.mark.parametrize("action", REFUSALS)
async def test_refused(central: Central, version: str, action: str) -> None:
    """The caller hears it in the charger's own words."""
    verb, statuses = REFUSALS[action]
    charge_point, charger = await connect2(central, version)
    for word in statuses:
        info = {"reasonCode": "Because"}
        charger.answers[action] = {"status": word, "statusInfo": info}
        with pytest.raises(CommandRejected) as error:
            await verb(charge_point.commands)
        assert error.value.status == word
        assert error.value.response["statusInfo"] == info
    for code in ("NotSupported", "NotImplemented"):
        charger.answers[action] = Refusal(code)
        with pytest.raises(NotSupported):
            await verb(charge_point.commands)
    await charger.alive()


@both_versions
@pytest.mark.parametrize(
    ("kind", "lost"),
    [
        ("Hard", False),
        ("Immediate", False),
        ("ImmediateAndResume", False),
        ("Soft", True),
        ("OnIdle", True),
    ],
)
async def test_reset_takes_it_down(
    central: Central, version: str, kind: str, lost: bool
) -> None:
    """An immediate one is done where the socket closes, without an answer."""
    charge_point, charger = await connect2(central, version)
    charger.answers["Reset"] = HangUp()
    if kind == "ImmediateAndResume" and version == "2.0.1":
        with pytest.raises(InvalidCommand):
            await charge_point.commands.reset(kind)
        assert charger.actions == []
    elif lost:
        with pytest.raises(NotConnected):
            await charge_point.commands.reset(kind)
    else:
        assert await charge_point.commands.reset(kind) == {}


@both_versions
async def test_several_connectors(central: Central, version: str) -> None:
    """Where an EVSE has several, each is put out of service by itself."""
    charge_point, charger = await connect2(central, version)
    await charger.call("StatusNotification", status(evse=1, connector=1))
    await charge_point.commands.change_availability(1, False)
    await charger.call("StatusNotification", status(evse=1, connector=2))
    await charge_point.commands.change_availability(1, False)
    assert [call.payload["evse"] for call in charger.calls] == [
        {"id": 1},
        {"id": 1, "connectorId": 1},
    ]


async def test_custom_trigger(central: Central) -> None:
    """What the standard does not name goes as the charger's own in OCPP 2.1 only."""
    charge_point, charger = await connect2(central, "2.1")
    await charge_point.commands.trigger_message("Solar", 1)
    assert charger.calls[-1].payload == {
        "requestedMessage": "CustomTrigger",
        "customTrigger": "Solar",
        "evse": {"id": 1},
    }
    older, charger = await connect2(central, "2.0.1", "CP2")
    with pytest.raises(InvalidCommand):
        await older.commands.trigger_message("Solar", 1)
    assert charger.actions == []


@both_versions
async def test_availability_is_a_wish(central: Central, version: str) -> None:
    """Kept while the charger is away, and taken back where it refuses."""
    charge_point, charger = await connect2(central, version)
    answers: dict[bool, Answer] = {
        True: {"status": "Scheduled"},
        False: {"status": "Rejected"},
    }
    charger.answers["ChangeAvailability"] = lambda payload: answers[
        payload["operationalStatus"] == "Operative"
    ]
    await charge_point.set_available(1, True)
    with pytest.raises(CommandRejected):
        await charge_point.set_available(1, False)
    assert charge_point.wish(1).available is True


async def test_not_in_16(central: Central) -> None:
    """What only came later is refused, rather than done to the whole charger."""
    charge_point, charger = await central.connect()
    with pytest.raises(InvalidCommand):
        await charge_point.commands.reset("Soft", 1)
    with pytest.raises(InvalidCommand):
        await charge_point.commands.reset("OnIdle")
    with pytest.raises(InvalidCommand):
        await charge_point.commands.data_transfer("V", None, {"a": 1})
    assert charger.actions == []
    await charge_point.commands.data_transfer("V", None, 5)
    assert charger.calls[-1].payload == {"vendorId": "V", "data": "5"}
