"""A charge point that sends exactly what a test tells it to, and what it dials into."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
import json
from typing import Any, Self

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from ocpp.messages import MessageType, get_validator
import orjson

from custom_components.ocpp_central.csms.authorization import Tokens
from custom_components.ocpp_central.csms.capabilities import (
    Capabilities,
    ConfigurationKey,
)
from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.jobs import UploadTarget
from custom_components.ocpp_central.csms.model import (
    Amendment,
    ChargePointConfig,
    EndedTransaction,
    SessionLedger,
    Transaction,
    TransactionStart,
    TransactionStop,
)
from custom_components.ocpp_central.csms.prices import Prices
from custom_components.ocpp_central.csms.register import Register
from custom_components.ocpp_central.csms.server import CentralSystem
from custom_components.ocpp_central.csms.timing import Timing

type Payload = dict[str, Any]

# Nothing happens by the clock unless a test wants it to.
NEVER = 86_400.0
TIMING = Timing(
    call=NEVER,
    ping=NEVER,
    silence=NEVER,
    close=1,
    boot_grace=0,
    no_boot=NEVER,
    quiet=0,
    pace=0,
    reboot=NEVER,
    settle=NEVER,
    verify=NEVER,
)

BOOT: Payload = {
    "chargePointVendor": "Vendor",
    "chargePointModel": "Model",
    "chargePointSerialNumber": "S1",
    "firmwareVersion": "1.0",
}
ENERGY = "Energy.Active.Import.Register"


def stamp(time: datetime | None = None, **ago: float) -> str:
    """Write a time, by default now, or so long ago."""
    moment = (time or datetime.now(UTC)) - timedelta(**ago)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def sample(value: Any, measurand: str | None = None, **more: Any) -> Payload:
    """Return a SampledValue."""
    return {
        "value": value,
        **({"measurand": measurand} if measurand else {}),
        **more,
    }


def meter_values(
    *samples: Payload,
    connector: int = 1,
    transaction: int | None = None,
    time: str | None = None,
) -> Payload:
    """Return the payload of a MeterValues with one bucket."""
    payload: Payload = {
        "connectorId": connector,
        "meterValue": [{"timestamp": time or stamp(), "sampledValue": list(samples)}],
    }
    if transaction is not None:
        payload["transactionId"] = transaction
    return payload


def status(
    value: str, connector: int = 1, error: str = "NoError", **more: Any
) -> Payload:
    """Return the payload of a StatusNotification."""
    return {
        "connectorId": connector,
        "status": value,
        "errorCode": error,
        "timestamp": stamp(),
        **more,
    }


def start(
    connector: int = 1,
    *,
    token: str = "CARD1",  # noqa: S107
    meter: float = 1000,
    time: str | None = None,
) -> Payload:
    """Return the payload of a StartTransaction."""
    return {
        "connectorId": connector,
        "idTag": token,
        "meterStart": meter,
        "timestamp": time or stamp(),
    }


def stop(
    transaction: int, meter: float = 2000, *, time: str | None = None, **more: Any
) -> Payload:
    """Return the payload of a StopTransaction."""
    return {
        "transactionId": transaction,
        "meterStop": meter,
        "timestamp": time or stamp(),
        **more,
    }


def check_answer(action: str, payload: Payload, version: str = "1.6") -> None:
    """Hold an answer of ours against the schema, by the ocpp package's own hand."""
    get_validator(MessageType.CallResult, action, version).validate(payload)


def check_request(action: str, payload: Payload, version: str = "1.6") -> None:
    """Hold a CALL of ours against the schema, by the ocpp package's own hand."""
    # A float is no multiple of 0.1, a decimal number is.
    try:
        validator = get_validator(
            MessageType.Call, action, version, parse_float=Decimal
        )
    except FileNotFoundError:
        return  # A vendor's own
    validator.validate(json.loads(orjson.dumps(payload), parse_float=Decimal))


class Refused(Exception):
    """The central system answered with a CALLERROR."""

    def __init__(self, frame: list[Any]) -> None:
        """Take the frame apart."""
        super().__init__(frame)
        _, self.unique_id, self.code, self.description, self.details = frame


@dataclass
class Refusal:
    """How a charger answers with a CALLERROR."""

    code: str
    description: str = ""


class Silence:
    """How a charger does not answer."""


class Raw:
    """How a charger answers with a frame of its own making; {id} is filled in."""

    def __init__(self, text: str) -> None:
        """Take the text."""
        self.text = text


class HangUp:
    """How a charger drops its socket, without an answer."""


type Answer = Payload | Refusal | Silence | Raw | HangUp | Callable[[Payload], Answer]


@dataclass
class Call:
    """A CALL of the central system."""

    unique_id: str
    action: str
    payload: Payload


