"""What can be chosen."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.select import SelectEntity, SelectEntityDescription
from homeassistant.const import EntityCategory, UnitOfElectricCurrent
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
from .number import current_ceiling, current_limit

# The connection queues what is sent to one charger.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class OcppSelectDescription(OcppEntityDescription, SelectEntityDescription):
    """A choice."""

    # Where the options are the user's own.
    options_fn: Callable[[ChargePoint], list[str]] | None = None
    current_fn: Callable[[ChargePoint, int], str | None]
    select_fn: Callable[[ChargePoint, int, str], Awaitable[None]]


def _presets(charge_point: ChargePoint) -> dict[str, float]:
    """Return the currents to choose from: those that may flow at all."""
    ceiling = current_ceiling(charge_point)
    return {
        f"{current:g} {UnitOfElectricCurrent.AMPERE}": current
        for current in charge_point.config.current_presets
        if current <= ceiling
    }


def _preset(charge_point: ChargePoint, connector: int) -> str | None:
    limit = current_limit(charge_point, connector)
    return next(
        (
            option
            for option, current in _presets(charge_point).items()
            if current == limit
        ),
        None,
    )


STATION_SELECTS = (
    OcppSelectDescription(
        key="access_mode",
        translation_key="access_mode",
        entity_category=EntityCategory.CONFIG,
        availability=Availability.ALWAYS,
        appears_with=None,
        options=[mode.value for mode in AccessMode],
        current_fn=lambda charge_point, _: charge_point.access.mode,
        select_fn=lambda charge_point, _, option: charge_point.access_keys.choose(
            AccessMode(option)
        ),
    ),
)

CONNECTOR_SELECTS = (
    OcppSelectDescription(
        key="current_preset",
        translation_key="current_preset",
        availability=Availability.ALWAYS,
        needs=lambda charge_point: bool(charge_point.config.current_presets),
        options_fn=lambda charge_point: [*_presets(charge_point)],
        current_fn=_preset,
        select_fn=lambda charge_point, connector, option: (
            charge_point.set_current_limit(connector, _presets(charge_point)[option])
        ),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OcppConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Make choices as charge points and connectors come."""
    entry.runtime_data.entities.async_add_platform(
        OcppSelect,
        async_add_entities,
        station=STATION_SELECTS,
        connector=CONNECTOR_SELECTS,
    )


class OcppSelect(OcppWishEntity, SelectEntity):
    """A choice of a charge point or connector."""

    entity_description: OcppSelectDescription

    @property
    @override
    def options(self) -> list[str]:
        options_fn = self.entity_description.options_fn
        return options_fn(self.charge_point) if options_fn else super().options

    @property
    @override
    def current_option(self) -> str | None:
        return self.entity_description.current_fn(self.charge_point, self.connector)

    @override
    async def async_select_option(self, option: str) -> None:
        with translated_errors(self.charge_point):
            await self.entity_description.select_fn(
                self.charge_point, self.connector, option
            )
