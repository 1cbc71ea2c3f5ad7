"""The charge point: what tests, the demo and the command line hold."""

from collections.abc import Mapping
from typing import Any, override

from .base import REBOOT_SECONDS, BaseCharger
from .clock import Clock, format_time
from .configuration import Configuration
from .connector import Connector
from .handlers import Handlers
from .link import Link
from .local_list import LocalList
from .maintenance import Maintenance
from .outbox import Outbox, Payload
from .profile_store import ProfileStore
from .quirks import NO_QUIRKS, Quirks
from .reservations import Reservations
from .security import Security
from .sessions import Sessions
from .station import Station
from .transport import Transport

__all__ = ["REBOOT_SECONDS", "Charger"]


class Charger(BaseCharger):
    """A simulated OCPP 1.6-J charge point. See the package for an overview."""

    def __init__(
        self,
        url: str,
        identity: str,
        *,
        connectors: int = 1,
        phases: int = 3,
        max_current: float = 32.0,
        meter_start: float = 0.0,
        password: str | bytes | None = None,
        clock: Clock | None = None,
        config: Mapping[str, str | None] | None = None,
        reports_soc: bool = False,
        boot_on_reconnect: bool = True,
        vendor: str = "Simulated Chargers",
        model: str = "SimCharge 22",
        serial: str | None = None,
        firmware: str = "1.0.0",
        security: Mapping[str, Any] | None = None,
        quirks: Quirks = NO_QUIRKS,
    ) -> None:
        """Build a charger; `start` connects it."""
        super().__init__(identity, vendor, clock, quirks)
        self._boot = {
            "chargePointVendor": vendor,
            "chargePointModel": model,
            "chargePointSerialNumber": serial or identity[-25:],
            "firmwareVersion": firmware,
        }
        self.configuration = Configuration(
            connectors=connectors, soc=reports_soc, overrides=config, quirks=quirks
        )
        self.configuration.changed = self._configured
        self.security = Security(
            identity,
            self.configuration,
            url=url,
            password=password,
            **security or {},
        )
        self.link = Link(
            self,
            identity=identity,
            security=self.security,
            clock=self.clock,
            configuration=self.configuration,
            activity=self.activity,
            boot_on_reconnect=boot_on_reconnect,
        )
        self.outbox = Outbox(self.clock, self.configuration, self.activity, self.link)
        self.station = Station(
            connectors=connectors,
            phases=phases,
            max_current=max_current,
            meter_start=meter_start,
            clock=self.clock,
            configuration=self.configuration,
            oddities=self.oddities,
            report=self.report,
            plugged=lambda connector: self.sessions.plugged(connector),
            unplugged=lambda connector: self.sessions.unplugged(connector),
        )
        self.local_list = LocalList(self.clock, self.configuration)
        self.reservations = Reservations(self.station, self.clock, self.configuration)
        self.sessions = Sessions(
            self.station,
            self.outbox,
            self.clock,
            self.configuration,
            self.activity,
            self.local_list,
            self.reservations,
        )
        self.maintenance = Maintenance(self)
        self._be_odd()

    def _be_odd(self) -> None:
        """Let the quirks of this charger have their way."""
        oddities = self.oddities
        oddities.room = lambda: self.configuration.integer(
            "MaxChargingProfilesInstalled"
        )
        oddities.reboot = lambda: self.activity.spawn(self.crash("Reboot"))
        oddities.end = lambda number: self.sessions.end(self.connector(number), "Other")
        if oddities.quirks.leftover is not None:
            self.station.leave_behind(oddities.quirks.leftover)

    @property
    def profiles(self) -> ProfileStore:
        """The charging profiles that are installed."""
        return self.station.profiles

    # Life and connection

    async def start(self, *, wait: bool = True) -> None:
        """Power up and connect. Returns when registered and at rest, unless told not to wait."""
        self.clock.attach(self)
        self.station.start()
        self.sessions.start()
        self.link.dial()
        if wait:
            await self.connected()

    async def stop(self) -> None:
        """Disconnect and stand still. Transactions are neither ended nor forgotten."""
        await self.link.close()
        self.station.stop()
        self.sessions.stop()
        self.reservations.stop()
        self.maintenance.stop()
        self.outbox.close()
        await self.activity.cancel()
        self.clock.detach(self)

    async def reboot(self) -> None:
        """Restart on the charger's own account. It is back after `REBOOT_SECONDS`."""
        await self.restart("Reboot")
        await self.settle()

    async def power_loss(self) -> None:
        """Lose power for a moment. The charger is back after `REBOOT_SECONDS`."""
        await self.crash("PowerLoss")
        await self.settle()

    async def restart(self, reason: str) -> None:
        """Restart after ending all transactions and saying so."""
        for connector in self.station.busy:
            self.sessions.end(connector, reason)
        await self.farewell()
        await self.link.hang_up(Transport.close)
        self._reboot()

    async def crash(self, reason: str) -> None:
        """Restart out of the blue. What was running ends, and is told after the restart."""
        await self.link.hang_up(Transport.abort)
        for connector in self.station.busy:
            self.sessions.end(connector, reason)
        self._reboot()

    def _reboot(self) -> None:
        self.sessions.reboot()
        self.oddities.rebooted()
        if self.oddities.quirks.forgets:
            self.profiles.clear()
        self.security.rebooted()
        self.link.forget_registration()
        self.link.dial_later(REBOOT_SECONDS)

    # What happens at the charger

    def connector(self, number: int) -> Connector:
        """A connector. Cars are plugged in there."""
        if (connector := self.station.socket(number)) is None:
            raise ValueError(f"There is no connector {number}")
        return connector

    @override
    async def show(self, token: str, connector: int = 1) -> str:
        return await self.sessions.swipe(token, self.connector(connector))

    async def stop_transaction(self, connector: int = 1, reason: str = "Local") -> None:
        """End a transaction at the charger, without a card."""
        self.sessions.end(self.connector(connector), reason)
        await self.settle()

    async def fault(self, connector: int, error_code: str = "GroundFailure") -> None:
        """Break a connector, or with 0 the whole station. Transactions pause."""
        await self._set_fault(connector, error_code)

    async def clear_fault(self, connector: int) -> None:
        """Repair it."""
        await self._set_fault(connector, None)

    async def _set_fault(self, number: int, error_code: str | None) -> None:
        broken = self.station.main if number == 0 else self.connector(number)
        self.station.update()
        broken.fault = error_code
        self.station.update()
        await self.settle()

    # Watching

    @override
    def catch_up(self) -> None:
        """Let the physics come up to the present."""
        self.station.update()

    @override
    def state(self) -> dict[str, Any]:
        """What somebody in front of the charger sees."""
        self.station.update()
        return {
            "identity": self.identity,
            "connected": self.link.connected,
            "accepted": self.accepted,
            "queued": len(self.outbox.lasting),
            "connectors": [
                {
                    "connector": connector.id,
                    "status": connector.status,
                    "errorCode": connector.error_code,
                    "transactionId": connector.transaction_id,
                    "idTag": None
                    if (tx := connector.transaction) is None
                    else tx.id_tag,
                    "energyWh": connector.reading.register,
                    "powerW": round(connector.power),
                    "currentA": round(connector.current, 2),
                    "offeredA": round(connector.offered, 2),
                    "soc": None if connector.soc is None else round(connector.soc, 1),
                }
                for connector in self.station.sockets
            ],
        }

    # For the parts of the charger

    def serve(self, transport: Transport) -> Handlers:
        """Make what serves the central system on a new connection."""
        transport.defer = self.oddities.defer
        return Handlers(self, transport)

    @property
    def busy(self) -> bool:
        """Whether a transaction is running."""
        return bool(self.station.busy)

    async def flash(self, firmware: str) -> None:
        """Have another firmware, and restart with it."""
        self._boot["firmwareVersion"] = firmware
        await self.restart("Reboot")

    def boot_payload(self) -> Payload:
        """What to say in BootNotification."""
        return self._boot

    def link_up(self, *, booted: bool) -> None:
        """The central system listens: tell it how things are, then what it has missed."""
        for connector in self.station.connectors:
            if booted:
                connector.reported = None
        for connector in reversed(self.station.connectors):
            status = self.station.status(connector)
            if connector.reported != (status, connector.error_code):
                self.report(connector, status, first=True)
        self.outbox.pump()
        self.maintenance.link_up(booted=booted)
        self.activity.changed()

    def report(
        self,
        connector: Connector,
        status: str,
        *,
        first: bool = False,
        triggered: bool = False,
    ) -> None:
        """Send a StatusNotification, if there is somebody to send it to."""
        if not self.accepted and not triggered:
            return
        connector.reported = (status, connector.error_code)
        payload = {
            "connectorId": connector.id,
            "errorCode": connector.error_code,
            "status": status,
            "timestamp": format_time(self.clock.now()),
        }
        self.outbox.put("StatusNotification", payload, first=first, triggered=triggered)

    def _configured(self, key: str) -> None:
        """A configuration key changed."""
        match key:
            case "HeartbeatInterval":
                self.link.restart_heartbeat()
            case "MeterValueSampleInterval":
                self.sessions.restart_samples()
            case "ClockAlignedDataInterval":
                self.sessions.restart_aligned()
