"""Sampled values of MeterValues -> readings in one unit per quantity (OCPP 1.6, 7.31-7.36)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite, sqrt
from typing import Any

from .clock import plausible_time, utcnow

_KEYS = {
    "Energy.Active.Import.Register": "energy",
    "Energy.Active.Export.Register": "energy_export",
    "Energy.Reactive.Import.Register": "reactive_energy",
    "Power.Active.Import": "power",
    "Power.Active.Export": "power_export",
    "Power.Reactive.Import": "reactive_power",
    "Power.Offered": "power_offered",
    "Power.Factor": "power_factor",
    "Current.Import": "current",
    "Current.Offered": "current_offered",
    "Voltage": "voltage",
    "SoC": "soc",
    "Temperature": "temperature",
    "Frequency": "frequency",
}
REGISTERS = frozenset({"energy", "energy_export", "reactive_energy"})
# What flows, and so is zero when nothing does.
FLOWS = frozenset(
    {"power", "power_export", "reactive_power", "current"}
    | {f"current_l{phase}" for phase in (1, 2, 3)}
)
SAMPLES = (
    frozenset(_KEYS.values()) | FLOWS | {f"voltage_l{phase}" for phase in (1, 2, 3)}
)
_PER_PHASE = frozenset({"current", "voltage"})
_SUMMED = REGISTERS | {"power", "power_export", "reactive_power", "power_offered"}
_SI_UNITS = frozenset({"Wh", "varh", "W", "VA", "var", "A", "V", "Percent", "Celsius"})
# Unit -> factor and offset to the SI unit. The misspellings are real chargers'.
_UNITS: dict[str, tuple[float, float]] = {
    "kwh": (1000, 0),
    "kvarh": (1000, 0),
    "kw": (1000, 0),
    "kva": (1000, 0),
    "kvar": (1000, 0),
    "ka": (1000, 0),
    "kv": (1000, 0),
    "mwh": (1_000_000, 0),
    "k": (1, -273.15),
    "kelvin": (1, -273.15),
    "fahrenheit": (5 / 9, -160 / 9),
}
_TOTAL = 0
_NEUTRAL = 4
_PHASES = {"L1": 1, "L2": 2, "L3": 3, "L1-N": 1, "L2-N": 2, "L3-N": 3, "N": _NEUTRAL}
_LINES = {"L1-L2": 1, "L2-L3": 2, "L3-L1": 3}
# What is left out means this (OCPP 1.6, 7.31).
_REGISTER = "Energy.Active.Import.Register"

type _Quantity = tuple[str, int, float]


@dataclass(slots=True)
class Reading:
    """What a charger measured at one time. A, V, W, Wh, °C, %, Hz."""

    time: datetime
    values: dict[str, float] = field(default_factory=dict)


def read_meter_values(meter_value: object) -> list[Reading]:
    """Return the readings of a `meterValue` list, oldest first.

    Several entries of one timestamp are one reading. What is no number, or signed
    data, is passed over; a time that cannot be read is now.
    """
    if not isinstance(meter_value, list):
        return []
    samples: dict[datetime, list[Any]] = {}
    for entry in meter_value:
        if isinstance(entry, dict) and isinstance(entry.get("sampledValue"), list):
            time = plausible_time(entry.get("timestamp")) or utcnow()
            samples.setdefault(time, []).extend(entry["sampledValue"])
    return [Reading(time, _merge(samples[time])) for time in sorted(samples)]


def _merge(samples: Iterable[Any]) -> dict[str, float]:
    """Bring the samples of one time to one value per key."""
    values: dict[str, float] = {}
    by_phase: dict[str, dict[int, float]] = {}
    for sample in samples:
        if not isinstance(sample, dict):
            continue
        measurand, phase_name = sample.get("measurand"), sample.get("phase")
        try:
            quantity = _STANDARD[measurand, phase_name]
        except KeyError, TypeError:
            quantity = _quantity(measurand, phase_name)
        if quantity is None or (value := _number(sample)) is None:
            continue
        key, phase, divisor = quantity
        # Some chargers repeat the begin of the transaction in every message.
        if key in REGISTERS and sample.get("context") == "Transaction.Begin":
            continue
        # The outlet is what the car gets; the inlet counts where nothing else does.
        inlet = sample.get("location") == "Inlet"
        if phase == _TOTAL:
            if not inlet or key not in values:
                values[key] = value
        else:
            phases = by_phase.setdefault(key, {})
            if not inlet or phase not in phases:
                phases[phase] = value / divisor
    for key, phases in by_phase.items():
        neutral = phases.pop(_NEUTRAL, None)
        if key in _PER_PHASE:
            for phase, value in phases.items():
                values[f"{key}_l{phase}"] = value
        if key in values:
            continue
        if phases:
            values[key] = _total(key, list(phases.values()))
        elif neutral is not None:
            values[key] = neutral
    return values


def _quantity(measurand_name: object, phase_name: object) -> _Quantity | None:
    """Return key and phase of a sample, and what to divide its value by."""
    measurand = str(measurand_name or _REGISTER).strip()
    phase = str(phase_name or "").strip().upper()
    # Some chargers write the phase as part of the measurand: "Voltage.L1-N".
    name, _, suffix = measurand.rpartition(".")
    if suffix in _PHASES or suffix in _LINES:
        measurand, phase = name, suffix
    key = _KEYS.get(measurand)
    if key is None:
        return None
    if line := _LINES.get(phase):
        return key, line, sqrt(3)
    return key, _PHASES.get(phase, _TOTAL), 1


# What the standard's own words mean; what chargers make of them takes longer to tell.
_STANDARD = {
    (measurand, phase): _quantity(measurand, phase)
    for measurand in (None, *_KEYS)
    for phase in (None, *_PHASES, *_LINES)
}


def _total(key: str, phases: list[float]) -> float:
    if key in _SUMMED:
        return sum(phases)
    # A car on one phase of three draws what that phase carries, not a third of it.
    if key in ("current", "current_offered"):
        return max(phases)
    # A phase that is not wired reads zero.
    wired = [phase for phase in phases if phase] or phases
    return sum(wired) / len(wired)


def _number(sample: dict[str, Any]) -> float | None:
    if sample.get("format") == "SignedData":
        return None
    raw = sample.get("value")
    if isinstance(raw, str):
        raw = raw.strip(" '\"\n\t")
    try:
        value = float(raw)  # type: ignore[arg-type]
    except TypeError, ValueError, OverflowError:
        return None
    if not isfinite(value):
        return None
    unit = sample.get("unit")
    if (
        isinstance(unit, str)
        and unit not in _SI_UNITS
        and (scale := _UNITS.get(unit.strip().lower()))
    ):
        value = value * scale[0] + scale[1]
    return value
