"""What a person goes through to add a charge point and to change it."""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from aiohttp import ClientSession, WSServerHandshakeError
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData, UnknownFlow
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from yarl import URL

from custom_components.ocpp_central import subentry_flow
from custom_components.ocpp_central.const import DOMAIN

from .common import System, charge_point, config_entry, proposals, until

type Input = dict[str, Any]


class Pages:
    """The pages to add a charge point."""

    def __init__(self, system: System) -> None:
        """Work on a central system."""
        self._flows = system.hass.config_entries.subentries
        self._handler = (system.entry.entry_id, "charge_point")

    async def start(self) -> Any:
        """Press the button to add one."""
        return await self._flows.async_init(
            self._handler, context={"source": SOURCE_USER}
        )

    async def choose(self, step_id: str) -> Any:
        """Choose from its menu."""
        return await self.go_on(await self.start(), {"next_step_id": step_id})

    async def change(self, subentry_id: str) -> Any:
        """Begin to change one."""
        return await self._flows.async_init(
            self._handler,
            context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id},
        )

    async def go_on(self, page: Mapping[str, Any], data: Any = None) -> Any:
        """Submit a page, or look at it again."""
        return await self._flows.async_configure(page["flow_id"], data)

    def close(self, page: Mapping[str, Any]) -> None:
        """Close the window."""
        self._flows.async_abort(page["flow_id"])


@pytest.fixture
def pages(system: System) -> Pages:
    """Return the pages to add a charge point."""
    return Pages(system)


def by_hand(identity: str = "CARPORT", **more: Any) -> Input:
    """Return the form of a charge point as a person leaves it."""
    return {
        "identity": identity,
        "name": "Carport",
        "phases": "1",
        "installation_current": 20,
        "advanced": {
            "nominal_voltage": 120,
            "meter_interval": 10,
            "keep_alive": False,
            "sync_local_list": True,
            "version": "1.6",
        },
        **more,
    }


# --- By hand ---------------------------------------------------------------------------


async def test_charge_point_by_hand(
    system: System, pages: Pages, hass_client: ClientSessionGenerator
) -> None:
    """A charge point can be there before its charger is, as the browser makes it."""
    hass = system.hass
    assert await async_setup_component(hass, "config", {})
    client = await hass_client()
    url = "/api/config/config_entries/subentries/flow"
    response = await client.post(
        url, json={"handler": [system.entry.entry_id, "charge_point"]}
    )
    page = await response.json()
    assert page["menu_options"] == ["wait", "manual"]
    response = await client.post(
        f"{url}/{page['flow_id']}", json={"next_step_id": "manual"}
    )
    page = await response.json()
    assert page["step_id"] == "manual"
    fields = {field["name"]: field for field in page["data_schema"]}
    assert list(fields) == [
        "identity",
        "name",
        "password",
        "phases",
        "installation_current",
        "advanced",
    ]
    assert not fields["password"].get("required")
    password = fields["password"]["description"]["suggested_value"]
    assert len(password) == 16
    assert password.isalnum()
    assert not set(password) & set("0O1Il")

    response = await client.post(
        f"{url}/{page['flow_id']}", json=by_hand(" CARPORT ", password=password)
    )
    assert (await response.json())["type"] == "create_entry"
    await hass.async_block_till_done()
    [_, subentry] = system.entry.subentries.values()
    assert subentry.subentry_type == "charge_point"
    assert subentry.title == "Carport"
    assert subentry.unique_id == "charge_point:carport"
    assert subentry.data == {
        "identity": "CARPORT",
        "name": "Carport",
        "password": password,
        "phases": 1,
        "installation_current": 20,
        "nominal_voltage": 120,
        "meter_interval": 10,
        "keep_alive": False,
        "sync_local_list": True,
        "version": "1.6",
        "current_presets": [],
        "direct_current": False,
        "limit_way": "automatic",
        "phase_switching": False,
    }

    assert system.value("binary_sensor", "connected", 0, identity="CARPORT") == "off"
    with pytest.raises(WSServerHandshakeError) as refused:
        await system.dial("CARPORT")
    assert refused.value.status == HTTPStatus.UNAUTHORIZED
    charger = await system.connect("CARPORT", password=password)
    assert charger.accepted
    assert system.value("binary_sensor", "connected", 0, identity="CARPORT") == "on"


