"""The same second by second, at chargers with more connectors, other units, other currents."""

import pytest

from custom_components.ocpp_central.csms.timeline import Step

from .site import HOUR, MakeSite, all_versions


def connectors(version: str) -> dict[str, int]:
    """Return what a charger with two connectors is made of."""
    return {"connectors": 2} if version == "1.6" else {"evses": 2}


@all_versions
async def test_each_connector(site: MakeSite, version: str) -> None:
    """What holds at one does not hold at the other."""
    one = await site(connectors(version))
    await one.charge_point.set_offline_current(8)
    await one.charge()
    await one.charge_point.set_current_limit(1, 12)
    await one.charge_point.set_current_limit(2, 7)
    await one.holds((0, 12), (300, 8))
    await one.holds((0, 7), connector=2)


@all_versions
async def test_everywhere(site: MakeSite, version: str) -> None:
    """One profile for all: the least that is wanted of any."""
    one = await site(connectors(version))
    one.insist("default absolute 0 A everywhere")
    await one.charge_point.set_offline_current(8)
    await one.charge()
    await one.charge_point.set_current_limit(1, 12)
    # An idle connector may have no more than the fallback.
    await one.holds((0, 8))
    await one.charge(2, one.new_car())
    await one.charge_point.set_current_limit(2, 10)
    for connector in (1, 2):
        await one.holds((0, 10), (300, 8), connector=connector)
    await one.charge_point.set_paused(2, True)
    for connector in (1, 2):
        await one.holds((0, 0), (12 * HOUR, 8), connector=connector)


@all_versions
async def test_watts(site: MakeSite) -> None:
    """The same current, made up with all phases."""
    one = await site()
    one.insist("transaction absolute 0 W")
    await one.charge_point.set_offline_current(8)
    await one.charge()
    answer = await one.charge_point.commands.get_composite_schedule(1, HOUR)
    assert answer["status"] == "Accepted"
    await one.pass_by(1)
    assert one.car.current == pytest.approx(16, abs=0.1)
    await one.central.close()
    await one.pass_by(310, alone=True)
    assert one.car.current == pytest.approx(8, abs=0.1)


@all_versions
async def test_direct_current(site: MakeSite) -> None:
    """A car takes as little as there is, however little that is."""
    one = await site(direct_current=True)
    one.insist("transaction absolute 0 A")
    await one.charge()
    await one.charge_point.limits.drive(1, (Step(3),))
    await one.holds((0, 3), (2 * HOUR, 16))
    await one.charge_point.set_current_limit(1, 2)
    await one.holds((0, 2), (2 * HOUR, 16))


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_connectors_of_one_evse(site: MakeSite) -> None:
    """They share a place, and what is less holds for both."""
    one = await site({"connectors_per_evse": 2})
    await one.charge_point.set_offline_current(8)
    await one.charge_point.set_current_limit(1, 7)
    await one.holds((0, 7))
    await one.charge()
    await one.holds((0, 7))
    await one.charge_point.set_current_limit(1, 12)
    await one.holds((0, 12), (300, 8))
    await one.leave()
    await one.holds((0, 8))
