"""Meter values."""

from typing import Any

import pytest

from simulator import Car, Charger, ManualClock

from .central import Central, MakeCharger

EVERYTHING = (
    "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,"
    "Current.Offered,Power.Offered,Temperature,Frequency,SoC"
)


def values(meter_value: dict[str, Any]) -> dict[str, str]:
    """Measurand and phase to value and unit."""
    return {
        ".".join(filter(None, (each["measurand"], each.get("phase")))): each["value"]
        + each["unit"]
        for each in meter_value["sampledValue"]
    }


async def charge(charger: Charger, **car: Any) -> None:
    """Begin a session."""
    charger.connector(1).plug_in(Car(**car))
    await charger.swipe("CARD1")


async def test_all_measurands(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """Everything the meter knows, for a car on two of three phases."""
    charger = make_charger(
        reports_soc=True, config={"MeterValuesSampledData": EVERYTHING}
    )
    await charger.start()
    await charge(charger, phases=2, soc=50)
    await clock.advance(60)
    (message,) = central.said("MeterValues")
    assert values(message["meterValue"][0]) == {
        "Energy.Active.Import.Register": "114Wh",
        "Power.Active.Import": "7360W",
        "Current.Import.L1": "16.00A",
        "Current.Import.L2": "16.00A",
        "Current.Import.L3": "0.00A",
        "Voltage.L1-N": "230.0V",
        "Voltage.L2-N": "230.0V",
        "Voltage.L3-N": "230.0V",
        "Current.Offered": "32.0A",
        "Power.Offered": "22080W",
        "Temperature": "21.5Celsius",
        "Frequency": "50.00Hertz",
        "SoC": "50Percent",
    }


async def test_single_phase(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """A charger with one phase reports one."""
    charger = make_charger(phases=1)
    await charger.start()
    await charge(charger)
    await clock.advance(60)
    sample = values(central.said("MeterValues")[0]["meterValue"][0])
    assert sample["Power.Active.Import"] == "3680W"
    assert "Current.Import.L2" not in sample


async def test_interval(charger: Charger, central: Central, clock: ManualClock) -> None:
    """As configured, at once; zero means none."""
    await charge(charger)
    await clock.advance(150)
    assert len(central.said("MeterValues")) == 2
    for value, seconds, count in (("10", 60, 8), ("0", 600, 8), ("60", 60, 9)):
        request = {"key": "MeterValueSampleInterval", "value": value}
        await central.call("ChangeConfiguration", request)
        await clock.advance(seconds)
        assert len(central.said("MeterValues")) == count
    await charger.swipe("CARD1")
    await clock.advance(600)
    assert len(central.said("MeterValues")) == 9, "there is no transaction any more"


async def test_nothing_to_measure(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """An empty message would be invalid, so there is none."""
    charger = make_charger(
        config={"MeterValuesSampledData": "", "StopTxnSampledData": ""}
    )
    await charger.start()
    await charge(charger)
    await clock.advance(600)
    await charger.swipe("CARD1")
    assert "MeterValues" not in central.actions
    assert "transactionData" not in central.said("StopTransaction")[0]


async def test_clock_aligned(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """At full intervals of the day, on all connectors, with or without a transaction."""
    await clock.advance(100)
    request = {"key": "ClockAlignedDataInterval", "value": "900"}
    await central.call("ChangeConfiguration", request)
    await charge(charger)
    await central.call(
        "ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "0"}
    )
    await clock.advance(1800)
    found = [
        (
            message["connectorId"],
            message.get("transactionId"),
            message["meterValue"][0]["timestamp"],
        )
        for message in central.said("MeterValues")
    ]
    assert found == [
        (1, 101, "2026-03-02T12:15:00.000Z"),
        (2, None, "2026-03-02T12:15:00.000Z"),
        (1, 101, "2026-03-02T12:30:00.000Z"),
        (2, None, "2026-03-02T12:30:00.000Z"),
    ]
    sample = central.said("MeterValues")[0]["meterValue"][0]["sampledValue"][0]
    assert sample["context"] == "Sample.Clock"


async def test_transaction_data(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """The first and the last value come with the end."""
    await charge(charger)
    await clock.advance(3600)
    await charger.swipe("CARD1")
    (stop,) = central.said("StopTransaction")
    begin, end = (each["sampledValue"][0] for each in stop["transactionData"])
    assert (begin["context"], begin["value"]) == ("Transaction.Begin", "0")
    assert (end["context"], end["value"]) == ("Transaction.End", str(stop["meterStop"]))


async def test_speed_is_for_the_physics_only(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """Energy flows sixty times as fast, and everything else takes its time."""
    clock.speed = 60
    charger = make_charger(clock=clock)
    await charger.start()
    await charge(charger, capacity_wh=100_000, soc=0)
    await clock.advance(60)
    assert charger.connector(1).energy_wh == pytest.approx(11_040, rel=0.01)
    (message,) = central.said("MeterValues")
    assert message["meterValue"][0]["timestamp"] == "2026-03-02T12:01:00.000Z"
    assert values(message["meterValue"][0])["Power.Active.Import"] == "11040W"
