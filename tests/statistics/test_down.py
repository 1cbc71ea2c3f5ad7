"""What the energy dashboard shows when Home Assistant itself was away."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
import sqlite3
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from simulator import ManualClock
from tests.test_restart import home_assistant

from .common import Household, at, charging


@pytest.fixture
def persistent_database() -> bool:
    """Keep the recorder's database on disk."""
    return True


@pytest.fixture
def enable_missing_statistics() -> bool:
    """Have the recorder catch up with what it missed, as it does."""
    return True


@pytest.mark.parametrize("killed", [False, True])
async def test_home_assistant_was_away(
    freezer: FrozenDateTimeFactory,
    recorder_config: dict[str, Any],
    recorder_db_url: str,
    async_test_recorder: Callable[..., Any],
    socket_enabled: None,
    fast: None,
    tmp_path: Path,
    clock: ManualClock,
    unused_tcp_port_factory: Callable[[], int],
    killed: bool,
) -> None:
    """A car that charges meanwhile, and a charger that only tells where it stands."""
    port = unused_tcp_port_factory()
    register = charging(("21:00", "04:00", 7_000))

    @asynccontextmanager
    async def household() -> AsyncGenerator[Household]:
        async with home_assistant(tmp_path, port, clock, recorder) as system:
            await system.hass.config.async_set_time_zone("UTC")
            house = Household(system, freezer, register)
            yield house
            if killed:
                # What happens from now on, nobody writes down.
                await shut_down(system.hass.data["recorder_instance"])
            await house.disconnect()
            await system.close()

    async def shut_down(instance: Recorder) -> None:
        await instance._async_shutdown(None)  # noqa: SLF001

    @asynccontextmanager
    async def recorder(hass: HomeAssistant) -> AsyncGenerator[None]:
        async with async_test_recorder(hass):
            assert await async_setup_component(hass, "sensor", {})
            yield

    async with household() as house:
        await house.connect()
        transaction = await house.begin()
        await house.go("22:20")
    if killed:
        path = recorder_db_url.removeprefix("sqlite:///")
        with sqlite3.connect(path) as database:
            database.execute('UPDATE recorder_runs SET "end" = NULL')
        database.close()

    freezer.move_to(at("02:10"))
    async with household() as house:
        await house.settle()
        await house.connect()
        house.transaction = transaction
        await house.tell()
        await house.settle()
        await house.go("04:00")
        assert await house.changes() == pytest.approx(
            house.by_hour("21:00", "04:00"), abs=0.01
        )
        (total,) = (row[2] for row in (await house.rows())[-1:])
        assert total == pytest.approx(house.charged("21:00", "04:00"), abs=0.01)
        sessions = await house.changes("ocpp_central:garage_energy")
        del sessions["20:00"]
        # The hour that is not over is not told yet.
        assert sessions == pytest.approx(
            {**house.by_hour("21:00", "04:00"), "03:00": sessions["03:00"]}, abs=0.01
        )
