"""What docs/billing.md tells people to paste works as it stands there."""

from pathlib import Path
import re
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import (
    async_fire_time_changed,
    async_mock_service,
)

from .common import System, until
from .past_sessions import charge, read_csv

TEXT = (Path(__file__).parents[1] / "docs" / "billing.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def block(beginning: str) -> Any:
    """Return what is to be pasted."""
    (text,) = [text for text in BLOCKS if text.startswith(beginning)]
    return parse_yaml(text)


@pytest.fixture(autouse=True)
async def berlin(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Begin on a day in Berlin."""
    freezer.move_to("2026-03-02T12:00:00+00:00")
    await hass.config.async_set_time_zone("Europe/Berlin")


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Have automations and templates go on until the end."""
    return True


async def test_monthly_statement(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """On the first, the month before, as Berlin counts it; on other days nothing."""
    raw = await system.dial()
    for time in (
        "2026-03-02T13:00:00Z",
        "2026-03-31T21:59:00Z",
        "2026-03-31T22:00:00Z",
    ):
        await charge(raw, freezer, time, time)
    mails = async_mock_service(hass, "smtp", "send_message")
    automation = {"automation": block("alias: Last month")}
    assert await async_setup_component(hass, "automation", automation)
    await hass.async_block_till_done()
    for day in (1, 2):
        freezer.move_to(f"2026-04-0{day}T04:00:00Z")
        async_fire_time_changed(hass, dt_util.utcnow())
        await until(hass, lambda: len(mails) == 1)
        await hass.async_block_till_done()
    (mail,) = mails
    assert mail.data["title"] == "Charging in 2026-03"
    link = re.fullmatch(
        r"2 charging sessions: https://home.example.com/api/.*/exports/(.*)\?authSig=.*",
        mail.data["message"],
    )
    assert link
    assert link[1].startswith("statement_2026-03-01_2026-04-01_")
    _, rows = read_csv(hass.config.path("ocpp_central", "exports", link[1]))
    assert [(row["Month"], row["Sessions"]) for row in rows] == [("2026-03", "2")]


async def test_sensor(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """What a card has cost this month."""
    options = {"price": 0.5}
    hass.config_entries.async_update_entry(system.entry, options=options)
    await hass.async_block_till_done()
    raw = await system.dial()
    time = "2026-03-02T13:00:00Z"
    await charge(raw, freezer, time, time, token="04a2b3c4d5e6f7", energy=3000)
    assert await async_setup_component(hass, "template", block("template:"))
    await hass.async_block_till_done()
    freezer.move_to("2026-03-02T13:15:00Z")
    async_fire_time_changed(hass, dt_util.utcnow())
    name = "sensor.company_car_this_month"
    await until(
        hass,
        lambda: bool((s := hass.states.get(name)) and s.attributes.get("sessions")),
    )
    state = hass.states.get(name)
    assert state
    assert float(state.state) == 1.5
    assert state.attributes["energy"] == 3


async def test_one_session(hass: HomeAssistant, system: System) -> None:
    """The example has what the answer has."""
    await (await system.dial()).start()
    answer = await hass.services.async_call(
        "ocpp_central", "get_sessions", {}, blocking=True, return_response=True
    )
    assert answer
    (session,) = answer["sessions"]
    assert list(session) == list(block("id: "))
