"""Transactions: what is told, what is kept, and what survives."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
import json
import logging
from pathlib import Path
import sqlite3

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.errors import CommandRejected
from custom_components.ocpp_central.csms.model import (
    AuthorizationStatus,
    Event,
    KnownToken,
)
from custom_components.ocpp_central.ledger import Ledger

from .common import (
    ENERGY,
    Central,
    Charger,
    Payload,
    Refused,
    Silence,
    central_system,
    meter_values,
    sample,
    stamp,
    start,
    status,
    stop,
    until,
)

BLOCKED = KnownToken(
    id_token="BAD", name="A lost card", status=AuthorizationStatus.BLOCKED
)


@pytest.fixture
async def durable(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Central]:
    """Return a central system whose ledger is on disk."""
    ledger = Ledger(tmp_path / "ledger.db", progress_interval=0)
    await ledger.open()
    async with central_system(ledger=ledger) as central:
        yield central
    await central.ledger.close()


async def restart(central: Central, path: Path) -> None:
    """Be another process."""
    await central.close()
    await central.ledger.close()
    central.ledger = Ledger(path / "ledger.db", progress_interval=0)
    await central.ledger.open()
    await central.restart()


def register(watt_hours: float | str, transaction: int | None, **more: str) -> Payload:
    """Return MeterValues that say the register of connector 1."""
    return meter_values(
        sample(str(watt_hours), ENERGY), transaction=transaction, **more
    )


async def test_a_session(durable: Central, freezer: FrozenDateTimeFactory) -> None:
    """From the start to the end, as told to listeners and kept on disk."""
    freezer.move_to("2026-05-01T10:00:00Z")
    charge_point, charger = await durable.connect()
    events: list[Event] = []
    charge_point.subscribe_events(events.append)
    answer = await charger.call("StartTransaction", start(token="04A1B2C3", meter=1000))
    number = answer["transactionId"]
    assert 0 < number < 2**31
    assert answer["idTagInfo"] == {"status": "Accepted"}
    begun = {
        "transaction": number,
        "session_energy": 0,
        "session_duration": 0,
        "session_started": datetime(2026, 5, 1, 10, tzinfo=UTC),
        "session_user": "…B2C3",
        "stop_reason": None,
    }
    assert {key: charge_point.value(1, key) for key in begun} == begun
    freezer.tick(600)
    await charger.call("MeterValues", register(3500, number))
    charge_point.transactions.tick()
    assert charge_point.value(1, "session_energy") == 2500
    assert charge_point.value(1, "session_duration") == 600
    freezer.tick(600)
    answer = await charger.call(
        "StopTransaction", stop(number, 4200, reason="EVDisconnected")
    )
    assert answer == {}
    await charger.alive()
    ended = {
        "transaction": None,
        "session_energy": 3200,
        "session_duration": 1200,
        "session_started": datetime(2026, 5, 1, 10, tzinfo=UTC),
        "stop_reason": "ev_disconnected",
    }
    assert {key: charge_point.value(1, key) for key in ended} == ended
    assert charge_point.transactions.at(1) is None
    told = [event for event in events if event.kind == "transaction"]
    assert [(event.connector, event.type) for event in told] == [
        (1, "started"),
        (1, "ended"),
    ]
    assert told[1].attributes == {
        "transaction_id": number,
        "id_token": "…B2C3",
        "energy": 3200,
        "stop_reason": "ev_disconnected",
    }
    assert await durable.ledger.open_transactions("CP1") == []


async def test_ids(durable: Central) -> None:
    """Positive, rising, and never the same, not even in the same second."""
    charge_point, charger = await durable.connect()
    _, other = await durable.connect("CP2")
    time = stamp()
    one, two, three = await asyncio.gather(
        charger.start(1, time=time),
        charger.start(2, time=time),
        other.start(1, time=time),
    )
    assert len({one, two, three}) == 3
    assert min(one, two, three) > 0
    assert charge_point.value(1, "transaction") == one
    assert charge_point.value(2, "transaction") == two
    await charger.call("MeterValues", register(1700, one))
    second = meter_values(sample("1200", ENERGY), connector=2, transaction=two)
    await charger.call("MeterValues", second)
    assert charge_point.value(1, "session_energy") == 700
    assert charge_point.value(2, "session_energy") == 200
    await charger.call("StopTransaction", stop(one, 1800))
    assert charge_point.value(1, "session_energy") == 800
    assert charge_point.transactions.at(2)
    assert charge_point.value(2, "session_energy") == 200


async def test_retry(durable: Central) -> None:
    """A charger that did not get the answer gets the same one again."""
    charge_point, charger = await durable.connect()
    events: list[Event] = []
    charge_point.subscribe_events(events.append)
    begin = start(meter=1000)
    first = await charger.call("StartTransaction", begin)
    again = await charger.call("StartTransaction", begin)
    assert again == first
    # Nor after it dialled again.
    charger = await durable.dial()
    again = await charger.call("StartTransaction", begin)
    assert again == first
    await charger.alive()
    assert [event.type for event in events if event.kind == "transaction"] == [
        "started"
    ]
    assert len(await durable.ledger.open_transactions("CP1")) == 1


async def test_no_retry(durable: Central) -> None:
    """Once the charger has named the id, the same start is another transaction."""
    charge_point, charger = await durable.connect()
    begin = start(meter=1000)
    first = await charger.call("StartTransaction", begin)
    await charger.call("MeterValues", register(1000, first["transactionId"]))
    second = await charger.call("StartTransaction", begin)
    assert second["transactionId"] > first["transactionId"]
    assert charge_point.value(1, "transaction") == second["transactionId"]


@pytest.mark.parametrize(
    "other",
    [{"meter": 1001}, {"token": "OTHER"}, {"time": "2026-01-01T00:00:01Z"}],
)
async def test_another_start(durable: Central, other: Payload) -> None:
    """What differs in anything is no retry; the one before has ended."""
    charge_point, charger = await durable.connect()
    events: list[str] = []
    charge_point.subscribe_events(lambda event: events.append(event.type))
    first = await charger.start(time="2026-01-01T00:00:00Z")
    second = await charger.start(**{"time": "2026-01-01T00:00:00Z"} | other)
    assert first != second
    await charger.alive()
    assert charge_point.value(1, "transaction") == second
    assert [event for event in events if event != "accepted"] == [
        "started",
        "ended",
        "started",
    ]
    assert [row.id for row in await durable.ledger.open_transactions("CP1")] == [second]


# The disk


async def test_nothing_is_confirmed_before_it_is_on_disk(central: Central) -> None:
    """A power cut after the answer loses nothing, and everyone else is served."""
    charge_point, charger = await central.connect("CP1")
    _, other = await central.connect("CP2")
    charger.answers["ClearCache"] = Silence()
    clearing = asyncio.create_task(charge_point.commands.clear_cache())
    call = await charger.called("ClearCache")
    central.ledger.open.clear()
    starting = asyncio.create_task(charger.call("StartTransaction", start()))
    stopping = asyncio.create_task(other.call("StopTransaction", stop(7)))
    await charger.delivered()
    await other.delivered()
    # Answers to our calls are heard meanwhile, and calls of our own go out.
    await charger.answer(call, {"status": "Accepted"})
    await clearing
    await charge_point.commands.unlock_connector(1)
    beating = asyncio.create_task(charger.call("Heartbeat"))
    await charger.delivered()
    assert not starting.done()
    assert not stopping.done()
    assert not beating.done()
    assert charge_point.transactions.at(1) is None
    central.ledger.open.set()
    assert (await starting)["transactionId"]
    assert await stopping == {}
    await beating


async def test_order_of_answers(central: Central) -> None:
    """A charger that does not wait is answered in the order it asked."""
    charge_point, charger = await central.connect()
    central.ledger.open.clear()
    for number in range(20):
        match number % 4:
            case 0:
                frame = ["StartTransaction", start(time=stamp(seconds=number))]
            case 1:
                frame = ["Heartbeat", {}]
            case 2:
                frame = ["StopTransaction", stop(number)]
            case _:
                frame = ["Nonsense", {}]
        await charger.send([2, str(number), *frame])
    await charger.delivered()
    central.ledger.open.set()
    answered = [await charger.frame() for _ in range(20)]
    assert [int(frame[1]) for frame in answered] == list(range(20))
    assert [frame[0] for frame in answered] == [3, 3, 3, 4] * 5
    await charger.alive()
    assert charge_point.transactions.at(1)


async def test_a_charger_that_does_not_wait_at_all(central: Central) -> None:
    """It cannot fill our memory."""
    _, charger = await central.connect()
    central.ledger.open.clear()
    await charger.send([2, "first", "StopTransaction", stop(7)])
    for number in range(1100):
        await charger.send([2, number, "Heartbeat", {}])
    await charger.delivered()
    central.ledger.open.set()
    refused = [await charger.frame() for _ in range(100)]
    assert {(frame[0], frame[2]) for frame in refused} == {(4, "GenericError")}
    answered = [await charger.frame() for _ in range(1001)]
    assert [frame[1] for frame in answered] == ["first", *range(1000)]


async def test_a_disk_that_fails(
    central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    """The charger is told that it was not taken, and tries again."""
    charge_point, charger = await central.connect()
    central.ledger.error = OSError("disk full")
    with caplog.at_level(logging.CRITICAL):
        for _ in range(2):
            with pytest.raises(Refused) as refused:
                await charger.start()
            assert refused.value.code == "InternalError"
    assert charge_point.transactions.at(1) is None
    assert charge_point.value(1, "transaction") is None
    await charger.alive()
    central.ledger.error = None
    number = await charger.start()
    central.ledger.error = OSError("disk full")
    with caplog.at_level(logging.CRITICAL), pytest.raises(Refused):
        await charger.call("StopTransaction", stop(number))
    assert charge_point.transactions.at(1)
    central.ledger.error = None
    await charger.call("StopTransaction", stop(number))
    assert charge_point.transactions.at(1) is None


async def test_restart_in_mid_charge(durable: Central, tmp_path: Path) -> None:
    """Nothing of a session is lost, though the charger does not boot again."""
    charge_point, charger = await durable.connect()
    number = await charger.start(meter=10_000, token="04A1B2C3")
    await charger.call("MeterValues", register(15_000, number))
    started = charge_point.value(1, "session_started")
    await restart(durable, tmp_path)
    # Under another name, and before it says a word.
    charge_point = await durable.add("cp1")
    assert charge_point.value(1, "session_energy") == 5000
    assert charge_point.value(1, "session_started") == started
    assert charge_point.value(1, "session_user") == "…B2C3"
    charger = await durable.dial()
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("MeterValues", register(16_000, number))
    assert charge_point.value(1, "session_energy") == 6000
    transaction = charge_point.transactions.at(1)
    assert transaction and transaction.id == number
    await charge_point.commands.stop_transaction(transaction.id)
    assert charger.calls[-1].payload == {"transactionId": number}
    await charger.call("StopTransaction", stop(number, 17_000))
    assert charge_point.value(1, "session_energy") == 7000
    assert charge_point.transactions.at(1) is None


async def test_end_during_a_restart(durable: Central, tmp_path: Path) -> None:
    """A charger tells the end when we are back."""
    _, charger = await durable.connect()
    number = await charger.start(meter=10_000)
    await restart(durable, tmp_path)
    charge_point, charger = await durable.connect()
    await charger.call("StopTransaction", stop(number, 17_000))
    assert charge_point.value(1, "session_energy") == 7000
    assert charge_point.transactions.at(1) is None
    await restart(durable, tmp_path)
    charge_point = await durable.add()
    assert charge_point.transactions.at(1) is None


async def test_retry_after_a_restart(durable: Central, tmp_path: Path) -> None:
    """The answer was lost with the process: the charger asks again."""
    _, charger = await durable.connect()
    begin = start()
    first = await charger.call("StartTransaction", begin)
    await restart(durable, tmp_path)
    charge_point, charger = await durable.connect()
    assert await charger.call("StartTransaction", begin) == first
    assert charge_point.value(1, "transaction") == first["transactionId"]
    assert await charger.start(2) > first["transactionId"]


# Ends


async def test_the_end_of_what_is_not_known(central: Central) -> None:
    """It is confirmed, kept, and does nothing to what is running."""
    charge_point, charger = await central.connect()
    number = await charger.start(meter=100_000)
    await charger.call("MeterValues", register(105_000, number))
    for unknown in (number + 1, 1, -1, 0, 2**31, 9223372036854775807):
        answer = await charger.call("StopTransaction", stop(unknown, 10_000))
        assert answer == {}
    assert charge_point.value(1, "transaction") == number
    assert charge_point.value(1, "session_energy") == 5000
    assert [stop.transaction_id for stop in central.ledger.stops] == [
        number + 1,
        1,
        -1,
        0,
        2**31,
        9223372036854775807,
    ]
    # And a command still reaches the charger.
    await charge_point.commands.stop_transaction(number)
    assert charger.actions == ["RemoteStopTransaction"]


async def test_orphans_are_on_disk(durable: Central, tmp_path: Path) -> None:
    """An end that belongs to nothing we know is kept all the same."""
    _, charger = await durable.connect()
    await charger.call("StopTransaction", stop(-1, 10_000))
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        rows = database.execute("SELECT transaction_id, meter_stop FROM orphan_stops")
        assert rows.fetchall() == [("-1", 10_000)]
    database.close()


async def test_the_same_end_twice(durable: Central) -> None:
    """A retry of it changes nothing."""
    charge_point, charger = await durable.connect()
    events: list[str] = []
    charge_point.subscribe_events(lambda event: events.append(event.type))
    first = await charger.start(meter=1000)
    end = stop(first, 2000)
    await charger.call("StopTransaction", end)
    second = await charger.start(meter=2000)
    await charger.call("StopTransaction", end)
    await charger.alive()
    assert charge_point.value(1, "transaction") == second
    assert events.count("ended") == 1


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("DeAuthorized", "deauthorized"),
        ("EmergencyStop", "emergency_stop"),
        ("EVDisconnected", "ev_disconnected"),
        ("HardReset", "hard_reset"),
        ("Local", "local"),
        ("Other", "other"),
        ("PowerLoss", "power_loss"),
        ("Reboot", "reboot"),
        ("Remote", "remote"),
        ("SoftReset", "soft_reset"),
        ("UnlockCommand", "unlock_command"),
        ("evDisconnected", "ev_disconnected"),
        ("StoppedByEV", "other"),
        (None, "local"),
        ("", "local"),
    ],
)
async def test_reason(central: Central, said: str | None, shown: str) -> None:
    """Why it ended; what is left out means Local."""
    charge_point, charger = await central.connect()
    number = await charger.start()
    end = stop(number) if said is None else stop(number, reason=said)
    await charger.call("StopTransaction", end)
    assert charge_point.value(1, "stop_reason") == shown
    await charger.start()
    assert charge_point.value(1, "stop_reason") is None


async def test_token_at_the_end(central: Central) -> None:
    """A card that ends a transaction is answered like one that begins it."""
    central.authorizer.set([BLOCKED], one_session_each=False)
    _, charger = await central.connect()
    number = await charger.start()
    answer = await charger.call("StopTransaction", stop(number, idTag="BAD"))
    assert answer == {"idTagInfo": {"status": "Blocked"}}
    answer = await charger.call("StopTransaction", stop(number, idTag="CARD1"))
    assert answer == {"idTagInfo": {"status": "Accepted"}}


async def test_register_at_the_end_from_the_data(
    durable: Central, tmp_path: Path
) -> None:
    """Where the end itself does not say it, its samples may."""
    charge_point, charger = await durable.connect()
    number = await charger.start(meter=1000, time=stamp(minutes=10))
    end = stop(number)
    del end["meterStop"]
    end["transactionData"] = [
        {
            "timestamp": stamp(minutes=minutes),
            "sampledValue": [sample(value, ENERGY, context=context)],
        }
        for minutes, value, context in (
            (0, "3000", "Transaction.End"),
            (10, "0", "Transaction.Begin"),
            (5, "2000", "Sample.Periodic"),
        )
    ]
    await charger.call("StopTransaction", end)
    assert charge_point.value(1, "session_energy") == 2000
    connection = sqlite3.connect(tmp_path / "ledger.db")
    (row,) = connection.execute("SELECT meter_stop, energy, raw_stop FROM transactions")
    connection.close()
    assert row == (3000, 2000, json.dumps(end))


async def test_no_register_at_the_end(central: Central) -> None:
    """Then the last one that was heard of counts."""
    charge_point, charger = await central.connect()
    number = await charger.start(meter=1000)
    await charger.call("MeterValues", register(2500, number))
    end = stop(number)
    del end["meterStop"]
    await charger.call("StopTransaction", end)
    assert charge_point.value(1, "session_energy") == 1500
    assert central.ledger.stops[0].meter_stop is None


# Who


async def test_refused_start(durable: Central) -> None:
    """It gets an id and a row, and is no session."""
    durable.authorizer.set([BLOCKED], one_session_each=False)
    charge_point, charger = await durable.connect()
    events: list[Event] = []
    charge_point.subscribe_events(events.append)
    answer = await charger.call("StartTransaction", start(token="BAD"))
    assert answer["transactionId"] > 0
    assert answer["idTagInfo"] == {"status": "Blocked"}
    assert charge_point.transactions.at(1) is None
    await charger.alive()
    assert [(event.kind, event.type) for event in events] == [("id_token", "blocked")]
    answer = await charger.call("StopTransaction", stop(answer["transactionId"]))
    assert answer == {}
    assert (await charger.call("Authorize", {"idTag": "BAD"}))["idTagInfo"] == {
        "status": "Blocked"
    }


async def test_our_own_tag(central: Central) -> None:
    """What we started ourselves is no card, and shown as what it is."""
    charge_point, charger = await central.connect(remote_tag="HOMEASSISTANT")
    events: list[Event] = []
    charge_point.subscribe_events(events.append)
    await charger.call("Authorize", {"idTag": "HOMEASSISTANT"})
    await charger.start(token="HOMEASSISTANT")
    await charger.alive()
    assert charge_point.value(1, "session_user") == "HOMEASSISTANT"
    assert [event.kind for event in events] == ["transaction"]


async def test_each_session_has_its_own_user(central: Central) -> None:
    """Two connectors are not mixed up."""
    charge_point, charger = await central.connect()
    await charger.start(1, token="11112222")
    await charger.start(2, token="33334444")
    assert charge_point.value(1, "session_user") == "…2222"
    assert charge_point.value(2, "session_user") == "…4444"


# Energy


async def test_a_register_of_zero_at_the_start(
    central: Central, freezer: FrozenDateTimeFactory
) -> None:
    """A new charger counts from zero, and its next session from there."""
    charge_point, charger = await central.connect()
    first = await charger.start(meter=0)
    freezer.tick(3600)
    await charger.call("MeterValues", register(10_000, first))
    assert charge_point.value(1, "energy") == 10_000
    assert charge_point.value(1, "session_energy") == 10_000
    await charger.call("StopTransaction", stop(first, 10_000))
    second = await charger.start(meter=10_000)
    await charger.call("MeterValues", register(12_000, second))
    assert charge_point.value(1, "energy") == 12_000
    assert charge_point.value(1, "session_energy") == 2000


async def test_registers_that_fall(central: Central) -> None:
    """A number that was shown does not fall, and none is negative."""
    charge_point, charger = await central.connect()
    number = await charger.start(meter=1000)
    seen = []
    for value in (1500, 0, 1520, 1519, 1600, 1599):
        await charger.call("MeterValues", register(value, number))
        seen.append(charge_point.value(1, "session_energy"))
    assert seen == [500, 500, 520, 520, 600, 600]
    # What the charger says at the end is what it bills.
    await charger.call("StopTransaction", stop(number, 1550))
    assert charge_point.value(1, "session_energy") == 550


async def test_an_end_below_the_start(central: Central) -> None:
    """Some chargers end one watt-hour before they began."""
    charge_point, charger = await central.connect()
    number = await charger.start(meter=1000)
    await charger.call("StopTransaction", stop(number, 999))
    assert charge_point.value(1, "session_energy") == 0


async def test_a_start_without_a_register(central: Central) -> None:
    """Then the first one that is heard of is the start, not zero."""
    charge_point, charger = await central.connect()
    begin = start()
    del begin["meterStart"]
    number = (await charger.call("StartTransaction", begin))["transactionId"]
    await charger.call("MeterValues", register(500_000, number))
    assert charge_point.value(1, "session_energy") == 0
    await charger.call("MeterValues", register(501_000, number))
    assert charge_point.value(1, "session_energy") == 1000


@pytest.mark.parametrize("transaction", [None, -1, 0, 2**31, 9223372036854775807])
async def test_samples_without_an_id(central: Central, transaction: int | None) -> None:
    """They count towards what is open on the connector, and begin nothing."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("MeterValues", register(1100, transaction))
    assert charge_point.transactions.at(1) is None
    await charger.start(meter=1200)
    await charger.call("MeterValues", register(1500, transaction))
    assert charge_point.value(1, "session_energy") == 300


