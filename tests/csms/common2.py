"""What a raw charger of OCPP 2.0.1 and 2.1 says, for tests of both."""

from itertools import count
from typing import Any

import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint

from .common import Central, Charger, Payload, stamp

VERSIONS = ("2.0.1", "2.1")
both_versions = pytest.mark.parametrize("version", VERSIONS)

BOOT: Payload = {
    "reason": "PowerUp",
    "chargingStation": {
        "vendorName": "Vendor",
        "model": "Model",
        "serialNumber": "S1",
        "firmwareVersion": "1.0",
    },
}
ENERGY = "Energy.Active.Import.Register"
_sequence = count()


def card(token: str, kind: str = "ISO14443") -> Payload:
    """Return an IdToken."""
    return {"idToken": token, "type": kind}


def status(
    value: str = "Available", evse: int = 1, connector: int = 1, **ago: float
) -> Payload:
    """Return the payload of a StatusNotification, of now or of so long ago."""
    return {
        "timestamp": stamp(**ago),
        "connectorStatus": value,
        "evseId": evse,
        "connectorId": connector,
    }


def sample(value: float, measurand: str | None = None, **more: Any) -> Payload:
    """Return a SampledValue; `unit` and `multiplier` go where they belong."""
    unit = {
        key: more.pop(key)
        for key in ("unit", "multiplier")
        if more.get(key) is not None
    }
    return {
        "value": value,
        **({"measurand": measurand} if measurand else {}),
        **({"unitOfMeasure": unit} if unit else {}),
        **more,
    }


def bucket(*samples: Payload, time: str | None = None) -> Payload:
    """Return a MeterValue."""
    return {"timestamp": time or stamp(), "sampledValue": list(samples)}


def event(
    kind: str,
    transaction: str = "T1",
    *,
    reason: str = "Authorized",
    evse: int | None = None,
    connector: int | None = 1,
    token: str | None = None,
    state: str | None = None,
    values: list[Payload] | None = None,
    time: str | None = None,
    sequence: int | None = None,
    **more: Any,
) -> Payload:
    """Return the payload of a TransactionEvent: "Started", "Updated" or "Ended".

    Members of `transactionInfo` beyond its id go into `info`.
    """
    place: Payload = {} if evse is None else {"id": evse}
    if evse is not None and connector is not None:
        place["connectorId"] = connector
    return {
        "eventType": kind,
        "timestamp": time or stamp(),
        "triggerReason": reason,
        "seqNo": next(_sequence) if sequence is None else sequence,
        "transactionInfo": {
            "transactionId": transaction,
            **({"chargingState": state} if state else {}),
            **more.pop("info", {}),
        },
        **({"evse": place} if place else {}),
        **({"idToken": card(token)} if token else {}),
        **({"meterValue": values} if values else {}),
        **more,
    }


async def dial2(central: Central, version: str, path: str = "/CP1") -> Charger:
    """Open a socket that speaks a version."""
    charger = await central.dial(path, protocols=(f"ocpp{version}",))
    charger.answers["GetVariables"] = unknown_variables
    return charger


async def connect2(
    central: Central, version: str, identity: str = "CP1", **more: Any
) -> tuple[ChargePoint, Charger]:
    """Add a charge point and have it dial in, speaking a version."""
    charge_point = await central.add(identity, **more)
    return charge_point, await dial2(central, version, f"/{identity}")


def unknown_variables(payload: Payload) -> Payload:
    """Answer GetVariables as a charger that has none of them."""
    return {
        "getVariableResult": [
            {
                "attributeStatus": "UnknownVariable",
                "component": item["component"],
                "variable": item["variable"],
            }
            for item in payload["getVariableData"]
        ]
    }
