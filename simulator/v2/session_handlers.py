"""Requests about transactions and tokens."""

from .connection import Connection2, Refused, serves
from .schemas import Payload


class SessionHandlers(Connection2):
    """Serves the requests about transactions and tokens."""

    @serves("RequestStartTransaction")
    def on_request_start_transaction(self, payload: Payload) -> Payload:
        """Accept if a transaction could begin (F01, F02)."""
        charger = self._charger
        profile = payload.get("chargingProfile")
        if profile is not None:
            if profile["chargingProfilePurpose"] != "TxProfile":
                raise Refused("PropertyConstraintViolation", "only a TxProfile will do")
            if "transactionId" in profile:
                raise Refused(
                    "PropertyConstraintViolation", "nobody knows the transaction yet"
                )
        evse_id = payload.get("evseId")
        if evse_id is not None and evse_id < 1:
            raise Refused("PropertyConstraintViolation", f"there is no EVSE {evse_id}")
        start = None
        if charger.accepted:
            start = charger.sessions.remote_start(
                evse_id,
                payload["idToken"],
                payload.get("groupIdToken"),
                payload["remoteStartId"],
                profile,
            )
        if start is None:
            return {"status": "Rejected"}
        evse, begin = start
        self.then(begin)
        answer: Payload = {"status": "Accepted"}
        if evse.transaction is not None:
            answer["transactionId"] = evse.transaction.id
        return answer

    @serves("RequestStopTransaction")
    def on_request_stop_transaction(self, payload: Payload) -> Payload:
        """Accept if that transaction is running (F03)."""
        end = None
        if self._charger.accepted:
            end = self._charger.sessions.remote_stop(payload["transactionId"])
        if end is None:
            return {"status": "Rejected"}
        self.then(end)
        return {"status": "Accepted"}

    @serves("GetTransactionStatus")
    def on_get_transaction_status(self, payload: Payload) -> Payload:
        """Tell whether a transaction runs, and whether anything about it waits (E14)."""
        charger = self._charger
        transaction_id = payload.get("transactionId")
        if transaction_id is None:
            return {"messagesInQueue": bool(charger.events.waiting(None))}
        return {
            "ongoingIndicator": charger.sessions.find(transaction_id) is not None,
            "messagesInQueue": bool(charger.events.waiting(transaction_id)),
        }

    @serves("CostUpdated")
    def on_cost_updated(self, payload: Payload) -> Payload:
        """Show the driver what it costs so far (I02)."""
        evse = self._charger.sessions.find(payload["transactionId"])
        if evse is None or evse.transaction is None:
            self._charger.violated(
                f"CostUpdated: there is no transaction {payload['transactionId']}"
            )
            return {}
        evse.transaction.cost = float(payload["totalCost"])
        self.then(self._charger.station.update)
        return {}

    @serves("ClearCache")
    def on_clear_cache(self, payload: Payload) -> Payload:
        """Forget the authorizations learnt so far (C11)."""
        if not self._charger.variables.truth("AuthCacheCtrlr.Enabled"):
            return {"status": "Rejected"}
        self._charger.tokens.clear()
        return {"status": "Accepted"}