async def test_samples_of_the_station(central: Central) -> None:
    """The sum of several connectors is no session's register."""
    charge_point, charger = await central.connect()
    number = await charger.start(meter=1000)
    total = meter_values(sample("1300", ENERGY), connector=0, transaction=number)
    await charger.call("MeterValues", total)
    # A charger with one connector may call it that.
    assert charge_point.value(1, "session_energy") == 300
    await charger.call("StatusNotification", status("Available", 2))
    total["meterValue"][0]["sampledValue"] = [sample("90000", ENERGY)]
    await charger.call("MeterValues", total)
    assert charge_point.value(1, "session_energy") == 300
    assert charge_point.transactions.at(0) is None
    assert charge_point.value(0, "energy") == 90_000


# Ids that are not ours


async def test_an_ended_id_is_not_resurrected(central: Central) -> None:
    """Chargers go on naming a transaction after it has ended."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Charging"))
    number = await charger.start(meter=1000)
    await charger.call("StopTransaction", stop(number, 2000))
    await charger.call("MeterValues", register(2100, number))
    assert charge_point.transactions.at(1) is None
    assert charge_point.value(1, "session_energy") == 1000
    # In the next one, too: the register is the connector's all the same.
    second = await charger.start(meter=2100)
    await charger.call("MeterValues", register(2500, number))
    assert charge_point.value(1, "transaction") == second
    assert charge_point.value(1, "session_energy") == 400


async def test_a_foreign_transaction(central: Central) -> None:
    """One that another central system began can be seen and stopped."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("MeterValues", register(5000, 777))
    transaction = charge_point.transactions.at(1)
    assert transaction and (transaction.id, transaction.foreign) == (777, True)
    assert charge_point.value(1, "transaction") == 777
    await charger.call("MeterValues", register(6000, 777))
    assert charge_point.value(1, "session_energy") == 1000
    await charge_point.commands.stop_transaction(777)
    assert charger.calls[-1].payload == {"transactionId": 777}
    assert await charger.call("StopTransaction", stop(777, 6500)) == {}
    assert charge_point.transactions.at(1) is None
    assert charge_point.value(1, "session_energy") == 1500
    assert central.ledger.rows == {}
    assert central.ledger.stops[0].transaction_id == 777
    # Our own ids do not jump for it.
    assert await charger.start() < 777


