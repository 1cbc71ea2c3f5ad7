"""The REST API, asked over HTTP as a script would, on both endpoints."""

import asyncio
from collections.abc import Callable, Generator
from http import HTTPStatus
import logging
from typing import Any

from aiohttp import ClientSession, ClientTimeout
from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import persistent_notification
from homeassistant.components.http.ban import KEY_FAILED_LOGIN_ATTEMPTS
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ocpp_central import rest_api
from simulator import REBOOT_SECONDS, Car, Charger

from .common import NEVER, System, charge_point, until
from .csms.common import (
    ENERGY,
    Charger as RawCharger,
    HangUp,
    meter_values,
    sample,
    status,
)

KEY = "a-key-that-nobody-guesses"
PASSWORD = "correct horse"


@pytest.fixture
def charge_points() -> list[ConfigSubentryData]:
    """Return charge points whose names are hard on a URL, among others."""
    return [
        charge_point(),
        charge_point("API", "Apiary"),
        charge_point("Status", "Statuary"),
        charge_point("A/B c+ä", "Odd"),
    ]


class Api:
    """A script that knows the key."""

    def __init__(self, get: Callable[..., Any], prefix: str) -> None:
        """Ask at one endpoint."""
        self._get = get
        self._prefix = prefix
        self.headers: dict[str, str] = {"X-API-Key": KEY}

    async def ask(self, path: str) -> tuple[int, Any]:
        """Return the HTTP status and what it says."""
        async with self._get(
            f"{self._prefix}/API/{path}",
            headers=self.headers,
            timeout=ClientTimeout(total=None),
        ) as response:
            assert response.content_type == "application/json"
            assert response.headers["Cache-Control"] == "no-store"
            return response.status, await response.json()

    async def status(self, path: str) -> tuple[int, str]:
        """Return the HTTP status and the one word."""
        http_status, body = await self.ask(path)
        return http_status, body["status"]


def set_key(hass: HomeAssistant, system: System, key: str | None) -> None:
    """Set the key as the options flow does."""
    hass.config_entries.async_update_entry(
        system.entry, options={"api_key": key} if key else {}
    )


@pytest.fixture
async def api(hass: HomeAssistant, system: System) -> Any:
    """Ask at our own listener."""
    set_key(hass, system, KEY)
    session = ClientSession()
    system.sessions.append(session)
    return Api(session.get, f"http://127.0.0.1:{system.port}")


@pytest.fixture
async def client(
    hass: HomeAssistant, system: System, hass_client_no_auth: Any
) -> TestClient[Any, Any]:
    """Return a client of Home Assistant's port that has not logged in."""
    set_key(hass, system, KEY)
    client: TestClient[Any, Any] = await hass_client_no_auth()
    return client


@pytest.fixture
def ha_api(client: TestClient[Any, Any]) -> Api:
    """Ask at Home Assistant's port."""
    return Api(client.get, "/api/ocpp_central")


def connector(**values: Any) -> dict[str, Any]:
    """Return what is said of a connector."""
    return {
        "Status": 0,
        "ChargeRateKW": None,
        "MeterKWH": None,
        "SoC": None,
        **values,
    }


# --- Status ----------------------------------------------------------------------------


async def test_status(hass: HomeAssistant, system: System, api: Api) -> None:
    """Every charge point, the way OCPP.Core puts it; who is away is said to be."""
    raw = await system.dial()
    await raw.boot()
    for number, value in enumerate(
        (
            "Available",
            "Preparing",
            "Charging",
            "SuspendedEV",
            "SuspendedEVSE",
            "Finishing",
            "Reserved",
            "Unavailable",
            "Faulted",
        ),
        start=1,
    ):
        await raw.call("StatusNotification", status(value, number))
    await raw.call(
        "MeterValues",
        meter_values(
            sample("7360", "Power.Active.Import", unit="W"),
            sample("12345.6", ENERGY, unit="Wh"),
            sample("55", "SoC", unit="Percent"),
            connector=3,
        ),
    )
    await until(hass, lambda: system.value("sensor", "soc", 3) == "55.0")
    http_status, body = await api.ask("Status")
    assert http_status == HTTPStatus.OK
    assert [each["id"] for each in body] == ["GARAGE", "API", "Status", "A/B c+ä"]
    garage = body[0]
    connectors = garage.pop("OnlineConnectors")
    assert garage == {
        "id": "GARAGE",
        "name": "Garage",
        "protocol": "ocpp1.6",
        "connected": True,
    }
    assert {number: each["Status"] for number, each in connectors.items()} == {
        "1": 1,
        **dict.fromkeys("234567", 2),
        "8": 3,
        "9": 4,
    }
    assert connectors["3"] == connector(
        Status=2, ChargeRateKW=7.36, MeterKWH=12.346, SoC=55.0
    )
    assert body[1] == {
        "id": "API",
        "name": "Apiary",
        "protocol": None,
        "connected": False,
        "OnlineConnectors": {},
    }

    await raw.close()
    await until(hass, lambda: system.value("sensor", "soc", 3) == "unavailable")
    _, (garage, *_) = await api.ask("Status")
    assert (garage["protocol"], garage["connected"]) == (None, False)
    assert set(garage["OnlineConnectors"]) == set("123456789")
    assert garage["OnlineConnectors"]["3"] == connector()


