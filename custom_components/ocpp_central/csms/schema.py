"""Payload validation against the JSON schemas of the ocpp package, compiled."""

from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs
import orjson


class Schemas:
    """The requests and responses of one OCPP version."""

    def __init__(
        self, version: str, validators: dict[str, jsonschema_rs.Validator]
    ) -> None:
        """Take the validators by the name of their schema file."""
        self.version = version
        self._requests: dict[str, jsonschema_rs.Validator] = {}
        self._responses: dict[str, jsonschema_rs.Validator] = {}
        for name, validator in validators.items():
            if name.endswith("Response"):
                self._responses[name.removesuffix("Response")] = validator
            else:
                # What OCPP 2.1 sends without an answer has no such ending.
                self._requests[name.removesuffix("Request")] = validator

    def knows(self, action: str) -> bool:
        """Return whether the standard has this action."""
        return action in self._requests

    def request_error(self, action: str, payload: Any) -> str | None:
        """Return what the schema finds wrong with a CALL, or None."""
        return _error(self._requests.get(action), payload)

    def response_error(self, action: str, payload: Any) -> str | None:
        """Return what the schema finds wrong with a CALLRESULT, or None."""
        return _error(self._responses.get(action), payload)


def _error(validator: jsonschema_rs.Validator | None, payload: Any) -> str | None:
    if validator is None or validator.is_valid(payload):
        return None
    error = next(validator.iter_errors(payload))
    path = ".".join(str(part) for part in error.instance_path)
    return f"{path}: {error.message}" if path else str(error.message)


@cache
def load_schemas(version: str) -> Schemas:
    """Read and compile the schemas of a version ("v16"). Blocks: not for the event loop."""
    folder = resources.files(f"ocpp.{version}") / "schemas"
    return Schemas(
        version,
        {
            file.name.removesuffix(".json"): jsonschema_rs.validator_for(
                orjson.loads(file.read_bytes().removeprefix(b"\xef\xbb\xbf")),
                # It may be a card's, and what is wrong with it is told and kept.
                mask="the value",
            )
            for file in folder.iterdir()
            if file.name.endswith(".json")
        },
    )
