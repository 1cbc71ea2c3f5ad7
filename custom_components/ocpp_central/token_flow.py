"""Add an ID token in the user interface, and change it."""

from typing import Any

from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.helpers.selector import SelectOptionDict
from homeassistant.util import dt as dt_util

from .const import CONF_TOKEN
from .csms.model import mask_token
from .hub import OcppConfigEntry
from .token_form import token_data, token_schema, token_unique_id


class TokenFlow(ConfigSubentryFlow):
    """Add a token that was shown to a charger, or that is typed."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the token, and whose it is."""
        errors: dict[str, str] = {}
        if user_input is not None:
            data, errors = token_data(user_input)
            unique_id = token_unique_id(data[CONF_TOKEN])
            if any(
                subentry.unique_id == unique_id
                for subentry in self._entry.subentries.values()
            ):
                errors[CONF_TOKEN] = "token_exists"
            if not errors:
                return self.async_create_entry(
                    title=data[CONF_NAME], data=data, unique_id=unique_id
                )
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(
                token_schema(self._scans()), user_input or {}
            ),
            errors=errors,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change everything but the token, which sessions are filed under."""
        subentry = self._get_reconfigure_subentry()
        token = subentry.data[CONF_TOKEN]
        errors: dict[str, str] = {}
        if user_input is not None:
            data, errors = token_data(user_input, token)
            if not errors:
                return self.async_update_and_abort(
                    self._entry, subentry, title=data[CONF_NAME], data=data
                )
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                token_schema(), user_input or subentry.data
            ),
            errors=errors,
            description_placeholders={"token": mask_token(token)},
        )

    @property
    def _entry(self) -> OcppConfigEntry:
        return self._get_entry()

    def _scans(self) -> list[SelectOptionDict]:
        """Return the tokens that nobody knows, the one shown last first."""
        if self._entry.state is not ConfigEntryState.LOADED:
            return []
        hub = self._entry.runtime_data
        scans = []
        for token in reversed(hub.tokens.unknown):
            charge_point = hub.central.charge_points.get(token.identity.casefold())
            where = charge_point.config.name if charge_point else token.identity
            when = dt_util.as_local(token.shown).strftime("%Y-%m-%d %H:%M")
            scans.append(
                SelectOptionDict(
                    value=token.id_token, label=f"{token.id_token} ({where}, {when})"
                )
            )
        return scans
