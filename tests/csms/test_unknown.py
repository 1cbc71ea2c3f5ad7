"""Chargers that nobody has added yet."""

import asyncio
from dataclasses import replace

from aiohttp import WSServerHandshakeError
import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.model import BootInfo

from .common import (
    BOOT,
    TIMING,
    Central,
    Charger,
    Refusal,
    Refused,
    bring_up,
    central_system,
    meter_values,
    sample,
    start,
    status,
    stop,
)
from .conftest import LoopClock


@pytest.fixture
def offered(central: Central) -> list[ChargePoint]:
    """Return who was offered to the user."""
    offered: list[ChargePoint] = []
    central.system.on_unknown = offered.append
    return offered


async def gone(central: Central) -> None:
    """Wait until nobody is connected."""
    while central.system.unknown:
        await asyncio.sleep(0)


async def test_a_stranger_is_kept_waiting(central: Central) -> None:
    """Pending, with an answer to all it says, and nothing asked of it."""
    charger = await central.dial()
    answer = await charger.boot()
    assert (answer["status"], answer["interval"]) == ("Pending", 30)
    assert await charger.call("StatusNotification", status("Available")) == {}
    assert (await charger.call("Authorize", {"idTag": "CARD"}))["idTagInfo"]
    assert await charger.call("MeterValues", meter_values(sample("1"))) == {}
    assert await charger.call("DataTransfer", {"vendorId": "V"})
    await charger.alive()
    answer = await charger.boot()
    assert answer["status"] == "Pending"
    assert charger.calls == []
    assert central.system.charge_points == {}


async def test_offered_by_what_it_says(
    central: Central, offered: list[ChargePoint]
) -> None:
    """Once, with vendor and model, under the identity it spelled."""
    charger = await central.dial("/Garage")
    await charger.alive()
    assert offered == []
    await charger.boot()
    await charger.boot()
    assert [charge_point.identity for charge_point in offered] == ["Garage"]
    assert offered[0].info == BootInfo(
        vendor="Vendor", model="Model", serial="S1", firmware="1.0"
    )
    assert central.system.unknown == {"garage": offered[0]}
    await charger.boot(firmwareVersion="2.0")
    assert len(offered) == 2


async def test_offered_by_its_identity(
    socket_enabled: None, loop_clock: LoopClock
) -> None:
    """A charger that does not boot is offered after ten seconds."""
    async with central_system(timing=replace(TIMING, no_boot=10)) as central:
        offered: list[ChargePoint] = []
        central.system.on_unknown = offered.append
        charger = await central.dial("/Garage")
        loop_clock.advance(9.5)
        await charger.alive()
        assert offered == []
        loop_clock.advance(0.6)
        await charger.alive()
        assert [charge_point.identity for charge_point in offered] == ["Garage"]
        assert offered[0].info is None
        assert charger.calls == []


async def test_one_that_left_is_not_offered(
    socket_enabled: None, loop_clock: LoopClock
) -> None:
    """Nothing is left of a stranger that hung up."""
    async with central_system(timing=replace(TIMING, no_boot=10)) as central:
        offered: list[ChargePoint] = []
        central.system.on_unknown = offered.append
        charger = await central.dial()
        await charger.alive()
        await charger.close()
        await gone(central)
        loop_clock.advance(11)
        await asyncio.sleep(0)
        assert offered == []
        # Who comes back is offered anew.
        charger = await central.dial()
        await charger.boot()
        assert len(offered) == 1


async def test_added_while_it_waits(
    central: Central, offered: list[ChargePoint]
) -> None:
    """It is asked to boot again, is accepted then, and got to know."""
    charger = await central.dial("/garage")
    await charger.boot()
    charge_point = await central.add("Garage")
    assert charge_point is offered[0]
    assert charge_point.identity == "Garage"
    assert charge_point.connected
    assert central.system.unknown == {}
    trigger = await charger.called("TriggerMessage")
    assert trigger.payload == {"requestedMessage": "BootNotification"}
    answer = await charger.boot()
    assert (answer["status"], answer["interval"]) == ("Accepted", 60)
    await charger.called("GetConfiguration")
    await bring_up("Garage")
    assert charge_point.connected
    assert charge_point.reconnects == 0
    assert len(offered) == 1


@pytest.mark.parametrize("answer", [{"status": "Rejected"}, Refusal("NotSupported")])
async def test_added_but_it_does_not_boot(
    socket_enabled: None, loop_clock: LoopClock, answer: object
) -> None:
    """Then its socket is closed once, so that it dials again."""
    async with central_system(timing=replace(TIMING, reboot=10)) as central:
        charger = await central.dial()
        charger.answers["TriggerMessage"] = answer  # type: ignore[assignment]
        await charger.boot()
        await central.add()
        await charger.called("TriggerMessage")
        await charger.alive()
        loop_clock.advance(9)
        await charger.alive()
        loop_clock.advance(1.1)
        await charger.closed.wait()
        assert charger.close_code == 1001
        charger = await central.dial()
        # Not even now.
        loop_clock.advance(60)
        await charger.alive()
        assert charger.calls == []
        assert (await charger.boot())["status"] == "Accepted"
        await charger.called("GetConfiguration")
        await bring_up()


