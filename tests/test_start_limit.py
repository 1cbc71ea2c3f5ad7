"""Starting with a limit, and one button to start and stop, in each version."""

from homeassistant.core import HomeAssistant
import pytest

from simulator import Car

from .charging import VERSIONS, connect, told
from .common import System

STARTS = ("RemoteStartTransaction", "RequestStartTransaction")


@pytest.mark.parametrize("version", VERSIONS)
async def test_start_with_a_limit(
    hass: HomeAssistant, system: System, version: str
) -> None:
    """The limit is not in the request, which many refuse then; it follows the start."""
    charger = await connect(system, version)
    car = charger.connector(1).plug_in(Car(max_current=32, ramp=1000))
    await system.rest()
    await system.act("start_transaction", current=8)
    await system.clock.advance(5)
    await system.rest()
    await system.clock.advance(5)
    assert car.current == 8
    (request,) = [payload for name, payload in charger.requests if name in STARTS]
    assert "chargingProfile" not in request
    assert told(charger)[-1] == ("TxProfile", 1, [8])
    assert charger.violations == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_toggle(hass: HomeAssistant, system: System, version: str) -> None:
    """It ends a session; where a car needs no card it pauses it, and lets it go on."""
    charger = await connect(system, version)
    car = charger.connector(1).plug_in(Car(max_current=32, ramp=1000))
    await system.rest()
    currents = []
    for mode in ("any_token", "plug_and_charge"):
        await system.set("select", "access_mode", mode, connector=0)
        for _ in range(3):
            await system.set("button", "toggle_charging")
            await system.rest()
            await system.clock.advance(5)
            await system.rest()
            currents.append(car.current)
        if mode == "any_token":
            assert system.value("switch", "paused") == "off"
    assert currents[:3] == [32, 0, 32]
    # The session that runs is paused, goes on, and is paused again.
    assert currents[3:] == [0, 32, 0]
    assert system.value("switch", "paused") == "on"
    assert charger.violations == []
