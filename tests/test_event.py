"""What happens once, rather than lasts."""

from homeassistant.components.recorder.history import get_last_state_changes
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.helpers.recorder import get_instance
import pytest

from .common import System
from .csms.common import stamp, start, status

CARD = "04A1B2C3D4E5F6"


def follow(system: System, entity_id: str) -> list[tuple[str, dict[str, object]]]:
    """Return the list that an entity's events will be added to."""
    happened = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        new_state = event.data["new_state"]
        assert new_state is not None
        attributes = dict(new_state.attributes)
        kind = attributes.pop("event_type")
        for name in ("event_types", "friendly_name"):
            attributes.pop(name)
        happened.append((kind, attributes))

    async_track_state_change_event(system.hass, [entity_id], note)
    return happened


async def test_card_scanned(hass: HomeAssistant, system: System) -> None:
    """A card shows as one event, with the end of its number only."""
    assert system.state("event", "id_token", 0).name == "Garage Card scanned"
    charger = await system.connect()
    happened = follow(system, system.id("event", "id_token", 0))
    charger.connector(1).plug_in()
    await charger.swipe(CARD)
    await system.rest()
    assert [kind for kind, _ in happened] == ["accepted"]
    assert happened[0][1]["id_token"] == "…E5F6"

    # A short number would be known from its end.
    await charger.call("Authorize", {"idTag": "0815"})
    await system.rest()
    assert happened[-1] == ("accepted", {"connector": 0, "id_token": "…"})


async def test_our_own_tag_is_no_card(hass: HomeAssistant, system: System) -> None:
    """A start from here is no card at the charger, even if the charger asks."""
    charger = await system.connect(config={"AuthorizeRemoteTxRequests": "true"})
    happened = follow(system, system.id("event", "id_token", 0))
    charger.connector(1).plug_in()
    await system.rest()
    await system.set("switch", "charging", True)
    await system.rest()
    assert ("Authorize", {"idTag": "HOMEASSISTANT"}) in charger.sent
    assert system.value("switch", "charging") == "on"
    assert happened == []


async def test_charging_session(hass: HomeAssistant, system: System) -> None:
    """A session begins, pauses, goes on and ends."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Preparing"))
    await hass.async_block_till_done()
    assert system.state("event", "transaction").name == "Garage Charging session"
    happened = follow(system, system.id("event", "transaction"))
    transaction = await raw.start(token=CARD, meter=1000)
    await system.set("switch", "paused", True)
    # Once is enough.
    await system.set("switch", "paused", True)
    await system.set("switch", "paused", False)
    payload = {
        "transactionId": transaction,
        "meterStop": 3500,
        "timestamp": stamp(),
        "reason": "EVDisconnected",
    }
    await raw.call("StopTransaction", payload)
    await hass.async_block_till_done()
    assert happened == [
        ("started", {"transaction_id": transaction, "id_token": "…E5F6"}),
        ("paused", {}),
        ("resumed", {}),
        (
            "ended",
            {
                "transaction_id": transaction,
                "id_token": "…E5F6",
                "energy": 2500,
                "stop_reason": "ev_disconnected",
            },
        ),
    ]


async def test_a_pause_that_did_not_happen(hass: HomeAssistant, system: System) -> None:
    """A wish for later is no event, nor is one that was refused."""
    raw = await system.dial()
    await raw.start(token=CARD)
    await hass.async_block_till_done()
    happened = follow(system, system.id("event", "transaction"))
    raw.answers["SetChargingProfile"] = {"status": "Rejected"}
    with pytest.raises(Exception, match="Rejected"):
        await system.set("switch", "paused", True)
    assert happened == []
    await raw.close()
    await hass.async_block_till_done()
    await system.set("switch", "paused", True)
    await hass.async_block_till_done()
    assert happened == []
    assert system.state("event", "transaction").attributes["event_type"] == "started"


async def test_each_connector_has_its_own(hass: HomeAssistant, system: System) -> None:
    """What happens at one connector does not happen at the other."""
    raw = await system.dial()
    for connector in (1, 2):
        await raw.call("StatusNotification", status("Preparing", connector))
    await hass.async_block_till_done()
    happened = [
        follow(system, system.id("event", "transaction", connector))
        for connector in (1, 2)
    ]
    await raw.start(2)
    await hass.async_block_till_done()
    assert [len(events) for events in happened] == [0, 1]


async def test_vendor_message(
    hass: HomeAssistant, all_enabled: None, system: System
) -> None:
    """What a vendor's charger says in its own words, for those who know them."""
    raw = await system.dial()
    happened = follow(system, system.id("event", "data_transfer", 0))
    payload = {"vendorId": "com.example", "messageId": "Button", "data": "pressed"}
    assert await raw.call("DataTransfer", payload) == {"status": "Accepted"}
    await hass.async_block_till_done()
    assert happened == [
        (
            "received",
            {
                "connector": 0,
                "vendor_id": "com.example",
                "message_id": "Button",
                "data": "pressed",
            },
        )
    ]


async def test_not_in_the_recorder(
    recorder_mock: None, hass: HomeAssistant, all_enabled: None, system: System
) -> None:
    """Who charged when is not written to the history."""
    raw = await system.dial()
    transaction = await raw.start(token=CARD, meter=0)
    payload = {"transactionId": transaction, "meterStop": 1, "timestamp": stamp()}
    await raw.call("StopTransaction", payload)
    await raw.call("DataTransfer", {"vendorId": "V", "data": "secret"})
    await hass.async_block_till_done()
    instance = get_instance(hass)
    await instance.async_block_till_done()
    for key, connector in (("id_token", 0), ("transaction", 1), ("data_transfer", 0)):
        state = system.state("event", key, connector)
        recorded = await instance.async_add_executor_job(
            get_last_state_changes, hass, 1, state.entity_id
        )
        (row,) = recorded[state.entity_id]
        assert set(row.attributes) == {"event_type", "friendly_name"}
        assert set(state.attributes) > {*row.attributes, "event_types"}


async def test_the_past_stays(hass: HomeAssistant, system: System) -> None:
    """The last event is still there after a restart, before the charger is."""
    raw = await system.dial()
    await raw.call("StartTransaction", start())
    await hass.async_block_till_done()
    before = system.value("event", "transaction")
    await raw.close()
    await system.restart()
    state = system.state("event", "transaction")
    assert state.state == before
    assert state.attributes["event_type"] == "started"
