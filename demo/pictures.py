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

    async def _take(self, name: str, *texts: str) -> None:
        """Take a picture once these can be read."""
        await self._browser.wait_for(*texts)
        (self._folder / f"{name}.png").write_bytes(await self._browser.picture())

    async def config_flow(self) -> None:
        """The pages of setting up the integration; the flow is not finished."""
        browser = self._browser
        await browser.open(f"/config/integrations/dashboard/add?domain={DOMAIN}")
        await browser.click("ha-button", "OK")
        await self._take("flow_user", "Port", "Next")
        await browser.click("ha-button", "Next")
        await self._take("flow_connect", "ws://", "Submit")
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
        names = {
            f"{garage.identity.casefold()}_0": "device",
            f"{car_park.identity.casefold()}_0": "device_station",
            f"{car_park.identity.casefold()}_1": "device_connector",
        }
        for device in await self._scene.api.send("config/device_registry/list"):
            for domain, identifier in device["identifiers"]:
                if domain == DOMAIN and identifier in names:
                    await self._browser.open(f"/config/devices/device/{device['id']}")
                    await self._take(names[identifier], device["name"], "Diagnostic")

    async def dashboard(self) -> None:
        """The dashboard."""
        await self._browser.open(f"/{PATH}/charging")
        await self._take("dashboard", "EV charging", "Current limit")

    async def energy(self) -> None:
        """The energy dashboard and its configuration."""
        await self._browser.open("/energy")
        await self._take("energy", *self._names)
        await self._browser.open("/config/energy/electricity")
        await self._take("energy_config", *self._names)

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
