"""Who may charge, in Home Assistant: modes, cards, people, and what is said of them."""

import asyncio
from pathlib import Path
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentry, ConfigSubentryData
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
import pytest

from custom_components.ocpp_central.token_form import token_unique_id
from simulator import Charger

from .common import System, charge_point
from .csms.common import stamp, start, stop

ANNA, BEN, LOST, GUEST = "04A1B2C3D4E5F6", "04B1B2C3D4E5F7", "LOST01", "GUEST1"


def card(token: str, name: str, status: str = "accepted", **more: Any) -> Any:
    """Return a card as the user would have added it."""
    return ConfigSubentryData(
        data={"token": token, "name": name, "status": status, **more},
        subentry_type="id_token",
        title=name,
        unique_id=token_unique_id(token),
    )


@pytest.fixture
def charge_points() -> list[ConfigSubentryData]:
    """Return what the user has added."""
    return [
        charge_point(),
        charge_point("STREET", "Street"),
        card(ANNA, "Anna's card", person="person.anna", group="FAMILY"),
        card(BEN, "Ben's card", group="FAMILY"),
        card(LOST, "Lost card", "blocked"),
        card(GUEST, "Guest", expiry_date="2020-01-01"),
    ]


async def choose(system: System, mode: str) -> None:
    """Choose who may charge."""
    await system.act(
        "select_option",
        domain="select",
        entity_id=system.id("select", "access_mode", 0),
        option=mode,
    )


async def plug_in(system: System, charger: Charger) -> None:
    """Have a car come."""
    charger.connector(1).plug_in()
    await system.rest()


def scans(system: System) -> list[tuple[str, str | None, str]]:
    """Return the list that scanned cards will be added to."""
    seen: list[tuple[str, str | None, str]] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        assert state is not None
        attributes = state.attributes
        seen.append(
            (attributes["event_type"], attributes.get("name"), attributes["id_token"])
        )

    async_track_state_change_event(system.hass, system.id("event", "id_token", 0), note)
    return seen


# --- Modes -----------------------------------------------------------------------------


async def test_any_card(system: System) -> None:
    """That is how it begins: a card is needed, whichever."""
    assert system.value("select", "access_mode", 0) == "any_token"
    charger = await system.connect()
    await plug_in(system, charger)
    assert system.value("switch", "charging") == "off"
    assert await charger.swipe("WHATEVER") == "Accepted"
    await system.rest()
    assert system.value("switch", "charging") == "on"
    assert charger.violations == []


async def test_known_cards(system: System) -> None:
    """Others are refused, before and after a restart."""
    await choose(system, "known_tokens")
    await system.restart()
    assert system.value("select", "access_mode", 0) == "known_tokens"
    charger = await system.connect()
    seen = scans(system)
    await plug_in(system, charger)
    assert await charger.swipe("WHATEVER") == "Invalid"
    assert await charger.swipe(LOST) == "Blocked"
    assert await charger.swipe(GUEST) == "Expired"
    assert await charger.swipe(ANNA.lower()) == "Accepted"
    await system.rest()
    assert system.value("switch", "charging") == "on"
    assert seen == [
        ("unknown", None, "…EVER"),
        ("blocked", "Lost card", "…ST01"),
        ("expired", "Guest", "…EST1"),
        ("accepted", "Anna's card", "…e5f6"),
    ]
    # Of the same family.
    assert await charger.swipe(BEN) == "Accepted"
    await system.rest()
    assert system.value("switch", "charging") == "off"
    assert charger.violations == []


async def test_plug_and_charge(system: System) -> None:
    """A car is started when it comes; off pauses it, on lets it go on."""
    await choose(system, "plug_and_charge")
    charger = await system.connect()
    car = charger.connector(1).plug_in()
    await charger.wait_for(lambda: charger.connector(1).status == "Charging")
    await system.rest()
    assert system.value("switch", "charging") == "on"
    await system.set("switch", "charging", False)
    await system.clock.advance(5)
    assert car.current == 0
    assert system.value("switch", "charging") == "off"
    assert charger.connector(1).transaction
    await system.set("button", "toggle_charging")
    await system.clock.advance(5)
    assert car.current > 0
    assert system.value("switch", "charging") == "on"
    assert charger.violations == []


async def test_paused_before_the_car_comes(system: System) -> None:
    """It waits, and is started once when charging is switched on."""
    await choose(system, "plug_and_charge")
    charger = await system.connect()
    await system.set("switch", "paused", True)
    await plug_in(system, charger)
    assert charger.connector(1).status == "Preparing"
    await system.set("switch", "charging", True)
    await charger.wait_for(lambda: charger.connector(1).status == "Charging")
    await system.rest()
    starts = [name for name, _ in charger.requests if name == "RemoteStartTransaction"]
    assert len(starts) == 1
    assert system.value("switch", "paused") == "off"