@pytest.mark.parametrize(
    "state", ["Available", "Preparing", "Finishing", "Unavailable", "Reserved"]
)
async def test_an_idle_connector_has_no_foreign_transaction(
    central: Central, state: str
) -> None:
    """A stale id from before a restart begins nothing."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status(state))
    await charger.call("MeterValues", register(5000, 777))
    assert charge_point.transactions.at(1) is None


async def test_a_foreign_transaction_ends_with_the_connector_available(
    central: Central,
) -> None:
    """There is nothing of it that could be lost."""
    charge_point, charger = await central.connect()
    await charger.call("MeterValues", register(5000, 777))
    assert charge_point.transactions.at(1)
    await charger.call("StatusNotification", status("Available"))
    assert charge_point.transactions.at(1) is None


async def test_a_charger_with_a_name_of_its_own(central: Central) -> None:
    """An id it never got from us does not make two sessions of one."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Charging"))
    number = await charger.start(meter=1000)
    await charger.call("MeterValues", register(1500, 1936029036))
    assert charge_point.value(1, "transaction") == number
    assert charge_point.value(1, "session_energy") == 500


async def test_a_charger_that_has_gone_on(central: Central) -> None:
    """One that named our id, and then another, is in another transaction."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Charging"))
    number = await charger.start(meter=1000)
    await charger.call("MeterValues", register(1500, number))
    await charger.call("MeterValues", register(9000, 777))
    assert charge_point.value(1, "transaction") == 777
    assert charge_point.value(1, "session_energy") == 0
    # Whatever is said of ours still counts for it.
    assert await charger.call("StopTransaction", stop(number, 9000)) == {}
    assert charge_point.value(1, "transaction") == 777
    assert central.ledger.rows[number].transaction.ended


async def test_our_transaction_on_another_connector(central: Central) -> None:
    """An id of ours is never taken for a stranger's."""
    charge_point, charger = await central.connect()
    number = await charger.start(1)
    await charger.call(
        "MeterValues",
        meter_values(sample("9999", ENERGY), connector=2, transaction=number),
    )
    assert charge_point.transactions.at(2) is None
    assert charge_point.value(1, "session_energy") == 0


