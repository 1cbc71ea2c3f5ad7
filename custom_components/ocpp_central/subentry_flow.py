"""Add a charge point in the user interface, and change it."""

import asyncio
from typing import Any

from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME, CONF_PASSWORD

from .const import CONF_IDENTITY, CONF_LISTEN, CONF_PHASE_SWITCHING
from .csms.charge_point import ChargePoint
from .discovery import Discovery, flow_unique_id, offer_of
from .endpoints import addresses, shown_address
from .forms import (
    charge_point_data,
    charge_point_schema,
    charge_point_suggestions,
    generated_password,
    offer_placeholders,
    offer_suggestions,
)
from .hub import OcppConfigEntry
from .limit_ways import limit_ways

# Seconds to wait for a charger to dial in: time to walk to it and type an address.
WAIT = 600


class ChargePointFlow(ConfigSubentryFlow):
    """Add a charge point that dials in, or by hand before it does."""

    def __init__(self) -> None:
        """Wait for nobody yet."""
        self._waiting: asyncio.Task[ChargePoint | None] | None = None

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask how to add it."""
        if user_input is not None:
            # The set-up of the central system goes on here.
            return await self.async_step_wait()
        return self.async_show_menu(step_id="user", menu_options=["wait", "manual"])

    # A charger that dials in

    async def async_step_wait(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Wait for a charger that nobody has added."""
        entry = self._entry
        if self._waiting is None:
            if entry.state is not ConfigEntryState.LOADED:
                return self.async_abort(reason="not_running")
            self._waiting = entry.async_create_background_task(
                self.hass,
                _wait(entry.runtime_data.discovery),
                "ocpp_central wait for a charger",
            )
            if self._waiting.done():
                return await self.async_step_found()
        if not self._waiting.done():
            return self.async_show_progress(
                step_id="wait",
                progress_action="wait",
                description_placeholders={
                    "address": shown_address(addresses(self.hass, entry.data)[0])
                },
                progress_task=self._waiting,
            )
        return self.async_show_progress_done(next_step_id="found")

    async def async_step_found(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what cannot be learnt from the charger."""
        assert self._waiting
        if self._waiting.cancelled():
            return self.async_abort(reason="not_running")
        charge_point = self._waiting.result()
        if charge_point is None:
            return self.async_abort(reason="nobody_connected")
        offer = offer_of(charge_point)
        errors: dict[str, str] = {}
        if user_input is not None:
            data, errors = charge_point_data(user_input, offer["identity"])
            if not errors:
                return self._create(data)
        return self.async_show_form(
            step_id="found",
            data_schema=self.add_suggested_values_to_schema(
                charge_point_schema(password_required=offer["password_required"]),
                user_input or offer_suggestions(offer),
            ),
            errors=errors,
            description_placeholders=offer_placeholders(offer),
        )

    # A charger that may never have dialled in

    async def async_step_manual(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for everything."""
        errors: dict[str, str] = {}
        if user_input is not None:
            data, errors = charge_point_data(user_input)
            unique_id = flow_unique_id(data[CONF_IDENTITY])
            if any(
                subentry.unique_id == unique_id
                for subentry in self._entry.subentries.values()
            ):
                errors[CONF_IDENTITY] = "identity_exists"
            if not errors:
                return self._create(data)
        return self.async_show_form(
            step_id="manual",
            data_schema=self.add_suggested_values_to_schema(
                charge_point_schema(
                    identity=True,
                    advanced=True,
                    password_required=self._password_required,
                ),
                user_input or {CONF_PASSWORD: generated_password()},
            ),
            errors=errors,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change everything but the identity, which all is filed under."""
        subentry = self._get_reconfigure_subentry()
        identity = subentry.data[CONF_IDENTITY]
        errors: dict[str, str] = {}
        if user_input is not None:
            data, errors = charge_point_data(user_input, identity)
            if not errors:
                return self.async_update_and_abort(
                    self._entry, subentry, title=data[CONF_NAME], data=data
                )
        charge_point = self._charge_point(identity)
        switches = subentry.data.get(CONF_PHASE_SWITCHING, False) or (
            charge_point is not None and charge_point.phases.supported
        )
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                charge_point_schema(
                    advanced=True,
                    password_required=self._password_required,
                    ways=limit_ways(charge_point, subentry.data),
                    switches_phases=switches,
                ),
                user_input or charge_point_suggestions(subentry.data),
            ),
            errors=errors,
            description_placeholders={"identity": identity},
        )

    @property
    def _entry(self) -> OcppConfigEntry:
        return self._get_entry()

    @property
    def _password_required(self) -> bool:
        """Return whether all chargers come by Home Assistant's port."""
        return not self._entry.data[CONF_LISTEN]

    def _charge_point(self, identity: str) -> ChargePoint | None:
        entry = self._entry
        if entry.state is not ConfigEntryState.LOADED:
            return None
        return entry.runtime_data.central.charge_points.get(identity.casefold())

    def _create(self, data: dict[str, Any]) -> SubentryFlowResult:
        return self.async_create_entry(
            title=data[CONF_NAME],
            data=data,
            unique_id=flow_unique_id(data[CONF_IDENTITY]),
        )


async def _wait(discovery: Discovery) -> ChargePoint | None:
    """Return a charger that nobody has added, or None if none comes."""
    try:
        async with asyncio.timeout(WAIT):
            return await discovery.async_wait()
    except TimeoutError:
        return None
