"""One phase or three: from one to the other without breaking anything."""

import asyncio
from datetime import timedelta
import logging
from typing import TYPE_CHECKING

from .clock import utcnow
from .errors import NotSupported
from .known_models import known_model
from .model import Wishes
from .profiles import ends_at_zero
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_LOGGER = logging.getLogger(__name__)

ALL = 3
# How long nothing flows before contactors move, in seconds: with 10 to 30 the onboard
# chargers of all cars are said to have let go (OCPP 1.6 warns of damage, 3.13.4).
REST = 30.0
# A charger at which something flows for so long in spite of 0 A is left as it is.
GIVE_UP = 180.0
# How long the charger itself waits for what comes after the rest, if we are gone; long
# enough not to be renewed before.
REST_LIFE = timedelta(seconds=2 * GIVE_UP + 60)
# Between two switches: passing clouds are no reason to wear out contactors, and cars
# that are interrupted too often give up until they are plugged in anew.
DWELL = timedelta(minutes=10)
# In 24 hours: one an hour; contactors are made for some ten thousand switches.
MOST_A_DAY = 24
_DAY = timedelta(days=1)
# How often it is looked whether nothing flows any more, in seconds, and what that is, in A.
_LOOK = 5.0
_NOTHING = 1.0
_TASK = "set the charging limit"


