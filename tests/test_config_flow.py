"""What a person goes through: to set up the central system and to change it."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
import errno
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
import ssl
from typing import Any

from aiohttp import ClientError, ClientSession
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from homeassistant.components.http import ApiConfig
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
    FlowType,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData, UnknownFlow
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ocpp_central import endpoints
from custom_components.ocpp_central.const import DOMAIN
from custom_components.ocpp_central.hub import LEDGER_FILE

from .common import System, config_entry, port_taken, proposals

type Input = dict[str, Any]


@pytest.fixture
async def port(
    hass: HomeAssistant,
    socket_enabled: None,
    fast: None,
    unused_tcp_port_factory: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> int:
    """Return a free port, in a Home Assistant that may open it."""
    # Others may be testing at the same time.
    port = unused_tcp_port_factory()
    monkeypatch.setattr(endpoints, "DEFAULT_PORT", port)
    assert await async_setup_component(hass, "http", {})
    assert hass.config.api
    hass.config.api.local_ip = "192.168.1.5"
    return port


def user_input(port: int, tls: Mapping[str, Any] | None = None, **more: Any) -> Input:
    """Return the form of the central system as a person leaves it."""
    return {
        "name": "Chargers",
        "listen": True,
        "port": port,
        "serve_on_home_assistant": True,
        "tls": dict(tls or {}),
        **more,
    }


async def start(hass: HomeAssistant) -> Any:
    """Begin to add the integration."""
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )


async def go_on(hass: HomeAssistant, flow: Mapping[str, Any], data: Any = None) -> Any:
    """Submit a page of a config flow."""
    return await hass.config_entries.flow.async_configure(flow["flow_id"], data)


async def set_up(hass: HomeAssistant, data: Input) -> tuple[ConfigEntry, Any]:
    """Go through the whole set-up."""
    result = await go_on(hass, await go_on(hass, await start(hass), data), {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    return result["result"], result


# --- The central system ----------------------------------------------------------------


async def test_set_up_as_the_browser_does(
    hass: HomeAssistant, port: int, hass_client: ClientSessionGenerator
) -> None:
    """Two pages, then the central system runs, and the first charger is waited for."""
    assert await async_setup_component(hass, "config", {})
    # The test client takes no more views once it runs.
    assert await async_setup_component(hass, DOMAIN, {})
    client = await hass_client()
    url = "/api/config/config_entries/flow"

    response = await client.post(url, json={"handler": DOMAIN})
    page = await response.json()
    assert page["step_id"] == "user"
    assert page["last_step"] is False
    assert [field["name"] for field in page["data_schema"]] == [
        "name",
        "listen",
        "port",
        "serve_on_home_assistant",
        "tls",
    ]
    assert page["data_schema"][-1]["expanded"] is False

    response = await client.post(f"{url}/{page['flow_id']}", json=user_input(port))
    page = await response.json()
    assert page["step_id"] == "connect"
    assert page["description_placeholders"]["addresses"] == (
        f"- `ws://192.168.1.5:{port}/IDENTITY`\n"
        "- `ws://192.168.1.5:8123/api/ocpp_central/IDENTITY`"
    )
    [qr_code] = page["data_schema"]
    assert qr_code["selector"]["qr_code"]["data"] == f"ws://192.168.1.5:{port}/"

    response = await client.post(f"{url}/{page['flow_id']}", json={})
    result = await response.json()
    assert result["type"] == "create_entry"
    assert result["title"] == "Chargers"
    [entry] = hass.config_entries.async_entries(DOMAIN)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.unique_id == DOMAIN
    assert entry.data == {
        "listen": True,
        "port": port,
        "serve_on_home_assistant": True,
    }
    assert entry.options == {}

    flow_type, flow_id = result["next_flow"]
    assert flow_type == FlowType.CONFIG_SUBENTRIES_FLOW
    response = await client.get(f"/api/config/config_entries/subentries/flow/{flow_id}")
    page = await response.json()
    assert page["type"] == "progress"
    assert page["step_id"] == "wait"
    assert page["description_placeholders"] == {
        "address": f"`ws://192.168.1.5:{port}/IDENTITY`"
    }
    response = await client.delete(
        f"/api/config/config_entries/subentries/flow/{flow_id}"
    )
    assert response.status == HTTPStatus.OK


async def test_proposed_port(hass: HomeAssistant, port: int) -> None:
    """The proposed port is the first from the usual one on that is free."""
    assert proposals(await start(hass))["port"] == port
    async with port_taken(port):
        proposed = proposals(await start(hass))["port"]
    assert proposed > port


async def test_port_in_use(hass: HomeAssistant, port: int) -> None:
    """A port that another program has is refused, and can be had once it is free."""
    page = await start(hass)
    async with port_taken(port):
        page = await go_on(hass, page, user_input(port))
    assert page["step_id"] == "user"
    assert page["errors"] == {"port": "address_in_use"}
    assert proposals(page)["name"] == "Chargers"
    page = await go_on(hass, page, user_input(port))
    assert page["step_id"] == "connect"


async def test_port_without_permission(
    hass: HomeAssistant, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port for which one has to be root is refused with the reason."""

    async def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    page = await start(hass)
    with monkeypatch.context() as patch:
        patch.setattr(hass.loop, "create_server", refuse)
        page = await go_on(hass, page, user_input(443))
    assert page["errors"] == {"port": "port_not_permitted"}
    page = await go_on(hass, page, user_input(port))
    assert page["step_id"] == "connect"


