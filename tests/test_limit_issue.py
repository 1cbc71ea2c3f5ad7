"""What the user is told of a charger that keeps to no limit."""

from dataclasses import replace
import re

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest

from simulator import REBOOT_SECONDS

from .charging import VERSIONS, connect
from .common import TIMING, System, until

ISSUE = ("ocpp_central", "limit_not_obeyed_garage_1")


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody wait, neither for a slow charger nor for a limit to take effect."""
    monkeypatch.setattr(
        "custom_components.ocpp_central.hub.TIMING", replace(TIMING, verify=0)
    )


@pytest.mark.parametrize("version", VERSIONS)
async def test_refused_for_good(
    hass: HomeAssistant, system: System, version: str
) -> None:
    """A wish that comes to nothing later is a repair, until it is carried out."""
    issues = ir.async_get(hass).issues
    charger = await connect(system, version)
    await charger.drop()
    await until(hass, lambda: system.value("sensor", "status") == "unavailable")
    await system.set("number", "current_limit", 10)
    charger.answer("SetChargingProfile", {"status": "Rejected"})
    await charger.reboot()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    await until(hass, lambda: ISSUE in issues)
    placeholders = issues[ISSUE].translation_placeholders
    assert placeholders
    assert placeholders["name"] == "Garage"
    assert placeholders["limit"] == "10"
    assert placeholders["seen"] == "it refuses every way to limit it"
    # However many ways there are, the answers are few.
    (line,) = placeholders["ways"].splitlines()
    assert re.fullmatch(r"- \d+ ways: Rejected", line)
    charger.behave()
    await charger.reboot()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    await until(hass, lambda: ISSUE not in issues)


async def test_many_answers(hass: HomeAssistant, system: System) -> None:
    """The rare answers share a line, so that there are never more than five."""
    issues = ir.async_get(hass).issues
    charger = await system.connect()
    await charger.drop()
    await until(hass, lambda: system.value("sensor", "status") == "unavailable")
    await system.set("number", "current_limit", 10)
    charge_point = system.entry.runtime_data.central.charge_points["garage"]
    for level in range(90, 96):
        charge_point.capabilities.failed_rungs[f"idle: default absolute {level} A"] = (
            f"SetChargingProfile: Refused{level}"
        )
    charger.answer("SetChargingProfile", {"status": "Rejected"})
    await charger.reboot()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    await until(hass, lambda: ISSUE in issues)
    placeholders = issues[ISSUE].translation_placeholders
    assert placeholders
    lines = placeholders["ways"].splitlines()
    assert len(lines) == 5
    assert re.fullmatch(r"- \d+ ways: Rejected", lines[0])
    assert re.fullmatch(r"- Limit of .*: Refused\d+", lines[1])
    assert re.fullmatch(r"- \d+ ways: something else each", lines[4])


async def test_it_goes_with_the_charge_point(
    hass: HomeAssistant, system: System
) -> None:
    """Nobody is told of a charger that is gone."""
    issues = ir.async_get(hass).issues
    charger = await system.connect()
    await charger.drop()
    await until(hass, lambda: system.value("sensor", "status") == "unavailable")
    await system.set("number", "current_limit", 10)
    charger.answer("SetChargingProfile", {"status": "Rejected"})
    await charger.reboot()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    await until(hass, lambda: ISSUE in issues)
    (subentry,) = system.entry.subentries.values()
    hass.config_entries.async_remove_subentry(system.entry, subentry.subentry_id)
    await hass.async_block_till_done()
    assert ISSUE not in issues