async def test_strangers_are_nobodys_business(system: System, api: Api) -> None:
    """A charger that nobody has added is neither listed nor to be told anything."""
    stranger = await system.dial("STRANGER")
    await stranger.alive()
    _, body = await api.ask("Status")
    assert "STRANGER" not in [each["id"] for each in body]
    assert await api.status("Reset/STRANGER") == (404, "UnknownChargePoint")


# --- Commands --------------------------------------------------------------------------


async def test_commands(hass: HomeAssistant, system: System, api: Api) -> None:
    """What comes of them at a charger that follows the standard."""
    charger = await system.connect(connectors=2)
    car = Car(max_current=32, ramp=1000)
    charger.connector(2).plug_in(car)
    await charger.swipe("CARD1", 2)

    async def current() -> float:
        await system.clock.advance(5)
        await system.rest()
        return car.current

    assert await api.ask("SetChargingLimit/GARAGE/2/16A") == (
        200,
        {"status": "Accepted"},
    )
    assert await current() == 16
    # The same wish as the slider's, and kept like it.
    assert system.number("number", "current_limit", 2) == 16
    assert await api.status("SetChargingLimit/GARAGE/2/9660W") == (200, "Accepted")
    assert await current() == 14
    assert await api.status("ClearChargingLimit/GARAGE/2") == (200, "Accepted")
    assert await current() == 32
    assert await api.status("ClearChargingLimit/GARAGE/2") == (200, "Unknown")

    assert await api.status("UnlockConnector/GARAGE/2") == (200, "Unlocked")
    assert await api.status("UnlockConnector/GARAGE/9") == (200, "NotSupported")
    await system.rest()
    assert charger.connector(2).transaction is None

    assert await api.status("Reset/GARAGE") == (200, "Accepted")
    assert charger.requests[-1] == ("Reset", {"type": "Soft"})
    assert charger.violations == []


async def test_nothing_and_on_again(
    hass: HomeAssistant, system: System, api: Api
) -> None:
    """0 A is a pause, and the next limit lets the car go on."""
    charger = await system.connect(connectors=2)
    cars = []
    for number in (1, 2):
        car = Car(max_current=32, ramp=1000)
        charger.connector(number).plug_in(car)
        await charger.swipe(f"CARD{number}", number)
        cars.append(car)

    async def currents() -> list[float]:
        await system.clock.advance(5)
        await system.rest()
        return [car.current for car in cars]

    assert await api.status("SetChargingLimit/GARAGE/1/0A") == (200, "Accepted")
    assert await currents() == [0, 32]
    assert system.value("switch", "paused", 1) == "on"
    assert await api.status("SetChargingLimit/GARAGE/1/10A") == (200, "Accepted")
    assert await currents() == [10, 32]
    assert system.value("switch", "paused", 1) == "off"

    # Connector 0 is all that have none of their own.
    assert await api.status("SetChargingLimit/GARAGE/0/0W") == (200, "Accepted")
    assert await currents() == [0, 0]
    assert await api.status("SetChargingLimit/GARAGE/0/12A") == (200, "Accepted")
    assert await currents() == [10, 12]
    # It is told again where it may be lost.
    charger.profiles.clear()
    await charger.power_loss()
    await system.clock.advance(REBOOT_SECONDS)
    await system.rest()
    assert len(charger.profiles) == 2
    assert await api.status("ClearChargingLimit/GARAGE/0") == (200, "Accepted")
    assert await api.status("ClearChargingLimit/GARAGE/0") == (200, "Unknown")
    assert charger.violations == []


