"""Limits of OCPP 2.0.1 and 2.1 that come from others, and what a car wishes for."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.model import ChargingLimit

from .common import TIMING, Central, Payload, central_system
from .common2 import BOOT, both_versions
from .test_profiles2 import composite, foreign, quiet, ready, shown


@pytest.fixture
async def central(socket_enabled: None) -> AsyncIterator[Central]:
    """Run a central system that asks for schedules at once."""
    async with central_system(timing=replace(TIMING, settle=0)) as central:
        yield central


@pytest.fixture(autouse=True)
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clocks on the wall."""
    freezer.move_to("2026-05-01T12:00:00Z")


# Limits from outside


def limited(
    source: str = "EMS",
    *periods: tuple[int, float],
    evse: int | None = None,
    **more: Any,
) -> Payload:
    """Return the payload of a NotifyChargingLimit."""
    payload: Payload = {"chargingLimit": {"chargingLimitSource": source, **more}}
    if evse is not None:
        payload["evseId"] = evse
    if periods:
        payload["chargingSchedule"] = foreign(1, "", *periods)["chargingSchedule"]
    return payload


@both_versions
async def test_limit_from_outside(central: Central, version: str) -> None:
    """The lowest holds, and who says so is told; until it is cleared."""
    charge_point, charger = await ready(central, version)
    await charge_point.limits.limit_default(1, ChargingLimit(16))
    await charger.alive()
    assert shown(charge_point) == (16, "unverified")
    assert await charger.call("NotifyChargingLimit", limited("EMS", (0, 8))) == {}
    assert shown(charge_point) == (8, "external")
    assert shown(charge_point, 0) == (8, "external")
    # More than we allow ourselves does not limit.
    await charger.call("NotifyChargingLimit", limited("EMS", (0, 20)))
    assert shown(charge_point) == (16, "unverified")
    await charger.call(
        "NotifyChargingLimit", limited("SO", (0, 6), evse=1, isGridCritical=True)
    )
    assert shown(charge_point) == (6, "external")
    assert [
        (each.source, each.grid_critical, charge_point.external.value(each))
        for each in charge_point.external.at(1)
    ] == [("EMS", False, 20), ("SO", True, 6)]
    cleared = {"chargingLimitSource": "SO", "evseId": 1}
    assert await charger.call("ClearedChargingLimit", cleared) == {}
    assert shown(charge_point) == (16, "unverified")
    await charger.call("ClearedChargingLimit", {"chargingLimitSource": "EMS"})
    assert charge_point.external.at(1) == []


@both_versions
async def test_limit_from_outside_in_the_sum(central: Central, version: str) -> None:
    """The charger's own sum has it already; it is asked, and the source is told."""
    charge_point, charger = await ready(central, version, schedule=composite((0, 16)))
    charger.answers["GetCompositeSchedule"] = composite((0, 10))
    await charger.call("NotifyChargingLimit", limited("EMS", evse=1))
    await quiet(charge_point)
    # How much it is, it did not say.
    assert shown(charge_point) == (10, "composite")
    await charger.call("NotifyChargingLimit", limited("EMS", (0, 10), evse=1))
    await quiet(charge_point)
    assert shown(charge_point) == (10, "external")


async def test_generated_on_site(central: Central) -> None:
    """What the roof gives may flow in addition: it limits nothing."""
    charge_point, charger = await ready(central, "2.1")
    surplus = limited("EMS", (0, 8), isLocalGeneration=True)
    assert await charger.call("NotifyChargingLimit", surplus) == {}
    assert charge_point.external.at(1) == []
    assert shown(charge_point)[0] is None


async def test_booted_it_tells_again(central: Central) -> None:
    """What held before a restart of the charger is not taken for granted."""
    charge_point, charger = await ready(central, "2.1")
    await charger.call("NotifyChargingLimit", limited("EMS", (0, 8)))
    assert shown(charge_point) == (8, "external")
    await charger.call("BootNotification", BOOT)
    assert shown(charge_point)[0] is None


@pytest.mark.parametrize(
    "payload",
    [
        {"chargingLimit": {"chargingLimitSource": "EMS"}, "evseId": 4711},
        {"chargingLimit": None},
        {"chargingLimit": {"chargingLimitSource": "EMS"}, "chargingSchedule": [7]},
        {
            "chargingLimit": {"chargingLimitSource": "EMS"},
            "chargingSchedule": [{"chargingSchedulePeriod": [{"limit": "much"}]}],
        },
        {},
    ],
)
async def test_odd_limit_from_outside(central: Central, payload: Payload) -> None:
    """It gets its answer, and changes nothing that is known."""
    charge_point, charger = await ready(central, "2.1")
    assert await charger.call("NotifyChargingLimit", payload) == {}
    assert charge_point.external.now(1) is None


# The car's own wishes


@both_versions
async def test_ev_charging_needs(central: Central, version: str) -> None:
    """No schedule of ours will follow; what the car tells of its battery is shown."""
    charge_point, charger = await ready(central, version)
    needs = {
        "evseId": 1,
        "chargingNeeds": {
            "requestedEnergyTransfer": "DC",
            "dcChargingParameters": {
                "evMaxCurrent": 200,
                "evMaxVoltage": 400,
                "stateOfCharge": 42,
            },
        },
    }
    answer = await charger.call("NotifyEVChargingNeeds", needs)
    expected = "NoChargingProfile" if version == "2.1" else "Rejected"
    assert answer == {"status": expected}
    assert charge_point.value(1, "soc") == 42
    plan = {
        "timeBase": "2026-05-01T12:00:00Z",
        "evseId": 1,
        "chargingSchedule": foreign(1, "", (0, 16))["chargingSchedule"][0],
    }
    answer = await charger.call("NotifyEVChargingSchedule", plan)
    assert answer == {"status": "Accepted"}
