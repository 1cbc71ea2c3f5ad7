"""The certificate of our own listener, renewed without closing a socket."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
import ssl
from typing import Any, override

from .csms.certificates import Authority, load_authority, validity

# Python's own choice, and the two that OCPP 1.6 security demands for RSA certificates,
# which chargers may have to do with (A00.FR.319).
_CIPHERS = (
    "@SECLEVEL=2:ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:DHE+AES"
    ":AES128-GCM-SHA256:AES256-GCM-SHA384"
    ":!aNULL:!eNULL:!aDSS:!PSK:!SRP:!SHA1:!AESCCM"
)


class _Socket(ssl.SSLObject):
    """One encrypted connection, which says so where none comes about."""

    @override
    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except ssl.SSLWantReadError, ssl.SSLWantWriteError:
            raise
        except ssl.SSLError as error:
            if isinstance(self.context, _Context):
                self.context.on_failed(error)
            raise


class _Context(ssl.SSLContext):
    """What a certificate is served with."""

    sslobject_class = _Socket
    on_failed: Callable[[ssl.SSLError], None] = staticmethod(lambda _: None)


class RenewableContext(ssl.SSLContext):
    """Serves each new connection with the newest certificate."""

    newest: ssl.SSLContext

    @override
    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        return self.newest.wrap_bio(*args, **kwargs)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where certificates and keys are.

    One of RSA and one of ECDSA, each with its key, are separated by commas.
    """

    certificate: str
    private_key: str | None = None
    client_ca: str | None = None
    client_ca_key: str | None = None

    def stamp(self) -> list[tuple[str, int, int]]:
        """Return what differs once any of the files has been renewed."""
        stamp = []
        for path in self._paths():
            with suppress(OSError):
                status = Path(path).stat()
                stamp.append((path, status.st_mtime_ns, status.st_size))
        return stamp

    def expires(self) -> tuple[str, datetime, datetime]:
        """Return which certificate expires first, and from and until when it is valid.

        Raises OSError or ValueError.
        """
        return min(
            (
                (path, *validity(Path(path).read_bytes()))
                for path in _several(self.certificate)
            ),
            key=lambda certificate: certificate[2],
        )

    def authority(self) -> Authority | None:
        """Load what signs certificates of chargers. Raises OSError or ValueError."""
        if not self.client_ca or not self.client_ca_key:
            return None
        return load_authority(
            Path(self.client_ca).read_bytes(), Path(self.client_ca_key).read_bytes()
        )

    def context(self) -> _Context:
        """Load what to serve; with `client_ca` chargers may show certificates as well.

        Raises OSError, of which ssl.SSLError is one; any other OSError names the file
        it is about.
        """
        for path in self._paths():
            Path(path).read_bytes()
        context = _Context(ssl.PROTOCOL_TLS_SERVER)
        # Many chargers know no TLS 1.3; none needs less than 1.2 (OCPP security profile 2).
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_CIPHERS)
        keys = _several(self.private_key)
        for number, certificate in enumerate(_several(self.certificate)):
            private_key = keys[number] if number < len(keys) else None
            # Without a password OpenSSL would ask for that of an encrypted key on the
            # terminal.
            context.load_cert_chain(certificate, private_key, password="")
        if self.client_ca:
            context.load_verify_locations(self.client_ca)
            # A charger without one may have a password; that is seen to later, when it
            # has said who it is.
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def _paths(self) -> list[str]:
        authority = (self.client_ca, self.client_ca_key)
        return [
            *_several(self.certificate),
            *_several(self.private_key),
            *(path for path in authority if path),
        ]


def _several(paths: str | None) -> list[str]:
    return [path.strip() for path in (paths or "").split(",") if path.strip()]
