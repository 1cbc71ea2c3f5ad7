"""Sampled values of OCPP 2.0.1 and 2.1 -> readings in one unit per quantity (J, 2.57)."""

from typing import Any, NamedTuple

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


class Metered(NamedTuple):
    """What a `meterValue` list says."""

    # Oldest first.
    readings: list[Reading]
    # The register at the begin of the transaction, in Wh.
    begun: float | None


def read_meter_values_2(meter_value: object, *, begins: bool = False) -> Metered:
    """Read a `meterValue` list.

    Where a transaction begins, what is measured at its begin is the newest there is.
    """
    known: list[Payload] = []
    at_begin: list[Payload] = []
    signed: list[tuple[Payload, Payload]] = []
    for entry in members({"all": meter_value}, "all"):
        samples = []
        for sample in members(entry, "sampledValue"):
            read = _as_known(sample, begins=begins)
            samples.append(read)
            if sample.get("context") == _BEGIN:
                at_begin.append({**entry, "sampledValue": [{**read, "context": None}]})
            if "signedMeterValue" in sample:
                signed.append((entry, sample))
        known.append({"timestamp": entry.get("timestamp"), "sampledValue": samples})
    readings = read_meter_values(known)
    for entry, sample in signed:
        _keep_signed(readings, entry, sample)
    begun = None
    for reading in read_meter_values(at_begin) if at_begin else ():
        begun = reading.values.get("energy", begun)
    return Metered(readings, begun)


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
