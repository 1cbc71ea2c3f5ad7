"""What cars do by themselves."""

from collections.abc import Callable
import logging

from .car import Car
from .charger import Charger
from .v2 import Charger2

_LOGGER = logging.getLogger(__name__)

SCENARIOS = ("idle", "plugged", "charging", "auto")

#: In the scenario `auto`: how long a car stays after its transaction, and the place remains empty.
_LINGER_SECONDS = 60.0

type MakeCar = Callable[[], Car]
type AnyCharger = Charger | Charger2


def play(charger: AnyCharger, scenario: str, make_car: MakeCar, token: str) -> None:
    """Set a scene on connector 1 of a charger that was started.

    - `idle`: nobody is there.
    - `plugged`: a car is plugged in.
    - `charging`: a car is plugged in and its owner swipes a card, once the charger is online.
    - `auto`: cars come, wait for somebody to start them remotely, and leave when they were charged.
    """
    if scenario == "idle":
        return
    charger.connector(1).plug_in(make_car())
    if scenario == "charging":
        charger.activity.watch(_swipe(charger, token))
    elif scenario == "auto":
        charger.activity.watch(_come_and_go(charger, make_car))


async def _swipe(charger: AnyCharger, token: str) -> None:
    await charger.activity.wait_for(lambda: charger.accepted, None)
    status = await charger.show(token)
    if status != "Accepted":
        _LOGGER.warning("The central system does not let %s charge: %s", token, status)


async def _come_and_go(charger: AnyCharger, make_car: MakeCar) -> None:
    """Replace every car that was charged by a new one, for ever."""
    connector = charger.connector(1)
    while True:
        await charger.activity.wait_for(lambda: connector.finished, None)
        await _pause(charger)
        connector.unplug()
        await _pause(charger)
        # Somebody at the command line may have been faster.
        if connector.car is None:
            connector.plug_in(make_car())


async def _pause(charger: AnyCharger) -> None:
    over = False

    def end() -> None:
        nonlocal over
        over = True
        charger.activity.changed()

    charger.clock.call_later(_LINGER_SECONDS, end)
    await charger.activity.wait_for(lambda: over, None)
