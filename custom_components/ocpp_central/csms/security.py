"""How a charge point proves who it is, and how that changes without locking it out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import IntEnum
import hmac
import logging
import re
from typing import TYPE_CHECKING

from .certificates import Authority, BadRequest, Signing
from .errors import CommandFailed, CommandRejected, InvalidCommand
from .state import Unsubscribe, add_listener, call_listeners
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_LOGGER = logging.getLogger(__name__)

# A password that is a key in hexadecimal already: 16 to 20 bytes.
_HEX_KEY = re.compile(r"(?:[0-9A-Fa-f]{2}){16,20}")


class Profile(IntEnum):
    """How safe a connection is (Improved security for OCPP 1.6-J, table 1)."""

    NONE = 0
    PASSWORD = 1
    ENCRYPTED = 2
    CERTIFICATE = 3


@dataclass(slots=True, kw_only=True)
class SecurityState:
    """What has to outlast a restart."""

    # Passwords from before, taken until the one that is configured has been seen.
    previous: list[str] = field(default_factory=list)
    # A key that the charger may have by now; once seen, it is the password.
    next: str | None = None
    # Whether the charger has taken, or refused, the password that is configured.
    told: bool = False
    # Whether it uses it only after a restart; or refused it, or did not use it at all.
    restart: bool = False
    refused: bool = False
    # The profile that was asked for; and that it has come back with, which is what it
    # needs from then on.
    raised: int = Profile.NONE
    required: int = Profile.NONE
    # A certificate chain that the charger has asked for and not taken yet.
    certificate: str | None = None
    # The number of its request, where it has one.
    certificate_request: int | None = None


class Security:
    """Who may come in as one charge point, over all its connections."""

    def __init__(self, charge_point: ChargePoint, signing: Signing) -> None:
        """Remember nothing yet."""
        self._charge_point = charge_point
        self._signing = signing
        self.state = SecurityState()
        # How the charger came in last.
        self.profile = Profile.NONE
        # Called with a password that has become the configured one.
        self.on_adopted: Callable[[str], None] = lambda _: None
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call a listener when there is something new to be kept."""
        return add_listener(self._listeners, listener)

    # Coming in

    def password_in(self, credentials: bytes) -> str | None:
        """Return which of the passwords that are taken ends these credentials."""
        state = self.state
        taken = [self._charge_point.config.password, state.next, *state.previous]
        for password in taken:
            if password and _ends_with(credentials, password):
                return password
        return None

    def is_named(self, names: set[str]) -> bool:
        """Return whether a certificate in these names is this charge point's.

        Some are in the name of the serial number (A00.FR.512).
        """
        return not names.isdisjoint(name.casefold() for name in self._names)

    @property
    def _names(self) -> list[str]:
        """Return the names that a certificate may be in."""
        names = [self._charge_point.identity]
        # Anybody can claim a serial number, also one that is another's identity.
        info = self._charge_point.info
        if (
            info
            and info.serial
            and info.serial.casefold() not in self._signing.identities
        ):
            names.append(info.serial)
        return names

    def came_in(self, profile: Profile, password: str | None) -> None:
        """Take note of how the charger came in just now."""
        self.profile = profile
        state = self.state
        if state.raised and profile >= state.raised:
            state.required, state.raised = state.raised, Profile.NONE
            call_listeners(self._listeners)
        configured = self._charge_point.config.password
        if password is not None and password == state.next:
            self._adopt(password)
        elif password is not None and password == configured:
            if state.previous:
                self._settle()
        elif password is not None:
            self._charge_point.run(self._hand_over(), "change its password")
        if state.certificate:
            self._charge_point.run(self._deliver(), "deliver its certificate")

    def allow_any_profile(self) -> None:
        """Let the charger come in the old way again."""
        self.state.required = self.state.raised = Profile.NONE
        call_listeners(self._listeners)

    def _adopt(self, password: str) -> None:
        self._charge_point.config = replace(
            self._charge_point.config, password=password
        )
        self._settle()
        self.on_adopted(password)

    def _settle(self) -> None:
        """Take no other password any more than the one that is configured."""
        state = self.state
        if state.next == self._charge_point.config.password:
            state.next = None
        state.previous = []
        state.told = state.restart = state.refused = False
        call_listeners(self._listeners)

    # Another password

    def password_changed(self, previous: str | None) -> None:
        """Take another password that the user has configured; the old one stays valid.

        A charger that cannot be told is told when it is back.
        """
        state = self.state
        configured = self._charge_point.config.password
        state.told = state.restart = state.refused = False
        # Should the configuration be lost on the way to the disk, this is not.
        state.next = configured
        if configured is None:
            state.previous = []
        else:
            state.previous = [
                password
                for password in dict.fromkeys([previous, *state.previous])
                if password and password != configured
            ]
        call_listeners(self._listeners)
        if configured and self._charge_point.connected and self._takes_passwords:
            self._charge_point.run(self._hand_over(), "change its password")

    @property
    def _takes_passwords(self) -> bool:
        """Return whether the charger came with a password, or has a place for one."""
        return self.profile in (Profile.PASSWORD, Profile.ENCRYPTED) or any(
            self._charge_point.configuration.find(setting)
            for setting in (Setting.PASSWORD, Setting.SECURITY_PROFILE)
        )

    async def _hand_over(self) -> None:
        """Give the charger the password that is configured."""
        charge_point = self._charge_point
        state = self.state
        # Some chargers break when they are told anything before they are ready.
        await charge_point.bring_up.ended()
        password = charge_point.config.password
        if password is None:
            return
        if state.told:
            # It came with the old one all the same.
            self._told(restart=state.restart, refused=not state.restart)
            return
        await self._keep()
        values = [password]
        if charge_point.commands.setting_name(Setting.PASSWORD) == (
            Setting.PASSWORD.key
        ):
            # Only there is it a key in hexadecimal, unless the charger disagrees.
            values.insert(0, hexadecimal(password))
        for value in dict.fromkeys(values):
            try:
                response = await charge_point.settings.write(Setting.PASSWORD, value)
            except CommandRejected, CommandFailed, InvalidCommand:
                continue
            status = str(response.get("status")).casefold()
            self._told(restart=status == "rebootrequired")
            return
        self._told(refused=True)

    def _told(self, *, restart: bool = False, refused: bool = False) -> None:
        state = self.state
        state.told, state.restart, state.refused = True, restart, refused
        call_listeners(self._listeners)

    # What is changed by hand

    async def changing(self, key: str, value: str) -> None:
        """Take note of a change before it is sent: its answer may never come."""
        configured = self._charge_point.config.password
        if not Setting.PASSWORD.is_called(key) or value in (
            configured,
            hexadecimal(configured or ""),
        ):
            return
        self.state.next = value
        await self._keep()

    def refused(self, key: str, value: str) -> None:
        """Take note that the charger did not change a key."""
        if Setting.PASSWORD.is_called(key) and self.state.next == value:
            self.state.next = None
            call_listeners(self._listeners)

    def changed(self, key: str, value: str) -> None:
        """Take note that the charger has changed a key."""
        if not Setting.SECURITY_PROFILE.is_called(key) or value not in {*"0123"}:
            return
        self.state.raised = int(value)
        self.state.required = min(self.state.required, int(value))
        call_listeners(self._listeners)

    async def _keep(self) -> None:
        """Return after all of it is on disk."""
        call_listeners(self._listeners)
        await self._charge_point.capability_store.save()

    # Certificates

    async def sign(self, request: str, request_id: int | None = None) -> bool:
        """Sign a certificate for the charger and send it; False if it gets none."""
        charge_point = self._charge_point
        authority = self._signing.authority
        if authority is None or not charge_point.claimed:
            return False
        try:
            certificate = await self._signed(authority, request)
        except BadRequest as error:
            _LOGGER.warning(
                "%s asked for a certificate that it does not get: %s",
                charge_point.identity,
                error,
            )
            return False
        self.state.certificate = certificate
        self.state.certificate_request = request_id
        call_listeners(self._listeners)
        charge_point.run(self._deliver(), "deliver its certificate")
        return True

    async def _signed(self, authority: Authority, request: str) -> str:
        if self.profile is Profile.NONE:
            raise BadRequest("it has neither a password nor a certificate so far")
        return await asyncio.get_running_loop().run_in_executor(
            None, authority.sign, request, self._names
        )

    async def _deliver(self) -> None:
        """Send a signed certificate; whoever is gone gets it when back."""
        charge_point = self._charge_point
        certificate = self.state.certificate
        await charge_point.bring_up.ended()
        if certificate is None or certificate != self.state.certificate:
            return
        try:
            await charge_point.commands.certificate_signed(
                certificate, self.state.certificate_request
            )
        except CommandRejected, CommandFailed, InvalidCommand:
            self._delivered(certificate)
            raise
        self._delivered(certificate)

    def _delivered(self, certificate: str) -> None:
        if self.state.certificate == certificate:
            self.state.certificate = self.state.certificate_request = None
            call_listeners(self._listeners)


def hexadecimal(password: str) -> str:
    """Return a password as AuthorizationKey has it."""
    return password if _HEX_KEY.fullmatch(password) else password.encode().hex()


def _ends_with(credentials: bytes, password: str) -> bool:
    """Return whether credentials hold a password, in whichever way it is written."""
    # The key may be raw bytes that are configured in hexadecimal; or a charger that
    # was given it in hexadecimal takes the digits for it.
    spellings = [password.encode(), password.encode().hex().encode()]
    if _HEX_KEY.fullmatch(password):
        spellings.append(bytes.fromhex(password))
    # The user name may have colons as well: many an identity is a MAC address.
    return any(
        hmac.compare_digest(credentials[-len(ending) :], ending)
        for ending in (b":" + spelling for spelling in spellings)
    )
