"""The certificate of our own listener."""

from pathlib import Path
import ssl


def server_context(
    certificate: str, private_key: str | None, client_ca: str | None
) -> ssl.SSLContext:
    """Load a certificate; with `client_ca` chargers must show one as well.

    Reads files, so not for the event loop. Raises OSError, of which ssl.SSLError is one;
    any other OSError names the file it is about.
    """
    for path in (certificate, private_key, client_ca):
        if path:
            Path(path).read_bytes()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Many chargers know no TLS 1.3; none needs less than 1.2 (OCPP security profile 2).
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Without a password OpenSSL would ask for that of an encrypted key on the terminal.
    context.load_cert_chain(certificate, private_key, password="")
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
