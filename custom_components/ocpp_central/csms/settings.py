"""A charger's own settings: read in portions it can bear, and watched for changes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import batched
import logging
from typing import TYPE_CHECKING

from .clock import utcnow
from .configuration import STANDARD_KEYS, ConfigurationKeys, is_secret, read_keys
from .connection import Connection, Payload, Priority
from .errors import CommandError, CommandFailed, NotConnected
from .model import STATION, Event, EventKind
from .state import Unsubscribe, add_listener, call_listeners
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_LOGGER = logging.getLogger(__name__)

# How often monitored keys are read again.
MONITOR_INTERVAL = timedelta(hours=1)
# How many standard keys are asked for at a time, where the charger names no number.
_PORTION = 10
_HIDDEN = "…"


@dataclass(slots=True)
class SettingsState:
    """What is remembered of a charger's settings."""

    # Keys to watch, each with the value last seen. None: not seen so far.
    monitored: dict[str, str | None] = field(default_factory=dict)
    # Changed keys that hold only after a restart of the charger.
    reboot_required: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What a charger says of the keys it was asked for."""

    known: ConfigurationKeys = field(default_factory=ConfigurationKeys)
    unknown: list[str] = field(default_factory=list)


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

    def restore(self, state: SettingsState) -> None:
        """Go on with what was remembered."""
        self.state = state
        self._show_reboot()

    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call a listener when there is something else to remember."""
        return add_listener(self._listeners, listener)

    # Reading

    async def read(
        self, names: Sequence[str] = (), priority: Priority = Priority.USER
    ) -> Report:
        """Ask for keys by name, or for all. Raises CommandError."""
        most = self._charge_point.configuration.integer(Setting.KEYS_PER_READ)
        if names:
            report = await self._read_named(names, most or len(names), priority)
        else:
            try:
                answer = await self._charge_point.commands.get_configuration(
                    [], priority
                )
                report = Report(read_keys(answer))
            except CommandFailed:
                report = await self._read_named(
                    STANDARD_KEYS, most or _PORTION, priority
                )
                report.unknown.clear()
        # A few keys are not to be taken for all of them.
        if self._charge_point.configuration or not names:
            self._charge_point.set_configuration(
                self._charge_point.configuration.updated(report.known)
            )
        self._compare(report.known)
        return report

    async def _read_named(
        self, names: Iterable[str], size: int, priority: Priority
    ) -> Report:
        """Ask for keys in portions, and for those one by one that it refuses as such."""
        report = Report()
        for portion in batched(names, size, strict=False):
            error: CommandFailed | None = None
            left: Iterable[str] = portion
            try:
                left = await self._ask(portion, report, priority)
            except CommandFailed as refusal:
                error = refusal
            if len(portion) > 1:
                left = await self._read_singly(left, report, priority)
            # Not one answer: it does not tell, rather than not know.
            if error and not (report.known or report.unknown):
                raise error
            report.unknown += left
        return report

    async def _read_singly(
        self, names: Iterable[str], report: Report, priority: Priority
    ) -> list[str]:
        """Ask for keys one by one; returns those it says nothing of."""
        left: list[str] = []
        for name in names:
            try:
                left += await self._ask([name], report, priority)
            except CommandFailed as error:
                _LOGGER.debug("%s: %s: %s", self._charge_point.identity, name, error)
                left.append(name)
        return left

    async def _ask(
        self, names: Sequence[str], report: Report, priority: Priority
    ) -> list[str]:
        """Ask for some keys; returns those the answer does not mention."""
        answer = await self._charge_point.commands.get_configuration(
            list(names), priority
        )
        known = read_keys(answer)
        unknown = answer.get("unknownKey")
        refused = {
            str(name).strip().casefold()
            for name in (unknown if isinstance(unknown, list) else ())
        }
        left: list[str] = []
        for name in names:
            if key := known.get(name):
                report.known.add(known.spelled(name), key)
            elif name.casefold() in refused:
                report.unknown.append(name)
            else:
                left.append(name)
        return left

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
            self.state.monitored.clear()
        configuration = self._charge_point.configuration
        for name in names:
            if self._monitored(name) is None:
                known = configuration.get(name)
                self.state.monitored[configuration.spelled(name)] = (
                    None if known is None or is_secret(name) else known.value or ""
                )
        call_listeners(self._listeners)
        if names and self._charge_point.connected:
            self._charge_point.run(self.reread(), "read the monitored keys")
        return list(self.state.monitored)

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
                if monitored.casefold() == name.casefold()
            ),
            None,
        )


def _in(names: Iterable[str], name: str) -> bool:
    return name.casefold() in {other.casefold() for other in names}
