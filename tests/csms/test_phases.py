"""One phase or three: nothing flows while it changes, and no disorder leaves it between."""

import asyncio
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.capabilities import ConfigurationKey
from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import NotSupported
from custom_components.ocpp_central.csms.model import LimitUnit

from .common import (
    Central,
    Charger,
    Payload,
    central_system,
    meter_values,
    sample,
    status,
    stop,
)
from .common2 import connect2, event, status as status2

NOW = "2026-05-01T12:00:00Z"
SWITCHES = {
    "ConnectorSwitch3to1PhaseSupported": "true",
    "SmartChargingCtrlr.Phases3to1": "true",
}


@pytest.fixture(autouse=True)
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clocks on the wall."""
    freezer.move_to(NOW)


def told(charge_point: ChargePoint, **more: str) -> None:
    """Have a charger say that it can switch, and more."""
    charge_point.set_configuration(
        {
            name: ConfigurationKey(value, readonly=True)
            for name, value in {**SWITCHES, **more}.items()
        }
    )


def written(charger: Charger) -> list[tuple[str, list[tuple[float, int | None]]]]:
    """Return the purpose, limits and phases of what was installed since last asked."""
    profiles = []
    for call in charger.calls:
        if call.action == "SetChargingProfile":
            payload = call.payload
            profile = payload.get("csChargingProfiles") or payload["chargingProfile"]
            schedule = profile["chargingSchedule"]
            schedule = schedule[0] if isinstance(schedule, list) else schedule
            periods = [
                (period["limit"], period.get("numberPhases"))
                for period in schedule["chargingSchedulePeriod"]
            ]
            profiles.append((profile["chargingProfilePurpose"], periods))
    charger.forget()
    return profiles


async def settled(charge_point: ChargePoint, charger: Charger) -> None:
    """Wait until what goes on in the background is done."""
    await charger.alive()
    while tasks := [
        task
        for task in asyncio.all_tasks()
        if task.get_name() == f"{charge_point.identity} set the charging limit"
    ]:
        await asyncio.wait(tasks)


class Time:
    """All clocks there are, the loop's among them."""

    def __init__(self, freezer: FrozenDateTimeFactory) -> None:
        """Take them in hand."""
        self._freezer = freezer

    async def go(
        self, charge_point: ChargePoint, charger: Charger, **by: float
    ) -> None:
        """Let time go by, and what is due happen."""
        self._freezer.tick(timedelta(**by))
        charge_point.transactions.tick()
        await settled(charge_point, charger)
        await settled(charge_point, charger)


@pytest.fixture
def time(freezer: FrozenDateTimeFactory) -> Time:
    """Return the clocks."""
    return Time(freezer)


async def charging(
    central: Central, *currents: float, **more: Any
) -> tuple[ChargePoint, Charger, int]:
    """Return a charger that can switch, in the middle of a transaction."""
    charge_point, charger = await central.connect(phase_switching=True, **more)
    told(charge_point)
    number = await begin(charger, *(currents or (16, 16, 16)))
    await settled(charge_point, charger)
    charger.forget()
    return charge_point, charger, number


async def begin(charger: Charger, *currents: float) -> int:
    """Begin to charge."""
    number = await charger.start()
    await charger.call("StatusNotification", status("Charging"))
    await flow(charger, number, *currents)
    return number


async def flow(charger: Charger, transaction: int, *currents: float) -> None:
    """Tell what flows."""
    samples = [
        sample(str(current), "Current.Import", phase=f"L{phase}", unit="A")
        for phase, current in enumerate(currents, 1)
    ]
    await charger.call("MeterValues", meter_values(*samples, transaction=transaction))


async def ceases(charger: Charger, transaction: int) -> None:
    """Let nothing flow any more."""
    await flow(charger, transaction, 0, 0, 0)
    await charger.call("StatusNotification", status("SuspendedEVSE"))


async def to_one(
    charge_point: ChargePoint, charger: Charger, transaction: int, time: Time
) -> None:
    """Switch to one phase in the middle of a transaction."""
    await charge_point.phases.wish(1, 1)
    await settled(charge_point, charger)
    await ceases(charger, transaction)
    await time.go(charge_point, charger, seconds=31)


