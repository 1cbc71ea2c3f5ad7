"""What can be switched on and off."""

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
import pytest

from simulator import REBOOT_SECONDS, Car

from .common import System, until
from .csms.common import Silence, meter_values, sample, status


async def test_names_and_places(hass: HomeAssistant, system: System) -> None:
    """Settings are among the settings, and nothing goes by the name of a sensor."""
    await system.connect()
    entities = er.async_get(hass).entities.values()
    assert {
        entity.unique_id: (entity.original_name, entity.entity_category)
        for entity in entities
        if entity.domain == "switch"
    } == {
        "garage_0_enabled": ("Connection allowed", "config"),
        "garage_0_local_authorize_offline": ("Known cards charge offline", "config"),
        "garage_0_local_pre_authorize": (
            "Charger decides about known cards",
            "config",
        ),
        "garage_0_allow_offline_unknown": ("Unknown cards charge offline", "config"),
        "garage_1_charging": ("Charging", None),
        "garage_1_paused": ("Charging paused", None),
        "garage_1_available": ("In service", "config"),
    }
    names = [(entity.device_id, entity.original_name) for entity in entities]
    assert len(names) == len(set(names))


async def test_charging(hass: HomeAssistant, system: System) -> None:
    """On starts a transaction under our own tag, off ends it."""
    charger = await system.connect()
    charger.connector(1).plug_in()
    await system.rest()
    assert system.value("switch", "charging") == "off"
    await system.set("switch", "charging", True)
    await system.rest()
    start = {"connectorId": 1, "idTag": "HOMEASSISTANT"}
    assert charger.requests[-1] == ("RemoteStartTransaction", start)
    assert system.value("switch", "charging") == "on"
    assert charger.connector(1).status == "Charging"
    # It is on already: nothing happens twice.
    count = len(charger.requests)
    await system.set("switch", "charging", True)
    assert len(charger.requests) == count

    transaction = charger.connector(1).transaction_id
    await system.set("switch", "charging", False)
    await system.rest()
    assert charger.requests[-1] == (
        "RemoteStopTransaction",
        {"transactionId": transaction},
    )
    assert system.value("switch", "charging") == "off"
    assert charger.violations == []


async def test_charging_refused(hass: HomeAssistant, system: System) -> None:
    """Nobody believes the car is charging when it is not."""
    charger = await system.connect()
    charger.answer("RemoteStartTransaction", {"status": "Rejected"})
    with pytest.raises(
        HomeAssistantError,
        match="Garage answered RemoteStartTransaction with: Rejected",
    ):
        await system.set("switch", "charging", True)
    assert system.value("switch", "charging") == "off"
    charger.behave()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await system.rest()
    charger.answer("RemoteStopTransaction", {"status": "Rejected"})
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await system.set("switch", "charging", False)
    assert system.value("switch", "charging") == "on"


