"""Encryption, and client certificates."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
import logging
from pathlib import Path
import ssl
from typing import Any

from aiohttp import ClientError, WSServerHandshakeError
import pytest

from custom_components.ocpp_central.csms.admission import Refusal
from custom_components.ocpp_central.csms.security import Profile
from custom_components.ocpp_central.tls import RenewableContext, TlsFiles
from tests.certificates import Certificates, Issued

from .common import BOOT, Central, Charger

type Refusals = list[tuple[str, Refusal]]
type Listen = Callable[..., Any]


def basic(credentials: str) -> dict[str, str]:
    """Return the header for Basic authentication."""
    encoded = base64.b64encode(credentials.encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


@pytest.fixture
async def listen(central: Central) -> AsyncIterator[Listen]:
    """Have the central system listen with encryption."""
    # In debug mode asyncio makes an exception of each handshake that fails.
    asyncio.get_running_loop().set_debug(False)

    async def start(files: TlsFiles) -> list[ssl.SSLError]:
        await central.system._runner.cleanup()  # type: ignore[union-attr]  # noqa: SLF001
        failures: list[ssl.SSLError] = []
        context = files.context()
        context.on_failed = failures.append
        front = RenewableContext(ssl.PROTOCOL_TLS_SERVER)
        front.newest = context
        central.port = await central.system.listen(
            "127.0.0.1", 0, front, certificates=bool(files.client_ca)
        )
        return failures

    return start


@pytest.fixture
def refusals(central: Central) -> Refusals:
    """Return who was refused."""
    refusals: Refusals = []
    central.system.on_refused = lambda *refusal: refusals.append(refusal)
    return refusals


async def dial(
    central: Central,
    context: ssl.SSLContext | bool,
    path: str = "/GARAGE",
    headers: dict[str, str] | None = None,
) -> Charger:
    """Open an encrypted socket."""
    socket = await central.session.ws_connect(
        f"https://127.0.0.1:{central.port}{path}",
        protocols=("ocpp1.6",),
        headers=headers,
        autoping=False,
        ssl=context,
    )
    charger = Charger(socket)
    central.chargers.append(charger)
    return charger


def profile(central: Central) -> Profile:
    """Return how safe the newest connection is."""
    return central.system.charge_points["garage"].security.profile


def served(central: Central, charger: Charger) -> Any:
    """Return what the encryption came to."""
    return charger.socket.get_extra_info("ssl_object")


# The server's side


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
async def test_either_certificate(
    central: Central,
    listen: Listen,
    certificates: Certificates,
    kind: str,
    version: str,
) -> None:
    """Certificates of both kinds are served, to older chargers as well."""
    issued: Issued = getattr(certificates, kind)
    await listen(TlsFiles(str(issued.path)))
    await central.add("GARAGE", password="secret password")
    context = certificates.client()
    context.maximum_version = context.minimum_version = ssl.TLSVersion[version]
    charger = await dial(central, context, headers=basic("GARAGE:secret password"))
    await charger.alive()
    assert served(central, charger).version() == version.replace("_", ".")
    assert profile(central) is Profile.ENCRYPTED


@pytest.mark.parametrize(
    ("cipher", "kind"),
    [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa"),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", "ecdsa"),
        ("AES128-GCM-SHA256", "rsa"),
        ("AES256-GCM-SHA384", "rsa"),
    ],
)
async def test_ciphers(
    central: Central,
    listen: Listen,
    certificates: Certificates,
    cipher: str,
    kind: str,
) -> None:
    """What the standard has chargers know is served, from two certificates at once."""
    await listen(TlsFiles(f"{certificates.rsa.path}, {certificates.ecdsa.path}"))
    await central.add("GARAGE")
    context = certificates.client()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(cipher)
    charger = await dial(central, context)
    await charger.alive()
    encryption = served(central, charger)
    assert encryption.cipher()[0] == cipher
    shown = ssl.DER_cert_to_PEM_cert(encryption.getpeercert(binary_form=True))
    assert shown == getattr(certificates, kind).pem


async def test_old_versions(
    central: Central, listen: Listen, certificates: Certificates
) -> None:
    """What has been broken is not served."""
    await listen(TlsFiles(str(certificates.rsa.path)))
    context = certificates.client()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ClientError):
        await dial(central, context)


@pytest.mark.parametrize("key", ["rsa", "ecdsa"])
async def test_keys_in_files_of_their_own(
    certificates: Certificates, tmp_path: Path, key: str
) -> None:
    """Of two certificates, each finds its key, in the same order or in its own file."""
    pem = tmp_path / "rsa.pem"
    pem.write_text(certificates.rsa.pem)
    both = f"{pem},{certificates.ecdsa.path}"
    assert TlsFiles(both, str(certificates.rsa.path)).context().get_ciphers()
    with pytest.raises(ssl.SSLError):
        TlsFiles(both, str(certificates.ecdsa.path)).context()


async def test_plain_connection(
    central: Central, listen: Listen, certificates: Certificates
) -> None:
    """Who does not encrypt is turned away at once, and it is known why."""
    failures = await listen(TlsFiles(str(certificates.rsa.path)))
    with pytest.raises(ClientError):
        await central.dial("/GARAGE")
    assert {failure.reason for failure in failures} == {"HTTP_REQUEST"}


async def test_encrypted_to_the_plain_port(
    central: Central, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    """Who encrypts where nobody else does is turned away without any fuss."""
    with pytest.raises(ClientError):
        await dial(central, certificates.client())
    assert not [
        record for record in caplog.records if record.levelno >= logging.WARNING
    ]


async def test_nonsense(
    central: Central, listen: Listen, certificates: Certificates
) -> None:
    """Who speaks neither holds up nobody."""
    await listen(TlsFiles(str(certificates.rsa.path)))
    await central.add("GARAGE")
    reader, writer = await asyncio.open_connection("127.0.0.1", central.port)
    writer.write(b"\x00\xff\x10 Dear diary \n\n" * 100)
    with suppress(ConnectionError):
        await reader.read()
    writer.close()
    await (await dial(central, certificates.client())).alive()


# Client certificates


@pytest.fixture
async def failures(listen: Listen, certificates: Certificates) -> list[ssl.SSLError]:
    """Ask for certificates; return whose encryption came to nothing."""
    failures: list[ssl.SSLError] = await listen(
        TlsFiles(str(certificates.rsa.path), client_ca=certificates.charger_ca.path)
    )
    return failures


@pytest.mark.parametrize("kind", ["charger", "rsa_charger", "named_besides"])
@pytest.mark.usefixtures("failures")
async def test_own_certificate(
    central: Central, certificates: Certificates, kind: str
) -> None:
    """A charger in whose name the certificate is comes in, without a password too."""
    await central.add("Garage", password="secret password")
    charger = await dial(central, certificates.client(getattr(certificates, kind)))
    await charger.alive()
    assert profile(central) is Profile.CERTIFICATE


@pytest.mark.usefixtures("failures")
async def test_certificate_in_the_name_of_the_serial_number(
    central: Central, certificates: Certificates, refusals: Refusals
) -> None:
    """A charger that has told its serial number may be known by it (A00.FR.512)."""
    context = certificates.client(certificates.serial)
    charger = await dial(central, context)
    await charger.call(
        "BootNotification", {**BOOT, "chargePointSerialNumber": "serial-1"}
    )
    await central.add("GARAGE")
    await charger.close()
    await (await dial(central, context)).alive()
    assert profile(central) is Profile.CERTIFICATE
    assert refusals == []


@pytest.mark.usefixtures("failures")
async def test_password_instead_of_a_certificate(
    central: Central, certificates: Certificates, refusals: Refusals
) -> None:
    """Chargers with passwords and chargers with certificates get along."""
    await central.add("GARAGE", password="secret password")
    right = basic("GARAGE:secret password")
    await (await dial(central, certificates.client(), headers=right)).alive()
    assert profile(central) is Profile.ENCRYPTED
    other = certificates.client(certificates.other)
    await (await dial(central, other, headers=right)).alive()
    assert profile(central) is Profile.ENCRYPTED
    with pytest.raises(WSServerHandshakeError) as error:
        await dial(central, certificates.client(), headers=basic("GARAGE:wrong"))
    assert error.value.status == 401
    assert refusals == [("GARAGE", Refusal.WRONG_PASSWORD)]


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [(None, Refusal.CERTIFICATE_MISSING), ("other", Refusal.WRONG_CERTIFICATE)],
)
@pytest.mark.usefixtures("failures")
async def test_no_certificate_or_another(
    central: Central,
    certificates: Certificates,
    refusals: Refusals,
    kind: str | None,
    refusal: Refusal,
) -> None:
    """Neither is let in, and the charger that is connected stays so."""
    await central.add("GARAGE")
    charger = await dial(central, certificates.client(certificates.charger))
    shown = getattr(certificates, kind) if kind else None
    with pytest.raises(WSServerHandshakeError) as error:
        await dial(central, certificates.client(shown))
    assert error.value.status == 403
    assert refusals == [("GARAGE", refusal)]
    await charger.alive()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("expired", "certificate has expired"),
        ("foreign", "unable to get local issuer certificate"),
    ],
)
async def test_certificate_that_is_not_accepted(
    central: Central,
    certificates: Certificates,
    failures: list[ssl.SSLError],
    kind: str,
    reason: str,
) -> None:
    """Its charger never gets as far as a name, so it is known by the reason alone."""
    await central.add("GARAGE")
    with pytest.raises((ClientError, ConnectionError)):
        await dial(central, certificates.client(getattr(certificates, kind)))
    # The client tries once more.
    for failure in failures:
        assert isinstance(failure, ssl.SSLCertVerificationError)
        assert failure.verify_message == reason
    assert failures


@pytest.mark.usefixtures("failures")
async def test_strangers(central: Central, certificates: Certificates) -> None:
    """A stranger is offered if somebody vouches for it by a certificate."""
    with pytest.raises(WSServerHandshakeError) as error:
        await dial(central, certificates.client())
    assert error.value.status == 403
    charger = await dial(central, certificates.client(certificates.charger))
    assert (await charger.boot())["status"] == "Pending"
    assert list(central.system.unknown) == ["garage"]
