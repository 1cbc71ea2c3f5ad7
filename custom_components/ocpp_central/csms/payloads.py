"""Members of a payload, read as leniently as chargers write them."""

from math import isfinite
from typing import Any

from .connection import Payload

# A frame may be valid JSON and still carry a NUL in a name or token.
_CONTROL = dict.fromkeys(range(0x20))


def text(payload: Payload, key: str) -> str:
    """Return a text; empty where there is none."""
    value = payload.get(key)
    return "" if value is None else str(value).translate(_CONTROL).strip()


def number(payload: Payload, key: str) -> int | None:
    """Return a whole number, or None where there is none."""
    value: Any = payload.get(key)
    if value is None:
        return None
    try:
        # By way of a float, the last digits of a long id would be lost.
        return int(value if isinstance(value, int) else float(value))
    except TypeError, ValueError, OverflowError:
        return None


def real(payload: Payload, key: str) -> float | None:
    """Return a number, or None where there is none."""
    value: Any = payload.get(key)
    try:
        found = float(value)
    except TypeError, ValueError, OverflowError:
        return None
    return found if isfinite(found) else None


def member(payload: Payload, key: str) -> Payload:
    """Return an object within a payload; empty where there is none."""
    value = payload.get(key)
    return value if isinstance(value, dict) else {}


def members(payload: Payload, key: str) -> list[Payload]:
    """Return the objects of a list within a payload."""
    value = payload.get(key)
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]
