"""What a charger measures and says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, cast, override

from homeassistant.components.sensor import (
    ATTR_LAST_RESET,
    RestoreSensor,
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    EntityCategory,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfFrequency,
    UnitOfPower,
    UnitOfRatio,
    UnitOfReactiveEnergy,
    UnitOfReactivePower,
    UnitOfTemperature,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.device_registry import ChildDeviceInfo, DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType
from homeassistant.util import dt as dt_util

from .csms.charge_point import ChargePoint
from .csms.jobs import DIAGNOSTICS_STATUSES, FIRMWARE_STATUSES, JobKind
from .csms.model import ConnectorStatus, Value
from .csms.reasons import Reason
from .entity import Availability, OcppEntity, OcppEntityDescription
from .hub import OcppConfigEntry
from .limit_attributes import (
    ATTR_EXTERNAL_LIMITS,
    ATTR_FOREIGN_PROFILES,
    ATTR_THROTTLED,
    limit_attributes,
)

# The charger pushes; the entity only reads what has come.
PARALLEL_UPDATES = 0

ATTR_RESERVED_FOR = "reserved_for"
ATTR_RESERVED_UNTIL = "reserved_until"
ATTR_UNPRICED_ENERGY = "unpriced_energy"

type NativeValue = StateType | date | datetime | Decimal


@dataclass(frozen=True, kw_only=True)
class OcppSensorDescription(OcppEntityDescription, SensorEntityDescription):
    """A sensor; unless told otherwise it shows the value its key names."""

    # Brought back after a restart, until the charger says it again.
    restore: bool = False
    value_fn: Callable[[ChargePoint, int], Value] | None = None
    attributes_fn: Callable[[ChargePoint, int], Mapping[str, Any] | None] | None = None


def _measured(key: str, **kwargs: Any) -> OcppSensorDescription:
    """Describe what appears once the charger reports it."""
    return OcppSensorDescription(
        key=key,
        translation_key=key,
        values=kwargs.pop("values", (key,)),
        appears_with=kwargs.pop("appears_with", key),
        state_class=kwargs.pop("state_class", SensorStateClass.MEASUREMENT),
        **kwargs,
    )


def _limit(key: str, **kwargs: Any) -> OcppSensorDescription:
    """Describe what may flow, by all that is known of a connector or the station."""
    return _current(
        key,
        values=(
            "effective_limit",
            "effective_limit_source",
            "effective_limit_schedule",
            "throttled",
            "external",
        ),
        appears_with="effective_limit",
        value_fn=lambda charge_point, connector: charge_point.value(
            connector, "effective_limit"
        ),
        attributes_fn=limit_attributes,
        **kwargs,
    )


def _energy(key: str, **kwargs: Any) -> OcppSensorDescription:
    return _measured(
        key,
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
        restore=True,
        **kwargs,
    )


def _power(key: str, **kwargs: Any) -> OcppSensorDescription:
    return _measured(
        key,
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_unit_of_measurement=UnitOfPower.KILO_WATT,
        suggested_display_precision=2,
        **kwargs,
    )


def _current(key: str, **kwargs: Any) -> OcppSensorDescription:
    return _measured(
        key,
        device_class=SensorDeviceClass.CURRENT,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        suggested_display_precision=1,
        **kwargs,
    )


def _voltage(key: str, **kwargs: Any) -> OcppSensorDescription:
    return _measured(
        key,
        device_class=SensorDeviceClass.VOLTAGE,
        native_unit_of_measurement=UnitOfElectricPotential.VOLT,
        suggested_display_precision=0,
        **kwargs,
    )


def _session(key: str, **kwargs: Any) -> OcppSensorDescription:
    """Describe what stays to be read when the charger is away."""
    return OcppSensorDescription(
        key=key,
        translation_key=key,
        values=kwargs.pop("values", (key,)),
        availability=Availability.ALWAYS,
        restore=True,
        **kwargs,
    )


def _cost(key: str, **kwargs: Any) -> OcppSensorDescription:
    session = key.removesuffix("_cost")
    return _session(
        key,
        device_class=SensorDeviceClass.MONETARY,
        suggested_display_precision=2,
        values=tuple(
            f"{session}_{name}" for name in ("cost", "currency", "unpriced", "started")
        ),
        appears_with=key,
        **kwargs,
    )


def _status_text(key: str) -> OcppSensorDescription:
    return OcppSensorDescription(
        key=key,
        translation_key=key,
        values=(key,),
        appears_with=key,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    )


def _job(kind: JobKind, statuses: Sequence[str]) -> OcppSensorDescription:
    key = f"{kind}_status"
    return OcppSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.ENUM,
        options=list(statuses),
        values=(key, f"{kind}_job"),
        appears_with=key,
        attributes_fn=lambda charge_point, _: charge_point.jobs.attributes(kind),
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    )


def _reserved(charge_point: ChargePoint, connector: int) -> dict[str, Any] | None:
    """Return for whom a connector that says it is reserved is, and until when."""
    reservation = charge_point.reservations.at(connector)
    if (
        reservation is None
        or charge_point.status(connector) is not ConnectorStatus.RESERVED
    ):
        return None
    return {
        ATTR_RESERVED_FOR: charge_point.access.name_of(reservation.id_token),
        ATTR_RESERVED_UNTIL: reservation.expiry,
    }


STOP_REASONS = [
    "cost_limit_reached",
    "deauthorized",
    "emergency_stop",
    "energy_limit_reached",
    "energy_transfer_rejected",
    "ev_disconnected",
    "ground_fault",
    "hard_reset",
    "immediate_reset",
    "local",
    "local_out_of_credit",
    "master_pass",
    "other",
    "overcurrent_fault",
    "power_loss",
    "power_quality",
    "reboot",
    "remote",
    "soc_limit_reached",
    "soft_reset",
    "stopped_by_ev",
    "time_limit_reached",
    "timeout",
    "unlock_command",
]

STATION_SENSORS = (
    _limit(
        "station_limit",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    OcppSensorDescription(
        key="station_status",
        translation_key="station_status",
        device_class=SensorDeviceClass.ENUM,
        options=[status.value for status in ConnectorStatus],
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        values=("status",),
        value_fn=lambda charge_point, connector: charge_point.value(
            connector, "status"
        ),
    ),
    _job(JobKind.FIRMWARE, FIRMWARE_STATUSES),
    _job(JobKind.DIAGNOSTICS, DIAGNOSTICS_STATUSES),
    OcppSensorDescription(
        key="fail_safe",
        translation_key="fail_safe",
        device_class=SensorDeviceClass.ENUM,
        options=["proven", "unverified", "none"],
        entity_category=EntityCategory.DIAGNOSTIC,
        values=("fail_safe",),
        appears_with="fail_safe",
    ),
    OcppSensorDescription(
        key="limit_writes",
        translation_key="limit_writes",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        state_class=SensorStateClass.TOTAL_INCREASING,
        values=("limit_writes",),
        appears_with="limit_writes",
    ),
    OcppSensorDescription(
        key="last_seen",
        translation_key="last_seen",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        values=("last_seen",),
        appears_with="last_seen",
        # It says most about a charger that is away.
        availability=Availability.ALWAYS,
        restore=True,
    ),
    OcppSensorDescription(
        key="latency",
        translation_key="latency",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.MILLISECONDS,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        state_class=SensorStateClass.MEASUREMENT,
        values=("latency",),
        appears_with="latency",
    ),
    OcppSensorDescription(
        key="reconnects",
        translation_key="reconnects",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        state_class=SensorStateClass.TOTAL_INCREASING,
        appears_with=None,
        value_fn=lambda charge_point, _: charge_point.reconnects,
    ),
)

CONNECTOR_SENSORS = (
    OcppSensorDescription(
        key="status",
        translation_key="status",
        device_class=SensorDeviceClass.ENUM,
        options=[status.value for status in ConnectorStatus],
        values=("status", "reservations"),
        attributes_fn=_reserved,
    ),
    OcppSensorDescription(
        key="reason_not_charging",
        translation_key="reason_not_charging",
        device_class=SensorDeviceClass.ENUM,
        options=[reason.value for reason in Reason],
        values=("reason_not_charging",),
        # That the charger is away is a reason as well.
        availability=Availability.ALWAYS,
    ),
    _status_text("error_code"),
    _energy("energy"),
    _power(
        "power",
        attributes_fn=lambda charge_point, connector: (
            {"derived": True} if charge_point.is_derived(connector) else None
        ),
    ),
    _current("current"),
    _current("current_l1", entity_registry_enabled_default=False),
    _current("current_l2", entity_registry_enabled_default=False),
    _current("current_l3", entity_registry_enabled_default=False),
    _voltage("voltage"),
    _voltage("voltage_l1", entity_registry_enabled_default=False),
    _voltage("voltage_l2", entity_registry_enabled_default=False),
    _voltage("voltage_l3", entity_registry_enabled_default=False),
    _current("current_offered", entity_registry_enabled_default=False),
    _power("power_offered", entity_registry_enabled_default=False),
    _limit("effective_limit"),
    _measured(
        "soc",
        device_class=SensorDeviceClass.BATTERY,
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        suggested_display_precision=0,
    ),
    _measured(
        "temperature",
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        suggested_display_precision=1,
    ),
    _measured(
        "frequency",
        device_class=SensorDeviceClass.FREQUENCY,
        native_unit_of_measurement=UnitOfFrequency.HERTZ,
        suggested_display_precision=2,
        entity_registry_enabled_default=False,
    ),
    _measured(
        "power_factor",
        device_class=SensorDeviceClass.POWER_FACTOR,
        suggested_display_precision=2,
        entity_registry_enabled_default=False,
    ),
    _energy("energy_export"),
    _power("power_export"),
    _measured(
        "reactive_power",
        device_class=SensorDeviceClass.REACTIVE_POWER,
        native_unit_of_measurement=UnitOfReactivePower.VOLT_AMPERE_REACTIVE,
        entity_registry_enabled_default=False,
    ),
    _measured(
        "reactive_energy",
        device_class=SensorDeviceClass.REACTIVE_ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfReactiveEnergy.VOLT_AMPERE_REACTIVE_HOUR,
        entity_registry_enabled_default=False,
        restore=True,
    ),
    _session(
        "session_energy",
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
    ),
    _session(
        "session_duration",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.HOURS,
    ),
    _session("session_started", device_class=SensorDeviceClass.TIMESTAMP),
    _cost("session_cost", state_class=SensorStateClass.TOTAL),
    _session("session_user", entity_registry_enabled_default=False),
    _session("stop_reason", device_class=SensorDeviceClass.ENUM, options=STOP_REASONS),
    # What one session has come to is no meter: there is nothing to add up over time.
    _session(
        "last_session_energy",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
        appears_with="last_session_energy",
        entity_registry_enabled_default=False,
    ),
    _cost("last_session_cost", entity_registry_enabled_default=False),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OcppConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Make sensors as charge points report values."""
    entry.runtime_data.entities.async_add_platform(
        _sensor,
        async_add_entities,
        station=STATION_SENSORS,
        connector=CONNECTOR_SENSORS,
    )


