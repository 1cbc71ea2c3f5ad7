"""The life of the central system, and the endpoint on Home Assistant's own port."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from unittest.mock import patch

from aiohttp import (
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    WSServerHandshakeError,
    encode_basic_auth,
)
from aiohttp.test_utils import TestClient
from homeassistant.components import persistent_notification
from homeassistant.config_entries import (
    ConfigEntryDisabler,
    ConfigEntryState,
    ConfigSubentry,
)
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.ocpp_central import listener
from custom_components.ocpp_central.const import DOMAIN
from custom_components.ocpp_central.hub import LEDGER_FILE

from .common import System, charge_point, config_entry, port_taken, until
from .csms.common import Charger, bring_up, status

PASSWORD = "correct horse"


def issues(hass: HomeAssistant) -> set[str]:
    """Return the repairs that the user sees."""
    return {
        issue.translation_key or ""
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active
    }


def add(system: System, identity: str, name: str = "", **more: Any) -> str:
    """Add a charge point, as its flow does."""
    data = charge_point(identity, name or identity, **more)
    subentry = ConfigSubentry(**data)
    system.hass.config_entries.async_add_subentry(system.entry, subentry)
    return subentry.subentry_id


def change(system: System, subentry_id: str, **more: Any) -> None:
    """Change a charge point, as its flow does."""
    subentry = system.entry.subentries[subentry_id]
    system.hass.config_entries.async_update_subentry(
        system.entry,
        subentry,
        data={**subentry.data, **more},
        title=more.get("name", subentry.title),
    )


# --- Set up and unload -----------------------------------------------------------------


async def test_unload(system: System) -> None:
    """Every socket is told, the port is free again, and all of it comes back."""
    hass = system.hass
    raw = await system.dial()
    stranger = await system.dial("STRANGER")
    assert system.value("binary_sensor", "connected", 0) == "on"
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    for charger in (raw, stranger):
        await charger.closed.wait()
        assert charger.close_code == 1001
    assert system.entry.state is ConfigEntryState.NOT_LOADED
    async with port_taken(system.port):
        pass
    assert system.value("binary_sensor", "connected", 0) == "unavailable"

    await system.set_up()
    raw = await system.dial()
    await raw.alive()
    assert system.value("binary_sensor", "connected", 0) == "on"


async def test_reload(system: System) -> None:
    """A reload closes sockets and opens the port again at once."""
    raw = await system.dial()
    assert await system.hass.config_entries.async_reload(system.entry.entry_id)
    await raw.closed.wait()
    raw = await system.dial()
    await raw.alive()


async def test_home_assistant_stops(system: System) -> None:
    """Sockets are closed while Home Assistant stops, not when it is killed."""
    hass = system.hass
    raw = await system.dial()
    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await raw.closed.wait()
    assert raw.close_code == 1001
    await hass.async_block_till_done()
    with pytest.raises(ClientError):
        await system.dial()


async def test_many_sockets_close_together(system: System) -> None:
    """Chargers that answer nothing, not even a close, hold up nobody."""
    hass = system.hass
    writers = []
    for number in range(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", system.port)
        writer.write(
            f"GET /STRANGER{number} HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        writers.append(writer)
    async with asyncio.timeout(4):
        assert await hass.config_entries.async_unload(system.entry.entry_id)
    for writer in writers:
        writer.close()


async def test_wishes_survive_a_reload(system: System) -> None:
    """What was set a moment ago is not lost by a reload."""
    raw = await system.dial()
    await raw.boot()
    await raw.call("StatusNotification", status("Available"))
    await raw.close()
    await bring_up("GARAGE")
    await system.hass.async_block_till_done()
    await system.set("number", "current_limit", 11)
    await system.restart()
    assert float(system.value("number", "current_limit")) == 11


async def test_sessions_that_cannot_be_kept(
    hass: HomeAssistant, socket_enabled: None, unused_tcp_port: int
) -> None:
    """Without its database the central system does not run."""
    Path(hass.config.path(LEDGER_FILE)).mkdir()
    entry = config_entry(unused_tcp_port)
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "ledger"


async def test_bad_certificate(
    hass: HomeAssistant,
    socket_enabled: None,
    fast: None,
    unused_tcp_port: int,
    tmp_path: Path,
) -> None:
    """A certificate that has been spoiled is an error that names the file."""
    certificate = tmp_path / "certificate.pem"
    entry = config_entry(unused_tcp_port, charge_point(), certificate=str(certificate))
    entry.add_to_hass(hass)
    for content in (None, b"Dear diary"):
        if content:
            certificate.write_bytes(content)
        assert not await hass.config_entries.async_reload(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_ERROR
        assert entry.error_reason_translation_key == "certificate"
    async with port_taken(unused_tcp_port):
        pass


# --- A port that is taken --------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try a port that is taken again soon."""
    monkeypatch.setattr(listener, "_RETRY", 0.02)


