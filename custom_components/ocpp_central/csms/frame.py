"""OCPP-J frames: bytes to messages, tolerating what real chargers send.

OCPP-J 1.6, section 4. Only connection.py uses this.
"""

from dataclasses import dataclass
import json
import re
from typing import Any

import orjson

CALL = 2
CALL_RESULT = 3
CALL_ERROR = 4
# Only in OCPP 2.1: what was wrong with an answer, and a message that wants none.
CALL_RESULT_ERROR = 5
SEND = 6

# The id of a refusal where none could be read (OCPP-J 2.0.1, 4.2.3; 1.6 has none).
NO_ID = "-1"
# A frame that is right but for its payload.
NO_OBJECT = "payload is no object"

# Enough of a broken frame to tell whose it is: message type and unique id.
_HEAD = re.compile(
    r'^\s*\[[\s,]*"?([234])"?\s*,\s*("(?:[^"\\]|\\.)*"|-?\d{1,18}(?!\d))'
)
# A comma too many, or a text, which is left as it is.
_EXTRA_COMMA = re.compile(
    r'("(?:[^"\\]|\\.)*+"?)|(?<=[\[{,])\s*,|,(?=\s*[\]}])', re.DOTALL
)
# What JSON can name and UTF-8 cannot write.
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
_CONTROL = dict.fromkeys(range(0x20)) | _SURROGATES


class BrokenFrame(Exception):
    """A frame that cannot be read; what could be told of it is kept."""

    def __init__(
        self, reason: str, message_type: int | None = None, unique_id: Any = None
    ) -> None:
        """Keep type and id where the head of the frame was readable."""
        super().__init__(reason)
        self.reason = reason
        self.message_type = message_type
        self.unique_id = unique_id


@dataclass(slots=True)
class Message:
    """One frame. `unique_id` is what the charger sent, to be echoed unchanged."""

    type: int
    unique_id: Any
    action: str = ""
    payload: Any = None
    code: str = ""
    description: str = ""


def decode(data: bytes, *, newest: bool = False) -> Message:
    """Read a frame; `newest` knows the message types of OCPP 2.1 as well.

    Raises BrokenFrame for what is no OCPP message even after mending what chargers
    are known to break: control characters, invalid UTF-8, stray commas, missing
    closing brackets, a type in quotes, elements missing or too many.
    """
    try:
        frame = orjson.loads(data)
    except orjson.JSONDecodeError:
        frame = _mend(data.decode("utf-8", "replace"))
    match frame:
        case [2, str(unique_id), str(action), dict(payload)]:
            # As nearly every frame is.
            return Message(CALL, unique_id, action, payload)
    if not isinstance(frame, list) or len(frame) < 2:
        raise BrokenFrame("not an OCPP message")
    message_type, unique_id, *rest = frame
    if message_type in ("2", "3", "4", "5", "6"):
        message_type = int(message_type)
    if isinstance(unique_id, bool) or not isinstance(unique_id, (str, int)):
        raise BrokenFrame("unique id is neither text nor number", message_type)
    if message_type in (CALL_RESULT_ERROR, SEND) and not newest:
        raise BrokenFrame(f"message type {message_type}", None, unique_id)
    match message_type:
        case 2 | 6:
            return _call(message_type, unique_id, rest)
        case 3:
            # Some chargers put the action before the payload, as in a CALL.
            objects = [part for part in rest if isinstance(part, dict)]
            if not objects and any(part is not None for part in rest):
                raise BrokenFrame(NO_OBJECT, CALL_RESULT, unique_id)
            return Message(CALL_RESULT, unique_id, payload=[*objects, {}][0])
        case 4 | 5:
            code, description, details, *_ = [*rest, None, None, None]
            return Message(
                message_type,
                unique_id,
                code=str(code or "GenericError"),
                description=str(description or ""),
                payload=details,
            )
    raise BrokenFrame(f"message type {message_type!r}", None, unique_id)


def _call(message_type: int, unique_id: Any, rest: list[Any]) -> Message:
    parts: list[Any] = [*rest, None, None]
    action, payload, *_ = parts
    if not isinstance(action, str):
        raise BrokenFrame("action is no text", message_type, unique_id)
    if payload is None:
        return Message(message_type, unique_id, action, {})
    if not isinstance(payload, dict):
        raise BrokenFrame(NO_OBJECT, message_type, unique_id)
    return Message(message_type, unique_id, action, payload)


def _mend(text: str) -> Any:
    text = text.strip("\ufeff\x00 \t\r\n")
    tidy = _EXTRA_COMMA.sub(r"\1", text)
    for attempt in (text, tidy, _close(tidy)):
        try:
            frame = json.loads(
                attempt, strict=False, parse_int=_integer, parse_constant=_no_number
            )
            return _clean_frame(frame)
        except ValueError, RecursionError:
            continue
    head = _HEAD.match(text)
    if head is None:
        raise BrokenFrame("not JSON")
    _, unique_id = _clean_frame([None, json.loads(head[2], strict=False)])
    raise BrokenFrame("not JSON", int(head[1]), unique_id)


def _close(text: str) -> str:
    """Add the brackets a frame lacks at its end.

    Only there: a frame cut in a text or number would say something else.
    """
    expected: list[str] = []
    in_text = escaped = False
    for character in text:
        if in_text:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_text = False
        elif character == '"':
            in_text = True
        elif character in "[{":
            expected.append("]" if character == "[" else "}")
        elif expected and character == expected[-1]:
            expected.pop()
    if in_text or not text.endswith(("]", "}")):
        return text
    return text + "".join(reversed(expected))


def _integer(digits: str) -> float:
    """Read a number; those that no counter reaches are as good as a float."""
    return int(digits) if len(digits) < 19 else float(digits)


def _no_number(_: str) -> None:
    """Take NaN and Infinity, which are no JSON, for nothing."""


def _clean_frame(frame: Any) -> Any:
    match frame:
        case [message_type, str(unique_id), *rest]:
            # The charger compares the id with its own, so it stays what it is.
            return [message_type, unique_id.translate(_SURROGATES), *_clean(rest)]
    return _clean(frame)


def _clean(value: Any) -> Any:
    match value:
        case str():
            return value.translate(_CONTROL)
        case list():
            return [_clean(item) for item in value]
        case dict():
            return {_clean(key): _clean(item) for key, item in value.items()}
    return value
