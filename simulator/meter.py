"""The meter of a connector: what it measures, and how that is written in OCPP."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

NOMINAL_VOLTAGE = 230.0

#: What a charger under a carport in spring would report.
_TEMPERATURE = 21.5
_FREQUENCY = 50.0


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything a meter shows at one moment."""

    energy_wh: float
    currents: tuple[float, ...]
    #: None: nobody is told.
    offered: float | None
    offered_phases: int
    soc: float | None
    voltage: float = NOMINAL_VOLTAGE

    @property
    def register(self) -> int:
        """The register in whole Wh, as it is billed."""
        return int(self.energy_wh)

    @property
    def power(self) -> float:
        """The power on all phases."""
        return sum(self.currents) * self.voltage


def sampled_values(
    reading: Reading, measurands: Iterable[str], context: str
) -> list[dict[str, str]]:
    """Write the measurands asked for."""
    return [
        {"context": context, "measurand": measurand, **value}
        for measurand in measurands
        for value in _values(reading, measurand)
    ]


def meter_value(
    timestamp: str, reading: Reading, measurands: Iterable[str], context: str
) -> dict[str, Any] | None:
    """Write one MeterValue; without a measurand there is none, since an empty one is invalid."""
    values = sampled_values(reading, measurands, context)
    return {"timestamp": timestamp, "sampledValue": values} if values else None


def _values(reading: Reading, measurand: str) -> Iterator[dict[str, str]]:
    match measurand:
        case "Energy.Active.Import.Register":
            yield {"value": str(reading.register), "unit": "Wh"}
        case "Power.Active.Import":
            yield {"value": f"{reading.power:.0f}", "unit": "W"}
        case "Current.Import":
            for number, current in enumerate(reading.currents, 1):
                yield {"value": f"{current:.2f}", "unit": "A", "phase": f"L{number}"}
        case "Voltage":
            for number in range(1, len(reading.currents) + 1):
                yield {
                    "value": f"{reading.voltage:.1f}",
                    "unit": "V",
                    "phase": f"L{number}-N",
                }
        case "Current.Offered":
            if reading.offered is not None:
                yield {"value": f"{reading.offered:.1f}", "unit": "A"}
        case "Power.Offered":
            if reading.offered is not None:
                offered = reading.offered * reading.offered_phases * reading.voltage
                yield {"value": f"{offered:.0f}", "unit": "W"}
        case "SoC":
            if reading.soc is not None:
                yield {
                    "value": f"{reading.soc:.0f}",
                    "unit": "Percent",
                    "location": "EV",
                }
        case "Temperature":
            yield {
                "value": f"{_TEMPERATURE:.1f}",
                "unit": "Celsius",
                "location": "Body",
            }
        case "Frequency":
            yield {"value": f"{_FREQUENCY:.2f}", "unit": "Hertz"}
