"""What a charger is told, frame by frame."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from custom_components.ocpp_central.csms.commands import Commands
from custom_components.ocpp_central.csms.errors import CommandRejected
from custom_components.ocpp_central.csms.model import Purpose

from .common import Central, Payload, Refusal

type Verb = Callable[[Commands], Awaitable[Payload]]

PROFILE: Payload = {
    "chargingProfileId": 9,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}],
    },
}

COMMANDS: dict[str, tuple[Verb, str, Payload, Payload]] = {
    "soft reset": (
        lambda commands: commands.reset("Soft"),
        "Reset",
        {"type": "Soft"},
        {"status": "Accepted"},
    ),
    "hard reset": (
        lambda commands: commands.reset("Hard"),
        "Reset",
        {"type": "Hard"},
        {"status": "Accepted"},
    ),
    "unlock": (
        lambda commands: commands.unlock_connector(2),
        "UnlockConnector",
        {"connectorId": 2},
        {"status": "Unlocked"},
    ),
    "start": (
        lambda commands: commands.start_transaction(2, "HOMEASSISTANT"),
        "RemoteStartTransaction",
        {"connectorId": 2, "idTag": "HOMEASSISTANT"},
        {"status": "Accepted"},
    ),
    "start with a profile": (
        lambda commands: commands.start_transaction(1, "TAG", PROFILE),
        "RemoteStartTransaction",
        {"connectorId": 1, "idTag": "TAG", "chargingProfile": PROFILE},
        {"status": "Accepted"},
    ),
    "stop": (
        lambda commands: commands.stop_transaction(17),
        "RemoteStopTransaction",
        {"transactionId": 17},
        {"status": "Accepted"},
    ),
    "profile": (
        lambda commands: commands.set_charging_profile(1, PROFILE),
        "SetChargingProfile",
        {"connectorId": 1, "csChargingProfiles": PROFILE},
        {"status": "Accepted"},
    ),
    "clear by criteria": (
        lambda commands: commands.clear_charging_profile(
            {"connectorId": 1, "chargingProfilePurpose": "TxProfile"}
        ),
        "ClearChargingProfile",
        {"connectorId": 1, "chargingProfilePurpose": "TxProfile"},
        {"status": "Accepted"},
    ),
    "clear everything": (
        lambda commands: commands.clear_charging_profile({}),
        "ClearChargingProfile",
        {},
        {"status": "Unknown"},
    ),
    "clear our own": (
        lambda commands: commands.clear_limit_profile(Purpose.TRANSACTION, 2),
        "ClearChargingProfile",
        {"id": 5},
        {"status": "Unknown"},
    ),
    "composite schedule": (
        lambda commands: commands.get_composite_schedule(1, 60),
        "GetCompositeSchedule",
        {"connectorId": 1, "duration": 60},
        {"status": "Accepted", "connectorId": 1},
    ),
    "composite schedule in watts": (
        lambda commands: commands.get_composite_schedule(0, 60, "W"),
        "GetCompositeSchedule",
        {"connectorId": 0, "duration": 60, "chargingRateUnit": "W"},
        {"status": "Accepted"},
    ),
    "all keys": (
        lambda commands: commands.get_configuration([]),
        "GetConfiguration",
        # Never an empty list: some chargers choke on it.
        {},
        {"configurationKey": []},
    ),
    "some keys": (
        lambda commands: commands.get_configuration(["A", "B"]),
        "GetConfiguration",
        {"key": ["A", "B"]},
        {"unknownKey": ["A", "B"]},
    ),
    "change a key": (
        lambda commands: commands.set_configuration("A", "1"),
        "ChangeConfiguration",
        {"key": "A", "value": "1"},
        {"status": "RebootRequired"},
    ),
    "in service": (
        lambda commands: commands.change_availability(0, True),
        "ChangeAvailability",
        {"connectorId": 0, "type": "Operative"},
        {"status": "Accepted"},
    ),
    "out of service": (
        lambda commands: commands.change_availability(2, False),
        "ChangeAvailability",
        {"connectorId": 2, "type": "Inoperative"},
        {"status": "Scheduled"},
    ),
    "trigger": (
        lambda commands: commands.trigger_message("Heartbeat"),
        "TriggerMessage",
        {"requestedMessage": "Heartbeat"},
        {"status": "Accepted"},
    ),
    "trigger for a connector": (
        lambda commands: commands.trigger_message("MeterValues", 1),
        "TriggerMessage",
        {"requestedMessage": "MeterValues", "connectorId": 1},
        {"status": "Accepted"},
    ),
    "vendor data": (
        lambda commands: commands.data_transfer("V", "M", "D"),
        "DataTransfer",
        {"vendorId": "V", "messageId": "M", "data": "D"},
        {"status": "Accepted", "data": "answer"},
    ),
    "little vendor data": (
        lambda commands: commands.data_transfer("V", None, None),
        "DataTransfer",
        {"vendorId": "V"},
        {"status": "Accepted"},
    ),
    "clear the cache": (
        lambda commands: commands.clear_cache(),
        "ClearCache",
        {},
        {"status": "Accepted"},
    ),
    "probe": (
        lambda commands: commands.probe(),
        "GetConfiguration",
        {"key": ["HeartbeatInterval"]},
        {"unknownKey": ["HeartbeatInterval"]},
    ),
    "anything": (
        lambda commands: commands.call("GetLocalListVersion", {}),
        "GetLocalListVersion",
        {},
        {"listVersion": 7},
    ),
}


@pytest.mark.parametrize(
    ("verb", "action", "payload", "answer"), COMMANDS.values(), ids=COMMANDS.keys()
)
async def test_command(
    central: Central, verb: Verb, action: str, payload: Payload, answer: Payload
) -> None:
    """The frame is exact, and the answer comes back as it is."""
    charge_point, charger = await central.connect()
    charger.answers[action] = answer
    assert await verb(charge_point.commands) == answer
    assert [(call.action, call.payload) for call in charger.calls] == [
        (action, payload)
    ]


@pytest.mark.parametrize(
    ("verb", "action", "statuses"),
    [
        (lambda commands: commands.reset("Soft"), "Reset", ["Rejected"]),
        (
            lambda commands: commands.unlock_connector(1),
            "UnlockConnector",
            ["UnlockFailed", "NotSupported"],
        ),
        (
            lambda commands: commands.start_transaction(1, "TAG"),
            "RemoteStartTransaction",
            ["Rejected"],
        ),
        (
            lambda commands: commands.stop_transaction(1),
            "RemoteStopTransaction",
            ["Rejected"],
        ),
        (
            lambda commands: commands.set_charging_profile(1, PROFILE),
            "SetChargingProfile",
            ["Rejected", "NotSupported"],
        ),
        (
            lambda commands: commands.get_composite_schedule(1, 60),
            "GetCompositeSchedule",
            ["Rejected"],
        ),
        (
            lambda commands: commands.set_configuration("A", "1"),
            "ChangeConfiguration",
            ["Rejected", "NotSupported"],
        ),
        (
            lambda commands: commands.change_availability(1, True),
            "ChangeAvailability",
            ["Rejected"],
        ),
        (
            lambda commands: commands.trigger_message("Heartbeat"),
            "TriggerMessage",
            ["Rejected", "NotImplemented"],
        ),
        (
            lambda commands: commands.data_transfer("V", "M", "D"),
            "DataTransfer",
            ["Rejected", "UnknownMessageId", "UnknownVendorId"],
        ),
        (lambda commands: commands.clear_cache(), "ClearCache", ["Rejected"]),
        (lambda commands: commands.clear_cache(), "ClearCache", ["Something else"]),
    ],
)
async def test_refused_command(
    central: Central, verb: Verb, action: str, statuses: list[str]
) -> None:
    """The caller hears it in the charger's own words."""
    charge_point, charger = await central.connect()
    for status in statuses:
        charger.answers[action] = {"status": status, "vendor": "words"}
        with pytest.raises(CommandRejected) as error:
            await verb(charge_point.commands)
        assert error.value.action == action
        assert error.value.status == status
        assert error.value.response["vendor"] == "words"


