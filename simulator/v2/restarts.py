"""Restarts of the station or of a part of it, and what becomes of transactions then."""

from simulator.base import REBOOT_SECONDS, BaseCharger
from simulator.clock import Clock
from simulator.quirks import NO_QUIRKS, Quirks
from simulator.transport import Transport

from .events import Events
from .sessions import Sessions2
from .station import Evse, Station2
from .variables import Variables


class Restarts(BaseCharger):
    """A charger that restarts."""

    version: str
    station: Station2
    sessions: Sessions2
    events: Events
    variables: Variables

    def __init__(
        self,
        identity: str,
        vendor: str,
        clock: Clock | None,
        quirks: Quirks = NO_QUIRKS,
    ) -> None:
        """Begin switched on for the first time."""
        super().__init__(identity, vendor, clock, quirks)
        self._boot_reason = "PowerUp"
        self._reset_when_idle: set[int] = set()

    async def reboot(self) -> None:
        """Restart on the charger's own account. It is back after `REBOOT_SECONDS`."""
        await self.restart("Reboot", "LocalReset")
        await self.settle()

    async def power_loss(self) -> None:
        """Lose power for a moment. The charger is back after `REBOOT_SECONDS`."""
        await self.crash("PowerLoss", "PowerUp")
        await self.settle()

    async def restart(self, reason: str, boot_reason: str) -> None:
        """Restart after ending all transactions and saying so."""
        for evse in self.station.busy:
            self.sessions.stop(evse, reason)
        await self.farewell()
        await self.link.hang_up(Transport.close)
        self._power_cycle(boot_reason)

    async def crash(self, reason: str, boot_reason: str) -> None:
        """Restart out of the blue. What was running ends, and is told after the restart."""
        await self.link.hang_up(Transport.abort)
        if self.variables.integer("TxCtrlr.ResumptionTimeout") < REBOOT_SECONDS:
            for evse in self.station.busy:
                self.sessions.stop(evse, reason)
        self._power_cycle(boot_reason)

    async def restart_and_resume(self, boot_reason: str) -> None:
        """Restart without ending transactions (OCPP 2.1)."""
        await self.farewell()
        await self.link.hang_up(Transport.close)
        self._power_cycle(boot_reason)

    def _power_cycle(self, boot_reason: str) -> None:
        self.station.update()
        self.station.powered = False
        self.station.update()
        self.sessions.power_down()
        self._boot_reason = boot_reason
        self._reset_when_idle.clear()
        self.oddities.rebooted()
        self.link.forget_registration()
        self.link.dial_later(REBOOT_SECONDS)
        self.clock.call_later(REBOOT_SECONDS, self._power_up)

    def _power_up(self) -> None:
        self.station.powered = True
        for evse in self.station.busy:
            resumed = "TxResumed" if self.version == "2.1" else "Trigger"
            self.events.updated(evse, resumed)
        self.station.update()

    # Resets

    def reset_evse(self, evse: Evse) -> None:
        """Restart one EVSE, ending its transaction."""
        self.sessions.stop(evse, "ImmediateReset")
        evse.resetting = True
        self.station.update()

        def over() -> None:
            evse.resetting = False
            self.station.update()

        self.clock.call_later(REBOOT_SECONDS, over)

    def reset_when_idle(self, evse_id: int) -> None:
        """Restart an EVSE, or with 0 the station, once its transactions have ended."""
        self._reset_when_idle.add(evse_id)

    def perhaps_reset(self) -> None:
        """A transaction has ended: restart what was to restart after it."""
        if not self._reset_when_idle:
            return
        busy = {evse.id for evse in self.station.busy}
        if 0 in self._reset_when_idle:
            if not busy:
                self._reset_when_idle.clear()
                self.activity.spawn(self.restart("ImmediateReset", "ScheduledReset"))
            return
        for number in self._reset_when_idle - busy:
            self._reset_when_idle.discard(number)
            if (evse := self.station.evse(number)) is not None:
                self.reset_evse(evse)
