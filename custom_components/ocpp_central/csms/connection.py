"""OCPP-J on one socket: calls and answers, time limits, order, errors."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import IntEnum
from functools import partial
import logging
from typing import Any
from uuid import uuid4

from aiohttp import WSCloseCode, WSMsgType, web
import orjson

from .anomalies import Anomalies
from .errors import (
    CallError,
    CommandError,
    CommandFailed,
    CommandTimeout,
    ConnectionLost,
    InvalidCommand,
    NotConnected,
    NotSupported,
    error_code,
)
from .frame import (
    CALL,
    CALL_ERROR,
    CALL_RESULT,
    CALL_RESULT_ERROR,
    NO_ID,
    NO_OBJECT,
    SEND,
    BrokenFrame,
    Message,
    decode,
)
from .pending import PendingCall, make_way
from .schema import Schemas
from .timing import Timing

_LOGGER = logging.getLogger(__name__)

type Frame = list[Any]
type Payload = dict[str, Any]
type Handler = Callable[[Payload], Payload | Awaitable[Payload]]

# A rude charger may send more than it waits for; past this it is cut off.
_MAX_BACKLOG = 1000
_UNSUPPORTED = ("NotSupported", "NotImplemented")


class Priority(IntEnum):
    """Which waiting call goes out first."""

    SAFETY = 0
    USER = 1
    SETUP = 2
    POLL = 3


class Connection:
    """One socket of one charge point."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        schemas: Schemas,
        timing: Timing,
        name: str,
    ) -> None:
        """Wrap a socket whose handshake is done. `name` is for the log."""
        self.name = name
        self.handlers: dict[str, Handler] = {}
        self.anomalies = Anomalies(name)
        # Hears of calls that are not as the standard has them.
        self.on_odd: Callable[[str, Payload], None] = lambda *_: None
        # Loop time of the newest frame of any kind, pings and pongs included.
        self.last_seen = 0.0
        # Loop time of the newest call of the charger.
        self.last_call = 0.0
        # True once we let the charger go on purpose.
        self.released = False
        # True once a newer socket of the charger is in use.
        self.replaced = False
        self.finished = asyncio.Event()
        # Seconds from the newest call to its answer.
        self.latency: float | None = None
        self._socket = socket
        self._transport = transport
        self._schemas = schemas
        self._timing = timing
        self._loop = asyncio.get_running_loop()
        self._calls: asyncio.PriorityQueue[PendingCall] = asyncio.PriorityQueue()
        self._waiting: set[PendingCall] = set()
        self._sent: dict[str, PendingCall] = {}
        # Of these, what nobody waits for any more, and what was sent before a boot.
        self._given_up: set[PendingCall] = set()
        self._forgotten: set[str] = set()
        # Done when the next call may go out.
        self._way: asyncio.Future[None] = self._loop.create_future()
        self._number = 0
        # Calls of the charger that came while an earlier one still waits, for
        # instance for the disk: they are answered in the order they came.
        self._backlog: deque[Message] = deque()
        self._answering: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def lost(self) -> bool:
        """Return whether the charger left without our wish."""
        return (self._closed or self.replaced) and not self.released

    def knows(self, action: str) -> bool:
        """Return whether the version spoken has this action."""
        return self._schemas.knows(action)

    async def run(
        self, probe: Callable[[], Awaitable[object]], *, ping: bool = True
    ) -> None:
        """Serve the socket until it closes; `finish` is to follow.

        `probe` makes a cheap call.
        """
        self.last_seen = self._loop.time()
        tasks = [
            asyncio.create_task(self._send_calls(), name=f"{self.name} calls"),
            asyncio.create_task(
                self._keep_alive(probe, ping), name=f"{self.name} keep-alive"
            ),
        ]
        try:
            with suppress(ConnectionError):
                await self._read()
        finally:
            self._fail_calls()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def finish(self) -> None:
        """Return after what the charger still said has been dealt with.

        The end of a transaction counts, even though nobody is left to be answered.
        """
        if self._answering:
            await asyncio.gather(self._answering, return_exceptions=True)
        self.finished.set()

    async def call(
        self,
        action: str,
        payload: Payload,
        *,
        priority: Priority = Priority.USER,
        validate: bool = True,
        patience: float | None = None,
    ) -> Payload:
        """Send a CALL and return the payload of its CALLRESULT.

        The time limit covers the wait for other calls as well as for the answer;
        `patience` is a shorter one for the answer alone. Raises InvalidCommand,
        NotConnected, CommandTimeout, NotSupported or CommandFailed.
        """
        if validate and (error := self._schemas.request_error(action, payload)):
            raise InvalidCommand(f"{action}: {error}")
        if self._closed:
            raise NotConnected
        self._number += 1
        unique_id = str(uuid4())
        call = PendingCall(
            priority,
            self._number,
            action,
            unique_id,
            orjson.dumps([CALL, unique_id, action, payload]),
            self._loop.create_future(),
            patience,
        )
        self._waiting.add(call)
        self._calls.put_nowait(call)
        call.future.add_done_callback(partial(self._over, call))
        hurry = self._loop.call_later(self._timing.patience, self._hurry, call)
        self._limit(call, self._timing.call)
        try:
            await asyncio.wait([call.future])
        except asyncio.CancelledError:
            # What is on the wire is waited for, though not by the caller any more: a
            # charger gets one call at a time.
            if unique_id in self._sent and unique_id not in self._forgotten:
                self._given_up.add(call)
            else:
                call.future.cancel()
            raise
        finally:
            hurry.cancel()
        response = call.future.result()
        if error := self._schemas.response_error(action, response):
            self.anomalies.note(f"{action}.conf", error)
        return response

    def booted(self) -> None:
        """Take note that the charger may have forgotten what it was asked."""
        self._forgotten |= self._sent.keys()
        for call in [*self._given_up]:
            call.future.cancel()

    async def close(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        """Close the socket; waiting callers hear of it at once."""
        self._fail_calls()
        try:
            with suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(self._timing.close):
                    await self._socket.close(code=code)
        finally:
            self._transport.abort()

    @property
    def _left_behind(self) -> bool:
        """Return whether what the charger says here counts no more.

        What goes unanswered it says again, on its next socket.
        """
        return self.released or self.replaced

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            self.last_seen = self._loop.time()
            match message.type:
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    if not self._left_behind and (
                        answer := self._on_frame(message.data)
                    ):
                        await self._send(answer)
                case WSMsgType.PING:
                    await self._socket.pong(message.data)
                case WSMsgType.PONG:
                    pass
                case _:
                    return

    def _on_frame(self, data: bytes) -> Frame | None:
        """Return the answer to a frame; None if it needs none, or not yet."""
        try:
            message = decode(data, newest=self._is_newest)
        except BrokenFrame as broken:
            self.anomalies.note(broken.reason, repr(data[:200]))
            return self._on_broken(broken)
        if message.type == CALL_RESULT_ERROR:
            # What we answered is said and done.
            example = f"{message.code} {message.description}".rstrip()
            self.anomalies.note("our answer was not understood", example)
            return None
        if message.type not in (CALL, SEND):
            self._on_answer(message)
            return None
        self.last_call = self.last_seen
        if len(self._backlog) >= _MAX_BACKLOG:
            error = CallError("GenericError", "Too many calls at once")
            return self._refusal(message, error)
        if self._answering:
            self._backlog.append(message)
            return None
        answer = self._handle(message)
        if answer is None or isinstance(answer, list):
            return answer
        self._answering = asyncio.create_task(
            self._answer_in_order(message, answer), name=f"{self.name} answers"
        )
        return None

    @property
    def _is_newest(self) -> bool:
        """Return whether the message types that OCPP 2.1 added are known here."""
        return self._schemas.version == "v21"

    def _on_broken(self, broken: BrokenFrame) -> Frame | None:
        code = error_code(
            "FormatViolation" if broken.reason == NO_OBJECT else "RpcFrameworkError",
            self._schemas.version,
        )
        if broken.message_type == CALL:
            unique_id = NO_ID if broken.unique_id is None else broken.unique_id
            return [CALL_ERROR, unique_id, code, broken.reason, {}]
        call = self._sent.get(str(broken.unique_id))
        if call is None or call.future.done():
            return None
        # Better an error now than silence until the time limit.
        call.fail(CommandFailed(call.action, code, broken.reason))
        if broken.message_type == CALL_RESULT and self._is_newest:
            return [CALL_RESULT_ERROR, broken.unique_id, code, broken.reason, {}]
        return None

    def _on_answer(self, message: Message) -> None:
        call = self._sent.get(str(message.unique_id))
        if call is None or call.future.done():
            self.anomalies.note("answer nobody waits for", repr(message.unique_id))
        elif message.type == CALL_RESULT:
            call.future.set_result(message.payload)
        else:
            kind = NotSupported if message.code in _UNSUPPORTED else CommandFailed
            call.fail(
                kind(call.action, message.code, message.description, message.payload),
            )

    def _handle(self, message: Message) -> Frame | Awaitable[Payload] | None:
        """Return the answer to a message, or what the answer has to wait for."""
        handler = self.handlers.get(message.action)
        if handler is None:
            self.anomalies.note("unknown action", message.action[:50])
            self.on_odd(message.action, message.payload)
            return self._refusal(message, CallError("NotImplemented"))
        if error := self._schemas.request_error(message.action, message.payload):
            self.anomalies.note(message.action, error)
            self.on_odd(message.action, message.payload)
        try:
            response = handler(message.payload)
            if isinstance(response, dict):
                return self._result(message, response)
        except CallError as error:
            return self._refusal(message, error)
        except Exception:
            # A reader that one frame can stop would take the whole charger with it.
            _LOGGER.exception("%s: %s could not be handled", self.name, message.action)
            return self._refusal(message, CallError("InternalError"))
        return response

    def _result(self, message: Message, response: Payload) -> Frame | None:
        if message.type == SEND:
            return None
        if error := self._schemas.response_error(message.action, response):
            raise ValueError(f"our answer is invalid: {error}")
        return [CALL_RESULT, message.unique_id, response]

    def _refusal(self, message: Message, error: CallError) -> Frame | None:
        if message.type == SEND:
            return None
        code = error_code(error.code, self._schemas.version)
        return [CALL_ERROR, message.unique_id, code, error.description, {}]

    async def _answer_in_order(
        self, message: Message, waiting: Awaitable[Payload]
    ) -> None:
        """Answer a message that waits, then those that came meanwhile."""
        answer: Frame | Awaitable[Payload] | None = waiting
        while True:
            if answer is not None and not isinstance(answer, list):
                try:
                    answer = self._result(message, await answer)
                except CallError as error:
                    answer = self._refusal(message, error)
                except Exception:
                    _LOGGER.exception(
                        "%s: %s could not be handled", self.name, message.action
                    )
                    answer = self._refusal(message, CallError("InternalError"))
            if answer is not None:
                with suppress(ConnectionError):
                    await self._send(answer)
            if not self._backlog or self._left_behind:
                self._answering = None
                return
            message = self._backlog.popleft()
            answer = self._handle(message)

    async def _send_calls(self) -> None:
        while True:
            call = await self._calls.get()
            if call.future.done():
                continue
            self._sent[call.unique_id] = call
            self._way = self._loop.create_future()
            call.future.add_done_callback(partial(make_way, self._way))
            sent = self._loop.time()
            await self._socket.send_frame(call.frame, WSMsgType.TEXT)
            if call.patience is not None:
                self._limit(call, call.patience)
            await self._way
            if call.future.done() and not call.future.cancelled():
                self.latency = self._loop.time() - sent

    def _limit(self, call: PendingCall, seconds: float) -> None:
        """Give up on an answer after so long."""

        def give_up() -> None:
            sent = call.unique_id in self._sent
            call.fail(CommandTimeout(call.action, sent=sent))

        limit = self._loop.call_later(seconds, give_up)
        call.future.add_done_callback(lambda _: limit.cancel())

    def _over(self, call: PendingCall, future: asyncio.Future[Payload]) -> None:
        self._waiting.discard(call)
        self._sent.pop(call.unique_id, None)
        self._given_up.discard(call)
        self._forgotten.discard(call.unique_id)
        if not future.cancelled():
            # Nobody may be left to hear of it.
            future.exception()

    def _hurry(self, call: PendingCall) -> None:
        """Let what is for safety wait no longer for the answer to another call."""
        if call.priority == Priority.SAFETY and call.unique_id not in self._sent:
            make_way(self._way)

    async def _keep_alive(
        self, probe: Callable[[], Awaitable[object]], ping: bool
    ) -> None:
        while True:
            await asyncio.sleep(self._timing.ping)
            if ping:
                await self._socket.ping()
            seen = self.last_seen
            if self._loop.time() - seen < self._timing.silence:
                continue
            with suppress(CommandError):
                # An error is an answer too; only silence counts against it.
                await probe()
            if self.last_seen == seen:
                _LOGGER.debug("%s: silent, closing", self.name)
                await self.close()

    async def _send(self, frame: Frame) -> None:
        await self._socket.send_frame(orjson.dumps(frame), WSMsgType.TEXT)

    def _fail_calls(self) -> None:
        self._closed = True
        for call in [*self._waiting]:
            call.fail(
                ConnectionLost() if call.unique_id in self._sent else NotConnected(),
            )
