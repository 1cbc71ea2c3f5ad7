"""Passwords that change, profiles that are raised, certificates that are asked for."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import logging
from pathlib import Path

from aiohttp import WSServerHandshakeError
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID
import pytest

from custom_components.ocpp_central.csms.admission import Refusal
from custom_components.ocpp_central.csms.certificates import Authority, load_authority
from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import (
    CommandFailed,
    CommandRejected,
    InvalidCommand,
)
from custom_components.ocpp_central.csms.model import ChargePointConfig
from custom_components.ocpp_central.csms.security import SecurityState, hexadecimal
from tests.certificates import (
    DAY,
    Certificates,
    Maker,
    ec_key,
    name,
    private_pem,
    request,
    rsa_key,
)

from .common import (
    Answer,
    Central,
    Charger,
    HangUp,
    Payload,
    Refusal as CallError,
    Silence,
    until,
)

OLD, NEW, NEWER = "old password 123", "new password 123", "newer password 1"


def basic(password: str | bytes, user: str = "CP1") -> dict[str, str]:
    """Return the header for Basic authentication."""
    secret = password.encode() if isinstance(password, str) else password
    encoded = b64encode(f"{user}:".encode() + secret).decode()
    return {"Authorization": f"Basic {encoded}"}


async def is_let_in(central: Central, password: str | bytes | None) -> bool:
    """Return whether a charger comes in, which takes its place."""
    headers = None if password is None else basic(password)
    try:
        charger = await central.dial(headers=headers)
    except WSServerHandshakeError:
        return False
    await charger.boot()
    return True


async def connect(
    central: Central, password: str | None = OLD
) -> tuple[ChargePoint, Charger]:
    """Add a charge point that comes with its password."""
    charge_point = await central.add(password=password)
    headers = basic(password) if password else None
    charger = await central.dial(headers=headers)
    await charger.boot()
    return charge_point, charger


def configure(charge_point: ChargePoint, password: str | None) -> None:
    """Set another password, as the user does."""
    previous = charge_point.config.password
    charge_point.config = ChargePointConfig(
        identity="CP1", name="CP1", password=password
    )
    charge_point.security.password_changed(previous)


async def told(charge_point: ChargePoint, **expected: bool) -> None:
    """Wait until it is known what the charger makes of its new password."""
    security = charge_point.security
    await until(
        security.subscribe,
        lambda: all(
            getattr(security.state, name) is value for name, value in expected.items()
        ),
    )


# Another password


@pytest.mark.parametrize(
    ("password", "key"),
    [
        ("new password 123", "6e65772070617373776f726420313233"),
        ("00ff" * 8, "00ff" * 8),
        ("00FF" * 10, "00FF" * 10),
        ("00ff" * 7, "30306666" * 7),
        ("pässwörd", "70c3a4737377c3b67264"),
    ],
)
def test_hexadecimal(password: str, key: str) -> None:
    """A key is written in hexadecimal, unless it is a key already."""
    assert hexadecimal(password) == key


async def test_new_password(central: Central) -> None:
    """The charger is told; both are taken until it has come with the new one."""
    charge_point, charger = await connect(central)
    configure(charge_point, NEW)
    call = await charger.called("ChangeConfiguration")
    assert call.payload == {"key": "AuthorizationKey", "value": hexadecimal(NEW)}
    assert await is_let_in(central, OLD)
    # It does not send what stands for the key, but the key.
    assert await is_let_in(central, NEW)
    assert not await is_let_in(central, OLD)
    assert await is_let_in(central, NEW)
    assert charge_point.security.state == SecurityState()


@pytest.mark.parametrize("spelling", [NEW, hexadecimal(NEW)])
async def test_new_password_as_the_charger_takes_it(
    central: Central, spelling: str
) -> None:
    """Some take the digits of the key for the password."""
    charge_point, charger = await connect(central)
    configure(charge_point, NEW)
    await charger.called("ChangeConfiguration")
    assert await is_let_in(central, spelling)
    assert not await is_let_in(central, OLD)


async def test_key_in_hexadecimal(central: Central) -> None:
    """A key that is configured in hexadecimal comes as the bytes it stands for."""
    charge_point, charger = await connect(central)
    configure(charge_point, "00FF" * 10)
    call = await charger.called("ChangeConfiguration")
    assert call.payload["value"] == "00FF" * 10
    assert await is_let_in(central, bytes.fromhex("00FF" * 10))
    assert not await is_let_in(central, OLD)


@pytest.mark.parametrize(
    "refusal",
    [
        {"status": "Rejected"},
        {"status": "NotSupported"},
        CallError("NotSupported"),
        CallError("InternalError", "no"),
    ],
)
async def test_new_password_refused(central: Central, refusal: Answer) -> None:
    """The old one stays valid, and so does the new one, which may be set by hand."""
    charge_point, charger = await connect(central)
    charger.answers["ChangeConfiguration"] = refusal
    configure(charge_point, NEW)
    await told(charge_point, refused=True)
    sent = [
        call.payload["value"]
        for call in charger.calls
        if call.action == "ChangeConfiguration"
    ]
    assert sent == [hexadecimal(NEW), NEW]
    assert await is_let_in(central, OLD)
    assert charge_point.security.state.refused
    assert await is_let_in(central, NEW)
    assert not charge_point.security.state.refused
    assert not await is_let_in(central, OLD)


async def test_not_told_twice(central: Central) -> None:
    """A charger that has refused is left alone when it is back."""
    charge_point, charger = await connect(central)
    charger.answers["ChangeConfiguration"] = {"status": "Rejected"}
    configure(charge_point, NEW)
    await told(charge_point, refused=True)
    charger = await central.dial(headers=basic(OLD))
    await charger.boot()
    await charger.alive()
    assert "ChangeConfiguration" not in charger.actions


async def test_new_password_not_in_hexadecimal(central: Central) -> None:
    """What refuses the key in hexadecimal gets it as it is."""

    def answer(payload: Payload) -> Payload:
        taken = payload["value"] == NEW
        return {"status": "Accepted" if taken else "Rejected"}

    charge_point, charger = await connect(central)
    charger.answers["ChangeConfiguration"] = answer
    configure(charge_point, NEW)
    await charger.called("ChangeConfiguration")
    await charger.called("ChangeConfiguration")
    await charger.alive()
    assert not charge_point.security.state.refused
    assert await is_let_in(central, NEW)


async def test_new_password_after_a_restart_of_the_charger(central: Central) -> None:
    """It is said that the charger has to restart; until then nothing changes."""
    charge_point, charger = await connect(central)
    charger.answers["ChangeConfiguration"] = {"status": "RebootRequired"}
    configure(charge_point, NEW)
    await told(charge_point, restart=True)
    assert await is_let_in(central, OLD)
    assert charge_point.security.state.restart
    assert await is_let_in(central, NEW)
    assert not charge_point.security.state.refused


async def test_accepted_and_not_used(central: Central) -> None:
    """A charger that says yes and comes with the old password is told of."""
    charge_point, charger = await connect(central)
    configure(charge_point, NEW)
    await charger.called("ChangeConfiguration")
    await charger.alive()
    assert not charge_point.security.state.refused
    assert await is_let_in(central, OLD)
    await told(charge_point, refused=True)


async def test_new_password_while_away(central: Central) -> None:
    """Who is away is told when back, with the old password."""
    charge_point, charger = await connect(central)
    await charger.close()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    configure(charge_point, NEW)
    configure(charge_point, NEWER)
    charger = await central.dial(headers=basic(OLD))
    await charger.boot()
    call = await charger.called("ChangeConfiguration")
    assert call.payload["value"] == hexadecimal(NEWER)
    # One of them may have been typed into the charger.
    assert await is_let_in(central, NEW)
    assert await is_let_in(central, NEWER)
    assert not await is_let_in(central, NEW)


@pytest.mark.parametrize("answer", [Silence(), HangUp()])
async def test_lost_on_the_way(central: Central, answer: Answer) -> None:
    """Nobody knows whether the charger has the new one: both are taken."""
    charge_point, charger = await connect(central)
    charger.answers["ChangeConfiguration"] = answer
    configure(charge_point, NEW)
    await charger.called("ChangeConfiguration")
    await charger.close()
    charger = await central.dial(headers=basic(OLD))
    await charger.boot()
    call = await charger.called("ChangeConfiguration")
    assert call.payload["value"] == hexadecimal(NEW)
    assert await is_let_in(central, NEW)


async def test_back_to_the_old_one(central: Central) -> None:
    """A change that is taken back leaves nothing behind."""
    charge_point, charger = await connect(central)
    charger.answers["ChangeConfiguration"] = {"status": "Rejected"}
    configure(charge_point, NEW)
    await told(charge_point, refused=True)
    configure(charge_point, OLD)
    await told(charge_point, refused=False)
    assert await is_let_in(central, OLD)
    assert not await is_let_in(central, NEW)


async def test_no_password_any_more(central: Central) -> None:
    """Without a password nothing is asked for, and nothing is sent."""
    charge_point, charger = await connect(central)
    configure(charge_point, None)
    await charger.alive()
    assert "ChangeConfiguration" not in charger.actions
    assert await is_let_in(central, None)
    assert await is_let_in(central, "whatever")


async def test_first_password(central: Central) -> None:
    """A charger that has no place for one is not told: it may be set there by hand."""
    charge_point, charger = await connect(central, None)
    configure(charge_point, NEW)
    await charger.alive()
    assert "ChangeConfiguration" not in charger.actions
    assert not await is_let_in(central, None)
    assert await is_let_in(central, NEW)


async def test_first_password_of_a_charger_that_takes_one(central: Central) -> None:
    """A charger that has a place for a password gets it."""
    charge_point = await central.add()
    charger = await central.dial()
    charger.answers["GetConfiguration"] = {
        "configurationKey": [
            {"key": "SecurityProfile", "readonly": False, "value": "0"}
        ]
    }
    await charger.boot()
    await charge_point.bring_up.ended()
    configure(charge_point, NEW)
    call = await charger.called("ChangeConfiguration")
    assert call.payload["value"] == hexadecimal(NEW)
    assert await is_let_in(central, NEW)


# A key that is set by hand


async def test_key_set_by_hand(central: Central) -> None:
    """It becomes the password as soon as the charger comes with it."""
    adopted: list[str] = []
    charge_point, _ = await connect(central)
    charge_point.security.on_adopted = adopted.append
    key = hexadecimal(NEW)
    await charge_point.commands.set_configuration("authorizationkey", key)
    assert await is_let_in(central, OLD)
    assert await is_let_in(central, bytes.fromhex(key))
    assert adopted == [key]
    assert charge_point.config.password == key
    assert not await is_let_in(central, OLD)
    assert await is_let_in(central, NEW)


async def test_key_set_by_hand_by_a_raw_call(central: Central) -> None:
    """However it is sent, the charger is not locked out; not over a restart either."""
    charge_point, _ = await connect(central)
    kept: list[SecurityState] = []
    charge_point.security.subscribe(lambda: kept.append(charge_point.security.state))
    await charge_point.commands.call(
        "ChangeConfiguration", {"key": "AuthorizationKey", "value": NEW}
    )
    assert [state.next for state in kept] == [NEW]


async def test_key_set_by_hand_is_refused(central: Central) -> None:
    """What the charger does not take is not taken from it."""
    charge_point, charger = await connect(central)
    commands = charge_point.commands
    charger.answers["ChangeConfiguration"] = {"status": "Rejected"}
    with pytest.raises(CommandRejected):
        await commands.set_configuration("AuthorizationKey", NEW)
    charger.answers["ChangeConfiguration"] = CallError("InternalError")
    with pytest.raises(CommandFailed):
        await commands.set_configuration("AuthorizationKey", NEW)
    with pytest.raises(InvalidCommand):
        await commands.set_configuration("AuthorizationKey", NEW * 100)
    assert not await is_let_in(central, NEW)
    assert not await is_let_in(central, NEW * 100)
    assert await is_let_in(central, OLD)


# Raising the profile


@pytest.fixture
def refusals(central: Central) -> list[tuple[str, Refusal]]:
    """Return who was refused."""
    refusals: list[tuple[str, Refusal]] = []
    central.system.on_refused = lambda *refusal: refusals.append(refusal)
    return refusals


async def test_raised_profile(
    central: Central, refusals: list[tuple[str, Refusal]]
) -> None:
    """The old way is refused only after the charger came back the new way."""
    charge_point, _ = await connect(central, None)
    await charge_point.commands.set_configuration("SecurityProfile", "1")
    assert await is_let_in(central, None)
    configure(charge_point, NEW)
    assert await is_let_in(central, NEW)
    configure(charge_point, None)
    assert not await is_let_in(central, None)
    assert refusals == [("CP1", Refusal.INSECURE)]
    charge_point.security.allow_any_profile()
    assert await is_let_in(central, None)


async def test_profile_that_is_refused(central: Central) -> None:
    """What the charger does not do is not asked of it."""
    charge_point, charger = await connect(central)
    charger.answers["ChangeConfiguration"] = {"status": "Rejected"}
    for value in ("2", "1"):
        with pytest.raises(CommandRejected):
            await charge_point.commands.set_configuration("SecurityProfile", value)
    assert charge_point.security.state == SecurityState()
    charger.answers["ChangeConfiguration"] = {"status": "Accepted"}
    await charge_point.commands.set_configuration("SecurityProfile", "high")
    assert charge_point.security.state == SecurityState()


async def test_profile_that_is_never_reached(central: Central) -> None:
    """A charger that says yes and stays as it was is not locked out."""
    charge_point, _ = await connect(central)
    await charge_point.commands.set_configuration("SecurityProfile", "3")
    for _ in range(2):
        assert await is_let_in(central, OLD)
    assert charge_point.security.state == SecurityState(raised=3)


async def test_lowered_profile(central: Central) -> None:
    """A charger that lets its profile be lowered may come that way."""
    charge_point, _ = await connect(central)
    for value in ("1", "0"):
        await charge_point.commands.set_configuration("SecurityProfile", value)
        assert await is_let_in(central, OLD)
    configure(charge_point, None)
    assert await is_let_in(central, None)


# Certificates


@pytest.fixture
def signing(central: Central, certificates: Certificates) -> Maker:
    """Sign for chargers."""
    maker = certificates.charger_ca
    central.system.signing.authority = authority(maker)
    return maker


def authority(maker: Maker) -> Authority:
    """Load an authority."""
    return load_authority(
        Path(maker.path).read_bytes(), Path(maker.key_path).read_bytes()
    )


async def ask(charger: Charger, csr: str) -> str:
    """Ask for a certificate and return the answer."""
    answer = await charger.call("SignCertificate", {"csr": csr})
    return str(answer["status"])


def bare(csr: str) -> str:
    """Return a request without what PEM adds to it."""
    return "".join(csr.splitlines()[1:-1])


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
@pytest.mark.parametrize("common_name", ["CP1", "cp1", "S1"])
async def test_sign_certificate(
    central: Central,
    signing: Maker,
    certificates: Certificates,
    kind: str,
    common_name: str,
) -> None:
    """A charger gets a certificate in its own name, or that of its serial number."""
    charge_point, charger = await connect(central)
    key = certificates.rsa_key if kind == "rsa" else ec_key()
    assert await ask(charger, request(key, common_name)) == "Accepted"
    call = await charger.called("CertificateSigned")
    chain = x509.load_pem_x509_certificates(call.payload["certificateChain"].encode())
    [certificate] = chain
    certificate.verify_directly_issued_by(signing.issued.certificate)
    assert certificate.subject == name(common_name)
    assert certificate.public_key() == key.public_key()
    assert certificate.not_valid_before_utc < datetime.now(UTC)
    # Not longer than the authority itself.
    assert (
        certificate.not_valid_after_utc
        == signing.issued.certificate.not_valid_after_utc
    )
    extension = certificate.extensions.get_extension_for_class
    assert not extension(x509.BasicConstraints).value.ca
    assert extension(x509.KeyUsage).value.digital_signature
    assert extension(x509.KeyUsage).value.key_encipherment == (kind == "rsa")
    assert list(extension(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    assert extension(x509.AuthorityKeyIdentifier)
    await charger.alive()
    assert charge_point.security.state.certificate is None


@pytest.mark.parametrize(
    "rewrite",
    [bare, lambda csr: csr.replace("\n", "\\n"), str.splitlines],
    ids=["no PEM", "no line ends", "lines"],
)
@pytest.mark.usefixtures("signing")
async def test_request_in_another_form(
    central: Central, rewrite: Callable[[str], str | list[str]]
) -> None:
    """Chargers differ in how they write a request."""
    _, charger = await connect(central)
    written = rewrite(request(ec_key(), "CP1"))
    csr = written if isinstance(written, str) else "\r\n".join(written)
    assert await ask(charger, csr) == "Accepted"
    await charger.called("CertificateSigned")


async def test_nobody_signs(central: Central) -> None:
    """Without an authority there are no certificates."""
    _, charger = await connect(central)
    assert await ask(charger, request(ec_key(), "CP1")) == "Rejected"
    await charger.alive()
    assert "CertificateSigned" not in charger.actions


@pytest.mark.usefixtures("signing")
async def test_strangers_get_no_certificate(central: Central) -> None:
    """Whom nobody has added could be anybody."""
    charger = await central.dial()
    assert await ask(charger, request(ec_key(), "CP1")) == "Rejected"


@pytest.mark.usefixtures("signing")
async def test_certificates_are_for_who_has_proven_to_be_itself(
    central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    """A certificate lasts longer than the time in which nobody asks for a password."""
    _, charger = await connect(central, None)
    assert await ask(charger, request(ec_key(), "CP1")) == "Rejected"
    assert "neither a password nor a certificate" in caplog.text


@pytest.mark.usefixtures("signing")
async def test_serial_number_that_is_another_identity(central: Central) -> None:
    """Whatever a charger calls itself, it gets no certificate of another one."""
    await central.add("CP2")
    _, charger = await connect(central)
    await charger.boot(chargePointSerialNumber="cp2")
    assert await ask(charger, request(ec_key(), "CP2")) == "Rejected"
    assert await ask(charger, request(ec_key(), "CP1")) == "Accepted"


def unreadable() -> str:
    """Return no request at all."""
    return "Dear diary"


def broken() -> str:
    """Return a request with something missing."""
    return request(ec_key(), "CP1").replace("A", "", 3)


def forged() -> str:
    """Return a request whose sender has not the key of."""
    der = bytearray(
        x509.load_pem_x509_csr(request(ec_key(), "CP1").encode()).public_bytes(
            Encoding.DER
        )
    )
    position = der.index(b"Home")
    der[position : position + 4] = b"Away"
    return b64encode(bytes(der)).decode()


def weak() -> str:
    """Return a request with a key that can be broken."""
    return request(rsa_key(1024), "CP1")


def small() -> str:
    """Return a request with a key that can be broken."""
    return request(ec.generate_private_key(ec.SECP192R1()), "CP1")


def odd() -> str:
    """Return a request with a key of a kind that OCPP does not know."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(name("CP1"))
    csr = builder.sign(ed25519.Ed25519PrivateKey.generate(), None)
    return csr.public_bytes(Encoding.PEM).decode()


