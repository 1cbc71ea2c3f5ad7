"""A tiny central system that says what it is told to say, in raw frames."""

import asyncio
from collections.abc import Callable
import json
from typing import Any, Protocol, Self

from aiohttp import WSMsgType, web

from simulator import Charger
from simulator.clock import format_time

type Payload = dict[str, Any]
type Answer = Payload | list[Any] | Callable[[Payload], Any] | None

NOTHING: Payload = {}

#: In seconds: a busy machine is no failure.
_PATIENCE = 40


class MakeCharger(Protocol):
    """Makes a charger; see there for the options."""

    def __call__(self, **options: Any) -> Charger:
        """Make one."""


class CallError(Exception):
    """The charger answered with a CALLERROR."""

    @property
    def code(self) -> str:
        """The error code."""
        return str(self.args[0])


class Central:
    """Accepts chargers, remembers what they say and asks them for things.

    An answer of None means that there is none, a list is a CALLERROR, and a function is asked with
    the payload.
    """

    def __init__(self, now: Callable[[], Any]) -> None:
        """Answer everything kindly."""
        self.url = ""
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.calls: list[tuple[str, Payload]] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.protocols: tuple[str, ...] = ("ocpp1.6",)
        self.answers_pings = True
        self.pongs: list[bytes] = []
        self.transaction_id = 100
        self.answers: dict[str, Answer] = {
            "BootNotification": lambda _: {
                "status": "Accepted",
                "currentTime": format_time(now()),
                "interval": 300,
            },
            "Heartbeat": lambda _: {"currentTime": format_time(now())},
            "Authorize": {"idTagInfo": {"status": "Accepted"}},
            "StartTransaction": self._start_transaction,
            "DataTransfer": {"status": "Accepted"},
        }
        self._pending: dict[str, asyncio.Future[Payload]] = {}
        self._runner: web.AppRunner | None = None
        self._count = 0
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Listen on any free port."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"ws://{host}:{port}/ocpp"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Go away."""
        for socket in self.sockets:
            await socket.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def said(self, action: str) -> list[Payload]:
        """What was said in one kind of message."""
        return [payload for said, payload in self.calls if said == action]

    @property
    def actions(self) -> list[str]:
        """What kinds of messages were sent, in order."""
        return [action for action, _ in self.calls]

    def statuses(self, connector: int) -> list[str]:
        """The statuses a connector went through."""
        return [
            payload["status"]
            for payload in self.said("StatusNotification")
            if payload["connectorId"] == connector
        ]

    async def call(self, action: str, payload: Payload) -> Payload:
        """Ask the charger that came last for something."""
        self._count += 1
        unique_id = f"central-{self._count}"
        future: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._pending[unique_id] = future
        await self.send(json.dumps([2, unique_id, action, payload]))
        async with asyncio.timeout(_PATIENCE):
            return await future

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so; it is looked at after every frame."""
        async with asyncio.timeout(_PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def send(self, text: str) -> None:
        """Send any text at all."""
        await self.sockets[-1].send_str(text)

    def _start_transaction(self, _payload: Payload) -> Payload:
        self.transaction_id += 1
        return {
            "transactionId": self.transaction_id,
            "idTagInfo": {"status": "Accepted"},
        }

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        self.headers.append(dict(request.headers))
        self.paths.append(request.raw_path)
        socket = web.WebSocketResponse(protocols=self.protocols, autoping=False)
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            match message.type:
                case WSMsgType.TEXT:
                    await self.take(socket, json.loads(message.data))
                case WSMsgType.PING if self.answers_pings:
                    await socket.pong(message.data)
                case WSMsgType.PONG:
                    self.pongs.append(bytes(message.data))
            self._changed.set()
        return socket

    async def take(self, socket: web.WebSocketResponse, frame: list[Any]) -> None:
        """Take in a frame."""
        match frame:
            case [2, unique_id, action, payload]:
                self.calls.append((action, payload))
                answer = self.answers.get(action, NOTHING)
                if callable(answer):
                    answer = answer(payload)
                if isinstance(answer, list):
                    await socket.send_str(json.dumps([4, unique_id, *answer]))
                elif answer is not None:
                    await socket.send_str(json.dumps([3, unique_id, answer]))
            case [3, unique_id, payload]:
                self._pending.pop(unique_id).set_result(payload)
            case [4, unique_id, *error]:
                self._pending.pop(unique_id).set_exception(CallError(*error))