# The past


async def test_a_session_made_up_for(durable: Central) -> None:
    """A charger that was offline tells all of it later, by its own clock."""
    charge_point, charger = await durable.connect()
    await charger.call("StatusNotification", status("Available"))
    number = await charger.start(meter=1000, time=stamp(hours=5))
    await charger.call("MeterValues", register(1500, number, time=stamp(hours=4)))
    end = stop(number, 2000, time=stamp(hours=3))
    await charger.call("StopTransaction", end)
    assert charge_point.transactions.at(1) is None
    assert charge_point.value(1, "session_energy") == 1000
    assert charge_point.value(1, "session_duration") == pytest.approx(7200, abs=2)


async def test_a_start_told_late(durable: Central) -> None:
    """A start of the past does not end what is running now."""
    charge_point, charger = await durable.connect()
    running = await charger.start(meter=5000)
    await charger.call("MeterValues", register(5500, running))
    late = await charger.start(meter=1000, time=stamp(hours=5))
    assert charge_point.value(1, "transaction") == running
    await charger.call("StopTransaction", stop(late, 2000, time=stamp(hours=4)))
    await charger.call("MeterValues", register(6000, running))
    assert charge_point.value(1, "session_energy") == 1000
    assert [row.id for row in await durable.ledger.open_transactions("CP1")] == [
        running
    ]


