"""What can be done with one press."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.components.button.const import ButtonDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .csms.charge_point import ChargePoint
from .csms.model import STATION
from .entity import OcppEntity, OcppEntityDescription, translated_errors
from .hub import OcppConfigEntry
from .switch import is_charging, set_charging

# The connection queues what is sent to one charger.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class OcppButtonDescription(OcppEntityDescription, ButtonEntityDescription):
    """A button."""

    press_fn: Callable[[ChargePoint, int], Awaitable[object]]


async def _refresh(charge_point: ChargePoint, _connector: int) -> None:
    charge_point.limits.ladder.try_again()
    charge_point.limits.restore()
    for connector in charge_point.connectors:
        await charge_point.commands.trigger_message("StatusNotification", connector)
        await charge_point.commands.trigger_message("MeterValues", connector)


async def _clear_limits(charge_point: ChargePoint, _connector: int) -> None:
    for connector in (STATION, *charge_point.connectors):
        await charge_point.limits.clear(connector)
    charge_point.limits.ladder.start_over()


async def _toggle(charge_point: ChargePoint, connector: int) -> None:
    await set_charging(
        charge_point, connector, not is_charging(charge_point, connector)
    )


STATION_BUTTONS = (
    OcppButtonDescription(
        key="reset",
        translation_key="reset",
        device_class=ButtonDeviceClass.RESTART,
        entity_category=EntityCategory.CONFIG,
        appears_with=None,
        press_fn=lambda charge_point, _: charge_point.commands.reset("Soft"),
    ),
    OcppButtonDescription(
        key="hard_reset",
        translation_key="hard_reset",
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=False,
        appears_with=None,
        press_fn=lambda charge_point, _: charge_point.commands.reset("Hard"),
    ),
    OcppButtonDescription(
        key="refresh",
        translation_key="refresh",
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=False,
        appears_with=None,
        press_fn=_refresh,
    ),
    OcppButtonDescription(
        key="clear_limits",
        translation_key="clear_limits",
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=False,
        appears_with=None,
        press_fn=_clear_limits,
    ),
)

CONNECTOR_BUTTONS = (
    OcppButtonDescription(
        key="unlock",
        translation_key="unlock",
        press_fn=lambda charge_point, connector: charge_point.commands.unlock_connector(
            connector
        ),
    ),
    OcppButtonDescription(
        key="toggle_charging",
        translation_key="toggle_charging",
        press_fn=_toggle,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OcppConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Make buttons as connectors appear."""
    entry.runtime_data.entities.async_add_platform(
        OcppButton,
        async_add_entities,
        station=STATION_BUTTONS,
        connector=CONNECTOR_BUTTONS,
    )


class OcppButton(OcppEntity, ButtonEntity):
    """A command to a charge point or connector."""

    entity_description: OcppButtonDescription

    @override
    async def async_press(self) -> None:
        with translated_errors(self.charge_point):
            await self.entity_description.press_fn(self.charge_point, self.connector)
