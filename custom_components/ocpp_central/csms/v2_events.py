"""OCPP 2.0.1 and 2.1: what a charger tells of its variables on its own."""

from typing import override

from ocpp.v201.enums import Action

from .charge_point import ChargePoint
from .configuration import truth
from .connection import Handler, Payload
from .evses import connector_number
from .model import STATION
from .payloads import member, members, number, text
from .v2_status import StatusMessages2
from .v2_variables import reported
from .variables import name_of

_PROBLEM = "problem"
_NO_PROBLEM = "NoError"
# A code has to fit into a state.
_LONGEST = 255


class VariableMessages2(StatusMessages2):
    """The messages about the device model."""

    def __init__(self, charge_point: ChargePoint, version: str) -> None:
        """Know of no problem."""
        super().__init__(charge_point, version)
        # What is wrong, by connector and by the name of the variable that says so.
        self._problems: dict[int, dict[str, str]] = {}

    @property
    @override
    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers,
            Action.notify_event: self._on_notify_event,
            Action.notify_monitoring_report: self._on_notify_monitoring_report,
            Action.notify_report: self._on_notify_report,
        }

    def _on_notify_report(self, payload: Payload) -> Payload:
        """NotifyReport (B08)."""
        self._charge_point.settings.told(reported(payload))
        return {}

    def _on_notify_monitoring_report(self, payload: Payload) -> Payload:
        """NotifyMonitoringReport (N02): it is for who has asked for it."""
        return {}

    def _on_notify_event(self, payload: Payload) -> Payload:
        """NotifyEvent (N07)."""
        for event in members(payload, "eventData"):
            if name := name_of(event):
                self._take_event(name, event)
        return {}

    def _take_event(self, name: str, event: Payload) -> None:
        value = text(event, "actualValue")
        variable = text(member(event, "variable"), "name").casefold()
        component = member(event, "component")
        kind = text(component, "name").casefold()
        if variable == "availabilitystate" and kind == "connector":
            # It may tell its status this way as well (G01).
            self._connector_status(
                self._connector(component), value, event.get("timestamp")
            )
        elif variable == _PROBLEM:
            evse = member(component, "evse")
            connector = connector_number(
                number(evse, "id"), number(evse, "connectorId")
            )
            there_is = truth(value) is not False and not truth(text(event, "cleared"))
            code = " ".join(filter(None, map(event.get, ("techCode", "techInfo"))))
            if connector is not None:
                self._take_problem(connector, name, (code or name) if there_is else "")
        self._charge_point.settings.changed(name, value)

    def _take_problem(self, connector: int, name: str, code: str) -> None:
        """Show what is wrong as the error of a connector, as OCPP 1.6 has it."""
        charge_point = self._charge_point
        if connector != STATION and not charge_point.add_connector(connector):
            return
        problems = self._problems.setdefault(connector, {})
        problems.pop(name, None)
        if code:
            problems[name] = code
        shown = " ".join(problems.values())[:_LONGEST]
        charge_point.update(connector, {"error_code": shown or _NO_PROBLEM})
