"""What is known of each connector, and who hears when it changes."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
import logging

from .evses import is_connector
from .model import STATION, Value

_LOGGER = logging.getLogger(__name__)


type Unsubscribe = Callable[[], None]


class State:
    """Values by connector (0: the charge point) and key."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._connectors: list[int] = []
        self._values: dict[int, dict[str, Value]] = {STATION: {}}
        self._changed: dict[tuple[int, str], None] = {}
        self._fresh: list[tuple[int, str]] = []
        self._listeners: dict[tuple[int, str], list[Callable[[], None]]] = {}
        self._new_listeners: list[Callable[[int, str], None]] = []

    @property
    def connectors(self) -> list[int]:
        """Return the connectors seen so far, 0 not among them."""
        return self._connectors

    def value(self, connector: int, key: str) -> Value:
        """Return a value; None where it was never reported."""
        values = self._values.get(connector)
        return values.get(key) if values else None

    def values(self, connector: int) -> Mapping[str, Value]:
        """Return all values of a connector (0: the charge point), a live view."""
        return self._values.get(connector, {})

    def add_connector(self, connector: int) -> bool:
        """Take note of a connector; False for a number no charger can mean."""
        if connector in self._values:
            return True
        if not is_connector(connector):
            return False
        self._values[connector] = {}
        self._connectors = sorted([*self._connectors, connector])
        self.update(connector, {"status": None})
        return True

    def remove_connector(self, connector: int) -> None:
        """Forget a connector; should it be seen again, it is a new one."""
        self._values.pop(connector, None)
        self._connectors = [known for known in self._connectors if known != connector]

    def update(self, connector: int, changes: Mapping[str, Value]) -> None:
        """Keep what really changed; its listeners are called soon.

        They are called from the event loop's next round, so that the answer to the
        message that brought the change leaves first.
        """
        values = self._values[connector]
        for key, value in changes.items():
            if key not in values:
                self._fresh.append((connector, key))
            elif values[key] == value:
                continue
            if not self._changed:
                asyncio.get_running_loop().call_soon(self._notify)
            values[key] = value
            self._changed[connector, key] = None

    def subscribe(
        self, connector: int, keys: Iterable[str], listener: Callable[[], None]
    ) -> Unsubscribe:
        """Call a listener after any of these values changed."""
        lists = [self._listeners.setdefault((connector, key), []) for key in keys]
        for listeners in lists:
            listeners.append(listener)

        def unsubscribe() -> None:
            for listeners in lists:
                listeners.remove(listener)

        return unsubscribe

    def subscribe_new(self, listener: Callable[[int, str], None]) -> Unsubscribe:
        """Call a listener with connector and key when a value is first reported."""
        return add_listener(self._new_listeners, listener)

    def _notify(self) -> None:
        changed, self._changed = self._changed, {}
        fresh, self._fresh = self._fresh, []
        # One that listens to several of the keys is called once.
        called: dict[Callable[[], None], None] = {}
        for connector_key in changed:
            for listener in self._listeners.get(connector_key, ()):
                called[listener] = None
        call_listeners(called)
        for connector_key in fresh:
            call_listeners(self._new_listeners, *connector_key)


def add_listener[T](listeners: list[T], listener: T) -> Unsubscribe:
    """Add a listener and return what takes it away again."""
    listeners.append(listener)
    return lambda: listeners.remove(listener)


def call_listeners[*Ts](
    listeners: Iterable[Callable[[*Ts], None]], *arguments: *Ts
) -> None:
    """Call every listener there is now."""
    for listener in list(listeners):
        try:
            listener(*arguments)
        except Exception:
            # It is the one at fault; the others have to hear all the same, and the
            # charger that was the cause must not suffer for it.
            _LOGGER.exception("A listener failed")
