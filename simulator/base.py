"""What chargers of all versions have in common: the connection, waiting, and bad manners."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from .activity import Activity
from .clock import Clock, SlowClock, WallClock
from .link import Link
from .manners import Manners
from .oddities import Oddities
from .outbox import Outbox, Payload
from .quirks import NO_QUIRKS, Quirks
from .transport import Transport

#: How long a reboot takes, and how long a soft one waits for its messages to get through.
REBOOT_SECONDS = 5.0
FAREWELL_SECONDS = 10.0

#: How many requests in either direction are remembered.
_HISTORY = 10_000


class BaseCharger(ABC):
    """A simulated charger, whatever version it speaks.

    What is awaited here returns when the charger has come to rest: it has said all it has to say
    and was answered. See the package for an overview.
    """

    link: Link
    outbox: Outbox

    def __init__(
        self,
        identity: str,
        vendor: str,
        clock: Clock | None,
        quirks: Quirks = NO_QUIRKS,
    ) -> None:
        """Begin with nothing said."""
        self.identity = identity
        self.vendor = vendor
        self.clock = clock or WallClock()
        if quirks.behind:
            self.clock = SlowClock(self.clock, timedelta(hours=quirks.behind))
        self.manners = Manners()
        self.activity = Activity()
        self.oddities = Oddities(quirks, self.clock, self.activity)
        #: What the central system requested: (action, payload) as on the wire.
        self.requests: list[tuple[str, Any]] = []
        #: What the charger requested.
        self.sent: list[tuple[str, Any]] = []
        #: What the central system did that OCPP does not allow.
        self.violations: list[str] = []

    # Connection

    @property
    def accepted(self) -> bool:
        """Whether the central system has accepted the charger on the present connection."""
        return self.link.accepted

    async def connected(self, timeout: float = 30.0) -> None:
        """Wait until the central system has accepted the charger, and the charger is at rest."""
        await self.wait_for(lambda: self.accepted, timeout)
        await self.settle()

    async def drop(self, *, silent: bool = False) -> None:
        """Lose the connection. It is dialled again after a pause, or by `reconnect`.

        With `silent` the central system is not told: its socket stays open and nothing comes.
        """
        await self.link.drop(None if silent else Transport.abort)
        await self.settle()

    async def reconnect(self) -> None:
        """Dial at once instead of after the pause."""
        self.link.dial()
        await self.connected()

    async def call(self, action: str, payload: Payload) -> Payload:
        """Send any other request, with camelCase members, and return the answer.

        Raises `LinkDown` or `CallFailed`.
        """
        return await self.outbox.put(action, payload)

    async def farewell(self) -> None:
        """Wait for a while until what must not get lost has been delivered."""
        overdue = False

        def give_up() -> None:
            nonlocal overdue
            overdue = True
            self.activity.hope()
            self.activity.changed()

        timer = self.clock.call_later(FAREWELL_SECONDS, give_up)
        await self.activity.wait_for(
            lambda: overdue or not self.accepted or not self.outbox.lasting, None
        )
        timer.cancel()

    def heartbeat(self) -> None:
        """Give a sign of life."""
        self.outbox.put("Heartbeat", {})

    def link_down(self) -> None:
        """There is nobody to talk to."""
        self.outbox.link_down()
        self.activity.changed()

    # What happens at the charger

    @abstractmethod
    async def show(self, token: str, connector: int = 1) -> str:
        """Hold a card to the reader, and do not wait for what follows."""

    async def swipe(self, token: str, connector: int = 1) -> str:
        """Hold a card to the reader, to start or to stop. Returns the status it got.

        That is an AuthorizationStatus, or Unavailable where no transaction can begin.
        """
        status = await self.show(token, connector)
        await self.settle()
        return status

    # Watching

    async def wait_for(
        self, condition: Callable[[], bool], timeout: float = 30.0
    ) -> None:
        """Wait until something is so. Raises TimeoutError after so many real seconds."""
        await self.activity.wait_for(condition, timeout)

    async def settle(self) -> None:
        """Wait until the charger is at rest. A silent central system is not waited for long."""
        await self.activity.settle()

    @property
    def at_rest(self) -> bool:
        """Whether nothing is under way."""
        return self.activity.at_rest

    @abstractmethod
    def catch_up(self) -> None:
        """Let the physics come up to the present."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What somebody in front of the charger sees."""

    # Bad manners

    def answer(
        self, action: str, payload: Payload, *, times: int | None = None
    ) -> None:
        """Answer the next so many requests, or all, with this, unchecked, and do nothing else."""
        self.manners.answer(action, payload, times)

    def error(
        self,
        action: str,
        code: str,
        description: str = "",
        details: Payload | None = None,
        *,
        times: int | None = None,
    ) -> None:
        """Answer with a CALLERROR."""
        self.manners.error(action, code, description, details, times)

    def never_answer(self, action: str, *, times: int | None = None) -> None:
        """Do not answer."""
        self.manners.never_answer(action, times)

    def behave(self, action: str | None = None) -> None:
        """Be polite again."""
        self.manners.behave(action)

    # For the connection

    def received(self, action: str, payload: Any) -> None:
        """Remember a request of the central system."""
        self._remember(self.requests, (action, payload))

    def sending(self, action: str, payload: Any) -> None:
        """Remember a request to the central system."""
        self._remember(self.sent, (action, payload))

    def violated(self, complaint: str) -> None:
        """Remember what the central system did wrong."""
        self._remember(self.violations, complaint)

    def _remember[T](self, history: list[T], event: T) -> None:
        if len(history) >= _HISTORY:
            del history[: _HISTORY // 2]
        history.append(event)
        self.activity.changed()
