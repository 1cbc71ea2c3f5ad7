"""What a person goes through to add a card, to change it and to take it away."""

from collections.abc import Mapping
from http import HTTPStatus
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ocpp_central.token_form import token_unique_id

from .common import System, proposals
from .csms.common import Charger

CARD = "04A1B2C3D4E5F6"


class Pages:
    """The pages to add a card."""

    def __init__(self, system: System) -> None:
        """Work on a central system."""
        self._hass = system.hass
        self._flows = system.hass.config_entries.subentries
        self._handler = (system.entry.entry_id, "id_token")

    async def start(self) -> Any:
        """Press the button to add one."""
        return await self._flows.async_init(
            self._handler, context={"source": SOURCE_USER}
        )

    async def change(self, subentry_id: str) -> Any:
        """Begin to change one."""
        return await self._flows.async_init(
            self._handler,
            context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id},
        )

    async def go_on(self, page: Mapping[str, Any], **data: Any) -> Any:
        """Submit a page."""
        result = await self._flows.async_configure(page["flow_id"], data)
        await self._hass.async_block_till_done()
        return result

    async def add(
        self, token: str = CARD, name: str = "Anna's card", **more: Any
    ) -> str:
        """Add a card and return the id of its subentry."""
        page = await self.go_on(await self.start(), token=token, name=name, **more)
        assert page["type"] is FlowResultType.CREATE_ENTRY, page
        return next(
            subentry.subentry_id
            for subentry in self._entry.subentries.values()
            if subentry.unique_id == token_unique_id(token.strip())
        )

    @property
    def _entry(self) -> Any:
        return self._hass.config_entries.async_get_entry(self._handler[0])


@pytest.fixture
def pages(system: System) -> Pages:
    """Return the pages to add a card."""
    return Pages(system)


async def answer(charger: Charger, token: str = CARD) -> dict[str, Any]:
    """Return what a charger is answered about a card."""
    info: dict[str, Any] = (await charger.call("Authorize", {"idTag": token}))[
        "idTagInfo"
    ]
    return info


async def only_known(system: System) -> Charger:
    """Have a charge point at which a card has to be known."""
    raw = await system.dial()
    await system.act(
        "select_option",
        domain="select",
        entity_id=system.id("select", "access_mode", 0),
        option="known_tokens",
    )
    return raw


def offered(page: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the cards that can be picked."""
    selector = page["data_schema"].schema["token"]
    assert selector.config["custom_value"]
    options: list[dict[str, str]] = selector.config["options"]
    return options


async def test_last_scan_first(
    system: System, pages: Pages, freezer: FrozenDateTimeFactory
) -> None:
    """One's own card is found by where and when it was shown."""
    await system.hass.config.async_set_time_zone("Europe/Berlin")
    raw = await system.dial()
    freezer.move_to("2026-03-02T12:00:00+00:00")
    await answer(raw, "OTHER")
    freezer.move_to("2026-03-02T12:05:00+00:00")
    await answer(raw)
    assert offered(await pages.start()) == [
        {"value": CARD, "label": f"{CARD} (Garage, 2026-03-02 13:05)"},
        {"value": "OTHER", "label": "OTHER (Garage, 2026-03-02 13:00)"},
    ]


async def test_card_that_was_scanned(
    system: System, pages: Pages, hass_client: ClientSessionGenerator
) -> None:
    """Hold it to a charger, pick it, and it can charge: as the browser does it."""
    hass = system.hass
    raw = await only_known(system)
    for token in ("OTHER", CARD):
        assert await answer(raw, token) == {"status": "Invalid"}
    assert await async_setup_component(hass, "config", {})
    client = await hass_client()
    url = "/api/config/config_entries/subentries/flow"
    response = await client.post(
        url, json={"handler": [system.entry.entry_id, "id_token"]}
    )
    page = await response.json()
    assert page["step_id"] == "user"
    token, *rest = page["data_schema"]
    assert [field["name"] for field in rest] == [
        "name",
        "person",
        "status",
        "expiry_date",
        "group",
    ]
    options = token["selector"]["select"]["options"]
    assert [option["value"] for option in options] == [CARD, "OTHER"]
    response = await client.post(
        f"{url}/{page['flow_id']}",
        json={"token": CARD, "name": "Anna's card", "status": "accepted"},
    )
    assert response.status == HTTPStatus.OK
    assert (await response.json())["type"] == "create_entry"
    await hass.async_block_till_done()

    [_, subentry] = system.entry.subentries.values()
    assert subentry.subentry_type == "id_token"
    assert subentry.title == "Anna's card"
    assert subentry.unique_id == token_unique_id(CARD)
    assert CARD.casefold() not in str(subentry.unique_id)
    assert subentry.data == {
        "token": CARD,
        "name": "Anna's card",
        "status": "accepted",
    }
    # On the same connection, and it is not offered again.
    assert await answer(raw) == {"status": "Accepted"}
    assert [option["value"] for option in offered(await pages.start())] == ["OTHER"]


async def test_card_that_is_typed(system: System, pages: Pages) -> None:
    """With all that can be said of it."""
    await system.hass.config.async_set_time_zone("Europe/Berlin")
    raw = await only_known(system)
    assert offered(await pages.start()) == []
    await pages.add(
        f" {CARD} ",
        " Guest ",
        status="blocked",
        expiry_date="2099-12-31",
        group=" FAMILY ",
        person="person.anna",
    )
    [_, subentry] = system.entry.subentries.values()
    assert subentry.data == {
        "token": CARD,
        "name": "Guest",
        "status": "blocked",
        "expiry_date": "2099-12-31",
        "group": "FAMILY",
        "person": "person.anna",
    }
    # Until the end of that day where Home Assistant is.
    assert await answer(raw, CARD.lower()) == {
        "status": "Blocked",
        "expiryDate": "2099-12-31T23:00:00Z",
        "parentIdTag": "FAMILY",
    }


@pytest.mark.parametrize("status", ["accepted", "blocked", "expired", "invalid"])
async def test_status(system: System, pages: Pages, status: str) -> None:
    """Each is what the charger is answered."""
    raw = await only_known(system)
    await pages.add(status=status)
    assert await answer(raw) == {"status": status.capitalize()}


async def test_last_day(
    system: System, pages: Pages, freezer: FrozenDateTimeFactory
) -> None:
    """It charges on its last day, and not on the next."""
    await system.hass.config.async_set_time_zone("America/New_York")
    freezer.move_to("2026-06-02T03:59:59+00:00")
    raw = await system.dial()
    await pages.add(expiry_date="2026-06-01")
    assert (await answer(raw))["status"] == "Accepted"
    freezer.move_to("2026-06-02T04:00:00+00:00")
    assert (await answer(raw))["status"] == "Expired"


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"token": " "}, {"token": "invalid_token"}),
        ({"token": "A\x07B"}, {"token": "invalid_token"}),
        ({"token": "A" * 256}, {"token": "invalid_token"}),
        ({"name": " "}, {"name": "name_missing"}),
        ({"group": "123456789012345678901"}, {"group": "invalid_group"}),
    ],
)
async def test_mistakes(
    system: System, pages: Pages, typed: dict[str, str], errors: dict[str, str]
) -> None:
    """Each is said where it was made, and can be put right."""
    page = await pages.go_on(
        await pages.start(), **{"token": CARD, "name": "Anna", **typed}
    )
    assert page["errors"] == errors
    page = await pages.go_on(
        page, token=CARD, name="Anna", group="12345678901234567890"
    )
    assert page["type"] is FlowResultType.CREATE_ENTRY


