"""The websocket to the central system."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import suppress
import socket
import ssl
from urllib.parse import quote

import aiohttp
from yarl import URL

SUBPROTOCOL = "ocpp1.6"

#: In real seconds, since these are about the network and not about the charger.
_HANDSHAKE_SECONDS = 10.0
_CLOSE_SECONDS = 2.0


class TransportClosed(Exception):
    """There is no connection, or not any more."""


class Transport:
    """An OCPP-J websocket with the `send` and `recv` that the `ocpp` package expects."""

    def __init__(
        self, session: aiohttp.ClientSession, websocket: aiohttp.ClientWebSocketResponse
    ) -> None:
        """Use an open websocket. Use `connect` to get one."""
        self._session = session
        self._websocket = websocket
        self._alive = asyncio.Event()
        self._alive.set()
        #: Takes a frame that is to be sent later; returns whether it did.
        self.defer: Callable[[str, Callable[[str], Awaitable[None]]], bool] = (
            lambda _message, _send: False
        )

    @classmethod
    async def connect(
        cls,
        url: str,
        identity: str,
        password: bytes | None,
        tls: ssl.SSLContext | None = None,
        subprotocol: str = SUBPROTOCOL,
    ) -> Transport:
        """Dial the central system. Raises TransportClosed with the reason."""
        headers = {}
        if password is not None:
            # Made by hand: aiohttp's own refuses an identity with a colon, which OCPP allows.
            credentials = b64encode(identity.encode() + b":" + password).decode()
            headers["Authorization"] = f"Basic {credentials}"
        address = URL(f"{url.rstrip('/')}/{quote(identity, safe='')}", encoded=True)
        # A total here would keep a timer for as long as the websocket lives.
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        try:
            async with asyncio.timeout(_HANDSHAKE_SECONDS):
                websocket = await session.ws_connect(
                    address,
                    protocols=(subprotocol,),
                    headers=headers,
                    ssl=tls or True,
                    # Pings are answered here, so that a dead connection can keep silent.
                    autoping=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            await session.close()
            raise TransportClosed(f"cannot connect: {error}") from error
        except BaseException:
            await session.close()
            raise
        transport = cls(session, websocket)
        if websocket.protocol != subprotocol:
            await transport.close()
            raise TransportClosed(f"the central system does not speak {subprotocol}")
        return transport

    async def send(self, message: str) -> None:
        """Send one frame. Raises TransportClosed."""
        if not self.defer(message, self._send):
            await self._send(message)

    async def _send(self, message: str) -> None:
        try:
            await self._websocket.send_str(message)
        except (aiohttp.ClientError, OSError) as error:
            raise TransportClosed(str(error)) from error

    async def recv(self) -> str:
        """Wait for the next text frame. Raises TransportClosed."""
        while True:
            message = await self._websocket.receive()
            match message.type:
                case aiohttp.WSMsgType.TEXT:
                    return str(message.data)
                case aiohttp.WSMsgType.PING:
                    await self._pong(message.data)
                case aiohttp.WSMsgType.PONG:
                    self._alive.set()
                case aiohttp.WSMsgType.BINARY:
                    raise TransportClosed("binary frames are not OCPP-J")
                case _:
                    self._alive.set()
                    raise TransportClosed(
                        f"closed with code {self._websocket.close_code}"
                    )

    async def _pong(self, payload: bytes) -> None:
        try:
            await self._websocket.pong(payload)
        except (aiohttp.ClientError, OSError) as error:
            raise TransportClosed(str(error)) from error

    async def ping(self) -> bool:
        """Ask for a sign of life and wait for it. False if the last one has not come yet."""
        if not self._alive.is_set():
            return False
        self._alive.clear()
        try:
            await self._websocket.ping()
        except aiohttp.ClientError, OSError:
            return False
        await self._alive.wait()
        return True

    async def close(self) -> None:
        """Say goodbye."""
        await self._websocket.close(code=aiohttp.WSCloseCode.GOING_AWAY)
        await self._session.close()

    async def abort(self) -> None:
        """Vanish without a word."""
        raw = self._websocket.get_extra_info("socket")
        if raw is not None:
            # An error here means that the other side was faster.
            with suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)
        await self._websocket.close()
        await self._session.close()
