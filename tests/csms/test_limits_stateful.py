"""Whatever becomes of chargers, sockets and ourselves: limits hold, or it is told."""

import asyncio
from collections.abc import Callable, Coroutine
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, override

from aiohttp import ClientSession
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import CommandError
from custom_components.ocpp_central.csms.fail_safe import FailSafeState
from custom_components.ocpp_central.csms.model import ChargingLimit
from custom_components.ocpp_central.csms.timeline import Course, Step

from .common import TIMING, Central
from .limited import DEFAULT, EVERYTHING, HARDWARE, TEMPERS, LimitedCharger, Temper
from .loop_clock import LoopClock

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PATIENT = replace(TIMING, call=30, settle=5, verify=15, probe=15, patience=5)
WHICH = st.integers(0, 1)
CURRENTS = st.sampled_from([6.0, 8.0, 10.0, 13.0, 16.0])
# How long what is above the floor may outlive us, in seconds, and a little more.
LIFE = 301
# How exact limits in watts are that are rounded down.
EXACT = 0.11
STRIDE = 15
# So many writes one change of a wish may cost at a connector of a charger that obeys.
WRITES = 4
# So often it may be told in between what it holds: if a user says the same once more, or
# after it has connected, when nobody knows what it holds.
REPEATS = 1
# How often ten minutes may pass until a charger that ignores what it is told is found out.
PATIENCE = 8


