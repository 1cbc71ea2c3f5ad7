"""Starts, stops and what is open: the rules a bill depends on."""

from datetime import UTC, datetime, timedelta, timezone
import json
from pathlib import Path
import sqlite3

import pytest

from custom_components.ocpp_central.csms.model import Transaction
from custom_components.ocpp_central.csms.prices import Prices
from custom_components.ocpp_central.ledger import Ledger, LedgerError

from .common import FLOOR, Clock, a_start, a_stop, at, rows


async def test_start_is_stored(ledger: Ledger, path: Path) -> None:
    """A start gets an id, and all of it is on disk in UTC."""
    tz = timezone(timedelta(hours=2))
    start = a_start(timestamp=datetime(2026, 11, 20, 14, 5, tzinfo=tz))
    transaction = await ledger.start(start)

    assert transaction == Transaction(
        id=FLOOR,
        identity="garage",
        connector=1,
        id_token="04A2B3",
        started=at(5),
        meter_start=1000.0,
        account=start.account,
    )
    (row,) = rows(path)
    assert json.loads(row.pop("raw_start")) == start.raw
    assert json.loads(row.pop("register"))["value"] == 1000.0
    assert row == {
        "id": FLOOR,
        "identity": "garage",
        "connector": 1,
        "id_token": "04A2B3",
        "authorization": "Accepted",
        "authorized_by": "online",
        "user": None,
        "token_group": None,
        "timestamp": "2026-11-20 12:05:00.000000",
        "started": "2026-11-20 12:05:00.000000",
        "received_at": "2026-11-20 12:00:00.000000",
        "meter_start": 1000.0,
        "meter_last": None,
        "progressed_at": None,
        "carried": 0,
        "ended": None,
        "meter_stop": None,
        "stop_reason": None,
        "stop_id_token": None,
        "stop_received_at": None,
        "inferred": 0,
        "corrected": 0,
        "replayed": 0,
        "energy": 0.0,
        "cost": None,
        "currency": None,
        "unpriced": 0.0,
        "charging": 0.0,
        "peak_power": None,
        "soc_start": None,
        "soc_end": None,
        "revision": 0,
        "published": 0,
        "charger_id": None,
        "taken_up": 0,
        "raw_stop": None,
    }


async def test_stop_is_stored(ledger: Ledger, path: Path, clock: Clock) -> None:
    """A stop ends its transaction with the charger's time and register."""
    transaction = await ledger.start(a_start())
    clock.tick(3605)
    stop = a_stop(transaction.id, id_token="04FFFF")
    ended = await ledger.stop(stop)

    assert ended is not None
    assert ended.ended == at(60)
    assert ended.stop_reason == "EVDisconnected"
    assert ended.energy == 7000.0
    assert ended.carried
    (row,) = rows(path)
    assert row["ended"] == "2026-11-20 13:00:00.000000"
    assert row["stop_received_at"] == "2026-11-20 13:00:05.000000"
    assert row["meter_stop"] == 8000.0
    assert row["stop_id_token"] == "04FFFF"
    assert json.loads(row["raw_stop"]) == stop.raw
    assert not row["inferred"]
    assert await ledger.open_transactions("garage") == []


async def test_a_repeated_start_keeps_its_id(ledger: Ledger, path: Path) -> None:
    """The charger did not get the answer and asks again."""
    first = await ledger.start(a_start(identity="Garage"))
    again = await ledger.start(a_start(identity="GARAGE"))

    assert again == first
    assert len(rows(path)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": "carport"},
        {"connector": 2},
        {"id_token": "04A2B4"},
        {"timestamp": at(0) + timedelta(microseconds=1)},
        {"meter_start": 1000.5},
    ],
)
async def test_another_start_is_not_a_retry(
    ledger: Ledger, changes: dict[str, object]
) -> None:
    """One difference makes it another transaction."""
    first = await ledger.start(a_start())
    other = await ledger.start(a_start(**changes))
    assert other.id > first.id


