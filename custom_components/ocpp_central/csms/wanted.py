"""What a charger should hold: from what is wanted to profiles, each in its place."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self, override

from .clock import utcnow
from .evses import place_of
from .known_models import fixes_default
from .ladder import Ladder, Rung, Slot
from .model import STATION, LimitProfile, LimitUnit, Purpose, Transaction
from .phases import ALL, REST_LIFE
from .profiles import demand_of
from .session_limits import SessionLimits
from .timeline import (
    Course,
    Demand,
    Step,
    ahead,
    idle_limit,
    least,
    lifetime,
    needs_end,
    running_course,
    shortened,
    without_return,
)
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# How long a pause lasts where it would hold for every car to come.
_LONGEST_PAUSE = timedelta(hours=12)
# How wrong the clock of a charger may be that is given a plan for hours.
_CLOCK_ERROR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a limit is written: a profile of ours, or a configuration key."""

    purpose: Purpose
    # The EVSE, in OCPP 1.6 the connector; 0: the station.
    where: int
    stack: int
    key: str | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the name of a place."""
        purpose, where, stack, *key = text.split(" ", 3)
        return cls(Purpose(purpose), int(where), int(stack), *key)

    @override
    def __str__(self) -> str:
        """Return the name it is remembered by."""
        name = f"{self.purpose} {self.where} {self.stack}"
        return f"{name} {self.key}" if self.key else name


@dataclass(frozen=True, slots=True)
class Want:
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
        where = STATION if everywhere else place_of(self.connector)[0]
        return Place(rung.purpose, where, rung.stack, rung.key)


@dataclass(frozen=True, slots=True)
class Write:
    """What a place should hold, and what for."""

    place: Place
    profile: LimitProfile
    wants: tuple[Want, ...]

    @property
    def slot(self) -> Slot:
        """Return what it is to hold for in the first place."""
        return self.wants[0].slot

    @property
    def rung(self) -> Rung:
        """Return the way it is made to hold."""
        return self.wants[0].rung

    @property
    def connectors(self) -> set[int]:
        """Return whom it concerns."""
        return {want.connector for want in self.wants}

    def concerns(self, connector: int) -> bool:
        """Return whether a connector is limited by it, not only as a part of all."""
        return connector in self.connectors or (
            self.slot is not Slot.STATION and STATION in self.connectors
        )


class Wanted:
    """What is wanted of one charge point, as it has to be written."""

    def __init__(self, charge_point: ChargePoint, ladder: Ladder) -> None:
        """Begin with what the user wants."""
        self.sessions = SessionLimits(charge_point)
        self._charge_point = charge_point
        self._ladder = ladder
        # From when on chargers are on their own, by connector.
        self._ends: dict[int, datetime] = {}
        # The same where it is tried out whether they can be.
        self._pinned: dict[int, datetime] = {}
        # What the engine wants of transactions, in A per phase; and whether it will
        # soon want something else.
        self._driven: dict[int, tuple[Course, bool]] = {}

    def drive(self, connector: int, course: Course, *, live: bool) -> None:
        """Take what the engine wants of a connector; nothing: it lets go."""
        if course:
            self._driven[connector] = course, live
        else:
            self._driven.pop(connector, None)

    def pin(self, connector: int, end: datetime | None) -> None:
        """Leave a charger on its own from a time on, whatever comes; None: not any more."""
        if end:
            self._pinned[connector] = end.replace(microsecond=0)
        else:
            self._pinned.pop(connector, None)

    def renew(self, write: Write) -> Write:
        """Return a write with the longest life it may have."""
        if not any(want.connector in self._ends for want in write.wants):
            return write
        for want in write.wants:
            self._ends.pop(want.connector, None)
        return next((new for new in self.writes() if new.place == write.place), write)

    def writes(self) -> list[Write]:
        """Return what the charger should hold."""
        places: dict[Place, list[Want]] = {}
        for want in self.wants():
            places.setdefault(want.place, []).append(want)
        return [
            write for place, wants in places.items() for write in self._at(place, wants)
        ]

    def stale(self) -> list[Place]:
        """Return where limits of ours may be that nobody wants any more."""
        places = {write.place for write in self.writes()}
        return [
            place
            for place in map(Place.read, self._charge_point.wishes.places)
            if place not in places
        ]

    def place(self, slot: Slot, connector: int) -> Place | None:
        """Return where the limit of a slot is written, whether there is one or not."""
        rung = self._ladder.rung(slot)
        return Want(slot, rung, connector, ()).place if rung else None

    # In their places

    def _at(self, place: Place, wants: list[Want]) -> Iterator[Write]:
        """Return what holds for all who share a place."""
        want = wants[0]
        running = next((one.transaction for one in wants if one.transaction), None)
        course = least([one.course for one in wants])
        unit = want.rung.unit
        spelling = self._charge_point.spelling
        course = tuple(
            Step(spelling.offered(step.limit, unit), step.until) for step in course
        )
        if place.key:
            # It holds one value, until it is told another.
            course = (Step(ahead(course, utcnow())[0].limit),)
        elif self._periods:
            course = shortened(course, max(2, self._periods))
        relative = want.rung.relative
        profile = LimitProfile(
            purpose=place.purpose,
            connector=want.connector if place.where else STATION,
            unit=unit,
            course=course,
            phases=self._phases(place, wants),
            stack=place.stack,
            relative=relative,
            since=running.started if running and relative else None,
            transaction_id=(
                running.id if running and place.purpose is Purpose.TRANSACTION else None
            ),
        )
        above = replace(place, stack=self._highest)
        if (
            self._periods != 1
            or place.key
            or (len(course) == 1 and not self._is(above))
        ):
            yield Write(place, profile, tuple(wants))
            return
        # One period each: what comes after lies below what holds until then.
        below = replace(place, stack=0)
        after = replace(profile, stack=0, course=course[-1:])
        yield Write(below, after, tuple(wants))
        first = course[0]
        now = replace(
            profile,
            stack=above.stack,
            course=(Step(first.limit),),
            valid_to=first.until,
        )
        yield Write(above, now, tuple(wants))

    def _is(self, place: Place) -> bool:
        """Return whether a limit of ours may be in a place."""
        return str(place) in self._charge_point.wishes.places

    @property
    def _periods(self) -> int | None:
        """Return how many periods the charger obeys in one profile, where it tells."""
        if self._charge_point.capabilities.one_period:
            return 1
        return self._charge_point.configuration.integer(Setting.LIMIT_PERIODS) or None

    @property
    def _highest(self) -> int:
        highest = self._charge_point.configuration.integer(Setting.LIMIT_STACK)
        return 1 if highest is None else highest

    def returns(self, rung: Rung) -> bool:
        """Return whether a charger can come back from a limit by itself."""
        if rung.key or str(rung) in self._charge_point.capabilities.stays_up:
            return False
        if self._periods != 1:
            return True
        return self._highest > 0 and not self._charge_point.capabilities.no_validity

    def _phases(self, place: Place, wants: list[Want]) -> int | None:
        """Return how many phases those who share a place are to be told.

        Watts are made up with a number, amperes only come with one to switch. It has no
        effect on the ceiling of a station.
        """
        charge_point = self._charge_point
        phases = charge_point.phases
        if (
            place.purpose is Purpose.STATION
            or place.key
            or charge_point.direct_current
            or not charge_point.spelling.tells_phases
        ):
            return None
        if wants[0].rung.unit is LimitUnit.AMPERE:
            told = {phases.commanded(want.connector) for want in wants}
        else:
            counted = {
                phases.fewest(want.connector, running=want.slot is Slot.RUNNING)
                for want in wants
            }
            # Not told, a charger makes watts up with all (OCPP 1.6, 7.14).
            told = {None if count == ALL else count for count in counted}
        return told.pop() if len(told) == 1 else None

    # What is wanted

    def wants(self) -> Iterator[Want]:
        """Return what is wanted of the charger.

        The running transaction first: where it cannot be limited, nothing is.
        """
        charge_point = self._charge_point
        if charge_point.wishes.maximum_current is not None:
            rung = self._ladder.rung(Slot.STATION)
            if rung and not self._caps_connectors:
                most = demand_of(charge_point, STATION, rung.unit).most
                yield Want(Slot.STATION, rung, STATION, (Step(most),))
        running = {
            connector: want
            for connector in charge_point.connectors
            if (want := self._running(connector))
        }
        common = self._common([*running.values()])
        for connector in charge_point.connectors:
            now = running.get(connector)
            if now:
                yield now
            idle = None if common else self._idle(connector)
            if idle and now and now.rung.everywhere:
                # What is for all stands beside none of one (2.0.1, K01.FR.53).
                idle = replace(idle, rung=now.rung)
            if idle and not (now and now.place == idle.place):
                yield idle
        if common:
            yield common

    @property
    def _caps_connectors(self) -> bool:
        """Return whether a ceiling has to be held by the only connector."""
        return len(self._charge_point.connectors) == 1 and self._ladder.exhausted(
            Slot.STATION
        )

    def _demand(self, connector: int, rung: Rung, *, running: bool = False) -> Demand:
        charge_point = self._charge_point
        transaction = charge_point.transactions.at(connector)
        session = self.sessions.of(transaction) if transaction else None
        course, live = self._driven.get(connector, ((), False))
        if len(course) > 1 and not live and not self._follows_plans:
            course, live = ahead(course, utcnow())[:1], True
            course = (Step(course[0].limit),)
        demand = demand_of(
            *(charge_point, connector, rung.unit, session, course),
            live=live,
            running=running,
        )
        if self._caps_connectors and charge_point.wishes.maximum_current is not None:
            demand = replace(demand, capped=True)
        return demand if self.returns(rung) else without_return(demand)

    @property
    def _follows_plans(self) -> bool:
        """Return whether a charger can be left alone with a plan for hours."""
        offset = self._charge_point.clock.offset
        return self._periods != 1 and offset is not None and abs(offset) <= _CLOCK_ERROR

    def _common(self, running: list[Want]) -> Want | None:
        """Return what is wanted of all connectors alike, where that is one profile.

        Some chargers take that one and no other.
        """
        charge_point = self._charge_point
        rung = self._ladder.rung(Slot.IDLE)
        if rung is None or rung.purpose is not Purpose.DEFAULT or rung.key:
            return None
        if charge_point.spoken != "1.6" or any(
            want.rung.purpose is Purpose.DEFAULT for want in running
        ):
            return None
        wishes = charge_point.wishes.connectors
        apart = any(
            wish.current_limit is not None
            or wish.power_limit is not None
            or wish.phases_now is not None
            for connector, wish in wishes.items()
            if connector != STATION
        )
        if apart or charge_point.wish(STATION).current_limit is None:
            return None
        rung = replace(rung, everywhere=True)
        if self._ladder.ruled_out(Slot.IDLE, rung):
            return None
        limit = idle_limit(self._demand(STATION, rung))
        return Want(Slot.IDLE, rung, STATION, (Step(limit),)) if limit else None

    def _idle(self, connector: int) -> Want | None:
        """Return what is to hold for any transaction."""
        rung = self._ladder.rung(Slot.IDLE)
        if rung is None:
            return None
        demand = self._demand(connector, rung)
        limit = idle_limit(demand)
        want = Want(Slot.IDLE, rung, connector, ())
        if limit is None:
            if not self._is(want.place) and not (demand.capped and demand.most):
                return None
            # A ceiling that nothing else holds is needed below what a car can use, too;
            # and not every charger takes a profile away again: any can replace it.
            limit = demand.most
        return replace(want, course=(Step(limit),))

    def _running(self, connector: int) -> Want | None:
        """Return what is to hold for the running transaction."""
        charge_point = self._charge_point
        transaction = charge_point.transactions.at(connector)
        rung = self._ladder.rung(Slot.RUNNING)
        # A transaction whose id the charger was never told has none to limit by.
        if transaction is None or transaction.id <= 0 or rung is None:
            self._ends.pop(connector, None)
            return None
        demand = self._demand(connector, rung, running=True)
        course = running_course(demand, self._end(connector, demand, rung))
        if not course and self._draws_on_fewer(connector, rung, demand):
            limit = idle_limit(demand)
            course = (Step(demand.most if limit is None else limit),)
        if not course:
            if rung.purpose is not Purpose.TRANSACTION:
                return None
            limit = idle_limit(demand)
            fixed = limit is not None and self._fixes_default
            if charge_point.wish(connector).limited != transaction.id and not fixed:
                return None
            # Not every charger takes a profile away again; any can replace it.
            course = (Step(demand.most if limit is None else limit),)
        return Want(Slot.RUNNING, rung, connector, course, transaction)

    def _draws_on_fewer(self, connector: int, rung: Rung, demand: Demand) -> bool:
        """Return whether the watts of any transaction are too many for this one."""
        charge_point = self._charge_point
        if rung.unit is LimitUnit.AMPERE or not (
            idle_limit(demand) or charge_point.wishes.maximum_current
        ):
            return False
        phases = charge_point.phases
        return phases.fewest(connector, running=True) != phases.fewest(
            connector, running=False
        )

    @property
    def _fixes_default(self) -> bool:
        """Return whether a transaction goes on by the default that it began with."""
        charge_point = self._charge_point
        learnt = charge_point.capabilities.default_fixed
        return fixes_default(charge_point.info) if learnt is None else learnt

    def _end(self, connector: int, demand: Demand, rung: Rung) -> datetime | None:
        """Return from when on a charger is on its own, if it has to be."""
        if connector in self._pinned:
            return self._pinned[connector]
        if not self.returns(rung):
            away = None
        elif demand.paused and not self._charge_point.wish(connector).paused:
            # Before the phases are switched.
            away = REST_LIFE
        elif demand.paused and rung.purpose is not Purpose.TRANSACTION:
            away = _LONGEST_PAUSE
        else:
            away = lifetime(demand) if needs_end(demand) else None
        if away is None:
            self._ends.pop(connector, None)
            return None
        end = self._ends.get(connector)
        if end is None or not away / 2 < end - utcnow() <= away:
            end = utcnow().replace(microsecond=0) + away
            self._ends[connector] = end
        return end
