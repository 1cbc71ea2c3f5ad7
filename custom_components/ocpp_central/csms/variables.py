"""Variables of the device model as one name each (OCPP 2.x, part 1, 4).

`Component[instance]@evse:connector.Variable[instance]`, the parts in brackets and the
place only where there are any. What is a sign of this notation, and yet part of a name,
is written with a percent sign, as in a URL.
"""

from collections.abc import Iterable, Iterator
import re
from urllib.parse import unquote

from .connection import Payload
from .evses import connector_number
from .payloads import member, number, text
from .vocabulary import Setting

_NAME = re.compile(
    r"\s*(?P<component>[^][.@]+?)\s*"
    r"(?:\[(?P<component_instance>[^]]*)\]\s*)?"
    r"(?:@\s*(?P<evse>\d+)\s*(?::\s*(?P<connector>\d+)\s*)?)?"
    r"\.\s*(?P<variable>[^][]+?)\s*"
    r"(?:\[(?P<variable_instance>[^]]*)\]\s*)?"
)
_SIGNS = "[].@%"
# Behind the dot that divides a name, only these are left to be mistaken.
_LATER_SIGNS = "[]%"
_PLACES = {"connector", "evse"}


def name_of(payload: Payload) -> str:
    """Return the name of the `component` and `variable` of a payload; empty if none."""
    component, variable = member(payload, "component"), member(payload, "variable")
    evse = member(component, "evse")
    of, what = text(component, "name"), text(variable, "name")
    if not of or not what:
        return ""
    name = _quoted(of, _SIGNS) + _instance(component)
    if (place := number(evse, "id")) is not None:
        connector = number(evse, "connectorId")
        name += f"@{place}" if connector is None else f"@{place}:{connector}"
    return f"{name}.{_quoted(what)}{_instance(variable)}"


def named(name: str) -> Payload | None:
    """Return the `component` and `variable` of a name; None where it is no such name.

    A configuration key of OCPP 1.6 is the variable that came in its place.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return next(
            (
                named(setting.variable)
                for setting in Setting
                if setting.variable and setting.is_called(name.strip())
            ),
            None,
        )
    component: Payload = {"name": unquote(match["component"])}
    variable: Payload = {"name": unquote(match["variable"])}
    if match["component_instance"]:
        component["instance"] = unquote(match["component_instance"])
    if match["variable_instance"]:
        variable["instance"] = unquote(match["variable_instance"])
    if match["evse"]:
        component["evse"] = {"id": int(match["evse"])}
        if match["connector"]:
            component["evse"]["connectorId"] = int(match["connector"])
    return {"component": component, "variable": variable}


def connectors_in(names: Iterable[str]) -> Iterator[int]:
    """Return the connectors that the names of variables are evidence of."""
    for name in names:
        match = _NAME.fullmatch(name)
        if match and match["evse"] and match["component"].casefold() in _PLACES:
            connector = connector_number(
                int(match["evse"]),
                int(match["connector"]) if match["connector"] else None,
            )
            if connector:
                yield connector


def _instance(named_part: Payload) -> str:
    instance = text(named_part, "instance")
    return f"[{_quoted(instance)}]" if instance else ""


def _quoted(name: str, signs: str = _LATER_SIGNS) -> str:
    return "".join(f"%{ord(sign):02X}" if sign in signs else sign for sign in name)
