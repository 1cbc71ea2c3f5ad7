"""What must hold of each charger, whichever version of OCPP it speaks."""

from collections.abc import Callable

from . import DOMAIN, DemoError
from .api import Json, State
from .chargers import Charger
from .stage import PRESETS, Stage

_PHASES = 3
_VOLTAGE = 230
#: What each car draws where nothing limits it, in A.
_CAR = 16
#: What may flow without Home Assistant, in A.
_FALLBACK = 6
_OK = 200

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


class ChargerChecks:
    """The checks of a charger; each raises DemoError where something does not hold."""

    def __init__(self, scene: Stage, charger: Charger) -> None:
        """Check the first connector of a charger whose car has not come yet."""
        self.charger = charger
        self._scene = scene
        self._api = scene.api
        self._kind = charger.kind
        self._register = 0.0
        self._transaction: object = None
        self._energy = 0.0

    async def _entity(self, key: str) -> str:
        return await self._api.find(self._kind.key(1, key))

    async def _value(self, key: str) -> float:
        """Ask for a value in A, W or Wh."""
        return _plain(await self._api.state(await self._entity(key)))

    async def _shows(self, key: str, condition: Callable[[float], bool]) -> None:
        """Wait until Home Assistant shows a value that is as it should be."""
        await self._api.wait_for(
            await self._entity(key),
            lambda state: state.number is not None and condition(_plain(state)),
            _PATIENCE,
        )

    async def _says(
        self, key: str, value: str, connector: int = 1, patience: float = _PATIENCE
    ) -> None:
        entity_id = await self._api.find(self._kind.key(connector, key))
        await self._api.wait_for(
            entity_id, lambda state: state.value == value, patience
        )

    async def _switch(self, key: str, *, on: bool) -> None:
        await self._api.call(
            f"switch.turn_{'on' if on else 'off'}", entity_id=await self._entity(key)
        )

    async def _limit(self, current: float) -> None:
        await self._api.call(
            "number.set_value",
            entity_id=await self._entity("current_limit"),
            value=current,
        )

    async def _flows(self, current: float) -> None:
        """The car draws so much, and Home Assistant shows that."""
        await self._shows("current", lambda value: abs(value - current) < 0.1)
        power = current * _PHASES * _VOLTAGE
        await self._shows("power", lambda value: abs(value - power) < power / 50)
        _expect("The shown current", await self._value("current"), current, 0.1)
        car = await self.charger.connector()
        _expect("The car's current", car["currentA"], current, 0.1)
        _expect("The car's power", car["powerW"], power, power / 50)

    async def _goes_on(self) -> None:
        """The transaction is the one that began."""
        found = (await self.charger.connector())["transactionId"]
        if found != self._transaction:
            raise DemoError(f"The transaction is {found}, not {self._transaction}")

    async def _ask(self, action: str, **data: object) -> Json:
        device = await self._api.device(self._kind.device(0))
        return await self._api.ask(f"{DOMAIN}.{action}", device_id=device["id"], **data)

    # One method for each thing that must hold

    async def is_there(self) -> None:
        """It is connected in its version, and its device says what it is."""
        await self._says("connected", "on", 0)
        device = await self._api.device(self._kind.device(0))
        if device["model"] not in self._kind.arguments:
            raise DemoError(f"Its model is {device['model']}")
        [status] = (await self._ask("get_status"))["charge_points"]
        if status["protocol"] != f"ocpp{self._kind.protocol}":
            raise DemoError(f"It speaks {status['protocol']}")

    async def charges(self) -> None:
        """A card starts a transaction, and its current and power show."""
        self._register = (await self.charger.connector())["energyWh"]
        await self._scene.plug_in(self.charger)
        await self._says("charging", "on")
        for key in ("current", "power"):
            await self._api.wait_for_entity(self._kind.key(1, key), _PATIENCE)
        await self._flows(_CAR)
        self._transaction = (await self.charger.connector())["transactionId"]

    async def limited(self, current: float) -> None:
        """A limit holds, at the car and on the page, which has it from the charger."""
        await self._limit(current)
        await self._flows(current)
        await self._holds(current)

    async def _holds(self, current: float) -> None:
        """The charger's own schedule says what may flow."""
        await self._api.wait_for(
            await self._entity("effective_limit"),
            lambda state: (
                state.number == current and state.attributes["source"] == "composite"
            ),
            _PATIENCE,
        )

    async def preset(self) -> None:
        """A preset is chosen, and it is the limit."""
        select = await self._entity("current_preset")
        for current in PRESETS[:2]:
            await self._api.call(
                "select.select_option", entity_id=select, option=f"{current} A"
            )
            await self._says("current_limit", f"{current:.1f}")
            await self._flows(current)
            await self._holds(current)

    async def fail_safe(self) -> None:
        """It is known whether it comes back to its fallback current without us."""
        await self._api.call(
            "number.set_value",
            entity_id=await self._api.find(self._kind.key(0, "offline_current")),
            value=_FALLBACK,
        )
        await self._api.wait_for_entity(self._kind.key(0, "fail_safe"), _PATIENCE)
        await self._api.wait_for(
            await self._api.find(self._kind.key(0, "fail_safe")),
            lambda state: state.value in ("proven", "unverified"),
            _PATIENCE,
        )

    async def pauses(self) -> None:
        """Pausing stops the current, and the transaction goes on."""
        await self._switch("paused", on=True)
        await self._shows("current", lambda value: value == 0)
        await self._says("status", "suspended_evse")
        car = await self.charger.connector()
        _expect("The car's current", car["currentA"], 0, 0)
        await self._goes_on()
        await self._says("charging", "on")

    async def resumes(self, current: float) -> None:
        """Resuming lets it flow again, up to the limit."""
        await self._switch("paused", on=False)
        await self._flows(current)

    async def configuration(self) -> None:
        """It tells its settings."""
        name, value = self._kind.setting
        for keys in ([], [name]):
            answer = await self._ask("get_configuration", keys=keys)
            settings = {one["key"]: one["value"] for one in answer["known"]}
            if settings.get(name) != value or answer["unknown"]:
                raise DemoError(f"Asked for {keys or 'all'}: {answer}")

    async def diagnostics(self) -> None:
        """Asked for its log files it sends one, and whoever has the link gets it."""
        answer = await self._ask("get_diagnostics")

        async def fetched() -> tuple[int, str]:
            return await self._api.download(answer["url"])

        _, text = await self._api.poll(
            fetched, lambda file: file[0] == _OK, _PATIENCE, "The file"
        )
        if not text:
            raise DemoError("The file is empty")
        files = (await self._ask("get_uploaded_files"))["files"]
        name = answer.get("fileName", answer.get("filename"))
        if name not in [one["file"] for one in files]:
            raise DemoError(f"{answer} is not among {files}")

    async def before_restart(self) -> None:
        """Note what must not be lost."""
        # Whatever the charger said before has been worked off when this is seen.
        self._energy = await self._value("session_energy")

    async def after_restart(self) -> None:
        """The charging session goes on after a restart of Home Assistant."""
        energy = await self._entity("session_energy")
        await self._api.wait_for(energy, lambda state: state.known, _PATIENCE)
        after = await self._value("session_energy")
        if after < self._energy:
            raise DemoError(f"The session energy fell from {self._energy} to {after}")
        # Its own pause before it dials again may be longer by now.
        await self.charger.do("reconnect")
        await self._says("charging", "on")
        await self._shows("session_energy", lambda value: value > after)
        await self._goes_on()
        car = await self.charger.connector()
        await self._adds_up(car["energyWh"], tolerance=30)

    async def _adds_up(self, register: float, tolerance: float) -> None:
        """The session is what the register of the charger has gained since its start."""
        await self._shows(
            "session_energy",
            lambda value: abs(value - (register - self._register)) <= tolerance,
        )

    async def stops(self) -> None:
        """Switching charging off ends the transaction."""
        await self._switch("charging", on=False)
        await self._says("charging", "off")
        await self._shows("power", lambda value: value == 0)
        car = await self.charger.connector()
        _expect("The car's power", car["powerW"], 0, 0)
        if car["transactionId"] is not None:
            raise DemoError(f"Transaction {car['transactionId']} goes on")

    async def session_energy(self) -> None:
        """The session energy is what the charger's register gained."""
        register = (await self.charger.connector())["energyWh"]
        await self._adds_up(register, tolerance=1)
        # The charger's own display cuts off what Home Assistant rounds.
        await self._shows("energy", lambda value: -1 <= register - value <= 20)
        if await self._value("energy") <= self._register:
            raise DemoError(f"The lifetime energy was {self._register} Wh before")

    async def goes_dark(self) -> None:
        """What a dead charger said is unavailable at once; the wish for it is kept."""
        status = await self._entity("status")
        await self._api.wait_for(status, lambda state: state.known, _PATIENCE)
        await self.charger.kill()
        await self._says("status", "unavailable", patience=_PROMPT)
        await self._says("connected", "off", 0, _PROMPT)

    async def carries_out(self, current: float) -> None:
        """It is back when it has power, and does what was wished for meanwhile."""
        await self._limit(current)
        await self.charger.start()
        await self._says("connected", "on", 0)
        await self._api.poll(
            lambda: self.charger.do("status"),
            lambda status: bool(status["accepted"]),
            _PATIENCE,
            "Booting",
        )
        await self._scene.plug_in(self.charger)
        await self._says("charging", "on")
        await self._flows(current)