COMMANDS = [
    ("Reset/garage", "Reset", ("Accepted", "Rejected")),
    (
        "UnlockConnector/GARAGE/1",
        "UnlockConnector",
        ("Unlocked", "UnlockFailed", "NotSupported"),
    ),
    (
        "SetChargingLimit/GARAGE/1/16A",
        "SetChargingProfile",
        ("Accepted", "Rejected", "NotSupported"),
    ),
    (
        "SetChargingLimit/GARAGE/0/2000W",
        "SetChargingProfile",
        ("Accepted", "Rejected", "NotSupported"),
    ),
    (
        "ClearChargingLimit/GARAGE/1",
        "ClearChargingProfile",
        ("Accepted", "Unknown"),
    ),
    (
        "ClearChargingLimit/GARAGE/0",
        "ClearChargingProfile",
        ("Accepted", "Unknown"),
    ),
]


@pytest.mark.parametrize(("path", "action", "statuses"), COMMANDS)
async def test_every_answer(
    system: System,
    ha_api: Api,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    action: str,
    statuses: tuple[str, ...],
) -> None:
    """Everything a charger may answer, an error, nothing at all, and nobody there."""
    charger: Charger = await system.connect()
    for word in statuses:
        charger.answer(action, {"status": word})
        assert await ha_api.ask(path) == (200, {"status": word})
    charger.error(action, "InternalError", "out of luck")
    assert await ha_api.ask(path) == (
        200,
        {"status": "InternalError", "message": "out of luck"},
    )
    charger.error(action, "NotSupported", "")
    assert await ha_api.status(path) == (200, "NotSupported")

    monkeypatch.setattr(rest_api, "_PATIENCE", 2 * NEVER)
    charger.never_answer(action)
    asking = asyncio.create_task(ha_api.ask(path))
    count = len(charger.requests)
    await charger.wait_for(lambda: len(charger.requests) > count)
    while not asking.done():
        # A limit may be tried in more ways than one.
        freezer.tick(NEVER + 1)
        await asyncio.sleep(0)
    assert await asking == (200, {"status": "Timeout"})

    await charger.drop()
    await until(
        system.hass, lambda: system.value("binary_sensor", "connected", 0) == "off"
    )
    assert await ha_api.ask(path) == (
        404,
        {"status": "Offline", "message": "The charge point is not connected."},
    )
    assert charger.violations == []


