"""Who gets to charge at one charge point, and cars that need not ask."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from .model import (
    AccessMode,
    Authorization,
    AuthorizationStatus,
    Authorizer,
    ConnectorStatus,
    Transaction,
)

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# What a connector says with no car at it.
_UNPLUGGED = frozenset(
    {
        ConnectorStatus.AVAILABLE,
        ConnectorStatus.UNAVAILABLE,
        ConnectorStatus.RESERVED,
        ConnectorStatus.FAULTED,
    }
)


class Access:
    """Answers for tokens shown at a charge point, by its access mode."""

    def __init__(
        self,
        charge_point: ChargePoint,
        authorizer: Authorizer,
        charging: Callable[[str], Iterable[Transaction]],
    ) -> None:
        """Take who knows tokens, and what tells where one is charging."""
        self._charge_point = charge_point
        self._authorizer = authorizer
        self._charging = charging
        # Tokens that we have asked the charger to start with.
        self._requested: set[str] = set()
        # Connectors whose car has been started, or has charged by itself: each is
        # started once, for whoever stops it has meant it.
        self._served: set[int] = set()

    @property
    def mode(self) -> AccessMode:
        """Return who may charge."""
        return self._charge_point.wishes.access_mode

    def set_mode(self, mode: AccessMode) -> None:
        """Set who may charge from now on."""
        self._charge_point.wishes.access_mode = mode
        self._charge_point.wishes_changed()
        for connector in self._charge_point.connectors:
            self.update_status(connector, self._charge_point.status(connector))

    def authorize(self, id_token: str, connector: int | None = None) -> Authorization:
        """Return the answer for a token shown here, or that starts a connector."""
        if self.is_ours(id_token):
            return Authorization(AuthorizationStatus.ACCEPTED)
        answer = self._authorizer.authorize(id_token, self.mode)
        identity = self._charge_point.identity.casefold()
        if (
            answer.status is AuthorizationStatus.ACCEPTED
            and self._authorizer.one_session_each
            and any(
                transaction.identity.casefold() != identity
                # Whoever shows the token here once more may want to end it.
                or (connector is not None and transaction.connector != connector)
                for transaction in self._charging(id_token)
            )
        ):
            return replace(answer, status=AuthorizationStatus.CONCURRENT)
        return answer

    def request(self, id_token: str) -> None:
        """Take note of a token that the charger was asked to start with."""
        self._requested.add(id_token)

    def is_ours(self, id_token: str) -> bool:
        """Return whether we have asked the charger to start with a token."""
        remote_tag = self._charge_point.config.remote_tag
        return id_token == remote_tag or id_token in self._requested

    def started(self, id_token: str) -> None:
        """Take note that a transaction has started: the next one asks anew."""
        self._requested.discard(id_token)

    def shown_unknown(self, id_token: str) -> None:
        """Take note of a token that somebody has shown and nobody knows."""
        self._authorizer.shown(self._charge_point.identity, id_token)

    def update_status(self, connector: int, status: ConnectorStatus | None) -> None:
        """Start a car that waits, where a car that is plugged in is to be charged."""
        charge_point = self._charge_point
        if status in _UNPLUGGED:
            self._served.discard(connector)
        elif charge_point.transactions.at(connector):
            self._served.add(connector)
        elif (
            status is ConnectorStatus.PREPARING
            and connector not in self._served
            and charge_point.claimed
            and charge_point.connected
            and self.mode is AccessMode.PLUG_AND_CHARGE
        ):
            self._served.add(connector)
            charge_point.run(self._start(connector), "start the car")

    async def _start(self, connector: int) -> None:
        charge_point = self._charge_point
        # Some chargers break when they are told anything before they are ready.
        await charge_point.bring_up.ended()
        if not charge_point.transactions.at(connector):
            await charge_point.commands.start_transaction(
                connector, charge_point.config.remote_tag
            )
