"""The charging station: what tests, the demo and the command line hold."""

from collections.abc import Mapping
import ssl
from typing import Any, override

from simulator.base import BaseCharger
from simulator.clock import Clock
from simulator.link import Link
from simulator.outbox import Outbox, Payload
from simulator.transport import Transport

from .handlers import Handlers2
from .login import Login
from .schemas import VERSIONS
from .variables import Settings2, Variables


class Charger2(BaseCharger):
    """A simulated OCPP 2.0.1 or 2.1 charging station. See the package for an overview."""

    def __init__(
        self,
        url: str,
        identity: str,
        *,
        version: str = "2.0.1",
        evses: int = 1,
        connectors_per_evse: int = 1,
        phases: int = 3,
        max_current: float = 32.0,
        meter_start: float = 0.0,
        password: str | bytes | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
        config: Mapping[str, str | None] | None = None,
        reports_soc: bool = False,
        boot_on_reconnect: bool = False,
        vendor: str = "Simulated Chargers",
        model: str = "SimCharge 22",
        serial: str | None = None,
        firmware: str = "1.0.0",
    ) -> None:
        """Build a charger; `start` connects it."""
        super().__init__(identity, vendor, clock)
        if version not in VERSIONS:
            raise ValueError(f"There is no such version here: {version}")
        self.version = version
        self.variables = Variables()
        self.login = Login(url, password, tls)
        settings = Settings2(self.variables)
        self.link = Link(
            self,
            identity=identity,
            security=self.login,
            clock=self.clock,
            configuration=settings,
            activity=self.activity,
            boot_on_reconnect=boot_on_reconnect,
            subprotocol=f"ocpp{version}",
        )
        self.outbox = Outbox(self.clock, settings, self.activity, self.link)
        self._boot_reason = "PowerUp"
        self._boot = {
            "vendorName": vendor,
            "model": model,
            "serialNumber": serial or identity[-25:],
            "firmwareVersion": firmware,
        }

    def serve(self, transport: Transport) -> Handlers2:
        """Make what serves the central system on a new connection."""
        return Handlers2(self, transport)

    def boot_payload(self) -> Payload:
        """What to say in BootNotification."""
        return {"reason": self._boot_reason, "chargingStation": self._boot}

    def link_up(self, *, booted: bool) -> None:
        """The central system listens: tell it how things are, then what it has missed."""
        self.outbox.pump()
        self.activity.changed()

    @override
    def catch_up(self) -> None:
        """Let the physics come up to the present."""

    @override
    def state(self) -> dict[str, Any]:
        return {}