async def test_plugged_in_while_home_assistant_was_down(system: System) -> None:
    """The car is started when it is up again."""
    await choose(system, "plug_and_charge")
    charger = await system.connect()
    entries = system.hass.config_entries
    assert await entries.async_unload(system.entry.entry_id)
    charger.connector(1).plug_in()
    await system.set_up()
    await charger.reconnect()
    await charger.wait_for(lambda: charger.connector(1).status == "Charging")
    await system.rest()
    assert system.value("switch", "charging") == "on"


async def test_stopped_by_an_action(system: System) -> None:
    """It stays stopped, over a restart as well, until the car has left."""
    await choose(system, "plug_and_charge")
    raw = await system.dial()

    async def bring_up() -> None:
        await raw.boot(
            {"connectorId": 1, "status": "Preparing", "errorCode": "NoError"}
        )

    await bring_up()
    await raw.called("RemoteStartTransaction")
    number = await raw.start(token="HOMEASSISTANT")
    await system.act("stop_transaction")
    await raw.called("RemoteStopTransaction")
    await raw.call("StopTransaction", stop(number, reason="Remote"))
    await system.hass.async_block_till_done()
    await system.restart()
    raw = await system.dial()
    await bring_up()
    await system.rest()
    task = asyncio.create_task(raw.called("RemoteStartTransaction"))
    await raw.alive()
    assert not task.done()
    for word in ("Available", "Preparing"):
        await raw.call(
            "StatusNotification",
            {"connectorId": 1, "status": word, "errorCode": "NoError"},
        )
    assert (await task).payload == {"connectorId": 1, "idTag": "HOMEASSISTANT"}


# --- One session per card --------------------------------------------------------------


async def test_one_session_per_card(system: System) -> None:
    """The option counts at once."""
    hass = system.hass
    raw, street = await system.dial(), await system.dial("STREET")
    await raw.start(token=ANNA)

    async def elsewhere() -> str:
        answer = await street.call("Authorize", {"idTag": ANNA})
        return str(answer["idTagInfo"]["status"])

    for wanted, status in ((True, "ConcurrentTx"), (False, "Accepted")):
        page = await hass.config_entries.options.async_init(system.entry.entry_id)
        await hass.config_entries.options.async_configure(
            page["flow_id"],
            {"remote_tag": "HOMEASSISTANT", "one_session_each": wanted},
        )
        await hass.async_block_till_done()
        assert await elsewhere() == status


# --- Whose session ---------------------------------------------------------------------


