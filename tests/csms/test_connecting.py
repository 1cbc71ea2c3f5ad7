"""Dialling in: paths, credentials, subprotocols, and the second socket of a charger."""

import asyncio
from base64 import b64encode

from aiohttp import WSServerHandshakeError, web
import pytest

from custom_components.ocpp_central.csms.admission import Refusal
from custom_components.ocpp_central.csms.errors import ConnectionLost, NotConnected
from custom_components.ocpp_central.csms.server import identity_of

from .common import Central, Silence, meter_values, sample, status, stop, until


def basic(credentials: bytes | str, *, padding: bool = True) -> dict[str, str]:
    """Return the header for Basic authentication."""
    if isinstance(credentials, str):
        credentials = credentials.encode()
    encoded = b64encode(credentials).decode()
    return {"Authorization": f"Basic {encoded if padding else encoded.rstrip('=')}"}


async def refused(central: Central, path: str = "/CP1", **more: object) -> int:
    """Dial in vain and return the HTTP status."""
    with pytest.raises(WSServerHandshakeError) as error:
        await central.dial(path, **more)  # type: ignore[arg-type]
    return error.value.status


# Paths


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/CP1", "CP1"),
        ("/CP1/", "CP1"),
        ("//CP1//", "CP1"),
        ("/ocpp/CP1", "CP1"),
        ("/ocpp//CP1/", "CP1"),
        ("/a/b/c/d/CP1", "CP1"),
        ("/cp1", "CP1"),
        ("/CP%31", "CP1"),
        ("/%20CP1%20", "CP1"),
        ("/CP1?x=1", "CP1"),
        ("/CP1?x=/2", "CP1"),
        ("/CP1/?token=a/b", "CP1"),
        ("/ws://192.0.2.1:9000/CP1", "CP1"),
        ("/RDAM%7C123", "RDAM|123"),
        ("/rdam|123", "RDAM|123"),
        ("/A%2FB", "A/B"),
        ("/Keller%20links", "Keller links"),
        ("/Gar%C3%A4ge", "Garäge"),
        ("/GAR%C3%84GE", "Garäge"),
        ("/" + "x" * 255, "x" * 255),
    ],
)
async def test_path(central: Central, path: str, identity: str) -> None:
    """The last segment says who it is, in any case of letters."""
    charge_point = await central.add(identity)
    charger = await central.dial(path)
    await charger.alive()
    assert charge_point.connected
    assert central.system.unknown == {}


@pytest.mark.parametrize(
    "path",
    ["", "/", "//", "/?id=CP1", "/%20", "/CP%00", "/a%0Ab", "/" + "x" * 256],
)
async def test_path_without_identity(central: Central, path: str) -> None:
    """Nobody is let in without a name that can be shown and stored."""
    assert await refused(central, path) == 404
    assert central.system.unknown == {}


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("CP1", "CP1"),
        ("", None),
        ("/%FF", "\ufffd"),
        ("/CP1/%20/", "CP1"),
        ("/\u2028", None),
    ],
)
def test_identity_of(path: str, identity: str | None) -> None:
    """What a client library would not let through."""
    assert identity_of(path) == identity


async def test_plain_http(central: Central) -> None:
    """A browser is told that this is for WebSockets."""
    await central.add()
    url = f"http://127.0.0.1:{central.port}"
    async with central.session.get(f"{url}/CP1") as response:
        assert response.status == 426
        assert response.headers["Upgrade"] == "websocket"
    async with central.session.get(f"{url}/") as response:
        assert response.status == 404
        assert "identity" in await response.text()
    async with central.session.post(f"{url}/CP1") as response:
        assert response.status == 405


# Subprotocols


async def test_no_subprotocol(central: Central) -> None:
    """A charger that offers none speaks 1.6."""
    charge_point = await central.add()
    charger = await central.dial(protocols=())
    assert charger.socket.protocol is None
    await charger.alive()
    assert charge_point.commands.protocol == "ocpp1.6"


