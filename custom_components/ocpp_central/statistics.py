"""When Home Assistant's long-term statistics are given what they cannot see."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
import logging

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.recorder import DATA_INSTANCE, get_instance
from homeassistant.util import dt as dt_util

from .csms.charge_point import ChargePoint
from .ledger import Ledger, LedgerError
from .ledger.statistics import forget_replayed_before
from .statistics_replay import KEPT, async_import_replayed
from .statistics_sessions import async_publish_sessions

_LOGGER = logging.getLogger(__name__)

# What belongs together is written together.
_SOON = timedelta(minutes=1)
# The recorder makes a row of each hour seconds after it: not in its way, and all of it.
_PAST_THE_HOUR = timedelta(minutes=5)
_HOUR = timedelta(hours=1)


class Statistics:
    """Brings statistics up to date, once an hour and when there is news."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        ledger: Ledger,
        charge_points: Mapping[str, ChargePoint],
    ) -> None:
        """Take the charge points by casefolded identity."""
        self._hass = hass
        self._entry = entry
        self._ledger = ledger
        self._charge_points = charge_points
        self._due = dt_util.utcnow() + _SOON
        self._running = asyncio.Lock()

    @callback
    def async_soon(self) -> None:
        """Take note that there is something new."""
        self._due = min(self._due, dt_util.utcnow() + _SOON)

    @callback
    def async_tick(self) -> None:
        """Begin if it is time; called once a minute."""
        now = dt_util.utcnow()
        if now < self._due or not self._hass.is_running or self._running.locked():
            return
        hour = now.replace(minute=0, second=0, microsecond=0)
        self._due = hour + _PAST_THE_HOUR
        if self._due <= now:
            self._due += _HOUR
        self._entry.async_create_background_task(
            self._hass, self.async_update(), "ocpp_central statistics"
        )

    async def async_update(self) -> None:
        """Give statistics what they lack."""
        async with self._running:
            try:
                await self._async_update()
            except LedgerError as error:
                # It is all still there the next time.
                _LOGGER.debug("Statistics wait: %s", error)

    async def _async_update(self) -> None:
        hass, ledger = self._hass, self._ledger
        if DATA_INSTANCE not in hass.data:
            await ledger.ask(
                partial(forget_replayed_before, time=dt_util.utcnow() - KEPT)
            )
        elif await get_instance(hass).async_db_ready:
            await async_import_replayed(hass, ledger)
            await async_publish_sessions(hass, ledger, self._charge_points)
