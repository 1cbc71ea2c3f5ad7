"""From "16 A" to the charging profiles a charger holds."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor
from typing import TYPE_CHECKING

from .clock import utcnow
from .connection import Payload, Priority
from .errors import CommandRejected
from .model import STATION, ChargingLimit, LimitProfile, LimitUnit, Purpose, Transaction

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# A car cannot charge below this (IEC 61851-1).
MINIMUM_CURRENT = 6.0
_TASK = "set the charging limit"

type Slot = tuple[Purpose, int]

# How long a car may take to come after a remote start, where the charger does not
# say; and a little more for its clock and the line.
_CONNECTION_TIMEOUT = 240
_SLACK = 60


@dataclass(frozen=True, slots=True)
class _NextSession:
    """The limit of a transaction that is about to start."""

    id_token: str
    limit: ChargingLimit
    expires: datetime


class Limits:
    """Keeps the profiles in a charge point in step with what the user wants.

    One profile per purpose and connector, always replaced in place:
    the ceiling at the station, the connector's limit as the default of coming
    transactions, and what holds in the running one.
    """

    def __init__(self, charge_point: ChargePoint) -> None:
        """Start without knowing what the charger holds."""
        self._charge_point = charge_point
        self._held: dict[Slot, LimitProfile] = {}
        self._session: dict[int, LimitProfile] = {}
        self._next: dict[int, _NextSession] = {}
        # Connectors whose charger has not named its transaction yet.
        self._unnamed: set[int] = set()
        self._lock = asyncio.Lock()

    def forget(self) -> None:
        """Assume nothing of what the charger holds, so that all is sent again."""
        self._held.clear()

    def limit_next_session(
        self, connector: int, id_token: str, limit: ChargingLimit | None
    ) -> None:
        """Limit the transaction that a remote start is about to bring, or do not."""
        if limit is None:
            self._next.pop(connector, None)
            return
        key = self._charge_point.configuration.get("ConnectionTimeOut")
        timeout = (key.value if key else None) or ""
        seconds = int(timeout) if timeout.isdecimal() else _CONNECTION_TIMEOUT
        expires = utcnow() + timedelta(seconds=seconds + _SLACK)
        self._next[connector] = _NextSession(id_token, limit, expires)

    def transaction_started(self, transaction: Transaction) -> None:
        """Limit a transaction that has just started, if it is to be limited."""
        connector = transaction.connector
        next_session = self._next.pop(connector, None)
        if (
            next_session
            and next_session.id_token == transaction.id_token
            and utcnow() < next_session.expires
        ):
            self._session[connector] = LimitProfile(
                purpose=Purpose.TRANSACTION,
                connector=connector,
                limit=self._spoken(next_session.limit),
                transaction_id=transaction.id,
            )
        self._unnamed.add(connector)
        self._charge_point.run(self._begin(), _TASK)

    def transaction_seen(self, connector: int, *, named: bool) -> None:
        """Try again what was refused for a transaction the charger did not know yet.

        It is told the id with the answer to its start, and needs a moment to read it.
        """
        if connector not in self._unnamed:
            return
        if named:
            self._unnamed.discard(connector)
        self._charge_point.run(self.apply() if named else self._begin(), _TASK)

    async def _begin(self) -> None:
        with suppress(CommandRejected):
            await self.apply()

    def transaction_ended(self, connector: int) -> None:
        """Drop what ends with a transaction, as the charger does."""
        self._held.pop((Purpose.TRANSACTION, connector), None)
        self._session.pop(connector, None)
        self._unnamed.discard(connector)

    async def apply(self, priority: Priority = Priority.USER) -> None:
        """Send what differs from what the charger holds. Raises CommandError."""
        commands = self._charge_point.commands
        async with self._lock:
            wanted = self._wanted()
            for slot in [slot for slot in self._held if slot not in wanted]:
                await commands.clear_limit_profile(*slot)
                del self._held[slot]
            for slot, profile in wanted.items():
                if self._held.get(slot) != profile:
                    await commands.set_limit_profile(profile, priority)
                    self._held[slot] = profile

    async def limit_session(
        self, connector: int, limit: ChargingLimit, until: datetime | None
    ) -> Payload:
        """Limit the running transaction. Raises CommandError.

        From `until` on the connector's own limit holds again; the charger knows that
        by itself.
        """
        transaction = self._charge_point.transactions.at(connector)
        profile = LimitProfile(
            purpose=Purpose.TRANSACTION,
            connector=connector,
            limit=self._spoken(limit),
            until=until,
            after=self._spoken(self._fallback(connector)).value if until else 0,
            # Without a transaction the charger itself says what it thinks of that.
            transaction_id=transaction.id if transaction else None,
        )
        response = await self._set(profile)
        self._session[connector] = profile
        return response

    async def limit_default(self, connector: int, limit: ChargingLimit) -> Payload:
        """Limit a connector from now on, the running transaction included."""
        profile = self._default(connector, limit)
        response = await self._set(profile)
        self._session.pop(connector, None)
        self._charge_point.wish(connector).current_limit = self._amperes(limit)
        self._charge_point.wishes_changed()
        await self.apply()
        return response

    async def limit_station(self, limit: ChargingLimit) -> Payload:
        """Set the ceiling of the whole charge point."""
        response = await self._set(self._station(limit))
        self._charge_point.wishes.maximum_current = self._amperes(limit)
        self._charge_point.wishes_changed()
        await self.apply()
        return response

    async def clear(self, connector: int) -> Payload:
        """Remove every limit of ours from a connector (0: the ceiling).

        Returns the charger's answer: Unknown where it held none.
        """
        purposes = (
            [Purpose.STATION]
            if connector == STATION
            else [Purpose.TRANSACTION, Purpose.DEFAULT]
        )
        commands = self._charge_point.commands
        async with self._lock:
            answers = []
            for purpose in purposes:
                answers.append(await commands.clear_limit_profile(purpose, connector))
                self._held.pop((purpose, connector), None)
        self._session.pop(connector, None)
        if connector == STATION:
            self._charge_point.wishes.maximum_current = None
        else:
            wish = self._charge_point.wish(connector)
            wish.current_limit = None
            wish.paused = False
        self._charge_point.wishes_changed()
        return next(
            (answer for answer in answers if answer.get("status") == "Accepted"),
            answers[-1],
        )

    async def _set(self, profile: LimitProfile) -> Payload:
        async with self._lock:
            slot = (profile.purpose, profile.connector)
            response = await self._charge_point.commands.set_limit_profile(profile)
            self._held[slot] = profile
            return response

    def _wanted(self) -> dict[Slot, LimitProfile]:
        charge_point = self._charge_point
        profiles: list[LimitProfile] = []
        if (ceiling := charge_point.wishes.maximum_current) is not None:
            profiles.append(self._station(ChargingLimit(ceiling)))
        for connector in charge_point.connectors:
            wish = charge_point.wish(connector)
            limit = (
                None
                if wish.current_limit is None
                else ChargingLimit(max(MINIMUM_CURRENT, wish.current_limit))
            )
            if limit:
                profiles.append(self._default(connector, limit))
            transaction = charge_point.transactions.at(connector)
            # A transaction whose id the charger was never told has none to limit by.
            if transaction is None or transaction.id <= 0:
                continue
            if wish.paused:
                limit = ChargingLimit(0)
            elif session := self._session_limit(connector):
                profiles.append(session)
                continue
            if limit:
                profiles.append(
                    LimitProfile(
                        purpose=Purpose.TRANSACTION,
                        connector=connector,
                        limit=self._spoken(limit),
                        transaction_id=transaction.id,
                    )
                )
        return {(profile.purpose, profile.connector): profile for profile in profiles}

    def _session_limit(self, connector: int) -> LimitProfile | None:
        profile = self._session.get(connector)
        if profile and profile.until and profile.until <= utcnow():
            del self._session[connector]
            return None
        return profile

    def _station(self, limit: ChargingLimit) -> LimitProfile:
        return LimitProfile(
            purpose=Purpose.STATION, connector=STATION, limit=self._spoken(limit)
        )

    def _default(self, connector: int, limit: ChargingLimit) -> LimitProfile:
        return LimitProfile(
            purpose=Purpose.DEFAULT, connector=connector, limit=self._spoken(limit)
        )

    def _fallback(self, connector: int) -> ChargingLimit:
        """Return what may flow once a limit of the session has run out."""
        wishes = self._charge_point.wishes
        config = self._charge_point.config
        return ChargingLimit(
            self._charge_point.wish(connector).current_limit
            or wishes.maximum_current
            or config.installation_current
        )

    def _spoken(self, limit: ChargingLimit) -> ChargingLimit:
        """Return a limit in a unit the charger speaks, rounded down to 0.1."""
        units = self._charge_point.limit_units
        value = limit.value
        if limit.unit not in units:
            config = self._charge_point.config
            volts = config.nominal_voltage * config.phases
            unit = units[0]
            value = value / volts if unit is LimitUnit.AMPERE else value * volts
            limit = ChargingLimit(value, unit)
        return ChargingLimit(floor(round(value * 10, 3)) / 10, limit.unit)

    def _amperes(self, limit: ChargingLimit) -> float:
        config = self._charge_point.config
        if limit.unit is LimitUnit.AMPERE:
            return limit.value
        return limit.value / (config.nominal_voltage * config.phases)
