"""The versions of OCPP that are spoken, and which of them with a charger."""

from collections.abc import Mapping, Sequence
from typing import Any

# The oldest first.
VERSIONS = ("1.6", "2.0.1", "2.1")
_PREFIX = "ocpp"
# What only one dialect has: whole messages, and members of those that both have.
_MESSAGES = {
    "StartTransaction": "",
    "StopTransaction": "",
    "DiagnosticsStatusNotification": "",
    "TransactionEvent": "2",
    "NotifyEvent": "2",
    "NotifyReport": "2",
}
_MEMBERS = {
    ("BootNotification", "chargePointVendor"): "",
    ("BootNotification", "chargingStation"): "2",
    ("StatusNotification", "errorCode"): "",
    ("StatusNotification", "connectorStatus"): "2",
    ("Authorize", "idTag"): "",
}


def subprotocol(version: str) -> str:
    """Return the WebSocket subprotocol of a version."""
    return f"{_PREFIX}{version}"


def version_of(protocol: str) -> str:
    """Return the version of a WebSocket subprotocol."""
    return protocol.removeprefix(_PREFIX)


def dialect_of(version: str) -> str:
    """Return what versions with the same messages have in common; nothing for 1.6."""
    return "" if version == VERSIONS[0] else "2"


def negotiate(offered: Sequence[str], pinned: str | None = None) -> str | None:
    """Return the version to speak with who offers these subprotocols; None: none.

    The newest both speak, whatever order they come in. Who offers nothing speaks what
    it is pinned to, and 1.6 otherwise, as some chargers do.
    """
    spoken = VERSIONS if pinned is None else (pinned,)
    if not offered:
        return spoken[0]
    return next(
        (version for version in reversed(spoken) if subprotocol(version) in offered),
        None,
    )


def is_foreign(version: str, action: str, payload: Mapping[str, Any]) -> bool:
    """Return whether a message is of the other dialect.

    Some chargers agree to a version and go on in the one they spoke before.
    """
    dialects = {
        dialect
        for (name, member), dialect in _MEMBERS.items()
        if name == action and member in payload
    }
    if (dialect := _MESSAGES.get(action)) is not None:
        dialects.add(dialect)
    return dialects == {"" if dialect_of(version) else "2"}
