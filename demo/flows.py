"""Config flows over REST, answered like somebody who accepts what a form proposes."""

from collections.abc import Mapping
from typing import Any

from . import DOMAIN, DemoError
from .api import Api, Json

_FLOW = "/api/config/config_entries/flow"
_SUBENTRY_FLOW = "/api/config/config_entries/subentries/flow"
_OPTIONS_FLOW = "/api/config/config_entries/options/flow"

#: What to answer instead of what is proposed, by step.
type Answers = Mapping[str, Mapping[str, Any]]


async def set_up(api: Api, answers: Answers) -> str:
    """Set up the integration, and return the id of its entry."""
    result = await api.rest("POST", _FLOW, {"handler": DOMAIN})
    result = await _complete(api, _FLOW, result, answers)
    if result["type"] != "create_entry":
        raise DemoError(f"The integration could not be set up: {result}")
    if following := result.get("next_flow"):
        # The page that waits for a first charger. Unknown ones are discovered anyway.
        await api.rest("DELETE", f"{_SUBENTRY_FLOW}/{following[1]}")
    entry_id: str = result["result"]["entry_id"]
    return entry_id


async def configure(api: Api, entry_id: str, answers: Answers) -> None:
    """Change the options of the integration."""
    result = await api.rest("POST", _OPTIONS_FLOW, {"handler": entry_id})
    result = await _complete(api, _OPTIONS_FLOW, result, answers)
    if result["type"] != "create_entry":
        raise DemoError(f"The options could not be changed: {result}")


async def add_discovered(api: Api, flow_id: str, answers: Mapping[str, Any]) -> None:
    """Add a discovered charger."""
    result = await api.rest("GET", f"{_FLOW}/{flow_id}")
    result = await _complete(api, _FLOW, result, {result["step_id"]: answers})
    if (result["type"], result.get("reason")) != ("abort", "charge_point_added"):
        raise DemoError(f"The charger could not be added: {result}")


async def add_by_hand(api: Api, entry_id: str, answers: Mapping[str, Any]) -> None:
    """Add a charger that has not dialled in yet."""
    menu = await api.rest(
        "POST", _SUBENTRY_FLOW, {"handler": [entry_id, "charge_point"]}
    )
    result = await api.rest(
        "POST", f"{_SUBENTRY_FLOW}/{menu['flow_id']}", {"next_step_id": "manual"}
    )
    result = await _complete(api, _SUBENTRY_FLOW, result, {"manual": answers})
    if result["type"] != "create_entry":
        raise DemoError(f"The charger could not be added: {result}")


async def reconfigure(
    api: Api, entry_id: str, charge_point: str, answers: Mapping[str, Any]
) -> None:
    """Change the settings of a charger."""
    subentries = await api.send("config_entries/subentries/list", entry_id=entry_id)
    result = await api.rest(
        "POST",
        _SUBENTRY_FLOW,
        {
            "handler": [entry_id, "charge_point"],
            "subentry_id": next(
                subentry["subentry_id"]
                for subentry in subentries
                if subentry["title"] == charge_point
            ),
        },
    )
    await _complete(api, _SUBENTRY_FLOW, result, {result["step_id"]: answers})


async def add_card(api: Api, entry_id: str, answers: Mapping[str, Any]) -> None:
    """Add somebody's card."""
    result = await api.rest("POST", _SUBENTRY_FLOW, {"handler": [entry_id, "id_token"]})
    result = await _complete(api, _SUBENTRY_FLOW, result, {"user": answers})
    if result["type"] != "create_entry":
        raise DemoError(f"The card could not be added: {result}")


async def offered_cards(api: Api, entry_id: str) -> list[str]:
    """Return the cards that somebody who adds one may pick from; the flow is left."""
    form = await api.rest("POST", _SUBENTRY_FLOW, {"handler": [entry_id, "id_token"]})
    await api.rest("DELETE", f"{_SUBENTRY_FLOW}/{form['flow_id']}")
    field = next(field for field in form["data_schema"] if field["name"] == "token")
    return [option["value"] for option in field["selector"]["select"]["options"]]


async def _complete(api: Api, path: str, result: Json, answers: Answers) -> Json:
    """Answer page by page, and return how it ended."""
    unused = set(answers)
    while result["type"] == "form":
        if result["errors"]:
            raise DemoError(f"{result['step_id']}: {result['errors']}")
        unused.discard(result["step_id"])
        result = await api.rest(
            "POST",
            f"{path}/{result['flow_id']}",
            _merged(
                _proposed(result["data_schema"]), answers.get(result["step_id"], {})
            ),
        )
    if unused:
        raise DemoError(f"The flow never asked for {', '.join(sorted(unused))}")
    return result


def _proposed(schema: list[Json]) -> Json:
    values = {}
    for field in schema:
        if "schema" in field:
            values[field["name"]] = _proposed(field["schema"])
        elif "suggested_value" in (field.get("description") or {}):
            values[field["name"]] = field["description"]["suggested_value"]
        elif "default" in field:
            values[field["name"]] = field["default"]
    return values


def _merged(proposed: Json, answers: Mapping[str, Any]) -> Json:
    return proposed | {
        key: _merged(proposed.get(key, {}), value)
        if isinstance(value, Mapping)
        else value
        for key, value in answers.items()
    }
