"""What the tests of the ledger share."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
import sqlite3
from typing import Any

from custom_components.ocpp_central.csms.accounting import Account
from custom_components.ocpp_central.csms.model import TransactionStart, TransactionStop
from custom_components.ocpp_central.csms.register import Register

# A day on which the tests take place, and the id that its time stands for.
TODAY = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
FLOOR = int((TODAY - datetime(2020, 1, 1, tzinfo=UTC)).total_seconds())


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        """Start at noon."""
        self.now = TODAY

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def tick(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


def at(minutes: float) -> datetime:
    """Return a time by the charger's clock, counted from noon."""
    return TODAY + timedelta(minutes=minutes)


def a_start(**changes: Any) -> TransactionStart:
    """Return a StartTransaction."""
    values: dict[str, Any] = {
        "identity": "Garage",
        "connector": 1,
        "id_token": "04A2B3",
        "timestamp": at(0),
        "meter_start": 1000.0,
        "authorization": "Accepted",
        "raw": {"connectorId": 1, "idTag": "04A2B3", "vendor": {"x": [1, None]}},
    }
    values |= changes
    if "account" not in values and (meter := values["meter_start"]) is not None:
        register = Register(value=meter, time=values["timestamp"])
        values["account"] = Account(register=register)
    return TransactionStart(**values)


def a_stop(transaction_id: int, **changes: Any) -> TransactionStop:
    """Return a StopTransaction."""
    values: dict[str, Any] = {
        "identity": "Garage",
        "transaction_id": transaction_id,
        "timestamp": at(60),
        "meter_stop": 8000.0,
        "reason": "EVDisconnected",
        "id_token": None,
        "raw": {"transactionId": transaction_id, "meterStop": 8000},
    }
    return TransactionStop(**values | changes)


def rows(
    path: Path, table: str = "transactions", *, order: str = "id"
) -> list[dict[str, Any]]:
    """Read a table the way any other program would."""
    connection = sqlite3.connect(path)
    try:
        connection.row_factory = sqlite3.Row
        query = f"SELECT * FROM {table} ORDER BY {order}"  # noqa: S608 - our own tables
        return [dict(row) for row in connection.execute(query)]
    finally:
        connection.close()