async def test_port_that_is_none(hass: HomeAssistant, port: int) -> None:
    """What is no port is refused by the form itself."""
    with pytest.raises(InvalidData):
        await go_on(hass, await start(hass), user_input(65536))


async def test_no_endpoint(hass: HomeAssistant, port: int) -> None:
    """Chargers need one endpoint at least, and one is enough."""
    data = user_input(port, listen=False, serve_on_home_assistant=False)
    page = await go_on(hass, await start(hass), data)
    assert page["errors"] == {"base": "no_endpoint"}
    page = await go_on(hass, page, data | {"serve_on_home_assistant": True})
    assert page["description_placeholders"]["addresses"] == (
        "- `ws://192.168.1.5:8123/api/ocpp_central/IDENTITY`"
    )
    result = await go_on(hass, page, {})
    assert result["result"].data["listen"] is False
    # The port stays free for others.
    async with port_taken(port):
        pass


async def test_own_port_only(hass: HomeAssistant, port: int) -> None:
    """Home Assistant's port can be left out."""
    page = await start(hass)
    page = await go_on(hass, page, user_input(port, serve_on_home_assistant=False))
    assert page["description_placeholders"]["addresses"] == (
        f"- `ws://192.168.1.5:{port}/IDENTITY`"
    )


async def test_only_one(hass: HomeAssistant, port: int) -> None:
    """There is one central system, whichever way a second one is begun."""
    other = await start(hass)
    await set_up(hass, user_input(port))
    with pytest.raises(UnknownFlow):
        await go_on(hass, other, user_input(port))
    result = await start(hass)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_beside_an_ignored_charger(hass: HomeAssistant, port: int) -> None:
    """Ignored chargers are entries as well, but no central system."""
    MockConfigEntry(
        domain=DOMAIN, source=SOURCE_IGNORE, unique_id="charge_point:garage"
    ).add_to_hass(hass)
    entry, _ = await set_up(hass, user_input(port))
    assert entry.state is ConfigEntryState.LOADED


async def test_set_up_that_fails(hass: HomeAssistant, port: int) -> None:
    """Nobody is sent to wait for a charger where none can connect."""
    Path(hass.config.path(LEDGER_FILE)).mkdir()
    entry, result = await set_up(hass, user_input(port))
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert "next_flow" not in result


# --- Encryption ------------------------------------------------------------------------


