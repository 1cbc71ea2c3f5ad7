"""Whether a charger does what it has accepted."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.ladder import Slot

from .common import (
    BOOT,
    TIMING,
    Answer,
    Central,
    Charger,
    Payload,
    bring_up,
    central_system,
    meter_values,
    sample,
    status,
)
from .conftest import LoopClock
from .test_effective_limit import schedule

VERIFY = 15
WORK = (
    "set the charging limit",
    "limit what flows",
    "read the limits in force",
    "remember what works",
    "remember that its offers are none",
)
PROVING = replace(TIMING, settle=0, verify=VERIFY)


@pytest.fixture
async def central(socket_enabled: None) -> AsyncIterator[Central]:
    """Return a central system that looks whether it is obeyed."""
    async with central_system(timing=PROVING) as central:
        yield central


async def quiet(charge_point: ChargePoint, charger: Charger) -> None:
    """Wait until nothing is done in the background."""
    await charger.alive()
    while tasks := [
        task
        for task in asyncio.all_tasks()
        if task.get_name() in {f"{charge_point.identity} {work}" for work in WORK}
    ]:
        await asyncio.wait(tasks)
        await charger.alive()


async def later(
    clock: LoopClock, charge_point: ChargePoint, charger: Charger, seconds: float
) -> None:
    """Let time pass."""
    clock.advance(seconds)
    await quiet(charge_point, charger)


async def measures(
    charge_point: ChargePoint, charger: Charger, current: float, **more: float
) -> None:
    """Have the charger say what flows."""
    names = {"offered": "Current.Offered", "power": "Power.Offered"}
    await charger.call(
        "MeterValues",
        meter_values(
            sample(f"{current}", "Current.Import", unit="A"),
            *(sample(f"{value}", names[name]) for name, value in more.items()),
        ),
    )
    await quiet(charge_point, charger)


async def charging(
    central: Central, composite: Answer | None = None, **boot: Any
) -> tuple[ChargePoint, Charger]:
    """Return a charger in the middle of a transaction."""
    charge_point, charger = await central.connect()
    if composite is not None:
        charger.answers["GetCompositeSchedule"] = composite
    await charger.boot(status("Available"), **boot)
    await bring_up()
    number = await charger.start()
    await charger.call("StatusNotification", status("Charging"))
    named = meter_values(sample("1000"), transaction=number)
    await charger.call("MeterValues", named)
    await quiet(charge_point, charger)
    charger.forget()
    return charge_point, charger


def writes(charger: Charger) -> list[tuple[str, float]]:
    """Return the limits that were sent since this was last asked."""
    sent = []
    for call in charger.calls:
        if call.action == "SetChargingProfile":
            profile = call.payload["csChargingProfiles"]
            limit = profile["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
            sent.append((profile["chargingProfilePurpose"], limit))
    charger.forget()
    return sent


def ways(charge_point: ChargePoint) -> dict[str, str]:
    """Return what is remembered of the ways to limit a charger."""
    return dict(charge_point.capabilities.rungs)


# It obeys


async def test_composite(central: Central, loop_clock: LoopClock) -> None:
    """The charger's own sum says so: the way is remembered, over restarts."""
    limits = [16.0]
    charge_point, charger = await charging(central, lambda _: schedule((0, limits[0])))
    limits[0] = 10
    await charge_point.set_current_limit(1, 10)
    await quiet(charge_point, charger)
    assert charge_point.proof.verified(1)
    assert ways(charge_point) == {Slot.IDLE: "default absolute 0 A"}
    assert writes(charger) == [("TxDefaultProfile", 10)]
    await later(loop_clock, charge_point, charger, VERIFY)
    assert writes(charger) == []
    await central.restart()
    charge_point = await central.add()
    await (await central.dial()).boot()
    assert ways(charge_point) == {Slot.IDLE: "default absolute 0 A"}


@pytest.mark.parametrize("offer", [{"offered": 10}, {"power": 6900}])
async def test_offered(
    central: Central, loop_clock: LoopClock, offer: dict[str, float]
) -> None:
    """What it offers to the car says so."""
    charge_point, charger = await charging(central)
    await measures(charge_point, charger, 6, offered=16)
    await charge_point.set_current_limit(1, 10)
    assert not charge_point.proof.verified(1)
    charge_point.update(1, {"current_offered": None})
    await measures(charge_point, charger, 6, **offer)
    assert charge_point.proof.verified(1)
    assert charge_point.value(1, "effective_limit_source") == "offered"


