"""Bad manners: answers a good charger would not give."""

from dataclasses import dataclass
from typing import Any


@dataclass
class _Rule:
    """What to do instead of serving a request: a frame without its ids, or silence."""

    frame: tuple[int, list[Any]] | None
    times: int | None


class Manners:
    """Which requests are not served as they should be."""

    def __init__(self) -> None:
        """Be polite."""
        self._rules: dict[str, _Rule] = {}

    def answer(
        self, action: str, payload: dict[str, Any], times: int | None = None
    ) -> None:
        """Answer this, whatever it is, and do nothing else; for so many requests, or for all."""
        self._rules[action] = _Rule((3, [payload]), times)

    def error(
        self,
        action: str,
        code: str,
        description: str = "",
        details: dict[str, Any] | None = None,
        times: int | None = None,
    ) -> None:
        """Answer with a CALLERROR."""
        self._rules[action] = _Rule((4, [code, description, details or {}]), times)

    def never_answer(self, action: str, times: int | None = None) -> None:
        """Do not answer at all."""
        self._rules[action] = _Rule(None, times)

    def behave(self, action: str | None = None) -> None:
        """Be polite again, about one action or all of them."""
        if action is None:
            self._rules.clear()
        else:
            self._rules.pop(action, None)

    def applies(self, action: str) -> bool:
        """Whether a request is to be met with bad manners."""
        return action in self._rules

    def frame(self, action: str, unique_id: str) -> list[Any] | None:
        """The frame to send instead of a proper answer, if any. This uses a rule up."""
        rule = self._rules[action]
        if rule.times is not None:
            rule.times -= 1
            if rule.times <= 0:
                del self._rules[action]
        if rule.frame is None:
            return None
        kind, rest = rule.frame
        return [kind, unique_id, *rest]
