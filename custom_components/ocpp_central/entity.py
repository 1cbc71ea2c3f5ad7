"""The base entity: which value, which device, when available, how it hears of change."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import override

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.device_registry import ChildDeviceInfo, DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import EntityPlatform
from homeassistant.util import slugify

from .const import DOMAIN
from .csms.charge_point import ChargePoint
from .csms.errors import (
    CommandFailed,
    CommandRejected,
    CommandTimeout,
    InvalidCommand,
    NotConnected,
    NotSupported,
)
from .devices import connector_name


class Availability(Enum):
    """When an entity can be used."""

    # What the charger says, or does at once: unavailable with its socket.
    CONNECTED = 1
    # What the user wants: kept, and carried out when the charger is back.
    ALWAYS = 2


@dataclass(frozen=True, kw_only=True)
class OcppEntityDescription(EntityDescription):
    """What all entities of a charge point have in common."""

    availability: Availability = Availability.CONNECTED
    # The values an entity shows; it is written when one of them changes.
    values: tuple[str, ...] = ()
    # The value whose first report brings the entity; a connector always reports its
    # status. None: the entity is there as soon as the charge point is.
    appears_with: str | None = "status"
    # What has to be so of the charge point besides; with it the entity goes.
    needs: Callable[[ChargePoint], bool] | None = None


class OcppEntity(Entity):
    """An entity of a charge point (connector 0) or of one of its connectors."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    entity_description: OcppEntityDescription

    def __init__(
        self,
        charge_point: ChargePoint,
        connector: int,
        description: OcppEntityDescription,
        device_info: DeviceInfo | ChildDeviceInfo,
    ) -> None:
        """Make the entity; it listens once Home Assistant has added it."""
        self.charge_point = charge_point
        self.connector = connector
        self.entity_description = description
        self._attr_unique_id = unique_id(
            charge_point.identity, connector, description.key
        )
        self._attr_device_info = device_info

    @callback
    @override
    def add_to_platform_start(
        self,
        hass: HomeAssistant,
        platform: EntityPlatform,
        parallel_updates: asyncio.Semaphore | None,
    ) -> None:
        super().add_to_platform_start(hass, platform, parallel_updates)
        if "parent_device_id" in (self._attr_device_info or ()):
            # The connector's device is named after the charge point, which Home
            # Assistant would put before it once more: "garage_garage_connector_2".
            connector = connector_name(self.connector)
            name = f"{self.charge_point.config.name} connector {connector}"
            self.entity_id = (
                f"{platform.domain}.{slugify(f'{name} {self.suggested_object_id}')}"
            )

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        description = self.entity_description
        self.async_on_remove(
            self.charge_point.subscribe(
                self.connector, description.values, self.async_write_ha_state
            )
        )
        if description.availability is Availability.CONNECTED:
            self._attr_available = self.charge_point.connected
            self.async_on_remove(
                self.charge_point.subscribe_connection(self._on_connection)
            )

    @callback
    def _on_connection(self) -> None:
        self._attr_available = self.charge_point.connected
        self.async_write_ha_state()


class OcppWishEntity(OcppEntity):
    """An entity that also shows what the user wants."""

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(
            self.charge_point.subscribe_wishes(self.async_write_ha_state)
        )


def unique_id(identity: str, connector: int, key: str) -> str:
    """Return the unique id of an entity of a connector (0: the charge point)."""
    return f"{identity.casefold()}_{connector}_{key}"


def no_transaction(charge_point: ChargePoint, connector: int) -> ServiceValidationError:
    """Return the error for ending what is not running."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="no_transaction",
        translation_placeholders={
            "charge_point": charge_point.config.name,
            "connector": str(connector),
        },
    )


@contextmanager
def translated_errors(charge_point: ChargePoint) -> Iterator[None]:
    """Turn a command's failure into an error in the user's language."""
    name = charge_point.config.name
    try:
        yield
    except NotConnected as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="not_connected",
            translation_placeholders={"charge_point": name},
        ) from error
    except CommandTimeout as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="timeout",
            translation_placeholders={"charge_point": name, "action": error.action},
        ) from error
    except CommandRejected as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="rejected",
            translation_placeholders={
                "charge_point": name,
                "action": error.action,
                "status": error.status,
            },
        ) from error
    except CommandFailed as error:
        supported = not isinstance(error, NotSupported)
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="failed" if supported else "not_supported",
            translation_placeholders={
                "charge_point": name,
                "action": error.action,
                "error": f"{error.code} {error.description}".strip(),
            },
        ) from error
    except InvalidCommand as error:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="invalid",
            translation_placeholders={"error": str(error)},
        ) from error
