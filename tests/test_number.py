"""Limits, as a user sets them."""

from typing import Any

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from simulator import REBOOT_SECONDS, Car, Charger

from .common import System, charge_point, until
from .csms.common import Refusal, Silence, bring_up, status


def profiles(charger: Charger) -> list[tuple[Any, ...]]:
    """Return the limits that a charger was sent: purpose, connector, limit, unit."""
    found = []
    for action, payload in charger.requests:
        if action == "SetChargingProfile":
            profile = payload["csChargingProfiles"]
            schedule = profile["chargingSchedule"]
            (period,) = schedule["chargingSchedulePeriod"]
            found.append(
                (
                    profile["chargingProfilePurpose"],
                    payload["connectorId"],
                    period["limit"],
                    schedule["chargingRateUnit"],
                )
            )
    return found


async def test_what_can_be_set(hass: HomeAssistant, system: System) -> None:
    """From what a car needs at least to what the installation carries."""
    await system.connect()
    limit = system.state("number", "current_limit")
    maximum = system.state("number", "maximum_current", 0)
    for state in (limit, maximum):
        assert float(state.state) == 32
        assert (state.attributes["min"], state.attributes["max"]) == (6, 32)
        assert state.attributes["unit_of_measurement"] == "A"
        assert state.attributes["device_class"] == "current"
    await system.set("number", "maximum_current", 20, connector=0)
    # What a connector may have at most is what the charge point may.
    state = system.state("number", "current_limit")
    assert (float(state.state), state.attributes["max"]) == (20, 20)
    for value in (5, 21):
        with pytest.raises(ServiceValidationError):
            await system.set("number", "current_limit", value)


async def test_current_limit(hass: HomeAssistant, system: System) -> None:
    """A limit is the connector's default from now on, running session included."""
    charger = await system.connect()
    car = charger.connector(1).plug_in(Car(max_current=32, ramp=1000))
    await charger.swipe("CARD1")
    await system.clock.advance(10)
    assert car.current == 32
    await system.set("number", "current_limit", 10)
    await system.clock.advance(10)
    assert car.current == 10
    assert system.number("number", "current_limit") == 10
    assert profiles(charger) == [("TxDefaultProfile", 1, 10, "A")]
    # The same limit is not sent again; another one takes its place.
    await system.set("number", "current_limit", 10)
    assert len(profiles(charger)) == 1
    await system.set("number", "current_limit", 16)
    await system.clock.advance(10)
    assert car.current == 16
    assert len(charger.profiles) == 1
    # The next session begins with it.
    charger.connector(1).unplug()
    car = charger.connector(1).plug_in(Car(max_current=32, ramp=1000))
    await charger.swipe("CARD1")
    await system.clock.advance(10)
    assert car.current == 16
    assert charger.violations == []


async def test_one_connector_of_two(hass: HomeAssistant, system: System) -> None:
    """A limit of connector 2 throttles connector 2, and nobody else."""
    charger = await system.connect(connectors=2)
    cars = []
    for connector in (1, 2):
        cars.append(charger.connector(connector).plug_in(Car(max_current=16, ramp=99)))
        await charger.swipe(f"CARD{connector}", connector)
    await system.rest()
    await system.set("number", "current_limit", 8, connector=2)
    await system.clock.advance(10)
    assert [car.current for car in cars] == [16, 8]
    assert profiles(charger) == [("TxDefaultProfile", 2, 8, "A")]
    assert system.number("number", "current_limit", 1) == 32
    # Nothing is asked before or after.
    assert [action for action, _ in charger.requests].count("GetConfiguration") == 1


async def test_maximum_current(hass: HomeAssistant, system: System) -> None:
    """The ceiling is one profile of the whole charge point, and only once it is set."""
    charger = await system.connect(connectors=2)
    assert profiles(charger) == []
    await system.set("number", "maximum_current", 20, connector=0)
    assert profiles(charger) == [("ChargePointMaxProfile", 0, 20, "A")]
    profile = charger.requests[-1][1]["csChargingProfiles"]
    assert profile["chargingProfileKind"] == "Absolute"


async def test_refused(hass: HomeAssistant, system: System) -> None:
    """The user reads the charger's own word; the limit stays what it was."""
    charger = await system.connect()
    await system.set("number", "current_limit", 20)
    charger.answer("SetChargingProfile", {"status": "NotSupported"})
    for key, connector in (("current_limit", 1), ("maximum_current", 0)):
        before = system.state("number", key, connector)
        with pytest.raises(HomeAssistantError, match="NotSupported") as error:
            await system.set("number", key, 10, connector=connector)
        assert str(error.value) == (
            "Garage answered SetChargingProfile with: NotSupported"
        )
        assert system.state("number", key, connector).state == before.state
    # What was refused is not tried again behind the user's back.
    charger.behave()
    charger.requests.clear()
    await charger.reboot()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    assert profiles(charger) == [("TxDefaultProfile", 1, 20, "A")]


async def test_a_refusal_is_in_nobodys_way(hass: HomeAssistant, system: System) -> None:
    """A ceiling that a charger refuses leaves the limits of its connectors alone."""
    raw = await system.dial()
    for connector in (1, 2):
        await raw.call("StatusNotification", status("Available", connector))
    await raw.close()
    await until(hass, lambda: system.value("sensor", "status") == "unavailable")
    await system.set("number", "maximum_current", 20, connector=0)
    raw = await system.dial()
    raw.answers["SetChargingProfile"] = lambda payload: {
        "status": "Accepted" if payload["connectorId"] else "Rejected"
    }
    await raw.boot()
    await bring_up("GARAGE")
    await system.set("number", "current_limit", 10)
    assert system.number("number", "current_limit") == 10
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await system.set("number", "maximum_current", 16, connector=0)


