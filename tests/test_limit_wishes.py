"""Limits as a user wishes for them, in each version, whether the charger is there or not."""

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from simulator import REBOOT_SECONDS

from .charging import VERSIONS, charge, connect, told
from .common import System, charge_point, until

each_version = pytest.mark.parametrize("version", VERSIONS)


@each_version
async def test_fallback_current(
    hass: HomeAssistant, system: System, version: str
) -> None:
    """What may flow without Home Assistant is a default of each connector."""
    charger = await connect(system, version)
    state = system.state("number", "offline_current", 0)
    assert state.name == "Garage Fallback current"
    assert float(state.state) == 32
    assert (state.attributes["min"], state.attributes["max"]) == (6, 32)
    assert told(charger) == []
    await system.set("number", "offline_current", 10, connector=0)
    assert told(charger) == [("TxDefaultProfile", 1, [10])]
    assert system.number("number", "offline_current", 0) == 10
    # A car that comes charges faster, and the way back is in the charger.
    car = await charge(charger, system)
    await system.clock.advance(5)
    assert car.current == 32
    assert told(charger)[-1] == ("TxProfile", 1, [32, 10])
    assert charger.violations == []


async def test_fallback_current_follows_the_maximum(
    hass: HomeAssistant, system: System
) -> None:
    """It is never above what may flow at all."""
    await system.connect()
    await system.set("number", "maximum_current", 20, connector=0)
    state = system.state("number", "offline_current", 0)
    assert (float(state.state), state.attributes["max"]) == (20, 20)
    for value in (5, 21):
        with pytest.raises(ServiceValidationError):
            await system.set("number", "offline_current", value, connector=0)


@each_version
async def test_power_limit(hass: HomeAssistant, system: System, version: str) -> None:
    """A limit in watts, of all phases together."""
    charger = await connect(system, version)
    state = system.state("number", "power_limit")
    assert state.name == "Garage Power limit"
    assert float(state.state) == 32 * 3 * 230
    assert state.attributes["min"] == 6 * 230
    assert state.attributes["max"] == 32 * 3 * 230
    car = await charge(charger, system)
    await system.set("number", "power_limit", 6900)
    await system.clock.advance(5)
    assert car.current == 10
    # Of two limits, the lower one holds.
    await system.set("number", "current_limit", 8)
    await system.clock.advance(5)
    assert car.current == 8
    await system.set("number", "current_limit", 16)
    await system.clock.advance(5)
    assert car.current == 10
    assert system.number("number", "power_limit") == 6900
    assert charger.violations == []


@each_version
async def test_no_watts(hass: HomeAssistant, system: System, version: str) -> None:
    """What the charger has no word for is not offered, until it has."""
    key, words = ("SmartChargingCtrlr.RateUnit", "A")
    if version == "1.6":
        key, words = ("ChargingScheduleAllowedChargingRateUnit", "Current")
    await connect(system, version, config={key: words})
    assert system.find("number", "current_limit")
    assert system.find("number", "power_limit") is None


async def test_watts_after_an_update(hass: HomeAssistant, system: System) -> None:
    """A new firmware may learn to speak watts, and unlearn it."""
    key = "ChargingScheduleAllowedChargingRateUnit"
    raw = await system.dial()
    for firmware, words in (("1", "Current"), ("2", "Current,Power"), ("3", "Current")):
        raw.answers["GetConfiguration"] = {
            "configurationKey": [{"key": key, "readonly": True, "value": words}]
        }
        await raw.boot(firmwareVersion=firmware)
        await system.rest()
        await raw.call(
            "StatusNotification",
            {"connectorId": 1, "status": "Available", "errorCode": "NoError"},
        )
        await until(
            hass,
            lambda words=words: (
                (system.find("number", "power_limit") is not None) == ("Power" in words)
            ),
        )


@each_version
@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("current_limit", 8, [("TxDefaultProfile", 1, [8])]),
        ("power_limit", 6900, [("TxDefaultProfile", 1, [10])]),
        ("offline_current", 10, [("TxDefaultProfile", 1, [10])]),
    ],
)
async def test_while_the_charger_is_away(
    hass: HomeAssistant,
    system: System,
    version: str,
    key: str,
    value: float,
    expected: list[object],
) -> None:
    """A wish is shown, kept over a restart, and carried out when the charger is back."""
    charger = await connect(system, version)
    await charger.drop()
    await until(hass, lambda: system.value("sensor", "status") == "unavailable")
    connector = 0 if key == "offline_current" else 1
    await system.set("number", key, value, connector=connector)
    assert system.number("number", key, connector) == value
    await system.restart()
    assert system.number("number", key, connector) == value
    told(charger)
    await charger.reboot()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    assert told(charger) == expected
    assert charger.violations == []


@each_version
async def test_refused(hass: HomeAssistant, system: System, version: str) -> None:
    """The charger's own word is told, and the wish taken back."""
    charger = await connect(system, version)
    charger.answer("SetChargingProfile", {"status": "Rejected"})
    for key, connector, value in (("offline_current", 0, 10), ("power_limit", 1, 6900)):
        before = system.state("number", key, connector).state
        with pytest.raises(HomeAssistantError, match="Rejected"):
            await system.set("number", key, value, connector=connector)
        assert system.state("number", key, connector).state == before
    charger.behave()
    charger.requests.clear()
    await charger.reboot()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    assert told(charger) == []


@pytest.mark.parametrize("charge_points", [[charge_point(direct_current=True)]])
async def test_direct_current(
    hass: HomeAssistant, system: System, charge_points: list[ConfigSubentryData]
) -> None:
    """No car is in the way of less than 6 A."""
    await system.connect()
    assert system.state("number", "current_limit").attributes["min"] == 1
    assert system.state("number", "power_limit").attributes["min"] == 10
