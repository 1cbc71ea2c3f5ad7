"""Connecting, booting, losing the connection."""

from base64 import b64encode

import pytest

from simulator import Car, Charger, LinkDown, ManualClock, WallClock
from simulator.clock import format_time
from simulator.transport import Transport, TransportClosed

from .central import Central, MakeCharger


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


async def test_wall_clock(make_charger: MakeCharger, central: Central) -> None:
    """The same in real time."""
    charger = make_charger(clock=WallClock(speed=1000))
    await charger.start()
    charger.connector(1).plug_in(Car(capacity_wh=100, soc=99, ramp=1000))
    await charger.swipe("CARD1")
    await charger.wait_for(lambda: charger.connector(1).status == "SuspendedEV")
    assert charger.connector(1).energy_wh == pytest.approx(1)
