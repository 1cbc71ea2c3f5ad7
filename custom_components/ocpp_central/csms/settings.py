"""A charger's own settings: read in portions it can bear, and watched for changes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate
import logging
from typing import TYPE_CHECKING

from .clock import utcnow
from .configuration import ConfigurationKeys, Findings, is_secret
from .connection import Connection, Payload, Priority
from .errors import CommandError, CommandFailed, CommandRejected, NotConnected
from .model import STATION, Event, EventKind
from .state import Unsubscribe, add_listener, call_listeners
from .vocabulary import Setting, same_setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_LOGGER = logging.getLogger(__name__)

# How often monitored keys are read again.
MONITOR_INTERVAL = timedelta(hours=1)
# How many standard keys are asked for at a time, where the charger names no number.
_PORTION = 10
# What a message has besides what it asks for, in bytes, generously.
_FRAME = 100
_HIDDEN = "…"


@dataclass(slots=True)
class SettingsState:
    """What is remembered of a charger's settings."""

    # Keys to watch, each with the value last seen. None: not seen so far.
    monitored: dict[str, str | None] = field(default_factory=dict)
    # Changed keys that hold only after a restart of the charger.
    reboot_required: list[str] = field(default_factory=list)
    # What the charger was asked to tell by itself, with the number of that watch, if it
    # has one; by which firmware; and the watches that are to end.
    watches: dict[str, int | None] = field(default_factory=dict)
    watched_by: str | None = None
    ended_watches: list[int] = field(default_factory=list)
    # What keys that limit the current held before us, and what we have made of them.
    former: dict[str, str] = field(default_factory=dict)
    ours: dict[str, str] = field(default_factory=dict)


