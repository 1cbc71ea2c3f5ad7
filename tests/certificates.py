"""Certificates and keys, made for the tests."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

type Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

DAY = timedelta(days=1)


def rsa_key(size: int = 2048) -> rsa.RSAPrivateKey:
    """Make a key."""
    return rsa.generate_private_key(65537, size)


def ec_key() -> ec.EllipticCurvePrivateKey:
    """Make a key."""
    return ec.generate_private_key(ec.SECP256R1())


def name(*common_names: str) -> x509.Name:
    """Return the subject of a certificate."""
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, each) for each in common_names]
        + [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Home")]
    )


def request(key: Key, *common_names: str) -> str:
    """Return a certificate signing request."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(name(*common_names))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def private_pem(key: Key) -> bytes:
    """Return a key as it is in files."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass
class Issued:
    """A certificate, and the file that it is in with its key."""

    certificate: x509.Certificate
    key: Key
    path: Path

    @property
    def pem(self) -> str:
        """Return the certificate as it is in files."""
        return self.certificate.public_bytes(Encoding.PEM).decode()


@dataclass
class Maker:
    """An authority that signs whatever it is asked for."""

    folder: Path
    issued: Issued
    count: int = 0

    @classmethod
    def make(cls, folder: Path, title: str, key: Key, **validity: datetime) -> Maker:
        """Make an authority."""
        certificate = _certificate(title, key, title, key, ca=True, **validity)
        path = folder / f"{title}.pem"
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
        (folder / f"{title}.key").write_bytes(private_pem(key))
        return cls(folder, Issued(certificate, key, path))

    @property
    def path(self) -> str:
        """Return the file of the authority's certificate."""
        return str(self.issued.path)

    @property
    def key_path(self) -> str:
        """Return the file of the authority's key."""
        return str(self.issued.path.with_suffix(".key"))

    def issue(
        self,
        common_name: str,
        key: Key,
        *,
        dns: Iterable[str] = (),
        **validity: datetime,
    ) -> Issued:
        """Sign a certificate, and put it into a file with its key."""
        title = self.issued.certificate.subject.get_attributes_for_oid(
            NameOID.COMMON_NAME
        )[0].value
        certificate = _certificate(
            common_name, key, str(title), self.issued.key, dns=dns, **validity
        )
        self.count += 1
        path = self.folder / f"{title}-{self.count}.pem"
        path.write_bytes(certificate.public_bytes(Encoding.PEM) + private_pem(key))
        return Issued(certificate, key, path)


def _certificate(
    common_name: str,
    key: Key,
    issuer: str,
    issuer_key: Key,
    *,
    ca: bool = False,
    dns: Iterable[str] = (),
    begins: datetime | None = None,
    ends: datetime | None = None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(common_name))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins or now - DAY)
        .not_valid_after(ends or now + 100 * DAY)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if ca:
        builder = builder.add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    else:
        builder = builder.add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.IPAddress(ip_address("127.0.0.1")),
                    *(x509.DNSName(each) for each in dns),
                ]
            ),
            critical=False,
        )
    return builder.sign(issuer_key, hashes.SHA256())


class Certificates:
    """All that the tests need, made once."""

    def __init__(self, folder: Path) -> None:
        """Make them."""
        past = datetime.now(UTC) - DAY
        self.folder = folder
        self.rsa_key = rsa_key()
        # Two authorities: of what chargers trust, and of what chargers are trusted by.
        self.server_ca = Maker.make(folder, "Servers", ec_key())
        self.charger_ca = Maker.make(folder, "Chargers", ec_key())
        foreign_ca = Maker.make(folder, "Foreign", ec_key())
        self.ecdsa = self.server_ca.issue("localhost", ec_key())
        self.rsa = self.server_ca.issue("localhost", self.rsa_key)
        issue = self.charger_ca.issue
        self.charger = issue("GARAGE", ec_key())
        self.rsa_charger = issue("garage", self.rsa_key)
        self.serial = issue("SERIAL-1", ec_key())
        self.named_besides = issue("Charger", ec_key(), dns=["garage"])
        self.other = issue("OTHER", ec_key())
        self.expired = issue("GARAGE", ec_key(), begins=past - DAY, ends=past)
        self.foreign = foreign_ca.issue("GARAGE", ec_key())

    def client(self, issued: Issued | None = None) -> ssl.SSLContext:
        """Return what a charger dials with, that shows this certificate."""
        context = ssl.create_default_context(cafile=self.server_ca.path)
        if issued:
            context.load_cert_chain(issued.path)
        return context
