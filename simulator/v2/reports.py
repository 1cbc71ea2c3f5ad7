"""Reports of the device model, in parts."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.clock import format_time

from .schemas import Payload
from .variables import Name, Variable

if TYPE_CHECKING:
    from .charger import Charger2

type Found = list[tuple[Name, Variable]]

#: What belongs in a SummaryInventory.
_SUMMARY = {"availabilitystate", "problem", "enabled", "active"}


class Reports:
    """Sends NotifyReport."""

    def __init__(self, charger: Charger2) -> None:
        """Begin with nothing to send."""
        self._charger = charger
        #: How many variables are in one NotifyReport.
        self.part = 20

    def base(self, kind: str) -> Found:
        """The variables of a base report."""
        everything = self._charger.variables.all()
        if kind == "FullInventory":
            return everything
        if kind == "ConfigurationInventory":
            return [each for each in everything if each[1].mutability != "ReadOnly"]
        return [each for each in everything if each[0].variable.casefold() in _SUMMARY]

    def custom(self, wanted: list[Payload] | None, criteria: list[str] | None) -> Found:
        """The variables that GetReport asks for."""
        found = self._charger.variables.all()
        if wanted is not None:
            names = [(Name.from_wire(each), "variable" in each) for each in wanted]
            found = [
                each
                for each in found
                if any(_meets(each[0], name, exact) for name, exact in names)
            ]
        if criteria is not None:
            found = [each for each in found if self._has(each[0], criteria)]
        return found

    def _has(self, name: Name, criteria: list[str]) -> bool:
        """Whether the component of a variable has one of some properties.

        What lacks a variable of that name is reported as if it were true, but for Problem.
        """
        own = {
            known.variable: variable.actual
            for known, variable in self._charger.variables.all()
            if known.place == name.place
        }
        return any(
            own.get(criterion, "false" if criterion == "Problem" else "true") == "true"
            for criterion in criteria
        )

    def send(self, request_id: int, found: Found) -> Callable[[], None]:
        """What sends a report, however long it is."""

        def begin() -> None:
            parts = [
                found[start : start + self.part]
                for start in range(0, len(found), self.part)
            ]
            for number, part in enumerate(parts):
                payload: Payload = {
                    "requestId": request_id,
                    "generatedAt": format_time(self._charger.clock.now()),
                    "seqNo": number,
                    "reportData": [_written(name, variable) for name, variable in part],
                }
                if number + 1 < len(parts):
                    payload["tbc"] = True
                self._charger.outbox.put("NotifyReport", payload, triggered=True)

        return begin


def _meets(name: Name, wanted: Name, exact: bool) -> bool:
    """Whether a variable is among those that were asked for; what is not said does not matter."""
    component, instance, evse, connector = wanted.place
    if name.component.casefold() != component:
        return False
    if wanted.instance is not None and (name.instance or "").casefold() != instance:
        return False
    if evse is not None and name.evse != evse:
        return False
    if connector is not None and name.connector != connector:
        return False
    if not exact:
        return True
    if name.variable.casefold() != wanted.variable.casefold():
        return False
    return (
        wanted.variable_instance is None
        or (name.variable_instance or "").casefold()
        == wanted.variable_instance.casefold()
    )


def _written(name: Name, variable: Variable) -> Payload:
    """Write one ReportData."""
    actual: Payload = {"type": "Actual", "mutability": variable.mutability}
    if variable.mutability != "WriteOnly":
        actual["value"] = variable.actual
    actual["persistent"] = True
    attributes = [actual]
    for kind, value in variable.attributes.items():
        attributes.append({"type": kind, "value": value, "mutability": "ReadWrite"})
    return {
        **name.wire(),
        "variableAttribute": attributes,
        "variableCharacteristics": variable.characteristics(),
    }
