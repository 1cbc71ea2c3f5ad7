"""The first conversation after a charger connects."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
import logging
from typing import TYPE_CHECKING

from .errors import CommandError, CommandRejected, NotConnected, NotSupported
from .jobs import JobKind
from .local_list import STEP
from .model import STATION
from .variables import connectors_in
from .versions import VERSIONS
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint
    from .connection import Connection

_LOGGER = logging.getLogger(__name__)

# Longest wait for a charger that never falls silent, in seconds.
_PATIENCE = 60
# What the sensors shown by default live on. Longer lists make some chargers refuse,
# and one reboot when it is read back.
_MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Voltage",
)
# A NumberOfConnectors above this is uninitialised memory, as seen.
_MAX_CONNECTORS = 16
# What a user may try again at any time; where it is answered then, it is no culprit.
_WISHES = ("ChangeAvailability", "SetChargingProfile", STEP)


class BringUp:
    """Gets to know a charger: read first, write little, every step optional.

    A step that takes the charger down is not tried again on that firmware: the mark
    "trying" is on disk before the step is sent, and lifted after. A charger that was
    taken down may also dial again before its old socket has closed.
    """

    def __init__(self, charge_point: ChargePoint) -> None:
        """Serve one charge point over all its connections."""
        self._charge_point = charge_point
        self._task: asyncio.Task[None] | None = None
        # Whether what is known of the model is newer than what is on disk.
        self._unsaved = False
        # Where the charger was told to restart, until it has.
        self._told_on: Connection | None = None

    def start(self, connection: Connection, *, booted: bool) -> None:
        """Begin, or begin again after the charger booted."""
        self.stop()
        self._task = asyncio.create_task(
            self._run(connection, booted),
            name=f"{self._charge_point.identity} bring-up",
        )

    def invite(self, connection: Connection) -> None:
        """Make a newly added charger boot again, which begins its bring-up."""
        self.stop()
        self._task = asyncio.create_task(
            self._invite(connection), name=f"{self._charge_point.identity} invitation"
        )

    def stop(self) -> None:
        """End what is under way."""
        if self._task:
            self._task.cancel()

    @property
    def under_way(self) -> bool:
        """Return whether the first conversation is not over."""
        return self._task is not None and not self._task.done()

    def survived(self, step: str) -> None:
        """Take note that a step of several messages, if under way, does no harm."""
        identity = self._charge_point.identity
        trying = self._charge_point.capabilities.trying
        if trying.get(identity) == step:
            del trying[identity]
            self._unsaved = True

    def resetting(self) -> None:
        """Take note that the charger was told to restart: nothing else is to blame."""
        self._told_on = self._charge_point.connection

    def stays(self) -> None:
        """Take note that it will not restart after all."""
        self._told_on = None

    def bears(self, action: str) -> None:
        """Take note that what once took the charger down is answered now."""
        if action not in _WISHES or self.under_way:
            return
        quarantined = self._charge_point.capabilities.quarantined
        if action in quarantined:
            quarantined.remove(action)
            self._charge_point.run(self._save(), "remember what it bears")

    @property
    def goes_down(self) -> bool:
        """Return whether the charger was told to restart, or has new firmware."""
        return self._told_on is not None or self._charge_point.jobs.runs(
            JobKind.FIRMWARE
        )

    async def ended(self) -> None:
        """Return after what was under way has ended, or begun again and ended."""
        while self._task and not self._task.done():
            await asyncio.gather(self._task, return_exceptions=True)

    async def _invite(self, connection: Connection) -> None:
        commands = self._charge_point.commands
        try:
            await commands.trigger_message("BootNotification")
        except CommandError as error:
            _LOGGER.debug("%s: %s", self._charge_point.identity, error)
        await asyncio.sleep(self._charge_point.timing.reboot)
        # It dials again, and boots then.
        await connection.close()

    async def _run(self, connection: Connection, booted: bool) -> None:
        charge_point = self._charge_point
        timing = charge_point.timing
        await asyncio.sleep(timing.boot_grace if booted else timing.no_boot)
        await self._quiet(connection)
        capabilities = charge_point.capabilities
        if step := capabilities.trying.pop(charge_point.identity, None):
            await self._quarantine(step)
        if booted and connection is not self._told_on:
            self._told_on = None
        try:
            await self._steps()
        except NotConnected:
            pass
        finally:
            # Also when cancelled, by the end of the socket, a newer one, or a boot.
            await self._wind_up(connection)

    async def _wind_up(self, connection: Connection) -> None:
        charge_point = self._charge_point
        step = charge_point.capabilities.trying.pop(charge_point.identity, None)
        if step and connection.lost:
            await self._quarantine(step)
        elif step or self._unsaved:
            await self._save()

    async def _save(self) -> None:
        self._unsaved = False
        await self._charge_point.capability_store.save()

    async def _steps(self) -> None:
        charge_point = self._charge_point
        if not charge_point.configuration:
            reading = charge_point.commands.reading
            await self._step(reading, charge_point.settings.learn)
        self._count_connectors()
        await self._write(
            Setting.SAMPLE_INTERVAL, str(charge_point.config.meter_interval)
        )
        if charge_point.configuration.truth(Setting.SAMPLED_DATA_ENABLED) is False:
            await self._write(Setting.SAMPLED_DATA_ENABLED, "true")
        await self._write_measurands(Setting.SAMPLED_DATA, _MEASURANDS)
        for setting in (Setting.STARTED_DATA, Setting.ENDED_DATA):
            await self._write_measurands(setting, _MEASURANDS[:1])
        for name, setting, value in charge_point.access_keys.pending():
            if not await self._write(setting, value):
                charge_point.access_keys.refused(name)
        for connector in charge_point.connectors or [1]:
            if connector not in charge_point.heard_status:
                await self._trigger("StatusNotification", connector)
        for connector in charge_point.connectors:
            if charge_point.transactions.at(connector):
                await self._trigger_samples(connector)
        if charge_point.transaction_events.doubtful:
            await self._step(
                "GetTransactionStatus", charge_point.transaction_events.verify
            )
        for connector, wish in list(charge_point.wishes.connectors.items()):
            if wish.available is not None:
                await self._wish(
                    "ChangeAvailability",
                    partial(
                        charge_point.commands.change_availability,
                        connector,
                        wish.available,
                    ),
                )
        if charge_point.limits.differs:
            await self._wish("SetChargingProfile", charge_point.limits.apply)
        if charge_point.local_list.wanted:
            await self._wish(STEP, charge_point.local_list.sync)
        if charge_point.settings.to_watch:
            await self._step("Monitored keys", charge_point.settings.watch)
        charge_point.schedules.refresh(STATION, *charge_point.connectors)
        charge_point.external.look()

    async def _quiet(self, connection: Connection) -> None:
        """Wait until the charger has not called for a while."""
        quiet = self._charge_point.timing.quiet
        loop = asyncio.get_running_loop()
        patience = loop.time() + _PATIENCE
        while (rest := connection.last_call + quiet - loop.time()) > 0:
            if loop.time() > patience:
                return
            await asyncio.sleep(rest)

    async def _step(
        self, name: str, work: Callable[[], Awaitable[object]]
    ) -> CommandError | None:
        """Do what may go wrong; returns the charger's objection, if it has one."""
        charge_point = self._charge_point
        capabilities = charge_point.capabilities
        if name in capabilities.quarantined:
            return None
        objection: CommandError | None = None
        capabilities.trying[charge_point.identity] = name
        await self._save()
        try:
            await work()
        except NotConnected:
            raise
        except CommandError as error:
            _LOGGER.debug("%s: bring-up: %s", charge_point.identity, error)
            objection = error
        # Slow chargers answer before they are done, and some die only then.
        await asyncio.sleep(charge_point.timing.pace)
        capabilities.trying.pop(charge_point.identity, None)
        self._unsaved = True
        return objection

    async def _wish(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Carry out what the user wanted while the charger was away."""
        if error := await self._step(name, work):
            _LOGGER.warning("%s: %s", self._charge_point.identity, error)

    async def _quarantine(self, step: str) -> None:
        charge_point = self._charge_point
        quarantined = charge_point.capabilities.quarantined
        if step not in quarantined and not self.goes_down:
            quarantined.append(step)
            _LOGGER.warning(
                "%s dropped its connection after %s; it is not sent again to this"
                " firmware",
                charge_point.identity,
                step,
            )
        await self._save()

    async def _trigger(self, message: str, connector: int) -> None:
        untriggerable = self._charge_point.capabilities.untriggerable
        if message in untriggerable:
            return

        async def trigger() -> None:
            try:
                await self._charge_point.commands.trigger_message(message, connector)
            except CommandRejected, NotSupported:
                untriggerable.append(message)
                raise

        await self._step(f"TriggerMessage {message}", trigger)

    async def _trigger_samples(self, connector: int) -> None:
        untriggerable = self._charge_point.capabilities.untriggerable
        for message in self._charge_point.commands.sampling:
            await self._trigger(message, connector)
            if message not in untriggerable:
                return

    def _count_connectors(self) -> None:
        """Take note of the connectors that the settings are evidence of."""
        charge_point = self._charge_point
        configuration = charge_point.configuration
        number = configuration.integer(Setting.CONNECTORS)
        if number is not None and number <= _MAX_CONNECTORS:
            connectors = [*range(1, number + 1)]
        else:
            connectors = [*connectors_in(configuration)]
        if not charge_point.connectors and charge_point.version != VERSIONS[0]:
            # There is no charger of 2.x without an EVSE, whatever it tells.
            connectors = connectors or [1]
        for connector in connectors:
            charge_point.add_connector(connector)

    async def _write_measurands(
        self, setting: Setting, measurands: Sequence[str]
    ) -> None:
        """Ask for what the sensors need; a charger that sends more keeps doing so."""
        configuration = self._charge_point.configuration
        if configuration.find(setting) is None:
            return
        present = [
            part.strip()
            for part in configuration.text(setting).strip(" '\"").split(",")
            if part.strip()
        ]
        missing = [part for part in measurands if part not in present]
        # Current and voltage alone are not worth a write.
        if not set(_MEASURANDS[:2]) & set(missing):
            return
        wanted = present + missing
        longest = configuration.integer(Setting.SAMPLED_DATA_LENGTH)
        if longest and longest < len(wanted):
            wanted = list(dict.fromkeys([*measurands, *present]))[:longest]
        if not await self._write(setting, ",".join(wanted)):
            await self._write(setting, ",".join(measurands[:3]))

    async def _write(self, setting: Setting, value: str) -> bool:
        """Change a setting that differs; False where the charger refuses the value."""
        charge_point = self._charge_point
        key = charge_point.configuration.find(setting)
        if key is None or key.readonly or key.value == value:
            return True
        name = charge_point.commands.setting_name(setting)
        refused = charge_point.capabilities.refused
        change = f"{name}={value}"
        if change in refused:
            return False
        error = await self._step(
            name,
            partial(charge_point.settings.write, setting, value),
        )
        if isinstance(error, (CommandRejected, NotSupported)):
            refused.append(change)
            return False
        return True
