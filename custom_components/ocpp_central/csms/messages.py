"""What a charger's messages change, whichever OCPP version it speaks."""

import asyncio

from .authorization import is_card
from .charge_point import ChargePoint
from .clock import format_time, plausible_time, utcnow
from .connection import Handler, Payload
from .data_transfer import answer_to
from .jobs import JobKind
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
from .payloads import member, number, text

_HEARTBEAT_INTERVAL = 60
_PENDING_INTERVAL = 30
_TOKEN_EVENTS = {
    AuthorizationStatus.ACCEPTED: "accepted",
    AuthorizationStatus.BLOCKED: "blocked",
    AuthorizationStatus.EXPIRED: "expired",
    AuthorizationStatus.INVALID: "invalid",
    AuthorizationStatus.CONCURRENT: "concurrent",
}
# Four of them have other names in OCPP 2.x.
_SECURITY_EVENTS = {name.replace("_", ""): name for name in SECURITY_EVENTS} | {
    "csmsfailedtoauthenticate": "central_system_failed_to_authenticate",
    "failedtoauthenticateatcsms": "failed_to_authenticate_at_central_system",
    "invalidchargingstationcertificate": "invalid_charge_point_certificate",
    "invalidcsmscertificate": "invalid_central_system_certificate",
}


class Messages:
    """Answers what a charge point sends."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Serve a charge point over one connection."""
        self._charge_point = charge_point
        # Statuses of the past that nothing has followed yet.
        self._held: dict[int, tuple[ConnectorStatus, dict[str, Value]]] = {}

    @property
    def handlers(self) -> dict[str, Handler]:
        """Return the handler of each action."""
        return {
            "DataTransfer": self._on_data_transfer,
            "FirmwareStatusNotification": self._on_firmware_status,
            "Heartbeat": self._on_heartbeat,
            "LogStatusNotification": self._on_diagnostics_status,
            "SecurityEventNotification": self._on_security_event,
            "SignCertificate": self._on_sign_certificate,
        }

    def _boot(self, info: BootInfo) -> Payload:
        """Take note of a boot, and of who boots."""
        charge_point = self._charge_point
        charge_point.set_info(info)
        charge_point.booted()
        claimed = charge_point.claimed
        return {
            "currentTime": format_time(utcnow()),
            "interval": _HEARTBEAT_INTERVAL if claimed else _PENDING_INTERVAL,
            "status": "Accepted" if claimed else "Pending",
        }

    def _on_heartbeat(self, payload: Payload) -> Payload:
        return {"currentTime": format_time(utcnow())}

    # Status

    def _status(
        self,
        connector: int,
        status: ConnectorStatus,
        timestamp: object,
        details: dict[str, Value],
    ) -> None:
        """Take a status, or keep it until it is known whether it is the newest."""
        clock = self._charge_point.clock
        past = False
        if time := plausible_time(timestamp):
            clock.observe(time)
            past = clock.is_past(time)
        if connector != STATION and not self._charge_point.add_connector(connector):
            return
        if past:
            self._hold_status(connector, status, details)
        else:
            self._held.pop(connector, None)
            self._take_status(connector, status, details)

    def _take_status(
        self, connector: int, status: ConnectorStatus, details: dict[str, Value]
    ) -> None:
        self._charge_point.heard_status.add(connector)
        if connector == STATION:
            self._charge_point.update(STATION, {"status": status, **details})
        else:
            self._charge_point.update(connector, details)
            self._charge_point.update_status(connector, status)

    def _hold_status(
        self, connector: int, status: ConnectorStatus, details: dict[str, Value]
    ) -> None:
        """Keep a status of the past, for it is the newest if no other one follows."""
        held = self._held.get(connector)
        self._held[connector] = (status, details)
        if held is None:
            self._charge_point.run(self._settle_status(connector), "settle a status")

    async def _settle_status(self, connector: int) -> None:
        await asyncio.sleep(self._charge_point.timing.quiet)
        if held := self._held.pop(connector, None):
            self._take_status(connector, *held)

    # Tokens

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

    # What is told once

    def _on_data_transfer(self, payload: Payload) -> Payload:
        self._charge_point.tell(
            Event(
                EventKind.DATA_TRANSFER,
                STATION,
                "received",
                {
                    "vendor_id": text(payload, "vendorId"),
                    "message_id": text(payload, "messageId"),
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
        name = text(payload, "type")
        self._charge_point.tell(
            Event(
                EventKind.SECURITY,
                STATION,
                _SECURITY_EVENTS.get(name.casefold(), "other"),
                {
                    "event": name,
                    "timestamp": text(payload, "timestamp") or None,
                    "info": text(payload, "techInfo") or None,
                },
            )
        )
        return {}

    def _on_diagnostics_status(self, payload: Payload) -> Payload:
        return self._job_status(JobKind.DIAGNOSTICS, payload)

    def _on_firmware_status(self, payload: Payload) -> Payload:
        return self._job_status(JobKind.FIRMWARE, payload)

    def _job_status(self, kind: JobKind, payload: Payload) -> Payload:
        if word := text(payload, "status"):
            # Why, only OCPP 2.1 tells.
            info = member(payload, "statusInfo")
            reasons = (text(info, key) for key in ("reasonCode", "additionalInfo"))
            self._charge_point.jobs.report(
                kind, word, number(payload, "requestId"), " ".join(reasons).strip()
            )
        return {}
