"""Sockets: path and identity, credentials, subprotocol; the newest socket wins."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
import logging
import ssl
from urllib.parse import unquote

from aiohttp import WSCloseCode, hdrs, web
from yarl import URL

from .admission import Admission, Refusal, admit, certificate_names
from .capabilities import CapabilityStore
from .certificates import Signing
from .charge_point import ChargePoint
from .commands import Commands
from .connection import Connection, Payload
from .jobs import UploadTarget
from .model import Allowance, Authorizer, ChargePointConfig, SessionLedger, Transaction
from .prices import Prices
from .schema import load_schemas
from .timing import Timing
from .v2 import Messages2
from .v2_commands import Commands2
from .v16 import Messages16
from .v16_commands import Commands16
from .versions import VERSIONS, dialect_of, is_foreign, negotiate, subprotocol

_LOGGER = logging.getLogger(__name__)

# The folder of the schemas of each version.
_SCHEMAS = {version: f"v{version.replace('.', '')}" for version in VERSIONS}
# Where files go on our own listener.
UPLOAD_PATH = "/upload/"
_MAX_MESSAGE = 1024 * 1024
_MAX_IDENTITY = 255
# Strangers that may be held open to be offered to the user.
_MAX_UNKNOWN = 20
# Starts and ends of transactions that are taken from strangers.
_MAX_UNCLAIMED = 1000


def load_all_schemas() -> None:
    """Read and compile all schemas. Blocks: not for the event loop."""
    for folder in _SCHEMAS.values():
        load_schemas(folder)


async def _answer_nothing(_request: web.Request, _path: str) -> None:
    return None


class CentralSystem:
    """Lets charge points in and keeps them."""

    def __init__(
        self,
        *,
        ledger: SessionLedger,
        authorizer: Authorizer,
        capabilities: CapabilityStore,
        prices: Prices,
        uploads: UploadTarget | None = None,
        timing: Timing | None = None,
    ) -> None:
        """Serve nobody yet."""
        self.ledger = ledger
        # Known charge points, and strangers waiting to be added, by casefolded identity.
        self.charge_points: dict[str, ChargePoint] = {}
        self.unknown: dict[str, ChargePoint] = {}
        self.on_unknown: Callable[[ChargePoint], None] = lambda _: None
        self.is_ignored: Callable[[str], bool] = lambda _: False
        self.on_refused: Callable[[str, Refusal], None] = lambda *_: None
        self.on_let_in: Callable[[str], None] = lambda _: None
        # With the version that was agreed.
        self.on_wrong_dialect: Callable[[str, str], None] = lambda *_: None
        # Answers what is no WebSocket, if it is meant for somebody; with the path.
        self.on_plain_request: Callable[
            [web.Request, str], Awaitable[web.Response | None]
        ] = _answer_nothing
        self._authorizer = authorizer
        self._capabilities = capabilities
        self._prices = prices
        self._uploads = uploads
        self.signing = Signing(self.charge_points)
        self._timing = timing or Timing()
        self._unclaimed = Allowance(_MAX_UNCLAIMED)
        authorizer.subscribe(self._tokens_changed)
        self._sockets: set[Connection] = set()
        self._offers: dict[str, asyncio.TimerHandle] = {}
        self._runner: web.AppRunner | None = None
        # Whether our own listener asks for certificates.
        self._certificates = False
        self._stopping = False

    # Charge points

    async def add(self, config: ChargePointConfig) -> ChargePoint:
        """Make a charge point known; one that waits connected is taken into use."""
        key = config.identity.casefold()
        transactions, ended, meters = await asyncio.gather(
            self.ledger.open_transactions(config.identity),
            self.ledger.ended_transactions(config.identity),
            self.ledger.meters(config.identity),
        )
        # Without a pause from here on: it may dial in at any time.
        charge_point = self._take_stranger(key) or self._make(config, claimed=False)
        self.charge_points[key] = charge_point
        charge_point.transactions.restore(transactions, ended)
        charge_point.meters.restore(meters)
        charge_point.claim(config)
        return charge_point

    def _tokens_changed(self) -> None:
        for charge_point in self.charge_points.values():
            charge_point.local_list.follow()
            charge_point.reservations.show()

    def charging(self, id_token: str) -> Iterator[Transaction]:
        """Return the transactions that a token has open."""
        for charge_point in self.charge_points.values():
            for connector in charge_point.connectors:
                transaction = charge_point.transactions.at(connector)
                if (
                    transaction
                    and transaction.id_token
                    and self._authorizer.same(transaction.id_token, id_token)
                ):
                    yield transaction

    async def remove(self, identity: str) -> None:
        """Forget a charge point; its socket is closed."""
        if charge_point := self.charge_points.pop(identity.casefold(), None):
            await charge_point.stop()

    async def refuse_unknown(self, identity: str) -> None:
        """Close the socket of a stranger the user does not want."""
        if charge_point := self._take_stranger(identity.casefold()):
            await charge_point.stop()

    def _take_stranger(self, key: str) -> ChargePoint | None:
        if offer := self._offers.pop(key, None):
            offer.cancel()
        return self.unknown.pop(key, None)

    def _make(self, config: ChargePointConfig, *, claimed: bool) -> ChargePoint:
        return ChargePoint(
            config,
            ledger=self.ledger,
            authorizer=self._authorizer,
            capabilities=self._capabilities,
            timing=self._timing,
            prices=self._prices,
            charging=self.charging,
            claimed=claimed,
            unclaimed=self._unclaimed,
            uploads=self._uploads,
            signing=self.signing,
        )

    def _known_or_stranger(self, identity: str) -> ChargePoint:
        key = identity.casefold()
        if known := self.charge_points.get(key) or self.unknown.get(key):
            return known
        config = ChargePointConfig(identity=identity, name=identity)
        stranger = self.unknown[key] = self._make(config, claimed=False)

        def offer() -> None:
            if not stranger.claimed and stranger.connected:
                self.on_unknown(stranger)

        # It is offered by what it says of itself, or after a while by its identity.
        stranger.subscribe_info(offer)
        loop = asyncio.get_running_loop()
        self._offers[key] = loop.call_later(self._timing.no_boot, offer)
        return stranger

    # Listening

    async def listen(
        self,
        host: str | None,
        port: int,
        context: ssl.SSLContext | None,
        *,
        certificates: bool = False,
    ) -> int:
        """Open our own listener and return its port. Raises OSError.

        With `certificates`, who dials in has to show one or give a password.
        """
        await asyncio.get_running_loop().run_in_executor(None, load_all_schemas)
        app = web.Application()
        app.router.add_get("/{path:.*}", self._on_request)
        for method in (hdrs.METH_PUT, hdrs.METH_POST):
            app.router.add_route(method, f"{UPLOAD_PATH}{{path:.*}}", self._on_upload)
        runner = web.AppRunner(
            app, handler_cancellation=True, shutdown_timeout=2, access_log=None
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port, ssl_context=context)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._certificates = certificates
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Close every socket and the listener, for good."""
        self._stopping = True
        sockets = list(self._sockets)
        for connection in sockets:
            connection.released = True
        await asyncio.gather(*(connection.close() for connection in sockets))
        for charge_point in (*self.charge_points.values(), *self.unknown.values()):
            await charge_point.stop()
        for offer in self._offers.values():
            offer.cancel()
        await asyncio.gather(*(connection.finished.wait() for connection in sockets))
        if self._runner:
            await self._runner.cleanup()

    async def _on_request(self, request: web.Request) -> web.StreamResponse:
        return await self.serve(request, request.rel_url.raw_path, own_port=True)

    async def _on_upload(self, request: web.Request) -> web.StreamResponse:
        if self._uploads is None or self._stopping:
            return web.Response(status=503)
        return await self._uploads.receive(request, request.match_info["path"])

    @property
    def listening(self) -> bool:
        """Return whether our own listener is open."""
        return self._runner is not None

    async def serve(
        self,
        request: web.Request,
        raw_path: str,
        *,
        own_port: bool = False,
        password_required: bool = False,
        unknown_allowed: bool = True,
    ) -> web.StreamResponse:
        """Serve one WebSocket until it closes, or refuse it."""
        if self._stopping:
            return web.Response(status=503)
        if (
            request.method == hdrs.METH_GET
            and not _is_upgrade(request)
            and (answer := await self.on_plain_request(request, raw_path))
        ):
            return answer
        identity = identity_of(raw_path)
        if identity is None:
            return web.Response(
                status=404,
                text="The URL must end in the identity of the charge point.",
            )
        key = identity.casefold()
        charge_point = self.charge_points.get(key)
        admission: tuple[ChargePoint, Admission] | None = None
        if charge_point is None:
            if not unknown_allowed or self.is_ignored(identity):
                return web.Response(status=403)
            if own_port and self._certificates and not certificate_names(request):
                return web.Response(status=403)
            if key not in self.unknown and len(self.unknown) >= _MAX_UNKNOWN:
                return web.Response(status=503)
        elif not charge_point.wishes.enabled:
            return web.Response(status=503)
        else:
            admitted = admit(
                request,
                charge_point,
                password_required=password_required,
                certificate_required=own_port and self._certificates,
            )
            if isinstance(admitted, Refusal):
                self.on_refused(charge_point.identity, admitted)
                return admitted.answer
            admission = (charge_point, admitted)
        return await self._serve(
            request,
            identity,
            admission,
            own_port=own_port,
            password_required=password_required,
        )

    async def _serve(
        self,
        request: web.Request,
        identity: str,
        admission: tuple[ChargePoint, Admission] | None,
        *,
        own_port: bool,
        password_required: bool,
    ) -> web.StreamResponse:
        known = self.charge_points.get(identity.casefold())
        pinned = known.config.version if known else None
        version = negotiate(_offered(request), pinned)
        socket = web.WebSocketResponse(
            protocols=(subprotocol(version),) if version else (),
            compress=False,
            autoping=False,
            decode_text=False,
            max_msg_size=_MAX_MESSAGE,
            timeout=self._timing.close,
        )
        if not socket.can_prepare(request):
            return web.Response(status=426, headers={hdrs.UPGRADE: "websocket"})
        await socket.prepare(request)
        if version is None:
            self.on_refused(
                identity, Refusal.OTHER_VERSION if pinned else Refusal.SUBPROTOCOL
            )
            await socket.close(code=WSCloseCode.PROTOCOL_ERROR)
            return socket
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return socket
        # It may have been added or removed, or have dialled twice, during the handshake.
        charge_point = self._known_or_stranger(identity)
        charge_point.password_required = password_required
        charge_point.on_own_port = own_port
        charge_point.address = _address(request)
        connection = Connection(
            socket,
            transport,
            load_schemas(_SCHEMAS[version]),
            self._timing,
            identity,
        )
        commands = _speak(version, charge_point, connection)

        def odd(action: str, payload: Payload) -> None:
            if is_foreign(version, action, payload):
                self.on_wrong_dialect(identity, version)

        connection.on_odd = odd
        self._sockets.add(connection)
        try:
            if replaced := charge_point.attach(connection, commands):
                charge_point.run(replaced.close(), "close the replaced socket")
            if admission and admission[0] is charge_point:
                profile, password = admission[1].profile, admission[1].password
                charge_point.security.came_in(profile, password)
            self.on_let_in(identity)
            await connection.run(commands.probe, ping=charge_point.config.keep_alive)
        finally:
            charge_point.detach(connection)
            key = identity.casefold()
            if self.unknown.get(key) is charge_point and not charge_point.connected:
                self._take_stranger(key)
            if not socket.closed:
                await connection.close()
            await connection.finish()
            self._sockets.discard(connection)
        return socket


