"""What may flow at a charger of OCPP 2.0.1 or 2.1, from end to end."""

from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.history import get_last_state_changes
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
import pytest

from simulator import Car, Charger2, ManualClock

from .common import TIMING, System, until
from .csms.common import Payload
from .csms.common2 import BOOT, VERSIONS, both_versions, status

SOON = replace(TIMING, settle=0)


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody wait, neither for a slow charger nor for limits to settle."""
    monkeypatch.setattr("custom_components.ocpp_central.hub.TIMING", SOON)


@pytest.fixture
def clock(freezer: FrozenDateTimeFactory) -> ManualClock:
    """Return a clock that goes with Home Assistant's, which stands still by itself."""
    freezer.move_to("2026-03-02T12:00:00+00:00")
    return ManualClock(dt_util.utcnow())


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Return the version that is spoken."""
    spoken: str = request.param
    return spoken


async def connect(system: System, version: str, **options: Any) -> Charger2:
    """Have a simulated station connect and come to rest."""
    charger = Charger2(
        system.url, "GARAGE", version=version, clock=system.clock, **options
    )
    system.chargers.append(charger)  # type: ignore[arg-type]
    await charger.start()
    await system.rest()
    return charger


async def charge(system: System, version: str, **options: Any) -> tuple[Charger2, Car]:
    """Have a car charge at 32 A."""
    charger = await connect(system, version, **options)
    car = Car(max_current=32, ramp=1000, soc=10, capacity_wh=100_000)
    charger.connector(1).plug_in(car)
    await charger.swipe("CARD1")
    await system.clock.advance(5)
    await system.rest()
    assert car.current == 32
    return charger, car


async def limit(system: System, value: str, connector: int = 1) -> None:
    """Wait until this is the limit."""
    key = "effective_limit" if connector else "station_limit"
    await until(
        system.hass,
        lambda: (
            system.find("sensor", key, connector) is not None
            and system.value("sensor", key, connector) == value
        ),
    )


def asked(charger: Charger2, action: str) -> list[Payload]:
    """Return what a charger was told by an action."""
    return [payload for name, payload in charger.requests if name == action]


async def test_limits(
    hass: HomeAssistant,
    system: System,
    freezer: FrozenDateTimeFactory,
    version: str,
) -> None:
    """Whatever is set, from wherever: the car takes no more, and it is shown."""
    charger, car = await charge(system, version)
    await limit(system, "32.0")
    await system.set("number", "current_limit", 10)
    await limit(system, "10.0")
    await system.advance(freezer, 5)
    assert car.current == 10
    await system.set("number", "maximum_current", 8, connector=0)
    await limit(system, "8.0")
    await system.set("switch", "paused", True)
    await limit(system, "0.0")
    await system.advance(freezer, 5)
    assert car.current == 0
    assert system.value("sensor", "reason_not_charging") == "paused_by_user"
    await system.set("switch", "paused", False)
    await limit(system, "8.0")
    await system.act(
        "set_charging_limit", current=6, scope="session", duration="00:10:00"
    )
    await limit(system, "6.0")
    state = system.state("sensor", "effective_limit")
    assert state.attributes["source"] == "composite"
    assert len(state.attributes["schedule"]) == 2
    # It ends by itself, in the charger as here.
    await system.advance(freezer, 605)
    await limit(system, "8.0")
    assert charger.violations == []
    updates = asked(charger, "UpdateDynamicSchedule")
    # The way back is in a schedule; all else need not be written anew.
    assert bool(updates) == (version == "2.1")


async def test_all_is_sent_again(
    hass: HomeAssistant,
    system: System,
    freezer: FrozenDateTimeFactory,
    version: str,
) -> None:
    """What was wished while the charger was away holds when it is back."""
    charger, _ = await charge(system, version, boot_on_reconnect=True)
    await charger.drop()
    await until(
        hass, lambda: system.value("sensor", "reason_not_charging") == "offline"
    )
    await system.set("number", "current_limit", 12)
    await charger.reconnect()
    await system.rest()
    await limit(system, "12.0")
    assert charger.violations == []


async def test_from_outside(
    hass: HomeAssistant,
    system: System,
    freezer: FrozenDateTimeFactory,
    version: str,
) -> None:
    """An energy manager throttles: how far, and who it is, can be seen."""
    charger, car = await charge(system, version)
    await limit(system, "32.0")
    await charger.external_limit(1, 8.0, "EMS")
    await limit(system, "8.0")
    await until(
        hass,
        lambda: (
            "foreign_profiles" in system.state("sensor", "effective_limit").attributes
        ),
    )
    attributes = system.state("sensor", "effective_limit").attributes
    assert attributes["source"] == "external"
    assert attributes["external_limits"] == [
        {"source": "EMS", "limit": 8.0, "grid_critical": False}
    ]
    (profile,) = attributes["foreign_profiles"]
    assert profile.pop("id") < 0
    assert profile == {
        "purpose": "ChargingStationExternalConstraints",
        "stack": 0,
        "source": "EMS",
        "limit": 8.0,
    }
    await charger.external_limit(1, 0.0, "EMS")
    await system.advance(freezer, 5)
    await until(
        hass,
        lambda: (
            system.value("sensor", "reason_not_charging") == "limited_by_load_balancing"
        ),
    )
    await charger.external_limit(1, None, "EMS")
    await limit(system, "32.0")
    await system.advance(freezer, 5)
    assert car.current == 32
    assert charger.violations == []


async def test_profiles(hass: HomeAssistant, system: System, version: str) -> None:
    """Which profiles a charger holds, and those of others taken away."""
    charger, _ = await charge(system, version)
    foreign = {
        "id": 900,
        "stackLevel": 3,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 900,
                "startSchedule": "2026-03-01T00:00:00Z",
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9}],
            }
        ],
    }
    await system.act("set_charging_profile", profile=foreign)
    await limit(system, "9.0")
    await system.set("number", "maximum_current", 20, connector=0)
    answer = await system.act("get_charging_profiles", response=True)
    assert (answer["status"], answer["complete"]) == ("Accepted", True)
    assert [
        (
            found["evseId"],
            found["chargingLimitSource"],
            found["chargingProfile"]["id"],
        )
        for found in answer["charging_profiles"]
    ] == [(1, "CSO", 900), (0, "CSO", 1)]
    answer = await system.act("get_charging_profiles", response=True, connector=0)
    assert [found["evseId"] for found in answer["charging_profiles"]] == [0]
    answer = await system.act(
        "get_charging_profiles",
        response=True,
        criteria={"chargingProfileId": [4711]},
    )
    assert answer == {
        "status": "NoProfiles",
        "complete": True,
        "charging_profiles": [],
    }
    # What the criteria are in OCPP 1.6.
    assert await system.act(
        "clear_charging_profile", response=True, criteria={"id": 900}
    ) == {"status": "Accepted"}
    await limit(system, "20.0")
    assert charger.violations == []


async def test_1_6_cannot_tell_profiles(hass: HomeAssistant, system: System) -> None:
    """The user hears that it is not to be had."""
    await system.connect()
    with pytest.raises(HomeAssistantError) as error:
        await system.act("get_charging_profiles", response=True)
    assert error.value.translation_key == "not_supported"


async def test_button(hass: HomeAssistant, all_enabled: None, system: System) -> None:
    """A press on the charger, for whoever wants to charge at once."""
    charger = await system.dial(protocols=("ocpp2.1",))
    await charger.call("BootNotification", BOOT)
    await charger.call("StatusNotification", status())
    for active, kind in (
        (True, "priority_charging_on"),
        (False, "priority_charging_off"),
    ):
        await charger.call(
            "NotifyPriorityCharging", {"transactionId": "T1", "activated": active}
        )
        await hass.async_block_till_done()
        state = system.state("event", "button", 0)
        assert state.attributes["event_type"] == kind
        assert state.attributes["connector"] == 0


@both_versions
async def test_not_in_the_recorder(
    recorder_mock: None, hass: HomeAssistant, system: System, version: str
) -> None:
    """The value is; who limits, and what comes next, is not."""
    charger = await connect(system, version)
    await charger.external_limit(1, 8.0, "EMS")
    await limit(system, "8.0")
    await hass.async_block_till_done()
    instance = get_instance(hass)
    await instance.async_block_till_done()
    entity_id = system.id("sensor", "effective_limit")
    recorded = await instance.async_add_executor_job(
        get_last_state_changes, hass, 1, entity_id
    )
    *_, row = recorded[entity_id]
    assert row.state == "8.0"
    assert not row.attributes.keys() & {
        "schedule",
        "external_limits",
        "foreign_profiles",
    }