class Settings:
    """Reads the configuration keys of one charge point and watches some of them."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Watch nothing yet."""
        self.state = SettingsState()
        self._charge_point = charge_point
        self._listeners: list[Callable[[], None]] = []
        # The socket on which a restart was asked for: the charger restarts without it.
        self._asked_on: Connection | None = None
        self._read_at: datetime | None = None
        # What is being written just now, by casefolded name.
        self.writing: dict[str, str] = {}

    def restore(self, state: SettingsState) -> None:
        """Go on with what was remembered."""
        self.state = state
        self._show_reboot()

    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call a listener when there is something else to remember."""
        return add_listener(self._listeners, listener)

    # Reading

    async def learn(self) -> None:
        """Read what is needed of a charger that is new. Raises CommandError."""
        charge_point = self._charge_point
        commands = charge_point.commands
        if not commands.first_settings:
            keys = await commands.read_all_settings()
        else:
            keys = (
                await self._read_named(commands.first_settings, Priority.USER)
            ).known
        charge_point.set_configuration(keys)

    async def read(
        self, names: Sequence[str] = (), priority: Priority = Priority.USER
    ) -> Findings:
        """Ask for settings by name, or for all. Raises CommandError."""
        commands = self._charge_point.commands
        if names:
            findings = await self._read_named(names, priority)
        else:
            try:
                findings = Findings(await commands.read_all_settings(priority))
            except CommandFailed, CommandRejected:
                findings = await self._read_named(
                    commands.usual_settings, priority, _PORTION
                )
                findings.unknown.clear()
        # A few keys are not to be taken for all of them.
        if self._charge_point.configuration or not names:
            self._charge_point.set_configuration(
                self._charge_point.configuration.updated(findings.known)
            )
        self._compare(findings.known)
        return findings

    async def _read_named(
        self, names: Iterable[str], priority: Priority, usual: int | None = None
    ) -> Findings:
        """Ask for keys in portions, and for those one by one that it refuses as such."""
        findings = Findings()
        for portion in self._portions(names, findings, usual):
            error: CommandFailed | None = None
            left: Iterable[str] = portion
            try:
                left = await self._ask(portion, findings, priority)
            except CommandFailed as refusal:
                error = refusal
            if len(portion) > 1:
                left = await self._read_singly(left, findings, priority)
            # Not one answer: it does not tell, rather than not know.
            if error and not (findings.known or findings.unknown):
                raise error
            findings.unknown += left
        return findings

    def _portions(
        self, names: Iterable[str], findings: Findings, usual: int | None
    ) -> Iterator[list[str]]:
        """Cut names into portions that the charger can bear, by what it says of that.

        That may be among what it has just been asked for.
        """
        commands = self._charge_point.commands
        names = list(names)
        while names:
            limits = self._charge_point.configuration.updated(findings.known)
            most = limits.integer(Setting.KEYS_PER_READ) or usual or commands.portion
            portion = names[: most or len(names)]
            if longest := limits.integer(Setting.BYTES_PER_READ):
                sizes = accumulate(map(commands.setting_size, portion))
                fits = sum(_FRAME + size <= longest for size in sizes)
                portion = portion[: max(1, fits)]
            yield portion
            names = names[len(portion) :]

    async def _read_singly(
        self, names: Iterable[str], findings: Findings, priority: Priority
    ) -> list[str]:
        """Ask for keys one by one; returns those it says nothing of."""
        left: list[str] = []
        for name in names:
            try:
                left += await self._ask([name], findings, priority)
            except CommandFailed as error:
                _LOGGER.debug("%s: %s: %s", self._charge_point.identity, name, error)
                left.append(name)
        return left

    async def _ask(
        self, names: Sequence[str], findings: Findings, priority: Priority
    ) -> list[str]:
        """Ask for some keys; returns those the answer does not mention."""
        found = await self._charge_point.commands.read_settings(names, priority)
        for name, key in found.known.items():
            findings.known.add(name, key)
        findings.unknown += found.unknown
        return found.unanswered

    # Changes

    async def write(self, setting: Setting, value: str) -> Payload:
        """Change a setting, by its name in the charger's dialect."""
        return await self._charge_point.commands.set_configuration(
            self.name(setting), value
        )

    def name(self, setting: Setting) -> str:
        """Return what the charger calls a setting. Raises NotSupported, NotConnected."""
        name = self._charge_point.commands.setting_name(setting)
        return self._charge_point.configuration.spelled(name)

    def monitor(self, names: Iterable[str]) -> list[str]:
        """Watch more keys; returns all that are watched. None named: watch none."""
        names = list(names)
        if not names:
            self._unwatch()
        configuration = self._charge_point.configuration
        for name in names:
            if self._monitored(name) is None:
                known = configuration.get(name)
                self.state.monitored[configuration.spelled(name)] = (
                    None if known is None or is_secret(name) else known.value or ""
                )
        call_listeners(self._listeners)
        if self._charge_point.connected and (names or self.state.ended_watches):
            self._charge_point.run(self.watch(), "watch settings")
        return list(self.state.monitored)

    def _unwatch(self) -> None:
        """Watch nothing any more; watches of others stay."""
        state = self.state
        state.ended_watches += [
            number for number in state.watches.values() if number is not None
        ]
        state.watches.clear()
        state.monitored.clear()

    @property
    def to_watch(self) -> bool:
        """Return whether there is anything to watch, or to watch no longer."""
        return bool(self.state.monitored or self.state.ended_watches)

    async def watch(self) -> None:
        """Have the charger tell changes, if it can, and look for those there were."""
        try:
            await self._watch()
        except NotConnected:
            raise
        except CommandError as error:
            _LOGGER.debug("%s: %s", self._charge_point.identity, error)
        await self.reread()

    async def _watch(self) -> None:
        state = self.state
        info = self._charge_point.info
        firmware = info.firmware if info else None
        if firmware != state.watched_by:
            # Whether another firmware still has them, nobody knows.
            state.watches.clear()
            state.watched_by = firmware
        commands = self._charge_point.commands
        if ended := list(state.ended_watches):
            await commands.unwatch_settings(ended, Priority.SETUP)
            state.ended_watches = state.ended_watches[len(ended) :]
        new = [name for name in state.monitored if name not in state.watches]
        if new:
            watches = await commands.watch_settings(new, Priority.SETUP)
            state.watches.update(watches)
            # Called off in the meantime.
            for name in watches.keys() - state.monitored.keys():
                if (number := state.watches.pop(name)) is not None:
                    state.ended_watches.append(number)
        if ended or new:
            call_listeners(self._listeners)

    async def reread(self) -> None:
        """Look whether anybody else has changed a monitored key."""
        if not self.state.monitored:
            return
        self._read_at = utcnow()
        try:
            await self.read(list(self.state.monitored), Priority.POLL)
        except NotConnected:
            raise
        except CommandError as error:
            _LOGGER.debug("%s: %s", self._charge_point.identity, error)

    def tick(self) -> None:
        """Read the monitored keys again when it is time; called once a minute."""
        if (
            self._charge_point.connected
            and self._read_at
            and utcnow() - self._read_at >= MONITOR_INTERVAL
        ):
            self._charge_point.run(self.reread(), "read the monitored keys")

    def written(self, name: str, value: str, *, reboot: bool) -> None:
        """Take note of a change of ours that the charger has accepted."""
        configuration = self._charge_point.configuration
        if key := configuration.get(name):
            changed = {configuration.spelled(name): replace(key, value=value)}
            self._charge_point.set_configuration(configuration.updated(changed))
        if monitored := self._monitored(name):
            self._note(monitored, value, "own")
        if reboot:
            self._asked_on = self._charge_point.connection
            if name not in self.state.reboot_required:
                self.state.reboot_required.append(name)
            self._show_reboot()
            call_listeners(self._listeners)

    def taken_back(self, name: str) -> None:
        """Take note that a key holds again what it has held all the time."""
        if name in self.state.reboot_required:
            self.state.reboot_required.remove(name)
            self._show_reboot()
            self.remember()

    def remember(self) -> None:
        """Tell that there is something else to remember."""
        call_listeners(self._listeners)

    def told(self, keys: ConfigurationKeys) -> None:
        """Take note of settings that the charger tells in a report."""
        charge_point = self._charge_point
        # Some of them are not to be taken for all of them.
        if charge_point.configuration:
            charge_point.set_configuration(charge_point.configuration.updated(keys))
        self._compare(keys)

    def changed(self, name: str, value: str) -> None:
        """Take note of a change that the charger tells by itself."""
        monitored = self._monitored(name)
        if monitored is None:
            return
        configuration = self._charge_point.configuration
        if key := configuration.get(name):
            changed = {configuration.spelled(name): replace(key, value=value)}
            self._charge_point.set_configuration(configuration.updated(changed))
        # It may tell what we have just written before it says that it has.
        own = self.writing.get(name.casefold()) == value
        self._note(monitored, value, "own" if own else "charger")

    def booted(self) -> None:
        """Take note of a BootNotification: the charger has restarted."""
        # Asked to say so, a charger may boot by word only, and on the same socket.
        if (
            self.state.reboot_required
            and self._charge_point.connection is not self._asked_on
        ):
            self.state.reboot_required.clear()
            self._show_reboot()
            call_listeners(self._listeners)

    def _show_reboot(self) -> None:
        self._charge_point.update(
            STATION, {"reboot_required": bool(self.state.reboot_required)}
        )

    def _compare(self, keys: ConfigurationKeys) -> None:
        for name, key in keys.items():
            monitored = self._monitored(name)
            # Until it has restarted, it may still tell the former value.
            if monitored and not (
                is_secret(name) or _in(self.state.reboot_required, name)
            ):
                self._note(monitored, key.value or "", "charger")

    def _note(self, name: str, value: str, source: str) -> None:
        old = self.state.monitored[name]
        secret = is_secret(name)
        if old == value:
            return
        if not secret:
            self.state.monitored[name] = value
            call_listeners(self._listeners)
        if old is None and source == "charger":
            return
        self._charge_point.tell(
            Event(
                EventKind.CONFIGURATION,
                STATION,
                "changed",
                {
                    "key": name,
                    "old": _HIDDEN if secret else old,
                    "new": _HIDDEN if secret else value,
                    "source": source,
                },
            )
        )

    def _monitored(self, name: str) -> str | None:
        """Return a monitored key as it is spelled there."""
        return next(
            (
                monitored
                for monitored in self.state.monitored
                if same_setting(monitored, name)
            ),
            None,
        )


def _in(names: Iterable[str], name: str) -> bool:
    return any(same_setting(other, name) for other in names)
