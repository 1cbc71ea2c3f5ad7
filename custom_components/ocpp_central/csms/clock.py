"""The charger's clock against ours."""

from datetime import UTC, datetime, timedelta

# Nothing speaks OCPP-J from before its time: an earlier date is a clock not set.
_EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
_LATEST = timedelta(days=365)
_LIVE = timedelta(seconds=60)
_SAME = timedelta(seconds=5)
_APART = timedelta(seconds=20)
_PAST = timedelta(minutes=5)


def utcnow() -> datetime:
    """Return the time now."""
    return datetime.now(UTC)


def parse_time(text: object) -> datetime | None:
    """Read a timestamp of a charger; without a zone it is taken for UTC."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text.strip())
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        return time.astimezone(UTC)
    except ValueError, OverflowError:
        return None


def plausible_time(text: object) -> datetime | None:
    """Read a timestamp; None where the charger's clock cannot have been set."""
    time = parse_time(text)
    return time if time and is_plausible(time) else None


def is_plausible(time: datetime) -> bool:
    """Return whether a charger can have meant a time: its clock has been set."""
    return _EARLIEST < time < utcnow() + _LATEST


def format_time(time: datetime) -> str:
    """Write a time as every charger can read it: no fraction, no offset."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ChargerClock:
    """Tells a charger's constant clock error from messages of the past.

    A charger that was offline replays what it could not send, with old timestamps;
    one whose clock is wrong sends old timestamps for ever.
    """

    def __init__(self) -> None:
        """Start without knowledge."""
        # Charger's time minus ours; None until known.
        self.offset: timedelta | None = None
        self._candidate: tuple[timedelta, datetime] | None = None

    def observe(self, time: datetime) -> None:
        """Learn from the timestamp of a message that has just come."""
        now = utcnow()
        offset = time - now
        # Nothing of the past comes later than now by the charger's clock.
        if offset >= (-_LIVE if self.offset is None else self.offset):
            self.offset = offset
            self._candidate = None
            return
        if self._candidate is None or abs(offset - self._candidate[0]) > _SAME:
            self._candidate = (offset, now)
        elif now - self._candidate[1] >= _APART:
            self.offset = offset

    def correct(self, time: datetime) -> datetime:
        """Return a charger's time in ours: now, where its clock was never set."""
        if not is_plausible(time):
            return utcnow()
        if self.offset is None or abs(self.offset) <= _LIVE:
            return time
        return time - self.offset

    def is_past(self, time: datetime) -> bool:
        """Return whether a timestamp speaks of the past, not of now."""
        return time - utcnow() < (self.offset or timedelta()) - _PAST
