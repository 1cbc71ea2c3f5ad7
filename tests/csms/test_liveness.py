"""How the central system tells a charger that is silent from one that is gone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from custom_components.ocpp_central.csms.timing import Timing

from .common import (
    NEVER,
    Central,
    Charger,
    Raw,
    Refusal,
    Silence,
    central_system,
    until,
)
from .conftest import LoopClock

PROBE = {"key": ["HeartbeatInterval"]}


@pytest.fixture
async def central(socket_enabled: None) -> AsyncIterator[Central]:
    """Return a central system with the real time limits."""
    async with central_system(timing=replace(Timing(), no_boot=NEVER)) as central:
        yield central


async def minutes(charger: Charger, clock: LoopClock, count: float = 0.5) -> None:
    """Let time go by, from ping to ping."""
    for _ in range(int(count * 2)):
        clock.advance(30)
        await charger.pings.get()


async def test_a_charger_that_is_gone(central: Central, loop_clock: LoopClock) -> None:
    """It is asked once for a sign of life, and let go within two and a half minutes."""
    charge_point, charger = await central.connect()
    charger.answers_pings = False
    charger.answers["GetConfiguration"] = Silence()
    await minutes(charger, loop_clock, 1)
    assert charger.calls == []
    await minutes(charger, loop_clock)
    assert (await charger.called("GetConfiguration")).payload == PROBE
    assert charge_point.connected
    loop_clock.advance(31)
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    await charger.closed.wait()
    assert charger.close_code == 1001
    assert len(charger.calls) == 1


async def test_a_socket_without_anyone_behind_it(
    central: Central, loop_clock: LoopClock
) -> None:
    """A half-open socket ends without a close handshake."""
    charge_point = await central.add()
    reader, writer = await asyncio.open_connection("127.0.0.1", central.port)
    writer.write(
        b"GET /CP1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    for step in range(3):
        loop_clock.advance(30)
        while await reader.readexactly(2) != b"\x89\x00":
            pytest.fail(f"no ping in step {step}")
    await reader.readuntil(b"HeartbeatInterval")
    loop_clock.advance(31)
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    loop_clock.advance(3)
    while await reader.read(1000):
        pass
    writer.close()


@pytest.mark.parametrize(
    "answer",
    [
        {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False}]},
        Refusal("NotSupported"),
        Refusal("InternalError"),
        Raw('[3,"{id}",nonsense'),
    ],
)
async def test_a_charger_that_knows_no_pings(
    central: Central, loop_clock: LoopClock, answer: object
) -> None:
    """Whatever it answers to the call is a sign of life; a missing pong is none of death."""
    charge_point, charger = await central.connect()
    charger.answers_pings = False
    charger.answers["GetConfiguration"] = answer  # type: ignore[assignment]
    for count in (1, 2):
        await minutes(charger, loop_clock, 1.5)
        await charger.called("GetConfiguration")
        await charger.alive()
        assert len(charger.calls) == count
    assert charge_point.connected


async def test_pongs_are_enough(central: Central, loop_clock: LoopClock) -> None:
    """A charger that has nothing to say is not asked."""
    charge_point, charger = await central.connect()
    for _ in range(20):
        await minutes(charger, loop_clock)
        # The pong has been read when this comes back.
        await charger.delivered()
    assert charger.calls == []
    assert charge_point.connected


@pytest.mark.parametrize(
    "frame",
    [
        b'[2,"x","Heartbeat",{}]',
        b'[2,"x","Nonsense",{}]',
        b'[3,"x",{}]',
        b"nonsense",
        b"",
    ],
)
async def test_any_frame_is_a_sign_of_life(
    central: Central, loop_clock: LoopClock, frame: bytes
) -> None:
    """Whatever it says, it is there."""
    _, charger = await central.connect()
    charger.answers_pings = False
    for _ in range(8):
        await minutes(charger, loop_clock)
        await charger.send(frame)
        # Its pong tells that the frame has been read.
        await charger.delivered()
    assert charger.calls == []


async def test_its_pings_are_a_sign_of_life(
    central: Central, loop_clock: LoopClock
) -> None:
    """A charger that pings us need not be asked."""
    _, charger = await central.connect()
    charger.answers_pings = False
    for _ in range(8):
        await minutes(charger, loop_clock)
        await charger.delivered()
    assert charger.calls == []


async def test_without_pings(central: Central, loop_clock: LoopClock) -> None:
    """Where the user turned them off, only silence leads to a call."""
    charge_point, charger = await central.connect(keep_alive=False)
    for count in (1, 2):
        loop_clock.advance(91)
        assert (await charger.called("GetConfiguration")).payload == PROBE
        await charger.alive()
        assert len(charger.calls) == count
    assert charger.pings.empty()
    charger.answers["GetConfiguration"] = Silence()
    loop_clock.advance(91)
    await charger.called("GetConfiguration")
    loop_clock.advance(31)
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)


async def test_a_word_in_time(central: Central, loop_clock: LoopClock) -> None:
    """A charger that speaks while it owes the answer is kept."""
    charge_point, charger = await central.connect()
    charger.answers_pings = False
    charger.answers["GetConfiguration"] = Silence()
    await minutes(charger, loop_clock, 1.5)
    await charger.called("GetConfiguration")
    await charger.alive()
    loop_clock.advance(31)
    await charger.alive()
    assert charge_point.connected
    assert len(charger.calls) == 1


async def test_a_charger_that_does_not_read(
    central: Central, loop_clock: LoopClock
) -> None:
    """A peer that takes nothing any more does not hold up its own end."""
    charge_point = await central.add()
    reader, writer = await asyncio.open_connection("127.0.0.1", central.port)
    writer.write(
        b"GET /CP1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()
    # A refusal of a long action is short, a long id comes back in full.
    frame = b'[2,"' + b"x" * 60_000 + b'","Heartbeat",{}]'
    head = bytes([0x81, 0x80 | 126, *len(frame).to_bytes(2), 0, 0, 0, 0])
    for _ in range(200):
        writer.write(head + frame)
    connection = charge_point.connection
    assert connection is not None
    seen = -1.0
    while seen != connection.last_seen:
        seen = connection.last_seen
        for _ in range(50):
            await asyncio.sleep(0)
    for seconds in (30, 30, 31, 31, 3):
        loop_clock.advance(seconds)
        for _ in range(50):
            await asyncio.sleep(0)
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    writer.transport.abort()
