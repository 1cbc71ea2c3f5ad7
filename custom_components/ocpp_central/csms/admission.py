"""Who is let in: passwords and client certificates."""

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import hdrs, web

from .certificates import names_of
from .charge_point import ChargePoint
from .security import Profile


class Refusal(StrEnum):
    """Why a charge point was not let in."""

    WRONG_PASSWORD = "wrong_password"
    PASSWORD_MISSING = "password_missing"
    CERTIFICATE_MISSING = "certificate_missing"
    WRONG_CERTIFICATE = "wrong_certificate"
    INSECURE = "insecure"
    # It speaks no version that we do, or none that the user allows it.
    SUBPROTOCOL = "subprotocol"
    OTHER_VERSION = "other_version"

    @property
    def answer(self) -> web.Response:
        """Return what the charge point is told."""
        if self in (Refusal.WRONG_PASSWORD, Refusal.PASSWORD_MISSING):
            # Returned, not raised: Home Assistant would count it as a break-in.
            return web.Response(
                status=401, headers={hdrs.WWW_AUTHENTICATE: 'Basic realm="OCPP"'}
            )
        return web.Response(status=403)


@dataclass(frozen=True, slots=True)
class Admission:
    """How a charge point came to be let in."""

    profile: Profile
    # Which of the passwords that are taken it gave.
    password: str | None = None


def admit(
    request: web.Request,
    charge_point: ChargePoint,
    *,
    password_required: bool,
    certificate_required: bool,
) -> Admission | Refusal:
    """Return how a charge point that is known comes in, or why it does not.

    A certificate of its own stands for a password, and a password for a certificate.
    """
    security = charge_point.security
    names = certificate_names(request) if certificate_required else None
    password = security.password_in(_credentials(request))
    if names is not None and security.is_named(names):
        admission = Admission(Profile.CERTIFICATE, password)
    elif password is not None:
        admission = Admission(
            Profile.ENCRYPTED if request.secure else Profile.PASSWORD, password
        )
    elif names is not None:
        return Refusal.WRONG_CERTIFICATE
    elif charge_point.config.password:
        return Refusal.WRONG_PASSWORD
    elif certificate_required:
        return Refusal.CERTIFICATE_MISSING
    elif password_required:
        return Refusal.PASSWORD_MISSING
    else:
        admission = Admission(Profile.NONE)
    if admission.profile < security.state.required:
        return Refusal.INSECURE
    return admission


def certificate_names(request: web.Request) -> set[str] | None:
    """Return the names in the certificate of who dials in; None where it has none."""
    assert request.transport
    peer = request.transport.get_extra_info("peercert")
    return names_of(peer) if peer else None


def _credentials(request: web.Request) -> bytes:
    scheme, _, encoded = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        # Some chargers leave the padding out.
        return base64.b64decode(encoded.strip() + "==")
    except binascii.Error, ValueError:
        return b""