class Files:
    """Certificates and keys, in files."""

    def __init__(self, folder: Path) -> None:
        """Make them."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(True, None), critical=True)
            .sign(key, hashes.SHA256())
        ).public_bytes(serialization.Encoding.PEM)
        plain = serialization.NoEncryption()
        secret = serialization.BestAvailableEncryption(b"secret")
        other = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._write(folder / "certificate.pem", certificate)
        self.key = self._write(folder / "key.pem", self._pem(key, plain))
        self.both = self._write(
            folder / "both.pem", certificate + self._pem(key, plain)
        )
        self.encrypted_key = self._write(
            folder / "encrypted.pem", self._pem(key, secret)
        )
        self.other_key = self._write(folder / "other.pem", self._pem(other, plain))
        self.nonsense = self._write(folder / "nonsense.pem", b"Dear diary")
        self.missing = str(folder / "missing.pem")
        self.folder = str(folder)

    @staticmethod
    def _pem(
        key: ec.EllipticCurvePrivateKey,
        encryption: serialization.KeySerializationEncryption,
    ) -> bytes:
        return key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )

    @staticmethod
    def _write(path: Path, content: bytes) -> str:
        path.write_bytes(content)
        return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Return certificates and keys."""
    return Files(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize(
    ("tls", "error", "about"),
    [
        ({"private_key": "key"}, "certificate_missing", None),
        ({"client_ca": "certificate"}, "certificate_missing", None),
        ({"certificate": "missing"}, "file_unreadable", "missing"),
        ({"certificate": "folder"}, "file_unreadable", "folder"),
        ({"certificate": "nonsense"}, "certificate_invalid", "nonsense"),
        ({"certificate": "certificate"}, "certificate_invalid", "certificate"),
        (
            {"certificate": "certificate", "private_key": "missing"},
            "file_unreadable",
            "missing",
        ),
        (
            {"certificate": "certificate", "private_key": "other_key"},
            "key_mismatch",
            "other_key",
        ),
        (
            {"certificate": "certificate", "private_key": "encrypted_key"},
            "certificate_invalid",
            "certificate",
        ),
        (
            {"certificate": "both", "client_ca": "missing"},
            "file_unreadable",
            "missing",
        ),
        (
            {"certificate": "both", "client_ca": "nonsense"},
            "client_ca_invalid",
            "nonsense",
        ),
        ({"certificate": "both", "client_ca_key": "key"}, "client_ca_missing", None),
        ({"client_ca_key": "key"}, "certificate_missing", None),
        (
            {"certificate": "both", "client_ca": "both", "client_ca_key": "missing"},
            "file_unreadable",
            "missing",
        ),
        (
            {"certificate": "both", "client_ca": "both", "client_ca_key": "nonsense"},
            "client_ca_key_invalid",
            "nonsense",
        ),
        (
            {"certificate": "both", "client_ca": "both", "client_ca_key": "other_key"},
            "client_ca_key_invalid",
            "other_key",
        ),
        (
            {
                "certificate": "both",
                "client_ca": "both",
                "client_ca_key": "encrypted_key",
            },
            "client_ca_key_invalid",
            "encrypted_key",
        ),
    ],
)
async def test_certificate_that_cannot_be_used(
    hass: HomeAssistant,
    port: int,
    files: Files,
    tls: dict[str, str],
    error: str,
    about: str | None,
) -> None:
    """Each way to get it wrong is named, with the file, and can be put right."""
    typed = {key: getattr(files, name) for key, name in tls.items()}
    page = await go_on(hass, await start(hass), user_input(port, typed))
    assert page["errors"] == {"tls": error}
    assert page["description_placeholders"]["file"] == (
        getattr(files, about) if about else ""
    )
    # What is wrong is not folded away.
    assert page["data_schema"].schema["tls"].options["collapsed"] is False
    assert proposals(page).items() >= typed.items()

    page = await go_on(hass, page, user_input(port, {"certificate": f" {files.both} "}))
    assert page["step_id"] == "connect"
    assert page["description_placeholders"]["addresses"].startswith("- `wss://")


async def test_encrypted(hass: HomeAssistant, port: int, files: Files) -> None:
    """Chargers connect encrypted, those with a certificate of the right authority."""
    tls = {
        "certificate": files.certificate,
        "private_key": files.key,
        "client_ca": files.certificate,
    }
    entry, _ = await set_up(hass, user_input(port, tls))
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data.items() >= tls.items()

    # In debug mode asyncio makes an exception of each handshake that fails.
    hass.loop.set_debug(False)
    context = ssl.create_default_context(cafile=files.certificate)
    url = f"https://127.0.0.1:{port}/GARAGE"
    async with ClientSession() as session:
        with pytest.raises(ClientError):
            await session.ws_connect(url, ssl=context)
    context.load_cert_chain(files.both)
    async with (
        ClientSession() as session,
        session.ws_connect(url, ssl=context, protocols=["ocpp1.6"]) as socket,
    ):
        await socket.send_str('[2,"1","Heartbeat",{}]')
        assert "currentTime" in await socket.receive_str()


async def test_files_in_the_configuration_folder(
    hass: HomeAssistant, port: int, files: Files
) -> None:
    """A relative path begins at the configuration folder."""
    folder = Path(hass.config.path("ssl"))
    folder.mkdir()
    (folder / "both.pem").write_bytes(Path(files.both).read_bytes())
    entry, _ = await set_up(
        hass, user_input(port, {"certificate": "ssl/both.pem", "private_key": ""})
    )
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data["certificate"] == str(folder / "both.pem")
    assert "private_key" not in entry.data


async def test_two_certificates(hass: HomeAssistant, port: int, files: Files) -> None:
    """Of two certificates, each path begins at the configuration folder."""
    Path(hass.config.path("one.pem")).write_bytes(Path(files.both).read_bytes())
    tls = {
        "certificate": f"one.pem, {files.certificate}",
        "private_key": f"one.pem,{files.key}",
    }
    entry, _ = await set_up(hass, user_input(port, tls))
    assert entry.state is ConfigEntryState.LOADED
    one = hass.config.path("one.pem")
    assert entry.data["certificate"] == f"{one},{files.certificate}"
    assert entry.data["private_key"] == f"{one},{files.key}"


# --- Addresses -------------------------------------------------------------------------

OWN = {"listen": True, "port": 9000, "serve_on_home_assistant": False}
HOME_ASSISTANT = {"listen": False, "port": 9000, "serve_on_home_assistant": True}


@pytest.mark.parametrize(
    ("internal", "external", "use_ssl", "own", "own_tls", "home_assistant"),
    [
        pytest.param(
            None,
            None,
            False,
            "ws://192.168.1.5:9000/",
            "wss://192.168.1.5:9000/",
            "ws://192.168.1.5:8123/api/ocpp_central/",
            id="nothing configured",
        ),
        pytest.param(
            "http://nas.lan:8123",
            "https://home.example.org",
            False,
            "ws://nas.lan:9000/",
            "wss://nas.lan:9000/",
            "ws://nas.lan:8123/api/ocpp_central/",
            id="inside and outside",
        ),
        pytest.param(
            "http://homeassistant.local:8123",
            None,
            False,
            "ws://192.168.1.5:9000/",
            "wss://192.168.1.5:9000/",
            "ws://192.168.1.5:8123/api/ocpp_central/",
            id="a name that chargers do not find",
        ),
        pytest.param(
            "http://[fd00::5]:8123",
            None,
            False,
            "ws://[fd00::5]:9000/",
            "wss://[fd00::5]:9000/",
            "ws://[fd00::5]:8123/api/ocpp_central/",
            id="IPv6",
        ),
        pytest.param(
            None,
            "https://home.example.org",
            True,
            "ws://192.168.1.5:9000/",
            "wss://home.example.org:9000/",
            "wss://home.example.org/api/ocpp_central/",
            id="a certificate for the name outside",
        ),
        pytest.param(
            None,
            None,
            True,
            "ws://192.168.1.5:9000/",
            "wss://192.168.1.5:9000/",
            "wss://192.168.1.5:8123/api/ocpp_central/",
            id="a certificate, and no name",
        ),
    ],
)
async def test_addresses(
    hass: HomeAssistant,
    internal: str | None,
    external: str | None,
    use_ssl: bool,
    own: str,
    own_tls: str,
    home_assistant: str,
) -> None:
    """Addresses that a charger in the house can use."""
    hass.config.api = ApiConfig("192.168.1.5", "192.168.1.5", 8123, use_ssl)
    await hass.config.async_update(internal_url=internal, external_url=external)
    assert endpoints.addresses(hass, OWN) == [own]
    assert endpoints.addresses(hass, OWN | {"certificate": "x"}) == [own_tls]
    assert endpoints.addresses(hass, HOME_ASSISTANT) == [home_assistant]


# --- Change it -------------------------------------------------------------------------


async def reconfigure(system: System) -> Any:
    """Begin to change the central system."""
    return await system.hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_RECONFIGURE, "entry_id": system.entry.entry_id},
    )


