"""What a charger still has to say, in order."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .activity import Activity
from .clock import Clock, Timer
from .link import CallFailed, Link, LinkDown, Settings

type Payload = dict[str, Any]


@dataclass(eq=False)
class Message:
    """A request waiting to be sent.

    Attributes:
        build: Makes the payload when it is sent, since transaction ids may be learnt until then.
        lasting: Kept while offline, and sent again until it is answered: part of a transaction.
        triggered: Asked for by the central system, so sent even before it accepted the charger.
        answered: Called with the answer.
        done: The answer, or why there is none.
    """

    action: str
    build: Callable[[], Payload]
    lasting: bool
    triggered: bool
    answered: Callable[[Payload], None] | None
    attempts: int = 0
    waiting: bool = False
    done: asyncio.Future[Payload] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Outbox:
    """Sends one request after the other, and keeps those that must not get lost."""

    def __init__(
        self, clock: Clock, configuration: Settings, activity: Activity, link: Link
    ) -> None:
        """Start empty."""
        self._clock = clock
        self._configuration = configuration
        self._activity = activity
        self._link = link
        self._messages: list[Message] = []
        self._pumping = False
        self._retry: Timer | None = None

    @property
    def lasting(self) -> list[str]:
        """The actions of the messages that wait to be delivered, come what may."""
        return [message.action for message in self._messages if message.lasting]

    def put(
        self,
        action: str,
        payload: Payload | Callable[[], Payload],
        *,
        lasting: bool = False,
        triggered: bool = False,
        first: bool = False,
        answered: Callable[[Payload], None] | None = None,
    ) -> asyncio.Future[Payload]:
        """Queue a request, at the end or as the first.

        One that is not lasting fails with LinkDown while offline.
        """
        build = payload if callable(payload) else lambda: payload
        message = Message(action, build, lasting, triggered, answered)
        # Nobody needs to look at the outcome.
        message.done.add_done_callback(
            lambda done: done.cancelled() or done.exception()
        )
        if lasting or self._sendable(message):
            self._messages.insert(0 if first else len(self._messages), message)
            self.pump()
        else:
            message.done.set_exception(LinkDown())
        return message.done

    def pump(self) -> None:
        """Send what can be sent."""
        if not self._pumping and self._next() is not None:
            self._pumping = True
            self._activity.spawn(self._pump())

    def link_down(self) -> None:
        """The connection is gone: forget what only made sense on it."""
        for message in self._messages:
            message.waiting = False
            if not message.lasting and not message.done.done():
                message.done.set_exception(LinkDown())
        self._messages = [message for message in self._messages if message.lasting]

    def close(self) -> None:
        """Call off what would still happen."""
        if self._retry is not None:
            self._retry.cancel()

    def _sendable(self, message: Message) -> bool:
        return self._link.accepted or (message.triggered and self._link.connected)

    def _next(self) -> Message | None:
        """The first message that may be sent; lasting ones never overtake each other."""
        blocked = False
        for message in self._messages:
            if message.lasting and (blocked := blocked or message.waiting):
                continue
            if self._sendable(message):
                return message
        return None

    async def _pump(self) -> None:
        try:
            while (message := self._next()) is not None:
                try:
                    answer = await self._link.call(message.action, message.build())
                except LinkDown:
                    return
                except CallFailed as error:
                    self._failed(message, error)
                else:
                    self._remove(message)
                    if message.answered is not None:
                        message.answered(answer)
                    if not message.done.done():
                        message.done.set_result(answer)
        finally:
            self._pumping = False
            # The link may have come back while the last call was being called off.
            self.pump()

    def _failed(self, message: Message, error: CallFailed) -> None:
        """The central system could not process a message, or did not answer."""
        message.attempts += 1
        attempts = self._configuration.integer("TransactionMessageAttempts")
        if not message.lasting or message.attempts >= attempts:
            self._remove(message)
            if not message.done.done():
                message.done.set_exception(error)
            return
        message.waiting = True
        interval = self._configuration.integer("TransactionMessageRetryInterval")
        delay = interval * message.attempts

        def again() -> None:
            message.waiting = False
            self.pump()

        self._retry = self._clock.call_later(delay, again)

    def _remove(self, message: Message) -> None:
        if message in self._messages:
            self._messages.remove(message)
