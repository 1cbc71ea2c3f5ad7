"""Messages on the display of a station, and what is known about customers (OCPP 2.x, N, O)."""

from typing import TYPE_CHECKING

from simulator.clock import Timer, format_time, parse_time

from .charging_handlers import refusal
from .connection import Connection2, serves
from .schemas import Payload
from .tokens import same
from .variables import Variable

if TYPE_CHECKING:
    from .features import Features

_PRIORITIES = ("AlwaysFront", "InFront", "NormalCycle")
_FORMATS = ("ASCII", "HTML", "URI", "UTF8")
_STATES = ("Charging", "Faulted", "Idle", "Unavailable")

#: How many messages, and how many characters about a customer, fit into one report.
_PART = 2
_TEXT = 512


class Displays:
    """The messages a station shows. Survives reboots."""

    def __init__(self, charger: Features) -> None:
        """Begin without any."""
        self._charger = charger
        self._messages: dict[int, Payload] = {}
        self._timers: dict[int, Timer] = {}
        newer = charger.version == "2.1"
        formats = (*_FORMATS, "QRCODE") if newer else _FORMATS
        states = (*_STATES, "Suspended", "Discharging") if newer else _STATES
        name = "DisplayMessageCtrlr"
        add = charger.variables.add
        add(f"{name}.Available", Variable("true", "boolean", "ReadOnly"))
        add(f"{name}.Enabled", Variable("true", "boolean"))
        for variable, values in (
            ("SupportedFormats", formats),
            ("SupportedPriorities", _PRIORITIES),
            ("SupportedStates", states),
        ):
            text = ",".join(values)
            known = Variable(text, "MemberList", "ReadOnly", options=values)
            add(f"{name}.{variable}", known)
        count = Variable(
            kind="integer",
            mutability="ReadOnly",
            maximum=10,
            live=lambda: str(len(self._messages)),
        )
        add(f"{name}.DisplayMessages", count)

    @property
    def messages(self) -> list[Payload]:
        """The messages, as they were sent."""
        return list(self._messages.values())

    @property
    def shown(self) -> list[str]:
        """What can be read now: whatever is always in front, else in front, else all in turn."""
        now = self._charger.clock.now()
        due = [
            message
            for message in self._messages.values()
            if "startDateTime" not in message
            or parse_time(message["startDateTime"]) <= now
        ]
        for priority in _PRIORITIES:
            if found := [each for each in due if each["priority"] == priority]:
                return [each["message"]["content"] for each in found]
        return []

    def set(self, message: Payload) -> str:
        """Show a message, and return the status to answer."""
        listed = self._charger.variables.items
        name = "DisplayMessageCtrlr"
        if message["priority"] not in listed(f"{name}.SupportedPriorities"):
            return "NotSupportedPriority"
        if message["message"]["format"] not in listed(f"{name}.SupportedFormats"):
            return "NotSupportedMessageFormat"
        if message.get("state", "Idle") not in listed(f"{name}.SupportedStates"):
            return "NotSupportedState"
        transaction = message.get("transactionId")
        if transaction is not None and not self._runs(transaction):
            return "UnknownTransaction"
        room = self._charger.maximum(f"{name}.DisplayMessages")
        if message["id"] not in self._messages and len(self._messages) >= room:
            return "Rejected"
        end = message.get("endDateTime")
        rest = 0.0
        if end is not None:
            rest = (parse_time(end) - self._charger.clock.now()).total_seconds()
            if rest <= 0:
                return "Rejected"
        if message["priority"] == "AlwaysFront":
            # There is only one of them (O01.FR.10).
            for other in self.messages:
                if other["priority"] == "AlwaysFront":
                    self.clear(other["id"])
        self.clear(message["id"])
        self._messages[message["id"]] = message
        if end is not None:
            self._timers[message["id"]] = self._charger.clock.call_later(
                rest, lambda: self._over(message["id"])
            )
        return "Accepted"

    def _runs(self, transaction_id: str) -> bool:
        running = self._charger.charging.running.values()
        return any(each.id == transaction_id for each in running)

    def _over(self, message_id: int) -> None:
        self.clear(message_id)

    def clear(self, message_id: int) -> bool:
        """Show a message no longer, and tell whether it was there."""
        if (timer := self._timers.pop(message_id, None)) is not None:
            timer.cancel()
        return self._messages.pop(message_id, None) is not None

    def transaction_ended(self, transaction_id: str) -> None:
        """Forget what was to be shown during a transaction (O02)."""
        for message in self.messages:
            if message.get("transactionId") == transaction_id:
                self.clear(message["id"])

    def find(self, criteria: Payload) -> list[Payload]:
        """The messages that are asked for."""
        return [
            message
            for message in self._messages.values()
            if message["id"] in criteria.get("id", [message["id"]])
            and criteria.get("priority", message["priority"]) == message["priority"]
            and criteria.get("state", message.get("state")) == message.get("state")
        ]

    def stop(self) -> None:
        """Stop all timers."""
        for timer in self._timers.values():
            timer.cancel()


