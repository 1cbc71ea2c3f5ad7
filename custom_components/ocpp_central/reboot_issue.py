"""The repair of a charger whose changed settings wait for a restart."""

from typing import TYPE_CHECKING

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
import voluptuous as vol

from .const import DOMAIN
from .csms.charge_point import ChargePoint
from .csms.errors import CommandError, NotConnected

if TYPE_CHECKING:
    from .hub import OcppConfigEntry

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
    name, listed = charge_point.config.name, ", ".join(keys)
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(charge_point.identity),
        data={
            "entry_id": entry_id,
            "identity": charge_point.identity,
            "name": name,
            "keys": listed,
        },
        is_fixable=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key="reboot_required",
        translation_placeholders={"name": name, "keys": listed},
    )


def _issue_id(identity: str) -> str:
    return f"{REBOOT_REQUIRED}_{identity.casefold()}"


class RebootFlow(RepairsFlow):
    """Restart a charger, so that its new settings hold."""

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask first: a running session ends."""
        data = self.data or {}
        placeholders = {key: str(data[key]) for key in ("name", "keys")}
        errors: dict[str, str] = {}
        if user_input is not None:
            charge_point = self._charge_point()
            if charge_point is None:
                return self.async_abort(reason="charge_point_gone")
            try:
                # It may have restarted while the form was open.
                if charge_point.settings.state.reboot_required:
                    await charge_point.commands.reset("Soft")
                return self.async_create_entry(data={})
            except NotConnected:
                errors["base"] = "not_connected"
            except CommandError as error:
                errors["base"] = "refused"
                placeholders["error"] = str(error)
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders=placeholders,
        )

    def _charge_point(self) -> ChargePoint | None:
        data = self.data or {}
        entries: list[OcppConfigEntry] = self.hass.config_entries.async_loaded_entries(
            DOMAIN
        )
        identity = str(data["identity"]).casefold()
        return next(
            (
                entry.runtime_data.central.charge_points.get(identity)
                for entry in entries
                if entry.entry_id == data["entry_id"]
            ),
            None,
        )
