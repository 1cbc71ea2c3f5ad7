"""Messages on a charger's display, and what a session costs, in OCPP 2.0.1 and 2.1."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.ocpp_central.csms.display import DisplayMessage
from custom_components.ocpp_central.csms.errors import (
    CommandRejected,
    CommandTimeout,
    InvalidCommand,
    NotConnected,
    NotSupported,
)

from .common import TIMING, Central, Charger, HangUp, Payload, Refusal, central_system
from .common2 import both_versions, connect2

WELCOME = DisplayMessage(id=1, text="Welcome")


def shown(number: int, text: str = "Welcome") -> Payload:
    """Return a MessageInfo."""
    message = {"format": "UTF8", "content": text}
    return {"id": number, "priority": "InFront", "message": message}


def reporter(charger: Charger, *parts: list[Payload]) -> Any:
    """Answer GetDisplayMessages and send these parts of the report."""
    tasks: list[asyncio.Task[None]] = []

    def answer(payload: Payload) -> Payload:
        async def report() -> None:
            for number, part in enumerate(parts, 1):
                await charger.call(
                    "NotifyDisplayMessages",
                    {
                        "requestId": payload["requestId"],
                        "messageInfo": part,
                        **({"tbc": True} if number < len(parts) else {}),
                    },
                )

        tasks.append(asyncio.create_task(report()))
        return {"status": "Accepted"}

    return answer


@both_versions
async def test_set(central: Central, version: str) -> None:
    """The frame has what is wanted, and nothing else."""
    charge_point, charger = await connect2(central, version)
    show = charge_point.commands.set_display_message
    assert await show(WELCOME) == {"status": "Accepted"}
    await show(
        DisplayMessage(
            id=7,
            text="Bis später",
            priority="AlwaysFront",
            language="de",
            state="Idle",
            start=datetime(2040, 1, 1, tzinfo=UTC),
            end=datetime(2040, 1, 2, tzinfo=UTC),
            transaction="T1",
            connector=2,
        )
    )
    assert [call.payload["message"] for call in charger.calls] == [
        {
            "id": 1,
            "priority": "NormalCycle",
            "message": {"format": "UTF8", "content": "Welcome"},
        },
        {
            "id": 7,
            "priority": "AlwaysFront",
            "state": "Idle",
            "startDateTime": "2040-01-01T00:00:00Z",
            "endDateTime": "2040-01-02T00:00:00Z",
            "transactionId": "T1",
            "message": {"format": "UTF8", "content": "Bis später", "language": "de"},
            "display": {"name": "Display", "evse": {"id": 2}},
        },
    ]


@both_versions
async def test_set_refused(central: Central, version: str) -> None:
    """In the charger's words; what its version has no word for is not sent."""
    charge_point, charger = await connect2(central, version)
    show = charge_point.commands.set_display_message
    for word in (
        "NotSupportedMessageFormat",
        "Rejected",
        "NotSupportedPriority",
        "NotSupportedState",
        "UnknownTransaction",
        "LanguageNotSupported",
    ):
        charger.answers["SetDisplayMessage"] = {"status": word}
        with pytest.raises(CommandRejected) as error:
            await show(WELCOME)
        assert error.value.status == word
    charger.answers["SetDisplayMessage"] = {"status": "Accepted"}
    code = replace(WELCOME, format="QRCODE")
    if version == "2.1":
        await show(code)
    else:
        with pytest.raises(InvalidCommand):
            await show(code)


@both_versions
async def test_clear(central: Central, version: str) -> None:
    """One that is not there is as good as cleared."""
    charge_point, charger = await connect2(central, version)
    clear = charge_point.commands.clear_display_message
    for word in ("Accepted", "Unknown"):
        charger.answers["ClearDisplayMessage"] = {"status": word}
        assert await clear(3) == {"status": word}
    assert charger.calls[-1].payload == {"id": 3}
    charger.answers["ClearDisplayMessage"] = {"status": "Rejected"}
    with pytest.raises(CommandRejected):
        await clear(3)


