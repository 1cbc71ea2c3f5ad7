"""The months before the demo: sessions of some people, written as the integration does."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from custom_components.ocpp_central.csms.accounting import Account
from custom_components.ocpp_central.csms.model import TransactionStart, TransactionStop
from custom_components.ocpp_central.csms.prices import Prices
from custom_components.ocpp_central.csms.register import Register
from custom_components.ocpp_central.ledger import Ledger

from .chargers import CAR_PARK, CARPORT, GARAGE, Kind

#: The card of the garage's owner.
CARD = "04A2F3B1"
#: The cards of the others.
CARDS = {
    "Anna": "04C19A27D35E80",
    "Ben": "0417E2B86A4F91",
    "Chiara": "04D05C3371AA26",
    "David": "046B81F4E9270C",
}

CURRENCY = "EUR"
#: What a kWh costs in each hour of the day (UTC): dear in the evening, cheap at noon.
HOURLY_PRICES = (
    *(0.231, 0.224, 0.219, 0.218, 0.221, 0.236, 0.268, 0.312),
    *(0.318, 0.287, 0.241, 0.205, 0.187, 0.179, 0.192, 0.226),
    *(0.274, 0.331, 0.362, 0.358, 0.329, 0.296, 0.268, 0.247),
)

#: The past ends so long before now: nothing of it is news, or still to be compiled.
_REST = timedelta(hours=6)
_DAYS = 92
_STEP = timedelta(minutes=15)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class _Habit:
    """Who charges at a connector, how often, and how fast."""

    kind: Kind
    connector: int
    cards: Sequence[tuple[str, str | None]]
    share_of_days: float
    hours: tuple[int, int]
    power: int
    energy: tuple[int, int]


def _card(user: str) -> tuple[str, str | None]:
    return CARDS[user], user


_HABITS = (
    _Habit(
        kind=GARAGE,
        connector=1,
        cards=((CARD, None), _card("Anna"), _card("Anna")),
        share_of_days=0.55,
        hours=(16, 21),
        power=11_040,
        energy=(6_000, 42_000),
    ),
    _Habit(
        kind=CAR_PARK,
        connector=1,
        cards=(_card("Ben"), _card("Chiara")),
        share_of_days=0.45,
        hours=(7, 10),
        power=22_080,
        energy=(9_000, 48_000),
    ),
    _Habit(
        kind=CAR_PARK,
        connector=2,
        cards=(_card("Chiara"), _card("David")),
        share_of_days=0.35,
        hours=(8, 13),
        power=11_040,
        energy=(7_000, 36_000),
    ),
    _Habit(
        kind=CARPORT,
        connector=1,
        cards=(_card("Anna"), _card("David")),
        share_of_days=0.25,
        hours=(18, 22),
        power=11_040,
        energy=(5_000, 30_000),
    ),
)


@dataclass(kw_only=True)
class PastSession:
    """A session as it was, sample by sample."""

    kind: Kind
    connector: int
    card: str
    user: str | None
    start: datetime
    end: datetime
    #: Wh in each quarter of an hour.
    steps: Sequence[float]
    reason: str
    meter_start: float = 0.0

    @property
    def energy(self) -> float:
        """What was charged, in Wh."""
        return sum(self.steps)

    @property
    def hours(self) -> Iterator[tuple[datetime, float]]:
        """What was charged within hours of the clock, in Wh; an hour may come twice."""
        for step, energy in enumerate(self.steps):
            time = self.start + step * _STEP
            yield time.replace(minute=0), energy

    @property
    def cost(self) -> float:
        """What it cost."""
        return sum(
            energy / 1000 * HOURLY_PRICES[hour.hour] for hour, energy in self.hours
        )

    @property
    def readings(self) -> Iterator[tuple[datetime, dict[str, float]]]:
        """The samples of the charger."""
        register = self.meter_start
        for step, energy in enumerate(self.steps):
            register += energy
            yield (
                self.start + (step + 1) * _STEP,
                {"energy": register, "power": energy * (_HOUR / _STEP)},
            )


@dataclass(frozen=True)
class Past:
    """All that was before."""

    sessions: Sequence[PastSession]

    def of(self, kind: Kind, connector: int | None = None) -> Sequence[PastSession]:
        """The sessions of a charger, or of one of its connectors."""
        return [
            session
            for session in self.sessions
            if session.kind is kind and connector in (None, session.connector)
        ]

    def energy(self, kind: Kind, connector: int) -> Mapping[datetime, float]:
        """What a connector has charged, in Wh by the hour."""
        hours: dict[datetime, float] = defaultdict(float)
        for session in self.of(kind, connector):
            for hour, energy in session.hours:
                hours[hour] += energy
        return hours


def invent(now: datetime) -> Past:
    """Think of a past: the same each time, up to some hours ago."""
    # Not every day is the same, but each demo is.
    random = Random(17)
    sessions: list[PastSession] = []
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for habit in _HABITS:
        mine = []
        for days in range(_DAYS, -1, -1):
            session = _session(habit, today - timedelta(days=days), random)
            if random.random() < habit.share_of_days and session.end < now - _REST:
                mine.append(session)
        # The register has come to where the simulated charger's begins.
        register = habit.kind.meter_start - sum(one.energy for one in mine)
        for session in mine:
            session.meter_start = register
            register += session.energy
        sessions += mine
    return Past(sorted(sessions, key=lambda session: session.start))


def _session(habit: _Habit, day: datetime, random: Random) -> PastSession:
    """Think of the session of a day."""
    card, user = random.choice(habit.cards)
    start = day + random.randint(4 * habit.hours[0], 4 * habit.hours[1]) * _STEP
    left = float(random.randint(*habit.energy))
    steps = []
    while left > 0:
        steps.append(min(left, habit.power * (_STEP / _HOUR)))
        left -= steps[-1]
    # Cars stay plugged in when they are full.
    idle = timedelta(minutes=random.randint(1, 200))
    return PastSession(
        kind=habit.kind,
        connector=habit.connector,
        card=card,
        user=user,
        start=start,
        end=start + len(steps) * _STEP + idle,
        steps=steps,
        reason=random.choice(("EVDisconnected", "EVDisconnected", "Local", "Remote")),
    )


class _Clock:
    """Tells the time of what is being written."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


