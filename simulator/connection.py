"""OCPP-J on one websocket, by the `ocpp` package, with its strict validation of everything.

The package remains as it is: its settings are process-global, and its user in this process may be
somebody else as well. What it leaves open is closed here: nothing that arrives ends the reader,
what follows an answer happens after the answer has left, and what the central system does wrong is
written down.
"""

from collections.abc import Callable, Mapping, MutableMapping
import json
import logging
from typing import Any, Protocol, override

from ocpp.charge_point import (
    camel_to_snake_case,
    remove_nones,
    serialize_as_dict,
    snake_to_camel_case,
)
from ocpp.exceptions import (
    NotImplementedError as NotImplementedFault,
    NotSupportedError,
    OCPPError,
    UnknownCallErrorCodeError,
)
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call

from .link import RequestFailed
from .manners import Manners
from .oddities import Oddities
from .transport import Transport, TransportClosed

_NOTHING, _CALL, _CALL_RESULT = 0, 2, 3

#: Longer than anyone waits: the charger limits the time itself, on its own clock.
_NO_TIMEOUT = 1_000_000_000


class Delegate(Protocol):
    """The charger, as its connections see it."""

    manners: Manners
    oddities: Oddities

    def received(self, action: str, payload: dict[str, Any]) -> None:
        """The central system requests something."""

    def sending(self, action: str, payload: dict[str, Any]) -> None:
        """A request goes out."""

    def violated(self, complaint: str) -> None:
        """The central system broke the rules."""


class _Quiet(logging.LoggerAdapter[logging.Logger]):
    """Logs whatever the package has to say as debug: it thinks every frame worth an info."""

    @override
    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        super().log(logging.DEBUG, msg, *args, **kwargs)

    @override
    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        return msg, kwargs


_LOGGER = _Quiet(logging.getLogger(__name__))


def serves[**P, R](action: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark the method that serves an action: the decorator of the package, with types."""
    decorator: Callable[[Callable[P, R]], Callable[P, R]] = on(action)
    return decorator


class Connection(ChargePoint):  # type: ignore[misc]
    """Both directions of one connection. A subclass adds the handlers."""

    def __init__(self, identity: str, transport: Transport, delegate: Delegate) -> None:
        """Use a connected transport."""
        super().__init__(
            identity, transport, response_timeout=_NO_TIMEOUT, logger=_LOGGER
        )
        self._delegate = delegate
        self._answered_with = _NOTHING
        self._follow_ups: list[Callable[[], None]] = []

    def then(self, follow_up: Callable[[], None]) -> None:
        """Called by a handler: do this once its answer has left."""
        self._follow_ups.append(follow_up)

    async def serve(self, message: str) -> None:
        """Take in one frame. Raises TransportClosed, and nothing else."""
        if (complaint := _malformed(message)) is not None:
            self._delegate.violated(f"{complaint}: {message}")
            return
        try:
            await self.route_message(message)
        except TransportClosed:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the next frame may be good
            self._delegate.violated(f"{error!r} on {message}")

    async def request(self, action: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return the answer. Raises RequestFailed or TransportClosed."""
        message = getattr(call, action)(**camel_to_snake_case(payload))
        self._answered_with = _NOTHING
        try:
            answer = await self.call(message, suppress=False)
        except (OCPPError, UnknownCallErrorCodeError) as error:
            if self._answered_with == _NOTHING:
                self._delegate.violated(f"our own {action} is invalid: {error}")
            elif self._answered_with == _CALL_RESULT:
                self._delegate.violated(f"the answer to {action} is invalid: {error}")
            raise RequestFailed(str(error)) from error
        result: dict[str, Any] = snake_to_camel_case(
            remove_nones(serialize_as_dict(answer))
        )
        return result

    @override
    async def _handle_call(self, msg: Any) -> None:
        self._delegate.received(msg.action, msg.payload)
        manners = self._delegate.manners
        if manners.applies(msg.action):
            if (frame := manners.frame(msg.action, msg.unique_id)) is not None:
                await self._send(json.dumps(frame))
            return
        oddities = self._delegate.oddities
        if (reply := oddities.answer(msg.action, msg.payload)) is not None:
            if reply.frame is not None:
                kind, rest = reply.frame
                await self._send(json.dumps([kind, msg.unique_id, *rest]))
            return
        msg.payload = oddities.taken(msg.action, msg.payload)
        self._follow_ups.clear()
        try:
            await super()._handle_call(msg)
        except NotImplementedFault, NotSupportedError:
            raise
        except OCPPError as error:
            self._delegate.violated(f"{msg.action} is invalid: {error}")
            raise
        for follow_up in self._follow_ups:
            follow_up()

    @override
    async def _get_specific_response(self, unique_id: str, timeout: float) -> Any:
        response = await super()._get_specific_response(unique_id, timeout)
        self._answered_with = response.message_type_id
        return response

    @override
    async def _send(self, message: str) -> None:
        kind, _, *rest = json.loads(message)
        if kind == _CALL:
            action, payload = rest
            self._delegate.sending(action, payload)
        await super()._send(message)


def _malformed(message: str) -> str | None:
    """What is wrong with a frame, before its payload is looked at."""
    try:
        frame = json.loads(message)
    except ValueError:
        return "not JSON"
    if not isinstance(frame, list) or not frame:
        return "not an array"
    lengths = {2: 4, 3: 3, 4: 5}
    if frame[0] not in lengths:
        return "no such message type"
    if len(frame) != lengths[frame[0]]:
        return "not the right number of elements"
    if not isinstance(frame[1], str) or (
        frame[0] == _CALL and not isinstance(frame[2], str)
    ):
        return "not the right types"
    return None
