"""Who may charge, and the answer a charger gets."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import override

from .clock import utcnow
from .model import (
    AccessMode,
    Authorization,
    AuthorizationStatus,
    AuthorizedBy,
    Authorizer,
    KnownToken,
)
from .state import Unsubscribe, add_listener, call_listeners

# What chargers say that were told nothing: go-e, Wallbox.
_NO_CARD = frozenset({"", "ocppd", "noauthorization"})
# Tokens shown lately that nobody knows, to be picked when one is added.
_MOST_UNKNOWN = 20


@dataclass(frozen=True, slots=True)
class UnknownToken:
    """A token that nobody knows, and where and when it was shown last."""

    id_token: str
    identity: str
    shown: datetime


class Tokens(Authorizer):
    """The tokens that are known, and those that were shown and are not."""

    def __init__(self, now: Callable[[], datetime] = utcnow) -> None:
        """Know none."""
        self._now = now
        self._known: dict[str, KnownToken] = {}
        self._one_session_each = False
        self._listeners: list[Callable[[], None]] = []
        self._unknown: dict[str, UnknownToken] = {}
        # Called when there are others unknown than before.
        self.on_unknown: Callable[[], None] = lambda: None

    def set(self, tokens: Iterable[KnownToken], *, one_session_each: bool) -> None:
        """Take the tokens there are from now on."""
        before = self._known
        self._known = {_key(token.id_token): token for token in tokens}
        self._one_session_each = one_session_each
        unknown = self.unknown
        self.restore(unknown)
        if self.unknown != unknown:
            self.on_unknown()
        if self._known != before:
            call_listeners(self._listeners)

    @property
    @override
    def known(self) -> Collection[KnownToken]:
        """Return the tokens there are."""
        return self._known.values()

    @override
    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call a listener after other tokens are known than before."""
        return add_listener(self._listeners, listener)

    @property
    def unknown(self) -> list[UnknownToken]:
        """Return the tokens that were shown and that nobody knows, the last one last."""
        return list(self._unknown.values())

    def restore(self, tokens: Iterable[UnknownToken]) -> None:
        """Take the tokens that were shown before a restart."""
        self._unknown = {
            _key(token.id_token): token
            for token in tokens
            if self.find(token.id_token) is None
        }

    @override
    def find(self, id_token: str) -> KnownToken | None:
        """Return a token however the charger spells it."""
        key = _key(id_token)
        return self._known.get(key) or self._known.get(_stem(key))

    @override
    def same(self, id_token: str, other: str) -> bool:
        """Return whether two spellings are one token."""
        known = self.find(id_token)
        if known is not None and known is self.find(other):
            return True
        key, other_key = _key(id_token), _key(other)
        return other_key in (key, _stem(key)) or key == _stem(other_key)

    @property
    @override
    def one_session_each(self) -> bool:
        """Return whether nobody may charge twice at a time."""
        return self._one_session_each

    @override
    def authorize(
        self, id_token: str, mode: AccessMode, at: datetime | None = None
    ) -> Authorization:
        """Return the answer for a token shown where this is the way to get access."""
        token = self.find(id_token)
        if token is None:
            refused = mode is AccessMode.KNOWN_TOKENS
            return Authorization(
                AuthorizationStatus.INVALID if refused else AuthorizationStatus.ACCEPTED
            )
        status = token.status
        if (
            status is AuthorizationStatus.ACCEPTED
            and token.expires
            and token.expires <= (at or self._now())
        ):
            status = AuthorizationStatus.EXPIRED
        return Authorization(status, token)

    @override
    def shown(self, identity: str, id_token: str) -> None:
        """Take note of a token that a charger has read, and that nobody knows."""
        key = _key(id_token)
        self._unknown.pop(key, None)
        self._unknown[key] = UnknownToken(id_token, identity, self._now())
        while len(self._unknown) > _MOST_UNKNOWN:
            del self._unknown[next(iter(self._unknown))]
        self.on_unknown()


def _key(id_token: str) -> str:
    return id_token.strip().casefold()


def _stem(key: str) -> str:
    """Return a token without what a KEBA adds to it: its own serial number."""
    return key.rpartition("_")[0] or key


def without_serial(id_token: str, serial: str | None) -> str:
    """Return a token as its card has it, without the serial number of the charger."""
    if serial and _key(id_token).endswith(f"_{serial.casefold()}"):
        return id_token.strip()[: -len(serial) - 1]
    return id_token


def is_card(id_token: str) -> bool:
    """Return whether a token is somebody's, not what a charger says without one."""
    return _key(id_token) not in _NO_CARD


def authorized_by(
    id_token: str, answer: Authorization, *, offline: bool, remote: bool
) -> AuthorizedBy:
    """Return how a session came to be allowed."""
    if not is_card(id_token):
        return AuthorizedBy.NONE
    if offline:
        return AuthorizedBy.LOCAL_LIST if answer.listed else AuthorizedBy.UNKNOWN
    return AuthorizedBy.REMOTE if remote else AuthorizedBy.ONLINE
