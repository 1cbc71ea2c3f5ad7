"""What one config entry runs: central system, ledger, devices, discovery, wired together."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
import logging
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_NAME, CONF_PASSWORD
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers.device_registry import AnyDeviceEntry
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from .const import (
    CONF_CURRENT_PRESETS,
    CONF_DATA_TRANSFER_ANSWERS,
    CONF_DIRECT_CURRENT,
    CONF_IDENTITY,
    CONF_INSTALLATION_CURRENT,
    CONF_KEEP_ALIVE,
    CONF_LIMIT_WAY,
    CONF_METER_INTERVAL,
    CONF_NOMINAL_VOLTAGE,
    CONF_PHASE_SWITCHING,
    CONF_PHASES,
    CONF_REMOTE_TAG,
    CONF_SYNC_LOCAL_LIST,
    CONF_VERSION,
    DEFAULT_REMOTE_TAG,
    DOMAIN,
    SUBENTRY_CHARGE_POINT,
    VERSION_AUTOMATIC,
    WAY_AUTOMATIC,
)
from .csms.authorization import Tokens
from .csms.model import STATION, ChargePointConfig
from .csms.prices import Prices
from .csms.server import CentralSystem, load_all_schemas
from .csms.timing import Timing
from .devices import Devices, identity_and_connector
from .discovery import Discovery
from .entities import Entities
from .id_tokens import IdTokens
from .ledger import Ledger, LedgerError, LedgerTooNewError
from .limit_issue import async_delete_limit_issues, async_tell_limit_issues
from .listener import Listener
from .local_lists import async_tell_problems
from .reboot_issue import async_delete_reboot_issue, async_update_reboot_issue
from .security import SecurityIssues
from .statistics import Statistics
from .storage import OcppStore
from .tariff import Tariff
from .uploads import Uploads
from .vendor_answers import vendor_answers

_LOGGER = logging.getLogger(__name__)

LEDGER_FILE = "ocpp_central.db"
TIMING = Timing()
_TICK = timedelta(minutes=1)

type OcppConfigEntry = ConfigEntry[OcppHub]


class OcppHub:
    """The central system of one config entry, and what belongs to it."""

    def __init__(self, hass: HomeAssistant, entry: OcppConfigEntry) -> None:
        """Wire the parts together; nothing runs yet."""
        self.hass = hass
        self.entry = entry
        self.store = OcppStore(hass, entry.entry_id)
        self.prices = Prices()
        self.ledger = Ledger(Path(hass.config.path(LEDGER_FILE)), prices=self.prices)
        self.tokens = Tokens()
        self.uploads = Uploads(hass, entry)
        self.central = CentralSystem(
            ledger=self.ledger,
            authorizer=self.tokens,
            capabilities=self.store,
            prices=self.prices,
            uploads=self.uploads,
            timing=TIMING,
        )
        self._tariff = Tariff(hass, entry, self.prices, self.ledger)
        self._id_tokens = IdTokens(hass, entry, self.tokens, self.store)
        self.devices = Devices(hass, entry.entry_id)
        self.entities = Entities(hass, entry.entry_id, self.devices)
        self.discovery = Discovery(hass, entry, self.central)
        self.statistics = Statistics(
            hass, entry, self.ledger, self.central.charge_points
        )
        self._listener = Listener(hass, entry, self.central)
        self._security = SecurityIssues(hass, entry, self.central.charge_points)
        self._subentries: dict[str, ConfigSubentry] = {}
        self._unsubscribe: dict[str, list[CALLBACK_TYPE]] = {}
        self._day = dt_util.now().date()
        self._reconciling = asyncio.Lock()
        self._data = entry.data

    # Life

    async def async_prepare(self) -> None:
        """Open what is on disk."""
        await self.store.async_load()
        try:
            await self.ledger.open()
        except LedgerError as error:
            # A locked file or a full disk may pass; a file of a later version stays.
            kind = (
                ConfigEntryError
                if isinstance(error, LedgerTooNewError)
                else ConfigEntryNotReady
            )
            raise kind(
                translation_domain=DOMAIN,
                translation_key="ledger",
                translation_placeholders={"error": str(error)},
            ) from error

    async def async_start(self) -> None:
        """Bring back the charge points and let chargers dial in."""
        self.central.on_refused = self._security.async_refused
        self.central.on_let_in = self._async_let_in
        self.central.on_wrong_dialect = self._security.async_wrong_dialect
        self.ledger.on_news = self.statistics.async_soon
        await self._tariff.async_start()
        self._id_tokens.async_start()
        await self.async_reconcile()
        self.entry.async_on_unload(
            async_track_time_interval(
                self.hass, self._async_tick, _TICK, cancel_on_shutdown=True
            )
        )
        await self.hass.async_add_executor_job(load_all_schemas)
        await self._listener.async_open()

    async def async_stop(self) -> None:
        """Close every socket, then what is on disk."""
        await self._listener.async_close()
        await self.central.stop()
        for unsubscribe in self._unsubscribe.values():
            for function in unsubscribe:
                function()
        self._unsubscribe.clear()
        self._id_tokens.async_stop()
        # Whoever sets up this entry next reads it at once.
        await self.store.save()
        await self._tariff.async_stop()
        await self.ledger.close()

    @callback
    def _async_tick(self, now: datetime) -> None:
        # The day of whoever looks at what is counted by the day.
        today = dt_util.as_local(now).date()
        new_day, self._day = today != self._day, today
        for charge_point in self.central.charge_points.values():
            if new_day:
                charge_point.limits.new_day()
            charge_point.transactions.tick()
            charge_point.reservations.tick()
            charge_point.jobs.tick()
            charge_point.settings.tick()
            charge_point.costs.tick()
            charge_point.limits.tick()
            charge_point.signs.tick()
        self.statistics.async_tick()

    @callback
    def _async_let_in(self, identity: str) -> None:
        self._security.async_forgive(identity)
        self._listener.async_let_in()

    # Charge points

    async def async_reconcile(self) -> None:
        """Bring tokens and charge points in step with the subentries."""
        if self.entry.data != self._data:
            # Only another listener is worth dropping every socket for.
            self._data = self.entry.data
            self.hass.config_entries.async_schedule_reload(self.entry.entry_id)
            return
        self._tariff.async_reconcile()
        self._id_tokens.async_reconcile()
        async with self._reconciling:
            wanted = {
                subentry.subentry_id: subentry
                for subentry in self.entry.subentries.values()
                if subentry.subentry_type == SUBENTRY_CHARGE_POINT
            }
            for subentry_id, subentry in list(self._subentries.items()):
                if subentry_id not in wanted:
                    await self._async_remove(subentry)
            for subentry in wanted.values():
                # It may have been removed while others were added.
                if not self._exists(subentry):
                    continue
                if subentry.subentry_id not in self._subentries:
                    await self._async_add(subentry)
                else:
                    self._async_update(subentry)

    def _exists(self, subentry: ConfigSubentry) -> bool:
        """Return whether Home Assistant has it: its registries take nothing else."""
        return subentry.subentry_id in self.entry.subentries

    async def _async_add(self, subentry: ConfigSubentry) -> None:
        config = self._config(subentry)
        self.discovery.async_abort(config.identity)
        charge_point = await self.central.add(config)
        if not self._exists(subentry):
            await self.central.remove(config.identity)
            return
        self._subentries[subentry.subentry_id] = subentry
        self.store.restore(charge_point)
        if charge_point.info:
            # It may have said who it is before it was added.
            self.store.keep(charge_point)
        self.devices.async_register(config, subentry.subentry_id, charge_point.info)
        known = self.entities.async_known(config.identity, subentry.subentry_id)
        for connector in {
            *self.devices.async_known_connectors(config),
            *(connector for connector, _ in known if connector != STATION),
        }:
            if charge_point.add_connector(connector):
                charge_point.expect(
                    connector, (key for number, key in known if number == connector)
                )

        @callback
        def appeared(connector: int, key: str) -> None:
            if self._exists(subentry):
                if connector != STATION and key == "status":
                    self.devices.async_add_connector(charge_point, connector)
                self.entities.async_make(
                    charge_point, subentry.subentry_id, connector, {key}
                )

        @callback
        def units_told() -> None:
            if self._exists(subentry):
                self.entities.async_review(charge_point, subentry.subentry_id)

        @callback
        def identified() -> None:
            self.store.keep(charge_point)
            if self._exists(subentry):
                self.devices.async_register(
                    charge_point.config, subentry.subentry_id, charge_point.info
                )

        @callback
        def connection_changed() -> None:
            _LOGGER.info(
                "%s %s",
                charge_point.config.name,
                "connected" if charge_point.connected else "disconnected",
            )
            self.store.keep_version(charge_point)

        @callback
        def settings_changed() -> None:
            self.store.keep(charge_point)
            async_update_reboot_issue(self.hass, self.entry.entry_id, charge_point)

        async_update_reboot_issue(self.hass, self.entry.entry_id, charge_point)
        self._unsubscribe[subentry.subentry_id] = [
            charge_point.settings.subscribe(settings_changed),
            charge_point.subscribe_new(appeared),
            charge_point.subscribe_info(identified),
            charge_point.subscribe(STATION, ("limit_units",), units_told),
            async_tell_limit_issues(self.hass, self.entry.entry_id, charge_point),
            charge_point.subscribe_wishes(lambda: self.store.keep(charge_point)),
            charge_point.local_list.subscribe(lambda: self.store.keep(charge_point)),
            charge_point.reservations.subscribe(lambda: self.store.keep(charge_point)),
            async_tell_problems(self.hass, self.entry.entry_id, charge_point),
            charge_point.subscribe_connection(connection_changed),
            self._security.async_watch(
                charge_point,
                subentry.subentry_id,
                lambda: self.store.keep(charge_point),
            ),
        ]
        # It may have charged before it was added.
        self.statistics.async_soon()
        for connector in charge_point.connectors:
            self.devices.async_add_connector(charge_point, connector)
        for connector in (STATION, *charge_point.connectors):
            present = {
                *charge_point.values(connector),
                *(key for number, key in known if number == connector),
            }
            self.entities.async_make(
                charge_point, subentry.subentry_id, connector, present
            )

    async def _async_remove(self, subentry: ConfigSubentry) -> None:
        del self._subentries[subentry.subentry_id]
        for unsubscribe in self._unsubscribe.pop(subentry.subentry_id):
            unsubscribe()
        identity = subentry.data[CONF_IDENTITY]
        self.entities.async_forget(identity)
        await self.central.remove(identity)
        self.store.forget(identity)
        async_delete_reboot_issue(self.hass, identity)
        async_delete_limit_issues(self.hass, identity)
        self._security.async_forget(identity)

    @callback
    def _async_update(self, subentry: ConfigSubentry) -> None:
        config = self._config(subentry)
        charge_point = self.central.charge_points[config.identity.casefold()]
        if charge_point.config != config:
            previous = charge_point.config
            charge_point.configure(config)
            if config.password != previous.password:
                charge_point.security.password_changed(previous.password)
            self._subentries[subentry.subentry_id] = subentry
            self.devices.async_register(config, subentry.subentry_id, charge_point.info)
            for connector in charge_point.connectors:
                self.devices.async_add_connector(charge_point, connector)
            # What may be wished for depends on what the installation carries.
            charge_point.wishes_changed()
            charge_point.local_list.follow()
            self.entities.async_review(charge_point, subentry.subentry_id)
            if not charge_point.bring_up.under_way:
                charge_point.limits.restore()

    def _config(self, subentry: ConfigSubentry) -> ChargePointConfig:
        data = subentry.data
        return ChargePointConfig(
            identity=data[CONF_IDENTITY],
            name=data[CONF_NAME],
            password=data.get(CONF_PASSWORD),
            phases=int(data[CONF_PHASES]),
            nominal_voltage=data[CONF_NOMINAL_VOLTAGE],
            installation_current=data[CONF_INSTALLATION_CURRENT],
            current_presets=tuple(data.get(CONF_CURRENT_PRESETS, ())),
            direct_current=data.get(CONF_DIRECT_CURRENT, False),
            phase_switching=data.get(CONF_PHASE_SWITCHING, False),
            limit_way=_limit_way(data),
            meter_interval=int(data[CONF_METER_INTERVAL]),
            keep_alive=data[CONF_KEEP_ALIVE],
            sync_local_list=data.get(CONF_SYNC_LOCAL_LIST, False),
            version=_pinned_version(data),
            remote_tag=self.entry.options.get(CONF_REMOTE_TAG, DEFAULT_REMOTE_TAG),
            data_transfer_answers=vendor_answers(
                self.entry.options.get(CONF_DATA_TRANSFER_ANSWERS, ())
            ),
        )

    # Devices and access

    @callback
    def async_give_up(self, device: AnyDeviceEntry) -> bool:
        """Forget what stood behind a device; False if something still does.

        A connector is gone when its charge point is there and does not speak of it.
        """
        identity, connector = identity_and_connector(device)
        charge_point = self.central.charge_points.get(identity)
        if charge_point is None:
            return True
        if (
            connector == STATION
            or not charge_point.connected
            or connector in charge_point.heard_status
            or charge_point.transactions.at(connector)
        ):
            return False
        charge_point.remove_connector(connector)
        charge_point.wishes.connectors.pop(connector, None)
        charge_point.wishes_changed()
        self.entities.async_forget(identity, connector)
        return True


def _pinned_version(data: Mapping[str, Any]) -> str | None:
    """Return the version of OCPP that a charge point is to speak; None: any."""
    version: str = data.get(CONF_VERSION, VERSION_AUTOMATIC)
    return None if version == VERSION_AUTOMATIC else version


def _limit_way(data: Mapping[str, Any]) -> str | None:
    """Return the way to limit a charge point that the user insists on; None: any."""
    way: str = data.get(CONF_LIMIT_WAY, WAY_AUTOMATIC)
    return None if way == WAY_AUTOMATIC else way