@callback
def _sensor(
    charge_point: ChargePoint,
    connector: int,
    description: OcppEntityDescription,
    device_info: DeviceInfo | ChildDeviceInfo,
) -> OcppSensor:
    monetary = description.device_class == SensorDeviceClass.MONETARY
    kind = OcppCostSensor if monetary else OcppSensor
    return kind(charge_point, connector, description, device_info)


class OcppSensor(OcppEntity, RestoreSensor):
    """A value of a charge point or connector."""

    _unrecorded_attributes = frozenset(
        {
            "history",
            "schedule",
            ATTR_EXTERNAL_LIMITS,
            ATTR_FOREIGN_PROFILES,
            ATTR_THROTTLED,
            ATTR_RESERVED_FOR,
            ATTR_RESERVED_UNTIL,
        }
    )
    entity_description: OcppSensorDescription
    # Shown until the charger says something.
    _restored: NativeValue = None

    @override
    async def async_added_to_hass(self) -> None:
        # As they are at any time, not only now.
        self._values = self.charge_point.values(self.connector)
        await super().async_added_to_hass()
        if self.entity_description.restore and (
            last := await self.async_get_last_sensor_data()
        ):
            self._restored = last.native_value

    @property
    @override
    def native_value(self) -> NativeValue:
        description = self.entity_description
        if description.value_fn:
            return description.value_fn(self.charge_point, self.connector)
        return self._values.get(description.key, self._restored)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        attributes_fn = self.entity_description.attributes_fn
        return (
            attributes_fn(self.charge_point, self.connector) if attributes_fn else None
        )


