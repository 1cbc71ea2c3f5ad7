"""Less at once, more slowly, and few writes in all."""

import asyncio
from datetime import UTC, datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.model import LimitProfile, LimitUnit, Purpose
from custom_components.ocpp_central.csms.timeline import Course, Step
from custom_components.ocpp_central.csms.write_budget import (
    TOO_MANY,
    Cause,
    WriteBudget,
    lowers,
)

from .common import TIMING, Central, Charger, Refusal, Silence, central_system, status
from .conftest import LoopClock
from .test_limits import charging, default, profiles, running, settled

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


@pytest.fixture(autouse=True)
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clocks on the wall."""
    freezer.move_to(NOON)


def limit(*course: Step, transaction: int = 1, relative: bool = False) -> LimitProfile:
    """Return a profile."""
    return LimitProfile(
        purpose=Purpose.TRANSACTION,
        connector=1,
        unit=LimitUnit.AMPERE,
        course=course,
        transaction_id=transaction,
        relative=relative,
    )


def wait(
    budget: WriteBudget[str],
    current: float,
    at: float,
    cause: Cause = Cause.ENGINE,
    *,
    key: bool = False,
) -> float:
    """Return how long a limit has to wait."""
    profile = limit(Step(current))
    return budget.wait("place", profile, NOON, at, dead_band=1, cause=cause, key=key)


def holding(current: float) -> WriteBudget[str]:
    """Return the budget of a charger that holds a limit, written at 0."""
    budget: WriteBudget[str] = WriteBudget()
    profile = limit(Step(current))
    budget.writing("place", profile, 0)
    budget.accepted("place", profile)
    return budget


@pytest.mark.parametrize(
    ("before", "after", "less"),
    [
        ((Step(10),), (Step(10),), False),
        ((Step(10),), (Step(9.9),), True),
        ((Step(10),), (Step(10.1),), False),
        # Less once we are gone is less, too.
        ((Step(16, LATER), Step(10)), (Step(16, LATER), Step(8)), True),
        ((Step(16),), (Step(16, LATER), Step(8)), True),
        ((Step(16, LATER), Step(8)), (Step(16),), False),
        # Sooner is less, later is more.
        (
            (Step(16, LATER), Step(8)),
            (Step(16, NOON + (LATER - NOON) / 2), Step(8)),
            True,
        ),
        (
            (Step(16, NOON + (LATER - NOON) / 2), Step(8)),
            (Step(16, LATER), Step(8)),
            False,
        ),
        # What is over says nothing.
        ((Step(32, NOON - timedelta(seconds=1)), Step(8)), (Step(8),), False),
        ((Step(32, NOON), Step(8)), (Step(8),), False),
    ],
)
def test_lowers(before: Course, after: Course, less: bool) -> None:
    """Anywhere from now on."""
    assert lowers(before, after, NOON) is less


def test_down_at_once() -> None:
    """However little, however soon."""
    budget = holding(10)
    assert wait(budget, 9.9, 0) == 0
    assert wait(budget, 0, 0, key=True) == 0


def test_up_slowly() -> None:
    """Half a minute apart, and what is hardly more much later; users do not wait."""
    budget = holding(10)
    assert wait(budget, 11, 0) == 30
    assert wait(budget, 11, 20) == 10
    assert wait(budget, 11, 30) == 0
    assert wait(budget, 10.9, 30) == 270
    assert wait(budget, 10.9, 300) == 0
    for cause in (Cause.USER, Cause.TAKEN_BACK):
        assert wait(budget, 10.1, 0, cause) == 0


def test_keys() -> None:
    """A key that wears out is not written twice a minute, whoever says so."""
    budget = holding(10)
    for cause in Cause:
        assert wait(budget, 16, 10, cause, key=True) == 50
        assert wait(budget, 16, 60, cause, key=True) == 0


def test_what_it_does_not_take_is_tried_again_ever_later() -> None:
    """Unless a user says so, or it is something else."""
    budget = holding(16)
    profile = limit(Step(10))
    at = 0.0
    for expected in (60, 120, 240, 480, 960, 1920, 3600, 3600):
        budget.writing("place", profile, at)
        budget.refused("place", profile)
        assert wait(budget, 10, at) == expected
        assert wait(budget, 10, at, Cause.TAKEN_BACK) == expected
        assert wait(budget, 10, at, Cause.USER) == 0
        assert wait(budget, 8, at) == 0
        at += expected
        assert wait(budget, 10, at) == 0
    budget.forget()
    assert wait(budget, 10, at) == 0


def test_nobody_knows() -> None:
    """What was not answered may hold or not: anything below either is less."""
    budget = holding(10)
    more = limit(Step(16))
    budget.writing("place", more, 0)
    budget.unanswered("place", more)
    assert budget.lowers("place", limit(Step(10)), NOON)
    assert not budget.lowers("place", limit(Step(16)), NOON)
    budget.refused("place", more)
    assert not budget.lowers("place", limit(Step(10)), NOON)
    # Of what is unknown, or another matter, anything is less.
    for other in (
        limit(Step(32), transaction=2),
        limit(Step(32), relative=True),
    ):
        assert budget.lowers("place", other, NOON)
    budget.let_go("place")
    assert budget.lowers("place", limit(Step(32)), NOON)


def test_too_many() -> None:
    """Said once."""
    budget: WriteBudget[str] = WriteBudget()
    profile = limit(Step(10))
    told = [budget.writing("place", profile, 0) for _ in range(TOO_MANY + 10)]
    assert [number for number, one in enumerate(told) if one] == [TOO_MANY]


# On the wire


async def driven(central: Central) -> tuple[ChargePoint, Charger, int]:
    """Return a charger that the engine has told 10 A."""
    charge_point, charger, number = await charging(central)
    await charge_point.limits.drive(1, (Step(10),))
    assert len(profiles(charger)) == 1
    return charge_point, charger, number


def limits_of(charger: Charger) -> list[float]:
    """Return the first limit of each profile since this was last asked."""
    return [
        profile["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
        for _, profile in profiles(charger)
    ]


async def test_only_the_newest_is_sent(central: Central, loop_clock: LoopClock) -> None:
    """What the sun gives more waits for its time, and what is overtaken is forgotten."""
    charge_point, charger, _ = await driven(central)
    for current in (11, 12, 13, 12.5):
        await charge_point.limits.drive(1, (Step(current),))
    await settled(charge_point, charger)
    assert limits_of(charger) == []
    loop_clock.advance(31)
    await settled(charge_point, charger)
    assert limits_of(charger) == [12.5]
    # Down at once, and then up again after a while.
    await charge_point.limits.drive(1, (Step(12.4),))
    assert limits_of(charger) == [12.4]
    await charge_point.limits.drive(1, (Step(16),))
    assert limits_of(charger) == []
    await charge_point.limits.drive(1, (Step(12.4),))
    loop_clock.advance(31)
    await settled(charge_point, charger)
    assert limits_of(charger) == []


async def test_what_a_user_types_is_sent_at_once(central: Central) -> None:
    """However little it is."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Available"))
    for current in (10, 10.1, 10.2):
        await charge_point.set_current_limit(1, current)
    assert profiles(charger) == [default(1, each) for each in (10, 10.1, 10.2)]


