"""Configuration keys of OCPP 1.6: their names, and what a charger says of them."""

from collections.abc import Iterator, Mapping
from typing import Any, override

from ocpp.v16.enums import ConfigurationKey as StandardKey

from .capabilities import ConfigurationKey

# Asked for by name where a charger does not tell all its keys at once (9).
STANDARD_KEYS = tuple(dict.fromkeys(key.value for key in StandardKey))
_SECRETS = ("authorizationkey", "password", "passphrase", "secret")


class ConfigurationKeys(Mapping[str, ConfigurationKey]):
    """A charger's keys as it spells them, found without regard to case (9)."""

    def __init__(self, keys: Mapping[str, ConfigurationKey] | None = None) -> None:
        """Take the keys; of one that comes twice, the last that has a value."""
        self._keys: dict[str, ConfigurationKey] = {}
        self._names: dict[str, str] = {}
        for name, key in (keys or {}).items():
            self.add(name, key)

    @override
    def __getitem__(self, name: str) -> ConfigurationKey:
        return self._keys[self._names[name.casefold()]]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    @override
    def __len__(self) -> int:
        return len(self._keys)

    def spelled(self, name: str) -> str:
        """Return how the charger spells a name; one it does not know as it is."""
        return self._names.get(name.casefold(), name)

    def add(self, name: str, key: ConfigurationKey) -> None:
        """Take one more key; one that is there already only with a value."""
        if name not in self or key.value is not None:
            name = self._names.setdefault(name.casefold(), name)
            self._keys[name] = key

    def updated(self, newer: Mapping[str, ConfigurationKey]) -> ConfigurationKeys:
        """Return these keys with what is newly known of them."""
        keys = ConfigurationKeys(newer)
        for name, key in self.items():
            if name not in keys:
                keys.add(name, key)
        return keys


def read_keys(answer: Mapping[str, Any]) -> ConfigurationKeys:
    """Read the known keys of an answer to GetConfiguration (6.22)."""
    keys = ConfigurationKeys()
    entries = answer.get("configurationKey")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and (name := str(entry.get("key") or "").strip()):
            value = entry.get("value")
            readonly = str(entry.get("readonly")).lower() == "true"
            keys.add(
                name, ConfigurationKey(None if value is None else str(value), readonly)
            )
    return keys


def is_secret(name: str) -> bool:
    """Return whether nobody is to read the value of a key."""
    return any(secret in name.casefold() for secret in _SECRETS)
