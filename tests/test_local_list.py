"""The list of cards on a charger: the option, the repairs, the actions, a restart."""

import asyncio
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest

from custom_components.ocpp_central.const import DOMAIN
from simulator import Car, Charger

from .common import System, bring_up, charge_point, until
from .csms.common import Refusal

FOREIGN = "local_list_foreign_garage"
TOO_LONG = "local_list_too_long_garage"


async def give(system: System, *tokens: str, **more: Any) -> None:
    """Give out cards, as a user does."""
    for token in tokens:
        system.hass.config_entries.async_add_subentry(
            system.entry,
            ConfigSubentry(
                data=MappingProxyType(
                    {
                        "token": token,
                        "name": f"Card {token}",
                        "status": "accepted",
                        **more,
                    }
                ),
                subentry_type="id_token",
                title=token,
                unique_id=f"id_token:{token.casefold()}",
            ),
        )
    await settle(system)


async def take(system: System, token: str) -> None:
    """Take a card back."""
    subentry_id = next(
        subentry.subentry_id
        for subentry in system.entry.subentries.values()
        if subentry.data.get("token") == token
    )
    system.hass.config_entries.async_remove_subentry(system.entry, subentry_id)
    await settle(system)


async def want(system: System, wanted: bool = True) -> None:
    """Choose whether known cards are kept on the charger."""
    subentry = next(
        subentry
        for subentry in system.entry.subentries.values()
        if subentry.subentry_type == "charge_point"
    )
    system.hass.config_entries.async_update_subentry(
        system.entry, subentry, data={**subentry.data, "sync_local_list": wanted}
    )
    await settle(system)


async def settle(system: System) -> None:
    """Wait until the list is in step."""
    await system.hass.async_block_till_done()
    name = "GARAGE keep the list of tokens in step"
    if tasks := [task for task in asyncio.all_tasks() if task.get_name() == name]:
        await asyncio.wait(tasks)
    await system.rest()


def sent(charger: Charger) -> list[tuple[int, str, list[str]]]:
    """Return the lists that a charger was sent."""
    return [
        (
            payload["listVersion"],
            payload["updateType"],
            [one["idTag"] for one in payload["localAuthorizationList"]],
        )
        for action, payload in charger.requests
        if action == "SendLocalList"
    ]


def issues(hass: HomeAssistant) -> set[str]:
    """Return the repairs that the user sees."""
    return {issue for domain, issue in ir.async_get(hass).issues if domain == DOMAIN}


async def test_off_by_default(system: System) -> None:
    """Nobody's charger is given a list unasked; switched on, it is given one at once."""
    await give(system, "CARD1")
    charger = await system.connect()
    await give(system, "CARD2")
    assert not {action for action, _ in charger.requests} & {
        "GetLocalListVersion",
        "SendLocalList",
    }
    await want(system)
    assert sent(charger) == [(1, "Full", ["CARD1", "CARD2"])]
    await want(system, False)
    await give(system, "CARD3")
    assert len(sent(charger)) == 1
    assert charger.violations == []


async def test_in_step(system: System) -> None:
    """Cards come and go on the charger as they do here."""
    await want(system)
    charger = await system.connect()
    await give(system, "CARD1")
    await give(system, "CARD2", status="blocked", group="FAMILY")
    await take(system, "CARD1")
    assert sent(charger) == [
        (1, "Full", ["CARD1"]),
        (2, "Differential", ["CARD2"]),
        (3, "Differential", ["CARD1"]),
    ]
    assert charger.local_list.tokens == {"card2": "Blocked"}
    await give(system, *(f"MORE{number}" for number in range(25)))
    assert len(charger.local_list.tokens) == 26
    assert issues(system.hass) == set()
    assert charger.violations == []


async def test_when_it_connects(system: System) -> None:
    """In parts that it can take, and once; what changed meanwhile is made good."""
    await want(system)
    await give(system, *(f"CARD{number}" for number in range(5)))
    charger = await system.connect(config={"SendLocalListMaxLength": "2"})
    assert [(version, kind) for version, kind, _ in sent(charger)] == [
        (1, "Full"),
        (2, "Differential"),
        (3, "Differential"),
    ]
    await charger.drop()
    await charger.reconnect()
    await system.rest()
    assert len(sent(charger)) == 3
    await charger.drop()
    await take(system, "CARD0")
    await charger.reconnect()
    await system.rest()
    assert sent(charger)[3:] == [(4, "Differential", ["CARD0"])]
    assert charger.violations == []


