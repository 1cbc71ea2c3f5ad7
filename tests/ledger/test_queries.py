"""What is read out of the ledger: which sessions, in which order, how they add up."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from custom_components.ocpp_central.csms.accounting import Account
from custom_components.ocpp_central.csms.model import Transaction
from custom_components.ocpp_central.csms.prices import Prices
from custom_components.ocpp_central.ledger import Ledger, queries
from custom_components.ocpp_central.ledger.queries import SessionFilter, Totals

from .common import Clock, a_start, a_stop, at

EVERYTHING = SessionFilter()


@pytest.fixture
def prices() -> Prices:
    """Return the prices, of which there are none yet."""
    return Prices()


@pytest.fixture
async def ledger(
    ledger: Ledger, path: Any, clock: Clock, prices: Prices
) -> AsyncIterator[Ledger]:
    """Return a ledger that knows prices."""
    await ledger.close()
    ledger = Ledger(path, clock=clock, prices=prices, progress_interval=3600)
    await ledger.open()
    yield ledger
    await ledger.close()


async def charge(
    ledger: Ledger, start: float, energy: float = 1000, **changes: Any
) -> int:
    """Have a session of an hour, minutes from noon."""
    transaction = await ledger.start(a_start(timestamp=at(start), **changes))
    stop = a_stop(
        transaction.id,
        identity=changes.get("identity", "Garage"),
        timestamp=at(start + 60),
        meter_stop=1000 + energy,
    )
    assert await ledger.stop(stop, [transaction])
    return transaction.id


async def found(ledger: Ledger, **which: Any) -> list[int]:
    """Return the ids of sessions, newest first; those of all pages agree."""
    filter_ = SessionFilter(**which)
    records = await ledger.ask(partial(queries.newest, which=filter_, limit=100))
    ids = [record.id for record in records]
    paged: list[int] = []
    last = None
    while page := await ledger.ask(
        partial(queries.following, which=filter_, limit=2, last=last)
    ):
        paged += [record.id for record in page]
        last = page[-1]
    assert paged == ids[::-1]
    totals = await ledger.ask(partial(queries.totals, which=filter_))
    assert totals.sessions == len(ids)
    return ids


@contextmanager
def watched(session: Session) -> Iterator[list[str]]:
    """Note how SQLite carries out each statement."""
    plans: list[str] = []

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plans.append(cursor.fetchall()[0][3])

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", explain)
    yield plans
    event.remove(connection, "before_cursor_execute", explain)


async def test_filters(ledger: Ledger) -> None:
    """Each by itself and all together."""
    one = await charge(ledger, 0, user="Ümit", id_token="aB")
    two = await charge(ledger, 60, connector=2, user="anna", id_token="Ab")
    three = await charge(ledger, 120, identity="Street", user="Anna", id_token="")
    assert await found(ledger) == [three, two, one]
    assert await found(ledger, start=at(60)) == [three, two]
    assert await found(ledger, end=at(60)) == [one]
    assert await found(ledger, start=at(60), end=at(120)) == [two]
    assert await found(ledger, identity="garage") == [two, one]
    assert await found(ledger, identity="garage", start=at(1)) == [two]
    assert await found(ledger, connector=1) == [three, one]
    assert await found(ledger, id_token="AB") == [two, one]
    assert await found(ledger, id_token="") == [three]
    assert await found(ledger, user="ANNA") == [three, two]
    assert await found(ledger, user="Ümit") == [one]
    # Whatever a token is, it is compared and no more.
    assert await found(ledger, id_token="a%") == []
    assert await found(ledger, id_token="\ud800") == []
    assert await found(
        ledger,
        start=at(0),
        end=at(121),
        identity="garage",
        connector=2,
        id_token="ab",
        user="anna",
    ) == [two]


async def test_refused_starts_are_no_sessions(ledger: Ledger) -> None:
    """The charger got an id, but may not have charged."""
    await charge(ledger, 0, authorization="Blocked")
    assert await found(ledger) == []


async def test_sessions_that_start_at_once(ledger: Ledger) -> None:
    """They come in the order of their ids, and none is on two pages."""
    ids = [await charge(ledger, 0, identity=f"CP{number}") for number in range(5)]
    assert await found(ledger) == ids[::-1]
    pages = [
        await ledger.ask(
            partial(queries.newest, which=EVERYTHING, limit=2, offset=offset)
        )
        for offset in (0, 2, 4, 6)
    ]
    assert [[record.id for record in page] for page in pages] == [
        [ids[4], ids[3]],
        [ids[2], ids[1]],
        [ids[0]],
        [],
    ]


async def test_open_session_is_complete(ledger: Ledger, prices: Prices) -> None:
    """What has only been noted is read as well."""
    transaction = await ledger.start(a_start())
    account: Account = transaction.account
    account.read(at(10), {"energy": 3000.0, "power": 11_000.0, "soc": 40}, prices)
    transaction.meter_last = 3000.0
    ledger.progress(transaction)
    (record,) = await ledger.ask(partial(queries.newest, which=EVERYTHING, limit=9))
    assert record.ended is None
    assert (record.meter_start, record.meter_last) == (1000, 3000)
    assert (record.energy, record.peak_power, record.soc_end) == (2000, 11_000, 40)
    assert record.charging == 600


async def test_totals(ledger: Ledger, prices: Prices) -> None:
    """Money is added up by currency; what had no price is told."""
    await charge(ledger, -600, 500)
    prices.set(at(-60), 0.2, "EUR")
    await charge(ledger, 0, 1000)
    await charge(ledger, 60, 2000)
    prices.set(at(120), 3, "NOK")
    await charge(ledger, 120, 4000, identity="Street")
    await ledger.start(a_start(meter_start=None, connector=3))
    totals = await ledger.ask(partial(queries.totals, which=EVERYTHING))
    assert totals == Totals(
        sessions=5,
        energy=7500,
        unpriced=500,
        charging=4 * 3600,
        cost={"EUR": pytest.approx(0.6), "NOK": pytest.approx(12)},
    )
    nothing = SessionFilter(start=at(10_000))
    assert await ledger.ask(partial(queries.totals, which=nothing)) == Totals()


async def test_statement(ledger: Ledger, prices: Prices) -> None:
    """A line for each token and user; unpriced energy is no line of its own."""
    await charge(ledger, -600, 500, id_token="ab", user="Anna")
    await charge(ledger, -500, 700, id_token="CD", user=None)
    prices.set(at(-60), 0.2, "EUR")
    await charge(ledger, 0, 1000, id_token="AB", user="Anna")
    await charge(ledger, 60, 2000, id_token="AB", user="Bert")
    await charge(ledger, 70, 100, identity="Street", id_token="EF", user="Anna")
    prices.set(at(180), 3, "NOK")
    await charge(ledger, 180, 4000, id_token="AB", user="Bert")

    lines = await ledger.ask(
        partial(queries.statement, which=EVERYTHING, by_user=False)
    )
    assert [
        (
            line.id_token,
            line.user,
            line.sessions,
            line.energy,
            line.cost and round(line.cost, 6),
            line.currency,
            line.unpriced,
        )
        for line in lines
    ] == [
        ("AB", "Anna", 2, 1500, 0.2, "EUR", 500),
        ("AB", "Bert", 1, 4000, 12, "NOK", 0),
        ("AB", "Bert", 1, 2000, 0.4, "EUR", 0),
        ("CD", None, 1, 700, None, None, 700),
        ("EF", "Anna", 1, 100, 0.02, "EUR", 0),
    ]
    lines = await ledger.ask(partial(queries.statement, which=EVERYTHING, by_user=True))
    assert [
        (line.id_token, line.user, line.sessions, line.energy, line.currency)
        for line in lines
    ] == [
        (None, None, 1, 700, None),
        (None, "Anna", 3, 1600, "EUR"),
        (None, "Bert", 1, 4000, "NOK"),
        (None, "Bert", 1, 2000, "EUR"),
    ]


async def test_span(ledger: Ledger) -> None:
    """From when on, and until when, there is something to tell."""
    assert await ledger.ask(partial(queries.span, which=EVERYTHING)) is None
    for minutes in (60, 0, 120):
        await charge(ledger, minutes)
    assert await ledger.ask(partial(queries.span, which=EVERYTHING)) == (at(0), at(120))
    which = SessionFilter(start=at(1), end=at(100))
    assert await ledger.ask(partial(queries.span, which=which)) == (at(60), at(60))


async def test_signed_values(ledger: Ledger) -> None:
    """As given, in the order they came, for a whole page at once."""
    open_: list[Transaction] = []
    for number in range(3):
        transaction = await ledger.start(a_start(connector=number + 1))
        if number != 1:
            transaction.signed = [{"value": f"{number}-{part}"} for part in "ab"]
        ledger.progress(transaction)
        open_.append(transaction)

    def page(session: Session) -> Any:
        with watched(session) as plans:
            records = queries.newest(session, EVERYTHING, 100)
            values = queries.signed_values(session, records)
        assert len(plans) == 2
        return values

    assert await ledger.ask(page) == {
        open_[0].id: [{"value": "0-a"}, {"value": "0-b"}],
        open_[2].id: [{"value": "2-a"}, {"value": "2-b"}],
    }


@pytest.mark.parametrize(
    "which",
    [
        {},
        {"identity": "garage"},
        {"identity": "garage", "connector": 1},
        {"id_token": "ab"},
        {"user": "anna"},
    ],
)
async def test_a_month_is_looked_up(ledger: Ledger, which: dict[str, Any]) -> None:
    """Nobody reads three years of sessions for one month of them."""
    period = SessionFilter(start=at(0), end=at(0) + timedelta(days=30), **which)

    def plans(session: Session) -> list[str]:
        with watched(session) as plans:
            queries.newest(session, period, 100)
            queries.totals(session, period)
            queries.statement(session, period, by_user=True)
        return plans

    for plan in (lines := await ledger.ask(plans)):
        assert "USING INDEX transactions_by_start (started>? AND started<?)" in plan
    assert len(lines) == 3
