"""The list of tokens that the central system gave the charger for when it is on its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from .clock import Clock, parse_time
from .configuration import Configuration

type IdTagInfo = Mapping[str, Any]

#: The version of a list that cannot be.
NO_LIST = -1


class LocalList:
    """A local authorization list (OCPP 1.6, 3.5.2). Survives reboots."""

    def __init__(self, clock: Clock, configuration: Configuration) -> None:
        """Begin with an empty list."""
        self._clock = clock
        self._configuration = configuration
        self._version = 0
        self._entries: dict[str, IdTagInfo] = {}

    @property
    def enabled(self) -> bool:
        """Whether this charger has and uses a list."""
        return self._configuration.truth("LocalAuthListEnabled")

    @property
    def version(self) -> int:
        """The version to answer with."""
        return self._version if self.enabled else NO_LIST

    @property
    def tokens(self) -> dict[str, str]:
        """The status of each token in the list."""
        return {token: str(info["status"]) for token, info in self._entries.items()}

    def find(self, token: str) -> IdTagInfo | None:
        """What the list says of a token; names of tokens are not case-sensitive."""
        info = self._entries.get(token.casefold()) if self.enabled else None
        if info is None:
            return None
        expiry = info.get("expiryDate")
        expired = expiry is not None and parse_time(expiry) <= self._clock.now()
        return {**info, "status": "Expired"} if expired else info

    def put(self, version: int, entries: Mapping[str, IdTagInfo]) -> None:
        """Have a list from elsewhere."""
        self._version = version
        self._entries = {token.casefold(): info for token, info in entries.items()}

    def update(
        self, version: int, kind: str, entries: Sequence[Mapping[str, Any]]
    ) -> str:
        """Replace or change the list, and return the status to answer."""
        if not self.enabled:
            return "NotSupported"
        tokens = [str(entry["idTag"]).casefold() for entry in entries]
        most = self._configuration.integer("SendLocalListMaxLength")
        if version <= 0 or len(entries) > most or len(set(tokens)) < len(tokens):
            return "Failed"
        full = kind == "Full"
        if not full and version <= self._version:
            return "VersionMismatch"
        updated = {} if full else dict(self._entries)
        for token, entry in zip(tokens, entries, strict=True):
            if (info := entry.get("idTagInfo")) is not None:
                updated[token] = info
            elif full:
                return "Failed"
            else:
                updated.pop(token, None)
        if len(updated) > self._configuration.integer("LocalAuthListMaxLength"):
            return "Failed"
        self._version, self._entries = version, updated
        return "Accepted"
