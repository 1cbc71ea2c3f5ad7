"""What can go wrong between a command and the charger that should carry it out."""

from typing import Any, override

# What OCPP 1.6 calls them, with its own way of spelling.
_CODES_16 = {
    "FormatViolation": "FormationViolation",
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
    "RpcFrameworkError": "FormationViolation",
}


class CommandError(Exception):
    """A command was not carried out."""


class NotConnected(CommandError):
    """The charger has no socket open."""


class ConnectionLost(NotConnected):
    """The socket closed after the command was sent, before its answer came."""


class CommandTimeout(CommandError):
    """The charger did not answer within the time limit."""

    def __init__(self, action: str, *, sent: bool = True) -> None:
        """Remember which action went unanswered, if it was so much as `sent`."""
        super().__init__(f"No answer to {action}")
        self.action = action
        self.sent = sent


class CommandRejected(CommandError):
    """The charger answered with a status that refuses, in its own words."""

    def __init__(self, action: str, response: dict[str, Any]) -> None:
        """Keep the whole answer, so that a caller can show all of it."""
        self.action = action
        self.response = response
        self.status = str(response.get("status"))
        super().__init__(f"{action}: {self.status}")


class CommandFailed(CommandError):
    """The charger answered with a CALLERROR (OCPP-J 1.6, 4.2.3)."""

    def __init__(
        self, action: str, code: str, description: str, details: Any = None
    ) -> None:
        """Keep the error as the charger gave it."""
        super().__init__(f"{action}: {code} {description}".rstrip())
        self.action = action
        self.code = code
        self.description = description
        self.details = details


class NotSupported(CommandFailed):
    """The charger does not know the action or feature."""


class InvalidCommand(CommandError):
    """The standard's schema forbids the payload; nothing was sent."""


class CallError(Exception):
    """An answer of ours to a CALL that cannot be handled."""

    def __init__(self, code: str, description: str = "") -> None:
        """Take one of the error codes of OCPP-J 2.0.1, section 4.3."""
        super().__init__(description)
        self.code = code
        self.description = description

    @override
    def __str__(self) -> str:
        return f"{self.code}: {self.description}"


def error_code(code: str, version: str) -> str:
    """Return an error code as a version of OCPP has it (OCPP-J 1.6, table 7)."""
    return _CODES_16.get(code, code) if version == "v16" else code
