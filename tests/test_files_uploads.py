"""Files that chargers send to Home Assistant: who may send and get them, and what is kept."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
import os
from pathlib import Path
import re
from typing import Any, Protocol
from urllib.parse import quote

from aiohttp import ClientSession, FormData, encode_basic_auth
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import persistent_notification
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import Unauthorized
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockUser
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)
from yarl import URL

from custom_components.ocpp_central import uploads

from .common import System, charge_point
from .csms.common import Charger, Refusal

DOMAIN = "ocpp_central"
FILES = "/api/ocpp_central_files/uploads"
ENDPOINTS = ("own", "home_assistant")


@pytest.fixture
def charge_points() -> list[ConfigSubentryData]:
    """Return a charge point that may dial in on both ports."""
    return [charge_point(password="secret")]


@dataclass
class Uploader:
    """A charger, and what it was told about where to send files."""

    system: System
    raw: Charger
    session: ClientSession

    async def ask(self, **data: Any) -> tuple[str, dict[str, Any]]:
        """Return where to send a file, and what the user was answered."""
        answer = await self.system.act("get_diagnostics", response=True, **data)
        call = await self.raw.called("GetDiagnostics")
        return call.payload["location"], answer

    async def send(
        self, url: str, data: Any = b"All is well", method: str = "PUT", **more: Any
    ) -> int:
        """Send a file, and return what became of it."""
        async with self.session.request(method, url, data=data, **more) as response:
            await response.read()
            return response.status

    @property
    def folder(self) -> Path:
        """Return where the files are."""
        return uploads.upload_folder(self.system.hass, "GARAGE")

    @property
    def names(self) -> list[str]:
        """Return what is in there, the newest first, hidden or not."""
        if not self.folder.exists():
            return []
        found = sorted((path.name for path in self.folder.iterdir()), reverse=True)
        return [re.sub(r"^\d{8}-\d{6}_[0-9a-f]{8}_", "", name) for name in found]


class DialIn(Protocol):
    """Has a charger dial in."""

    async def __call__(self, endpoint: str, **headers: str) -> Uploader:
        """Use one of the ports."""


@pytest.fixture
async def dial_in(
    system: System, hass_client_no_auth: ClientSessionGenerator
) -> AsyncGenerator[DialIn]:
    """Have chargers that leave before Home Assistant's HTTP server does."""
    dialled: list[Uploader] = []

    async def dial(endpoint: str, **headers: str) -> Uploader:
        session = ClientSession()
        url = URL(f"http://127.0.0.1:{system.port}/GARAGE")
        if endpoint == "home_assistant":
            client = await hass_client_no_auth()
            url = client.make_url("/api/ocpp_central/GARAGE")
        authorization = encode_basic_auth("GARAGE", "secret")
        socket = await session.ws_connect(
            url,
            protocols=("ocpp1.6",),
            autoping=False,
            headers={"Authorization": authorization, **headers},
        )
        raw = Charger(socket)
        raw.answers["GetDiagnostics"] = {}
        dialled.append(Uploader(system, raw, session))
        return dialled[-1]

    yield dial
    for uploader in dialled:
        await uploader.raw.close()
        await uploader.session.close()


