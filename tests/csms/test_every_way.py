"""Every way a transaction can go, as it is shown and as it is on disk."""

import json

from freezegun.api import FrozenDateTimeFactory
import pytest

from .common import ENERGY, Payload, meter_values, sample, stamp, start, status, stop
from .durable import Durable


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
    on_disk: Durable,
) -> None:
    """What one charger says of its own transaction is not written to another's."""
    _, other = await on_disk.central.connect("CP2")
    number = await other.start(meter=50_000)
    charge_point, charger = await on_disk.central.connect("CP1")
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("MeterValues", register(1000, number))
    assert charge_point.value(1, "transaction") == number
    await charger.call("MeterValues", register(3000, number))
    await charger.start(meter=3000)
    row = await on_disk.row(number)
    assert (row["identity"], row["energy"], row["meter_last"]) == ("cp2", 0, None)
    assert not row["carried"]


# The past


async def test_an_end_of_the_past_that_nobody_told(
    on_disk: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """It was when the last sample was taken, not when that came in."""
    freezer.move_to("2026-05-01T20:00:00Z")
    _, charger = await on_disk.central.connect()
    await charger.call("StatusNotification", status("Charging"))
    number = await charger.start(meter=1000, time="2026-05-01T12:00:00Z")
    await charger.call(
        "MeterValues", register(3000, number, time="2026-05-01T13:00:00Z")
    )
    await charger.start(meter=3000, time="2026-05-01T14:00:00Z")
    row = await on_disk.row(number)
    assert (row["inferred"], row["ended"]) == (1, "2026-05-01 13:00:00.000000")


async def test_what_a_start_has_ended_is_not_gone_on_with(on_disk: Durable) -> None:
    """A sample of a session told late counts for nothing once that is over."""
    charge_point, charger = await on_disk.central.connect()
    await charger.start(meter=9000)
    late = await charger.start(meter=1000, time=stamp(hours=9))
    await charger.call("MeterValues", register(2500, late, time=stamp(hours=8)))
    running = await charger.start(meter=9500)
    await charger.call("MeterValues", register(9600, late))
    assert charge_point.value(1, "session_energy") == 100
    assert (await on_disk.row(late))["energy"] == 1500
    assert (await on_disk.row(running))["energy"] == 100


async def test_readings_told_late_are_kept_by_the_next_start(on_disk: Durable) -> None:
    """Two sessions of the past, whose ends nobody told, while a third one runs."""
    _, charger = await on_disk.central.connect()
    await charger.start(meter=9000)
    first = await charger.start(meter=1000, time=stamp(hours=9))
    await charger.call("MeterValues", register(2000, first, time=stamp(hours=8.5)))
    await charger.call("MeterValues", register(2500, first, time=stamp(hours=8)))
    await charger.start(meter=3000, time=stamp(hours=7))
    row = await on_disk.row(first)
    assert (row["inferred"], row["energy"], row["meter_stop"]) == (1, 1500, 2500)


# Clocks


async def test_samples_that_are_later_and_later_say_nothing_of_the_clock(
    on_disk: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """What began now began now."""
    freezer.move_to("2026-05-01T10:00:00Z")
    _, charger = await on_disk.central.connect()
    await charger.call("StatusNotification", status("Preparing"))
    for seconds in (50, 100, 150):
        await charger.call("MeterValues", register(1000, time=stamp(seconds=seconds)))
    number = await charger.start(meter=1000)
    assert (await on_disk.row(number))["started"] == "2026-05-01 10:00:00.000000"


async def test_a_start_told_a_minute_late(
    on_disk: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """It ends nothing, neither on disk nor in what is shown, and each has its own."""
    freezer.move_to("2026-05-01T10:00:00Z")
    charge_point, charger = await on_disk.central.connect()
    await charger.call("StatusNotification", status("Charging"))
    running = await charger.start(meter=5000)
    await charger.call("MeterValues", register(5500, running))
    late = await charger.start(meter=1000, time=stamp(minutes=1))
    await charger.call("MeterValues", register(5700, running))
    assert charge_point.value(1, "transaction") == running
    await charger.call("StopTransaction", stop(late, 4000, time=stamp(seconds=30)))
    await charger.call("StopTransaction", stop(running, 6000))
    assert [(await on_disk.row(one))["energy"] for one in (running, late)] == [
        1000,
        3000,
    ]


async def test_a_sample_of_the_one_before(on_disk: Durable) -> None:
    """An id of ours that a newer start has ended is no stranger's."""
    charge_point, charger = await on_disk.central.connect()
    await charger.call("StatusNotification", status("Charging"))
    before = await charger.start(meter=1000)
    await charger.call("MeterValues", register(1500, before))
    running = await charger.start(meter=2000)
    await charger.call("MeterValues", register(2500, running))
    await charger.call("MeterValues", register(2600, before))
    assert charge_point.value(1, "transaction") == running
    assert charge_point.value(1, "session_energy") == 600
    assert (await on_disk.row(before))["energy"] == 500


async def test_samples_out_of_order(
    on_disk: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """The register at an end that nobody told is the newest, not the last told."""
    freezer.move_to("2026-05-01T10:00:00Z")
    _, charger = await on_disk.central.connect()
    number = await charger.start(meter=1000)
    freezer.tick(600)
    await charger.call("MeterValues", register(3000, number))
    await charger.call("MeterValues", register(2000, number, time=stamp(minutes=4)))
    freezer.tick(60)
    await charger.start(meter=3000)
    row = await on_disk.row(number)
    assert (row["energy"], row["meter_stop"]) == (2000, 3000)


async def test_a_sample_of_the_one_before_a_restart(on_disk: Durable) -> None:
    """Nor is it one after a restart."""
    _, charger = await on_disk.central.connect()
    before = await charger.start(meter=1000)
    await charger.call("StopTransaction", stop(before, 2000))
    running = await charger.start(meter=2000)
    await charger.call("MeterValues", register(2500, running))
    await on_disk.restart()
    charge_point, charger = await on_disk.central.connect()
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("MeterValues", register(2600, before))
    assert charge_point.value(1, "transaction") == running
    assert charge_point.value(1, "session_energy") == 600


# Answers that were lost


async def test_a_confirmation_that_was_lost(on_disk: Durable) -> None:
    """The charger asks again on its next socket, and all was one transaction."""
    charge_point, charger = await on_disk.central.connect()
    begin = start(meter=1000)
    await charger.send([2, "lost", "StartTransaction", begin])
    await charger.delivered()
    await charger.hang_up()
    charger = await on_disk.central.dial()
    number = (await charger.call("StartTransaction", begin))["transactionId"]
    end = stop(number, 3000)
    await charger.send([2, "lost", "StopTransaction", end])
    await charger.delivered()
    await charger.hang_up()
    charger = await on_disk.central.dial()
    assert await charger.call("StopTransaction", end) == {}
    (row,) = on_disk.rows()
    assert (row["id"], row["energy"], row["cost"]) == (number, 2000, 0.6)
    assert charge_point.value(1, "last_session_energy") == 2000
    assert on_disk.rows("orphan_stops") == []


# Ids that say nothing

NO_IDS = pytest.mark.parametrize("no_id", [-1, 0, 2**31, 2**63 - 1])


@NO_IDS
async def test_the_end_of_what_was_never_confirmed(
    on_disk: Durable, no_id: int
) -> None:
    """It ends the only transaction that it can mean."""
    charge_point, charger = await on_disk.central.connect()
    number = await charger.start(meter=1000)
    await charger.call("MeterValues", register(1500, no_id))
    assert charge_point.value(1, "session_energy") == 500
    await charger.call("StopTransaction", stop(no_id, 3000))
    assert charge_point.value(1, "transaction") is None
    row = await on_disk.row(number)
    assert (row["energy"], row["meter_stop"]) == (2000, 3000)
    assert row["stop_received_at"]
    assert on_disk.rows("orphan_stops") == []


@NO_IDS
async def test_an_end_without_an_id_that_nothing_fits(
    on_disk: Durable, no_id: int
) -> None:
    """The charger has named the one that runs: it is another's, and kept."""
    charge_point, charger = await on_disk.central.connect()
    number = await charger.start(meter=1000)
    await charger.call("MeterValues", register(1500, number))
    await charger.call("StopTransaction", stop(no_id, 3000))
    assert charge_point.value(1, "transaction") == number
    (orphan,) = on_disk.rows("orphan_stops")
    assert (orphan["transaction_id"], orphan["meter_stop"]) == (str(no_id), 3000)
    assert (await on_disk.row(number))["ended"] is None


async def test_an_end_that_was_another_ones(
    on_disk: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """Whoever names the transaction knows better, once."""
    freezer.move_to("2026-05-01T10:00:00Z")
    _, charger = await on_disk.central.connect()
    number = await charger.start(meter=1000)
    freezer.tick(600)
    # Of the other connector, and of a start that never reached us.
    await charger.call("StopTransaction", stop(-1, 9000))
    row = await on_disk.row(number)
    assert (row["inferred"], row["corrected"], row["energy"]) == (1, 0, 8000)
    freezer.tick(600)
    await charger.call("StopTransaction", stop(number, 3000))
    await charger.call("StopTransaction", stop(number, 4000))
    row = await on_disk.row(number)
    assert (row["inferred"], row["corrected"], row["energy"]) == (1, 1, 2000)
    assert row["ended"] == "2026-05-01 10:20:00.000000"
    assert row["cost"] == pytest.approx(0.6)


async def test_an_end_before_its_start(
    on_disk: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """The start then ends as one whose end was not told."""
    freezer.move_to("2026-05-01T10:00:00Z")
    charge_point, charger = await on_disk.central.connect()
    begin = start(meter=1000)
    freezer.tick(600)
    await charger.call("StopTransaction", stop(-1, 3000))
    number = (await charger.call("StartTransaction", begin))["transactionId"]
    await charger.call("StatusNotification", status("Available"))
    freezer.tick(601)
    charge_point.transactions.tick()
    assert charge_point.value(1, "transaction") is None
    row = await on_disk.row(number)
    assert (row["inferred"], row["energy"]) == (1, 0)
    assert [one["meter_stop"] for one in on_disk.rows("orphan_stops")] == [3000]


# Ends that nobody told


async def test_an_end_that_comes_after_all(
    on_disk: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """What was inferred stands on disk, also over a restart, until it is corrected."""
    freezer.move_to("2026-05-01T10:00:00Z")
    charge_point, charger = await on_disk.central.connect()
    number = await charger.start(meter=1000)
    freezer.tick(600)
    await charger.call("MeterValues", register(2500, number))
    await charger.call("StatusNotification", status("Available"))
    freezer.tick(601)
    charge_point.transactions.tick()
    row = await on_disk.row(number)
    assert (row["inferred"], row["corrected"]) == (1, 0)
    assert (row["energy"], row["ended"]) == (1500, "2026-05-01 10:10:00.000000")
    await on_disk.restart()
    charge_point, charger = await on_disk.central.connect()
    assert charge_point.transactions.at(1) is None
    end = stop(number, 2700, time="2026-05-01T10:12:00Z", reason="EVDisconnected")
    await charger.call("StopTransaction", end)
    row = await on_disk.row(number)
    assert (row["inferred"], row["corrected"]) == (1, 1)
    assert (row["energy"], row["ended"]) == (1700, "2026-05-01 10:12:00.000000")
    assert row["stop_reason"] == "ev_disconnected"
    assert row["cost"] == pytest.approx(0.51)
    assert charge_point.value(1, "energy") == 2700


# Clocks and reboots


async def test_a_clock_and_a_meter_that_were_not_read(on_disk: Durable) -> None:
    """What begins in 1970 at zero begins now, at the first register."""
    charge_point, charger = await on_disk.central.connect()
    begin = start(meter=0, time="1970-01-01T00:00:10Z")
    number = (await charger.call("StartTransaction", begin))["transactionId"]
    await charger.call("MeterValues", register(500_000, number))
    await charger.call("MeterValues", register(501_000, number))
    assert charge_point.value(1, "session_energy") == 1000
    assert charge_point.value(1, "energy") == 501_000
    await charger.call(
        "StopTransaction", stop(number, 502_000, time="1970-01-01T01:00:00Z")
    )
    row = await on_disk.row(number)
    assert (row["meter_start"], row["energy"]) == (500_000, 2000)
    assert row["started"] <= row["ended"]
    assert row["started"] > "2026"


async def test_a_reboot_in_mid_session(on_disk: Durable) -> None:
    """The charger goes on with its transaction."""
    charge_point, charger = await on_disk.central.connect()
    number = await charger.start(meter=1000)
    await charger.call("MeterValues", register(1500, number))
    await charger.hang_up()
    charger = await on_disk.central.dial()
    await charger.boot(status("Charging"))
    await charger.call("MeterValues", register(1800, number))
    assert charge_point.value(1, "transaction") == number
    assert charge_point.value(1, "session_energy") == 800
    end = stop(number, 2000, reason="PowerLoss")
    await charger.call("StopTransaction", end)
    row = await on_disk.row(number)
    assert (row["energy"], row["stop_reason"]) == (1000, "power_loss")
    assert len(on_disk.rows()) == 1


async def test_a_session_that_is_told_hours_later(
    on_disk: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """It is in the hours that it took place in, and nothing of now shows it."""
    freezer.move_to("2026-05-01T10:00:00Z")
    charge_point, charger = await on_disk.central.connect()
    await charger.call("StatusNotification", status("Available"))
    freezer.move_to("2026-05-01T20:00:00Z")
    number = await charger.start(meter=1000, time="2026-05-01T12:30:00Z")
    for energy, time in ((3000, "13:00"), (5000, "14:00")):
        sent = register(energy, number, time=f"2026-05-01T{time}:00Z")
        sent["meterValue"][0]["sampledValue"].append(
            sample("7000", "Power.Active.Import")
        )
        await charger.call("MeterValues", sent)
    end = stop(number, 6000, time="2026-05-01T14:30:00Z")
    await charger.call("StopTransaction", end)
    row = await on_disk.row(number)
    assert (row["energy"], row["replayed"], row["inferred"]) == (5000, 1, 0)
    assert row["started"] == "2026-05-01 12:30:00.000000"
    assert row["ended"] == "2026-05-01 14:30:00.000000"
    assert [
        (share["hour"][11:13], share["energy"])
        for share in on_disk.rows("session_hours")
    ] == [("12", 2000), ("13", 2000), ("14", 1000)]
    assert charge_point.value(1, "power") is None
    assert charge_point.value(1, "energy") == 6000
    assert charge_point.transactions.at(1) is None


@pytest.mark.parametrize("jump", [3600, -3600])
async def test_a_clock_that_jumps(
    on_disk: Durable, freezer: FrozenDateTimeFactory, jump: int
) -> None:
    """An hour to or fro in mid-session takes and adds nothing."""
    freezer.move_to("2026-05-01T10:00:00Z")
    charge_point, charger = await on_disk.central.connect()
    await charger.call("StatusNotification", status("Charging"))
    number = await charger.start(meter=1000)
    freezer.tick(600)
    await charger.call("MeterValues", register(2000, number))
    for energy in (3000, 4000, 5000):
        freezer.tick(600)
        time = stamp(seconds=-jump)
        await charger.call("MeterValues", register(energy, number, time=time))
    freezer.tick(60)
    end = stop(number, 5500, time=stamp(seconds=-jump))
    await charger.call("StopTransaction", end)
    row = await on_disk.row(number)
    assert row["energy"] == 4500
    hours = on_disk.rows("session_hours")
    assert sum(share["energy"] for share in hours) == pytest.approx(4500, abs=0.01)
    assert row["cost"] == pytest.approx(1.35)
    assert row["started"] <= row["ended"]
    assert charge_point.value(1, "energy") == 5500


# What the end brings along


async def test_samples_that_only_the_end_tells(
    on_disk: Durable, freezer: FrozenDateTimeFactory
) -> None:
    """They say in which hour it was, and what is signed is kept as it is."""
    freezer.move_to("2026-05-01T10:30:00Z")
    _, charger = await on_disk.central.connect()
    number = await charger.start(meter=1000)
    freezer.tick(3600)
    signed = sample("OCMF|{...}", format="SignedData", context="Transaction.End")
    end = stop(
        number,
        5000,
        transactionData=[
            {
                "timestamp": "2026-05-01T11:00:00Z",
                "sampledValue": [
                    sample("4000", ENERGY),
                    sample("11000", "Power.Active.Import"),
                    sample("60", "SoC"),
                ],
            },
            {"timestamp": "2026-05-01T11:30:00Z", "sampledValue": [signed]},
        ],
    )
    await charger.call("StopTransaction", end)
    row = await on_disk.row(number)
    assert (row["energy"], row["peak_power"], row["soc_end"]) == (4000, 11000, 60)
    assert [
        (share["hour"][11:13], share["energy"])
        for share in on_disk.rows("session_hours")
    ] == [("10", 3000), ("11", 1000)]
    (kept,) = on_disk.rows("signed_values")
    assert kept["session_id"] == number
    assert json.loads(kept["value"]) == {
        "timestamp": "2026-05-01T11:30:00+00:00",
        **signed,
    }


async def test_signed_samples(on_disk: Durable) -> None:
    """They are kept in their order, and are no number of anything."""
    charge_point, charger = await on_disk.central.connect()
    number = await charger.start(meter=1000)
    for value in ("first", "second"):
        sent = register(1500, number)
        sent["meterValue"][0]["sampledValue"].append(
            sample(value, ENERGY, format="SignedData")
        )
        await charger.call("MeterValues", sent)
    await charger.call("StopTransaction", stop(number, 2000))
    kept = [json.loads(row["value"]) for row in on_disk.rows("signed_values")]
    assert [value["value"] for value in kept] == ["first", "second"]
    assert charge_point.value(1, "last_session_energy") == 1000


async def test_an_end_below_the_start(on_disk: Durable) -> None:
    """One watt-hour of rounding is nothing charged, and nothing to be paid."""
    charge_point, charger = await on_disk.central.connect()
    number = await charger.start(meter=1000)
    await charger.call("StopTransaction", stop(number, 999))
    row = await on_disk.row(number)
    assert (row["energy"], row["cost"], row["meter_stop"]) == (0, None, 999)
    assert charge_point.value(1, "last_session_energy") == 0
    assert charge_point.value(1, "energy") == 1000


# How it came to be allowed


@pytest.mark.parametrize(
    ("token", "late", "said"),
    [
        ("CARD1", 0, "online"),
        ("HOMEASSISTANT", 0, "remote"),
        ("CARD1", 1, "offline_unknown"),
        ("ocppd", 0, "none"),
        ("NoAuthorization", 1, "none"),
        ("", 0, "none"),
    ],
)
async def test_authorized_by(
    on_disk: Durable, token: str, late: int, said: str
) -> None:
    """By a card, by us, by the charger alone, or by nobody."""
    _, charger = await on_disk.central.connect()
    await charger.call("StatusNotification", status("Preparing"))
    number = await charger.start(token=token, time=stamp(hours=late))
    assert (await on_disk.row(number))["authorized_by"] == said


async def test_authorized_by_a_remote_start(on_disk: Durable) -> None:
    """A card that we asked the charger to start with is remote, once."""
    charge_point, charger = await on_disk.central.connect()
    await charge_point.commands.start_transaction(1, "CARD1")
    number = await charger.start(token="CARD1", meter=1000)
    again = await charger.start(token="CARD1", meter=2000)
    assert (await on_disk.row(number))["authorized_by"] == "remote"
    assert (await on_disk.row(again))["authorized_by"] == "online"
