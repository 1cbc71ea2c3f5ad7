"""Monitors: the station tells when a variable changes (OCPP 2.x, N), or streams it (2.1, N11)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from simulator.clock import Ticker, format_time

from .schemas import Payload
from .streams import Stream, Streams
from .variables import Name, Variable

if TYPE_CHECKING:
    from .features import Features

_NUMBERS = {"integer", "decimal"}
_THRESHOLDS = {"UpperThreshold", "LowerThreshold"}
_PERIODIC = {"Periodic", "PeriodicClockAligned"}

#: Which monitors a report is about.
_CRITERIA = {
    "ThresholdMonitoring": _THRESHOLDS,
    "DeltaMonitoring": {"Delta", "TargetDelta", "TargetDeltaRelative"},
    "PeriodicMonitoring": _PERIODIC,
}

#: How many variables are in one NotifyMonitoringReport.
_PART = 5

#: The least important severity.
_LEAST = 9

CUSTOM, HARD_WIRED, PRECONFIGURED = (
    "CustomMonitor",
    "HardWiredMonitor",
    "PreconfiguredMonitor",
)


@dataclass(eq=False)
class Monitor:
    """What is watched, and for what.

    Attributes:
        last: The value that was told last, or that was there first.
        alarm: Whether a threshold is exceeded.
    """

    id: int
    name: Name
    kind: str
    value: float
    severity: int
    transaction: bool
    origin: str
    ticker: Ticker
    last: str = ""
    alarm: bool = False
    stream: Stream | None = None
    params: Payload = field(default_factory=dict)

    def wire(self, version: str) -> Payload:
        """Write a variableMonitoring; only OCPP 2.1 says who set it."""
        told: Payload = {
            "id": self.id,
            "transaction": self.transaction,
            "value": self.value,
            "type": self.kind,
            "severity": self.severity,
        }
        if version == "2.1":
            told["eventNotificationType"] = self.origin
        return told


class Monitors:
    """Watches variables. Survives reboots."""

    def __init__(self, charger: Features) -> None:
        """Watch nothing."""
        self._charger = charger
        self.streams = Streams(charger)
        self._monitors: dict[int, Monitor] = {}
        self._ids = count(1)
        self._events = count(1)
        self._level = _LEAST

        def add(name: str, variable: Variable) -> None:
            charger.variables.add(f"MonitoringCtrlr.{name}", variable)

        add("Available", Variable("true", "boolean", "ReadOnly"))
        add("Enabled", Variable("true", "boolean"))
        for message in ("SetVariableMonitoring", "ClearVariableMonitoring"):
            items = Variable("20", "integer", "ReadOnly")
            add(f"ItemsPerMessage[{message}]", items)
            add(f"BytesPerMessage[{message}]", Variable("8000", "integer", "ReadOnly"))
        level = Variable(kind="integer", live=lambda: str(self._level))
        add("ActiveMonitoringLevel", level)

    @property
    def all(self) -> list[Monitor]:
        """The monitors there are."""
        return list(self._monitors.values())

    @property
    def enabled(self) -> bool:
        """Whether anything is watched."""
        return self._charger.variables.truth("MonitoringCtrlr.Enabled")

    def _find(self, name: Name) -> tuple[Name, Variable] | None:
        return self._charger.variables.find(name)

    # What the central system asks for

    def set(self, data: Payload, origin: str = CUSTOM) -> tuple[str, str, int | None]:
        """Watch something; returns the status to answer, a reason code, and the id."""
        name = Name.from_wire(data)
        if not self._charger.variables.has_component(name):
            return "UnknownComponent", "", None
        if (found := self._find(name)) is None:
            return "UnknownVariable", "", None
        variable, kind, value = found[1], data["type"], data["value"]
        if not _fits(kind, variable):
            return "UnsupportedMonitorType", "", None
        if not 0 <= data["severity"] <= _LEAST:
            return "Rejected", "ValueOutOfRange", None
        if kind not in _THRESHOLDS and value < 0:
            return "Rejected", "ValuePositiveOnly", None
        if kind in _THRESHOLDS and not _inside(value, variable):
            return "Rejected", "ValueOutOfRange", None
        if kind in _PERIODIC and value <= 0:
            return "Rejected", "ValuePositiveOnly", None
        wanted = data.get("id")
        if wanted is not None:
            before = self._monitors.get(wanted)
            if before is None or before.name.key != found[0].key:
                return "Rejected", "NotFound", None
            if before.origin == HARD_WIRED:
                return "Rejected", "ReadOnly", None
        if any(
            each.name.key == found[0].key
            and (each.kind, each.severity) == (kind, data["severity"])
            and each.id != wanted
            for each in self.all
        ):
            return "Duplicate", "", None
        monitor_id = next(self._ids) if wanted is None else int(wanted)
        self._drop(monitor_id)
        self._put(monitor_id, found[0], data, origin)
        return "Accepted", "", monitor_id

    def _put(self, monitor_id: int, name: Name, data: Payload, origin: str) -> None:
        monitor = Monitor(
            monitor_id,
            name,
            data["type"],
            data["value"],
            data["severity"],
            data.get("transaction", False),
            origin,
            Ticker(self._charger.clock, lambda: self._periodic(monitor)),
            params=data.get("periodicEventStream", {}),
        )
        monitor.last = self._value(monitor)
        self._monitors[monitor_id] = monitor

    def begin(self, monitor_id: int) -> None:
        """Begin to watch, once the central system knows the id."""
        if (monitor := self._monitors.get(monitor_id)) is None:
            return
        if monitor.kind == "Periodic":
            monitor.ticker.start(monitor.value)
            if monitor.params:
                monitor.stream = self.streams.open(monitor.id, monitor.params)
        elif monitor.kind == "PeriodicClockAligned":
            monitor.ticker.start(monitor.value, self._aligned(monitor.value))
        self.watch()

    def _aligned(self, interval: float) -> float:
        now = self._charger.clock.now()
        midnight: datetime = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return interval - ((now - midnight) / timedelta(seconds=1)) % interval

    def clear(self, monitor_id: int) -> str:
        """Watch something no longer, and return the status to answer."""
        if (monitor := self._monitors.get(monitor_id)) is None:
            return "NotFound"
        if monitor.origin == HARD_WIRED:
            return "Rejected"
        self._drop(monitor_id)
        return "Accepted"

    def _drop(self, monitor_id: int) -> None:
        if (monitor := self._monitors.pop(monitor_id, None)) is not None:
            monitor.ticker.stop()
            if monitor.stream is not None:
                self.streams.close(monitor.stream)

    def base(self, kind: str) -> None:
        """Go back to what was there before the central system came (N05)."""
        kept = {
            "All": {CUSTOM, HARD_WIRED, PRECONFIGURED},
            "FactoryDefault": {HARD_WIRED, PRECONFIGURED},
            "HardWiredOnly": {HARD_WIRED},
        }[kind]
        for monitor in self.all:
            if monitor.origin not in kept:
                self._drop(monitor.id)

    def level(self, severity: int) -> bool:
        """Tell only what is at least so important (N03)."""
        if not 0 <= severity <= _LEAST:
            return False
        self._level = severity
        return True

    def report(self, payload: Payload) -> Callable[[], None] | None:
        """What sends a report, or None if there is nothing to report (N02)."""
        kinds = set[str]().union(
            *(_CRITERIA[each] for each in payload.get("monitoringCriteria", _CRITERIA))
        )
        wanted = payload.get("componentVariable")
        found: dict[tuple[object, ...], tuple[Name, list[Payload]]] = {}
        for monitor in self.all:
            if monitor.kind in kinds and (
                wanted is None or any(_covers(each, monitor.name) for each in wanted)
            ):
                of_variable = found.setdefault(monitor.name.key, (monitor.name, []))
                of_variable[1].append(monitor.wire(self._charger.version))
        data = [
            {**name.wire(), "variableMonitoring": monitors}
            for name, monitors in found.values()
        ]
        if not data:
            return None

        def send() -> None:
            for begin in range(0, len(data), _PART):
                part = {
                    "requestId": payload["requestId"],
                    "seqNo": begin // _PART,
                    "generatedAt": format_time(self._charger.clock.now()),
                    "tbc": begin + _PART < len(data),
                    "monitor": data[begin : begin + _PART],
                }
                self._charger.outbox.put("NotifyMonitoringReport", part)

        return send

    # Watching

    def _value(self, monitor: Monitor) -> str:
        found = self._find(monitor.name)
        return "" if found is None else found[1].actual

    def watch(self) -> None:
        """Look what has changed."""
        if not self._monitors or not self.enabled:
            return
        for monitor in self.all:
            value = self._value(monitor)
            if monitor.kind in _THRESHOLDS:
                self._check_threshold(monitor, value)
            elif monitor.kind not in _PERIODIC and self._moved(monitor, value):
                monitor.last = value
                self._tell(monitor, "Delta", value)

    def _check_threshold(self, monitor: Monitor, value: str) -> None:
        number = float(value or 0)
        upper = monitor.kind == "UpperThreshold"
        alarm = number > monitor.value if upper else number < monitor.value
        if alarm != monitor.alarm:
            monitor.alarm = alarm
            more = {} if alarm else {"cleared": True}
            self._tell(monitor, "Alerting", value, **more)

    def _moved(self, monitor: Monitor, value: str) -> bool:
        found = self._find(monitor.name)
        if found is None or found[1].kind not in _NUMBERS:
            return value != monitor.last
        change = abs(float(value or 0) - float(monitor.last or 0))
        return change > 0 and change >= monitor.value

    def _periodic(self, monitor: Monitor) -> None:
        if not self.enabled:
            return
        self._charger.station.update()
        value = self._value(monitor)
        if monitor.stream is None or not monitor.stream.accepted:
            self._tell(monitor, "Periodic", value)
        else:
            self.streams.sample(monitor.stream, value)

    def _tell(self, monitor: Monitor, trigger: str, value: str, **more: Any) -> None:
        if monitor.severity > self._level:
            return
        now = format_time(self._charger.clock.now())
        event = {
            "eventId": next(self._events),
            "timestamp": now,
            "trigger": trigger,
            "actualValue": value,
            "eventNotificationType": monitor.origin,
            "variableMonitoringId": monitor.id,
            **monitor.name.wire(),
            **more,
        }
        if self._charger.version == "2.1":
            event["severity"] = monitor.severity
        evse = self._charger.station.evse(monitor.name.evse or 0)
        if evse is not None and evse.transaction is not None:
            event["transactionId"] = evse.transaction.id
        payload = {"generatedAt": now, "seqNo": 0, "tbc": False, "eventData": [event]}
        self._charger.outbox.put("NotifyEvent", payload)

    def stop(self) -> None:
        """Stop all timers."""
        for monitor in self.all:
            monitor.ticker.stop()
        self.streams.stop()


def _fits(kind: str, variable: Variable) -> bool:
    """Whether a variable can be watched so."""
    if variable.mutability == "WriteOnly":
        return False
    if kind in _PERIODIC or kind == "Delta":
        return True
    if kind in {"TargetDelta", "TargetDeltaRelative"}:
        return "Target" in variable.attributes
    return variable.kind in _NUMBERS


def _inside(value: float, variable: Variable) -> bool:
    """Whether a threshold can be reached."""
    least, most = variable.minimum, variable.maximum
    return (least is None or value >= least) and (most is None or value <= most)


def _covers(wanted: Payload, name: Name) -> bool:
    """Whether a variable is what a report is wanted of: of a component, all its variables."""
    asked = Name.from_wire(wanted)
    if asked.component.casefold() != name.component.casefold():
        return False
    if asked.evse is not None and asked.place != name.place:
        return False
    return "variable" not in wanted or (
        asked.variable.casefold() == name.variable.casefold()
        and asked.variable_instance in {None, name.variable_instance}
    )
