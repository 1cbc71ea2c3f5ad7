"""What a charger measures and says, as states."""

from dataclasses import dataclass
import sys
from types import FrameType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
import pytest

from .common import System, charge_point, until
from .csms.common import meter_values, sample, stamp, start, status, stop


@dataclass(frozen=True)
class Expected:
    """A measured value as the user sees it."""

    sent: dict[str, Any]
    state: str
    unit: str | None
    device_class: str | None
    state_class: str | None = "measurement"
    enabled: bool = True


# What a charger may measure (OCPP 1.6, 7.31), by the key of its sensor.
MEASURED = {
    "energy": Expected(
        sample("123456", "Energy.Active.Import.Register", unit="Wh"),
        "123.456",
        "kWh",
        "energy",
        "total_increasing",
    ),
    "energy_export": Expected(
        sample("1500", "Energy.Active.Export.Register", unit="Wh"),
        "1.5",
        "kWh",
        "energy",
        "total_increasing",
    ),
    "power": Expected(
        sample("7360", "Power.Active.Import", unit="W"), "7.36", "kW", "power"
    ),
    "power_export": Expected(
        sample("500", "Power.Active.Export", unit="W"), "0.5", "kW", "power"
    ),
    "power_offered": Expected(
        sample("11", "Power.Offered", unit="kW"), "11.0", "kW", "power", enabled=False
    ),
    "power_factor": Expected(
        sample("0.98", "Power.Factor"), "0.98", None, "power_factor", enabled=False
    ),
    "reactive_power": Expected(
        sample("20", "Power.Reactive.Import", unit="var"),
        "20.0",
        "var",
        "reactive_power",
        enabled=False,
    ),
    "reactive_energy": Expected(
        sample("2", "Energy.Reactive.Import.Register", unit="kvarh"),
        "2000.0",
        "varh",
        "reactive_energy",
        "total_increasing",
        enabled=False,
    ),
    "current": Expected(sample("16", "Current.Import"), "16.0", "A", "current"),
    "current_l1": Expected(
        sample("16.1", "Current.Import", phase="L1"),
        "16.1",
        "A",
        "current",
        enabled=False,
    ),
    "current_l2": Expected(
        sample("15.9", "Current.Import", phase="L2"),
        "15.9",
        "A",
        "current",
        enabled=False,
    ),
    "current_l3": Expected(
        sample("16.0", "Current.Import", phase="L3"),
        "16.0",
        "A",
        "current",
        enabled=False,
    ),
    "current_offered": Expected(
        sample("20", "Current.Offered"), "20.0", "A", "current", enabled=False
    ),
    "voltage": Expected(sample("231", "Voltage"), "231.0", "V", "voltage"),
    "voltage_l1": Expected(
        sample("230", "Voltage", phase="L1-N"), "230.0", "V", "voltage", enabled=False
    ),
    "voltage_l2": Expected(
        sample("229", "Voltage", phase="L2-N"), "229.0", "V", "voltage", enabled=False
    ),
    "voltage_l3": Expected(
        sample("232", "Voltage", phase="L3-N"), "232.0", "V", "voltage", enabled=False
    ),
    "soc": Expected(sample("55", "SoC", unit="Percent"), "55.0", "%", "battery"),
    "temperature": Expected(
        sample("310.15", "Temperature", unit="K"), "37.0", "°C", "temperature"
    ),
    "frequency": Expected(
        sample("49.98", "Frequency"), "49.98", "Hz", "frequency", enabled=False
    ),
}

# What is there as soon as a connector, or the charge point, is: enabled, category.
ALWAYS = {
    (1, "status"): (True, None),
    (1, "error_code"): (False, "diagnostic"),
    (1, "session_energy"): (True, None),
    (1, "session_duration"): (True, None),
    (1, "session_started"): (True, None),
    (1, "session_user"): (False, None),
    (1, "stop_reason"): (True, None),
    (0, "station_status"): (False, "diagnostic"),
    (0, "reconnects"): (False, "diagnostic"),
}


