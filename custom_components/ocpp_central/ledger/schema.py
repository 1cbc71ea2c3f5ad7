"""The tables of the ledger. How they came about is in migrations.py."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, override

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Index,
    MetaData,
    String,
    TypeDecorator,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from custom_components.ocpp_central.csms.accounting import Account, HourShare
from custom_components.ocpp_central.csms.model import Transaction
from custom_components.ocpp_central.csms.register import Mark, Register


class UtcDateTime(TypeDecorator[datetime]):
    """Aware times, kept as UTC: SQLite knows no time zones."""

    impl = DateTime
    cache_ok = True

    @override
    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    @override
    def process_result_value(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class AnyText(TypeDecorator[str]):
    r"""Text as it came in: JSON may hold halves of surrogates, UTF-8 may not."""

    impl = String
    cache_ok = True

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return value.encode(errors="backslashreplace").decode()


class RegisterState(TypeDecorator[Register]):
    """All that is to be known to go on following a register."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    @override
    def process_bind_param(
        self, value: Register | None, dialect: Dialect
    ) -> dict[str, Any] | None:
        if value is None:
            return None
        state = asdict(value)
        state["time"] = value.time.isoformat()
        if value.before:
            before = value.before
            state["before"] = {**before._asdict(), "time": before.time.isoformat()}
        return state

    @override
    def process_result_value(
        self, value: dict[str, Any] | None, dialect: Dialect
    ) -> Register | None:
        if value is None:
            return None
        before = value["before"]
        if before:
            before = Mark(**{**before, "time": datetime.fromisoformat(before["time"])})
        time = datetime.fromisoformat(value["time"])
        return Register(**{**value, "time": time, "before": before})


class Base(DeclarativeBase):
    """What the tables have in common."""

    metadata = MetaData()
    type_annotation_map = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON(none_as_null=True),
        str: AnyText,
        Register: RegisterState,
    }


