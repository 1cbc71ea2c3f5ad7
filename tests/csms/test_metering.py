"""From sampled values to what sensors show."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.clock import format_time, parse_time

from .common import ENERGY, Central, Payload, meter_values, sample, stamp, status, until
from .conftest import LoopClock

POWER = "Power.Active.Import"
CURRENT = "Current.Import"
# What is not measured.
SAID = {"status", "reason_not_charging"}

Samples = tuple[Payload, ...]


def phases(measurand: str, *values: Any, suffix: str = "", **more: Any) -> Samples:
    """Return a sample for each phase."""
    return tuple(
        sample(value, measurand, phase=f"L{number}{suffix}", **more)
        for number, value in enumerate(values, 1)
    )


READINGS: dict[str, tuple[Samples, dict[str, float]]] = {
    # What is left out
    "nothing but a value": ((sample("12345"),), {"energy": 12345}),
    "no unit": ((sample("1", ENERGY), sample("2", POWER)), {"energy": 1, "power": 2}),
    "null for what is left out": (
        (sample("5", None, unit=None, phase=None, context=None, format=None),),
        {"energy": 5},
    ),
    # Units
    "kWh": ((sample("12.345", ENERGY, unit="kWh"),), {"energy": 12345}),
    "KWH": ((sample("1", ENERGY, unit="KWH"),), {"energy": 1000}),
    "Wh": ((sample("7", ENERGY, unit="Wh"),), {"energy": 7}),
    "kW": ((sample("7.2", POWER, unit="kW"),), {"power": 7200}),
    "Hz": ((sample("50.01", "Frequency", unit="Hz"),), {"frequency": 50.01}),
    "Hertz": ((sample("50", "Frequency", unit="Hertz"),), {"frequency": 50}),
    "Celsius": ((sample("21", "Temperature", unit="Celsius"),), {"temperature": 21}),
    "Celcius": ((sample("21", "Temperature", unit="Celcius"),), {"temperature": 21}),
    "°C": ((sample("21", "Temperature", unit="°C"),), {"temperature": 21}),
    "C": ((sample("21", "Temperature", unit="C"),), {"temperature": 21}),
    "K": ((sample("300", "Temperature", unit="K"),), {"temperature": 26.85}),
    "Fahrenheit": (
        (sample("212", "Temperature", unit="Fahrenheit"),),
        {"temperature": 100},
    ),
    "Percent": ((sample("80", "SoC", unit="Percent"),), {"soc": 80}),
    "%": ((sample("80", "SoC", unit="%"),), {"soc": 80}),
    "kvar": (
        (sample("1", "Power.Reactive.Import", unit="kvar"),),
        {"reactive_power": 1000},
    ),
    "unit that does not fit": ((sample("80", "SoC", unit="V"),), {"soc": 80}),
    "unit that is no text": ((sample("7", POWER, unit=7),), {"power": 7}),
    # Values
    "number": ((sample(7.5, POWER),), {"power": 7.5}),
    "quoted": ((sample("'7.5'", POWER),), {"power": 7.5}),
    "white space": ((sample(" 7.5\n", POWER),), {"power": 7.5}),
    "exponent": ((sample("7.5e3", POWER),), {"power": 7500}),
    "negative": ((sample("-5", POWER),), {"power": -5}),
    "empty": ((sample("", POWER), sample("1", CURRENT, phase="N")), {"current": 1}),
    "no number": ((sample("n/a", POWER), sample("8", ENERGY)), {"energy": 8}),
    "NaN": ((sample("NaN", POWER), sample("8", ENERGY)), {"energy": 8}),
    "infinite": ((sample("inf", POWER), sample("8", ENERGY)), {"energy": 8}),
    "no value": (({"measurand": POWER}, sample("8", ENERGY)), {"energy": 8}),
    "signed": (
        (sample("99", ENERGY, format="SignedData"), sample("8", ENERGY)),
        {"energy": 8},
    ),
    "only signed": ((sample("99", ENERGY, format="SignedData"),), {}),
    # Measurands
    "line break": ((sample("5", "Current.Import\n", phase="N"),), {"current": 5}),
    "unknown": ((sample("5", "Vendor.Own"), sample("8", ENERGY)), {"energy": 8}),
    "interval": ((sample("5", "Energy.Active.Import.Interval"),), {}),
    "export": (
        (
            sample("5", "Energy.Active.Export.Register"),
            sample("6", "Power.Active.Export"),
        ),
        {"energy_export": 5, "power_export": 6},
    ),
    "offered": (
        (sample("16", "Current.Offered"), sample("11000", "Power.Offered")),
        {"current_offered": 16, "power_offered": 11000},
    ),
    # Phases
    "power in total": ((sample("6900", POWER),), {"power": 6900}),
    "power per phase": (phases(POWER, "2300", "2200", "2100"), {"power": 6600}),
    "power per phase and in total": (
        (*phases(POWER, "2300", "2200", "2100"), sample("6666", POWER)),
        {"power": 6666},
    ),
    "power in total and per phase": (
        (sample("6666", POWER), *phases(POWER, "2300", "2200", "2100")),
        {"power": 6666},
    ),
    "power per phase to neutral": (
        phases(POWER, "1", "2", "3", suffix="-N"),
        {"power": 6},
    ),
    "energy per phase": (phases(ENERGY, "1", "2", "3", unit="kWh"), {"energy": 6000}),
    "voltage": (
        phases("Voltage", "229", "230", "231"),
        {
            "voltage": 230,
            "voltage_l1": 229,
            "voltage_l2": 230,
            "voltage_l3": 231,
        },
    ),
    "voltage to neutral": (
        phases("Voltage", "229", suffix="-N"),
        {"voltage": 229, "voltage_l1": 229},
    ),
    "voltage between lines": (
        (sample("400", "Voltage", phase="L1-L2"),),
        {"voltage": 230.94, "voltage_l1": 230.94},
    ),
    "voltage of one wired phase": (
        phases("Voltage", "230", "0", "0.0"),
        {"voltage": 230, "voltage_l1": 230, "voltage_l2": 0, "voltage_l3": 0},
    ),
    "no voltage at all": (
        phases("Voltage", "0", "0"),
        {"voltage": 0, "voltage_l1": 0, "voltage_l2": 0},
    ),
    "phase within the measurand": (
        (sample("231", "Voltage.L1-N"), sample("229", "Voltage.L2")),
        {"voltage": 230, "voltage_l1": 231, "voltage_l2": 229},
    ),
    "phase in lower case": (
        (sample("231", "Voltage", phase=" l1 "),),
        {"voltage": 231, "voltage_l1": 231},
    ),
    "unknown phase": (
        (sample("16", "Current.Offered", phase="L4"),),
        {"current_offered": 16},
    ),
    "outlet before inlet": (
        (
            sample("9", ENERGY, location="Outlet"),
            sample("99", ENERGY, location="Inlet"),
        ),
        {"energy": 9},
    ),
    "outlet after inlet": (
        (
            sample("99", ENERGY, location="Inlet"),
            sample("9", ENERGY, location="Outlet"),
        ),
        {"energy": 9},
    ),
    "inlet only": ((sample("99", ENERGY, location="Inlet"),), {"energy": 99}),
    # Contexts
    "begin is no register": (
        (
            sample("0", ENERGY, context="Transaction.Begin"),
            sample("500", ENERGY, context="Sample.Periodic"),
        ),
        {"energy": 500},
    ),
    "begin after the register": (
        (sample("500", ENERGY), sample("0", ENERGY, context="Transaction.Begin")),
        {"energy": 500},
    ),
    "begin is a power": (
        (sample("7", POWER, context="Transaction.Begin"),),
        {"power": 7},
    ),
    "unknown context": ((sample("7", POWER, context="Whatever"),), {"power": 7}),
}


@pytest.mark.parametrize(("samples", "shown"), READINGS.values(), ids=READINGS.keys())
async def test_reading(
    central: Central, samples: Samples, shown: dict[str, float]
) -> None:
    """Each quantity in one unit, whatever the charger makes of it."""
    # Measured power, so that none is derived.
    charge_point, charger = await central.connect()
    await charger.call("MeterValues", meter_values(*samples))
    values = {
        key: value
        for key, value in charge_point.values(1).items()
        if key not in SAID and not (key == "power" and charge_point.is_derived(1))
    }
    assert values == pytest.approx(shown, abs=0.005)


DERIVED: dict[str, tuple[Samples, dict[str, Any], float, float]] = {
    "three phases": (phases(CURRENT, "10", "10", "10"), {}, 10, 6900),
    "three phases, measured voltage": (
        (*phases(CURRENT, "10", "8", "0"), *phases("Voltage", "240", "230", "235")),
        {},
        10,
        2400 + 1840,
    ),
    "one phase of three": (phases(CURRENT, "16", "0", "0"), {}, 16, 3680),
    "only one phase said": (phases(CURRENT, "16"), {}, 16, 3680),
    "without a phase": ((sample("10", CURRENT),), {}, 10, 6900),
    "without a phase, wired with one": (
        (sample("10", CURRENT),),
        {"phases": 1},
        10,
        2300,
    ),
    "other nominal voltage": (
        (sample("10", CURRENT),),
        {"phases": 1, "nominal_voltage": 120.0},
        10,
        1200,
    ),
    "neutral alone": ((sample("10", CURRENT, phase="N"),), {"phases": 1}, 10, 2300),
    "phases and neutral": (
        (*phases(CURRENT, "10", "9", "8"), sample("2", CURRENT, phase="N")),
        {},
        10,
        27 * 230,
    ),
}


@pytest.mark.parametrize(
    ("samples", "config", "current", "power"), DERIVED.values(), ids=DERIVED.keys()
)
async def test_derived_power(
    central: Central,
    samples: Samples,
    config: dict[str, Any],
    current: float,
    power: float,
) -> None:
    """Where a charger tells no power, it follows from the current, and is marked."""
    charge_point, charger = await central.connect(**config)
    await charger.call("MeterValues", meter_values(*samples))
    assert charge_point.value(1, "current") == current
    assert charge_point.value(1, "power") == pytest.approx(power)
    assert charge_point.is_derived(1)


async def test_measured_power_comes_first(central: Central) -> None:
    """What was measured is never replaced by what was computed."""
    charge_point, charger = await central.connect()
    await charger.call("MeterValues", meter_values(sample("10", CURRENT)))
    assert charge_point.is_derived(1)
    await charger.call("MeterValues", meter_values(sample("6543", POWER)))
    assert not charge_point.is_derived(1)
    await charger.call("MeterValues", meter_values(sample("10", CURRENT)))
    assert charge_point.value(1, "power") == 6543
    assert not charge_point.is_derived(1)


# Buckets


async def test_several_buckets(central: Central) -> None:
    """One per sample or out of order: the newest of each quantity is shown."""
    charge_point, charger = await central.connect()
    buckets = [
        {"timestamp": stamp(seconds=seconds), "sampledValue": samples}
        for seconds, samples in (
            (10, [sample("1010", ENERGY)]),
            (30, [sample("990", ENERGY), sample("1", POWER), sample("50", "SoC")]),
            (10, [sample("7000", POWER)]),
            (20, [sample("1000", ENERGY), sample("6000", POWER)]),
            (5, []),
        )
    ]
    await charger.call("MeterValues", {"connectorId": 1, "meterValue": buckets})
    assert charge_point.value(1, "energy") == 1010
    assert charge_point.value(1, "power") == 7000
    assert charge_point.value(1, "soc") == 50


async def test_buckets_that_say_nothing(central: Central) -> None:
    """Empty lists, and things that are no buckets, change nothing."""
    charge_point, charger = await central.connect()
    for buckets in (
        [],
        [{}],
        [{"timestamp": stamp(), "sampledValue": []}],
        [{"timestamp": stamp(), "sampledValue": [7, None, [], {}]}],
        ["nonsense", None, 7],
        "nonsense",
    ):
        await charger.call("MeterValues", {"connectorId": 1, "meterValue": buckets})
    assert set(charge_point.values(1)) <= SAID


async def test_a_connector_that_was_never_mentioned(central: Central) -> None:
    """Connectors grow with what the charger says, up to what is plausible."""
    charge_point, charger = await central.connect()
    await charger.call("MeterValues", meter_values(sample("1", POWER), connector=3))
    await charger.call("MeterValues", meter_values(sample("9", POWER), connector=0))
    await charger.call("MeterValues", meter_values(sample("1", POWER), connector=65))
    await charger.call("StatusNotification", status("Available", 1634030126))
    assert charge_point.connectors == [3]
    assert charge_point.value(3, "power") == 1
    assert charge_point.value(0, "power") == 9


# What flows


@pytest.mark.parametrize(
    "state",
    [
        "SuspendedEV",
        "SuspendedEVSE",
        "Finishing",
        "Available",
        "Preparing",
        "Unavailable",
        "Reserved",
    ],
)
async def test_what_flows_ends_with_charging(central: Central, state: str) -> None:
    """Many chargers send no last sample of zero."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Charging"))
    samples = (
        sample("7000", POWER),
        sample("5", "Power.Active.Export"),
        *phases(CURRENT, "10", "11", "12"),
        *phases("Voltage", "230", "231", "232"),
        sample("1000", ENERGY),
        sample("16", "Current.Offered"),
        sample("80", "SoC"),
    )
    await charger.call("MeterValues", meter_values(*samples))
    before = dict(charge_point.values(1))
    await charger.call("StatusNotification", status(state))
    flows = ("power", "power_export", "current", *(f"current_l{n}" for n in (1, 2, 3)))
    assert [charge_point.value(1, key) for key in flows] == [0] * len(flows)
    for key in before.keys() - {*flows, *SAID}:
        assert charge_point.value(1, key) == before[key]
    assert charge_point.value(1, "power_export") is not None
    assert charge_point.value(1, "reactive_power") is None
    # A charger that trickles says so.
    await charger.call("MeterValues", meter_values(sample("12", POWER)))
    assert charge_point.value(1, "power") == 12


