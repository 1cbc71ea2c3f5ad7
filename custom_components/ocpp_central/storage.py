"""Small state on disk: wishes, and what chargers were seen to do."""

import asyncio
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .csms.authorization import UnknownToken
from .csms.capabilities import Capabilities, ConfigurationKey
from .csms.charge_point import ChargePoint
from .csms.model import (
    AccessMode,
    BootInfo,
    Budget,
    LimitUnit,
    SessionLimit,
    StationWishes,
    Wishes,
)
from .csms.security import SecurityState
from .csms.settings import SettingsState

_VERSION = 1
# Wishes come from a user's hand; a slider sends several a second.
_DELAY = 2


class OcppStore:
    """What one config entry remembers besides the ledger."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Prepare the file of one config entry."""
        self._store = Store[dict[str, Any]](hass, _VERSION, f"{DOMAIN}.{entry_id}")
        self._capabilities: dict[str, Capabilities] = {}
        self._charge_points: dict[str, dict[str, Any]] = {}
        self._unknown_tokens: list[dict[str, str]] = []
        self._saving = asyncio.Lock()
        self._changed = False

    async def async_load(self) -> None:
        """Read the file."""
        data = await self._store.async_load() or {}
        self._charge_points = data.get("charge_points", {})
        self._unknown_tokens = data.get("unknown_tokens", [])
        self._capabilities = {
            model: Capabilities(**capabilities)
            for model, capabilities in data.get("capabilities", {}).items()
        }

    async def async_remove(self) -> None:
        """Delete the file."""
        await self._store.async_remove()

    async def save(self) -> None:
        """Return after everything is on disk."""
        self._changed = True
        async with self._saving:
            # Whoever waited while another wrote is served by one write for all.
            if self._changed:
                self._changed = False
                await self._store.async_save(self._data())

    def save_soon(self) -> None:
        """Write within seconds, and in any case before Home Assistant stops."""
        self._store.async_delay_save(self._data, _DELAY)

    def get(self, model: str) -> Capabilities:
        """Return what is known of a model."""
        return self._capabilities.setdefault(model, Capabilities())

    def configuration(self, identity: str, model: str) -> dict[str, ConfigurationKey]:
        """Return the keys a charge point had with this firmware."""
        known = self._charge_point(identity).get("configuration") or {}
        if known.get("model") != model:
            return {}
        return {key: ConfigurationKey(**value) for key, value in known["keys"].items()}

    def set_configuration(
        self, identity: str, model: str, keys: dict[str, ConfigurationKey]
    ) -> None:
        """Remember the keys of a charge point with this firmware."""
        self._charge_point(identity)["configuration"] = {
            "model": model,
            "keys": {key: asdict(value) for key, value in keys.items()},
        }
        self.save_soon()

    def restore(self, charge_point: ChargePoint) -> None:
        """Give a charge point back who it is and what the user wants of it."""
        known = self._charge_point(charge_point.identity)
        if wishes := known.get("wishes"):
            connectors = wishes["connectors"]
            charge_point.wishes = StationWishes(
                **{
                    **wishes,
                    "access_mode": AccessMode(
                        wishes.get("access_mode", AccessMode.ANY_TOKEN)
                    ),
                    "connectors": {
                        int(connector): _wishes(wish)
                        for connector, wish in connectors.items()
                    },
                }
            )
        if (version := known.get("version")) and not charge_point.connected:
            charge_point.set_spoken(version)
        if info := known.get("info"):
            charge_point.set_info(BootInfo(**info))
        if local_list := known.get("local_list"):
            charge_point.local_list.restore(local_list)
        if reservations := known.get("reservations"):
            charge_point.reservations.restore(reservations)
        if settings := known.get("settings"):
            charge_point.settings.restore(SettingsState(**settings))
        if security := known.get("security"):
            charge_point.security.state = SecurityState(**security)

    def keep(self, charge_point: ChargePoint) -> None:
        """Remember who a charge point is and what the user wants of it."""
        known = self._charge_point(charge_point.identity)
        known["wishes"] = asdict(charge_point.wishes)
        known["info"] = asdict(charge_point.info) if charge_point.info else None
        known["version"] = charge_point.spoken
        known["local_list"] = charge_point.local_list.as_dict()
        known["reservations"] = charge_point.reservations.as_dict()
        known["settings"] = asdict(charge_point.settings.state)
        known["security"] = asdict(charge_point.security.state)
        self.save_soon()

    def keep_version(self, charge_point: ChargePoint) -> None:
        """Remember which version of OCPP a charge point speaks."""
        known = self._charge_point(charge_point.identity)
        if known.get("version") != charge_point.spoken:
            known["version"] = charge_point.spoken
            self.save_soon()

    @property
    def unknown_tokens(self) -> list[UnknownToken]:
        """Return the tokens that were shown and that nobody knew."""
        return [
            UnknownToken(
                token["id_token"],
                token["identity"],
                datetime.fromisoformat(token["shown"]),
            )
            for token in self._unknown_tokens
        ]

    def keep_unknown_tokens(self, tokens: Iterable[UnknownToken]) -> None:
        """Remember the tokens that were shown and that nobody knows."""
        self._unknown_tokens = [
            {**asdict(token), "shown": token.shown.isoformat()} for token in tokens
        ]
        self.save_soon()

    def forget(self, identity: str) -> None:
        """Forget a charge point that was removed."""
        self._charge_points.pop(identity.casefold(), None)
        self.save_soon()

    def _charge_point(self, identity: str) -> dict[str, Any]:
        return self._charge_points.setdefault(identity.casefold(), {})

    def _data(self) -> dict[str, Any]:
        return {
            "capabilities": {
                model: asdict(capabilities)
                for model, capabilities in self._capabilities.items()
            },
            "charge_points": self._charge_points,
            "unknown_tokens": self._unknown_tokens,
        }


def _wishes(data: dict[str, Any]) -> Wishes:
    session = data.get("session")
    budget = data.get("budget")
    return Wishes(
        **{
            **data,
            "session": session
            and SessionLimit(**{**session, "unit": LimitUnit(session["unit"])}),
            "budget": budget and Budget(**budget),
        }
    )
