"""What becomes of limits while nobody commands, and once somebody does again."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.ocpp_central.csms.model import ChargingLimit
from simulator import Quirks

from .site import HOUR, NOW, MakeSite, Site, all_versions

pytestmark = all_versions
# What may flow without us where the fuse is shared, the limit, and the ceiling.
F, U, M = 8, 13, 14

boots_or_not = pytest.mark.parametrize("boots", [False, True])


async def shared(site: MakeSite, **charger: Any) -> Site:
    """Return a site whose car charges above what may flow without us."""
    one = await site(charger)
    await one.charge_point.set_maximum_current(M)
    await one.charge_point.set_offline_current(F)
    await one.charge_point.set_current_limit(1, U)
    await one.charge()
    await one.pass_by(1)
    assert one.car.current == U
    return one


@boots_or_not
async def test_killed_and_back(site: MakeSite, *, boots: bool) -> None:
    """The car falls in time and comes back; nothing is ever told above the ceiling."""
    one = await shared(site, boot_on_reconnect=boots)
    await one.pass_by(5)
    await one.central.close()
    currents = []
    for _ in range(40):
        await one.pass_by(10, alone=True)
        currents.append(one.car.current)
    assert set(currents[:28]) == {U}
    assert set(currents[30:]) == {F}
    await one.restart()
    await one.holds((0, U), (300, F))
    await one.pass_by(1)
    assert one.car.current == U
    await one.pass_by(200)
    await one.holds((0, U), (300, F))
    assert max(one.commanded) <= M
    assert one.charger.violations == []


async def test_back_in_time(site: MakeSite) -> None:
    """A short absence goes unnoticed."""
    one = await shared(site)
    await one.central.close()
    await one.pass_by(120, alone=True)
    assert one.car.current == U
    await one.restart()
    await one.holds((0, U), (300, F))
    await one.pass_by(1)
    assert one.car.current == U
    assert max(one.commanded) <= M


@pytest.mark.parametrize("way", ["", "default absolute 0 A"])
async def test_paused_and_killed(site: MakeSite, way: str) -> None:
    """Our absence starts nobody; then it goes on as soon as the user says so."""
    one = await site()
    if way:
        one.insist(way)
    await one.charge()
    await one.charge_point.set_paused(1, True)
    await one.pass_by(1)
    energy = one.energy
    await one.central.close()
    for _ in range(65):
        await one.pass_by(60, alone=True)
        assert one.car.current == 0
    assert one.energy == energy
    await one.restart()
    await one.pass_by(60)
    assert one.car.current == 0
    await one.charge_point.set_paused(1, False)
    await one.pass_by(1)
    assert one.car.current == 16
    assert max(one.commanded) <= 16


async def test_restart_in_pause(site: MakeSite) -> None:
    """It stays, on a shared fuse as well, and ends at the wish of the user."""
    one = await shared(site)
    await one.charge_point.set_paused(1, True)
    await one.pass_by(1)
    energy = one.energy
    await one.restart()
    await one.holds((0, 0))
    await one.pass_by(10)
    assert one.energy == energy
    await one.charge_point.set_paused(1, False)
    await one.holds((0, U), (300, F))


async def test_restart_in_limit_of_session(site: MakeSite) -> None:
    """It is kept until its end, and only for this transaction."""
    one = await site()
    await one.charge_point.set_maximum_current(16)
    await one.charge()
    await one.charge_point.limits.limit_session(
        1, ChargingLimit(10), NOW + timedelta(hours=1)
    )
    await one.holds((0, 10), (HOUR, 16))
    await one.pass_by(600)
    await one.restart()
    await one.holds((0, 10), (HOUR - 600, 16))
    await one.pass_by(60)
    assert one.car.current == 10
    await one.leave()
    await one.holds((0, 16))
    await one.charge()
    await one.holds((0, 16))


@boots_or_not
async def test_reconnect(site: MakeSite, *, boots: bool) -> None:
    """What was wished meanwhile is carried out."""
    one = await shared(site, boot_on_reconnect=boots)
    await one.charger.drop()
    await one.charge_point.set_current_limit(1, 10)
    await one.charge_point.set_offline_current(7)
    await one.pass_by(1, alone=True)
    assert one.car.current == U
    await one.reconnect()
    await one.holds((0, 10), (300, 7))
    await one.pass_by(1)
    assert one.car.current == 10


async def test_reboot_forgets(site: MakeSite) -> None:
    """A charger that has lost everything is told everything."""
    one = await site({"quirks": Quirks(forgets=True)})
    await one.charge_point.set_maximum_current(M)
    await one.charge_point.set_offline_current(F)
    await one.charge_point.set_current_limit(1, U)
    await one.holds((0, F))
    await one.charger.power_loss()
    await one.pass_by(30)
    await one.holds((0, F))
    await one.charge_point.set_offline_current(M)
    await one.holds((0, U))
    await one.charge()
    await one.holds((0, U))


async def test_end_above(site: MakeSite) -> None:
    """What held above the floor ends with the transaction, and begins with the next."""
    one = await shared(site)
    await one.leave()
    await one.holds((0, F))
    await one.pass_by(600)
    await one.holds((0, F))
    await one.charge()
    await one.holds((0, U), (300, F))


async def test_version_changes(site: MakeSite, version: str) -> None:
    """What the user wants holds in whatever dialect the charger speaks next."""
    one = await shared(site)
    for next_one in ("2.0.1" if version == "1.6" else "1.6", version):
        await one.leave()
        await one.change_version(next_one)
        await one.holds((0, F))
        await one.charge()
        await one.holds((0, U), (300, F))
        await one.pass_by(1)
        assert one.car.current == U
        assert max(one.commanded) <= M
        assert one.charger.violations == []
