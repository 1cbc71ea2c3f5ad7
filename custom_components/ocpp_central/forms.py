"""The form of a charge point: its fields, and the way from what is typed to data."""

from collections.abc import Mapping, Sequence
import re
import secrets
import string
from typing import Any
from urllib.parse import quote

from homeassistant.const import (
    CONF_NAME,
    CONF_PASSWORD,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfTime,
)
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from .const import (
    CONF_CURRENT_PRESETS,
    CONF_DIRECT_CURRENT,
    CONF_IDENTITY,
    CONF_INSTALLATION_CURRENT,
    CONF_KEEP_ALIVE,
    CONF_LIMIT_WAY,
    CONF_METER_INTERVAL,
    CONF_NOMINAL_VOLTAGE,
    CONF_PHASE_SWITCHING,
    CONF_PHASES,
    CONF_SYNC_LOCAL_LIST,
    CONF_VERSION,
    DEFAULT_INSTALLATION_CURRENT,
    DEFAULT_METER_INTERVAL,
    DEFAULT_NOMINAL_VOLTAGE,
    DEFAULT_PHASES,
    VERSION_AUTOMATIC,
    WAY_AUTOMATIC,
)
from .csms.server import identity_of
from .csms.versions import VERSIONS
from .discovery import Offer
from .limit_ways import way_selector

SECTION_ADVANCED = "advanced"
_ADVANCED: Mapping[str, Any] = {
    CONF_NOMINAL_VOLTAGE: DEFAULT_NOMINAL_VOLTAGE,
    CONF_METER_INTERVAL: DEFAULT_METER_INTERVAL,
    CONF_KEEP_ALIVE: True,
    CONF_SYNC_LOCAL_LIST: False,
    CONF_VERSION: VERSION_AUTOMATIC,
    CONF_CURRENT_PRESETS: [],
    CONF_PHASE_SWITCHING: False,
    CONF_LIMIT_WAY: WAY_AUTOMATIC,
}
# How a charger with direct current is chosen; what feeds it are three phases.
_DIRECT_CURRENT = "dc"
_DIRECT_CURRENT_PHASES = 3
_VERSIONS = SelectSelector(
    SelectSelectorConfig(
        options=[
            SelectOptionDict(value=VERSION_AUTOMATIC, label="Automatic"),
            *(
                SelectOptionDict(value=version, label=f"OCPP {version}")
                for version in VERSIONS
            ),
        ],
        mode=SelectSelectorMode.DROPDOWN,
        translation_key="version",
    )
)

# As many as a charger's own button goes through; those most often chosen are proposed.
_MAX_PRESETS = 5
_PRESETS = SelectSelector(
    SelectSelectorConfig(
        options=["6", "8", "10", "13", "16", "20", "24", "32"],
        multiple=True,
        custom_value=True,
    )
)
_LEAST_PRESET = 6
# With its unit or without.
_PRESET = re.compile(r"\s*(\d{1,4}(?:[.,]\d)?)\s*A?\s*", re.IGNORECASE)

# OCPP 1.6 asks for 16 to 20 characters, 2.0.1 for up to 40; older chargers take fewer.
_PASSWORD_LENGTH = range(8, 41)
_GENERATED_LENGTH = 16
# Without what looks alike: it is read here and typed into a charger.
_GENERATED_ALPHABET = "".join(
    sorted(set(string.ascii_letters + string.digits) - set("0O1Il"))
)


