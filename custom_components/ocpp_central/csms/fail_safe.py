"""What becomes of the limits of a charger that is on its own."""

import asyncio
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from .clock import utcnow
from .errors import CommandError
from .evidence import too_much
from .ladder import Rung, Slot
from .limit_keeper import Held
from .model import STATION, ConnectorStatus
from .profiles import amperes
from .schedule import Schedule, in_amperes

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# How far what a charger says may be from what it was told.
_SAME = 0.5
_AT_ONCE = timedelta(seconds=60)
# How long a test lasts, and how far from the limit what flows may be to count.
_TEST = 60
_CLOSE = 2.0
# How many samples a charger may miss in a test.
_SAMPLES = 3


class FailSafeState(StrEnum):
    """Whether a charger comes back to what may flow without us."""

    PROVEN = "proven"
    UNVERIFIED = "unverified"
    NONE = "none"


class Obstacle(StrEnum):
    """Why it cannot be told whether a charger comes back."""

    NO_WAY_BACK = "no_way_back"
    NOT_CONNECTED = "not_connected"
    NO_CAR = "no_car"
    TOO_LITTLE = "too_little"
    UNDER_WAY = "under_way"
    # While it was on its own:
    CHANGED = "changed"
    NO_SAMPLES = "no_samples"
    CAR_TOOK_LESS = "car_took_less"


class CannotTest(CommandError):
    """Nothing that flows can tell."""

    def __init__(self, obstacle: Obstacle) -> None:
        """Keep the reason."""
        super().__init__(obstacle)
        self.obstacle = obstacle


