"""From "16 A" to the charging profiles a charger holds."""

import asyncio
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .clock import utcnow
from .connection import Payload, Priority
from .errors import (
    CommandError,
    CommandFailed,
    CommandRejected,
    NotConnected,
    NotSupported,
)
from .model import STATION, ChargingLimit, LimitProfile, Purpose, Transaction
from .profiles import (
    amperes,
    default_profile,
    fallback,
    station_profile,
    transaction_profile,
)
from .session_limits import SessionLimits

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# A car cannot charge below this (IEC 61851-1).
MINIMUM_CURRENT = 6.0
_TASK = "set the charging limit"
_LONGEST_PAUSE = timedelta(hours=12)

type Slot = tuple[Purpose, int]


class Limits:
    """Keeps the profiles in a charge point in step with what the user wants.

    One profile per purpose and connector, always replaced in place:
    the ceiling at the station, the connector's limit as the default of coming
    transactions, and what holds in the running one.
    """

    def __init__(self, charge_point: ChargePoint) -> None:
        """Start without knowing what the charger holds."""
        self._charge_point = charge_point
        self._held: dict[Slot, LimitProfile] = {}
        self._sessions = SessionLimits(charge_point)
        # When pauses end by themselves, where a charger has no better way to pause.
        self._pauses: dict[int, datetime] = {}
        # Connectors whose charger has not named its transaction yet.
        self._unnamed: set[int] = set()
        self._lock = asyncio.Lock()

    def forget(self) -> None:
        """Assume nothing of what the charger holds, so that all is sent again."""
        self._held.clear()

    def limit_next_session(
        self, connector: int, id_token: str, limit: ChargingLimit | None
    ) -> None:
        """Limit the transaction that a remote start is about to bring, or do not."""
        self._sessions.expect(connector, id_token, limit)

    def transaction_started(self, transaction: Transaction) -> None:
        """Limit a transaction that has just started, if it is to be limited."""
        connector = transaction.connector
        self._sessions.begin(transaction)
        self._unnamed.add(connector)
        self._charge_point.run(self._begin(connector), _TASK)

    def transaction_seen(self, connector: int, *, named: bool) -> None:
        """Try again what was refused for a transaction the charger did not know yet.

        It is told the id with the answer to its start, and needs a moment to read it.
        """
        if connector not in self._unnamed:
            return
        if named:
            self._unnamed.discard(connector)
        work = self.apply(connector) if named else self._begin(connector)
        self._charge_point.run(work, _TASK)

    async def _begin(self, connector: int) -> None:
        with suppress(CommandRejected):
            await self.apply(connector)

    def transaction_ended(self, connector: int) -> None:
        """Drop what ends with a transaction, as the charger does."""
        self._held.pop((Purpose.TRANSACTION, connector), None)
        self._sessions.drop(connector)
        self._unnamed.discard(connector)
        # What was for the transaction must not hold for the next one; and where it could
        # not be limited, the connector still can.
        self._charge_point.run(self.apply(connector), _TASK)

    def tick(self) -> None:
        """Renew what runs out by itself; called once a minute."""
        if self._pauses:
            self._charge_point.run(self.apply(), _TASK)

    async def apply(
        self, connector: int | None = None, priority: Priority = Priority.USER
    ) -> None:
        """Send what differs from what the charger holds, of one connector or of all.

        What it refuses of one connector does not keep the others from theirs. Raises
        the first CommandError.
        """
        if not self._charge_point.connected:
            raise NotConnected
        async with self._lock:
            refused: dict[int, CommandError] = {}
            # Looked up anew each time: what is wanted may change while we wait.
            while profile := self._next_change(connector, refused):
                try:
                    await self._send(profile, priority)
                except NotConnected:
                    raise
                except CommandError as error:
                    if not await self._learn(profile, error):
                        refused[profile.connector] = error
        if refused:
            raise next(iter(refused.values()))

    def held(self, connector: int) -> ChargingLimit | None:
        """Return what the charger has accepted from us for now, in A per phase."""
        profiles = (
            self._held.get((Purpose.TRANSACTION, connector))
            or self._held.get((Purpose.DEFAULT, connector)),
            self._held.get((Purpose.STATION, STATION)),
        )
        limits = [
            amperes(self._charge_point, profile.limit)
            for profile in profiles
            if profile and not (profile.until and profile.until <= utcnow())
        ]
        return ChargingLimit(min(limits)) if limits else None

    @property
    def differs(self) -> bool:
        """Return whether the charger is not known to hold what it should."""
        return self._next_change(None, ()) is not None

    def live(self, connector: int) -> ChargingLimit | None:
        """Return what is to hold for the running transaction now, as the charger has it."""
        profile = self._live(connector)
        profile = profile or self._held.get((Purpose.TRANSACTION, connector))
        if profile is None or profile.purpose is not Purpose.TRANSACTION:
            return None
        if profile.until and profile.until <= utcnow():
            return ChargingLimit(profile.after, profile.limit.unit)
        return profile.limit

    def _next_change(
        self, connector: int | None, refused: Container[int]
    ) -> LimitProfile | None:
        return next(
            (
                profile
                for profile in self._wanted()
                if connector in (None, profile.connector)
                and profile.connector not in refused
                and self._held.get((profile.purpose, profile.connector)) != profile
            ),
            None,
        )

    async def limit_session(
        self, connector: int, limit: ChargingLimit, until: datetime | None
    ) -> Payload:
        """Limit the running transaction. Raises CommandError.

        From `until` on the connector's own limit holds again; the charger knows that
        by itself.
        """
        transaction = self._charge_point.transactions.at(connector)
        until = until and until.replace(microsecond=0)
        # Without a transaction the charger itself says what it thinks of that.
        transaction_id = transaction.id if transaction else None
        profile = transaction_profile(
            self._charge_point, connector, transaction_id, limit, until
        )
        async with self._lock:
            try:
                response = await self._send(profile)
            except CommandError as error:
                if not await self._learn(profile, error):
                    raise
                response = await self._send(profile)
        if transaction:
            self._sessions.keep(transaction, limit, until)
        return response

    async def limit_default(self, connector: int, limit: ChargingLimit) -> Payload:
        """Limit a connector from now on, the running transaction included."""
        # As it is kept, so that it is not written again in another unit.
        current = max(MINIMUM_CURRENT, amperes(self._charge_point, limit))
        profile = default_profile(self._charge_point, connector, ChargingLimit(current))
        async with self._lock:
            response: Payload = {"status": "Accepted"}
            for each in self._places(profile):
                response = await self._send(each)
        wish = self._charge_point.wish(connector)
        wish.session = None
        wish.current_limit = current
        self._charge_point.wishes_changed()
        if connector == STATION:
            # Some chargers take this one and no other.
            self._charge_point.run(self.apply(), _TASK)
        else:
            await self.apply(connector)
        return response

    def _places(self, profile: LimitProfile) -> list[LimitProfile]:
        """Return a default for each place that it is to be written to."""
        charge_point = self._charge_point
        if profile.connector != STATION or charge_point.commands.one_default:
            return [profile]
        # One with a limit of its own keeps it.
        return [
            replace(profile, connector=connector)
            for connector in charge_point.connectors or [1]
            if charge_point.wish(connector).current_limit is None
        ]

    async def limit_station(self, limit: ChargingLimit) -> Payload:
        """Set the ceiling of the whole charge point."""
        current = amperes(self._charge_point, limit)
        profile = station_profile(self._charge_point, ChargingLimit(current))
        async with self._lock:
            response = await self._send(profile)
        self._charge_point.wishes.maximum_current = current
        self._charge_point.wishes_changed()
        return response

    async def clear(self, connector: int) -> Payload:
        """Remove every limit of ours from a connector.

        Of connector 0 this is the ceiling, and what was set as a limit of all.

        Returns the charger's answer: Unknown where it held none.
        """
        wish = self._charge_point.wish(connector)
        slots: list[Slot]
        if connector != STATION:
            slots = [(Purpose.TRANSACTION, connector), (Purpose.DEFAULT, connector)]
        else:
            slots = [(Purpose.STATION, STATION)]
            if shared := self._idle(STATION):
                slots += [
                    (Purpose.DEFAULT, each.connector) for each in self._places(shared)
                ]
        commands = self._charge_point.commands
        async with self._lock:
            answers = []
            for slot in slots:
                answers.append(await commands.clear_limit_profile(*slot))
                self._held.pop(slot, None)
        if connector == STATION:
            self._charge_point.wishes.maximum_current = None
        wish.current_limit = wish.limited = wish.session = None
        wish.paused = False
        self._charge_point.wishes_changed()
        if connector == STATION or self._idle(STATION):
            # What runs may have been limited in its stead, and what is for all is for it.
            self._charge_point.run(self.apply(), _TASK)
        return next(
            (answer for answer in answers if answer.get("status") == "Accepted"),
            answers[-1],
        )

    async def _send(
        self, profile: LimitProfile, priority: Priority = Priority.USER
    ) -> Payload:
        """Install a profile, as a default where the charger knows nothing else."""
        live = profile.transaction_id is not None
        if live:
            self._note_limited(profile.connector, profile.transaction_id)
            profile = self._rendered(profile)
        slot = (profile.purpose, profile.connector)
        # Until it is answered, nobody knows what the charger holds.
        held = self._held.pop(slot, None)
        try:
            response = await self._charge_point.commands.set_limit_profile(
                profile, priority
            )
        except CommandRejected, CommandFailed:
            if held:
                self._held[slot] = held
            raise
        self._held[slot] = profile
        if profile.purpose is Purpose.DEFAULT and not live:
            self._note_limited(profile.connector, None)
        return response

    async def _learn(self, profile: LimitProfile, error: CommandError) -> bool:
        """Return whether a refusal tells that there is another way."""
        if profile.transaction_id is None or self._default_only:
            return False
        unknown = isinstance(error, NotSupported) or (
            isinstance(error, CommandRejected) and error.status == "NotSupported"
        )
        if unknown:
            self._charge_point.capabilities.default_only = True
            await self._charge_point.capability_store.save()
        return unknown

    @property
    def _default_only(self) -> bool:
        """Return whether the charger was seen to know no profiles of transactions."""
        return self._charge_point.capabilities.default_only

    def _note_limited(self, connector: int, transaction_id: int | None) -> None:
        wish = self._charge_point.wish(connector)
        if wish.limited != transaction_id:
            wish.limited = transaction_id
            self._charge_point.wishes_changed()

    def _wanted(self) -> Iterator[LimitProfile]:
        """Return what the charger should hold.

        The running transaction first: where it cannot be limited, nothing is.
        """
        if (ceiling := self._charge_point.wishes.maximum_current) is not None:
            yield station_profile(self._charge_point, ChargingLimit(ceiling))
        shared = self._idle(STATION)
        apart = not self._charge_point.commands.one_default
        if shared and not apart:
            yield shared
        for connector in self._charge_point.connectors:
            live = self._live(connector)
            if live:
                yield live
            idle = self._idle(connector)
            if idle is None and shared and apart:
                idle = replace(shared, connector=connector)
            if idle and not (live and live.purpose is Purpose.DEFAULT):
                yield idle

    def _idle(self, connector: int) -> LimitProfile | None:
        """Return what is to hold for any transaction."""
        wish = self._charge_point.wish(connector)
        if wish.current_limit is not None:
            limit = ChargingLimit(max(MINIMUM_CURRENT, wish.current_limit))
        elif self._default_only and wish.limited is not None:
            limit = fallback(self._charge_point, connector)
        else:
            return None
        return default_profile(self._charge_point, connector, limit)

    def _live(self, connector: int) -> LimitProfile | None:
        """Return what is to hold for the running transaction."""
        transaction = self._charge_point.transactions.at(connector)
        wish = self._charge_point.wish(connector)
        until: datetime | None = None
        if not wish.paused or transaction is None:
            self._pauses.pop(connector, None)
        # A transaction whose id the charger was never told has none to limit by.
        if transaction is None or transaction.id <= 0:
            return None
        if wish.paused:
            limit = ChargingLimit(0)
            if self._default_only:
                # It would hold for every car to come, should we never be back.
                until = self._pause_end(connector)
        elif session := self._sessions.of(transaction):
            limit = ChargingLimit(session.value, session.unit)
            if session.until is not None:
                until = datetime.fromtimestamp(session.until, UTC)
        elif self._default_only:
            return None
        elif wish.current_limit is not None:
            limit = ChargingLimit(max(MINIMUM_CURRENT, wish.current_limit))
        elif wish.limited == transaction.id:
            # Not every charger takes a profile away again; any can replace it.
            limit = fallback(self._charge_point, connector)
        else:
            return None
        return self._rendered(
            transaction_profile(
                self._charge_point, connector, transaction.id, limit, until
            )
        )

    def _rendered(self, profile: LimitProfile) -> LimitProfile:
        if self._default_only:
            return replace(profile, purpose=Purpose.DEFAULT)
        return profile

    def _pause_end(self, connector: int) -> datetime:
        end = self._pauses.get(connector)
        if end is None or end - utcnow() < _LONGEST_PAUSE / 2:
            end = self._pauses[connector] = utcnow() + _LONGEST_PAUSE
        return end
