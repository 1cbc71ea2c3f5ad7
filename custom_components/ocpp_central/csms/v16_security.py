"""OCPP 1.6: certificates, and changes of how a charger proves who it is.

After "Improved security for OCPP 1.6-J", whose numbers these are.
"""

from typing import Any, override

from ocpp.v16.enums import Action

from .connection import Payload, Priority
from .errors import CommandFailed, CommandRejected, InvalidCommand
from .v16_base import Base16


class Security16(Base16):
    """The commands about certificates."""

    async def certificate_signed(
        self, certificate_chain: str, request_id: int | None = None
    ) -> Payload:
        """CertificateSigned (A02), which has no number."""
        return await self._command(
            Action.certificate_signed, {"certificateChain": certificate_chain}
        )

    async def install_certificate(
        self, certificate_type: str, certificate: str
    ) -> Payload:
        """InstallCertificate (M05)."""
        return await self._command(
            Action.install_certificate,
            {"certificateType": certificate_type, "certificate": certificate},
        )

    async def delete_certificate(self, certificate_hash_data: Payload) -> Payload:
        """DeleteCertificate (M04)."""
        return await self._command(
            Action.delete_certificate, {"certificateHashData": certificate_hash_data}
        )

    async def get_installed_certificate_ids(self, certificate_type: str) -> Payload:
        """GetInstalledCertificateIds (M03); NotFound where there is none."""
        return await self._command(
            Action.get_installed_certificate_ids,
            {"certificateType": certificate_type},
        )

    @override
    async def _command(
        self,
        action: str,
        payload: dict[str, Any],
        priority: Priority = Priority.USER,
        patience: float | None = None,
    ) -> Payload:
        if action != Action.change_configuration:
            return await super()._command(action, payload, priority, patience)
        # Any other key is a setting; these two decide whether the charger gets in.
        key, value = str(payload.get("key")), str(payload.get("value"))
        security = self._charge_point.security
        await security.changing(key, value)
        try:
            response = await super()._command(action, payload, priority, patience)
        except CommandRejected, CommandFailed, InvalidCommand:
            security.refused(key, value)
            raise
        security.changed(key, value)
        return response