class OcppCostSensor(OcppSensor):
    """What a session cost, in the currency of its prices."""

    _restored_currency: str | None = None
    _restored_attributes: Mapping[str, Any] = MappingProxyType({})

    @override
    async def async_added_to_hass(self) -> None:
        if data := await self.async_get_last_sensor_data():
            self._restored_currency = data.native_unit_of_measurement
        if state := await self.async_get_last_state():
            self._restored_attributes = state.attributes
        await super().async_added_to_hass()

    def _key(self, name: str) -> str:
        """Return the key of another value of the same session."""
        return self.entity_description.key.removesuffix("cost") + name

    def _value(self, name: str) -> Value:
        return self.charge_point.value(self.connector, self._key(name))

    @property
    def _is_restored(self) -> bool:
        """Return whether no session is known but one before a restart."""
        return self._key("energy") not in self.charge_point.values(self.connector)

    @property
    @override
    def native_value(self) -> NativeValue:
        cost = self._restored if self._is_restored else self._value("cost")
        return round(cost, 4) if isinstance(cost, float) else None

    @property
    @override
    def native_unit_of_measurement(self) -> str | None:
        if self._is_restored and self._restored_currency:
            return self._restored_currency
        currency = cast("str | None", self._value("currency"))
        return currency or self.hass.config.currency

    @property
    @override
    def last_reset(self) -> datetime | None:
        if self.entity_description.state_class is not SensorStateClass.TOTAL:
            return None
        if self._is_restored:
            return dt_util.parse_datetime(
                self._restored_attributes.get(ATTR_LAST_RESET) or ""
            )
        return cast("datetime | None", self._value("started"))

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        if self._is_restored:
            unpriced = self._restored_attributes.get(ATTR_UNPRICED_ENERGY)
        else:
            unpriced = round(cast("float", self._value("unpriced") or 0) / 1000, 3)
        return {ATTR_UNPRICED_ENERGY: unpriced} if unpriced else None
