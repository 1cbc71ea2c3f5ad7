"""What must hold, seen through Home Assistant and at the chargers."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
import time

from . import DOMAIN, DemoError
from .api import State
from .check_access import AccessChecks
from .check_sessions import SessionChecks
from .pictures import Pictures
from .stage import Stage

_PHASES = 3
_VOLTAGE = 230

#: How long Home Assistant may take to show what a command brought about, in seconds:
#: a few meter values, while the car changes its current by 2 A/s.
_PATIENCE = 30.0
#: How long it may go on showing facts of a charger that is gone.
_PROMPT = 2.0

_SCALE = {"A": 1, "W": 1, "kW": 1000, "Wh": 1, "kWh": 1000, "MWh": 1_000_000}


def _plain(state: State) -> float:
    """The value of a sensor in A, W or Wh."""
    if state.number is None:
        raise DemoError(f"This is no number: {state.value}")
    return state.number * _SCALE[state.attributes["unit_of_measurement"]]


def _expect(what: str, found: float, expected: float, tolerance: float) -> None:
    if abs(found - expected) > tolerance:
        raise DemoError(f"{what} is {found:g}, not {expected:g}")


class Checks:
    """The checks, one after the other; a failed one does not hold up the others."""

    def __init__(self, scene: Stage, say: Callable[[str], None]) -> None:
        """Check a scene that was not set up yet."""
        self._scene = scene
        self._api = scene.api
        self._say = say
        self._register = 0
        self._access = AccessChecks(scene)
        self._sessions = SessionChecks(scene)
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

    async def _garage(self, key: str) -> str:
        return await self._api.find(self._scene.garage.kind.key(1, key))

    async def _value(self, key: str) -> float:
        """Ask for a value of the garage in A, W or Wh."""
        return _plain(await self._api.state(await self._garage(key)))

    async def _shows(self, key: str, condition: Callable[[float], bool]) -> None:
        """Wait until Home Assistant shows a value of the garage that is as it should be."""
        await self._api.wait_for(
            await self._garage(key),
            lambda state: state.number is not None and condition(_plain(state)),
            _PATIENCE,
        )

    async def _says(self, key: str, value: str) -> None:
        await self._api.wait_for(
            await self._garage(key), lambda state: state.value == value, _PATIENCE
        )

    # One method for each thing that must hold

    async def charges(self) -> None:
        """The car in the garage charges, and Home Assistant shows how."""
        scene = self._scene
        self._register = (await scene.garage.connector())["energyWh"]
        await scene.plug_in()
        with self.claim("A card starts a transaction, and its current and power show"):
            await self._says("charging", "on")
            for key in ("current", "power"):
                await self._api.wait_for_entity(
                    scene.garage.kind.key(1, key), _PATIENCE
                )
            await self._flows(16)

    async def _flows(self, current: float) -> None:
        """The car draws so much, and Home Assistant shows that."""
        await self._shows("current", lambda value: abs(value - current) < 0.1)
        power = current * _PHASES * _VOLTAGE
        await self._shows("power", lambda value: abs(value - power) < power / 50)
        _expect("The shown current", await self._value("current"), current, 0.1)
        car = await self._scene.garage.connector()
        _expect("The car's current", car["currentA"], current, 0.1)
        _expect("The car's power", car["powerW"], power, power / 50)

    async def child_devices(self) -> None:
        """A charger with more than one connector has a device for each."""
        kind = self._scene.car_park.kind
        with self.claim(f"{kind.name} has a child device for each connector"):
            station = await self._api.device(kind.device(0))
            if station["model"] not in kind.arguments:
                raise DemoError(f"Its model is {station['model']}")
            for number in range(1, kind.connectors + 1):
                child = await self._api.device(kind.device(number))
                if child["parent_device_id"] != station["id"]:
                    raise DemoError(f"{child['name']} is no child of {kind.name}")

    async def limits(self) -> None:
        """A limit slows the car down, another lets it charge faster."""
        limit = await self._garage("current_limit")
        for current, what in ((8, "slows the car down"), (13, "speeds it up again")):
            with self.claim(f"A current limit of {current} A {what}"):
                await self._api.call("number.set_value", entity_id=limit, value=current)
                await self._flows(current)

    async def pauses(self) -> None:
        """Pausing stops the current and keeps the transaction."""
        paused = await self._garage("paused")
        with self.claim("Pausing stops the current, and the transaction goes on"):
            before = await self._scene.garage.connector()
            await self._api.call("switch.turn_on", entity_id=paused)
            await self._shows("current", lambda value: value == 0)
            await self._says("status", "suspended_evse")
            car = await self._scene.garage.connector()
            _expect("The car's current", car["currentA"], 0, 0)
            _expect("The transaction", car["transactionId"], before["transactionId"], 0)
            await self._says("charging", "on")
        with self.claim("Resuming lets it flow again, up to the limit"):
            await self._api.call("switch.turn_off", entity_id=paused)
            await self._flows(13)

    async def access(self) -> None:
        """Who may charge is up to Home Assistant, and it can ask a charger for much."""
        access = self._access
        with self.claim("The car park takes only cards that are known"):
            await access.mode()
        with self.claim("A blocked card is refused, and the event tells"):
            await access.blocked()
        with self.claim("An unknown card is refused, and offered to be added"):
            await access.unknown()
        with self.claim("A connector is reserved for a card, until it is called off"):
            await access.reserved()
        with self.claim("The REST API answers whoever has the key"):
            await access.rest_api()
        with self.claim("A charger's log files can be downloaded"):
            await access.diagnostics()
        with self.claim("A charger tells its settings"):
            await access.configuration()
        with self.claim("Entities that are off at first can be switched on"):
            await access.switch_on()

    async def known_card(self) -> None:
        """What was switched on is there, and somebody charges with a card."""
        with self.claim("Entities that were switched on say what happens"):
            await self._access.switched_on()
        with self.claim("A known card starts a session of its owner, and ends it"):
            await self._access.known()

    async def restarts(self) -> None:
        """Home Assistant restarts while a car charges."""
        scene, system = self._scene, self._scene.home_assistant
        with self.claim("A restart of Home Assistant keeps the charging session"):
            before = await scene.garage.connector()
            # Whatever the charger said before has been worked off when this is seen.
            shown = await self._value("session_energy")
            await self._api.close()
            starts = system.starts
            await self._api.call("homeassistant.restart")
            await system.started(starts + 1)
            await self._api.connect()
            energy = await self._garage("session_energy")
            await self._api.wait_for(energy, lambda state: state.known, _PATIENCE)
            after = await self._value("session_energy")
            if after < shown:
                raise DemoError(f"The session energy fell from {shown} to {after} Wh")
            # Its own pause before it dials again may be longer by now.
            await scene.garage.do("reconnect")
            await scene.car_park.do("reconnect")
            await self._says("charging", "on")
            await self._shows("session_energy", lambda value: value > after)
            car = await scene.garage.connector()
            _expect("The transaction", car["transactionId"], before["transactionId"], 0)
            await self._adds_up(car["energyWh"], tolerance=30)

    async def _adds_up(self, register: float, tolerance: float) -> None:
        """The session is what the register of the charger has gained since its start."""
        await self._shows(
            "session_energy",
            lambda value: abs(value - (register - self._register)) <= tolerance,
        )

    async def stops(self) -> None:
        """Switching charging off ends the transaction."""
        before = await self._value("energy")
        with self.claim("Switching charging off ends the transaction"):
            charging = await self._garage("charging")
            await self._api.call("switch.turn_off", entity_id=charging)
            await self._says("charging", "off")
            await self._shows("power", lambda value: value == 0)
            car = await self._scene.garage.connector()
            _expect("The car's power", car["powerW"], 0, 0)
            if car["transactionId"] is not None:
                raise DemoError(f"Transaction {car['transactionId']} goes on")
        register = (await self._scene.garage.connector())["energyWh"]
        with self.claim("The session energy is what the charger's register gained"):
            await self._adds_up(register, tolerance=1)
        with self.claim("The lifetime energy went up with it, but for the last sample"):
            await self._shows("energy", lambda value: 0 <= register - value <= 20)
            if await self._value("energy") <= self._register:
                raise DemoError(f"It was {self._register} Wh before, and {before} Wh")

    async def goes_dark(self) -> None:
        """A charger that is gone says nothing any more."""
        charger = self._scene.car_park
        status = await self._api.find(charger.kind.key(1, "status"))
        with self.claim("What a dead charger said is unavailable at once"):
            await self._api.wait_for(status, lambda state: state.known, _PATIENCE)
            await charger.kill()
            await self._api.wait_for(
                status, lambda state: state.value == "unavailable", _PROMPT
            )
        with self.claim("It is back when the charger is"):
            await charger.start()
            await charger.do("plug 1")
            await self._api.wait_for(
                status, lambda state: state.value == "preparing", _PATIENCE
            )

    async def past(self) -> None:
        """There are sessions of the past, and what they cost."""
        sessions = self._sessions
        with self.claim("The past sessions cost what they must, and the totals add up"):
            await sessions.cost()
        with self.claim("The running session costs what its energy does"):
            await sessions.live_cost()
        with self.claim("The table of the guide shows the newest sessions and months"):
            await sessions.table()
        with self.claim("An export downloads with its link, and holds all sessions"):
            await sessions.export()
        with self.claim("Long-term statistics have each charger's energy and cost"):
            await sessions.statistics()

    async def history(self) -> None:
        """The session that has ended is past as well."""
        with self.claim("The session that ended is in the table, with what it cost"):
            await self._sessions.newest()
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
        for charger in scene.chargers:
            await charger.start()
        for charger in scene.chargers:
            await scene.discovered(charger.kind)
    await take("the discovery", Pictures.discovery)
    with checks.claim("They are added through their discovery flows", vital=True):
        await scene.add_chargers()
    with checks.claim("Cards are added, and the car park is for them alone"):
        await scene.admit()
    await checks.child_devices()
    await checks.charges()
    with checks.claim("Dashboards are made of their entities", vital=True):
        await scene.furnish()
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
    await checks.access()
    await take("the cards", Pictures.cards)
    await checks.restarts()
    await checks.stops()
    await checks.history()
    await checks.goes_dark()
    await checks.known_card()
    checks.log()
    if checks.failed:
        say(f"Home Assistant's log ends:\n{scene.home_assistant.tail()}")
    return not checks.failed