async def test_all_that_can_be_measured(
    hass: HomeAssistant, all_enabled: None, system: System
) -> None:
    """Each quantity in its unit, with the classes that the energy dashboard needs."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Charging"))
    await raw.call(
        "MeterValues", meter_values(*(expected.sent for expected in MEASURED.values()))
    )
    await hass.async_block_till_done()
    for key, expected in MEASURED.items():
        state = system.state("sensor", key)
        attributes = state.attributes
        assert (
            float(state.state),
            attributes.get("unit_of_measurement"),
            attributes.get("device_class"),
            attributes.get("state_class"),
        ) == (
            pytest.approx(float(expected.state)),
            expected.unit,
            expected.device_class,
            expected.state_class,
        ), key


async def test_defaults(hass: HomeAssistant, system: System) -> None:
    """What a household looks at is enabled, the rest can be."""
    raw = await system.dial()
    for connector in (0, 1):
        await raw.call("StatusNotification", status("Available", connector))
    for action in ("FirmwareStatusNotification", "DiagnosticsStatusNotification"):
        await raw.call(action, {"status": "Idle"})
    await raw.call(
        "MeterValues", meter_values(*(expected.sent for expected in MEASURED.values()))
    )
    await hass.async_block_till_done()
    registry = er.async_get(hass)
    sensors = {
        entity.unique_id: (not entity.disabled, entity.entity_category)
        for entity in er.async_entries_for_config_entry(registry, system.entry.entry_id)
        if entity.domain == "sensor"
    }
    assert sensors == {
        **{f"garage_1_{key}": (e.enabled, None) for key, e in MEASURED.items()},
        **{f"garage_{number}_{key}": e for (number, key), e in ALWAYS.items()},
        # The charger says what it offers to the car.
        "garage_1_effective_limit": (True, None),
        "garage_1_reason_not_charging": (True, None),
        "garage_0_firmware_status": (False, "diagnostic"),
        "garage_0_diagnostics_status": (False, "diagnostic"),
    }


async def test_appears_when_first_reported(hass: HomeAssistant, system: System) -> None:
    """No entity before there is something to show; then at once, without a reload."""
    raw = await system.dial()
    assert system.find("sensor", "status") is None
    await raw.call("StatusNotification", status("Charging"))
    await hass.async_block_till_done()
    assert system.value("sensor", "status") == "charging"
    assert system.value("sensor", "session_energy") == "unknown"
    assert system.find("sensor", "power") is None

    await raw.call("MeterValues", meter_values(sample("7360", "Power.Active.Import")))
    await hass.async_block_till_done()
    assert system.value("sensor", "power") == "7.36"
    assert system.find("sensor", "current") is None
    assert not raw.closed.is_set()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Available", "available"),
        ("Preparing", "preparing"),
        ("Charging", "charging"),
        ("SuspendedEV", "suspended_ev"),
        ("SuspendedEVSE", "suspended_evse"),
        ("Finishing", "finishing"),
        ("Reserved", "reserved"),
        ("Unavailable", "unavailable"),
        ("Faulted", "faulted"),
    ],
)
async def test_status(
    hass: HomeAssistant, system: System, said: str, shown: str
) -> None:
    """A connector's status in words of Home Assistant's kind."""
    raw = await system.dial()
    await raw.call("StatusNotification", status(said))
    await hass.async_block_till_done()
    state = system.state("sensor", "status")
    assert state.state == shown
    assert shown in state.attributes["options"]
    assert state.attributes["device_class"] == "enum"


async def test_of_the_charge_point(
    hass: HomeAssistant, all_enabled: None, system: System
) -> None:
    """What a charger says of itself as a whole."""
    raw = await system.dial()
    assert system.value("sensor", "reconnects", 0) == "0"
    assert system.find("sensor", "station_status", 0) is None
    assert system.find("sensor", "firmware_status", 0) is None
    await raw.call("StatusNotification", status("Unavailable", 0))
    await raw.call("FirmwareStatusNotification", {"status": "Downloading"})
    await raw.call("DiagnosticsStatusNotification", {"status": "Uploaded"})
    await raw.call(
        "StatusNotification",
        status("Faulted", error="OtherError", vendorErrorCode="E42", info="Relay"),
    )
    await hass.async_block_till_done()
    assert system.value("sensor", "station_status", 0) == "unavailable"
    assert system.value("sensor", "firmware_status", 0) == "downloading"
    assert system.value("sensor", "diagnostics_status", 0) == "uploaded"
    assert system.value("sensor", "error_code") == "OtherError E42 Relay"

    await raw.close()
    await system.dial()
    await hass.async_block_till_done()
    assert system.value("sensor", "reconnects", 0) == "1"


async def test_current_only(hass: HomeAssistant, system: System) -> None:
    """Power that is computed says so; a measured one takes its place for good."""
    raw = await system.dial()
    phases = [sample("10", "Current.Import", phase=f"L{phase}") for phase in (1, 2, 3)]
    await raw.call("MeterValues", meter_values(*phases))
    await hass.async_block_till_done()
    state = system.state("sensor", "power")
    assert state.state == "6.9"
    assert state.attributes["derived"] is True

    await raw.call(
        "MeterValues", meter_values(*phases, sample("6800", "Power.Active.Import"))
    )
    await hass.async_block_till_done()
    state = system.state("sensor", "power")
    assert state.state == "6.8"
    assert "derived" not in state.attributes


async def test_nothing_flows(hass: HomeAssistant, system: System) -> None:
    """A charger that stops sending samples with the current still shows none."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Charging"))
    await raw.call(
        "MeterValues",
        meter_values(
            sample("7360", "Power.Active.Import"),
            sample("32", "Current.Import"),
            sample("5000", "Energy.Active.Import.Register"),
        ),
    )
    await raw.call("StatusNotification", status("SuspendedEV"))
    await hass.async_block_till_done()
    assert system.value("sensor", "power") == "0.0"
    assert system.value("sensor", "current") == "0.0"
    assert system.value("sensor", "energy") == "5.0"


