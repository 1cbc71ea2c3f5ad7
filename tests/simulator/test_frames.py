"""Strict validation in both directions, and what is not even a frame."""

import json
from typing import Any

import pytest

from simulator import CallFailed, Charger, ManualClock
from simulator.clock import format_time

from .central import CallError, Central


async def test_call_times_out_on_the_clock(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Silence ends after half a minute of the charger's time; a late answer does no harm."""
    charger.activity.patience = 0.2
    central.answers["Heartbeat"] = None
    await clock.advance(300)
    assert len(central.said("Heartbeat")) == 1
    central.answers["Heartbeat"] = {"currentTime": format_time(clock.now())}
    beat = charger.outbox.put("Heartbeat", {})
    await clock.advance(29)
    assert not beat.done()
    await clock.advance(1)
    assert beat.done()
    assert len(central.said("Heartbeat")) == 2


async def test_any_request(charger: Charger, central: Central) -> None:
    """DataTransfer and whatever else the charger might say."""
    answer = await charger.call("DataTransfer", {"vendorId": "Acme", "data": "x"})
    assert answer == {"status": "Accepted"}
    assert central.said("DataTransfer") == [{"vendorId": "Acme", "data": "x"}]
    central.answers["DataTransfer"] = ["NotSupported", "no", {}]
    with pytest.raises(CallFailed, match="NotSupported"):
        await charger.call("DataTransfer", {"vendorId": "Acme"})


async def test_bad_answers_are_written_down(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Strict validation in both directions is what this charger is for."""
    central.answers["Heartbeat"] = {"currentTime": format_time(clock.now()), "extra": 1}
    with pytest.raises(CallFailed):
        await charger.call("Heartbeat", {})
    assert "the answer to Heartbeat is invalid" in charger.violations[0]
    charger.violations.clear()
    with pytest.raises(CallFailed):
        await charger.call("DataTransfer", {"vendorId": "x" * 256})
    assert "our own DataTransfer is invalid" in charger.violations[0]
    charger.violations.clear()


@pytest.mark.parametrize(
    "frame",
    [
        "nonsense",
        "{}",
        "[]",
        '[2, "1", "Reset"]',
        '[2, 1, "Reset", {}]',
        '[2, "1", ["Reset"], {}]',
        '[9, "1", {}]',
        '[3, "1"]',
    ],
)
async def test_bad_frames_do_no_harm(
    charger: Charger, central: Central, frame: str
) -> None:
    """They are written down, and the next one is served."""
    await central.send(frame)
    assert await central.call("ClearCache", {}) == {"status": "Accepted"}
    assert len(charger.violations) == 1
    charger.violations.clear()


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Reset", {"type": "Medium"}, "FormatViolation"),
        ("Reset", {}, "ProtocolError"),
        ("Reset", {"type": "Soft", "when": "now"}, "FormatViolation"),
        ("RemoteStopTransaction", {"transactionId": "1"}, "TypeConstraintViolation"),
        ("Heartbeat", {}, "NotImplemented"),
        ("Dance", {}, "NotSupported"),
    ],
)
async def test_bad_requests_are_refused(
    charger: Charger, central: Central, action: str, payload: dict[str, Any], code: str
) -> None:
    """With the right code; unknown actions are no violation, invalid payloads are."""
    with pytest.raises(CallError) as error:
        await central.call(action, payload)
    assert error.value.code == code
    assert len(charger.violations) == (code not in {"NotImplemented", "NotSupported"})
    assert charger.requests[-1] == (action, payload)
    charger.violations.clear()


async def test_stale_answer(charger: Charger, central: Central) -> None:
    """An answer nobody waits for changes nothing."""
    await central.send(json.dumps([3, "nobody", {}]))
    assert await charger.call("DataTransfer", {"vendorId": "Acme"}) == {
        "status": "Accepted"
    }


async def test_binary_frames_end_the_connection(
    charger: Charger, central: Central
) -> None:
    """They are not OCPP-J."""
    await central.sockets[-1].send_bytes(b"[]")
    await charger.wait_for(lambda: not charger.link.connected)
