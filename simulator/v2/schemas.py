"""The official schemas of OCPP 2.0.1 and 2.1, as the `ocpp` package has them."""

from functools import cache
import json
from typing import Any

from jsonschema import Draft4Validator, FormatChecker, ValidationError  # type: ignore[import-untyped]
from ocpp.messages import MessageType, get_validator

from simulator.clock import parse_time

type Payload = dict[str, Any]

VERSIONS = ("2.0.1", "2.1")

#: The message type of a SEND, which has no answer (OCPP 2.1).
SEND = 6

#: What is only said by the charger; the central system may not request it.
FROM_CHARGER = frozenset(
    {
        "Authorize",
        "BatterySwap",
        "BootNotification",
        "ClearedChargingLimit",
        "ClosePeriodicEventStream",
        "FirmwareStatusNotification",
        "Get15118EVCertificate",
        "GetCertificateChainStatus",
        "GetCertificateStatus",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "NotifyChargingLimit",
        "NotifyCustomerInformation",
        "NotifyDERAlarm",
        "NotifyDERStartStop",
        "NotifyDisplayMessages",
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "NotifyEvent",
        "NotifyMonitoringReport",
        "NotifyPeriodicEventStream",
        "NotifyPriorityCharging",
        "NotifyReport",
        "NotifySettlement",
        "OpenPeriodicEventStream",
        "PublishFirmwareStatusNotification",
        "PullDynamicScheduleUpdate",
        "ReportChargingProfiles",
        "ReportDERControl",
        "ReservationStatusUpdate",
        "SecurityEventNotification",
        "SignCertificate",
        "StatusNotification",
        "TransactionEvent",
        "VatNumberValidation",
    }
)

_FORMATS = FormatChecker(formats=())


def _is_moment(value: object) -> bool:
    if isinstance(value, str):
        if "T" not in value:
            raise ValueError("not a moment")
        parse_time(value)
    return True


_FORMATS.checks("date-time", raises=ValueError)(_is_moment)


class Invalid(Exception):
    """A payload is not what the standard says. `code` is what a CALLERROR says then."""

    def __init__(self, code: str, message: str) -> None:
        """Say what is wrong."""
        super().__init__(message)
        self.code = code


_CODES = {
    "type": "TypeConstraintViolation",
    "required": "OccurrenceConstraintViolation",
    "minItems": "OccurrenceConstraintViolation",
    "maxItems": "OccurrenceConstraintViolation",
    "additionalProperties": "FormatViolation",
}


@cache
def _validator(version: str, kind: int, action: str) -> Draft4Validator | None:
    try:
        found = get_validator(kind, action, version)
    except OSError:
        return None
    return Draft4Validator(found.schema, format_checker=_FORMATS)


def knows(version: str, action: str) -> bool:
    """Whether a version has an action."""
    return _validator(version, MessageType.Call, action) is not None


def check_request(version: str, action: str, payload: object) -> None:
    """Raise Invalid if a request is not what the schema says."""
    _check(version, MessageType.Call, action, payload)


def check_answer(version: str, action: str, payload: object) -> None:
    """Raise Invalid if an answer is not what the schema says."""
    _check(version, MessageType.CallResult, action, payload)


def check_send(version: str, action: str, payload: object) -> None:
    """Raise Invalid if a message without an answer is not what the schema says."""
    _check(version, SEND, action, payload)


def _check(version: str, kind: int, action: str, payload: object) -> None:
    if (validator := _validator(version, kind, action)) is None:
        raise Invalid("NotImplemented", f"OCPP {version} has no {action}")
    try:
        validator.validate(payload)
    except ValidationError as error:
        where = "/".join(map(str, error.absolute_path))
        code = _CODES.get(str(error.validator), "PropertyConstraintViolation")
        raise Invalid(code, f"{where or 'payload'}: {error.message}") from error


def pack(frame: list[Any]) -> str:
    """Write a frame."""
    return json.dumps(frame, separators=(",", ":"))
