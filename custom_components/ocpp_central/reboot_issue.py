"""The repair of a charger whose changed settings wait for a restart."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .csms.charge_point import ChargePoint

REBOOT_REQUIRED = "reboot_required"


@callback
def async_delete_reboot_issue(hass: HomeAssistant, identity: str) -> None:
    """Take the repair of a charge point back."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(identity))


@callback
def async_update_reboot_issue(
    hass: HomeAssistant, entry_id: str, charge_point: ChargePoint
) -> None:
    """Offer the restart for as long as it is needed."""
    keys = charge_point.settings.state.reboot_required
    if not keys:
        async_delete_reboot_issue(hass, charge_point.identity)
        return
    placeholders = {"name": charge_point.config.name, "keys": ", ".join(keys)}
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(charge_point.identity),
        data={"entry_id": entry_id, "identity": charge_point.identity, **placeholders},
        is_fixable=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key="reboot_required",
        translation_placeholders=placeholders,
    )


def _issue_id(identity: str) -> str:
    return f"{REBOOT_REQUIRED}_{identity.casefold()}"