async def test_an_answer_in_any_case(
    system: System, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks waits for a minute at most; the command goes on."""
    monkeypatch.setattr(rest_api, "_PATIENCE", 0.01)
    charger = await system.connect()
    charger.never_answer("SetChargingProfile", times=1)
    assert await api.status("SetChargingLimit/GARAGE/1/10A") == (200, "Timeout")
    assert charger.requests[-1][0] == "SetChargingProfile"


async def test_who_hangs_up_stops_nothing(
    hass: HomeAssistant, system: System, api: Api
) -> None:
    """What the charger accepted is kept, whether anybody still listens or not."""
    raw = await system.dial()
    await raw.boot()
    await raw.call("StatusNotification", status("Available"))
    asked = asyncio.Event()

    def answer(_payload: Any) -> Any:
        asked.set()
        return {"status": "Accepted"}

    raw.answers["SetChargingProfile"] = answer
    asking = asyncio.create_task(api.ask("SetChargingLimit/GARAGE/1/10A"))
    await asked.wait()
    asking.cancel()
    await asyncio.wait([asking])
    await until(hass, lambda: system.number("number", "current_limit") == 10)


async def test_lost_on_the_way(hass: HomeAssistant, system: System, api: Api) -> None:
    """A socket that closes instead of an answer is none."""
    raw = await system.dial()
    raw.answers["Reset"] = HangUp()
    assert await api.status("Reset/GARAGE") == (404, "Offline")


# --- What is refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Nonsense", (404, "UnknownCommand")),
        ("RemoteStartTransaction/GARAGE", (404, "UnknownCommand")),
        ("Status/GARAGE", (400, "BadRequest")),
        ("Reset", (400, "BadRequest")),
        ("Reset/GARAGE/1", (400, "BadRequest")),
        ("Reset/NOBODY", (404, "UnknownChargePoint")),
        ("UnlockConnector/GARAGE", (400, "BadRequest")),
        ("UnlockConnector/GARAGE/one", (400, "BadRequest")),
        ("UnlockConnector/GARAGE/-1", (400, "BadRequest")),
        ("UnlockConnector/GARAGE/1.0", (400, "BadRequest")),
        ("UnlockConnector/GARAGE/12345678901", (400, "BadRequest")),
        ("UnlockConnector/GARAGE/%D9%A1", (400, "BadRequest")),
        ("SetChargingLimit/GARAGE/1", (400, "BadRequest")),
        *(
            (f"SetChargingLimit/GARAGE/1/{limit}", (400, "BadRequest"))
            for limit in (
                "16",
                "A",
                "-16A",
                "+16A",
                "16,5A",
                "16kW",
                "16 A",
                "1e3W",
                "infA",
                "nanA",
                "1234567W",
                "%D9%A1%D9%A6A",
                "16A/now",
            )
        ),
        ("ClearChargingLimit/GARAGE", (400, "BadRequest")),
        ("ClearChargingLimit/GARAGE/1/16A", (400, "BadRequest")),
    ],
)
async def test_nonsense(
    system: System, api: Api, path: str, expected: tuple[int, str]
) -> None:
    """It is told what is wrong with it, and no charger hears of it."""
    charger = await system.connect()
    charger.requests.clear()
    http_status, body = await api.ask(path)
    assert (http_status, body["status"]) == expected
    assert body["message"]
    assert charger.requests == []


@pytest.mark.parametrize(
    ("limit", "amperes"),
    [("16A", 16), ("16.5A", 16.5), ("16.5a", 16.5), ("3450w", 5), ("0.5A", 6)],
)
async def test_limits(system: System, api: Api, limit: str, amperes: float) -> None:
    """Units in either case, and fractions; a car needs 6 A."""
    charger = await system.connect()
    assert await api.status(f"SetChargingLimit/GARAGE/1/{limit}") == (200, "Accepted")
    profile = charger.requests[-1][1]["csChargingProfiles"]
    (period,) = profile["chargingSchedule"]["chargingSchedulePeriod"]
    assert period["limit"] == max(6, amperes)


# --- Paths -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/API/Status", "/api/status", "//Api//Status/", "/API/Status?x=1"]
)
async def test_spellings(system: System, api: Api, path: str) -> None:
    """The case of the letters and slashes too many do not matter."""
    session = system.sessions[0]
    url = f"http://127.0.0.1:{system.port}{path}"
    async with session.get(url, headers=api.headers) as response:
        assert response.status == HTTPStatus.OK


async def test_identities_in_a_url(
    hass: HomeAssistant, system: System, api: Api, ha_api: Api
) -> None:
    """Percent-encoded as in any URL, a slash as well."""
    raw = await system.dial("A%2FB%20c%2B%C3%A4")
    raw.answers["Reset"] = {"status": "Accepted"}
    for each in (api, ha_api):
        assert await each.status("Reset/A%2FB%20c+%C3%A4") == (200, "Accepted")
        assert await each.status("Reset/a%2Fb%20c%2B%C3%84") == (200, "Accepted")
    assert raw.calls[-1].payload == {"type": "Soft"}


async def test_chargers_with_these_names(
    system: System, api: Api, client: TestClient[Any, Any]
) -> None:
    """A WebSocket is a charge point's, whatever its path."""
    session = system.sessions[0]
    for path, identity in (
        ("API", "api"),
        ("API/Status", "status"),
        ("API/Reset/GARAGE", "garage"),
    ):
        socket = await session.ws_connect(
            f"{system.url}/{path}", protocols=("ocpp1.6",), autoping=False
        )
        raw = RawCharger(socket)
        system.raw_chargers.append(raw)
        assert (await raw.boot())["status"] == "Accepted"
        assert system.entry.runtime_data.central.charge_points[identity].connected


async def test_only_get(system: System, api: Api, client: TestClient[Any, Any]) -> None:
    """What a link or a probe may try by itself changes nothing."""
    charger = await system.connect()
    charger.requests.clear()
    session = system.sessions[0]
    own = f"http://127.0.0.1:{system.port}/API/Reset/GARAGE"
    for method in ("HEAD", "POST", "PUT", "OPTIONS"):
        for asked, url in (
            (session, own),
            (client, "/api/ocpp_central/API/Reset/GARAGE"),
        ):
            async with asked.request(method, url, headers=api.headers) as response:
                assert response.status >= HTTPStatus.BAD_REQUEST, (method, url)
                assert "Access-Control-Allow-Origin" not in response.headers
    assert charger.requests == []


async def test_no_request_of_the_api(system: System, api: Api) -> None:
    """Anything else is answered as ever."""
    session = system.sessions[0]
    for path, expected in (
        ("", HTTPStatus.NOT_FOUND),
        ("API", HTTPStatus.UPGRADE_REQUIRED),
        ("GARAGE", HTTPStatus.UPGRADE_REQUIRED),
        ("some/API/Status", HTTPStatus.UPGRADE_REQUIRED),
    ):
        url = f"http://127.0.0.1:{system.port}/{path}"
        async with session.get(url, headers=api.headers) as response:
            assert response.status == expected, path


# --- The key ---------------------------------------------------------------------------


@pytest.fixture
def no_logins(client: TestClient[Any, Any]) -> Generator[None]:
    """See to it that nothing counts as a failed login of Home Assistant."""
    yield
    app = client.app
    assert app is not None
    assert not app[KEY_FAILED_LOGIN_ATTEMPTS]


async def test_wrong_keys(
    hass: HomeAssistant,
    system: System,
    api: Api,
    ha_api: Api,
    no_logins: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Refused and logged once, with no ban by Home Assistant."""
    charger = await system.connect()
    charger.requests.clear()
    caplog.clear()
    for each in (api, ha_api):
        for headers in (
            {},
            {"X-API-Key": ""},
            {"X-API-Key": "wrong"},
            {"X-API-Key": KEY[:-1]},
            {"X-API-Key": f"{KEY}x"},
            {"X-API-Key": KEY.upper()},
            {"X-API-Key": "schlüssel"},
            {"X-API-Key": "\udce4\udcff"},
            {"Authorization": f"Bearer {KEY}"},
        ):
            each.headers = headers
            for path in ("Status", "Reset/GARAGE", "Reset/NOBODY", "Nonsense"):
                assert await each.status(path) == (401, "Unauthorized"), headers
    assert charger.requests == []
    await hass.async_block_till_done()
    assert not persistent_notification._async_get_or_create_notifications(hass)  # noqa: SLF001
    warnings = [
        record
        for record in caplog.records
        if record.levelno >= logging.WARNING and "ocpp_central" in record.name
    ]
    assert len(warnings) == 1
    assert "REST API" in warnings[0].getMessage()


async def test_off_until_there_is_a_key(
    hass: HomeAssistant, system: System, api: Api, ha_api: Api, no_logins: None
) -> None:
    """The key can be set, changed and taken away while chargers are connected."""
    raw = await system.dial()
    await raw.alive()
    for key in (None, ""):
        set_key(hass, system, key)
        await hass.async_block_till_done()
        for each in (api, ha_api):
            for given in ({"X-API-Key": KEY}, {"X-API-Key": ""}, {}):
                each.headers = given
                assert await each.status("Status") == (404, "Disabled")
    other = "another-key-than-before"
    set_key(hass, system, other)
    await hass.async_block_till_done()
    for each in (api, ha_api):
        each.headers = {"X-API-Key": KEY}
        assert await each.status("Status") == (401, "Unauthorized")
        each.headers = {"X-API-Key": other}
        assert (await each.ask("Status"))[0] == HTTPStatus.OK
    assert not raw.closed.is_set()


async def test_a_key_of_other_letters(
    hass: HomeAssistant, system: System, api: Api
) -> None:
    """Compared as bytes, should such a key ever get in."""
    set_key(hass, system, "schlüssel-für-alles")
    assert await api.status("Status") == (401, "Unauthorized")
    api.headers = {"X-API-Key": "schlüssel-für-alles"}
    assert (await api.ask("Status"))[0] == HTTPStatus.OK


async def test_endpoint_that_is_off(
    hass: HomeAssistant, system: System, client: TestClient[Any, Any]
) -> None:
    """Where no charger is served there is no REST API either."""
    hass.config_entries.async_update_entry(
        system.entry, data={**system.entry.data, "serve_on_home_assistant": False}
    )
    await hass.async_block_till_done()
    response = await client.get(
        "/api/ocpp_central/API/Status", headers={"X-API-Key": KEY}
    )
    assert response.status == HTTPStatus.SERVICE_UNAVAILABLE


async def test_key_is_kept_out_of_diagnostics(
    hass: HomeAssistant, system: System, api: Api, hass_client: Any
) -> None:
    """What is put into a bug report opens nothing."""
    client = await hass_client()
    response = await client.get(
        f"/api/diagnostics/config_entry/{system.entry.entry_id}"
    )
    assert KEY not in await response.text()