async def test_twice(system: System, pages: Pages) -> None:
    """A card is added once, however it is spelled."""
    await pages.add()
    page = await pages.go_on(
        await pages.start(), token=f" {CARD.lower()}", name="Once more"
    )
    assert page["errors"] == {"token": "token_exists"}
    assert proposals(page)["name"] == "Once more"


async def test_change(system: System, pages: Pages) -> None:
    """A lost card is blocked at once, and no connection is closed."""
    raw = await only_known(system)
    subentry_id = await pages.add(group="FAMILY", expiry_date="2099-12-31")
    page = await pages.change(subentry_id)
    assert page["description_placeholders"] == {"token": "…E5F6"}
    assert proposals(page) == {
        "name": "Anna's card",
        "status": "accepted",
        "expiry_date": "2099-12-31",
        "group": "FAMILY",
    }
    page = await pages.go_on(page, name="Anna's card", group="1" * 21)
    assert page["errors"] == {"group": "invalid_group"}
    page = await pages.go_on(page, name="Lost", status="blocked")
    assert page["reason"] == "reconfigure_successful"
    subentry = system.entry.subentries[subentry_id]
    assert subentry.title == "Lost"
    assert subentry.data == {"token": CARD, "name": "Lost", "status": "blocked"}
    assert await answer(raw) == {"status": "Blocked"}


async def test_take_away(system: System, pages: Pages) -> None:
    """It is unknown from then on, and can be added once more."""
    raw = await only_known(system)
    subentry_id = await pages.add()
    assert system.hass.config_entries.async_remove_subentry(system.entry, subentry_id)
    await system.hass.async_block_till_done()
    assert await answer(raw) == {"status": "Invalid"}
    assert [option["value"] for option in offered(await pages.start())] == [CARD]
    await pages.add()


async def test_while_the_central_system_is_down(system: System, pages: Pages) -> None:
    """A card can be typed, and counts when it is up."""
    entries = system.hass.config_entries
    assert await entries.async_unload(system.entry.entry_id)
    assert offered(await pages.start()) == []
    await pages.add()
    await system.set_up()
    raw = await only_known(system)
    assert await answer(raw) == {"status": "Accepted"}


async def test_scans_survive_a_restart(
    system: System, pages: Pages, hass_storage: dict[str, Any]
) -> None:
    """So that one may scan today and add tomorrow; not without end."""
    raw = await system.dial()
    for number in range(25):
        await answer(raw, f"CARD{number}")
    before = offered(await pages.start())
    assert len(before) == 20
    assert before[0]["value"] == "CARD24"
    await system.restart()
    assert offered(await pages.start()) == before


async def test_not_in_diagnostics(
    system: System, pages: Pages, hass_client: ClientSessionGenerator
) -> None:
    """Nobody who helps gets to know a card."""
    assert await async_setup_component(system.hass, "diagnostics", {})
    raw = await system.dial()
    await pages.add()
    await answer(raw, "0411223344")
    await raw.start(token=CARD)
    client = await hass_client()
    response = await client.get(
        f"/api/diagnostics/config_entry/{system.entry.entry_id}"
    )
    text = json.dumps(await response.json())
    assert CARD not in text
    assert "0411223344" not in text
