"""Currents to choose from, as with the button on a charger."""

from typing import Any

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest

from simulator import REBOOT_SECONDS

from .charging import VERSIONS, charge, connect, told
from .common import System, charge_point, until

PRESETS = [charge_point(current_presets=[6, 10, 16])]


def choose(system: System, option: str) -> Any:
    """Choose a preset as a user would."""
    return system.set("select", "current_preset", option)


async def configure(system: System, **changes: Any) -> None:
    """Change a charge point as its form does."""
    (subentry,) = system.entry.subentries.values()
    system.hass.config_entries.async_update_subentry(
        system.entry, subentry, data={**subentry.data, **changes}
    )
    await system.hass.async_block_till_done()


@pytest.mark.parametrize("charge_points", [PRESETS])
@pytest.mark.parametrize("version", VERSIONS)
async def test_choose(
    hass: HomeAssistant,
    system: System,
    charge_points: list[ConfigSubentryData],
    version: str,
) -> None:
    """A preset is a current limit; any other limit is none of them."""
    charger = await connect(system, version)
    state = system.state("select", "current_preset")
    assert state.name == "Garage Current preset"
    assert state.attributes["options"] == ["6 A", "10 A", "16 A"]
    assert state.state == "unknown"
    car = await charge(charger, system)
    await choose(system, "10 A")
    await system.clock.advance(5)
    assert car.current == 10
    assert system.number("number", "current_limit") == 10
    assert system.value("select", "current_preset") == "10 A"
    await system.set("number", "current_limit", 12)
    assert system.value("select", "current_preset") == "unknown"
    assert charger.violations == []


@pytest.mark.parametrize("charge_points", [PRESETS])
async def test_one_after_the_other(
    hass: HomeAssistant, system: System, charge_points: list[ConfigSubentryData]
) -> None:
    """One button at the bedside goes through all of them."""
    await system.connect()
    chosen = []
    for _ in range(4):
        await system.act(
            "select_next",
            domain="select",
            entity_id=system.id("select", "current_preset"),
            cycle=True,
        )
        chosen.append(system.value("select", "current_preset"))
    assert chosen == ["6 A", "10 A", "16 A", "6 A"]


@pytest.mark.parametrize("charge_points", [PRESETS])
async def test_what_may_flow(
    hass: HomeAssistant, system: System, charge_points: list[ConfigSubentryData]
) -> None:
    """Nothing above the maximum is offered."""
    await system.connect()
    await system.set("number", "maximum_current", 12, connector=0)
    state = system.state("select", "current_preset")
    assert state.attributes["options"] == ["6 A", "10 A"]


@pytest.mark.parametrize("charge_points", [PRESETS])
@pytest.mark.parametrize("version", VERSIONS)
async def test_while_the_charger_is_away(
    hass: HomeAssistant,
    system: System,
    charge_points: list[ConfigSubentryData],
    version: str,
) -> None:
    """It is kept, and carried out when the charger is back."""
    charger = await connect(system, version)
    await charger.drop()
    await until(hass, lambda: system.value("sensor", "status") == "unavailable")
    await choose(system, "6 A")
    assert system.value("select", "current_preset") == "6 A"
    told(charger)
    await charger.reboot()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    assert told(charger) == [("TxDefaultProfile", 1, [6])]


@pytest.mark.parametrize("charge_points", [PRESETS])
async def test_refused(
    hass: HomeAssistant, system: System, charge_points: list[ConfigSubentryData]
) -> None:
    """The charger's own word is told, and the preset is what it was."""
    charger = await system.connect()
    charger.answer("SetChargingProfile", {"status": "Rejected"})
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await choose(system, "6 A")
    assert system.value("select", "current_preset") == "unknown"


async def test_without_a_reload(hass: HomeAssistant, system: System) -> None:
    """Presets come and go while a car charges, and no socket is closed."""
    charger = await system.connect(connectors=2)
    assert system.find("select", "current_preset") is None
    await configure(system, current_presets=[8.5])
    for connector in (1, 2):
        state = system.state("select", "current_preset", connector)
        assert state.attributes["options"] == ["8.5 A"]
    await configure(system, current_presets=[6, 32])
    assert system.value("select", "current_preset") == "32 A"
    await configure(system, current_presets=[])
    assert system.find("select", "current_preset") is None
    await configure(system, current_presets=[10])
    assert system.value("select", "current_preset") == "unknown"
    await system.restart()
    await charger.reboot()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    assert system.state("select", "current_preset").attributes["options"] == ["10 A"]
