"""What all tests share."""

# First of all: the loader would otherwise find the package of the same name that
# comes with the test harness.
import custom_components  # noqa: F401  isort: skip

from hypothesis import HealthCheck, settings
import pytest

# The event loop and its sockets belong to the test, not to the example; and a machine
# that is busy is no failure.
settings.register_profile(
    "tests",
    deadline=None,
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
