"""OCPP Central System: EV chargers dial in and become devices."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP, Platform
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import config_validation as cv, issue_registry as ir
from homeassistant.helpers.device_registry import AnyDeviceEntry
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN
from .files import ExportView
from .hub import OcppConfigEntry, OcppHub
from .rest_api import RestApi
from .services import async_setup_services
from .storage import OcppStore
from .upload_views import UploadedView, UploadView
from .view import OcppView

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
]

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what all entries share: the actions and the views."""
    async_setup_services(hass)
    hass.http.register_view(OcppView())
    hass.http.register_view(ExportView())
    hass.http.register_view(UploadView())
    hass.http.register_view(UploadedView())
    return True


async def async_setup_entry(hass: HomeAssistant, entry: OcppConfigEntry) -> bool:
    """Set up the central system."""
    hub = OcppHub(hass, entry)
    await hub.async_prepare()
    entry.runtime_data = hub
    hub.central.on_plain_request = RestApi(hass, entry).async_answer
    # All platforms are there before the first charger can dial in.
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    try:
        await hub.async_start()
    except BaseException:
        await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
        await hub.async_stop()
        raise

    async def stop(_event: Event) -> None:
        await hub.async_stop()

    entry.async_on_unload(hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, stop))
    entry.async_on_unload(entry.add_update_listener(_async_entry_updated))
    return True


async def async_unload_entry(hass: HomeAssistant, entry: OcppConfigEntry) -> bool:
    """Unload the central system; every socket is closed."""
    if not await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        return False
    await entry.runtime_data.async_stop()
    return True


async def async_remove_entry(hass: HomeAssistant, entry: OcppConfigEntry) -> None:
    """Leave nothing behind but the sessions: somebody may have been billed from them."""
    await OcppStore(hass, entry.entry_id).async_remove()
    for domain, issue_id in list(ir.async_get(hass).issues):
        if domain == DOMAIN:
            ir.async_delete_issue(hass, DOMAIN, issue_id)


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: OcppConfigEntry, device: AnyDeviceEntry
) -> bool:
    """Let the user delete a device that no charge point stands behind."""
    if entry.state is not ConfigEntryState.LOADED:
        return False
    return entry.runtime_data.async_give_up(device)


async def _async_entry_updated(hass: HomeAssistant, entry: OcppConfigEntry) -> None:
    """Bring the running system in step with its entry."""
    await entry.runtime_data.async_reconcile()
