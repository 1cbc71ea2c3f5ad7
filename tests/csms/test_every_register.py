"""Registers of all kinds: what a session used, and what flowed in all of its life."""

import json

from freezegun.api import FrozenDateTimeFactory
import pytest

from .common import ENERGY, Payload, meter_values, sample, stamp, status, stop
from .durable import Durable


def register(
    value: float, transaction: int, *, power: float | None = None, **more: str
) -> Payload:
    """Return MeterValues that say a register, and the power if it is measured."""
    samples = [sample(str(value), ENERGY, **more)]
    if power is not None:
        samples.append(sample(str(power), "Power.Active.Import", unit="W"))
    return meter_values(*samples, transaction=transaction)


def lifetime(on_disk: Durable) -> float:
    """Return the lifetime energy of the only connector, as it is on disk."""
    (row,) = on_disk.rows("meters")
    return float(json.loads(row["register"])["total"])


async def test_registers_that_begin_anew_with_each_session(
    on_disk: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """Three sessions, one over a restart, are one lifetime."""
    freezer.move_to("2026-05-01T10:00:00Z")
    charge_point, charger = await on_disk.central.connect()
    used = []
    for energy in (5000, 3000, 4000):
        number = await charger.start(meter=0)
        freezer.tick(600)
        await charger.call("MeterValues", register(1000, number))
        if energy == 3000:
            await on_disk.restart()
            charge_point, charger = await on_disk.central.connect()
        freezer.tick(1800)
        await charger.call("MeterValues", register(energy - 100, number))
        await charger.call("StopTransaction", stop(number, energy))
        used.append((await on_disk.row(number))["energy"])
        freezer.tick(600)
    assert used == [5000, 3000, 4000]
    assert charge_point.value(1, "energy") == 12_000
    assert lifetime(on_disk) == 12_000


async def test_a_power_cut_after_the_end(
    on_disk: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """Nobody will say again what a register showed that begins anew."""
    freezer.move_to("2026-05-01T10:00:00Z")
    _, charger = await on_disk.central.connect()
    number = await charger.start(meter=0)
    freezer.tick(600)
    await charger.call("MeterValues", register(1000, number))
    await charger.call("StopTransaction", stop(number, 2000))
    if held := await on_disk.ledger.hold():
        # What was handed to the disk is there; what was only noted is not.
        held.close()
    await on_disk.power_cut()
    charge_point, charger = await on_disk.central.connect()
    assert charge_point.value(1, "energy") == 2000
    number = await charger.start(meter=0)
    freezer.tick(60)
    await charger.call("MeterValues", register(100, number))
    assert charge_point.value(1, "energy") == 2100


async def test_registers_in_kilowatt_hours(on_disk: Durable) -> None:
    """The unit says so, while transactions are in Wh as ever."""
    charge_point, charger = await on_disk.central.connect()
    number = await charger.start(meter=19_091_351)
    await charger.call("MeterValues", register(19_092.851, number, unit="kWh"))
    assert charge_point.value(1, "session_energy") == 1500
    assert charge_point.value(1, "energy") == 19_092_851
    await charger.call("StopTransaction", stop(number, 19_093_351))
    row = await on_disk.row(number)
    assert (row["energy"], row["cost"]) == (2000, pytest.approx(0.6))
    assert lifetime(on_disk) == 19_093_351


async def test_kilowatt_hours_that_are_called_watt_hours(
    on_disk: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """The power that was measured tells, and what was missed is made up for."""
    freezer.move_to("2026-05-01T10:00:00Z")
    charge_point, charger = await on_disk.central.connect()
    number = await charger.start(meter=100)
    for minute in range(61):
        value = 100 + 11 * minute / 60
        await charger.call("MeterValues", register(value, number, power=11_000))
        freezer.tick(60)
    assert charge_point.value(1, "session_energy") == pytest.approx(11_000, rel=0.02)
    await charger.call("StopTransaction", stop(number, 111))
    row = await on_disk.row(number)
    assert row["energy"] == pytest.approx(11_000, rel=0.02)
    assert row["cost"] == pytest.approx(3.3, rel=0.02)


async def test_another_meter(on_disk: Durable, freezer: FrozenDateTimeFactory) -> None:
    """One that was put in anew counts from almost nothing; the lifetime goes on."""
    freezer.move_to("2026-05-01T10:00:00Z")
    charge_point, charger = await on_disk.central.connect()
    number = await charger.start(meter=800_000)
    freezer.tick(1800)
    await charger.call("MeterValues", register(804_000, number))
    await charger.call("StopTransaction", stop(number, 805_000))
    freezer.tick(86_400)
    number = await charger.start(meter=3)
    freezer.tick(1800)
    await charger.call("MeterValues", register(2003, number))
    freezer.tick(1800)
    await charger.call("StopTransaction", stop(number, 4003))
    assert (await on_disk.row(number))["energy"] == 4000
    assert charge_point.value(1, "energy") == pytest.approx(809_000, abs=3)
    await on_disk.restart()
    charge_point = await on_disk.central.add()
    assert charge_point.value(1, "energy") == pytest.approx(809_000, abs=3)


async def test_samples_hours_late(
    on_disk: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """They are the session's that they name; one that has ended stays as it is."""
    freezer.move_to("2026-05-01T10:00:00Z")
    charge_point, charger = await on_disk.central.connect()
    await charger.call("StatusNotification", status("Charging"))
    ended = await charger.start(meter=1000)
    freezer.tick(3600)
    await charger.call("StopTransaction", stop(ended, 5000))
    freezer.tick(3600)
    running = await charger.start(meter=5000)
    freezer.tick(60)
    await charger.call("MeterValues", register(5100, running))
    freezer.tick(3600)
    late = register(3000, ended)
    late["meterValue"][0]["timestamp"] = "2026-05-01T10:30:00Z"
    await charger.call("MeterValues", late)
    late = register(5050, running)
    late["meterValue"][0]["timestamp"] = "2026-05-01T12:00:30Z"
    await charger.call("MeterValues", late)
    assert charge_point.value(1, "transaction") == running
    assert charge_point.value(1, "session_energy") == 100
    assert charge_point.value(1, "energy") == 5100
    await charger.call("StopTransaction", stop(running, 9000))
    assert (await on_disk.row(ended))["energy"] == 4000
    assert (await on_disk.row(running))["energy"] == 4000
    assert charge_point.value(1, "energy") == 9000


async def test_connectors_have_registers_of_their_own(on_disk: Durable) -> None:
    """Sessions that begin in one second on two connectors, on one card."""
    charge_point, charger = await on_disk.central.connect()
    time = stamp()
    one = await charger.start(1, meter=1000, time=time)
    two = await charger.start(2, meter=1000, time=time)
    await charger.call("StopTransaction", stop(two, 4000))
    await charger.call("StopTransaction", stop(one, 2000))
    assert [row["energy"] for row in on_disk.rows()] == [1000, 3000]
    assert charge_point.value(1, "energy") == 2000
    assert charge_point.value(2, "energy") == 4000
