"""The actions that limit how fast a car charges."""

from datetime import datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest
import voluptuous as vol

from simulator import REBOOT_SECONDS, Car, Charger, ManualClock

from .common import System, until


@pytest.fixture
def clock(freezer: FrozenDateTimeFactory) -> ManualClock:
    """Return a clock that goes with Home Assistant's, which stands still by itself."""
    freezer.move_to("2026-03-02T12:00:00+00:00")
    return ManualClock(dt_util.utcnow())


def last_profile(charger: Charger) -> dict[str, Any]:
    """Return the profile that was sent last, with its connector."""
    action, payload = charger.requests[-1]
    assert action == "SetChargingProfile"
    return {"connectorId": payload["connectorId"], **payload["csChargingProfiles"]}


def periods(profile: dict[str, Any]) -> list[tuple[int, float]]:
    """Return the seconds and limits of a profile."""
    return [
        (period["startPeriod"], period["limit"])
        for period in profile["chargingSchedule"]["chargingSchedulePeriod"]
    ]


async def charge(system: System, connectors: int = 1) -> tuple[Charger, Car]:
    """Have a car charge at 32 A at the last connector."""
    charger = await system.connect(connectors=connectors)
    car = Car(max_current=32, ramp=1000, soc=10, capacity_wh=100_000)
    charger.connector(connectors).plug_in(car)
    await charger.swipe("CARD1", connectors)
    await system.clock.advance(5)
    await system.rest()
    assert car.current == 32
    return charger, car


