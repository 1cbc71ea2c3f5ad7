"""What can be switched on and off."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .csms.charge_point import ChargePoint
from .csms.model import AccessMode, ConnectorStatus
from .entity import (
    Availability,
    OcppEntityDescription,
    OcppWishEntity,
    no_transaction,
    translated_errors,
)
from .hub import OcppConfigEntry

# The connection queues what is sent to one charger.
PARALLEL_UPDATES = 0

_IN_TRANSACTION = frozenset(
    {
        ConnectorStatus.CHARGING,
        ConnectorStatus.SUSPENDED_EV,
        ConnectorStatus.SUSPENDED_EVSE,
    }
)


@dataclass(frozen=True, kw_only=True)
class OcppSwitchDescription(OcppEntityDescription, SwitchEntityDescription):
    """A switch."""

    is_on_fn: Callable[[ChargePoint, int], bool | None]
    set_fn: Callable[[ChargePoint, int, bool], Awaitable[object]]


def is_charging(charge_point: ChargePoint, connector: int) -> bool:
    """Return whether a transaction is open, and goes on."""
    if not charge_point.access.runs(connector):
        return False
    return not (
        charge_point.access.mode is AccessMode.PLUG_AND_CHARGE
        and charge_point.wish(connector).paused
    )


async def set_charging(charge_point: ChargePoint, connector: int, on: bool) -> None:
    """Start a transaction under our own tag or let it go on, or end it.

    Where a car needs no card it is only paused: after an end, many chargers want it
    to be plugged in anew.
    """
    transaction = charge_point.transactions.at(connector)
    free = charge_point.access.mode is AccessMode.PLUG_AND_CHARGE
    if on:
        if free and charge_point.wish(connector).paused:
            await charge_point.set_paused(connector, False)
        if not charge_point.access.runs(connector):
            await charge_point.commands.start_transaction(
                connector, charge_point.config.remote_tag
            )
    elif transaction and free:
        await charge_point.set_paused(connector, True)
    elif transaction:
        await charge_point.commands.stop_transaction(transaction.reference)
    elif charge_point.status(connector) in _IN_TRANSACTION:
        # It says it charges, but never told us which transaction: none can be ended.
        raise no_transaction(charge_point, connector)


def _is_available(charge_point: ChargePoint, connector: int) -> bool | None:
    wish = charge_point.wish(connector).available
    if wish is not None:
        return wish
    status = charge_point.status(connector)
    return status is not ConnectorStatus.UNAVAILABLE if status else None


def _access_key(name: str) -> OcppSwitchDescription:
    """Describe what the charger may decide by itself, if it knows such a key."""
    return OcppSwitchDescription(
        key=name,
        translation_key=name,
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=False,
        availability=Availability.ALWAYS,
        values=(name,),
        appears_with=name,
        is_on_fn=lambda charge_point, _: charge_point.access_keys.value(name),
        set_fn=lambda charge_point, _, on: charge_point.access_keys.set(name, on),
    )


STATION_SWITCHES = (
    OcppSwitchDescription(
        key="enabled",
        translation_key="enabled",
        entity_category=EntityCategory.CONFIG,
        availability=Availability.ALWAYS,
        appears_with=None,
        is_on_fn=lambda charge_point, _: charge_point.wishes.enabled,
        set_fn=lambda charge_point, _, on: charge_point.set_enabled(on),
    ),
    _access_key("local_authorize_offline"),
    _access_key("local_pre_authorize"),
    _access_key("allow_offline_unknown"),
)

CONNECTOR_SWITCHES = (
    OcppSwitchDescription(
        key="charging",
        translation_key="charging",
        values=("transaction", "status"),
        is_on_fn=is_charging,
        set_fn=set_charging,
    ),
    OcppSwitchDescription(
        key="paused",
        translation_key="paused",
        availability=Availability.ALWAYS,
        is_on_fn=lambda charge_point, connector: charge_point.wish(connector).paused,
        set_fn=lambda charge_point, connector, on: charge_point.set_paused(
            connector, on
        ),
    ),
    OcppSwitchDescription(
        key="available",
        translation_key="available",
        entity_category=EntityCategory.CONFIG,
        availability=Availability.ALWAYS,
        values=("status",),
        is_on_fn=_is_available,
        set_fn=lambda charge_point, connector, on: charge_point.set_available(
            connector, on
        ),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OcppConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Make switches as connectors appear."""
    entry.runtime_data.entities.async_add_platform(
        OcppSwitch,
        async_add_entities,
        station=STATION_SWITCHES,
        connector=CONNECTOR_SWITCHES,
    )


class OcppSwitch(OcppWishEntity, SwitchEntity):
    """A switch of a charge point or connector."""

    entity_description: OcppSwitchDescription

    @property
    @override
    def is_on(self) -> bool | None:
        return self.entity_description.is_on_fn(self.charge_point, self.connector)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        with translated_errors(self.charge_point):
            await self.entity_description.set_fn(
                self.charge_point, self.connector, True
            )

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        with translated_errors(self.charge_point):
            await self.entity_description.set_fn(
                self.charge_point, self.connector, False
            )
