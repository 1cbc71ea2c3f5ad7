"""Keeps what a charger holds in step with what is wanted of it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from .clock import utcnow
from .connection import Payload, Priority
from .errors import (
    CommandError,
    CommandFailed,
    CommandRejected,
    ConnectionLost,
    NotConnected,
)
from .known_models import known_model
from .ladder import Ladder, Rung, Slot
from .limit_keys import restore_key
from .limit_writer import LimitWriter, Superseded
from .model import STATION, ChargingLimit, LimitProfile, Purpose, Transaction
from .profiles import amperes
from .state import Unsubscribe, add_listener, call_listeners
from .timeline import ahead
from .wanted import Place, Wanted, Write
from .write_budget import Cause

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# More than all the ways to limit a charger of some connectors.
_MOST_WRITES = 200
TASK = "set the charging limit"


@dataclass(frozen=True, slots=True)
class Held:
    """What a charger has accepted, and when."""

    place: Place
    profile: LimitProfile
    slot: Slot
    rung: Rung
    since: datetime
    answer: Payload


class LimitKeeper:
    """Keeps a charge point in step with what is wanted of it.

    One profile per purpose, connector and level, always replaced in place: the ceiling
    of the station, what holds for any transaction of a connector, and what holds for
    the one that runs.
    """

    def __init__(self, charge_point: ChargePoint) -> None:
        """Start without knowing what the charger holds."""
        self.ladder = Ladder(charge_point)
        self.wanted = Wanted(charge_point, self.ladder)
        self._charge_point = charge_point
        self._held: dict[Place, Held] = {}
        # What is to be sent even if it is held.
        self._forced: set[Place] = set()
        self._writer = LimitWriter(charge_point, self.restore)
        # Connectors whose charger has not named its transaction yet.
        self._unnamed: set[int] = set()
        self._lock = asyncio.Lock()
        self._listeners: list[Callable[[Held], None]] = []
        self._refusal_listeners: list[Callable[[set[int]], None]] = []

    # What happens

    def forget(self) -> None:
        """Assume nothing of what the charger holds, so that all is sent again."""
        self._held.clear()
        self._writer.forget()
        self.ladder.booted()

    def transaction_started(self, transaction: Transaction) -> None:
        """Limit a transaction that has just started, if it is to be limited."""
        connector = transaction.connector
        self.wanted.sessions.begin(transaction)
        self._unnamed.add(connector)
        self._charge_point.run(self._begin(connector), TASK)

    def transaction_seen(self, connector: int, *, named: bool) -> None:
        """Try again what was refused for a transaction the charger did not know yet.

        It is told the id with the answer to its start, and needs a moment to read it.
        """
        if connector not in self._unnamed:
            return
        if named:
            self._unnamed.discard(connector)
        work = self.apply(connector) if named else self._begin(connector)
        self._charge_point.run(work, TASK)

    async def _begin(self, connector: int) -> None:
        with suppress(CommandRejected):
            await self.apply(connector)

    def transaction_ended(self, connector: int) -> None:
        """Drop what ends with a transaction, as the charger does."""
        for place, held in [*self._held.items()]:
            if (
                place.purpose is Purpose.TRANSACTION
                and held.profile.connector == connector
            ):
                self._let_go(place)
        self.wanted.sessions.drop(connector)
        self._unnamed.discard(connector)
        # What was for the transaction must not hold for the next one; and where it could
        # not be limited, the connector still can.
        self._charge_point.run(self.apply(connector), TASK)

    def tick(self) -> None:
        """Renew what runs out by itself; called once a minute."""
        self.restore()

    def restore(self, cause: Cause = Cause.ENGINE) -> None:
        """Send in the background what differs, as far as it is time for it."""
        if self._charge_point.connected and self._due(None, cause):
            self._charge_point.run(self.apply(cause=cause), TASK)

    def stop(self) -> None:
        """Send nothing any more by itself."""
        self._writer.stop()

    def new_day(self) -> None:
        """Count writes from the beginning again."""
        self._writer.new_day()

    def subscribe(self, listener: Callable[[Held], None]) -> Unsubscribe:
        """Call a listener with everything that the charger accepts."""
        return add_listener(self._listeners, listener)

    def subscribe_refusals(self, listener: Callable[[set[int]], None]) -> Unsubscribe:
        """Call a listener with the connectors whose limits the charger refuses."""
        return add_listener(self._refusal_listeners, listener)

    # What holds

    def holds(self, connector: int) -> list[Held]:
        """Return what the charger has accepted for a connector and holds now."""
        now = utcnow()
        holding: dict[Purpose, Held] = {}
        for held in sorted(self._held.values(), key=lambda held: held.place.stack):
            profile = held.profile
            if profile.connector in (connector, STATION) and (
                profile.valid_to is None or now < profile.valid_to
            ):
                holding[profile.purpose] = held
        if Purpose.TRANSACTION in holding:
            holding.pop(Purpose.DEFAULT, None)
        return [*holding.values()]

    def held(self, connector: int) -> ChargingLimit | None:
        """Return what the charger has accepted from us for now, in A per phase."""
        now = utcnow()
        limits = [
            amperes(self._charge_point, held.profile.limit_at(now))
            for held in self.holds(connector)
        ]
        return ChargingLimit(min(limits)) if limits else None

    def live(self, connector: int) -> ChargingLimit | None:
        """Return what is to hold for the running transaction now, as the charger has it."""
        now = utcnow()
        profiles = [held.profile for held in self._held.values()]
        wanted = [write.profile for write in self.wanted.writes()]
        return next(
            (
                profile.limit_at(now)
                for profile in [*wanted, *profiles]
                if profile.purpose is Purpose.TRANSACTION
                and profile.connector == connector
            ),
            None,
        )

    @property
    def differs(self) -> bool:
        """Return whether the charger is not known to hold what it should."""
        return bool(self._differing() or self.wanted.stale())

    # Changes

    async def apply(
        self,
        connector: int | None = None,
        priority: Priority = Priority.USER,
        cause: Cause = Cause.USER,
    ) -> None:
        """Send what differs from what the charger holds, of one connector or of all.

        What it refuses of one connector does not keep the others from theirs. Raises
        the first CommandError.
        """
        if not self._charge_point.connected:
            raise NotConnected
        if self.wanted.stale():
            # What was for all is now for each of them, or the other way round.
            connector = None
        self._writer.make_way(self._due(connector, cause))
        refused: dict[int, CommandError] = {}
        # What was said of the likeliest way tells more than of the last one.
        errors: dict[int, CommandError] = {}
        # Looked up anew each time: what is wanted may change while we wait. Whatever a
        # charger answers, it comes to an end: its memory wears out.
        for _ in range(_MOST_WRITES):
            if not await self._apply_next(connector, priority, refused, errors, cause):
                break
        waits = (self._writer.wait(write, Cause.ENGINE) for write in self._differing())
        self._writer.come_back(min(filter(None, waits), default=None))
        if refused:
            call_listeners(self._refusal_listeners, set(refused))
            raise next(iter(refused.values()))

    async def _apply_next(
        self,
        connector: int | None,
        priority: Priority,
        refused: dict[int, CommandError],
        errors: dict[int, CommandError],
        cause: Cause,
    ) -> bool:
        """Send one thing that differs; returns False where there is none."""
        async with self._lock:
            write = next(
                (
                    write
                    for write in self._due(connector, cause)
                    if not write.connectors & set(refused)
                ),
                None,
            )
            if write is None:
                if not self._differing():
                    # Nothing is taken away before what replaces it is accepted.
                    await self._clear_stale()
                return False
            write = self.wanted.renew(write)
            connection = self._charge_point.connection
            try:
                await self._send(write, priority)
            except ConnectionLost, asyncio.CancelledError:
                if connection:
                    self.ladder.lost(write.slot, write.rung, connection)
                raise
            except Superseded, NotConnected:
                if not self._charge_point.connected:
                    raise NotConnected from None
            except CommandError as error:
                for each in write.connectors:
                    errors.setdefault(each, error)
                if not await self._climbs(write, error):
                    for each in write.connectors:
                        refused[each] = errors[each]
            return True

    def _due(self, connector: int | None, cause: Cause) -> list[Write]:
        """Return what is to be sent now, of one connector or of all.

        First of whom less is to flow.
        """
        due = [
            write
            for write in self._differing()
            if (connector in (None, STATION) or write.concerns(connector))
            and not self._writer.wait(write, cause)
        ]
        urgent = {
            connector
            for write in due
            if self._writer.lowers(write)
            for connector in write.connectors
        }
        return sorted(due, key=lambda write: not write.connectors & urgent)

    def _differing(self) -> list[Write]:
        return [
            write
            for write in self.wanted.writes()
            if write.place in self._forced
            or (held := self._held.get(write.place)) is None
            or _ahead(held.profile) != _ahead(write.profile)
        ]

    def refused(self, connector: int) -> Write | None:
        """Return what is wanted of a connector that the charger refuses in every way."""
        return next(
            (
                write
                for write in self._differing()
                if connector in write.connectors
                and self._writer.has_failed(write)
                and self.ladder.ruled_out(write.slot, write.rung)
            ),
            None,
        )

    async def again(self, held: Held) -> None:
        """Send once more what was accepted and is not obeyed. Raises CommandError."""
        self._forced.add(held.place)
        await self.apply()

    async def ignored(self, held: Held, seen: str) -> None:
        """Go on to the next way: what was accepted is not obeyed. Raises CommandError."""
        await self.ladder.ignored(held.slot, held.rung, seen)
        self._held.pop(held.place, None)
        await self.apply()

    async def _clear(self, place: Place) -> Payload:
        commands = self._charge_point.commands
        if place.key is None:
            return await commands.clear_limit_profile(
                place.purpose, place.where, place.stack
            )
        return await restore_key(self._charge_point, place.key)

    async def _clear_stale(self, beside: Place | None = None) -> None:
        """Remove what is not wanted now; only what stands `beside` a place, if given."""
        for place in self.wanted.stale():
            if beside and (place.purpose, place.stack) != (
                beside.purpose,
                beside.stack,
            ):
                continue
            try:
                await self._writer.clear(self._clear(place))
            except NotConnected:
                raise
            except Superseded:
                return
            except CommandError:
                # A charger that has none there, or takes none away, says no more.
                pass
            self._let_go(place)

    async def _send(self, write: Write, priority: Priority) -> None:
        """Make the charger hold a limit."""
        place, profile = write.place, write.profile
        if self._charge_point.spoken != "1.6":
            # One EVSE is refused what all have, and the other way round (K01.FR.53).
            await self._clear_stale(beside=place)
        self._forced.discard(place)
        # Until it is answered, nobody knows what the charger holds.
        held = self._held.pop(place, None)
        try:
            answer = await self._writer.write(write, priority)
            if held and self._is_resumed_twice(held.profile, profile):
                answer = await self._writer.write(write, priority)
        except CommandRejected, CommandFailed:
            if held:
                self._held[place] = held
            raise
        except CommandError, Superseded:
            self._note(write)
            raise
        # A default of all in the stead of one each is no way of its own.
        if write.rung == self.ladder.rung(write.slot):
            self.ladder.accepted(write.slot, write.rung)
        self._held[place] = Held(
            place, profile, write.slot, write.rung, utcnow(), answer
        )
        self._note(write)
        call_listeners(self._listeners, self._held[place])
        await self._charge_point.spelling.accepted(profile)

    async def _climbs(self, write: Write, error: CommandError) -> bool:
        """Return whether there is another way, now that one was refused."""
        if write.slot is Slot.RUNNING and write.connectors & self._unnamed:
            # It may just not know of the transaction yet.
            if isinstance(error, CommandRejected) and error.status == "Rejected":
                return False
        if self._charge_point.spelling.refused(write.profile, error):
            return True
        return await self.ladder.refused(write.slot, write.rung, error)

    def _is_resumed_twice(self, before: LimitProfile, after: LimitProfile) -> bool:
        """Return whether a charger ignores the first limit after 0 once."""
        now = utcnow()
        return (
            before.limit_at(now).value == 0 < after.limit_at(now).value
            and known_model(self._charge_point.info).resume_twice
        )

    def _let_go(self, place: Place) -> None:
        """Take note that there is nothing of ours in a place."""
        self._held.pop(place, None)
        self._writer.let_go(place)
        places = self._charge_point.wishes.places
        if str(place) in places:
            places.remove(str(place))
            self._charge_point.wishes_changed()

    def _note(self, write: Write) -> None:
        """Take note that there is, or may be, something of ours in a place."""
        wishes, profile = self._charge_point.wishes, write.profile
        wish = self._charge_point.wish(profile.connector)
        changed = False
        if str(write.place) not in wishes.places:
            wishes.places.append(str(write.place))
            changed = True
        if profile.transaction_id not in (None, wish.limited):
            wish.limited = profile.transaction_id
            changed = True
        if changed:
            self._charge_point.wishes_changed()


def _ahead(profile: LimitProfile) -> LimitProfile:
    """Return what a profile still comes to."""
    return replace(profile, course=ahead(profile.course, utcnow()))