async def test_over_a_restart(system: System) -> None:
    """What the charger has been given is remembered."""
    await want(system)
    await give(system, "CARD1")
    charger = await system.connect()
    await system.restart()
    await give(system, "CARD2")
    await charger.reconnect()
    await settle(system)
    assert sent(charger) == [(1, "Full", ["CARD1"]), (2, "Differential", ["CARD2"])]
    assert issues(system.hass) == set()


async def test_replace_a_foreign_list(hass: HomeAssistant, system: System) -> None:
    """A list of somebody else's stays until the user says otherwise."""
    assert await async_setup_component(hass, "repairs", {})
    await want(system)
    await give(system, "CARD1")
    charger = system.charger()
    charger.local_list.put(5, {"THEIRS": {"status": "Accepted"}})
    await charger.start()
    await system.rest()
    assert sent(charger) == []
    issue = ir.async_get(hass).async_get_issue(DOMAIN, FOREIGN)
    assert issue
    assert issue.is_fixable
    assert issue.translation_placeholders == {"charge_point": "Garage", "version": "5"}

    manager = repairs_flow_manager(hass)
    assert manager
    flow = await manager.async_init(DOMAIN, data={"issue_id": FOREIGN})
    assert flow["type"] is FlowResultType.FORM
    assert flow["step_id"] == "confirm"
    flow = await manager.async_configure(flow["flow_id"], {})
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    await settle(system)
    assert sent(charger) == [(6, "Full", ["CARD1"])]
    assert charger.local_list.tokens == {"card1": "Accepted"}
    assert issues(hass) == set()


async def test_keep_a_foreign_list(hass: HomeAssistant, system: System) -> None:
    """Whoever does not want it replaced switches the option off, or removes it."""
    await want(system)
    charger = system.charger()
    charger.local_list.put(5, {"THEIRS": {"status": "Accepted"}})
    await charger.start()
    await system.rest()
    assert issues(hass) == {FOREIGN}
    await want(system, False)
    assert issues(hass) == set()
    await want(system)
    assert issues(hass) == {FOREIGN}
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    await hass.async_block_till_done()
    assert issues(hass) == set()
    assert charger.local_list.tokens == {"theirs": "Accepted"}


async def test_an_issue_of_yesterday(hass: HomeAssistant, system: System) -> None:
    """Answered after the charge point or the system has gone, it does nothing."""
    assert await async_setup_component(hass, "repairs", {})
    await want(system)
    charger = system.charger()
    charger.local_list.put(5, {})
    await charger.start()
    await system.rest()
    manager = repairs_flow_manager(hass)
    assert manager
    flow = await manager.async_init(DOMAIN, data={"issue_id": FOREIGN})
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    await hass.async_block_till_done()
    flow = await manager.async_configure(flow["flow_id"], {})
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert sent(charger) == []


async def test_more_cards_than_it_takes(hass: HomeAssistant, system: System) -> None:
    """The user is told how many are on it."""
    await want(system)
    charger = await system.connect(config={"LocalAuthListMaxLength": "2"})
    await give(system, "CARD1", "CARD2", "CARD3")
    assert len(charger.local_list.tokens) == 2
    issue = ir.async_get(hass).async_get_issue(DOMAIN, TOO_LONG)
    assert issue
    assert issue.translation_placeholders == {
        "charge_point": "Garage",
        "most": "2",
        "number": "3",
    }
    assert not issue.is_fixable
    await take(system, "CARD1")
    assert set(charger.local_list.tokens) == {"card2", "card3"}
    assert issues(hass) == set()