async def test_measured(central: Central, loop_clock: LoopClock) -> None:
    """What flows says so, where it is just below the limit."""
    charge_point, charger = await charging(central)
    await charge_point.set_current_limit(1, 10)
    await measures(charge_point, charger, 6)
    assert not charge_point.proof.verified(1)
    await measures(charge_point, charger, 9.8)
    assert charge_point.proof.verified(1)
    await later(loop_clock, charge_point, charger, VERIFY)
    # A car may take less at any time, and that says nothing.
    await measures(charge_point, charger, 6)
    assert charge_point.proof.verified(1)


async def test_paused(central: Central) -> None:
    """A charger that offers nothing says so by its status."""
    charge_point, charger = await charging(central)
    await charge_point.set_paused(1, True)
    assert not charge_point.proof.verified(1)
    await charger.call("StatusNotification", status("SuspendedEVSE"))
    await quiet(charge_point, charger)
    assert charge_point.proof.verified(1)
    assert ways(charge_point) == {Slot.RUNNING: "transaction absolute 0 A"}


async def test_on_its_way(central: Central, loop_clock: LoopClock) -> None:
    """What still flows when the limit has just been set is no reason to nag."""
    charge_point, charger = await charging(central)
    await measures(charge_point, charger, 16)
    await charge_point.set_paused(1, True)
    writes(charger)
    await measures(charge_point, charger, 16)
    await later(loop_clock, charge_point, charger, VERIFY)
    # Sampled before it had to obey.
    assert writes(charger) == []
    await charger.call("StatusNotification", status("SuspendedEVSE"))
    await quiet(charge_point, charger)
    assert charge_point.proof.verified(1)


# It does not


async def test_told_again(central: Central, loop_clock: LoopClock) -> None:
    """A charger that goes on as before is told again."""
    charge_point, charger = await charging(central)
    await charge_point.set_paused(1, True)
    assert writes(charger) == [("TxProfile", 0)]
    await later(loop_clock, charge_point, charger, VERIFY)
    await measures(charge_point, charger, 16)
    assert writes(charger) == [("TxProfile", 0)]
    await charger.call("StatusNotification", status("SuspendedEVSE"))
    await quiet(charge_point, charger)
    assert charge_point.proof.verified(1)
    assert charge_point.capabilities.failed_rungs == {}


async def ignores(
    clock: LoopClock, charge_point: ChargePoint, charger: Charger, current: float = 16
) -> None:
    """Have the charger go on as before until nothing more is tried."""
    while True:
        charger.forget()
        for _ in range(3):
            await later(clock, charge_point, charger, VERIFY)
            await measures(charge_point, charger, current, offered=0)
        if "SetChargingProfile" not in charger.actions:
            return


async def test_next_way(central: Central, loop_clock: LoopClock) -> None:
    """One that ignores a way three times is told for another purpose; so is the user."""
    charge_point, charger = await charging(central)
    await charge_point.set_paused(1, True)
    for _ in range(3):
        await later(loop_clock, charge_point, charger, VERIFY)
        await measures(charge_point, charger, 16, offered=16)
    assert writes(charger) == [("TxProfile", 0)] * 3 + [("TxDefaultProfile", 0)]
    ignored = {"running: transaction absolute 0 A": "accepted, but 16 A flow"}
    assert charge_point.capabilities.failed_rungs == ignored
    assert charge_point.proof.problems[1].wanted == 0
    await charger.call("StatusNotification", status("SuspendedEVSE"))
    await quiet(charge_point, charger)
    assert charge_point.proof.problems == {}


async def test_nothing_holds(central: Central, loop_clock: LoopClock) -> None:
    """Heidelberg: accepts all and ignores all, and says that it offers nothing."""
    charge_point, charger = await charging(central)
    told: list[Any] = []
    charge_point.subscribe(
        0, ["limit_problem"], lambda: told.append(dict(charge_point.proof.problems))
    )
    await charge_point.set_current_limit(1, 10)
    await ignores(loop_clock, charge_point, charger)
    problem = charge_point.proof.problems[1]
    assert problem.wanted == 10
    assert problem.seen == "16 A flow"
    assert problem.ways["default absolute 0 A"] == "accepted, but 16 A flow"
    assert told
    assert all(told)
    assert charge_point.capabilities.false_offers
    assert charge_point.value(1, "effective_limit_source") == "unverified"
    # It holds again.
    await charger.call("StatusNotification", status("SuspendedEVSE"))
    await charge_point.set_paused(1, True)
    await quiet(charge_point, charger)
    assert charge_point.proof.problems == {}
    assert told[-1] == {}


