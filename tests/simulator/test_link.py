"""Connecting, booting, losing the connection."""

import asyncio
from base64 import b64encode
import json
from typing import Any

import pytest

from simulator import (
    REBOOT_SECONDS,
    CallFailed,
    Car,
    Charger,
    LinkDown,
    ManualClock,
    WallClock,
)
from simulator.clock import format_time
from simulator.transport import Transport, TransportClosed

from .central import CallError, Central, MakeCharger


async def test_boot(make_charger: MakeCharger, central: Central) -> None:
    """Say who, then how all connectors are."""
    charger = make_charger(
        connectors=2,
        vendor="Acme",
        model="X",
        serial="1",
        firmware="2",
        password="pass:word",
    )
    await charger.start()
    assert charger.accepted
    assert central.actions == ["BootNotification", *["StatusNotification"] * 3]
    assert central.said("BootNotification") == [
        {
            "chargePointVendor": "Acme",
            "chargePointModel": "X",
            "chargePointSerialNumber": "1",
            "firmwareVersion": "2",
        }
    ]
    assert [
        payload["connectorId"] for payload in central.said("StatusNotification")
    ] == [0, 1, 2]
    assert {payload["status"] for payload in central.said("StatusNotification")} == {
        "Available"
    }
    assert central.paths == ["/ocpp/GARAGE"]
    credentials = b64encode(b"GARAGE:pass:word").decode()
    assert central.headers[0]["Authorization"] == f"Basic {credentials}"
    assert central.headers[0]["Sec-WebSocket-Protocol"] == "ocpp1.6"
    assert charger.sent == central.calls


async def test_identity_is_quoted(make_charger: MakeCharger, central: Central) -> None:
    """An identity may contain anything."""
    await make_charger(identity="RDAM|1/2 3").start()
    assert central.paths == ["/ocpp/RDAM%7C1%2F2%203"]
    assert "Authorization" not in central.headers[0]