async def record(past: Past, file: Path) -> None:
    """Write the past, in the order in which it took place, as if it did."""
    clock, prices = _Clock(), Prices()
    ledger = Ledger(file, prices=prices, clock=clock)
    await ledger.open()
    try:
        running: dict[tuple[str, int], int] = {}
        begins = [(session.start, 1, session) for session in past.sessions]
        ends = [(session.end, 0, session) for session in past.sessions]
        for time, begin, session in sorted(begins + ends, key=lambda one: one[:2]):
            _let_pass(prices, clock.now if running else time, time)
            clock.now = time
            place = session.kind.identity, session.connector
            if begin:
                running[place] = (await ledger.start(_start(session))).id
            else:
                await ledger.stop(_stop(session, running.pop(place)))
    finally:
        await ledger.close()


def _let_pass(prices: Prices, since: datetime, until: datetime) -> None:
    """Have the price change each hour."""
    hour = since.replace(minute=0, second=0, microsecond=0)
    while hour <= until:
        prices.set(hour, HOURLY_PRICES[hour.hour], CURRENCY)
        hour += _HOUR


def _start(session: PastSession) -> TransactionStart:
    identity, meter = session.kind.identity, session.meter_start
    raw: dict[str, Any] = {
        "connectorId": session.connector,
        "idTag": session.card,
        "meterStart": meter,
        "timestamp": session.start.isoformat(),
    }
    return TransactionStart(
        identity=identity,
        connector=session.connector,
        id_token=session.card,
        timestamp=session.start,
        meter_start=meter,
        account=Account(register=Register(value=meter, time=session.start)),
        authorization="Accepted",
        user=session.user,
        raw=raw,
    )


def _stop(session: PastSession, transaction_id: int) -> TransactionStop:
    meter = session.meter_start + session.energy
    raw: dict[str, Any] = {
        "transactionId": transaction_id,
        "meterStop": meter,
        "timestamp": session.end.isoformat(),
        "reason": session.reason,
    }
    return TransactionStop(
        identity=session.kind.identity,
        transaction_id=transaction_id,
        timestamp=session.end,
        meter_stop=meter,
        readings=list(session.readings),
        reason=session.reason,
        id_token=None,
        raw=raw,
    )