class DisplayHandlers(Connection2):
    """Serves the requests about display messages and customers."""

    @serves("SetDisplayMessage")
    def on_set_display_message(self, payload: Payload) -> Payload:
        """Show a message (O01, O02, O06)."""
        return {"status": self._charger.displays.set(payload["message"])}

    @serves("ClearDisplayMessage")
    def on_clear_display_message(self, payload: Payload) -> Payload:
        """Show a message no longer (O05)."""
        known = self._charger.displays.clear(payload["id"])
        return {"status": "Accepted" if known else "Unknown"}

    @serves("GetDisplayMessages")
    def on_get_display_messages(self, payload: Payload) -> Payload:
        """Report messages, afterwards (O03, O04)."""
        found = self._charger.displays.find(payload)
        if not found:
            return {"status": "Unknown"}

        def report() -> None:
            for begin in range(0, len(found), _PART):
                part = {
                    "requestId": payload["requestId"],
                    "messageInfo": found[begin : begin + _PART],
                    "tbc": begin + _PART < len(found),
                }
                self._charger.outbox.put("NotifyDisplayMessages", part)

        self.then(report)
        return {"status": "Accepted"}

    @serves("CustomerInformation")
    def on_customer_information(self, payload: Payload) -> Payload:
        """Tell or forget what is known about a customer (N09, N10)."""
        keys = ("customerIdentifier", "idToken", "customerCertificate")
        given = [key for key in keys if key in payload]
        if not (payload["report"] or payload["clear"]):
            self._charger.violated("CustomerInformation: report or clear? (N09.FR.09)")
            return refusal("Rejected", "InvalidValue")
        if len(given) != 1:
            self._charger.violated(
                "CustomerInformation: about one customer (N09.FR.07)"
            )
            return {"status": "Invalid"}
        charger, token = self._charger, payload.get("idToken")
        lines: list[str] = []
        if token is not None:
            if (info := charger.tokens.known(token)) is not None:
                lines.append(f"{token['idToken']} is {info['status']}")
            lines += [
                f"charges at EVSE {evse.id}"
                for evse in charger.station.busy
                if evse.authorization is not None
                and same(evse.authorization.token, token)
            ]
        if payload["clear"] and token is not None:
            charger.tokens.forget(token)
        # Where nothing is known, or was only to be forgotten, the report says nothing (N10.FR.04).
        text = "\n".join(lines) if payload["report"] else ""

        def report() -> None:
            parts = [text[i : i + _TEXT] for i in range(0, len(text), _TEXT)] or [""]
            for number, part in enumerate(parts):
                told = {
                    "requestId": payload["requestId"],
                    "data": part,
                    "seqNo": number,
                    "generatedAt": format_time(charger.clock.now()),
                    "tbc": number + 1 < len(parts),
                }
                charger.outbox.put("NotifyCustomerInformation", told)

        self.then(report)
        return {"status": "Accepted"}
