"""Sampled values of MeterValues -> readings in one unit per quantity (OCPP 1.6, 7.31-7.36)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite, sqrt
from typing import Any, NamedTuple

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

type _Labels = tuple[object, ...]


class _Meaning(NamedTuple):
    """What the labels of a sample say of its value."""

    key: str
    phase: int
    factor: float
    offset: float
    inlet: bool


_MEANINGS: dict[_Labels, _Meaning | None] = {}
# What is beyond this is no charger's habit, and not worth the memory.
_MOST_MEANINGS = 1000
_LONGEST_LABEL = 50


@dataclass(slots=True)
class Reading:
    """What a charger measured at one time. A, V, W, Wh, °C, %, Hz."""

    time: datetime
    values: dict[str, float] = field(default_factory=dict)
    # Signed values, as the charger gave them.
    signed: list[dict[str, Any]] = field(default_factory=list)


def read_meter_values(meter_value: object) -> list[Reading]:
    """Return the readings of a `meterValue` list, oldest first.

    Several entries of one timestamp are one reading. What is no number is passed over,
    signed data is kept as it is; a time that cannot be read is now.
    """
    if not isinstance(meter_value, list):
        return []
    samples: dict[datetime, list[Any]] = {}
    for entry in meter_value:
        if isinstance(entry, dict) and isinstance(entry.get("sampledValue"), list):
            time = plausible_time(entry.get("timestamp")) or utcnow()
            samples.setdefault(time, []).extend(entry["sampledValue"])
    return [_merge(time, taken) for time, taken in sorted(samples.items())]


def _merge(time: datetime, samples: Iterable[Any]) -> Reading:
    """Bring the samples of one time to one value per key."""
    signed: list[dict[str, Any]] = []
    values: dict[str, float] = {}
    by_phase: dict[str, dict[int, float]] = {}
    for sample in samples:
        if not isinstance(sample, dict):
            continue
        labels = (
            sample.get("measurand"),
            sample.get("phase"),
            sample.get("unit"),
            sample.get("location"),
            sample.get("context"),
            sample.get("format"),
        )
        try:
            meaning = _MEANINGS[labels]
        except KeyError, TypeError:
            meaning = _remember(labels)
        if meaning is None or (value := _number(sample.get("value"))) is None:
            if sample.get("format") == "SignedData":
                signed.append({"timestamp": time.isoformat(), **sample})
            continue
        key, phase, factor, offset, inlet = meaning
        value = value * factor + offset
        # The outlet is what the car gets; the inlet counts where nothing else does.
        if phase == _TOTAL:
            if not inlet or key not in values:
                values[key] = value
        else:
            phases = by_phase.setdefault(key, {})
            if not inlet or phase not in phases:
                phases[phase] = value
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
    return Reading(time, values, signed)


def _remember(labels: _Labels) -> _Meaning | None:
    """Return what labels mean; a charger uses the same ones in every message."""
    meaning = _read_labels(*labels)
    if len(_MEANINGS) < _MOST_MEANINGS and all(
        label is None or (isinstance(label, str) and len(label) <= _LONGEST_LABEL)
        for label in labels
    ):
        _MEANINGS[labels] = meaning
    return meaning


def _read_labels(
    measurand: object,
    phase: object,
    unit: object,
    location: object,
    context: object,
    form: object,
) -> _Meaning | None:
    """Return what labels mean, for what they are in the standard or by mistake."""
    if form == "SignedData":
        return None
    quantity = str(measurand or "Energy.Active.Import.Register").strip()
    phase = str(phase or "").strip().upper()
    # Some chargers write the phase as part of the measurand: "Voltage.L1-N".
    name, _, suffix = quantity.rpartition(".")
    if suffix in _PHASES or suffix in _LINES:
        quantity, phase = name, suffix
    key = _KEYS.get(quantity)
    # Some chargers repeat the begin of the transaction in every message.
    if key is None or (key in REGISTERS and context == "Transaction.Begin"):
        return None
    factor, offset = _UNITS.get(str(unit or "").strip().lower(), (1, 0))
    inlet = location == "Inlet"
    if line := _LINES.get(phase):
        return _Meaning(key, line, factor / sqrt(3), offset, inlet)
    return _Meaning(key, _PHASES.get(phase, _TOTAL), factor, offset, inlet)


def _total(key: str, phases: list[float]) -> float:
    if key in _SUMMED:
        return sum(phases)
    # A car on one phase of three draws what that phase carries, not a third of it.
    if key in ("current", "current_offered"):
        return max(phases)
    # A phase that is not wired reads zero.
    wired = [phase for phase in phases if phase] or phases
    return sum(wired) / len(wired)


def _number(raw: Any) -> float | None:
    if isinstance(raw, str):
        raw = raw.strip(" '\"\n\t")
    try:
        value = float(raw)
    except TypeError, ValueError, OverflowError:
        return None
    return value if isfinite(value) else None


def power_of(reading: Reading, nominal_voltage: float, phases: int) -> float:
    """Compute power from current and voltage, measured or nominal."""
    values = reading.values
    nominal = values.get("voltage", nominal_voltage)
    currents = {
        phase: current
        for phase in (1, 2, 3)
        if (current := values.get(f"current_l{phase}")) is not None
    }
    if not currents:
        return round(values["current"] * nominal * phases, 1)
    return round(
        sum(
            current * values.get(f"voltage_l{phase}", nominal)
            for phase, current in currents.items()
        ),
        1,
    )
