"""What a kWh costs: a fixed price, that of an entity, or nobody knows."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
import logging
from math import isfinite, nan

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import (
    async_track_entity_registry_updated_event,
    async_track_state_change_event,
    async_track_time_interval,
)
from homeassistant.util import dt as dt_util

from .const import CONF_PRICE, CONF_PRICE_ENTITY, DOMAIN
from .csms.prices import KEPT, Price, Prices
from .ledger import Ledger, LedgerError
from .ledger.prices import keep, known
from .price_unit import parse_price_unit

_LOGGER = logging.getLogger(__name__)

# After a power cut nobody knows what the price was since it was last seen.
_SEEN = timedelta(minutes=5)


class Tariff:
    """Follows the price that the user has configured, and what is known of the past.

    On disk an entity's price holds until it was last seen: whoever comes back after a
    power cut cannot know for how much longer it held. A fixed price holds until it is
    replaced, also while Home Assistant is away.
    """

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, prices: Prices, ledger: Ledger
    ) -> None:
        """Take whose prices these are; nothing is known yet."""
        self._hass = hass
        self._entry = entry
        self._prices = prices
        self._ledger = ledger
        self._fixed: float | None = None
        self._entity_id: str | None = None
        self._unsubscribe: list[CALLBACK_TYPE] = []
        self._odd_unit: str | None = None
        # What is to be written, by its start.
        self._fresh: dict[datetime, Price] = {}
        self._behind = False

    async def async_start(self) -> None:
        """Bring back what was known and follow the price."""
        now = dt_util.utcnow()
        self._prices.restore(
            await self._ledger.ask(partial(known, since=now - KEPT, now=now))
        )
        self._follow()

    @callback
    def async_reconcile(self) -> None:
        """Follow what is configured now."""
        if self._configured() != (self._fixed, self._entity_id):
            self._let_go()
            self._follow()

    async def async_stop(self) -> None:
        """Write until when the price was known."""
        self._let_go()
        self._note()
        await self._async_write()

    def _configured(self) -> tuple[float | None, str | None]:
        options = self._entry.options
        return options.get(CONF_PRICE), options.get(CONF_PRICE_ENTITY)

    def _follow(self) -> None:
        self._fixed, self._entity_id = self._configured()
        self._unsubscribe.append(
            async_track_time_interval(
                self._hass, self._async_seen, _SEEN, cancel_on_shutdown=True
            )
        )
        price = None
        if self._fixed is not None:
            price = self._fixed, self._hass.config.currency
        elif self._entity_id:
            self._unsubscribe += [
                async_track_state_change_event(
                    self._hass, self._entity_id, self._async_state_changed
                ),
                async_track_entity_registry_updated_event(
                    self._hass, self._entity_id, self._async_renamed
                ),
            ]
            price = self._price_of(self._hass.states.get(self._entity_id))
        self._take(price)
        # It may be the same price, and yet hold for as long as something else does.
        self._note()
        self._write_soon()

    def _let_go(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe.clear()

    @callback
    def _async_state_changed(self, event: Event[EventStateChangedData]) -> None:
        if self._take(self._price_of(event.data["new_state"])):
            self._note()
            self._write_soon()

    @callback
    def _async_renamed(self, event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        if event.data["action"] == "update" and "entity_id" in event.data["changes"]:
            new = {CONF_PRICE_ENTITY: event.data["entity_id"]}
            self._hass.config_entries.async_update_entry(
                self._entry, options={**self._entry.options, **new}
            )

    @callback
    def _async_seen(self, _now: datetime) -> None:
        if self._entity_id:
            self._note()
        self._write_soon()

    def _price_of(self, state: State | None) -> tuple[float, str] | None:
        """Return the price of a kWh and its currency, if an entity tells it."""
        try:
            value = float(state.state) if state else nan
        except ValueError:
            value = nan
        if state is None or not isfinite(value):
            return None
        text = str(state.attributes.get(ATTR_UNIT_OF_MEASUREMENT, ""))
        if unit := parse_price_unit(text, self._hass.config.currency):
            self._odd_unit = None
            return unit.per_kwh(value), unit.currency
        if text != self._odd_unit:
            self._odd_unit = text
            _LOGGER.warning(
                "The unit '%s' of %s is not that of a price: costs are not known",
                text,
                state.entity_id,
            )
        return None

    def _take(self, price: tuple[float, str] | None) -> bool:
        """Have a price hold from now on; returns whether that is a change."""
        now = dt_util.utcnow()
        before = self._prices.current
        if price:
            self._prices.set(now, *price)
        else:
            self._prices.end(now)
        if self._prices.current is before:
            return False
        if before:
            self._fresh[before.start] = replace(before, end=now)
        return True

    def _note(self) -> None:
        """Have written what holds now, and how far that is known."""
        if price := self._prices.current:
            seen = dt_util.utcnow() if self._entity_id else None
            self._fresh[price.start] = replace(price, end=seen)

    def _write_soon(self) -> None:
        if self._fresh:
            self._entry.async_create_task(
                self._hass, self._async_write(), f"{DOMAIN} prices"
            )

    async def _async_write(self) -> None:
        if not self._fresh:
            return
        fresh, self._fresh = self._fresh, {}
        try:
            await self._ledger.ask(partial(keep, prices=list(fresh.values())))
        except LedgerError as error:
            if not self._behind:
                _LOGGER.warning("Prices wait for the disk: %s", error)
            self._behind = True
            self._fresh = fresh | self._fresh
        else:
            self._behind = False
