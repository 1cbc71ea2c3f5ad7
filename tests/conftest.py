"""What all tests share."""

# First of all: the loader would otherwise find the package of the same name that
# comes with the test harness.
import custom_components  # noqa: F401  isort: skip

from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from hypothesis import HealthCheck, settings
import pytest

from simulator import ManualClock

from .certificates import Certificates
from .common import TIMING, System, charge_point, config_entry

# The event loop and its sockets belong to the test, not to the example; and a machine
# that is busy is no failure.
settings.register_profile(
    "tests",
    deadline=None,
    # A test that passed passes again; another seed is for whoever looks for trouble.
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("tests")


@pytest.fixture(autouse=True)
def custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let a test that runs Home Assistant find the integration."""
    if "hass" not in request.fixturenames:
        return
    # The recorder insists on being there before Home Assistant is.
    if "recorder_mock" in request.fixturenames:
        request.getfixturevalue("recorder_mock")
    request.getfixturevalue("enable_custom_integrations")


@pytest.fixture
def hass_config_dir(tmp_path: Path) -> str:
    """Give each Home Assistant a folder of its own: there is a database in it."""
    return str(tmp_path)


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody wait for a slow charger."""
    monkeypatch.setattr("custom_components.ocpp_central.hub.TIMING", TIMING)


@pytest.fixture
def all_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the entities as well that a user would have to enable."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)


@pytest.fixture
def clock() -> ManualClock:
    """Return the clock of the simulated charge points."""
    return ManualClock()


@pytest.fixture
def charge_points() -> list[ConfigSubentryData]:
    """Return the charge points that the user has added."""
    return [charge_point()]


@pytest.fixture
async def system(
    hass: HomeAssistant,
    socket_enabled: None,
    fast: None,
    clock: ManualClock,
    charge_points: list[ConfigSubentryData],
    unused_tcp_port_factory: Callable[[], int],
) -> AsyncGenerator[System]:
    """Run a central system."""
    port = unused_tcp_port_factory()
    entry = config_entry(port, *charge_points)
    entry.add_to_hass(hass)
    system = System(hass, port, clock, entry)
    await system.set_up()
    yield system
    await system.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return certificates and keys, in files."""
    return Certificates(tmp_path_factory.mktemp("certificates"))