async def test_identical_start_after_the_id_was_carried(ledger: Ledger) -> None:
    """A charger without a clock or a lasting meter repeats itself for real."""
    first = await ledger.start(a_start())
    first.carried = True
    ledger.progress(first)
    second = await ledger.start(a_start())
    assert second.id != first.id
    # Stopping carries the id as well.
    await ledger.stop(a_stop(second.id))
    third = await ledger.start(a_start())
    assert third.id > second.id


async def test_the_last_answer_counts(ledger: Ledger) -> None:
    """A card learned between two attempts of one start charges."""
    refused = await ledger.start(a_start(authorization="Invalid"))
    assert await ledger.open_transactions("Garage") == []
    accepted = await ledger.start(a_start())
    assert accepted.id == refused.id
    assert await ledger.open_transactions("Garage") == [accepted]


async def test_refused_start_is_kept_but_not_open(ledger: Ledger, path: Path) -> None:
    """Some chargers go on regardless; their stop must find its start."""
    refused = await ledger.start(a_start(authorization="Blocked"))
    assert refused.id == FLOOR
    assert rows(path)[0]["authorization"] == "Blocked"
    assert await ledger.open_transactions("Garage") == []

    stopped = await ledger.stop(a_stop(refused.id, reason="DeAuthorized"))
    assert stopped is not None
    assert stopped.stop_reason == "DeAuthorized"


async def test_ids_are_unique_over_all_charge_points(
    ledger: Ledger, clock: Clock
) -> None:
    """Several within one second, and the next ones after it."""
    ids = [(await ledger.start(a_start(identity=f"CP{n}"))).id for n in range(5)]
    assert ids == [FLOOR + n for n in range(5)]
    clock.tick(100)
    assert (await ledger.start(a_start(connector=2))).id == FLOOR + 100
    # Clocks are set back sometimes.
    clock.tick(-5000)
    assert (await ledger.start(a_start(connector=3))).id == FLOOR + 101


async def test_a_clock_far_ahead_leaves_ids_to_give(
    ledger: Ledger, clock: Clock
) -> None:
    """Whatever the clock says, ids stay below 2^31 for a long time to come."""
    clock.now = datetime(2120, 1, 1, tzinfo=UTC)
    first = await ledger.start(a_start())
    assert first.id == 2**30
    assert (await ledger.start(a_start(connector=2))).id == 2**30 + 1


async def test_a_clock_before_time_gives_positive_ids(
    ledger: Ledger, clock: Clock
) -> None:
    """A computer without a clock starts in 1970."""
    clock.now = datetime(1970, 1, 1, tzinfo=UTC)
    assert (await ledger.start(a_start())).id == 1


async def test_the_last_id_of_all(path: Path, clock: Clock) -> None:
    """After it nothing starts, but what runs can still end."""
    ledger = Ledger(path, clock=clock)
    await ledger.open()
    await ledger.start(a_start())
    await ledger.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE transactions SET id = ?", (2**31 - 2,))
    connection.execute("UPDATE sqlite_sequence SET seq = ?", (2**31 - 2,))
    connection.commit()
    connection.close()

    await ledger.open()
    last = await ledger.start(a_start(connector=2))
    assert last.id == 2**31 - 1
    for _ in range(2):
        with pytest.raises(LedgerError, match="No transaction ids are left"):
            await ledger.start(a_start(connector=3))
    assert await ledger.stop(a_stop(last.id)) is not None
    await ledger.close()


async def test_ids_of_chargers_do_not_raise_ours(ledger: Ledger) -> None:
    """A charger that makes up ids cannot use up ours."""
    for foreign in (2**31 - 1, 2**40, 10**30):
        assert await ledger.stop(a_stop(foreign)) is None
    stranger = Transaction(
        id=2**31 - 1,
        identity="Garage",
        connector=1,
        id_token=None,
        started=at(0),
        meter_start=None,
        carried=True,
    )
    ledger.progress(stranger)
    assert (await ledger.start(a_start())).id == FLOOR


