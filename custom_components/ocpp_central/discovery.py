"""Strangers: charge points that dial in and are offered to the user."""

import asyncio

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    SOURCE_IGNORE,
    SOURCE_INTEGRATION_DISCOVERY,
    ConfigEntry,
    ConfigEntryChange,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import discovery_flow
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from .const import CONF_IDENTITY, DOMAIN, SUBENTRY_CHARGE_POINT
from .csms.charge_point import ChargePoint
from .csms.model import BootInfo
from .csms.server import CentralSystem

_PREFIX = f"{SUBENTRY_CHARGE_POINT}:"


def flow_unique_id(identity: str) -> str:
    """Return the unique id of a charge point's subentry and discovery flow."""
    return f"{_PREFIX}{identity.casefold()}"


class Discovery:
    """Offers strangers as cards, or to a form that waits for one."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, central: CentralSystem
    ) -> None:
        """Listen for strangers."""
        self._hass = hass
        self._central = central
        self._waiting: list[asyncio.Future[ChargePoint]] = []
        central.on_unknown = self._async_offer
        central.is_ignored = self._is_ignored
        entry.async_on_unload(
            async_dispatcher_connect(
                hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._async_entry_changed
            )
        )
        entry.async_on_unload(self._async_abort_all)

    async def async_wait(self) -> ChargePoint:
        """Return the next stranger, or one that is there already."""
        for charge_point in self._central.unknown.values():
            if charge_point.connected:
                return charge_point
        future: asyncio.Future[ChargePoint] = self._hass.loop.create_future()
        self._waiting.append(future)
        try:
            return await future
        finally:
            self._waiting.remove(future)

    @callback
    def async_abort(self, identity: str) -> None:
        """Take back the card of a charge point that was added another way."""
        self._async_abort_flows(flow_unique_id(identity))

    @callback
    def _async_offer(self, charge_point: ChargePoint) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(charge_point)
                return
        info = charge_point.info or BootInfo()
        discovery_flow.async_create_flow(
            self._hass,
            DOMAIN,
            {"source": SOURCE_INTEGRATION_DISCOVERY},
            {
                CONF_IDENTITY: charge_point.identity,
                "vendor": info.vendor,
                "model": info.model,
                "serial": info.serial,
            },
        )

    def _is_ignored(self, identity: str) -> bool:
        entry = self._hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, flow_unique_id(identity)
        )
        return entry is not None and entry.source == SOURCE_IGNORE

    @callback
    def _async_entry_changed(
        self, change: ConfigEntryChange, entry: ConfigEntry
    ) -> None:
        """Hang up on a charger the user has just ignored."""
        if (
            change is ConfigEntryChange.ADDED
            and entry.domain == DOMAIN
            and entry.source == SOURCE_IGNORE
            and entry.unique_id
        ):
            self._hass.async_create_task(
                self._central.refuse_unknown(entry.unique_id.removeprefix(_PREFIX)),
                "ocpp_central ignore",
            )

    @callback
    def _async_abort_all(self) -> None:
        self._async_abort_flows(None)

    @callback
    def _async_abort_flows(self, unique_id: str | None) -> None:
        flows = self._hass.config_entries.flow
        for flow in flows.async_progress_by_handler(
            DOMAIN, match_context={"source": SOURCE_INTEGRATION_DISCOVERY}
        ):
            if unique_id in (None, flow["context"].get("unique_id")):
                flows.async_abort(flow["flow_id"])
