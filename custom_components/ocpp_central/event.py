"""What happens once, rather than lasts."""

from dataclasses import dataclass
from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .csms.model import SECURITY_EVENTS, STATION, Event, EventKind
from .entity import Availability, OcppEntity, OcppEntityDescription
from .hub import OcppConfigEntry

# The charger pushes; the entity only passes on what has come.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class OcppEventDescription(OcppEntityDescription, EventEntityDescription):
    """An event entity."""

    kind: EventKind
    # The past stays to be read when the charger is away.
    availability: Availability = Availability.ALWAYS


STATION_EVENTS = (
    OcppEventDescription(
        key="id_token",
        translation_key="id_token",
        kind=EventKind.ID_TOKEN,
        event_types=[
            "accepted",
            "blocked",
            "expired",
            "invalid",
            "unknown",
            "concurrent",
        ],
        appears_with=None,
    ),
    OcppEventDescription(
        key="data_transfer",
        translation_key="data_transfer",
        kind=EventKind.DATA_TRANSFER,
        event_types=["received"],
        entity_registry_enabled_default=False,
        appears_with=None,
    ),
    OcppEventDescription(
        key="security",
        translation_key="security",
        kind=EventKind.SECURITY,
        event_types=[*SECURITY_EVENTS, "other"],
        entity_registry_enabled_default=False,
        appears_with=None,
    ),
    OcppEventDescription(
        key="button",
        translation_key="button",
        kind=EventKind.BUTTON,
        event_types=["priority_charging_on", "priority_charging_off"],
        entity_registry_enabled_default=False,
        appears_with=None,
    ),
    OcppEventDescription(
        key="configuration_changed",
        translation_key="configuration_changed",
        kind=EventKind.CONFIGURATION,
        event_types=["changed"],
        entity_registry_enabled_default=False,
        appears_with=None,
    ),
)

CONNECTOR_EVENTS = (
    OcppEventDescription(
        key="transaction",
        translation_key="transaction",
        kind=EventKind.TRANSACTION,
        event_types=["started", "ended", "paused", "resumed"],
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OcppConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Make event entities as connectors appear."""
    entry.runtime_data.entities.async_add_platform(
        OcppEvent,
        async_add_entities,
        station=STATION_EVENTS,
        connector=CONNECTOR_EVENTS,
    )


class OcppEvent(OcppEntity, EventEntity):
    """Events of a charge point or connector."""

    entity_description: OcppEventDescription
    # Who charged when is for the ledger to keep, not for the recorder.
    _unrecorded_attributes = frozenset(
        {
            "connector",
            "cost",
            "currency",
            "data",
            "energy",
            "event",
            "id_token",
            "info",
            "key",
            "message_id",
            "name",
            "new",
            "old",
            "source",
            "stop_reason",
            "timestamp",
            "transaction_id",
            "vendor_id",
        }
    )

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.charge_point.subscribe_events(self._on_event))

    @callback
    def _on_event(self, event: Event) -> None:
        if event.kind is not self.entity_description.kind:
            return
        attributes = event.attributes
        if self.connector == STATION:
            attributes = {"connector": event.connector, **attributes}
        elif event.connector != self.connector:
            return
        self._trigger_event(event.type, attributes)
        self.async_write_ha_state()