async def test_short_and_long_absence(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """Samples of before are shown again after a moment, not after a while."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Charging"))
    await raw.call(
        "MeterValues",
        meter_values(
            sample("7360", "Power.Active.Import"),
            sample("5000", "Energy.Active.Import.Register"),
        ),
    )
    await raw.close()
    await until(hass, lambda: system.value("sensor", "power") == "unavailable")
    freezer.tick(30)
    raw = await system.dial()
    await until(hass, lambda: system.value("sensor", "power") == "7.36")
    await raw.close()
    await until(hass, lambda: system.value("sensor", "power") == "unavailable")
    freezer.tick(90)
    await system.dial()
    await until(hass, lambda: system.value("sensor", "power") == "unknown")
    assert system.value("sensor", "energy") == "5.0"


async def test_replayed_samples(hass: HomeAssistant, system: System) -> None:
    """Samples of an hour ago count for the session, and never show as now."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Charging"))
    transaction = await raw.start(meter=1000)
    now = meter_values(
        sample("4000", "Power.Active.Import"),
        sample("5000", "Energy.Active.Import.Register"),
        transaction=transaction,
    )
    await raw.call("MeterValues", now)
    past = meter_values(
        sample("11000", "Power.Active.Import"),
        sample("3000", "Energy.Active.Import.Register"),
        transaction=transaction,
        time=stamp(hours=1),
    )
    await raw.call("MeterValues", past)
    await hass.async_block_till_done()
    assert system.value("sensor", "power") == "4.0"
    assert system.value("sensor", "energy") == "5.0"


@pytest.mark.parametrize(
    "charge_points", [[charge_point(f"CP{n}", f"CP{n}") for n in range(3)]]
)
async def test_one_value_touches_one_entity(
    hass: HomeAssistant, system: System, charge_points: list[ConfigSubentryData]
) -> None:
    """Of more than fifty entities only those are written whose values changed."""
    raws = [await system.dial(f"CP{n}") for n in range(3)]
    values = [expected.sent for expected in MEASURED.values()]
    for raw in raws:
        await raw.call("StatusNotification", status("Charging"))
        await raw.call("MeterValues", meter_values(*values))
    await hass.async_block_till_done()
    assert len(hass.states.async_all()) > 60
    written: list[str] = []

    @callback
    def note(event: Event[Any]) -> None:
        written.append(event.data["entity_id"])

    @callback
    def every(_data: Any) -> bool:
        return True

    for kind in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED):
        hass.bus.async_listen(kind, note, every)

    await raws[1].call("MeterValues", meter_values(*values))
    await hass.async_block_till_done()
    assert written == []

    values[list(MEASURED).index("power")] = sample("5000", "Power.Active.Import")
    called: set[str] = set()

    def profile(frame: FrameType, event: str, _arg: object) -> None:
        if event == "call":
            called.add(frame.f_code.co_filename.rpartition("/")[2])

    sys.setprofile(profile)
    try:
        await raws[1].call("MeterValues", meter_values(*values))
        await hass.async_block_till_done()
    finally:
        sys.setprofile(None)
    assert written == ["sensor.cp1_power"]
    # It was found without a look at any registry.
    assert "sensor.py" in called
    assert not called & {"entity_registry.py", "device_registry.py"}


async def test_a_card_is_nobodys_business(
    hass: HomeAssistant, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    """The number of a card is in no state and in no log that is on by default."""
    raw = await system.dial()
    card = "04A1B2C3D4E5F6"
    await raw.call("Authorize", {"idTag": card})
    answer = await raw.call("StartTransaction", start(token=card))
    await raw.call("StopTransaction", stop(answer["transactionId"], idTag=card))
    await hass.async_block_till_done()
    assert not [state for state in hass.states.async_all() if card in repr(state)]
    assert not [
        record
        for record in caplog.records
        if record.levelname != "DEBUG" and card in record.getMessage()
    ]
