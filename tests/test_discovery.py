"""Chargers that dial in and that nobody has added."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from aiohttp import WSServerHandshakeError, encode_basic_auth
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_INTEGRATION_DISCOVERY,
    SOURCE_USER,
    ConfigEntryState,
    ConfigSubentryData,
)
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData, UnknownFlow
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ocpp_central.const import DOMAIN

from .common import TIMING, System, until
from .csms.common import Charger, Refused

type Card = Mapping[str, Any]

ADDED = {"name": "Carport", "phases": "1", "installation_current": 20}


@pytest.fixture
def charge_points() -> list[ConfigSubentryData]:
    """Return the charge points that the user has added."""
    return []


def cards(hass: HomeAssistant) -> list[Card]:
    """Return the cards that are up."""
    return hass.config_entries.flow.async_progress_by_handler(DOMAIN)


def title(card: Card) -> str:
    """Return what a card is headed by."""
    name: str = card["context"]["title_placeholders"]["name"]
    return name


async def open_card(hass: HomeAssistant, card: Card) -> Any:
    """Press Add on a card."""
    return await hass.config_entries.flow.async_configure(card["flow_id"])


async def submit(hass: HomeAssistant, card: Card, data: Any = None) -> Any:
    """Submit the form behind a card."""
    return await hass.config_entries.flow.async_configure(
        card["flow_id"], data or ADDED
    )


async def dial_in(system: System, identity: str = "CARPORT", **boot: Any) -> Charger:
    """Be a charger that nobody has added."""
    charger = await system.dial(identity)
    assert (await charger.boot(**boot))["status"] == "Pending"
    await system.hass.async_block_till_done()
    return charger


async def dialled_out(charger: Charger) -> None:
    """Wait until the charger's socket is closed."""
    await charger.closed.wait()
    assert charger.close_code == 1001


# --- The card --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("boot", "expected", "name"),
    [
        ({}, "Vendor Model (serial S1, CARPORT)", "Vendor Model"),
        (
            {"chargePointVendor": "go-e", "chargePointModel": "go-eCharger"},
            "go-eCharger (serial S1, CARPORT)",
            "go-eCharger",
        ),
        (
            {"chargePointSerialNumber": "CARPORT"},
            "Vendor Model (CARPORT)",
            "Vendor Model",
        ),
        (
            {"chargePointSerialNumber": "", "chargePointModel": ""},
            "Vendor (CARPORT)",
            "Vendor",
        ),
        ({"chargePointVendor": "", "chargePointModel": " "}, "CARPORT", "CARPORT"),
    ],
)
async def test_what_the_card_says(
    system: System, boot: dict[str, str], expected: str, name: str
) -> None:
    """Vendor, model, serial number and identity, as far as the charger tells."""
    await dial_in(system, **boot)
    [card] = cards(system.hass)
    assert card["context"]["source"] == SOURCE_INTEGRATION_DISCOVERY
    assert title(card) == expected
    page = await open_card(system.hass, card)
    assert page["step_id"] == "confirm"
    assert page["description_placeholders"]["identity"] == "CARPORT"
    suggested = {
        str(key): key.description["suggested_value"]
        for key in page["data_schema"].schema
        if key.description
    }
    assert suggested == {"name": name}


async def test_add(system: System) -> None:
    """A charger becomes a charge point on the connection that it has."""
    hass = system.hass
    charger = await dial_in(system)
    [card] = cards(hass)
    page = await submit(hass, card, ADDED | {"password": "short"})
    assert page["errors"] == {"password": "invalid_password"}
    result = await submit(hass, card)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "charge_point_added"
    assert result["description_placeholders"] == {"name": "Carport"}
    await hass.async_block_till_done()

    [subentry] = system.entry.subentries.values()
    assert subentry.subentry_type == "charge_point"
    assert subentry.unique_id == "charge_point:carport"
    assert subentry.title == "Carport"
    assert subentry.data == {
        "identity": "CARPORT",
        "name": "Carport",
        "phases": 1,
        "installation_current": 20,
        "nominal_voltage": 230,
        "meter_interval": 30,
        "keep_alive": True,
        "sync_local_list": False,
        "version": "automatic",
        "current_presets": [],
        "direct_current": False,
        "phase_switching": False,
        "limit_way": "automatic",
    }
    assert cards(hass) == []
    assert system.value("binary_sensor", "connected", 0, identity="CARPORT") == "on"
    call = await charger.called("TriggerMessage")
    assert call.payload == {"requestedMessage": "BootNotification"}
    assert (await charger.boot())["status"] == "Accepted"
    await charger.call(
        "StatusNotification",
        {"connectorId": 1, "status": "Available", "errorCode": "NoError"},
    )
    await hass.async_block_till_done()
    assert system.value("sensor", "status", identity="CARPORT") == "available"


