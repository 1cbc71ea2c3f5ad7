"""Charging sessions as they take place on a socket, at whatever time."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import csv
from pathlib import Path

from freezegun.api import FrozenDateTimeFactory

from .common import System
from .csms.common import ENERGY, Charger, Payload, meter_values, sample, stamp

__all__ = ["charge", "charging", "read_csv", "stop"]


async def charge(
    raw: Charger,
    freezer: FrozenDateTimeFactory,
    start: str,
    end: str,
    *,
    connector: int = 1,
    token: str = "CARD1",  # noqa: S107
    energy: float = 1000,
    reason: str = "EVDisconnected",
) -> int:
    """Have a session take place and return its id."""
    freezer.move_to(start)
    transaction = await raw.start(connector, token=token, meter=5000)
    freezer.move_to(end)
    await stop(raw, transaction, 5000 + energy, reason=reason)
    return transaction


async def stop(
    raw: Charger, transaction: int, meter: float, **more: str | Payload
) -> None:
    """End a session."""
    payload = {"transactionId": transaction, "meterStop": meter, "timestamp": stamp()}
    assert await raw.call("StopTransaction", {**payload, **more}) == {}


@asynccontextmanager
async def charging(
    system: System, *, connector: int = 1, meter: float = 5000
) -> AsyncGenerator[tuple[Charger, int]]:
    """Have a session going on that has charged 1.5 kWh."""
    raw = await system.dial()
    transaction = await raw.start(connector, meter=meter)
    values = meter_values(
        sample(str(meter + 1500), ENERGY),
        sample("7400", "Power.Active.Import", unit="W"),
        sample("55", "SoC", unit="Percent"),
        connector=connector,
        transaction=transaction,
    )
    await raw.call("MeterValues", values)
    yield raw, transaction


def read_csv(path: str | Path) -> tuple[list[str], list[dict[str, str]]]:
    """Read a file as a spreadsheet does: its columns and its lines."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert reader.fieldnames
    return list(reader.fieldnames), rows