@both_versions
async def test_get(central: Central, version: str) -> None:
    """All parts of the report, under the number of the request."""
    charge_point, charger = await connect2(central, version)
    charger.answers["GetDisplayMessages"] = reporter(
        charger, [shown(1), shown(2)], [shown(3)]
    )
    answer = await charge_point.commands.get_display_messages()
    assert answer == {
        "status": "Accepted",
        "messages": [shown(1), shown(2), shown(3)],
    }
    assert list(charger.calls[-1].payload) == ["requestId"]
    first = charger.calls[-1].payload["requestId"]
    charger.answers["GetDisplayMessages"] = {"status": "Unknown"}
    answer = await charge_point.commands.get_display_messages([4], "InFront", "Idle")
    assert answer == {"status": "Unknown", "messages": []}
    payload = charger.calls[-1].payload
    assert payload.pop("requestId") > first
    assert payload == {"id": [4], "priority": "InFront", "state": "Idle"}


@both_versions
async def test_report_that_nobody_asked_for(central: Central, version: str) -> None:
    """It is answered, and kept for nobody."""
    charge_point, charger = await connect2(central, version)
    report = {"requestId": 5, "messageInfo": [shown(1)]}
    assert await charger.call("NotifyDisplayMessages", report) == {}
    assert await charger.call("NotifyDisplayMessages", {"requestId": "x"}) == {}
    charger.answers["GetDisplayMessages"] = reporter(charger, [shown(2)])
    answer = await charge_point.commands.get_display_messages()
    assert answer["messages"] == [shown(2)]


@both_versions
async def test_report_that_does_not_come(socket_enabled: None, version: str) -> None:
    """The caller hears of it in time."""
    async with central_system(timing=replace(TIMING, call=0.05)) as central:
        charge_point, charger = await connect2(central, version)
        with pytest.raises(CommandTimeout, match="NotifyDisplayMessages"):
            await charge_point.commands.get_display_messages()
        # What comes too late is answered all the same.
        late = {"requestId": charger.calls[-1].payload["requestId"]}
        assert await charger.call("NotifyDisplayMessages", late) == {}


@both_versions
async def test_gone_before_the_report(central: Central, version: str) -> None:
    """The socket closes: nobody goes on to wait."""
    charge_point, charger = await connect2(central, version)
    tasks: list[asyncio.Task[None]] = []

    def answer(_payload: Payload) -> Payload:
        tasks.append(asyncio.create_task(charger.close()))
        return {"status": "Accepted"}

    charger.answers["GetDisplayMessages"] = answer
    with pytest.raises(NotConnected):
        await charge_point.commands.get_display_messages()


@both_versions
async def test_no_display(central: Central, version: str) -> None:
    """A charger without one says so."""
    charge_point, charger = await connect2(central, version)
    for action in ("SetDisplayMessage", "ClearDisplayMessage", "GetDisplayMessages"):
        charger.answers[action] = Refusal("NotImplemented")
    with pytest.raises(NotSupported):
        await charge_point.commands.set_display_message(WELCOME)
    with pytest.raises(NotSupported):
        await charge_point.commands.clear_display_message(1)
    with pytest.raises(NotSupported):
        await charge_point.commands.get_display_messages()
    charger.answers["GetDisplayMessages"] = HangUp()
    with pytest.raises(NotConnected):
        await charge_point.commands.get_display_messages()


async def test_not_in_16(central: Central) -> None:
    """OCPP 1.6 has no such messages, and none is sent."""
    charge_point, charger = await central.connect()
    commands = charge_point.commands
    for call in (
        commands.set_display_message(WELCOME),
        commands.clear_display_message(1),
        commands.get_display_messages(),
        commands.update_cost("T1", 1.0),
    ):
        with pytest.raises(NotSupported):
            await call
    assert charger.actions == []
