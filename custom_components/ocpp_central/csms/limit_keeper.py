"""Keeps what a charger holds in step with what is wanted of it."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from .clock import utcnow
from .connection import Payload, Priority
from .errors import CommandError, CommandFailed, CommandRejected, NotConnected
from .ladder import Ladder, Rung, Slot
from .model import STATION, ChargingLimit, LimitProfile, Purpose, Transaction
from .profiles import amperes
from .state import Unsubscribe, add_listener, call_listeners
from .timeline import ahead
from .wanted import Place, Wanted, Write

if TYPE_CHECKING:
    from .charge_point import ChargePoint

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
        # What was refused last, by place.
        self._refused: dict[Place, LimitProfile] = {}
        # Connectors whose charger has not named its transaction yet.
        self._unnamed: set[int] = set()
        self._lock = asyncio.Lock()
        self._listeners: list[Callable[[Held], None]] = []
        self._refusal_listeners: list[Callable[[set[int]], None]] = []

    # What happens

    def forget(self) -> None:
        """Assume nothing of what the charger holds, so that all is sent again."""
        self._held.clear()
        self._refused.clear()
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

    def restore(self) -> None:
        """Send in the background what differs, but for what was refused already."""
        if self._charge_point.connected and any(
            self._refused.get(write.place) != _ahead(write.profile)
            for write in self._differing()
        ):
            self._charge_point.run(self.apply(), TASK)

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
            # What was said of the likeliest way tells more than of the last one.
            errors: dict[int, CommandError] = {}
            # Looked up anew each time: what is wanted may change while we wait.
            while True:
                await self._clear_stale()
                write = self._next(connector, refused)
                if write is None:
                    break
                try:
                    await self._send(write, priority)
                except NotConnected:
                    raise
                except CommandError as error:
                    self._refused[write.place] = _ahead(write.profile)
                    for each in write.connectors:
                        errors.setdefault(each, error)
                    if not await self._climbs(write, error):
                        for each in write.connectors:
                            refused[each] = errors[each]
        if refused:
            call_listeners(self._refusal_listeners, set(refused))
            raise next(iter(refused.values()))

    def _next(self, connector: int | None, refused: Collection[int]) -> Write | None:
        """Return what is to be sent next."""
        for write in self._differing():
            if write.connectors & set(refused):
                continue
            if connector in (None, STATION) or {connector, STATION} & write.connectors:
                return self.wanted.renew(write)
        return None

    def _differing(self) -> list[Write]:
        return [
            write
            for write in self.wanted.writes()
            if (held := self._held.get(write.place)) is None
            or _ahead(held.profile) != _ahead(write.profile)
        ]

    def refused(self, connector: int) -> Write | None:
        """Return what is wanted of a connector that the charger refuses in every way."""
        return next(
            (
                write
                for write in self._differing()
                if connector in write.connectors
                and write.place in self._refused
                and self.ladder.ruled_out(write.slot, write.rung)
            ),
            None,
        )

    async def again(self, held: Held) -> None:
        """Send once more what was accepted and is not obeyed. Raises CommandError."""
        if self._held.get(held.place) is held:
            del self._held[held.place]
        await self.apply()

    async def ignored(self, held: Held, why: str) -> None:
        """Go on to the next way: what was accepted is not obeyed. Raises CommandError."""
        await self.ladder.failed(held.slot, held.rung, why)
        self._held.pop(held.place, None)
        await self.apply()

    async def _clear(self, place: Place) -> Payload:
        commands = self._charge_point.commands
        if place.key is None:
            return await commands.clear_limit_profile(
                place.purpose, place.where, place.stack
            )
        most = int(self._charge_point.config.installation_current)
        return await commands.set_configuration(place.key, f"{most}")

    async def _clear_stale(self) -> None:
        """Remove what stands beside what is wanted now."""
        for place in self.wanted.stale():
            try:
                await self._clear(place)
            except NotConnected:
                raise
            except CommandError:
                # A charger that has none there, or takes none away, says no more.
                pass
            self._let_go(place)

    async def _send(self, write: Write, priority: Priority) -> None:
        """Make the charger hold a limit."""
        place, profile = write.place, write.profile
        # Until it is answered, nobody knows what the charger holds.
        held = self._held.pop(place, None)
        commands = self._charge_point.commands
        try:
            if place.key:
                limit = profile.course[0].limit
                answer = await commands.set_configuration(place.key, f"{int(limit)}")
            else:
                answer = await commands.set_limit_profile(profile, priority)
        except CommandRejected, CommandFailed:
            if held:
                self._held[place] = held
            raise
        except CommandError:
            self._note(write)
            raise
        self.ladder.accepted(write.slot, write.rung)
        self._refused.pop(place, None)
        self._held[place] = Held(
            place, profile, write.slot, write.rung, utcnow(), answer
        )
        self._note(write)
        call_listeners(self._listeners, self._held[place])

    async def _climbs(self, write: Write, error: CommandError) -> bool:
        """Return whether there is another way, now that one was refused."""
        if write.slot is Slot.RUNNING and write.connectors & self._unnamed:
            # It may just not know of the transaction yet.
            if isinstance(error, CommandRejected) and error.status == "Rejected":
                return False
        return await self.ladder.refused(write.slot, write.rung, error)

    def _let_go(self, place: Place) -> None:
        """Take note that there is nothing of ours in a place."""
        self._held.pop(place, None)
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
