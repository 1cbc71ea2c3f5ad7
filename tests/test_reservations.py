"""Reservations: the actions, what is shown of them, a restart; and charging by them."""

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.history import get_significant_states
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
import voluptuous as vol

from simulator import Car

from .common import System, bring_up
from .csms.common import Refusal, start, status

FAMILY = "FAMILY"


@pytest.fixture(autouse=True)
def same_time(freezer: FrozenDateTimeFactory, system: System) -> None:
    """Let chargers and Home Assistant agree on the time."""
    freezer.move_to(system.clock.now())


def in_an_hour(system: System) -> str:
    """Return a time as an automation writes it."""
    return (system.clock.now() + timedelta(hours=1)).isoformat()


async def reserve(system: System, **more: Any) -> dict[str, Any]:
    """Reserve a connector for a card."""
    data = {"id_token": "04A2B3C4", "expiry": in_an_hour(system), **more}
    return await system.act("reserve_now", response=True, **data)


async def reservations(system: System) -> list[dict[str, Any]]:
    """Return what is said of a charge point's reservations."""
    answer = await system.act("get_status", response=True)
    return answer["charge_points"][0]["reservations"]


async def states(system: System) -> list[tuple[int, str]]:
    """Return the reservations, and what became of them."""
    return [(one["id"], one["state"]) for one in await reservations(system)]


def know(system: System, token: str, name: str) -> None:
    """Give out a card, as a user does."""
    data = {"token": token, "name": name, "status": "accepted", "group": FAMILY}
    system.hass.config_entries.async_add_subentry(
        system.entry,
        ConfigSubentry(
            data=MappingProxyType(data),
            subentry_type="id_token",
            title=name,
            unique_id=f"id_token:{token.casefold()}",
        ),
    )


async def test_reserve_and_cancel(system: System) -> None:
    """The connector shows for whom it is kept free, and until when."""
    charger = await system.connect()
    assert await reserve(system) == {"status": "Accepted", "reservation_id": 1}
    await system.rest()
    state = system.state("sensor", "status")
    assert state.state == "reserved"
    assert state.attributes["reserved_for"] == "…B3C4"
    until = system.clock.now().replace(microsecond=0) + timedelta(hours=1)
    assert state.attributes["reserved_until"].replace(microsecond=0) == until
    [shown] = await reservations(system)
    expiry = datetime.fromisoformat(shown.pop("expiry"))
    assert expiry.replace(microsecond=0) == until
    assert shown == {
        "id": 1,
        "connector": 1,
        "id_token": "…B3C4",
        "reserved_for": "…B3C4",
        "state": "active",
    }
    know(system, "04a2b3c4", "Ada")
    await system.rest()
    state = system.state("sensor", "status")
    assert state.attributes["reserved_for"] == "Ada"

    await system.act("cancel_reservation", reservation_id=1)
    await system.rest()
    state = system.state("sensor", "status")
    assert state.state == "available"
    assert "reserved_for" not in state.attributes
    assert await states(system) == [(1, "cancelled")]
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await system.act("cancel_reservation", reservation_id=1)
    assert await system.act("cancel_reservation", response=True, reservation_id=1) == {
        "status": "Rejected"
    }
    assert charger.violations == []


async def test_what_goes_out(system: System) -> None:
    """As given: numbers, and a time of day as the user's."""
    raw = await system.dial()
    await raw.boot(status("Available"))
    await bring_up("GARAGE")
    await system.hass.config.async_set_time_zone("Europe/Berlin")
    await system.act(
        "reserve_now",
        connector=9,
        id_token="CARD1",
        expiry="2040-07-01 12:00:00",
        reservation_id=-3,
        parent_id_token=FAMILY,
    )
    assert raw.calls[-1].payload == {
        "connectorId": 9,
        "idTag": "CARD1",
        "expiryDate": "2040-07-01T10:00:00Z",
        "reservationId": -3,
        "parentIdTag": FAMILY,
    }
    for bad in ({"id_token": "X" * 21}, {"parent_id_token": "X" * 21}):
        with pytest.raises(ServiceValidationError):
            await reserve(system, **bad)
    for bad in ({"expiry": "soon"}, {"connector": -1}, {"reservation_id": "one"}):
        with pytest.raises(vol.Invalid):
            await reserve(system, **bad)


