"""The central system alone, with nothing of Home Assistant running."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from custom_components.ocpp_central.csms.authorization import Tokens
from custom_components.ocpp_central.csms.capabilities import (
    Capabilities,
    ConfigurationKey,
)
from custom_components.ocpp_central.csms.model import (
    Amendment,
    ChargePointConfig,
    EndedTransaction,
    Transaction,
    TransactionStart,
    TransactionStop,
)
from custom_components.ocpp_central.csms.prices import Prices
from custom_components.ocpp_central.csms.register import Register
from custom_components.ocpp_central.csms.server import CentralSystem

from . import control
from .configuration import MEASURED


class NoLedger:
    """Forgets transactions."""

    async def start(
        self, start: TransactionStart, running: Sequence[Transaction] = ()
    ) -> Transaction:
        """Give every start the same id."""
        return Transaction(
            id=1,
            identity=start.identity,
            connector=start.connector,
            id_token=start.id_token,
            started=datetime.now(UTC),
            meter_start=start.meter_start,
            account=start.account,
            charger_id=start.charger_id,
        )

    async def stop(
        self, stop: TransactionStop, running: Sequence[Transaction] = ()
    ) -> Transaction | None:
        """Know no transaction."""
        return None

    async def amend(self, amendment: Amendment) -> None:
        """Forget it."""

    def end(self, transaction: Transaction) -> None:
        """Forget it."""

    def progress(self, transaction: Transaction) -> None:
        """Forget it."""

    def meter(self, identity: str, connector: int, register: Register) -> None:
        """Forget it."""

    def replay(
        self, identity: str, connector: int, points: Sequence[tuple[datetime, float]]
    ) -> None:
        """Forget it."""

    async def ended_transactions(self, identity: str) -> Sequence[EndedTransaction]:
        """Return none."""
        return ()

    async def meters(self, identity: str) -> Mapping[int, Register]:
        """Know none."""
        return {}

    async def open_transactions(self, identity: str) -> Sequence[Transaction]:
        """Return none."""
        return ()


class NoStore:
    """Forgets what chargers can do."""

    def get(self, model: str) -> Capabilities:
        """Know nothing."""
        return Capabilities()

    def configuration(self, identity: str, model: str) -> dict[str, ConfigurationKey]:
        """Know nothing."""
        return {}

    def set_configuration(
        self, identity: str, model: str, keys: dict[str, ConfigurationKey]
    ) -> None:
        """Forget it."""

    async def save(self) -> None:
        """Have nothing to save."""


class Listener:
    """Stands for an entity: hears that a value changed, and reads it."""

    def __init__(self, read: Any, key: str) -> None:
        """Listen to one value of connector 1."""
        self._read = read
        self._key = key
        self.value: object = None

    def __call__(self) -> None:
        """Take over the value."""
        self.value = self._read(1, self._key)


async def run(options: dict[str, Any]) -> None:
    """Listen, and serve the benchmark."""
    central = CentralSystem(
        ledger=NoLedger(),
        authorizer=Tokens(),
        capabilities=NoStore(),
        prices=Prices(),
    )
    await central.listen("127.0.0.1", options["port"], None)
    before = control.memory()
    for identity in options["identities"]:
        charge_point = await central.add(
            ChargePointConfig(identity=identity, name=identity)
        )
        for key in MEASURED:
            charge_point.subscribe(1, (key,), Listener(charge_point.value, key))
    await control.serve({"rss": before})
    await central.stop()


if __name__ == "__main__":
    given = control.options()
    asyncio.run(run(given))
