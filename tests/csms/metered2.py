"""A charge point of OCPP 2.x that knows exactly what has flowed, and what it told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import override

from .common import Charger, Payload, stamp
from .common2 import ENERGY, bucket, dial2, event, sample, status
from .durable import Durable
from .metered import Fate, Message, Meter, MeteredCharger, Place, Session


class MeteredCharger2(MeteredCharger):
    """Tells its transactions by events, with ids of its own that it uses again."""

    def __init__(
        self,
        identity: str,
        meter: Meter,
        connectors: int,
        ahead: timedelta,
        base: int,
        version: str,
    ) -> None:
        """Take what it is like."""
        super().__init__(identity, meter, connectors, ahead, base)
        self.version = version
        self._numbers: dict[int, Iterator[int]] = {}
        self._names: dict[int, str] = {}

    def _event(
        self, session: Session, kind: str, register: int, now: datetime
    ) -> Payload:
        numbers = self._numbers.setdefault(id(session), count())
        name = self._names.setdefault(id(session), self._free_name())
        time = stamp(now + self.ahead)
        unit = {"unit": "kWh"} if self.meter is Meter.KWH else {}
        value = register / 1000 if unit else register
        return event(
            kind,
            name,
            time=time,
            sequence=next(numbers),
            evse=session.connector if kind == "Started" else None,
            token=session.token if kind == "Started" else None,
            values=[bucket(sample(value, ENERGY, **unit), time=time)],
        )

    def _free_name(self) -> str:
        """Return an id that nothing is to be told of any more."""
        pending = [*self.queue, *self.held, *self.untold]
        taken = {
            self._names.get(id(session))
            for session in (
                *(message.session for message in pending),
                *(place.session for place in self.places),
            )
        }
        return next(name for name in map(str, count(1)) if name not in taken)

    @override
    def begin(self, place: Place, token: str, now: datetime) -> None:
        super().begin(place, token, now)
        message = self.queue.pop()
        payload = self._event(message.session, "Started", message.register, now)
        self.queue.append(replace(message, payload=payload))

    @override
    def measure(self, place: Place, now: datetime, *, glitch: bool) -> None:
        super().measure(place, now, glitch=glitch)
        message = self.queue.pop()
        payload = self._event(message.session, "Updated", message.register, now)
        self.queue.append(replace(message, payload=payload))

    @override
    def end(self, place: Place, now: datetime, *, told: bool, rounded: bool) -> None:
        super().end(place, now, told=told, rounded=False)
        messages = self.queue if told else self.untold
        message = messages.pop()
        payload = self._event(message.session, "Ended", message.register, now)
        messages.append(replace(message, payload=payload))

    @override
    async def dial(self, durable: Durable) -> Charger:
        if self._socket is None or self._socket.closed.is_set():
            self._socket = await dial2(
                durable.central, self.version, f"/{self.identity}"
            )
        return self._socket

    @override
    async def say(
        self, durable: Durable, now: datetime, state: str = "Occupied"
    ) -> None:
        socket = await self.dial(durable)
        for place in self.places:
            told = status("Occupied" if place.session else state, place.number)
            told["timestamp"] = stamp(now + self.ahead)
            await socket.call("StatusNotification", told)

    @override
    async def tell(self, durable: Durable, fate: Fate) -> None:
        message = self.queue[0]
        place = self.places[message.session.connector - 1]
        socket = await self.dial(durable)
        if fate is Fate.LOST:
            await self.hang_up()
            return
        if fate is Fate.IN_FLIGHT:
            await socket.send([2, "lost", "TransactionEvent", message.payload])
            await socket.delivered()
            self._reached(message, place)
            await self.hang_up()
            return
        answer = await socket.call("TransactionEvent", message.payload)
        self._reached(message, place)
        if fate is Fate.UNREAD:
            await self.hang_up()
            return
        if fate is Fate.TWICE:
            again = await socket.call("TransactionEvent", message.payload)
            assert again == answer
        self.queue.popleft()

    @override
    def _reached(self, message: Message, place: Place) -> None:
        # Each names what it speaks of.
        message.session.id = message.session.id or -1
        super()._reached(message, place)
        message.session.id = None
