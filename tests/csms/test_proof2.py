"""Whether a charger of OCPP 2.0.1 or 2.1 does what it has accepted."""

from collections.abc import AsyncIterator

import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.ladder import Slot

from .common import Answer, Central, Charger, Payload, bring_up, central_system
from .common2 import BOOT, VERSIONS, bucket, connect2, event, sample, status
from .conftest import LoopClock
from .test_profiles2 import composite
from .test_proof import PROVING, VERIFY, later, quiet, ways

UNKNOWN: Payload = {"status": "Rejected"}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Return the version that is spoken."""
    spoken: str = request.param
    return spoken


@pytest.fixture
async def central(socket_enabled: None) -> AsyncIterator[Central]:
    """Return a central system that looks whether it is obeyed."""
    async with central_system(timing=PROVING) as central:
        yield central


async def charging(
    central: Central, version: str, **answers: Answer
) -> tuple[ChargePoint, Charger]:
    """Return a charger in the middle of a transaction."""
    charge_point, charger = await connect2(central, version)
    charger.answers["GetChargingProfiles"] = {"status": "NoProfiles"}
    charger.answers["GetCompositeSchedule"] = UNKNOWN
    charger.answers |= answers
    await charger.call("BootNotification", BOOT)
    await charger.call("StatusNotification", status())
    await bring_up()
    await charger.call("StatusNotification", status("Occupied"))
    started = event("Started", evse=1, token="CARD1", state="Charging")
    await charger.call("TransactionEvent", started)
    await quiet(charge_point, charger)
    charger.forget()
    return charge_point, charger


async def measures(
    charge_point: ChargePoint, charger: Charger, current: float, **more: float
) -> None:
    """Have the charger say what flows."""
    names = {"offered": "Current.Offered", "power": "Power.Offered"}
    values = bucket(
        sample(current, "Current.Import", unit="A"),
        *(sample(value, names[name]) for name, value in more.items()),
    )
    await charger.call("MeterValues", {"evseId": 1, "meterValue": [values]})
    await quiet(charge_point, charger)


async def suspends(charge_point: ChargePoint, charger: Charger) -> None:
    """Have the charger say that it lets nothing flow."""
    await charger.call(
        "TransactionEvent",
        event("Updated", reason="ChargingStateChanged", state="SuspendedEVSE"),
    )
    await quiet(charge_point, charger)


def writes(charger: Charger) -> list[tuple[str, float]]:
    """Return the limits that were sent since this was last asked."""
    sent = []
    for call in charger.calls:
        if call.action == "SetChargingProfile":
            profile = call.payload["chargingProfile"]
            (schedule,) = profile["chargingSchedule"]
            limit = schedule["chargingSchedulePeriod"][0]["limit"]
            sent.append((profile["chargingProfilePurpose"], limit))
    charger.forget()
    return sent


# It obeys


async def test_composite(central: Central, version: str, loop_clock: LoopClock) -> None:
    """The charger's own sum says so: the way is remembered."""
    limits = [16.0]
    charge_point, charger = await charging(
        central, version, GetCompositeSchedule=lambda _: composite((0, limits[0]))
    )
    limits[0] = 10
    await charge_point.set_current_limit(1, 10)
    await quiet(charge_point, charger)
    assert charge_point.proof.verified(1)
    assert ways(charge_point) == {Slot.IDLE: "default absolute 0 A"}
    assert writes(charger) == [("TxDefaultProfile", 10)]
    await later(loop_clock, charge_point, charger, VERIFY)
    assert writes(charger) == []


@pytest.mark.parametrize("offer", [{"offered": 10}, {"power": 6900}])
async def test_offered(
    central: Central, version: str, loop_clock: LoopClock, offer: dict[str, float]
) -> None:
    """What it offers to the car says so."""
    charge_point, charger = await charging(central, version)
    await charge_point.set_current_limit(1, 10)
    assert not charge_point.proof.verified(1)
    await measures(charge_point, charger, 6, **offer)
    assert charge_point.proof.verified(1)
    assert charge_point.value(1, "effective_limit_source") == "offered"


async def test_measured(central: Central, version: str) -> None:
    """What flows says so, where it is just below the limit."""
    charge_point, charger = await charging(central, version)
    await charge_point.set_current_limit(1, 10)
    await measures(charge_point, charger, 6)
    assert not charge_point.proof.verified(1)
    await measures(charge_point, charger, 9.8)
    assert charge_point.proof.verified(1)


async def test_paused(central: Central, version: str) -> None:
    """A transaction whose state is suspended says so."""
    charge_point, charger = await charging(central, version)
    await charge_point.set_paused(1, True)
    assert not charge_point.proof.verified(1)
    await suspends(charge_point, charger)
    assert charge_point.proof.verified(1)
    assert ways(charge_point) == {Slot.RUNNING: "transaction absolute 0 A"}


