"""Charge points and connectors in the device registry."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import (
    AnyDeviceEntry,
    ChildDeviceInfo,
    DeviceInfo,
)

from .const import DOMAIN
from .csms.charge_point import ChargePoint
from .csms.evses import place_of
from .csms.model import STATION, BootInfo, ChargePointConfig


class Devices:
    """One device a charge point; with more than one connector, a child for each."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Work on the devices of one config entry."""
        self._hass = hass
        self._devices = dr.async_get(hass)
        self._entities = er.async_get(hass)
        self._entry_id = entry_id
        self._subentries: dict[str, str] = {}

    @callback
    def async_register(
        self, config: ChargePointConfig, subentry_id: str, info: BootInfo | None
    ) -> None:
        """Make or update a charge point's device."""
        self._subentries[config.identity.casefold()] = subentry_id
        info = info or BootInfo()
        self._devices.async_get_or_create(
            config_entry_id=self._entry_id,
            config_subentry_id=subentry_id,
            identifiers={identifier(config.identity, STATION)},
            name=config.name,
            manufacturer=info.vendor or None,
            model=info.model or None,
            serial_number=info.serial,
            sw_version=info.firmware,
        )

    @callback
    def async_known_connectors(self, config: ChargePointConfig) -> list[int]:
        """Return the connectors that have devices of their own."""
        return sorted(
            connector
            for child in dr.async_entries_for_parent_device(
                self._devices, self._station_id(config.identity)
            )
            for _, connector in [identity_and_connector(child)]
        )

    @callback
    def async_add_connector(self, charge_point: ChargePoint, connector: int) -> None:
        """Make room for a connector that has just been seen.

        The second one turns both into devices of their own, for good; what was on the
        charge point's device for the first moves along.
        """
        if not self._has_children(charge_point, connector):
            return
        for number in charge_point.connectors:
            child = self._devices.async_get_or_create_child(
                config_entry_id=self._entry_id,
                config_subentry_id=self._subentries[charge_point.identity.casefold()],
                **self._child_info(charge_point, number),
            )
            prefix = f"{charge_point.identity.casefold()}_{number}_"
            for entity in er.async_entries_for_device(
                self._entities,
                self._station_id(charge_point.identity),
                include_disabled_entities=True,
            ):
                if entity.unique_id.startswith(prefix):
                    self._entities.async_update_entity(
                        entity.entity_id, device_id=child.id
                    )

    @callback
    def async_info(
        self, charge_point: ChargePoint, connector: int
    ) -> DeviceInfo | ChildDeviceInfo:
        """Return the device an entity belongs to."""
        if connector != STATION and self._has_children(charge_point, connector):
            return self._child_info(charge_point, connector)
        return DeviceInfo(identifiers={identifier(charge_point.identity, STATION)})

    def _has_children(self, charge_point: ChargePoint, connector: int) -> bool:
        return (
            # Where there is a second, there is a first, said or not.
            max(charge_point.connectors, default=1) > 1
            or self._devices.async_get_child_device_by_identifier(
                identifier(charge_point.identity, connector), self._entry_id
            )
            is not None
        )

    def _child_info(self, charge_point: ChargePoint, connector: int) -> ChildDeviceInfo:
        return ChildDeviceInfo(
            identifiers={identifier(charge_point.identity, connector)},
            parent_device_id=self._station_id(charge_point.identity),
            translation_key="connector",
            translation_placeholders={
                "charge_point": charge_point.config.name,
                "connector": connector_name(connector),
            },
        )

    def _station_id(self, identity: str) -> str:
        return dr.async_get_device_id_by_identifier(
            self._hass, identifier(identity, STATION), config_entry_id=self._entry_id
        )


def connector_name(connector: int) -> str:
    """Return what a connector is called: where an EVSE has several, by both numbers."""
    evse, on_evse = place_of(connector)
    return str(evse) if on_evse == 1 else f"{evse}-{on_evse}"


def identifier(identity: str, connector: int) -> tuple[str, str]:
    """Return the identifier of a connector's device (0: the charge point's)."""
    return (DOMAIN, f"{identity.casefold()}_{connector}")


def identity_and_connector(device: AnyDeviceEntry) -> tuple[str, int]:
    """Return whose device it is, the identity casefolded."""
    value = next(value for domain, value in device.identifiers if domain == DOMAIN)
    identity, _, connector = value.rpartition("_")
    return identity, int(connector)