async def test_unwanted(central: Central, loop_clock: LoopClock) -> None:
    """What nobody wants any more is no problem."""
    charge_point, charger = await charging(central)
    await charge_point.set_current_limit(1, 10)
    await ignores(loop_clock, charge_point, charger)
    assert charge_point.proof.problems
    await charge_point.limits.clear(1)
    await later(loop_clock, charge_point, charger, 1)
    assert charge_point.proof.problems == {}


async def test_refused(central: Central, loop_clock: LoopClock) -> None:
    """What it refuses in every way when it is back is told in its own words."""
    charge_point = await central.add()
    await charge_point.set_current_limit(1, 10)
    charger = await central.dial()
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}
    await charger.boot(status("Available"))
    await bring_up()
    await later(loop_clock, charge_point, charger, VERIFY)
    problem = charge_point.proof.problems[1]
    assert problem.seen == "refused"
    assert set(problem.ways.values()) == {"SetChargingProfile: Rejected"}
    charger.answers["SetChargingProfile"] = {"status": "Accepted"}
    await charge_point.set_current_limit(1, 12)
    await quiet(charge_point, charger)
    assert charge_point.proof.problems == {}


async def test_taken_back(central: Central, loop_clock: LoopClock) -> None:
    """What was refused to the user's face is no problem afterwards."""
    charge_point, charger = await charging(central)
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}
    with pytest.raises(Exception, match="Rejected"):
        await charge_point.set_current_limit(1, 10)
    await later(loop_clock, charge_point, charger, VERIFY)
    assert charge_point.proof.problems == {}


async def test_no_transaction(central: Central, loop_clock: LoopClock) -> None:
    """A charger where nothing flows cannot be caught."""
    charge_point, charger = await central.connect()
    charger.answers["GetCompositeSchedule"] = schedule((0, 32))
    await charger.boot(status("Available"))
    await bring_up()
    await charge_point.set_current_limit(1, 10)
    await quiet(charge_point, charger)
    writes(charger)
    await later(loop_clock, charge_point, charger, VERIFY)
    assert writes(charger) == []


# What models are known for


def boot(vendor: str, model: str = "", firmware: str = "") -> dict[str, str]:
    """Return who a charger says it is."""
    return {
        "chargePointVendor": vendor,
        "chargePointModel": model or BOOT["chargePointModel"],
        "firmwareVersion": firmware or BOOT["firmwareVersion"],
    }


async def test_slow(central: Central, loop_clock: LoopClock) -> None:
    """An Easee takes minutes."""
    charge_point, charger = await charging(central, **boot("Easee", "Home"))
    await charge_point.set_paused(1, True)
    writes(charger)
    await later(loop_clock, charge_point, charger, VERIFY)
    await measures(charge_point, charger, 16)
    assert writes(charger) == []
    await later(loop_clock, charge_point, charger, 170)
    await measures(charge_point, charger, 16)
    assert writes(charger) == [("TxProfile", 0)]


async def test_wallbox(central: Central, loop_clock: LoopClock) -> None:
    """A Wallbox offers 11 A after 0 A, and lets nothing flow."""
    charge_point, charger = await charging(
        central, **boot("Wall Box Chargers", "PLP1-0-2-4", "5.17.67")
    )
    await charge_point.set_paused(1, True)
    await charger.call("StatusNotification", status("SuspendedEVSE"))
    await later(loop_clock, charge_point, charger, VERIFY)
    writes(charger)
    await measures(charge_point, charger, 0, offered=11)
    assert charge_point.proof.verified(1)
    assert writes(charger) == []
    assert charge_point.value(1, "effective_limit") == 0