async def test_charge_point_with_the_least(system: System, pages: Pages) -> None:
    """What is left empty has defaults."""
    page = await pages.choose("manual")
    result = await pages.go_on(
        page, {"identity": "CARPORT", "name": "  ", "advanced": {}}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == {
        "identity": "CARPORT",
        "name": "CARPORT",
        "phases": 3,
        "installation_current": 16,
        "nominal_voltage": 230,
        "meter_interval": 30,
        "keep_alive": True,
        "sync_local_list": False,
        "version": "automatic",
        "current_presets": [],
        "direct_current": False,
        "limit_way": "automatic",
        "phase_switching": False,
    }
    await system.connect("CARPORT")


@pytest.mark.parametrize(
    "identity",
    [
        "",
        "  ",
        "a/b",
        "/",
        ".",
        "..",
        "x" * 256,
        "line\nbreak",
        "tab\tstop",
        "zero\u200bwidth",
        "\ud800",
    ],
)
async def test_identity_that_no_charger_has(pages: Pages, identity: str) -> None:
    """What cannot be the end of a URL is refused, and can be put right."""
    page = await pages.choose("manual")
    password = proposals(page)["password"]
    page = await pages.go_on(page, by_hand(identity, password=password))
    assert page["errors"] == {"identity": "invalid_identity"}
    assert proposals(page)["password"] == password
    result = await pages.go_on(page, by_hand())
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    "identity",
    [
        "x",
        "x" * 255,
        "AA:BB:CC:DD:EE:FF",
        "Größe 4",
        "車庫",
        "100%",
        "100%41",
        "a+b",
        "a?b#c",
        "cp\\1",
        "_1_",
    ],
)
async def test_identity_that_a_charger_may_have(
    system: System, pages: Pages, identity: str
) -> None:
    """Whatever is accepted can dial in, and give a password."""
    page = await pages.choose("manual")
    password = "pass:word"
    credentials = b64encode(f"{identity}:{password}".encode())
    await pages.go_on(page, by_hand(identity, password=password))
    await system.hass.async_block_till_done()
    async with ClientSession() as session:
        url = URL(f"{system.url}/{quote(identity, safe='')}", encoded=True)
        async with session.ws_connect(
            url,
            headers={"Authorization": f"Basic {credentials.decode()}"},
        ):
            await until(
                system.hass,
                lambda: (
                    system.value("binary_sensor", "connected", 0, identity=identity)
                    == "on"
                ),
            )


@pytest.mark.parametrize("identity", ["GARAGE", "garage", " Garage "])
async def test_identity_that_is_taken(pages: Pages, identity: str) -> None:
    """One identity is one charge point, whatever its case."""
    page = await pages.choose("manual")
    page = await pages.go_on(page, by_hand(identity))
    assert page["errors"] == {"identity": "identity_exists"}
    result = await pages.go_on(page, by_hand())
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("password", ["1234567", "x" * 41, "pässword", "bell\x07bell"])
async def test_password_that_no_charger_takes(pages: Pages, password: str) -> None:
    """A password is of a length and of characters that chargers can send."""
    page = await pages.choose("manual")
    page = await pages.go_on(page, by_hand(password=password))
    assert page["errors"] == {"password": "invalid_password"}
    result = await pages.go_on(page, by_hand(password="12345678"))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    "wrong",
    [
        {"installation_current": 5},
        {"installation_current": 1001},
        {"phases": "4"},
        {"advanced": {"meter_interval": 0}},
    ],
)
async def test_numbers_that_no_charger_has(pages: Pages, wrong: Input) -> None:
    """What is out of range is refused by the form itself."""
    page = await pages.choose("manual")
    with pytest.raises(InvalidData):
        await pages.go_on(page, by_hand(**wrong))


