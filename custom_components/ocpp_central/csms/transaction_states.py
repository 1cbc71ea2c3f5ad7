"""What connectors do by what OCPP 2.x tells of them, and of their transactions."""

import asyncio
from typing import TYPE_CHECKING

from .model import ConnectorStatus, Transaction

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# How a transaction ends that goes on with the next one.
_INTERRUPTED = frozenset({"power_loss", "reboot", "immediate_reset"})
# What a connector says by itself, whatever its transaction does.
_OF_CONNECTOR = frozenset(
    {
        ConnectorStatus.AVAILABLE,
        ConnectorStatus.RESERVED,
        ConnectorStatus.UNAVAILABLE,
        ConnectorStatus.FAULTED,
    }
)


class TransactionStates:
    """What each connector says by itself, and what its transaction does."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Know nothing yet."""
        self._charge_point = charge_point
        # What connectors last said by themselves.
        self._reported: dict[int, ConnectorStatus] = {}
        # What the transaction of each connector last did, by our id.
        self._states: dict[int, tuple[int, ConnectorStatus]] = {}
        # Connectors that the past was told of, until it is known to be the newest.
        self._unsettled: set[int] = set()

    def is_occupied(self, connector: int) -> bool:
        """Return whether a connector last said no more than that."""
        return self._reported.get(connector) is ConnectorStatus.OCCUPIED

    def report(self, connector: int, reported: ConnectorStatus) -> ConnectorStatus:
        """Return what a connector does, that says something by itself."""
        self._reported[connector] = reported
        if reported is not ConnectorStatus.OCCUPIED:
            return reported
        current = self._charge_point.status(connector)
        if transaction := self._charge_point.transactions.at(connector):
            if state := self._state(transaction):
                return state
            # Its transaction is from before a restart, and says more soon.
            return reported if current in _OF_CONNECTOR else current or reported
        return current if current is ConnectorStatus.FINISHING else reported

    def tell(
        self,
        connector: int,
        transaction_id: int,
        state: ConnectorStatus | None,
        *,
        past: bool,
        reason: str,
    ) -> None:
        """Take what a transaction does, or None at its end, and for what reason.

        Of the past, it is shown once nothing newer has come.
        """
        if state is None:
            self._states.pop(connector, None)
        else:
            self._states[connector] = (transaction_id, state)
        if not past:
            self._unsettled.discard(connector)
            self.settle(connector, reason)
        elif connector not in self._unsettled:
            self._unsettled.add(connector)
            self._charge_point.run(
                self._settle_later(connector, reason), "settle a status"
            )

    async def _settle_later(self, connector: int, reason: str) -> None:
        await asyncio.sleep(self._charge_point.timing.quiet)
        if connector in self._unsettled:
            self._unsettled.discard(connector)
            self.settle(connector, reason)

    def settle(self, connector: int, reason: str) -> None:
        """Show what a connector does, by its transaction or without one."""
        reported = self._reported.get(connector)
        status: ConnectorStatus | None
        if transaction := self._charge_point.transactions.at(connector):
            status = self._state(transaction)
        elif reported in _OF_CONNECTOR:
            status = reported
        elif reason in _INTERRUPTED:
            status = ConnectorStatus.OCCUPIED
        else:
            status = ConnectorStatus.FINISHING
        if status is not None:
            self._charge_point.update_status(connector, status)

    def _state(self, transaction: Transaction) -> ConnectorStatus | None:
        number, state = self._states.get(transaction.connector, (None, None))
        return state if number == transaction.id else None
