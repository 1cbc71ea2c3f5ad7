"""OCPP 1.6: the charger's messages, and what they change."""

import asyncio
from math import isfinite
from typing import Any

from ocpp.v16.enums import Action, ChargePointErrorCode, ChargePointStatus, Reason

from .authorization import is_card
from .charge_point import ChargePoint
from .clock import format_time, is_plausible, parse_time, plausible_time, utcnow
from .connection import Handler, Payload
from .data_transfer import answer_to
from .errors import CallError
from .jobs import JobKind
from .metering import read_meter_values
from .model import (
    SECURITY_EVENTS,
    STATION,
    Authorization,
    AuthorizationStatus,
    BootInfo,
    ConnectorStatus,
    Event,
    EventKind,
    Value,
    mask_token,
)
from .v16_files import job_status

HEARTBEAT_INTERVAL = 60
PENDING_INTERVAL = 30

_STATUSES = {
    ChargePointStatus.available: ConnectorStatus.AVAILABLE,
    ChargePointStatus.preparing: ConnectorStatus.PREPARING,
    ChargePointStatus.charging: ConnectorStatus.CHARGING,
    ChargePointStatus.suspended_ev: ConnectorStatus.SUSPENDED_EV,
    ChargePointStatus.suspended_evse: ConnectorStatus.SUSPENDED_EVSE,
    ChargePointStatus.finishing: ConnectorStatus.FINISHING,
    ChargePointStatus.reserved: ConnectorStatus.RESERVED,
    ChargePointStatus.unavailable: ConnectorStatus.UNAVAILABLE,
    ChargePointStatus.faulted: ConnectorStatus.FAULTED,
}
# Chargers differ in case and spelling: "SuspendedEV", "suspendedEV", "Suspended_EV".
_STATUS_WORDS = {
    status.value.lower().replace("_", ""): ours for status, ours in _STATUSES.items()
}
_REASONS = {
    Reason.de_authorized: "deauthorized",
    Reason.emergency_stop: "emergency_stop",
    Reason.ev_disconnected: "ev_disconnected",
    Reason.hard_reset: "hard_reset",
    Reason.local: "local",
    Reason.other: "other",
    Reason.power_loss: "power_loss",
    Reason.reboot: "reboot",
    Reason.remote: "remote",
    Reason.soft_reset: "soft_reset",
    Reason.unlock_command: "unlock_command",
}
_REASON_WORDS = {reason.value.lower(): ours for reason, ours in _REASONS.items()}
_TOKEN_EVENTS = {
    AuthorizationStatus.ACCEPTED: "accepted",
    AuthorizationStatus.BLOCKED: "blocked",
    AuthorizationStatus.EXPIRED: "expired",
    AuthorizationStatus.INVALID: "invalid",
    AuthorizationStatus.CONCURRENT: "concurrent",
}
_SECURITY_EVENTS = {name.replace("_", ""): name for name in SECURITY_EVENTS}
# What fits into the charger's own integer.
_MAX_CONNECTOR = 2**31 - 1
# A frame may be valid JSON and still carry a NUL in a name or token.
_CONTROL = dict.fromkeys(range(0x20))