async def test_users_and_ceilings_win(central: Central) -> None:
    """The engine never gets more than the user lets it."""
    charge_point, charger, number = await driven(central)
    await charge_point.set_paused(1, True)
    assert profiles(charger) == [running(1, number, (0, 0))]
    await charge_point.limits.drive(1, (Step(16),))
    assert profiles(charger) == []
    await charge_point.set_paused(1, False)
    assert limits_of(charger) == [16]
    await charge_point.set_maximum_current(8)
    assert max(limits_of(charger)) == 8
    await charge_point.limits.drive(1, (Step(16),))
    assert profiles(charger) == []


async def test_writes_are_counted(central: Central) -> None:
    """By the day."""
    charge_point, charger, _ = await driven(central)
    assert charge_point.value(0, "limit_writes") == 1
    charger.answers["SetChargingProfile"] = Refusal("InternalError")
    with pytest.raises(Exception, match="InternalError"):
        await charge_point.limits.drive(1, (Step(6),))
    assert charge_point.value(0, "limit_writes") == len(charger.calls) + 1
    charge_point.limits.new_day()
    assert charge_point.value(0, "limit_writes") == 0


# Unanswered


async def test_less_waits_five_seconds_at_most(
    socket_enabled: None, loop_clock: LoopClock
) -> None:
    """For the answer to whatever call."""
    timing = TIMING.__replace__(call=30, patience=5)
    async with central_system(timing=timing) as central:
        charge_point, charger, _ = await charging(central)
        charger.answers["ClearCache"] = Silence()
        slow = asyncio.create_task(charge_point.commands.clear_cache())
        await charger.called("ClearCache")
        others = [
            asyncio.create_task(charge_point.commands.unlock_connector(1))
            for _ in range(3)
        ]
        lowering = asyncio.create_task(charge_point.set_current_limit(1, 8))
        await charger.alive()
        loop_clock.advance(4)
        await charger.alive()
        assert charger.actions == ["ClearCache"]
        loop_clock.advance(2)
        await lowering
        assert charger.actions[:2] == ["ClearCache", "SetChargingProfile"]
        loop_clock.advance(30)
        await asyncio.gather(slow, *others, return_exceptions=True)