async def test_what_it_said_is_kept(system: System) -> None:
    """What a charger said before it was added is known after a restart."""
    hass = system.hass
    await dial_in(system)
    [card] = cards(hass)
    await submit(hass, card)
    await hass.async_block_till_done()
    registry = dr.async_get(hass)
    for _ in range(2):
        device = registry.async_get(system.device(identity="CARPORT"))
        assert isinstance(device, dr.DeviceEntry)
        assert device.manufacturer == "Vendor"
        assert device.serial_number == "S1"
        await system.restart()


async def test_while_home_assistant_starts(system: System) -> None:
    """A charger that is earlier than Home Assistant gets its card all the same."""
    hass = system.hass
    hass.set_state(CoreState.starting)
    await dial_in(system)
    await dial_in(system)
    assert cards(hass) == []
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    assert len(cards(hass)) == 1


async def test_simulated_charger(system: System) -> None:
    """The second implementation of OCPP goes the same way, and charges."""
    hass = system.hass
    charger = system.charger("CARPORT", vendor="Sim", model="One", serial="7")
    await charger.start(wait=False)
    await until(hass, lambda: bool(cards(hass)))
    [card] = cards(hass)
    assert title(card) == "Sim One (serial 7, CARPORT)"
    await submit(hass, card)
    await charger.connected()
    await system.rest()
    assert system.value("sensor", "status", identity="CARPORT") == "available"
    assert not charger.violations


