"""Screenshots of what a user sees."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from . import DOMAIN, ROOT
from .browser import Browser
from .cards import ADDED, STRANGER
from .dashboard import PATH
from .past import CARD
from .stage import Stage

_IMAGES = ROOT / "docs" / "images"
_CANDIDATES = _IMAGES / "candidates"
#: What the documentation shows.
_PUBLISHED = frozenset({"dashboard", "device", "integration", "sessions"})

_WIDTH, _HEIGHT = 1280, 900

_CLOSE = """
for (const element of demo.all())
  if (element.localName === "dialog-data-entry-flow") element.closeDialog();
"""

# What the page proposes, and what somebody chooses.
_LAST_DAYS = "localStorage['energy-default-period-_energy_dashboard'] = 'now-7d'"

_CONFIGURE = """
for (const element of demo.all())
  if (element.localName === "ha-icon-button" && element.label === "Configure")
    element.click();
"""

_ASK = """
localStorage["panel-dev-action-state-yaml-mode"] = "true";
localStorage["panel-dev-action-state-service-data"] = JSON.stringify(
  {action: "ocpp_central.get_sessions", data: {user: "Anna", limit: 1}});
"""


class Pictures:
    """Takes the pictures; all are candidates for the documentation, and some are in it."""

    def __init__(self, scene: Stage, browser: Browser, *, publish: bool) -> None:
        """Use a browser that is logged in."""
        self._scene = scene
        self._browser = browser
        self.publish = publish

    async def _take(self, name: str, *texts: str, height: int = _HEIGHT) -> None:
        """Take a picture of so much of a page, once these can be read on it."""
        await self._browser.resize(_WIDTH, height)
        await self._browser.wait_for(*texts)
        picture = await self._browser.picture()
        _write(_CANDIDATES / f"{name}.png", picture)
        if self.publish and name in _PUBLISHED:
            _write(_IMAGES / f"{name}.png", picture)

    async def config_flow(self) -> None:
        """The pages of setting up the integration; the flow is not finished."""
        browser = self._browser
        await browser.open(f"/config/integrations/dashboard/add?domain={DOMAIN}")
        await browser.click("ha-button", "OK")
        await self._take("flow_user", "Port", "Next")
        await browser.click("ha-button", "Next")
        await self._take("flow_connect", "ws://")
        await browser.run(_CLOSE)

    async def discovery(self) -> None:
        """The cards of discovered chargers, and the page behind one."""
        browser = self._browser
        await browser.open("/config/integrations/dashboard")
        await self._take("discovered", "Discovered", "Add")
        await browser.click("ha-button", "Add")
        await self._take("flow_discovered", "Submit")
        await browser.run(_CLOSE)

    async def integration(self) -> None:
        """The page of the integration, with its chargers."""
        await self._browser.open(f"/config/integrations/integration/{DOMAIN}")
        names = (card.name for card in ADDED)
        await self._take("integration", *self._names, *names, height=1120)

    async def cards(self) -> None:
        """The page that adds a card, and those that it proposes."""
        browser = self._browser
        await browser.open(f"/config/integrations/integration/{DOMAIN}")
        await browser.click("ha-button", "Add card")
        await self._take("flow_card", "Card number", "Submit")
        await browser.click("ha-picker-field", STRANGER)
        await self._take("flow_card_scanned", f"{CARD} (")
        await browser.press("Escape")
        await browser.run(_CLOSE)

    async def devices(self) -> None:
        """The pages of a charger with one connector, of one with two, and of one of these."""
        garage, car_park, carport = (charger.kind for charger in self._scene.chargers)
        for identifier, name in (
            (garage.device(0), "device"),
            (car_park.device(0), "device_station"),
            (car_park.device(1), "device_connector"),
            (carport.device(0), "device_next"),
        ):
            device = await self._scene.api.device(identifier)
            await self._browser.open(f"/config/devices/device/{device['id']}")
            await self._take(name, device["name"], "Activity", height=1340)
            await self._take(f"{name}_whole", "Configuration", height=2300)

    async def limits(self) -> None:
        """What is told of limits that do not hold, and what can be set about them."""
        browser = self._browser
        await browser.open("/config/repairs")
        title = "Courtyard does not keep to its limit"
        await browser.click("ha-list-item, ha-list-item-button", title)
        await self._take("repair_limit", "tried", height=1000)
        await browser.press("Escape")
        for charger in (self._scene.guest, self._scene.courtyard):
            device = await self._scene.api.device(charger.kind.device(0))
            await browser.open(f"/config/devices/device/{device['id']}")
            await self._take(
                f"device_{charger.kind.name.lower()}", "Configuration", height=2300
            )

    async def dashboard(self) -> None:
        """The dashboard."""
        await self._browser.open(f"/{PATH}/charging")
        await self._take("dashboard", "EV charging", "Current limit", height=840)

    async def sessions(self) -> None:
        """The sessions and what they cost, on the dashboard of the guide."""
        await self._browser.open(f"/{PATH}/sessions")
        await self._take("sessions", "Newest sessions", "Energy per day", height=1040)

    async def tariff(self) -> None:
        """The pages of the options, with the price of energy."""
        browser = self._browser
        await browser.open(f"/config/integrations/integration/{DOMAIN}")
        await browser.wait_for(*self._names)
        await browser.run(_CONFIGURE)
        await self._take(
            "flow_options", "Price of energy", "vendor", "Submit", height=1100
        )
        await browser.click("ha-button", "Submit")
        await self._take("flow_price_entity", "Price entity", "Submit")
        await browser.run(_CLOSE)

    async def action(self) -> None:
        """What the action that returns sessions answers."""
        await self._browser.run(_ASK)
        await self._browser.open("/config/developer-tools/action")
        await self._browser.click("ha-button", "Perform action")
        await self._take("get_sessions", "next_offset", height=1240)

    async def energy(self) -> None:
        """The energy dashboard and its configuration."""
        await self._browser.run(_LAST_DAYS)
        await self._browser.open("/energy")
        await self._take("energy", *self._names, height=1200)
        await self._browser.open("/config/energy/electricity")
        await self._take("energy_config", *self._names, height=1600)

    @property
    def _names(self) -> list[str]:
        return [charger.kind.name for charger in self._scene.chargers]


def _write(path: Path, picture: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture)


@asynccontextmanager
async def photographer(
    scene: Stage, program: str, *, publish: bool
) -> AsyncIterator[Pictures]:
    """Open a browser."""
    browser = await Browser.start(program, scene.folder / "browser", scene.http)
    try:
        await browser.log_in(scene.api, _WIDTH, _HEIGHT)
        yield Pictures(scene, browser, publish=publish)
    finally:
        await browser.stop()