async def test_less_overtakes_more(socket_enabled: None, loop_clock: LoopClock) -> None:
    """More that waits is never sent; more that is sent is not waited for."""
    timing = TIMING.__replace__(call=30, patience=5)
    async with central_system(timing=timing) as central:
        charge_point, charger = await central.connect()
        await charger.call("StatusNotification", status("Available"))
        await charge_point.set_current_limit(1, 10)
        charger.forget()
        charger.answers["ClearCache"] = Silence()
        slow = asyncio.create_task(charge_point.commands.clear_cache())
        call = await charger.called("ClearCache")
        more = asyncio.create_task(charge_point.set_current_limit(1, 16))
        await charger.alive()
        less = asyncio.create_task(charge_point.set_current_limit(1, 6))
        await charger.alive()
        await charger.answer(call, {"status": "Accepted"})
        await asyncio.gather(slow, more, less)
        assert limits_of(charger) == [6]
        charger.answers["SetChargingProfile"] = Silence()
        more = asyncio.create_task(charge_point.set_current_limit(1, 16))
        await charger.called("SetChargingProfile")
        less = asyncio.create_task(charge_point.set_current_limit(1, 8))
        for _ in range(3):
            await charger.alive()
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        assert limits_of(charger) == [16]
        loop_clock.advance(6)
        await asyncio.gather(more, less)
        assert limits_of(charger) == [8]
        assert charge_point.wish(1).current_limit == 8
        await charge_point.limits.apply()
        assert limits_of(charger) == []


async def test_less_of_one_overtakes_more_of_another(
    socket_enabled: None, loop_clock: LoopClock
) -> None:
    """Whoever shares the fuse."""
    timing = TIMING.__replace__(call=30, patience=5)
    async with central_system(timing=timing) as central:
        charge_point, charger = await central.connect()
        for connector in (1, 2):
            await charger.call("StatusNotification", status("Available", connector))
            await charge_point.set_current_limit(connector, 10)
        charger.forget()
        charger.answers["SetChargingProfile"] = Silence()
        more = asyncio.create_task(charge_point.set_current_limit(1, 16))
        await charger.called("SetChargingProfile")
        less = asyncio.create_task(charge_point.set_current_limit(2, 6))
        for _ in range(3):
            await charger.alive()
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        loop_clock.advance(6)
        await asyncio.gather(more, less)
        assert profiles(charger) == [default(1, 16), default(2, 6), default(1, 16)]