@pytest.mark.parametrize("state", ["Charging", "Faulted"])
async def test_what_flows_stays(central: Central, state: str) -> None:
    """A fault says nothing about the current."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("MeterValues", meter_values(sample("7000", POWER)))
    await charger.call("StatusNotification", status(state))
    assert charge_point.value(1, "power") == 7000


async def test_samples_after_the_end(central: Central) -> None:
    """The last samples of a transaction may come after its end: no power out of them."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Charging"))
    number = await charger.start()
    late = meter_values(
        sample("7000", POWER),
        *phases(CURRENT, "10", "10", "10"),
        sample("2000", ENERGY),
        transaction=number,
    )
    await charger.call("MeterValues", late)
    await charger.call(
        "StopTransaction",
        {"transactionId": number, "meterStop": 2000, "timestamp": stamp()},
    )
    await charger.call("StatusNotification", status("Finishing"))
    late["meterValue"][0]["sampledValue"][-1]["value"] = "2010"
    await charger.call("MeterValues", late)
    assert charge_point.value(1, "power") == 0
    assert charge_point.value(1, "current_l2") == 0
    assert charge_point.value(1, "energy") == 2010
    assert charge_point.value(1, "session_energy") == 1000
    assert charge_point.transactions.at(1) is None
    # A charger that goes on naming the old transaction in the next one is believed.
    await charger.start(meter=2010)
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("MeterValues", late)
    assert charge_point.value(1, "power") == 7000


