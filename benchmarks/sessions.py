"""What it takes to find charging sessions among very many."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
import tempfile
from time import perf_counter

from sqlalchemy import insert
from sqlalchemy.orm import Session

from custom_components.ocpp_central.csms.register import Register
from custom_components.ocpp_central.ledger import Ledger, queries
from custom_components.ocpp_central.ledger.queries import SessionFilter
from custom_components.ocpp_central.ledger.schema import SessionHourRow, TransactionRow
from custom_components.ocpp_central.session_actions import read_sessions
from custom_components.ocpp_central.sessions import SessionWriter

_BUDGET = 0.2
_CHARGERS = 20
_YEARS = 3
_CARDS = 200
_FIRST = datetime(2023, 11, 1, tzinfo=UTC)
_AT_ONCE = 5000
_TICK = 0.001


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How long one kind of question took, in seconds."""

    name: str
    median: float
    longest: float
    # How long the event loop was held at a stretch.
    held: float


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """All that was measured."""

    sessions: int
    megabytes: float
    asked: list[Asked]

    def as_text(self) -> str:
        """Return what a person reads."""
        return "\n".join(
            [
                f"{self.sessions:,} sessions of {_CHARGERS} chargers in {_YEARS} years,"
                f" {self.megabytes:.0f} MB",
                f"{'':44}  median ms  longest ms  loop held ms",
                *(
                    f"{asked.name:44}  {asked.median * 1000:9.1f}"
                    f"  {asked.longest * 1000:10.1f}  {asked.held * 1000:12.1f}"
                    for asked in self.asked
                ),
                f"{'ok  ' if self.asked[0].longest <= _BUDGET else 'MISS'}"
                f"  a month within {_BUDGET * 1000:.0f} ms",
            ]
        )


async def measure_sessions(count: int, rounds: int) -> Sessions:
    """Fill a ledger with sessions, and ask."""
    with tempfile.TemporaryDirectory(prefix="ocpp-benchmark-") as folder:
        path = Path(folder) / "ledger.db"
        ledger = Ledger(path)
        await ledger.open()
        try:
            for first in range(0, count, _AT_ONCE):
                await ledger.ask(partial(_fill, first=first, count=count))
            asked = [
                await _ask(name, partial(ledger.ask, job), rounds)
                for name, job in _questions()
            ]
            size = path.stat().st_size / 1e6
        finally:
            await ledger.close()
    return Sessions(sessions=count, megabytes=size, asked=asked)


def _questions() -> list[tuple[str, Callable[[Session], object]]]:
    month = SessionFilter(
        start=datetime(2026, 2, 1, tzinfo=UTC), end=datetime(2026, 3, 1, tzinfo=UTC)
    )
    writer = SessionWriter(zone=UTC, now=datetime.now(UTC), charge_points={})
    answer = partial(read_sessions, offset=0, writer=writer)
    charger = SessionFilter(start=month.start, end=month.end, identity="charger-7")
    card = SessionFilter(id_token="CARD-00000007")
    return [
        ("a month, 100 sessions and totals", partial(answer, which=month, limit=100)),
        ("a month of one charger", partial(answer, which=charger, limit=100)),
        ("a month, 1000 sessions", partial(answer, which=month, limit=1000)),
        ("everything of one card", partial(answer, which=card, limit=100)),
        ("everything", partial(answer, which=SessionFilter(), limit=100)),
        (
            "a page of an export",
            partial(queries.following, which=month, limit=500, last=None),
        ),
        (
            "a month's statement",
            partial(queries.statement, which=month, by_user=False),
        ),
    ]


def _fill(session: Session, *, first: int, count: int) -> None:
    """Add some sessions (on the ledger's thread)."""
    random = Random(first)
    distance = timedelta(days=365 * _YEARS) / count
    rows, hours = [], []
    for number in range(first, min(first + _AT_ONCE, count)):
        started = _FIRST + number * distance
        ended = started + timedelta(minutes=random.randint(30, 600))
        meter = 5000.0 * number
        energy = float(random.randint(500, 60_000))
        card = random.randrange(_CARDS)
        start = {
            "connectorId": 1,
            "idTag": f"CARD-{card:08}",
            "meterStart": int(meter),
            "timestamp": started.isoformat(),
        }
        rows.append(
            {
                "id": 100_000_000 + number,
                "identity": f"charger-{number % _CHARGERS}",
                "connector": 1,
                "id_token": start["idTag"],
                "authorization": "Accepted",
                "user": f"User {card}",
                "authorized_by": "online",
                "timestamp": started,
                "started": started,
                "received_at": started,
                "meter_start": meter,
                "meter_last": meter + energy,
                "progressed_at": ended,
                "carried": True,
                "ended": ended,
                "meter_stop": meter + energy,
                "stop_reason": "ev_disconnected",
                "stop_received_at": ended,
                "inferred": False,
                "energy": energy,
                "register": Register(value=meter + energy, time=ended),
                "cost": energy * 0.0003,
                "currency": "EUR",
                "charging": 3600.0,
                "raw_start": start,
                "raw_stop": {**start, "meterStop": int(meter + energy)},
            }
        )
        hour = started.replace(minute=0, second=0, microsecond=0)
        parts = int((ended - hour) / timedelta(hours=1)) + 1
        hours += [
            {
                "session_id": 100_000_000 + number,
                "hour": hour + timedelta(hours=part),
                "energy": energy / parts,
                "cost": energy / parts * 0.0003,
                "unpriced": 0.0,
            }
            for part in range(parts)
        ]
    session.execute(insert(TransactionRow), rows)
    session.execute(insert(SessionHourRow), hours)


async def _ask(name: str, ask: Callable[[], Awaitable[object]], rounds: int) -> Asked:
    """Ask again and again while somebody watches the event loop."""
    held = 0.0

    async def watch() -> None:
        nonlocal held
        while True:
            begin = perf_counter()
            await asyncio.sleep(_TICK)
            held = max(held, perf_counter() - begin - _TICK)

    await ask()
    watching = asyncio.create_task(watch())
    times = []
    for _ in range(rounds):
        begin = perf_counter()
        await ask()
        times.append(perf_counter() - begin)
    watching.cancel()
    return Asked(name=name, median=median(times), longest=max(times), held=held)
