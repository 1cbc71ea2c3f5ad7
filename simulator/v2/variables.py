"""The device model: components with variables, and what may be done to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
import re
from typing import Any, Self

from simulator.clock import parse_time

from .schemas import Payload

_NAME = re.compile(
    r"(?P<component>[^\[\]@.]+)(?:\[(?P<instance>[^\]]*)\])?"
    r"(?:@(?P<evse>\d+)(?::(?P<connector>\d+))?)?"
    r"\.(?P<variable>[^\[\]]+)(?:\[(?P<variable_instance>[^\]]*)\])?"
)


@dataclass(frozen=True, slots=True)
class Name:
    """Which variable. Names of components and variables are not case-sensitive."""

    component: str
    variable: str
    instance: str | None = None
    evse: int | None = None
    connector: int | None = None
    variable_instance: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `Component[instance]@evse:connector.Variable[instance]`. Raises ValueError."""
        if (match := _NAME.fullmatch(text)) is None:
            raise ValueError(f"Not the name of a variable: {text}")
        found: dict[str, Any] = match.groupdict()
        for key in ("evse", "connector"):
            if found[key] is not None:
                found[key] = int(found[key])
        return cls(**found)

    @classmethod
    def from_wire(cls, payload: Mapping[str, Any]) -> Self:
        """Read the members `component` and `variable`, if there is one."""
        component, variable = payload["component"], payload.get("variable") or {}
        evse = component.get("evse") or {}
        return cls(
            component["name"],
            variable.get("name", ""),
            component.get("instance"),
            evse.get("id"),
            evse.get("connectorId"),
            variable.get("instance"),
        )

    def wire(self) -> Payload:
        """Write the members `component` and `variable`."""
        component: Payload = {"name": self.component}
        if self.instance is not None:
            component["instance"] = self.instance
        if self.evse is not None:
            component["evse"] = {"id": self.evse}
            if self.connector is not None:
                component["evse"]["connectorId"] = self.connector
        variable: Payload = {"name": self.variable}
        if self.variable_instance is not None:
            variable["instance"] = self.variable_instance
        return {"component": component, "variable": variable}

    @property
    def place(self) -> tuple[str, str, int | None, int | None]:
        """The component it belongs to, for comparing."""
        instance = (self.instance or "").casefold()
        return self.component.casefold(), instance, self.evse, self.connector

    @property
    def key(self) -> tuple[object, ...]:
        """All of it, for comparing."""
        instance = (self.variable_instance or "").casefold()
        return *self.place, self.variable.casefold(), instance


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: its value, and what may be done to it.

    Attributes:
        mutability: ReadOnly, WriteOnly or ReadWrite.
        options: What a value of a list may be.
        reboot: A new value counts from the next restart on.
        live: Tells the value where it is not kept here.
        attributes: The values of Target, MinSet and MaxSet, as far as there are any.
    """

    value: str = ""
    kind: str = "string"
    mutability: str = "ReadWrite"
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    options: tuple[str, ...] = ()
    reboot: bool = False
    live: Callable[[], str] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def actual(self) -> str:
        """The value now."""
        return self.value if self.live is None else self.live()

    def valid(self, text: str) -> bool:
        """Whether it could have this value."""
        match self.kind:
            case "integer" | "decimal":
                return self._valid_number(text)
            case "boolean":
                return text in {"true", "false"}
            case "dateTime":
                try:
                    parse_time(text)
                except ValueError:
                    return False
                return True
            case "OptionList":
                return text in self.options
            case "MemberList" | "SequenceList":
                items = [item.strip() for item in text.split(",") if item.strip()]
                return len(set(items)) == len(items) and all(
                    item in self.options for item in items
                )
        return self.maximum is None or len(text) <= self.maximum

    def _valid_number(self, text: str) -> bool:
        if self.kind == "integer" and not re.fullmatch(r"[+-]?\d{1,10}", text):
            return False
        try:
            number = Decimal(text)
        except InvalidOperation:
            return False
        return (
            number.is_finite()
            and (self.minimum is None or number >= Decimal(str(self.minimum)))
            and (self.maximum is None or number <= Decimal(str(self.maximum)))
        )

    def characteristics(self) -> Payload:
        """Write variableCharacteristics."""
        written: Payload = {
            "dataType": self.kind,
            "supportsMonitoring": self.mutability != "WriteOnly",
        }
        for key, value in (
            ("unit", self.unit),
            ("minLimit", self.minimum),
            ("maxLimit", self.maximum),
            ("valuesList", ",".join(self.options) or None),
        ):
            if value is not None:
                written[key] = value
        return written


class Variables:
    """All variables of a charger. Survives reboots."""

    def __init__(self) -> None:
        """Begin without any."""
        #: Told of every variable that changed.
        self.changed: Callable[[Name], None] = lambda _name: None
        self._variables: dict[tuple[object, ...], tuple[Name, Variable]] = {}

    def add(self, text: str, variable: Variable) -> None:
        """Have one more variable, or another one instead."""
        name = Name.parse(text)
        self._variables[name.key] = (name, variable)

    def override(self, overrides: Mapping[str, str | None]) -> None:
        """Give variables other values, without any check; with None, leave them out."""
        for text, value in overrides.items():
            name = Name.parse(text)
            if value is None:
                self._variables.pop(name.key, None)
            else:
                name, variable = self._variables.get(name.key, (name, Variable()))
                self._variables[name.key] = (
                    name,
                    replace(variable, value=value, live=None),
                )

    def all(self) -> list[tuple[Name, Variable]]:
        """Every variable."""
        return list(self._variables.values())

    def find(self, name: Name) -> tuple[Name, Variable] | None:
        """A variable."""
        return self._variables.get(name.key)

    def has_component(self, name: Name) -> bool:
        """Whether there is the component of a name."""
        return any(known.place == name.place for known, _ in self.all())

    def text(self, text: str) -> str:
        """The value of a variable, empty where this charger lacks it."""
        found = self.find(Name.parse(text))
        return "" if found is None else found[1].actual

    def integer(self, text: str) -> int:
        """The value of a variable as a number, 0 where there is none."""
        value = self.text(text)
        return int(value) if re.fullmatch(r"[+-]?\d{1,10}", value) else 0

    def truth(self, text: str) -> bool:
        """Whether a variable is true."""
        return self.text(text).lower() == "true"

    def items(self, text: str) -> list[str]:
        """The values of a list."""
        return [
            item
            for item in (part.strip() for part in self.text(text).split(","))
            if item
        ]

    def set(self, text: str, value: str) -> None:
        """Set a variable from within the charger."""
        name = Name.parse(text)
        self.store(name, value)

    def store(self, name: Name, value: str, attribute: str = "Actual") -> None:
        """Set an attribute of a variable, without any check."""
        known, variable = self._variables.get(name.key, (name, Variable()))
        if attribute == "Actual":
            variable = replace(variable, value=value)
        else:
            attributes = {**variable.attributes, attribute: value}
            variable = replace(variable, attributes=attributes)
        self._variables[known.key] = (known, variable)
        self.changed(known)


class Settings2:
    """What the shared parts of the simulator have to know, by the names of OCPP 1.6."""

    _NAMES = {
        "HeartbeatInterval": "OCPPCommCtrlr.HeartbeatInterval",
        "WebSocketPingInterval": "OCPPCommCtrlr.WebSocketPingInterval",
        "TransactionMessageAttempts": "OCPPCommCtrlr.MessageAttempts[TransactionEvent]",
        "TransactionMessageRetryInterval": "OCPPCommCtrlr.MessageAttemptInterval"
        "[TransactionEvent]",
    }

    def __init__(self, variables: Variables) -> None:
        """Look into the device model."""
        self._variables = variables

    def integer(self, name: str) -> int:
        """The value of a key as a number, 0 where there is none."""
        return self._variables.integer(self._NAMES[name])

    def set(self, name: str, value: str) -> None:
        """Set a key from within the charger."""
        self._variables.set(self._NAMES[name], value)