@pytest.fixture(params=ENDPOINTS)
async def uploader(request: pytest.FixtureRequest, dial_in: DialIn) -> Uploader:
    """Return a charger on each of the ports in turn."""
    return await dial_in(request.param)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no room for much."""
    monkeypatch.setattr(uploads, "MAX_SIZE", 1000)


# Sending


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("", "file"),
        ("boot.log", "boot.log"),
        ("/boot.log", "boot.log"),
        ("logs/boot.log/", "boot.log"),
        ("..%2f..%2f..%2fconfiguration.yaml", "configuration.yaml"),
        ("%2e%2e", "file"),
        ("..%5c..%5cautoexec.bat", "autoexec.bat"),
        (".htaccess", "htaccess"),
        ("a%00b%22c.log", "a_b_c.log"),
        ("%D0%9F.log", "log"),
        ("x" * 200 + ".tar.gz", "x" * 73 + ".tar.gz"),
        ("<script>.svg", "script_.svg"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_names(uploader: Uploader, method: str, path: str, name: str) -> None:
    """A file comes as it is, under a harmless name, in the folder of its charger."""
    url, answer = await uploader.ask()
    assert re.fullmatch(
        r"http://127.0.0.1:\d+(/api/ocpp_central_files)?/upload/[0-9a-f]{32}/", url
    )
    target = URL(url + quote(path, safe="/%"), encoded=True)
    status = await uploader.send(target, method=method)
    if status == 400:
        # Home Assistant lets no such path through.
        assert "ocpp_central_files" in url
        assert "%" in path or "<" in path
        assert uploader.names == []
        return
    assert status == 200
    assert uploader.names == [name]
    (path_on_disk,) = uploader.folder.iterdir()
    assert path_on_disk.read_bytes() == b"All is well"
    assert set(answer) == {"url"}


async def test_form(uploader: Uploader) -> None:
    """A form is taken apart; its other fields are nobody's."""
    url, _ = await uploader.ask()
    form = FormData()
    form.add_field("comment", "x")
    form.add_field("file", b"y" * 3_000_000, filename="../big.bin")
    form.add_field("more", b"z", filename="other.bin")
    assert await uploader.send(url, form, "POST") == 200
    (path,) = uploader.folder.iterdir()
    assert path.stat().st_size == 3_000_000
    assert uploader.names == ["big.bin"]


async def test_form_without_a_file(uploader: Uploader) -> None:
    """A form that is broken, or has only other fields, is refused."""
    url, _ = await uploader.ask()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    for body in (
        b"--b--\r\n",
        b"nonsense",
        b"--b\r\n\r\n\r\n--b--\r\n",
        b"--b\r\nContent-Disposition: form-data; name=log\r\n\r\nhello\r\n--b--\r\n",
    ):
        assert await uploader.send(url, body, "POST", headers=headers) == 400
        assert uploader.names == []


async def test_name_the_charger_gave(uploader: Uploader) -> None:
    """What it called the file in its answer is what the file is called."""
    uploader.raw.answers["GetDiagnostics"] = {"fileName": "SN1 of today.zip"}
    url, answer = await uploader.ask()
    assert answer["fileName"] == "SN1 of today.zip"
    assert await uploader.send(url + "tmp.bin") == 200
    assert uploader.names == ["SN1_of_today.zip"]


async def test_once(uploader: Uploader) -> None:
    """One file for one request."""
    url, _ = await uploader.ask()
    assert await uploader.send(url + "a.log") == 200
    assert await uploader.send(url + "b.log") == 403
    assert uploader.names == ["a.log"]


async def test_token(uploader: Uploader) -> None:
    """Without the right one, nothing is taken."""
    url, _ = await uploader.ask()
    token = url.rstrip("/").rpartition("/")[2]
    other = "0" * 32
    for wrong in (
        url.replace(token, other),
        url.replace(token, ""),
        url.replace(token, token[:-1]),
        url.replace(token, token.upper() if token.upper() != token else other),
    ):
        assert await uploader.send(wrong + "a.log") == 404
    assert uploader.names == []
    assert await uploader.send(url + "a.log") == 200


async def test_too_late(uploader: Uploader, freezer: FrozenDateTimeFactory) -> None:
    """A day is enough."""
    url, _ = await uploader.ask()
    freezer.tick(uploads.VALID + timedelta(seconds=1))
    assert await uploader.send(url + "a.log") == 403
    freezer.tick(uploads.VALID)
    await uploader.ask()
    assert await uploader.send(url + "a.log") == 404
    assert uploader.names == []