async def test_session_limit(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """A limit for the running session ends with it."""
    charger, car = await charge(system, 2)
    answer = await system.act(
        "set_charging_limit", response=True, connector=2, current=8.5, scope="session"
    )
    assert answer == {"status": "Accepted"}
    profile = last_profile(charger)
    assert profile["connectorId"] == 2
    assert profile["chargingProfilePurpose"] == "TxProfile"
    assert profile["transactionId"] == charger.connector(2).transaction_id
    assert profile["chargingSchedule"]["chargingRateUnit"] == "A"
    assert periods(profile) == [(0, 8.5)]
    await system.advance(freezer, 5)
    assert car.current == 8.5
    # The connector's own limit is another matter.
    assert system.number("number", "current_limit", 2) == 32
    charger.connector(2).unplug()
    charger.connector(2).plug_in(car)
    await charger.swipe("CARD1", 2)
    await system.advance(freezer, 5)
    assert car.current == 32
    assert charger.violations == []


async def test_session_limit_for_a_while(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """The way back is in the charger itself."""
    charger, car = await charge(system)
    await system.set("number", "current_limit", 16)
    await system.act("set_charging_limit", current=8, duration={"minutes": 30})
    profile = last_profile(charger)
    begin = datetime.fromisoformat(profile["chargingSchedule"]["startSchedule"])
    (_, limit), (seconds, after) = periods(profile)
    assert (limit, after) == (8, 16)
    end = begin + timedelta(seconds=seconds)
    assert end == dt_util.utcnow() + timedelta(minutes=30)
    await system.advance(freezer, 29 * 60)
    assert car.current == 8
    count = len(charger.requests)
    await system.advance(freezer, 2 * 60)
    assert car.current == 16
    assert len(charger.requests) == count


async def test_connector_limit(hass: HomeAssistant, system: System) -> None:
    """Without a scope the limit is the connector's, like the slider's."""
    charger, car = await charge(system, 2)
    await system.act("set_charging_limit", connector=2, current=10)
    await system.clock.advance(5)
    assert car.current == 10
    assert system.number("number", "current_limit", 2) == 10
    assert system.number("number", "current_limit", 1) == 32
    charger.profiles.clear()
    await charger.power_loss()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    assert len(charger.profiles) == 1
    charger.connector(2).unplug()
    charger.connector(2).plug_in(car)
    await charger.swipe("CARD1", 2)
    await system.clock.advance(5)
    assert car.current == 10


async def test_station_limit(hass: HomeAssistant, system: System) -> None:
    """The ceiling of all connectors together."""
    charger, car = await charge(system, 2)
    await system.act("set_charging_limit", current=20, scope="station")
    profile = last_profile(charger)
    assert profile["connectorId"] == 0
    assert profile["chargingProfilePurpose"] == "ChargePointMaxProfile"
    await system.clock.advance(5)
    assert car.current == 20
    assert system.number("number", "maximum_current", 0) == 20


@pytest.mark.parametrize(
    ("words", "unit", "limit"), [("Current", "A", 10), ("Power", "W", 6900)]
)
async def test_power(
    hass: HomeAssistant, system: System, words: str, unit: str, limit: float
) -> None:
    """Watts are turned into amperes for a charger that knows only those."""
    charger = await system.connect(
        config={"ChargingScheduleAllowedChargingRateUnit": words}
    )
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await system.act("set_charging_limit", power=6900, scope="session")
    profile = last_profile(charger)
    assert profile["chargingSchedule"]["chargingRateUnit"] == unit
    assert periods(profile) == [(0, limit)]


async def test_power_is_written_once(hass: HomeAssistant, system: System) -> None:
    """What was said in watts is one limit, which the slider shows in amperes."""
    charger = await system.connect()
    charger.requests.clear()
    await system.act("set_charging_limit", power=6900)
    assert [action for action, _ in charger.requests] == ["SetChargingProfile"]
    assert system.number("number", "current_limit") == 10


@pytest.mark.parametrize("scope", ["session", "default"])
async def test_too_little_for_a_car(
    hass: HomeAssistant, system: System, scope: str
) -> None:
    """Whoever types 3 A wants as little as a car can do with."""
    charger, car = await charge(system)
    charger.requests.clear()
    await system.act("set_charging_limit", current=3, scope=scope)
    await system.clock.advance(5)
    assert car.current == 6
    for _, payload in charger.requests:
        assert periods(payload["csChargingProfiles"]) == [(0, 6)]


async def test_a_ceiling_too_low_for_a_car(hass: HomeAssistant, system: System) -> None:
    """A ceiling is never exceeded, so that nothing flows below what a car needs."""
    charger, car = await charge(system)
    await system.act("set_charging_limit", current=4, scope="station")
    await system.clock.advance(5)
    assert car.current == 0
    assert system.number("number", "maximum_current", 0) == 4
    ceilings = [
        periods(profile)
        for _, payload in charger.requests
        if (profile := payload.get("csChargingProfiles"))
        and profile["chargingProfilePurpose"] == "ChargePointMaxProfile"
    ]
    assert ceilings == [[(0, 4)]]


async def test_nothing_at_all(hass: HomeAssistant, system: System) -> None:
    """0 A is a pause: it is not told to a charger that is idle."""
    charger, car = await charge(system)
    answer = await system.act("set_charging_limit", response=True, current=0)
    assert answer == {"status": "Accepted"}
    await system.clock.advance(5)
    assert car.current == 0
    assert system.value("switch", "paused") == "on"
    # Whoever pauses in this way lets the car go on in this way.
    for scope in ("default", "session"):
        await system.act("set_charging_limit", current=10, scope=scope)
        await system.clock.advance(5)
        assert car.current == 10
        assert system.value("switch", "paused") == "off"
        await system.act("set_charging_limit", current=0)
        await system.clock.advance(5)
        assert car.current == 0
    charger.connector(1).unplug()
    await system.rest()
    charger.requests.clear()
    await system.act("set_charging_limit", current=0)
    assert charger.requests == []
    await charger.drop()
    await until(hass, lambda: system.value("sensor", "status") == "unavailable")
    with pytest.raises(HomeAssistantError, match="not connected"):
        await system.act("set_charging_limit", current=0)


async def test_all_connectors(hass: HomeAssistant, system: System) -> None:
    """A default of connector 0 is one for all of them, and stays."""
    charger = await system.connect(connectors=2)
    await system.act("set_charging_limit", connector=0, current=10)
    assert last_profile(charger)["connectorId"] == 0
    assert last_profile(charger)["chargingProfilePurpose"] == "TxDefaultProfile"
    await system.set("number", "current_limit", 16, connector=2)
    assert len(charger.profiles) == 2


async def test_what_makes_no_sense(hass: HomeAssistant, system: System) -> None:
    """Neither, both, and a time that only a session can have."""
    charger, _ = await charge(system)
    charger.requests.clear()
    for data in ({}, {"current": 8, "power": 1840}, {"current": -1}):
        with pytest.raises(vol.Invalid):
            await system.act("set_charging_limit", **data)
    for scope in ("default", "station"):
        with pytest.raises(ServiceValidationError) as error:
            await system.act(
                "set_charging_limit", current=8, scope=scope, duration={"minutes": 5}
            )
        assert str(error.value) == (
            "A duration is only possible for a limit of the running session"
        )
    assert charger.requests == []


@pytest.mark.parametrize("scope", ["session", "default", "station"])
async def test_refused(hass: HomeAssistant, system: System, scope: str) -> None:
    """A refused limit is an error, or an answer, and is not kept."""
    charger, _ = await charge(system)
    charger.answer("SetChargingProfile", {"status": "Rejected"})
    data = {"current": 8, "scope": scope}
    with pytest.raises(HomeAssistantError) as error:
        await system.act("set_charging_limit", **data)
    assert str(error.value) == "Garage answered SetChargingProfile with: Rejected"
    answer = await system.act("set_charging_limit", response=True, **data)
    assert answer == {"status": "Rejected"}
    charger.behave()
    charger.requests.clear()
    await charger.reboot()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    assert "SetChargingProfile" not in [action for action, _ in charger.requests]
    assert system.number("number", "current_limit") == 32
    assert system.number("number", "maximum_current", 0) == 32


async def test_session_limit_without_a_session(
    hass: HomeAssistant, system: System
) -> None:
    """The charger says what it thinks of that."""
    charger = await system.connect()
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await system.act("set_charging_limit", current=8, scope="session")
    assert "transactionId" not in last_profile(charger)


async def test_clear_charging_limit(hass: HomeAssistant, system: System) -> None:
    """Everything of ours at a connector is gone; the ceiling is another matter."""
    charger, car = await charge(system)
    await system.act("set_charging_limit", current=20, scope="station")
    await system.act("set_charging_limit", current=16)
    await system.act("set_charging_limit", current=8, scope="session")
    await system.clock.advance(5)
    assert car.current == 8
    answer = await system.act("clear_charging_limit", response=True)
    assert answer == {"status": "Accepted"}
    await system.clock.advance(5)
    assert car.current == 20
    assert system.number("number", "current_limit") == 20
    answer = await system.act("clear_charging_limit", response=True)
    assert answer == {"status": "Unknown"}
    await system.act("clear_charging_limit", connector=0)
    await system.clock.advance(5)
    assert car.current == 32
    assert len(charger.profiles) == 0


@pytest.mark.parametrize(("current", "flows"), [(10, 10), (0, 0)])
async def test_start_with_a_limit(
    hass: HomeAssistant, system: System, current: float, flows: float
) -> None:
    """The session begins with its limit, and takes it along when it ends."""
    charger = await system.connect()
    car = charger.connector(1).plug_in(Car(max_current=32, ramp=1000))
    await system.act("start_transaction", current=current, id_token="CARD1")
    request = {"connectorId": 1, "idTag": "CARD1"}
    assert ("RemoteStartTransaction", request) in charger.requests
    await charger.wait_for(lambda: len(charger.profiles) == 1)
    await system.clock.advance(5)
    assert car.current == flows
    await system.act("stop_transaction")
    charger.connector(1).unplug()
    charger.connector(1).plug_in(car)
    await charger.swipe("CARD1")
    await system.rest()
    await system.clock.advance(5)
    assert car.current == 32


@pytest.mark.parametrize("token", [None, "CARD1"])
async def test_limit_of_a_start_that_came_to_nothing(
    hass: HomeAssistant,
    system: System,
    freezer: FrozenDateTimeFactory,
    token: str | None,
) -> None:
    """Nobody finds the limit of somebody who never came."""
    charger = await system.connect(config={"ConnectionTimeOut": "60"})
    await system.act("start_transaction", current=6, id_token="CARD1")
    await system.advance(freezer, 150 if token else 10)
    car = Car(max_current=32, ramp=1000)
    if token:
        assert charger.connector(1).status == "Available"
        charger.connector(1).plug_in(car)
        await charger.swipe(token)
    else:
        # Somebody else starts it, from here as well.
        charger.connector(1).authorization = None
        await system.act("start_transaction")
        charger.connector(1).plug_in(car)
    await system.rest()
    await system.clock.advance(5)
    assert charger.connector(1).status == "Charging"
    assert car.current == 32


async def test_set_and_clear_profiles(hass: HomeAssistant, system: System) -> None:
    """What an expert installs is installed as it is, and found by its criteria."""
    charger, car = await charge(system)
    profile = {
        "chargingProfileId": 99,
        "stackLevel": 3,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": "2026-03-02T00:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 7.5, "numberPhases": 3}
            ],
        },
    }
    answer = await system.act("set_charging_profile", response=True, profile=profile)
    assert answer == {"status": "Accepted"}
    assert charger.requests[-1][1] == {"connectorId": 1, "csChargingProfiles": profile}
    await system.clock.advance(5)
    assert car.current == 7.5
    await system.act("clear_charging_profile", criteria={"stackLevel": 3})
    await system.clock.advance(5)
    assert car.current == 32
    assert charger.violations == []


async def test_session_limit_over_a_restart(
    hass: HomeAssistant, system: System
) -> None:
    """A restart of Home Assistant lets no session have more than it was given."""
    charger, car = await charge(system)
    await system.act("set_charging_limit", current=9, scope="session")
    await system.restart()
    await system.clock.advance(60)
    await charger.connected()
    await system.rest()
    assert car.current == 9
    await charger.stop_transaction()
    charger.connector(1).unplug()
    charger.connector(1).plug_in(car)
    await charger.swipe("CARD1")
    await system.clock.advance(60)
    await system.rest()
    assert car.current == 32


async def test_the_newest_wish_wins(hass: HomeAssistant, system: System) -> None:
    """Whoever moves the slider means it, whatever was meant for the session."""
    charger, car = await charge(system)
    await system.act("set_charging_limit", current=9, scope="session")
    await system.set("number", "current_limit", 20)
    await system.clock.advance(60)
    assert car.current == 20
    charger.answer("SetChargingProfile", {"status": "Rejected"})
    await system.act("set_charging_limit", current=9, scope="session", response=True)
    with pytest.raises(HomeAssistantError):
        await system.set("number", "current_limit", 12)
    assert system.number("number", "current_limit") == 20
