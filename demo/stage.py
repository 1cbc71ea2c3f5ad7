"""The scene: Home Assistant, the integration in it, and chargers that found it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import ClientSession, ClientTimeout

from . import DOMAIN, DemoError, flows
from .api import Api
from .cards import ADDED, ANNA, API_KEY, BEN
from .chargers import CAR_PARK, CARPORT, COURTYARD, GARAGE, GUEST, Charger, Kind
from .dashboard import furnish
from .guide import configuration
from .home_assistant import HomeAssistant, free_port
from .past import CARD, CURRENCY, HOURLY_PRICES, Past, invent, record

NAME = "Demo"
USERNAME = "demo"
PASSWORD = "demo"

#: Who charges where.
_CARDS = {GARAGE: CARD, CAR_PARK: BEN.token, CARPORT: ANNA.token}

#: What a supplier with hourly prices brings.
_PRICE_ENTITY = "sensor.electricity_price"
_PRICE = f"""\
template:
  - sensor:
      - name: Electricity price
        unique_id: electricity_price
        unit_of_measurement: {CURRENCY}/kWh
        state_class: measurement
        icon: mdi:cash-clock
        state: "{{{{ {list(HOURLY_PRICES)}[utcnow().hour] }}}}"
"""

#: How often a charger shall measure, in seconds: the demo is to look alive.
_METER_INTERVAL = 5

#: The currents to choose from, in A.
PRESETS = (8, 13, 16)

#: What visitors may draw, in A.
VISITORS = 10

#: How long each change of the limit lasts, where there is time, in seconds.
_EPISODE = 60.0

#: How long a charger may take to be discovered, or to tell what it is doing, in seconds.
_PATIENCE = 60.0


@dataclass
class Stage:
    """Everything there is."""

    folder: Path
    http: ClientSession
    home_assistant: HomeAssistant
    api: Api
    ocpp_port: int
    garage: Charger
    car_park: Charger
    carport: Charger
    guest: Charger
    courtyard: Charger
    past: Past
    entry_id: str = ""

    @property
    def chargers(self) -> tuple[Charger, ...]:
        """The chargers that do as they are told."""
        return self.garage, self.car_park, self.carport

    @property
    def everybody(self) -> tuple[Charger, ...]:
        """All chargers."""
        return *self.chargers, self.guest, self.courtyard

    @property
    def rest_api(self) -> str:
        """Where scripts ask."""
        return f"http://127.0.0.1:{self.ocpp_port}/API"

    async def set_up_integration(self) -> None:
        """Add the integration: a port, the address to type in, and the options."""
        self.entry_id = await flows.set_up(
            self.api, {"user": {"port": self.ocpp_port}, "connect": {}}
        )
        await flows.configure(
            self.api,
            self.entry_id,
            {
                "init": {"tariff": "price_entity", "api_key": API_KEY},
                "price_entity": {"price_entity": _PRICE_ENTITY},
            },
        )

    async def discovered(self, kind: Kind) -> str:
        """Wait for the card of a charger, and return the id of its flow."""
        return await self.api.wait_for_discovery(kind.identity, _PATIENCE)

    async def add_chargers(self) -> None:
        """Add the chargers that were discovered, and wait until they have settled in."""
        for charger in self.everybody:
            kind = charger.kind
            # Where only some may charge, they may while Home Assistant is away.
            advanced = {"sync_local_list": True} if kind is CAR_PARK else {}
            await flows.add_discovered(
                self.api,
                await self.discovered(kind),
                {"name": kind.name, "installation_current": kind.max_current},
            )
            await flows.reconfigure(
                self.api,
                self.entry_id,
                kind.name,
                {
                    "advanced": {
                        "meter_interval": _METER_INTERVAL,
                        "current_presets": [str(current) for current in PRESETS],
                        **advanced,
                    }
                },
            )
        await asyncio.gather(*(self._settled(charger) for charger in self.everybody))

    async def admit(self) -> None:
        """Anybody may charge in the garage; in the car park, those whose cards are known."""
        for card in ADDED:
            await flows.add_card(self.api, self.entry_id, card.answers)
        await self.api.call(
            "select.select_option",
            entity_id=await self.api.find(CAR_PARK.key(0, "access_mode")),
            option="known_tokens",
        )

    async def _settled(self, charger: Charger) -> None:
        kind = charger.kind
        for number in range(1, kind.connectors + 1):
            status = await self.api.wait_for_entity(
                kind.key(number, "status"), _PATIENCE
            )
            await self.api.wait_for(status, lambda state: state.known, _PATIENCE)

    async def plug_in(self, charger: Charger) -> None:
        """A car comes to the first connector of a charger, and is charged."""
        await charger.do("plug 1")
        reply = await charger.do(f"swipe {_CARDS.get(charger.kind, CARD)} 1")
        if reply["status"] != "Accepted":
            raise DemoError(f"{charger.kind.name} says {reply['status']} to the card")

    async def populate(self) -> None:
        """Two cars charge, one waits; the fourth place is free."""
        await self.plug_in(self.garage)
        await self.plug_in(self.carport)
        await self.car_park.do("plug 1")
        # Visitors, whose limits hold in their own way, or not at all.
        await self.limit_visitors()

    async def limit_visitors(self) -> None:
        """Cars come to the odd chargers, which are given a ceiling."""
        await self.plug_in(self.guest)
        await self.ceiling(self.guest, VISITORS)
        # It would refuse at once; what is wished for meanwhile, it does when it is back.
        await self.courtyard.kill()
        await self.ceiling(self.courtyard, VISITORS)
        await self.courtyard.start()

    async def ceiling(self, charger: Charger, current: float) -> None:
        """Set what a charger may draw at most."""
        await self.api.call(
            "number.set_value",
            entity_id=await self.api.find(charger.kind.key(0, "maximum_current")),
            value=current,
        )

    async def live(self) -> None:
        """Let some minutes pass in the garage, so that there is a past to look at."""
        limit = await self.api.find(self.garage.kind.key(1, "current_limit"))
        paused = await self.api.find(self.garage.kind.key(1, "paused"))
        for current in (16, 10, 14, 0, 12, 8, 13):
            action = "switch.turn_off" if current else "switch.turn_on"
            await self.api.call(action, entity_id=paused)
            if current:
                await self.api.call("number.set_value", entity_id=limit, value=current)
            await asyncio.sleep(_EPISODE)

    async def furnish(self) -> str:
        """Make the dashboards, and return the path of the main one."""
        kinds = [charger.kind for charger in self.chargers]
        for kind in kinds:
            for number in range(1, kind.connectors + 1):
                await self._meter(kind, number)
        # As somebody does who follows the guide.
        self.home_assistant.add_package("sessions", configuration("template"))
        await self.api.call("template.reload")
        return await furnish(self.api, kinds, self.past)

    async def _meter(self, kind: Kind, connector: int) -> None:
        """Have a connector tell what its meter shows, even without a car."""
        device = await self.api.device(kind.device(0))
        await self.api.call(
            f"{DOMAIN}.trigger_message",
            device_id=device["id"],
            message="MeterValues",
            connector=connector,
        )
        for key in ("energy", "power", "current"):
            await self.api.wait_for_entity(kind.key(connector, key), _PATIENCE)


@asynccontextmanager
async def stage(port: int | None) -> AsyncIterator[Stage]:
    """Start a Home Assistant with one user; leave nothing behind afterwards."""
    async with AsyncExitStack() as stack:
        folder = Path(
            stack.enter_context(TemporaryDirectory(prefix="ocpp-central-demo-"))
        )
        home_assistant = HomeAssistant(folder / "config", port or free_port())
        home_assistant.prepare()
        home_assistant.add_package("price", _PRICE)
        home_assistant.add_package("recorder", configuration("recorder"))
        past = invent(datetime.now(UTC))
        await record(past, home_assistant.ledger)
        stack.push_async_callback(home_assistant.stop)
        try:
            await home_assistant.start()
            http = await stack.enter_async_context(
                ClientSession(timeout=ClientTimeout(total=_PATIENCE))
            )
            api = Api(http, home_assistant.url)
            await api.onboard(NAME, USERNAME, PASSWORD)
            await api.connect()
            stack.push_async_callback(api.close)
            ocpp_port = free_port()
            garage, car_park, carport, guest, courtyard = (
                Charger(
                    kind, f"ws://127.0.0.1:{ocpp_port}", folder / f"{kind.identity}.log"
                )
                for kind in (GARAGE, CAR_PARK, CARPORT, GUEST, COURTYARD)
            )
            for charger in (garage, car_park, carport, guest, courtyard):
                stack.push_async_callback(charger.stop)
            yield Stage(
                folder=folder,
                http=http,
                home_assistant=home_assistant,
                api=api,
                ocpp_port=ocpp_port,
                garage=garage,
                car_park=car_park,
                carport=carport,
                guest=guest,
                courtyard=courtyard,
                past=past,
            )
        except Exception as error:
            error.add_note(f"Home Assistant's log ends:\n{home_assistant.tail()}")
            raise
