"""A Home Assistant with the central system, and charge points that dial in."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry, ConfigSubentryData
from homeassistant.const import MATCH_ALL
from homeassistant.core import Event, HomeAssistant, State, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.ocpp_central.const import DOMAIN
from custom_components.ocpp_central.csms.timing import Timing
from simulator import Charger, ManualClock
from tests.csms.common import Charger as RawCharger, bring_up

# Nothing waits for long, and nothing happens that a test did not ask for.
NEVER = 86_400.0
TIMING = Timing(
    call=NEVER,
    ping=NEVER,
    silence=NEVER,
    close=1,
    boot_grace=0,
    no_boot=NEVER,
    quiet=0,
    pace=0,
    reboot=NEVER,
    settle=NEVER,
)


def charge_point(
    identity: str = "GARAGE", name: str = "Garage", **more: Any
) -> ConfigSubentryData:
    """Return a charge point as the user would have added it."""
    return ConfigSubentryData(
        data={
            "identity": identity,
            "name": name,
            "phases": 3,
            "nominal_voltage": 230,
            "installation_current": 32,
            "meter_interval": 30,
            "keep_alive": True,
            **more,
        },
        subentry_type="charge_point",
        title=name,
        unique_id=f"charge_point:{identity.casefold()}",
    )


def config_entry(
    port: int, *charge_points: ConfigSubentryData, **more: Any
) -> MockConfigEntry:
    """Return a central system as the user would have set it up."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Central system",
        unique_id=DOMAIN,
        data={
            "listen": True,
            "port": port,
            "serve_on_home_assistant": True,
            **more,
        },
        subentries_data=charge_points,
    )


@asynccontextmanager
async def port_taken(port: int) -> AsyncGenerator[None]:
    """Be another program that has a port."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    async with server:
        yield


def proposals(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form proposes, in sections or not."""
    values: dict[str, Any] = {}
    for key, value in result["data_schema"].schema.items():
        if hasattr(value, "schema"):
            values |= proposals({"data_schema": value.schema})
        elif key.description:
            values[str(key)] = key.description["suggested_value"]
        elif callable(key.default):
            values[str(key)] = key.default()
    return values


async def until(hass: HomeAssistant, condition: Callable[[], bool]) -> None:
    """Wait for a condition, looked at after each event of Home Assistant."""
    event = asyncio.Event()

    @callback
    def changed(_event: Event[Any]) -> None:
        event.set()

    unsubscribe = hass.bus.async_listen(MATCH_ALL, changed)
    try:
        while not condition():
            event.clear()
            await event.wait()
    finally:
        unsubscribe()


@dataclass
class System:
    """The central system of one config entry, and who dials in."""

    hass: HomeAssistant
    port: int
    clock: ManualClock
    entry: ConfigEntry
    chargers: list[Charger] = field(default_factory=list)
    raw_chargers: list[RawCharger] = field(default_factory=list)
    sessions: list[ClientSession] = field(default_factory=list)
    scheme: str = "ws"

    # Home Assistant

    async def set_up(self) -> None:
        """Set up the config entry."""
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.hass.async_block_till_done()

    async def restart(self) -> None:
        """Unload the config entry and set it up again."""
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)
        await self.hass.async_block_till_done()
        await self.set_up()

    def find(
        self, platform: str, key: str, connector: int = 1, identity: str = "GARAGE"
    ) -> str | None:
        """Return the entity id of a connector (0: the charge point), if there is one."""
        return er.async_get(self.hass).async_get_entity_id(
            platform, DOMAIN, f"{identity.casefold()}_{connector}_{key}"
        )

    def id(self, *args: Any, **kwargs: Any) -> str:
        """Return the entity id of a connector (0: the charge point)."""
        entity_id = self.find(*args, **kwargs)
        assert entity_id is not None, (args, kwargs)
        return entity_id

    def state(self, *args: Any, **kwargs: Any) -> State:
        """Return the state of an entity."""
        state = self.hass.states.get(self.id(*args, **kwargs))
        assert state is not None, (args, kwargs)
        return state

    def value(self, *args: Any, **kwargs: Any) -> str:
        """Return the state of an entity, in one word."""
        return self.state(*args, **kwargs).state

    def number(self, *args: Any, **kwargs: Any) -> float:
        """Return the state of an entity, as a number."""
        return float(self.value(*args, **kwargs))

    def device(self, connector: int = 0, identity: str = "GARAGE") -> str:
        """Return the id of a device."""
        registry = dr.async_get(self.hass)
        identifier = (DOMAIN, f"{identity.casefold()}_{connector}")
        device = registry.async_get_device_by_identifier(
            identifier, self.entry.entry_id
        ) or registry.async_get_child_device_by_identifier(
            identifier, self.entry.entry_id
        )
        assert device is not None, identifier
        return device.id

    async def act(
        self,
        action: str,
        /,
        *,
        response: bool = False,
        domain: str = DOMAIN,
        **data: Any,
    ) -> Any:
        """Perform an action, by default one of ours on the charge point's device."""
        if domain == DOMAIN and action != "get_status":
            data.setdefault("device_id", self.device())
        return await self.hass.services.async_call(
            domain, action, data, blocking=True, return_response=response
        )

    async def set(
        self, platform: str, key: str, value: Any = None, **where: Any
    ) -> Any:
        """Operate an entity as a user would."""
        action, data = {
            "switch": ("turn_on" if value else "turn_off", {}),
            "number": ("set_value", {"value": value}),
            "button": ("press", {}),
            "select": ("select_option", {"option": value}),
        }[platform]
        return await self.act(
            action, domain=platform, entity_id=self.id(platform, key, **where), **data
        )

    # Charge points

    @property
    def url(self) -> str:
        """Return the address of our own listener."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def charger(self, identity: str = "GARAGE", **options: Any) -> Charger:
        """Make a simulated charge point, not started yet."""
        options.setdefault("clock", self.clock)
        charger = Charger(self.url, identity, **options)
        self.chargers.append(charger)
        return charger

    async def connect(self, identity: str = "GARAGE", **options: Any) -> Charger:
        """Have a simulated charge point connect and come to rest."""
        charger = self.charger(identity, **options)
        await charger.start()
        await self.rest()
        return charger

    async def dial(self, identity: str = "GARAGE", **options: Any) -> RawCharger:
        """Open a socket that only says what it is told to."""
        session = ClientSession()
        self.sessions.append(session)
        options.setdefault("protocols", ("ocpp1.6",))
        socket = await session.ws_connect(
            f"{self.url}/{identity}", autoping=False, **options
        )
        charger = RawCharger(socket)
        self.raw_chargers.append(charger)
        return charger

    async def rest(self) -> None:
        """Wait until all that chargers have brought about is done."""
        for charger in self.chargers:
            await charger.settle()
            await bring_up(charger.identity)
            await charger.settle()
        await self.hass.async_block_till_done()

    async def advance(self, freezer: FrozenDateTimeFactory, seconds: float) -> None:
        """Let time pass for everybody."""
        while seconds > 0:
            step = min(30.0, seconds)
            seconds -= step
            freezer.tick(step)
            async_fire_time_changed(self.hass)
            await self.clock.advance(step)
        await self.rest()

    async def close(self) -> None:
        """Send everybody home."""
        for charger in self.chargers:
            await charger.stop()
        for raw_charger in self.raw_chargers:
            await raw_charger.close()
        for session in self.sessions:
            await session.close()
        await self.hass.async_block_till_done()
