"""How the charger proves who it is, and whom it trusts.

After "Improved security for OCPP 1.6-J": the keys AuthorizationKey and SecurityProfile, its own
certificate, and the root certificates it was given.
"""

from collections.abc import Callable
from pathlib import Path
import re
import ssl
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from ocpp.v16 import call_result
from ocpp.v16.enums import Action

from .configuration import Configuration, Key
from .connection import Connection, serves

if TYPE_CHECKING:
    from .charger import Charger

PASSWORD_KEY = "AuthorizationKey"
PROFILE_KEY = "SecurityProfile"
ORGANIZATION_KEY = "CpoName"
STORE_KEY = "CertificateStoreMaxLength"

#: From this profile on the connection is encrypted.
_ENCRYPTED = 2

#: 16 to 20 bytes in hexadecimal.
_KEY = re.compile(r"(?:[0-9A-Fa-f]{2}){16,20}")


class Security:
    """What the charger dials with. A charger without a profile lacks the extensions."""

    def __init__(
        self,
        identity: str,
        configuration: Configuration,
        *,
        url: str,
        password: str | bytes | None = None,
        profile: int | None = None,
        secure_url: str | None = None,
        tls: ssl.SSLContext | None = None,
        organization: str = "Home",
    ) -> None:
        """Dial one address without encryption, and another, if given, with it."""
        self.tls = tls
        self.roots: dict[str, list[x509.Certificate]] = {}
        #: The certificate that the central system has signed last.
        self.certificate: x509.Certificate | None = None
        #: Use a new password only after a restart, and say so.
        self.password_needs_reboot = False
        #: Told when the charger is to dial again.
        self.redial: Callable[[], None] = lambda: None
        self._identity = identity
        self._configuration = configuration
        self._url = url
        self._secure_url = secure_url
        self._password = password.encode() if isinstance(password, str) else password
        self._next_password: bytes | None = None
        self._proven = profile or 0
        self._key: ec.EllipticCurvePrivateKey | None = None
        self._folder = TemporaryDirectory(prefix="charger")
        if profile is not None:
            configuration.add(PASSWORD_KEY, Key("", self._is_key, hidden=True))
            configuration.add(PROFILE_KEY, Key(str(profile), self._is_higher))
            configuration.add(ORGANIZATION_KEY, Key(organization))
            configuration.add(STORE_KEY, Key("2", readonly=True))

    # Dialling

    @property
    def url(self) -> str:
        """Where to dial."""
        if self.profile >= _ENCRYPTED and self._secure_url:
            return self._secure_url
        return self._url

    @property
    def password(self) -> bytes | None:
        """What to prove oneself with."""
        return self._password

    @property
    def profile(self) -> int:
        """How safe the connection is to be."""
        return self._configuration.integer(PROFILE_KEY)

    def connected(self) -> None:
        """The central system has let the charger in."""
        self._proven = self.profile

    def failed(self) -> None:
        """It has not: if the profile is new, the one before is the better one."""
        if self.profile != self._proven:
            self._configuration.set(PROFILE_KEY, str(self._proven))

    def changed(self, key: str) -> None:
        """The central system has changed a key, and knows."""
        match key:
            case "AuthorizationKey":
                self._next_password = bytes.fromhex(self._configuration.text(key))
                if not self.password_needs_reboot:
                    self.rebooted()
                    self.redial()
            case "SecurityProfile":
                self.redial()

    def rebooted(self) -> None:
        """What waited for a restart counts from now on."""
        self._password = self._next_password or self._password
        self._next_password = None

    @staticmethod
    def _is_key(text: str) -> bool:
        return _KEY.fullmatch(text) is not None

    def _is_higher(self, text: str) -> bool:
        # It may only be raised, and each profile has its preconditions (A05).
        if text not in {"1", "2", "3"} or int(text) <= self.profile:
            return False
        if int(text) < _ENCRYPTED:
            return self._password is not None
        return self.tls is not None

    # A certificate of its own

    def request(self, common_name: str | None = None) -> str:
        """Make a key, and a request for a certificate."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, common_name or self._identity),
                x509.NameAttribute(
                    NameOID.ORGANIZATION_NAME,
                    self._configuration.text(ORGANIZATION_KEY) or "Home",
                ),
            ]
        )
        csr = x509.CertificateSigningRequestBuilder().subject_name(name)
        return csr.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def signed(self, chain: str) -> bool:
        """Take a certificate, if it is the one that was asked for."""
        try:
            certificate = x509.load_pem_x509_certificates(chain.encode())[0]
            usage = certificate.extensions.get_extension_for_class(
                x509.ExtendedKeyUsage
            ).value
        except ValueError, x509.ExtensionNotFound:
            return False
        key = self._key
        if (
            key is None
            or certificate.public_key() != key.public_key()
            or ExtendedKeyUsageOID.CLIENT_AUTH not in usage
        ):
            return False
        self.certificate = certificate
        if self.tls is not None:
            path = Path(self._folder.name) / "certificate.pem"
            secret = key.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            )
            path.write_bytes(chain.encode() + secret)
            self.tls.load_cert_chain(path)
        return True

    # Whom it trusts

    def install(self, kind: str, certificate: str) -> str:
        """Trust a root certificate, and return the status to answer."""
        try:
            root = x509.load_pem_x509_certificate(certificate.encode())
        except ValueError:
            return "Rejected"
        present = self.roots.setdefault(kind, [])
        if root in present:
            return "Accepted"
        if sum(map(len, self.roots.values())) >= self._configuration.integer(STORE_KEY):
            return "Failed"
        present.append(root)
        return "Accepted"

    def installed(self, kind: str) -> list[dict[str, str]]:
        """Tell the root certificates of a kind."""
        return [hash_data(root) for root in self.roots.get(kind, [])]

    def delete(self, wanted: dict[str, str]) -> str:
        """Trust a root certificate no longer, and return the status to answer."""
        for kind, roots in self.roots.items():
            for root in roots:
                if hash_data(root) != wanted:
                    continue
                if (
                    kind == "CentralSystemRootCertificate"
                    and self.profile >= _ENCRYPTED
                    and len(roots) == 1
                ):
                    # It could not connect any more.
                    return "Failed"
                roots.remove(root)
                return "Accepted"
        return "NotFound"


class SecurityHandlers(Connection):
    """Serves the requests about certificates."""

    _charger: Charger

    @serves(Action.certificate_signed)
    def on_certificate_signed(
        self, certificate_chain: str
    ) -> call_result.CertificateSigned:
        """Take the certificate that was asked for."""
        accepted = self._charger.security.signed(certificate_chain)
        return call_result.CertificateSigned("Accepted" if accepted else "Rejected")

    @serves(Action.install_certificate)
    def on_install_certificate(
        self, certificate_type: str, certificate: str
    ) -> call_result.InstallCertificate:
        """Trust a root certificate."""
        return call_result.InstallCertificate(
            self._charger.security.install(certificate_type, certificate)
        )

    @serves(Action.delete_certificate)
    def on_delete_certificate(
        self, certificate_hash_data: dict[str, Any]
    ) -> call_result.DeleteCertificate:
        """Trust a root certificate no longer."""
        wanted = {
            "hashAlgorithm": certificate_hash_data["hash_algorithm"],
            "issuerNameHash": certificate_hash_data["issuer_name_hash"],
            "issuerKeyHash": certificate_hash_data["issuer_key_hash"],
            "serialNumber": certificate_hash_data["serial_number"],
        }
        return call_result.DeleteCertificate(self._charger.security.delete(wanted))

    @serves(Action.get_installed_certificate_ids)
    def on_get_installed_certificate_ids(
        self, certificate_type: str
    ) -> call_result.GetInstalledCertificateIds:
        """Tell which root certificates are trusted."""
        installed = self._charger.security.installed(certificate_type)
        return call_result.GetInstalledCertificateIds(
            "Accepted" if installed else "NotFound", installed or None
        )


def hash_data(certificate: x509.Certificate) -> dict[str, str]:
    """How OCPP refers to a certificate (CertificateHashDataType); a root issued itself."""
    request = ocsp.OCSPRequestBuilder().add_certificate(
        certificate, certificate, hashes.SHA256()
    )
    asked = request.build()
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": asked.issuer_name_hash.hex(),
        "issuerKeyHash": asked.issuer_key_hash.hex(),
        "serialNumber": f"{asked.serial_number:x}",
    }
