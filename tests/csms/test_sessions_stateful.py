"""Whatever becomes of messages, sockets and ourselves: what is billed is what flowed."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
import shutil
import tempfile
from typing import Any, ClassVar, override

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

from custom_components.ocpp_central.csms.prices import Prices

from .durable import Durable
from .metered import PRICE, Books, Fate, Meter, MeteredCharger, Place

MONDAY = datetime(2026, 5, 4, 9, 50, tzinfo=UTC)
CHARGERS = st.tuples(
    st.sampled_from(Meter),
    st.integers(1, 2),
    st.sampled_from(
        [timedelta(), timedelta(), timedelta(hours=-5), timedelta(hours=2)]
    ),
    st.sampled_from([5, 900, 12_345, 2_345_678]),
)
WHICH = st.integers(0, 1)
FATES = st.sampled_from([*[Fate.ANSWERED] * 3, *Fate])
ALL = [Fate.ANSWERED] * 20
POWER = 7360
# Registers of sessions that begin at almost the same time cannot be told apart.
CHANGEOVER = 150


def waiting(machine: Sessions) -> bool:
    """Return whether anything is to be told."""
    return any(charger.queue for charger in machine.chargers)


def plugged(machine: Sessions) -> bool:
    """Return whether any car is there."""
    return any(place.session for one in machine.chargers for place in one.places)


class Sessions(RuleBasedStateMachine):
    """Plays chargers, the ways between them and us, and ourselves."""

    freezer: ClassVar[FrozenDateTimeFactory]

    @initialize(kinds=st.lists(CHARGERS, min_size=1, max_size=2))
    def open(self, kinds: list[Any]) -> None:
        """Begin with an empty ledger."""
        self.freezer.move_to(MONDAY)
        self.runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.folder = Path(tempfile.mkdtemp())
        self.chargers = [
            self.make(f"cp{number}", *kind) for number, kind in enumerate(kinds)
        ]
        self.durable = Durable(self.folder, Prices([PRICE]))
        self.run(self.durable.open())
        self.run(self.come_back())

    def make(self, identity: str, *kind: Any) -> MeteredCharger:
        """Return a charger of a kind."""
        return MeteredCharger(identity, *kind)

    @override
    def teardown(self) -> None:
        if not hasattr(self, "durable"):
            return
        try:
            self.run(self.settled())
        finally:
            self.run(self.durable.close())
            self.runner.close()
            shutil.rmtree(self.folder)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for something."""
        self.runner.run(work)

    @property
    def now(self) -> datetime:
        """Return the time by our clock."""
        return datetime.now(UTC)

    def charger(self, which: int) -> MeteredCharger:
        """Return one of the chargers."""
        return self.chargers[which % len(self.chargers)]

    def place(self, which: int, connector: int) -> tuple[MeteredCharger, Place]:
        """Return one of the connectors."""
        charger = self.charger(which)
        return charger, charger.places[connector % len(charger.places)]

    async def come_back(self) -> None:
        """Know the chargers, who show what time it is for them."""
        for charger in self.chargers:
            await self.durable.central.add(charger.identity)
            await charger.say(self.durable, self.now)
        self.freezer.tick(30)
        for charger in self.chargers:
            await charger.say(self.durable, self.now)

    # What happens at the chargers

    @rule(which=WHICH, connector=WHICH, token=st.sampled_from(["CARD1", "CARD2"]))
    def plug_in(self, which: int, connector: int, token: str) -> None:
        """A car comes."""
        charger, place = self.place(which, connector)
        self.freezer.tick(CHANGEOVER)
        if not place.session:
            charger.begin(place, token, self.now)

    @rule(which=WHICH)
    def plug_in_at_once(self, which: int) -> None:
        """Cars come to all connectors in one second."""
        charger = self.charger(which)
        self.freezer.tick(CHANGEOVER)
        for place in charger.places:
            if not place.session:
                charger.begin(place, "CARD1", self.now)

    @precondition(plugged)
    @rule(
        seconds=st.sampled_from([30, 240, 1200, 4200]),
        measured=st.booleans(),
        glitch=st.booleans(),
    )
    def charge(self, seconds: int, measured: bool, glitch: bool) -> None:
        """Energy flows, and chargers take samples of it."""
        self.flow(seconds)
        if not measured:
            return
        for glitches in (True, False) if glitch else (False,):
            for charger in self.chargers:
                if glitches and charger.meter is not Meter.GLITCHES:
                    continue
                for place in charger.places:
                    if place.session:
                        charger.measure(place, self.now, glitch=glitches)
            self.flow(10)

    def flow(self, seconds: int) -> None:
        """Let time pass."""
        self.freezer.tick(seconds)
        for charger in self.chargers:
            for place in charger.places:
                if place.session:
                    place.flowed += POWER * seconds // 3600 + place.number

    @precondition(plugged)
    @rule(which=WHICH, connector=WHICH, told=st.booleans(), rounded=st.booleans())
    def unplug(self, which: int, connector: int, told: bool, rounded: bool) -> None:
        """A car leaves; where that is not told, it may be later, or never."""
        charger, place = self.place(which, connector)
        self.freezer.tick(3)
        if place.session:
            charger.end(place, self.now, told=told, rounded=rounded)

    @rule(
        which=WHICH,
        connector=WHICH,
        seconds=st.sampled_from([30, 1200]),
        begun=st.booleans(),
        held=st.booleans(),
    )
    def whole_session(
        self, which: int, connector: int, seconds: int, begun: bool, held: bool
    ) -> None:
        """A car comes, charges and leaves, perhaps to be told of after the next one."""
        self.unplug(which, connector, told=True, rounded=False)
        self.plug_in(which, connector, "CARD1")
        if begun:
            self.tell(which, ALL)
        self.charge(seconds, measured=True, glitch=False)
        self.charge(seconds, measured=False, glitch=False)
        self.unplug(which, connector, told=True, rounded=False)
        if held:
            self.hold_back(which)
            self.plug_in(which, connector, "CARD1")
            self.charge(30, measured=True, glitch=False)
            self.tell(which, ALL)

    @rule(which=WHICH, connector=WHICH)
    def session_without_a_name(self, which: int, connector: int) -> None:
        """The end of one session is not told, nor is the start of the next one."""
        self.unplug(which, connector, told=False, rounded=False)
        self.tell(which, ALL)
        self.plug_in(which, connector, "CARD2")
        self.give_up(which)
        self.charge(1200, measured=True, glitch=False)
        self.tell(which, ALL)

    # What is told

    @precondition(waiting)
    @rule(which=WHICH, fates=st.lists(FATES, min_size=1, max_size=6))
    def tell(self, which: int, fates: list[Fate]) -> None:
        """A charger tells what it has to tell, one after the other."""
        charger = self.charger(which)
        # Who was only ever late by the same time would have a clock that is wrong.
        self.run(charger.say(self.durable, self.now))
        for fate in fates:
            if charger.queue:
                self.run(charger.tell(self.durable, fate))

    @rule(which=WHICH)
    def say(self, which: int) -> None:
        """A charger tells what its connectors do."""
        self.run(self.charger(which).say(self.durable, self.now))

    @rule(which=WHICH)
    def hang_up(self, which: int) -> None:
        """A connection drops."""
        self.run(self.charger(which).hang_up())

    @precondition(waiting)
    @rule(which=WHICH)
    def give_up(self, which: int) -> None:
        """A charger gives up on a start that is not answered."""
        charger = self.charger(which)
        if charger.queue and charger.queue[0].action == "StartTransaction":
            charger.give_up()

    @precondition(waiting)
    @rule(which=WHICH)
    def hold_back(self, which: int) -> None:
        """A charger keeps what is over for later."""
        self.charger(which).hold_back()

    @precondition(lambda machine: any(one.held for one in machine.chargers))
    @rule(which=WHICH)
    def tell_late(self, which: int) -> None:
        """And then tells it."""
        charger = self.charger(which)
        charger.queue.extend(charger.held)
        charger.held.clear()

    @precondition(lambda machine: any(one.untold for one in machine.chargers))
    @rule(which=WHICH)
    def end_late(self, which: int) -> None:
        """Ends that were not told are told after all."""
        charger = self.charger(which)
        charger.queue.extend(charger.untold)
        charger.untold.clear()

    @precondition(waiting)
    @rule(which=WHICH)
    def mix_up(self, which: int) -> None:
        """Samples are told in another order."""
        self.charger(which).mix_up()

    @rule(which=WHICH)
    def say_available(self, which: int) -> None:
        """A charger says that it is available, and goes on to be for ten minutes."""
        charger = self.charger(which)
        if charger.queue or not charger.is_over:
            return
        self.run(charger.say(self.durable, self.now, "Available"))
        self.freezer.tick(601)
        charge_point = self.durable.central.system.charge_points[charger.identity]

        async def tick() -> None:
            charge_point.transactions.tick()

        self.run(tick())
        for session in charger.sessions:
            session.inferred |= session.open

    # What happens to us

    @rule()
    def restart(self) -> None:
        """Home Assistant restarts."""
        self.run(self.durable.restart())
        self.run(self.come_back())

    @rule(written=st.booleans())
    def power_cut(self, written: bool) -> None:
        """The machine comes back with what was on its disk."""

        async def cut() -> None:
            if written:
                await self.durable.ledger.drain()
            elif held := await self.durable.ledger.hold():
                # What was handed to the disk is there; what was noted is not.
                held.close()
            await self.durable.power_cut()
            await self.come_back()

        if not written:
            for charger in self.chargers:
                charger.forgotten()
        self.run(cut())

    # What is true

    @invariant()
    def lifetime_only_grows(self) -> None:
        """Whatever a register does, and whatever becomes of us."""
        for charger in getattr(self, "chargers", ()):
            charge_point = self.durable.central.system.charge_points[charger.identity]
            for place in charger.places:
                shown = charge_point.value(place.number, "energy")
                if shown is not None:
                    assert isinstance(shown, float)
                    assert shown >= place.shown
                    place.shown = shown

    @rule()
    def settle(self) -> None:
        """All that was to be told is told, and looked at."""
        self.run(self.settled())

    async def settled(self) -> None:
        """Have everything told, then look at all there is."""
        for charger in self.chargers:
            await charger.say(self.durable, self.now)
            while charger.queue:
                await charger.tell(self.durable, Fate.ANSWERED)
        await self.durable.ledger.drain()
        books = Books(self.durable)
        numbers = [row["id"] for row in books.rows]
        received = [row["received_at"] for row in books.rows]
        assert received == sorted(received)
        assert len(set(numbers)) == len(numbers)
        open_ = {row["id"]: row["energy"] for row in books.rows if row["ended"] is None}
        for charger in self.chargers:
            charger.check(books)
            charge_point = self.durable.central.system.charge_points[charger.identity]
            for place in charger.places:
                place.check_open(charge_point, open_)


@pytest.mark.timeout(300)
def test_what_flowed_is_what_is_billed(socket_enabled: None) -> None:
    """Many short lives of a central system."""
    with freeze_time(MONDAY, real_asyncio=True) as freezer:
        Sessions.freezer = freezer
        run_state_machine_as_test(
            Sessions,
            settings=settings(
                max_examples=120,
                stateful_step_count=30,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