def in_another_name() -> str:
    """Return a request of somebody else."""
    return request(ec_key(), "CP2")


def in_two_names() -> str:
    """Return a request of somebody else as well."""
    return request(ec_key(), "CP1", "CP2")


def in_no_name() -> str:
    """Return a request of nobody."""
    return request(ec_key())


@pytest.mark.parametrize(
    "bad",
    [
        str,
        unreadable,
        broken,
        forged,
        weak,
        small,
        odd,
        in_another_name,
        in_two_names,
        in_no_name,
    ],
)
@pytest.mark.usefixtures("signing")
async def test_bad_request(
    central: Central, bad: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    """It is not signed, and the log says why."""
    _, charger = await connect(central)
    assert await ask(charger, bad()) == "Rejected"
    await charger.alive()
    assert "CertificateSigned" not in charger.actions
    [warning] = [
        record.getMessage()
        for record in caplog.records
        if record.levelno == logging.WARNING
    ]
    assert "CP1 asked for a certificate that it does not get: it" in warning


async def test_authority_that_has_expired(
    central: Central, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It signs nothing any more."""
    now = datetime.now(UTC)
    maker = Maker.make(tmp_path, "Past", ec_key(), begins=now - 2 * DAY, ends=now - DAY)
    central.system.signing.authority = authority(maker)
    _, charger = await connect(central)
    assert await ask(charger, request(ec_key(), "CP1")) == "Rejected"
    assert "the authority has expired" in caplog.text


async def test_intermediate_authority(
    central: Central, certificates: Certificates
) -> None:
    """What stands between the root and the charger goes along."""
    between = certificates.charger_ca.issue("Between", ec_key())
    central.system.signing.authority = load_authority(
        Path(certificates.charger_ca.path).read_bytes() + between.pem.encode(),
        private_pem(between.key),
    )
    _, charger = await connect(central)
    assert await ask(charger, request(ec_key(), "CP1")) == "Accepted"
    call = await charger.called("CertificateSigned")
    certificate, issuer = x509.load_pem_x509_certificates(
        call.payload["certificateChain"].encode()
    )
    assert issuer == between.certificate
    certificate.verify_directly_issued_by(issuer)
    # A year at most, however long the authority may last.
    assert certificate.not_valid_after_utc <= datetime.now(UTC) + timedelta(days=366)


def test_authority_that_cannot_be_used(certificates: Certificates) -> None:
    """A key that belongs to another certificate, or is of no use, is an error."""
    pem = certificates.charger_ca.issued.pem.encode()
    with pytest.raises(ValueError, match="none of the certificates"):
        load_authority(pem, private_pem(ec_key()))
    odd_key = ed25519.Ed25519PrivateKey.generate()
    for private_key in (
        b"Dear diary",
        odd_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        ec_key().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
        ),
    ):
        with pytest.raises(ValueError, match=r"."):
            load_authority(pem, private_key)


@pytest.mark.usefixtures("signing")
@pytest.mark.parametrize("answer", [Silence(), HangUp()])
async def test_certificate_that_did_not_arrive(
    central: Central, answer: Answer
) -> None:
    """It is sent again when the charger is back, until the charger has answered."""
    charge_point, charger = await connect(central)
    charger.answers["CertificateSigned"] = answer
    assert await ask(charger, request(ec_key(), "CP1")) == "Accepted"
    first = await charger.called("CertificateSigned")
    await charger.close()
    for answered in range(2):
        charger = await central.dial(headers=basic(OLD))
        await charger.boot()
        if answered:
            await charge_point.bring_up.ended()
            await charger.alive()
            assert "CertificateSigned" not in charger.actions
        else:
            again = await charger.called("CertificateSigned")
            assert again.payload == first.payload
            await charger.alive()


@pytest.mark.usefixtures("signing")
@pytest.mark.parametrize("answer", [{"status": "Rejected"}, CallError("InternalError")])
async def test_certificate_that_is_refused(
    central: Central, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so, and it is not sent again; the charger may ask for another."""
    charge_point, charger = await connect(central)
    charger.answers["CertificateSigned"] = answer
    assert await ask(charger, request(ec_key(), "CP1")) == "Accepted"
    await charger.called("CertificateSigned")
    await charger.alive()
    assert "could not deliver its certificate" in caplog.text
    assert charge_point.security.state.certificate is None
    assert await ask(charger, request(ec_key(), "CP1")) == "Accepted"
    await charger.called("CertificateSigned")


@pytest.mark.usefixtures("signing")
async def test_only_the_newest_certificate(central: Central) -> None:
    """A charger that asks twice while it is still busy gets what it asked for last."""
    charge_point, charger = await connect(central)
    charger.answers["CertificateSigned"] = Silence()
    keys = [ec_key(), ec_key()]
    for key in keys:
        assert await ask(charger, request(key, "CP1")) == "Accepted"
    await charger.close()
    charger = await central.dial(headers=basic(OLD))
    await charger.boot()
    call = await charger.called("CertificateSigned")
    [certificate] = x509.load_pem_x509_certificates(
        call.payload["certificateChain"].encode()
    )
    assert certificate.public_key() == keys[1].public_key()
    await charger.alive()
    assert charge_point.security.state.certificate is None
