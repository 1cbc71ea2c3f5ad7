"""How much may flow."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.number import (
    NumberDeviceClass,
    NumberEntity,
    NumberEntityDescription,
    NumberMode,
)
from homeassistant.const import EntityCategory, UnitOfElectricCurrent
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .csms.charge_point import ChargePoint
from .csms.profiles import MINIMUM_CURRENT
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
class OcppNumberDescription(OcppEntityDescription, NumberEntityDescription):
    """A number."""

    value_fn: Callable[[ChargePoint, int], float]
    max_fn: Callable[[ChargePoint], float]
    set_fn: Callable[[ChargePoint, int, float], Awaitable[object]]


def _ceiling(charge_point: ChargePoint) -> float:
    """Return what may flow at most: the user's ceiling, else what the wiring carries."""
    ceiling = charge_point.wishes.maximum_current
    return charge_point.config.installation_current if ceiling is None else ceiling


def _limit(charge_point: ChargePoint, connector: int) -> float:
    ceiling = _ceiling(charge_point)
    return min(charge_point.wish(connector).current_limit or ceiling, ceiling)


STATION_NUMBERS = (
    OcppNumberDescription(
        key="maximum_current",
        translation_key="maximum_current",
        device_class=NumberDeviceClass.CURRENT,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        native_min_value=MINIMUM_CURRENT,
        native_step=1,
        mode=NumberMode.SLIDER,
        entity_category=EntityCategory.CONFIG,
        availability=Availability.ALWAYS,
        appears_with=None,
        value_fn=lambda charge_point, _: _ceiling(charge_point),
        max_fn=lambda charge_point: charge_point.config.installation_current,
        set_fn=lambda charge_point, _, value: charge_point.set_maximum_current(value),
    ),
)

CONNECTOR_NUMBERS = (
    OcppNumberDescription(
        key="current_limit",
        translation_key="current_limit",
        device_class=NumberDeviceClass.CURRENT,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        native_min_value=MINIMUM_CURRENT,
        native_step=1,
        mode=NumberMode.SLIDER,
        availability=Availability.ALWAYS,
        value_fn=_limit,
        max_fn=_ceiling,
        set_fn=lambda charge_point, connector, value: charge_point.set_current_limit(
            connector, value
        ),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OcppConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Make numbers as connectors appear."""
    entry.runtime_data.async_add_platform(
        OcppNumber,
        async_add_entities,
        station=STATION_NUMBERS,
        connector=CONNECTOR_NUMBERS,
    )


class OcppNumber(OcppWishEntity, NumberEntity):
    """A limit of a charge point or connector."""

    entity_description: OcppNumberDescription

    @property
    @override
    def native_max_value(self) -> float:
        return self.entity_description.max_fn(self.charge_point)

    @property
    @override
    def native_value(self) -> float:
        return self.entity_description.value_fn(self.charge_point, self.connector)

    @override
    async def async_set_native_value(self, value: float) -> None:
        with translated_errors(self.charge_point):
            await self.entity_description.set_fn(
                self.charge_point, self.connector, value
            )
