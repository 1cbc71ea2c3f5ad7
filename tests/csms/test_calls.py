"""What the central system asks of a charger: order, time limits, errors."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from custom_components.ocpp_central.csms.connection import Priority
from custom_components.ocpp_central.csms.errors import (
    CommandRejected,
    CommandTimeout,
    ConnectionLost,
    InvalidCommand,
    NotConnected,
)

from .common import TIMING, Central, HangUp, Silence, central_system
from .conftest import LoopClock


@pytest.fixture
async def central(socket_enabled: None) -> AsyncIterator[Central]:
    """Return a central system with the real time limit for calls."""
    async with central_system(timing=replace(TIMING, call=30, patience=5)) as central:
        yield central


async def test_one_call_at_a_time(central: Central) -> None:
    """A charger answers one call before it gets the next."""
    charge_point, charger = await central.connect()
    charger.answers["ClearCache"] = Silence()
    calls = [asyncio.create_task(charge_point.commands.clear_cache()) for _ in range(3)]
    for number in range(3):
        call = await charger.called("ClearCache")
        await charger.alive()
        assert len(charger.calls) == number + 1
        await charger.answer(call, {"status": "Accepted"})
    await asyncio.gather(*calls)
    assert len({call.unique_id for call in charger.calls}) == 3


async def test_order(central: Central) -> None:
    """What is urgent goes first, and of equals what came first."""
    charge_point, charger = await central.connect()
    assert charge_point.connection is not None
    charger.answers["ClearCache"] = Silence()
    calls = [asyncio.create_task(charge_point.commands.clear_cache())]
    blocking = await charger.called("ClearCache")
    for connector, priority in (
        (1, Priority.POLL),
        (2, Priority.SETUP),
        (3, Priority.USER),
        (4, Priority.SAFETY),
        (5, Priority.USER),
        (6, Priority.POLL),
        (7, Priority.SAFETY),
    ):
        call = charge_point.connection.call(
            "UnlockConnector", {"connectorId": connector}, priority=priority
        )
        calls.append(asyncio.create_task(call))
    await charger.alive()
    await charger.answer(blocking, {"status": "Accepted"})
    await asyncio.gather(*calls)
    order = [call.payload["connectorId"] for call in charger.calls[1:]]
    assert order == [4, 7, 3, 5, 2, 1, 6]


async def test_time_limit_covers_the_wait(
    central: Central, loop_clock: LoopClock
) -> None:
    """Nobody waits longer than the limit, and nothing is sent that nobody wants."""
    charge_point, charger = await central.connect()
    charger.answers["ClearCache"] = Silence()
    first = asyncio.create_task(charge_point.commands.clear_cache())
    late = await charger.called("ClearCache")
    loop_clock.advance(20)
    second = asyncio.create_task(charge_point.commands.unlock_connector(1))
    third = asyncio.create_task(charge_point.commands.unlock_connector(2))
    await charger.alive()
    third.cancel()
    loop_clock.advance(11)
    with pytest.raises(CommandTimeout) as error:
        await first
    assert error.value.action == "ClearCache"
    assert await second == {"status": "Unlocked"}
    assert [call.payload for call in charger.calls] == [{}, {"connectorId": 1}]
    # Neither the late answer nor a second one to the same call disturbs anyone.
    await charger.answer(late, {"status": "Accepted"})
    await charger.answer(charger.calls[1], {"status": "UnlockFailed"})
    assert await charge_point.commands.unlock_connector(3)


async def test_time_limit_in_the_queue(central: Central, loop_clock: LoopClock) -> None:
    """A call that never got its turn fails like one without an answer."""
    charge_point, charger = await central.connect()
    charger.answers["ClearCache"] = Silence()
    first = asyncio.create_task(charge_point.commands.clear_cache())
    second = asyncio.create_task(charge_point.commands.unlock_connector(1))
    await charger.called("ClearCache")
    loop_clock.advance(31)
    with pytest.raises(CommandTimeout, match="ClearCache"):
        await first
    with pytest.raises(CommandTimeout, match="UnlockConnector"):
        await second
    await charger.alive()
    assert charger.actions == ["ClearCache"]


async def test_safety_waits_for_nobody(central: Central, loop_clock: LoopClock) -> None:
    """A reduction goes out though a slow charger still owes another answer."""
    charge_point, charger = await central.connect()
    assert charge_point.connection is not None
    charger.answers["ClearCache"] = Silence()
    slow = asyncio.create_task(charge_point.commands.clear_cache())
    call = await charger.called("ClearCache")
    user = asyncio.create_task(charge_point.commands.unlock_connector(1))
    await charger.alive()
    loop_clock.advance(6)
    await charger.alive()
    assert charger.actions == ["ClearCache"]
    safety = charge_point.connection.call(
        "UnlockConnector", {"connectorId": 2}, priority=Priority.SAFETY
    )
    safety = asyncio.create_task(safety)
    await charger.alive()
    assert charger.actions == ["ClearCache"]
    loop_clock.advance(6)
    await safety
    assert charger.calls[1].payload == {"connectorId": 2}
    # Meanwhile the slow one may still answer.
    await charger.answer(call, {"status": "Accepted"})
    assert await slow == {"status": "Accepted"}
    assert await user == {"status": "Unlocked"}


async def test_a_caller_that_gives_up(central: Central) -> None:
    """It is not waited for, but the charger still gets one call at a time."""
    charge_point, charger = await central.connect()
    charger.answers["ClearCache"] = Silence()
    first = asyncio.create_task(charge_point.commands.clear_cache())
    call = await charger.called("ClearCache")
    queued = asyncio.create_task(charge_point.commands.unlock_connector(1))
    other = asyncio.create_task(charge_point.commands.unlock_connector(2))
    await charger.alive()
    first.cancel()
    queued.cancel()
    await charger.alive()
    assert (first.cancelled(), queued.cancelled()) == (True, True)
    assert charger.actions == ["ClearCache"]
    await charger.answer(call, {"status": "Accepted"})
    assert await other == {"status": "Unlocked"}
    assert [call.payload for call in charger.calls] == [{}, {"connectorId": 2}]


async def test_a_caller_that_gives_up_on_a_silent_charger(
    central: Central, loop_clock: LoopClock
) -> None:
    """The time limit holds for calls that nobody waits for, too."""
    charge_point, charger = await central.connect()
    charger.answers["ClearCache"] = Silence()
    first = asyncio.create_task(charge_point.commands.clear_cache())
    await charger.called("ClearCache")
    first.cancel()
    loop_clock.advance(20)
    other = asyncio.create_task(charge_point.commands.unlock_connector(1))
    await charger.alive()
    assert charger.actions == ["ClearCache"]
    loop_clock.advance(11)
    assert await other == {"status": "Unlocked"}


async def test_what_the_standard_forbids_is_not_sent(central: Central) -> None:
    """The caller hears what is wrong with it."""
    charge_point, charger = await central.connect()
    commands = charge_point.commands
    with pytest.raises(InvalidCommand, match="type"):
        await commands.reset("Medium")
    with pytest.raises(InvalidCommand, match="idTag"):
        await commands.start_transaction(1, "x" * 21)
    with pytest.raises(InvalidCommand, match="ChangeAvailability"):
        await commands.call("ChangeAvailability", {"connectorId": "1"})
    with pytest.raises(InvalidCommand):
        await commands.call("ClearCache", {"extra": 1})
    await charger.alive()
    assert charger.calls == []
    # What the standard does not know cannot be held against it.
    assert await commands.call("VendorAction", {"any": "thing"})


async def test_offline(central: Central) -> None:
    """There is nothing to send a command to."""
    charge_point = await central.add()
    with pytest.raises(NotConnected):
        _ = charge_point.commands
    charger = await central.dial()
    commands = charge_point.commands
    await charger.close()
    with pytest.raises(NotConnected):
        await commands.clear_cache()


async def test_hard_reset(central: Central) -> None:
    """It ends when it has taken the charger down, not at the time limit."""
    charge_point, charger = await central.connect()
    charger.answers["Reset"] = HangUp()
    assert await charge_point.commands.reset("Hard") == {}
    charger = await central.dial()
    charger.answers["Reset"] = HangUp()
    with pytest.raises(ConnectionLost):
        await charge_point.commands.reset("Soft")
    charger = await central.dial()
    charger.answers["Reset"] = {"status": "Rejected"}
    with pytest.raises(CommandRejected):
        await charge_point.commands.reset("Hard")


async def test_latency(central: Central, loop_clock: LoopClock) -> None:
    """How long the newest answer took is known."""
    charge_point, charger = await central.connect()
    assert charge_point.connection is not None
    charger.answers["ClearCache"] = Silence()
    clearing = asyncio.create_task(charge_point.commands.clear_cache())
    call = await charger.called("ClearCache")
    loop_clock.advance(3)
    await charger.answer(call, {"status": "Accepted"})
    await clearing
    await charger.alive()
    assert charge_point.connection.latency == pytest.approx(3, abs=0.9)


async def test_calls_of_a_charger_are_answered_while_ours_wait(
    central: Central,
) -> None:
    """Both directions are independent."""
    charge_point, charger = await central.connect()
    charger.answers["ClearCache"] = Silence()
    clearing = asyncio.create_task(charge_point.commands.clear_cache())
    call = await charger.called("ClearCache")
    assert await charger.start()
    await charger.answer(call, {"status": "Accepted"})
    await clearing
