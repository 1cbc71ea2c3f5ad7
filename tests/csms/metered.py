"""A charge point that knows exactly what has flowed, and what it managed to tell."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import pairwise
import json
from typing import Any

import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.prices import Price

from .common import (
    ENERGY,
    Charger,
    Payload,
    meter_values,
    sample,
    stamp,
    start,
    status,
    stop,
)
from .durable import Durable

type Row = dict[str, Any]

PRICE = Price(datetime(2026, 1, 1, tzinfo=UTC), None, 0.30, "EUR")


class Meter(Enum):
    """What a charger's registers are like."""

    SANE = "in Wh, and only ever rising"
    KWH = "in kWh"
    GLITCHES = "zero now and then"
    PER_SESSION = "from zero in each session"


class Fate(Enum):
    """What becomes of a message and of its answer."""

    ANSWERED = "answered"
    LOST = "the connection drops before it reaches us"
    IN_FLIGHT = "the connection drops while we deal with it"
    UNREAD = "the connection drops before the answer is read"
    TWICE = "sent twice"


@dataclass
class Session:
    """What is true of one transaction, and what of it has reached us."""

    connector: int
    token: str
    started: datetime
    # What had flowed at the connector by then, and what its register showed.
    since: int
    meter_start: int
    id: int | None = None
    # Whether the start reached us, and whether the charger has used the id since.
    begun: bool = False
    carried: bool = False
    # The highest register that reached us, at all and while it was open.
    told: int = 0
    counted: int = 0
    until: int | None = None
    ended: datetime | None = None
    meter_stop: int | None = None
    # Whether the stop reached us; or it ended for us without one.
    stopped: bool = False
    inferred: bool = False

    @property
    def key(self) -> tuple[int, str, str]:
        """Return what makes it one of its own at its charger."""
        return self.connector, self.token, f"{self.started:%Y-%m-%d %H:%M:%S}"

    @property
    def open(self) -> bool:
        """Return whether it is open for all we know."""
        return self.begun and not self.stopped and not self.inferred

    def fits(self, end: Session) -> bool:
        """Return whether an end that names no transaction may be meant for it."""
        assert end.ended
        assert end.meter_stop is not None
        return (
            self.open
            and not self.carried
            and self.started <= end.ended
            and self.meter_start <= (end.meter_stop or self.meter_start)
        )


@dataclass
class Message:
    """Something to be told of a session, again and again until it is answered."""

    action: str
    session: Session
    payload: Payload
    register: int


class Books:
    """What is on disk."""

    def __init__(self, durable: Durable) -> None:
        """Read all of it."""
        self.rows = durable.rows()
        self.hours: dict[int, list[Row]] = {}
        for share in durable.rows("session_hours"):
            self.hours.setdefault(share["session_id"], []).append(share)
        self.meters: dict[tuple[str, int], float] = {
            (row["identity"], row["connector"]): json.loads(row["register"])["total"]
            for row in durable.rows("meters")
        }

    def of(self, identity: str) -> dict[tuple[int, str, str], Row]:
        """Return the sessions of a charge point, each of which is there once."""
        rows = [row for row in self.rows if row["identity"] == identity]
        keyed = {
            (row["connector"], row["id_token"], row["started"][:19]): row
            for row in rows
        }
        assert len(keyed) == len(rows)
        return keyed


@dataclass
class Place:
    """A connector, and what has flowed there in Wh."""

    number: int
    base: int
    flowed: int = 0
    session: Session | None = None
    sessions: list[Session] = field(default_factory=list)
    # False once a register that begins anew with each session was told out of order,
    # or not to its end: then nobody can know its sum.
    orderly: bool = True
    # False once something was told without saying of which session it is.
    named: bool = True
    # Whether readings were lost with us, and whether that was since the last one.
    lossy: bool = False
    lost: bool = False
    # The register that was told last, and the one before a start that was told since.
    told: int = 0
    before: int = 0
    # The lifetime energy that was shown last.
    shown: float = 0.0

    def check_open(self, charge_point: ChargePoint, open_: dict[int, float]) -> None:
        """Hold what is shown of the open session against what is on disk."""
        transaction = charge_point.transactions.at(self.number)
        newest = max(
            (session for session in self.sessions if session.begun),
            key=lambda session: session.started,
            default=None,
        )
        if newest and newest.open:
            assert transaction
            assert newest.id in (None, transaction.id)
        if transaction:
            assert not transaction.foreign
            shown = charge_point.value(self.number, "session_energy")
            assert shown == open_[transaction.id]


