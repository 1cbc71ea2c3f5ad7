"""Certificates of chargers: whose they are, and new ones signed by our own authority."""

import base64
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALIDITY = timedelta(days=365)
# A charger whose clock is slow has to find its certificate valid as well.
_SLOW_CLOCK = timedelta(days=1)
# What OCPP 1.6 security asks of keys.
_LEAST_RSA = 2048
_LEAST_EC = 224
# What a CertificateSigned carries.
_LONGEST_CHAIN = 10_000

type Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class BadRequest(Exception):
    """A certificate signing request that is not signed."""


class Authority:
    """Signs the certificates of chargers."""

    def __init__(self, certificates: Iterable[x509.Certificate], key: Key) -> None:
        """Sign in the name of that certificate which the key belongs to.

        Raises ValueError where there is none.
        """
        public_key = key.public_key()
        own = [
            certificate
            for certificate in certificates
            if certificate.public_key() == public_key
        ]
        if not own:
            raise ValueError("The private key belongs to none of the certificates")
        self._certificate = own[0]
        self._key = key

    def sign(self, request: str, names: Iterable[str]) -> str:
        """Sign a request made in one of these names; returns the chain as PEM.

        Raises BadRequest. It computes, so it is not for the event loop.
        """
        csr = _read(request)
        wanted = {name.casefold() for name in names if name}
        own = [
            str(name.value).strip()
            for name in csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        ]
        if len(own) != 1 or own[0].casefold() not in wanted:
            raise BadRequest(f"it is in the name of {', '.join(own) or 'nobody'}")
        now = datetime.now(UTC)
        if self._certificate.not_valid_after_utc <= now:
            raise BadRequest("the certificate of the authority has expired")
        certificate = self._signed(csr, now)
        chain = certificate.public_bytes(Encoding.PEM)
        if self._certificate.subject != self._certificate.issuer:
            # The root is on the other side already, what is between is not.
            whole = chain + self._certificate.public_bytes(Encoding.PEM)
            if len(whole) <= _LONGEST_CHAIN:
                chain = whole
        return chain.decode()

    def _signed(
        self, csr: x509.CertificateSigningRequest, now: datetime
    ) -> x509.Certificate:
        public_key = csr.public_key()
        is_rsa = isinstance(public_key, rsa.RSAPublicKey)
        builder = (
            x509.CertificateBuilder()
            .subject_name(csr.subject)
            .issuer_name(self._certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(
                max(now - _SLOW_CLOCK, self._certificate.not_valid_before_utc)
            )
            .not_valid_after(
                min(now + _VALIDITY, self._certificate.not_valid_after_utc)
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    # Only RSA keys exchange keys by encryption.
                    key_encipherment=is_rsa,
                    content_commitment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=False,
                    crl_sign=False,
                    encipher_only=False,
                    decipher_only=False,
                ),
                True,
            )
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
            .add_extension(self._key_identifier(), False)
        )
        return builder.sign(self._key, hashes.SHA256())

    def _key_identifier(self) -> x509.AuthorityKeyIdentifier:
        try:
            extension = self._certificate.extensions.get_extension_for_class(
                x509.SubjectKeyIdentifier
            )
        except x509.ExtensionNotFound:
            return x509.AuthorityKeyIdentifier.from_issuer_public_key(
                self._key.public_key()
            )
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
            extension.value
        )


@dataclass(slots=True)
class Signing:
    """Who signs for chargers, if anybody does."""

    # Casefolded: nobody gets a certificate in the name of somebody else.
    identities: Container[str] = ()
    authority: Authority | None = None


def load_authority(certificates: bytes, private_key: bytes) -> Authority:
    """Read an authority from PEM. Raises ValueError."""
    try:
        key = load_pem_private_key(private_key, None)
        loaded = x509.load_pem_x509_certificates(certificates)
    except TypeError as error:
        # That is what a key with a passphrase raises.
        raise ValueError(str(error)) from error
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise ValueError("The key is neither RSA nor ECDSA")  # noqa: TRY004
    return Authority(loaded, key)


def validity(certificates: bytes) -> tuple[datetime, datetime]:
    """Return from when until when the first of some PEM certificates is valid.

    Raises ValueError.
    """
    certificate = x509.load_pem_x509_certificates(certificates)[0]
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def names_of(peer: Mapping[str, Any]) -> set[str]:
    """Return the names in a verified certificate, as the ssl module tells it."""
    names = {
        str(value)
        for part in peer.get("subject", ())
        for kind, value in part
        if kind == "commonName"
    }
    names |= {
        str(value) for kind, value in peer.get("subjectAltName", ()) if kind == "DNS"
    }
    return {name.strip().casefold() for name in names}


def _read(request: str) -> x509.CertificateSigningRequest:
    """Return a request that its sender has the key of, and that is strong enough."""
    # Some write the two characters \n where a line ends.
    text = request.replace("\\n", "\n").strip()
    try:
        if text.startswith("-----"):
            csr = x509.load_pem_x509_csr(text.encode())
        else:
            # Some chargers leave out what PEM adds to it.
            csr = x509.load_der_x509_csr(base64.b64decode("".join(text.split())))
        valid, key = csr.is_signature_valid, csr.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadRequest(f"it cannot be read: {error}") from error
    if not valid:
        raise BadRequest("its signature is wrong")
    if isinstance(key, rsa.RSAPublicKey):
        strong = key.key_size >= _LEAST_RSA
    elif isinstance(key, ec.EllipticCurvePublicKey):
        strong = key.curve.key_size >= _LEAST_EC
    else:
        strong = False
    if not strong:
        raise BadRequest("its key is too weak, or neither RSA nor ECDSA")
    return csr