async def test_members_go_out_in_the_callers_order(central: Central) -> None:
    """A raw call is what the caller made of it."""
    charge_point, charger = await central.connect()
    charger.answers["Vendor"] = {"status": "Accepted"}
    payload: dict[str, Any] = {"z": 1, "a": {"y": 2, "b": [None, True, "ü"]}, "m": 3}
    await charge_point.commands.call("Vendor", payload)
    assert list(charger.calls[0].payload) == ["z", "a", "m"]
    assert charger.calls[0].payload == payload


async def test_availability_is_a_wish(central: Central) -> None:
    """Kept while the charger is away, taken back where it refuses."""
    charge_point = await central.add()
    wished: list[bool | None] = []
    charge_point.subscribe_wishes(lambda: wished.append(charge_point.wish(1).available))
    await charge_point.set_available(1, False)
    charger = await central.dial()
    charger.answers["ChangeAvailability"] = {"status": "Rejected"}
    with pytest.raises(CommandRejected):
        await charge_point.set_available(1, True)
    assert charge_point.wish(1).available is False
    charger.answers["ChangeAvailability"] = {"status": "Scheduled"}
    await charge_point.set_available(1, True)
    assert charge_point.wish(1).available is True
    assert wished == [False, True]
    charger.answers["ChangeAvailability"] = Refusal("InternalError")
    with pytest.raises(Exception, match="InternalError"):
        await charge_point.set_available(1, False)
    assert charge_point.wish(1).available is True