async def test_foreign_subprotocol(central: Central) -> None:
    """It is closed, and the user hears why."""
    refusals: list[tuple[str, Refusal]] = []
    central.system.on_refused = lambda *refusal: refusals.append(refusal)
    charge_point = await central.add()
    charger = await central.dial(protocols=("ocpp1.5",))
    await charger.closed.wait()
    assert charger.close_code == 1002
    assert refusals == [("CP1", Refusal.SUBPROTOCOL)]
    assert not charge_point.connected


@pytest.mark.parametrize(
    "protocols",
    [
        ("ocpp1.6",),
        ("ocpp2.0", "ocpp1.6"),
        ("ocpp1.5", "ocpp1.6", "ocpp1.6j"),
    ],
)
async def test_subprotocol(central: Central, protocols: tuple[str, ...]) -> None:
    """Of several offered ones, the one we speak is taken."""
    await central.add()
    charger = await central.dial(protocols=protocols)
    assert charger.socket.protocol == "ocpp1.6"
    await charger.alive()


# Credentials


@pytest.mark.parametrize(
    ("password", "credentials"),
    [
        ("secret", "CP1:secret"),
        ("secret", "somebody else:secret"),
        ("secret", ":secret"),
        ("a:b:c", "CP1:a:b:c"),
        ("pässwörd", "CP1:pässwörd"),
        ("00ff10" + "a" * 34, b"CP1:" + bytes.fromhex("00ff10" + "a" * 34)),
        ("00ff10" + "a" * 34, "CP1:00ff10" + "a" * 34),
    ],
)
@pytest.mark.parametrize("padding", [True, False], ids=["padding", "no padding"])
async def test_right_password(
    central: Central, password: str, credentials: bytes | str, padding: bool
) -> None:
    """The user name is the charger's business, and so is how it writes the key."""
    charge_point = await central.add(password=password)
    charger = await central.dial(headers=basic(credentials, padding=padding))
    await charger.alive()
    assert charge_point.connected


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("CP1:wrong"),
        basic("CP1:"),
        basic("CP1"),
        basic("secret"),
        basic("CP1:secret "),
        basic(b"CP1:\xff\xfe"),
        {"Authorization": "Basic ???"},
        {"Authorization": "Basic a"},
        {"Authorization": "Basic"},
        {"Authorization": "Bearer secret"},
        {"Authorization": "secret"},
    ],
)
async def test_wrong_password(central: Central, headers: dict[str, str]) -> None:
    """It is refused, and the charger that is connected stays so."""
    refusals: list[tuple[str, Refusal]] = []
    charge_point = await central.add(password="secret")
    charger = await central.dial(headers=basic("CP1:secret"))
    central.system.on_refused = lambda *refusal: refusals.append(refusal)
    assert await refused(central, headers=headers) == 401
    assert refusals == [("CP1", Refusal.WRONG_PASSWORD)]
    await charger.alive()
    assert charge_point.connected


async def test_password_that_nobody_asked_for(central: Central) -> None:
    """A charger may send one where none is configured."""
    await central.add()
    charger = await central.dial(headers=basic("CP1:whatever"))
    await charger.alive()


async def test_challenge(central: Central) -> None:
    """Some chargers send the password only when asked."""
    await central.add(password="secret")
    async with central.session.get(f"http://127.0.0.1:{central.port}/CP1") as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic ")


async def test_let_in(central: Central) -> None:
    """Who is let in is told, so that the complaint about it can go."""
    let_in: list[str] = []
    central.system.on_let_in = let_in.append
    await central.connect()
    assert let_in == ["CP1"]


@pytest.fixture
async def endpoint(central: Central, unused_tcp_port: int) -> object:
    """Serve the central system on a port that faces the world."""

    async def on_request(request: web.Request) -> web.StreamResponse:
        return await central.system.serve(
            request,
            request.rel_url.raw_path,
            password_required=True,
            unknown_allowed=False,
        )

    app = web.Application()
    app.router.add_get("/{path:.*}", on_request)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    central.port = unused_tcp_port
    yield
    await central.close()
    await runner.cleanup()