async def test_a_card_while_the_charger_is_offline(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """Its session was by the list, and has its user."""
    freezer.move_to(system.clock.now())
    await want(system)
    await give(system, "CARD1")
    charger = await system.connect(config={"AuthorizationCacheEnabled": "false"})
    await charger.link.drop(None)
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    charger.connector(1).plug_in(Car())
    assert await charger.swipe("CARD1") == "Accepted"
    await charger.settle()
    await system.advance(freezer, 3600)
    await system.set_up()
    await charger.reconnect()
    await system.rest()
    [session] = (await system.act("get_sessions", response=True))["sessions"]
    assert session["authorized_by"] == "offline_local_list"
    assert session["user"] == "Card CARD1"
    assert charger.violations == []


async def test_without_authorize(system: System) -> None:
    """A charger that trusts its list starts without asking."""
    await want(system)
    await give(system, "CARD1")
    charger = await system.connect(config={"LocalPreAuthorize": "true"})
    charger.connector(1).plug_in(Car())
    await charger.swipe("CARD1")
    await system.rest()
    said = [action for action, _ in charger.sent]
    assert "Authorize" not in said
    assert "StartTransaction" in said


async def test_actions(system: System) -> None:
    """A list goes out as it is given, and a refusal is an error or an answer."""
    charger = await system.connect()
    assert await system.act("get_local_list_version", response=True) == {
        "listVersion": 0
    }
    entries = [{"idTag": "CARD1", "idTagInfo": {"status": "Accepted"}}]
    await system.act(
        "send_local_list",
        list_version=3,
        update_type="Full",
        local_authorization_list=entries,
    )
    assert charger.requests[-1] == (
        "SendLocalList",
        {
            "listVersion": 3,
            "updateType": "Full",
            "localAuthorizationList": entries,
        },
    )
    assert await system.act("get_local_list_version", response=True) == {
        "listVersion": 3
    }
    difference = {"list_version": 3, "update_type": "Differential"}
    assert await system.act("send_local_list", response=True, **difference) == {
        "status": "VersionMismatch"
    }
    with pytest.raises(HomeAssistantError, match="VersionMismatch"):
        await system.act("send_local_list", **difference)
    assert await system.act(
        "send_local_list", response=True, list_version=-1, update_type="Full"
    ) == {"status": "Failed"}
    with pytest.raises(ServiceValidationError):
        await system.act(
            "send_local_list",
            list_version=4,
            update_type="Full",
            local_authorization_list=[{"idTag": "X" * 21}],
        )
    await system.act("set_configuration", key="LocalAuthListEnabled", value="false")
    assert await system.act("get_local_list_version", response=True) == {
        "listVersion": -1
    }
    assert await system.act(
        "send_local_list", response=True, list_version=4, update_type="Full"
    ) == {"status": "NotSupported"}
    assert charger.violations == []


async def test_actions_of_a_charger_without_lists(
    hass: HomeAssistant, system: System
) -> None:
    """Its error is the user's."""
    raw = await system.dial()
    raw.answers |= {
        "GetLocalListVersion": Refusal("NotImplemented"),
        "SendLocalList": Refusal("NotSupported"),
    }
    await raw.boot()
    await bring_up("GARAGE")
    with pytest.raises(HomeAssistantError, match="does not support"):
        await system.act("get_local_list_version", response=True)
    with pytest.raises(HomeAssistantError, match="does not support"):
        await system.act(
            "send_local_list", response=True, list_version=4, update_type="Full"
        )
    await raw.close()
    await until(hass, lambda: system.value("binary_sensor", "connected", 0) == "off")
    with pytest.raises(HomeAssistantError, match="not connected"):
        await system.act("get_local_list_version", response=True)


class TestAddedWithTheOption:
    """A charge point that was added with the option on."""

    @pytest.fixture
    def charge_points(self) -> list[Any]:
        """Return the charge points that the user has added."""
        return [charge_point(sync_local_list=True)]

    async def test_disconnect_between_parts(
        self, hass: HomeAssistant, system: System
    ) -> None:
        """The rest is sent when it is back."""
        charger = system.charger(config={"SendLocalListMaxLength": "1"})
        await give(system, "CARD1", "CARD2", "CARD3")
        await charger.start(wait=False)
        await charger.wait_for(lambda: len(charger.local_list.tokens) == 2)
        await charger.drop()
        await charger.reconnect()
        await settle(system)
        assert len(charger.local_list.tokens) == 3
        assert issues(hass) == set()