class Phases:
    """On how many phases the cars at one charge point may charge.

    Before it changes, nothing flows for a while: the profile says so itself, and what
    comes after it, should we be gone by then.
    """

    def __init__(self, charge_point: ChargePoint) -> None:
        """Begin with what is kept among the wishes."""
        self._charge_point = charge_point
        # By connector, all by the loop's time: when the rest before a switch was asked
        # for, since when the charger is told 0 A, and until when none is tried again.
        self._resting: dict[int, float] = {}
        self._zero: dict[int, float] = {}
        self._barred: dict[int, float] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}

    @property
    def supported(self) -> bool:
        """Return whether the charger is known to switch."""
        charge_point = self._charge_point
        configuration = charge_point.configuration
        if charge_point.config.phases != ALL or charge_point.direct_current:
            return False
        return not charge_point.capabilities.no_phase_numbers and (
            configuration.truth(Setting.PHASES_3TO1) is True
            or configuration.truth(Setting.PHASES_AC) is True
            or known_model(charge_point.info).switches_phases
        )

    @property
    def offered(self) -> bool:
        """Return whether it may be switched: the charger can, and the user has said so."""
        return self._charge_point.config.phase_switching and self.supported

    def commanded(self, connector: int) -> int | None:
        """Return what the charger is to be told; None: nothing, which means all."""
        return self._wish(connector).phases_now if self.supported else None

    def rests(self, connector: int) -> bool:
        """Return whether nothing is to flow now because a switch is to come."""
        return connector in self._resting

    def fewest(self, connector: int, *, running: bool) -> int:
        """Return how many phases a current per phase makes up a power with.

        Those that the car at it draws on, where they are measured.
        """
        charge_point = self._charge_point
        active = charge_point.active_phases(connector) if running else None
        phases = charge_point.config.phases
        if charge_point.direct_current or charge_point.capabilities.no_phase_numbers:
            return phases
        return min(active or self.commanded(connector) or phases, phases)

    def most(self, connector: int) -> int:
        """Return how many phases a power may spread over, for all that is known."""
        charge_point = self._charge_point
        commanded = self.commanded(connector)
        if commanded is None:
            return charge_point.config.phases
        return max(commanded, charge_point.active_phases(connector) or 0)

    # Wishes

    async def wish(self, connector: int, phases: int | None) -> None:
        """Take what the user wants; None: as it comes. Raises CommandError.

        It is kept where the charger is away, or has switched too lately or too often.
        """
        if phases is not None and not self.offered:
            raise NotSupported("SetChargingProfile", "NotSupported", "numberPhases")
        charge_point = self._charge_point
        await charge_point.keep_wish(
            charge_point.wish(connector),
            "phases",
            phases,
            lambda: self._carry_out(connector, phases),
        )

    async def _carry_out(self, connector: int, phases: int | None) -> None:
        charge_point = self._charge_point
        self.look(connector)
        await charge_point.limits.apply(connector)
        if phases is not None and not self.offered:
            # It has just refused to be told a number.
            raise NotSupported("SetChargingProfile", "NotSupported", "numberPhases")

    def clear(self, connector: int) -> None:
        """Take note that the charger was told to forget all of it."""
        wish = self._wish(connector)
        self._end_rest(connector)
        if wish.phases_now not in (None, ALL):
            self._count(wish)
        wish.phases = wish.phases_now = None

    # What happens

    def look_at_all(self) -> None:
        """See whether it is time for something."""
        for connector in self._charge_point.connectors:
            self.look(connector)

    def told(self) -> None:
        """Take note of what the charger has just accepted."""
        for connector in self._charge_point.connectors:
            limit = self._charge_point.limits.held(connector)
            if limit is None or limit.value:
                self._zero.pop(connector, None)
            else:
                self._zero.setdefault(connector, asyncio.get_running_loop().time())
            if connector in self._resting:
                self.look(connector)

    def forget(self) -> None:
        """Assume nothing of a charger that has gone, or has booted."""
        for connector in [*self._resting]:
            self._end_rest(connector)
        self._zero.clear()

    def ended(self, connector: int) -> None:
        """Take note of the end of a transaction: there is nothing to interrupt."""
        self._charge_point.active.forget(connector)
        self._end_rest(connector)
        self._zero.pop(connector, None)
        self._barred.pop(connector, None)
        self.look(connector)

    def stop(self) -> None:
        """Wait for nothing any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def look(self, connector: int) -> None:
        """Go on with the switch of a connector, if there is one to be made."""
        charge_point = self._charge_point
        if timer := self._timers.pop(connector, None):
            timer.cancel()
        wish = self._wish(connector)
        if not self.supported:
            if charge_point.capabilities.no_phase_numbers:
                wish.phases_now = None
            self._end_rest(connector)
            return
        target = self._target(wish)
        if target == wish.phases_now or {target, wish.phases_now} == {None, ALL}:
            # Nothing moves: who is not told a number takes all.
            wish.phases_now = target
            if self._end_rest(connector):
                charge_point.run(charge_point.limits.apply(connector), _TASK)
        elif not charge_point.connected:
            self._end_rest(connector)
        elif wait := self._wait(connector, wish):
            self._come_back(connector, wait)
        elif (
            self._at_rest(connector) or charge_point.active_phases(connector) == target
        ):
            self._switch(connector, wish, target)
        else:
            self._rest(connector)

    def _target(self, wish: Wishes) -> int | None:
        """Return what is to be told next."""
        wanted = wish.phases if self.offered else None
        # From one phase the way to nothing in particular leads over all of them.
        return ALL if wanted is None and wish.phases_now == 1 else wanted

    def _wait(self, connector: int, wish: Wishes) -> float:
        """Return for how many seconds no switch may come."""
        now = utcnow().timestamp()
        day = _DAY.total_seconds()
        lately = [at for at in wish.phase_switches if now - day < at <= now]
        dwell = lately[-1] + DWELL.total_seconds() if lately else now
        if len(lately) >= MOST_A_DAY:
            dwell = max(dwell, lately[-MOST_A_DAY] + day)
        barred = self._barred.get(connector, 0.0) - asyncio.get_running_loop().time()
        return max(0.0, dwell - now, barred)

    def _at_rest(self, connector: int) -> bool:
        """Return whether nothing flows, and has not for long enough."""
        charge_point = self._charge_point
        if charge_point.transactions.at(connector) is None:
            return not self._flows(connector)
        held = charge_point.limits.held(connector)
        if held is None or held.value:
            return False
        zero = self._zero.get(connector)
        now = asyncio.get_running_loop().time()
        if zero is None or now - zero < REST:
            return False
        measured = charge_point.offers.measured(connector)
        told = not charge_point.draws(connector) or (measured or 0.0) > zero
        return told and not self._flows(connector)

    def _flows(self, connector: int) -> bool:
        current = self._charge_point.value(connector, "current")
        return isinstance(current, (int, float)) and current > _NOTHING

    def _rest(self, connector: int) -> None:
        """Let nothing flow, and wait until nothing does."""
        charge_point = self._charge_point
        now = asyncio.get_running_loop().time()
        begun = self._resting.get(connector)
        if begun is None:
            if ends_at_zero(charge_point):
                # 0 A would end the transaction. The next one begins on the new number.
                return
            self._resting[connector] = now
            charge_point.run(charge_point.limits.apply(connector), _TASK)
        elif now - begun >= GIVE_UP:
            _LOGGER.warning(
                "%s: something flows at connector %s in spite of a limit of 0 A, so it"
                " stays on the phases it is on",
                charge_point.identity,
                connector,
            )
            self._end_rest(connector)
            self._barred[connector] = now + DWELL.total_seconds()
            self._come_back(connector, DWELL.total_seconds())
            charge_point.run(charge_point.limits.apply(connector), _TASK)
            return
        zero = self._zero.get(connector)
        self._come_back(connector, max(_LOOK, REST - (now - zero)) if zero else _LOOK)

    def _switch(self, connector: int, wish: Wishes, target: int | None) -> None:
        charge_point = self._charge_point
        wish.phases_now = target
        self._count(wish)
        self._end_rest(connector)
        charge_point.active.forget(connector)
        charge_point.wishes_changed()
        charge_point.run(charge_point.limits.apply(connector), _TASK)
        self.look(connector)

    def _count(self, wish: Wishes) -> None:
        now = utcnow().timestamp()
        wish.phase_switches = [*wish.phase_switches[-(MOST_A_DAY - 1) :], now]

    def _end_rest(self, connector: int) -> bool:
        return self._resting.pop(connector, None) is not None

    def _come_back(self, connector: int, seconds: float) -> None:
        self._timers[connector] = asyncio.get_running_loop().call_later(
            seconds, self.look, connector
        )

    def _wish(self, connector: int) -> Wishes:
        return self._charge_point.wish(connector)
