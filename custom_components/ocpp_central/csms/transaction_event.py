"""What an event of OCPP 2.x tells of a transaction, and what has been heard of one."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from .metering import Reading
from .model import STATION, Authorization, ConnectorStatus, Transaction

# How far back it is known which events have come.
_MOST_HEARD = 32


class EventType(StrEnum):
    """Which part of a transaction an event tells."""

    STARTED = "Started"
    UPDATED = "Updated"
    ENDED = "Ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionEvent:
    """A TransactionEvent as received (OCPP 2.0.1, 1.60)."""

    kind: EventType
    charger_id: str
    timestamp: datetime
    sequence: int
    # Why it was told.
    trigger: str = ""
    # Kept while the charger was on its own.
    offline: bool = False
    evse: int | None = None
    on_evse: int | None = None
    # None: none was told; empty: there is none.
    id_token: str | None = None
    # Whether the token is of who ends the transaction.
    stops: bool = False
    state: ConnectorStatus | None = None
    reason: str = "local"
    remote_start_id: int | None = None
    meter_start: float | None = None
    meter_stop: float | None = None
    readings: list[Reading] = field(default_factory=list)
    raw: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an event came to."""

    connector: int = STATION
    transaction: Transaction | None = None
    answer: Authorization | None = None
    # Whether it told of a token that has not been told of before.
    fresh: bool = False
    past: bool = False


@dataclass(slots=True, kw_only=True)
class Known:
    """What has been heard of one transaction."""

    id: int
    transaction: Transaction | None = None
    connector: int = STATION
    # Its end was told, by the charger's clock at that time.
    ended: datetime | None = None
    stop_token: str | None = None
    heard_since_connected: bool = False
    highest: int = -1
    newest: datetime | None = None
    heard: deque[tuple[object, ...]] = field(
        default_factory=partial(deque, maxlen=_MOST_HEARD)
    )

    def take(self, event: TransactionEvent) -> tuple[bool, bool]:
        """Return whether an event comes late, and whether it has come before."""
        key = (event.kind, event.sequence, event.timestamp, event.trigger)
        again = key in self.heard
        late = again or (
            event.sequence < self.highest
            and self.newest is not None
            # Later all the same, the charger counts anew.
            and event.timestamp <= self.newest
        )
        self.heard.append(key)
        self.heard_since_connected = True
        if not late:
            self.highest = event.sequence
            self.newest = event.timestamp
        return late, again
