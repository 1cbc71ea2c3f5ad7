"""What a charge point's form asks about limits."""

from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.core import HomeAssistant
import pytest

from .charging import charge, told
from .common import System, proposals


async def reconfigure(
    hass: HomeAssistant, system: System, phases: str = "3", **more: Any
) -> Any:
    """Open the form of the charge point and submit it, once or as it is shown."""
    (subentry,) = system.entry.subentries.values()
    page: Any = await hass.config_entries.subentries.async_init(
        (system.entry.entry_id, "charge_point"),
        context={
            "source": SOURCE_RECONFIGURE,
            "subentry_id": subentry.subentry_id,
        },
    )
    shown = proposals(page)
    result: Any = await hass.config_entries.subentries.async_configure(
        page["flow_id"],
        {
            "name": shown["name"],
            "phases": phases,
            "installation_current": 32,
            "advanced": more,
        },
    )
    await hass.async_block_till_done()
    return page, result


def ways(page: Any) -> dict[str, str]:
    """Return the ways to limit the charger that a form offers."""
    fields = page["data_schema"].schema["advanced"].schema.schema
    return {
        option["value"]: option["label"]
        for option in fields["limit_way"].config["options"]
    }


async def test_presets(hass: HomeAssistant, system: System) -> None:
    """They are put in order, and each is one only."""
    await system.connect()
    await reconfigure(hass, system, current_presets=["16", "6", "10 A", "8,5", "16.0"])
    (subentry,) = system.entry.subentries.values()
    assert subentry.data["current_presets"] == [6, 8.5, 10, 16]
    state = system.state("select", "current_preset")
    assert state.attributes["options"] == ["6 A", "8.5 A", "10 A", "16 A"]
    page, _ = await reconfigure(hass, system)
    assert proposals(page)["current_presets"] == ["6", "8.5", "10", "16"]
    assert system.find("select", "current_preset") is None


@pytest.mark.parametrize(
    "presets", [["5"], ["33"], ["ten"], ["-6"], ["6", "7", "8", "9", "10", "11"]]
)
async def test_presets_that_cannot_be(
    hass: HomeAssistant, system: System, presets: list[str]
) -> None:
    """The user is told, and nothing changes."""
    _, result = await reconfigure(hass, system, current_presets=presets)
    assert result["errors"] == {"base": "invalid_presets"}
    (subentry,) = system.entry.subentries.values()
    assert "current_presets" not in subentry.data


async def test_direct_current(hass: HomeAssistant, system: System) -> None:
    """It is one choice among the phases."""
    charger = await system.connect()
    await reconfigure(hass, system, phases="dc")
    assert system.state("number", "current_limit").attributes["min"] == 1
    page, _ = await reconfigure(hass, system)
    assert proposals(page)["phases"] == "dc"
    assert system.state("number", "current_limit").attributes["min"] == 6
    assert charger.link.connected


async def test_way_to_limit(hass: HomeAssistant, system: System) -> None:
    """The ways of this charger in plain words; what is chosen is used at once."""
    charger = await system.connect()
    page, _ = await reconfigure(hass, system)
    offered = ways(page)
    assert offered["automatic"] == "Automatic"
    assert (
        offered["transaction absolute 0 A"]
        == "Limit of the running session, in amperes, by the clock"
    )
    assert len(set(offered.values())) == len(offered)
    car = await charge(charger, system)
    told(charger)
    await reconfigure(hass, system, limit_way="default absolute 0 A")
    await system.set("number", "current_limit", 10)
    await system.clock.advance(5)
    assert car.current == 10
    assert {purpose for purpose, *_ in told(charger)} == {"TxDefaultProfile"}
    page, _ = await reconfigure(hass, system)
    assert proposals(page)["limit_way"] == "default absolute 0 A"
    assert charger.violations == []