async def test_change_a_charge_point(system: System, pages: Pages) -> None:
    """All but the identity can change, without a socket being closed."""
    hass = system.hass
    raw = await system.dial()
    await raw.call(
        "StatusNotification",
        {"connectorId": 1, "status": "Available", "errorCode": "NoError"},
    )
    await hass.async_block_till_done()
    [subentry] = system.entry.subentries.values()
    page = await pages.change(subentry.subentry_id)
    assert page["step_id"] == "reconfigure"
    assert page["description_placeholders"] == {"identity": "GARAGE"}
    assert proposals(page) == {
        "name": "Garage",
        "phases": "3",
        "installation_current": 32,
        "nominal_voltage": 230,
        "meter_interval": 30,
        "keep_alive": True,
        "sync_local_list": False,
        "version": "automatic",
        "current_presets": [],
        "limit_way": "automatic",
    }
    changed = by_hand(name="Barn", installation_current=13)
    del changed["identity"]
    page = await pages.go_on(page, changed | {"password": "short"})
    assert page["errors"] == {"password": "invalid_password"}
    result = await pages.go_on(page, changed | {"password": "long enough"})
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert subentry.title == "Barn"
    assert subentry.unique_id == "charge_point:garage"
    assert subentry.data["identity"] == "GARAGE"
    assert system.state("number", "current_limit").attributes["max"] == 13
    assert (
        system.state("binary_sensor", "connected", 0).attributes["friendly_name"]
        == "Barn Connected"
    )
    await raw.alive()
    with pytest.raises(WSServerHandshakeError):
        await system.dial()

    page = await pages.change(subentry.subentry_id)
    assert proposals(page)["password"] == "long enough"
    await pages.go_on(page, changed)
    await hass.async_block_till_done()
    assert "password" not in subentry.data
    await system.dial()


# --- A charger that dials in -----------------------------------------------------------


async def test_wait_for_a_charger(system: System, pages: Pages) -> None:
    """The page waits for a charger, and asks for no more than has to be asked."""
    hass = system.hass
    page = await pages.choose("wait")
    assert page["type"] is FlowResultType.SHOW_PROGRESS
    assert page["progress_action"] == "wait"
    assert f":{system.port}/IDENTITY`" in page["description_placeholders"]["address"]
    assert (await pages.go_on(page))["type"] is FlowResultType.SHOW_PROGRESS

    charger = await system.dial("CARPORT")
    assert (await charger.boot())["status"] == "Pending"
    await hass.async_block_till_done()
    page = await pages.go_on(page)
    assert page["step_id"] == "found"
    assert page["description_placeholders"] == {
        "identity": "CARPORT",
        "vendor": "Vendor",
        "model": "Model",
        "serial": "S1",
        "version": "1.6",
    }
    assert proposals(page) == {
        "name": "Vendor Model",
        "phases": "3",
        "installation_current": 16,
    }
    # Should the window be closed now, there is a card.
    [card] = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert card["context"]["unique_id"] == "charge_point:carport"

    found = {"name": "Carport", "phases": "1", "installation_current": 10}
    page = await pages.go_on(page, found | {"password": "short"})
    assert page["errors"] == {"password": "invalid_password"}
    result = await pages.go_on(page, found)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["unique_id"] == "charge_point:carport"
    assert result["data"] == {
        "identity": "CARPORT",
        "name": "Carport",
        "phases": 1,
        "installation_current": 10,
        "nominal_voltage": 230,
        "meter_interval": 30,
        "keep_alive": True,
        "sync_local_list": False,
        "version": "automatic",
        "current_presets": [],
        "direct_current": False,
        "limit_way": "automatic",
        "phase_switching": False,
    }
    call = await charger.called("TriggerMessage")
    assert call.payload == {"requestedMessage": "BootNotification"}
    assert (await charger.boot())["status"] == "Accepted"
    await hass.async_block_till_done()
    assert not hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert system.value("binary_sensor", "connected", 0, identity="CARPORT") == "on"


