"""One sensor for each measured quantity, and idle ones that make up the number."""

from typing import Any

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import (
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfRatio,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_IDLE, CONF_SESSION, DOMAIN

PARALLEL_UPDATES = 0


def _energy(key: str, name: str) -> SensorEntityDescription:
    return SensorEntityDescription(
        key=key,
        name=name,
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
    )


def _current(key: str, name: str) -> SensorEntityDescription:
    return SensorEntityDescription(
        key=key,
        name=name,
        device_class=SensorDeviceClass.CURRENT,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        suggested_display_precision=1,
    )


# Measurand and phase -> sensor, with the integration's own classes and units.
SENSORS: dict[tuple[str, str | None], SensorEntityDescription] = {
    ("Energy.Active.Import.Register", None): _energy("energy", "Lifetime energy"),
    ("Power.Active.Import", None): SensorEntityDescription(
        key="power",
        name="Power",
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_unit_of_measurement=UnitOfPower.KILO_WATT,
        suggested_display_precision=2,
    ),
    ("Current.Import", None): _current("current", "Current"),
    ("Current.Import", "L1"): _current("current_l1", "Current L1"),
    ("Current.Import", "L2"): _current("current_l2", "Current L2"),
    ("Current.Import", "L3"): _current("current_l3", "Current L3"),
    ("Voltage", None): SensorEntityDescription(
        key="voltage",
        name="Voltage",
        device_class=SensorDeviceClass.VOLTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfElectricPotential.VOLT,
        suggested_display_precision=0,
    ),
    ("SoC", None): SensorEntityDescription(
        key="soc",
        name="State of charge",
        device_class=SensorDeviceClass.BATTERY,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        suggested_display_precision=0,
    ),
}
_ENERGY = "Energy.Active.Import.Register"


class FloorSensor(SensorEntity):
    """A value of a charger."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, identity: str, description: SensorEntityDescription) -> None:
        """Make the sensor."""
        self.entity_description = description
        self._attr_unique_id = f"{identity}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, identity)}, name=identity
        )
        self._attr_available = False

    @callback
    def set_value(self, value: float) -> None:
        """Show a value."""
        self._attr_native_value = value
        self.async_write_ha_state()

    @callback
    def set_available(self, available: bool) -> None:
        """Show whether the charger is there."""
        self._attr_available = available
        self.async_write_ha_state()


class Charger:
    """The sensors of one charger."""

    def __init__(self) -> None:
        """Start without sensors."""
        self.all: list[FloorSensor] = []
        self.by_sample: dict[tuple[str, str | None], FloorSensor] = {}
        self.session: FloorSensor | None = None
        self._energy_at_start: float | None = None

    @callback
    def set_available(self, available: bool) -> None:
        """Show whether the charger is there."""
        for sensor in self.all:
            sensor.set_available(available)

    @callback
    def set_samples(self, samples: list[dict[str, Any]]) -> None:
        """Show what the charger measured."""
        for sample in samples:
            measurand = sample["measurand"]
            if sensor := self.by_sample.get((measurand, sample.get("phase"))):
                value = float(sample["value"])
                sensor.set_value(value)
                if measurand == _ENERGY and self.session:
                    if self._energy_at_start is None:
                        self._energy_at_start = value
                    self.session.set_value(value - self._energy_at_start)


type FloorConfigEntry = ConfigEntry[dict[str, Charger]]


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FloorConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Make the sensors of all chargers."""
    for identity, charger in entry.runtime_data.items():
        charger.by_sample = {
            sample: FloorSensor(identity, description)
            for sample, description in SENSORS.items()
        }
        charger.all = [
            *charger.by_sample.values(),
            *(
                FloorSensor(
                    identity,
                    SensorEntityDescription(
                        key=f"idle_{number}", name=f"Idle {number}"
                    ),
                )
                for number in range(entry.data[CONF_IDLE])
            ),
        ]
        if entry.data[CONF_SESSION]:
            charger.session = FloorSensor(
                identity, _energy("session_energy", "Session energy")
            )
            charger.all.append(charger.session)
        async_add_entities(charger.all)