class FailSafe:
    """Keeps what is known of one charge point that loses us, and finds out."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Look whenever something changes that it follows from."""
        self._charge_point = charge_point
        self._watched: set[int] = set()
        self._sampled: dict[int, asyncio.Event] = {}
        charge_point.subscribe_wishes(self.look)
        charge_point.subscribe_info(self.look)
        charge_point.subscribe_new(self._on_new)

    @property
    def state(self) -> FailSafeState | None:
        """Return whether it comes back by itself; None: there is nothing to come back to."""
        charge_point = self._charge_point
        wishes, limits = charge_point.wishes, charge_point.limits
        if wishes.maximum_current is None and wishes.offline_current is None:
            return None
        if wishes.offline_current is None or wishes.offline_current >= self._most:
            # The ceiling is in the charger, and that is all there is to fall back to.
            held = wishes.maximum_current is not None and limits.ladder.works(
                Slot.STATION
            )
            return FailSafeState.PROVEN if held else FailSafeState.UNVERIFIED
        rung = limits.ladder.rung(Slot.RUNNING)
        if rung is None or not self._can_tell(rung):
            return FailSafeState.NONE
        proven = str(rung) in charge_point.capabilities.falls_back
        return FailSafeState.PROVEN if proven else FailSafeState.UNVERIFIED

    @property
    def _most(self) -> float:
        """Return what may flow at all."""
        charge_point = self._charge_point
        most = charge_point.config.installation_current
        ceiling = charge_point.wishes.maximum_current
        return most if ceiling is None else min(most, ceiling)

    def _can_tell(self, rung: Rung) -> bool:
        """Return whether a way to limit what runs has a way back in it."""
        transactions = self._charge_point.transactions
        if not self._charge_point.limits.wanted.returns(rung):
            return False
        # Nobody knows since when its periods would count.
        return not rung.relative or not any(
            transaction.taken_up
            for connector in self._charge_point.connectors
            if (transaction := transactions.at(connector))
        )

    def counted(self, connector: int, now: datetime) -> float:
        """Return what a connector has to be counted at on a shared fuse, in A per phase."""
        charge_point = self._charge_point
        hardware = charge_point.config.installation_current
        if self.state is not FailSafeState.PROVEN:
            return hardware
        limits = [
            amperes(charge_point, held.profile.limit_at(now))
            for held in charge_point.limits.holds(connector)
        ]
        if not limits:
            # Nobody knows what it holds: what it was told last may not have come through.
            ceiling = charge_point.wishes.maximum_current
            if ceiling is None or charge_point.connected:
                return hardware
            return min(hardware, ceiling)
        told = min(limits)
        if charge_point.connected:
            # Also what it may not have given up yet.
            told = max(told, charge_point.proof.most(connector) or 0)
        return min(told, hardware)

    # Finding out

    def looked(self, connector: int) -> None:
        """Take note of what the charger has just told of a connector."""
        schedule = self._charge_point.schedules.at(connector)
        for held in self._charge_point.limits.holds(connector):
            if (
                schedule
                and held.slot is Slot.RUNNING
                and str(held.rung) not in self._charge_point.capabilities.falls_back
                and self._shows_return(schedule, held)
            ):
                self._learn(held.rung, falls_back=True)

    def sampled(self, connector: int) -> None:
        """Take note of what has just been measured."""
        if event := self._sampled.get(connector):
            event.set()

    def _shows_return(self, schedule: Schedule, held: Held) -> bool:
        """Return whether the charger's own schedule has the way back in it."""
        charge_point, course = self._charge_point, held.profile.course
        if len(course) < 2 or course[0].until is None:
            return False
        if course[1].limit >= course[0].limit:
            return False
        end = course[0].until
        after = schedule.at(end + _AT_ONCE)
        before = schedule.at(end - _AT_ONCE)
        if after is None or before is None or abs(after.start - end) > _AT_ONCE:
            return False
        present, later = (
            in_amperes(period.limit, schedule.unit, period.phases, charge_point.config)
            for period in (before, after)
        )
        back = amperes(charge_point, held.profile.limit_at(end))
        if later is None or later > back + _SAME:
            return False
        return present is None or present > later + _SAME

    @property
    def wanting(self) -> bool:
        """Return whether a minute on its own would tell what nobody knows."""
        floor = self._charge_point.wishes.offline_current
        return (
            self.state is FailSafeState.UNVERIFIED
            and floor is not None
            and floor < self._most
        )

    def is_alone(self, connector: int) -> bool:
        """Return whether a connector is left on its own, to see what it does."""
        return connector in self._sampled

    def obstacle(self, connector: int) -> Obstacle | None:
        """Return why a connector cannot tell now; None: it can."""
        charge_point = self._charge_point
        floor = charge_point.wishes.offline_current
        rung = charge_point.limits.ladder.rung(Slot.RUNNING)
        current = charge_point.value(connector, "current")
        if floor is None or rung is None or not self._can_tell(rung):
            return Obstacle.NO_WAY_BACK
        if not charge_point.connected:
            return Obstacle.NOT_CONNECTED
        if self.is_alone(connector):
            return Obstacle.UNDER_WAY
        if charge_point.status(connector) is not ConnectorStatus.CHARGING:
            return Obstacle.NO_CAR
        if not isinstance(current, (int, float)) or not too_much(current, floor):
            return Obstacle.TOO_LITTLE
        return None

    async def test(self, connector: int) -> bool:
        """Leave a charger on its own for a minute and return whether it comes back.

        Raises CommandError, CannotTest among them.
        """
        if obstacle := self.obstacle(connector):
            raise CannotTest(obstacle)
        charge_point = self._charge_point
        limits = charge_point.limits
        before = self._circumstances(connector)
        sampled = self._sampled[connector] = asyncio.Event()
        limits.wanted.pin(connector, utcnow() + timedelta(seconds=_TEST))
        try:
            await limits.apply(connector)
            await asyncio.sleep(_TEST + charge_point.proof.delay)
            sampled.clear()
            patience = _SAMPLES * charge_point.config.meter_interval
            try:
                async with asyncio.timeout(patience):
                    await sampled.wait()
            except TimeoutError as error:
                # What was measured before says nothing.
                raise CannotTest(Obstacle.NO_SAMPLES) from error
            if self._circumstances(connector) != before:
                raise CannotTest(Obstacle.CHANGED)
            return self._judge(connector)
        finally:
            del self._sampled[connector]
            limits.wanted.pin(connector, None)
            limits.restore()

    def _circumstances(self, connector: int) -> tuple[object, ...]:
        """Return what has to stay as it is while a charger is on its own."""
        charge_point = self._charge_point
        transaction = charge_point.transactions.at(connector)
        return (
            charge_point.limits.ladder.rung(Slot.RUNNING),
            charge_point.wishes.offline_current,
            charge_point.connection,
            transaction.id if transaction else None,
        )

    def _judge(self, connector: int) -> bool:
        """Return whether a charger left on its own has come back to its floor."""
        charge_point = self._charge_point
        floor = charge_point.wishes.offline_current
        rung = charge_point.limits.ladder.rung(Slot.RUNNING)
        current = charge_point.value(connector, "current")
        if floor is None or rung is None or not isinstance(current, (int, float)):
            raise CannotTest(Obstacle.CHANGED)
        if too_much(current, floor):
            self._learn(rung, falls_back=False)
            return False
        if current < floor - _CLOSE:
            raise CannotTest(Obstacle.CAR_TOOK_LESS)
        self._learn(rung, falls_back=True)
        return True

    def _learn(self, rung: Rung, *, falls_back: bool) -> None:
        charge_point = self._charge_point
        capabilities = charge_point.capabilities
        for names, holds in (
            (capabilities.falls_back, falls_back),
            (capabilities.stays_up, not falls_back),
        ):
            if holds and str(rung) not in names:
                names.append(str(rung))
            elif not holds and str(rung) in names:
                names.remove(str(rung))
        charge_point.run(charge_point.capability_store.save(), "remember what it does")
        self.look()

    # Showing

    def _on_new(self, connector: int, key: str) -> None:
        if connector not in self._watched:
            self._watched.add(connector)
            self._charge_point.subscribe(
                connector, ("limit_verified", "transaction"), self.look
            )

    def look(self) -> None:
        """Show what is known."""
        state = self.state
        if state or "fail_safe" in self._charge_point.values(STATION):
            self._charge_point.update(STATION, {"fail_safe": state})
