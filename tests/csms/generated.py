"""Valid payloads for each schema of the ocpp package, and who sends which message."""

from functools import cache
from importlib import resources
import json
from typing import Any

from hypothesis import strategies as st

from .common import Payload

# What a charge point sends, in both versions and in 2.1 only; after the use cases of the
# standard, for the schemas do not tell.
_IN = {
    "Authorize",
    "BootNotification",
    "ClearedChargingLimit",
    "DataTransfer",
    "FirmwareStatusNotification",
    "Get15118EVCertificate",
    "GetCertificateStatus",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "NotifyChargingLimit",
    "NotifyCustomerInformation",
    "NotifyDisplayMessages",
    "NotifyEVChargingNeeds",
    "NotifyEVChargingSchedule",
    "NotifyEvent",
    "NotifyMonitoringReport",
    "NotifyReport",
    "PublishFirmwareStatusNotification",
    "ReportChargingProfiles",
    "ReservationStatusUpdate",
    "SecurityEventNotification",
    "SignCertificate",
    "StatusNotification",
    "TransactionEvent",
}
_NEW_IN = {
    "BatterySwap",
    "ClosePeriodicEventStream",
    "GetCertificateChainStatus",
    "NotifyDERAlarm",
    "NotifyDERStartStop",
    "NotifyPeriodicEventStream",
    "NotifyPriorityCharging",
    "NotifySettlement",
    "NotifyWebPaymentStarted",
    "OpenPeriodicEventStream",
    "PullDynamicScheduleUpdate",
    "ReportDERControl",
    "VatNumberValidation",
}
# What goes both ways; sources differ about NotifyWebPaymentStarted.
BOTH = {"DataTransfer", "NotifyWebPaymentStarted"}
# What is sent without waiting for an answer.
SENT = {"NotifyPeriodicEventStream"}
VERSIONS = ("2.0.1", "2.1")


@cache
def schemas(version: str) -> dict[str, Payload]:
    """Return the schemas of a version by the names of their files."""
    folder = resources.files(f"ocpp.v{version.replace('.', '')}") / "schemas"
    return {
        file.name.removesuffix(".json"): json.loads(
            file.read_bytes().decode("utf-8-sig")
        )
        for file in folder.iterdir()
        if file.name.endswith(".json")
    }


def actions(version: str) -> list[str]:
    """Return the messages of a version."""
    return sorted(
        {
            name.removesuffix("Request")
            for name in schemas(version)
            if not name.endswith("Response")
        }
    )


def incoming(version: str) -> list[str]:
    """Return what a charge point sends in a version."""
    known = _IN | _NEW_IN if version == "2.1" else _IN
    return sorted(known)


def outgoing(version: str) -> list[str]:
    """Return what a charge point is sent in a version."""
    inward = set(incoming(version)) - BOTH
    return [action for action in actions(version) if action not in inward]


ACTIONS = [(version, action) for version in VERSIONS for action in actions(version)]
INCOMING = [(version, action) for version in VERSIONS for action in incoming(version)]
OUTGOING = [(version, action) for version in VERSIONS for action in outgoing(version)]


@cache
def requests(version: str, action: str) -> st.SearchStrategy[list[Payload]]:
    """Return valid requests: a short one, a full one, and one in between."""
    known = schemas(version)
    return _three(known.get(f"{action}Request") or known[action])


@cache
def responses(version: str, action: str) -> st.SearchStrategy[list[Payload]]:
    """Return valid responses: a short one, a full one, and one in between."""
    return _three(schemas(version)[f"{action}Response"])


def _three(schema: Payload) -> st.SearchStrategy[list[Payload]]:
    return st.tuples(
        *(_value(schema, schema["definitions"], filled) for filled in (0, 2, 1))
    ).map(list)


_TEXT = st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs"])
_TIMES = st.sampled_from(
    [
        "2026-11-21T12:00:00Z",
        "2026-11-21T12:00:00.123Z",
        "2026-11-21T13:00:00+01:00",
        "1970-01-01T00:00:00Z",
        "2038-01-19T03:14:08.999999Z",
    ]
)
_LONGEST = 40


def _value(schema: Payload, types: Payload, filled: int) -> st.SearchStrategy[Any]:
    """Return values of a schema; `filled`: 0 with what is required, 2 with all there is."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        if name == "CustomDataType":
            return st.just({"vendorId": "V", "own": {"more": [1, None]}})
        return _value(types[name], types, filled)
    if choices := schema.get("enum"):
        return st.sampled_from(choices)
    match schema.get("type"):
        case None:
            return st.sampled_from([None, 1.5, "text", ["list"], {"object": [{}]}])
        case "object":
            return _object(schema, types, filled)
        case "array":
            most = min(schema.get("maxItems", 3), 3)
            return st.lists(
                _value(schema["items"], types, filled),
                min_size=schema.get("minItems", 0),
                max_size=max(most if filled == 1 else 1, schema.get("minItems", 0)),
            )
        case "string":
            if schema.get("format") == "date-time":
                return _TIMES
            longest = schema.get("maxLength", _LONGEST)
            if filled == 2 and longest < 1000:
                return st.just("x" * longest)
            return st.text(_TEXT, max_size=min(longest, _LONGEST))
        case "integer":
            return st.integers(
                int(schema.get("minimum", -(2**31))),
                int(schema.get("maximum", 2**31 - 1)),
            )
        case "number":
            return st.integers(
                int(100 * schema.get("minimum", -1e6)),
                int(100 * schema.get("maximum", 1e6)),
            ).map(lambda number: number / 100)
        case "boolean":
            return st.booleans()
    raise AssertionError(schema)


def _object(schema: Payload, types: Payload, filled: int) -> st.SearchStrategy[Any]:
    required = schema.get("required", [])
    members = {
        name: _value(member, types, filled)
        for name, member in schema.get("properties", {}).items()
        if filled or name in required
    }
    if filled == 2:
        return st.fixed_dictionaries(members)
    return st.fixed_dictionaries(
        {name: members[name] for name in required if name in members},
        optional={
            name: value for name, value in members.items() if name not in required
        },
    )
