"""What a charger sends against the standard, for the diagnostics."""

from dataclasses import dataclass
import logging

_LOGGER = logging.getLogger(__name__)

_MAX_KINDS = 50


@dataclass(slots=True)
class Anomaly:
    """Something a charger sends against the standard."""

    example: str
    count: int = 0


class Anomalies(dict[str, Anomaly]):
    """How often what was wrong, by kind."""

    def __init__(self, name: str) -> None:
        """Begin with none. `name` is for the log."""
        super().__init__()
        self._name = name

    def note(self, kind: str, example: str) -> None:
        """Count one more."""
        anomaly = self.get(kind)
        if anomaly is None:
            if len(self) >= _MAX_KINDS:
                return
            anomaly = self[kind] = Anomaly(example)
            _LOGGER.debug("%s: %s: %s", self._name, kind, example)
        anomaly.count += 1