# It does not


async def test_told_again(
    central: Central, version: str, loop_clock: LoopClock
) -> None:
    """A charger that goes on as before is told again."""
    charge_point, charger = await charging(central, version)
    await charge_point.set_paused(1, True)
    assert writes(charger) == [("TxProfile", 0)]
    await later(loop_clock, charge_point, charger, VERIFY)
    await measures(charge_point, charger, 16)
    assert writes(charger) == [("TxProfile", 0)]
    await suspends(charge_point, charger)
    assert charge_point.proof.verified(1)
    assert charge_point.capabilities.failed_rungs == {}


async def test_next_way(central: Central, version: str, loop_clock: LoopClock) -> None:
    """One that ignores a way three times is told in another."""
    charge_point, charger = await charging(central, version)
    await charge_point.set_paused(1, True)
    for _ in range(3):
        await later(loop_clock, charge_point, charger, VERIFY)
        await measures(charge_point, charger, 16, offered=16)
    assert charge_point.capabilities.failed_rungs == {
        "running: transaction absolute 0 A": "accepted, but 16 A flow"
    }
    assert len(writes(charger)) == 4
    assert charge_point.proof.problems[1].wanted == 0


async def test_nothing_holds(
    central: Central, version: str, loop_clock: LoopClock
) -> None:
    """One that accepts all and ignores all is a problem, until it holds again."""
    charge_point, charger = await charging(central, version)
    await charge_point.set_current_limit(1, 10)
    while True:
        charger.forget()
        for _ in range(3):
            await later(loop_clock, charge_point, charger, VERIFY)
            await measures(charge_point, charger, 16)
        if "SetChargingProfile" not in charger.actions:
            break
    problem = charge_point.proof.problems[1]
    assert (problem.wanted, problem.seen) == (10, "16 A flow")
    assert problem.ways["default absolute 0 A"] == "accepted, but 16 A flow"
    await charge_point.set_paused(1, True)
    await suspends(charge_point, charger)
    assert charge_point.proof.problems == {}


async def test_refused(central: Central, version: str, loop_clock: LoopClock) -> None:
    """What it refuses in every way when it is back is told in its own words."""
    charge_point, charger = await connect2(central, version)
    charge_point.add_connector(1)
    charge_point.wish(1).current_limit = 10
    charger.answers["SetChargingProfile"] = {
        "status": "Rejected",
        "statusInfo": {"reasonCode": "InvalidProfile"},
    }
    await charger.call("BootNotification", BOOT)
    await charger.call("StatusNotification", status())
    await bring_up()
    await later(loop_clock, charge_point, charger, VERIFY)
    problem = charge_point.proof.problems[1]
    assert problem.seen == "refused"
    assert set(problem.ways.values()) == {"SetChargingProfile: Rejected"}
    del charger.answers["SetChargingProfile"]
    await charge_point.set_current_limit(1, 12)
    await quiet(charge_point, charger)
    assert charge_point.proof.problems == {}


# Somebody else lets less flow


async def test_foreign_profile(
    central: Central, version: str, loop_clock: LoopClock
) -> None:
    """One that another central system has left throttles: it is found, and shown."""
    foreign = {
        "id": 990,
        "stackLevel": 8,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 1,
                "startSchedule": "2026-03-01T00:00:00Z",
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7}],
            }
        ],
    }
    charge_point, charger = await charging(
        central,
        version,
        GetCompositeSchedule=lambda _: composite((0, 7)),
    )
    charger.answers["GetChargingProfiles"] = {"status": "Accepted"}
    charge_point.external.look()
    asked = await charger.called("GetChargingProfiles")
    assert asked.payload["chargingProfile"] == {
        "chargingLimitSource": ["EMS", "Other", "SO", "CSO"]
    }
    await charger.call(
        "ReportChargingProfiles",
        {
            "requestId": asked.payload["requestId"],
            "chargingLimitSource": "CSO",
            "evseId": 1,
            "chargingProfile": [foreign],
        },
    )
    await quiet(charge_point, charger)
    (found,) = charge_point.external.profiles_at(1)
    assert charge_point.external.profile_value(found, 1) == 7
    await charge_point.set_current_limit(1, 10)
    await later(loop_clock, charge_point, charger, VERIFY)
    assert charge_point.value(1, "throttled") == 7
    assert writes(charger) == [("TxDefaultProfile", 10)]
    assert charge_point.capabilities.failed_rungs == {}
    await suspends(charge_point, charger)
    assert charge_point.value(1, "reason_not_charging") == "limited_by_station"
    # Whoever left it takes it away.
    charger.answers["GetCompositeSchedule"] = composite((0, 10))
    await charger.call(
        "TransactionEvent",
        event("Updated", reason="ChargingStateChanged", state="Charging"),
    )
    await quiet(charge_point, charger)
    assert charge_point.value(1, "throttled") is None