async def test_refused_by_the_charger(uploader: Uploader) -> None:
    """Who does not want to send need not try."""
    uploader.raw.answers["GetDiagnostics"] = Refusal("NotSupported")
    with pytest.raises(Exception, match="does not support"):
        await uploader.ask()
    call = await uploader.raw.called("GetDiagnostics")
    assert await uploader.send(call.payload["location"]) == 404


async def test_too_large(small: None, uploader: Uploader) -> None:
    """Refused at once where its size is told before, else as soon as it shows."""
    url, _ = await uploader.ask()

    async def pieces() -> AsyncGenerator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    assert await uploader.send(url, b"x" * 1001) == 413
    assert await uploader.send(url, pieces()) == 413
    form = FormData({"file": "x" * 1001})
    assert await uploader.send(url, form, "POST") == 413
    assert uploader.names == []
    assert await uploader.send(url, b"x" * 1000) == 200


async def test_empty(uploader: Uploader) -> None:
    """Nothing is no file; the charger may try again."""
    url, _ = await uploader.ask()
    assert await uploader.send(url, b"") == 400
    assert await uploader.send(url) == 200


async def connect(url: str, size: int) -> asyncio.StreamWriter:
    """Begin to send a file, and no more."""
    address = URL(url)
    _, writer = await asyncio.open_connection("127.0.0.1", address.port)
    writer.write(
        f"PUT {address.path}a.log HTTP/1.1\r\nHost: x\r\n"
        f"Content-Length: {size}\r\n\r\n".encode()
    )
    writer.write(b"x" * (size // 2))
    await writer.drain()
    return writer


async def written(uploader: Uploader, size: int) -> None:
    """Wait until so much is on disk."""
    while True:
        parts = list(uploader.folder.glob("*.part")) if uploader.folder.exists() else []
        if parts and parts[0].stat().st_size >= size:
            return
        await asyncio.sleep(0)


async def gone(uploader: Uploader) -> None:
    """Wait until nothing is left."""
    while uploader.names:
        await asyncio.sleep(0)


async def test_cut(uploader: Uploader) -> None:
    """What did not come whole leaves nothing behind, and may come again."""
    url, _ = await uploader.ask()
    writer = await connect(url, 2_000_000)
    await written(uploader, 500_000)
    # While it is coming, nothing else is.
    assert await uploader.send(url + "b.log") == 409
    writer.transport.abort()
    await gone(uploader)
    while (status := await uploader.send(url + "b.log")) == 409:
        await asyncio.sleep(0)
    assert status == 200
    assert uploader.names == ["b.log"]


async def test_stalled(uploader: Uploader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A charger that says no more is not waited for."""
    monkeypatch.setattr(uploads, "STALLED", 0.05)
    url, _ = await uploader.ask()
    writer = await connect(url, 2_000_000)
    await written(uploader, 500_000)
    await gone(uploader)
    writer.close()
    assert await uploader.send(url) == 200


async def test_unloaded_meanwhile(uploader: Uploader) -> None:
    """A file that is coming when the integration goes leaves nothing behind."""
    url, _ = await uploader.ask()
    writer = await connect(url, 2_000_000)
    await written(uploader, 500_000)
    entry = uploader.system.entry
    assert await uploader.system.hass.config_entries.async_unload(entry.entry_id)
    writer.close()
    await gone(uploader)


async def test_no_room(uploader: Uploader) -> None:
    """A disk that takes nothing is no secret."""
    url, _ = await uploader.ask()
    uploader.folder.parent.mkdir(parents=True)
    uploader.folder.touch()
    assert await uploader.send(url) == 507
    uploader.folder.unlink()
    assert await uploader.send(url) == 200


async def test_switched_off(system: System, dial_in: DialIn) -> None:
    """Where Home Assistant's port is off, it takes nothing."""
    uploader = await dial_in("home_assistant")
    url, _ = await uploader.ask()
    assert await system.hass.config_entries.async_unload(system.entry.entry_id)
    assert await uploader.send(url) == 503
    assert await uploader.send(url, method="POST") == 503


async def test_not_over_tls(system: System, dial_in: DialIn) -> None:
    """A charger that came over TLS is sent to our own port, which is plain."""
    uploader = await dial_in("home_assistant", **{"X-Forwarded-Proto": "https"})
    url = URL((await uploader.ask())[0])
    assert (url.scheme, url.port) == ("http", system.port)
    assert await uploader.send(url.with_host("127.0.0.1")) == 200


async def test_over_tls_where_there_is_nothing_else(
    hass: HomeAssistant, system: System, dial_in: DialIn
) -> None:
    """Better over TLS than not at all."""
    hass.config_entries.async_update_entry(
        system.entry, data={**system.entry.data, "listen": False}
    )
    await hass.async_block_till_done()
    uploader = await dial_in("home_assistant", **{"X-Forwarded-Proto": "https"})
    url = URL((await uploader.ask())[0])
    assert url.scheme == "https"
    assert url.path.startswith("/api/ocpp_central_files/upload/")
    assert await uploader.send(url.with_scheme("http")) == 200


async def test_location_as_given(uploader: Uploader) -> None:
    """Whoever has a server of their own names it."""
    location = "ftp://anna:secret@192.0.2.10/logs/"
    url, answer = await uploader.ask(location=location)
    assert url == location
    assert answer == {}


# Getting


async def received(uploader: Uploader, content: bytes = b"All is well") -> str:
    """Have a file come, and return the link that was answered."""
    url, answer = await uploader.ask()
    assert await uploader.send(url + "a.log", content) == 200
    return str(answer["url"])


async def test_link(
    uploader: Uploader,
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """It is there before the file is, works without a login, and for this file only."""
    client = await hass_client_no_auth()
    url, answer = await uploader.ask()
    assert (await client.get(answer["url"])).status == 404
    assert await uploader.send(url + "a.log") == 200
    response = await client.get(answer["url"])
    assert response.status == 200
    assert await response.read() == b"All is well"
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"] == 'attachment; filename="a.log"'
    assert response.headers["Cache-Control"] == "no-store"
    other = await received(uploader, b"Not for you")
    wrong = f"{other.partition('?')[0]}?{answer['url'].partition('?')[2]}"
    assert (await client.get(wrong)).status == 401
    freezer.tick(timedelta(days=7, seconds=1))
    assert (await client.get(answer["url"])).status == 401


async def test_notification(
    hass: HomeAssistant,
    uploader: Uploader,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """Nobody has to look whether it has come."""
    notifications: list[persistent_notification.Notification] = []

    @callback
    def notified(_: Any, changed: dict[str, Any]) -> None:
        notifications.extend(changed.values())

    persistent_notification.async_register_callback(hass, notified)
    await received(uploader)
    (notification,) = notifications
    assert notification["title"] == "A file from Garage"
    link = re.search(r'href="([^"]+)" target="_blank">a.log<', notification["message"])
    assert link
    client = await hass_client_no_auth()
    assert await (await client.get(link[1])).read() == b"All is well"


async def test_everybody_else(
    hass: HomeAssistant,
    dial_in: DialIn,
    hass_client: ClientSessionGenerator,
    hass_ws_client: WebSocketGenerator,
    hass_client_no_auth: ClientSessionGenerator,
    hass_read_only_access_token: str,
) -> None:
    """An administrator needs no link; others get nothing, whatever they sign."""
    assert await async_setup_component(hass, "auth", {})
    link = await received(await dial_in("own"))
    path = link.partition("?")[0]
    socket = await hass_ws_client(hass, hass_read_only_access_token)
    assert (await (await hass_client()).get(path)).status == 200
    client = await hass_client(hass_read_only_access_token)
    assert (await client.get(path)).status == 403
    assert (await client.get(link)).status == 403
    await socket.send_json_auto_id({"type": "auth/sign_path", "path": path})
    signed = (await socket.receive_json())["result"]["path"]
    stranger = await hass_client_no_auth()
    assert (await stranger.get(signed)).status == 403
    assert (await stranger.get(path)).status == 401


@pytest.mark.parametrize(
    "path",
    [
        "..%2f..%2f.storage/auth",
        "%2e%2e/0123abcd",
        "{folder}/..%2f..%2fsecrets.yaml",
        "{folder}/0123abcd",
        "{folder}/*",
        "{folder}/notes",
        "{folder}/",
        "nobody/0123abcd",
    ],
)
async def test_other_files(
    hass: HomeAssistant,
    system: System,
    hass_client: ClientSessionGenerator,
    dial_in: DialIn,
    path: str,
) -> None:
    """Nothing but what chargers have sent, not even for an administrator."""
    uploader = await dial_in("own")
    await received(uploader)
    (uploader.folder / "notes").touch()
    (uploader.folder / "0123abcd.part").touch()
    client = await hass_client()
    path = path.format(folder=uploader.folder.name)
    response = await client.get(URL(f"{FILES}/{path}", encoded=True))
    assert response.status in {400, 404}


async def test_list(
    uploader: Uploader,
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """All files of a charger, with links."""
    assert await uploader.system.act("get_uploaded_files", response=True) == {
        "files": []
    }
    freezer.move_to("2026-12-01T12:00:00+00:00")
    await received(uploader)
    freezer.tick(1)
    await received(uploader, b"Newer")
    answer = await uploader.system.act("get_uploaded_files", response=True)
    newest, oldest = answer["files"]
    assert newest["file"] == oldest["file"] == "a.log"
    assert newest["size"] == 5
    assert newest["received"] == "2026-12-01T12:00:01+00:00"
    assert Path(newest["path"]).read_bytes() == b"Newer"
    client = await hass_client_no_auth()
    assert await (await client.get(newest["url"])).read() == b"Newer"
    assert await (await client.get(oldest["url"])).read() == b"All is well"


async def test_old_files_go(uploader: Uploader) -> None:
    """The newest twenty stay, and what is somebody else's."""
    uploader.folder.mkdir(parents=True)
    for number in range(30):
        (uploader.folder / f"20260101-0000{number:02}_0123abcd_{number}.log").touch()
    for name in ("old.part", "notes.txt"):
        (uploader.folder / name).touch()
        os.utime(uploader.folder / name, (0, 0))
    (uploader.folder / "young.part").touch()
    await received(uploader)
    assert set(uploader.names) == {
        "a.log",
        "notes.txt",
        "young.part",
        *(f"{number}.log" for number in range(11, 30)),
    }


def test_folders() -> None:
    """No two charge points share one, and none leaves the place for them."""
    names = {
        uploads.folder_name(identity)
        for identity in ("garage 1", "garage_1", "../garage", "x" * 255, "П", "…")
    }
    assert len(names) == 6
    assert all(uploads.UPLOAD_FOLDER.fullmatch(name) for name in names)
    assert uploads.folder_name("GARAGE") == uploads.folder_name("garage")


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("get_diagnostics", {}),
        ("get_log", {}),
        ("update_firmware", {"location": "ftp://192.0.2.10/f"}),
        (
            "signed_update_firmware",
            {
                "location": "ftp://192.0.2.10/f",
                "signing_certificate": "x",
                "signature": "x",
            },
        ),
        ("get_uploaded_files", {}),
    ],
)
async def test_administrators_only(
    hass: HomeAssistant,
    system: System,
    hass_read_only_user: MockUser,
    action: str,
    data: dict[str, Any],
) -> None:
    """What a charger knows, and what it runs, is not for everybody."""
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            action,
            {"device_id": system.device(), **data},
            blocking=True,
            return_response=True,
            context=Context(user_id=hass_read_only_user.id),
        )
