"""Strangers: charge points that dial in and are offered to the user."""

import asyncio
from typing import TypedDict
from weakref import WeakSet

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    SOURCE_IGNORE,
    SOURCE_INTEGRATION_DISCOVERY,
    ConfigEntry,
    ConfigEntryChange,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import discovery_flow
from homeassistant.helpers.dispatcher import (
    async_dispatcher_connect,
    async_dispatcher_send,
)

from .const import DOMAIN, SUBENTRY_CHARGE_POINT
from .csms.charge_point import ChargePoint
from .csms.model import BootInfo
from .csms.server import CentralSystem

_PREFIX = f"{SUBENTRY_CHARGE_POINT}:"
# Cards stay when a stranger hangs up; one that makes up identities gets no more.
_MAX_CARDS = 20


class Offer(TypedDict):
    """What the user is told of a stranger."""

    identity: str
    vendor: str
    model: str
    serial: str | None
    version: str | None
    password_required: bool


def offer_of(charge_point: ChargePoint) -> Offer:
    """Return what is known of a stranger by now."""
    info = charge_point.info or BootInfo()
    return Offer(
        identity=charge_point.identity,
        vendor=info.vendor,
        model=info.model,
        serial=info.serial,
        version=charge_point.version,
        password_required=charge_point.password_required,
    )


def flow_unique_id(identity: str) -> str:
    """Return the unique id of a charge point's subentry and discovery flow."""
    return f"{_PREFIX}{identity.casefold()}"


def offer_signal(identity: str) -> str:
    """Return the signal by which a card hears more of its stranger."""
    return f"{DOMAIN}_offer_{identity.casefold()}"


class Discovery:
    """Offers strangers as cards, and to a form that waits for one."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, central: CentralSystem
    ) -> None:
        """Listen for strangers."""
        self._hass = hass
        self._central = central
        self._offered: WeakSet[ChargePoint] = WeakSet()
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
            if charge_point.connected and charge_point in self._offered:
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
        """Offer a stranger, or tell more of one that is offered already."""
        self._offered.add(charge_point)
        for future in self._waiting:
            if not future.done():
                future.set_result(charge_point)
                break
        # It gets a card even so: who waited may have gone without closing the form.
        offer = offer_of(charge_point)
        async_dispatcher_send(self._hass, offer_signal(charge_point.identity), offer)
        if len(self._async_cards()) < _MAX_CARDS:
            discovery_flow.async_create_flow(
                self._hass, DOMAIN, {"source": SOURCE_INTEGRATION_DISCOVERY}, offer
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
        for flow_id, card_unique_id in self._async_cards().items():
            if unique_id in (None, card_unique_id):
                self._hass.config_entries.flow.async_abort(flow_id)

    @callback
    def _async_cards(self) -> dict[str, str | None]:
        """Return the flows of the cards, and whose they are."""
        return {
            flow["flow_id"]: flow["context"].get("unique_id")
            for flow in self._hass.config_entries.flow.async_progress_by_handler(
                DOMAIN, match_context={"source": SOURCE_INTEGRATION_DISCOVERY}
            )
        }
