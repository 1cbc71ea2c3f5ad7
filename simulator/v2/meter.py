"""What the meter shows, as OCPP 2.x writes it."""

from base64 import b64encode
from collections.abc import Iterable
import hashlib
import json
from typing import Any

from simulator.meter import Reading, sampled_values

from .schemas import Payload

#: What the meter can measure, apart from what only some chargers know.
MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Voltage",
    "Current.Offered",
    "Power.Offered",
    "Frequency",
)

#: Known only by a charger that talks to the car's battery.
SOC = "SoC"

_UNITS = {"Hertz": "Hz"}
_REGISTER = MEASURANDS[0]


class Meter:
    """Writes meter values.

    Attributes:
        multiplier: The power of ten that energy and power are written with, such as 3 for kWh.
    """

    def __init__(self) -> None:
        """Write Wh, W and A as they are."""
        self.multiplier = 0

    def value(
        self,
        timestamp: str,
        reading: Reading,
        measurands: Iterable[str],
        context: str,
        *,
        signed: bool = False,
    ) -> Payload | None:
        """Write one MeterValue; without a measurand there is none, since an empty one is invalid."""
        values = [
            self._written(sample, timestamp if signed else None)
            for sample in sampled_values(reading, measurands, context)
        ]
        return {"timestamp": timestamp, "sampledValue": values} if values else None

    def _written(self, sample: dict[str, str], signed_at: str | None) -> Payload:
        """Turn a sample of OCPP 1.6 into one of 2.x."""
        unit = _UNITS.get(sample["unit"], sample["unit"])
        number = float(sample["value"])
        written: Payload = {key: sample[key] for key in sample if key != "unit"}
        if self.multiplier and unit in {"Wh", "W"}:
            number = round(number / 10**self.multiplier, 6)
            written["unitOfMeasure"] = {"unit": unit, "multiplier": self.multiplier}
        elif unit != "Wh":
            # What is not said is Wh.
            written["unitOfMeasure"] = {"unit": unit}
        written["value"] = int(number) if number.is_integer() else number
        if signed_at is not None and sample["measurand"] == _REGISTER:
            written["signedMeterValue"] = _signed(sample, signed_at)
        return written


def _signed(sample: dict[str, str], timestamp: str) -> dict[str, Any]:
    """Something like OCMF, with a hash in place of a signature."""
    reading = {"FV": "1.0", "RD": [{"TM": timestamp, "RV": float(sample["value"])}]}
    data = json.dumps(reading, separators=(",", ":"))
    digest = hashlib.sha256(data.encode()).hexdigest()
    ocmf = f'OCMF|{data}|{{"SD":"{digest}"}}'
    return {
        "signedMeterData": b64encode(ocmf.encode()).decode(),
        "signingMethod": "ECDSA-secp256r1-SHA256",
        "encodingMethod": "OCMF",
        "publicKey": "",
    }
