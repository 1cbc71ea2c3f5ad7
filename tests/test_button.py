"""What can be done with one press."""

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest

from simulator import REBOOT_SECONDS, Car

from .common import System


async def test_defaults(hass: HomeAssistant, system: System) -> None:
    """What does no harm is there; what few need can be enabled."""
    await system.connect()
    entities = er.async_get(hass).entities.values()
    assert {
        entity.unique_id: (not entity.disabled, entity.entity_category)
        for entity in entities
        if entity.domain == "button"
    } == {
        "garage_0_reset": (True, "config"),
        "garage_0_hard_reset": (False, "config"),
        "garage_0_refresh": (False, "config"),
        "garage_0_clear_limits": (False, "config"),
        "garage_1_toggle_charging": (True, None),
        "garage_1_unlock": (True, None),
    }
    state = system.state("button", "reset", 0)
    assert state.attributes["device_class"] == "restart"
    name = system.state("button", "toggle_charging").name
    assert name == "Garage Start or stop charging"


@pytest.mark.parametrize(
    ("key", "kind", "reason"),
    [("reset", "Soft", "soft_reset"), ("hard_reset", "Hard", "hard_reset")],
)
async def test_reset(
    hass: HomeAssistant,
    all_enabled: None,
    system: System,
    key: str,
    kind: str,
    reason: str,
) -> None:
    """The charger restarts; what it says on its way, or after it, counts."""
    charger = await system.connect()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await system.rest()
    await system.set("button", key, connector=0)
    assert charger.requests[-1] == ("Reset", {"type": kind})
    await charger.wait_for(lambda: not charger.link.connected)
    await system.clock.advance(REBOOT_SECONDS)
    await charger.connected()
    await system.rest()
    assert system.value("sensor", "stop_reason") == reason
    assert system.value("switch", "charging") == "off"


async def test_toggle_charging(hass: HomeAssistant, system: System) -> None:
    """One button at the bedside."""
    charger = await system.connect()
    charger.connector(1).plug_in()
    for status in ("Charging", "Finishing", "Charging"):
        await system.set("button", "toggle_charging")
        await system.rest()
        assert charger.connector(1).status == status
    assert [action for action, _ in charger.requests if "Remote" in action] == [
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "RemoteStartTransaction",
    ]


async def test_unlock(hass: HomeAssistant, system: System) -> None:
    """The plug of this connector is released, or the user is told why not."""
    charger = await system.connect(connectors=2)
    await system.set("button", "unlock", connector=2)
    assert charger.requests[-1] == ("UnlockConnector", {"connectorId": 2})
    charger.answer("UnlockConnector", {"status": "UnlockFailed"})
    with pytest.raises(
        HomeAssistantError, match="Garage answered UnlockConnector with: UnlockFailed"
    ):
        await system.set("button", "unlock", connector=2)


async def test_refresh(hass: HomeAssistant, all_enabled: None, system: System) -> None:
    """The charger is asked for all it has to say."""
    charger = await system.connect(connectors=2)
    charger.requests.clear()
    await system.set("button", "refresh", connector=0)
    assert [
        (payload["requestedMessage"], payload["connectorId"])
        for action, payload in charger.requests
        if action == "TriggerMessage"
    ] == [
        ("StatusNotification", 1),
        ("MeterValues", 1),
        ("StatusNotification", 2),
        ("MeterValues", 2),
    ]
    await system.rest()
    assert system.value("sensor", "power", 2) == "0.0"


async def test_clear_limits(
    hass: HomeAssistant, all_enabled: None, system: System
) -> None:
    """Our limits go, whatever they were; foreign ones are not ours to remove."""
    charger = await system.connect()
    foreign = {
        "chargingProfileId": 99,
        "stackLevel": 5,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 30}],
        },
    }
    await system.act("set_charging_profile", profile=foreign)
    car = charger.connector(1).plug_in(Car(max_current=32, ramp=1000))
    await charger.swipe("CARD1")
    await system.set("number", "maximum_current", 20, connector=0)
    await system.set("number", "current_limit", 8)
    await system.set("switch", "paused", True)
    await system.clock.advance(5)
    assert car.current == 0
    await system.set("button", "clear_limits", connector=0)
    await system.clock.advance(5)
    assert car.current == 30
    assert len(charger.profiles) == 1
    assert system.number("number", "current_limit") == 32
    assert system.number("number", "maximum_current", 0) == 32
    assert system.value("switch", "paused") == "off"
