"""The vocabulary of the central system. Units are SI, times are aware UTC."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

type Value = str | int | float | bool | datetime | None

# Connector 0 of OCPP is the charge point as a whole.
STATION = 0


class ConnectorStatus(StrEnum):
    """What a connector is doing, in one vocabulary for all OCPP versions."""

    AVAILABLE = "available"
    PREPARING = "preparing"
    OCCUPIED = "occupied"
    CHARGING = "charging"
    SUSPENDED_EV = "suspended_ev"
    SUSPENDED_EVSE = "suspended_evse"
    FINISHING = "finishing"
    RESERVED = "reserved"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"


class LimitUnit(StrEnum):
    """Unit of a charging limit: A is per phase, W is the total."""

    AMPERE = "A"
    WATT = "W"


@dataclass(frozen=True, slots=True)
class ChargingLimit:
    """How much may flow."""

    value: float
    unit: LimitUnit = LimitUnit.AMPERE


class Purpose(StrEnum):
    """What a charging profile of ours is for (OCPP 1.6, 3.13.1)."""

    STATION = "station"
    DEFAULT = "default"
    TRANSACTION = "transaction"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitProfile:
    """A limit as one charging profile, its way back included.

    From `until` on, `after` holds. One exists per purpose and connector.
    """

    purpose: Purpose
    connector: int
    limit: ChargingLimit
    until: datetime | None = None
    after: float = 0
    transaction_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePointConfig:
    """What the user said about one charge point."""

    identity: str
    name: str
    password: str | None = None
    phases: int = 3
    # Phase to neutral.
    nominal_voltage: float = 230.0
    installation_current: float = 16.0
    meter_interval: int = 30
    keep_alive: bool = True
    remote_tag: str = "HOMEASSISTANT"


@dataclass(frozen=True, slots=True, kw_only=True)
class BootInfo:
    """Who a charge point says it is (BootNotification)."""

    vendor: str = ""
    model: str = ""
    serial: str | None = None
    firmware: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimit:
    """A limit for one transaction only."""

    transaction_id: int
    value: float
    unit: LimitUnit
    # Seconds since the epoch; None: until the transaction ends.
    until: float | None = None


@dataclass(slots=True, kw_only=True)
class Wishes:
    """What the user wants of a connector, kept while the charger is away."""

    current_limit: float | None = None  # A per phase
    paused: bool = False
    available: bool | None = None
    # The transaction that holds a limit of ours: where the wish for it ends, the
    # charger has to be told, even after a restart.
    limited: int | None = None
    session: SessionLimit | None = None


@dataclass(slots=True, kw_only=True)
class StationWishes:
    """What the user wants of a charge point as a whole."""

    maximum_current: float | None = None  # A per phase
    enabled: bool = True
    connectors: dict[int, Wishes] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Transaction:
    """A transaction as the charger counts it. Registers are in Wh."""

    id: int
    connector: int
    id_token: str | None
    started: datetime
    meter_start: float | None
    # The newest register reading, from which the session's energy follows.
    meter_last: float | None = None
    ended: datetime | None = None
    stop_reason: str | None = None
    # True once a message of the charger carried the id: it knows the id, so an
    # identical StartTransaction after that is a new transaction, not a retry.
    carried: bool = False
    # True for an id that is not ours; such a transaction is not in the ledger.
    foreign: bool = False

    @property
    def energy(self) -> float | None:
        """Return the energy charged so far in Wh, never negative."""
        if self.meter_start is None or self.meter_last is None:
            return None
        return max(0.0, self.meter_last - self.meter_start)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionStart:
    """A StartTransaction as received (OCPP 1.6, 6.45)."""

    identity: str
    connector: int
    id_token: str
    # The charger's own clock; part of what makes a retry recognisable.
    timestamp: datetime
    meter_start: float | None
    # The answer given about the token, recorded with refused starts too.
    authorization: str
    raw: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionStop:
    """A StopTransaction as received (OCPP 1.6, 6.49)."""

    identity: str
    transaction_id: int
    timestamp: datetime
    meter_stop: float | None
    reason: str | None
    id_token: str | None
    raw: dict[str, Any]


class SessionLedger(Protocol):
    """Where transactions are kept on disk."""

    async def start(self, start: TransactionStart) -> Transaction:
        """Give a start its id and return after it is on disk; a retry gets its old id."""

    async def stop(self, stop: TransactionStop) -> Transaction | None:
        """Record an end and return after it is on disk; None if the id is unknown."""

    def progress(self, transaction: Transaction) -> None:
        """Note the register and that the charger knows the id; written soon, in order."""

    async def open_transactions(self, identity: str) -> Sequence[Transaction]:
        """Return the accepted transactions that have not ended."""


@dataclass(slots=True)
class Allowance:
    """How much more is taken from strangers."""

    left: int

    def take(self) -> bool:
        """Take one more; False where it is enough."""
        if self.left <= 0:
            return False
        self.left -= 1
        return True


class AuthorizationStatus(StrEnum):
    """Whether a token may charge (OCPP 1.6, 7.2)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT = "ConcurrentTx"


class Authorizer(Protocol):
    """Who may charge."""

    def authorize(self, identity: str, id_token: str) -> AuthorizationStatus:
        """Return the answer for a token shown at a charge point."""


class EventKind(StrEnum):
    """What a charge point tells once, rather than as a state."""

    ID_TOKEN = "id_token"
    TRANSACTION = "transaction"
    DATA_TRANSFER = "data_transfer"
    SECURITY = "security"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a connector (0: the charge point)."""

    kind: EventKind
    connector: int
    type: str
    attributes: dict[str, Any] = field(default_factory=dict)


def mask_token(token: str) -> str:
    """Return a token as it may be shown: enough to tell one's own cards apart."""
    return f"…{token[-4:]}" if len(token) > 4 else "…"
