"""What the energy dashboard shows of what chargers of OCPP 2.x tell afterwards."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from tests.common import System
from tests.csms.common2 import VERSIONS

from .common import at, charging
from .common2 import Household2
from .test_replay import NIGHT, left, lose, near


@pytest.fixture(params=VERSIONS)
async def household(
    request: pytest.FixtureRequest,
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    system: System,
) -> Household2:
    """Return a household whose recorder makes statistics."""
    await hass.config.async_set_time_zone("UTC")
    assert await async_setup_component(hass, "sensor", {})
    return Household2(system, freezer, version=request.param)


async def test_offline_queue(household: Household2) -> None:
    """What is told afterwards is shown when it was charged."""
    await lose(household)
    assert await household.changes() == near({"21:00": 11, "22:00": 11 / 3})
    await household.connect()
    await household.replay("22:25", "02:00")
    await household.settle()
    # Sensors of the moment show nothing of the past.
    assert await household.states("power", "02:10") == ["unknown"]
    await household.go("03:45")
    await household.end()
    await household.go("04:00")

    expected = household.by_hour("21:00", "04:00")
    assert await household.changes() == near(expected)
    rows = await household.rows()
    assert [row[0] for row in rows] == [*expected]
    assert rows[-1][2] == pytest.approx(household.charged("21:00", "04:00"))
    assert not await left(household)
    of_sessions = await household.changes("ocpp_central:garage_energy")
    assert sum(of_sessions.values()) == pytest.approx(sum(expected.values()))


async def test_only_start_and_end(household: Household2) -> None:
    """Without readings in between, energy flowed evenly."""
    household.register = charging(("23:10", "01:40", 7_000))
    await household.connect()
    await household.go("22:20")
    await household.disconnect()
    await household.go("02:10")
    await household.connect()
    await household.begin(time=at("23:10"))
    await household.end(time=at("01:40"))
    await household.go("04:00")
    assert await household.changes() == near(household.by_hour("21:00", "04:00"))
    assert not await left(household)


async def test_the_whole_session_in_the_queue(household: Household2) -> None:
    """Start, readings and end are all told afterwards."""
    household.register = NIGHT
    await household.connect()
    await household.tell()
    await household.go("22:20")
    await household.disconnect()
    await household.go("04:10")
    await household.connect()
    await household.begin(time=at("22:25"))
    await household.replay("22:30", "03:40")
    await household.end(time=at("03:45"))
    await household.go("06:00")
    assert await household.changes() == near(household.by_hour("21:00", "06:00"))
    assert not await left(household)
