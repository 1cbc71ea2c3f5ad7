"""What must hold, seen through Home Assistant and at the chargers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
import time

from . import DOMAIN, DemoError
from .check_access import AccessChecks, ApiChecks
from .check_charging import ChargerChecks
from .check_limits import VisitorChecks
from .check_sessions import SessionChecks
from .pictures import Pictures
from .stage import Stage


class Checks:
    """The checks, one after the other; a failed one does not hold up the others."""

    def __init__(self, scene: Stage, say: Callable[[str], None]) -> None:
        """Check a scene that was not set up yet."""
        self._scene = scene
        self._api = scene.api
        self._say = say
        self._access = [AccessChecks(scene, charger) for charger in scene.chargers]
        self._sessions = SessionChecks(scene)
        self._visitors = VisitorChecks(scene)
        self._chargers = [ChargerChecks(scene, charger) for charger in scene.chargers]
        self.failed = 0

    @contextmanager
    def claim(self, what: str, *, vital: bool = False) -> Iterator[None]:
        """Carry out a check, and tell how it went. Without a vital one nothing else works."""
        begin = time.monotonic()
        try:
            yield
        except (DemoError, TimeoutError) as error:
            self.failed += 1
            self._say(f"FAILED  {what}: {error or type(error).__name__}")
            if vital:
                raise
        else:
            self._say(f"ok      {what} ({time.monotonic() - begin:.1f} s)")

    async def _one[One: (ChargerChecks, AccessChecks)](
        self, what: str, check: Callable[[One], Awaitable[None]], checks: One
    ) -> None:
        kind = checks.charger.kind
        with self.claim(f"{kind.name} ({kind.protocol}): {what}"):
            await check(checks)

    async def _each(
        self, what: str, check: Callable[[ChargerChecks], Awaitable[None]]
    ) -> None:
        """Carry out a check of each charger, all at a time."""
        await asyncio.gather(
            *(self._one(what, check, charger) for charger in self._chargers)
        )

    async def _each_access(
        self, what: str, check: Callable[[AccessChecks], Awaitable[None]]
    ) -> None:
        """Carry out a check of who may charge at each charger, all at a time."""
        await asyncio.gather(
            *(self._one(what, check, charger) for charger in self._access)
        )

    # One method for each thing that must hold

    async def devices(self) -> None:
        """Each charger has a device, and one with several connectors has more of them."""
        await self._each("it is connected, and has a device", ChargerChecks.is_there)
        kind = self._scene.car_park.kind
        with self.claim(f"{kind.name} has a child device for each connector"):
            station = await self._api.device(kind.device(0))
            for number in range(1, kind.connectors + 1):
                child = await self._api.device(kind.device(number))
                if child["parent_device_id"] != station["id"]:
                    raise DemoError(f"{child['name']} is no child of {kind.name}")

    async def charges(self) -> None:
        """A car charges at each charger, and Home Assistant shows how."""
        await self._each(
            "a card starts a transaction, and its current and power show",
            ChargerChecks.charges,
        )

    async def limits(self) -> None:
        """A limit slows the car down, another lets it charge faster."""
        for current, what in ((10, "slows the car down"), (13, "speeds it up again")):
            await self._each(
                f"a current limit of {current} A {what}",
                partial(ChargerChecks.limited, current=current),
            )

        await self._each(
            "a preset is a limit, and the limit is what its schedule says",
            ChargerChecks.preset,
        )
        await self._each(
            "it is told what it may draw without us, and whether that is sure",
            ChargerChecks.fail_safe,
        )

    async def visitors(self) -> None:
        """Limits meet chargers that do not do as they are told."""
        visitors = self._visitors
        with self.claim("Guest charges, and is given a ceiling"):
            await visitors.ceiling()
        with self.claim("Courtyard refuses a limit: an error says so"):
            await visitors.refused()
        with self.claim("Courtyard is away: what is wished for is kept"):
            await visitors.kept()

    async def found(self) -> None:
        """What has become of the limits of visitors, after a while."""
        visitors = self._visitors
        with self.claim("Guest forgets ceilings, and yet keeps to its own"):
            await visitors.held()
        with self.claim("Courtyard refuses it still: a repair says so in its words"):
            await visitors.repair()

    async def pauses(self) -> None:
        """Pausing stops the current and keeps the transaction."""
        await self._each(
            "pausing stops the current, and the transaction goes on",
            ChargerChecks.pauses,
        )
        await self._each(
            "resuming lets it flow again, up to the limit",
            lambda charger: charger.resumes(13),
        )

    async def asks(self) -> None:
        """Home Assistant can ask a charger for much, and scripts can ask it."""
        with self.claim("The REST API answers whoever has the key"):
            await ApiChecks(self._scene).rest_api()
        await self._each("its log files can be downloaded", ChargerChecks.diagnostics)
        await self._each("it tells its settings", ChargerChecks.configuration)
        await self._each_access(
            "entities that are off at first can be switched on", AccessChecks.switch_on
        )

    async def access(self) -> None:
        """What was switched on is there, and who may charge is up to Home Assistant."""
        await self._each_access(
            "entities that were switched on say what happens", AccessChecks.switched_on
        )
        await self._each_access("it takes only known cards", AccessChecks.mode)
        await self._each_access(
            "a blocked card is refused, and the event tells", AccessChecks.blocked
        )
        await self._each_access(
            "an unknown card is refused, and offered to be added", AccessChecks.unknown
        )
        await self._each_access(
            "it is reserved for a card, until that is called off", AccessChecks.reserved
        )
        # One after the other: a card is good for one session at a time.
        for charger in self._access:
            await self._one(
                "a known card starts a session of its owner, and ends it",
                AccessChecks.known,
                charger,
            )

    async def restarts(self) -> None:
        """Home Assistant restarts while the cars charge."""
        system = self._scene.home_assistant
        with self.claim("Home Assistant restarts while the cars charge", vital=True):
            for charger in self._chargers:
                await charger.before_restart()
            await self._api.close()
            starts = system.starts
            await self._api.call("homeassistant.restart")
            await system.started(starts + 1)
            await self._api.connect()
        await self._each(
            "a restart of Home Assistant keeps the charging session",
            ChargerChecks.after_restart,
        )

    async def stops(self) -> None:
        """Switching charging off ends the transaction."""
        await self._each(
            "switching charging off ends the transaction", ChargerChecks.stops
        )
        await self._each(
            "the session energy is what its register gained",
            ChargerChecks.session_energy,
        )

    async def goes_dark(self) -> None:
        """A charger that is gone says nothing any more."""
        await self._each(
            "what it said is unavailable at once when it is dead",
            ChargerChecks.goes_dark,
        )
        await self._each(
            "when it is back it does what was wished for meanwhile",
            lambda charger: charger.carries_out(9),
        )

    async def past(self) -> None:
        """There are sessions of the past, and what they cost."""
        sessions = self._sessions
        with self.claim("The past sessions cost what they must, and the totals add up"):
            await sessions.cost()
        await self._each(
            "the running session costs what its energy does",
            lambda charger: sessions.live_cost(charger.charger.kind),
        )
        with self.claim("The table of the guide shows the newest sessions and months"):
            await sessions.table()
        with self.claim("An export downloads with its link, and holds all sessions"):
            await sessions.export()
        with self.claim("Long-term statistics have each charger's energy and cost"):
            await sessions.statistics()

    async def history(self) -> None:
        """The session that has ended is past as well."""
        await self._each(
            "the session that ended is in the table, with what it cost",
            lambda charger: self._sessions.newest(charger.charger.kind),
        )
        self._without_errors("what the guide has made", about="charging_sessions")

    def log(self) -> None:
        """Nothing of ours is an error in the log."""
        system = self._scene.home_assistant
        for complaint in system.complaints("WARNING"):
            self._say(f"note: {complaint}")
        self._without_errors("the integration", about=DOMAIN)

    def _without_errors(self, what: str, about: str) -> None:
        system = self._scene.home_assistant
        with self.claim(f"Home Assistant's log holds no errors of {what}"):
            if errors := system.complaints("ERROR", "CRITICAL", about=about):
                raise DemoError("\n".join(["", *errors]))


async def check(
    scene: Stage, pictures: Pictures | None, say: Callable[[str], None]
) -> bool:
    """Check everything and return whether it holds; take pictures on the way."""
    checks = Checks(scene, say)

    async def take(what: str, *shots: Callable[[Pictures], Awaitable[None]]) -> None:
        if pictures is not None:
            with checks.claim(f"Pictures of {what}"):
                for shot in shots:
                    await shot(pictures)

    await take("the config flow", Pictures.config_flow)
    with checks.claim("The integration is set up through its config flow", vital=True):
        await scene.set_up_integration()
    with checks.claim("Unknown chargers are discovered", vital=True):
        for charger in scene.everybody:
            await charger.start()
        for charger in scene.everybody:
            await scene.discovered(charger.kind)
    await take("the discovery", Pictures.discovery)
    with checks.claim("They are added through their discovery flows", vital=True):
        await scene.add_chargers()
    with checks.claim("Cards are added, and the car park is for them alone"):
        await scene.admit()
    await checks.devices()
    await checks.charges()
    with checks.claim("Dashboards are made of their entities", vital=True):
        await scene.furnish()
    await checks.visitors()
    await checks.limits()
    await checks.pauses()
    await checks.past()
    if pictures is not None and pictures.publish:
        await scene.live()
    await take("the dashboard", Pictures.dashboard)
    await take("the sessions", Pictures.sessions, Pictures.tariff, Pictures.action)
    await take("the devices", Pictures.devices)
    await take("the energy dashboard", Pictures.energy)
    await take("the integration", Pictures.integration)
    await checks.asks()
    await checks.found()
    await take("the limits", Pictures.limits)
    await checks.restarts()
    await checks.stops()
    await checks.history()
    await checks.goes_dark()
    await checks.access()
    await take("the cards", Pictures.cards)
    checks.log()
    if checks.failed:
        say(f"Home Assistant's log ends:\n{scene.home_assistant.tail()}")
    return not checks.failed
