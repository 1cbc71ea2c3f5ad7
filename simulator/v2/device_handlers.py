"""Requests about the device model."""

from collections.abc import Callable
import re

from .connection import Connection2, Refused, serves
from .reports import Found
from .schemas import Payload
from .variables import Name

_PASSWORD = "SecurityCtrlr.BasicAuthPassword"


class DeviceHandlers(Connection2):
    """Serves the requests about the device model."""

    @serves("GetVariables")
    def on_get_variables(self, payload: Payload) -> Payload:
        """Show variables (B06)."""
        wanted = payload["getVariableData"]
        self._measure("GetVariables", len(wanted))
        return {"getVariableResult": [self._get(each) for each in wanted]}

    def _get(self, wanted: Payload) -> Payload:
        name = Name.from_wire(wanted)
        kind = wanted.get("attributeType", "Actual")
        result: Payload = {
            "component": wanted["component"],
            "variable": wanted["variable"],
            "attributeType": kind,
        }
        variables = self._charger.variables
        if (found := variables.find(name)) is None:
            status = self._unknown(name)
        elif found[1].mutability == "WriteOnly":
            status = "Rejected"
        elif kind == "Actual":
            status = "Accepted"
            result["attributeValue"] = found[1].actual[:2500]
        elif kind in found[1].attributes:
            status = "Accepted"
            result["attributeValue"] = found[1].attributes[kind]
        else:
            status = "NotSupportedAttributeType"
        return {**result, "attributeStatus": status}

    @serves("SetVariables")
    def on_set_variables(self, payload: Payload) -> Payload:
        """Change variables (B05)."""
        wanted = payload["setVariableData"]
        self._measure("SetVariables", len(wanted))
        keys = {
            (Name.from_wire(each).key, each.get("attributeType", "Actual"))
            for each in wanted
        }
        if len(keys) < len(wanted):
            self._charger.violated("SetVariables: the same variable twice (B05.FR.11)")
        return {"setVariableResult": [self._set(each) for each in wanted]}

    def _set(self, wanted: Payload) -> Payload:
        name = Name.from_wire(wanted)
        kind = wanted.get("attributeType", "Actual")
        variables = self._charger.variables
        value = wanted["attributeValue"]
        if (found := variables.find(name)) is None:
            status = self._unknown(name)
        elif kind != "Actual" and kind not in found[1].attributes:
            status = "NotSupportedAttributeType"
        elif found[1].mutability == "ReadOnly" or not found[1].valid(value):
            status = "Rejected"
        elif found[0] == Name.parse(_PASSWORD):
            status = self._set_password(value)
        else:
            variables.store(name, value, kind)
            status = "RebootRequired" if found[1].reboot else "Accepted"
        return {
            "component": wanted["component"],
            "variable": wanted["variable"],
            "attributeType": kind,
            "attributeStatus": status,
        }

    def _set_password(self, value: str) -> str:
        """Use another password from now on (A01)."""
        if not re.fullmatch(r"[A-Za-z0-9*\-_=:+|@.]{16,40}", value):
            return "Rejected"
        login = self._charger.login
        self.then(lambda: login.change_password(value))
        return "Accepted"

    def _unknown(self, name: Name) -> str:
        known = self._charger.variables.has_component(name)
        return "UnknownVariable" if known else "UnknownComponent"

    def _measure(self, message: str, items: int) -> None:
        """Refuse what is too long. Raises Refused."""
        variables = self._charger.variables
        most = variables.integer(f"DeviceDataCtrlr.ItemsPerMessage[{message}]")
        if items > most > 0:
            raise Refused("OccurrenceConstraintViolation", f"at most {most} at a time")
        longest = variables.integer(f"DeviceDataCtrlr.BytesPerMessage[{message}]")
        if self._size > longest > 0:
            raise Refused("FormatViolation", f"at most {longest} bytes at a time")

    # Reports

    @serves("GetBaseReport")
    def on_get_base_report(self, payload: Payload) -> Payload:
        """Report what was asked for (B07)."""
        found = self._charger.reports.base(payload["reportBase"])
        return self._report(payload["requestId"], found)

    @serves("GetReport")
    def on_get_report(self, payload: Payload) -> Payload:
        """Report what was asked for, in more detail (B08)."""
        wanted = payload.get("componentVariable")
        self._measure("GetReport", len(wanted or []))
        found = self._charger.reports.custom(wanted, payload.get("componentCriteria"))
        return self._report(payload["requestId"], found)

    def _report(self, request_id: int, found: Found) -> Payload:
        if not found:
            return {"status": "EmptyResultSet"}
        begin: Callable[[], None] = self._charger.reports.send(request_id, found)
        self.then(begin)
        return {"status": "Accepted"}
