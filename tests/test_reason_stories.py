"""Why a car does not charge, at simulated chargers of both dialects, one reason after another."""

from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
import pytest

from simulator import Car, Charger, Charger2, ManualClock
from simulator.quirks import Quirks

from .common import TIMING, System, until

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


@pytest.fixture(params=["1.6", "2.0.1"])
def version(request: pytest.FixtureRequest) -> str:
    """Return the version that is spoken."""
    spoken: str = request.param
    return spoken


async def connect(
    system: System, version: str, **options: Any
) -> tuple[Charger | Charger2, Car]:
    """Have a charger connect, with a car on its way."""
    if version == "1.6":
        charger: Charger | Charger2 = await system.connect(**options)
    else:
        charger = Charger2(
            system.url, "GARAGE", version=version, clock=system.clock, **options
        )
        system.chargers.append(charger)  # type: ignore[arg-type]
        await charger.start()
        await system.rest()
    return charger, Car(max_current=32, ramp=1000, soc=10, capacity_wh=100_000)


async def reason(system: System, value: str) -> None:
    """Wait until this is the reason."""
    await until(
        system.hass,
        lambda: (
            system.find("sensor", "reason_not_charging") is not None
            and system.value("sensor", "reason_not_charging") == value
        ),
    )


async def test_a_day(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory, version: str
) -> None:
    """From an empty place to a car that is full, and all that comes between."""
    charger, car = await connect(system, version)
    await reason(system, "no_car")
    await system.set("switch", "available", False)
    await reason(system, "unavailable")
    await system.set("switch", "available", True)
    await reason(system, "no_car")
    charger.connector(1).plug_in(car)
    await reason(system, "pending_authorization")
    await charger.swipe("CARD1")
    await system.advance(freezer, 5)
    await reason(system, "charging")
    await system.set("switch", "paused", True)
    await system.advance(freezer, 5)
    await reason(system, "paused_by_user")
    await system.set("switch", "paused", False)
    await system.advance(freezer, 5)
    await reason(system, "charging")
    # 0 A for the session is the same, said otherwise.
    await system.act("set_charging_limit", current=0, scope="session")
    await system.advance(freezer, 5)
    await reason(system, "paused_by_user")
    await system.set("number", "current_limit", 16)
    await system.advance(freezer, 5)
    await reason(system, "charging")
    car.soc = 100
    await system.advance(freezer, 60)
    await reason(system, "car_not_requesting")
    await charger.drop()
    await reason(system, "offline")
    assert charger.violations == []


async def test_by_the_station(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory, version: str
) -> None:
    """What somebody has set in an app that tells nobody is still the station's doing."""
    charger, car = await connect(system, version, quirks=Quirks(cap=4.0))
    charger.connector(1).plug_in(car)
    await charger.swipe("CARD1")
    await system.advance(freezer, 5)
    assert car.current == 0
    await reason(system, "limited_by_station")


async def test_refused(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory, version: str
) -> None:
    """A pause that the charger refuses is none: the car charges, and that is shown."""
    charger, car = await connect(system, version, quirks=Quirks(purposes=frozenset()))
    charger.connector(1).plug_in(car)
    await charger.swipe("CARD1")
    await system.advance(freezer, 5)
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await system.set("switch", "paused", True)
    await system.advance(freezer, 5)
    assert car.current == 32
    await reason(system, "charging")
