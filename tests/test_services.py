"""The actions: what goes out, what comes back, and what is an error."""

from dataclasses import dataclass, field
from typing import Any, override

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from .common import NEVER, System, until
from .csms.common import HangUp, Raw

DOMAIN = "ocpp_central"

PROFILE = {
    "chargingProfileId": 99,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
    },
}
HEARTBEAT = {"key": "HeartbeatInterval", "readonly": False, "value": "60"}
CONFIGURATION = {
    "configurationKey": [HEARTBEAT],
    "unknownKey": ["Nonsense"],
}


@dataclass
class Case:
    """An action, the frame it becomes, and what a charger answers."""

    action: str
    sent: str
    payload: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=lambda: {"status": "Accepted"})
    refusal: str | None = "Rejected"
    reads: bool = False
    # What the action returns, if not the answer itself.
    returned: dict[str, Any] | None = None

    @override
    def __str__(self) -> str:
        """Return a name for the test."""
        return self.action


CASES = [
    Case("reset", "Reset", {"type": "Soft"}),
    Case("reset", "Reset", {"type": "Hard"}, {"type": "Hard"}),
    Case(
        "unlock_connector",
        "UnlockConnector",
        {"connectorId": 1},
        answer={"status": "Unlocked"},
        refusal="UnlockFailed",
    ),
    Case(
        "start_transaction",
        "RemoteStartTransaction",
        {"connectorId": 1, "idTag": "HOMEASSISTANT"},
    ),
    Case(
        "start_transaction",
        "RemoteStartTransaction",
        {"connectorId": 1, "idTag": "CARD1", "chargingProfile": PROFILE},
        {"id_token": "CARD1", "charging_profile": PROFILE},
    ),
    Case(
        "stop_transaction",
        "RemoteStopTransaction",
        {"transactionId": -1},
        {"transaction_id": -1},
    ),
    Case(
        "set_charging_profile",
        "SetChargingProfile",
        {"connectorId": 1, "csChargingProfiles": PROFILE},
        {"profile": PROFILE},
        refusal="NotSupported",
    ),
    Case("clear_charging_profile", "ClearChargingProfile", {}, refusal=None),
    Case(
        "clear_charging_profile",
        "ClearChargingProfile",
        {"connectorId": 0, "stackLevel": 1},
        {"criteria": {"connectorId": 0, "stackLevel": 1}},
        answer={"status": "Unknown"},
        refusal=None,
    ),
    Case(
        "get_composite_schedule",
        "GetCompositeSchedule",
        {"connectorId": 1, "duration": 86400},
        answer={"status": "Rejected"},
        reads=True,
    ),
    Case(
        "get_composite_schedule",
        "GetCompositeSchedule",
        {"connectorId": 1, "duration": 5400, "chargingRateUnit": "W"},
        {"duration": {"hours": 1, "minutes": 30}, "unit": "W"},
        reads=True,
    ),
    Case(
        "get_configuration",
        "GetConfiguration",
        {},
        answer=CONFIGURATION,
        reads=True,
        returned={"known": [HEARTBEAT], "unknown": []},
    ),
    Case(
        "get_configuration",
        "GetConfiguration",
        {"key": ["HeartbeatInterval", "Nonsense"]},
        {"keys": ["HeartbeatInterval", "Nonsense"]},
        answer=CONFIGURATION,
        reads=True,
        returned={"known": [HEARTBEAT], "unknown": ["Nonsense"]},
    ),
    Case(
        "get_configuration",
        "GetConfiguration",
        {"key": ["HeartbeatInterval"]},
        {"keys": "HeartbeatInterval"},
        answer=CONFIGURATION,
        reads=True,
        returned={"known": [HEARTBEAT], "unknown": []},
    ),
    Case(
        "set_configuration",
        "ChangeConfiguration",
        {"key": "WebSocketPingInterval", "value": "30"},
        {"key": "WebSocketPingInterval", "value": 30},
        answer={"status": "RebootRequired"},
        refusal="NotSupported",
    ),
    Case(
        "change_availability",
        "ChangeAvailability",
        {"connectorId": 1, "type": "Inoperative"},
        {"operative": False},
        answer={"status": "Scheduled"},
    ),
    Case(
        "change_availability",
        "ChangeAvailability",
        {"connectorId": 0, "type": "Operative"},
        {"operative": True, "connector": 0},
    ),
    Case(
        "trigger_message",
        "TriggerMessage",
        {"requestedMessage": "Heartbeat"},
        {"message": "Heartbeat"},
        refusal="NotImplemented",
    ),
    Case(
        "trigger_message",
        "TriggerMessage",
        {"requestedMessage": "MeterValues", "connectorId": 2},
        {"message": "MeterValues", "connector": 2},
    ),
    Case(
        "extended_trigger_message",
        "ExtendedTriggerMessage",
        {"requestedMessage": "LogStatusNotification"},
        {"message": "LogStatusNotification"},
        refusal="NotImplemented",
    ),
    Case(
        "extended_trigger_message",
        "ExtendedTriggerMessage",
        {"requestedMessage": "StatusNotification", "connectorId": 2},
        {"message": "StatusNotification", "connector": 2},
    ),
    Case(
        "data_transfer",
        "DataTransfer",
        {"vendorId": "com.example"},
        {"vendor_id": "com.example"},
        refusal="UnknownVendorId",
    ),
    Case(
        "data_transfer",
        "DataTransfer",
        {"vendorId": "com.example", "messageId": "Led", "data": "{}"},
        {"vendor_id": "com.example", "message_id": "Led", "data": "{}"},
        answer={"status": "Accepted", "data": "done"},
        refusal="UnknownMessageId",
    ),
    Case("clear_cache", "ClearCache", {}),
    Case(
        "call",
        "ReserveNow",
        {
            "reservationId": 5,
            "idTag": "CARD1",
            "expiryDate": "2030-01-01T00:00:00Z",
            "connectorId": 1,
        },
        {
            "action": "ReserveNow",
            "payload": {
                "reservationId": 5,
                "idTag": "CARD1",
                "expiryDate": "2030-01-01T00:00:00Z",
                "connectorId": 1,
            },
        },
        refusal="Occupied",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_action(hass: HomeAssistant, system: System, case: Case) -> None:
    """The frame is as the standard wants it, the answer as the charger spelt it."""
    charger = await system.connect()
    charger.answer(case.sent, case.answer)
    response = await system.act(case.action, response=True, **case.data)
    assert response == (case.returned or case.answer)
    action, payload = charger.requests[-1]
    assert action == case.sent
    assert list(payload.items()) == list(case.payload.items())
    if case.reads:
        with pytest.raises(ServiceValidationError):
            await system.act(case.action, **case.data)
    else:
        assert await system.act(case.action, **case.data) is None

    if case.refusal is None:
        return
    charger.answer(case.sent, {"status": case.refusal})
    response = await system.act(case.action, response=True, **case.data)
    assert response == {"status": case.refusal}
    if not case.reads:
        with pytest.raises(HomeAssistantError) as error:
            await system.act(case.action, **case.data)
        assert str(error.value) == f"Garage answered {case.sent} with: {case.refusal}"


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_errors(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, system: System, case: Case
) -> None:
    """Whether the answer was wanted or not: without one there is an error."""
    charger = await system.connect()
    for code, description, text in (
        ("InternalError", "out of luck", "with an error: InternalError out of luck"),
        ("NotImplemented", "", "Garage does not support"),
        ("NotSupported", "no idea", f"support {case.sent}: NotSupported no idea"),
    ):
        charger.error(case.sent, code, description)
        with pytest.raises(HomeAssistantError, match=text):
            await system.act(case.action, response=True, **case.data)
    charger.never_answer(case.sent)
    acting = hass.async_create_task(system.act(case.action, response=True, **case.data))
    count = len(charger.requests)
    await charger.wait_for(lambda: len(charger.requests) > count)
    freezer.tick(NEVER + 1)
    with pytest.raises(HomeAssistantError) as error:
        await acting
    assert str(error.value) == f"Garage did not answer {case.sent} in time"
    await charger.drop()
    await until(hass, lambda: system.value("sensor", "status") == "unavailable")
    with pytest.raises(HomeAssistantError) as error:
        await system.act(case.action, response=True, **case.data)
    assert str(error.value) == "Garage is not connected"


async def test_what_the_standard_forbids(hass: HomeAssistant, system: System) -> None:
    """Not sent; the user reads what is wrong with it."""
    charger = await system.connect()
    charger.requests.clear()
    with pytest.raises(ServiceValidationError, match="OCPP does not allow this"):
        await system.act("set_charging_profile", profile={"chargingProfileId": 1})
    with pytest.raises(ServiceValidationError, match="idTag"):
        await system.act("start_transaction", id_token="longer than twenty letters")
    assert charger.requests == []


async def test_calls_nobody_knows(hass: HomeAssistant, system: System) -> None:
    """A message of no standard goes out as it was given."""
    raw = await system.dial()
    raw.answers["GetLogs"] = {"lines": [1, 2]}
    answer = await system.act(
        "call", response=True, action="GetLogs", payload={"z": 1, "a": [None]}
    )
    assert answer == {"lines": [1, 2]}
    assert list(raw.calls[-1].payload.items()) == [("z", 1), ("a", [None])]


async def test_answer_that_cannot_be_read(hass: HomeAssistant, system: System) -> None:
    """It is an error at once, and holds up nobody."""
    raw = await system.dial()
    raw.answers["UnlockConnector"] = Raw('[3,"{id}",{"status":')
    with pytest.raises(HomeAssistantError, match="FormationViolation"):
        await system.act("unlock_connector")
    assert await system.act("clear_cache", response=True) == {"status": "Accepted"}


async def test_reset_that_takes_the_charger_down(
    hass: HomeAssistant, system: System
) -> None:
    """A hard reset ends with the socket; a soft one that was not answered failed."""
    raw = await system.dial()
    raw.answers["Reset"] = HangUp()
    assert await system.act("reset", response=True, type="Hard") == {}
    await raw.closed.wait()
    raw = await system.dial()
    raw.answers["Reset"] = HangUp()
    with pytest.raises(HomeAssistantError, match="not connected"):
        await system.act("reset", type="Soft")


async def test_change_availability_is_a_wish(
    hass: HomeAssistant, system: System
) -> None:
    """What was accepted holds after the charger's next start; what was refused not."""
    charger = await system.connect()
    charger.answer("ChangeAvailability", {"status": "Rejected"})
    await system.act("change_availability", response=True, operative=False)
    assert system.value("switch", "available") == "on"
    charger.behave()
    await system.act("change_availability", operative=False)
    assert system.value("switch", "available") == "off"


async def test_get_status(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, system: System
) -> None:
    """Everything at a glance; of a charger that is away only what does not change."""
    charger = await system.connect(meter_start=7000, reports_soc=True)
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await system.advance(freezer, 60)
    answer = await system.act("get_status", response=True)
    (garage,) = answer["charge_points"]
    (connector,) = garage.pop("connectors")
    assert garage == {
        "id": "GARAGE",
        "name": "Garage",
        "connected": True,
        "protocol": "ocpp1.6",
        "status": "available",
        "reservations": [],
    }
    assert connector == {
        "connector": 1,
        "status": "charging",
        "charge_rate_kw": 11.04,
        "meter_kwh": pytest.approx(7.17, abs=0.02),
        "soc": 40,
        "transaction_id": charger.connector(1).transaction_id,
        "session_kwh": pytest.approx(0.17, abs=0.02),
    }
    device_id = system.device()
    only = await system.act("get_status", response=True, device_id=device_id)
    assert only == answer | {"charge_points": [{**garage, "connectors": [connector]}]}

    await charger.drop()
    await until(hass, lambda: system.value("sensor", "status") == "unavailable")
    (garage,) = (await system.act("get_status", response=True))["charge_points"]
    (connector,) = garage["connectors"]
    assert (garage["connected"], garage["protocol"], garage["status"]) == (
        False,
        None,
        None,
    )
    facts = ("status", "charge_rate_kw", "meter_kwh", "soc")
    assert [connector[fact] for fact in facts] == [None] * 4
    assert connector["session_kwh"] == pytest.approx(0.17, abs=0.02)


async def test_composite_schedule(hass: HomeAssistant, system: System) -> None:
    """What a charger makes of all its limits is passed on whole."""
    charger = await system.connect()
    await system.set("number", "current_limit", 10)
    answer = await system.act(
        "get_composite_schedule", response=True, duration={"minutes": 10}
    )
    assert answer["status"] == "Accepted"
    assert answer["chargingSchedule"]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 10.0}
    ]
    assert charger.violations == []
