"""Requests about batteries, networks, costs and payments (OCPP 2.x, B, C, I, S)."""

from datetime import timedelta

from .charging_handlers import refusal
from .connection import Connection2, serves
from .schemas import Payload


class OtherHandlers(Connection2):
    """Serves what belongs to nothing else."""

    @serves("SetNetworkProfile")
    def on_set_network_profile(self, payload: Payload) -> Payload:
        """Remember how to connect some time (B09)."""
        charger, data = self._charger, payload["connectionData"]
        if str(payload["configurationSlot"]) not in charger.slots:
            return refusal("Rejected", "InvalidValue")
        if data["ocppTransport"] != "JSON":
            return refusal("Rejected", "UnsupportedParam")
        present = charger.variables.integer("SecurityCtrlr.SecurityProfile")
        if data["securityProfile"] < present:
            # It may only be raised (B09.FR.04).
            charger.violated("SetNetworkProfile: less security than now (B09.FR.04)")
            return refusal("Rejected", "NoSecurityDowngrade")
        if not data["ocppCsmsUrl"].startswith(("ws://", "wss://")):
            return refusal("Rejected", "InvalidURL")
        charger.network_profiles[payload["configurationSlot"]] = data
        return {"status": "Accepted"}

    @serves("CostUpdated")
    def on_cost_updated(self, payload: Payload) -> Payload:
        """Show what it has cost so far (I02)."""
        for evse in self._charger.station.busy:
            transaction = evse.transaction
            if transaction is not None and transaction.id == payload["transactionId"]:
                transaction.cost = payload["totalCost"]
                return {}
        self._charger.violated("CostUpdated: no such transaction")
        return {}

    @serves("RequestBatterySwap")
    def on_request_battery_swap(self, payload: Payload) -> Payload:
        """Give somebody a full battery for an empty one (S03)."""
        charger = self._charger
        if not charger.batteries:
            return refusal("Rejected", "NoBatteryAvailable")
        self.then(lambda: charger.swap(payload["requestId"], payload["idToken"]))
        return {"status": "Accepted"}

    @serves("NotifyWebPaymentStarted")
    def on_notify_web_payment_started(self, payload: Payload) -> Payload:
        """Hear that somebody is paying on the web for an EVSE (2.1, C25)."""
        charger, evse = self._charger, payload["evseId"]
        if charger.station.evse(evse) is None:
            charger.violated("NotifyWebPaymentStarted: there is no such EVSE")
            return {}
        charger.paying[evse] = charger.clock.now() + timedelta(
            seconds=payload["timeout"]
        )
        return {}