async def test_idle(central: Central) -> None:
    """Where nothing flows there is nothing to wait for."""
    charge_point, charger = await central.connect(phase_switching=True)
    told(charge_point)
    await charger.call("StatusNotification", status("Available"))
    await charge_point.phases.wish(1, 1)
    await settled(charge_point, charger)
    assert written(charger) == [("TxDefaultProfile", [(16, 1)])]


async def test_running(central: Central, time: Time) -> None:
    """A pause, half a minute in which nothing flows, and then the new number."""
    charge_point, charger, number = await charging(central)
    await charge_point.phases.wish(1, 1)
    await settled(charge_point, charger)
    # If we are gone by then, the charger goes on by itself.
    assert written(charger) == [("TxProfile", [(0, None), (16, None)])]
    await ceases(charger, number)
    await time.go(charge_point, charger, seconds=20)
    assert written(charger) == []
    await time.go(charge_point, charger, seconds=11)
    assert sorted(written(charger)) == [
        ("TxDefaultProfile", [(16, 1)]),
        ("TxProfile", [(16, 1)]),
    ]


async def test_back(central: Central, time: Time) -> None:
    """Not before ten minutes, and by the same way."""
    charge_point, charger, number = await charging(central)
    await to_one(charge_point, charger, number, time)
    await charger.call("StatusNotification", status("Charging"))
    charger.forget()
    await charge_point.phases.wish(1, None)
    await time.go(charge_point, charger, minutes=9)
    assert written(charger) == []
    await time.go(charge_point, charger, minutes=1, seconds=1)
    assert written(charger) == [("TxProfile", [(0, 1), (16, 1)])]
    await ceases(charger, number)
    await time.go(charge_point, charger, seconds=31)
    # To be told three is to be told nothing; so it ends.
    assert [periods for _, periods in written(charger)][-1] in (
        [(16, 3)],
        [(16, None)],
    )
    assert charge_point.wish(1).phases_now in (None, 3)


async def test_a_pause_of_the_user(central: Central, time: Time) -> None:
    """What rests already need not be told to, and goes on resting."""
    charge_point, charger, number = await charging(central)
    await charge_point.set_paused(1, True)
    await ceases(charger, number)
    await time.go(charge_point, charger, minutes=5)
    charger.forget()
    await charge_point.phases.wish(1, 1)
    await settled(charge_point, charger)
    assert sorted(written(charger)) == [
        ("TxDefaultProfile", [(16, 1)]),
        ("TxProfile", [(0, 1)]),
    ]


async def test_still_flowing(central: Central, time: Time) -> None:
    """A charger that does not let go is not switched under load."""
    charge_point, charger, number = await charging(central)
    await charge_point.phases.wish(1, 1)
    await settled(charge_point, charger)
    charger.forget()
    for _ in range(3):
        await flow(charger, number, 16, 16, 16)
        await time.go(charge_point, charger, seconds=50)
    assert written(charger) == []
    await time.go(charge_point, charger, seconds=40)
    # As it was, until it is tried again.
    assert written(charger) == [("TxProfile", [(16, None)])]
    assert charge_point.wish(1).phases == 1
    await time.go(charge_point, charger, minutes=5)
    assert written(charger) == []


async def test_silence_is_no_rest(central: Central, time: Time) -> None:
    """Nobody has said that nothing flows."""
    charge_point, charger, _ = await charging(central)
    await charge_point.phases.wish(1, 1)
    await time.go(charge_point, charger, seconds=60)
    assert charge_point.wish(1).phases_now is None


async def test_a_daily_cap(central: Central, time: Time) -> None:
    """Contactors wear out."""
    charge_point, charger = await central.connect(phase_switching=True)
    told(charge_point)
    await charger.call("StatusNotification", status("Available"))
    for turn in range(30):
        await charge_point.phases.wish(1, 3 if turn % 2 else 1)
        await time.go(charge_point, charger, minutes=11)
    numbers = [periods[0][1] for _, periods in written(charger)]
    assert len(numbers) == 24
    await charge_point.phases.wish(1, 1)
    await time.go(charge_point, charger, hours=20)
    assert written(charger) == [("TxDefaultProfile", [(16, 1)])]


async def _plugs_out(
    central: Central, charge_point: ChargePoint, charger: Charger, number: int
) -> Charger:
    await charger.call("StopTransaction", stop(number))
    await charger.call("StatusNotification", status("Available"))
    return charger


