"""The bytes a charger sends: eight samples, every one of them new in every message."""

from datetime import UTC, datetime
from itertools import cycle
from typing import override

import orjson

# OCPP-J messages of a charge point are text frames, masked (RFC 6455, 5.3). A mask of
# zeros is a mask: the server has the same work, and the load generator none.
_TEXT = 0x81
_PONG = 0x8A
_MASKED = 0x80
_MASK = bytes(4)
_LENGTH_16_BIT = 126

# Measurand, phase and unit; each sets one sensor.
SAMPLES = (
    ("Energy.Active.Import.Register", None, "Wh"),
    ("Power.Active.Import", None, "W"),
    ("Current.Import", None, "A"),
    ("Current.Import", "L1", "A"),
    ("Current.Import", "L2", "A"),
    ("Current.Import", "L3", "A"),
    ("Voltage", None, "V"),
    ("SoC", None, "Percent"),
)
# Enough different rows that none is mistaken for an unchanged one.
_ROWS = 200


def text(payload: bytes) -> bytes:
    """Return a text frame of a client."""
    return _frame(_TEXT, payload)


def pong(payload: bytes) -> bytes:
    """Return the answer to a ping."""
    return _frame(_PONG, payload)


def _frame(first: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < _LENGTH_16_BIT:
        return bytes((first, _MASKED | length)) + _MASK + payload
    head = bytes((first, _MASKED | _LENGTH_16_BIT)) + length.to_bytes(2)
    return head + _MASK + payload


class MeterValues:
    """Makes one charger's MeterValues, as cheaply as it goes."""

    def __init__(self, transaction_id: int | None) -> None:
        """Begin with an empty register, within a transaction or without."""
        self._template = _template(transaction_id)
        self._rows = cycle([_row(number) for number in range(_ROWS)])
        self._energy = 0

    def next(self, unique_id: int) -> bytes:
        """Return the next frame."""
        self._energy += 7
        return text(
            self._template
            % (unique_id, timestamp().encode(), self._energy, *next(self._rows))
        )


class TransactionEvents(MeterValues):
    """Makes one charger's TransactionEvents of OCPP 2.0.1, with the same samples."""

    def __init__(self) -> None:
        """Go on with a transaction that has begun."""
        super().__init__(None)
        self._template = _event_template()

    @override
    def next(self, unique_id: int) -> bytes:
        self._energy += 7
        moment = timestamp().encode()
        row = next(self._rows)
        return text(
            self._template % (unique_id, moment, unique_id, moment, self._energy, *row)
        )


def _row(number: int) -> tuple[bytes, ...]:
    """Return power, current in total and by phase, voltage and state of charge."""
    step = number / 10
    amperes = (10 + step, 10.1 + step, 9.9 + step)
    values = (3 * 230 * amperes[0], max(amperes), *amperes, 230 + step, 20 + step)
    return tuple(f"{value:.1f}".encode() for value in values)


def timestamp() -> str:
    """Return the time now as a charger writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _template(transaction_id: int | None) -> bytes:
    samples: list[dict[str, str]] = []
    for measurand, phase, unit in SAMPLES:
        sample = {
            "value": "%b" if samples else "%d",
            "context": "Sample.Periodic",
            "format": "Raw",
            "measurand": measurand,
            "unit": unit,
            "location": "EV" if measurand == "SoC" else "Outlet",
        }
        if phase:
            sample["phase"] = phase
        samples.append(sample)
    payload: dict[str, object] = {"connectorId": 1}
    if transaction_id is not None:
        payload["transactionId"] = transaction_id
    payload["meterValue"] = [{"timestamp": "%b", "sampledValue": samples}]
    return orjson.dumps([2, "%d", "MeterValues", payload])


def _event_template() -> bytes:
    samples: list[dict[str, object]] = []
    for measurand, phase, unit in SAMPLES:
        sample: dict[str, object] = {
            "value": "%b" if samples else "%d",
            "context": "Sample.Periodic",
            "measurand": measurand,
            "unitOfMeasure": {"unit": unit},
            "location": "EV" if measurand == "SoC" else "Outlet",
        }
        if phase:
            sample["phase"] = phase
        samples.append(sample)
    payload = {
        "eventType": "Updated",
        "timestamp": "%b",
        "triggerReason": "MeterValuePeriodic",
        "seqNo": "%d",
        "transactionInfo": {"transactionId": "BENCHMARK", "chargingState": "Charging"},
        "meterValue": [{"timestamp": "%b", "sampledValue": samples}],
    }
    template = orjson.dumps([2, "#", "TransactionEvent", payload])
    # Numbers are not in quotes here.
    for number in (b"%d", b"%b"):
        template = template.replace(b'"value":"' + number, b'"value":' + number)
    template = template.replace(b'%d","context"', b'%d,"context"')
    template = template.replace(b'%b","context"', b'%b,"context"')
    return template.replace(b'"seqNo":"%d"', b'"seqNo":%d').replace(b'"#"', b'"%d"')
