"""Charge points of any version, and the limits they were told."""

from typing import Any

from simulator import Car, Charger, Charger2

from .common import System

VERSIONS = ("1.6", "2.0.1", "2.1")

type AnyCharger = Charger | Charger2
# Purpose, connector, and the limits of its periods.
type Told = tuple[str, int, list[float]]


async def connect(system: System, version: str, **options: Any) -> AnyCharger:
    """Have a simulated charge point of a version connect and come to rest."""
    if version == "1.6":
        return await system.connect(**options)
    charger = Charger2(
        system.url, "GARAGE", version=version, clock=system.clock, **options
    )
    system.chargers.append(charger)  # type: ignore[arg-type]
    await charger.start()
    await system.rest()
    return charger


async def charge(charger: AnyCharger, system: System) -> Car:
    """Have a car charge as fast as it may."""
    car = Car(max_current=32, ramp=1000, soc=10, capacity_wh=100_000)
    charger.connector(1).plug_in(car)
    await charger.swipe("CARD1")
    await system.clock.advance(5)
    await system.rest()
    return car


def told(charger: AnyCharger) -> list[Told]:
    """Return the limits that a charger was told, and forget it."""
    found = []
    for action, payload in charger.requests:
        if action == "SetChargingProfile":
            found.append(_limit(payload))
    charger.requests.clear()
    return found


def _limit(payload: dict[str, Any]) -> Told:
    if "csChargingProfiles" in payload:
        profile, connector = payload["csChargingProfiles"], payload["connectorId"]
        schedule = profile["chargingSchedule"]
    else:
        profile, connector = payload["chargingProfile"], payload["evseId"]
        (schedule,) = profile["chargingSchedule"]
    limits = [period["limit"] for period in schedule["chargingSchedulePeriod"]]
    return profile["chargingProfilePurpose"], connector, limits
