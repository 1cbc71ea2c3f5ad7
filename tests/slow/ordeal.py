"""Home Assistant, killed again and again while chargers charge."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from aiohttp import ClientSession

from demo import DemoError, flows
from demo.api import Api
from demo.home_assistant import HomeAssistant, check_port

from . import Wrong
from .charger import ONLINE, START, STOP, Charger
from .verdict import examine

_DATABASE = "ocpp_central.db"
_PROGRAM = Path(__file__).with_name("boot.py")
_CONFIGURATION = """\
config:
onboarding:
logger:
  default: warning
  logs:
    homeassistant.components.http: info
"""
#: Without a frontend, this comes last.
_READY = "[homeassistant.components.http.server] Now listening"

#: Charge points, and how many connectors each has.
_CHARGERS = {"GARAGE": 1, "Yard": 1, "carpark": 2, "DEPOT-7": 3}
_PASSWORD = "hurry-hurry"

#: When to kill: while it starts, at any time after, or just after a charger said this.
_BOOT, _ANY = "boot", "any"
_MOMENTS = (_BOOT, _ANY, START, STOP, START, STOP)
#: How long a Home Assistant may live after the first charger is back, in seconds.
_LIFE = 1.0
#: How soon after something was said, in seconds: a commit and its answer take so long.
_SOON = 0.01
#: Up to how many times it is said before.
_TIMES = 20

#: How long anything may take, in seconds.
_PATIENCE = 90.0


class Ear:
    """Hears what happens at the chargers, for one who waits for it."""

    def __init__(self) -> None:
        """Wait for nothing."""
        self._what = ""
        self._times = 0
        self._heard = asyncio.Event()

    def hear(self, what: str) -> None:
        """Take note of something."""
        if what == self._what:
            self._times -= 1
            if self._times <= 0:
                self._heard.set()

    async def wait_for(self, what: str, times: int = 1) -> None:
        """Wait until something has happened so often from now on."""
        self._what, self._times = what, times
        self._heard.clear()
        await self._heard.wait()


@dataclass
class Figures:
    """What has happened."""

    sessions: int = 0
    kills: int = 0
    kills_during_boot: int = 0
    starts_in_flight: int = 0
    stops_in_flight: int = 0
    #: Those found committed after a kill, of which the charger had not been told.
    starts_untold: int = 0
    stops_untold: int = 0
    starts_repeated: int = 0
    stops_repeated: int = 0
    hang_ups: int = 0


class Ordeal:
    """A Home Assistant and its chargers."""

    def __init__(
        self, folder: Path, http: ClientSession, seed: int, say: Callable[[str], None]
    ) -> None:
        """Use a folder; the seed decides when to kill, and what chargers do."""
        self._folder = folder
        self._http = http
        self._say = say
        self._random = Random(seed)
        self._moments: list[str] = []
        self._boot_time = 2.0
        self._counts = Figures()
        self._port, self._ocpp_port = _free_port(), _free_port()
        self._life = self._next_life()
        self._ear = Ear()
        self._chargers = [
            Charger(
                identity,
                connectors,
                url=f"ws://127.0.0.1:{self._ocpp_port}",
                password=_PASSWORD,
                seed=str(seed),
                heard=self._ear.hear,
            )
            for identity, connectors in _CHARGERS.items()
        ]

    def _next_life(self) -> HomeAssistant:
        return HomeAssistant(
            self._folder / "config",
            self._port,
            configuration=_CONFIGURATION,
            program=(_PROGRAM, "--skip-pip"),
            ready=_READY,
            environment={
                # Half of the time it takes to start, otherwise.
                "PYTHONDONTWRITEBYTECODE": "",
                "PYTHONPYCACHEPREFIX": str(self._folder / "bytecode"),
            },
        )

    @property
    def log(self) -> str:
        """The end of Home Assistant's log."""
        return self._life.tail()

    @property
    def figures(self) -> Figures:
        """What has happened so far."""
        counts = self._counts
        sessions = [one for charger in self._chargers for one in charger.sessions]
        counts.sessions = sum(one.starts_sent > 0 for one in sessions)
        counts.starts_untold = sum(one.stored is not None for one in sessions)
        counts.stops_untold = sum(one.stop_stored for one in sessions)
        counts.starts_repeated = sum(one.starts_sent > 1 for one in sessions)
        counts.stops_repeated = sum(one.stops_sent > 1 for one in sessions)
        counts.hang_ups = sum(charger.hang_ups for charger in self._chargers)
        return counts

    async def run(self, rounds: int) -> None:
        """Kill so often, then let all come to its end. Raises Wrong, or a group of it."""
        try:
            await self._run(rounds)
        finally:
            # Whatever has happened, its log is to be read to the end.
            await self._life.stop()

    async def _run(self, rounds: int) -> None:
        async with asyncio.timeout(_PATIENCE):
            await self._set_up()
        async with asyncio.TaskGroup() as group:
            charging = [
                group.create_task(charger.run(self._http)) for charger in self._chargers
            ]
            for number in range(1, rounds + 1):
                async with asyncio.timeout(_PATIENCE):
                    await self._round(number)
            async with asyncio.timeout(_PATIENCE):
                await self._settle(charging)

    async def _set_up(self) -> None:
        """Add the integration and the charge points, as a user would."""
        life = self._life
        life.prepare()
        await life.start()
        api = Api(self._http, life.url)
        await api.onboard("Owner", "owner", "owner")
        entry_id = await flows.set_up(
            api, {"user": {"port": self._ocpp_port}, "connect": {}}
        )
        for identity in _CHARGERS:
            await flows.add_by_hand(
                api,
                entry_id,
                {"identity": identity, "name": identity, "password": _PASSWORD},
            )
        # What Home Assistant itself has not written yet is not what is tested here.
        await life.stop()

    async def _round(self, number: int) -> None:
        moment = self._next_moment()
        life = self._life = self._next_life()
        await life.launch()
        await self._while_alive(self._wait(moment))
        in_flight = Counter(charger.unanswered for charger in self._chargers)
        await life.kill()
        # Answers that are on their way still arrive.
        for charger in self._chargers:
            await charger.offline.wait()
        counts = self._counts
        counts.kills += 1
        counts.kills_during_boot += moment == _BOOT
        counts.starts_in_flight += in_flight[START]
        counts.stops_in_flight += in_flight[STOP]
        self._judge(settled=False)
        self._say(
            f"{number}: killed, {moment}; {in_flight[START]} starts and"
            f" {in_flight[STOP]} stops in flight; {self.figures.sessions} sessions"
        )

    async def _settle(self, charging: list[asyncio.Task[None]]) -> None:
        """Let every charger say what it has to say, and stop in good order."""
        life = self._life = self._next_life()
        await life.launch()
        for charger in self._chargers:
            charger.finish()
        await self._while_alive(asyncio.wait(charging))
        await life.stop()
        self._judge(settled=True)
        if (self._folder / "config" / f"{_DATABASE}-wal").exists():
            raise Wrong("The ledger was not closed")

    def _next_moment(self) -> str:
        """Draw a moment to kill; all come up equally often."""
        if not self._moments:
            self._moments = self._random.sample(_MOMENTS, len(_MOMENTS))
        return self._moments.pop()

    async def _wait(self, moment: str) -> None:
        """Wait for the moment to kill."""
        random = self._random
        if moment == _BOOT:
            # Nothing of ours happens in the first half.
            await asyncio.sleep(self._boot_time * random.uniform(0.5, 1.1))
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._ear.wait_for(ONLINE)
        self._boot_time = loop.time() - began
        if moment == _ANY:
            await asyncio.sleep(random.uniform(0, _LIFE))
        else:
            await self._ear.wait_for(moment, random.randint(1, _TIMES))
            await asyncio.sleep(random.uniform(0, _SOON))

    async def _while_alive(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Wait, unless Home Assistant ends by itself. Raises DemoError then."""
        waiting = asyncio.create_task(coroutine)
        ending = asyncio.create_task(self._life.ended())
        try:
            done, _ = await asyncio.wait(
                {waiting, ending}, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
        finally:
            waiting.cancel()
            ending.cancel()

    def _judge(self, *, settled: bool) -> None:
        """Compare. Raises Wrong."""
        database = self._folder / "config" / _DATABASE
        wrongs = examine(database, self._chargers, settled=settled)
        wrongs += self._life.complaints("ERROR", "CRITICAL")
        if wrongs:
            raise Wrong("\n".join(wrongs))


def _free_port() -> int:
    """A port that nobody gets for an outgoing connection while it is not in use."""
    while True:
        port = SystemRandom().randrange(20_000, 32_000)
        try:
            check_port(port)
        except DemoError:
            continue
        return port
