"""What the meters of a charge point say: of the moment, of a session, of all time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from .metering import FLOWS, Reading
from .model import STATION, SessionLedger
from .register import Register

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# Samples and transactions are not told in quite the order of their timestamps.
_LATE = timedelta(minutes=2)


class Count(Protocol):
    """Counts a reading, taken at a time of ours, to what it belongs to."""

    def __call__(self, time: datetime, reading: Reading, *, past: bool) -> None:
        """Count it."""


class Meters:
    """The register of each connector, made to one lifetime energy that only grows."""

    def __init__(self, charge_point: ChargePoint, ledger: SessionLedger) -> None:
        """Start without knowledge; `restore` brings what was known before a restart."""
        self._charge_point = charge_point
        self._ledger = ledger
        self._registers: dict[int, Register] = {}
        # Connectors whose samples have a register of their own.
        self._sampled: set[int] = set()
        # A register that began a transaction lower than samples were before.
        self._begun: dict[int, tuple[datetime, float]] = {}

    def restore(self, registers: Mapping[int, Register]) -> None:
        """Take up where the meters stood before a restart."""
        charge_point = self._charge_point
        for connector, register in registers.items():
            if connector in self._registers or not charge_point.add_connector(
                connector
            ):
                continue
            self._registers[connector] = register
            charge_point.update(connector, {"energy": register.total})

    def register(self, connector: int) -> Register | None:
        """Return the register of a connector."""
        return self._registers.get(connector)

    def sample(
        self, connector: int, transaction_id: int | None, readings: Sequence[Reading]
    ) -> None:
        """Take the readings of one message, oldest first."""
        transactions = self._charge_point.transactions
        self.take(
            connector,
            readings,
            partial(transactions.sample, connector, transaction_id),
            over=transactions.has_ended(transaction_id),
        )

    def take(
        self,
        connector: int,
        readings: Sequence[Reading],
        count: Count,
        *,
        over: bool = False,
        past: bool = False,
    ) -> None:
        """Take the readings of one message, and count each to what it belongs to.

        They may be what is measured after a transaction is over, or of the past
        whatever their timestamps say.
        """
        charge_point = self._charge_point
        clock = charge_point.clock
        if not past:
            clock.observe(readings[-1].time)
        live: dict[str, float] = {}
        newest: datetime | None = None
        for reading in readings:
            old = past or clock.is_past(reading.time)
            time = clock.correct(reading.time)
            values = reading.values
            count(time, reading, past=old)
            if connector != STATION and (energy := values.get("energy")) is not None:
                self._sampled.add(connector)
                self._follow(connector, time, energy, power=values.get("power"))
            # Sensors of the moment never show the past.
            if not old:
                live |= values
                newest = time
        if newest is None:
            return
        if connector != STATION:
            live.pop("energy", None)
        # The last samples of a transaction may come after it has ended.
        if over and not charge_point.draws(connector):
            for key in FLOWS:
                live.pop(key, None)
        charge_point.update_samples(connector, Reading(newest, live))

    def begun(self, connector: int, time: datetime, energy: float) -> None:
        """Take the register that begins a transaction."""
        register = self._registers.get(connector)
        if (
            register is None
            or energy >= register.value
            # Told once more, or late: the register has gone on since.
            or register.time - time > _LATE
        ):
            self._follow(connector, time, energy)
            if register and time >= register.time:
                register.confirm(energy)
        elif connector in self._sampled:
            # Samples may count on from before: the next one tells.
            self._begun[connector] = (time, energy)
        else:
            register.restart(time, energy)

    def ended(self, connector: int, time: datetime, energy: float) -> None:
        """Take the register that ends a transaction."""
        register = self._registers.get(connector)
        # It may count from the start of the session where samples do not.
        if not register or energy >= register.value or connector not in self._sampled:
            self._follow(connector, time, energy)

    def _follow(
        self,
        connector: int,
        time: datetime,
        energy: float,
        *,
        power: float | None = None,
    ) -> None:
        charge_point = self._charge_point
        register = self._registers.get(connector)
        if register is None:
            register = Register(value=energy, time=time, total=energy)
            self._registers[connector] = register
        elif time < register.time:
            total = register.total_at(time, energy)
            if total is not None:
                self._ledger.replay(charge_point.identity, connector, [(time, total)])
            return
        else:
            begun = self._begun.pop(connector, None)
            if begun and begun[1] <= energy < register.value:
                register.restart(*begun)
            since, total = register.time, register.total
            moved = register.read(time, energy, power)
            if moved and not charge_point.listened(since):
                self._ledger.replay(
                    charge_point.identity,
                    connector,
                    [(since, total), (time, register.total)],
                )
            if not moved:
                return
        self._ledger.meter(charge_point.identity, connector, register)
        charge_point.update(connector, {"energy": register.total})