class Messages16:
    """Answers what a charge point sends."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Serve a charge point over one connection."""
        self._charge_point = charge_point
        # The token last told as an event, and how it was answered: its StartTransaction
        # is the same visit.
        self._shown: tuple[str, AuthorizationStatus] | None = None
        # Statuses of the past that nothing has followed yet.
        self._held: dict[int, tuple[ConnectorStatus, dict[str, Value]]] = {}

    @property
    def handlers(self) -> dict[str, Handler]:
        """Return the handler of each action."""
        return {
            Action.authorize: self._on_authorize,
            Action.boot_notification: self._on_boot_notification,
            Action.data_transfer: self._on_data_transfer,
            Action.diagnostics_status_notification: self._on_diagnostics_status,
            Action.firmware_status_notification: self._on_firmware_status,
            Action.heartbeat: self._on_heartbeat,
            Action.log_status_notification: self._on_diagnostics_status,
            Action.meter_values: self._on_meter_values,
            Action.security_event_notification: self._on_security_event,
            Action.sign_certificate: self._on_sign_certificate,
            Action.signed_firmware_status_notification: self._on_firmware_status,
            Action.start_transaction: self._on_start_transaction,
            Action.status_notification: self._on_status_notification,
            Action.stop_transaction: self._on_stop_transaction,
        }

    def _on_authorize(self, payload: Payload) -> Payload:
        token = _text(payload, "idTag")
        answer = self._charge_point.access.authorize(token)
        self._tell_token(STATION, token, answer)
        self._shown = (token, answer.status)
        return {"idTagInfo": _id_tag_info(answer)}

    def _on_boot_notification(self, payload: Payload) -> Payload:
        charge_point = self._charge_point
        charge_point.set_info(
            BootInfo(
                vendor=_text(payload, "chargePointVendor"),
                model=_text(payload, "chargePointModel"),
                serial=_text(payload, "chargePointSerialNumber")
                or _text(payload, "chargeBoxSerialNumber")
                or None,
                firmware=_text(payload, "firmwareVersion") or None,
            )
        )
        charge_point.booted()
        claimed = charge_point.claimed
        return {
            "currentTime": format_time(utcnow()),
            "interval": HEARTBEAT_INTERVAL if claimed else PENDING_INTERVAL,
            "status": "Accepted" if claimed else "Pending",
        }

    def _on_heartbeat(self, payload: Payload) -> Payload:
        return {"currentTime": format_time(utcnow())}

    def _on_status_notification(self, payload: Payload) -> Payload:
        connector = self._connector(payload)
        clock = self._charge_point.clock
        past = False
        if time := plausible_time(payload.get("timestamp")):
            clock.observe(time)
            past = clock.is_past(time)
        error = _text(payload, "errorCode") or ChargePointErrorCode.no_error.value
        details = [
            part
            for part in (
                "" if error == ChargePointErrorCode.no_error else error,
                _text(payload, "vendorErrorCode"),
                _text(payload, "info"),
            )
            if part
        ]
        status = _STATUS_WORDS.get(
            _text(payload, "status").lower().replace("_", "").replace(" ", "")
        )
        if status is None:
            raise CallError("PropertyConstraintViolation", "unknown status")
        if connector != STATION and not self._charge_point.add_connector(connector):
            return {}
        error_code: dict[str, Value] = {
            "error_code": " ".join(details)[:255] or "NoError"
        }
        if past:
            self._hold_status(connector, status, error_code)
        else:
            self._held.pop(connector, None)
            self._take_status(connector, status, error_code)
        return {}

    def _take_status(
        self, connector: int, status: ConnectorStatus, error_code: dict[str, Value]
    ) -> None:
        self._charge_point.heard_status.add(connector)
        if connector == STATION:
            self._charge_point.update(STATION, {"status": status, **error_code})
        else:
            self._charge_point.update(connector, error_code)
            self._charge_point.update_status(connector, status)

    def _hold_status(
        self, connector: int, status: ConnectorStatus, error_code: dict[str, Value]
    ) -> None:
        """Keep a status of the past, for it is the newest if no other one follows."""
        held = self._held.get(connector)
        self._held[connector] = (status, error_code)
        if held is None:
            self._charge_point.run(self._settle_status(connector), "settle a status")

    async def _settle_status(self, connector: int) -> None:
        await asyncio.sleep(self._charge_point.timing.quiet)
        if held := self._held.pop(connector, None):
            self._take_status(connector, *held)

    def _on_meter_values(self, payload: Payload) -> Payload:
        charge_point = self._charge_point
        connector = self._connector(payload)
        readings = read_meter_values(payload.get("meterValue"))
        if not readings or not (
            connector == STATION or charge_point.add_connector(connector)
        ):
            return {}
        charge_point.meters.sample(
            connector, _number(payload, "transactionId"), readings
        )
        return {}

    async def _on_start_transaction(self, payload: Payload) -> Payload:
        connector = self._connector(payload)
        token = _text(payload, "idTag")
        timestamp = parse_time(payload.get("timestamp")) or utcnow()
        ours = self._charge_point.access.is_ours(token)
        past = is_plausible(timestamp) and self._charge_point.clock.is_past(timestamp)
        transaction_id, answer = await self._charge_point.transactions.start(
            connector, token, timestamp, _register(payload, "meterStart"), payload
        )
        # A charger that knows the card starts without asking first.
        if not ours and (token, answer.status) != self._shown:
            self._tell_token(connector, token, answer, past=past)
        self._shown = None
        if (reservation_id := _number(payload, "reservationId")) is not None:
            self._charge_point.reservations.used(reservation_id)
        return {"transactionId": transaction_id, "idTagInfo": _id_tag_info(answer)}

    async def _on_stop_transaction(self, payload: Payload) -> Payload:
        transaction_id = _number(payload, "transactionId")
        if transaction_id is None:
            raise CallError("OccurenceConstraintViolation", "transactionId")
        meter_stop = _register(payload, "meterStop")
        readings = read_meter_values(payload.get("transactionData"))
        token = _text(payload, "idTag")
        reason = _text(payload, "reason")
        await self._charge_point.transactions.stop(
            transaction_id,
            parse_time(payload.get("timestamp")) or utcnow(),
            meter_stop,
            # Left out, the reason is Local (OCPP 1.6, 6.49).
            _REASON_WORDS.get(reason.lower(), "other") if reason else "local",
            token or None,
            payload,
            readings=readings,
            signed=[value for reading in readings for value in reading.signed],
        )
        if not token:
            return {}
        answer = self._charge_point.access.authorize(token, concurrent=False)
        return {"idTagInfo": _id_tag_info(answer)}

    def _on_data_transfer(self, payload: Payload) -> Payload:
        self._charge_point.tell(
            Event(
                EventKind.DATA_TRANSFER,
                STATION,
                "received",
                {
                    "vendor_id": _text(payload, "vendorId"),
                    "message_id": _text(payload, "messageId"),
                    "data": payload.get("data"),
                },
            )
        )
        answers = self._charge_point.config.data_transfer_answers
        return answer_to(payload, answers)

    async def _on_sign_certificate(self, payload: Payload) -> Payload:
        signed = await self._charge_point.security.sign(str(payload.get("csr") or ""))
        return {"status": "Accepted" if signed else "Rejected"}

    def _on_security_event(self, payload: Payload) -> Payload:
        name = _text(payload, "type")
        self._charge_point.tell(
            Event(
                EventKind.SECURITY,
                STATION,
                _SECURITY_EVENTS.get(name.casefold(), "other"),
                {
                    "event": name,
                    "timestamp": _text(payload, "timestamp") or None,
                    "info": _text(payload, "techInfo") or None,
                },
            )
        )
        return {}

    def _on_diagnostics_status(self, payload: Payload) -> Payload:
        return self._job_status(JobKind.DIAGNOSTICS, payload)

    def _on_firmware_status(self, payload: Payload) -> Payload:
        return self._job_status(JobKind.FIRMWARE, payload)

    def _job_status(self, kind: JobKind, payload: Payload) -> Payload:
        if word := _text(payload, "status"):
            self._charge_point.jobs.report(
                kind, job_status(kind, word), _number(payload, "requestId"), word
            )
        return {}

    def _tell_token(
        self, connector: int, token: str, answer: Authorization, *, past: bool = False
    ) -> None:
        # Our own tag is no card, and neither is what a charger says without one.
        if not is_card(token) or self._charge_point.access.is_ours(token):
            return
        attributes = {"id_token": mask_token(token)}
        if answer.token:
            attributes["name"] = answer.token.name
        kind = _TOKEN_EVENTS[answer.status]
        if answer.token is None:
            self._charge_point.access.shown_unknown(token)
            if answer.status is not AuthorizationStatus.ACCEPTED:
                kind = "unknown"
        # Told hours later, it is nothing that happens.
        if not past:
            event = Event(EventKind.ID_TOKEN, connector, kind, attributes)
            self._charge_point.tell(event)

    def _connector(self, payload: Payload) -> int:
        connector = _number(payload, "connectorId")
        if connector is None:
            raise CallError("OccurenceConstraintViolation", "connectorId")
        if not 0 <= connector <= _MAX_CONNECTOR:
            raise CallError("PropertyConstraintViolation", "connectorId")
        return connector


def _id_tag_info(answer: Authorization) -> Payload:
    """Return an answer about a token as chargers read it."""
    info: Payload = {"status": answer.status}
    if answer.group:
        info["parentIdTag"] = answer.group
    if answer.token and answer.token.expires:
        info["expiryDate"] = format_time(answer.token.expires)
    return info


def _text(payload: Payload, key: str) -> str:
    value = payload.get(key)
    return "" if value is None else str(value).translate(_CONTROL).strip()


def _number(payload: Payload, key: str) -> int | None:
    value: Any = payload.get(key)
    if value is None:
        return None
    try:
        # By way of a float, the last digits of a long id would be lost.
        return int(value if isinstance(value, int) else float(value))
    except TypeError, ValueError, OverflowError:
        return None


def _register(payload: Payload, key: str) -> float | None:
    value: Any = payload.get(key)
    try:
        register = float(value)
    except TypeError, ValueError, OverflowError:
        return None
    return register if isfinite(register) else None