async def test_charging_without_a_transaction_we_know(
    hass: HomeAssistant, system: System
) -> None:
    """What cannot be ended from here says so, instead of nothing."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Charging"))
    await raw.call(
        "MeterValues",
        meter_values(sample("1", "Energy.Active.Import.Register"), transaction=0),
    )
    await hass.async_block_till_done()
    assert system.value("switch", "charging") == "off"
    with pytest.raises(ServiceValidationError) as error:
        await system.set("switch", "charging", False)
    assert str(error.value) == (
        "No charging session is running at connector 1 of Garage"
    )
    assert "RemoteStopTransaction" not in raw.actions
    # Off and at rest is off.
    await raw.call("StatusNotification", status("Available"))
    await system.set("switch", "charging", False)


async def test_charging_by_card(hass: HomeAssistant, system: System) -> None:
    """The switch shows transactions, whoever began them."""
    charger = await system.connect()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await system.rest()
    assert system.value("switch", "charging") == "on"
    await charger.swipe("CARD1")
    await system.rest()
    assert system.value("switch", "charging") == "off"


async def test_paused(hass: HomeAssistant, system: System) -> None:
    """Nothing flows, the transaction stays; then it goes on at its limit."""
    charger = await system.connect()
    car = charger.connector(1).plug_in(Car(max_current=16, ramp=1000))
    await charger.swipe("CARD1")
    await system.clock.advance(5)
    transaction = charger.connector(1).transaction_id
    await system.set("number", "current_limit", 10)
    await system.set("switch", "paused", True)
    await system.clock.advance(5)
    await system.rest()
    assert car.current == 0
    assert charger.connector(1).transaction_id == transaction
    assert system.value("sensor", "status") == "suspended_evse"
    assert system.value("switch", "paused") == "on"
    assert system.value("switch", "charging") == "on"
    payload = charger.requests[-1][1]
    profile = payload["csChargingProfiles"]
    assert payload["connectorId"] == 1
    assert profile["chargingProfilePurpose"] == "TxProfile"
    assert profile["transactionId"] == transaction
    (period,) = profile["chargingSchedule"]["chargingSchedulePeriod"]
    assert period == {"startPeriod": 0, "limit": 0}

    await system.set("switch", "paused", False)
    await system.clock.advance(5)
    assert car.current == 10
    assert charger.connector(1).transaction_id == transaction
    assert charger.violations == []


async def test_paused_without_a_limit(hass: HomeAssistant, system: System) -> None:
    """Without a limit the way is free for all that the installation carries."""
    charger = await system.connect()
    car = charger.connector(1).plug_in(Car(max_current=16, ramp=1000))
    await charger.swipe("CARD1")
    await system.set("switch", "paused", True)
    assert len(charger.profiles) == 1
    await system.set("switch", "paused", False)
    await system.clock.advance(5)
    assert car.current == 16
    charger.connector(1).unplug()
    assert len(charger.profiles) == 0


async def test_paused_before_the_car_comes(hass: HomeAssistant, system: System) -> None:
    """A pause holds for the session that comes; idle, a charger is never told 0 A."""
    charger = await system.connect()
    await system.set("switch", "paused", True)
    assert "SetChargingProfile" not in [action for action, _ in charger.requests]
    car = charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await charger.wait_for(lambda: len(charger.profiles) == 1)
    await system.clock.advance(5)
    assert car.current == 0
    assert system.value("switch", "charging") == "on"


async def test_paused_refused(hass: HomeAssistant, system: System) -> None:
    """A pause that was refused is none."""
    charger = await system.connect()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await system.rest()
    charger.answer("SetChargingProfile", {"status": "Rejected"})
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await system.set("switch", "paused", True)
    assert system.value("switch", "paused") == "off"


async def test_in_service(hass: HomeAssistant, system: System) -> None:
    """A connector is put out of service, and only it; it stays so over a reboot."""
    charger = await system.connect(connectors=2)
    await system.set("switch", "available", False, connector=2)
    await system.rest()
    assert charger.requests[-1] == (
        "ChangeAvailability",
        {"connectorId": 2, "type": "Inoperative"},
    )
    assert system.value("sensor", "status", 1) == "available"
    assert system.value("sensor", "status", 2) == "unavailable"
    assert system.value("switch", "available", 2) == "off"
    assert system.value("switch", "available", 1) == "on"

    charger.requests.clear()
    await charger.reboot()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    sent = [request for request in charger.requests if "Change" in request[0]]
    assert sent == [("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"})]
    await system.set("switch", "available", True, connector=2)
    await system.rest()
    assert system.value("sensor", "status", 2) == "available"


async def test_in_service_answers(hass: HomeAssistant, system: System) -> None:
    """Scheduled is as good as done, Rejected is not."""
    charger = await system.connect()
    charger.answer("ChangeAvailability", {"status": "Rejected"})
    with pytest.raises(HomeAssistantError, match="ChangeAvailability with: Rejected"):
        await system.set("switch", "available", False)
    assert system.value("switch", "available") == "on"
    charger.answer("ChangeAvailability", {"status": "Scheduled"})
    await system.set("switch", "available", False)
    assert system.value("switch", "available") == "off"


async def test_set_elsewhere(hass: HomeAssistant, system: System) -> None:
    """Without a wish of ours the switch shows what the charger says."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Unavailable"))
    await hass.async_block_till_done()
    assert system.value("switch", "available") == "off"
    await raw.call("StatusNotification", status("Available"))
    await hass.async_block_till_done()
    assert system.value("switch", "available") == "on"


async def test_wishes_while_the_charger_is_away(
    hass: HomeAssistant, system: System
) -> None:
    """What cannot be done now is done when the charger is back."""
    charger = await system.connect()
    await charger.drop()
    await until(hass, lambda: system.value("switch", "charging") == "unavailable")
    await system.set("switch", "available", False)
    await system.set("switch", "paused", True)
    assert system.value("switch", "available") == "off"
    assert system.value("switch", "paused") == "on"
    await charger.reconnect()
    await system.rest()
    assert system.value("sensor", "status") == "unavailable"


async def test_socket_lost_before_the_answer(
    hass: HomeAssistant, system: System
) -> None:
    """A wish whose answer never came is kept as well."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Available"))
    await hass.async_block_till_done()
    raw.answers["ChangeAvailability"] = Silence()
    setting = hass.async_create_task(system.set("switch", "available", False))
    await raw.called("ChangeAvailability")
    await raw.hang_up()
    await setting
    assert system.value("switch", "available") == "off"


async def test_connection_allowed(hass: HomeAssistant, system: System) -> None:
    """Off closes the socket and refuses the next one, and the one after."""
    charger = await system.connect()
    await system.set("switch", "enabled", False, connector=0)
    await until(hass, lambda: system.value("sensor", "status") == "unavailable")
    await charger.wait_for(lambda: not charger.link.connected)
    assert system.value("switch", "enabled", 0) == "off"
    for _ in range(2):
        await system.clock.advance(60)
        assert not charger.link.connected
    await system.set("switch", "enabled", True, connector=0)
    await system.clock.advance(60)
    await charger.connected()
    await system.rest()
    assert system.value("sensor", "status") == "available"
