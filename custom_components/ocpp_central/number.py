"""How much may flow."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.number import (
    NumberDeviceClass,
    NumberEntity,
    NumberEntityDescription,
    NumberMode,
)
from homeassistant.const import EntityCategory, UnitOfElectricCurrent, UnitOfPower
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .csms.charge_point import ChargePoint
from .csms.model import ChargingLimit, LimitUnit
from .csms.profiles import MINIMUM_CURRENT, watts
from .entity import (
    Availability,
    OcppEntityDescription,
    OcppWishEntity,
    translated_errors,
)
from .hub import OcppConfigEntry

# The connection queues what is sent to one charger.
PARALLEL_UPDATES = 0


# What a limit in W is rounded to by the slider.
_POWER_STEP = 10


@dataclass(frozen=True, kw_only=True)
class OcppNumberDescription(OcppEntityDescription, NumberEntityDescription):
    """A number."""

    value_fn: Callable[[ChargePoint, int], float]
    min_fn: Callable[[ChargePoint], float]
    max_fn: Callable[[ChargePoint], float]
    set_fn: Callable[[ChargePoint, int, float], Awaitable[object]]


def current_ceiling(charge_point: ChargePoint) -> float:
    """Return what may flow at most: the user's ceiling, else what the wiring carries."""
    ceiling = charge_point.wishes.maximum_current
    most = charge_point.config.installation_current
    return most if ceiling is None else min(ceiling, most)


def current_limit(charge_point: ChargePoint, connector: int) -> float:
    """Return what the user lets flow at a connector, in A per phase."""
    ceiling = current_ceiling(charge_point)
    return min(charge_point.wish(connector).current_limit or ceiling, ceiling)


def _fallback(charge_point: ChargePoint) -> float:
    ceiling = current_ceiling(charge_point)
    return min(charge_point.wishes.offline_current or ceiling, ceiling)


def _least_current(charge_point: ChargePoint) -> float:
    return 1 if charge_point.direct_current else MINIMUM_CURRENT


def _power_limit(charge_point: ChargePoint, connector: int) -> float:
    ceiling = _power_ceiling(charge_point)
    return min(charge_point.wish(connector).power_limit or ceiling, ceiling)


def _power_ceiling(charge_point: ChargePoint) -> float:
    return watts(charge_point, ChargingLimit(current_ceiling(charge_point)))


def _least_power(charge_point: ChargePoint) -> float:
    """Return what a car on one phase cannot charge below."""
    config = charge_point.config
    if charge_point.direct_current:
        return _POWER_STEP
    return MINIMUM_CURRENT * config.nominal_voltage


def _current(key: str, **kwargs: Any) -> OcppNumberDescription:
    return OcppNumberDescription(
        key=key,
        translation_key=key,
        device_class=NumberDeviceClass.CURRENT,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        native_step=1,
        mode=NumberMode.SLIDER,
        availability=Availability.ALWAYS,
        min_fn=_least_current,
        **kwargs,
    )


STATION_NUMBERS = (
    _current(
        "maximum_current",
        entity_category=EntityCategory.CONFIG,
        appears_with=None,
        value_fn=lambda charge_point, _: current_ceiling(charge_point),
        max_fn=lambda charge_point: charge_point.config.installation_current,
        set_fn=lambda charge_point, _, value: charge_point.set_maximum_current(value),
    ),
    _current(
        "offline_current",
        entity_category=EntityCategory.CONFIG,
        appears_with=None,
        value_fn=lambda charge_point, _: _fallback(charge_point),
        max_fn=current_ceiling,
        set_fn=lambda charge_point, _, value: charge_point.set_offline_current(value),
    ),
)

CONNECTOR_NUMBERS = (
    _current(
        "current_limit",
        value_fn=current_limit,
        max_fn=current_ceiling,
        set_fn=lambda charge_point, connector, value: charge_point.set_current_limit(
            connector, value
        ),
    ),
    OcppNumberDescription(
        key="power_limit",
        translation_key="power_limit",
        device_class=NumberDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        native_step=_POWER_STEP,
        mode=NumberMode.SLIDER,
        availability=Availability.ALWAYS,
        needs=lambda charge_point: LimitUnit.WATT in charge_point.limit_units,
        value_fn=_power_limit,
        min_fn=_least_power,
        max_fn=_power_ceiling,
        set_fn=lambda charge_point, connector, value: charge_point.set_power_limit(
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
    entry.runtime_data.entities.async_add_platform(
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
    def native_min_value(self) -> float:
        return self.entity_description.min_fn(self.charge_point)

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