async def test_a_ceiling_that_only_the_connector_takes(
    hass: HomeAssistant, system: System
) -> None:
    """What holds for the only connector holds for the whole charge point."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Available"))
    raw.answers["SetChargingProfile"] = lambda payload: {
        "status": "Accepted" if payload["connectorId"] else "NotSupported"
    }
    await system.set("number", "maximum_current", 20, connector=0)
    assert system.number("number", "maximum_current", 0) == 20
    sent = raw.calls[-1].payload
    profile = sent["csChargingProfiles"]
    assert sent["connectorId"] == 1
    assert profile["chargingSchedule"]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 20}
    ]


async def test_charger_that_refuses_everything_else(
    hass: HomeAssistant, system: System
) -> None:
    """A wish is carried out by a charger that answers nothing else well."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Available"))
    await raw.close()
    await until(hass, lambda: system.value("sensor", "status") == "unavailable")
    await system.set("number", "current_limit", 10)
    raw = await system.dial()
    # A key without a value is legal.
    keys = [{"key": "MeterValuesSampledData", "readonly": False}]
    raw.answers |= {
        "GetConfiguration": {"configurationKey": keys},
        "ChangeConfiguration": Refusal("InternalError"),
        "TriggerMessage": Refusal("NotImplemented"),
    }
    await raw.boot()
    await bring_up("GARAGE")
    assert raw.actions[-1] == "SetChargingProfile"
    raw.answers["GetConfiguration"] = Refusal("NotSupported")
    await raw.boot(firmwareVersion="2")
    await bring_up("GARAGE")
    assert raw.actions[-1] == "SetChargingProfile"
    assert system.value("sensor", "status") != "unavailable"


async def test_slider_in_motion(hass: HomeAssistant, system: System) -> None:
    """Of several values in a second the last one holds, and none gets lost."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Available"))
    await hass.async_block_till_done()
    raw.answers["SetChargingProfile"] = Silence()
    setting = [
        hass.async_create_task(system.set("number", "current_limit", value))
        for value in (20, 16, 10)
    ]
    first = await raw.called("SetChargingProfile")
    raw.answers["SetChargingProfile"] = {"status": "Accepted"}
    await raw.answer(first, {"status": "Accepted"})
    for task in setting:
        await task
    assert system.number("number", "current_limit") == 10
    schedule = raw.calls[-1].payload["csChargingProfiles"]["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 10}]


async def test_while_the_charger_is_away(hass: HomeAssistant, system: System) -> None:
    """A wish is kept, and carried out when the charger is back."""
    charger = await system.connect(boot_on_reconnect=False)
    await charger.drop()
    await until(hass, lambda: system.value("sensor", "status") == "unavailable")
    await system.set("number", "current_limit", 8)
    assert system.number("number", "current_limit") == 8
    charger.requests.clear()
    await charger.reboot()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    assert profiles(charger) == [("TxDefaultProfile", 1, 8, "A")]


async def test_after_a_reboot(hass: HomeAssistant, system: System) -> None:
    """A charger that forgot its profiles is told again, each time."""
    charger = await system.connect()
    await system.set("number", "current_limit", 8)
    for _ in range(2):
        charger.profiles.clear()
        await charger.power_loss()
        await system.clock.advance(REBOOT_SECONDS)
        await system.rest()
        assert len(charger.profiles) == 1
    assert system.number("number", "current_limit") == 8


@pytest.mark.parametrize(
    ("words", "unit", "limit"),
    [("Current", "A", 10), ("Power", "W", 6900), ("Current,Power", "A", 10)],
)
async def test_unit_the_charger_speaks(
    hass: HomeAssistant, system: System, words: str, unit: str, limit: float
) -> None:
    """Amperes are turned into watts for a charger that knows only those."""
    key = "ChargingScheduleAllowedChargingRateUnit"
    charger = await system.connect(config={key: words})
    await system.set("number", "current_limit", 10)
    assert profiles(charger) == [("TxDefaultProfile", 1, limit, unit)]


@pytest.mark.parametrize(
    "charge_points", [[charge_point(phases=1, installation_current=16)]]
)
async def test_installation(
    hass: HomeAssistant, system: System, charge_points: list[ConfigSubentryData]
) -> None:
    """What the installation carries can change while the charger charges."""
    charger = await system.connect(
        config={"ChargingScheduleAllowedChargingRateUnit": "Power"}
    )
    assert system.state("number", "current_limit").attributes["max"] == 16
    await system.set("number", "current_limit", 10)
    assert profiles(charger) == [("TxDefaultProfile", 1, 2300, "W")]
    (subentry,) = system.entry.subentries.values()
    hass.config_entries.async_update_subentry(
        system.entry, subentry, data={**subentry.data, "installation_current": 20}
    )
    await hass.async_block_till_done()
    for key, connector in (("current_limit", 1), ("maximum_current", 0)):
        assert system.state("number", key, connector).attributes["max"] == 20
    assert charger.accepted
