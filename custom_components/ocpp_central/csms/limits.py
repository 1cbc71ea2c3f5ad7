"""From "16 A" to the charging profiles a charger holds."""

from datetime import datetime

from .clock import utcnow
from .connection import Payload, Priority
from .errors import CommandError, NotConnected
from .ladder import Slot
from .limit_keeper import TASK, LimitKeeper
from .model import STATION, ChargingLimit, LimitProfile, Purpose
from .profiles import MINIMUM_CURRENT, amperes, demand_of, written
from .timeline import Course, Step
from .wanted import Place, Write
from .write_budget import Cause


class Limits(LimitKeeper):
    """What users and the engine say of the limits of one charge point."""

    def limit_next_session(
        self, connector: int, id_token: str, limit: ChargingLimit | None
    ) -> None:
        """Limit the transaction that a remote start is about to bring, or do not."""
        self.wanted.sessions.expect(connector, id_token, limit)

    async def drive(
        self,
        connector: int,
        course: Course,
        *,
        live: bool = True,
        priority: Priority = Priority.USER,
    ) -> None:
        """Take what the engine wants of transactions, in A per phase. Raises CommandError.

        It is `live` where it follows something that moves on; a plan ends at its last
        time. Nothing: the engine lets go.
        """
        self.wanted.drive(connector, course, live=live)
        await self.apply(connector, priority, Cause.ENGINE)

    async def limit_session(
        self, connector: int, limit: ChargingLimit, until: datetime | None
    ) -> Payload:
        """Limit the running transaction. Raises CommandError.

        From `until` on the connector's own limit holds again; the charger knows that
        by itself.
        """
        until = until and until.replace(microsecond=0)
        transaction = self._charge_point.transactions.at(connector)
        if transaction is None:
            # The charger itself says what it thinks of that.
            return await self._charge_point.commands.set_limit_profile(
                self._without_transaction(connector, limit, until)
            )
        wish = self._charge_point.wish(connector)
        before = wish.session
        self.wanted.sessions.keep(transaction, limit, until)
        try:
            return await self._enforce(connector, Slot.RUNNING)
        except CommandError:
            wish.session = before
            self._charge_point.wishes_changed()
            self.restore(Cause.TAKEN_BACK)
            raise

    async def limit_default(self, connector: int, limit: ChargingLimit) -> Payload:
        """Limit a connector from now on, the running transaction included."""
        wish = self._charge_point.wish(connector)
        before = wish.current_limit, wish.session
        wish.current_limit = max(
            self._least, min(amperes(self._charge_point, limit), self._most)
        )
        wish.session = None
        try:
            response = await self._enforce(connector, Slot.IDLE)
        except CommandError:
            wish.current_limit, wish.session = before
            self.restore(Cause.TAKEN_BACK)
            raise
        self._charge_point.wishes_changed()
        return response

    async def limit_station(self, limit: ChargingLimit) -> Payload:
        """Set the ceiling of the whole charge point."""
        wishes = self._charge_point.wishes
        before = wishes.maximum_current
        wishes.maximum_current = min(amperes(self._charge_point, limit), self._most)
        try:
            response = await self._enforce(STATION, Slot.STATION)
        except CommandError:
            wishes.maximum_current = before
            self.restore(Cause.TAKEN_BACK)
            raise
        self._charge_point.wishes_changed()
        return response

    def now(self, connector: int) -> ChargingLimit | None:
        """Return what is wanted of a connector now, in A per phase; None: no limit."""
        now = utcnow()
        limits = {
            write.slot: amperes(self._charge_point, write.profile.limit_at(now))
            for write in self.wanted.writes()
            if write.connectors & {connector, STATION}
        }
        if Slot.RUNNING in limits:
            limits.pop(Slot.IDLE, None)
        return ChargingLimit(min(limits.values())) if limits else None

    @property
    def _least(self) -> float:
        return 0 if self._charge_point.direct_current else MINIMUM_CURRENT

    @property
    def _most(self) -> float:
        """Return what the user has confirmed that the wiring carries."""
        return self._charge_point.config.installation_current

    async def _enforce(self, connector: int, slot: Slot) -> Payload:
        """Send what is wanted of a slot, even if it is held, and return the answer."""
        if not self._charge_point.connected:
            raise NotConnected
        before = utcnow()
        for write in self.wanted.writes():
            if write.slot is slot and self._concerns(write, connector):
                self._forced.add(write.place)
        try:
            await self.apply(connector)
        finally:
            self._forced.clear()
        return next(
            (
                held.answer
                for held in self._held.values()
                if held.slot is slot and held.since >= before
            ),
            {"status": "Accepted"},
        )

    async def clear(self, connector: int) -> Payload:
        """Remove every limit of ours from a connector.

        Of connector 0 this is the ceiling, and what was set as a limit of all.

        Returns the charger's answer: Unknown where it held none.
        """
        charge_point = self._charge_point
        wish = charge_point.wish(connector)
        places = self._own_places(connector)
        async with self._lock:
            answers = []
            for place in places:
                answers.append(await self._clear(place))
                self._let_go(place)
        if connector == STATION:
            charge_point.wishes.maximum_current = None
        wish.current_limit = wish.power_limit = wish.limited = wish.session = None
        charge_point.phases.clear(connector)
        wish.paused = False
        charge_point.wishes_changed()
        # What runs may have been limited in its stead, and what is for all is for it.
        charge_point.run(self.apply(), TASK)
        return next(
            (answer for answer in answers if answer.get("status") == "Accepted"),
            answers[-1],
        )

    def _concerns(self, write: Write, connector: int) -> bool:
        """Return whether a limit set for a connector, or for all, is what is written."""
        if connector != STATION:
            return write.concerns(connector)
        wishes = self._charge_point.wishes.connectors
        return any(
            each == STATION
            or (wish := wishes.get(each)) is None
            or (wish.current_limit is None and wish.power_limit is None)
            for each in write.connectors
        )

    def _own_places(self, connector: int) -> list[Place]:
        """Return where limits of a connector are written, whether there are any or not."""
        writes = self.wanted.writes()
        if connector != STATION:
            places = [
                self.wanted.place(slot, connector) for slot in (Slot.RUNNING, Slot.IDLE)
            ]
            places += [
                write.place for write in writes if write.connectors == {connector}
            ]
        else:
            places = [self.wanted.place(Slot.STATION, STATION)]
            if self._charge_point.wish(STATION).current_limit is not None:
                places += [
                    write.place
                    for write in writes
                    if write.slot is Slot.IDLE and self._concerns(write, STATION)
                ]
        return [*dict.fromkeys(place for place in places if place)]

    def _without_transaction(
        self, connector: int, limit: ChargingLimit, until: datetime | None
    ) -> LimitProfile:
        """Return a limit of a session that there is not."""
        units = self._charge_point.limit_units
        unit = limit.unit if limit.unit in units else units[0]
        demand = demand_of(self._charge_point, connector, unit)
        value = limit.value
        if limit.unit is not unit:
            value = amperes(self._charge_point, limit)
        course: Course = (Step(written(min(value, demand.most))),)
        if until:
            after = demand.most if demand.limit is None else demand.limit
            course = (
                Step(course[0].limit, until),
                Step(written(min(after, demand.most))),
            )
        return LimitProfile(
            purpose=Purpose.TRANSACTION, connector=connector, unit=unit, course=course
        )
