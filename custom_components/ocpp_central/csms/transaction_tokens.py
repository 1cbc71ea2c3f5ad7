"""Whose a transaction of OCPP 2.x is, and who ends it."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from .authorization import authorized_by
from .model import (
    Amendment,
    Authorization,
    AuthorizationStatus,
    AuthorizedBy,
    SessionLedger,
)
from .transaction_event import EventType, Known, TransactionEvent

if TYPE_CHECKING:
    from .charge_point import ChargePoint


class TransactionTokens:
    """Answers for the tokens of transactions, and keeps whose those are."""

    def __init__(self, charge_point: ChargePoint, ledger: SessionLedger) -> None:
        """Serve one charge point."""
        self._charge_point = charge_point
        self._ledger = ledger

    def token(self, event: TransactionEvent) -> str | None:
        """Return whose transaction an event tells of."""
        if event.id_token is None or event.stops:
            return self._charge_point.access.asked(event.remote_start_id)
        return event.id_token

    def authorize(
        self, event: TransactionEvent, connector: int, at: datetime, *, past: bool
    ) -> tuple[Authorization | None, AuthorizedBy]:
        """Return the answer about the token of a transaction, and who allows it."""
        token = self.token(event)
        if token is None:
            return None, AuthorizedBy.NONE
        access = self._charge_point.access
        answer = access.authorize(
            token, connector or None, at=at if past else None, concurrent=not past
        )
        asked = access.asked(event.remote_start_id)
        if asked is not None:
            # Asked for by us, it may.
            answer = replace(answer, status=AuthorizationStatus.ACCEPTED)
        remote = asked is not None or access.is_ours(token)
        return answer, authorized_by(token, answer, offline=past, remote=remote)

    def authorize_stop(self, event: TransactionEvent) -> Authorization | None:
        """Return the answer about the token of who ends a transaction."""
        if event.id_token is None:
            return None
        return self._charge_point.access.authorize(event.id_token, concurrent=False)

    async def take(
        self, event: TransactionEvent, known: Known, *, past: bool
    ) -> Authorization | None:
        """Answer a token told in the middle, and keep whose the transaction is."""
        transaction = known.transaction
        if event.stops or event.kind is EventType.ENDED:
            known.stop_token = event.id_token
            return self.authorize_stop(event)
        at = self._charge_point.clock.correct(event.timestamp)
        answer, by = self.authorize(event, known.connector, at, past=past)
        if (
            answer is None
            or transaction is None
            or transaction.id_token is not None
            or answer.status is not AuthorizationStatus.ACCEPTED
        ):
            return answer
        await self._ledger.amend(
            Amendment(
                transaction_id=known.id,
                id_token=event.id_token,
                user=answer.user,
                group=answer.group,
                authorized_by=by,
            )
        )
        transaction.id_token = event.id_token
        transaction.user = answer.user
        self._charge_point.transactions.named(transaction)
        return answer
