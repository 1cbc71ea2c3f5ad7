"""The hardware: connectors, the power they share, and the statuses they show."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
import math
from typing import Any

from .clock import Clock, Ticker
from .configuration import Configuration
from .connector import Connector
from .meter import NOMINAL_VOLTAGE
from .oddities import Oddities
from .power import Demand, share
from .profile_store import ProfileStore
from .profiles import (
    Kind,
    Limit,
    Period,
    Profile,
    Purpose,
    Running,
    Site,
    Unit,
    session_limit,
    station_limit,
)

#: How often the physics are brought up to date while a transaction runs, in seconds.
_TICK = 1.0


class Station:
    """Lets current flow as far as profiles, faults and cars allow, and tells what changed."""

    def __init__(
        self,
        *,
        connectors: int,
        phases: int,
        max_current: float,
        meter_start: float,
        clock: Clock,
        configuration: Configuration,
        oddities: Oddities,
        report: Callable[[Connector, str], None],
        plugged: Callable[[Connector], None],
        unplugged: Callable[[Connector], None],
    ) -> None:
        """Build a station with so many connectors, all alike."""
        self.phases = phases
        self.max_current = max_current
        self.profiles = ProfileStore(configuration)
        self.oddities = oddities
        self._configuration = configuration
        self._clock = clock
        self._report = report
        self._last = clock.now()
        self._ticker = Ticker(clock, self.update)
        wiring: dict[str, Any] = {
            "phases": phases,
            "update": self.update,
            "plugged": plugged,
            "unplugged": unplugged,
            "shows": oddities.quirks.offered,
        }
        main = Connector(id=0, **wiring)
        self.main = main
        self.sockets = [
            Connector(
                id=number,
                energy_wh=meter_start,
                offered_phases=phases,
                station=main,
                **wiring,
            )
            for number in range(1, connectors + 1)
        ]

    @property
    def connectors(self) -> list[Connector]:
        """The station itself, as connector 0, and its sockets."""
        return [self.main, *self.sockets]

    @property
    def busy(self) -> list[Connector]:
        """The connectors with a running transaction, the oldest first."""
        return [connector for _, connector in self._sessions()]

    @property
    def running(self) -> dict[int, Running]:
        """The running transactions, as the charging profiles see them."""
        return {connector.id: running for running, connector in self._sessions()}

    def _sessions(self) -> list[tuple[Running, Connector]]:
        found = [
            (running, connector)
            for connector in self.sockets
            if (running := connector.running) is not None
        ]
        return sorted(found, key=lambda session: (session[0].start, session[1].id))

    def socket(self, number: int) -> Connector | None:
        """The connector with a number above zero, if there is one."""
        return self.sockets[number - 1] if 1 <= number <= len(self.sockets) else None

    @property
    def site(self) -> Site:
        """What the charging profiles have to know."""
        return Site(
            connectors=len(self.sockets),
            phases=self.phases,
            voltage=NOMINAL_VOLTAGE,
            max_current=min(self.max_current, self._keyed),
            phase_switching=self._configuration.truth(
                "ConnectorSwitch3to1PhaseSupported"
            ),
            transactions=self.running,
        )

    @property
    def _keyed(self) -> float:
        """What a configuration key leaves of the hardware."""
        key = self.oddities.quirks.current_key
        return float(self._configuration.text(key)) if key else math.inf

    def leave_behind(self, limit: float) -> None:
        """Have a default that another central system has left."""
        now = self._clock.now()
        left = Profile(
            id=990,
            connector=0,
            purpose=Purpose.TX_DEFAULT,
            stack_level=self._configuration.integer("ChargeProfileMaxStackLevel"),
            kind=Kind.ABSOLUTE,
            unit=Unit.A,
            periods=(Period(0, limit),),
            installed=now,
            start=now,
        )
        self.profiles.install(left, {})

    def told(self, connector: int) -> Collection[Profile]:
        """The profiles that a composite schedule is made of."""
        return self.oddities.told(self.profiles, connector, self.running)

    def _limit(self, connector: Connector, now: datetime, site: Site) -> Limit:
        """What transactions of a connector are limited to."""
        counting = self.oddities.counting(
            self.profiles, connector.id, site.transactions
        )
        return session_limit(counting, connector.id, now, site, now)

    def start(self) -> None:
        """Begin, or go on after a stop during which time stood still."""
        self._last = self._clock.now()
        self.update()

    def stop(self) -> None:
        """Freeze."""
        self.update()
        self._ticker.stop()

    def update(self) -> None:
        """Bring everything up to the present, with what was offered until now; then offer anew."""
        now = self._clock.now()
        elapsed = (now - self._last).total_seconds() * self._clock.speed
        self._last = now
        if elapsed > 0:
            for connector in self.sockets:
                connector.flow(elapsed)
        self._offer()
        self.report()
        if not self.busy:
            self._ticker.stop()
        elif not self._ticker.running:
            self._ticker.start(_TICK)

    def report(self) -> None:
        """Tell every status that is not what was told last."""
        for connector in self.connectors:
            status = self.status(connector)
            if connector.reported != (status, connector.error_code):
                self._report(connector, status)

    def status(self, connector: Connector) -> str:
        """The status of a connector; the station goes out of service after its transactions."""
        if connector is self.main and connector.status == "Unavailable" and self.busy:
            return "Available"
        return connector.status

    def _offer(self) -> None:
        """Share what the profiles allow between those who may have it."""
        now, site, oddities = self._clock.now(), self.site, self.oddities
        running = site.transactions
        station = station_limit(oddities.counting(self.profiles, 0, running), now, site)
        station = replace(station, current=oddities.offered(0, station.current))
        hungry: list[tuple[Connector, Limit, Demand]] = []
        for connector in self.sockets:
            if not connector.energized:
                connector.offer(0.0, self.phases)
            limit = self._limit(connector, now, site)
            current = limit.amps(NOMINAL_VOLTAGE)
            oddities.limited(connector.id, current, busy=connector.id in running)
        for connector in self.busy:
            car = connector.car
            if car is None or not connector.energized:
                continue
            limit = self._limit(connector, now, site)
            phases = min(limit.phases, car.phases)
            current = limit.amps(NOMINAL_VOLTAGE, phases)
            current = oddities.offered(connector.id, current)
            if car.full:
                # It draws nothing, so what it is offered is not taken from the others.
                shared = station.amps(NOMINAL_VOLTAGE, phases)
                connector.offer(min(current, shared), limit.phases)
            else:
                hungry.append(
                    (connector, limit, Demand(current, car.max_current, phases))
                )
        shares = share([demand for _, _, demand in hungry], station, NOMINAL_VOLTAGE)
        for (connector, limit, _), current in zip(hungry, shares, strict=True):
            connector.offer(current, limit.phases)
