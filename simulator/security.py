"""How the charger proves who it is, and whom it trusts.

After "Improved security for OCPP 1.6-J": the keys AuthorizationKey and SecurityProfile, its own
certificate, and the root certificates it was given.
"""

from collections.abc import Callable
import re
import ssl
from typing import TYPE_CHECKING, Any, override

from ocpp.v16 import call_result
from ocpp.v16.enums import Action

from .certificates import Certificates
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


class Security(Certificates):
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
        super().__init__(identity, tls)
        #: Use a new password only after a restart, and say so.
        self.password_needs_reboot = False
        #: Told when the charger is to dial again.
        self.redial: Callable[[], None] = lambda: None
        self._configuration = configuration
        self._url = url
        self._secure_url = secure_url
        self._password = password.encode() if isinstance(password, str) else password
        self._next_password: bytes | None = None
        self._proven = profile or 0
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

    @property
    @override
    def organization(self) -> str:
        return self._configuration.text(ORGANIZATION_KEY) or "Home"

    @property
    @override
    def room(self) -> int:
        return self._configuration.integer(STORE_KEY)

    @property
    @override
    def encrypted(self) -> bool:
        return self.profile >= _ENCRYPTED

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