@pytest.mark.usefixtures("all_enabled")
async def test_whose_session(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """By the person's name, or else the card's: in sensors, answers and statements."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    assert await async_setup_component(
        hass, "person", {"person": [{"id": "anna", "name": "Anna"}]}
    )
    await hass.async_block_till_done()
    freezer.move_to("2026-03-02T12:00:00+00:00")
    raw = await system.dial()
    for token, user, meter in (
        (ANNA.lower(), "Anna", 3000),
        (BEN, "Ben's card", 1500),
        (f"{ANNA}_KEBA1", "Anna", 2000),
    ):
        answer = await raw.call("StartTransaction", start(token=token))
        await hass.async_block_till_done()
        assert system.value("sensor", "session_user") == user
        freezer.tick(60)
        end = stop(answer["transactionId"], meter, time=stamp())
        await raw.call("StopTransaction", end)
        freezer.tick(60)

    async def energy(**which: str) -> list[float]:
        answer = await hass.services.async_call(
            "ocpp_central", "get_sessions", which, blocking=True, return_response=True
        )
        assert answer
        sessions: Any = answer["sessions"]
        return [session["energy_kwh"] for session in sessions]

    assert await energy(user="anna") == [1.0, 2.0]
    assert await energy(user="Ben's card") == [0.5]
    answer = await hass.services.async_call(
        "ocpp_central",
        "export_sessions",
        {"kind": "statement", "group_by": "user"},
        blocking=True,
        return_response=True,
    )
    assert answer
    path = Path(str(answer["path"]))
    text = await hass.async_add_executor_job(path.read_text, "utf-8-sig")
    lines = [line for line in text.splitlines() if "2026-03" in line]
    assert len(lines) == 2
    assert ["Anna" in line for line in lines] == [True, False]
    assert "Ben's card" in lines[1]


@pytest.mark.usefixtures("all_enabled")
async def test_person_with_another_name(hass: HomeAssistant, system: System) -> None:
    """It counts from the next session on."""
    raw = await system.dial()
    for known_as, user in (
        (None, "Anna's card"),
        ("Anna", "Anna"),
        ("Anna Karenina", "Anna Karenina"),
    ):
        if known_as:
            hass.states.async_set("person.anna", "home", {"friendly_name": known_as})
            await hass.async_block_till_done()
        number = await raw.start(token=ANNA)
        await hass.async_block_till_done()
        assert system.value("sensor", "session_user") == user
        await raw.call("StopTransaction", stop(number))


@pytest.mark.usefixtures("all_enabled")
async def test_person_not_set_up_yet(hass: HomeAssistant, system: System) -> None:
    """While Home Assistant starts, a person goes by what is known from before."""
    er.async_get(hass).async_get_or_create(
        "person", "person", "anna", suggested_object_id="anna", original_name="Anna"
    )
    await system.restart()
    raw = await system.dial()
    await raw.start(token=ANNA)
    await hass.async_block_till_done()
    assert system.value("sensor", "session_user") == "Anna"


async def test_added_before_the_start_is_repeated(
    hass: HomeAssistant, system: System
) -> None:
    """The charger never heard that the card was unknown: it counts as it is now."""
    await choose(system, "known_tokens")
    raw = await system.dial()
    began = start(token="NEW")
    answer = await raw.call("StartTransaction", began)
    assert answer["idTagInfo"] == {"status": "Invalid"}
    subentry = card("NEW", "New card")
    hass.config_entries.async_add_subentry(
        system.entry,
        ConfigSubentry(**{**subentry, "data": MappingProxyType(subentry["data"])}),
    )
    await hass.async_block_till_done()
    again = await raw.call("StartTransaction", began)
    assert again == {**answer, "idTagInfo": {"status": "Accepted"}}
    await hass.async_block_till_done()
    found = await hass.services.async_call(
        "ocpp_central",
        "get_sessions",
        {"user": "new card"},
        blocking=True,
        return_response=True,
    )
    assert found
    sessions: Any = found["sessions"]
    assert [session["id"] for session in sessions] == [answer["transactionId"]]


# --- What the charger decides ----------------------------------------------------------


OFFLINE = {
    "local_authorize_offline": ("LocalAuthorizeOffline", True),
    "local_pre_authorize": ("LocalPreAuthorize", False),
    "allow_offline_unknown": ("AllowOfflineTxForUnknownId", False),
}


@pytest.mark.usefixtures("all_enabled")
@pytest.mark.parametrize("key", list(OFFLINE))
async def test_offline_switch(hass: HomeAssistant, system: System, key: str) -> None:
    """It shows and changes the charger's setting."""
    name, before = OFFLINE[key]
    assert system.find("switch", key, 0) is None
    charger = await system.connect()
    assert system.value("switch", key, 0) == ("on" if before else "off")
    await system.set("switch", key, not before, connector=0)
    await system.rest()
    assert charger.configuration.truth(name) is not before
    assert system.value("switch", key, 0) == ("off" if before else "on")
    charger.answer("ChangeConfiguration", {"status": "Rejected"}, times=1)
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await system.set("switch", key, before, connector=0)
    assert system.value("switch", key, 0) == ("off" if before else "on")

    # After a restart it is there before the charger is.
    await charger.drop()
    await system.restart()
    assert system.value("switch", key, 0) == ("off" if before else "on")
    await system.set("switch", key, before, connector=0)
    await system.restart()
    assert system.value("switch", key, 0) == ("on" if before else "off")
    charger.requests.clear()
    await charger.reconnect()
    await charger.reboot()
    await system.clock.advance(60)
    await system.rest()
    assert charger.configuration.truth(name) is before
    assert charger.violations == []


@pytest.mark.usefixtures("all_enabled")
async def test_without_these_settings(system: System) -> None:
    """A charger that has none of the keys gets no switch."""
    names = {name: None for name, _ in OFFLINE.values()}
    await system.connect(config=names)
    assert not any(system.find("switch", key, 0) for key in OFFLINE)


@pytest.mark.usefixtures("all_enabled")
async def test_either_is_asked_first(system: System) -> None:
    """Home Assistant or the charger: choosing one ends the other."""
    charger = await system.connect(config={"LocalPreAuthorize": "true"})
    assert system.value("switch", "local_pre_authorize", 0) == "on"
    await choose(system, "plug_and_charge")
    await system.rest()
    assert system.value("switch", "local_pre_authorize", 0) == "off"
    assert not charger.configuration.truth("LocalPreAuthorize")
    await system.set("switch", "local_pre_authorize", True, connector=0)
    await system.rest()
    assert charger.configuration.truth("LocalPreAuthorize")
    assert system.value("select", "access_mode", 0) == "any_token"
    charger.answer("ChangeConfiguration", {"status": "Rejected"})
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await choose(system, "known_tokens")
    assert system.value("select", "access_mode", 0) == "known_tokens"
    assert system.value("switch", "local_pre_authorize", 0) == "on"


@pytest.mark.usefixtures("all_enabled")
async def test_offline(system: System) -> None:
    """On its own, the charger lets in a card it knows, and the session is told later."""
    await choose(system, "known_tokens")
    charger = await system.connect()
    await plug_in(system, charger)
    assert await charger.swipe(ANNA) == "Accepted"
    await system.rest()
    charger.connector(1).unplug()
    await system.rest()
    await charger.drop()
    charger.connector(1).plug_in()
    assert await charger.swipe(ANNA) == "Accepted"
    assert await charger.swipe("WHATEVER") == "Invalid"
    await charger.reconnect()
    await system.rest()
    assert system.value("switch", "charging") == "on"
    assert charger.violations == []
