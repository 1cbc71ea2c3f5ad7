"""What a charger may decide about access by itself: three of its settings."""

from collections.abc import Iterator
import logging
from typing import TYPE_CHECKING

from .configuration import ConfigurationKeys
from .model import STATION, AccessMode
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_LOGGER = logging.getLogger(__name__)

LOCAL_PRE_AUTHORIZE = "local_pre_authorize"
_SETTINGS = {
    "local_authorize_offline": Setting.LOCAL_AUTHORIZE_OFFLINE,
    LOCAL_PRE_AUTHORIZE: Setting.LOCAL_PRE_AUTHORIZE,
    "allow_offline_unknown": Setting.ALLOW_OFFLINE_UNKNOWN,
}


class AccessKeys:
    """The settings of one charger, by our names, and what the user wants of them."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Know none of them yet."""
        self._charge_point = charge_point

    def value(self, name: str) -> bool | None:
        """Return what the user wants, else what the charger has."""
        wish = self._wish(name)
        return self._has(name) if wish is None else wish

    async def set(self, name: str, on: bool) -> None:
        """Have the charger decide by itself, or not; kept where it is away.

        One that decides by itself who may charge needs no Home Assistant that starts
        each car.
        """
        charge_point = self._charge_point
        await charge_point.keep_wish(
            charge_point.wishes,
            name,
            on,
            lambda: charge_point.settings.write(_SETTINGS[name], _text(on)),
        )
        access = charge_point.access
        if on and name == LOCAL_PRE_AUTHORIZE:
            if access.mode is AccessMode.PLUG_AND_CHARGE:
                access.set_mode(AccessMode.ANY_TOKEN)

    async def choose(self, mode: AccessMode) -> None:
        """Set who may charge; it is Home Assistant, then, that the charger asks first."""
        self._charge_point.access.set_mode(mode)
        if self.value(LOCAL_PRE_AUTHORIZE):
            await self.set(LOCAL_PRE_AUTHORIZE, False)

    def pending(self) -> Iterator[tuple[str, Setting, str]]:
        """Return name, setting and value of what the charger has otherwise than wanted."""
        for name, setting in _SETTINGS.items():
            wish, value = self._wish(name), self._has(name)
            if None not in (wish, value) and wish != value:
                yield name, setting, _text(bool(wish))

    def refused(self, name: str) -> None:
        """Take a wish back that the charger did not carry out."""
        charge_point = self._charge_point
        _LOGGER.warning(
            "%s refused to change %s",
            charge_point.identity,
            charge_point.configuration.name(_SETTINGS[name]),
        )
        setattr(charge_point.wishes, name, None)
        charge_point.wishes_changed()

    def told(
        self,
        before: ConfigurationKeys,
        keys: ConfigurationKeys,
    ) -> None:
        """Take note of what the charger has; the newest word counts, whoever's it is."""
        charge_point = self._charge_point
        for name, setting in _SETTINGS.items():
            known, old = keys.find(setting), before.find(setting)
            value = keys.truth(setting)
            if name in charge_point.values(STATION) or (known and not known.readonly):
                charge_point.update(STATION, {name: value})
            if (
                known
                and old
                and before.truth(setting) != value
                and self._wish(name) not in (None, value)
            ):
                setattr(charge_point.wishes, name, None)
                charge_point.wishes_changed()

    def _wish(self, name: str) -> bool | None:
        wish: bool | None = getattr(self._charge_point.wishes, name)
        return wish

    def _has(self, name: str) -> bool | None:
        value = self._charge_point.value(STATION, name)
        return value if isinstance(value, bool) else None


def _text(on: bool) -> str:
    return "true" if on else "false"
