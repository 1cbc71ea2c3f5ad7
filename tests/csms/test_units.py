"""Amperes and watts, phases and steps: never more than was asked for."""

import asyncio
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from custom_components.ocpp_central.csms.capabilities import ConfigurationKey
from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.model import BootInfo, ChargingLimit, LimitUnit

from .common import (
    Central,
    Charger,
    Payload,
    central_system,
    meter_values,
    sample,
    status,
)
from .common2 import connect2, status as status2

NOW = "2026-05-01T12:00:00Z"
WATTS = {
    "ChargingScheduleAllowedChargingRateUnit": "Power",
    "SmartChargingCtrlr.RateUnit": "W",
}
NECHARGE = (6, 8, 10, 13, 16)


@pytest.fixture(autouse=True)
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clocks on the wall."""
    freezer.move_to(NOW)


async def connect(
    central: Central, version: str, **config: Any
) -> tuple[ChargePoint, Charger]:
    """Have a charger of a version connect."""
    if version == "1.6":
        charge_point, charger = await central.connect(**config)
        await charger.call("StatusNotification", status("Available"))
    else:
        charge_point, charger = await connect2(central, version, **config)
        await charger.call("StatusNotification", status2("Available"))
    return charge_point, charger


def told(charge_point: ChargePoint, keys: dict[str, str]) -> None:
    """Have a charger say something of itself."""
    charge_point.set_configuration(
        {name: ConfigurationKey(value, readonly=True) for name, value in keys.items()}
    )


def written(charger: Charger) -> list[tuple[str, float, int | None]]:
    """Return unit, limit and phases of what was installed since last asked."""
    found = []
    for call in charger.calls:
        if call.action == "SetChargingProfile":
            payload = call.payload
            profile = payload.get("csChargingProfiles") or payload["chargingProfile"]
            schedule = profile["chargingSchedule"]
            schedule = schedule[0] if isinstance(schedule, list) else schedule
            (period,) = schedule["chargingSchedulePeriod"]
            unit = schedule["chargingRateUnit"]
            found.append((unit, period["limit"], period.get("numberPhases")))
    charger.forget()
    return found


async def settled(charge_point: ChargePoint, charger: Charger) -> None:
    """Wait until what goes on in the background is done."""
    await charger.alive()
    while tasks := [
        task
        for task in asyncio.all_tasks()
        if task.get_name() == f"{charge_point.identity} set the charging limit"
    ]:
        await asyncio.wait(tasks)


async def flow(charger: Charger, transaction: int, *currents: float) -> None:
    """Tell what flows."""
    samples = [
        sample(str(current), "Current.Import", phase=f"L{phase}", unit="A")
        for phase, current in enumerate(currents, 1)
    ]
    await charger.call("MeterValues", meter_values(*samples, transaction=transaction))


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_watts_are_the_total(central: Central, version: str) -> None:
    """Of the phases that are configured, as long as nobody knows better."""
    charge_point, charger = await connect(central, version)
    told(charge_point, WATTS)
    await charge_point.set_current_limit(1, 10)
    assert written(charger) == [("W", 6900, None)]
    await charge_point.set_power_limit(1, 5000.7)
    assert written(charger) == [("W", 5000, None)]


async def test_a_car_on_one_phase(
    central: Central, freezer: FrozenDateTimeFactory
) -> None:
    """It gets what one phase carries, once it has drawn on one for a minute."""
    charge_point, charger = await connect(central, "1.6")
    told(charge_point, WATTS)
    number = await charger.start()
    await charger.call("StatusNotification", status("Charging"))
    await flow(charger, number, 16, 0, 0.3)
    await charge_point.set_current_limit(1, 10)
    await settled(charge_point, charger)
    assert ("W", 6900, None) in written(charger)
    assert charge_point.active_phases(1) is None
    freezer.tick(61)
    charge_point.transactions.tick()
    await settled(charge_point, charger)
    assert charge_point.active_phases(1) == 1
    assert written(charger) == [("W", 2300, 1)]
    # One that makes use of all of them only later.
    await flow(charger, number, 6, 6, 6)
    freezer.tick(61)
    charge_point.transactions.tick()
    await settled(charge_point, charger)
    assert charge_point.active_phases(1) == 3
    assert written(charger) == [("W", 6900, None)]
    # And does not become another when it slows down.
    await flow(charger, number, 6, 0, 0)
    assert charge_point.active_phases(1) == 3


async def test_the_next_car_is_another(central: Central) -> None:
    """Nothing is known of it."""
    charge_point, charger = await connect(central, "1.6")
    number = await charger.start()
    await charger.call("StatusNotification", status("Charging"))
    await flow(charger, number, 16, 16, 16)
    assert charge_point.active_phases(1) == 3
    await charger.call(
        "StopTransaction",
        {"transactionId": number, "meterStop": 2000, "timestamp": NOW},
    )
    assert charge_point.active_phases(1) is None


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_direct_current(central: Central, version: str) -> None:
    """Watts, and as few as anybody likes."""
    charge_point, charger = await connect(central, version, direct_current=True)
    assert charge_point.limit_units == [LimitUnit.WATT]
    await charge_point.set_power_limit(1, 900)
    assert written(charger) == [("W", 900, None)]
    assert charge_point.active_phases(1) == 1


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_told_that_it_is_direct_current(central: Central, version: str) -> None:
    """The charger knows best."""
    charge_point, charger = await connect(central, version)
    told(
        charge_point, {"EVSE@1.SupplyPhases": "0", "SmartChargingCtrlr.RateUnit": "A,W"}
    )
    assert charge_point.direct_current
    await charge_point.set_power_limit(1, 900)
    assert written(charger) == [("W", 900, None)]
    await charge_point.set_current_limit(1, 1)
    assert written(charger) == [("W", 690, None)]


async def test_power_of_direct_current(central: Central) -> None:
    """Volts by amperes, once."""
    charge_point, charger = await connect(central, "1.6", direct_current=True)
    samples = sample("100", "Current.Import"), sample("400", "Voltage")
    await charger.call("MeterValues", meter_values(*samples))
    assert charge_point.value(1, "power") == 40_000


def _whole(payload: Payload) -> Payload:
    profile = payload.get("csChargingProfiles") or payload["chargingProfile"]
    schedule = profile["chargingSchedule"]
    schedule = schedule[0] if isinstance(schedule, list) else schedule
    limits = [period["limit"] for period in schedule["chargingSchedulePeriod"]]
    decimals = any(limit % 1 for limit in limits)
    return {"status": "Rejected" if decimals else "Accepted"}


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_whole_amperes(central: Central, version: str) -> None:
    """Learnt from a refusal, and remembered."""
    charge_point, charger = await connect(central, version)
    charger.answers["SetChargingProfile"] = _whole
    await charge_point.set_current_limit(1, 10.7)
    assert written(charger) == [("A", 10.7, None), ("A", 10, None)]
    assert not charge_point.capabilities.failed_rungs
    await charge_point.set_current_limit(1, 12.9)
    assert written(charger) == [("A", 12, None)]
    assert charge_point.capabilities.whole_amperes


async def test_decimals_were_not_the_reason(central: Central) -> None:
    """They stay, where it has refused something else."""
    charge_point, charger = await connect(central, "1.6")
    charger.answers["SetChargingProfile"] = lambda payload: {
        "status": "Accepted"
        if payload["csChargingProfiles"]["stackLevel"]
        else "Rejected"
    }
    await charge_point.set_current_limit(1, 10.7)
    limits = [limit for _, limit, _ in written(charger)]
    assert limits[:2] == [10.7, 10]
    assert limits[-1] == 10.7
    assert not charge_point.capabilities.whole_amperes


async def test_a_few_currents(central: Central) -> None:
    """The next lower one of those there are."""
    charge_point, charger = await connect(central, "1.6")
    charge_point.set_info(BootInfo(vendor="NEcharge", model="X"))
    await charge_point.set_current_limit(1, 12)
    assert written(charger) == [("A", 10, None)]


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_never_more(socket_enabled: None, version: str) -> None:
    """Whatever is asked for, what is written is at most that, and can be offered."""
    async with central_system() as central:
        charge_point, charger = await connect(central, version)
        turn = 0

        async def ask(
            wanted: float,
            power: bool,
            watts: bool,
            phases: int,
            installed: float,
            necharge: bool,
        ) -> None:
            nonlocal turn
            turn += 1
            # Something else each time, so that it is written.
            info = BootInfo(
                vendor="NEcharge" if necharge else "Vendor", firmware=f"{turn}"
            )
            charge_point.set_info(info)
            told(charge_point, WATTS if watts else {})
            config = charge_point.config
            charge_point.config = type(config)(
                identity=config.identity,
                name=config.name,
                phases=phases,
                installation_current=installed,
            )
            charger.forget()
            charge_point.limits.forget()
            unit = LimitUnit.WATT if power else LimitUnit.AMPERE
            await charge_point.limits.limit_default(1, ChargingLimit(wanted, unit))
            for spelled, limit, _ in written(charger):
                per_phase = limit / (230 * phases) if spelled == "W" else limit
                asked = wanted / (230 * phases) if power else wanted
                # Less than a car can charge with is taken as that.
                least = 6 / phases if spelled == "W" else 6
                assert per_phase <= max(asked, least) + 1e-6
                assert per_phase <= installed + 1e-6
                if spelled == "W":
                    assert limit % 1 == 0
                elif necharge:
                    assert limit in NECHARGE
                else:
                    assert round(limit * 10, 6) % 1 == 0

        asked = st.tuples(
            st.floats(6, 64, allow_nan=False),
            st.booleans(),
            st.booleans(),
            st.integers(1, 3),
            st.floats(6, 40),
            st.booleans(),
        )
        examples: list[tuple[Any, ...]] = []

        @settings(
            max_examples=60,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(asked)
        def collect(example: tuple[Any, ...]) -> None:
            examples.append(example)

        collect()
        for wanted, power, watts, phases, installed, necharge in examples:
            given_ = wanted * 230 * phases if power else wanted
            await ask(given_, power, watts, phases, installed, necharge)