@pytest.mark.usefixtures("endpoint")
async def test_endpoint_that_faces_the_world(central: Central) -> None:
    """It wants a password, and no strangers."""
    refusals: list[tuple[str, Refusal]] = []
    central.system.on_refused = lambda *refusal: refusals.append(refusal)
    assert await refused(central, "/stranger") == 403
    await central.add()
    assert await refused(central) == 401
    assert refusals == [("CP1", Refusal.PASSWORD_MISSING)]
    await central.add("CP2", password="secret")
    charger = await central.dial("/CP2", headers=basic("CP2:secret"))
    await charger.alive()


async def test_ignored_stranger(central: Central) -> None:
    """A charger that the user ignores is refused."""
    central.system.is_ignored = lambda identity: identity == "CP1"
    assert await refused(central) == 403
    await (await central.dial("/CP2")).alive()


async def test_connection_not_allowed(central: Central) -> None:
    """The user can keep a charger out, and let it in again."""
    charge_point, charger = await central.connect()
    charger.answers["ClearCache"] = Silence()
    clearing = asyncio.create_task(charge_point.commands.clear_cache())
    await charger.called("ClearCache")
    await charge_point.set_enabled(False)
    await charger.closed.wait()
    with pytest.raises(ConnectionLost):
        await clearing
    assert await refused(central) == 503
    await charge_point.set_enabled(True)
    charger = await central.dial()
    await charger.alive()
    assert charger.calls == []


async def test_removed(central: Central) -> None:
    """A charge point that is removed is let go, and a stranger from then on."""
    charge_point, charger = await central.connect()
    await central.system.remove("cp1")
    await charger.closed.wait()
    charger = await central.dial()
    assert (await charger.boot())["status"] == "Pending"
    assert not charge_point.connected
    assert list(central.system.unknown) == ["cp1"]


# One socket after the other


async def test_reconnect(central: Central) -> None:
    """What is known stays known; entities hear of both ends."""
    charge_point, charger = await central.connect()
    changes: list[bool] = []
    charge_point.subscribe_connection(lambda: changes.append(charge_point.connected))
    await charger.call("StatusNotification", status("Charging"))
    await charger.close()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    assert charge_point.value(1, "status") == "charging"
    with pytest.raises(NotConnected):
        _ = charge_point.commands
    charger = await central.dial()
    await charger.alive()
    assert changes == [False, True]
    assert charge_point.reconnects == 1


async def test_the_newest_socket_wins(central: Central) -> None:
    """A charger whose old socket is half open is not locked out."""
    charge_point, old = await central.connect()
    await old.call("StatusNotification", status("Charging"))
    await old.call("MeterValues", meter_values(sample("7200", "Power.Active.Import")))
    changes: list[bool] = []
    charge_point.subscribe_connection(lambda: changes.append(charge_point.connected))
    new = await central.dial()
    await old.closed.wait()
    assert old.close_code == 1001
    await new.alive()
    assert set(changes) == {True}
    assert charge_point.value(1, "status") == "charging"
    assert charge_point.value(1, "power") == 7200
    await charge_point.commands.clear_cache()
    assert new.actions == ["ClearCache"]


async def test_the_newest_socket_wins_every_time(central: Central) -> None:
    """The end of an old socket never closes a newer one."""
    charge_point = await central.add()
    for _ in range(5):
        charger = await central.dial("/cp1")
        await charger.alive()
    for old in central.chargers[:-1]:
        await old.closed.wait()
    await charger.alive()
    assert charge_point.connected
    assert charge_point.reconnects == 0


