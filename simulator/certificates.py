"""The certificates of a charger: its own, and the roots it trusts. Alike in all versions."""

from pathlib import Path
import ssl
from tempfile import TemporaryDirectory

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


class Certificates:
    """Keys and certificates, kept over reboots."""

    #: What the root certificates of the central system are called.
    central: str = "CentralSystemRootCertificate"

    def __init__(self, identity: str, tls: ssl.SSLContext | None) -> None:
        """Begin without any."""
        self.tls = tls
        self.roots: dict[str, list[x509.Certificate]] = {}
        #: The certificate that the central system has signed last.
        self.certificate: x509.Certificate | None = None
        self._identity = identity
        self._key: ec.EllipticCurvePrivateKey | None = None
        self._folder = TemporaryDirectory(prefix="charger")

    @property
    def organization(self) -> str:
        """Who runs the charger."""
        return "Home"

    @property
    def room(self) -> int:
        """How many root certificates fit."""
        return 2

    @property
    def encrypted(self) -> bool:
        """Whether the connection is."""
        return False

    # A certificate of its own

    def request(self, common_name: str | None = None) -> str:
        """Make a key, and a request for a certificate."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, common_name or self._identity),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.organization),
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
        if sum(map(len, self.roots.values())) >= self.room:
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
                if kind == self.central and self.encrypted and len(roots) == 1:
                    # It could not connect any more.
                    return "Failed"
                roots.remove(root)
                return "Accepted"
        return "NotFound"


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
