"""The life of one charger of the zoo: what came of each thing that was asked of it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import CommandError
from custom_components.ocpp_central.csms.ladder import Slot
from simulator import Car, Charger, Charger2, ManualClock
from simulator.zoo import Personality, build

from .common import NEVER, TIMING, Central
from .conftest import LoopClock

#: As in real life, but for what only costs time here.
REAL = replace(
    TIMING, call=30, boot_grace=1, no_boot=10, quiet=5, pace=0, settle=5, verify=15
)
IDENTITY = "CP1"
#: How long a charger may take to do what it was told, or the user to be told, in seconds.
PATIENCE = 900
_STEP = 10.0
#: So many rounds of the event loop without anything new are quiet.
_QUIET = 12
_SAME = 0.5


@dataclass(slots=True)
class Outcome:
    """What came of one thing."""

    asked: float
    drawn: float
    #: What the user was told instead; empty: nothing.
    told: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether the car really drew what was asked for."""
        return abs(self.drawn - self.asked) <= _SAME


@dataclass
class World:
    """A central system, one charger, and the time they both live in."""

    central: Central
    freezer: FrozenDateTimeFactory
    loop_clock: LoopClock
    clock: ManualClock
    charge_point: ChargePoint
    charger: Charger | Charger2
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    _errors: list[str] = field(default_factory=list)
    _minute: float = 0.0

    # Time

    async def advance(self, seconds: float) -> None:
        """Let time pass for everybody."""
        # Whoever waits for a slow answer counts in seconds.
        longest = 1.0 if self.charger.oddities.quirks.delay else _STEP
        while seconds > 0:
            step = min(longest, seconds)
            seconds -= step
            self.freezer.tick(step)
            self.loop_clock.advance(step)
            await self.clock.advance(step)
            await self.quiet()
            self._minute += step
            if self._minute >= 60:
                self._minute = 0
                self.charge_point.transactions.tick()
                self.charge_point.limits.tick()
                await self.quiet()

    async def quiet(self) -> None:
        """Wait until nobody has anything more to say for now."""
        charger, said = self.charger, -1
        while said != len(charger.requests) + len(charger.sent):
            said = len(charger.requests) + len(charger.sent)
            await charger.settle()
            for _ in range(_QUIET):
                await asyncio.sleep(0)

    async def until(
        self, condition: Callable[[], bool], seconds: float = PATIENCE
    ) -> None:
        """Let time pass until something is so, or for so long."""
        while not condition() and seconds > 0:
            await self.advance(_STEP)
            seconds -= _STEP

    async def do(self, work: Coroutine[Any, Any, object]) -> None:
        """Do what a user does, who is told of errors at once."""
        task = asyncio.ensure_future(work)
        for _ in range(int(PATIENCE / _STEP)):
            await self.quiet()
            if task.done():
                break
            await self.advance(_STEP)
        try:
            await task
        except CommandError as error:
            self._errors.append(f"error: {error}")

    # What a user sees

    @property
    def drawn(self) -> float:
        """What the car draws, in A per phase."""
        return self.charger.connector(1).current

    @property
    def charging(self) -> bool:
        """Whether the central system knows of a transaction."""
        return self.charge_point.transactions.at(1) is not None

    def told(self, asked: float) -> list[str]:
        """Return what a user has been told of why less or more flows than was asked."""
        charge_point = self.charge_point
        told = [*self._errors]
        if problem := charge_point.proof.problems.get(1):
            told.append(f"repair: {problem.seen}")
        if charge_point.value(1, "throttled"):
            told.append("throttled")
        limit = charge_point.value(1, "effective_limit")
        offered = self.charger.connector(1).offered
        if isinstance(limit, (int, float)) and abs(limit - offered) <= _SAME < abs(
            limit - asked
        ):
            told.append("effective_limit")
        if not self.charging and not self.charger.busy:
            told.append(f"reason: {charge_point.value(1, 'reason_not_charging')}")
        return told

    async def ask(
        self, name: str, asked: float, *work: Coroutine[Any, Any, Any]
    ) -> None:
        """Have a user ask for something, and see what comes of it."""
        self._errors.clear()
        for each in work:
            await self.do(each)
        await self.until(
            lambda: abs(self.drawn - asked) <= _SAME or bool(self.told(asked))
        )
        # What is right now may not last, and some are told before it is.
        await self.advance(60)
        await self.until(
            lambda: abs(self.drawn - asked) <= _SAME or bool(self.told(asked))
        )
        outcome = Outcome(asked, self.drawn)
        if not outcome.kept:
            outcome.told = self.told(asked)
        self.outcomes[name] = outcome

    async def start(self) -> None:
        """Have a car come and charge."""
        connector = self.charger.connector(1)
        if connector.car is None:
            connector.plug_in(Car(capacity_wh=200_000, soc=10))
        await self.advance(30)
        await self.do(self.charge_point.commands.start_transaction(1, "CARD"))
        await self.until(lambda: self.charging and self.drawn > 0, 120)


async def live(
    world: World, *, limit: float = 10.0, full: float = 16.0
) -> dict[str, Outcome]:
    """Let a charger live through what the zoo is about."""
    charge_point, charger = world.charge_point, world.charger
    await charger.start(wait=False)
    await world.until(lambda: charger.accepted, 120)
    await world.advance(60)
    await world.start()
    await world.ask("start", full)
    await world.ask("limit", limit, charge_point.set_current_limit(1, limit))
    await world.ask("pause", 0, charge_point.set_paused(1, True))
    await world.ask("resume", limit, charge_point.set_paused(1, False))
    await _stop(world)
    await world.ask("stop", 0)
    await charger.reboot()
    await world.until(lambda: charger.accepted, 120)
    await world.advance(60)
    await world.start()
    await world.ask("reboot", limit)
    await charger.drop()
    await world.advance(120)
    await world.until(lambda: charger.accepted, 120)
    await world.ask("reconnect", limit)
    await _stop(world)
    return world.outcomes


async def _stop(world: World) -> None:
    """End the transaction, if there is one left, and have the car leave."""
    transaction = world.charge_point.transactions.at(1)
    if transaction is not None:
        await world.do(
            world.charge_point.commands.stop_transaction(transaction.reference)
        )
    await world.until(lambda: not world.charging, 120)
    world.charger.connector(1).unplug()
    await world.advance(30)


async def bear(
    central: Central,
    freezer: FrozenDateTimeFactory,
    loop_clock: LoopClock,
    personality: Personality,
) -> World:
    """Make a charger, and a charge point that waits for it."""
    # It would keep a traceback of each of a great many callbacks.
    asyncio.get_running_loop().set_debug(False)
    charge_point = await central.add(
        IDENTITY, installation_current=32, phases=personality.phases
    )
    clock = ManualClock()
    url = f"ws://127.0.0.1:{central.port}"
    charger = build(personality, url, IDENTITY, clock)
    charger.activity.patience = 0.05
    return World(central, freezer, loop_clock, clock, charge_point, charger)


def ways(charge_point: ChargePoint) -> dict[Slot, str]:
    """Return the ways that were found to work."""
    rungs = charge_point.capabilities.rungs
    return {slot: rungs[slot] for slot in Slot if slot in rungs}


__all__ = ["NEVER", "REAL", "Outcome", "World", "bear", "live", "ways"]