async def test_that_never_boots(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A charger that does not say who it is is offered by its identity."""
    hass = system.hass
    monkeypatch.setattr(
        "custom_components.ocpp_central.hub.TIMING", replace(TIMING, no_boot=0.01)
    )
    await system.restart()
    charger = await system.dial("CARPORT")
    await until(hass, lambda: bool(cards(hass)))
    [card] = cards(hass)
    assert title(card) == "CARPORT"
    page = await open_card(hass, card)
    assert page["description_placeholders"] == {
        "identity": "CARPORT",
        "vendor": "–",
        "model": "–",
        "serial": "–",
        "version": "1.6",
    }

    # It is one card when it does say so, and the card says so as well.
    await charger.boot()
    await hass.async_block_till_done()
    [card] = cards(hass)
    assert title(card) == "Vendor Model (serial S1, CARPORT)"
    page = await open_card(hass, card)
    assert page["description_placeholders"]["serial"] == "S1"
    await submit(hass, card)
    assert len(system.entry.subentries) == 1


async def test_that_reconnects(system: System) -> None:
    """A charger that comes and goes has one card, which waits for the user."""
    hass = system.hass
    charger = await dial_in(system)
    [card] = cards(hass)
    await charger.close()
    await hass.async_block_till_done()
    assert cards(hass) == [card]
    await dial_in(system)
    await dial_in(system, "carport", firmwareVersion="2.0")
    assert len(cards(hass)) == 1
    assert cards(hass)[0]["flow_id"] == card["flow_id"]


async def test_that_has_gone(system: System) -> None:
    """A charger can be added while it is away, and is known when it is back."""
    hass = system.hass
    charger = await dial_in(system)
    await charger.close()
    [card] = cards(hass)
    await submit(hass, card)
    await hass.async_block_till_done()
    assert system.value("binary_sensor", "connected", 0, identity="CARPORT") == "off"
    charger = await system.dial("CARPORT")
    assert (await charger.boot())["status"] == "Accepted"


async def test_two_cards(system: System) -> None:
    """Two cards, both open, become two charge points."""
    hass = system.hass
    for identity in ("ONE", "TWO"):
        await dial_in(system, identity)
    first, second = cards(hass)
    await open_card(hass, first)
    await open_card(hass, second)
    for card in (first, second):
        result = await submit(hass, card, ADDED | {"name": title(card)})
        assert result["reason"] == "charge_point_added"
    await hass.async_block_till_done()
    assert {subentry.unique_id for subentry in system.entry.subentries.values()} == {
        "charge_point:one",
        "charge_point:two",
    }
    for identity in ("ONE", "TWO"):
        assert system.value("binary_sensor", "connected", 0, identity=identity) == "on"


async def test_many_strangers(system: System) -> None:
    """A stranger that makes up identities fills neither the page nor the memory."""
    hass = system.hass
    for number in range(25):
        charger = await dial_in(system, f"STRANGER{number}")
        await charger.close()
        await hass.async_block_till_done()
    assert len(cards(hass)) == 20
    # Who is offered already is still heard.
    await dial_in(system, "STRANGER0", chargePointModel="Better")
    assert "Vendor Better (serial S1, STRANGER0)" in map(title, cards(hass))


# --- Its end ---------------------------------------------------------------------------


async def test_added_by_hand(system: System) -> None:
    """The card goes when its charge point is added another way, in any case."""
    hass = system.hass
    charger = await dial_in(system)
    await dial_in(system, "OTHER")
    flows = hass.config_entries.subentries
    page = await flows.async_init(
        (system.entry.entry_id, "charge_point"), context={"source": SOURCE_USER}
    )
    page = await flows.async_configure(page["flow_id"], {"next_step_id": "manual"})
    await flows.async_configure(
        page["flow_id"], {"identity": "carport", "advanced": {}, **ADDED}
    )
    await hass.async_block_till_done()
    assert [title(card) for card in cards(hass)] == ["Vendor Model (serial S1, OTHER)"]
    await charger.called("TriggerMessage")
    assert system.value("binary_sensor", "connected", 0, identity="carport") == "on"


async def test_ignore(system: System) -> None:
    """An ignored charger is hung up on, refused, and let in once it is not ignored."""
    hass = system.hass
    charger = await dial_in(system)
    other = await dial_in(system, "OTHER")
    card = next(card for card in cards(hass) if "CARPORT" in title(card))
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": card["context"]["unique_id"], "title": title(card)},
    )
    await dialled_out(charger)
    await hass.async_block_till_done()
    assert [title(card) for card in cards(hass)] == ["Vendor Model (serial S1, OTHER)"]
    await other.alive()
    for identity in ("CARPORT", "carport"):
        with pytest.raises(WSServerHandshakeError) as refused:
            await system.dial(identity)
        assert refused.value.status == HTTPStatus.FORBIDDEN

    # Not after a restart either.
    await system.restart()
    with pytest.raises(WSServerHandshakeError):
        await system.dial("CARPORT")

    [ignored] = [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.source == SOURCE_IGNORE
    ]
    await hass.config_entries.async_remove(ignored.entry_id)
    await dial_in(system)
    assert "Vendor Model (serial S1, CARPORT)" in map(title, cards(hass))


async def test_ignored_and_added_by_hand(system: System) -> None:
    """Whoever adds an ignored charger wants it."""
    hass = system.hass
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": "charge_point:carport", "title": "Carport"},
    )
    flows = hass.config_entries.subentries
    page = await flows.async_init(
        (system.entry.entry_id, "charge_point"), context={"source": SOURCE_USER}
    )
    page = await flows.async_configure(page["flow_id"], {"next_step_id": "manual"})
    await flows.async_configure(
        page["flow_id"], {"identity": "CARPORT", "advanced": {}, **ADDED}
    )
    await hass.async_block_till_done()
    charger = await system.dial("CARPORT")
    assert (await charger.boot())["status"] == "Accepted"


async def test_unload_and_reload(system: System) -> None:
    """Cards go with the central system, and come back with it and the chargers."""
    hass = system.hass
    charger = await dial_in(system)
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    await dialled_out(charger)
    assert cards(hass) == []
    await system.set_up()
    await dial_in(system)
    assert len(cards(hass)) == 1


async def test_central_system_removed(system: System) -> None:
    """Cards go with the config entry."""
    hass = system.hass
    charger = await dial_in(system)
    await hass.config_entries.async_remove(system.entry.entry_id)
    await dialled_out(charger)
    assert cards(hass) == []


async def test_subentry_removed(system: System) -> None:
    """A charge point that is removed is a stranger when it dials again."""
    hass = system.hass
    await dial_in(system)
    [card] = cards(hass)
    await submit(hass, card)
    await hass.async_block_till_done()
    [subentry_id] = system.entry.subentries
    charger = system.raw_chargers[-1]
    assert hass.config_entries.async_remove_subentry(system.entry, subentry_id)
    await dialled_out(charger)
    await hass.async_block_till_done()
    assert system.find("binary_sensor", "connected", 0, identity="CARPORT") is None
    await dial_in(system)
    [card] = cards(hass)
    await submit(hass, card)
    await hass.async_block_till_done()
    assert system.value("binary_sensor", "connected", 0, identity="CARPORT") == "on"


# --- Cards that come too late ----------------------------------------------------------

OFFER = {
    "identity": "Carport",
    "vendor": "Vendor",
    "model": "Model",
    "serial": "S1",
    "version": "1.6",
    "password_required": False,
}


async def put_up(hass: HomeAssistant) -> Any:
    """Put up a card, as it may have been waiting for Home Assistant to start."""
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_INTEGRATION_DISCOVERY}, data=dict(OFFER)
    )


async def test_card_without_a_central_system(hass: HomeAssistant) -> None:
    """There is nothing to add to."""
    result = await put_up(hass)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "no_central_system"


async def test_card_of_a_system_that_stopped(system: System) -> None:
    """A card that was on its way goes no further, and the form is gone."""
    hass = system.hass
    card = await put_up(hass)
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    assert (await put_up(hass))["reason"] == "no_central_system"
    with pytest.raises(UnknownFlow):
        await submit(hass, card)


async def test_card_of_a_system_that_is_gone(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form that outlived its central system says so."""
    hass = system.hass
    card = await put_up(hass)
    hub = system.entry.runtime_data
    with monkeypatch.context() as patch:

        async def refuse(*_: Any) -> bool:
            return False

        patch.setattr(hass.config_entries, "async_unload_platforms", refuse)
        await hass.config_entries.async_remove(system.entry.entry_id)
    assert (await submit(hass, card))["reason"] == "no_central_system"
    await hub.async_stop()


async def test_card_of_a_charge_point(system: System) -> None:
    """What has been added meanwhile gets no card."""
    hass = system.hass
    first = await put_up(hass)
    assert (await put_up(hass))["reason"] == "already_in_progress"
    await submit(hass, first)
    await hass.async_block_till_done()
    assert (await put_up(hass))["reason"] == "already_configured"


async def test_card_of_an_ignored_charger(system: System) -> None:
    """What is ignored gets no card."""
    await system.hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": "charge_point:carport", "title": "Carport"},
    )
    assert (await put_up(system.hass))["reason"] == "already_configured"