@pytest.mark.parametrize("answer", ["Faulted", "Occupied", "Rejected", "Unavailable"])
async def test_refused(system: System, answer: str) -> None:
    """An error, or the answer that was asked for; and it is listed."""
    raw = await system.dial()
    await raw.boot(status("Available"))
    await bring_up("GARAGE")
    raw.answers["ReserveNow"] = {"status": answer}
    with pytest.raises(HomeAssistantError, match=answer):
        await system.act("reserve_now", id_token="CARD1", expiry=in_an_hour(system))
    assert await reserve(system) == {"status": answer}
    assert await states(system) == [(1, "refused"), (2, "refused")]


@pytest.mark.parametrize(
    ("trouble", "answer"),
    [
        ("fault", "Faulted"),
        ("inoperative", "Unavailable"),
        ("car", "Occupied"),
        ("past", "Rejected"),
    ],
)
async def test_why_it_is_refused(system: System, trouble: str, answer: str) -> None:
    """By a charger that does it by the book."""
    charger = await system.connect()
    more = {}
    match trouble:
        case "fault":
            await charger.fault(1)
        case "inoperative":
            await system.act("change_availability", operative=False)
        case "car":
            charger.connector(1).plug_in(Car())
        case _:
            more["expiry"] = "2020-01-01T00:00:00+00:00"
    await system.rest()
    assert (await reserve(system, **more))["status"] == answer
    assert charger.reservations.ids == []
    assert charger.violations == []


async def test_not_supported(system: System) -> None:
    """A charger without reservations says so, and none is listed."""
    raw = await system.dial()
    raw.answers |= {
        "ReserveNow": Refusal("NotImplemented"),
        "CancelReservation": Refusal("NotSupported"),
    }
    await raw.boot()
    await bring_up("GARAGE")
    with pytest.raises(HomeAssistantError, match="does not support"):
        await reserve(system)
    with pytest.raises(HomeAssistantError, match="does not support"):
        await system.act("cancel_reservation", response=True, reservation_id=1)
    assert await states(system) == []


async def test_charge_by_it(system: System) -> None:
    """Whoever it is for charges, nobody else does; the start closes it."""
    charger = await system.connect()
    await reserve(system)
    charger.connector(1).plug_in(Car())
    assert await charger.swipe("OTHER") == "Unavailable"
    await system.rest()
    assert system.value("sensor", "status") == "reserved"
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await system.act("start_transaction", id_token="OTHER")
    assert await charger.swipe("04a2b3c4") == "Accepted"
    await system.rest()
    assert charger.sent[-1][0] != "Authorize"
    starts = [
        payload for action, payload in charger.sent if action == "StartTransaction"
    ]
    assert [payload["reservationId"] for payload in starts] == [1]
    assert await states(system) == [(1, "used")]
    state = system.state("sensor", "status")
    assert state.state == "charging"
    assert "reserved_for" not in state.attributes
    assert charger.violations == []


async def test_charge_by_the_group(system: System) -> None:
    """All cards of the parent are as good."""
    know(system, "04A2B3C4", "Ada")
    know(system, "CARD2", "Grace")
    charger = await system.connect()
    await reserve(system, parent_id_token=FAMILY)
    charger.connector(1).plug_in(Car())
    assert await charger.swipe("CARD2") == "Accepted"
    await system.rest()
    assert await states(system) == [(1, "used")]


async def test_any_connector(system: System) -> None:
    """Connector 0: one is kept free, whichever."""
    charger = await system.connect(connectors=2)
    assert (await reserve(system, connector=0))["status"] == "Accepted"
    charger.connector(1).plug_in(Car())
    assert await charger.swipe("OTHER", 1) == "Accepted"
    charger.connector(2).plug_in(Car())
    await charger.settle()
    assert (await reserve(system, connector=0))["status"] == "Occupied"
    charger.connector(2).unplug()
    assert await charger.swipe("OTHER2", 2) == "Unavailable"
    assert await charger.swipe("04A2B3C4", 2) == "Accepted"
    charger.connector(2).plug_in(Car())
    await system.rest()
    assert await states(system) == [(1, "used"), (2, "refused")]
    charger.configuration.set("ReserveConnectorZeroSupported", "false")
    assert (await reserve(system, connector=0))["status"] == "Rejected"
    assert (await reserve(system, connector=9))["status"] == "Rejected"
    assert charger.violations == []


