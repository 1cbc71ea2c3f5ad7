"""OCPP 1.6: the charger's messages, and what they change."""

from typing import override

from ocpp.v16.enums import Action, ChargePointErrorCode, ChargePointStatus, Reason

from .charge_point import ChargePoint
from .clock import format_time, is_plausible, parse_time, utcnow
from .connection import Handler, Payload
from .errors import CallError
from .messages import Messages
from .metering import read_meter_values
from .model import (
    STATION,
    Authorization,
    AuthorizationStatus,
    BootInfo,
    ConnectorStatus,
)
from .payloads import number, real, text

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
# What fits into the charger's own integer.
_MAX_CONNECTOR = 2**31 - 1


class Messages16(Messages):
    """Answers what a charge point sends."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Serve a charge point over one connection."""
        super().__init__(charge_point)
        # The token last told as an event, and how it was answered: its StartTransaction
        # is the same visit.
        self._shown: tuple[str, AuthorizationStatus] | None = None

    @property
    @override
    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers,
            Action.authorize: self._on_authorize,
            Action.boot_notification: self._on_boot_notification,
            Action.diagnostics_status_notification: self._on_diagnostics_status,
            Action.meter_values: self._on_meter_values,
            Action.signed_firmware_status_notification: self._on_firmware_status,
            Action.start_transaction: self._on_start_transaction,
            Action.status_notification: self._on_status_notification,
            Action.stop_transaction: self._on_stop_transaction,
        }

    def _on_authorize(self, payload: Payload) -> Payload:
        token = text(payload, "idTag")
        answer = self._charge_point.access.authorize(token)
        self._tell_token(STATION, token, answer)
        self._shown = (token, answer.status)
        return {"idTagInfo": _id_tag_info(answer)}

    def _on_boot_notification(self, payload: Payload) -> Payload:
        return self._boot(
            BootInfo(
                vendor=text(payload, "chargePointVendor"),
                model=text(payload, "chargePointModel"),
                serial=text(payload, "chargePointSerialNumber")
                or text(payload, "chargeBoxSerialNumber")
                or None,
                firmware=text(payload, "firmwareVersion") or None,
            )
        )

    def _on_status_notification(self, payload: Payload) -> Payload:
        connector = self._connector(payload)
        error = text(payload, "errorCode") or ChargePointErrorCode.no_error.value
        details = [
            part
            for part in (
                "" if error == ChargePointErrorCode.no_error else error,
                text(payload, "vendorErrorCode"),
                text(payload, "info"),
            )
            if part
        ]
        status = _STATUS_WORDS.get(
            text(payload, "status").lower().replace("_", "").replace(" ", "")
        )
        if status is None:
            raise CallError("PropertyConstraintViolation", "unknown status")
        error_code = " ".join(details)[:255] or "NoError"
        self._status(
            connector, status, payload.get("timestamp"), {"error_code": error_code}
        )
        return {}

    def _on_meter_values(self, payload: Payload) -> Payload:
        charge_point = self._charge_point
        connector = self._connector(payload)
        readings = read_meter_values(payload.get("meterValue"))
        if not readings or not (
            connector == STATION or charge_point.add_connector(connector)
        ):
            return {}
        charge_point.meters.sample(
            connector, number(payload, "transactionId"), readings
        )
        return {}

    async def _on_start_transaction(self, payload: Payload) -> Payload:
        connector = self._connector(payload)
        token = text(payload, "idTag")
        timestamp = parse_time(payload.get("timestamp")) or utcnow()
        ours = self._charge_point.access.is_ours(token)
        past = is_plausible(timestamp) and self._charge_point.clock.is_past(timestamp)
        transaction_id, answer = await self._charge_point.transactions.start(
            connector, token, timestamp, real(payload, "meterStart"), payload
        )
        # A charger that knows the card starts without asking first.
        if not ours and (token, answer.status) != self._shown:
            self._tell_token(connector, token, answer, past=past)
        self._shown = None
        if (reservation_id := number(payload, "reservationId")) is not None:
            self._charge_point.reservations.used(reservation_id)
        return {"transactionId": transaction_id, "idTagInfo": _id_tag_info(answer)}

    async def _on_stop_transaction(self, payload: Payload) -> Payload:
        transaction_id = number(payload, "transactionId")
        if transaction_id is None:
            raise CallError("OccurenceConstraintViolation", "transactionId")
        meter_stop = real(payload, "meterStop")
        readings = read_meter_values(payload.get("transactionData"))
        token = text(payload, "idTag")
        reason = text(payload, "reason")
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

    def _connector(self, payload: Payload) -> int:
        connector = number(payload, "connectorId")
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
