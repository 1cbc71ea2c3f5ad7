"""A charger's settings: their names, and what it says of them.

Configuration keys in OCPP 1.6, variables of the device model in 2.x.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, override

from ocpp.v16.enums import ConfigurationKey as StandardKey

from .capabilities import ConfigurationKey
from .vocabulary import Setting

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

    def name(self, setting: Setting) -> str | None:
        """Return how the charger spells a setting it has, in either dialect."""
        for name in (setting.key, setting.variable):
            if name is not None and name in self:
                return self.spelled(name)
        return None

    def find(self, setting: Setting) -> ConfigurationKey | None:
        """Return what is known of a setting, by its name in either dialect."""
        name = self.name(setting)
        return self[name] if name else None

    def text(self, setting: Setting) -> str:
        """Return the value of a setting; empty where it is not known."""
        key = self.find(setting)
        return (key.value or "").strip() if key else ""

    def integer(self, setting: Setting) -> int | None:
        """Return the value of a setting, if it is a number."""
        value = self.text(setting)
        return int(value) if value.isdecimal() else None

    def most(self, setting: Setting) -> int | None:
        """Return how many there may be, which OCPP 2.x tells as the largest value."""
        key = self.find(setting)
        if setting.variable is not None and setting.variable in self:
            return key.most if key else None
        return self.integer(setting) or None

    def truth(self, setting: Setting) -> bool | None:
        """Return the value of a setting, if it is on or off."""
        return truth(self.text(setting))

    @property
    def smart_charging(self) -> bool | None:
        """Return whether a charger says that it takes charging profiles."""
        if features := self.text(Setting.FEATURES):
            return "smartcharging" in features.replace(" ", "").casefold()
        return self.truth(Setting.SMART_CHARGING)

    def updated(self, newer: Mapping[str, ConfigurationKey]) -> ConfigurationKeys:
        """Return these keys with what is newly known of them."""
        keys = ConfigurationKeys(newer)
        for name, key in self.items():
            if name not in keys:
                keys.add(name, key)
        return keys


@dataclass(slots=True)
class Findings:
    """What a charger says of the settings it was asked for."""

    known: ConfigurationKeys = field(default_factory=ConfigurationKeys)
    unknown: list[str] = field(default_factory=list)
    # It says nothing of these.
    unanswered: list[str] = field(default_factory=list)


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


def truth(value: str) -> bool | None:
    """Read a boolean as chargers write it."""
    words = {"true": True, "1": True, "false": False, "0": False}
    return words.get(value.strip().casefold())


def is_secret(name: str) -> bool:
    """Return whether nobody is to read the value of a key."""
    return any(secret in name.casefold() for secret in _SECRETS)
