"""When current flowed at a connector, by what it said of itself."""

from collections.abc import Sequence
from datetime import datetime

type Window = tuple[datetime, datetime]


class Activity:
    """Keeps the times of charging between one reading and the next."""

    def __init__(self) -> None:
        """Start without knowledge."""
        self._known_since: datetime | None = None
        self._charging_since: datetime | None = None
        self._windows: list[Window] = []

    def update(self, now: datetime, charging: bool) -> None:
        """Take note of whether current flows from now on."""
        if self._known_since is None:
            self._known_since = now
        if charging and self._charging_since is None:
            self._charging_since = now
        elif not charging and self._charging_since is not None:
            self._windows.append((self._charging_since, now))
            self._charging_since = None

    def forget(self) -> None:
        """Take note that nobody hears what happens from now on."""
        self._known_since = self._charging_since = None
        self._windows.clear()

    def take(self, since: datetime, until: datetime) -> Sequence[Window] | None:
        """Return when current flowed in a time, once; None if that is not known."""
        windows = self._windows
        self._windows = []
        if self._charging_since is not None and self._charging_since < until:
            windows.append((self._charging_since, until))
            self._charging_since = until
        if self._known_since is None or since < self._known_since:
            return None
        return [
            (max(start, since), min(end, until))
            for start, end in windows
            if max(start, since) < min(end, until)
        ] or None
