"""A minute alone, if the user agrees: what a charger does without Home Assistant."""

from http import HTTPStatus
from typing import Any

from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ocpp_central.const import DOMAIN
from simulator import Car, ManualClock
from simulator.quirks import Quirks

from .charging import VERSIONS, AnyCharger, charge, connect
from .common import System, until

ISSUE = "fail_safe_unverified_garage"
# A minute, and the time in which a charger has to follow.
ALONE = 60 + 15


@pytest.fixture
def clock(freezer: FrozenDateTimeFactory) -> ManualClock:
    """Return a clock that goes with Home Assistant's, which stands still by itself."""
    freezer.move_to("2026-03-02T12:00:00+00:00")
    return ManualClock(dt_util.utcnow())


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Return the version that is spoken."""
    spoken: str = request.param
    return spoken


class Repair:
    """A user who opens the repair."""

    def __init__(self, system: System, client: TestClient[Any, Any]) -> None:
        """Have nothing open yet."""
        self._system = system
        self._client = client
        self._flow = ""

    @property
    def offered(self) -> bool:
        """Return whether there is one."""
        return (
            ir.async_get(self._system.hass).async_get_issue(DOMAIN, ISSUE) is not None
        )

    async def open(self) -> dict[str, Any]:
        """Open it."""
        step = await self._post("", {"handler": DOMAIN, "issue_id": ISSUE})
        self._flow = f"/{step['flow_id']}"
        return step

    async def submit(self) -> dict[str, Any]:
        """Agree."""
        return await self._post(self._flow, {})

    async def wait(self, freezer: FrozenDateTimeFactory) -> None:
        """Wait for the end of it."""
        hass = self._system.hass
        done: list[Any] = []
        hass.bus.async_listen("data_entry_flow_progressed", done.append)
        # The event loop goes by this clock too.
        await self._system.advance(freezer, ALONE)
        await self._system.advance(freezer, 60)
        await until(hass, lambda: bool(done))

    async def look(self) -> dict[str, Any]:
        """Return what is shown now."""
        response = await self._client.get(f"/api/repairs/issues/fix{self._flow}")
        assert response.status == HTTPStatus.OK
        step: dict[str, Any] = await response.json()
        return step

    async def close(self) -> None:
        """Close the window."""
        response = await self._client.delete(f"/api/repairs/issues/fix{self._flow}")
        assert response.status == HTTPStatus.OK

    async def _post(self, path: str, data: dict[str, Any]) -> dict[str, Any]:
        response = await self._client.post(f"/api/repairs/issues/fix{path}", json=data)
        assert response.status == HTTPStatus.OK
        step: dict[str, Any] = await response.json()
        return step


@pytest.fixture
async def repair(
    hass: HomeAssistant, system: System, hass_client: ClientSessionGenerator
) -> Repair:
    """Return a user at a browser."""
    assert await async_setup_component(hass, "repairs", {})
    return Repair(system, await hass_client())


async def prepare(
    system: System, freezer: FrozenDateTimeFactory, version: str, **options: Any
) -> tuple[AnyCharger, Car]:
    """Have a car charge at 32 A, at a charger that should fall back to 10 A."""
    charger = await connect(system, version, **options)
    car = await charge(charger, system)
    await system.set("number", "offline_current", 10, connector=0)
    await system.advance(freezer, 60)
    assert system.number("sensor", "current") == pytest.approx(32, abs=1)
    assert system.value("sensor", "fail_safe", 0) == "unverified"
    return charger, car


async def test_proven(
    system: System,
    freezer: FrozenDateTimeFactory,
    repair: Repair,
    version: str,
) -> None:
    """What flows falls by itself: the repair is gone, and the car goes on."""
    charger, car = await prepare(system, freezer, version)
    form = await repair.open()
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"] == {
        "name": "Garage",
        "limit": "32",
        "fallback": "10",
        "error": "",
    }
    step = await repair.submit()
    assert (step["type"], step["progress_action"]) == ("progress", "wait")
    await repair.wait(freezer)
    step = await repair.look()
    assert step["type"] == "create_entry"
    assert system.value("sensor", "fail_safe", 0) == "proven"
    assert not repair.offered
    await system.advance(freezer, 60)
    assert car.current == 32
    assert charger.violations == []


async def test_stays_up(
    system: System,
    freezer: FrozenDateTimeFactory,
    repair: Repair,
    version: str,
) -> None:
    """What flows does not fall: the user is told, and it is never let above again."""
    quirks = Quirks(single_period=True)
    charger, car = await prepare(system, freezer, version, quirks=quirks)
    await repair.open()
    await repair.submit()
    await repair.wait(freezer)
    step = await repair.look()
    assert (step["type"], step["reason"]) == ("abort", "stays_up")
    assert system.value("sensor", "fail_safe", 0) == "none"
    assert not repair.offered
    await system.advance(freezer, 60)
    assert car.current == 10
    assert charger.violations == []


async def test_cannot_be_told(
    system: System,
    freezer: FrozenDateTimeFactory,
    repair: Repair,
    version: str,
) -> None:
    """The user hears why, may try again, and the repair stays."""
    charger, car = await prepare(system, freezer, version)
    await repair.open()
    await repair.submit()
    car.max_current = 6
    await repair.wait(freezer)
    form = await repair.look()
    assert form["step_id"] == "confirm"
    assert form["errors"] == {"base": "car_took_less"}
    form = await repair.submit()
    assert form["errors"] == {"base": "too_little"}
    charger.connector(1).unplug()
    await system.advance(freezer, 30)
    form = await repair.submit()
    assert form["errors"] == {"base": "no_car"}
    await charger.stop()
    await until(system.hass, lambda: system.value("sensor", "current") == "unavailable")
    form = await repair.submit()
    assert form["errors"] == {"base": "not_connected"}
    assert repair.offered
    assert charger.violations == []


async def test_wanted_no_more(
    system: System, freezer: FrozenDateTimeFactory, repair: Repair, version: str
) -> None:
    """Where nothing has to fall there is nothing to find out."""
    await connect(system, version)
    await system.set("number", "maximum_current", 16, connector=0)
    assert system.value("sensor", "fail_safe", 0) == "unverified"
    assert not repair.offered
    await system.set("number", "offline_current", 8, connector=0)
    assert repair.offered
    await system.set("number", "offline_current", 16, connector=0)
    assert not repair.offered
    await system.set("number", "offline_current", 8, connector=0)
    await repair.open()
    (subentry,) = system.entry.subentries.values()
    system.hass.config_entries.async_remove_subentry(system.entry, subentry.subentry_id)
    await system.hass.async_block_till_done()
    assert not repair.offered
    step = await repair.submit()
    assert (step["type"], step["reason"]) == ("abort", "charge_point_gone")


async def test_closed(
    system: System,
    freezer: FrozenDateTimeFactory,
    repair: Repair,
    version: str,
) -> None:
    """Who closes the window has the car charge as before."""
    charger, car = await prepare(system, freezer, version)
    await repair.open()
    await repair.submit()
    await repair.close()
    await system.advance(freezer, 120)
    assert car.current == 32
    assert repair.offered
    assert charger.violations == []
