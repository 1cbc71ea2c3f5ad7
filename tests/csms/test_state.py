"""Who hears what when something changes."""

import asyncio
from collections import Counter
from dataclasses import replace
from functools import partial
import logging
import socket

from aiohttp import WSServerHandshakeError
import pytest

from custom_components.ocpp_central.csms.model import Event

from .common import (
    NEVER,
    TIMING,
    Central,
    Charger,
    central_system,
    meter_values,
    sample,
    stamp,
    start,
    status,
    until,
)

SAMPLES = (
    sample("7200", "Power.Active.Import"),
    sample("10", "Current.Import", phase="L1"),
    sample("11", "Current.Import", phase="L2"),
    sample("230", "Voltage", phase="L1"),
)


async def test_a_listener_of_several_values_is_called_once_per_message(
    central: Central,
) -> None:
    """An entity is written once, however many of its values changed."""
    charge_point, charger = await central.connect()
    calls: Counter[str] = Counter()
    keys = ["power", "current", "current_l1", "current_l2", "voltage", "never"]
    charge_point.subscribe(1, keys, lambda: calls.update(["all"]))
    charge_point.subscribe(1, ["power", "power"], lambda: calls.update(["power"]))
    charge_point.subscribe(1, ["status"], lambda: calls.update(["status"]))
    charge_point.subscribe(2, keys, lambda: calls.update(["other connector"]))
    await charger.call("MeterValues", meter_values(*SAMPLES))
    await charger.alive()
    # The connector itself is new.
    assert calls == {"all": 1, "power": 1, "status": 1}
    await charger.call(
        "MeterValues", meter_values(sample("7300", "Power.Active.Import"))
    )
    await charger.alive()
    assert calls == {"all": 2, "power": 2, "status": 1}