@pytest.mark.parametrize(
    "foreign", [-(10**30), -1, 0, 5, FLOOR + 1, 2**31 - 1, 2**31, 10**30]
)
async def test_unknown_stop_is_kept_as_an_orphan(
    ledger: Ledger, path: Path, clock: Clock, foreign: int
) -> None:
    """Confirmed, kept, attributed to nobody."""
    transaction = await ledger.start(a_start())
    transaction.carried = True
    ledger.progress(transaction)
    clock.tick(5)
    stop = a_stop(foreign, id_token="04A2B3")
    assert await ledger.stop(stop) is None
    assert await ledger.stop(stop) is None

    (row,) = rows(path, "orphan_stops")
    assert row == {
        "id": 1,
        "identity": "garage",
        "transaction_id": str(foreign),
        "ended": "2026-11-20 13:00:00.000000",
        "received_at": "2026-11-20 12:00:05.000000",
        "meter_stop": 8000.0,
        "stop_reason": "EVDisconnected",
        "id_token": "04A2B3",
        "raw_stop": json.dumps(stop.raw),
    }
    assert await ledger.open_transactions("Garage") == [transaction]


async def test_orphans_that_differ_are_all_kept(ledger: Ledger, path: Path) -> None:
    """Two unconfirmed transactions both end with -1."""
    for stop in (
        a_stop(-1),
        a_stop(-1, timestamp=at(90)),
        a_stop(-1, meter_stop=None),
        a_stop(-1, raw={"transactionId": -1, "transactionData": []}),
        a_stop(-1, identity="carport"),
    ):
        await ledger.stop(stop)
        await ledger.stop(stop)
    assert len(rows(path, "orphan_stops")) == 5


async def test_stop_with_the_id_of_another_charge_point(
    ledger: Ledger, path: Path
) -> None:
    """One charger cannot end another's transaction."""
    transaction = await ledger.start(a_start())
    assert await ledger.stop(a_stop(transaction.id, identity="carport")) is None
    assert len(rows(path, "orphan_stops")) == 1
    assert await ledger.open_transactions("Garage") == [transaction]
    # Its own charger can, however it spells itself today.
    assert await ledger.stop(a_stop(transaction.id, identity="gARAGE")) is not None


async def test_a_repeated_stop_changes_nothing(ledger: Ledger, path: Path) -> None:
    """What has been billed stays."""
    transaction = await ledger.start(a_start())
    first = await ledger.stop(a_stop(transaction.id))
    before = rows(path)
    again = await ledger.stop(
        a_stop(transaction.id, meter_stop=9999.0, timestamp=at(99), reason="Other")
    )
    assert again == first
    assert rows(path) == before
    assert rows(path, "orphan_stops") == []


async def test_stop_without_a_register(ledger: Ledger, path: Path) -> None:
    """The last one heard of counts, also if it is not on disk yet."""
    transaction = await ledger.start(a_start())
    transaction.meter_last = 4200.0
    transaction.account.count(at(10), 4200.0, Prices())
    ended = await ledger.stop(a_stop(transaction.id, meter_stop=None), [transaction])
    assert ended is not None
    assert ended.energy == 3200.0
    assert rows(path)[0]["meter_stop"] == 4200.0


async def test_a_new_start_ends_the_older_one(
    ledger: Ledger, path: Path, clock: Clock
) -> None:
    """With the last register and its time; other connectors are not touched."""
    older = await ledger.start(a_start())
    neighbour = await ledger.start(a_start(connector=2))
    elsewhere = await ledger.start(a_start(identity="carport"))
    clock.tick(600)
    older.meter_last = 3500.0
    ledger.progress(older)
    clock.tick(600)
    newer = await ledger.start(a_start(timestamp=at(20), meter_start=3600.0), [older])

    row = rows(path)[0]
    assert row["inferred"] == 1
    assert row["meter_stop"] == 3500.0
    assert row["ended"] == "2026-11-20 12:10:00.000000"
    assert row["stop_reason"] is None
    assert row["stop_received_at"] is None
    assert await ledger.open_transactions("Garage") == [neighbour, newer]
    assert await ledger.open_transactions("Carport") == [elsewhere]


async def test_inferred_end_without_any_register(ledger: Ledger, path: Path) -> None:
    """Nothing is known of its energy, and nothing is claimed."""
    await ledger.start(a_start())
    await ledger.start(a_start(timestamp=at(20)))
    row = rows(path)[0]
    assert row["meter_stop"] is None
    assert row["ended"] == "2026-11-20 12:20:00.000000"