async def test_a_clock_that_was_never_set(
    central: Central, freezer: FrozenDateTimeFactory
) -> None:
    """The session began when we heard of it."""
    charge_point, charger = await central.connect()
    number = await charger.start(time="1970-01-01T00:00:10Z")
    started = charge_point.value(1, "session_started")
    assert isinstance(started, datetime)
    assert abs((started - datetime.now(UTC)).total_seconds()) < 2
    freezer.tick(600)
    charge_point.transactions.tick()
    assert charge_point.value(1, "session_started") == started
    assert charge_point.value(1, "session_duration") == pytest.approx(600, abs=2)
    freezer.tick(600)
    await charger.call("StopTransaction", stop(number, time="1970-01-01T00:20:10Z"))
    assert charge_point.value(1, "session_duration") == pytest.approx(1200, abs=2)


async def test_a_clock_that_is_wrong(
    central: Central, freezer: FrozenDateTimeFactory
) -> None:
    """Once its error is known, sessions are in our time."""
    charge_point, charger = await central.connect()
    for _ in range(2):
        await charger.call(
            "StatusNotification",
            status("Preparing") | {"timestamp": stamp(hours=5)},
        )
        freezer.tick(30)
    now = datetime.now(UTC)
    number = await charger.start(time=stamp(hours=5))
    started = charge_point.value(1, "session_started")
    assert isinstance(started, datetime)
    assert abs((started - now).total_seconds()) < 2
    freezer.tick(600)
    await charger.call("StopTransaction", stop(number, time=stamp(hours=5)))
    assert charge_point.value(1, "session_duration") == pytest.approx(600, abs=2)
    # What is on disk is what the charger said.
    assert central.ledger.starts[0].timestamp < now