def _offered(request: web.Request) -> list[str]:
    """Return the subprotocols that a charger offers."""
    offers = request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, [])
    return [
        name for offer in offers for part in offer.split(",") if (name := part.strip())
    ]


def _speak(version: str, charge_point: ChargePoint, connection: Connection) -> Commands:
    """Have a connection speak one version of OCPP."""
    if not dialect_of(version):
        connection.handlers = Messages16(charge_point).handlers
        return Commands16(charge_point, connection)
    connection.handlers = Messages2(charge_point, version).handlers
    return Commands2(charge_point, connection, version)


def identity_of(raw_path: str) -> str | None:
    """Return the identity in a URL: the last segment that is not empty.

    None where there is none, or none that can be shown and stored.
    """
    segments = [unquote(part).strip() for part in raw_path.split("/")]
    identity = next((part for part in reversed(segments) if part), None)
    if identity and len(identity) <= _MAX_IDENTITY and identity.isprintable():
        return identity
    return None


def _address(request: web.Request) -> URL | None:
    """Return how a charger reaches us, as far as the port."""
    # A proxy may speak TLS with it and not with us.
    forwarded = request.headers.get(hdrs.X_FORWARDED_PROTO, "").lower()
    scheme = "https" if forwarded in {"https", "wss"} else request.scheme
    try:
        return URL(f"{scheme}://{request.host}").origin()
    except ValueError:
        return None


def _is_upgrade(request: web.Request) -> bool:
    return "websocket" in request.headers.get(hdrs.UPGRADE, "").lower()