async def test_heartbeats(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """At the interval of the BootNotification, or what it is changed to."""
    await clock.advance(600)
    assert len(central.said("Heartbeat")) == 2
    changed = await central.call(
        "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "10"}
    )
    assert changed == {"status": "Accepted"}
    await clock.advance(30)
    assert len(central.said("Heartbeat")) == 5


async def test_pending(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """Keep quiet and ask again after the interval, or when told to."""
    accepted = central.answers["BootNotification"]
    central.answers["BootNotification"] = {
        "status": "Pending",
        "currentTime": format_time(clock.now()),
        "interval": 30,
    }
    charger = make_charger()
    await charger.start(wait=False)
    await charger.wait_for(lambda: charger.sent != [])
    await clock.advance(29)
    charger.connector(1).plug_in()
    assert central.actions == ["BootNotification"]
    assert not charger.accepted
    await clock.advance(1)
    assert central.actions == ["BootNotification"] * 2

    assert await central.call("GetConfiguration", {"key": ["HeartbeatInterval"]})
    rejected = await central.call("RemoteStartTransaction", {"idTag": "CARD1"})
    assert rejected == {"status": "Rejected"}

    central.answers["BootNotification"] = accepted
    triggered = await central.call(
        "TriggerMessage", {"requestedMessage": "BootNotification"}
    )
    assert triggered == {"status": "Accepted"}
    await charger.connected()
    assert central.actions == ["BootNotification"] * 3 + ["StatusNotification"] * 2
    assert central.statuses(1) == ["Preparing"]


async def test_triggered_status_while_pending(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """What is asked for is said even then."""
    central.answers["BootNotification"] = {
        "status": "Pending",
        "currentTime": format_time(clock.now()),
        "interval": 0,
    }
    charger = make_charger()
    await charger.start(wait=False)
    await charger.wait_for(lambda: charger.sent != [])
    await charger.settle()
    await central.call(
        "TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}
    )
    await charger.settle()
    assert central.statuses(1) == ["Available"]
    await clock.advance(60)
    assert central.actions.count("BootNotification") == 2, "no interval means a minute"


async def test_boot_refused_with_an_error(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """A central system in trouble is asked again."""
    accepted = central.answers["BootNotification"]
    central.answers["BootNotification"] = ["InternalError", "", {}]
    charger = make_charger()
    await charger.start(wait=False)
    await charger.wait_for(lambda: charger.sent != [])
    await clock.advance(59)
    central.answers["BootNotification"] = accepted
    await clock.advance(1)
    assert charger.accepted


async def test_dials_until_there_is_somebody(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """With longer and longer pauses."""
    central.protocols = ("ocpp2.0.1",)
    charger = make_charger()
    await charger.start(wait=False)
    await charger.wait_for(lambda: central.sockets != [])
    for pause in (2, 4, 8, 16, 32, 60, 60):
        before = len(central.sockets)
        await clock.advance(pause - 0.1)
        assert len(central.sockets) == before
        await clock.advance(0.1)
        assert len(central.sockets) == before + 1
    assert not charger.link.connected, "a server of another version is of no use"
    central.protocols = ("ocpp1.6",)
    await clock.advance(60)
    assert charger.accepted


async def test_nobody_there(make_charger: MakeCharger, clock: ManualClock) -> None:
    """A refused connection is no reason to give up or to complain."""
    charger = make_charger(url="ws://127.0.0.1:1")
    await charger.start(wait=False)
    await clock.advance(10)
    assert not charger.link.connected
    assert await charger.swipe("CARD1") == "Invalid"
    with pytest.raises(LinkDown):
        await charger.call("Heartbeat", {})


async def test_comes_back_after_a_drop(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Dial again after a pause, and register."""
    await charger.drop()
    assert not charger.link.connected
    assert not charger.accepted
    await clock.advance(2)
    assert charger.accepted
    assert central.actions.count("BootNotification") == 2
    assert len(central.said("StatusNotification")) == 6


async def test_reconnect_without_boot(
    make_charger: MakeCharger, central: Central
) -> None:
    """Some register only when they have really booted, and tell only what changed."""
    charger = make_charger(connectors=2, boot_on_reconnect=False)
    await charger.start()
    await charger.drop()
    charger.connector(2).plug_in()
    await charger.reconnect()
    assert central.actions == [
        "BootNotification",
        *["StatusNotification"] * 3,
        "StatusNotification",
    ]
    assert central.statuses(2) == ["Available", "Preparing"]


async def test_other_side_closes(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Whoever ended it, the charger comes back."""
    await central.sockets[-1].close()
    await charger.wait_for(lambda: not charger.link.connected)
    await clock.advance(2)
    assert charger.accepted


async def test_silent_drop(charger: Charger, central: Central) -> None:
    """The old socket stays open while the charger comes back on a new one."""
    await charger.drop(silent=True)
    await charger.reconnect()
    assert len(central.sockets) == 2
    assert not central.sockets[0].closed
    assert await central.call("ClearCache", {}) == {"status": "Accepted"}


async def test_pings(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """A server that answers no ping is gone; the key takes effect with the next connection."""
    charger = make_charger(config={"WebSocketPingInterval": "20"})
    charger.activity.patience = 0.2
    await charger.start()
    await clock.advance(60)
    assert charger.accepted
    assert len(central.sockets) == 1
    central.answers_pings = False
    await clock.advance(20)
    assert charger.accepted
    await clock.advance(20)
    await charger.wait_for(lambda: not charger.accepted)


async def test_answers_pings(charger: Charger, central: Central) -> None:
    """A live charger answers, a silent one does not."""
    await central.sockets[-1].ping(b"?")
    await central.wait_for(lambda: central.pongs == [b"?"])


async def test_soft_reset(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """End transactions first, say so, then go."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    assert await central.call("Reset", {"type": "Soft"}) == {"status": "Accepted"}
    await charger.settle()
    assert not charger.link.connected
    assert central.actions[-2:] == ["StopTransaction", "StatusNotification"]
    assert central.said("StopTransaction")[0]["reason"] == "SoftReset"
    assert central.statuses(1)[-1] == "Finishing"
    await clock.advance(REBOOT_SECONDS)
    assert charger.accepted
    assert central.statuses(1)[-1] == "Preparing"


async def test_soft_reset_does_not_wait_for_ever(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """A central system that does not take the end of a transaction gets it after the reboot."""
    charger.activity.patience = 0.2
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    central.answers["StopTransaction"] = None
    await central.call("Reset", {"type": "Soft"})
    await clock.advance(9)
    assert charger.link.connected
    await clock.advance(1)
    assert not charger.link.connected
    central.answers["StopTransaction"] = {}
    await clock.advance(REBOOT_SECONDS)
    stops = central.said("StopTransaction")
    assert len(stops) == 2
    assert stops[0] == stops[1]


async def test_hard_reset(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Go at once, and tell after the boot."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    assert await central.call("Reset", {"type": "Hard"}) == {"status": "Accepted"}
    await charger.settle()
    assert not charger.link.connected
    assert central.said("StopTransaction") == []
    gone = format_time(clock.now())
    await clock.advance(REBOOT_SECONDS)
    (stop,) = central.said("StopTransaction")
    assert (stop["reason"], stop["timestamp"]) == ("HardReset", gone)
    boot = len(central.actions) - central.actions[::-1].index("BootNotification")
    assert central.actions[boot:] == [*["StatusNotification"] * 3, "StopTransaction"]


@pytest.mark.parametrize(
    ("how", "reason"), [("power_loss", "PowerLoss"), ("reboot", "Reboot")]
)
async def test_restart_of_its_own(
    charger: Charger, central: Central, clock: ManualClock, how: str, reason: str
) -> None:
    """The reason tells what happened."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await getattr(charger, how)()
    await clock.advance(REBOOT_SECONDS)
    assert charger.accepted
    (stop,) = central.said("StopTransaction")
    assert stop["reason"] == reason
    assert charger.connector(1).transaction_id is None


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
        ("ReserveNow", {}, "NotImplemented"),
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


async def test_stop_and_start_again(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Time stands still for a stopped charger."""
    charger.connector(1).plug_in(Car(ramp=100))
    await charger.swipe("CARD1")
    await clock.advance(60)
    energy = charger.connector(1).energy_wh
    await charger.stop()
    await clock.advance(3600)
    assert charger.connector(1).energy_wh == energy
    await charger.start()
    await clock.advance(60)
    assert charger.connector(1).energy_wh == pytest.approx(2 * energy, rel=0.01)
    assert len(central.said("MeterValues")) == 2


async def test_stale_answer(charger: Charger, central: Central) -> None:
    """An answer nobody waits for changes nothing."""
    await central.send(json.dumps([3, "nobody", {}]))
    assert await charger.call("DataTransfer", {"vendorId": "Acme"}) == {
        "status": "Accepted"
    }


async def test_sending_fails(
    charger: Charger,
    central: Central,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A connection that cannot be written to is as good as none."""

    async def fail(_transport: Transport, _message: str) -> None:
        raise TransportClosed("broken")

    with monkeypatch.context() as patch:
        patch.setattr(Transport, "send", fail)
        with pytest.raises(LinkDown):
            await charger.call("DataTransfer", {"vendorId": "Acme"})
    assert not charger.link.connected
    await clock.advance(2)
    assert charger.accepted


async def test_binary_frames_end_the_connection(
    charger: Charger, central: Central
) -> None:
    """They are not OCPP-J."""
    await central.sockets[-1].send_bytes(b"[]")
    await charger.wait_for(lambda: not charger.link.connected)


async def test_hung_up_while_dialling(
    make_charger: MakeCharger, central: Central
) -> None:
    """A connection that is not wanted any more is closed again."""
    charger = make_charger()
    await charger.start(wait=False)
    await charger.link.hang_up(Transport.close)
    await charger.settle()
    assert not charger.link.connected
    assert central.calls == []


async def test_stop_in_the_middle(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """Whatever is under way, nothing stays behind."""
    await make_charger(identity="NEVER STARTED").stop()
    dialling = make_charger(identity="DIALLING")
    await dialling.start(wait=False)
    await dialling.stop()

    central.answers["Authorize"] = None
    calling = make_charger(identity="CALLING")
    await calling.start()
    swipe = asyncio.create_task(calling.swipe("CARD1"))
    await central.wait_for(lambda: "Authorize" in central.actions)
    await calling.stop()
    assert await swipe == "Invalid"


async def test_wall_clock(make_charger: MakeCharger, central: Central) -> None:
    """The same in real time."""
    charger = make_charger(clock=WallClock(speed=1000))
    await charger.start()
    charger.connector(1).plug_in(Car(capacity_wh=100, soc=99, ramp=1000))
    await charger.swipe("CARD1")
    await charger.wait_for(lambda: charger.connector(1).status == "SuspendedEV")
    assert charger.connector(1).energy_wh == pytest.approx(1)
