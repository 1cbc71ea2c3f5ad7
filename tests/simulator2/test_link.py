"""Connecting, registering, and frames."""

import pytest

from simulator import Charger2, ManualClock
from tests.simulator.central import CallError

from .central import Central2, MakeCharger2, boot_answer


async def test_boots_and_says_how_it_is(charger: Charger2, central: Central2) -> None:
    """After registration each connector has a status."""
    assert central.actions == ["BootNotification"] + ["StatusNotification"] * 2
    assert central.said("BootNotification")[0]["reason"] == "PowerUp"
    assert central.connector_statuses(2) == ["Available"]


async def test_proves_who_it_is(
    make_charger: MakeCharger2, central: Central2, clock: ManualClock
) -> None:
    """A password may be changed from afar, and counts from then on."""
    charger = make_charger(password="0123456789abcdef")
    await charger.start()
    assert central.headers[0]["Authorization"] == (
        "Basic R0FSQUdFOjAxMjM0NTY3ODlhYmNkZWY="
    )
    assert (
        await central.set("SecurityCtrlr", "BasicAuthPassword", "fedcba9876543210")
        == "Accepted"
    )
    await charger.wait_for(lambda: len(central.headers) == 2 and charger.accepted)
    assert central.headers[1]["Authorization"] == (
        "Basic R0FSQUdFOmZlZGNiYTk4NzY1NDMyMTA="
    )
    hidden = await central.get({"name": "SecurityCtrlr"}, {"name": "BasicAuthPassword"})
    assert hidden["attributeStatus"] == "Rejected"
    assert (
        await central.set("SecurityCtrlr", "BasicAuthPassword", "short") == "Rejected"
    )


async def test_pending_and_rejected(
    make_charger: MakeCharger2, central: Central2, clock: ManualClock
) -> None:
    """While pending it may be configured but not used; while rejected it is left alone."""
    central.answers["BootNotification"] = boot_answer(clock.now, "Pending", 30)
    charger = make_charger()
    await charger.start(wait=False)
    await charger.settle()
    assert not charger.accepted
    assert await central.set("OCPPCommCtrlr", "HeartbeatInterval", "60") == "Accepted"
    start = {"idToken": {"idToken": "A", "type": "Central"}, "remoteStartId": 1}
    answer = await central.call("RequestStartTransaction", start)
    assert answer["status"] == "Rejected"
    answer = await central.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
    assert answer["status"] == "Accepted"

    central.answers["BootNotification"] = boot_answer(clock.now, "Rejected", 20)
    await clock.advance(30)
    with pytest.raises(CallError, match="SecurityError"):
        await central.call("ClearCache", {})
    assert len(charger.violations) == 1
    charger.violations.clear()

    central.answers["BootNotification"] = boot_answer(clock.now, "Accepted", 100)
    answer = await central.call(
        "TriggerMessage", {"requestedMessage": "BootNotification"}
    )
    assert answer["status"] == "Accepted"
    await charger.connected()
    assert central.said("BootNotification")[-1]["reason"] == "Triggered"
    beats = len(central.said("Heartbeat"))
    await clock.advance(200)
    assert len(central.said("Heartbeat")) == beats + 2
    answer = await central.call(
        "TriggerMessage", {"requestedMessage": "BootNotification"}
    )
    assert answer["status"] == "Rejected"


async def test_does_not_boot_again(
    charger: Charger2, central: Central2, clock: ManualClock
) -> None:
    """A lost connection is no restart; after a long time the statuses are told anew."""
    await charger.drop()
    await clock.advance(2)
    await charger.connected()
    assert len(central.said("BootNotification")) == 1
    assert len(central.said("StatusNotification")) == 2
    await charger.link.close()
    await clock.advance(100)
    await charger.reconnect()
    assert len(central.said("BootNotification")) == 1
    assert len(central.said("StatusNotification")) == 4


async def test_speaks_no_other_version(
    make_charger: MakeCharger2, central: Central2
) -> None:
    """Not even the older one."""
    central.protocols = ("ocpp1.6",)
    charger = make_charger()
    await charger.start(wait=False)
    await charger.settle()
    assert not charger.link.connected


async def test_refuses_what_is_not_in_the_standard(
    charger: Charger2, central: Central2
) -> None:
    """With the right code, and a note."""
    requests: list[tuple[str, dict[str, object], str]] = [
        ("Reset", {"type": "Soft"}, "PropertyConstraintViolation"),
        ("Reset", {}, "OccurrenceConstraintViolation"),
        ("Reset", {"type": "OnIdle", "x": 1}, "FormatViolation"),
        ("Reset", {"type": "OnIdle", "evseId": "1"}, "TypeConstraintViolation"),
        ("ChangeConfiguration", {}, "NotImplemented"),
        ("Heartbeat", {}, "NotSupported"),
    ]
    for number, (action, payload, code) in enumerate(requests, 1):
        with pytest.raises(CallError) as caught:
            await central.call(action, payload)
        assert caught.value.code == code
        assert len(charger.violations) == number
    charger.violations.clear()


async def test_actions_of_the_other_version(
    charger: Charger2, central: Central2, version: str
) -> None:
    """2.0.1 does not know what came with 2.1."""
    if version == "2.0.1":
        with pytest.raises(CallError, match="NotImplemented"):
            await central.call("GetTariffs", {"evseId": 0})
        with pytest.raises(CallError, match="PropertyConstraintViolation"):
            await central.call("Reset", {"type": "ImmediateAndResume"})
        assert len(charger.violations) == 2
        charger.violations.clear()


@pytest.mark.parametrize(
    "frame",
    ["{", "{}", "[]", '[7,"1"]', '[2,"1","Reset"]', '[2,"",{},{}]', '[3,"9",{}]'],
)
async def test_survives_nonsense(
    charger: Charger2, central: Central2, frame: str
) -> None:
    """And notes it."""
    await central.send(frame)
    assert (await central.call("ClearCache", {}))["status"] == "Accepted"
    assert len(charger.violations) == 1
    charger.violations.clear()


async def test_checks_answers(
    charger: Charger2, central: Central2, version: str
) -> None:
    """An answer may be as wrong as a request; 2.1 has a frame to say so."""
    central.answers["Authorize"] = {"idTagInfo": {"status": "Accepted"}}
    assert await charger.swipe("CARD1") == "Invalid"
    assert len(charger.violations) == 1
    charger.violations.clear()
    if version == "2.1":
        await central.wait_for(lambda: bool(central.errors))
        assert central.errors[0][1] == "FormatViolation"
    central.answers["Heartbeat"] = {"currentTime": "noon"}
    charger.heartbeat()
    await charger.settle()
    assert len(charger.violations) == 1
    charger.violations.clear()


async def test_bad_manners(charger: Charger2, central: Central2) -> None:
    """As in 1.6."""
    charger.answer("Reset", {"status": "Perhaps"}, times=1)
    charger.error("ClearCache", "InternalError", times=1)
    with pytest.raises(CallError, match="InternalError"):
        await central.call("ClearCache", {})
    charger.behave()
    assert (await central.call("ClearCache", {}))["status"] == "Accepted"
    charger.behave("ClearCache")
    assert charger.requests[-1] == ("ClearCache", {})