class TransactionRow(Base):
    """A transaction, refused ones included. Registers are in Wh."""

    __tablename__ = "transactions"
    __table_args__ = (
        Index("transactions_by_timestamp", "identity", "connector", "timestamp"),
        Index("transactions_by_start", "started"),
        Index(
            "transactions_open",
            "identity",
            "connector",
            sqlite_where=text("ended IS NULL"),
        ),
        Index(
            "transactions_unpublished",
            "id",
            sqlite_where=text("published < revision"),
        ),
        Index(
            "transactions_by_charger_id",
            "identity",
            "charger_id",
            sqlite_where=text("charger_id IS NOT NULL"),
        ),
        # Never gives out the id of a deleted row again.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # Casefolded: chargers and people are not consistent about it.
    identity: Mapped[str]
    connector: Mapped[int]
    id_token: Mapped[str | None]
    # The answer the charger got; it may charge on Accepted only.
    authorization: Mapped[str]
    # Whose token it is, if anybody knows, and the group of the token.
    user: Mapped[str | None]
    token_group: Mapped[str | None]
    authorized_by: Mapped[str | None]
    # By the charger's clock, whatever that says: what makes a retry recognisable.
    timestamp: Mapped[datetime]
    # By our clock, as is `ended`.
    started: Mapped[datetime]
    received_at: Mapped[datetime]
    meter_start: Mapped[float | None]
    # The newest register and when it came in.
    meter_last: Mapped[float | None]
    progressed_at: Mapped[datetime | None]
    carried: Mapped[bool]
    ended: Mapped[datetime | None]
    # What the charger said, or the last register where it said nothing.
    meter_stop: Mapped[float | None]
    stop_reason: Mapped[str | None]
    stop_id_token: Mapped[str | None]
    # Set by a StopTransaction only.
    stop_received_at: Mapped[datetime | None]
    # Nobody told the end: the connector began another one, or was seen to be free;
    # or somebody did, but only seems to have meant this one.
    # A late StopTransaction corrects the end and leaves the flag.
    inferred: Mapped[bool]
    corrected: Mapped[bool] = mapped_column(default=False)
    # What the charger calls it (OCPP 2.x), which it may do with others as well.
    charger_id: Mapped[str | None]
    # Nobody told the start: it was under way when it was first heard of.
    taken_up: Mapped[bool] = mapped_column(default=False)
    # Whether any of it was told after the fact.
    replayed: Mapped[bool] = mapped_column(default=False)
    energy: Mapped[float | None]
    register: Mapped[Register | None]
    cost: Mapped[float | None]
    currency: Mapped[str | None]
    # Wh that no price was known for.
    unpriced: Mapped[float] = mapped_column(default=0.0)
    # Seconds in which current flowed.
    charging: Mapped[float] = mapped_column(default=0.0)
    peak_power: Mapped[float | None]
    soc_start: Mapped[float | None]
    soc_end: Mapped[float | None]
    # Counts the changes of what was used when; and which of them statistics have.
    revision: Mapped[int] = mapped_column(default=0)
    published: Mapped[int] = mapped_column(default=0)
    raw_start: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    raw_stop: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    hours: Mapped[list[SessionHourRow]] = relationship(
        primaryjoin="TransactionRow.id == foreign(SessionHourRow.session_id)",
        order_by="SessionHourRow.hour",
        cascade="all",
    )

    def as_transaction(self) -> Transaction:
        """Return the row as everyone else knows it."""
        return Transaction(
            id=self.id,
            identity=self.identity,
            connector=self.connector,
            id_token=self.id_token,
            user=self.user,
            started=self.started,
            meter_start=self.meter_start,
            meter_last=self.meter_last,
            ended=self.ended,
            stop_reason=self.stop_reason,
            carried=self.carried,
            charger_id=self.charger_id,
            taken_up=self.taken_up,
            account=self.account(),
        )

    def account(self) -> Account:
        """Return what the session has used, to go on from."""
        return Account(
            register=self.register and self.register.copy(),
            cost=self.cost,
            currency=self.currency,
            unpriced=self.unpriced,
            charging=self.charging,
            peak_power=self.peak_power,
            soc_start=self.soc_start,
            soc_end=self.soc_end,
            replayed=self.replayed,
            hours={
                row.hour: HourShare(row.energy, row.cost, row.unpriced)
                for row in self.hours
            },
        )


class SessionHourRow(Base):
    """What a session used within one hour of the clock."""

    __tablename__ = "session_hours"
    __table_args__ = (
        Index("session_hours_by_hour", "hour"),
        {"sqlite_with_rowid": False},
    )

    session_id: Mapped[int] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    energy: Mapped[float]
    cost: Mapped[float]
    unpriced: Mapped[float]


class SignedValueRow(Base):
    """A signed meter value of a session, as the charger gave it."""

    __tablename__ = "signed_values"
    __table_args__ = (Index("signed_values_by_session", "session_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int]
    value: Mapped[dict[str, Any]]


class MeterRow(Base):
    """Where the meter of a connector stands; the total is its lifetime energy."""

    __tablename__ = "meters"
    __table_args__ = {"sqlite_with_rowid": False}

    identity: Mapped[str] = mapped_column(primary_key=True)
    connector: Mapped[int] = mapped_column(primary_key=True)
    register: Mapped[Register]


class ReplayedRow(Base):
    """Lifetime energy of a connector at a time that nobody listened.

    Kept until the hourly statistics have it.
    """

    __tablename__ = "replayed"
    __table_args__ = {"sqlite_with_rowid": False}

    identity: Mapped[str] = mapped_column(primary_key=True)
    connector: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[datetime] = mapped_column(primary_key=True)
    energy: Mapped[float]


class PriceRow(Base):
    """What a kWh cost from a time on, and until when that is known."""

    __tablename__ = "prices"

    start: Mapped[datetime] = mapped_column(primary_key=True)
    until: Mapped[datetime | None]
    per_kwh: Mapped[float]
    currency: Mapped[str]


class OrphanStopRow(Base):
    """The end of a transaction that this charge point never started here."""

    __tablename__ = "orphan_stops"
    __table_args__ = (
        Index("orphan_stops_by_id", "identity", "transaction_id", "ended"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    identity: Mapped[str]
    # As text: a charger may send any number, of any size.
    transaction_id: Mapped[str]
    ended: Mapped[datetime]
    received_at: Mapped[datetime]
    meter_stop: Mapped[float | None]
    stop_reason: Mapped[str | None]
    id_token: Mapped[str | None]
    raw_stop: Mapped[dict[str, Any]]
