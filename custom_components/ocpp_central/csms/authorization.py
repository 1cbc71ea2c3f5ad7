"""Who may charge, and the answer a charger gets."""

from collections.abc import Callable, Collection, Iterable
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


class Tokens(Authorizer):
    """The tokens that are known, and those that were shown and are not."""

    def __init__(self, now: Callable[[], datetime] = utcnow) -> None:
        """Know none."""
        self._now = now
        self._known: dict[str, KnownToken] = {}
        self._one_session_each = False
        self._listeners: list[Callable[[], None]] = []
        # By spelling, the last one shown last; and where and when that was.
        self.unknown: dict[str, tuple[str, datetime]] = {}

    def set(self, tokens: Iterable[KnownToken], *, one_session_each: bool) -> None:
        """Take the tokens there are from now on."""
        before = self._known
        self._known = {_key(token.id_token): token for token in tokens}
        self._one_session_each = one_session_each
        self.unknown = {
            id_token: shown
            for id_token, shown in self.unknown.items()
            if self.find(id_token) is None
        }
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

    @override
    def find(self, id_token: str) -> KnownToken | None:
        """Return a token however the charger spells it."""
        key = _key(id_token)
        # A KEBA adds its own serial number.
        return self._known.get(key) or self._known.get(key.rpartition("_")[0])

    @override
    def same(self, id_token: str, other: str) -> bool:
        """Return whether two spellings are one token."""
        known = self.find(id_token)
        return (known is not None and known is self.find(other)) or (
            _key(id_token) == _key(other)
        )

    @property
    @override
    def one_session_each(self) -> bool:
        """Return whether nobody may charge twice at a time."""
        return self._one_session_each

    @override
    def authorize(self, id_token: str, mode: AccessMode) -> Authorization:
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
            and token.expires <= self._now()
        ):
            status = AuthorizationStatus.EXPIRED
        return Authorization(status, token)

    @override
    def shown(self, identity: str, id_token: str) -> None:
        """Take note of a token that a charger has read, and that nobody knows."""
        self.unknown.pop(id_token, None)
        self.unknown[id_token] = (identity, self._now())
        while len(self.unknown) > _MOST_UNKNOWN:
            del self.unknown[next(iter(self.unknown))]


def _key(id_token: str) -> str:
    return id_token.strip().casefold()


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
