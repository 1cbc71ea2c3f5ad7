"""The actions about a charger's display."""

import asyncio
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
import voluptuous as vol

from .common import System, bring_up
from .csms import common2
from .csms.common import BOOT, Charger, Payload, Refusal


async def connect(system: System, version: str) -> Charger:
    """Have a charger connect that is at rest."""
    charger = await system.dial(protocols=(f"ocpp{version}",))
    charger.answers["GetVariables"] = common2.unknown_variables
    await charger.call("BootNotification", common2.BOOT)
    await charger.call("StatusNotification", common2.status())
    await bring_up("GARAGE")
    charger.forget()
    return charger


@common2.both_versions
async def test_set(hass: HomeAssistant, system: System, version: str) -> None:
    """A message is shown; without a number, in place of the one before."""
    charger = await connect(system, version)
    answer = await system.act("set_display_message", response=True, message="Welcome")
    assert answer == {"status": "Accepted", "message_id": 1}
    await system.act(
        "set_display_message",
        message="Bis später",
        message_id=7,
        priority="InFront",
        state="Idle",
        start="2040-01-01T00:00:00+00:00",
        end="2040-01-02T00:00:00+00:00",
        format="ASCII",
        language="de",
        connector=1,
    )
    assert [
        call.payload["message"]
        for call in charger.calls
        if call.action == "SetDisplayMessage"
    ] == [
        {
            "id": 1,
            "priority": "NormalCycle",
            "message": {"format": "UTF8", "content": "Welcome"},
        },
        {
            "id": 7,
            "priority": "InFront",
            "state": "Idle",
            "startDateTime": "2040-01-01T00:00:00Z",
            "endDateTime": "2040-01-02T00:00:00Z",
            "message": {"format": "ASCII", "content": "Bis später", "language": "de"},
            "display": {"name": "Display", "evse": {"id": 1}},
        },
    ]
    charger.answers["SetDisplayMessage"] = {"status": "NotSupportedPriority"}
    with pytest.raises(HomeAssistantError, match="with: NotSupportedPriority"):
        await system.act("set_display_message", message="Welcome")
    answer = await system.act("set_display_message", response=True, message="Welcome")
    assert answer == {"status": "NotSupportedPriority"}


@common2.both_versions
async def test_for_this_session(
    hass: HomeAssistant, system: System, version: str
) -> None:
    """The charger knows the session by its own name for it."""
    charger = await connect(system, version)
    with pytest.raises(ServiceValidationError, match="No charging session"):
        await system.act("set_display_message", message="Welcome", session_only=True)
    await charger.call(
        "TransactionEvent", common2.event("Started", "own-id", evse=1, token="CARD1")
    )
    await system.act("set_display_message", message="Welcome", session_only=True)
    message = (await charger.called("SetDisplayMessage")).payload["message"]
    assert message["transactionId"] == "own-id"


@common2.both_versions
async def test_clear(hass: HomeAssistant, system: System, version: str) -> None:
    """By its number."""
    charger = await connect(system, version)
    charger.answers["ClearDisplayMessage"] = {"status": "Unknown"}
    answer = await system.act("clear_display_message", response=True, message_id=7)
    assert answer == {"status": "Unknown"}
    await system.act("clear_display_message")
    assert [call.payload for call in charger.calls] == [{"id": 7}, {"id": 1}]


@common2.both_versions
async def test_get(hass: HomeAssistant, system: System, version: str) -> None:
    """All that is reported comes back."""
    charger = await connect(system, version)
    info = {
        "id": 7,
        "priority": "InFront",
        "message": {"format": "UTF8", "content": "Welcome"},
    }
    told: list[asyncio.Task[Payload]] = []

    def report(payload: Payload) -> Payload:
        part = {"requestId": payload["requestId"], "messageInfo": [info]}
        told.append(asyncio.create_task(charger.call("NotifyDisplayMessages", part)))
        return {"status": "Accepted"}

    charger.answers["GetDisplayMessages"] = report
    wanted: dict[str, Any] = {"message_ids": 7, "priority": "InFront", "state": "Idle"}
    answer = await system.act("get_display_messages", response=True, **wanted)
    assert answer == {"status": "Accepted", "messages": [info]}
    payload = charger.calls[-1].payload
    assert payload.pop("requestId") > 0
    assert payload == {"id": [7], "priority": "InFront", "state": "Idle"}
    assert await told[0] == {}


ACTIONS: dict[str, dict[str, Any]] = {
    "set_display_message": {"message": "Welcome"},
    "clear_display_message": {"message_id": 1},
    "get_display_messages": {},
}


@pytest.mark.parametrize("action", ACTIONS)
async def test_not_in_16(hass: HomeAssistant, system: System, action: str) -> None:
    """The user is told that this charger cannot."""
    charger = await system.dial()
    await charger.call("BootNotification", BOOT)
    await bring_up("GARAGE")
    charger.forget()
    with pytest.raises(HomeAssistantError, match="Garage does not support") as error:
        await system.act(action, response=True, **ACTIONS[action])
    assert error.value.translation_key == "not_supported"
    assert charger.actions == []


@common2.both_versions
@pytest.mark.parametrize("action", ACTIONS)
async def test_no_display(
    hass: HomeAssistant, system: System, version: str, action: str
) -> None:
    """So it is where the charger says that it has no display."""
    charger = await connect(system, version)
    for name in ("SetDisplayMessage", "ClearDisplayMessage", "GetDisplayMessages"):
        charger.answers[name] = Refusal("NotSupported")
    with pytest.raises(HomeAssistantError, match="Garage does not support"):
        await system.act(action, response=True, **ACTIONS[action])


@pytest.mark.parametrize(
    "wrong", [{"priority": "Loud"}, {"state": "Happy"}, {"format": "PDF"}]
)
async def test_words_that_are_not_known(
    hass: HomeAssistant, system: System, wrong: dict[str, str]
) -> None:
    """They are refused before anything is sent."""
    with pytest.raises(vol.Invalid):
        await system.act("set_display_message", message="Welcome", **wrong)
