"""What a charger says with yes or no."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .csms.charge_point import ChargePoint
from .csms.model import ConnectorStatus
from .entity import Availability, OcppEntity, OcppEntityDescription
from .hub import OcppConfigEntry

# The charger pushes; the entity only reads what has come.
PARALLEL_UPDATES = 0

# A status that says nothing of the plug is missing here: the sensor is unknown then.
_PLUGGED_IN = {
    ConnectorStatus.AVAILABLE: False,
    ConnectorStatus.RESERVED: False,
    ConnectorStatus.PREPARING: True,
    ConnectorStatus.OCCUPIED: True,
    ConnectorStatus.CHARGING: True,
    ConnectorStatus.SUSPENDED_EV: True,
    ConnectorStatus.SUSPENDED_EVSE: True,
    ConnectorStatus.FINISHING: True,
}


@dataclass(frozen=True, kw_only=True)
class OcppBinarySensorDescription(OcppEntityDescription, BinarySensorEntityDescription):
    """A binary sensor."""

    is_on_fn: Callable[[ChargePoint, int], bool | None]


def _is_plugged_in(charge_point: ChargePoint, connector: int) -> bool | None:
    status = charge_point.status(connector)
    return _PLUGGED_IN.get(status) if status else None


def _is_charging(charge_point: ChargePoint, connector: int) -> bool | None:
    status = charge_point.status(connector)
    return status is ConnectorStatus.CHARGING if status else None


def _has_problem(charge_point: ChargePoint, connector: int) -> bool | None:
    status = charge_point.status(connector)
    if status is None:
        return None
    error = charge_point.value(connector, "error_code")
    return status is ConnectorStatus.FAULTED or error not in (None, "NoError")


STATION_BINARY_SENSORS = (
    OcppBinarySensorDescription(
        key="connected",
        translation_key="connected",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        # Whether it is connected is known best when it is not.
        availability=Availability.ALWAYS,
        appears_with=None,
        is_on_fn=lambda charge_point, _: charge_point.connected,
    ),
    OcppBinarySensorDescription(
        key="reboot_required",
        translation_key="reboot_required",
        entity_category=EntityCategory.DIAGNOSTIC,
        values=("reboot_required",),
        appears_with=None,
        is_on_fn=lambda charge_point, _: bool(
            charge_point.settings.state.reboot_required
        ),
    ),
)

CONNECTOR_BINARY_SENSORS = (
    OcppBinarySensorDescription(
        key="plugged_in",
        device_class=BinarySensorDeviceClass.PLUG,
        translation_key="plugged_in",
        values=("status",),
        is_on_fn=_is_plugged_in,
    ),
    OcppBinarySensorDescription(
        key="car_charging",
        device_class=BinarySensorDeviceClass.BATTERY_CHARGING,
        translation_key="car_charging",
        values=("status",),
        is_on_fn=_is_charging,
    ),
    OcppBinarySensorDescription(
        key="problem",
        device_class=BinarySensorDeviceClass.PROBLEM,
        values=("status", "error_code"),
        is_on_fn=_has_problem,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OcppConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Make binary sensors as charge points report values."""
    entry.runtime_data.entities.async_add_platform(
        OcppBinarySensor,
        async_add_entities,
        station=STATION_BINARY_SENSORS,
        connector=CONNECTOR_BINARY_SENSORS,
    )


class OcppBinarySensor(OcppEntity, BinarySensorEntity):
    """A yes or no of a charge point or connector."""

    entity_description: OcppBinarySensorDescription

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        if self.entity_description.key == "connected":
            self.async_on_remove(
                self.charge_point.subscribe_connection(self.async_write_ha_state)
            )

    @property
    @override
    def is_on(self) -> bool | None:
        return self.entity_description.is_on_fn(self.charge_point, self.connector)