class Charger:
    """One socket of a charge point."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        """Begin to listen."""
        self.socket = socket
        self.version = (socket.protocol or "ocpp1.6").removeprefix("ocpp")
        self.calls: list[Call] = []
        self.answers: dict[str, Answer] = {
            "GetConfiguration": {"configurationKey": []},
            "UnlockConnector": {"status": "Unlocked"},
        }
        self.pings: asyncio.Queue[bytes] = asyncio.Queue()
        self.answers_pings = True
        self.closed = asyncio.Event()
        self._pong = asyncio.Event()
        self._numbers = count(1)
        self._waiting: dict[str, asyncio.Future[list[Any]]] = {}
        self._calls: asyncio.Queue[Call] = asyncio.Queue()
        self._frames: asyncio.Queue[list[Any]] = asyncio.Queue()
        self._reader = asyncio.create_task(self._read())

    @property
    def close_code(self) -> int | None:
        """Return the code that the socket was closed with."""
        return self.socket.close_code

    @property
    def actions(self) -> list[str]:
        """Return what the central system has called so far."""
        return [call.action for call in self.calls]

    async def send(self, frame: bytes | str | list[Any], *, text: bool = True) -> None:
        """Send a frame: bytes and text as they are."""
        if isinstance(frame, list):
            frame = json.dumps(frame)
        data = frame.encode() if isinstance(frame, str) else frame
        await self.socket.send_frame(data, WSMsgType.TEXT if text else WSMsgType.BINARY)

    async def frame(self) -> list[Any]:
        """Return the next answer to something sent with `send`."""
        return await self._frames.get()

    async def call(self, action: str, payload: Payload | None = None) -> Payload:
        """Make a CALL and return its answer, which is held against the schema."""
        unique_id = f"c{next(self._numbers)}"
        future = self._waiting[unique_id] = asyncio.get_running_loop().create_future()
        await self.send([2, unique_id, action, payload or {}])
        frame = await future
        if frame[0] == 4:
            raise Refused(frame)
        answer: Payload = frame[2]
        check_answer(action, answer, self.version)
        return answer

    async def attempt(self, action: str, payload: Payload) -> Refused | None:
        """Make a CALL and return how it was refused, if it was."""
        try:
            await self.call(action, payload)
        except Refused as refused:
            return refused
        return None

    async def called(self, action: str) -> Call:
        """Wait for the next CALL of this action."""
        while (call := await self._calls.get()).action != action:
            pass
        return call

    def forget(self) -> None:
        """Look only at CALLs that come from now on."""
        self.calls.clear()
        while not self._calls.empty():
            self._calls.get_nowait()

    async def answer(self, call: Call, payload: Payload) -> None:
        """Answer a CALL that was met with silence so far."""
        await self.send([3, call.unique_id, payload])

    async def close(self) -> None:
        """Close the socket in good order."""
        await self.socket.close()
        await self._reader

    async def hang_up(self) -> None:
        """Let the connection go without a word."""
        assert self.socket._response.connection  # noqa: SLF001
        self.socket._response.connection.transport.abort()  # noqa: SLF001
        await self._reader

    async def boot(self, *statuses: Payload, **more: Any) -> Payload:
        """Send a BootNotification, and what the connectors do in the same breath."""
        answer, *_ = await asyncio.gather(
            self.call("BootNotification", {**BOOT, **more}),
            *(self.call("StatusNotification", status) for status in statuses),
        )
        return answer

    async def start(self, connector: int = 1, **more: Any) -> int:
        """Begin a transaction and return its id."""
        answer = await self.call("StartTransaction", start(connector, **more))
        return int(answer["transactionId"])

    async def delivered(self) -> None:
        """Wait until the central system has read all that was sent."""
        self._pong.clear()
        await self.socket.ping()
        await self._pong.wait()

    async def alive(self) -> None:
        """Show that the connection still answers."""
        answer = await self.call("Heartbeat")
        assert answer["currentTime"].endswith("Z")

    async def _read(self) -> None:
        while True:
            message = await self.socket.receive()
            match message.type:
                case WSMsgType.TEXT:
                    await self._on_frame(orjson.loads(message.data))
                case WSMsgType.PING:
                    self.pings.put_nowait(message.data)
                    if self.answers_pings:
                        await self.socket.pong(message.data)
                case WSMsgType.PONG:
                    self._pong.set()
                case _:
                    break
        self.closed.set()
        for future in self._waiting.values():
            future.cancel()

    async def _on_frame(self, frame: list[Any]) -> None:
        if frame[0] != 2:
            waiting = self._waiting.pop(str(frame[1]), None)
            if waiting:
                waiting.set_result(frame)
            else:
                self._frames.put_nowait(frame)
            return
        call = Call(*frame[1:])
        check_request(call.action, call.payload, self.version)
        self.calls.append(call)
        self._calls.put_nowait(call)
        answer = self.answers.get(call.action, {"status": "Accepted"})
        while callable(answer):
            answer = answer(call.payload)
        match answer:
            case Silence():
                pass
            case Raw():
                await self.send(answer.text.replace("{id}", call.unique_id))
            case Refusal():
                frame = [4, call.unique_id, answer.code, answer.description, {}]
                await self.send(frame)
            case HangUp():
                await self.socket.close()
            case _:
                await self.answer(call, answer)


@dataclass
class _Row:
    start: TransactionStart
    transaction: Transaction


class MemoryLedger(SessionLedger):
    """A ledger without a disk, that can be told to be slow or to fail."""

    def __init__(self) -> None:
        """Begin empty."""
        self.rows: dict[int, _Row] = {}
        self.starts: list[TransactionStart] = []
        self.stops: list[TransactionStop] = []
        self.registers: dict[tuple[str, int], Register] = {}
        self.replayed: list[tuple[int, datetime, float]] = []
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def start(
        self, start: TransactionStart, running: Sequence[Transaction] = ()
    ) -> Transaction:
        """Give a start its id, a retry its old one."""
        await self._disk()
        self.starts.append(start)
        for row in self.rows.values():
            if not row.transaction.carried and row.start == replace(
                start,
                authorization=row.start.authorization,
                authorized_by=row.start.authorized_by,
                account=row.start.account,
                started=row.start.started,
            ):
                return replace(row.transaction)
        transaction = Transaction(
            id=len(self.rows) + 101,
            identity=start.identity,
            connector=start.connector,
            id_token=start.id_token,
            started=start.started or start.timestamp,
            meter_start=start.meter_start,
            account=start.account,
            user=start.user,
            charger_id=start.charger_id,
            taken_up=start.taken_up,
        )
        self.rows[transaction.id] = _Row(start, transaction)
        return replace(transaction)

    async def stop(
        self, stop: TransactionStop, running: Sequence[Transaction] = ()
    ) -> Transaction | None:
        """Record an end."""
        await self._disk()
        self.stops.append(stop)
        row = self.rows.get(stop.transaction_id)
        if row is None:
            return None
        transaction = row.transaction
        transaction.ended = stop.ended
        transaction.stop_reason = stop.reason
        transaction.carried = True
        prices = Prices()
        for time, values in stop.readings:
            transaction.account.read(time, values, prices)
        if stop.meter_stop is not None:
            assert stop.ended
            transaction.meter_last = stop.meter_stop
            transaction.account.finish(
                stop.ended, transaction.meter_start, stop.meter_stop, prices
            )
        return replace(transaction)

    def progress(self, transaction: Transaction) -> None:
        """Note the register."""
        row = self.rows[transaction.id].transaction
        row.meter_last = transaction.meter_last
        row.meter_start = transaction.meter_start
        row.account = transaction.account
        row.carried |= transaction.carried

    def end(self, transaction: Transaction) -> None:
        """Note an end that nobody told."""
        self.rows[transaction.id].transaction.ended = transaction.ended

    def meter(self, identity: str, connector: int, register: Register) -> None:
        """Note where a meter stands."""
        self.registers[identity.casefold(), connector] = register

    def replay(
        self, identity: str, connector: int, points: Sequence[tuple[datetime, float]]
    ) -> None:
        """Keep what was told after the fact."""
        self.replayed += [(connector, *point) for point in points]

    async def meters(self, identity: str) -> dict[int, Register]:
        """Return where the meters stood."""
        return {
            connector: register.copy()
            for (owner, connector), register in self.registers.items()
            if owner == identity.casefold()
        }

    async def amend(self, amendment: Amendment) -> None:
        """Change what is known."""
        await self._disk()
        row = self.rows[amendment.transaction_id].transaction
        row.connector = amendment.connector or row.connector
        row.id_token = amendment.id_token or row.id_token
        row.user = amendment.user or row.user
        row.started = amendment.started or row.started
        if amendment.reopened:
            row.ended = None

    async def ended_transactions(self, identity: str) -> list[EndedTransaction]:
        """Return what has ended."""
        return [
            EndedTransaction(number, one.charger_id, one.started, ended)
            for number, row in self.rows.items()
            if row.start.identity.casefold() == identity.casefold()
            and (one := row.transaction)
            and (ended := one.ended) is not None
        ]

    async def open_transactions(self, identity: str) -> list[Transaction]:
        """Return what has not ended."""
        await self._disk()
        return [
            replace(row.transaction)
            for row in self.rows.values()
            if row.start.identity.casefold() == identity.casefold()
            and row.start.authorization == "Accepted"
            and row.transaction.ended is None
        ]

    async def _disk(self) -> None:
        await self.open.wait()
        if self.error:
            raise self.error


class MemoryStore:
    """Capabilities as they would be on disk."""

    def __init__(self, disk: Payload | None = None) -> None:
        """Begin with what is on disk."""
        self.disk: Payload = disk or {"models": {}, "configurations": {}}
        self._models = {
            model: Capabilities(**capabilities)
            for model, capabilities in self.disk["models"].items()
        }
        self._configurations: dict[tuple[str, str], dict[str, ConfigurationKey]] = {
            key: {name: ConfigurationKey(**entry) for name, entry in keys.items()}
            for key, keys in self.disk["configurations"].items()
        }

    def get(self, model: str) -> Capabilities:
        """Return what is known of a model."""
        return self._models.setdefault(model, Capabilities())

    def configuration(self, identity: str, model: str) -> dict[str, ConfigurationKey]:
        """Return the keys of a charge point."""
        return self._configurations.get((identity, model), {})

    def set_configuration(
        self, identity: str, model: str, keys: dict[str, ConfigurationKey]
    ) -> None:
        """Keep the keys of a charge point."""
        self._configurations[identity, model] = keys

    async def save(self) -> None:
        """Write all of it."""
        self.disk = deepcopy(
            {
                "models": {
                    model: capabilities.as_dict()
                    for model, capabilities in self._models.items()
                },
                "configurations": {
                    key: {name: asdict(entry) for name, entry in keys.items()}
                    for key, keys in self._configurations.items()
                },
            }
        )


@dataclass
class Central:
    """A central system that listens, and the chargers that dial in."""

    session: ClientSession
    timing: Timing = TIMING
    ledger: Any = field(default_factory=MemoryLedger)
    store: MemoryStore = field(default_factory=MemoryStore)
    authorizer: Tokens = field(default_factory=Tokens)
    prices: Prices = field(default_factory=Prices)
    uploads: UploadTarget | None = None
    system: CentralSystem = field(init=False)
    port: int = field(init=False)
    serve: Payload = field(default_factory=dict)
    chargers: list[Charger] = field(default_factory=list)

    async def open(self, port: int = 0) -> Self:
        """Begin to listen."""
        self.system = CentralSystem(
            ledger=self.ledger,
            authorizer=self.authorizer,
            capabilities=self.store,
            prices=self.prices,
            uploads=self.uploads,
            timing=self.timing,
        )
        self.port = await self.system.listen("127.0.0.1", port, None)
        return self

    async def close(self) -> None:
        """Close all that is open."""
        await self.system.stop()
        for charger in self.chargers:
            await charger.close()
        self.chargers.clear()

    async def restart(self, port: int = 0) -> None:
        """Be another process on the same disk."""
        await self.close()
        self.store = MemoryStore(self.store.disk)
        await self.open(port)

    async def add(self, identity: str = "CP1", **more: Any) -> ChargePoint:
        """Make a charge point known."""
        return await self.system.add(
            ChargePointConfig(identity=identity, name=identity, **more)
        )

    async def dial(
        self,
        path: str = "/CP1",
        *,
        protocols: tuple[str, ...] = ("ocpp1.6",),
        headers: dict[str, str] | None = None,
    ) -> Charger:
        """Open a socket. Raises WSServerHandshakeError where it is refused."""
        socket = await self.session.ws_connect(
            f"http://127.0.0.1:{self.port}{path}",
            protocols=protocols,
            headers=headers,
            autoping=False,
        )
        charger = Charger(socket)
        self.chargers.append(charger)
        return charger

    async def connect(
        self, identity: str = "CP1", **more: Any
    ) -> tuple[ChargePoint, Charger]:
        """Add a charge point and have it dial in."""
        charge_point = await self.add(identity, **more)
        return charge_point, await self.dial(f"/{identity}")


@asynccontextmanager
async def central_system(**more: Any) -> AsyncIterator[Central]:
    """Run a central system."""
    async with ClientSession() as session:
        central = await Central(session, **more).open()
        try:
            yield central
        finally:
            await central.close()


async def until(
    subscribe: Callable[[Callable[[], None]], Callable[[], None]],
    condition: Callable[[], bool],
) -> None:
    """Wait for a condition, looked at whenever a listener is called."""
    event = asyncio.Event()
    unsubscribe = subscribe(event.set)
    try:
        while not condition():
            event.clear()
            await event.wait()
    finally:
        unsubscribe()


async def bring_up(identity: str = "CP1") -> None:
    """Wait until the bring-up of a charge point is over."""
    tasks = [
        task
        for task in asyncio.all_tasks()
        if task.get_name() == f"{identity} bring-up"
    ]
    if tasks:
        await asyncio.wait(tasks)
