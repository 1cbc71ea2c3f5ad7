"""Screenshots of what a user sees."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from . import DOMAIN
from .browser import Browser
from .dashboard import PATH
from .stage import Stage

_WIDTH, _HEIGHT = 1280, 900

_CLOSE = """
for (const element of demo.all())
  if (element.localName === "dialog-data-entry-flow") element.closeDialog();
"""


class Pictures:
    """A photographer, and where the pictures go."""

    def __init__(self, scene: Stage, browser: Browser, folder: Path) -> None:
        """Use a browser that is logged in."""
        self._scene = scene
        self._browser = browser
        self._folder = folder

    async def _take(self, name: str, *texts: str, height: int = _HEIGHT) -> None:
        """Take a picture of so much of a page, once these can be read on it."""
        await self._browser.resize(_WIDTH, height)
        await self._browser.wait_for(*texts)
        (self._folder / f"{name}.png").write_bytes(await self._browser.picture())

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
        await self._take("integration", *self._names)

    async def devices(self) -> None:
        """The pages of a charger with one connector, of one with two, and of one of these."""
        garage, car_park = (charger.kind for charger in self._scene.chargers)
        for identifier, name in (
            (garage.device(0), "device"),
            (car_park.device(0), "device_station"),
            (car_park.device(1), "device_connector"),
        ):
            device = await self._scene.api.device(identifier)
            await self._browser.open(f"/config/devices/device/{device['id']}")
            await self._take(name, device["name"], "Activity", height=1340)

    async def dashboard(self) -> None:
        """The dashboard."""
        await self._browser.open(f"/{PATH}/charging")
        await self._take("dashboard", "EV charging", "Current limit", height=840)

    async def energy(self) -> None:
        """The energy dashboard and its configuration."""
        await self._browser.open("/energy")
        await self._take("energy", *self._names, height=1200)
        await self._browser.open("/config/energy/electricity")
        await self._take("energy_config", *self._names, height=1600)

    @property
    def _names(self) -> list[str]:
        return [charger.kind.name for charger in self._scene.chargers]


@asynccontextmanager
async def photographer(
    scene: Stage, program: str, folder: Path
) -> AsyncIterator[Pictures]:
    """Open a browser."""
    folder.mkdir(parents=True, exist_ok=True)
    browser = await Browser.start(program, scene.folder / "browser", scene.http)
    try:
        await browser.log_in(scene.api, _WIDTH, _HEIGHT)
        yield Pictures(scene, browser, folder)
    finally:
        await browser.stop()
