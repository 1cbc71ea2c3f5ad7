"""The load: chargers on plain sockets, so cheap that they never are what is measured."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any, override

import orjson

from . import frames

_LIMIT = 30.0
_OPCODE = 0x0F
_TEXT = 1
_PING = 9

# What a charger says to the few things it is asked when it has connected.
_ANSWERS: dict[str, dict[str, Any]] = {
    "GetConfiguration": {"configurationKey": []},
}


class Charger(asyncio.Protocol):
    """One charger: as much of WebSocket and OCPP-J as the load needs."""

    def __init__(
        self, identity: str, connected: asyncio.Future[None], version: str
    ) -> None:
        """Prepare to dial in; `connected` is done after the handshake."""
        self.identity = identity
        self.version = version
        # Loop time of the newest call of the central system.
        self.last_called = 0.0
        self.on_answer: Callable[[Charger, float], None] = lambda *_: None
        self._connected = connected
        self._meter_values = frames.MeterValues(None)
        self._buffer = b""
        self._number = 0
        self._sent = 0.0
        self._answer: asyncio.Future[dict[str, Any]] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(
            f"GET /{self.identity} HTTP/1.1\r\nHost: localhost\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: "
            f"ocpp{self.version}\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self._connected.done():
            self._connected.set_exception(exc or ConnectionError(self.identity))

    @override
    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        if not self._connected.done():
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if b" 101 " not in head:
                raise RuntimeError(f"{self.identity} was refused: {head!r}")
            self._connected.set_result(None)
        while len(data) >= 2:
            start, length = 2, data[1]
            if length == 126:
                start, length = 4, int.from_bytes(data[2:4])
            end_of_frame = start + length
            if len(data) < end_of_frame:
                break
            self._on_frame(data[0] & _OPCODE, data[start:end_of_frame])
            data = data[end_of_frame:]
        self._buffer = data

    def _on_frame(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self.transport.write(frames.pong(payload))
        elif opcode != _TEXT:
            raise RuntimeError(f"{self.identity} got a frame {opcode}: {payload!r}")
        elif payload.startswith(b"[2"):
            self._on_call(*orjson.loads(payload)[1:3])
        elif self._answer:
            self._answer.set_result(orjson.loads(payload)[2])
            self._answer = None
        elif payload == b'[3,"%d",{}]' % self._number:
            self.on_answer(self, perf_counter() - self._sent)
        else:
            raise RuntimeError(f"{self.identity} got {payload!r}")

    def _on_call(self, unique_id: str, action: str) -> None:
        self.last_called = asyncio.get_running_loop().time()
        answer = _ANSWERS.get(action, {"status": "Accepted"})
        self.transport.write(frames.text(orjson.dumps([3, unique_id, answer])))

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send any call and return the answer."""
        self._answer = asyncio.get_running_loop().create_future()
        message = orjson.dumps([2, "call", action, payload])
        self.transport.write(frames.text(message))
        async with asyncio.timeout(_LIMIT):
            return await self._answer

    def use_transaction(self, transaction_id: int) -> None:
        """Let the samples belong to a transaction from now on."""
        self._meter_values = frames.MeterValues(transaction_id)

    def use_transaction_events(self) -> None:
        """Send samples as OCPP 2.0.1 does within a transaction."""
        self._meter_values = frames.TransactionEvents()

    def send(self) -> None:
        """Send the next MeterValues."""
        self._number += 1
        frame = self._meter_values.next(self._number)
        self._sent = perf_counter()
        self.transport.write(frame)


class Fleet:
    """All chargers of one central system."""

    def __init__(self, version: str = "1.6") -> None:
        """Begin without chargers, which will speak a version of OCPP."""
        self.version = version
        self.chargers: list[Charger] = []
        # What went unanswered for so long that the charger's turn came again.
        self.skipped = 0

    async def connect(self, port: int, identities: list[str]) -> None:
        """Let chargers dial in, boot, and tell their status."""
        for identity in identities:
            await self._connect(port, identity)

    async def _connect(self, port: int, identity: str) -> None:
        loop = asyncio.get_running_loop()
        connected = loop.create_future()
        async with asyncio.timeout(_LIMIT):
            _, charger = await loop.create_connection(
                lambda: Charger(identity, connected, self.version), "127.0.0.1", port
            )
            await connected
        self.chargers.append(charger)
        if self.version != "1.6":
            await self._start_events(charger)
            return
        await charger.call(
            "BootNotification",
            {"chargePointVendor": "Benchmark", "chargePointModel": "Load"},
        )
        await charger.call(
            "StatusNotification",
            {"connectorId": 1, "errorCode": "NoError", "status": "Charging"},
        )

    async def _start_events(self, charger: Charger) -> None:
        """Boot, and begin a transaction, as OCPP 2.0.1 does."""
        await charger.call(
            "BootNotification",
            {
                "reason": "PowerUp",
                "chargingStation": {"vendorName": "Benchmark", "model": "Load"},
            },
        )
        await charger.call(
            "TransactionEvent",
            {
                "eventType": "Started",
                "timestamp": frames.timestamp(),
                "triggerReason": "Authorized",
                "seqNo": 0,
                "transactionInfo": {"transactionId": "BENCHMARK"},
                "evse": {"id": 1, "connectorId": 1},
                "idToken": {"idToken": "BENCHMARK", "type": "Central"},
            },
        )
        charger.use_transaction_events()

    async def start_transactions(self) -> None:
        """Begin a transaction on every charger."""
        for charger in self.chargers:
            answer = await charger.call(
                "StartTransaction",
                {
                    "connectorId": 1,
                    "idTag": "BENCHMARK",
                    "meterStart": 0,
                    "timestamp": frames.timestamp(),
                },
            )
            # The floor knows nothing of transactions; to it they are one more member.
            charger.use_transaction(answer.get("transactionId", 1))

    def last_called(self) -> float:
        """Return the loop time of the newest call to any charger."""
        return max(charger.last_called for charger in self.chargers)

    async def saturate(self, messages: int) -> list[float]:
        """Send the next message as soon as an answer is there; returns latencies."""
        latencies: list[float] = []
        done = asyncio.get_running_loop().create_future()
        to_send = messages

        def on_answer(charger: Charger, latency: float) -> None:
            nonlocal to_send
            latencies.append(latency)
            if to_send:
                to_send -= 1
                charger.send()
            elif len(latencies) == messages:
                done.set_result(None)

        for charger in self.chargers[:messages]:
            charger.on_answer = on_answer
            to_send -= 1
            charger.send()
        async with asyncio.timeout(_LIMIT + messages / 100):
            await done
        return latencies

    async def pace(self, rate: float, messages: int) -> list[float]:
        """Send at a fixed rate, the chargers in turn; returns latencies."""
        loop = asyncio.get_running_loop()
        latencies: list[float] = []
        waiting: set[Charger] = set()

        def on_answer(charger: Charger, latency: float) -> None:
            latencies.append(latency)
            waiting.discard(charger)

        begin = loop.time()
        for number in range(messages):
            await asyncio.sleep(begin + number / rate - loop.time())
            charger = self.chargers[number % len(self.chargers)]
            if charger in waiting:
                self.skipped += 1
                continue
            waiting.add(charger)
            charger.on_answer = on_answer
            charger.send()
        async with asyncio.timeout(_LIMIT):
            while waiting:
                await asyncio.sleep(0.01)
        return latencies

    def close(self) -> None:
        """Hang up."""
        for charger in self.chargers:
            charger.transport.abort()
