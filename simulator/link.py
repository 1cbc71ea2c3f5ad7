"""The connection to the central system: dialling, booting, calling, losing it, dialling again."""

import asyncio
from collections.abc import Callable, Mapping
import logging
import ssl
from typing import Any, Protocol

from .activity import Activity
from .clock import Clock, Ticker, Timer
from .transport import SUBPROTOCOL, Transport, TransportClosed

_LOGGER = logging.getLogger(__name__)

#: The first pause before dialling again; it doubles up to the longest.
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 60.0

#: How long an answer may take.
CALL_TIMEOUT = 30.0

#: When to ask again for registration, if the central system does not say.
BOOT_RETRY = 60


class LinkDown(Exception):
    """There is no connection to the central system."""


class CallFailed(Exception):
    """The central system refused a request, or answered badly, or not at all."""


class RequestFailed(Exception):
    """The central system answered with an error, or with something invalid."""


class Settings(Protocol):
    """What is configured, by the names that OCPP 1.6 has for it."""

    def integer(self, name: str) -> int:
        """The value of a key as a number, 0 where there is none."""

    def set(self, name: str, value: str) -> None:
        """Set a key from within the charger."""


class Credentials(Protocol):
    """What to dial, and how to prove who one is."""

    #: Told when the charger is to dial again.
    redial: Callable[[], None]

    @property
    def url(self) -> str:
        """Where to dial."""

    @property
    def password(self) -> bytes | None:
        """What to prove oneself with."""

    @property
    def tls(self) -> ssl.SSLContext | None:
        """How to encrypt."""

    def connected(self) -> None:
        """The central system has let the charger in."""

    def failed(self) -> None:
        """It has not."""