# Ends that nobody told


async def idle(charger: Charger) -> int:
    """Begin a transaction whose connector then says that it is available."""
    await charger.call("StatusNotification", status("Charging"))
    number = await charger.start(meter=1000)
    await charger.call("MeterValues", register(1500, number))
    await charger.call("StatusNotification", status("Available"))
    return number


async def test_an_end_that_nobody_told(
    central: Central, freezer: FrozenDateTimeFactory
) -> None:
    """A connector that is available for ten minutes, without a sample, has ended it."""
    charge_point, charger = await central.connect()
    number = await idle(charger)
    freezer.tick(599)
    charge_point.transactions.tick()
    assert charge_point.value(1, "transaction") == number
    # Chargers repeat their status.
    await charger.call("StatusNotification", status("Available"))
    freezer.tick(2)
    charge_point.transactions.tick()
    assert charge_point.value(1, "transaction") is None
    assert charge_point.value(1, "session_energy") == 500
    assert charge_point.value(1, "session_duration") == pytest.approx(0, abs=2)
    assert charge_point.value(1, "stop_reason") is None
    assert await central.ledger.open_transactions("CP1") == []
    # The charger may still tell, and then knows better.
    assert await charger.call("StopTransaction", stop(number, 1600)) == {}
    assert charge_point.value(1, "energy") == 1600


