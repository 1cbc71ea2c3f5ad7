"""OCPP 2.0.1 and 2.1: a token, and of which kind it must be."""

import re

from .connection import Payload

# How long a token can be.
LONGEST = {"2.0.1": 36, "2.1": 255}
# By how they are written. A card's number has four, seven or ten bytes (ISO 14443), or
# eight that begin with E0 (ISO 15693); six are the address of a car.
_KINDS = {
    kind: re.compile(pattern, re.IGNORECASE)
    for kind, pattern in {
        "ISO14443": r"(?:[0-9a-f]{8}|[0-9a-f]{14}|[0-9a-f]{20})",
        "ISO15693": r"e0[0-9a-f]{14}",
        "MacAddress": r"[0-9a-f]{2}([:-]?[0-9a-f]{2}){5}",
        "eMAID": r"[a-z]{2}-?[a-z0-9]{3}-?c[a-z0-9]{8}(-?[a-z0-9])?",
    }.items()
}


def token_of(token: str) -> Payload:
    """Return a token as OCPP 2.x has it; chargers compare the kind as well."""
    kind = next(
        (kind for kind, pattern in _KINDS.items() if pattern.fullmatch(token)),
        "Central",
    )
    return {"idToken": token, "type": kind}


def group_of(group: str) -> Payload:
    """Return the group of a token, a name of our own choice."""
    return {"idToken": group, "type": "Central"}
