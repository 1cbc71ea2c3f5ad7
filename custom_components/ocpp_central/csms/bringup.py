"""The first conversation after a charger connects."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
import logging
from typing import TYPE_CHECKING

from .capabilities import ConfigurationKey
from .errors import CommandError, CommandRejected, NotConnected, NotSupported

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


class BringUp:
    """Gets to know a charger: read first, write little, every step optional.

    A step that takes the charger down is not tried again on that firmware: the mark
    "trying" is on disk before the step is sent, and lifted after.
    """

    def __init__(self, charge_point: ChargePoint) -> None:
        """Serve one charge point over all its connections."""
        self._charge_point = charge_point
        self._task: asyncio.Task[None] | None = None

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

    async def ended(self) -> None:
        """Return after what was under way has ended."""
        if self._task:
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
        store = charge_point.capability_store
        capabilities = charge_point.capabilities
        if capabilities.trying:
            self._quarantine()
        try:
            await self._steps()
        except NotConnected, asyncio.CancelledError:
            if connection.lost:
                self._quarantine()
            raise
        finally:
            capabilities.trying = None
            await store.save()

    async def _steps(self) -> None:
        charge_point = self._charge_point
        commands = charge_point.commands
        await self._step("GetConfiguration", self._read_configuration)
        await self._step("MeterValueSampleInterval", self._write_interval)
        await self._step("MeterValuesSampledData", self._write_measurands)
        for connector in charge_point.connectors or [1]:
            if connector not in charge_point.heard_status:
                await self._trigger("StatusNotification", connector)
        for connector in charge_point.connectors:
            if charge_point.transactions.at(connector):
                await self._trigger("MeterValues", connector)
        for connector, wish in charge_point.wishes.connectors.items():
            if wish.available is not None:
                await self._step(
                    "ChangeAvailability",
                    partial(commands.change_availability, connector, wish.available),
                )
        await self._step("SetChargingProfile", charge_point.limits.apply)

    async def _quiet(self, connection: Connection) -> None:
        """Wait until the charger has not called for a while."""
        quiet = self._charge_point.timing.quiet
        loop = asyncio.get_running_loop()
        patience = loop.time() + _PATIENCE
        while (rest := connection.last_call + quiet - loop.time()) > 0:
            if loop.time() > patience:
                return
            await asyncio.sleep(rest)

    async def _step(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        charge_point = self._charge_point
        capabilities = charge_point.capabilities
        if name in capabilities.quarantined:
            return
        capabilities.trying = name
        await charge_point.capability_store.save()
        try:
            await work()
        except NotConnected:
            raise
        except CommandError as error:
            _LOGGER.debug("%s: bring-up: %s", charge_point.identity, error)
        # Slow chargers answer before they are done, and some die only then.
        await asyncio.sleep(charge_point.timing.pace)
        capabilities.trying = None

    def _quarantine(self) -> None:
        capabilities = self._charge_point.capabilities
        if (step := capabilities.trying) and step not in capabilities.quarantined:
            capabilities.quarantined.append(step)
            _LOGGER.warning(
                "%s dropped its connection after %s; it is not sent again to this"
                " firmware",
                self._charge_point.identity,
                step,
            )

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

    async def _read_configuration(self) -> None:
        """Read all keys, once per firmware."""
        charge_point = self._charge_point
        if not charge_point.configuration:
            answer = await charge_point.commands.get_configuration([])
            charge_point.set_configuration(
                {
                    str(entry["key"]): ConfigurationKey(
                        None if entry.get("value") is None else str(entry["value"]),
                        bool(entry.get("readonly")),
                    )
                    for entry in answer.get("configurationKey") or ()
                    if isinstance(entry, dict) and entry.get("key")
                }
            )
        count = charge_point.configuration.get("NumberOfConnectors")
        if count and count.value and count.value.isdecimal():
            number = int(count.value)
            for connector in range(1, number + 1 if number <= _MAX_CONNECTORS else 1):
                charge_point.add_connector(connector)

    async def _write_interval(self) -> None:
        await self._write(
            "MeterValueSampleInterval", str(self._charge_point.config.meter_interval)
        )

    async def _write_measurands(self) -> None:
        """Ask for what the sensors need; a charger that sends more keeps doing so."""
        key = self._charge_point.configuration.get("MeterValuesSampledData")
        if key is None:
            return
        present = [
            part.strip() for part in (key.value or "").split(",") if part.strip()
        ]
        missing = [part for part in _MEASURANDS if part not in present]
        # Current and voltage alone are not worth a write.
        if not {"Energy.Active.Import.Register", "Power.Active.Import"} & set(missing):
            return
        try:
            await self._write("MeterValuesSampledData", ",".join(present + missing))
        except CommandRejected:
            await self._write("MeterValuesSampledData", ",".join(_MEASURANDS[:3]))

    async def _write(self, name: str, value: str) -> None:
        key = self._charge_point.configuration.get(name)
        if key and not key.readonly and key.value != value:
            await self._charge_point.commands.set_configuration(name, value)
