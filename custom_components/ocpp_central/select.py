"""What can be chosen."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.select import SelectEntity, SelectEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .csms.charge_point import ChargePoint
from .csms.model import AccessMode
from .entity import (
    Availability,
    OcppEntityDescription,
    OcppWishEntity,
    translated_errors,
)
from .hub import OcppConfigEntry

# The connection queues what is sent to one charger.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class OcppSelectDescription(OcppEntityDescription, SelectEntityDescription):
    """A choice."""

    current_fn: Callable[[ChargePoint], str]
    select_fn: Callable[[ChargePoint, str], Awaitable[None]]


STATION_SELECTS = (
    OcppSelectDescription(
        key="access_mode",
        translation_key="access_mode",
        entity_category=EntityCategory.CONFIG,
        availability=Availability.ALWAYS,
        appears_with=None,
        options=[mode.value for mode in AccessMode],
        current_fn=lambda charge_point: charge_point.access.mode,
        select_fn=lambda charge_point, option: charge_point.access_keys.choose(
            AccessMode(option)
        ),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OcppConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Make choices as charge points come."""
    entry.runtime_data.async_add_platform(
        OcppSelect, async_add_entities, station=STATION_SELECTS
    )


class OcppSelect(OcppWishEntity, SelectEntity):
    """A choice of a charge point."""

    entity_description: OcppSelectDescription

    @property
    @override
    def current_option(self) -> str:
        return self.entity_description.current_fn(self.charge_point)

    @override
    async def async_select_option(self, option: str) -> None:
        with translated_errors(self.charge_point):
            await self.entity_description.select_fn(self.charge_point, option)
