"""What an action to a charge point consists of."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from homeassistant.core import SupportsResponse
import voluptuous as vol

from .csms.charge_point import ChargePoint

ATTR_CONNECTOR = "connector"

type Response = dict[str, Any]
type Action = Callable[[ChargePoint, int, dict[str, Any]], Awaitable[Response]]

# Connector numbers go out as given; the charger knows which it has.
CONNECTOR = vol.All(vol.Coerce(int), vol.Range(min=0))


@dataclass(frozen=True, slots=True)
class ActionDescription:
    """One action to a charge point."""

    action: Action
    fields: dict[Any, Any]
    rule: Callable[[Any], Any] | None = None
    connector: bool = False
    # Whether, where none is named, it is about the connector of the device.
    own_connector: bool = True
    admin: bool = False
    response: SupportsResponse = SupportsResponse.OPTIONAL
