"""OCPP 2.0.1 and 2.1: transactions, and who may charge."""

from typing import override

from ocpp.v201.enums import Action

from .clock import format_time, parse_time, utcnow
from .connection import Handler, Payload
from .errors import CallError, CommandFailed, CommandRejected, InvalidCommand
from .evses import connector_number, place_of
from .model import (
    STATION,
    Authorization,
    AuthorizationStatus,
    ConnectorStatus,
    Transaction,
)
from .payloads import member, number, text
from .transaction_event import EventType, Outcome, TransactionEvent
from .v2_base import Base2, MessagesBase2
from .v2_metering import read_meter_values_2
from .v2_tokens import LONGEST, group_of, token_of

_KINDS = {kind.value.casefold(): kind for kind in EventType}
_STATES = {
    "charging": ConnectorStatus.CHARGING,
    "suspendedev": ConnectorStatus.SUSPENDED_EV,
    "suspendedevse": ConnectorStatus.SUSPENDED_EVSE,
    "evconnected": ConnectorStatus.PREPARING,
    # Waits for a car to be plugged in.
    "idle": ConnectorStatus.PREPARING,
}
_REASONS = {
    "deauthorized": "deauthorized",
    "emergencystop": "emergency_stop",
    "energylimitreached": "energy_limit_reached",
    "evdisconnected": "ev_disconnected",
    "groundfault": "ground_fault",
    "immediatereset": "immediate_reset",
    "local": "local",
    "localoutofcredit": "local_out_of_credit",
    "masterpass": "master_pass",
    "other": "other",
    "overcurrentfault": "overcurrent_fault",
    "powerloss": "power_loss",
    "powerquality": "power_quality",
    "reboot": "reboot",
    "remote": "remote",
    "soclimitreached": "soc_limit_reached",
    "stoppedbyev": "stopped_by_ev",
    "timelimitreached": "time_limit_reached",
    "timeout": "timeout",
    "costlimitreached": "cost_limit_reached",
    "reqenergytransferrejected": "energy_transfer_rejected",
}


class TransactionMessages2(MessagesBase2):
    """The messages about transactions, and who may charge."""

    # The token last told as an event, and how it was answered: what it starts is the
    # same visit.
    _shown: tuple[str, AuthorizationStatus] | None = None

    @property
    @override
    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers,
            Action.authorize: self._on_authorize,
            Action.meter_values: self._on_meter_values,
            Action.transaction_event: self._on_transaction_event,
        }

    def _on_authorize(self, payload: Payload) -> Payload:
        """Authorize (C01)."""
        token = text(member(payload, "idToken"), "idToken")
        answer = self._charge_point.access.authorize(token)
        self._tell_token(STATION, token, answer)
        self._shown = (token, answer.status)
        response: Payload = {"idTokenInfo": self._id_token_info(answer)}
        if payload.get("certificate") or payload.get("iso15118CertificateHashData"):
            # Nobody here can tell whether a contract is good.
            response["certificateStatus"] = "NoCertificateAvailable"
        return response

    def _on_meter_values(self, payload: Payload) -> Payload:
        """MeterValues (J01), for what is no part of a transaction."""
        charge_point = self._charge_point
        evse = number(payload, "evseId")
        connector = connector_number(evse, None)
        readings, _ = read_meter_values_2(payload.get("meterValue"))
        if connector is None or not readings:
            return {}
        for one in charge_point.connectors:
            if place_of(one)[0] == evse and charge_point.transactions.at(one):
                connector = one
        if connector == STATION or charge_point.add_connector(connector):
            charge_point.meters.sample(connector, None, readings)
        return {}

    async def _on_transaction_event(self, payload: Payload) -> Payload:
        """TransactionEvent (E01 to E15)."""
        event = _event(payload)
        charge_point = self._charge_point
        ours = charge_point.access.is_ours(event.id_token or "")
        outcome = await charge_point.transaction_events.take(event)
        if event.id_token is not None and outcome.answer:
            # A charger that knows the card starts without asking first.
            shown = (event.id_token, outcome.answer.status) == self._shown
            if outcome.fresh and not ours and not shown:
                self._tell_token(
                    outcome.connector, event.id_token, outcome.answer, past=outcome.past
                )
            self._shown = None
        if (reservation_id := number(payload, "reservationId")) is not None:
            charge_point.reservations.used(reservation_id)
        return self._response(event, outcome)

    def _response(self, event: TransactionEvent, outcome: Outcome) -> Payload:
        response: Payload = {}
        if outcome.answer:
            response["idTokenInfo"] = self._id_token_info(outcome.answer)
        transaction = outcome.transaction
        if transaction is None:
            return response
        over = event.kind is EventType.ENDED
        cost = self._charge_point.transactions.cost(transaction)
        # 2.0.1 knows no cost of what goes on but by CostUpdated.
        if cost is not None and (over or self.version != "2.0.1"):
            response["totalCost"] = round(cost, 2)
        if not over and self.version != "2.0.1":
            if limit := self._limit(transaction):
                response["transactionLimit"] = limit
        return response

    def _limit(self, transaction: Transaction) -> Payload:
        """Return what a transaction may come to (2.1, E16)."""
        wishes = self._charge_point.wishes.connectors.get(transaction.connector)
        budget = wishes.budget if wishes else None
        if budget is None:
            return {}
        limit: Payload = {}
        if budget.cost is not None:
            limit["maxCost"] = budget.cost
        if budget.energy is not None:
            limit["maxEnergy"] = budget.energy
        if budget.seconds is not None:
            limit["maxTime"] = int(budget.seconds)
        return limit

    def _id_token_info(self, answer: Authorization) -> Payload:
        """Return an answer about a token as chargers read it."""
        unknown = answer.status is AuthorizationStatus.INVALID and answer.token is None
        info: Payload = {"status": "Unknown" if unknown else answer.status.value}
        group = answer.group
        if group and len(group) <= LONGEST[self.version]:
            info["groupIdToken"] = group_of(group)
        if answer.token and answer.token.expires:
            info["cacheExpiryDateTime"] = format_time(answer.token.expires)
        return info


