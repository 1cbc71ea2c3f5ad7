"""Certificates of a station, and what is told about its security (OCPP 2.x, A, M)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, override

from simulator import certificates

from .charging_handlers import refusal
from .connection import Connection2, serves, triggers
from .schemas import Payload

if TYPE_CHECKING:
    from .features import Features

_STATION = "ChargingStationCertificate"

#: How a root certificate is called when it is asked for, and the certificates of a contract.
_CHAIN = "V2GCertificateChain"


class Certificates2(certificates.Certificates):
    """The certificates of a station, and whom it trusts."""

    central = "CSMSRootCertificate"

    def __init__(self, charger: Features) -> None:
        """Begin without any."""
        super().__init__(charger.identity, charger.login.tls)
        self._charger = charger
        self._requests = 0
        #: The number of the last request for a certificate (2.1).
        self.request_id: int | None = None

    @property
    @override
    def organization(self) -> str:
        return self._charger.variables.text("SecurityCtrlr.OrganizationName") or "Home"

    @property
    @override
    def room(self) -> int:
        return int(self._charger.maximum("SecurityCtrlr.CertificateEntries", 10))

    @property
    @override
    def encrypted(self) -> bool:
        return self._charger.variables.integer("SecurityCtrlr.SecurityProfile") > 1

    @property
    def count(self) -> int:
        """How many root certificates there are."""
        return sum(map(len, self.roots.values()))

    def ask(self, kind: str = _STATION) -> Payload:
        """Make a key, and what to say in SignCertificate (A02)."""
        payload: Payload = {"csr": self.request(), "certificateType": kind}
        if self._charger.version == "2.1":
            self._requests += 1
            self.request_id = payload["requestId"] = self._requests
        return payload


class CertificateHandlers(Connection2):
    """Serves the requests about certificates."""

    @serves("CertificateSigned")
    def on_certificate_signed(self, payload: Payload) -> Payload:
        """Take the certificate that was asked for (A02)."""
        known = self._charger.certificates
        chain = payload["certificateChain"]
        most = self._charger.variables.integer("SecurityCtrlr.MaxCertificateChainSize")
        if most and len(chain) > most:
            return refusal("Rejected", "TooLargeElement")
        if self._version == "2.1" and payload.get("requestId") != known.request_id:
            self._charger.violated("CertificateSigned: not the requestId (A02.FR.24)")
            return refusal("Rejected", "InvalidValue")
        if known.signed(chain):
            return {"status": "Accepted"}
        self._event("InvalidChargingStationCertificate")
        return refusal("Rejected", "InvalidCertificate")

    def _event(self, kind: str) -> None:
        charger = self._charger
        self.then(lambda: charger.activity.spawn(charger.security_event(kind)))

    @serves("InstallCertificate")
    def on_install_certificate(self, payload: Payload) -> Payload:
        """Trust a root certificate (M05)."""
        known = self._charger.certificates
        status = known.install(payload["certificateType"], payload["certificate"])
        if status == "Rejected":
            return refusal("Rejected", "InvalidCertificate")
        # No room is a refusal here, and not a failure (M05.FR.17).
        return (
            refusal("Rejected", "OutOfStorage")
            if status == "Failed"
            else {"status": status}
        )

    @serves("DeleteCertificate")
    def on_delete_certificate(self, payload: Payload) -> Payload:
        """Trust a root certificate no longer (M04)."""
        known = self._charger.certificates
        return {"status": known.delete(payload["certificateHashData"])}

    @serves("GetInstalledCertificateIds")
    def on_get_installed_certificate_ids(self, payload: Payload) -> Payload:
        """Tell which root certificates are trusted (M03)."""
        known = self._charger.certificates
        kinds = payload.get("certificateType", list(known.roots))
        found = [
            {"certificateType": kind, "certificateHashData": data}
            for kind in kinds
            if kind != _CHAIN
            for data in known.installed(kind)
        ]
        if not found:
            return {"status": "NotFound"}
        return {"status": "Accepted", "certificateHashDataChain": found}

    @triggers("SignChargingStationCertificate")
    def trigger_certificate(self, payload: Payload) -> Callable[[], None]:
        """Ask for a certificate."""
        charger = self._charger

        def ask() -> None:
            charger.outbox.put(
                "SignCertificate", charger.certificates.ask(), triggered=True
            )

        return ask