async def test_samples_keep_it_open(
    central: Central, freezer: FrozenDateTimeFactory
) -> None:
    """A charger that calls itself available while it charges."""
    charge_point, charger = await central.connect()
    number = await idle(charger)
    for _ in range(5):
        freezer.tick(400)
        await charger.call("MeterValues", register(1500, number))
        charge_point.transactions.tick()
    assert charge_point.value(1, "transaction") == number


async def test_another_status_keeps_it_open(
    central: Central, freezer: FrozenDateTimeFactory
) -> None:
    """Only who goes on being available has ended it."""
    charge_point, charger = await central.connect()
    number = await idle(charger)
    freezer.tick(400)
    await charger.call("StatusNotification", status("SuspendedEV"))
    freezer.tick(400)
    charge_point.transactions.tick()
    await charger.call("StatusNotification", status("Available"))
    freezer.tick(400)
    charge_point.transactions.tick()
    assert charge_point.value(1, "transaction") == number


# The connection


async def test_a_session_outlives_the_connection(central: Central) -> None:
    """What it was is known while the charger is away, and goes on after."""
    charge_point, charger = await central.connect()
    number = await charger.start(meter=1000)
    await charger.call("MeterValues", register(1500, number))
    await charger.hang_up()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    assert charge_point.value(1, "session_energy") == 500
    charger = await central.dial()
    await charger.boot()
    await charger.call("MeterValues", register(1700, number))
    assert charge_point.value(1, "session_energy") == 700
    assert charge_point.value(1, "transaction") == number


async def test_the_charger_has_the_last_word(central: Central) -> None:
    """A stop that it refuses leaves the transaction as it is."""
    charge_point, charger = await central.connect()
    number = await charger.start()
    charger.answers["RemoteStopTransaction"] = {"status": "Rejected"}
    with pytest.raises(CommandRejected, match="Rejected"):
        await charge_point.commands.stop_transaction(number)
    assert charge_point.value(1, "transaction") == number
