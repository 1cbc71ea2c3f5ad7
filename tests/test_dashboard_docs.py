"""What docs/dashboard.md tells people to paste works as it stands there."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.template import Template
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from demo import guide

from .common import System, until
from .past_sessions import charge

_TABLE = "sensor.charging_sessions"
_RELOADED = "event_template_reloaded"


@pytest.fixture(autouse=True)
async def berlin(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Begin on the last day of a year in Berlin."""
    freezer.move_to("2026-12-31T12:00:00+00:00")
    await hass.config.async_set_time_zone("Europe/Berlin")


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Have templates go on until the end."""
    return True


async def _table(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> State:
    """Paste the sensor after a session in each of two years, and return its state."""
    hass.config_entries.async_update_entry(system.entry, options={"price": 0.5})
    await hass.async_block_till_done()
    raw = await system.dial()
    # The second is one of the new year in Berlin already.
    for start, end, energy in (
        ("2026-12-31T20:00:00Z", "2026-12-31T21:30:00Z", 3000),
        ("2026-12-31T23:10:00Z", "2027-01-01T00:10:00Z", 5000),
    ):
        await charge(raw, freezer, start, end, token="04A2B3C4D5E6F7", energy=energy)
    config = parse_yaml(guide.configuration("template"))
    assert await async_setup_component(hass, "template", config)
    await hass.async_block_till_done()
    freezer.move_to("2027-01-02T13:05:00Z")
    async_fire_time_changed(hass, dt_util.utcnow())
    await until(hass, lambda: bool((s := hass.states.get(_TABLE)) and s.state == "2"))
    state = hass.states.get(_TABLE)
    assert state
    return state


async def test_sensor(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """Sessions, and what the months came to, also those of the year before."""
    state = await _table(hass, system, freezer)
    newest, oldest = state.attributes["sessions"]
    assert newest == {
        "started": "2027-01-01T00:10:00+01:00",
        "charger": "Garage",
        "user": "…E6F7",
        "seconds": 3600,
        "energy": 5,
        "cost": 2.5,
        "currency": "EUR",
        "open": False,
    }
    assert oldest["energy"] == 3
    assert state.attributes["months"] == [
        {"month": "2027-01", "sessions": 1, "energy": 5, "cost": {"EUR": 2.5}},
        {"month": "2026-12", "sessions": 1, "energy": 3, "cost": {"EUR": 1.5}},
        {"month": "2026-11", "sessions": 0, "energy": 0, "cost": {}},
        {"month": "2026-10", "sessions": 0, "energy": 0, "cost": {}},
    ]


async def test_triggers_at_once(
    hass: HomeAssistant,
    system: System,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is asked while an answer is on its way leaves the table as it is."""
    await _table(hass, system, freezer)
    for _ in range(3):
        hass.bus.async_fire(_RELOADED)
    await hass.async_block_till_done()
    state = hass.states.get(_TABLE)
    assert state
    assert (state.state, len(state.attributes["sessions"])) == ("2", 2)
    assert "Already running" in caplog.text
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


async def test_cards(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """Each session and each month is a line of a table; one that goes on says so."""
    await _table(hass, system, freezer)
    raw = await system.dial()
    await raw.start(token="04A2B3C4D5E6F7")
    hass.bus.async_fire(_RELOADED)
    await until(hass, lambda: hass.states.is_state(_TABLE, "3"))
    months, sessions = (
        Template(card["content"], hass).async_render().splitlines()
        for section in guide.view()["sections"]
        for card in section["cards"]
        if card["type"] == "markdown"
    )
    assert [line for line in months[2:] if line] == [
        "| 2027-01 | 2| 5.0 kWh | 2.50 EUR |",
        "| 2026-12 | 1| 3.0 kWh | 1.50 EUR |",
        "| 2026-11 | 0| 0.0 kWh | – |",
        "| 2026-10 | 0| 0.0 kWh | – |",
    ]
    assert [line for line in sessions[2:] if line] == [
        "| 02 Jan 14:05| Garage| …E6F7| now | | |",
        "| 01 Jan 00:10| Garage| …E6F7| 1:00| 5.00| 2.50 EUR |",
        "| 31 Dec 21:00| Garage| …E6F7| 1:30| 3.00| 1.50 EUR |",
    ]