async def test_offers_refuted(central: Central, loop_clock: LoopClock) -> None:
    """Another that does the same is found out."""
    charge_point, charger = await charging(central)
    await charge_point.set_paused(1, True)
    await charger.call("StatusNotification", status("SuspendedEVSE"))
    await later(loop_clock, charge_point, charger, VERIFY)
    await measures(charge_point, charger, 0, offered=11)
    await quiet(charge_point, charger)
    assert charge_point.capabilities.false_offers


async def test_first_after_pause(central: Central, loop_clock: LoopClock) -> None:
    """A go-e misses the first limit after a pause: it is told once more, and once."""
    charge_point, charger = await charging(central)
    await charge_point.set_current_limit(1, 10)
    await charge_point.set_paused(1, True)
    await charger.call("StatusNotification", status("SuspendedEVSE"))
    await later(loop_clock, charge_point, charger, VERIFY)
    writes(charger)
    await charge_point.set_paused(1, False)
    assert writes(charger) == [("TxProfile", 10)]
    await later(loop_clock, charge_point, charger, VERIFY)
    assert writes(charger) == [("TxProfile", 10)]
    for _ in range(3):
        await later(loop_clock, charge_point, charger, VERIFY)
    assert writes(charger) == []
    assert charge_point.capabilities.failed_rungs == {}


async def test_ceiling_ignored(central: Central, loop_clock: LoopClock) -> None:
    """A Grizzl-E accepts a ceiling and ignores it: its connector is limited instead."""
    charge_point, charger = await charging(central)
    await charge_point.set_maximum_current(10)
    seen = {purpose for purpose, _ in writes(charger)}
    assert seen == {"ChargePointMaxProfile"}
    for _ in range(60):
        await later(loop_clock, charge_point, charger, VERIFY)
        await measures(charge_point, charger, 16)
        if ("TxDefaultProfile", 10) in writes(charger):
            break
    await measures(charge_point, charger, 9.9)
    assert charge_point.proof.verified(1)
    assert Slot.IDLE in ways(charge_point)
    assert charge_point.proof.problems == {}


async def test_tells_what_it_has_accepted(
    central: Central, loop_clock: LoopClock
) -> None:
    """A schedule that repeats what was accepted is no proof against a meter."""

    def composite(payload: Payload) -> Payload:
        return schedule((0, 10))

    charge_point, charger = await charging(central, composite)
    await charge_point.set_maximum_current(10)
    for _ in range(120):
        await later(loop_clock, charge_point, charger, 5)
        await measures(charge_point, charger, 16)
        if ("TxDefaultProfile", 10) in writes(charger):
            break
    else:
        pytest.fail("It was told the same again and again")
    assert charge_point.capabilities.failed_rungs


async def test_default_fixed(central: Central, loop_clock: LoopClock) -> None:
    """Where what runs goes on by the old default, it is limited itself from now on."""
    charge_point, charger = await charging(central)
    await charge_point.set_current_limit(1, 10)
    assert writes(charger) == [("TxDefaultProfile", 10)]
    await later(loop_clock, charge_point, charger, VERIFY)
    await measures(charge_point, charger, 16)
    assert writes(charger) == [("TxProfile", 10)]
    await measures(charge_point, charger, 10)
    assert charge_point.proof.verified(1)
    assert charge_point.capabilities.default_fixed is True
    await charge_point.set_current_limit(1, 8)
    assert sorted(writes(charger)) == [("TxDefaultProfile", 8), ("TxProfile", 8)]


# Somebody else lets less flow


async def test_throttled(central: Central, loop_clock: LoopClock) -> None:
    """Less than was told is no failure, and shown."""

    def composite(payload: Payload) -> Payload:
        return schedule((0, 4))

    charge_point, charger = await charging(central, composite)
    await charge_point.set_current_limit(1, 10)
    await later(loop_clock, charge_point, charger, VERIFY)
    assert charge_point.value(1, "throttled") == 4
    assert charge_point.capabilities.failed_rungs == {}
    assert writes(charger) == [("TxDefaultProfile", 10)]
    await charger.call("StatusNotification", status("SuspendedEVSE"))
    await quiet(charge_point, charger)
    assert charge_point.value(1, "reason_not_charging") == "limited_by_station"
    charger.answers["GetCompositeSchedule"] = schedule((0, 10))
    await charger.call("StatusNotification", status("Charging"))
    await quiet(charge_point, charger)
    assert charge_point.value(1, "throttled") is None
