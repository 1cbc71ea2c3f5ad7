"""What is billed is what flowed: the same for chargers that speak OCPP 2.x."""

from typing import Any, override

from freezegun import freeze_time
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
import pytest

from .metered2 import MeteredCharger2
from .test_sessions_stateful import MONDAY, Sessions as Sessions16


class Sessions2(Sessions16):
    """Plays chargers of both versions, in turn."""

    @override
    def make(self, identity: str, *kind: Any) -> MeteredCharger2:
        version = "2.1" if identity == "cp0" else "2.0.1"
        return MeteredCharger2(identity, *kind, version=version)

    @override
    def give_up(self, which: int) -> None:
        """Do nothing: an event takes up what was not begun."""

    @override
    def session_without_a_name(self, which: int, connector: int) -> None:
        """Do nothing: each event has a name."""


@pytest.mark.timeout(300)
def test_what_flowed_is_what_is_billed(socket_enabled: None) -> None:
    """Many short lives of a central system."""
    with freeze_time(MONDAY, real_asyncio=True) as freezer:
        Sessions2.freezer = freezer
        run_state_machine_as_test(
            Sessions2,
            settings=settings(
                max_examples=60,
                stateful_step_count=30,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
