"""From "16 A" to the charging profiles a charger holds."""

import asyncio
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .clock import utcnow
from .connection import Payload, Priority
from .errors import CommandError, CommandFailed, CommandRejected, NotConnected
from .ladder import Ladder, Rung, Slot
from .model import STATION, ChargingLimit, LimitProfile, Purpose, Transaction
from .profiles import MINIMUM_CURRENT, amperes, demand_of, written
from .session_limits import SessionLimits
from .timeline import (
    Course,
    Demand,
    Step,
    idle_limit,
    least,
    lifetime,
    needs_end,
    running_course,
)

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_TASK = "set the charging limit"
# How long a pause lasts where it would hold for every car to come.
_LONGEST_PAUSE = timedelta(hours=12)

type Place = tuple[Purpose, int, int]


@dataclass(frozen=True, slots=True)
class _Want:
    """What is to hold for a slot of a connector, and the way it is made to."""

    slot: Slot
    rung: Rung
    connector: int
    course: Course
    transaction: Transaction | None = None

    @property
    def place(self) -> Place:
        """Return where it is written."""
        rung = self.rung
        everywhere = rung.everywhere or rung.purpose is Purpose.STATION
        return rung.purpose, STATION if everywhere else self.connector, rung.stack


class Limits:
    """Keeps a charge point in step with what the user wants.

    One profile per purpose, connector and level, always replaced in place: the ceiling
    of the station, what holds for any transaction of a connector, and what holds for
    the one that runs.
    """

    def __init__(self, charge_point: ChargePoint) -> None:
        """Start without knowing what the charger holds."""
        self.ladder = Ladder(charge_point)
        self._charge_point = charge_point
        self._held: dict[Place, LimitProfile] = {}
        self._answers: dict[Place, Payload] = {}
        self._sessions = SessionLimits(charge_point)
        # From when on chargers are on their own, by connector.
        self._ends: dict[int, datetime] = {}
        # Connectors whose charger has not named its transaction yet.
        self._unnamed: set[int] = set()
        self._lock = asyncio.Lock()

    # What happens

    def forget(self) -> None:
        """Assume nothing of what the charger holds, so that all is sent again."""
        self._held.clear()
        self.ladder.booted()

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
        for place in [*self._held]:
            if place[:2] == (Purpose.TRANSACTION, connector):
                del self._held[place]
        self._sessions.drop(connector)
        self._unnamed.discard(connector)
        # What was for the transaction must not hold for the next one; and where it could
        # not be limited, the connector still can.
        self._charge_point.run(self.apply(connector), _TASK)

    def tick(self) -> None:
        """Renew what runs out by itself; called once a minute."""
        if self._ends and self.differs:
            self._charge_point.run(self.apply(), _TASK)

    # What holds

    def held(self, connector: int) -> ChargingLimit | None:
        """Return what the charger has accepted from us for now, in A per phase."""
        by_purpose: dict[Purpose, LimitProfile] = {}
        for (purpose, place, _), profile in self._held.items():
            if place in (connector, STATION):
                by_purpose[purpose] = profile
        if Purpose.TRANSACTION in by_purpose:
            by_purpose.pop(Purpose.DEFAULT, None)
        now = utcnow()
        limits = [
            amperes(self._charge_point, profile.limit_at(now))
            for profile in by_purpose.values()
        ]
        return ChargingLimit(min(limits)) if limits else None

    def live(self, connector: int) -> ChargingLimit | None:
        """Return what is to hold for the running transaction now, as the charger has it."""
        now = utcnow()
        wanted = self._profiles()
        return next(
            (
                profile.limit_at(now)
                for place, profile in {**self._held, **wanted}.items()
                if place[:2] == (Purpose.TRANSACTION, connector)
            ),
            None,
        )

    @property
    def differs(self) -> bool:
        """Return whether the charger is not known to hold what it should."""
        return self._next_change(None, ()) is not None

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
            while change := self._next_change(connector, refused):
                want, profile = change
                try:
                    await self._send(want, profile, priority)
                except NotConnected:
                    raise
                except CommandError as error:
                    first = errors.setdefault(want.connector, error)
                    if not await self._climbs(want, error):
                        refused[want.connector] = first
        if refused:
            raise next(iter(refused.values()))

    def _next_change(
        self, connector: int | None, refused: Container[int]
    ) -> tuple[_Want, LimitProfile] | None:
        return next(
            (
                (want, profile)
                for want, profile in self._changes()
                if connector in (None, STATION, want.connector)
                and want.connector not in refused
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
        until = until and until.replace(microsecond=0)
        transaction = self._charge_point.transactions.at(connector)
        if transaction is None:
            # The charger itself says what it thinks of that.
            return await self._charge_point.commands.set_limit_profile(
                self._without_transaction(connector, limit, until)
            )
        wish = self._charge_point.wish(connector)
        before = wish.session
        self._sessions.keep(transaction, limit, until)
        try:
            return await self._enforce(connector, Slot.RUNNING)
        except CommandError:
            wish.session = before
            self._charge_point.wishes_changed()
            raise

    async def limit_default(self, connector: int, limit: ChargingLimit) -> Payload:
        """Limit a connector from now on, the running transaction included."""
        wish = self._charge_point.wish(connector)
        before = wish.current_limit, wish.session
        wish.current_limit = max(MINIMUM_CURRENT, amperes(self._charge_point, limit))
        wish.session = None
        try:
            response = await self._enforce(connector, Slot.IDLE)
        except CommandError:
            wish.current_limit, wish.session = before
            raise
        self._charge_point.wishes_changed()
        return response

    async def limit_station(self, limit: ChargingLimit) -> Payload:
        """Set the ceiling of the whole charge point."""
        wishes = self._charge_point.wishes
        before = wishes.maximum_current
        wishes.maximum_current = amperes(self._charge_point, limit)
        try:
            response = await self._enforce(STATION, Slot.STATION)
        except CommandError:
            wishes.maximum_current = before
            raise
        self._charge_point.wishes_changed()
        return response

    async def _enforce(self, connector: int, slot: Slot) -> Payload:
        """Send what is wanted of a slot, even if it is held, and return the answer."""
        if not self._charge_point.connected:
            raise NotConnected
        for want in self._wants():
            if want.slot is slot and connector in (STATION, want.connector):
                self._held.pop(want.place, None)
        self._answers.clear()
        await self.apply(connector)
        return next(iter(self._answers.values()), {"status": "Accepted"})

    async def clear(self, connector: int) -> Payload:
        """Remove every limit of ours from a connector.

        Of connector 0 this is the ceiling, and what was set as a limit of all.

        Returns the charger's answer: Unknown where it held none.
        """
        charge_point = self._charge_point
        wish = charge_point.wish(connector)
        shared = charge_point.wish(STATION).current_limit is not None
        places = self._own_places(connector, shared=shared)
        async with self._lock:
            answers = []
            for place in places:
                answers.append(await charge_point.commands.clear_limit_profile(*place))
                self._held.pop(place, None)
        if connector == STATION:
            charge_point.wishes.maximum_current = None
        wish.current_limit = wish.power_limit = wish.limited = wish.session = None
        wish.paused = False
        charge_point.wishes_changed()
        if connector == STATION or shared:
            # What runs may have been limited in its stead, and what is for all is for it.
            charge_point.run(self.apply(), _TASK)
        return next(
            (answer for answer in answers if answer.get("status") == "Accepted"),
            answers[-1],
        )

    def _own_places(self, connector: int, *, shared: bool) -> list[Place]:
        """Return where limits of a connector are written, whether there are any or not."""
        connectors = self._charge_point.connectors or [1]
        if connector != STATION:
            slots, connectors = [Slot.RUNNING, Slot.IDLE], [connector]
        else:
            slots = [Slot.STATION, *([Slot.IDLE] if shared else [])]
        rungs = [(slot, rung) for slot in slots if (rung := self.ladder.rung(slot))]
        return list(
            dict.fromkeys(
                _Want(slot, rung, number, ()).place
                for slot, rung in rungs
                for number in connectors
                if rung.key is None
            )
        )

    async def _send(
        self, want: _Want, profile: LimitProfile, priority: Priority
    ) -> None:
        """Make the charger hold a limit."""
        if want.slot is Slot.RUNNING and want.transaction:
            self._note_limited(want.connector, want.transaction.id)
        # Until it is answered, nobody knows what the charger holds.
        held = self._held.pop(want.place, None)
        commands = self._charge_point.commands
        try:
            if want.rung.key:
                answer = await commands.set_configuration(
                    want.rung.key, f"{int(profile.course[0].limit)}"
                )
            else:
                answer = await commands.set_limit_profile(profile, priority)
        except CommandRejected, CommandFailed:
            if held:
                self._held[want.place] = held
            raise
        self.ladder.accepted(want.slot, want.rung)
        self._held[want.place] = profile
        self._answers.setdefault(want.place, answer)
        if want.slot is Slot.IDLE:
            self._note_limited(want.connector, None)

    async def _climbs(self, want: _Want, error: CommandError) -> bool:
        """Return whether there is another way, now that one was refused."""
        if want.slot is Slot.RUNNING and want.connector in self._unnamed:
            # It may just not know of the transaction yet.
            if isinstance(error, CommandRejected) and error.status == "Rejected":
                return False
        return await self.ladder.refused(want.slot, want.rung, error)

    def _note_limited(self, connector: int, transaction_id: int | None) -> None:
        wish = self._charge_point.wish(connector)
        if wish.limited != transaction_id:
            wish.limited = transaction_id
            self._charge_point.wishes_changed()

    # What is wanted

    def _changes(self) -> Iterator[tuple[_Want, LimitProfile]]:
        profiles = self._profiles()
        for want in self._wants():
            profile = profiles[want.place]
            if self._held.get(want.place) != profile:
                yield want, profile

    def _profiles(self) -> dict[Place, LimitProfile]:
        """Return what the charger should hold."""
        places: dict[Place, list[_Want]] = {}
        for want in self._wants():
            places.setdefault(want.place, []).append(want)
        return {place: self._profile(place, wants) for place, wants in places.items()}

    def _profile(self, place: Place, wants: list[_Want]) -> LimitProfile:
        """Return what holds for all who share a place."""
        purpose, connector, stack = place
        want = wants[0]
        running = next((one.transaction for one in wants if one.transaction), None)
        course = least([one.course for one in wants])
        return LimitProfile(
            purpose=purpose,
            connector=connector,
            unit=want.rung.unit,
            course=tuple(Step(written(step.limit), step.until) for step in course),
            stack=stack,
            relative=want.rung.relative,
            since=running.started if running and want.rung.relative else None,
            transaction_id=(
                running.id if running and purpose is Purpose.TRANSACTION else None
            ),
        )

    def _wants(self) -> Iterator[_Want]:
        """Return what is wanted of the charger.

        The running transaction first: where it cannot be limited, nothing is.
        """
        charge_point = self._charge_point
        if charge_point.wishes.maximum_current is not None:
            rung = self.ladder.rung(Slot.STATION)
            if rung:
                most = demand_of(charge_point, STATION, rung.unit).most
                yield _Want(Slot.STATION, rung, STATION, (Step(most),))
        for connector in charge_point.connectors:
            running = self._running(connector)
            if running:
                yield running
            idle = self._idle(connector)
            if idle and not (running and running.place == idle.place):
                yield idle

    def _idle(self, connector: int) -> _Want | None:
        """Return what is to hold for any transaction."""
        rung = self.ladder.rung(Slot.IDLE)
        if rung is None:
            return None
        demand = demand_of(self._charge_point, connector, rung.unit)
        limit = idle_limit(demand)
        if limit is None:
            lasting = self.ladder.rung(Slot.RUNNING)
            if (
                self._charge_point.wish(connector).limited is None
                or lasting is None
                or lasting.purpose is Purpose.TRANSACTION
            ):
                return None
            # What a transaction was limited by would hold for the next one.
            limit = demand.most
        return _Want(Slot.IDLE, rung, connector, (Step(limit),))

    def _running(self, connector: int) -> _Want | None:
        """Return what is to hold for the running transaction."""
        charge_point = self._charge_point
        transaction = charge_point.transactions.at(connector)
        rung = self.ladder.rung(Slot.RUNNING)
        # A transaction whose id the charger was never told has none to limit by.
        if transaction is None or transaction.id <= 0 or rung is None:
            self._ends.pop(connector, None)
            return None
        session = self._sessions.of(transaction)
        demand = demand_of(charge_point, connector, rung.unit, session)
        course = running_course(demand, self._end(connector, demand, rung))
        if not course:
            if charge_point.wish(connector).limited != transaction.id:
                return None
            if rung.purpose is not Purpose.TRANSACTION:
                return None
            # Not every charger takes a profile away again; any can replace it.
            limit = idle_limit(demand)
            course = (Step(demand.most if limit is None else limit),)
        return _Want(Slot.RUNNING, rung, connector, course, transaction)

    def _end(self, connector: int, demand: Demand, rung: Rung) -> datetime | None:
        """Return from when on a charger is on its own, if it has to be."""
        if demand.paused and rung.purpose is not Purpose.TRANSACTION:
            away = _LONGEST_PAUSE
        elif needs_end(demand):
            away = lifetime(demand)
        else:
            self._ends.pop(connector, None)
            return None
        end = self._ends.get(connector)
        if end is None or not away / 2 < end - utcnow() <= away:
            end = utcnow().replace(microsecond=0) + away
            self._ends[connector] = end
        return end

    def _without_transaction(
        self, connector: int, limit: ChargingLimit, until: datetime | None
    ) -> LimitProfile:
        """Return a limit of a session that there is not."""
        units = self._charge_point.limit_units
        unit = limit.unit if limit.unit in units else units[0]
        demand = demand_of(self._charge_point, connector, unit)
        value = limit.value
        if limit.unit is not unit:
            value = amperes(self._charge_point, limit)
        course: Course = (Step(written(value)),)
        if until:
            after = demand.most if demand.limit is None else demand.limit
            course = (Step(written(value), until), Step(written(after)))
        return LimitProfile(
            purpose=Purpose.TRANSACTION, connector=connector, unit=unit, course=course
        )
