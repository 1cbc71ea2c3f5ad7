"""What the grid wants of a station with distributed energy resources (OCPP 2.1, R)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.clock import format_time, parse_time

from .charging_handlers import refusal
from .connection import Connection2, serves
from .schemas import Payload
from .variables import Variable

if TYPE_CHECKING:
    from .features import Features

#: The member that describes each type of control, and what it is called in a report.
_MEMBERS = {
    "EnterService": "enterService",
    "FreqDroop": "freqDroop",
    "FixedPFAbsorb": "fixedPFAbsorb",
    "FixedPFInject": "fixedPFInject",
    "FixedVar": "fixedVar",
    "Gradients": "gradient",
    "LimitMaxDischarge": "limitMaxDischarge",
}
_INSIDE = {"fixedPFAbsorb": "fixedPF", "fixedPFInject": "fixedPF"}

#: What has no default and nothing that replaces it.
_PLAIN = {"enterService", "gradient"}

#: How many controls are in one report.
_PART = 3


@dataclass(eq=False)
class Control:
    """A control, as it was sent."""

    id: str
    type: str
    default: bool
    settings: Payload
    superseded: bool = False

    @property
    def member(self) -> str:
        """The member of the message that describes it."""
        return _MEMBERS.get(self.type, "curve")

    @property
    def priority(self) -> int:
        """The lower, the more it has to say."""
        return int(self.settings["priority"])

    def wire(self) -> tuple[str, Payload]:
        """Write it for a report: the member, and one of its items."""
        member = self.member
        told: Payload = {"id": self.id, _INSIDE.get(member, member): self.settings}
        if member not in _PLAIN:
            told |= {"isDefault": self.default, "isSuperseded": self.superseded}
        if member == "curve":
            told["curveType"] = self.type
        return member, told


class Controls:
    """The controls a station obeys, or would if it fed anything back. Survives reboots."""

    def __init__(self, charger: Features) -> None:
        """Begin without any."""
        self._charger = charger
        self._controls: dict[str, Control] = {}
        if charger.version == "2.1":
            modes = Variable(
                "LimitMaxDischarge,FreqWatt,VoltVar", "MemberList", "ReadOnly"
            )
            charger.variables.add("DCDERCtrlr.ModesSupported", modes)

    @property
    def all(self) -> list[Control]:
        """The controls there are."""
        return list(self._controls.values())

    def set(self, payload: Payload) -> tuple[str, list[str], Control | None]:
        """Take a control; returns the answer, the ids of what it replaces, and itself."""
        kind = payload["controlType"]
        member = _MEMBERS.get(kind, "curve")
        if member not in payload:
            self._charger.violated(f"SetDERControl: {kind} needs {member} (R04.FR.02)")
            return "Rejected", [], None
        settings = payload[member]
        control = Control(payload["controlId"], kind, payload["isDefault"], settings)
        if control.default and {"startTime", "duration"} & settings.keys():
            self._charger.violated("SetDERControl: a default has no time (R04.FR.10)")
            return "Rejected", [], None
        rivals = [
            each
            for each in self.all
            if each.type == kind
            and each.default == control.default
            and each.id != control.id
            and not each.superseded
        ]
        superseded: list[str] = []
        for each in rivals:
            if control.default:
                del self._controls[each.id]
                superseded.append(each.id)
            elif control.priority <= each.priority:
                each.superseded = True
                superseded.append(each.id)
            else:
                control.superseded = True
        self._controls[control.id] = control
        return "Accepted", superseded, control

    def begin(self, control: Control, superseded: list[str]) -> None:
        """Say that a control with a time has begun, once it has (R04)."""
        settings = control.settings
        if control.default or control.superseded or "startTime" not in settings:
            return
        clock = self._charger.clock
        delay = (parse_time(settings["startTime"]) - clock.now()).total_seconds()

        def tell(*, started: bool) -> None:
            if self._controls.get(control.id) is not control:
                return
            payload: Payload = {
                "controlId": control.id,
                "started": started,
                "timestamp": format_time(clock.now()),
            }
            if started and superseded:
                payload["supersededIds"] = superseded
            self._charger.outbox.put("NotifyDERStartStop", payload)
            if not started:
                del self._controls[control.id]

        clock.call_later(max(0.0, delay), lambda: tell(started=True))
        if (duration := settings.get("duration")) is not None:
            end = max(0.0, delay + duration)
            clock.call_later(end, lambda: tell(started=False))

    def find(self, criteria: Payload) -> list[Control]:
        """The controls that are asked for."""
        wanted: dict[str, Any] = {
            "isDefault": lambda each: each.default,
            "controlType": lambda each: each.type,
            "controlId": lambda each: each.id,
        }
        return [
            each
            for each in self.all
            if all(
                read(each) == criteria[key]
                for key, read in wanted.items()
                if key in criteria
            )
        ]

    def remove(self, controls: list[Control]) -> None:
        """Forget controls."""
        for each in controls:
            del self._controls[each.id]

    def report(self, request_id: int, controls: list[Control]) -> None:
        """Send reports."""
        for begin in range(0, len(controls), _PART):
            payload: Payload = {"requestId": request_id}
            for control in controls[begin : begin + _PART]:
                member, told = control.wire()
                payload.setdefault(member, []).append(told)
            payload["tbc"] = begin + _PART < len(controls)
            self._charger.outbox.put("ReportDERControl", payload)


class GridHandlers(Connection2):
    """Serves the requests about distributed energy resources."""

    @serves("SetDERControl")
    def on_set_der_control(self, payload: Payload) -> Payload:
        """Take a control (R04)."""
        controls = self._charger.controls
        status, superseded, control = controls.set(payload)
        answer: Payload = {"status": status}
        if superseded:
            answer["supersededIds"] = superseded
        if control is not None:
            self.then(lambda: controls.begin(control, superseded))
        return answer

    @serves("GetDERControl")
    def on_get_der_control(self, payload: Payload) -> Payload:
        """Report controls, afterwards (R04)."""
        controls = self._charger.controls
        found = controls.find(payload)
        if not found:
            return {"status": "NotFound"}
        self.then(lambda: controls.report(payload["requestId"], found))
        return {"status": "Accepted"}

    @serves("ClearDERControl")
    def on_clear_der_control(self, payload: Payload) -> Payload:
        """Forget controls (R04)."""
        controls = self._charger.controls
        found = controls.find(payload)
        if not found:
            return {"status": "NotFound"}
        controls.remove(found)
        return {"status": "Accepted"}

    @serves("AFRRSignal")
    def on_afrr_signal(self, payload: Payload) -> Payload:
        """Hear what the grid needs (Q11). Nothing here follows it without such a mode."""
        if any(
            "v2xSignalWattCurve" in period
            for profile in self._charger.charging.profiles
            for period in profile.periods
        ):
            return {"status": "Accepted"}
        return refusal("Rejected", "UnsupportedRequest")