def flat(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed, out of its sections, without what was left empty."""
    data: dict[str, Any] = {}
    for key, value in user_input.items():
        data |= flat(value) if isinstance(value, dict) else {key: value}
    return {
        key: text
        for key, value in data.items()
        if (text := value.strip() if isinstance(value, str) else value) != ""
    }


def number(minimum: float, maximum: float, unit: str | None = None) -> NumberSelector:
    """Return a box for a number."""
    config = NumberSelectorConfig(
        min=minimum, max=maximum, step=1, mode=NumberSelectorMode.BOX
    )
    if unit:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


def generated_password() -> str:
    """Return a password for a charger that has none yet."""
    return "".join(
        secrets.choice(_GENERATED_ALPHABET) for _ in range(_GENERATED_LENGTH)
    )


def charge_point_schema(
    *,
    identity: bool = False,
    advanced: bool = False,
    password_required: bool,
    ways: Mapping[str, str] | None = None,
    switches_phases: bool = False,
) -> vol.Schema:
    """Return the form of a charge point; what it leaves out has defaults.

    `ways` are those to limit it, for who may choose one.
    """
    password = vol.Required if password_required else vol.Optional
    fields: dict[Any, Any] = {}
    if identity:
        fields[vol.Required(CONF_IDENTITY)] = TextSelector()
    fields |= {
        vol.Required(CONF_NAME): TextSelector(),
        password(CONF_PASSWORD): TextSelector(
            TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
        ),
        vol.Required(CONF_PHASES, default=str(DEFAULT_PHASES)): SelectSelector(
            SelectSelectorConfig(
                options=["1", "2", "3", _DIRECT_CURRENT],
                mode=SelectSelectorMode.DROPDOWN,
                translation_key="phases",
            )
        ),
        vol.Required(
            CONF_INSTALLATION_CURRENT, default=DEFAULT_INSTALLATION_CURRENT
        ): number(6, 1000, UnitOfElectricCurrent.AMPERE),
    }
    if advanced:
        more: dict[Any, Any] = {
            vol.Required(CONF_NOMINAL_VOLTAGE, default=DEFAULT_NOMINAL_VOLTAGE): number(
                100, 500, UnitOfElectricPotential.VOLT
            ),
            vol.Required(CONF_METER_INTERVAL, default=DEFAULT_METER_INTERVAL): number(
                1, 3600, UnitOfTime.SECONDS
            ),
            vol.Optional(CONF_CURRENT_PRESETS, default=list): _PRESETS,
            vol.Required(CONF_KEEP_ALIVE, default=True): BooleanSelector(),
            vol.Required(CONF_SYNC_LOCAL_LIST, default=False): BooleanSelector(),
            vol.Required(CONF_VERSION, default=VERSION_AUTOMATIC): _VERSIONS,
        }
        if switches_phases:
            more[vol.Required(CONF_PHASE_SWITCHING, default=False)] = BooleanSelector()
        if ways is not None:
            more[vol.Required(CONF_LIMIT_WAY, default=WAY_AUTOMATIC)] = way_selector(
                ways
            )
        fields[vol.Required(SECTION_ADVANCED)] = section(
            vol.Schema(more), {"collapsed": True}
        )
    return vol.Schema(fields)


def charge_point_suggestions(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a subentry's data as its form shows it."""
    advanced = {key: data.get(key, default) for key, default in _ADVANCED.items()}
    presets = [f"{current:g}" for current in advanced[CONF_CURRENT_PRESETS]]
    direct = data.get(CONF_DIRECT_CURRENT, False)
    return {
        **{key: value for key, value in data.items() if key not in _ADVANCED},
        CONF_PHASES: _DIRECT_CURRENT if direct else str(data[CONF_PHASES]),
        SECTION_ADVANCED: {**advanced, CONF_CURRENT_PRESETS: presets},
    }


def charge_point_data(
    user_input: Mapping[str, Any], identity: str | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the data of a subentry, and what is wrong with it by field."""
    errors: dict[str, str] = {}
    data = {**_ADVANCED, **flat(user_input)}
    if identity is None:
        identity = data.get(CONF_IDENTITY, "")
        if not _is_identity(identity):
            errors[CONF_IDENTITY] = "invalid_identity"
    data[CONF_IDENTITY] = identity
    data.setdefault(CONF_NAME, identity)
    if CONF_PASSWORD in data and not _is_password(data[CONF_PASSWORD]):
        errors[CONF_PASSWORD] = "invalid_password"
    data[CONF_DIRECT_CURRENT] = data[CONF_PHASES] == _DIRECT_CURRENT
    if data[CONF_DIRECT_CURRENT]:
        data[CONF_PHASES] = _DIRECT_CURRENT_PHASES
    for key in (CONF_PHASES, CONF_METER_INTERVAL):
        data[key] = int(data[key])
    presets = _presets(data[CONF_CURRENT_PRESETS], data[CONF_INSTALLATION_CURRENT])
    if presets is None:
        # The field may be in a section that is closed.
        errors["base"] = "invalid_presets"
    else:
        data[CONF_CURRENT_PRESETS] = presets
    return data, errors


def _presets(typed: Sequence[str], most: float) -> list[float] | None:
    """Return the currents to choose from, ascending; None where some cannot be."""
    presets: set[float] = set()
    for text in typed:
        match = _PRESET.fullmatch(text)
        if match is None:
            return None
        presets.add(float(match[1].replace(",", ".")))
    if len(presets) > _MAX_PRESETS:
        return None
    if any(not _LEAST_PRESET <= preset <= most for preset in presets):
        return None
    return sorted(presets)


def _is_identity(text: str) -> bool:
    """Return whether a charger can have it at the end of its URL."""
    if "/" in text or text in (".", "..") or not text.isprintable():
        return False
    return identity_of(f"/{quote(text)}") == text


def _is_password(text: str) -> bool:
    return len(text) in _PASSWORD_LENGTH and text.isascii() and text.isprintable()


def offer_title(offer: Offer) -> str:
    """Return what a stranger's card is headed by."""
    name, identity, serial = _charger(offer), offer["identity"], offer["serial"]
    if not name:
        return identity
    if serial and serial != identity:
        return f"{name} (serial {serial}, {identity})"
    return f"{name} ({identity})"


def offer_placeholders(offer: Offer) -> dict[str, str]:
    """Return what is said about a stranger above its form."""
    return {
        key: str(offer[key] or "–")
        for key in ("identity", "vendor", "model", "serial", "version")
    }


def offer_suggestions(offer: Offer) -> dict[str, Any]:
    """Return what the form of a stranger proposes."""
    suggestions = {CONF_NAME: _charger(offer) or offer["identity"]}
    if offer["password_required"]:
        suggestions[CONF_PASSWORD] = generated_password()
    return suggestions


def _charger(offer: Offer) -> str:
    vendor, model = offer["vendor"].strip(), offer["model"].strip()
    if model.casefold().startswith(vendor.casefold()):
        return model
    return f"{vendor} {model}".strip()