async def test_plugged_out_meanwhile(central: Central, time: Time) -> None:
    """The next car begins on what was wanted."""
    charge_point, charger, number = await charging(central)
    await charge_point.phases.wish(1, 1)
    await settled(charge_point, charger)
    charger.forget()
    await _plugs_out(central, charge_point, charger, number)
    await time.go(charge_point, charger, seconds=1)
    assert ("TxDefaultProfile", [(16, 1)]) in written(charger)
    await begin(charger, 16)
    await time.go(charge_point, charger, minutes=2)
    assert all(periods != [(0, 1)] for _, periods in written(charger))


async def test_ended_meanwhile(central: Central, time: Time) -> None:
    """The car is still there; it will not find a limit of 0 A."""
    charge_point, charger, number = await charging(central)
    await charge_point.phases.wish(1, 1)
    await settled(charge_point, charger)
    charger.forget()
    await charger.call("StopTransaction", stop(number))
    await charger.call("StatusNotification", status("Finishing"))
    await time.go(charge_point, charger, seconds=1)
    assert written(charger) == [("TxDefaultProfile", [(16, 1)])]


async def test_gone_meanwhile(central: Central, time: Time) -> None:
    """It begins anew: nobody saw whether nothing flowed."""
    charge_point, charger, number = await charging(central)
    await charge_point.phases.wish(1, 1)
    await settled(charge_point, charger)
    await ceases(charger, number)
    await charger.close()
    charger = await central.dial()
    await time.go(charge_point, charger, seconds=31)
    assert charge_point.wish(1).phases_now is None
    await ceases(charger, number)
    for _ in range(3):
        await time.go(charge_point, charger, seconds=31)
    assert charge_point.wish(1).phases_now == 1
    assert written(charger)[-1][1] == [(16, 1)]


async def test_restarted_meanwhile(
    central: Central, time: Time, socket_enabled: None
) -> None:
    """What is kept is what is wanted, what was told, and when."""
    charge_point, charger, number = await charging(central)
    await charge_point.phases.wish(1, 1)
    await settled(charge_point, charger)
    wishes = charge_point.wishes
    async with central_system(ledger=central.ledger, store=central.store) as other:
        again, charger = await other.connect(phase_switching=True)
        again.wishes = wishes
        told(again)
        await ceases(charger, number)
        for _ in range(3):
            await time.go(again, charger, seconds=31)
        assert again.wish(1).phases_now == 1
        profiles = written(charger)
        assert profiles[0] == ("TxProfile", [(0, None), (16, None)])
        assert ("TxProfile", [(16, 1)]) in profiles


async def test_the_option_is_off(central: Central) -> None:
    """Nobody's contactors move that has not said so."""
    charge_point, charger = await central.connect()
    told(charge_point)
    with pytest.raises(NotSupported):
        await charge_point.phases.wish(1, 1)
    assert charge_point.wish(1).phases is None
    assert written(charger) == []


@pytest.mark.parametrize(
    "config", [{"phases": 1}, {"phases": 2}, {"direct_current": True}]
)
async def test_nothing_to_switch(central: Central, config: Payload) -> None:
    """Only what has three phases can be told to use one."""
    charge_point, _ = await central.connect(phase_switching=True, **config)
    told(charge_point)
    assert not charge_point.phases.offered


async def test_unknown_whether_it_can(central: Central) -> None:
    """It is not tried."""
    charge_point, _ = await central.connect(phase_switching=True)
    assert not charge_point.phases.offered


@pytest.mark.parametrize(
    ("vendor", "firmware", "can"),
    [
        ("go-e", "055.6", True),
        ("go-e", "057.1", True),
        ("go-e", "055.5", False),
        ("go-e", "041.0", False),
        ("Alfen BV", "6.1", True),
        ("Vendor", "1.0", False),
    ],
)
async def test_known_models(
    central: Central, vendor: str, firmware: str, can: bool
) -> None:
    """Some can, and do not say so."""
    charge_point, charger = await central.connect(phase_switching=True)
    await charger.boot(chargePointVendor=vendor, firmwareVersion=firmware)
    assert charge_point.phases.offered is can


def _refuses_phases(payload: Payload) -> Payload:
    profile = payload["csChargingProfiles"]
    periods = profile["chargingSchedule"]["chargingSchedulePeriod"]
    refused = any("numberPhases" in period for period in periods)
    return {"status": "Rejected" if refused else "Accepted"}