async def test_what_stays_as_it_is_calls_nobody(central: Central) -> None:
    """Chargers repeat themselves, some once a second."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("MeterValues", meter_values(*SAMPLES))
    await charger.alive()
    calls: list[str] = []
    for key in (*charge_point.values(1), "never"):
        charge_point.subscribe(1, [key], lambda key=key: calls.append(key))
    charge_point.subscribe_new(lambda _, key: calls.append(key))
    charge_point.subscribe_connection(lambda: calls.append("connection"))
    for _ in range(3):
        await charger.call("StatusNotification", status("Charging"))
        await charger.call("MeterValues", meter_values(*SAMPLES))
        await charger.call("Heartbeat")
    assert calls == []


async def test_unsubscribed(central: Central) -> None:
    """Who does not want to hear any more does not."""
    charge_point, charger = await central.connect()
    calls: list[str] = []
    keep = charge_point.subscribe(1, ["status", "power"], lambda: calls.append("a"))
    charge_point.subscribe(1, ["status"], lambda: calls.append("b"))
    unsubscribe = [
        keep,
        charge_point.subscribe_new(lambda _, key: calls.append(key)),
        charge_point.subscribe_events(lambda _: calls.append("event")),
        charge_point.subscribe_info(lambda: calls.append("info")),
        charge_point.subscribe_wishes(lambda: calls.append("wish")),
    ]
    for function in unsubscribe:
        function()
    await charger.boot()
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("Authorize", {"idTag": "CARD"})
    await charge_point.set_paused(1, True)
    await charger.alive()
    assert calls == ["b"]


async def test_new_values(central: Central) -> None:
    """An entity is made when its value is first reported."""
    charge_point, charger = await central.connect()
    new: list[tuple[int, str]] = []
    charge_point.subscribe_new(lambda *value: new.append(value))
    await charger.call("StatusNotification", status("Available", 2))
    await charger.call("StatusNotification", status("Available", 0))
    await charger.call("MeterValues", meter_values(*SAMPLES[:1], connector=2))
    await charger.call("MeterValues", meter_values(*SAMPLES[:1], connector=2))
    await charger.alive()
    assert new == [
        (2, "status"),
        (2, "error_code"),
        (2, "reason_not_charging"),
        (0, "status"),
        (0, "error_code"),
        (2, "power"),
    ]
    assert charge_point.connectors == [2]


async def test_a_listener_that_fails(
    central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    """The others hear all the same, and the charger goes on being served."""
    charge_point, charger = await central.connect()
    calls: list[str] = []

    def fail(*_: object) -> None:
        raise ValueError("entity is broken")

    def subscribe(charger_: Charger) -> None:
        for number in (1, 2):
            charge_point.subscribe(1, ["status"], lambda: calls.append("status"))
            charge_point.subscribe_new(lambda *_: calls.append("new"))
            charge_point.subscribe_events(lambda _: calls.append("event"))
            charge_point.subscribe_info(lambda: calls.append("info"))
            charge_point.subscribe_connection(lambda: calls.append("connection"))
            charge_point.subscribe_wishes(lambda: calls.append("wish"))
            if number == 1:
                charge_point.subscribe(1, ["status"], fail)
                charge_point.subscribe_new(fail)
                charge_point.subscribe_events(fail)
                charge_point.subscribe_info(fail)
                charge_point.subscribe_connection(fail)
                charge_point.subscribe_wishes(fail)

    subscribe(charger)
    with caplog.at_level(logging.CRITICAL):
        await charger.boot()
        await charger.call("StatusNotification", status("Charging"))
        await charger.call("Authorize", {"idTag": "CARD"})
        await charge_point.set_paused(1, True)
        await charger.close()
        charger = await central.dial()
        await charger.alive()
    assert Counter(calls) == {
        "status": 2,
        "new": 12,
        "event": 2,
        "info": 2,
        "connection": 4,
        "wish": 2,
    }
    assert charge_point.connected


async def test_the_answer_leaves_first(central: Central) -> None:
    """Entities are written after the charger has its answer."""
    charge_point = await central.add()
    loop = asyncio.get_running_loop()
    peer = socket.socket()
    peer.setblocking(False)
    await loop.sock_connect(peer, ("127.0.0.1", central.port))
    await loop.sock_sendall(
        peer,
        b"GET /CP1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    )
    assert b"101" in await loop.sock_recv(peer, 1000)
    received: list[bytes] = []

    def listen(*_: object) -> None:
        # What has been sent to the charger by now.
        received.append(peer.recv(1000))

    async def send(action: str, payload: bytes) -> None:
        frame = b'[2,"x","%b",%b]' % (action.encode(), payload)
        head = bytes([0x81, 0x80 | 126, *len(frame).to_bytes(2), 0, 0, 0, 0])
        heard = asyncio.Event()
        unsubscribe = charge_point.subscribe_events(lambda _: heard.set())
        remove = charge_point.subscribe(1, ["status", "power"], heard.set)
        await loop.sock_sendall(peer, head + frame)
        await heard.wait()
        unsubscribe()
        remove()

    unsubscribe = charge_point.subscribe(1, ["status"], listen)
    await send(
        "StatusNotification",
        b'{"connectorId":1,"status":"Charging","errorCode":"NoError"}',
    )
    unsubscribe()
    unsubscribe = charge_point.subscribe(1, ["power"], listen)
    await send(
        "MeterValues",
        b'{"connectorId":1,"meterValue":[{"timestamp":"2099-01-01T00:00:00Z",'
        b'"sampledValue":[{"value":"1","measurand":"Power.Active.Import"}]}]}',
    )
    unsubscribe()
    charge_point.subscribe_events(listen)
    await send("Authorize", b'{"idTag":"CARD"}')
    await send(
        "StartTransaction",
        b'{"connectorId":1,"idTag":"CARD","meterStart":0,'
        b'"timestamp":"2026-01-01T00:00:00Z"}',
    )
    peer.close()
    assert len(received) == 4
    assert all(b'[3,"x",{' in answer for answer in received)


async def test_events(central: Central) -> None:
    """What happens once is told once, with tokens masked."""
    charge_point, charger = await central.connect()
    events: list[Event] = []
    charge_point.subscribe_events(events.append)
    await charger.call("Authorize", {"idTag": "04A1B2C3D4"})
    number = await charger.start(token="04A1B2C3D4")
    await charger.call("StartTransaction", start(2, token="04FFFF"))
    await charger.call("DataTransfer", {"vendorId": "V", "messageId": "M", "data": "D"})
    await charger.alive()
    told = [(event.kind, event.connector, event.type) for event in events]
    assert told == [
        ("id_token", 0, "accepted"),
        ("transaction", 1, "started"),
        ("transaction", 2, "started"),
        ("id_token", 2, "accepted"),
        ("data_transfer", 0, "received"),
    ]
    assert events[0].attributes == {"id_token": "…C3D4"}
    assert events[1].attributes == {"transaction_id": number, "id_token": "…C3D4"}
    assert events[4].attributes == {"vendor_id": "V", "message_id": "M", "data": "D"}


async def test_info(central: Central) -> None:
    """Who a charger is, is told when it changes, as after an update."""
    charge_point, charger = await central.connect()
    told: list[str | None] = []
    charge_point.subscribe_info(
        lambda: told.append(charge_point.info and charge_point.info.firmware)
    )
    for firmware in ("1.0", "1.0", "1.1"):
        await charger.boot(firmwareVersion=firmware)
    assert told == ["1.0", "1.1"]


async def test_connection_is_told_at_once(central: Central) -> None:
    """A socket that closed makes entities unavailable, without a word of the charger."""
    charge_point, charger = await central.connect()
    await charger.call("MeterValues", meter_values(*SAMPLES))
    told: list[bool] = []
    charge_point.subscribe_connection(lambda: told.append(charge_point.connected))
    await charger.hang_up()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    assert told == [False]


async def test_a_fault_is_shown(central: Central) -> None:
    """With what the charger says of it, and nothing else is forgotten for it."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("MeterValues", meter_values(*SAMPLES))
    assert charge_point.value(1, "error_code") == "NoError"
    fault = status(
        "Faulted", error="GroundFailure", vendorErrorCode="E17", info="call us"
    )
    await charger.call("StatusNotification", fault)
    assert charge_point.value(1, "status") == "faulted"
    assert charge_point.value(1, "error_code") == "GroundFailure E17 call us"
    assert charge_point.value(1, "voltage") == 230
    assert charge_point.connected
    await charger.call("StatusNotification", status("Available"))
    assert charge_point.value(1, "error_code") == "NoError"


