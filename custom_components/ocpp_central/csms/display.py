"""What a charger shows on its display, as far as it is ours."""

from dataclasses import dataclass
from datetime import datetime

from .model import STATION


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayMessage:
    """A message to be shown; words are OCPP's own."""

    id: int
    text: str
    priority: str = "NormalCycle"
    format: str = "UTF8"
    language: str | None = None
    # Only while the charger is in this state, between these times, or in this
    # transaction, as the charger calls it.
    state: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    transaction: str | None = None
    connector: int = STATION
