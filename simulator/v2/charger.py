"""The charging station: what tests, the demo and the command line hold."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
import ssl
from typing import Any, override

from simulator.clock import Clock, format_time
from simulator.link import Link
from simulator.outbox import Outbox, Payload
from simulator.quirks import NO_QUIRKS, Quirks
from simulator.transport import Transport

from .events import Events
from .features import Features
from .handlers import Handlers2
from .inventory import furnish
from .login import Login
from .reports import Reports
from .schemas import VERSIONS
from .sessions import Sessions2
from .station import Connector2, Station2
from .tokens import Tokens
from .variables import Name, Settings2, Variables


class Charger2(Features):
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
        tx_start_points: str = "PowerPathClosed",
        tx_stop_points: str = "EVConnected,Authorized",
        security_profile: int | None = None,
        quirks: Quirks = NO_QUIRKS,
    ) -> None:
        """Build a charger; `start` connects it."""
        super().__init__(identity, vendor, clock, quirks)
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
        self.station = Station2(
            evses=evses,
            connectors_per_evse=connectors_per_evse,
            phases=phases,
            max_current=max_current,
            meter_start=meter_start,
            clock=self.clock,
            oddities=self.oddities,
        )
        self.station.on_status = self.report
        self._boot = {
            "vendorName": vendor[:50],
            "model": model[:20],
            "serialNumber": serial or identity[-25:],
            "firmwareVersion": firmware,
        }
        if security_profile is None:
            security_profile = (password is not None) + (tls is not None)
        furnish(
            self.variables,
            self.station,
            version=version,
            boot=self._boot,
            soc=reports_soc,
            start_points=tx_start_points,
            stop_points=tx_stop_points,
            security_profile=security_profile,
            state=self.availability,
        )
        self._show_clock()
        self.add_features()
        self.variables.override(config or {})
        self.variables.changed = self._configured
        self.tokens = Tokens(self.variables, self.outbox, self.clock)
        self.events = Events(
            self.station,
            self.outbox,
            self.tokens,
            self.clock,
            self.variables,
            lambda: self.accepted,
        )
        self.events.complain = self.violated
        self.sessions = Sessions2(
            self.station,
            self.events,
            self.tokens,
            self.clock,
            self.variables,
            self.activity,
        )
        self.reports = Reports(self)
        self.sessions.changed = self.perhaps_reset
        self.connect_features()
        self.be_odd()
        self._lost: datetime | None = None

    # Life and connection

    async def start(self, *, wait: bool = True) -> None:
        """Power up and connect. Returns when registered and at rest, unless told not to wait."""
        self.clock.attach(self)
        self.station.start()
        self.events.start()
        self.link.dial()
        if wait:
            await self.connected()

    async def stop(self) -> None:
        """Disconnect and stand still. Transactions are neither ended nor forgotten."""
        await self.link.close()
        self.station.stop()
        self.events.stop()
        self.stop_features()
        self.outbox.close()
        await self.activity.cancel()
        self.clock.detach(self)

    # What happens at the charger

    def connector(self, number: int, connector: int = 1) -> Connector2:
        """A connector. Cars are plugged in there.

        The number is that of its EVSE; further connectors of one EVSE have 100 more each, or are
        named by both numbers.
        """
        inside, evse = divmod(number, 100)
        found = self.station.connector(evse, inside + connector)
        if found is None:
            raise ValueError(f"There is no connector {number}")
        return found

    @override
    async def show(self, token: str, connector: int = 1, kind: str = "ISO14443") -> str:
        return await self.sessions.swipe(token, self.connector(connector), kind)

    @override
    async def swipe(
        self, token: str, connector: int = 1, kind: str = "ISO14443"
    ) -> str:
        status = await self.show(token, connector, kind)
        await self.settle()
        return status

    async def stop_transaction(self, connector: int = 1, reason: str = "Local") -> None:
        """End a transaction at the charger, without a card."""
        self.sessions.stop(self.connector(connector).evse, reason)
        await self.settle()

    async def arrive(self, evse: int = 1) -> None:
        """Park a car in front of an EVSE, without plugging it in."""
        self.sessions.arrive(self.connector(evse).evse)
        await self.settle()

    async def depart(self, evse: int = 1) -> None:
        """Drive it away."""
        self.sessions.depart(self.connector(evse).evse)
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
        self.station.update()

    @override
    def state(self) -> dict[str, Any]:
        self.station.update()
        return {
            "identity": self.identity,
            "connected": self.link.connected,
            "accepted": self.accepted,
            "queued": len(self.outbox.lasting),
            "connectors": [self._seen(each) for each in self.station.connectors],
        }

    @staticmethod
    def _seen(connector: Connector2) -> dict[str, Any]:
        evse = connector.evse
        holder = evse.authorization if evse.active is connector else None
        return {
            "connector": connector.number,
            "status": connector.status,
            "errorCode": connector.broken or "NoError",
            "chargingState": evse.state if evse.active is connector else "Idle",
            "transactionId": connector.transaction_id,
            "idTag": None if holder is None else holder.token["idToken"],
            "energyWh": int(connector.energy_wh),
            "powerW": round(connector.power),
            "currentA": round(connector.current, 2),
            "offeredA": round(connector.offered, 2),
            "soc": None if connector.soc is None else round(connector.soc, 1),
        }

    def availability(self, evse_id: int, connector_id: int) -> str:
        """The AvailabilityState of a place; 0 stands for the whole."""
        connector = self.station.connector(evse_id, connector_id)
        if connector is not None:
            return connector.status
        evse = self.station.evse(evse_id)
        if evse is not None:
            return evse.active.status
        main = self.station.main
        if main.fault is not None:
            return "Faulted"
        return "Available" if main.operative else "Unavailable"

    # For the parts of the charger

    def serve(self, transport: Transport) -> Handlers2:
        """Make what serves the central system on a new connection."""
        transport.defer = self.oddities.defer
        self.talk = handlers = Handlers2(self, transport)
        return handlers

    def boot_payload(self, reason: str | None = None) -> Payload:
        """What to say in BootNotification."""
        return {"reason": reason or self._boot_reason, "chargingStation": self._boot}

    def link_up(self, *, booted: bool) -> None:
        """The central system listens: tell it how things are, then what it has missed."""
        if booted:
            for connector in self.station.connectors:
                connector.reported = None
            self._boot_reason = "PowerUp"
        elif self._offline_for() > self.variables.integer(
            "OCPPCommCtrlr.OfflineThreshold"
        ):
            # After a long silence all is told anew (B04.FR.01).
            for connector in self.station.connectors:
                connector.reported = None
        for connector in reversed(self.station.connectors):
            if connector.reported != connector.status:
                self.report(connector, first=True)
        self.features_up(booted=booted)
        self.outbox.pump()
        self.activity.changed()

    @override
    def link_down(self) -> None:
        super().link_down()
        self._lost = self.clock.now()

    def _offline_for(self) -> float:
        """How long the charger was offline, in seconds."""
        if self._lost is None:
            return 0.0
        return (self.clock.now() - self._lost).total_seconds()

    def report(
        self, connector: Connector2, *, first: bool = False, triggered: bool = False
    ) -> None:
        """Send a StatusNotification, if there is somebody to send it to."""
        if not self.accepted and not triggered:
            return
        connector.reported = connector.status
        payload = {
            "timestamp": format_time(self.clock.now()),
            "connectorStatus": connector.status,
            "evseId": connector.evse.id,
            "connectorId": connector.id,
        }
        self.outbox.put("StatusNotification", payload, first=first, triggered=triggered)

    def _show_clock(self) -> None:
        """Let the device model tell the time."""
        name = Name.parse("ClockCtrlr.DateTime")
        if (found := self.variables.find(name)) is not None:
            live = replace(found[1], live=lambda: format_time(self.clock.now()))
            self.variables.add("ClockCtrlr.DateTime", live)

    def _configured(self, name: Name) -> None:
        """A variable changed."""
        self.monitors.watch()
        match name.component, name.variable:
            case "OCPPCommCtrlr", "HeartbeatInterval":
                self.link.restart_heartbeat()
            case "SampledDataCtrlr", _:
                self.events.restart_samples()
            case "AlignedDataCtrlr", _:
                self.events.restart_aligned()
                self.events.restart_samples()
