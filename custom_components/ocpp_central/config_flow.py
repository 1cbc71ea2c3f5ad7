"""Set up the central system in the user interface."""

from collections.abc import Callable, Mapping
from contextlib import suppress
import re
from secrets import token_urlsafe
from types import MappingProxyType
from typing import Any, cast, override

from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentry,
    ConfigSubentryFlow,
    FlowType,
    OptionsFlow,
)
from homeassistant.const import CONF_NAME, CONF_PORT
from homeassistant.core import callback
from homeassistant.data_entry_flow import section
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity import get_unit_of_measurement
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    QrCodeSelector,
    QrCodeSelectorConfig,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)
from homeassistant.helpers.typing import DiscoveryInfoType
import voluptuous as vol

from .const import (
    CONF_API_KEY,
    CONF_CERTIFICATE,
    CONF_CLIENT_CA,
    CONF_CLIENT_CA_KEY,
    CONF_DATA_TRANSFER_ANSWERS,
    CONF_LISTEN,
    CONF_ONE_SESSION_EACH,
    CONF_PRICE,
    CONF_PRICE_ENTITY,
    CONF_PRIVATE_KEY,
    CONF_REMOTE_TAG,
    CONF_SERVE_ON_HA,
    DEFAULT_PORT,
    DEFAULT_REMOTE_TAG,
    DOMAIN,
    SUBENTRY_CHARGE_POINT,
    SUBENTRY_ID_TOKEN,
)
from .discovery import Offer, flow_unique_id, offer_signal
from .endpoints import (
    addresses,
    async_free_port,
    async_port_error,
    async_tls_error,
    shown_address,
)
from .forms import (
    charge_point_data,
    charge_point_schema,
    flat,
    number,
    offer_placeholders,
    offer_suggestions,
    offer_title,
)
from .price_unit import parse_price_unit
from .subentry_flow import ChargePointFlow
from .token_flow import TokenFlow
from .vendor_answers import lack_vendor, vendor_answers_selector

_DEFAULT_NAME = "OCPP Central System"
_SECTION_TLS = "tls"
_FILES = (CONF_CERTIFICATE, CONF_PRIVATE_KEY, CONF_CLIENT_CA, CONF_CLIENT_CA_KEY)
# Starting by remote control, chargers take no longer tags, and some no other characters.
_REMOTE_TAG = re.compile(r"[A-Za-z0-9]{1,16}")
# Long enough not to be guessed, and of characters that every header can carry.
_API_KEY = re.compile(r"[!-~]{16,128}")
_FAILED = (ConfigEntryState.SETUP_ERROR, ConfigEntryState.SETUP_RETRY)
_RUNNING = (ConfigEntryState.LOADED, ConfigEntryState.SETUP_IN_PROGRESS)


_TARIFF = "tariff"
_NO_TARIFF = "none"
_PRICED_BY = (CONF_PRICE, CONF_PRICE_ENTITY)
_OPTIONS = vol.Schema(
    {
        vol.Required(CONF_REMOTE_TAG, default=DEFAULT_REMOTE_TAG): TextSelector(),
        vol.Required(CONF_ONE_SESSION_EACH, default=False): BooleanSelector(),
        vol.Required(_TARIFF, default=_NO_TARIFF): SelectSelector(
            SelectSelectorConfig(
                options=[_NO_TARIFF, *_PRICED_BY], translation_key="tariff"
            )
        ),
        vol.Optional(CONF_API_KEY): TextSelector(),
        vol.Optional(CONF_DATA_TRANSFER_ANSWERS): vendor_answers_selector(),
    }
)
_PRICE_ENTITY = vol.Schema(
    {
        vol.Required(CONF_PRICE_ENTITY): EntitySelector(
            EntitySelectorConfig(domain=["sensor", "input_number", "number"])
        )
    }
)


def _schema(*, tls_collapsed: bool) -> vol.Schema:
    return vol.Schema(
        {
            vol.Required(CONF_NAME, default=_DEFAULT_NAME): TextSelector(),
            vol.Required(CONF_LISTEN, default=True): BooleanSelector(),
            vol.Required(CONF_PORT, default=DEFAULT_PORT): vol.All(
                number(1, 65535), vol.Coerce(int)
            ),
            vol.Required(CONF_SERVE_ON_HA, default=True): BooleanSelector(),
            vol.Required(_SECTION_TLS): section(
                vol.Schema({vol.Optional(name): TextSelector() for name in _FILES}),
                {"collapsed": tls_collapsed},
            ),
        }
    )


