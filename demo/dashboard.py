"""Dashboards of built-in cards, and a past for the energy dashboard."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from . import guide
from .api import Api, Json
from .chargers import Kind
from .past import Past

PATH = "ev-charging"


async def furnish(api: Api, kinds: Sequence[Kind], past: Past) -> str:
    """Make the dashboard and configure the energy dashboard; return the former's path."""
    connectors = [
        (kind, number) for kind in kinds for number in range(1, kind.connectors + 1)
    ]
    sections = [
        await _section(api, kind, number, first=number == 1)
        for kind, number in connectors
    ]
    await api.send(
        "lovelace/dashboards/create",
        url_path=PATH,
        title="EV charging",
        icon="mdi:ev-station",
    )
    view = {
        "type": "sections",
        "title": "EV charging",
        "path": "charging",
        "max_columns": len(sections),
        "sections": sections,
    }
    await api.send(
        "lovelace/config/save", url_path=PATH, config={"views": [view, guide.view()]}
    )
    # What the user sees after logging in.
    await api.send(
        "frontend/set_system_data", key="core", value={"default_panel": PATH}
    )
    await _energy(api, connectors, past)
    return f"/{PATH}/charging"


async def _section(api: Api, kind: Kind, connector: int, *, first: bool) -> Json:
    async def entity(key: str, number: int = connector) -> str:
        return await api.find(kind.key(number, key))

    async def tile(key: str, columns: int = 6, **options: Any) -> Json:
        return {
            "type": "tile",
            "entity": await entity(key),
            # Which charger it belongs to is in the heading.
            "name": {"type": "entity"},
            "grid_options": {"columns": columns},
            **options,
        }

    heading: Json = {
        "type": "heading",
        "heading": kind.name
        if kind.connectors == 1
        else f"{kind.name}, connector {connector}",
        "icon": "mdi:ev-station",
    }
    if first:
        heading["badges"] = [
            {"type": "entity", "entity": await entity("connected", number=0)}
        ]
    # There is none before the first session.
    has_cost = await api.has(kind.key(connector, "session_cost"))
    slider = {"type": "numeric-input", "style": "slider"}
    return {
        "type": "grid",
        "cards": [
            heading,
            await tile("status"),
            await tile("power"),
            await tile("charging", features=[{"type": "toggle"}]),
            await tile("paused", features=[{"type": "toggle"}]),
            await tile("current_limit", 12, features=[slider]),
            await tile("session_energy"),
            await tile("session_cost" if has_cost else "session_started"),
            await tile("energy"),
            await tile("unlock", hide_state=True),
            {
                "type": "history-graph",
                "hours_to_show": 0.25,
                "entities": [
                    {"entity": await entity("current_limit"), "name": "Limit"},
                    {"entity": await entity("current"), "name": "Current"},
                ],
                "grid_options": {"columns": 12},
            },
        ],
    }


async def _energy(api: Api, connectors: Sequence[tuple[Kind, int]], past: Past) -> None:
    devices = []
    for kind, number in connectors:
        energy = await api.find(kind.key(number, "energy"))
        name = kind.name if kind.connectors == 1 else f"{kind.name} {number}"
        devices.append(
            {
                "stat_consumption": energy,
                "stat_rate": await api.find(kind.key(number, "power")),
                "name": name,
            }
        )
        await _import(api, energy, kind.meter_start / 1000, past.energy(kind, number))
    await api.send("energy/save_prefs", device_consumption=devices)


async def _import(
    api: Api, energy: str, meter: float, used: Mapping[datetime, float]
) -> None:
    """Give a sensor statistics of the past: a new one has nothing to show.

    Counted so that they end at zero, where the real ones begin.
    """
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hour = min(used)
    total = -sum(used.values()) / 1000
    stats = []
    while hour < now:
        total += used.get(hour, 0.0) / 1000
        stats.append(
            {
                "start": hour.isoformat(),
                "state": round(meter + total, 3),
                "sum": round(total, 3),
            }
        )
        hour += timedelta(hours=1)
    await api.send(
        "recorder/import_statistics",
        metadata={
            "mean_type": 0,
            "has_sum": True,
            "name": None,
            "source": "recorder",
            "statistic_id": energy,
            "unit_class": "energy",
            "unit_of_measurement": "kWh",
        },
        stats=stats,
    )
