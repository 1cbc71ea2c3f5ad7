"""Who gets to charge at one charge point, and cars that need not ask."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
import logging
from typing import TYPE_CHECKING

from .authorization import without_serial
from .clock import utcnow
from .errors import CommandRejected, ConnectionLost, NotConnected
from .model import (
    AccessMode,
    Authorization,
    AuthorizationStatus,
    Authorizer,
    ConnectorStatus,
    Transaction,
    mask_token,
)

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_LOGGER = logging.getLogger(__name__)

# What a connector says with no car at it. Out of service or in trouble, it may be there.
_UNPLUGGED = frozenset({ConnectorStatus.AVAILABLE, ConnectorStatus.RESERVED})
# What it says with a car that has not begun (2.x says no more than the latter).
_PLUGGED = frozenset({ConnectorStatus.PREPARING, ConnectorStatus.OCCUPIED})
# How a transaction ends that nobody wanted to end.
_MISHAPS = frozenset(
    {"power_loss", "reboot", "hard_reset", "soft_reset", "immediate_reset"}
)
# Numbers of requests count from 2020, and are known until so many have followed.
_EPOCH = 1577836800
_MOST_ASKED = 20


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
        # Whether a token is in the local list that the charger was given.
        self.is_listed: Callable[[str], bool] = lambda _: False
        # By connector, the token that we have asked the charger to start with, and
        # the one that it then did start with.
        self._requested: dict[int, str] = {}
        self._granted: dict[int, str] = {}
        # By the number of the request, where there is one (OCPP 2.x).
        self._asked: dict[int, str] = {}
        # Connectors whose car has been started, or has charged by itself: each is
        # started once, for whoever stops it has meant it.
        self._served: set[int] = set()
        # Those of them that are about to be started.
        self._waiting: set[int] = set()

    @property
    def mode(self) -> AccessMode:
        """Return who may charge."""
        return self._charge_point.wishes.access_mode

    def set_mode(self, mode: AccessMode) -> None:
        """Set who may charge from now on."""
        self._charge_point.wishes.access_mode = mode
        self._charge_point.wishes_changed()
        for connector in self._charge_point.connectors:
            self.look(connector)

    # Tokens

    def authorize(
        self,
        id_token: str,
        connector: int | None = None,
        *,
        at: datetime | None = None,
        concurrent: bool = True,
    ) -> Authorization:
        """Return the answer for a token shown here, or that starts a connector.

        `at` is when, if not now; `concurrent` whether it matters that the token is in
        use: not for what ends a transaction, nor for what has happened already.
        """
        answer = replace(
            self._authorizer.authorize(id_token, self.mode, at),
            listed=self.is_listed(id_token),
        )
        # A charger may ask for the token as well when it ends, or once more.
        if self.is_ours(id_token) or self._is_among(id_token, self._granted.values()):
            return replace(answer, status=AuthorizationStatus.ACCEPTED)
        identity = self._charge_point.identity.casefold()
        if (
            answer.status is AuthorizationStatus.ACCEPTED
            and concurrent
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

    def request(self, id_token: str, connector: int) -> None:
        """Take note that the charger is asked to start a connector with a token."""
        self._requested[connector] = id_token
        self._waiting.discard(connector)
        self._served.add(connector)

    def number_request(self, id_token: str) -> int:
        """Return a number that no request before had, to be recognised by."""
        last = next(reversed(self._asked), 0)
        number = max(last + 1, int(utcnow().timestamp()) - _EPOCH)
        self._asked[number] = id_token
        while len(self._asked) > _MOST_ASKED:
            del self._asked[next(iter(self._asked))]
        return number

    def asked(self, number: int | None) -> str | None:
        """Return the token that the charger was asked to start with by a number."""
        return None if number is None else self._asked.get(number)

    def refused(self, connector: int) -> None:
        """Take note that the charger will not start a connector."""
        self._requested.pop(connector, None)

    def is_ours(self, id_token: str) -> bool:
        """Return whether a token is what we ask the charger to start with."""
        remote_tag = self._charge_point.config.remote_tag
        return self._is_among(id_token, (remote_tag, *self._requested.values()))

    def _is_among(self, id_token: str, tokens: Iterable[str]) -> bool:
        return any(self._authorizer.same(id_token, token) for token in tokens)

    def started(self, id_token: str, connector: int) -> None:
        """Take note that a transaction has started: the next one asks anew."""
        same = self._authorizer.same
        asked = [
            number for number, token in self._requested.items() if same(id_token, token)
        ]
        for number in asked:
            del self._requested[number]
        if asked:
            self._granted[connector] = id_token
        elif not same(id_token, self._granted.get(connector, id_token)):
            del self._granted[connector]

    def name_of(self, id_token: str) -> str:
        """Return what to call a token where everybody may see it."""
        known = self._authorizer.find(id_token)
        return known.name if known else mask_token(id_token)

    def shown_unknown(self, id_token: str) -> None:
        """Take note of a token that somebody has shown and nobody knows."""
        charge_point = self._charge_point
        # Strangers may make up what they want.
        if charge_point.claimed:
            serial = charge_point.info.serial if charge_point.info else None
            self._authorizer.shown(
                charge_point.identity, without_serial(id_token, serial)
            )

    # Cars that need not ask

    def update_status(self, connector: int, status: ConnectorStatus) -> None:
        """Start a car that waits, where a car that is plugged in is to be charged."""
        if status in _UNPLUGGED:
            self._set_stopped(connector, stopped=False)
            self._served.discard(connector)
            self._waiting.discard(connector)
            self._granted.pop(connector, None)
        elif self.runs(connector):
            self._set_stopped(connector, stopped=False)
            self._served.add(connector)
        else:
            self.look(connector)

    def ended(self, transaction: Transaction) -> None:
        """Take note that a transaction has ended, and whether for good."""
        connector, reason = transaction.connector, transaction.stop_reason
        # What ended before it had charged may end so again.
        if reason == "ev_disconnected" or (reason in _MISHAPS and transaction.energy):
            # A car that waits now is another one, or waits to go on.
            self._served.discard(connector)
            self.look(connector)
        elif (
            reason
            and self.mode is AccessMode.PLUG_AND_CHARGE
            and self._charge_point.status(connector) not in _UNPLUGGED
        ):
            self._set_stopped(connector, stopped=True)

    def look(self, connector: int) -> None:
        """Look whether a car waits that is to be started."""
        charge_point = self._charge_point
        if (
            self._is_due(connector)
            and connector not in self._served
            and not charge_point.wish(connector).stopped
            and charge_point.claimed
            and charge_point.connected
        ):
            self._served.add(connector)
            self._waiting.add(connector)
            charge_point.run(self._start(connector), "start the car")

    def _is_due(self, connector: int) -> bool:
        charge_point = self._charge_point
        return (
            self.mode is AccessMode.PLUG_AND_CHARGE
            and charge_point.status(connector) in _PLUGGED
            and not charge_point.wish(connector).paused
            and not self.runs(connector)
        )

    def runs(self, connector: int) -> bool:
        """Return whether a transaction runs, and not only waits to be authorized."""
        transaction = self._charge_point.transactions.at(connector)
        return transaction is not None and not (
            transaction.awaits_token
            and self._charge_point.status(connector) in _PLUGGED
        )

    async def _start(self, connector: int) -> None:
        charge_point = self._charge_point
        # Some chargers break when they are told anything before they are ready.
        await charge_point.bring_up.ended()
        if connector not in self._waiting:
            return
        self._waiting.discard(connector)
        if not self._is_due(connector):
            self._served.discard(connector)
            return
        try:
            await charge_point.commands.start_transaction(
                connector, charge_point.config.remote_tag
            )
        except CommandRejected:
            # It may have started the car by itself meanwhile.
            if not self.runs(connector):
                raise
        except ConnectionLost:
            # It may be what took the charger down, so it is not tried again.
            _LOGGER.warning(
                "%s dropped its connection when it was to start the car at"
                " connector %s",
                charge_point.identity,
                connector,
            )
        except NotConnected:
            # It tells of the car again when it is back.
            self._served.discard(connector)

    def _set_stopped(self, connector: int, *, stopped: bool) -> None:
        """Keep, over a restart as well, that a car is not to be started again."""
        wishes = self._charge_point.wishes.connectors.get(connector)
        if stopped != (wishes is not None and wishes.stopped):
            self._charge_point.wish(connector).stopped = stopped
            self._charge_point.wishes_changed()
