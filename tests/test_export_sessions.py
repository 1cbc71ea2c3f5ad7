"""Charging sessions as files: what is in them, and who may have them."""

import asyncio
from datetime import timedelta
import os
from pathlib import Path
import re
from typing import Any
from urllib.parse import quote

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import persistent_notification
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from .common import System
from .csms.common import Charger
from .past_sessions import charge, charging, read_csv

DOMAIN = "ocpp_central"
FILES = "/api/ocpp_central_files/exports"


@pytest.fixture(autouse=True)
async def berlin(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Begin on a day in Berlin."""
    freezer.move_to("2026-01-15T12:00:00+00:00")
    await hass.config.async_set_time_zone("Europe/Berlin")


@pytest.fixture
async def priced(hass: HomeAssistant, system: System) -> str:
    """Have energy cost something; returns the currency."""
    hass.config_entries.async_update_entry(system.entry, options={"price": 0.4})
    await hass.async_block_till_done()
    return hass.config.currency


async def export(system: System, **data: Any) -> dict[str, Any]:
    """Return where a file is."""
    answer = await system.hass.services.async_call(
        DOMAIN, "export_sessions", data, blocking=True, return_response=True
    )
    assert answer is not None
    return answer


async def exported(system: System, **data: Any) -> list[dict[str, str]]:
    """Return the lines of a file."""
    return read_csv((await export(system, **data))["path"])[1]


async def charge_all_winter(
    raw: Charger, freezer: FrozenDateTimeFactory
) -> dict[str, int]:
    """Have some sessions, one of them in the last minutes of a month in Berlin."""
    return {
        start: await charge(raw, freezer, start, end, token=token, energy=energy)
        for start, end, token, energy in (
            ("2026-01-20T12:00:00Z", "2026-01-20T14:00:00Z", "AB", 10_000),
            ("2026-01-31T22:59:00Z", "2026-02-01T06:00:00Z", "ab", 20_000),
            ("2026-01-31T23:00:00Z", "2026-02-01T08:00:00Z", "CD", 5000),
            ("2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", "CD", 1500),
        )
    }


async def test_sessions(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory, priced: str
) -> None:
    """One line a session, the oldest first, the one that is running included."""
    raw = await system.dial()
    first, *_ = (await charge_all_winter(raw, freezer)).values()
    freezer.move_to("2026-03-10T09:00:00Z")
    async with charging(system):
        answer = await export(system, start="2026-01-20")
    name = answer["file"]
    assert re.fullmatch(r"sessions_2026-01-20_2026-03-10_[0-9a-f]{8}\.csv", name)
    assert answer["path"] == hass.config.path(DOMAIN, "exports", name)
    assert answer["url"].startswith(f"{FILES}/{name}?authSig=")
    assert answer["sessions"] == 5
    data = Path(answer["path"]).read_bytes()
    assert data.startswith(b"\xef\xbb\xbfSession,Charge point,Name,")
    assert data.count(b"\r\n") == data.count(b"\n") == 6
    _, rows = read_csv(answer["path"])
    assert rows[0] == {
        "Session": str(first),
        "Charge point": "GARAGE",
        "Name": "Garage",
        "Connector": "1",
        "Id token": "AB",
        "User": "",
        "Group": "",
        "Authorized by": "online",
        "Started": "2026-01-20T13:00:00+01:00",
        "Ended": "2026-01-20T15:00:00+01:00",
        "Connected (s)": "7200",
        "Charging (s)": rows[0]["Charging (s)"],
        "Idle (s)": rows[0]["Idle (s)"],
        "Meter start (Wh)": "5000",
        "Meter stop (Wh)": "15000",
        "Energy (kWh)": "10.0",
        "Peak power (kW)": "",
        "Battery at start (%)": "",
        "Battery at end (%)": "",
        "Cost": "4.0",
        "Currency": priced,
        "Energy without price (kWh)": "0.0",
        "Stop reason": "ev_disconnected",
        "Told afterwards": "no",
        "Inferred": "no",
        "Corrected": "no",
    }
    assert rows[4]["Ended"] == ""
    assert rows[4]["Energy (kWh)"] == "1.5"
    assert [row["Session"] for row in rows] == sorted(row["Session"] for row in rows)


async def test_statement(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory, priced: str
) -> None:
    """What each card has used in each month, by the calendar on the wall."""
    await charge_all_winter(await system.dial(), freezer)
    answer = await export(system, kind="statement")
    assert answer["sessions"] == 4
    assert answer["file"].startswith("statement_all_2026-03-01_")
    columns, rows = read_csv(answer["path"])
    assert columns == [
        "Month",
        "Id token",
        "User",
        "Sessions",
        "Energy (kWh)",
        "Cost",
        "Currency",
        "Energy without price (kWh)",
    ]
    assert [list(row.values()) for row in rows] == [
        ["2026-01", "AB", "", "2", "30.000", "12.00", priced, "0.000"],
        ["2026-02", "CD", "", "1", "5.000", "2.00", priced, "0.000"],
        ["2026-03", "CD", "", "1", "1.500", "0.60", priced, "0.000"],
    ]
    columns, rows = read_csv(
        (await export(system, kind="statement", group_by="user", end="2026-03-01"))[
            "path"
        ]
    )
    assert "Id token" not in columns
    assert [(row["Month"], row["Sessions"]) for row in rows] == [
        ("2026-01", "2"),
        ("2026-02", "1"),
    ]
    # Half a month is what was asked for.
    (row,) = await exported(
        system, kind="statement", start="2026-01-25", end="2026-02-01"
    )
    assert (row["Sessions"], row["Energy (kWh)"]) == ("1", "20.000")


@pytest.mark.parametrize("kind", ["sessions", "statement"])
async def test_nothing_to_tell(hass: HomeAssistant, system: System, kind: str) -> None:
    """A file without lines says so as well."""
    answer = await export(system, kind=kind)
    assert answer["sessions"] == 0
    columns, rows = read_csv(answer["path"])
    assert len(columns) > 5
    assert rows == []


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
async def test_token_that_is_a_formula(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory, first: str
) -> None:
    """A spreadsheet is shown text, whatever a charger or somebody makes up."""
    raw = await system.dial()
    text = f'{first}1+cmd|"a",b!A1'
    await raw.start(token=text)
    (subentry,) = system.entry.subentries.values()
    hass.config_entries.async_update_subentry(
        system.entry, subentry, data={**subentry.data, "name": text}
    )
    await hass.async_block_till_done()
    (row,) = await exported(system)
    assert row["Name"] == f"'{text}"
    # Of a token, blanks around it are no part.
    token = f"'{text}" if text == text.strip() else text.strip()
    assert row["Id token"] == token
    (row,) = await exported(system, kind="statement")
    assert row["Id token"] == token


async def test_filters(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """The same as for reading."""
    await charge_all_winter(await system.dial(), freezer)
    assert len(await exported(system, id_token="Cd")) == 2
    assert len(await exported(system, device_id=system.device())) == 4
    assert len(await exported(system, end="2026-02-01")) == 2
    assert await exported(system, user="Anna") == []


async def test_starts_are_confirmed_meanwhile(
    hass: HomeAssistant, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export of many pages waits its turn, and so does a start."""
    monkeypatch.setattr(f"custom_components.{DOMAIN}.session_actions._PAGE", 2)
    raw = await system.dial()
    before = [await raw.start(connector, meter=0) for connector in range(1, 41)]
    order: list[str] = []

    async def run() -> dict[str, Any]:
        answer = await export(system)
        order.append("export")
        return answer

    async def start() -> None:
        await raw.start(50, meter=0)
        order.append("start")

    answer, _ = await asyncio.gather(run(), start())
    assert order == ["start", "export"]
    _, rows = read_csv(answer["path"])
    found = [int(row["Session"]) for row in rows]
    assert found[:40] == before
    assert len(set(found)) == len(found)


# The files


async def test_without_an_answer(
    hass: HomeAssistant,
    system: System,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """Whoever did not ask for one is notified."""
    notifications: list[persistent_notification.Notification] = []

    @callback
    def notified(_: Any, changed: dict[str, Any]) -> None:
        notifications.extend(changed.values())

    persistent_notification.async_register_callback(hass, notified)
    answer = await hass.services.async_call(
        DOMAIN, "export_sessions", {}, blocking=True
    )
    assert answer is None
    (notification,) = notifications
    assert notification["title"] == "Charging sessions"
    link = re.search(r'href="([^"]+)" target="_blank"', notification["message"])
    assert link
    client = await hass_client_no_auth()
    assert (await client.get(link[1])).status == 200


async def test_link(
    hass: HomeAssistant,
    system: System,
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """It works without a login, for this file, for a week."""
    async with charging(system):
        answer = await export(system)
        other = await export(system)
    client = await hass_client_no_auth()
    response = await client.get(answer["url"])
    assert response.status == 200
    assert await response.read() == Path(answer["path"]).read_bytes()
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert (
        response.headers["Content-Disposition"]
        == f'attachment; filename="{answer["file"]}"'
    )
    assert response.headers["Cache-Control"] == "no-store"
    wrong = answer["url"].replace(answer["file"], other["file"])
    assert (await client.get(wrong)).status == 401
    assert (await client.get(f"{FILES}/{answer['file']}")).status == 401
    freezer.tick(timedelta(days=7, seconds=1))
    assert (await client.get(answer["url"])).status == 401


async def test_administrator(
    hass: HomeAssistant, system: System, hass_client: ClientSessionGenerator
) -> None:
    """One who is logged in needs no link."""
    answer = await export(system)
    client = await hass_client()
    response = await client.get(f"{FILES}/{answer['file']}")
    assert response.status == 200
    Path(answer["path"]).unlink()
    assert (await client.get(f"{FILES}/{answer['file']}")).status == 404


async def test_everybody_else(
    hass: HomeAssistant,
    system: System,
    hass_client: ClientSessionGenerator,
    hass_ws_client: WebSocketGenerator,
    hass_client_no_auth: ClientSessionGenerator,
    hass_read_only_access_token: str,
) -> None:
    """Not with a login, not with a link one has made oneself, and not with both."""
    answer = await export(system)
    url = f"{FILES}/{answer['file']}"
    assert await async_setup_component(hass, "auth", {})
    socket = await hass_ws_client(hass, hass_read_only_access_token)
    client = await hass_client(hass_read_only_access_token)
    assert (await client.get(url)).status == 403
    assert (await client.get(f"{url}?authSig=x")).status == 403
    assert (await client.get(answer["url"])).status == 403

    await socket.send_json_auto_id({"type": "auth/sign_path", "path": url})
    signed = (await socket.receive_json())["result"]["path"]
    stranger = await hass_client_no_auth()
    assert (await stranger.get(signed)).status == 403


@pytest.mark.parametrize(
    "name",
    [
        "..%2f..%2f.storage%2fauth",
        "%2e%2e%2focpp_central.db",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "sessions_all_2026-01-15_00000000.part",
        "notes.csv",
        "sessions_all_2026-01-15_0123456٧.csv",
        "sessions_all_2026-01-15_01234567.csv%00",
        "sessions_all_2026-01-15_01234567.csv%0a",
        "",
    ],
)
async def test_other_files(
    hass: HomeAssistant,
    system: System,
    hass_client: ClientSessionGenerator,
    name: str,
) -> None:
    """Nothing but exports, not even for an administrator."""
    answer = await export(system)
    folder = Path(answer["path"]).parent
    (folder / "notes.csv").touch()
    (folder / "sessions_all_2026-01-15_00000000.part").touch()
    client = await hass_client()
    response = await client.get(f"{FILES}/{quote(name, safe='/%')}")
    assert response.status in {400, 404}


async def test_old_files_go(hass: HomeAssistant, system: System) -> None:
    """The newest fifty stay, and what is somebody else's."""
    folder = Path(hass.config.path(DOMAIN, "exports"))
    folder.mkdir(parents=True)
    for number in range(60):
        path = folder / f"sessions_all_2026-01-01_{number:08x}.csv"
        path.touch()
        os.utime(path, (number, number))
    for name in ("old.part", "notes.csv"):
        (folder / name).touch()
        os.utime(folder / name, (0, 0))
    (folder / "young.part").touch()
    answer = await export(system)
    names = {path.name for path in folder.iterdir()}
    assert names == {
        answer["file"],
        "notes.csv",
        "young.part",
        *(f"sessions_all_2026-01-01_{number:08x}.csv" for number in range(11, 60)),
    }


async def test_failure_leaves_nothing_behind(
    hass: HomeAssistant, system: System
) -> None:
    """A file is there as a whole or not at all."""
    folder = Path(hass.config.path(DOMAIN, "exports"))
    await system.entry.runtime_data.ledger.close()
    with pytest.raises(HomeAssistantError, match="cannot be read"):
        await export(system)
    assert list(folder.iterdir()) == []
    folder.rmdir()
    folder.touch()
    with pytest.raises(HomeAssistantError, match="cannot be written"):
        await export(system)
