"""What everyone else holds: state to read, commands to await, changes to hear."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime
import logging
from typing import Any, override

from yarl import URL

from .access import Access
from .access_keys import AccessKeys
from .active_phases import ActivePhases
from .bringup import BringUp
from .capabilities import Capabilities, CapabilityStore, ConfigurationKey, model_key
from .certificates import Signing
from .clock import ChargerClock, utcnow
from .commands import Commands
from .configuration import ConfigurationKeys
from .connection import Connection
from .costs import Costs
from .errors import CommandError, NotConnected
from .external import External
from .fail_safe import FailSafe
from .jobs import Jobs, UploadTarget
from .limits import Limits
from .local_list import LocalList
from .metering import FLOWS, REGISTERS, SAMPLES, Reading, power_of
from .meters import Meters
from .model import (
    STATION,
    Allowance,
    Authorizer,
    BootInfo,
    ChargePointConfig,
    ConnectorStatus,
    Event,
    LimitUnit,
    SessionLedger,
    Transaction,
    Value,
)
from .offers import Offers
from .phases import Phases
from .prices import Prices
from .profiles import units_of
from .proof import Proof
from .reasons import Reasons
from .reports import Reports
from .reservations import Reservations
from .schedules import Schedules
from .security import Security
from .settings import Settings
from .signs import Signs
from .spelling import Spelling
from .state import Unsubscribe, add_listener, call_listeners
from .timing import Timing
from .transaction_events import TransactionEvents
from .transactions import Transactions
from .versions import VERSIONS, dialect_of, version_of
from .vocabulary import Setting
from .wishes import WishKeeper

_LOGGER = logging.getLogger(__name__)

# Samples older than this say nothing about a charger that has just come back.
_SAMPLES_AGE = 60
# Where current flows, or may flow for all the charger says.
_DRAWING = frozenset(
    {ConnectorStatus.CHARGING, ConnectorStatus.OCCUPIED, ConnectorStatus.FAULTED}
)


class ChargePoint(WishKeeper):
    """One charger, connected or not."""

    def __init__(
        self,
        config: ChargePointConfig,
        *,
        ledger: SessionLedger,
        authorizer: Authorizer,
        capabilities: CapabilityStore,
        timing: Timing,
        prices: Prices,
        charging: Callable[[str], Iterable[Transaction]],
        claimed: bool,
        unclaimed: Allowance,
        uploads: UploadTarget | None = None,
        signing: Signing | None = None,
    ) -> None:
        """Make a charge point; `claimed` is False until the user has added it."""
        super().__init__()
        self.config = config
        self.claimed = claimed
        self.unclaimed = unclaimed
        self.access = Access(self, authorizer, charging)
        self.access_keys = AccessKeys(self)
        self.capability_store = capabilities
        self.timing = timing
        self.info: BootInfo | None = None
        # The version of OCPP it spoke last.
        self.spoken = config.version or VERSIONS[0]
        self.configuration = ConfigurationKeys(
            capabilities.configuration(self.identity, self._model)
        )
        self.clock = ChargerClock()
        self.meters = Meters(self, ledger)
        self.transactions = Transactions(self, ledger, prices)
        self.transaction_events = TransactionEvents(self, ledger)
        self.active = ActivePhases(self)
        self.phases = Phases(self)
        self.spelling = Spelling(self)
        self.limits = Limits(self)
        self.limits.subscribe(lambda _held: self.phases.told())
        self.offers = Offers(self)
        self.local_list = LocalList(self, authorizer)
        self.access.is_listed = self.local_list.has
        self.reservations = Reservations(self)
        self.bring_up = BringUp(self)
        self.settings = Settings(self)
        self.security = Security(self, signing or Signing())
        self.external = External(self)
        self.schedules = Schedules(self)
        self.costs = Costs(self)
        self.reports = Reports(timing.call)
        # Connectors whose status the charger has told since it connected.
        self.heard_status: set[int] = set()
        self.reconnects = 0
        # Whether others depend on what it draws; None: whoever lowers what may flow
        # without us must mean so.
        self.shares_fuse: bool | None = None
        # Where it reaches us, as far as the path of the endpoint, and whether that is a
        # port of our own.
        self.address: URL | None = None
        self.on_own_port = False
        # Whether a password is needed where it dialled in.
        self.password_required = False
        self.connection: Connection | None = None
        self._commands: Commands | None = None
        self._derived_power: set[int] = set()
        self._offline_since: float | None = None
        self._connected_since: datetime | None = None
        self._connection_listeners: list[Callable[[], None]] = []
        self._event_listeners: list[Callable[[Event], None]] = []
        self._info_listeners: list[Callable[[], None]] = []
        self.jobs = Jobs(self, uploads)
        self._tasks: set[asyncio.Task[None]] = set()
        self._reasons = Reasons(self)
        self.proof = Proof(self, self.limits)
        self.fail_safe = FailSafe(self)
        self.signs = Signs(self)

    @property
    def identity(self) -> str:
        """Return the identity as the user or the charger spells it."""
        return self.config.identity

    @property
    def connected(self) -> bool:
        """Return whether the charger's socket is open."""
        return self._commands is not None

    @property
    @override
    def commands(self) -> Commands:
        """Return what the charger can be told; raises NotConnected."""
        if self._commands is None:
            raise NotConnected
        return self._commands

    @property
    def version(self) -> str | None:
        """Return the version of OCPP that the charger speaks now."""
        return version_of(self._commands.protocol) if self._commands else None

    @property
    def limit_units(self) -> list[LimitUnit]:
        """Return the units that limits may be given in, the preferred one first.

        Both known or nothing known: amperes, which is what a fuse is rated in.
        """
        return units_of(self.configuration, direct_current=self.direct_current)

    @property
    def direct_current(self) -> bool:
        """Return whether cars get direct current, as the user or the charger says."""
        told = self.configuration.integer(Setting.SUPPLY_PHASES)
        return self.config.direct_current or told == 0

    def active_phases(self, connector: int) -> int | None:
        """Return on how many phases a car draws; None: that is not measured."""
        return self.active.at(connector)

    def counted_phases(self, connector: int) -> int:
        """Return on how many phases something flows, for all that is known."""
        return self.active_phases(connector) or self.config.phases

    @property
    def capabilities(self) -> Capabilities:
        """Return what is known of this charger's model and firmware."""
        if not self.claimed:
            # Nothing is learnt of a stranger.
            return Capabilities()
        return self.capability_store.get(self._model)

    @property
    def _model(self) -> str:
        """Return what is remembered by; a charger that never says who it is, by itself.

        What it knows and bears in one dialect says nothing about the other.
        """
        model = model_key(self.info) if self.info else self.identity
        dialect = dialect_of(self.spoken)
        return f"{model}|{dialect}" if dialect else model

    def priority(self, connector: int) -> bool:
        """Return whether the driver at a connector has asked for all there is."""
        return self.external.has_priority(connector)

    # State

    def is_derived(self, connector: int) -> bool:
        """Return whether a connector's power is computed, not measured."""
        return connector in self._derived_power

    def status(self, connector: int) -> ConnectorStatus | None:
        """Return what a connector last said it is doing."""
        status = self.value(connector, "status")
        return status if isinstance(status, ConnectorStatus) else None

    def update_status(self, connector: int, status: ConnectorStatus) -> None:
        """Keep a connector's status and what follows from it."""
        changes: dict[str, Value] = {"status": status}
        if status not in _DRAWING:
            # Many chargers send no last sample when the current stops.
            values = self._values[connector]
            changes |= {key: 0.0 for key in FLOWS if key in values}
        self.update(connector, changes)
        self.transactions.update_status(connector, status)
        self.access.update_status(connector, status)

    def listened(self, since: datetime) -> bool:
        """Return whether the charger has been connected ever since."""
        return self._connected_since is not None and self._connected_since <= since

    def expect(self, connector: int, keys: Iterable[str]) -> None:
        """Take note of what a connector reported before a restart.

        Not known yet is only what flows: an idle connector says by its status that
        this is nothing.
        """
        self.update(connector, {key: None for key in keys if key in FLOWS})

    def draws(self, connector: int) -> bool:
        """Return whether current may flow, by what the connector says."""
        status = self.status(connector)
        return status is None or status in _DRAWING

    def update_samples(self, connector: int, reading: Reading) -> None:
        """Keep what a connector measured just now."""
        values = self._values[connector]
        changes: Mapping[str, Value] = reading.values
        self.active.sampled(connector, reading.values)
        if "power" in reading.values:
            self._derived_power.discard(connector)
        elif "current" in reading.values and (
            values.get("power") is None or connector in self._derived_power
        ):
            self._derived_power.add(connector)
            phases = self.counted_phases(connector)
            power = power_of(reading, self.config.nominal_voltage, phases)
            changes = {**reading.values, "power": power}
        self.update(connector, changes)
        self.offers.sampled(connector, reading.values)
        self.proof.looked(connector)
        self.fail_safe.sampled(connector)

    def set_info(self, info: BootInfo) -> None:
        """Keep who the charger says it is."""
        if info != self.info:
            self.info = info
            self._recall_configuration()
            call_listeners(self._info_listeners)

    def set_spoken(self, version: str) -> None:
        """Keep which version of OCPP the charger speaks."""
        if version != self.spoken:
            # What was under way ended for this, and is not to blame.
            self.capabilities.trying.pop(self.identity, None)
            self.spoken = version
            # It may keep what it was told in another one, or not.
            self.limits.forget()
            self.spelling.forget()
            self._recall_configuration()

    def _recall_configuration(self) -> None:
        """Go by what is remembered of the charger as it is now."""
        self.configuration = ConfigurationKeys(
            self.capability_store.configuration(self.identity, self._model)
        )
        self.access_keys.told(ConfigurationKeys(), self.configuration)
        self._tell_units()

    def set_configuration(self, keys: Mapping[str, ConfigurationKey]) -> None:
        """Keep the configuration keys the charger has told."""
        before, self.configuration = self.configuration, ConfigurationKeys(keys)
        self.access_keys.told(before, self.configuration)
        self._tell_units()
        self.capability_store.set_configuration(
            self.identity, self._model, dict(self.configuration)
        )

    def _tell_units(self) -> None:
        self.update(STATION, {"limit_units": ", ".join(self.limit_units)})

    def booted(self) -> None:
        """Take note of a BootNotification."""
        if self.connection:
            self.connection.booted()
        self.limits.forget()
        self.phases.forget()
        self.spelling.forget()
        self.proof.forget()
        self.external.forget()
        self.settings.booted()
        self.heard_status.clear()
        if self.claimed and self.connection:
            self.bring_up.start(self.connection, booted=True)

    def claim(self, config: ChargePointConfig) -> None:
        """Take a charger into use that the user has added while it is connected."""
        self.claimed = True
        if not self.configure(config) and self.connection:
            self.bring_up.invite(self.connection)

    def configure(self, config: ChargePointConfig) -> bool:
        """Take what the user says of the charger; returns whether it has to dial again.

        That is so where it is to speak another version than it does.
        """
        self.config = config
        if config.version is None or self.version in (None, config.version):
            return False
        self.bring_up.stop()
        self.run(self.disconnect(), "have it connect in another version")
        return True

    # Work of its own

    def run(self, work: Coroutine[Any, Any, object], what: str) -> None:
        """Do something in the background that a charger may refuse."""
        task = asyncio.create_task(
            self._run(work, what), name=f"{self.identity} {what}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, work: Coroutine[Any, Any, object], what: str) -> None:
        try:
            await work
        except NotConnected:
            pass
        except CommandError as error:
            _LOGGER.warning("%s: could not %s: %s", self.identity, what, error)

    @override
    async def disconnect(self) -> None:
        """Let the charger go."""
        if self.connection:
            self.connection.released = True
            await self.connection.close()

    async def stop(self) -> None:
        """Let the charger go and end the work in the background."""
        await self.disconnect()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.bring_up.stop()
        self.schedules.stop()
        self.limits.stop()
        self.phases.stop()
        self.proof.stop()
        await self.bring_up.ended()

    # Connection

    def attach(self, connection: Connection, commands: Commands) -> Connection | None:
        """Take a new socket into use; returns the one it replaces, to be closed."""
        if replaced := self.connection:
            replaced.replaced = True
            self.reports.lost()
        loop = asyncio.get_running_loop()
        if self._offline_since is not None:
            self.reconnects += 1
            if loop.time() - self._offline_since > _SAMPLES_AGE:
                self._forget_samples()
        self._offline_since = None
        self._connected_since = utcnow()
        self.set_spoken(version_of(commands.protocol))
        self.heard_status.clear()
        self.transaction_events.connected()
        self.connection = connection
        self._commands = commands
        if self.claimed:
            self.bring_up.start(connection, booted=False)
        call_listeners(self._connection_listeners)
        return replaced

    def detach(self, connection: Connection) -> None:
        """Let go of a socket that closed, unless a newer one is in use already."""
        if self.connection is not connection:
            return
        self.bring_up.stop()
        self.signs.tick()
        self.connection = None
        self._commands = None
        self.phases.forget()
        self.transactions.disconnected()
        self.reports.lost()
        self._offline_since = asyncio.get_running_loop().time()
        call_listeners(self._connection_listeners)

    def _forget_samples(self) -> None:
        for connector, values in self._values.items():
            self.update(
                connector,
                {key: None for key in values if key in SAMPLES - REGISTERS},
            )

    # Listeners

    def subscribe_connection(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call a listener when the charger connects or disconnects."""
        return add_listener(self._connection_listeners, listener)

    def subscribe_events(self, listener: Callable[[Event], None]) -> Unsubscribe:
        """Call a listener with everything that happens once."""
        return add_listener(self._event_listeners, listener)

    def subscribe_info(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call a listener when the charger says that it is another than before."""
        return add_listener(self._info_listeners, listener)

    @override
    def tell(self, event: Event) -> None:
        """Tell an event to who listens, after the answer to its cause has left."""
        asyncio.get_running_loop().call_soon(
            call_listeners, self._event_listeners, event
        )
