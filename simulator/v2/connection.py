"""OCPP-J on one websocket: raw frames with camelCase dicts, checked strictly in both directions.

Not by the classes of the `ocpp` package: its conversion between the cases of letters spoils names
of OCPP 2.1, and it leaves unknown requests of 2.1 without an answer. Nothing that arrives ends the
reader, what follows an answer happens after the answer has left, and what the central system does
wrong is written down.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
import json
import logging
from typing import TYPE_CHECKING, Any, override
from uuid import uuid4

from simulator.link import RequestFailed
from simulator.transport import Transport

from .schemas import (
    FROM_CHARGER,
    SEND,
    Invalid,
    Payload,
    check_answer,
    check_request,
    check_send,
    knows,
    pack,
)

if TYPE_CHECKING:
    from .charger import Charger2

_LOGGER = logging.getLogger(__name__)

_CALL, _RESULT, _ERROR, _RESULT_ERROR = 2, 3, 4, 5
_LENGTHS = {_CALL: 4, _RESULT: 3, _ERROR: 5, _RESULT_ERROR: 5, SEND: 4}

type Handler = Callable[[Any, Payload], Payload]
type Trigger = Callable[[Any, Payload], Callable[[], None] | None]


class Refused(Exception):
    """Raised by a handler: answer with a CALLERROR."""

    def __init__(self, code: str, description: str, *, violation: bool = True) -> None:
        """Say why, and whether the central system has broken a rule by asking."""
        super().__init__(description)
        self.code = code
        self.violation = violation


def serves[M](action: str) -> Callable[[M], M]:
    """Mark the method that serves an action: it takes the payload and returns the answer."""

    def mark(method: M) -> M:
        method.__serves__ = action  # type: ignore[attr-defined]
        return method

    return mark


def triggers[M](message: str) -> Callable[[M], M]:
    """Mark the method that knows how to send a message that TriggerMessage asks for.

    It takes the payload of the request, and returns what sends the message, or None to reject.
    """

    def mark(method: M) -> M:
        method.__triggers__ = message  # type: ignore[attr-defined]
        return method

    return mark


class Connection2:
    """Both directions of one connection. Mixins add the handlers."""

    _handlers: dict[str, Handler] = {}
    _triggers: dict[str, Trigger] = {}

    @override
    def __init_subclass__(cls) -> None:
        """Collect what the methods are marked with."""
        super().__init_subclass__()
        cls._handlers, cls._triggers = {}, {}
        for each in reversed(cls.__mro__):
            for method in vars(each).values():
                if (action := getattr(method, "__serves__", None)) is not None:
                    cls._handlers[action] = method
                if (message := getattr(method, "__triggers__", None)) is not None:
                    cls._triggers[message] = method

    def __init__(self, charger: Charger2, transport: Transport) -> None:
        """Use a connected transport."""
        self._charger = charger
        self._transport = transport
        self._version = charger.version
        #: How long the request is that is being served, in bytes.
        self._size = 0
        self._follow_ups: list[Callable[[], None]] = []
        self._served: deque[str] = deque(maxlen=100)
        self._waiting: dict[str, tuple[str, asyncio.Future[Payload]]] = {}

    def then(self, follow_up: Callable[[], None]) -> None:
        """Called by a handler: do this once its answer has left."""
        self._follow_ups.append(follow_up)

    def _triggered(self, payload: Payload) -> tuple[str, Callable[[], None] | None]:
        """The answer to a TriggerMessage, and what sends the message."""
        trigger = self._triggers.get(payload["requestedMessage"])
        if trigger is None:
            return "NotImplemented", None
        work = trigger(self, payload)
        return ("Rejected" if work is None else "Accepted"), work

    # What the central system says

    async def serve(self, message: str) -> None:
        """Take in one frame. Raises TransportClosed, and nothing else."""
        if (complaint := self._malformed(message)) is not None:
            self._charger.violated(f"{complaint}: {message}")
            return
        self._size = len(message.encode())
        kind, unique_id, *rest = json.loads(message)
        if kind == _CALL:
            await self._serve_call(unique_id, *rest)
        elif kind in {_RESULT, _ERROR}:
            await self._serve_answer(kind, unique_id, rest)
        elif kind == _RESULT_ERROR:
            self._charger.violated(f"our own answer is said to be invalid: {message}")
        else:
            self._charger.violated(f"nothing is sent without an answer: {message}")

    def _malformed(self, message: str) -> str | None:
        """What is wrong with a frame, before its payload is looked at."""
        try:
            frame = json.loads(message)
        except ValueError:
            return "not JSON"
        if not isinstance(frame, list) or not frame:
            return "not an array"
        kinds = _LENGTHS if self._version == "2.1" else (_CALL, _RESULT, _ERROR)
        if frame[0] not in kinds or isinstance(frame[0], bool):
            return "no such message type"
        if len(frame) != _LENGTHS[frame[0]]:
            return "not the right number of elements"
        texts = frame[1:3] if frame[0] in {_CALL, SEND} else frame[1:2]
        if not all(isinstance(text, str) for text in texts):
            return "not the right types"
        if not 0 < len(frame[1]) <= 36:
            return "an id of the wrong length"
        return None

    async def _serve_call(self, unique_id: str, action: str, payload: Any) -> None:
        charger = self._charger
        charger.received(action, payload)
        if unique_id in self._served:
            charger.violated(f"{action}: the id {unique_id} was used before")
        self._served.append(unique_id)
        if charger.manners.applies(action):
            if (frame := charger.manners.frame(action, unique_id)) is not None:
                await self._transport.send(pack(frame))
            return
        if (reply := charger.oddities.answer(action, payload)) is not None:
            if reply.frame is not None:
                kind, rest = reply.frame
                await self._transport.send(pack([kind, unique_id, *rest]))
            return
        payload = charger.oddities.taken(action, payload)
        self._follow_ups.clear()
        try:
            answer = self._answer(action, payload)
        except Refused as refused:
            if refused.violation:
                charger.violated(f"{action}: {refused}")
            self._follow_ups.clear()
            await self._send_error(unique_id, refused.code, str(refused))
            return
        except Exception as error:
            _LOGGER.exception("%s failed", action)
            self._follow_ups.clear()
            charger.violated(f"{action} made the charger stumble: {error!r}")
            await self._send_error(unique_id, "InternalError", repr(error))
            return
        await self._transport.send(pack([_RESULT, unique_id, answer]))
        # A handler is never interrupted, but what follows may make room for the next.
        for follow_up in tuple(self._follow_ups):
            follow_up()

    def _answer(self, action: str, payload: Any) -> Payload:
        """The answer to a request. Raises Refused."""
        if not knows(self._version, action):
            raise Refused("NotImplemented", f"OCPP {self._version} has no {action}")
        if action in FROM_CHARGER:
            raise Refused("NotSupported", "only a charging station says this")
        try:
            check_request(self._version, action, payload)
        except Invalid as error:
            raise Refused(error.code, str(error)) from error
        if self._charger.link.refused and action != "TriggerMessage":
            raise Refused("SecurityError", "nothing is to be asked while rejected")
        if (handler := self._handlers.get(action)) is None:
            raise Refused("NotImplemented", "not here", violation=False)
        answer = handler(self, payload)
        try:
            check_answer(self._version, action, answer)
        except Invalid as error:
            raise AssertionError(f"our own answer is invalid: {error}") from error
        return answer

    async def _send_error(self, unique_id: str, code: str, description: str) -> None:
        frame = [_ERROR, unique_id, code, description[:255], {}]
        await self._transport.send(pack(frame))

    async def _serve_answer(self, kind: int, unique_id: str, rest: list[Any]) -> None:
        if (waiting := self._waiting.pop(unique_id, None)) is None:
            self._charger.violated(f"an answer to nothing: {unique_id}")
            return
        action, future = waiting
        if kind == _ERROR:
            if not future.done():
                code, description, _ = rest
                future.set_exception(RequestFailed(f"{code}: {description}"))
            return
        try:
            check_answer(self._version, action, rest[0])
        except Invalid as error:
            self._charger.violated(f"the answer to {action} is invalid: {error}")
            if not future.done():
                future.set_exception(RequestFailed(str(error)))
            if self._version == "2.1":
                frame = [_RESULT_ERROR, unique_id, error.code, str(error)[:255], {}]
                await self._transport.send(pack(frame))
            return
        if not future.done():
            future.set_result(rest[0])

    # What the charger says

    async def request(self, action: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return the answer. Raises RequestFailed or TransportClosed."""
        try:
            check_request(self._version, action, payload)
        except Invalid as error:
            self._charger.violated(f"our own {action} is invalid: {error}")
            raise RequestFailed(str(error)) from error
        unique_id = str(uuid4())
        future: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._waiting[unique_id] = (action, future)
        self._charger.sending(action, payload)
        await self._transport.send(pack([_CALL, unique_id, action, payload]))
        return await future

    async def send(self, action: str, payload: Mapping[str, Any]) -> None:
        """Say something that is not answered (SEND of OCPP 2.1). Raises TransportClosed."""
        try:
            check_send(self._version, action, payload)
        except Invalid as error:
            self._charger.violated(f"our own {action} is invalid: {error}")
            return
        self._charger.sending(action, payload)
        await self._transport.send(pack([SEND, str(uuid4()), action, payload]))


__all__ = [
    "Connection2",
    "Payload",
    "Refused",
    "serves",
    "triggers",
]
