"""What a good station can do besides charging: the parts, and what tests may do with them."""

from contextlib import suppress
from datetime import datetime
from typing import Any, override

from simulator.clock import format_time
from simulator.link import CallFailed, LinkDown

from .access import LocalList2, Reservations2
from .certificates import Certificates2
from .charging import Charging
from .connection import Connection2
from .displays import Displays
from .grid import Controls
from .jobs import Jobs
from .login import Login
from .monitors import Monitors
from .profile_store import ProfileStore2
from .restarts import Restarts
from .schemas import Payload
from .tariffs import Tariffs
from .tokens import Tokens
from .variables import Name, Variable


class Features(Restarts):
    """The features of a station that has them all."""

    login: Login
    tokens: Tokens
    _boot: dict[str, str]

    def add_features(self) -> None:
        """Take on all features, once the hardware is there."""
        #: The connection that is up, or was last.
        self.talk: Connection2 | None = None
        self.charging = Charging(self)
        self.station.limits = self.charging
        self.local_list = LocalList2(self)
        self.reservations = Reservations2(self)
        self.jobs = Jobs(self)
        self.certificates = Certificates2(self)
        self.displays = Displays(self)
        self.monitors = Monitors(self)
        self.tariffs = Tariffs(self)
        self.controls = Controls(self)
        #: How to connect some time, by slot.
        self.network_profiles: dict[int, Payload] = {}
        #: Until when somebody may be paying on the web for an EVSE (2.1).
        self.paying: dict[int, datetime] = {}
        #: The full batteries there are for a swap, by serial number (2.1).
        self.batteries: list[str] = []
        certificates = Variable(
            kind="integer",
            mutability="ReadOnly",
            maximum=10,
            live=lambda: str(self.certificates.count),
        )
        self.variables.add("SecurityCtrlr.CertificateEntries", certificates)
        chain = Variable("10000", "integer", "ReadOnly")
        self.variables.add("SecurityCtrlr.MaxCertificateChainSize", chain)
        for evse in self.station.evses:
            name = f"EVSE@{evse.id}.Power"
            most = self.station.max_current * self.station.phases * 230
            power = Variable(
                kind="decimal",
                mutability="ReadOnly",
                unit="W",
                minimum=0,
                maximum=most,
                live=lambda evse=evse: f"{evse.active.power:.0f}",  # type: ignore[misc]
            )
            self.variables.add(name, power)

    def be_odd(self) -> None:
        """Let the quirks of this charger have their way."""
        quirks = self.oddities.quirks
        self.oddities.end = self._end
        self.oddities.reboot = lambda: self.activity.spawn(
            self.crash("Reboot", "ApplicationReset")
        )
        for connector in self.station.connectors:
            connector.shows = quirks.offered
        if quirks.leftover is not None:
            self.charging.leave_behind(quirks.leftover)

    def _end(self, evse_id: int) -> None:
        if (evse := self.station.evse(evse_id)) is not None:
            self.sessions.stop(evse, "StoppedByEV")

    def connect_features(self) -> None:
        """Let the other parts ask the features."""
        self.tokens.local_list = self.local_list
        self.sessions.reservations = self.reservations
        self.events.costs = self.tariffs
        watch_sessions = self.station.on_update

        def watch() -> None:
            watch_sessions()
            self.reservations.watch()
            self.monitors.watch()

        self.station.on_update = watch

    def features_up(self, *, booted: bool) -> None:
        """The central system listens."""
        self.charging.link_up()
        self.jobs.link_up(booted=booted)

    @override
    def link_down(self) -> None:
        super().link_down()
        self.charging.link_down()

    def stop_features(self) -> None:
        """Stop all timers."""
        for part in (
            self.charging,
            self.reservations,
            self.jobs,
            self.displays,
            self.monitors,
        ):
            part.stop()

    # For the features

    @property
    def profiles(self) -> ProfileStore2:
        """The charging profiles that are installed."""
        return self.charging.profiles

    @property
    def busy(self) -> bool:
        """Whether a transaction is running."""
        return bool(self.station.busy)

    @property
    def slots(self) -> tuple[str, ...]:
        """The slots for ways to connect."""
        name = Name.parse("OCPPCommCtrlr.NetworkConfigurationPriority")
        found = self.variables.find(name)
        return () if found is None else found[1].options

    def maximum(self, name: str, otherwise: float = float("inf")) -> float:
        """The maxLimit of a variable."""
        found = self.variables.find(Name.parse(name))
        most = None if found is None else found[1].maximum
        return otherwise if most is None else most

    async def flash(self, firmware: str) -> None:
        """Have another firmware, and restart with it."""
        self._boot["firmwareVersion"] = firmware
        self.variables.set("ChargingStation.FirmwareVersion", firmware)
        await self.restart("Reboot", "FirmwareUpdate")

    async def told(self, action: str, payload: Payload) -> None:
        """Say something, and wait until it has been heard, if it can be."""
        with suppress(LinkDown, CallFailed):
            await self.outbox.put(action, payload)

    async def security_event(self, kind: str, info: str | None = None) -> None:
        """Tell about something critical (A04)."""
        payload = {"type": kind, "timestamp": format_time(self.clock.now())}
        if info is not None:
            payload["techInfo"] = info
        await self.told("SecurityEventNotification", payload)

    def send(self, action: str, payload: Payload) -> None:
        """Say something that is not answered (2.1)."""
        if self.talk is not None and self.link.connected:
            self.activity.spawn(self.talk.send(action, payload))

    def swap(self, request_id: int, token: dict[str, Any]) -> None:
        """Take an empty battery in, and give a full one out (S03)."""
        for kind, serial, soc in (
            ("BatteryIn", "EMPTY-1", 12.0),
            ("BatteryOut", self.batteries.pop(0), 98.0),
        ):
            battery = {"evseId": 1, "serialNumber": serial, "soC": soc, "soH": 95.0}
            payload = {
                "eventType": kind,
                "requestId": request_id,
                "idToken": token,
                "batteryData": [battery],
            }
            self.outbox.put("BatterySwap", payload)

    # What happens at the station

    async def say(self, action: str, payload: Payload) -> Payload:
        """Say anything, checked against the schema, and return the answer.

        What has no answer is sent without waiting for one. Raises `LinkDown` or `CallFailed`.
        """
        if action == "NotifyPeriodicEventStream":
            self.send(action, payload)
            await self.settle()
            return {}
        answer = await self.outbox.put(action, payload)
        if action == "NotifyEVChargingNeeds" and answer["status"] == "Accepted":
            # From now on a profile may have three schedules (K15).
            self.charging.profiles.needs_told.add(payload["evseId"])
        await self.settle()
        return answer

    async def external_limit(
        self,
        evse: int,
        amps: float | None,
        source: str = "EMS",
        *,
        local_generation: bool = False,
    ) -> None:
        """Be limited by somebody else, or with None no longer; EVSE 0 is the whole station.

        What is generated locally (2.1) adds to the limit instead.
        """
        if local_generation and self.version != "2.1":
            raise ValueError("OCPP 2.0.1 knows nothing of what is generated locally")
        self.station.update()
        told = self.charging.outside(evse, amps, source, local=local_generation)
        self.station.update()
        if told is not None:
            await self.told(*told)
            for busy in self.station.busy:
                if evse in {0, busy.id}:
                    self.events.updated(busy, "ChargingRateChanged")
        await self.settle()

    async def press_priority(self, evse: int, on: bool = True) -> bool:
        """Press the button for priority charging; whether there is a profile for that (K22)."""
        found = self.station.evse(evse)
        if found is None or found.transaction is None:
            return False
        self.station.update()
        transaction = found.transaction.id
        if self.charging.prioritize(transaction, on=on) != "Accepted":
            return False
        self.station.update()
        payload = {"transactionId": transaction, "activated": on}
        await self.told("NotifyPriorityCharging", payload)
        await self.settle()
        return True