class Transactions2(Base2):
    """The commands about transactions, and who may charge."""

    async def start_transaction(
        self, connector: int, id_token: str, profile: Payload | None = None
    ) -> Payload:
        """RequestStartTransaction (F01)."""
        access = self._charge_point.access
        payload: Payload = {
            "remoteStartId": access.number_request(id_token),
            "idToken": token_of(id_token),
        }
        if connector != STATION:
            payload["evseId"] = place_of(connector)[0]
        if profile:
            payload["chargingProfile"] = profile
        access.request(id_token, connector)
        try:
            return await self._command(Action.request_start_transaction, payload)
        except CommandRejected, CommandFailed, InvalidCommand:
            access.refused(connector)
            raise

    async def stop_transaction(self, transaction_id: int | str) -> Payload:
        """RequestStopTransaction (F03)."""
        return await self._command(
            Action.request_stop_transaction, {"transactionId": str(transaction_id)}
        )

    async def get_transaction_status(self, transaction_id: str) -> Payload:
        """GetTransactionStatus (E14)."""
        return await self._command(
            Action.get_transaction_status, {"transactionId": transaction_id}
        )


def _event(payload: Payload) -> TransactionEvent:
    """Read a TransactionEvent, as leniently as can be."""
    info = member(payload, "transactionInfo")
    charger_id = text(info, "transactionId")
    kind = _KINDS.get(text(payload, "eventType").casefold())
    # Empty it is an id like any other.
    if info.get("transactionId") is None:
        raise CallError("OccurrenceConstraintViolation", "transactionId")
    if kind is None:
        raise CallError("PropertyConstraintViolation", "eventType")
    evse = member(payload, "evse")
    trigger = text(payload, "triggerReason").casefold()
    begins = kind is EventType.STARTED
    readings, begun = read_meter_values_2(payload.get("meterValue"), begins=begins)
    energies = [
        reading.values["energy"] for reading in readings if "energy" in reading.values
    ]
    if begun is None and begins and energies:
        begun = energies[0]
    reason = text(info, "stoppedReason")
    return TransactionEvent(
        kind=kind,
        charger_id=charger_id,
        timestamp=parse_time(payload.get("timestamp")) or utcnow(),
        sequence=number(payload, "seqNo") or 0,
        trigger=trigger,
        offline=str(payload.get("offline")).casefold() == "true",
        evse=number(evse, "id"),
        on_evse=number(evse, "connectorId"),
        id_token=(
            text(member(payload, "idToken"), "idToken")
            if isinstance(payload.get("idToken"), dict)
            else None
        ),
        stops=trigger == "stopauthorized",
        state=_STATES.get(text(info, "chargingState").casefold()),
        # Left out, the reason is Local.
        reason=_REASONS.get(reason.casefold(), "other") if reason else "local",
        remote_start_id=number(info, "remoteStartId"),
        meter_start=begun,
        meter_stop=energies[-1] if energies and kind is EventType.ENDED else None,
        readings=readings,
        raw=payload,
    )
