"""The table of docs/chargers.md: what comes of each charger of the zoo.

`python -m tests.csms.zoo_page` writes it.
"""

import asyncio
from pathlib import Path

from freezegun import freeze_time

from custom_components.ocpp_central.csms.ladder import Slot
from custom_components.ocpp_central.csms.model import STATION
from simulator.zoo import ZOO, Personality

from .common import central_system
from .conftest import LoopClock
from .zoo import REAL, World, bear, live, ways

PAGE = Path(__file__).parents[2] / "docs" / "chargers.md"
NOON = "2026-05-01T12:00:00Z"
_BEGIN, _END = "<!-- table -->\n", "<!-- end of table -->\n"
_HEAD = (
    "| Charger | OCPP | Limits | How | Pause | Fail-safe |\n|---|---|---|---|---|---|\n"
)
_LIMITED = ("limit", "reboot", "reconnect")
_PURPOSES = {
    "station": "of the station",
    "default": "default",
    "transaction": "of the session",
}


def row(personality: Personality, world: World) -> str:
    """Return what became of a charger, as a line of the table."""
    cells = (
        personality.name,
        personality.protocol,
        _limits(world),
        _way(world),
        _pause(world),
        str(world.charge_point.value(STATION, "fail_safe") or "–"),
    )
    return f"| {' | '.join(cells)} |\n"


def _limits(world: World) -> str:
    failed = [name for name in _LIMITED if not world.outcomes[name].kept]
    if not failed:
        return "yes"
    told = world.outcomes[failed[0]].told
    if all(each in ("throttled", "effective_limit") for each in told):
        return f"only {world.outcomes[failed[0]].drawn:g} A, and it says so"
    return "no, and it says so" if told else "no"


def _way(world: World) -> str:
    """Return the way that was found, in words."""
    found = ways(world.charge_point)
    way = found.get(Slot.RUNNING) or found.get(Slot.IDLE) or found.get(Slot.STATION)
    if way is None or not _limits(world).startswith("yes"):
        return "–"
    if way.startswith("key "):
        return f"`{way.removeprefix('key ')}`"
    purpose, kind, level, unit, *everywhere = way.split(" ")
    words = [f"profile {_PURPOSES[purpose]}", f"level {level}"]
    if kind != "absolute":
        words.append(kind)
    if unit != "A":
        words.append(f"in {unit}")
    if everywhere:
        words.append("for all connectors")
    return ", ".join(words)


def _pause(world: World) -> str:
    pause, resume = world.outcomes["pause"], world.outcomes["resume"]
    if not pause.kept:
        return "no, and it says so" if pause.told else "no"
    if resume.kept:
        return "yes"
    if any(each.startswith("reason") for each in resume.told):
        return "ends the session"
    if resume.drawn:
        return "yes"
    return "does not go on, and it says so" if resume.told else "does not go on"


def table(rows: list[str]) -> str:
    """Return the whole table."""
    return _HEAD + "".join(rows)


async def _live(personality: Personality) -> str:
    # What Home Assistant's own tests have instead is not needed here.
    with freeze_time(NOON, real_asyncio=True) as freezer:
        async with central_system(timing=REAL) as central:
            loop_clock = LoopClock(asyncio.get_running_loop())
            world = await bear(central, freezer, loop_clock, personality)
            try:
                await live(world)
            finally:
                await world.charger.stop()
            return row(personality, world)


def main() -> None:
    """Write the table anew."""
    before, _, rest = PAGE.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    rows = [asyncio.run(_live(personality)) for personality in ZOO]
    PAGE.write_text(before + _BEGIN + table(rows) + _END + after)


if __name__ == "__main__":
    main()
