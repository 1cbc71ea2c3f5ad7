"""Sampled values of OCPP 2.0.1 and 2.1 -> readings in one unit per quantity (J, 2.57)."""

from typing import Any

from .clock import plausible_time
from .connection import Payload
from .metering import Reading, read_meter_values
from .payloads import member, members, number, real

# What 2.1 has other names for.
_MEASURANDS = {
    "Current.Import.Offered": "Current.Offered",
    "Power.Import.Offered": "Power.Offered",
    "Display.PresentSOC": "SoC",
}
_BEGIN = "Transaction.Begin"
# A multiplier beyond this is no unit of anything.
_MOST_DIGITS = 12


def read_meter_values_2(meter_value: object, *, begins: bool = False) -> list[Reading]:
    """Return the readings of a `meterValue` list, oldest first.

    Where a transaction begins, what is measured at its begin is the newest there is.
    """
    entries = members({"all": meter_value}, "all")
    readings = read_meter_values(
        [
            {
                "timestamp": entry.get("timestamp"),
                "sampledValue": [
                    _as_known(sample, begins=begins)
                    for sample in members(entry, "sampledValue")
                ],
            }
            for entry in entries
        ]
    )
    for entry in entries:
        for sample in members(entry, "sampledValue"):
            if "signedMeterValue" in sample:
                _keep_signed(readings, entry, sample)
    return readings


def register_at(meter_value: object, context: str) -> float | None:
    """Return the last register that was read in a context, in Wh."""
    found = None
    for entry in members({"all": meter_value}, "all"):
        samples = [
            sample
            for sample in members(entry, "sampledValue")
            if sample.get("context") == context
        ]
        for reading in read_meter_values_2([{"sampledValue": samples}], begins=True):
            found = reading.values.get("energy", found)
    return found


def _as_known(sample: Payload, *, begins: bool) -> dict[str, Any]:
    """Return a sample with its unit and names as all versions have them."""
    unit = member(sample, "unitOfMeasure")
    value: Any = sample.get("value")
    multiplier = number(unit, "multiplier")
    if multiplier and abs(multiplier) <= _MOST_DIGITS:
        value = real(sample, "value")
        if value is not None:
            # Not 10**-3, which no binary fraction is.
            value = (
                value * 10**multiplier if multiplier > 0 else value / 10**-multiplier
            )
    measurand: Any = sample.get("measurand")
    context: Any = sample.get("context")
    location: Any = sample.get("location")
    return {
        "value": value,
        "measurand": (
            _MEASURANDS.get(measurand, measurand)
            if isinstance(measurand, str)
            else measurand
        ),
        "unit": unit.get("unit"),
        "phase": sample.get("phase"),
        # Upstream of the EVSE is not what the car gets, either.
        "location": "Inlet" if location == "Upstream" else location,
        "context": None if begins and context == _BEGIN else context,
    }


def _keep_signed(readings: list[Reading], entry: Payload, sample: Payload) -> None:
    """Keep a signed value as the charger gave it, with the reading it is part of."""
    time = plausible_time(entry.get("timestamp"))
    for reading in readings:
        if time is None or reading.time == time:
            reading.signed.append({"timestamp": reading.time.isoformat(), **sample})
            return