async def test_added_before_it_ever_came(
    central: Central, offered: list[ChargePoint]
) -> None:
    """It is nobody's surprise."""
    await central.add("Garage")
    charger = await central.dial("/GARAGE")
    assert (await charger.boot())["status"] == "Accepted"
    assert offered == []
    await bring_up("Garage")
    assert "TriggerMessage" in charger.actions
    assert all(
        call.payload.get("requestedMessage") != "BootNotification"
        for call in charger.calls
    )


async def test_added_in_the_very_moment(central: Central) -> None:
    """A charger that dials while its ledger is read is one charger."""
    central.ledger.open.clear()
    adding = asyncio.create_task(central.add())
    charger = await central.dial()
    assert (await charger.boot())["status"] == "Pending"
    central.ledger.open.set()
    charge_point = await adding
    assert charge_point.connected
    assert (await charger.boot())["status"] == "Accepted"
    assert central.system.unknown == {}
    await charger.called("GetConfiguration")
    await bring_up()


async def test_its_transactions_are_kept(central: Central) -> None:
    """Whoever adds it finds what it has charged since."""
    charger = await central.dial()
    await charger.boot()
    await charger.call("StatusNotification", status("Charging"))
    number = await charger.start(meter=1000)
    assert number > 0
    await charger.call(
        "MeterValues",
        meter_values(
            sample("1500", "Energy.Active.Import.Register"), transaction=number
        ),
    )
    await charger.call("StopTransaction", stop(number - 1))
    charge_point = await central.add()
    assert charge_point.value(1, "session_energy") == 500
    assert charge_point.value(1, "transaction") == number
    await charger.call("StopTransaction", stop(number, 2000))
    assert charge_point.value(1, "session_energy") == 1000
    assert [row.start.identity for row in central.ledger.rows.values()] == ["CP1"]
    assert len(central.ledger.stops) == 2


async def test_its_transactions_are_found_again(central: Central) -> None:
    """Also if it went away, and we did, before it was added."""
    charger = await central.dial()
    number = await charger.start(meter=1000)
    await central.restart()
    charger = await central.dial()
    await charger.call("StatusNotification", status("Charging"))
    named = meter_values(
        sample("1500", "Energy.Active.Import.Register"), transaction=number
    )
    await charger.call("MeterValues", named)
    charge_point = await central.add()
    # By our own ledger, not as somebody else's.
    transaction = charge_point.transactions.at(1)
    assert transaction and not transaction.foreign
    await charger.call("MeterValues", named)
    assert charge_point.value(1, "session_energy") == 500


async def test_there_is_an_end_to_it(central: Central) -> None:
    """Past the limit a stranger is refused, and so keeps what it could not tell."""
    charger = await central.dial()
    for number in range(999):
        await charger.send([2, number, "StopTransaction", stop(number + 10_000)])
        assert (await charger.frame())[0] == 3
    assert await charger.start()
    await charger.close()
    charger = await central.dial("/CP2")
    with pytest.raises(Refused) as refused:
        await charger.call("StartTransaction", start())
    assert refused.value.code == "GenericError"
    with pytest.raises(Refused):
        await charger.call("StopTransaction", stop(1))
    # Not so whoever was added.
    await central.add("CP2")
    assert await charger.start()


async def test_not_too_many_at_once(central: Central) -> None:
    """Strangers cannot use up all sockets; who is known is let in all the same."""
    strangers: list[Charger] = [
        await central.dial(f"/stranger{number}") for number in range(20)
    ]
    for charger in strangers:
        await charger.alive()
    with pytest.raises(WSServerHandshakeError) as error:
        await central.dial("/one-more")
    assert error.value.status == 503
    # One that is held open already may dial again.
    again = await central.dial("/STRANGER0")
    await again.alive()
    await strangers[0].closed.wait()
    await central.add("known")
    await (await central.dial("/known")).alive()
    await strangers[1].close()
    while "stranger1" in central.system.unknown:
        await asyncio.sleep(0)
    await (await central.dial("/one-more")).alive()


async def test_refused_by_the_user(
    central: Central, offered: list[ChargePoint]
) -> None:
    """Its socket is closed; what it says next depends on whether it is ignored."""
    charger = await central.dial()
    await charger.boot()
    await central.system.refuse_unknown("cp1")
    await charger.closed.wait()
    assert central.system.unknown == {}
    charger = await central.dial()
    await charger.boot()
    assert len(offered) == 2
    assert list(central.system.unknown) == ["cp1"]
    await central.system.refuse_unknown("nobody")


async def test_a_second_socket_of_a_stranger(
    central: Central, offered: list[ChargePoint]
) -> None:
    """The newest one wins here as well, and the end of the old one changes nothing."""
    old = await central.dial()
    await old.boot()
    new = await central.dial("/cp1")
    await old.closed.wait()
    await new.alive()
    assert list(central.system.unknown) == ["cp1"]
    assert (await new.boot())["status"] == "Pending"
    assert len(offered) == 1
    await new.close()
    await gone(central)


async def test_nothing_is_learnt_of_a_stranger(central: Central) -> None:
    """What is on disk is of those who were added."""
    charger = await central.dial()
    await charger.boot(**BOOT | {"firmwareVersion": "x" * 50})
    await charger.call("StatusNotification", status("Available"))
    await charger.close()
    await gone(central)
    await central.store.save()
    assert central.store.disk == {"models": {}, "configurations": {}}