async def test_secrets_are_not_logged(
    central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither tokens nor passwords are there to be read by whoever helps."""
    charge_point = await central.add(password="s3cret-password")
    with pytest.raises(WSServerHandshakeError):
        await central.dial(headers={"Authorization": "Basic QTp3cm9uZw=="})
    charger = await central.dial(
        headers={"Authorization": "Basic QTpzM2NyZXQtcGFzc3dvcmQ="}
    )
    await charger.boot()
    await charger.call("Authorize", {"idTag": "04DEADBEEF"})
    # Too long by the standard, which is noted.
    number = await charger.start(token="04DEADBEEF" * 3)
    assert charge_point.connection is not None
    assert "idTag" in charge_point.connection.anomalies["StartTransaction"].example
    assert "DEAD" not in charge_point.connection.anomalies["StartTransaction"].example
    await charger.call(
        "StopTransaction",
        {
            "transactionId": number,
            "idTag": "04DEADBEEF",
            "meterStop": 1,
            "timestamp": "2026-01-01T00:00:00Z",
        },
    )
    assert charge_point.connected
    ours = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components")
    ]
    assert not [text for text in ours if "04DEADBEEF" in text or "s3cret" in text]


async def test_a_status_of_the_past_is_not_shown(socket_enabled: None) -> None:
    """A charger that was offline tells what it did there, and then what it does."""
    timing = replace(TIMING, quiet=NEVER)
    async with central_system(timing=timing) as central:
        charge_point, charger = await central.connect()
        seen: list[object] = []
        charge_point.subscribe(
            1, ["status"], lambda: seen.append(charge_point.value(1, "status"))
        )
        for hours, value in ((3, "Preparing"), (2, "Charging")):
            past = status(value, timestamp=stamp(hours=hours))
            await charger.call("StatusNotification", past)
        await charger.call("StatusNotification", status("Finishing"))
        await charger.alive()
        assert seen[-1] == "finishing"
        assert set(seen) <= {None, "finishing"}


async def test_a_status_of_the_past_that_nothing_follows(central: Central) -> None:
    """It may be all that the charger has to say: it tells when its status changed."""
    charge_point, charger = await central.connect()
    past = status("SuspendedEV", timestamp=stamp(hours=2))
    await charger.call("StatusNotification", past)
    await until(
        partial(charge_point.subscribe, 1, ["status"]),
        lambda: charge_point.value(1, "status") == "suspended_ev",
    )
