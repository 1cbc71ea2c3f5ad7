"""OCPP 2.0.1 and 2.1: certificates, and changes of how a charger proves who it is."""

from typing import override

from ocpp.v21.enums import (
    Action,
    CertificateSigningUseEnumType,
    CertificateStatusEnumType,
    CertificateStatusSourceEnumType,
    GetCertificateStatusEnumType,
    HashAlgorithmEnumType,
    InstallCertificateUseEnumType,
    Iso15118EVCertificateStatusEnumType,
)

from .clock import format_time, utcnow
from .connection import Handler, Payload, Priority
from .errors import CallError, CommandFailed, CommandRejected, InvalidCommand
from .payloads import member, members, number, text
from .v2_base import Base2, MessagesBase2

# What OCPP 1.6 calls them.
_TYPES = {
    "CentralSystemRootCertificate": InstallCertificateUseEnumType.csms_root_certificate,
}
_TAKEN = {"accepted", "rebootrequired"}
# What an answer about certificates may hold.
_LONGEST = {"issuerNameHash": 128, "issuerKeyHash": 128, "serialNumber": 40}
_MOST = 4


class SecurityMessages2(MessagesBase2):
    """The messages about certificates."""

    @property
    @override
    def handlers(self) -> dict[str, Handler]:
        handlers = {
            **super().handlers,
            Action.get15118_ev_certificate: self._on_get_ev_certificate,
            Action.get_certificate_status: self._on_get_certificate_status,
        }
        if self.version == "2.1":
            handlers[Action.get_certificate_chain_status] = self._on_get_chain_status
        return handlers

    @override
    async def _on_sign_certificate(self, payload: Payload) -> Payload:
        """SignCertificate (A02). We are no authority for what cars trust."""
        use = text(payload, "certificateType")
        if use and use != CertificateSigningUseEnumType.charging_station_certificate:
            return {"status": "Rejected"}
        signed = await self._charge_point.security.sign(
            str(payload.get("csr") or ""), number(payload, "requestId")
        )
        return {"status": "Accepted" if signed else "Rejected"}

    def _on_get_ev_certificate(self, payload: Payload) -> Payload:
        """Get15118EVCertificate (M01): no contracts of cars are known here."""
        return {
            "status": Iso15118EVCertificateStatusEnumType.failed,
            "exiResponse": "",
        }

    def _on_get_certificate_status(self, payload: Payload) -> Payload:
        """GetCertificateStatus (M06): nobody is asked about certificates of cars."""
        return {"status": GetCertificateStatusEnumType.failed}

    def _on_get_chain_status(self, payload: Payload) -> Payload:
        """GetCertificateChainStatus (M07): nobody is asked about them either."""
        requests = members(payload, "certificateStatusRequests")
        answers = [_unknown(request) for request in requests[:_MOST]]
        if not answers:
            raise CallError("OccurrenceConstraintViolation", "no certificate named")
        return {"certificateStatus": answers}


def _unknown(request: Payload) -> Payload:
    """Return the answer about one certificate."""
    hashes = member(request, "certificateHashData")
    algorithm, source = text(hashes, "hashAlgorithm"), text(request, "source")
    if algorithm not in {*HashAlgorithmEnumType} or source not in {
        *CertificateStatusSourceEnumType
    }:
        raise CallError("PropertyConstraintViolation", "certificateStatusRequests")
    return {
        "certificateHashData": {
            "hashAlgorithm": algorithm,
            **{name: text(hashes, name)[:most] for name, most in _LONGEST.items()},
        },
        "source": source,
        "status": CertificateStatusEnumType.failed,
        "nextUpdate": format_time(utcnow()),
    }


class Security2(Base2):
    """The commands about certificates."""

    async def certificate_signed(
        self, certificate_chain: str, request_id: int | None = None
    ) -> Payload:
        """CertificateSigned (A02)."""
        payload: Payload = {
            "certificateChain": certificate_chain,
            "certificateType": (
                CertificateSigningUseEnumType.charging_station_certificate
            ),
        }
        if request_id is not None and self.version == "2.1":
            payload["requestId"] = request_id
        return await self._command(Action.certificate_signed, payload)

    async def install_certificate(
        self, certificate_type: str, certificate: str
    ) -> Payload:
        """InstallCertificate (M05)."""
        return await self._command(
            Action.install_certificate,
            {
                "certificateType": _TYPES.get(certificate_type, certificate_type),
                "certificate": certificate,
            },
        )

    async def delete_certificate(self, certificate_hash_data: Payload) -> Payload:
        """DeleteCertificate (M04)."""
        return await self._command(
            Action.delete_certificate, {"certificateHashData": certificate_hash_data}
        )

    async def get_installed_certificate_ids(self, certificate_type: str) -> Payload:
        """GetInstalledCertificateIds (M03); NotFound where there is none.

        The hashes are given as in OCPP 1.6 as well.
        """
        response = await self._command(
            Action.get_installed_certificate_ids,
            {"certificateType": [_TYPES.get(certificate_type, certificate_type)]},
        )
        hashes = [
            member(chain, "certificateHashData")
            for chain in members(response, "certificateHashDataChain")
        ]
        return {**response, "certificateHashData": hashes} if hashes else response

    @override
    async def _command(
        self,
        action: str,
        payload: Payload,
        priority: Priority = Priority.USER,
        patience: float | None = None,
    ) -> Payload:
        if action != Action.set_variables:
            return await super()._command(action, payload, priority, patience)
        # One of the variables decides whether the charger gets in.
        security = self._charge_point.security
        changes = [
            (_name(change), str(change.get("attributeValue")))
            for change in members(payload, "setVariableData")
        ]
        for change in changes:
            await security.changing(*change)
        try:
            response = await super()._command(action, payload, priority, patience)
        except CommandRejected, CommandFailed, InvalidCommand:
            for change in changes:
                security.refused(*change)
            raise
        taken = {
            _name(result)
            for result in members(response, "setVariableResult")
            if text(result, "attributeStatus").casefold() in _TAKEN
        }
        for change in changes:
            if change[0] not in taken:
                security.refused(*change)
        return response


def _name(variable: Payload) -> str:
    """Return the name of a variable, without instances."""
    names = (text(member(variable, key), "name") for key in ("component", "variable"))
    return ".".join(names)