async def test_rename(system: System) -> None:
    """A name is worth no socket; the own port is not in one's own way."""
    hass = system.hass
    raw = await system.dial()
    page = await reconfigure(system)
    assert page["step_id"] == "reconfigure"
    values = proposals(page)
    assert values["name"] == "Central system"
    assert values["port"] == system.port
    result = await go_on(hass, page, user_input(system.port))
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert system.entry.title == "Chargers"
    await raw.alive()


async def test_move_to_another_port(
    system: System, unused_tcp_port_factory: Callable[[], int]
) -> None:
    """The system moves to the new port and hangs up on the old one."""
    hass = system.hass
    raw = await system.dial()
    page = await reconfigure(system)
    other = unused_tcp_port_factory()
    async with port_taken(other):
        page = await go_on(hass, page, user_input(other))
    assert page["step_id"] == "reconfigure"
    assert page["errors"] == {"port": "address_in_use"}
    await raw.alive()

    result = await go_on(hass, page, user_input(other))
    assert result["reason"] == "reconfigure_successful"
    await asyncio.wait_for(raw.closed.wait(), 5)
    await hass.async_block_till_done()
    assert system.entry.state is ConfigEntryState.LOADED
    with pytest.raises(ClientError):
        await system.dial()
    system.port = other
    raw = await system.dial()
    await raw.alive()


