"""Requests about the station, its connectors and its messages."""

from collections.abc import Callable

from .connection import Connection2, Refused, serves, triggers
from .schemas import Payload
from .station import Connector2, Evse, Place


class StationHandlers(Connection2):
    """Serves the requests about the station, its connectors and its messages."""

    # Resets

    @serves("Reset")
    def on_reset(self, payload: Payload) -> Payload:
        """Restart, politely or not, all of it or one EVSE (B11, B12)."""
        if (evse_id := payload.get("evseId")) is not None:
            return self._reset_evse(evse_id, payload["type"])
        charger = self._charger
        if payload["type"] == "OnIdle" and charger.station.busy:
            self.then(lambda: charger.reset_when_idle(0))
            return {"status": "Scheduled"}
        if payload["type"] == "ImmediateAndResume":
            restart = charger.restart_and_resume("RemoteReset")
        else:
            restart = charger.restart("ImmediateReset", "RemoteReset")
        self.then(lambda: charger.activity.spawn(restart))
        return {"status": "Accepted"}

    def _reset_evse(self, evse_id: int, kind: str) -> Payload:
        charger = self._charger
        evse = charger.station.evse(evse_id)
        if evse is None or not charger.variables.truth(f"EVSE@{evse_id}.AllowReset"):
            return {"status": "Rejected"}
        if kind == "ImmediateAndResume":
            return {
                "status": "Rejected",
                "statusInfo": {"reasonCode": "UnsupportedParam"},
            }
        if kind == "OnIdle" and evse.transaction is not None:
            self.then(lambda: charger.reset_when_idle(evse_id))
            return {"status": "Scheduled"}
        self.then(lambda: charger.reset_evse(evse))
        return {"status": "Accepted"}

    # Connectors

    @serves("ChangeAvailability")
    def on_change_availability(self, payload: Payload) -> Payload:
        """Put a part of the station in or out of service, after its transactions (G03, G04)."""
        station = self._charger.station
        place: Place
        if (evse := payload.get("evse")) is None:
            place, concerned = station.main, station.evses
        elif (found := self._evse(evse)) is None:
            return {"status": "Rejected"}
        else:
            concerned = [found]
            place = found
            if "connectorId" in evse:
                connector = self._connector(evse)
                if connector is None:
                    return {"status": "Rejected"}
                place = connector
                if found.active is not connector:
                    concerned = []
        operative = payload["operationalStatus"] == "Operative"
        place.operative = operative
        self.then(station.update)
        if not operative and any(each.transaction is not None for each in concerned):
            return {"status": "Scheduled"}
        return {"status": "Accepted"}

    @serves("UnlockConnector")
    def on_unlock_connector(self, payload: Payload) -> Payload:
        """Let go of the plug, unless somebody charges (F05)."""
        connector = self._charger.station.connector(
            payload["evseId"], payload["connectorId"]
        )
        if connector is None:
            return {"status": "UnknownConnector"}
        evse = connector.evse
        if evse.active is connector and evse.transaction is not None:
            if evse.authorization is not None:
                return {"status": "OngoingAuthorizedTransaction"}
        return {"status": "UnlockFailed" if connector.stuck else "Unlocked"}

    def _evse(self, evse: Payload) -> Evse | None:
        return self._charger.station.evse(evse["id"])

    def _connector(self, evse: Payload) -> Connector2 | None:
        return self._charger.station.connector(evse["id"], evse["connectorId"])

    # Messages

    @serves("TriggerMessage")
    def on_trigger_message(self, payload: Payload) -> Payload:
        """Send what was asked for, even while registration is pending (F06)."""
        link = self._charger.link
        if link.refused and payload["requestedMessage"] != "BootNotification":
            raise Refused("SecurityError", "nothing else is to be asked while rejected")
        status, work = self._triggered(payload)
        if work is not None:
            self.then(work)
        return {"status": status}

    @triggers("BootNotification")
    def trigger_boot(self, payload: Payload) -> Callable[[], None] | None:
        """Register again, unless registered."""
        charger = self._charger
        if charger.accepted:
            return None
        return lambda: _ignore(
            charger.outbox.put(
                "BootNotification",
                charger.boot_payload("Triggered"),
                triggered=True,
                answered=charger.link.registration,
            )
        )

    @triggers("Heartbeat")
    def trigger_heartbeat(self, payload: Payload) -> Callable[[], None]:
        """Give a sign of life."""
        outbox = self._charger.outbox
        return lambda: _ignore(outbox.put("Heartbeat", {}, triggered=True))

    @triggers("StatusNotification")
    def trigger_status(self, payload: Payload) -> Callable[[], None] | None:
        """Tell the status of one connector; it has to be named (F06.FR.12)."""
        evse = payload.get("evse")
        if evse is None or "connectorId" not in evse:
            return None
        if (connector := self._connector(evse)) is None:
            return None
        return lambda: self._charger.report(connector, triggered=True)

    @triggers("MeterValues")
    def trigger_meter_values(self, payload: Payload) -> Callable[[], None] | None:
        """Tell what the meters show."""
        return self._each(payload, self._charger.events.trigger_meter)

    @triggers("TransactionEvent")
    def trigger_transaction(self, payload: Payload) -> Callable[[], None] | None:
        """Tell of the transactions that run."""
        if not any(each.transaction for each in self._concerned(payload)):
            return None
        return self._each(payload, self._charger.events.trigger)

    def _concerned(self, payload: Payload) -> list[Evse]:
        station = self._charger.station
        if (wanted := payload.get("evse")) is None:
            return station.evses
        evse = self._evse(wanted)
        return [] if evse is None else [evse]

    def _each(
        self, payload: Payload, tell: Callable[[Evse], None]
    ) -> Callable[[], None] | None:
        concerned = self._concerned(payload)
        if not concerned:
            return None

        def work() -> None:
            for evse in concerned:
                tell(evse)

        return work

    @serves("DataTransfer")
    def on_data_transfer(self, payload: Payload) -> Payload:
        """Echo what is meant for this vendor, if there is something to echo (P01)."""
        if payload["vendorId"] != self._charger.vendor:
            return {"status": "UnknownVendorId"}
        if payload.get("messageId", "Echo") != "Echo":
            return {"status": "UnknownMessageId"}
        if "messageId" in payload and not payload.get("data"):
            return {"status": "Rejected"}
        if "data" not in payload:
            return {"status": "Accepted"}
        return {"status": "Accepted", "data": payload["data"]}


def _ignore(_outcome: object) -> None:
    """Nobody needs to look at the outcome."""
