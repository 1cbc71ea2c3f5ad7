"""The vocabulary of the central system. Units are SI, times are aware UTC."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from .accounting import Account
from .register import Register
from .timeline import Course, step_at

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
    # How many phases a power was made up with; None: all that are configured.
    phases: int | None = None


class Purpose(StrEnum):
    """What a charging profile of ours is for (OCPP 1.6, 3.13.1)."""

    STATION = "station"
    DEFAULT = "default"
    TRANSACTION = "transaction"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitProfile:
    """A limit as one charging profile, its way back included.

    One exists per purpose, connector and stack level.
    """

    purpose: Purpose
    connector: int
    unit: LimitUnit
    course: Course
    # How many phases it is for; None: it does not say, which means all.
    phases: int | None = None
    stack: int = 0
    # Whether its periods count from the start of the transaction, and when that was.
    relative: bool = False
    since: datetime | None = None
    # Until when it holds; None: for good.
    valid_to: datetime | None = None
    transaction_id: int | None = None

    def limit_at(self, time: datetime) -> ChargingLimit:
        """Return what it lets flow at a time."""
        return ChargingLimit(step_at(self.course, time).limit, self.unit, self.phases)

    @property
    def slot(self) -> tuple[Purpose, int, int]:
        """Return what it replaces."""
        return self.purpose, self.connector, self.stack


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTransferAnswer:
    """What to answer to a vendor's message; without a message id, to all of them."""

    vendor_id: str
    message_id: str | None = None
    status: str
    data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePointConfig:
    """What the user said about one charge point."""

    identity: str
    name: str
    password: str | None = None
    # The OCPP version to speak, for instance "2.0.1"; None: the newest both can.
    version: str | None = None
    phases: int = 3
    # Phase to neutral.
    nominal_voltage: float = 230.0
    installation_current: float = 16.0
    # Limits to choose from, as with the button on a charger: in A per phase, ascending.
    current_presets: tuple[float, ...] = ()
    meter_interval: int = 30
    keep_alive: bool = True
    direct_current: bool = False
    # Whether it may switch between one phase and three.
    phase_switching: bool = False
    # The way to limit it that the user insists on, by its name; None: found out.
    limit_way: str | None = None
    sync_local_list: bool = False
    remote_tag: str = "HOMEASSISTANT"
    data_transfer_answers: tuple[DataTransferAnswer, ...] = ()


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

    @property
    def ends(self) -> datetime | None:
        """Return when it ends, if before the transaction does."""
        return None if self.until is None else datetime.fromtimestamp(self.until, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one transaction may come to; None: as much as it likes."""

    energy: float | None = None  # Wh
    cost: float | None = None
    seconds: float | None = None


@dataclass(slots=True, kw_only=True)
class Wishes:
    """What the user wants of a connector, kept while the charger is away."""

    current_limit: float | None = None  # A per phase
    power_limit: float | None = None  # W
    # On how many phases to charge, 1 or 3; None: as it comes. Then what the charger was
    # told last, and when it was, in seconds since the epoch.
    phases: int | None = None
    phases_now: int | None = None
    phase_switches: list[float] = field(default_factory=list)
    paused: bool = False
    available: bool | None = None
    # The car at it was started for whoever plugs in, and somebody has stopped it.
    stopped: bool = False
    # The transaction that holds a limit of ours: where the wish for it ends, the
    # charger has to be told, even after a restart.
    limited: int | None = None
    session: SessionLimit | None = None
    # Of the running transaction, or the next one.
    budget: Budget | None = None


class AccessMode(StrEnum):
    """Who may charge at a charge point."""

    # A car that is plugged in is started by us, whoever has brought it.
    PLUG_AND_CHARGE = "plug_and_charge"
    ANY_TOKEN = "any_token"
    KNOWN_TOKENS = "known_tokens"


@dataclass(slots=True, kw_only=True)
class StationWishes:
    """What the user wants of a charge point as a whole."""

    maximum_current: float | None = None  # A per phase
    # What may flow at a connector when nobody commands, in A per phase; None: all that
    # ever may.
    offline_current: float | None = None
    # Where limits of ours may be, by name: where nothing is wanted any more, the
    # charger has to be told, even after a restart.
    places: list[str] = field(default_factory=list)
    enabled: bool = True
    access_mode: AccessMode = AccessMode.ANY_TOKEN
    # What the charger may decide by itself; None: as it comes.
    local_authorize_offline: bool | None = None
    local_pre_authorize: bool | None = None
    allow_offline_unknown: bool | None = None
    connectors: dict[int, Wishes] = field(default_factory=dict)


class AuthorizedBy(StrEnum):
    """How a session came to be allowed."""

    ONLINE = "online"
    REMOTE = "remote"
    # The charger was on its own, and knew the token or took it unknown.
    LOCAL_LIST = "offline_local_list"
    UNKNOWN = "offline_unknown"
    # Without any card.
    NONE = "none"


@dataclass(slots=True, kw_only=True)
class Transaction:
    """A transaction as the charger counts it. Registers are in Wh."""

    id: int
    identity: str
    connector: int
    id_token: str | None
    # By our clock, as is `ended`.
    started: datetime
    meter_start: float | None
    account: Account = field(default_factory=Account)
    user: str | None = None
    # The newest register reading, as the charger gave it.
    meter_last: float | None = None
    ended: datetime | None = None
    stop_reason: str | None = None
    # True once a message of the charger carried the id: it knows the id, so an
    # identical StartTransaction after that is a new transaction, not a retry.
    carried: bool = False
    # True for an id that is not ours; such a transaction is not in the ledger.
    foreign: bool = False
    # What the charger itself calls it (OCPP 2.x); 1.6 uses our id.
    charger_id: str | None = None
    # Nobody told its start: it is known from something that came later.
    taken_up: bool = False
    # Signed meter values that are not on disk yet, as given.
    signed: list[dict[str, Any]] = field(default_factory=list)

    @property
    def energy(self) -> float | None:
        """Return the energy charged so far in Wh, never negative."""
        return self.account.energy

    @property
    def awaits_token(self) -> bool:
        """Return whether nobody has been told whose it is: it may not charge yet."""
        return self.charger_id is not None and self.id_token is None

    @property
    def reference(self) -> int | str:
        """Return what it is called between the charger and us."""
        return self.id if self.charger_id is None else self.charger_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionStart:
    """A StartTransaction (OCPP 1.6, 6.45), or TransactionEvent (2.x), as received."""

    identity: str
    # The station's 0, where the charger does not know yet.
    connector: int
    id_token: str | None
    # The charger's own clock; part of what makes a retry recognisable.
    timestamp: datetime
    # The same in our time; None: the charger's clock is right.
    started: datetime | None = None
    # As the charger gave it, and None where it cannot have read its meter.
    meter_start: float | None
    account: Account = field(default_factory=Account)
    # The answer given about the token, recorded with refused starts too.
    authorization: str
    authorized_by: AuthorizedBy = AuthorizedBy.ONLINE
    user: str | None = None
    group: str | None = None
    # With the charger's own id, the token and meter do not make a start another one.
    charger_id: str | None = None
    # Nobody told the start itself.
    taken_up: bool = False
    raw: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What a charger told of a transaction after its start; None: as it was."""

    transaction_id: int
    connector: int | None = None
    id_token: str | None = None
    user: str | None = None
    group: str | None = None
    authorization: str | None = None
    authorized_by: AuthorizedBy | None = None
    # The start, where that is told after all.
    timestamp: datetime | None = None
    started: datetime | None = None
    meter_start: float | None = None
    # It goes on, though it seemed to have ended.
    reopened: bool = False


class EndedTransaction(NamedTuple):
    """A transaction that is over, and what the charger calls it."""

    id: int
    charger_id: str | None
    started: datetime
    ended: datetime
    # Whether the charger said so itself.
    told: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionStop:
    """A StopTransaction (OCPP 1.6, 6.49), or TransactionEvent (2.x), as received."""

    identity: str
    transaction_id: int
    timestamp: datetime
    # The same in our time; None: the charger's clock is right.
    ended: datetime | None = None
    # Told by some at the end only.
    meter_start: float | None = None
    meter_stop: float | None
    # What the stop itself says of the way there, oldest first.
    readings: Sequence[tuple[datetime, dict[str, float]]] = ()
    signed: Sequence[dict[str, Any]] = ()
    replayed: bool = False
    reason: str | None
    id_token: str | None
    # What the charger calls it; where that is all that is known, the id is 0.
    charger_id: str | None = None
    raw: dict[str, Any]


class SessionLedger(Protocol):
    """Where transactions are kept on disk."""

    async def start(
        self, start: TransactionStart, running: Sequence[Transaction] = ()
    ) -> Transaction:
        """Give a start its id and return after it is on disk; a retry gets its old id.

        `running` is what the charge point has been doing until now.
        """

    async def stop(
        self, stop: TransactionStop, running: Sequence[Transaction] = ()
    ) -> Transaction | None:
        """Record an end and return after it is on disk; None if it belongs to nothing.

        `running` is what the charge point has been doing until now.
        """

    async def amend(self, amendment: Amendment) -> None:
        """Change what is known of a transaction and return after it is on disk."""

    def end(self, transaction: Transaction) -> None:
        """Note an end that nobody told; a stop that comes late corrects it."""

    def progress(self, transaction: Transaction) -> None:
        """Note what a transaction has used, and that the charger knows the id."""

    def meter(self, identity: str, connector: int, register: Register) -> None:
        """Note where the meter of a connector stands."""

    def replay(
        self, identity: str, connector: int, points: Sequence[tuple[datetime, float]]
    ) -> None:
        """Keep where lifetime energy (Wh) stood at times nobody listened."""

    async def open_transactions(self, identity: str) -> Sequence[Transaction]:
        """Return the accepted transactions that have not ended."""

    async def ended_transactions(self, identity: str) -> Sequence[EndedTransaction]:
        """Return those that ended lately, oldest first."""

    async def meters(self, identity: str) -> Mapping[int, Register]:
        """Return where the meters of a charge point stood, by connector."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownToken:
    """A token that somebody has been given, as a card or otherwise."""

    id_token: str
    name: str
    user: str | None = None
    status: AuthorizationStatus = AuthorizationStatus.ACCEPTED
    expires: datetime | None = None
    # The parent that all tokens of a group share (OCPP 1.6, 3.5.3).
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """The answer about a token, and whose it is."""

    status: AuthorizationStatus
    token: KnownToken | None = None
    # Whether the charger had the token in its local list.
    listed: bool = False

    @property
    def user(self) -> str | None:
        """Return who uses the token."""
        return (self.token.user or self.token.name) if self.token else None

    @property
    def group(self) -> str | None:
        """Return the parent of the token."""
        return self.token.group if self.token else None


class Authorizer(Protocol):
    """Who may charge."""

    def authorize(
        self, id_token: str, mode: AccessMode, at: datetime | None = None
    ) -> Authorization:
        """Return the answer for a token shown where this is the way to get access.

        `at` is when it was shown, if not now.
        """

    def shown(self, identity: str, id_token: str) -> None:
        """Take note of a token that a charger has read, and that nobody knows."""

    def same(self, id_token: str, other: str) -> bool:
        """Return whether two spellings are one token."""

    def find(self, id_token: str) -> KnownToken | None:
        """Return a token however the charger spells it."""

    @property
    def known(self) -> Collection[KnownToken]:
        """Return the tokens there are."""

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call a listener after other tokens are known than before."""

    @property
    def one_session_each(self) -> bool:
        """Return whether nobody may charge twice at a time."""


class EventKind(StrEnum):
    """What a charge point tells once, rather than as a state."""

    ID_TOKEN = "id_token"
    TRANSACTION = "transaction"
    DATA_TRANSFER = "data_transfer"
    SECURITY = "security"
    CONFIGURATION = "configuration_changed"
    BUTTON = "button"


# What a charge point may tell about its security (security extension, 4.4), by our names.
SECURITY_EVENTS = (
    "firmware_updated",
    "failed_to_authenticate_at_central_system",
    "central_system_failed_to_authenticate",
    "setting_system_time",
    "startup_of_the_device",
    "reset_or_reboot",
    "security_log_was_cleared",
    "reconfiguration_of_security_parameters",
    "memory_exhaustion",
    "invalid_messages",
    "attempted_replay_attacks",
    "tamper_detection_activated",
    "invalid_firmware_signature",
    "invalid_firmware_signing_certificate",
    "invalid_central_system_certificate",
    "invalid_charge_point_certificate",
    "invalid_tls_version",
    "invalid_tls_cipher_suite",
    "maintenance_login_accepted",
    "maintenance_login_failed",
)


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
