"""A charger in a hurry, which keeps what was not confirmed and says it again."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from random import Random
from typing import Any

from aiohttp import (
    BasicAuth,
    ClientConnectionError,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSMsgType,
)

from . import Wrong
from .sessions import REASONS, Session, now, timestamp

type Payload = dict[str, Any]

START = "StartTransaction"
STOP = "StopTransaction"
SAMPLE = "MeterValues"
#: Told, like these, when a socket has opened.
ONLINE = "online"

#: How long a charger waits before it dials again, in seconds.
_REDIAL = 0.1
#: The longest time between two samples, in seconds.
_PACE = 0.03
#: How often a charger hangs up right after it said something.
_HANG_UPS = 0.01
#: How much a charger can keep of what was not confirmed; then cars have to wait.
_MEMORY = 12


@dataclass(eq=False)
class Message:
    """Something about a session that is said until it is confirmed."""

    action: str
    session: Session
    sample: Payload | None = None

    @property
    def payload(self) -> Payload:
        """What to say; known when the one before is confirmed."""
        if self.action == START:
            return self.session.start_payload
        if self.action == STOP:
            return self.session.stop_payload
        return {
            "connectorId": self.session.connector,
            "transactionId": self.session.id,
            "meterValue": [self.sample],
        }

    def sending(self) -> None:
        """Note that it goes out."""
        if self.action == START:
            self.session.starts_sent += 1
        elif self.action == STOP:
            self.session.stops_sent += 1

    def confirmed(self, answer: Payload) -> None:
        """Note what came back."""
        if self.action == START:
            if answer["idTagInfo"]["status"] != "Accepted":
                raise Wrong(f"{self.session} was not accepted: {answer}")
            self.session.id = answer["transactionId"]
        elif self.action == STOP:
            self.session.stopped = True


@dataclass(eq=False)
class _Call:
    """What waits for its answer on the socket that is open."""

    number: str
    action: str
    message: Message | None
    answered: asyncio.Future[Payload]


class Charger:
    """One charger, with cars that come and go at each connector."""

    def __init__(
        self,
        identity: str,
        connectors: int,
        *,
        url: str,
        password: str,
        seed: str,
        heard: Callable[[str], None],
    ) -> None:
        """Know where to dial, and whom to tell what happens here.

        `heard` is called with each action that has been sent, and ONLINE.
        """
        self.identity = identity
        self.sessions: list[Session] = []
        #: The ids that were confirmed, in that order.
        self.ids: list[int] = []
        self.hang_ups = 0
        self.offline = asyncio.Event()
        self.offline.set()
        self._url = f"{url}/{identity}"
        self._auth = BasicAuth(identity, password)
        self._heard = heard
        self._random = Random(f"{seed} {identity}")
        self._connectors = range(1, connectors + 1)
        self._milliseconds = self._random.random() < 0.5
        self._finishing = asyncio.Event()
        self._queue: asyncio.Queue[Message] = asyncio.Queue(_MEMORY)
        # What is being said, over as many sockets as it takes.
        self._current: Message | None = None
        self._numbers = count(1)
        self._call: _Call | None = None

    @property
    def unanswered(self) -> str | None:
        """The action that has been sent and not been answered."""
        return self._call.action if self._call else None

    def finish(self) -> None:
        """Take no more cars."""
        self._finishing.set()

    async def run(self, http: ClientSession) -> None:
        """Charge until told to finish and all is confirmed."""
        async with asyncio.TaskGroup() as group:
            dialling = group.create_task(self._dial(http))
            cars = [group.create_task(self._charge(n)) for n in self._connectors]
            await asyncio.wait(cars)
            await self._queue.join()
            dialling.cancel()

    # At the connectors

    async def _charge(self, connector: int) -> None:
        """Have one car after the other charge, whether or not there is a network."""
        random = Random(f"{self._random.random()} {connector}")
        register = random.randrange(1_000_000)
        while not self._finishing.is_set():
            session = Session(
                self.identity,
                connector,
                f"CARD{random.randrange(3)}",
                self._now(),
                register,
            )
            self.sessions.append(session)
            await self._queue.put(Message(START, session))
            for _ in range(random.randrange(4)):
                # A car charges.
                await asyncio.sleep(random.uniform(0, _PACE))
                register += random.randrange(100)
                await self._queue.put(Message(SAMPLE, session, self._sample(register)))
            # Some take nothing.
            register += random.choice((0, random.randrange(100)))
            session.ended = self._now()
            session.meter_stop = register
            session.reason = random.choice(list(REASONS))
            await self._queue.put(Message(STOP, session))

    def _now(self) -> datetime:
        return now(milliseconds=self._milliseconds)

    def _sample(self, register: int) -> Payload:
        return {
            "timestamp": timestamp(self._now()),
            "sampledValue": [
                {
                    "value": str(register),
                    "measurand": "Energy.Active.Import.Register",
                    "unit": "Wh",
                }
            ],
        }

    # On the network

    async def _dial(self, http: ClientSession) -> None:
        while True:
            with suppress(ClientConnectionError, ConnectionError):
                async with http.ws_connect(
                    self._url,
                    protocols=("ocpp1.6",),
                    auth=self._auth,
                    timeout=ClientWSTimeout(ws_close=1),
                ) as socket:
                    self.offline.clear()
                    self._heard(ONLINE)
                    await self._serve(socket)
            self._call = None
            self.offline.set()
            await asyncio.sleep(_REDIAL)

    async def _serve(self, socket: ClientWebSocketResponse) -> None:
        """Talk until the socket closes."""
        talking = asyncio.create_task(self._talk(socket))
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    await self._on_frame(socket, frame.json())
        finally:
            talking.cancel()
            await asyncio.wait([talking])
        with suppress(asyncio.CancelledError, ConnectionError):
            talking.result()

    async def _on_frame(self, socket: ClientWebSocketResponse, frame: Any) -> None:
        kind, call_id, *content = frame
        if kind == 2:
            # All this charger can do is charge.
            refusal = [4, call_id, "NotImplemented", "", {}]
            with suppress(ConnectionError):
                await socket.send_json(refusal)
            return
        call, self._call = self._call, None
        if kind != 3 or call is None or call_id != call.number:
            raise Wrong(f"{self.identity}: {call} was answered by {frame}")
        if call.message is not None:
            # Here and now: it counts even if the socket closes in this moment.
            self._confirm(call.message, content[0])
        call.answered.set_result(content[0])

    def _confirm(self, message: Message, answer: Payload) -> None:
        message.confirmed(answer)
        if message.action == START:
            self.ids.append(answer["transactionId"])
        self._current = None
        self._queue.task_done()

    async def _talk(self, socket: ClientWebSocketResponse) -> None:
        """Say who is here, then what there is to say."""
        try:
            await self._greet(socket)
            while True:
                if self._current is None:
                    self._current = await self._queue.get()
                answered = await self._say(socket, self._current)
                if self._random.random() < _HANG_UPS:
                    self.hang_ups += 1
                    return
                await answered
        finally:
            await socket.close()

    async def _greet(self, socket: ClientWebSocketResponse) -> None:
        # A charger that only lost its network does not boot.
        if self._random.random() < 0.5:
            boot = {"chargePointVendor": "Hurry", "chargePointModel": "Hurry 22"}
            answer = await (await self._send(socket, "BootNotification", boot))
            if answer["status"] != "Accepted":
                raise Wrong(f"{self.identity} may not boot: {answer}")
        for connector in self._connectors:
            status = {
                "connectorId": connector,
                "errorCode": "NoError",
                "status": "Charging",
            }
            await (await self._send(socket, "StatusNotification", status))

    async def _say(
        self, socket: ClientWebSocketResponse, message: Message
    ) -> asyncio.Future[Payload]:
        message.sending()
        answered = await self._send(socket, message.action, message.payload, message)
        self._heard(message.action)
        return answered

    async def _send(
        self,
        socket: ClientWebSocketResponse,
        action: str,
        payload: Payload,
        message: Message | None = None,
    ) -> asyncio.Future[Payload]:
        """Send a call; the answer is to be awaited."""
        answered = asyncio.get_running_loop().create_future()
        self._call = _Call(str(next(self._numbers)), action, message, answered)
        await socket.send_json([2, self._call.number, action, payload])
        return answered
