"""What the user sees of a charger that somebody else limits."""

from dataclasses import replace

from homeassistant.core import HomeAssistant
import pytest

from simulator.quirks import Quirks

from .charging import charge, connect
from .common import TIMING, System, until
from .csms.common2 import both_versions


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody wait, neither for a slow charger nor for a limit to take effect."""
    timing = replace(TIMING, settle=0, verify=0)
    monkeypatch.setattr("custom_components.ocpp_central.hub.TIMING", timing)


@both_versions
async def test_left_behind(hass: HomeAssistant, system: System, version: str) -> None:
    """A profile that another central system has left: that it throttles, and which."""
    charger = await connect(system, version, quirks=Quirks(leftover=9))
    car = await charge(charger, system)
    await system.set("number", "current_limit", 20)
    await until(
        hass,
        lambda: (
            {"throttled", "foreign_profiles"}
            <= system.state("sensor", "effective_limit").attributes.keys()
        ),
    )
    state = system.state("sensor", "effective_limit")
    assert float(state.state) == car.current == 9
    assert state.attributes["throttled"] is True
    (found,) = state.attributes["foreign_profiles"]
    assert (found["purpose"], found["limit"]) == ("TxDefaultProfile", 9)
    assert charger.violations == []