async def test_charger_that_waits_already(system: System, pages: Pages) -> None:
    """A charger that dialled in before is shown at once."""
    charger = await system.dial("CARPORT")
    await charger.boot(chargePointVendor="Wallbox", chargePointModel="Wallbox Pulsar")
    await system.hass.async_block_till_done()
    page = await pages.choose("wait")
    assert page["step_id"] == "found"
    assert proposals(page)["name"] == "Wallbox Pulsar"


async def test_charger_that_has_not_spoken_yet(system: System, pages: Pages) -> None:
    """A charger is shown once it has had the time to say who it is."""
    charger = await system.dial("CARPORT")
    await charger.alive()
    page = await pages.choose("wait")
    assert page["type"] is FlowResultType.SHOW_PROGRESS
    await charger.boot()
    await system.hass.async_block_till_done()
    page = await pages.go_on(page)
    assert page["description_placeholders"]["vendor"] == "Vendor"


async def test_two_who_wait(system: System, pages: Pages) -> None:
    """Two windows get a charger each; one that is not taken stays free."""
    hass = system.hass
    first, second = await pages.choose("wait"), await pages.choose("wait")
    for identity in ("ONE", "TWO"):
        charger = await system.dial(identity)
        await charger.boot()
    await hass.async_block_till_done()
    found = [await pages.go_on(page) for page in (first, second)]
    assert [page["description_placeholders"]["identity"] for page in found] == [
        "ONE",
        "TWO",
    ]
    pages.close(found[0])
    again = await pages.choose("wait")
    assert again["description_placeholders"]["identity"] == "ONE"


async def test_nobody_comes(
    system: System, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page does not wait for ever."""
    monkeypatch.setattr(subentry_flow, "WAIT", 0.01)
    page = await pages.choose("wait")
    await asyncio.sleep(0.05)
    await system.hass.async_block_till_done()
    result = await pages.go_on(page)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "nobody_connected"


async def test_close_the_window(system: System, pages: Pages) -> None:
    """Nothing is left of a wait that was given up: the next charger gets its card."""
    hass = system.hass
    page = await pages.choose("wait")
    pages.close(page)
    await hass.async_block_till_done()
    with pytest.raises(UnknownFlow):
        await pages.go_on(page)
    charger = await system.dial("CARPORT")
    await charger.boot()
    await hass.async_block_till_done()
    assert len(hass.config_entries.flow.async_progress_by_handler(DOMAIN)) == 1


async def test_system_stops_meanwhile(system: System, pages: Pages) -> None:
    """There is nothing to wait for once the central system stops."""
    hass = system.hass
    page = await pages.choose("wait")
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    await hass.async_block_till_done()
    result = await pages.go_on(page)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "not_running"

    result = await pages.choose("wait")
    assert result["reason"] == "not_running"

    # By hand works all the same.
    await pages.go_on(await pages.choose("manual"), by_hand())
    await system.set_up()
    assert system.value("binary_sensor", "connected", 0, identity="CARPORT") == "off"


async def test_added_another_way_meanwhile(system: System, pages: Pages) -> None:
    """A charger that two windows show becomes one charge point."""
    charger = await system.dial("CARPORT")
    await charger.boot()
    found = [await pages.choose("wait"), await pages.choose("wait")]
    results = [await pages.go_on(page, {"name": "Carport"}) for page in found]
    assert [result["type"] for result in results] == [
        FlowResultType.CREATE_ENTRY,
        FlowResultType.ABORT,
    ]
    assert results[1]["reason"] == "already_configured"


async def test_password_where_one_is_needed(
    hass: HomeAssistant, socket_enabled: None, fast: None
) -> None:
    """On Home Assistant's port alone, no charge point does without a password."""
    entry = config_entry(9000, charge_point(), listen=False)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    flows = hass.config_entries.subentries
    page = await flows.async_init(
        (entry.entry_id, "charge_point"), context={"source": SOURCE_USER}
    )
    page = await flows.async_configure(page["flow_id"], {"next_step_id": "manual"})
    with pytest.raises(InvalidData):
        await flows.async_configure(page["flow_id"], by_hand())
    result = await flows.async_configure(
        page["flow_id"], by_hand(password=proposals(page)["password"])
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