class Limits(RuleBasedStateMachine):
    """Plays a charger, the way between it and us, its user, and ourselves."""

    freezer: ClassVar[FrozenDateTimeFactory]

    @initialize(temper=st.sampled_from(TEMPERS), connectors=st.integers(1, 2))
    def open(self, temper: Temper, connectors: int) -> None:
        """Begin with a charger that has just been added."""
        self.freezer.move_to(NOON)
        self.runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.clock = LoopClock(self.runner.get_loop(), stands=True)
        self.charger = LimitedCharger(temper, connectors)
        self.driven: dict[int, tuple[Course, bool]] = {}
        # How much of what the charger was told was looked at.
        self.looked = 0
        self.looked_under = HARDWARE
        self.run(self._open())

    async def _open(self) -> None:
        self.session = ClientSession()
        self.central = await Central(self.session, timing=PATIENT).open()
        self.charge_point = await self.central.add(installation_current=HARDWARE)
        await self.charger.boot(self.central)
        await self.rest()

    @override
    def teardown(self) -> None:
        if not hasattr(self, "charge_point"):
            return
        try:
            self.run(self.settled())
        finally:
            self.run(self._close())
            self.runner.close()

    async def _close(self) -> None:
        self.clock.release()
        await self.central.close()
        await self.session.close()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for something."""
        self.runner.run(work)

    # How time passes

    async def rest(self) -> None:
        """Wait until nothing more is said before time passes."""
        quiet = 0
        before = None
        while quiet < 3:
            if self.charger.connected:
                await self.charger.raw.delivered()
            for _ in range(5):
                await asyncio.sleep(0)
            now = len(self.charger.raw.calls)
            quiet = quiet + 1 if now == before else 0
            before = now
        self.look()
        self.is_counted()

    async def pass_by(self, seconds: int) -> None:
        """Let time go by; the charger tells what flows twice a minute."""
        for second in range(0, seconds, STRIDE):
            self.freezer.tick(STRIDE)
            self.clock.advance(STRIDE)
            await self.rest()
            if second % 30 == 0:
                if self.charger.connected:
                    await self.charger.measure()
                self.charge_point.limits.tick()
                await self.rest()

    async def say(self, work: Coroutine[Any, Any, object]) -> bool:
        """Have the user or the engine say something; returns whether it was refused."""
        task = asyncio.ensure_future(work)
        for _ in range(200):
            await self.rest()
            if task.done():
                break
            await self.pass_by(STRIDE)
        assert task.done()
        try:
            await task
        except CommandError:
            return True
        return False

    # What users and engines want

    def place(self, which: int) -> int:
        """Return a connector."""
        return self.charger.connectors[which % len(self.charger.connectors)]

    @rule(which=WHICH, current=CURRENTS)
    def set_limit(self, which: int, current: float) -> None:
        """A user limits a connector."""
        self.wish(lambda one: one.set_current_limit(self.place(which), current))

    @rule(current=CURRENTS)
    def set_ceiling(self, current: float) -> None:
        """A user limits all."""
        self.wish(lambda one: one.set_maximum_current(current))

    @rule(current=CURRENTS)
    def set_offline(self, current: float) -> None:
        """A user says what may flow without us."""
        self.wish(lambda one: one.set_offline_current(current))

    @rule(which=WHICH, paused=st.booleans())
    def pause(self, which: int, paused: bool) -> None:
        """A user pauses."""
        self.wish(lambda one: one.set_paused(self.place(which), paused))

    @precondition(lambda machine: machine.charger.running)
    @rule(
        which=WHICH, current=CURRENTS, seconds=st.sampled_from([None, None, 120, 7200])
    )
    def limit_session(self, which: int, current: float, seconds: int | None) -> None:
        """A user limits what runs."""
        connector = self.place(which)
        if connector not in self.charger.running:
            return
        until = datetime.now(UTC) + timedelta(seconds=seconds) if seconds else None
        limit = ChargingLimit(current)
        self.wish(lambda one: one.limits.limit_session(connector, limit, until))

    @rule(
        which=WHICH,
        current=st.sampled_from([None, 0.0, 6.0, 9.0, 16.0]),
        then=st.sampled_from([None, 6.0, 16.0]),
        live=st.booleans(),
    )
    def drive(
        self, which: int, current: float | None, then: float | None, live: bool
    ) -> None:
        """An engine follows the sun, or a plan, or lets go."""
        course = () if current is None else (Step(current),)
        if course and then is not None:
            soon = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=30)
            later = soon + timedelta(hours=1)
            course = (Step(course[0].limit, soon), Step(then, later))
            live = False
        connector = self.place(which)
        self.driven[connector] = course, live
        self.wish(lambda one: one.limits.drive(connector, course, live=live))

    @rule(shares=st.sampled_from([None, True, False]))
    def share(self, shares: bool | None) -> None:
        """Others come to depend on what it draws, or do not any more."""
        self.charge_point.shares_fuse = shares

        async def apply() -> None:
            self.charge_point.limits.restore()
            await self.rest()

        self.run(apply())

    def wish(self, wish: Callable[[ChargePoint], Coroutine[Any, Any, object]]) -> None:
        """Have something wished for."""

        async def wished() -> None:
            before = len(self.charger.told)
            self.charger.repeated.clear()
            await self.say(wish(self.charge_point))
            if self.charger.temper.obeys:
                told = self.charger.told[before:]
                assert len(told) <= WRITES * len(self.charger.connectors), told

        self.run(wished())

    # What happens at the charger

    @precondition(lambda machine: machine.charger.connected)
    @rule(which=WHICH)
    def begin(self, which: int) -> None:
        """A car comes."""
        connector = self.place(which)
        if connector in self.charger.running:
            return

        async def begin() -> None:
            await self.charger.begin(connector)
            await self.rest()

        self.run(begin())

    @precondition(lambda machine: machine.charger.connected)
    @rule(which=WHICH)
    def end(self, which: int) -> None:
        """A car leaves."""
        connector = self.place(which)
        if connector not in self.charger.running:
            return

        async def end() -> None:
            await self.charger.end(connector)
            await self.rest()

        self.run(end())

    @rule(seconds=st.sampled_from([30, 60, 240, 900]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.run(self.pass_by(seconds))

    # What happens between us, and to us

    @rule()
    def hang_up(self) -> None:
        """The connection drops."""

        async def gone() -> None:
            await self.charger.hang_up()
            for _ in range(20):
                await asyncio.sleep(0)

        self.run(gone())

    @rule()
    def dial(self) -> None:
        """The charger connects, perhaps once more."""

        async def dialled() -> None:
            await self.charger.hang_up()
            await self.charger.dial(self.central)
            await self.rest()

        self.run(dialled())

    @rule()
    def boot(self) -> None:
        """The charger restarts."""
        self.run(self._boot())

    async def _boot(self) -> None:
        await self.charger.boot(self.central)
        await self.rest()

    @rule(back=st.booleans())
    def restart(self, back: bool) -> None:
        """We restart."""
        self.run(self._restart(back=back))

    async def _restart(self, *, back: bool) -> None:
        before = self.charge_point
        await before.capability_store.save()
        self.charger.connected = False
        await self.central.restart()
        self.charge_point = await self.central.add(installation_current=HARDWARE)
        self.charge_point.wishes = deepcopy(before.wishes)
        self.charge_point.shares_fuse = before.shares_fuse
        for connector in before.connectors:
            self.charge_point.add_connector(connector)
        self.driven.clear()
        if before.info:
            self.charge_point.set_info(before.info)
        if back:
            await self.charger.dial(self.central)
            await self.rest()

    # What is true

    @property
    def ceiling(self) -> float:
        """Return what may ever flow."""
        wishes = self.charge_point.wishes
        return min(HARDWARE, wishes.maximum_current or HARDWARE)

    @property
    def floor(self) -> float:
        """Return what may flow without us."""
        return min(self.ceiling, self.charge_point.wishes.offline_current or HARDWARE)

    def look(self) -> None:
        """Look at what the charger was told since."""
        # What is not taken is taken back.
        most = max(self.looked_under, self.ceiling)
        self.looked_under = self.ceiling
        for profile in self.charger.told[self.looked :]:
            limits = [limit for _, limit in profile.periods]
            assert max(limits) <= most + EXACT, (profile, most)
            if profile.purpose == DEFAULT and not self.charger.running:
                assert min(limits) > 0, profile
        self.looked = len(self.charger.told)
        if self.charger.temper.obeys:
            for place, times in self.charger.repeated.items():
                assert len(times) <= REPEATS, (place, times)

    @invariant()
    def is_counted(self) -> None:
        """What may flow is counted in."""
        if not hasattr(self, "charge_point"):
            return
        now = datetime.now(UTC)
        fail_safe = self.charge_point.fail_safe
        if self.charger.temper.lies:
            # It is believed until it is found out.
            return
        if self.charger.temper.ignores == EVERYTHING:
            assert fail_safe.state is not FailSafeState.PROVEN
        for connector in self.charger.running:
            counted = fail_safe.counted(connector, now)
            allowed = self.charger.allowed(connector, now)
            assert counted + EXACT >= allowed, (counted, allowed, self.charger.profiles)
            if fail_safe.state is not FailSafeState.PROVEN:
                assert counted == HARDWARE

    @rule()
    def settle(self) -> None:
        """Disorder ends."""
        self.run(self.settled())

    async def settled(self) -> None:
        """Let all that is to be done be done, then look at what came of it."""
        if not self.charger.connected:
            await self._boot()
        # What is not answered is tried again ever later.
        await self.pass_by(600)
        for connector in self.charger.connectors:
            for _ in range(PATIENCE):
                # To try all there is takes a while.
                if self.is_as_wanted(connector):
                    break
                await self.pass_by(600)
            self.check(connector)

    def is_as_wanted(self, connector: int) -> bool:
        """Return whether nothing is left to be tried."""
        now = datetime.now(UTC)
        if self.charger.temper.obeys or self.charge_point.proof.problems:
            return True
        if connector not in self.charger.running:
            return self.charger.idle(connector, now) <= self.idle(connector) + EXACT
        return (
            abs(self.charger.allowed(connector, now) - self.wanted(connector, now))
            <= EXACT
        )

    def check(self, connector: int) -> None:
        """Look at what may flow at a connector, now and without us."""
        if self.charge_point.proof.problems:
            assert not self.charger.temper.obeys
            return
        now = datetime.now(UTC)
        running = connector in self.charger.running
        if running:
            allowed = self.charger.allowed(connector, now)
            wanted = self.wanted(connector, now)
            proof = self.charge_point.proof
            believed = proof.verified(connector) and not self.charger.temper.lies
            if allowed < wanted - EXACT and not believed:
                # Less than it may, and nothing true says more than that.
                assert not self.charger.temper.obeys
                return
            assert abs(allowed - wanted) <= EXACT, (allowed, wanted)
        elif self.charger.temper.ignores.isdisjoint({DEFAULT}):
            idle = self.charger.idle(connector, now)
            assert idle <= self.idle(connector) + EXACT
        if running and self.shared and not self.charger.temper.ignores:
            for minutes in range(0, 1440, 7):
                later = now + timedelta(seconds=LIFE, minutes=minutes)
                allowed = self.charger.allowed(connector, later)
                assert allowed <= self.floor + EXACT, (later, self.charger.profiles)

    @property
    def shared(self) -> bool:
        """Return whether others depend on the floor."""
        return self.charge_point.shares_fuse is not False

    def idle(self, connector: int) -> float:
        """Return what is to hold for any transaction."""
        limit = self.charge_point.wish(connector).current_limit
        return min(self.ceiling, self.floor, limit or HARDWARE)

    def wanted(self, connector: int, now: datetime) -> float:
        """Return what is wanted of a running transaction."""
        wish = self.charge_point.wish(connector)
        if wish.paused:
            return 0
        limit = wish.current_limit or HARDWARE
        session = wish.session
        if session and (session.until is None or now.timestamp() < session.until):
            limit = session.value
        course, _ = self.driven.get(connector, ((), False))
        if course:
            limit = min(limit, self.planned(course, now))
        return min(self.ceiling, limit)

    def planned(self, course: Course, now: datetime) -> float:
        """Return what an engine wants; after its plan is over, as if there were none."""
        for step in course:
            if step.until is None or now < step.until:
                return step.limit
        return self.floor


@pytest.mark.timeout(300)
def test_limits_hold_or_it_is_told(
    request: pytest.FixtureRequest, socket_enabled: None
) -> None:
    """Many short lives of a charger: always the same ones, or by --hypothesis-seed."""
    seed = request.config.getoption("--hypothesis-seed", default=None)
    with freeze_time(NOON, real_asyncio=True) as freezer:
        Limits.freezer = freezer
        run_state_machine_as_test(
            Limits,
            settings=settings(
                max_examples=45,
                stateful_step_count=20,
                deadline=None,
                derandomize=seed is None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
