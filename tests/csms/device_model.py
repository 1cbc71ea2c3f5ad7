"""The device model of a raw charger of OCPP 2.0.1 or 2.1."""

from itertools import batched
from typing import Any

from custom_components.ocpp_central.csms.variables import name_of, named

from .common import Answer, Charger, Payload, Refusal, stamp

ENERGY = "Energy.Active.Import.Register"
MEASURANDS = f"{ENERGY},Power.Active.Import,Current.Import,Voltage"
# What has nothing to be changed.
FINE = {
    "SampledDataCtrlr.TxUpdatedInterval": "30",
    "SampledDataCtrlr.TxUpdatedMeasurands": MEASURANDS,
    "SampledDataCtrlr.TxStartedMeasurands": ENERGY,
    "SampledDataCtrlr.TxEndedMeasurands": ENERGY,
}


class DeviceModel:
    """Variables by name, and how the charger answers questions about them."""

    def __init__(self, **values: str | None) -> None:
        """Have these variables; of one that can only be written, the value is None."""
        self.values: dict[str, str | None] = values
        self.readonly: set[str] = set()
        self.most: dict[str, float] = {}
        self.statuses: dict[str, str] = {}
        # How many it answers at a time, and what it will not hear of at all.
        self.items = 1000
        self.poison: set[str] = set()
        self.monitors: dict[int, str] = {}
        self.monitoring: dict[str, str] = {}

    def serve(self, charger: Charger) -> None:
        """Answer for a charger."""
        charger.answers |= {
            "GetVariables": self.get,
            "SetVariables": self.set,
            "SetVariableMonitoring": self.watch,
            "ClearVariableMonitoring": self.unwatch,
        }

    def get(self, payload: Payload) -> Answer:
        """Answer GetVariables."""
        asked = payload["getVariableData"]
        names = {name_of(item) for item in asked}
        if len(asked) > self.items or names & self.poison:
            return Refusal("OccurrenceConstraintViolation")
        return {"getVariableResult": [self._read(item) for item in asked]}

    def set(self, payload: Payload) -> Answer:
        """Answer SetVariables."""
        results = []
        for item in payload["setVariableData"]:
            name = self.spelled(name_of(item))
            status = self.statuses.get(
                name, "Accepted" if name in self.values else "UnknownVariable"
            )
            if status in {"Accepted", "RebootRequired"}:
                self.values[name] = item["attributeValue"]
            results.append({**_place(item), "attributeStatus": status})
        return {"setVariableResult": results}

    def watch(self, payload: Payload) -> Answer:
        """Answer SetVariableMonitoring."""
        results = []
        for item in payload["setMonitoringData"]:
            name = name_of(item)
            status = self.monitoring.get(name, "Accepted")
            result = {
                **_place(item),
                "status": status,
                "type": item["type"],
                "severity": item["severity"],
            }
            if status == "Accepted":
                result["id"] = 100 + len(self.monitors)
                self.monitors[result["id"]] = name
            results.append(result)
        return {"setMonitoringResult": results}

    def unwatch(self, payload: Payload) -> Answer:
        """Answer ClearVariableMonitoring."""
        return {
            "clearMonitoringResult": [
                {
                    "id": monitor,
                    "status": "Accepted"
                    if self.monitors.pop(monitor, None)
                    else "NotFound",
                }
                for monitor in payload["id"]
            ]
        }

    def parts(self, request_id: int, size: int = 1000) -> list[Payload]:
        """Return the report of everything, in parts."""
        parts = list(batched(self.values, size, strict=False))
        return [
            {
                "requestId": request_id,
                "generatedAt": stamp(),
                "seqNo": number,
                "tbc": number < len(parts) - 1,
                "reportData": [self._reported(name) for name in part],
            }
            for number, part in enumerate(parts)
        ]

    def spelled(self, name: str) -> str:
        """Return a name as it is spelled here."""
        names = {known.casefold(): known for known in self.values}
        return names.get(name.casefold(), name)

    def _read(self, item: Payload) -> Payload:
        name = self.spelled(name_of(item))
        if name not in self.values:
            return {**_place(item), "attributeStatus": "UnknownVariable"}
        value = self.values[name]
        if value is None:
            return {**_place(item), "attributeStatus": "Rejected"}
        return {
            **(named(name) or {}),
            "attributeStatus": "Accepted",
            "attributeType": "Actual",
            "attributeValue": value,
        }

    def _reported(self, name: str) -> Payload:
        value = self.values[name]
        attribute: dict[str, Any] = {"type": "Actual", "mutability": "ReadWrite"}
        if name in self.readonly:
            attribute["mutability"] = "ReadOnly"
        if value is None:
            # Some tell it all the same.
            attribute |= {"mutability": "WriteOnly", "value": "hidden"}
        else:
            attribute["value"] = value
        entry: Payload = {**(named(name) or {}), "variableAttribute": [attribute]}
        if most := self.most.get(name):
            entry["variableCharacteristics"] = {
                "dataType": "integer",
                "supportsMonitoring": True,
                "maxLimit": most,
            }
        return entry


def _place(item: Payload) -> Payload:
    return {"component": item["component"], "variable": item["variable"]}


def changed(name: str, value: str, **more: Any) -> Payload:
    """Return the payload of a NotifyEvent about one variable."""
    return {
        "generatedAt": stamp(),
        "seqNo": 0,
        "eventData": [
            {
                **(named(name) or {}),
                "eventId": 1,
                "timestamp": stamp(),
                "trigger": "Delta",
                "actualValue": value,
                "eventNotificationType": "CustomMonitor",
                **more,
            }
        ],
    }
