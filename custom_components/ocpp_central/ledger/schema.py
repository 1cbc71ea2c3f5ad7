"""The tables of the ledger. How they came about is in migrations.py."""

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
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from custom_components.ocpp_central.csms.model import Transaction


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


class Base(DeclarativeBase):
    """What the tables have in common."""

    metadata = MetaData()
    type_annotation_map = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON(none_as_null=True),
        str: AnyText,
    }


class TransactionRow(Base):
    """A transaction, refused ones included. Registers are in Wh."""

    __tablename__ = "transactions"
    __table_args__ = (
        Index("transactions_by_start", "identity", "connector", "started"),
        Index(
            "transactions_open",
            "identity",
            "connector",
            sqlite_where=text("ended IS NULL"),
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
    # By the charger's clock, as is `ended` once the charger has told it.
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
    # Ended because the connector began another one. A late StopTransaction
    # corrects the end and leaves the flag.
    inferred: Mapped[bool]
    raw_start: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    raw_stop: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)

    def as_transaction(self) -> Transaction:
        """Return the row as everyone else knows it."""
        return Transaction(
            id=self.id,
            connector=self.connector,
            id_token=self.id_token,
            started=self.started,
            meter_start=self.meter_start,
            meter_last=self.meter_last,
            ended=self.ended,
            stop_reason=self.stop_reason,
            carried=self.carried,
        )


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