async def test_what_the_old_socket_still_says_is_passed_over(central: Central) -> None:
    """It may be seconds old."""
    charge_point, old = await central.connect()
    old.answers["ClearCache"] = Silence()
    clearing = asyncio.create_task(charge_point.commands.clear_cache())
    call = await old.called("ClearCache")
    await old.call("StatusNotification", status("Preparing"))
    new = await central.dial()
    await old.send([2, "x", "StatusNotification", status("Faulted")])
    await old.answer(call, {"status": "Accepted"})
    await new.call("StatusNotification", status("Charging"))
    await old.closed.wait()
    with pytest.raises(ConnectionLost):
        await clearing
    await new.alive()
    assert charge_point.value(1, "status") == "charging"


async def test_what_waits_on_the_old_socket_is_passed_over(central: Central) -> None:
    """What was not answered there, the charger says again."""
    charge_point, old = await central.connect()
    central.ledger.open.clear()
    await old.send([2, "a", "StopTransaction", stop(7)])
    await old.send([2, "b", "StatusNotification", status("Faulted")])
    await old.delivered()
    new = await central.dial()
    await old.closed.wait()
    await new.call("StatusNotification", status("Charging"))
    central.ledger.open.set()
    await new.call("StopTransaction", stop(7))
    assert charge_point.value(1, "status") == "charging"


async def test_socket_closed_in_mid_call(central: Central) -> None:
    """The caller hears at once; those that were still waiting as well."""
    charge_point, charger = await central.connect()
    charger.answers["ClearCache"] = Silence()
    sent = asyncio.create_task(charge_point.commands.clear_cache())
    await charger.called("ClearCache")
    queued = asyncio.create_task(charge_point.commands.unlock_connector(1))
    await charger.alive()
    await charger.hang_up()
    with pytest.raises(ConnectionLost):
        await sent
    with pytest.raises(NotConnected) as error:
        await queued
    assert not isinstance(error.value, ConnectionLost)
    assert charger.actions == ["ClearCache"]


async def test_what_was_said_before_the_socket_closed_counts(central: Central) -> None:
    """A transaction that ends on the way down has ended, though the disk is slow."""
    charge_point, charger = await central.connect()
    first = await charger.start(1)
    await charger.start(2)
    central.ledger.open.clear()
    await charger.send([2, "a", "StopTransaction", stop(first, 1500)])
    await charger.send([2, "b", "StatusNotification", status("Unavailable")])
    await charger.send([2, "c", "StopTransaction", stop(first + 1, 1700)])
    await charger.close()
    # Although the disk is not done yet.
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    assert charge_point.transactions.at(1)
    ended = asyncio.Event()
    charge_point.subscribe(2, ["transaction"], ended.set)
    central.ledger.open.set()
    await ended.wait()
    assert charge_point.transactions.at(1) is None
    assert charge_point.transactions.at(2) is None
    assert charge_point.value(1, "status") == "unavailable"
    assert charge_point.value(2, "session_energy") == 700


async def test_stopping_closes_all(central: Central) -> None:
    """Chargers are sent away in good order; nobody is let in any more."""
    charge_point, charger = await central.connect()
    stranger = await central.dial("/stranger")
    await stranger.alive()
    await central.system.stop()
    await charger.closed.wait()
    await stranger.closed.wait()
    assert charger.close_code == stranger.close_code == 1001
    assert not charge_point.connected


async def test_stopping_waits_for_the_disk(central: Central) -> None:
    """The ledger is closed after the last start and stop are in it."""
    _, charger = await central.connect()
    central.ledger.open.clear()
    await charger.send([2, "a", "StopTransaction", stop(7)])
    await charger.delivered()
    stopping = asyncio.create_task(central.system.stop())
    await charger.closed.wait()
    assert not stopping.done()
    central.ledger.open.set()
    await stopping
    assert central.ledger.stops


async def test_listening_on_a_port_that_is_taken(central: Central) -> None:
    """The caller hears of it, and can try again."""
    other = Central(central.session)
    await other.open()
    with pytest.raises(OSError, match="in use"):
        await other.system.listen("127.0.0.1", central.port, None)
    await other.close()