# The past


async def test_replay(central: Central) -> None:
    """What a charger makes up for after being offline is not shown as now."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Charging"))
    number = await charger.start(meter=1000)
    now = meter_values(sample("7000", POWER), sample("1500", ENERGY))
    await charger.call("MeterValues", now)
    for minutes in range(60, 10, -10):
        energy = sample(str(1400 - minutes), ENERGY)
        replayed = meter_values(
            sample("11000", POWER),
            energy,
            transaction=number,
            time=stamp(minutes=minutes),
        )
        await charger.call("MeterValues", replayed)
    assert charge_point.value(1, "power") == 7000
    assert charge_point.value(1, "energy") == 1500
    assert charge_point.value(1, "session_energy") == 500


async def test_replay_together_with_now(central: Central) -> None:
    """Of one message, only what is of now is shown."""
    charge_point, charger = await central.connect()
    buckets = [
        {
            "timestamp": stamp(hours=1),
            "sampledValue": [sample("11000", POWER), sample("40", "SoC")],
        },
        {"timestamp": stamp(), "sampledValue": [sample("7000", POWER)]},
    ]
    await charger.call("MeterValues", {"connectorId": 1, "meterValue": buckets})
    assert charge_point.value(1, "power") == 7000
    assert charge_point.value(1, "soc") is None


async def test_replay_first_thing(central: Central) -> None:
    """A charger that comes back with its past first shows none of it."""
    charge_point, charger = await central.connect()
    for minutes in range(50, 0, -10):
        replayed = meter_values(sample("11000", POWER), time=stamp(minutes=minutes))
        await charger.call("MeterValues", replayed)
    assert charge_point.value(1, "power") is None
    await charger.call("MeterValues", meter_values(sample("7000", POWER)))
    assert charge_point.value(1, "power") == 7000


@pytest.mark.parametrize("error", [-2 * 365 * 24, -24, -5, -0.5, 1, 2, 24])
async def test_a_clock_that_is_wrong(
    central: Central, freezer: FrozenDateTimeFactory, error: float
) -> None:
    """A constant error, for instance local time without a zone, is no replay."""
    charge_point, charger = await central.connect()

    def local() -> str:
        return stamp(hours=-error).removesuffix("Z")

    await charger.boot()
    await charger.call(
        "StatusNotification", status("Charging") | {"timestamp": local()}
    )
    for watts in (1000, 2000, 3000):
        freezer.tick(30)
        values = meter_values(sample(str(watts), POWER), time=local())
        await charger.call("MeterValues", values)
        assert charge_point.value(1, "power") == watts
    # And what is older by that clock is the past.
    replayed = meter_values(
        sample("11000", POWER), time=stamp(hours=1 - error).removesuffix("Z")
    )
    await charger.call("MeterValues", replayed)
    assert charge_point.value(1, "power") == 3000


async def test_a_clock_that_is_set(
    central: Central, freezer: FrozenDateTimeFactory
) -> None:
    """Once the charger has taken our time, nothing of its error is left."""
    charge_point, charger = await central.connect()
    for _ in range(3):
        freezer.tick(30)
        wrong = meter_values(sample("1", POWER), time=stamp(hours=5))
        await charger.call("MeterValues", wrong)
    assert charge_point.value(1, "power") == 1
    await charger.call("MeterValues", meter_values(sample("2", POWER)))
    assert charge_point.value(1, "power") == 2
    wrong = meter_values(sample("3", POWER), time=stamp(hours=5))
    await charger.call("MeterValues", wrong)
    assert charge_point.value(1, "power") == 2


@pytest.mark.parametrize(
    "time",
    [
        "1970-01-01T00:00:10Z",
        "0001-01-01T00:00:00Z",
        "2000-01-01T00:00:00",
        "9999-12-31T23:59:59Z",
        "",
        "soon",
        None,
        0,
    ],
)
async def test_a_clock_that_was_never_set(central: Central, time: object) -> None:
    """A time that cannot be is now."""
    charge_point, charger = await central.connect()
    values = meter_values(sample("7000", POWER))
    values["meterValue"][0]["timestamp"] = time
    await charger.call("MeterValues", values)
    assert charge_point.value(1, "power") == 7000


async def test_samples_of_before_a_long_absence(
    central: Central, loop_clock: LoopClock
) -> None:
    """Power of an hour ago says nothing; the counters still do."""
    charge_point, charger = await central.connect()
    samples = (
        sample("7000", POWER),
        sample("1000", ENERGY),
        sample("5", "Energy.Active.Export.Register"),
        sample("6", "Energy.Reactive.Import.Register"),
        sample("50", "SoC"),
    )
    await charger.call("MeterValues", meter_values(*samples))
    await charger.close()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    loop_clock.advance(10)
    charger = await central.dial()
    await charger.alive()
    assert charge_point.value(1, "power") == 7000
    await charger.close()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    loop_clock.advance(61)
    charger = await central.dial()
    await charger.alive()
    assert charge_point.value(1, "power") is None
    assert charge_point.value(1, "soc") is None
    assert charge_point.value(1, "energy") == 1000
    assert charge_point.value(1, "energy_export") == 5
    assert charge_point.value(1, "reactive_energy") == 6


# Times


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z"),
        ("2026-03-01T10:00:00", "2026-03-01T10:00:00Z"),
        ("2026-03-01 10:00:00", "2026-03-01T10:00:00Z"),
        ("2026-03-01T10:00:00.123Z", "2026-03-01T10:00:00Z"),
        ("2026-03-01T10:00:00.1234567Z", "2026-03-01T10:00:00Z"),
        ("2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00Z"),
        ("2026-03-01T12:00:00+02", "2026-03-01T10:00:00Z"),
        ("2026-03-01T12:00:00+0200", "2026-03-01T10:00:00Z"),
        (" 2026-03-01T10:00:00Z ", "2026-03-01T10:00:00Z"),
        ("2026-03-01", "2026-03-01T00:00:00Z"),
    ],
)
def test_times(text: str, time: str) -> None:
    """Read as chargers write them, written as every charger reads them."""
    parsed = parse_time(text)
    assert parsed is not None
    assert format_time(parsed) == time


@pytest.mark.parametrize(
    "text", [None, 7, "", "now", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+02:00"]
)
def test_no_times(text: object) -> None:
    """What is no time is none."""
    assert parse_time(text) is None


def test_written_in_utc() -> None:
    """Without a fraction and without an offset."""
    time = datetime(2026, 3, 1, 12, 0, 0, 999999, tzinfo=UTC).astimezone(
        tz=datetime.now(UTC).astimezone().tzinfo
    )
    assert format_time(time + timedelta(0)) == "2026-03-01T12:00:00Z"
