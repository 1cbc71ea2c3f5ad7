"""Requests about monitors (OCPP 2.x, N)."""

from .charging_handlers import refusal
from .connection import Connection2, Refused, serves
from .monitors import Monitors
from .schemas import Payload


class MonitorHandlers(Connection2):
    """Serves the requests about monitors."""

    @property
    def _monitors(self) -> Monitors:
        if not self._charger.variables.truth("MonitoringCtrlr.Available"):
            raise Refused("NotSupported", "no monitoring here", violation=False)
        return self._charger.monitors

    def _check_size(self, action: str, count: int) -> None:
        variables = self._charger.variables
        items = variables.integer(f"MonitoringCtrlr.ItemsPerMessage[{action}]")
        size = variables.integer(f"MonitoringCtrlr.BytesPerMessage[{action}]")
        if count > items:
            raise Refused("OccurrenceConstraintViolation", "more than ItemsPerMessage")
        if self._size > size:
            raise Refused("FormatViolation", "more than BytesPerMessage")

    @serves("SetVariableMonitoring")
    def on_set_variable_monitoring(self, payload: Payload) -> Payload:
        """Watch variables (N04)."""
        monitors, wanted = self._monitors, payload["setMonitoringData"]
        self._check_size("SetVariableMonitoring", len(wanted))
        results: list[Payload] = []
        for data in wanted:
            status, reason, monitor_id = monitors.set(data)
            result: Payload = {
                key: data[key] for key in ("type", "severity", "component", "variable")
            }
            result |= refusal(status, reason) if reason else {"status": status}
            if monitor_id is not None:
                result["id"] = monitor_id
                self._begin(monitor_id)
            results.append(result)
        return {"setMonitoringResult": results}

    def _begin(self, monitor_id: int) -> None:
        self.then(lambda: self._charger.monitors.begin(monitor_id))

    @serves("ClearVariableMonitoring")
    def on_clear_variable_monitoring(self, payload: Payload) -> Payload:
        """Watch them no longer (N06)."""
        monitors = self._monitors
        self._check_size("ClearVariableMonitoring", len(payload["id"]))
        results = [
            {"id": each, "status": monitors.clear(each)} for each in payload["id"]
        ]
        return {"clearMonitoringResult": results}

    @serves("SetMonitoringBase")
    def on_set_monitoring_base(self, payload: Payload) -> Payload:
        """Go back to what was there before (N05)."""
        self._monitors.base(payload["monitoringBase"])
        return {"status": "Accepted"}

    @serves("SetMonitoringLevel")
    def on_set_monitoring_level(self, payload: Payload) -> Payload:
        """Tell only what is important (N03)."""
        if self._monitors.level(payload["severity"]):
            return {"status": "Accepted"}
        return refusal("Rejected", "ValueOutOfRange")

    @serves("GetMonitoringReport")
    def on_get_monitoring_report(self, payload: Payload) -> Payload:
        """Report monitors, afterwards (N02)."""
        if (send := self._monitors.report(payload)) is None:
            return {"status": "EmptyResultSet"}
        self.then(send)
        return {"status": "Accepted"}