class Talk(Protocol):
    """Both directions of one connection."""

    async def serve(self, message: str) -> None:
        """Take in one frame. Raises TransportClosed, and nothing else."""

    async def request(self, action: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return the answer. Raises RequestFailed or TransportClosed."""


class Owner(Protocol):
    """The charger, as its link sees it."""

    def serve(self, transport: Transport) -> Talk:
        """Make what serves the central system on a new connection."""

    def heartbeat(self) -> None:
        """It is time for a sign of life."""

    def boot_payload(self) -> dict[str, Any]:
        """What to say in BootNotification."""

    def link_up(self, *, booted: bool) -> None:
        """The central system has accepted the charger, now or before the connection was lost."""

    def link_down(self) -> None:
        """The connection is gone."""


class Link:
    """Keeps a charger connected and registered."""

    def __init__(
        self,
        owner: Owner,
        *,
        identity: str,
        security: Credentials,
        clock: Clock,
        configuration: Settings,
        activity: Activity,
        boot_on_reconnect: bool,
        subprotocol: str = SUBPROTOCOL,
    ) -> None:
        """Prepare, without dialling."""
        self._owner = owner
        self._identity = identity
        self._security = security
        security.redial = lambda: activity.spawn(self._redial())
        self._clock = clock
        self._configuration = configuration
        self._activity = activity
        self._boot_on_reconnect = boot_on_reconnect
        self._subprotocol = subprotocol
        self._transport: Transport | None = None
        self._connection: Talk | None = None
        self._reader: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Task[dict[str, Any]]] = set()
        self._silent: list[Transport] = []
        self._timer: Timer | None = None
        self._heartbeat = Ticker(clock, owner.heartbeat)
        self._ping = Ticker(clock, lambda: activity.spawn(self._send_ping()))
        self._pause = FIRST_PAUSE
        self._wanted = False
        self._dialling = False
        self._booted = False
        self.accepted = False
        #: Whether the last answer to a BootNotification on this connection was Rejected.
        self.refused = False

    @property
    def connected(self) -> bool:
        """Whether there is a websocket."""
        return self._connection is not None

    def forget_registration(self) -> None:
        """The charger rebooted: it has to register again."""
        self._booted = False

    def dial(self) -> None:
        """Connect now, and stay connected from now on."""
        self._wanted = True
        self._cancel_timer()
        if not self.connected and not self._dialling:
            self._dialling = True
            self._activity.hope()
            self._activity.spawn(self._dial())

    def dial_later(self, delay: float) -> None:
        """Connect after a while."""
        self._wanted = True
        self._cancel_timer()
        self._timer = self._clock.call_later(delay, self.dial)

    async def _dial(self) -> None:
        try:
            transport = await Transport.connect(
                self._security.url,
                self._identity,
                self._security.password,
                self._security.tls,
                self._subprotocol,
            )
        except TransportClosed as error:
            _LOGGER.debug("%s: %s", self._identity, error)
            self._security.failed()
            self._dial_again()
            return
        finally:
            self._dialling = False
        if not self._wanted:
            await transport.close()
            return
        self._security.connected()
        self._transport = transport
        self._connection = connection = self._owner.serve(transport)
        self._reader = asyncio.get_running_loop().create_task(
            self._read(transport, connection)
        )
        self._ping.start(self._configuration.integer("WebSocketPingInterval"))
        if self._booted and not self._boot_on_reconnect:
            self._register(booted=False)
        else:
            await self.boot()

    def _dial_again(self) -> None:
        if self._wanted:
            self.dial_later(self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    async def _read(self, transport: Transport, connection: Talk) -> None:
        """Serve what the central system sends, until the connection ends."""
        try:
            while True:
                message = await transport.recv()
                self._activity.hope()
                with self._activity.busy():
                    await connection.serve(message)
        except TransportClosed as error:
            _LOGGER.debug("%s: %s", self._identity, error)
        self._lost(transport)

    def _lost(self, transport: Transport) -> None:
        """The connection ended without this side wanting it."""
        if self._transport is transport:
            self._detach()
            self._dial_again()
            self._activity.spawn(transport.close())

    def _detach(self) -> Transport | None:
        """Turn away from the connection, whatever becomes of it."""
        transport, self._transport, self._connection = self._transport, None, None
        self._activity.hope()
        self.accepted = False
        self.refused = False
        self._heartbeat.stop()
        self._ping.stop()
        self._cancel_timer()
        for call in self._calls:
            call.cancel()
        if transport is not None:
            self._owner.link_down()
        return transport

    async def hang_up(self, how: Callable[[Transport], Any] | None) -> None:
        """End the connection from this side, and do not dial again until told to.

        `how` ends the transport; without it the other side hears nothing any more, not even an end.
        """
        self._wanted = False
        transport = self._detach()
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        if transport is None:
            return
        if how is None:
            self._silent.append(transport)
        else:
            await how(transport)

    async def drop(self, how: Callable[[Transport], Any] | None) -> None:
        """Lose the connection, as `hang_up` does, and notice it."""
        await self.hang_up(how)
        self._wanted = True
        self._dial_again()

    async def _redial(self) -> None:
        """Connect anew, in another way than before."""
        await self.hang_up(Transport.close)
        self.dial()

    async def close(self) -> None:
        """End everything."""
        await self.hang_up(Transport.close)
        for transport in self._silent:
            await transport.abort()
        self._silent.clear()

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for the answer. Raises LinkDown or CallFailed.

        The time limit is on the charger's own clock, which may be in a test's hand.
        """
        if self._connection is None or self._transport is None:
            raise LinkDown
        transport = self._transport
        call = asyncio.get_running_loop().create_task(
            self._connection.request(action, payload)
        )
        self._calls.add(call)
        late = False

        def too_late() -> None:
            nonlocal late
            late = True
            self._activity.hope()
            call.cancel()

        timer = self._clock.call_later(CALL_TIMEOUT, too_late)
        try:
            await asyncio.wait((call,))
        except asyncio.CancelledError:
            call.cancel()
            raise
        finally:
            timer.cancel()
            self._calls.discard(call)
        if call.cancelled():
            if late:
                raise CallFailed(f"no answer to {action}")
            raise LinkDown
        try:
            return call.result()
        except TransportClosed as error:
            self._lost(transport)
            raise LinkDown from error
        except RequestFailed as error:
            raise CallFailed(str(error)) from error

    async def boot(self) -> None:
        """Register, and keep trying while the central system does not accept."""
        self._cancel_timer()
        try:
            answer = await self.call("BootNotification", self._owner.boot_payload())
        except LinkDown:
            return
        except CallFailed as error:
            _LOGGER.debug("%s: BootNotification failed: %s", self._identity, error)
            self._boot_again(BOOT_RETRY)
        else:
            self.registration(answer)

    def registration(self, answer: dict[str, Any]) -> None:
        """Obey the answer to a BootNotification."""
        self._cancel_timer()
        interval = int(answer["interval"])
        self.refused = answer["status"] == "Rejected"
        if answer["status"] != "Accepted":
            self.accepted = False
            self._heartbeat.stop()
            self._boot_again(interval or BOOT_RETRY)
            return
        self._booted = True
        if interval > 0:
            self._configuration.set("HeartbeatInterval", str(interval))
        if not self.accepted:
            self._register(booted=True)

    def _register(self, *, booted: bool) -> None:
        self.accepted = True
        self._pause = FIRST_PAUSE
        self.restart_heartbeat()
        self._owner.link_up(booted=booted)

    def restart_heartbeat(self) -> None:
        """Begin the interval anew, with what is configured now."""
        if self.accepted:
            self._heartbeat.start(self._configuration.integer("HeartbeatInterval"))

    def _boot_again(self, delay: float) -> None:
        self._cancel_timer()
        self._timer = self._clock.call_later(
            delay, lambda: self._activity.spawn(self.boot())
        )

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _send_ping(self) -> None:
        transport = self._transport
        if transport is not None and not await transport.ping():
            await transport.abort()
