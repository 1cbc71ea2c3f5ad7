"""Whether a charger does what it has accepted, and what follows where it does not."""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .clock import utcnow
from .errors import CommandError
from .evidence import SAME, Evidence, Verdict, evidence_of, flowing_above
from .known_models import known_model
from .ladder import Rung, Slot
from .limit_keeper import Held, LimitKeeper
from .limit_problems import NO_PAUSE, REFUSED, LimitProblem, LimitProblems
from .model import STATION, ConnectorStatus, Purpose, Transaction, Value
from .pauses import cannot_pause, learn_of_end
from .profiles import amperes

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# What tells of a limit, besides samples.
_KEYS = ("status", "transaction")
# How long slow models take to follow, in seconds.
_SLOWLY = 180.0
# So often a charger may ignore what it has accepted until another way is tried.
_TOO_OFTEN = 3

type _Work = Coroutine[Any, Any, None]


@dataclass(slots=True, eq=False)
class _Told:
    """What a connector was told, and what has come of it."""

    limit: float
    slot: Slot
    rung: Rung
    # Loop time of the newest telling.
    since: float
    # What held before, until this is seen to.
    before: float | None
    verified: bool = False
    mismatches: int = 0
    # It was told to go on after a pause once more.
    repeated: bool = False
    # Something is being done about it.
    busy: bool = False


