"""Who may charge."""

from typing import Any

from simulator.clock import Clock, parse_time
from simulator.link import CallFailed, LinkDown
from simulator.outbox import Outbox

from .hooks import LocalList
from .schemas import Payload
from .variables import Variables

ACCEPTED = "Accepted"
_NOBODY: Payload = {"status": "Invalid"}


def same(one: Payload | None, other: Payload | None) -> bool:
    """Whether two IdTokens are the same; they are not case-sensitive."""
    if one is None or other is None:
        return False
    return _key(one) == _key(other)


class Tokens:
    """Asks the central system about tokens, or remembers what it said."""

    def __init__(self, variables: Variables, outbox: Outbox, clock: Clock) -> None:
        """Begin knowing nobody."""
        self.local_list = LocalList()
        self._variables = variables
        self._outbox = outbox
        self._clock = clock
        self._cache: dict[tuple[str, str], Payload] = {}

    @property
    def cached(self) -> list[str]:
        """The tokens in the cache."""
        return [token for token, _ in self._cache]

    def clear(self) -> None:
        """Forget everyone."""
        self._cache.clear()

    def forget(self, token: Payload) -> bool:
        """Forget one, and tell whether it was known."""
        return self._cache.pop(_key(token), None) is not None

    async def authorize(self, token: Payload) -> tuple[Payload, Payload | None]:
        """Ask whether somebody may charge: the IdTokenInfo, and the whole answer if there is one."""
        known = self.known(token)
        if (
            known is not None
            and known["status"] == ACCEPTED
            and self._variables.truth("AuthCtrlr.LocalPreAuthorize")
        ):
            return known, None
        if token["type"] == "NoAuthorization":
            return {"status": ACCEPTED}, None
        try:
            answer = await self._outbox.put("Authorize", {"idToken": token})
        except LinkDown:
            return self._offline(token, known), None
        except CallFailed:
            return _NOBODY, None
        self.learn(token, answer["idTokenInfo"])
        return dict(answer["idTokenInfo"]), answer

    def _offline(self, token: Payload, known: Payload | None) -> Payload:
        if known is not None and self._variables.truth(
            "AuthCtrlr.LocalAuthorizeOffline"
        ):
            return known
        unknown = self._variables.truth("AuthCtrlr.OfflineTxForUnknownIdEnabled")
        return {"status": ACCEPTED} if known is None and unknown else _NOBODY

    def known(self, token: Payload) -> Payload | None:
        """What the charger itself knows of a token; the list is above the cache."""
        return self.local_list.find(token) or self._cached(token)

    def group(self, token: Payload) -> Payload | None:
        """The group of a token, if the charger knows it."""
        return (self.known(token) or {}).get("groupIdToken")

    def _cached(self, token: Payload) -> Payload | None:
        if not self._variables.truth("AuthCacheCtrlr.Enabled"):
            return None
        if (info := self._cache.get(_key(token))) is None:
            return None
        expiry: Any = info.get("cacheExpiryDateTime")
        expired = expiry is not None and parse_time(expiry) <= self._clock.now()
        return {**info, "status": "Expired"} if expired else info

    def learn(self, token: Payload, info: Payload) -> None:
        """Remember what the central system said about somebody."""
        self._cache[_key(token)] = info


def _key(token: Payload) -> tuple[str, str]:
    return token["idToken"].casefold(), token["type"]
