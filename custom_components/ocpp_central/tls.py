"""The certificate of our own listener."""

import ssl


def server_context(
    certificate: str, private_key: str | None, client_ca: str | None
) -> ssl.SSLContext:
    """Load a certificate; with `client_ca` chargers must show one as well.

    Reads files, so not for the event loop. Raises OSError, of which ssl.SSLError is one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Many chargers know no TLS 1.3; none needs less than 1.2 (OCPP security profile 2).
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, private_key)
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
