"""The form of an ID token: its fields, and the way from what is typed to data."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from homeassistant.const import CONF_NAME
from homeassistant.helpers.selector import (
    DateSelector,
    EntitySelector,
    EntitySelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
import voluptuous as vol

from .const import (
    CONF_EXPIRY_DATE,
    CONF_GROUP,
    CONF_PERSON,
    CONF_STATUS,
    CONF_TOKEN,
    SUBENTRY_ID_TOKEN,
)
from .csms.model import AuthorizationStatus
from .forms import flat

# As the form names them; ConcurrentTx is nothing that a token is.
STATUSES = {
    status.value.lower(): status
    for status in AuthorizationStatus
    if status is not AuthorizationStatus.CONCURRENT
}
_LONGEST_TOKEN = 255
# OCPP 1.6, 7.28.
_LONGEST_GROUP = 20


def token_unique_id(token: str) -> str:
    """Return the unique id of a token's subentry, which does not tell the token."""
    return f"{SUBENTRY_ID_TOKEN}:{sha256(token.casefold().encode()).hexdigest()}"


def token_schema(scans: Sequence[SelectOptionDict] | None = None) -> vol.Schema:
    """Return the form of a token; with `scans` to pick from, or without the token."""
    fields: dict[Any, Any] = {}
    if scans is not None:
        fields[vol.Required(CONF_TOKEN)] = SelectSelector(
            SelectSelectorConfig(
                options=scans, custom_value=True, mode=SelectSelectorMode.DROPDOWN
            )
        )
    fields |= {
        vol.Required(CONF_NAME): TextSelector(),
        vol.Optional(CONF_PERSON): EntitySelector(
            EntitySelectorConfig(domain="person")
        ),
        vol.Required(CONF_STATUS, default=next(iter(STATUSES))): SelectSelector(
            SelectSelectorConfig(
                options=list(STATUSES),
                mode=SelectSelectorMode.DROPDOWN,
                translation_key="token_status",
            )
        ),
        vol.Optional(CONF_EXPIRY_DATE): DateSelector(),
        vol.Optional(CONF_GROUP): TextSelector(),
    }
    return vol.Schema(fields)


def token_data(
    user_input: Mapping[str, Any], token: str | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the data of a subentry, and what is wrong with it by field."""
    errors: dict[str, str] = {}
    data = flat(user_input)
    if token is None:
        token = data.get(CONF_TOKEN, "")
        if not (0 < len(token) <= _LONGEST_TOKEN and token.isprintable()):
            errors[CONF_TOKEN] = "invalid_token"
    data[CONF_TOKEN] = token
    if CONF_NAME not in data:
        errors[CONF_NAME] = "name_missing"
    group = data.get(CONF_GROUP, "")
    if len(group) > _LONGEST_GROUP or not group.isprintable():
        errors[CONF_GROUP] = "invalid_group"
    return data, errors