async def test_shown_for_any_connector(system: System) -> None:
    """A charger may say that a connector is reserved by the one for any."""
    raw = await system.dial()
    await raw.boot(status("Available"), status("Available", 2))
    await bring_up("GARAGE")
    await reserve(system, connector=0)
    await raw.call("StatusNotification", status("Reserved", 2))
    await system.hass.async_block_till_done()
    attributes = system.state("sensor", "status", connector=2).attributes
    assert attributes["reserved_for"] == "…B3C4"
    assert "reserved_for" not in system.state("sensor", "status").attributes


async def test_expires(system: System, freezer: FrozenDateTimeFactory) -> None:
    """When its time is over, the connector is anybody's."""
    charger = await system.connect()
    await reserve(system)
    await system.advance(freezer, 3590)
    assert system.value("sensor", "status") == "reserved"
    await system.advance(freezer, 70)
    assert system.value("sensor", "status") == "available"
    assert await states(system) == [(1, "expired")]
    charger.connector(1).plug_in(Car())
    assert await charger.swipe("OTHER") == "Accepted"
    assert charger.violations == []


async def test_expires_unheard(system: System, freezer: FrozenDateTimeFactory) -> None:
    """A charger that goes on saying reserved does not say for whom any more."""
    raw = await system.dial()
    await raw.boot(status("Available"))
    await bring_up("GARAGE")
    await reserve(system)
    await raw.call("StatusNotification", status("Reserved"))
    await system.hass.async_block_till_done()
    assert "reserved_for" in system.state("sensor", "status").attributes
    await system.advance(freezer, 3660)
    assert system.value("sensor", "status") == "reserved"
    assert "reserved_for" not in system.state("sensor", "status").attributes


async def test_over_a_restart(system: System) -> None:
    """They are there again, shown, and end as any other."""
    charger = await system.connect()
    await reserve(system)
    await reserve(system, connector=9)
    await system.restart()
    assert await states(system) == [(1, "active"), (2, "refused")]
    await charger.reconnect()
    await system.rest()
    state = system.state("sensor", "status")
    assert state.state == "reserved"
    assert state.attributes["reserved_for"] == "…B3C4"
    assert (await reserve(system, connector=9))["status"] == "Rejected"
    charger.connector(1).plug_in(Car())
    await charger.swipe("04A2B3C4")
    await system.rest()
    assert await states(system) == [(1, "used"), (2, "refused"), (3, "refused")]


async def test_used_while_offline(
    system: System, freezer: FrozenDateTimeFactory
) -> None:
    """A start that is told late was by its reservation, though that is over."""
    raw = await system.dial()
    await raw.boot(status("Available"))
    await bring_up("GARAGE")
    await reserve(system)
    began = dt_util.utcnow().strftime("%Y-%m-%dT%H:%M:%SZ")
    await system.advance(freezer, 3660)
    assert await states(system) == [(1, "expired")]
    await raw.call("Heartbeat")
    payload = start(token="04A2B3C4", time=began)
    await raw.call("StartTransaction", {**payload, "reservationId": 1})
    assert await states(system) == [(1, "used")]


async def test_who_holds_it_is_not_recorded(
    recorder_mock: Recorder, hass: HomeAssistant, system: System
) -> None:
    """Who was where is nobody's business later."""
    await system.connect()
    await reserve(system)
    await system.rest()
    await async_wait_recording_done(hass)
    entity_id = system.id("sensor", "status")
    states = await hass.async_add_executor_job(
        get_significant_states,
        hass,
        datetime(2020, 1, 1, tzinfo=UTC),
        None,
        [entity_id],
    )
    last = states[entity_id][-1]
    assert last.state == "reserved"
    assert not {"reserved_for", "reserved_until"} & set(last.attributes)