async def test_port_taken_at_start(
    system: System, impatient: None, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """Home Assistant's endpoint goes on; the port is opened when it is free."""
    hass = system.hass
    client = await hass_client_no_auth()
    subentry_id = next(iter(system.entry.subentries))
    change(system, subentry_id, password=PASSWORD)
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    async with port_taken(system.port):
        await system.set_up()
        assert system.entry.state is ConfigEntryState.LOADED
        assert issues(hass) == {"port"}
        [issue] = ir.async_get(hass).issues.values()
        assert issue.translation_placeholders is not None
        assert issue.translation_placeholders["port"] == str(system.port)
        socket = await client.ws_connect(
            "/api/ocpp_central/GARAGE",
            protocols=["ocpp1.6"],
            headers={"Authorization": encode_basic_auth("GARAGE", PASSWORD)},
        )
        await socket.send_str('[2,"1","Heartbeat",{}]')
        assert "currentTime" in await socket.receive_str()
        await asyncio.sleep(0.1)
    await until(hass, lambda: not issues(hass))
    assert not socket.closed
    charger = await system.dial(
        headers={"Authorization": encode_basic_auth("GARAGE", PASSWORD)}
    )
    await charger.alive()
    await socket.close()


async def test_port_taken_for_good(system: System, impatient: None) -> None:
    """The repair goes with the central system, and nothing goes on trying."""
    hass = system.hass
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    async with port_taken(system.port):
        await system.set_up()
        assert issues(hass) == {"port"}
        assert await hass.config_entries.async_set_disabled_by(
            system.entry.entry_id, ConfigEntryDisabler.USER
        )
        await hass.async_block_till_done()
        assert issues(hass) == set()
    await asyncio.sleep(0.1)
    with pytest.raises(ClientError):
        await system.dial()


async def test_port_free_too_late(
    system: System, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that becomes free while the system stops is not opened any more."""
    hass = system.hass
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    async with port_taken(system.port):
        await system.set_up()
    ledger = system.entry.runtime_data.ledger
    close = ledger.close

    async def close_slowly() -> None:
        await asyncio.sleep(0.1)
        await close()

    monkeypatch.setattr(ledger, "close", close_slowly)
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    async with port_taken(system.port):
        pass


# --- Removal ---------------------------------------------------------------------------


async def test_remove_a_charge_point(system: System) -> None:
    """Its socket closes, its devices and entities go, the others stay connected."""
    hass = system.hass
    removed = add(system, "GARAGE_1", password=PASSWORD)
    await hass.async_block_till_done()
    header = {"Authorization": encode_basic_auth("GARAGE_1", PASSWORD)}
    charger = await system.dial("GARAGE_1", headers=header)
    raw = await system.dial()
    for socket in (raw, charger):
        await socket.call("StatusNotification", status("Available"))
    await hass.async_block_till_done()
    assert system.find("sensor", "status", identity="GARAGE_1")
    with pytest.raises(WSServerHandshakeError):
        await system.dial("GARAGE_1")
    assert issues(hass) == {"wrong_password"}

    assert hass.config_entries.async_remove_subentry(system.entry, removed)
    # It says something new while it is being removed.
    await charger.send([2, "1", "StatusNotification", status("Available", 2)])
    await charger.closed.wait()
    await hass.async_block_till_done()
    assert charger.close_code == 1001
    assert not [
        entity
        for entity in er.async_get(hass).entities.values()
        if entity.unique_id.startswith("garage_1_0_")
    ]
    assert [
        device.name
        for device in dr.async_entries_for_config_entry(
            dr.async_get(hass), system.entry.entry_id
        )
    ] == ["Garage"]
    assert issues(hass) == set()
    await raw.alive()
    assert system.value("sensor", "status") == "available"


async def test_remove_one_of_similar_name(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    """What begins like the one that is removed is not taken for it."""
    hass = system.hass
    [garage] = system.entry.subentries
    add(system, "GARAGE_1")
    await hass.async_block_till_done()
    charger = await system.dial("GARAGE_1")
    await charger.call("StatusNotification", status("Available"))
    await hass.async_block_till_done()
    hass.config_entries.async_remove_subentry(system.entry, garage)
    await hass.async_block_till_done()
    await charger.call("StatusNotification", status("Available", 2))
    await hass.async_block_till_done()
    assert system.value("sensor", "status", 2, identity="GARAGE_1") == "available"
    assert "does not generate unique IDs" not in caplog.text


async def test_add_and_remove_at_once(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    """A charge point that hardly existed leaves nothing, and holds up no other."""
    hass = system.hass
    charge_points = system.entry.runtime_data.central.charge_points
    hass.config_entries.async_remove_subentry(system.entry, add(system, "SHORT"))
    for identity in ("LONG", "LONGER"):
        add(system, identity)
    shorter = add(system, "SHORTER")
    # Before its turn comes.
    while "long" not in charge_points:
        await asyncio.sleep(0)
    hass.config_entries.async_remove_subentry(system.entry, shorter)
    await hass.async_block_till_done()
    assert system.value("binary_sensor", "connected", 0, identity="LONG") == "off"
    for identity in ("SHORT", "SHORTER"):
        assert system.find("binary_sensor", "connected", 0, identity=identity) is None
    assert set(charge_points) == {"garage", "long", "longer"}
    assert "Traceback" not in caplog.text


async def test_same_identity_again(system: System) -> None:
    """A charge point that is removed and added again starts anew."""
    hass = system.hass
    raw = await system.dial()
    await raw.boot()
    await raw.call("StatusNotification", status("Available"))
    await system.set("number", "current_limit", 11)
    [subentry_id] = system.entry.subentries
    hass.config_entries.async_remove_subentry(system.entry, subentry_id)
    await hass.async_block_till_done()
    add(system, "GARAGE", "Garage")
    await hass.async_block_till_done()
    raw = await system.dial()
    await raw.boot()
    await raw.call("StatusNotification", status("Available"))
    await hass.async_block_till_done()
    assert system.value("number", "current_limit") == "32"


async def test_remove_everything(system: System, hass_storage: dict[str, Any]) -> None:
    """The file and the repairs go with the entry; what was charged stays."""
    hass = system.hass
    raw = await system.dial()
    await raw.boot()
    await raw.start()
    async with ClientSession() as session:
        socket = await session.ws_connect(
            f"{system.url}/STRANGER", protocols=("ocpp1.5",)
        )
        assert (await socket.receive()).data == 1002
    assert issues(hass) == {"subprotocol"}
    await hass.config_entries.async_remove(system.entry.entry_id)
    await raw.closed.wait()
    await hass.async_block_till_done()
    assert not [key for key in hass_storage if key.startswith(DOMAIN)]
    assert issues(hass) == set()
    assert not er.async_get(hass).entities
    assert Path(hass.config.path(LEDGER_FILE)).stat().st_size > 0


async def test_remove_what_never_ran(hass: HomeAssistant) -> None:
    """An entry that was never set up can be removed."""
    entry = config_entry(9000)
    entry.add_to_hass(hass)
    await hass.config_entries.async_remove(entry.entry_id)
    assert not hass.config_entries.async_entries(DOMAIN)


async def test_remove_a_device(
    system: System, hass_ws_client: WebSocketGenerator
) -> None:
    """A connector that has gone can be removed, one in use and the charger cannot."""
    hass = system.hass
    assert await async_setup_component(hass, "config", {})
    raw = await system.dial()
    for connector in (1, 2):
        await raw.call("StatusNotification", status("Available", connector))
    await hass.async_block_till_done()
    registry = dr.async_get(hass)
    leftover = registry.async_get_or_create(
        config_entry_id=system.entry.entry_id, identifiers={(DOMAIN, "gone_0")}
    )
    client = await hass_ws_client(hass)

    async def remove(device_id: str) -> bool:
        await client.send_json_auto_id(
            {
                "type": "config/device_registry/remove_config_entry",
                "config_entry_id": system.entry.entry_id,
                "device_id": device_id,
            }
        )
        response = await client.receive_json()
        return bool(response["success"])

    assert not await remove(system.device())
    assert not await remove(system.device(2))
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    assert not await remove(leftover.id)
    await system.set_up()
    assert await remove(leftover.id)
    assert registry.async_get(leftover.id) is None


# --- Changes while it runs -------------------------------------------------------------


async def test_changes_without_closing_a_socket(system: System) -> None:
    """Charge points are added, changed and removed beside a charger that stays."""
    hass = system.hass
    raw = await system.dial()
    await raw.call("StatusNotification", status("Available"))
    [garage] = system.entry.subentries
    change(system, garage, name="Barn", installation_current=10)
    other = add(system, "OTHER")
    await hass.async_block_till_done()
    assert system.state("number", "current_limit").attributes["max"] == 10
    hass.config_entries.async_remove_subentry(system.entry, other)
    hass.config_entries.async_update_entry(
        system.entry, title="Chargers", options={"remote_tag": "X"}
    )
    await hass.async_block_till_done()
    await raw.alive()
    assert raw.actions.count("TriggerMessage") <= 1
    assert not raw.closed.is_set()


async def test_changes_in_quick_succession(system: System) -> None:
    """However fast it goes, what is there in the end is what is configured."""
    hass = system.hass
    added = [add(system, f"CP{number}") for number in range(10)]
    for subentry_id in added[::2]:
        hass.config_entries.async_remove_subentry(system.entry, subentry_id)
    for subentry_id in added[1::2]:
        change(system, subentry_id, name=f"New {subentry_id}")
    await hass.async_block_till_done()
    devices = dr.async_entries_for_config_entry(
        dr.async_get(hass), system.entry.entry_id
    )
    assert {device.name for device in devices} == {
        "Garage",
        *(f"New {subentry_id}" for subentry_id in added[1::2]),
    }


async def test_new_password(system: System) -> None:
    """A password counts from the next connection on."""
    hass = system.hass
    raw = await system.dial()
    [garage] = system.entry.subentries
    change(system, garage, password=PASSWORD)
    await hass.async_block_till_done()
    await raw.alive()
    for headers in ({}, {"Authorization": encode_basic_auth("GARAGE", "wrong")}):
        with pytest.raises(WSServerHandshakeError) as refused:
            await system.dial(headers=headers)
        assert refused.value.status == HTTPStatus.UNAUTHORIZED
    assert issues(hass) == {"wrong_password"}
    await raw.alive()
    await system.dial(headers={"Authorization": encode_basic_auth("GARAGE", PASSWORD)})
    await raw.closed.wait()
    assert issues(hass) == set()


# --- Home Assistant's port -------------------------------------------------------------

type Dial = Callable[..., Any]


@pytest.fixture
async def client(
    system: System, hass_client_no_auth: ClientSessionGenerator
) -> TestClient[Any, Any]:
    """Return somebody who knows Home Assistant's address."""
    return await hass_client_no_auth()


@pytest.fixture
def secured(system: System) -> None:
    """Give the charge point a password."""
    change(system, next(iter(system.entry.subentries)), password=PASSWORD)


async def dial(
    client: TestClient[Any, Any],
    path: str = "/GARAGE",
    password: str | None = PASSWORD,
    **headers: str,
) -> ClientWebSocketResponse:
    """Dial in through Home Assistant's port."""
    if password:
        headers["Authorization"] = encode_basic_auth("GARAGE", password)
    return await client.ws_connect(
        f"/api/ocpp_central{path}", protocols=("ocpp1.6",), headers=headers
    )


async def refused(client: TestClient[Any, Any], *args: Any, **kwargs: Any) -> int:
    """Dial in and return the status one is refused with."""
    with pytest.raises(WSServerHandshakeError) as error:
        await dial(client, *args, **kwargs)
    return error.value.status


async def test_home_assistants_port(
    system: System, client: TestClient[Any, Any], secured: None
) -> None:
    """A charge point with a password is served, whatever stands before its identity."""
    for path in ("/GARAGE", "/garage", "//GARAGE", "/GARAGE/", "/some/path/GARAGE"):
        socket = await dial(client, path)
        assert socket.protocol == "ocpp1.6"
        charger = Charger(socket)
        assert (await charger.boot())["status"] == "Accepted"
        await until(
            system.hass,
            lambda: system.value("binary_sensor", "connected", 0) == "on",
        )
        await charger.close()
        await until(
            system.hass,
            lambda: system.value("binary_sensor", "connected", 0) == "off",
        )


async def test_home_assistants_port_without_a_charger(
    client: TestClient[Any, Any], secured: None
) -> None:
    """A browser is told that this is none of its business."""
    headers = {"Authorization": encode_basic_auth("GARAGE", PASSWORD)}
    response = await client.get("/api/ocpp_central/GARAGE", headers=headers)
    assert response.status == HTTPStatus.UPGRADE_REQUIRED
    for path in ("", "/", "//"):
        response = await client.get(f"/api/ocpp_central{path}")
        assert response.status == HTTPStatus.NOT_FOUND, path


async def test_home_assistants_port_needs_a_password(
    system: System, client: TestClient[Any, Any]
) -> None:
    """Without a password here there is no way in, and the user hears why."""
    hass = system.hass
    for password in (None, "", PASSWORD):
        assert await refused(client, password=password) == HTTPStatus.UNAUTHORIZED
    assert issues(hass) == {"password_missing"}
    raw = await system.dial()
    await raw.alive()
    assert issues(hass) == set()


async def test_wrong_password_is_no_break_in(
    system: System, client: TestClient[Any, Any], secured: None
) -> None:
    """A charger with an old password is refused, not banned with the whole house."""
    hass = system.hass
    for password in (None, "wrong", PASSWORD[:-1], f"{PASSWORD}x"):
        assert await refused(client, password=password) == HTTPStatus.UNAUTHORIZED
    await hass.async_block_till_done()
    assert issues(hass) == {"wrong_password"}
    assert not persistent_notification._async_get_or_create_notifications(hass)  # noqa: SLF001
    await dial(client)
    assert issues(hass) == set()


async def test_strangers_from_nearby(
    system: System, client: TestClient[Any, Any]
) -> None:
    """A stranger in the house is offered."""
    socket = await dial(client, "/STRANGER", None)
    charger = Charger(socket)
    assert (await charger.boot())["status"] == "Pending"
    await system.hass.async_block_till_done()
    assert len(system.hass.config_entries.flow.async_progress()) == 1
    await charger.close()


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("192.168.1.7", HTTPStatus.SWITCHING_PROTOCOLS),
        ("fd00::7", HTTPStatus.SWITCHING_PROTOCOLS),
        ("fe80::7%eth0", HTTPStatus.SWITCHING_PROTOCOLS),
        ("::ffff:10.0.0.7", HTTPStatus.SWITCHING_PROTOCOLS),
        ("203.0.113.7", HTTPStatus.FORBIDDEN),
        ("2606:4700::7", HTTPStatus.FORBIDDEN),
        ("::ffff:8.8.8.8", HTTPStatus.FORBIDDEN),
        (None, HTTPStatus.FORBIDDEN),
    ],
)
async def test_strangers_from_far_away(
    client: TestClient[Any, Any], remote: str | None, expected: HTTPStatus
) -> None:
    """Who is not in a private network is nobody to offer."""
    with patch("aiohttp.web_request.BaseRequest.remote", remote):
        if expected is HTTPStatus.SWITCHING_PROTOCOLS:
            socket = await dial(client, "/STRANGER", None)
            await socket.close()
        else:
            assert await refused(client, "/STRANGER", None) == expected


