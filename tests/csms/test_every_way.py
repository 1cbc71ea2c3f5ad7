"""Every way a transaction can go, as it is shown and as it is on disk."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.prices import Price, Prices

from .common import ENERGY, Payload, meter_values, sample, stamp, status, stop
from .durable import Durable, durable_system


@pytest.fixture
async def durable(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Durable]:
    """Return a central system whose ledger is on disk, under one price."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    async with durable_system(tmp_path, Prices([Price(begin, None, 0.3, "EUR")])) as it:
        yield it


def register(
    watt_hours: float, transaction: int | None = None, connector: int = 1, **more: str
) -> Payload:
    """Return MeterValues that say the register of a connector."""
    return meter_values(
        sample(str(watt_hours), ENERGY),
        connector=connector,
        transaction=transaction,
        **more,
    )


# Ids that another charge point has


async def test_a_foreign_id_that_another_charge_point_was_given(
    durable: Durable,
) -> None:
    """What one charger says of its own transaction is not written to another's."""
    _, other = await durable.central.connect("CP2")
    number = await other.start(meter=50_000)
    charge_point, charger = await durable.central.connect("CP1")
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("MeterValues", register(1000, number))
    assert charge_point.value(1, "transaction") == number
    await charger.call("MeterValues", register(3000, number))
    await charger.start(meter=3000)
    row = await durable.row(number)
    assert (row["identity"], row["energy"], row["meter_last"]) == ("cp2", 0, None)
    assert not row["carried"]


# The past


async def test_readings_told_late_are_kept_by_the_next_start(durable: Durable) -> None:
    """Two sessions of the past, whose ends nobody told, while a third one runs."""
    _, charger = await durable.central.connect()
    await charger.start(meter=9000)
    first = await charger.start(meter=1000, time=stamp(hours=9))
    await charger.call("MeterValues", register(2000, first, time=stamp(hours=8.5)))
    await charger.call("MeterValues", register(2500, first, time=stamp(hours=8)))
    await charger.start(meter=3000, time=stamp(hours=7))
    row = await durable.row(first)
    assert (row["inferred"], row["energy"], row["meter_stop"]) == (1, 1500, 2500)


# Clocks


async def test_samples_that_are_later_and_later_say_nothing_of_the_clock(
    durable: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """What began now began now."""
    freezer.move_to("2026-05-01T10:00:00Z")
    _, charger = await durable.central.connect()
    await charger.call("StatusNotification", status("Preparing"))
    for seconds in (50, 100, 150):
        await charger.call("MeterValues", register(1000, time=stamp(seconds=seconds)))
    number = await charger.start(meter=1000)
    assert (await durable.row(number))["started"] == "2026-05-01 10:00:00.000000"


async def test_a_start_told_a_minute_late(
    durable: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """It ends nothing, neither on disk nor in what is shown, and each has its own."""
    freezer.move_to("2026-05-01T10:00:00Z")
    charge_point, charger = await durable.central.connect()
    await charger.call("StatusNotification", status("Charging"))
    running = await charger.start(meter=5000)
    await charger.call("MeterValues", register(5500, running))
    late = await charger.start(meter=1000, time=stamp(minutes=1))
    await charger.call("MeterValues", register(5700, running))
    assert charge_point.value(1, "transaction") == running
    await charger.call("StopTransaction", stop(late, 4000, time=stamp(seconds=30)))
    await charger.call("StopTransaction", stop(running, 6000))
    assert [(await durable.row(one))["energy"] for one in (running, late)] == [
        1000,
        3000,
    ]


async def test_a_sample_of_the_one_before(durable: Durable) -> None:
    """An id of ours that a newer start has ended is no stranger's."""
    charge_point, charger = await durable.central.connect()
    await charger.call("StatusNotification", status("Charging"))
    before = await charger.start(meter=1000)
    await charger.call("MeterValues", register(1500, before))
    running = await charger.start(meter=2000)
    await charger.call("MeterValues", register(2500, running))
    await charger.call("MeterValues", register(2600, before))
    assert charge_point.value(1, "transaction") == running
    assert charge_point.value(1, "session_energy") == 600
    assert (await durable.row(before))["energy"] == 500


async def test_samples_out_of_order(
    durable: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """The register at an end that nobody told is the newest, not the last told."""
    freezer.move_to("2026-05-01T10:00:00Z")
    _, charger = await durable.central.connect()
    number = await charger.start(meter=1000)
    freezer.tick(600)
    await charger.call("MeterValues", register(3000, number))
    await charger.call("MeterValues", register(2000, number, time=stamp(minutes=4)))
    freezer.tick(60)
    await charger.start(meter=3000)
    row = await durable.row(number)
    assert (row["energy"], row["meter_stop"]) == (2000, 3000)