class Proof:
    """Compares what one charge point does with what it has accepted.

    It looks when something comes that tells, and once after what was told has had the
    time to take effect; it never asks.
    """

    def __init__(self, charge_point: ChargePoint, limits: LimitKeeper) -> None:
        """Know of nothing to compare."""
        self._charge_point = charge_point
        self._limits = limits
        self._told: dict[int, _Told] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._problems = LimitProblems(charge_point)
        # Connectors of which something was refused.
        self._refused: set[int] = set()
        self._watched: set[int] = set()
        limits.subscribe(self._accepted)
        limits.subscribe_refusals(self._was_refused)
        charge_point.subscribe_new(self._on_new)
        charge_point.subscribe_wishes(self._wishes_changed)

    # What is known

    @property
    def problems(self) -> Mapping[int, LimitProblem]:
        """Return the limits that do not hold, by connector."""
        return self._problems.all

    def verified(self, connector: int) -> bool:
        """Return whether a connector was seen to keep what it was told last."""
        told = self._told.get(connector)
        return told is not None and told.verified

    def most(self, connector: int) -> float | None:
        """Return what may flow by what was told, also if it is not yet followed."""
        told = self._told.get(connector)
        if told is None:
            return None
        if told.verified or told.before is None:
            return told.limit
        return max(told.limit, told.before)

    def excess(self, connector: int) -> float | None:
        """Return what flows, in A, where that is more than the charger was told."""
        told = self._told.get(connector)
        if told is None or not (told.mismatches or connector in self._problems.all):
            return None
        return flowing_above(self._charge_point, connector, told.limit)

    # What happens

    def forget(self) -> None:
        """Begin anew with a charger that has booted."""
        for connector in [*self._told]:
            self._drop(connector)

    def stop(self) -> None:
        """Wait for nothing any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def ended(self, transaction: Transaction) -> None:
        """Look whether a transaction has ended over what it was told."""
        if told := self._told.get(transaction.connector):
            age = asyncio.get_running_loop().time() - told.since
            learn_of_end(self._charge_point, transaction, told.limit, age)

    def looked(self, connector: int) -> None:
        """Look at what the charger has just told or measured."""
        if connector in self._told:
            self._look(connector)

    def _on_new(self, connector: int, key: str) -> None:
        if connector not in self._watched:
            self._watched.add(connector)
            look = partial(self._look, connector)
            self._charge_point.subscribe(connector, _KEYS, look)

    def _accepted(self, held: Held) -> None:
        connector = held.profile.connector
        self._refused.discard(connector)
        self._problems.accepted(connector)
        everybody = [STATION, *self._charge_point.connectors]
        for each in everybody if connector == STATION else [connector]:
            self._tell_anew(each, again=held)

    def _was_refused(self, connectors: set[int]) -> None:
        """Look later what has come of it: the wish may be taken back."""
        self._refused |= connectors
        for connector in connectors:
            self._arm(connector)

    def _wishes_changed(self) -> None:
        for connector in [*self._problems.all]:
            self._arm(connector, 0)

    def _tell_anew(self, connector: int, again: Held | None = None) -> _Told | None:
        """Keep what a connector is told now; None: nothing."""
        binding = self._binding(connector)
        before = self._told.get(connector)
        if binding is None:
            if before:
                self._drop(connector)
            return None
        held, limit = binding
        if before and (before.limit, before.slot, before.rung) == (
            limit,
            held.slot,
            held.rung,
        ):
            if again is held and not before.verified:
                before.since = asyncio.get_running_loop().time()
                self._arm(connector)
            return before
        told = self._told[connector] = _Told(
            limit,
            held.slot,
            held.rung,
            since=asyncio.get_running_loop().time(),
            before=self.most(connector) if before else None,
        )
        self._verify(connector, told, False)
        self._arm(connector)
        return told

    def _binding(self, connector: int) -> tuple[Held, float] | None:
        """Return what a connector is limited by, and how far in A; what is its own first."""
        now = utcnow()
        limits = [
            (held, amperes(self._charge_point, held.profile.limit_at(now)))
            for held in self._limits.holds(connector)
            if connector != STATION or held.profile.purpose is Purpose.STATION
        ]
        return min(
            limits,
            key=lambda one: (one[1], one[0].profile.purpose is Purpose.STATION),
            default=None,
        )

    def _drop(self, connector: int) -> None:
        self._told.pop(connector, None)
        if timer := self._timers.pop(connector, None):
            timer.cancel()
        self._show(connector, throttled=None)

    # Looking

    @property
    def delay(self) -> float:
        """Return how long a limit may take to have an effect, in seconds."""
        charge_point = self._charge_point
        delay = charge_point.timing.verify
        slow = known_model(charge_point.info).slow
        return max(delay, _SLOWLY) if slow else delay

    def _arm(self, connector: int, delay: float | None = None) -> None:
        if timer := self._timers.pop(connector, None):
            timer.cancel()
        self._timers[connector] = asyncio.get_running_loop().call_later(
            self.delay if delay is None else delay, self._look, connector
        )

    def _look(self, connector: int) -> None:
        charge_point = self._charge_point
        if not charge_point.connected or charge_point.fail_safe.is_alone(connector):
            return
        troubled = connector in self._refused or connector in self._problems.all
        refused = troubled and self._is_refused(connector)
        told = self._tell_anew(connector)
        if told is None and not refused and troubled and not self._limits.differs:
            self._problems.solved(connector)
        if told is None or told.busy:
            return
        if cannot_pause(self._charge_point, connector, told.limit):
            self._problems.found(connector, told.slot, 0, NO_PAUSE)
        else:
            self._problems.paused(connector)
        settled = told.since + self.delay
        evidence = evidence_of(
            charge_point, connector, told.limit, since=told.since, settled=settled
        )
        if evidence.verdict is Verdict.AGREES:
            doubted = told.mismatches or connector in self._problems.all
            if not (doubted and self._awaits_sample(connector, told)):
                self._agrees(connector, told)
        elif asyncio.get_running_loop().time() >= settled and connector != STATION:
            self._differs(connector, told, evidence)

    def _awaits_sample(self, connector: int, told: _Told) -> bool:
        """Return whether it is still to be measured if a limit is followed now.

        Some tell what they have accepted, and do not do it.
        """
        charge_point = self._charge_point
        sampled = charge_point.offers.measured(connector)
        charging = charge_point.status(connector) is ConnectorStatus.CHARGING
        return charging and sampled is not None and sampled < told.since

    def _is_refused(self, connector: int) -> bool:
        """Return whether the charger refuses what is wanted still, and say so."""
        refused = self._limits.refused(connector)
        if refused is None:
            self._refused.discard(connector)
            return False
        profile = refused.profile
        wanted = amperes(self._charge_point, profile.limit_at(utcnow()))
        self._problems.found(connector, refused.slot, wanted, REFUSED)
        return True

    def _agrees(self, connector: int, told: _Told) -> None:
        told.mismatches = 0
        self._show(connector, throttled=None)
        if not cannot_pause(self._charge_point, connector, told.limit):
            self._problems.solved(connector)
        charge_point = self._charge_point
        status = charge_point.status(connector)
        offers = charge_point.offers
        if told.limit == 0 and status is ConnectorStatus.SUSPENDED_EVSE:
            offers.refuted(connector, since=told.since + self.delay)
        if told.verified:
            return
        self._verify(connector, told, True)
        if self._is_alone(connector, told):
            charge_point.run(
                self._limits.ladder.obeyed(told.slot, told.rung), "remember what works"
            )

    def _is_alone(self, connector: int, told: _Told) -> bool:
        """Return whether nothing else limits a connector as much."""
        now = utcnow()
        limits = [
            amperes(self._charge_point, held.profile.limit_at(now))
            for held in self._limits.holds(connector)
            if (held.slot, held.rung) != (told.slot, told.rung)
        ]
        return all(limit > told.limit for limit in limits)

    def _differs(self, connector: int, told: _Told, evidence: Evidence) -> None:
        charge_point = self._charge_point
        if charge_point.transactions.at(connector) is None:
            # Nothing flows that it could show by.
            return
        if evidence.verdict is Verdict.MORE:
            self._verify(connector, told, False)
            self._show(connector, throttled=None)
            self._ignores(connector, told, evidence)
            return
        if told.limit > 0 and not told.repeated and self._stays_paused(connector, told):
            # There are chargers that miss the first limit after a pause.
            told.repeated = True
            self._act(connector, told, self._again(connector, told))
        if evidence.verdict is Verdict.LESS:
            self._show(connector, throttled=evidence.seen)
            if self._goes_by_default(connector, told, evidence):
                self._ignores(connector, told, evidence)

    def _goes_by_default(self, connector: int, told: _Told, evidence: Evidence) -> bool:
        """Return whether what it does is what holds for any transaction, by our own word."""
        if told.slot is not Slot.RUNNING or evidence.seen is None:
            return False
        charge_point, now = self._charge_point, utcnow()
        return any(
            write.slot is Slot.IDLE
            and write.concerns(connector)
            and abs(evidence.seen - amperes(charge_point, write.profile.limit_at(now)))
            <= SAME
            for write in self._limits.wanted.writes()
        )

    def _stays_paused(self, connector: int, told: _Told) -> bool:
        status = self._charge_point.status(connector)
        return told.before == 0 and status is ConnectorStatus.SUSPENDED_EVSE

    def _ignores(self, connector: int, told: _Told, evidence: Evidence) -> None:
        """Tell it again, or otherwise, or tell the user."""
        ladder = self._limits.ladder
        if ladder.ruled_out(told.slot, told.rung):
            self._problems.found(connector, told.slot, told.limit, evidence.words)
            return
        told.mismatches += 1
        if told.mismatches >= _TOO_OFTEN:
            work = self._move_on(connector, told, evidence)
        elif self._default_may_be_fixed(connector, told):
            work = self._fix_default(connector)
        else:
            work = self._again(connector, told)
        self._act(connector, told, work)

    def _default_may_be_fixed(self, connector: int, told: _Told) -> bool:
        """Return whether the transaction may go on by the default it began with."""
        charge_point = self._charge_point
        transaction = charge_point.transactions.at(connector)
        held = self._find(connector, told)
        running = self._limits.ladder.rung(Slot.RUNNING)
        return (
            charge_point.capabilities.default_fixed is None
            and told.slot is Slot.IDLE
            and transaction is not None
            and held is not None
            and held.since > transaction.started
            and running is not None
            and running.purpose is Purpose.TRANSACTION
        )

    def _find(self, connector: int, told: _Told) -> Held | None:
        return next(
            (
                held
                for held in self._limits.holds(connector)
                if (held.slot, held.rung) == (told.slot, told.rung)
            ),
            None,
        )

    # Acting

    def _act(self, connector: int, told: _Told, work: _Work) -> None:
        told.busy = True
        self._charge_point.run(self._do(connector, told, work), "limit what flows")

    async def _do(self, connector: int, told: _Told, work: _Work) -> None:
        try:
            await work
        finally:
            told.busy = False
            told.since = asyncio.get_running_loop().time()
            if self._told.get(connector) is told:
                self._arm(connector)

    async def _again(self, connector: int, told: _Told) -> None:
        if held := self._find(connector, told):
            await self._limits.again(held)

    async def _fix_default(self, connector: int) -> None:
        self._charge_point.capabilities.default_fixed = True
        await self._charge_point.capability_store.save()
        await self._limits.apply(connector)

    async def _move_on(self, connector: int, told: _Told, evidence: Evidence) -> None:
        if held := self._find(connector, told):
            with suppress(CommandError):
                await self._limits.ignored(held, evidence.words)
        # The next way may hold, but that may take a while to find out.
        self._problems.found(connector, told.slot, told.limit, evidence.words)

    # Telling

    def _verify(self, connector: int, told: _Told, verified: bool) -> None:
        told.verified = verified
        self._charge_point.update(connector, {"limit_verified": verified})

    def _show(self, connector: int, *, throttled: Value) -> None:
        """Show what somebody else lets flow where that is less than we do."""
        known = "throttled" in self._charge_point.values(connector)
        if known or throttled is not None:
            self._charge_point.update(connector, {"throttled": throttled})