async def test_known_from_far_away(client: TestClient[Any, Any], secured: None) -> None:
    """A charge point with its password comes in from anywhere."""
    with patch("aiohttp.web_request.BaseRequest.remote", "203.0.113.7"):
        socket = await dial(client)
        await socket.close()


async def test_strangers_over_the_cloud(client: TestClient[Any, Any]) -> None:
    """What comes over a cloud connection comes from this machine, but is a stranger."""
    with patch(
        "custom_components.ocpp_central.view.is_cloud_connection", return_value=True
    ):
        status = await refused(client, "/STRANGER", None)
        assert status == HTTPStatus.FORBIDDEN


async def test_home_assistants_port_switched_off(
    system: System, client: TestClient[Any, Any], secured: None
) -> None:
    """Switched off or unloaded, the endpoint is there but serves nobody."""
    hass = system.hass
    unavailable = HTTPStatus.SERVICE_UNAVAILABLE
    hass.config_entries.async_update_entry(
        system.entry, data={**system.entry.data, "serve_on_home_assistant": False}
    )
    await hass.async_block_till_done()
    assert await refused(client) == unavailable
    hass.config_entries.async_update_entry(
        system.entry, data={**system.entry.data, "serve_on_home_assistant": True}
    )
    await hass.async_block_till_done()
    socket = await dial(client)
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    assert (await socket.receive()).data == 1001
    assert await refused(client) == unavailable
    await system.set_up()
    await dial(client)
    hass.set_state(CoreState.stopping)
    assert await refused(client) == unavailable
    hass.set_state(CoreState.running)


async def test_connection_not_allowed(
    system: System, client: TestClient[Any, Any], secured: None
) -> None:
    """A charge point that the user has locked out stays out on both ports."""
    await system.set("switch", "enabled", False, connector=0)
    assert await refused(client) == HTTPStatus.SERVICE_UNAVAILABLE
    with pytest.raises(WSServerHandshakeError):
        await system.dial()
    await system.set("switch", "enabled", True, connector=0)
    await dial(client)