class OcppConfigFlow(ConfigFlow, domain=DOMAIN):
    """Set up the central system, or add a charger that dialled in."""

    VERSION = 1

    def __init__(self) -> None:
        """Know nothing yet."""
        self._name = ""
        self._data: dict[str, Any] = {}
        self._offer: Offer
        self._unsubscribe: Callable[[], None] | None = None

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OcppOptionsFlow:
        """Return the flow for what can change without closing a socket."""
        return OcppOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what can be added to the central system."""
        return {
            SUBENTRY_CHARGE_POINT: ChargePointFlow,
            SUBENTRY_ID_TOKEN: TokenFlow,
        }

    # The central system

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask where to listen."""
        await self.async_set_unique_id(DOMAIN, raise_on_progress=False)
        self._abort_if_unique_id_configured()
        errors: dict[str, str] = {}
        file = ""
        if user_input is not None:
            errors, file = await self._async_check(user_input)
            if not errors:
                return await self.async_step_connect()
        return self._show(
            "user",
            user_input or {CONF_PORT: await async_free_port(), _SECTION_TLS: {}},
            errors,
            file,
        )

    async def async_step_connect(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what to type into the charger."""
        if user_input is not None:
            return self.async_create_entry(title=self._name, data=self._data)
        urls = addresses(self.hass, self._data)
        return self.async_show_form(
            step_id="connect",
            data_schema=vol.Schema(
                {
                    vol.Optional("qr_code"): QrCodeSelector(
                        QrCodeSelectorConfig(data=urls[0], scale=6)
                    )
                }
            ),
            description_placeholders={
                "addresses": "\n".join(f"- {shown_address(url)}" for url in urls)
            },
        )

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on with the first charge point."""
        entry = result["result"]
        if entry.state is ConfigEntryState.LOADED:
            flow = await self.hass.config_entries.subentries.async_init(
                (entry.entry_id, SUBENTRY_CHARGE_POINT),
                context={"source": SOURCE_USER},
                data={"next_step_id": "wait"},
            )
            result["next_flow"] = (FlowType.CONFIG_SUBENTRIES_FLOW, flow["flow_id"])
        return result

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change where to listen."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        file = ""
        if user_input is not None:
            own_port = entry.data[CONF_PORT] if entry.data[CONF_LISTEN] else None
            errors, file = await self._async_check(user_input, own_port)
            if not errors:
                result = self.async_update_and_abort(
                    entry, title=self._name, data=self._data
                )
                # While it runs, its update listener reloads it if need be.
                if entry.state in _FAILED:
                    self.hass.config_entries.async_schedule_reload(entry.entry_id)
                return result
        else:
            user_input = {
                **entry.data,
                CONF_NAME: entry.title,
                _SECTION_TLS: {
                    name: entry.data[name] for name in _FILES if name in entry.data
                },
            }
        return self._show("reconfigure", user_input, errors, file)

    async def _async_check(
        self, user_input: dict[str, Any], own_port: int | None = None
    ) -> tuple[dict[str, str], str]:
        """Take over what was typed; returns what is wrong with it, and with which file."""
        data = flat(user_input)
        self._name = data.pop(CONF_NAME, _DEFAULT_NAME)
        for name in _FILES:
            if name in data:
                # Relative to the configuration folder.
                data[name] = ",".join(
                    self.hass.config.path(path.strip())
                    for path in data[name].split(",")
                )
        self._data = data
        errors: dict[str, str] = {}
        if not data[CONF_LISTEN] and not data[CONF_SERVE_ON_HA]:
            errors["base"] = "no_endpoint"
        if (
            data[CONF_LISTEN]
            and data[CONF_PORT] != own_port
            and (error := await async_port_error(data[CONF_PORT]))
        ):
            errors[CONF_PORT] = error
        file = ""
        if tls_error := await async_tls_error(self.hass, data):
            errors[_SECTION_TLS], file = tls_error
        return errors, file

    def _show(
        self,
        step_id: str,
        suggestions: Mapping[str, Any],
        errors: dict[str, str],
        file: str,
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                _schema(tls_collapsed=not any(suggestions[_SECTION_TLS].values())),
                suggestions,
            ),
            errors=errors,
            description_placeholders={"file": file},
            last_step=False if step_id == "user" else None,
        )

    # Chargers that dialled in

    @override
    async def async_step_integration_discovery(
        self, discovery_info: DiscoveryInfoType
    ) -> ConfigFlowResult:
        """Put up the card of a charger that nobody has added."""
        self._offer = cast(Offer, discovery_info)
        await self.async_set_unique_id(flow_unique_id(self._offer["identity"]))
        self._abort_if_unique_id_configured()
        entry = self._central_system()
        if entry is None or entry.state not in _RUNNING:
            return self.async_abort(reason="no_central_system")
        if any(
            subentry.unique_id == self.unique_id
            for subentry in entry.subentries.values()
        ):
            return self.async_abort(reason="already_configured")
        self.context["title_placeholders"] = {"name": offer_title(self._offer)}
        self._unsubscribe = async_dispatcher_connect(
            self.hass, offer_signal(self._offer["identity"]), self._async_more_known
        )
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what cannot be learnt from the charger, and add it."""
        errors: dict[str, str] = {}
        if user_input is not None:
            entry = self._central_system()
            if entry is None:
                return self.async_abort(reason="no_central_system")
            data, errors = charge_point_data(user_input, self._offer["identity"])
            if not errors:
                self.hass.config_entries.async_add_subentry(
                    entry,
                    ConfigSubentry(
                        data=MappingProxyType(data),
                        subentry_type=SUBENTRY_CHARGE_POINT,
                        title=data[CONF_NAME],
                        unique_id=self.unique_id,
                    ),
                )
                return self.async_abort(
                    reason="charge_point_added",
                    description_placeholders={"name": data[CONF_NAME]},
                )
        return self.async_show_form(
            step_id="confirm",
            data_schema=self.add_suggested_values_to_schema(
                charge_point_schema(password_required=self._offer["password_required"]),
                user_input or offer_suggestions(self._offer),
            ),
            errors=errors,
            description_placeholders=offer_placeholders(self._offer),
        )

    @callback
    @override
    def async_remove(self) -> None:
        """Take the card down."""
        if self._unsubscribe:
            self._unsubscribe()

    @callback
    def _async_more_known(self, offer: Offer) -> None:
        self._offer = offer
        self.async_update_title_placeholders({"name": offer_title(offer)})

    def _central_system(self) -> ConfigEntry | None:
        entries = self.hass.config_entries.async_entries(DOMAIN, include_ignore=False)
        return next(iter(entries), None)


def _options_errors(user_input: dict[str, Any]) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not _REMOTE_TAG.fullmatch(user_input[CONF_REMOTE_TAG]):
        errors[CONF_REMOTE_TAG] = "invalid_tag"
    key = user_input.get(CONF_API_KEY)
    if key and not _API_KEY.fullmatch(key):
        errors[CONF_API_KEY] = "invalid_api_key"
    if lack_vendor(user_input.get(CONF_DATA_TRANSFER_ANSWERS, ())):
        errors[CONF_DATA_TRANSFER_ANSWERS] = "no_vendor"
    return errors


class OcppOptionsFlow(OptionsFlow):
    """Change what needs no socket to be closed."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._options: dict[str, Any] = {}

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the options."""
        options = dict(self.config_entry.options)
        tariff = next((kind for kind in _PRICED_BY if kind in options), _NO_TARIFF)
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = _options_errors(user_input)
            if not errors:
                for name in (*_PRICED_BY, CONF_API_KEY, CONF_DATA_TRANSFER_ANSWERS):
                    options.pop(name, None)
                tariff = user_input.pop(_TARIFF)
                self._options = options | user_input
                if tariff == CONF_PRICE:
                    return await self.async_step_price()
                if tariff == CONF_PRICE_ENTITY:
                    return await self.async_step_price_entity()
                return self.async_create_entry(data=self._options)
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                _OPTIONS, user_input or {**options, _TARIFF: tariff}
            ),
            errors=errors,
            description_placeholders={"api_key": token_urlsafe(24)},
        )

    async def async_step_price(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a price that always holds."""
        if user_input is not None:
            return self.async_create_entry(data=self._options | user_input)
        price = NumberSelectorConfig(
            min=0,
            step="any",
            mode=NumberSelectorMode.BOX,
            unit_of_measurement=f"{self.hass.config.currency}/kWh",
        )
        return self.async_show_form(
            step_id="price",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({vol.Required(CONF_PRICE): NumberSelector(price)}),
                self.config_entry.options,
            ),
        )

    async def async_step_price_entity(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which entity tells the price."""
        errors: dict[str, str] = {}
        currency, unit = self.hass.config.currency, ""
        if user_input is not None:
            with suppress(HomeAssistantError):
                entity_id = user_input[CONF_PRICE_ENTITY]
                unit = get_unit_of_measurement(self.hass, entity_id) or ""
            if parse_price_unit(unit, currency):
                return self.async_create_entry(data=self._options | user_input)
            errors[CONF_PRICE_ENTITY] = "unknown_unit" if unit else "no_unit"
        return self.async_show_form(
            step_id="price_entity",
            data_schema=self.add_suggested_values_to_schema(
                _PRICE_ENTITY, user_input or self.config_entry.options
            ),
            errors=errors,
            description_placeholders={"unit": unit, "currency": currency},
        )