async def test_encrypt_later(system: System, files: Files) -> None:
    """A certificate can be given later, and taken away."""
    hass = system.hass
    hass.loop.set_debug(False)
    page = await reconfigure(system)
    assert page["data_schema"].schema["tls"].options["collapsed"] is True
    tls = {"certificate": files.certificate, "private_key": files.other_key}
    page = await go_on(hass, page, user_input(system.port, tls))
    assert page["errors"] == {"tls": "key_mismatch"}
    tls["private_key"] = files.key
    await go_on(hass, page, user_input(system.port, tls))
    await hass.async_block_till_done()
    context = ssl.create_default_context(cafile=files.certificate)
    async with ClientSession() as session:
        await session.ws_connect(f"https://127.0.0.1:{system.port}/GARAGE", ssl=context)
    with pytest.raises(ClientError):
        await system.dial()

    page = await reconfigure(system)
    assert proposals(page).items() >= tls.items()
    assert page["data_schema"].schema["tls"].options["collapsed"] is False
    await go_on(hass, page, user_input(system.port))
    await hass.async_block_till_done()
    assert "certificate" not in system.entry.data
    raw = await system.dial()
    await raw.alive()


async def test_put_right_what_failed(
    hass: HomeAssistant, port: int, files: Files
) -> None:
    """A central system that could not start for its settings starts with new ones."""
    entry = config_entry(port, certificate=files.missing)
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    page = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
    )
    assert proposals(page)["certificate"] == files.missing
    result = await go_on(hass, page, user_input(port))
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED


async def test_listen_again(system: System) -> None:
    """A port that was given up has to be free to be had again."""
    hass = system.hass
    await go_on(hass, await reconfigure(system), user_input(system.port, listen=False))
    await hass.async_block_till_done()
    async with port_taken(system.port):
        page = await go_on(hass, await reconfigure(system), user_input(system.port))
        assert page["errors"] == {"port": "address_in_use"}
    await go_on(hass, page, user_input(system.port))
    await hass.async_block_till_done()
    raw = await system.dial()
    await raw.alive()


# --- Options ---------------------------------------------------------------------------


