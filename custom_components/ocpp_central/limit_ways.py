"""The ways to limit a charger, in words, for who wants to choose one."""

from collections.abc import Mapping
from typing import Any

from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from .const import CONF_LIMIT_WAY, WAY_AUTOMATIC
from .csms.charge_point import ChargePoint
from .csms.ladder import Rung
from .csms.model import LimitUnit, Purpose

_PURPOSES = {
    Purpose.STATION: "Limit of the whole charger",
    Purpose.DEFAULT: "Limit of every session",
    Purpose.TRANSACTION: "Limit of the running session",
}
_UNITS = {LimitUnit.AMPERE: "in amperes", LimitUnit.WATT: "in watts"}


def limit_ways(
    charge_point: ChargePoint | None, data: Mapping[str, Any]
) -> dict[str, str]:
    """Return the ways that a charger has, by name, and what they are."""
    rungs = charge_point.limits.ladder.ways() if charge_point else []
    ways = {str(rung): described(rung) for rung in rungs}
    if (chosen := data.get(CONF_LIMIT_WAY, WAY_AUTOMATIC)) != WAY_AUTOMATIC:
        # It stays chosen, whether the charger has it or not.
        ways.setdefault(chosen, chosen)
    return ways


def described(rung: Rung) -> str:
    """Return what a way to limit a charger is, for people."""
    if rung.key:
        return f"The charger's own setting {rung.key}"
    words = [_PURPOSES[rung.purpose]]
    if rung.everywhere:
        words.append("all connectors at once")
    words += [
        _UNITS[rung.unit],
        "from the start of the session" if rung.relative else "by the clock",
    ]
    if rung.stack:
        words.append(f"above others (level {rung.stack})")
    return ", ".join(words)


def way_selector(ways: Mapping[str, str]) -> SelectSelector:
    """Return the choice between ways to limit a charger."""
    return SelectSelector(
        SelectSelectorConfig(
            options=[
                SelectOptionDict(value=WAY_AUTOMATIC, label="Automatic"),
                *(
                    SelectOptionDict(value=name, label=label)
                    for name, label in ways.items()
                ),
            ],
            mode=SelectSelectorMode.DROPDOWN,
            translation_key="limit_way",
        )
    )
