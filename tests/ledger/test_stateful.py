"""Whatever chargers do, in whatever order: the ledger against a plain model."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
import shutil
import tempfile
from typing import override

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)
import pytest

from custom_components.ocpp_central.csms.model import (
    Transaction,
    TransactionStart,
    TransactionStop,
)
from custom_components.ocpp_central.csms.prices import Prices
from custom_components.ocpp_central.ledger import Ledger

from .common import TODAY, Clock, a_start, a_stop, at, rows

# Few values, so that they meet each other.
IDENTITIES = st.sampled_from(["Garage", "GARAGE", "carport"])
STARTS = st.builds(
    a_start,
    identity=IDENTITIES,
    connector=st.sampled_from([1, 2]),
    id_token=st.sampled_from(["04A2B3", "04FFFF"]),
    timestamp=st.sampled_from([at(0), at(1), at(-600)]),
    meter_start=st.sampled_from([0.0, 1000.0]),
    authorization=st.sampled_from(["Accepted", "Accepted", "Invalid"]),
)
NO_PRICES = Prices()
REGISTERS = st.one_of(st.none(), st.floats(0, 1e6).map(lambda value: round(value, 1)))


@dataclass
class Session:
    """What must be true of one transaction."""

    id: int
    start: TransactionStart
    authorization: str
    # What the central system holds of it.
    handle: Transaction
    carried: bool = False
    register: float | None = None
    heard: datetime | None = None
    ended: datetime | None = None
    inferred: bool = False
    stop: TransactionStop | None = None
    # Whether the stop named it, or only seemed to mean it.
    guessed: bool = False
    energy: float | None = 0.0

    @property
    def place(self) -> tuple[str, int]:
        """Return where it takes place."""
        return self.start.identity.casefold(), self.start.connector

    @property
    def open(self) -> bool:
        """Return whether it may be charging."""
        return self.ended is None and self.authorization == "Accepted"

    def end(self, time: datetime) -> None:
        """End without a word of the charger."""
        self.ended = max(time, self.start.timestamp)
        self.inferred = True

    def fits(self, stop: TransactionStop) -> bool:
        """Return whether a stop that names no transaction may be meant for this one."""
        began = self.start.meter_start or 0
        return (
            self.open
            and not self.carried
            and self.place[0] == stop.identity.casefold()
            and self.start.timestamp <= stop.timestamp
            and began <= (stop.meter_stop or began)
        )

    def repeats(self, start: TransactionStart) -> bool:
        """Return whether a start is this one, told again."""
        return not self.carried and (
            *self.place,
            self.start.timestamp,
            self.start.id_token,
            self.start.meter_start,
        ) == (
            start.identity.casefold(),
            start.connector,
            start.timestamp,
            start.id_token,
            start.meter_start,
        )


class LedgerMachine(RuleBasedStateMachine):
    """Plays chargers, restarts and power cuts."""

    ids = Bundle("ids")

    @initialize()
    def open(self) -> None:
        """Begin with an empty ledger."""
        self.runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.folder = Path(tempfile.mkdtemp())
        self.generation = 0
        self.path = self.folder / "0.db"
        self.clock = Clock()
        self.sessions: dict[int, Session] = {}
        self.orphans: list[TransactionStop] = []
        self.ledger = self.opened()

    @override
    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.run(self.ledger.close())
            self.runner.close()
            shutil.rmtree(self.folder)

    def run[T](self, work: Awaitable[T]) -> T:
        """Wait for something of the ledger."""

        async def wait() -> T:
            return await work

        return self.runner.run(wait())

    def opened(self) -> Ledger:
        """Return a ledger on the present file."""
        ledger = Ledger(self.path, clock=self.clock, progress_interval=3600)
        self.run(ledger.open())
        return ledger

    def running(self, identity: str) -> list[Transaction]:
        """Return what the central system takes for open at a charge point."""
        return [
            one.handle
            for one in self.sessions.values()
            if one.open and one.place[0] == identity.casefold()
        ]

    @rule(target=ids, starts=st.lists(STARTS, min_size=1, max_size=5))
    def start(self, starts: list[TransactionStart]) -> object:
        """Several chargers start at once."""

        async def all_at_once() -> list[Transaction]:
            return await asyncio.gather(
                *(
                    self.ledger.start(start, self.running(start.identity))
                    for start in starts
                )
            )

        answers = self.run(all_at_once())
        for start, answer in zip(starts, answers, strict=True):
            repeated = [one for one in self.sessions.values() if one.repeats(start)]
            if repeated:
                assert answer.id == repeated[-1].id
                repeated[-1].authorization = start.authorization
                continue
            assert answer.id > max(self.sessions, default=0)
            assert answer.id >= (self.clock.now - TODAY).total_seconds()
            assert answer.energy == 0
            new = Session(answer.id, start, start.authorization, answer)
            for older in self.sessions.values():
                if (
                    older.place == new.place
                    and older.ended is None
                    and older.start.timestamp <= start.timestamp
                ):
                    heard = older.heard or start.timestamp
                    older.end(min(heard, start.timestamp))
            self.sessions[answer.id] = new
        return multiple(*(answer.id for answer in answers))

    @rule(
        number=ids | st.sampled_from([-1, 0, 1, 2**31 - 1, 2**31]),
        identity=IDENTITIES,
        meter=REGISTERS,
        minutes=st.sampled_from([2.0, 3.0]),
    )
    def stop(
        self, number: int, identity: str, meter: float | None, minutes: float
    ) -> None:
        """A charger ends a transaction: its own, another's, or none at all."""
        stop = a_stop(
            number, identity=identity, meter_stop=meter, timestamp=at(minutes)
        )
        answer = self.run(self.ledger.stop(stop, self.running(identity)))
        if named := 0 < number < 2**31:
            session = self.sessions.get(number)
        else:
            fitting = [one for one in self.sessions.values() if one.fits(stop)]
            session = fitting[0] if len(fitting) == 1 else None
        if session is None or session.place[0] != identity.casefold():
            assert answer is None
            stop = replace(stop, identity=identity.casefold())
            if stop not in self.orphans:
                self.orphans.append(stop)
            return
        if session.stop is None or (named and session.guessed):
            session.guessed = not named
            session.inferred |= session.guessed
            session.stop = stop
            session.ended = stop.timestamp
            session.carried = True
            if meter is not None:
                session.register = meter
            assert answer is not None
            session.energy = answer.energy
        assert answer is not None
        assert (answer.id, answer.ended) == (session.id, session.ended)
        assert (answer.meter_last, answer.energy) == (session.register, session.energy)

    @rule(number=ids, register=REGISTERS, carried=st.booleans())
    def progress(self, number: int, register: float | None, carried: bool) -> None:
        """A charger reports a register, naming the transaction or not."""
        session = self.sessions[number]
        handle = session.handle
        session.carried |= carried
        handle.carried = session.carried
        if session.ended is None:
            session.heard = self.clock.now
            if register is not None:
                session.register = handle.meter_last = register
                handle.account.count(self.clock.now, register, NO_PRICES)
                session.energy = handle.energy

        async def note() -> None:
            self.ledger.progress(handle)

        self.run(note())

    @rule(number=ids)
    def end(self, number: int) -> None:
        """A connector is seen to be free, though nobody told the end."""
        session = self.sessions[number]
        if session.open:
            session.end(self.clock.now)
            session.handle.ended = self.clock.now

            async def note() -> None:
                self.ledger.end(session.handle)

            self.run(note())

    @rule(seconds=st.sampled_from([0.4, 1.0, 90.0]))
    def time_passes(self, seconds: float) -> None:
        """Let time go on."""
        self.clock.tick(seconds)

    @rule(seconds=st.sampled_from([1.0, 90.0]))
    def clock_is_set_back(self, seconds: float) -> None:
        """Let somebody correct the clock."""
        self.clock.now -= timedelta(seconds=seconds)

    @rule()
    def restart(self) -> None:
        """Home Assistant restarts."""
        self.run(self.ledger.close())
        self.ledger = self.opened()
        self.open_transactions_are_known(take_up=True)

    @rule()
    def power_cut(self) -> None:
        """The machine comes back with what was on its disk."""
        self.run(self.ledger.drain())
        before = self.path
        self.generation += 1
        self.path = self.folder / f"{self.generation}.db"
        shutil.copy(before, self.path)
        shutil.copy(f"{before}-wal", f"{self.path}-wal")
        self.run(self.ledger.close())
        self.ledger = self.opened()
        self.open_transactions_are_known(take_up=True)

    @rule(take_up=st.booleans())
    def open_transactions_are_known(self, take_up: bool) -> None:
        """What the ledger calls open is what is open, and can be gone on from."""
        for identity in ("gaRage", "CARPORT"):
            found = self.run(self.ledger.open_transactions(identity))
            expected = [
                one
                for one in self.sessions.values()
                if one.open and one.place[0] == identity.casefold()
            ]
            expected.sort(key=lambda one: (one.start.timestamp, one.id))
            assert [
                (one.id, one.meter_last, one.carried, one.energy) for one in found
            ] == [(one.id, one.register, one.carried, one.energy) for one in expected]
            if take_up:
                for session, transaction in zip(expected, found, strict=True):
                    session.handle = transaction

    @rule()
    def everything_is_on_disk(self) -> None:
        """Compare all rows."""
        self.run(self.ledger.drain())
        stored = {row["id"]: row for row in rows(self.path)}
        assert stored.keys() == self.sessions.keys()
        hours: dict[int, float] = {}
        for share in rows(self.path, "session_hours", order="session_id"):
            number = share["session_id"]
            hours[number] = hours.get(number, 0) + share["energy"]
        for number, session in self.sessions.items():
            row = stored[number]
            ended = row["ended"] and datetime.fromisoformat(f"{row['ended']}+00:00")
            assert ended == session.ended
            assert row["meter_last"] == session.register
            assert row["meter_stop"] == (session.register if session.ended else None)
            assert row["inferred"] == session.inferred
            corrected = session.inferred and session.stop is not None
            corrected &= not session.guessed
            assert row["corrected"] == corrected
            assert row["energy"] == session.energy
            assert session.energy is not None
            assert session.energy >= 0
            assert abs(hours.get(number, 0) - session.energy) < 0.01
            assert row["carried"] == session.carried
            assert (row["stop_received_at"] is not None) == (session.stop is not None)
        assert len(rows(self.path, "orphan_stops")) == len(self.orphans)


@pytest.mark.timeout(300)
def test_ledger_against_the_model() -> None:
    """Many short lives of a ledger."""
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