async def test_inferred_end_is_not_before_the_start(
    ledger: Ledger, path: Path, clock: Clock
) -> None:
    """The charger's clock may be ahead of ours."""
    older = await ledger.start(a_start(timestamp=at(30)))
    older.meter_last = 1001.0
    ledger.progress(older)
    clock.tick(60)
    await ledger.start(a_start(timestamp=at(40)), [older])
    assert rows(path)[0]["ended"] == "2026-11-20 12:30:00.000000"


async def test_a_late_stop_corrects_an_inferred_end(ledger: Ledger, path: Path) -> None:
    """The charger's word replaces the guess, once, and the flag stays."""
    older = await ledger.start(a_start())
    await ledger.start(a_start(timestamp=at(20)))
    corrected = await ledger.stop(a_stop(older.id, timestamp=at(15)))
    assert corrected is not None
    assert corrected.ended == at(15)
    assert corrected.energy == 7000.0
    (row, _) = rows(path)
    assert (row["inferred"], row["corrected"]) == (1, 1)
    assert row["stop_received_at"] is not None

    await ledger.stop(a_stop(older.id, meter_stop=1.0))
    assert rows(path)[0] == row


async def test_a_start_from_the_past_ends_nothing(ledger: Ledger) -> None:
    """What is replayed from yesterday was over before the car now plugged in."""
    now = await ledger.start(a_start())
    past = await ledger.start(a_start(timestamp=at(-1440)))
    # The newest comes last.
    assert await ledger.open_transactions("Garage") == [past, now]
    await ledger.stop(a_stop(past.id, timestamp=at(-1380)))
    assert await ledger.open_transactions("Garage") == [now]


async def test_a_start_without_a_clock_ends_the_older_one(
    ledger: Ledger, clock: Clock
) -> None:
    """After a power cut the charger thinks it is 1970: not a replay."""
    await ledger.start(a_start())
    clock.tick(60)
    never = datetime(1970, 1, 1, tzinfo=UTC)
    new = await ledger.start(a_start(timestamp=never, started=clock()))
    assert await ledger.open_transactions("Garage") == [new]


@pytest.mark.parametrize("unnamed", [-1, 0, 2**31, 2**63 - 1])
async def test_the_end_of_what_never_learnt_its_id(
    ledger: Ledger, path: Path, unnamed: int
) -> None:
    """Where only one transaction can be meant, it is that one."""
    named = await ledger.start(a_start(connector=2))
    named.carried = True
    ledger.progress(named)
    await ledger.start(a_start(connector=3, meter_start=9000.0))
    await ledger.start(a_start(connector=4, timestamp=at(61)))
    meant = await ledger.start(a_start())
    ended = await ledger.stop(a_stop(unnamed))
    assert ended is not None
    assert (ended.id, ended.energy, ended.carried) == (meant.id, 7000.0, True)
    # Told once more, it finds nothing that it could end.
    assert await ledger.stop(a_stop(unnamed)) is None
    assert len(rows(path, "orphan_stops")) == 1


async def test_two_that_never_learnt_their_ids(ledger: Ledger, path: Path) -> None:
    """Nobody guesses which one has ended."""
    one = await ledger.start(a_start())
    two = await ledger.start(a_start(connector=2))
    assert await ledger.stop(a_stop(-1)) is None
    assert await ledger.open_transactions("Garage") == [one, two]
    assert len(rows(path, "orphan_stops")) == 1


async def test_garbage_in_texts_is_kept(ledger: Ledger, path: Path) -> None:
    """JSON can hold what UTF-8 cannot; the charger must not hang on it."""
    start = a_start(id_token="\ud800\x00ß", raw={"idTag": "\ud800\x00ß"})
    first = await ledger.start(start)
    assert (await ledger.start(start)).id == first.id
    (row,) = rows(path)
    assert row["id_token"] == "\\ud800\x00ß"
    assert json.loads(row["raw_start"]) == start.raw


async def test_unicode_identity(ledger: Ledger) -> None:
    """Casefolding is not lower case."""
    first = await ledger.start(a_start(identity="STRASSE"))
    assert await ledger.start(a_start(identity="straße")) == first
    assert await ledger.open_transactions("Straße") == [first]