class MeteredCharger:
    """One charge point: its registers, its clock, and its queue."""

    def __init__(
        self, identity: str, meter: Meter, connectors: int, ahead: timedelta, base: int
    ) -> None:
        """Take what it is like."""
        self.identity = identity
        self.meter = meter
        self.ahead = ahead
        base = 0 if meter is Meter.PER_SESSION else base
        self.places = [Place(number + 1, base) for number in range(connectors)]
        self.queue: deque[Message] = deque()
        # Whole sessions that are told later than what came after them.
        self.held: list[Message] = []
        # Ends that were never told, and may be after all.
        self.untold: list[Message] = []
        self._socket: Charger | None = None

    def __repr__(self) -> str:
        """Return what it is like."""
        return f"<{self.identity}: {self.meter.value}, {self.ahead} ahead>"

    @property
    def sessions(self) -> Iterator[Session]:
        """Return all sessions so far."""
        return (session for place in self.places for session in place.sessions)

    def register(self, place: Place) -> int:
        """Return what the register of a connector shows."""
        if self.meter is Meter.PER_SESSION:
            return place.flowed - (place.session.since if place.session else 0)
        return place.base + place.flowed

    # What happens at the charger

    def begin(self, place: Place, token: str, now: datetime) -> None:
        """Plug in."""
        session = Session(place.number, token, now, place.flowed, 0)
        place.session = session
        session.meter_start = self.register(place)
        place.sessions.append(session)
        payload = start(
            place.number,
            token=token,
            meter=session.meter_start,
            time=self._stamp(now),
        )
        self._enqueue("StartTransaction", session, payload, session.meter_start)

    def measure(self, place: Place, now: datetime, *, glitch: bool) -> None:
        """Take a sample of the running session."""
        assert place.session
        shown = self.register(place)
        read = 0 if glitch else shown
        if self.meter is Meter.KWH:
            value = sample(f"{read / 1000:.3f}", ENERGY, unit="kWh")
        else:
            value = sample(str(read), ENERGY)
        payload = meter_values(value, connector=place.number, time=self._stamp(now))
        self._enqueue("MeterValues", place.session, payload, read)

    def end(self, place: Place, now: datetime, *, told: bool, rounded: bool) -> None:
        """Unplug."""
        session = place.session
        assert session
        session.meter_stop = self.register(place)
        if rounded and session.meter_stop == session.meter_start > 100:
            session.meter_stop -= 1
        session.ended = now
        session.until = place.flowed
        payload = stop(0, session.meter_stop, time=self._stamp(now))
        message = Message("StopTransaction", session, payload, session.meter_stop)
        if told:
            self.queue.append(message)
        else:
            self.untold.append(message)
            place.orderly = False
        place.session = None

    def give_up(self) -> None:
        """Go on without an answer to a start."""
        self.queue.popleft()

    def mix_up(self) -> None:
        """Change the order of two samples."""
        for index, (one, other) in enumerate(pairwise(self.queue)):
            if one.action == other.action == "MeterValues" and (
                one.session is other.session or self.meter is not Meter.PER_SESSION
            ):
                self.queue[index], self.queue[index + 1] = other, one
                return

    @property
    def is_over(self) -> bool:
        """Return whether no car is there, and no session of the past is open."""
        return not any(
            place.session
            or any(
                session.open and session is not place.sessions[-1]
                for session in place.sessions
            )
            for place in self.places
        )

    def hold_back(self) -> None:
        """Tell of the sessions that are over after those that are to come."""
        over = [message for message in self.queue if message.session.ended]
        for message in over:
            self.queue.remove(message)
            self.places[message.session.connector - 1].orderly = False
        self.held += over

    def _enqueue(
        self, action: str, session: Session, payload: Payload, register: int
    ) -> None:
        self.queue.append(Message(action, session, payload, register))

    def _stamp(self, now: datetime) -> str:
        return stamp(now + self.ahead)

    # What is told

    async def dial(self, durable: Durable) -> Charger:
        """Return the socket."""
        if self._socket is None or self._socket.closed.is_set():
            self._socket = await durable.central.dial(f"/{self.identity}")
        return self._socket

    async def say(
        self, durable: Durable, now: datetime, state: str = "Finishing"
    ) -> None:
        """Tell what the connectors do, which shows the charger's clock as well."""
        socket = await self.dial(durable)
        for place in self.places:
            told = status("Charging" if place.session else state, place.number)
            told["timestamp"] = self._stamp(now)
            await socket.call("StatusNotification", told)

    async def hang_up(self) -> None:
        """Lose the connection."""
        if self._socket:
            await self._socket.hang_up()
            self._socket = None

    async def tell(self, durable: Durable, fate: Fate) -> None:
        """Tell the oldest message."""
        message = self.queue[0]
        payload = message.payload
        session = message.session
        place = self.places[session.connector - 1]
        if message.action != "StartTransaction":
            if session.id is None:
                place.named = place.orderly = False
            payload = payload | {"transactionId": session.id or -1}
        socket = await self.dial(durable)
        if fate is Fate.LOST:
            await self.hang_up()
            return
        if message.action == "StopTransaction" and session.id is None:
            fitting = [one for one in self.sessions if one.fits(session)]
            if len(fitting) == 1 and fitting != [session]:
                # Whose end it is nobody could know.
                self.queue.popleft()
                return
            session.stopped |= fitting == [session]
        if fate is Fate.IN_FLIGHT:
            await socket.send([2, "lost", message.action, payload])
            await socket.delivered()
            self._reached(message, place)
            await self.hang_up()
            return
        answer = await socket.call(message.action, payload)
        self._reached(message, place)
        if fate is Fate.UNREAD:
            await self.hang_up()
            return
        if fate is Fate.TWICE:
            assert await socket.call(message.action, payload) == answer
        if message.action == "StartTransaction":
            session.id = answer["transactionId"]
        self.queue.popleft()

    def _reached(self, message: Message, place: Place) -> None:
        session = message.session
        match message.action:
            case "StartTransaction":
                if not session.begun:
                    for older in place.sessions:
                        if older.open and older.started <= session.started:
                            older.inferred = True
                    session.counted = message.register
                    place.before = place.told
                session.begun = True
            case "MeterValues":
                session.carried |= session.id is not None and session.open
            case "StopTransaction":
                session.stopped |= session.id is not None
                if not session.stopped:
                    # Nobody knows which connector it speaks of.
                    return
        if message.action != "StartTransaction":
            if place.before and (
                message.register >= place.before or message.action == "StopTransaction"
            ):
                # It may as well have gone on from where it was before the start.
                place.orderly = False
            place.before = 0
        place.told = message.register
        session.told = max(session.told, message.register)
        if session.open:
            session.counted = max(session.counted, message.register)
        if message.register == self.register(place):
            place.lost = False

    def forgotten(self) -> None:
        """Take note that whatever was not on disk is lost."""
        for place in self.places:
            place.shown = 0.0
            place.lost = place.lossy = True

    # What is true

    def check(self, books: Books) -> None:
        """Hold what is on disk against what has flowed and was told."""
        rows = books.of(self.identity)
        begun = {session.key: session for session in self.sessions if session.begun}
        assert rows.keys() == begun.keys()
        for key, session in begun.items():
            self._check_session(session, rows[key], books)
        for place in self.places:
            billed = sum(
                row["energy"] for key, row in rows.items() if key[0] == place.number
            )
            assert billed <= place.flowed + 0.01
            self._check_lifetime(place, books.meters.get((self.identity, place.number)))

    def _check_session(self, session: Session, row: Row, books: Books) -> None:
        place = self.places[session.connector - 1]
        energy = row["energy"]
        assert session.id in (None, row["id"])
        assert (row["ended"] is None) == session.open
        assert energy >= 0
        if session.stopped:
            assert session.meter_stop is not None
            charged = max(0, session.meter_stop - session.meter_start)
            # An end at nothing is not believed where more was told of.
            if session.meter_stop or place.named:
                assert energy == pytest.approx(charged, abs=0.001)
        elif place.named:
            flowed = session.counted - session.meter_start
            assert energy <= flowed + 0.001
            if not place.lossy:
                assert energy == pytest.approx(flowed, abs=0.001)
        shares = books.hours.get(row["id"], [])
        assert sum(share["energy"] for share in shares) == pytest.approx(
            energy, abs=0.01
        )
        cost = sum(share["cost"] for share in shares)
        assert cost == pytest.approx(energy * PRICE.per_kwh / 1000, abs=1e-4)
        assert (row["cost"] or 0) == pytest.approx(cost, abs=1e-6)
        assert row["unpriced"] == 0

    def _check_lifetime(self, place: Place, total: float | None) -> None:
        told = [session.told for session in place.sessions]
        if self.meter is not Meter.PER_SESSION:
            expected = max(told, default=0)
        elif place.orderly and not place.lossy:
            expected = sum(told)
        else:
            assert (total or 0) <= place.flowed + 0.01
            return
        assert (total or 0) <= expected + 0.01
        if not place.lost:
            assert (total or 0) == pytest.approx(expected, abs=0.01)