async def test_refused(central: Central) -> None:
    """It is told no number any more, and the user is told so."""
    charge_point, charger = await central.connect(phase_switching=True)
    told(charge_point)
    charger.answers["SetChargingProfile"] = _refuses_phases
    await charger.call("StatusNotification", status("Available"))
    with pytest.raises(NotSupported):
        await charge_point.phases.wish(1, 1)
    assert written(charger)[:2] == [
        ("TxDefaultProfile", [(16, 1)]),
        ("TxDefaultProfile", [(16, None)]),
    ]
    assert charge_point.capabilities.no_phase_numbers
    assert not charge_point.capabilities.failed_rungs
    assert charge_point.wish(1).phases is None


async def test_refused_while_charging(central: Central, time: Time) -> None:
    """The car goes on as before."""
    charge_point, charger, number = await charging(central)
    charger.answers["SetChargingProfile"] = _refuses_phases
    await to_one(charge_point, charger, number, time)
    assert written(charger)[-1][1] == [(16, None)]
    assert charge_point.wish(1).phases_now is None


async def test_never_in_the_ceiling(central: Central) -> None:
    """There it has no effect."""
    charge_point, charger = await central.connect(phase_switching=True)
    told(charge_point)
    await charger.call("StatusNotification", status("Available"))
    await charge_point.set_maximum_current(16)
    await charge_point.phases.wish(1, 1)
    await settled(charge_point, charger)
    assert ("ChargePointMaxProfile", [(16, None)]) in written(charger)


async def test_watts_on_one_phase(central: Central, time: Time) -> None:
    """What was 11 kW on three must not be 48 A on one."""
    charge_point, charger, number = await charging(central)
    told(charge_point, ChargingScheduleAllowedChargingRateUnit="Power")
    await charge_point.set_power_limit(1, 11040)
    await settled(charge_point, charger)
    charger.forget()
    await to_one(charge_point, charger, number, time)
    assert ("TxProfile", [(3680, 1)]) in written(charger)


async def test_a_power_on_one_phase(central: Central, time: Time) -> None:
    """A power that is asked for is what one phase can carry of it."""
    charge_point, charger, number = await charging(central)
    await charge_point.set_power_limit(1, 4140)
    await settled(charge_point, charger)
    charger.forget()
    await to_one(charge_point, charger, number, time)
    assert ("TxProfile", [(16, 1)]) in written(charger)
    assert charge_point.limit_units == [LimitUnit.AMPERE]


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
@pytest.mark.parametrize("names", [True, False])
async def test_which_phase(central: Central, version: str, names: bool) -> None:
    """The first, where the station lets us choose."""
    charge_point, charger = await connect2(central, version, phase_switching=True)
    more = {
        "SmartChargingCtrlr.ACPhaseSwitchingSupported": "true" if names else "false"
    }
    told(charge_point, **more)
    await charger.call("StatusNotification", status2("Available"))
    await charge_point.phases.wish(1, 1)
    call = next(call for call in charger.calls if call.action == "SetChargingProfile")
    schedule = call.payload["chargingProfile"]["chargingSchedule"][0]
    period = {"startPeriod": 0, "limit": 16, "numberPhases": 1}
    expected = {**period, "phaseToUse": 1} if names else period
    assert schedule["chargingSchedulePeriod"] == [expected]


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_running_in_2(central: Central, version: str, time: Time) -> None:
    """The same in the other dialect."""
    charge_point, charger = await connect2(central, version, phase_switching=True)
    told(charge_point)
    await charger.call("StatusNotification", status2("Occupied"))
    begun = event("Started", evse=1, token="CARD1", state="Charging")
    await charger.call("TransactionEvent", begun)
    await settled(charge_point, charger)
    charger.forget()
    await charge_point.phases.wish(1, 1)
    await settled(charge_point, charger)
    assert written(charger) == [("TxProfile", [(0, None), (16, None)])]
    suspended = event("Updated", reason="ChargingStateChanged", state="SuspendedEVSE")
    await charger.call("TransactionEvent", suspended)
    await time.go(charge_point, charger, seconds=31)
    assert ("TxProfile", [(16, 1)]) in written(charger)