async def test_remote_tag(system: System) -> None:
    """The tag that sessions are started with can be chosen, without a reload."""
    hass = system.hass
    raw = await system.dial()
    page = await hass.config_entries.options.async_init(system.entry.entry_id)
    assert page["step_id"] == "init"
    assert proposals(page) == {
        "remote_tag": "HOMEASSISTANT",
        "one_session_each": False,
        "tariff": "none",
    }
    for wrong in ("", "12345678901234567", "a b", "kärnten", "tag_1"):
        page = await hass.config_entries.options.async_configure(
            page["flow_id"], {"remote_tag": wrong}
        )
        assert page["errors"] == {"remote_tag": "invalid_tag"}, wrong
    result = await hass.config_entries.options.async_configure(
        page["flow_id"], {"remote_tag": "Solar1"}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    await system.act("start_transaction")
    assert (await raw.called("RemoteStartTransaction")).payload["idTag"] == "Solar1"

    page = await hass.config_entries.options.async_init(system.entry.entry_id)
    assert proposals(page)["remote_tag"] == "Solar1"


async def test_api_key(system: System) -> None:
    """A key that can be guessed is refused; one taken away is gone."""
    hass, entry = system.hass, system.entry
    tag = {"remote_tag": "Solar1", "one_session_each": False}
    page = await hass.config_entries.options.async_init(entry.entry_id)
    suggestion = page["description_placeholders"]["api_key"]
    assert len(suggestion) == 32
    for wrong in (
        "fifteen-letters",
        "x" * 129,
        "sixteen letters.",
        "schlüssel-aus-kärnten",
    ):
        page = await answer(hass, page, api_key=wrong, **tag)
        assert page["errors"] == {"api_key": "invalid_api_key"}, wrong
        assert proposals(page)["api_key"] == wrong
    page = await answer(hass, page, api_key=suggestion, remote_tag="a b")
    assert page["errors"] == {"remote_tag": "invalid_tag"}
    page = await answer(hass, page, api_key=suggestion, **tag)
    assert page["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == {"api_key": suggestion, **tag}

    page = await hass.config_entries.options.async_init(entry.entry_id)
    assert proposals(page) == {"api_key": suggestion, "tariff": "none", **tag}
    assert page["description_placeholders"]["api_key"] != suggestion
    page = await answer(hass, page, **tag)
    assert entry.options == tag


async def test_answers_to_vendor_messages(system: System) -> None:
    """A list that can be added to and emptied; an answer is for somebody."""
    hass, entry = system.hass, system.entry
    options = {"remote_tag": "Solar1", "one_session_each": False}
    answers = [
        {"vendor_id": "com.example", "message_id": "M", "status": "Accepted"},
        {"vendor_id": "evil", "status": "UnknownVendorId", "data": "no"},
    ]
    page = await hass.config_entries.options.async_init(entry.entry_id)
    for_nobody = [*answers, {"vendor_id": " ", "status": "Rejected"}]
    page = await answer(hass, page, data_transfer_answers=for_nobody, **options)
    assert page["errors"] == {"data_transfer_answers": "no_vendor"}
    page = await answer(hass, page, data_transfer_answers=answers, **options)
    assert page["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == {"data_transfer_answers": answers, **options}

    page = await hass.config_entries.options.async_init(entry.entry_id)
    assert proposals(page)["data_transfer_answers"] == answers
    await answer(hass, page, **options)
    assert entry.options == options


PRICE = "sensor.price"


async def answer(hass: HomeAssistant, page: Any, **values: Any) -> Any:
    """Fill in a page of the options."""
    page = await hass.config_entries.options.async_configure(page["flow_id"], values)
    await hass.async_block_till_done()
    return page


async def test_price_of_energy(system: System) -> None:
    """None, a fixed price, an entity's, and back; what else there is stays."""
    hass, entry = system.hass, system.entry
    tag = {"remote_tag": "Solar1", "one_session_each": False}
    prices = entry.runtime_data.prices
    raw = await system.dial()

    async def choose(tariff: str) -> Any:
        page = await hass.config_entries.options.async_init(entry.entry_id)
        return await answer(hass, page, tariff=tariff, **tag)

    page = await choose("price")
    assert page["step_id"] == "price"
    assert proposals(page) == {}
    with pytest.raises(InvalidData):
        await answer(hass, page, price=-0.1)
    page = await answer(hass, page, price=0.3125)
    assert page["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == {"price": 0.3125, **tag}
    assert prices.current.per_kwh == 0.3125

    page = await hass.config_entries.options.async_init(entry.entry_id)
    assert proposals(page) == {"tariff": "price", **tag}
    page = await answer(hass, page, tariff="price", **tag)
    assert proposals(page) == {"price": 0.3125}

    page = await choose("price_entity")
    assert page["step_id"] == "price_entity"
    with pytest.raises(InvalidData):
        await answer(hass, page, price_entity="light.kitchen")
    page = await answer(hass, page, price_entity=PRICE)
    assert page["errors"] == {"price_entity": "no_unit"}
    hass.states.async_set(PRICE, "0.5", {"unit_of_measurement": "EUR/kW"})
    page = await answer(hass, page, price_entity=PRICE)
    assert page["errors"] == {"price_entity": "unknown_unit"}
    assert page["description_placeholders"]["unit"] == "EUR/kW"
    hass.states.async_set(PRICE, "0.5", {"unit_of_measurement": "EUR/kWh"})
    page = await answer(hass, page, price_entity=PRICE)
    assert page["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == {"price_entity": PRICE, **tag}
    assert prices.current.per_kwh == 0.5

    page = await choose("none")
    assert page["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == tag
    assert prices.current is None
    assert not raw.closed.is_set()
