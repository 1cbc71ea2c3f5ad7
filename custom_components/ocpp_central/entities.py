"""Which entities there are: made as values are first reported, kept over restarts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import ChildDeviceInfo, DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .csms.charge_point import ChargePoint
from .csms.model import STATION
from .devices import Devices
from .entity import OcppEntity, OcppEntityDescription, unique_id

type EntityFactory = Callable[
    [ChargePoint, int, OcppEntityDescription, DeviceInfo | ChildDeviceInfo], OcppEntity
]


@dataclass(slots=True)
class _Platform:
    """One platform's way to make entities, and for what."""

    make: EntityFactory
    station: Sequence[OcppEntityDescription]
    connector: Sequence[OcppEntityDescription]
    add: AddConfigEntryEntitiesCallback

    def descriptions(self, connector: int) -> Sequence[OcppEntityDescription]:
        """Return what there may be of a connector (0: the charge point)."""
        return self.station if connector == STATION else self.connector


class Entities:
    """The entities of one config entry's charge points."""

    def __init__(self, hass: HomeAssistant, entry_id: str, devices: Devices) -> None:
        """Have none yet."""
        self._registry = er.async_get(hass)
        self._entry_id = entry_id
        self._devices = devices
        self._platforms: list[_Platform] = []
        # Entities made since the start: casefolded identity, connector, key.
        self._made: set[tuple[str, int, str]] = set()

    @callback
    def async_add_platform(
        self,
        make: EntityFactory,
        add: AddConfigEntryEntitiesCallback,
        *,
        station: Sequence[OcppEntityDescription] = (),
        connector: Sequence[OcppEntityDescription] = (),
    ) -> None:
        """Take a platform's descriptions; its entities come as charge points do."""
        self._platforms.append(_Platform(make, station, connector, add))

    @callback
    def async_make(
        self,
        charge_point: ChargePoint,
        subentry_id: str,
        connector: int,
        present: set[str],
    ) -> None:
        """Make a connector's entities whose values, or who themselves, are present."""
        info = self._devices.async_info(charge_point, connector)
        for platform in self._platforms:
            entities = [
                platform.make(charge_point, connector, description, info)
                for description in platform.descriptions(connector)
                if _is_due(charge_point, description, present)
                and self._is_new(charge_point, connector, description.key)
            ]
            if entities:
                platform.add(entities, config_subentry_id=subentry_id)

    @callback
    def async_review(self, charge_point: ChargePoint, subentry_id: str) -> None:
        """Make what has become possible, and remove what no longer is."""
        for connector in (STATION, *charge_point.connectors):
            self._withdraw(charge_point, subentry_id, connector)
            present = set(charge_point.values(connector))
            self.async_make(charge_point, subentry_id, connector, present)

    def _withdraw(
        self, charge_point: ChargePoint, subentry_id: str, connector: int
    ) -> None:
        identity = charge_point.identity
        gone = {
            unique_id(identity, connector, description.key): description.key
            for platform in self._platforms
            for description in platform.descriptions(connector)
            if description.needs and not description.needs(charge_point)
        }
        for entity in [*self._registered(subentry_id)]:
            if key := gone.get(entity.unique_id):
                self._registry.async_remove(entity.entity_id)
                self._made.discard((identity.casefold(), connector, key))

    @callback
    def async_known(self, identity: str, subentry_id: str) -> set[tuple[int, str]]:
        """Return connector and key of the entities there were before a restart."""
        prefix = f"{identity.casefold()}_"
        known = set()
        for entity in self._registered(subentry_id):
            connector, _, key = entity.unique_id.removeprefix(prefix).partition("_")
            known.add((int(connector), key))
        return known

    @callback
    def async_forget(self, identity: str, connector: int | None = None) -> None:
        """Forget what was made of a charge point, or of one of its connectors."""
        name = identity.casefold()
        self._made = {
            made
            for made in self._made
            if made[0] != name or connector not in (None, made[1])
        }

    def _registered(self, subentry_id: str) -> Iterator[er.RegistryEntry]:
        for entity in er.async_entries_for_config_entry(self._registry, self._entry_id):
            if entity.config_subentry_id == subentry_id:
                yield entity

    def _is_new(self, charge_point: ChargePoint, connector: int, key: str) -> bool:
        made = (charge_point.identity.casefold(), connector, key)
        if made in self._made:
            return False
        self._made.add(made)
        return True


def _is_due(
    charge_point: ChargePoint, description: OcppEntityDescription, present: set[str]
) -> bool:
    if description.key in present:
        return True
    if description.appears_with not in (None, *present):
        return False
    return description.needs is None or description.needs(charge_point)