# --- Home Assistant's port -------------------------------------------------------------


@pytest.fixture
async def dial_home_assistant(
    system: System, hass_client_no_auth: ClientSessionGenerator
) -> Callable[..., Any]:
    """Return a way to dial in through Home Assistant's port."""
    client = await hass_client_no_auth()

    async def dial(identity: str, password: str | None = None) -> Charger:
        headers = {}
        if password:
            headers["Authorization"] = encode_basic_auth(identity, password)
        socket = await client.ws_connect(
            f"/api/ocpp_central/{identity}",
            protocols=("ocpp1.6",),
            autoping=False,
            headers=headers,
        )
        charger = Charger(socket)
        system.raw_chargers.append(charger)
        return charger

    return dial


async def test_password_is_needed(
    system: System, dial_home_assistant: Callable[..., Any]
) -> None:
    """A charger that came by Home Assistant's port is not added without a password."""
    hass = system.hass
    charger = await dial_home_assistant("CARPORT")
    await charger.boot()
    await hass.async_block_till_done()
    [card] = cards(hass)
    page = await open_card(hass, card)
    [password] = [
        key.description["suggested_value"]
        for key in page["data_schema"].schema
        if key == "password"
    ]
    assert len(password) == 16
    with pytest.raises(InvalidData):
        await submit(hass, card)
    await submit(hass, card, ADDED | {"password": password})
    await hass.async_block_till_done()
    assert system.value("binary_sensor", "connected", 0, identity="CARPORT") == "on"
    with pytest.raises(WSServerHandshakeError) as refused:
        await dial_home_assistant("CARPORT")
    assert refused.value.status == HTTPStatus.UNAUTHORIZED
    charger = await dial_home_assistant("CARPORT", password)
    assert (await charger.boot())["status"] == "Accepted"


async def test_password_is_no_longer_needed(
    system: System, dial_home_assistant: Callable[..., Any]
) -> None:
    """What counts is where the charger came from last."""
    hass = system.hass
    charger = await dial_home_assistant("CARPORT")
    await charger.boot()
    await charger.close()
    await dial_in(system)
    [card] = cards(hass)
    await open_card(hass, card)
    result = await submit(hass, card)
    assert result["reason"] == "charge_point_added"


async def test_stranger_keeps_being_answered(system: System) -> None:
    """A charger that waits is told so, and nothing that it says is lost on it."""
    charger = await dial_in(system)
    await charger.alive()
    answer = await charger.call("Authorize", {"idTag": "CARD"})
    assert "idTagInfo" in answer
    with pytest.raises(Refused):
        await charger.call("NoSuchThing")
    assert system.entry.state is ConfigEntryState.LOADED
