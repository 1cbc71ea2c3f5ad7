"""What the user hears of charge points that are refused, and of their passwords."""

from collections.abc import Callable, Mapping
import logging
from typing import override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_PASSWORD
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .csms.admission import Refusal
from .csms.charge_point import ChargePoint
from .csms.state import Unsubscribe

_LOGGER = logging.getLogger(__name__)


class SecurityIssues:
    """Tells why charge points are not let in, once, and until they are."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        charge_points: Mapping[str, ChargePoint],
    ) -> None:
        """Serve one config entry, whose charge points are by casefolded identity."""
        self._hass = hass
        self._entry = entry
        self._charge_points = charge_points

    @callback
    def async_watch(
        self, charge_point: ChargePoint, subentry_id: str, keep: Callable[[], None]
    ) -> Unsubscribe:
        """Keep a charge point's way in, and tell what is wrong with it."""
        security = charge_point.security

        @callback
        def changed() -> None:
            keep()
            self._async_tell_password(charge_point)

        @callback
        def adopted(password: str) -> None:
            subentry = self._entry.subentries.get(subentry_id)
            if subentry and subentry.data.get(CONF_PASSWORD) != password:
                self._hass.config_entries.async_update_subentry(
                    self._entry,
                    subentry,
                    data={**subentry.data, CONF_PASSWORD: password},
                )

        security.on_adopted = adopted
        self._async_tell_password(charge_point)
        return security.subscribe(changed)

    @callback
    def async_refused(self, identity: str, refusal: Refusal) -> None:
        """Tell why a charge point was not let in."""
        issue_id = f"{refusal}_{identity.casefold()}"
        if refusal is Refusal.OTHER_VERSION:
            self._async_other_version(issue_id, identity)
            return
        self._async_log(issue_id, identity, refusal.replace("_", " "))
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            data={"entry_id": self._entry.entry_id, "identity": identity},
            is_fixable=refusal is Refusal.INSECURE,
            severity=ir.IssueSeverity.ERROR,
            translation_key=refusal,
            translation_placeholders={"identity": identity},
        )

    @callback
    def _async_other_version(self, issue_id: str, identity: str) -> None:
        """Tell that a charge point does not speak the version chosen for it."""
        version = self._charge_points[identity.casefold()].config.version or ""
        self._async_log(
            issue_id,
            identity,
            f"it does not offer OCPP {version}, which is set for it",
        )
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="other_version",
            translation_placeholders={"identity": identity, "version": version},
        )

    @callback
    def async_wrong_dialect(self, identity: str, version: str) -> None:
        """Tell that a charge point sends messages of another version than agreed."""
        issue_id = _dialect_issue(identity)
        self._async_log(
            issue_id, identity, f"it agreed to OCPP {version} and speaks another"
        )
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="wrong_dialect",
            translation_placeholders={"identity": identity, "version": version},
        )

    @callback
    def async_forgive(self, identity: str) -> None:
        """Forget what kept a charge point out."""
        ir.async_delete_issue(self._hass, DOMAIN, _dialect_issue(identity))
        for refusal in Refusal:
            ir.async_delete_issue(
                self._hass, DOMAIN, f"{refusal}_{identity.casefold()}"
            )

    @callback
    def async_forget(self, identity: str) -> None:
        """Forget everything about a charge point that is gone."""
        self.async_forgive(identity)
        ir.async_delete_issue(self._hass, DOMAIN, _password_issue(identity))

    @callback
    def _async_tell_password(self, charge_point: ChargePoint) -> None:
        """Tell that a charge point does not use the password it was given."""
        identity = charge_point.identity
        issue_id = _password_issue(identity)
        if not charge_point.security.state.refused:
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
            return
        self._async_log(issue_id, identity, "it did not take its new password")
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="password_refused",
            translation_placeholders={"identity": identity},
        )

    @callback
    def _async_log(self, issue_id: str, identity: str, what: str) -> None:
        """Log what is wrong, once for as long as it is."""
        if ir.async_get(self._hass).async_get_issue(DOMAIN, issue_id) is None:
            _LOGGER.warning("Charge point %s: %s", identity, what)


def _dialect_issue(identity: str) -> str:
    return f"wrong_dialect_{identity.casefold()}"


def _password_issue(identity: str) -> str:
    return f"password_refused_{identity.casefold()}"


class InsecureFlow(ConfirmRepairFlow):
    """Lets a charge point come in the old way again."""

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Do so from its next connection on."""
        if user_input is not None:
            assert self.data
            entry = self.hass.config_entries.async_get_entry(str(self.data["entry_id"]))
            if entry and entry.state is ConfigEntryState.LOADED:
                identity = str(self.data["identity"]).casefold()
                if charge_point := entry.runtime_data.central.charge_points.get(
                    identity
                ):
                    charge_point.security.allow_any_profile()
        return await super().async_step_confirm(user_input)
