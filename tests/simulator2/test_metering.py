"""Meter values."""

from typing import Any

import pytest

from simulator import Car, ManualClock

from .central import Central2, MakeCharger2


def _samples(meter_value: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        sample["measurand"] + sample.get("phase", ""): sample
        for sample in meter_value["sampledValue"]
    }


async def test_periodic(
    make_charger: MakeCharger2, central: Central2, clock: ManualClock
) -> None:
    """Numbers with units; what has none is in Wh."""
    charger = make_charger(reports_soc=True)
    await charger.start()
    charger.connector(1).plug_in(Car(soc=50))
    await charger.swipe("CARD1")
    await clock.advance(60)
    event = central.events[-1]
    assert event["triggerReason"] == "MeterValuePeriodic"
    samples = _samples(event["meterValue"][0])
    assert samples["Power.Active.Import"]["value"] == 11040
    assert samples["Power.Active.Import"]["unitOfMeasure"] == {"unit": "W"}
    assert samples["Current.ImportL2"]["value"] == 16
    assert samples["SoC"]["unitOfMeasure"] == {"unit": "Percent"}
    assert "unitOfMeasure" not in samples["Energy.Active.Import.Register"]
    assert {sample["context"] for sample in samples.values()} == {"Sample.Periodic"}


async def test_multiplier_and_signature(
    make_charger: MakeCharger2, central: Central2, clock: ManualClock
) -> None:
    """A register in kWh is as good, and may be signed."""
    charger = make_charger(
        meter_start=1500, config={"SampledDataCtrlr.SignReadings": "true"}
    )
    charger.events.meter.multiplier = 3
    await charger.start()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    sample = central.events[0]["meterValue"][0]["sampledValue"][0]
    assert sample["value"] == 1.5
    assert sample["unitOfMeasure"] == {"unit": "Wh", "multiplier": 3}
    assert sample["signedMeterValue"]["encodingMethod"] == "OCMF"


@pytest.mark.parametrize("idle_only", ["true", "false"])
async def test_aligned(
    make_charger: MakeCharger2, central: Central2, clock: ManualClock, idle_only: str
) -> None:
    """On the full interval, within transactions and without."""
    charger = make_charger(
        evses=2,
        config={
            "AlignedDataCtrlr.Interval": "900",
            "AlignedDataCtrlr.SendDuringIdle": idle_only,
            "SampledDataCtrlr.TxUpdatedInterval": "0",
        },
    )
    await charger.start()
    await clock.advance(900)
    assert [value["evseId"] for value in central.said("MeterValues")] == [1, 2]
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    before = len(central.events)
    await clock.advance(900)
    values = central.said("MeterValues")[2:]
    if idle_only == "true":
        assert values == []
        assert len(central.events) == before
        return
    assert [value["evseId"] for value in values] == [2]
    event = central.events[-1]
    assert event["triggerReason"] == "MeterValueClock"
    assert event["meterValue"][0]["timestamp"] == "2026-03-02T12:30:00.000Z"
    assert event["meterValue"][0]["sampledValue"][0]["context"] == "Sample.Clock"


async def test_end(
    make_charger: MakeCharger2, central: Central2, clock: ManualClock
) -> None:
    """What was collected on the way comes with the end."""
    charger = make_charger(
        config={
            "SampledDataCtrlr.TxEndedInterval": "30",
            "AlignedDataCtrlr.TxEndedInterval": "40",
            "AlignedDataCtrlr.TxEndedMeasurands": "Power.Active.Import",
        }
    )
    await charger.start()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await clock.advance(70)
    await charger.swipe("CARD1")
    values = central.events[-1]["meterValue"]
    assert [value["sampledValue"][0]["context"] for value in values] == [
        "Transaction.Begin",
        "Sample.Periodic",
        "Sample.Clock",
        "Sample.Periodic",
        "Transaction.End",
    ]
    energies = [
        value["sampledValue"][0]["value"]
        for value in values
        if value["sampledValue"][0]["measurand"].startswith("Energy")
    ]
    assert energies == sorted(energies)


async def test_nothing_to_measure(
    make_charger: MakeCharger2, central: Central2, clock: ManualClock
) -> None:
    """An empty list of values would be invalid."""
    charger = make_charger(config={"SampledDataCtrlr.Enabled": "false"})
    await charger.start()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await clock.advance(120)
    assert all("meterValue" not in event for event in central.events)
