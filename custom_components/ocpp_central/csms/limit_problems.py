"""Limits that a charger keeps in no way there is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .known_models import known_model
from .ladder import Slot
from .model import STATION

if TYPE_CHECKING:
    from .charge_point import ChargePoint

REFUSED = "refused"
NO_PAUSE = "the least that a car charges with, as 0 A would end the session"


@dataclass(frozen=True, slots=True)
class LimitProblem:
    """A limit that a charger keeps in no way there is."""

    connector: int
    # In A per phase.
    wanted: float
    # What the charger does instead.
    seen: str
    # What it said to each way, or did.
    ways: Mapping[str, str] = field(default_factory=dict)
    # What is known to help with this model, in English.
    advice: str = ""


class LimitProblems:
    """The limits at one charge point that do not hold, by connector."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Know of none."""
        self._charge_point = charge_point
        self._problems: dict[int, LimitProblem] = {}

    @property
    def all(self) -> Mapping[int, LimitProblem]:
        """Return what does not hold."""
        return self._problems

    def found(self, connector: int, slot: Slot, wanted: float, seen: str) -> None:
        """Tell of a limit in A that does not hold, and of all that was tried."""
        prefix = f"{slot}: "
        failed = self._charge_point.capabilities.failed_rungs
        ways = {
            name.removeprefix(prefix): words
            for name, words in failed.items()
            if name.startswith(prefix)
        }
        problem = LimitProblem(
            connector, wanted, seen, ways, known_model(self._charge_point.info).advice
        )
        if self._problems.get(connector) != problem:
            self._problems[connector] = problem
            self._tell()

    def accepted(self, connector: int) -> None:
        """Take back that a charger refuses a limit."""
        problem = self._problems.get(connector)
        if problem and problem.seen == REFUSED:
            self.solved(connector)

    def paused(self, connector: int) -> None:
        """Take back that a session cannot be paused."""
        problem = self._problems.get(connector)
        if problem and problem.seen == NO_PAUSE:
            self.solved(connector)

    def solved(self, connector: int) -> None:
        """Take back what was told of a connector."""
        if self._problems.pop(connector, None):
            self._tell()

    def _tell(self) -> None:
        problems = [*self._problems.values()]
        self._charge_point.update(
            STATION, {"limit_problem": str(problems) if problems else None}
        )
