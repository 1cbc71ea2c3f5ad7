"""What limits a charger from outside: its energy manager, the grid, other systems."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .clock import parse_time, utcnow
from .connection import Payload, Priority
from .errors import (
    CommandFailed,
    CommandTimeout,
    ConnectionLost,
    NotConnected,
    NotSupported,
)
from .evses import place_of
from .model import STATION
from .payloads import members, number, text
from .rendering import profile_id, purpose_of
from .schedule import limit_now

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# Whoever may limit a charger (OCPP 2.0.1, 3.12), and what of that balances loads.
_SOURCES = ["EMS", "Other", "SO", "CSO"]
_BALANCING = frozenset({"ems", "so"})
# How much less often a charger is asked for profiles than limits take to settle.
_SPARSELY = 12


@dataclass(frozen=True, slots=True)
class ExternalLimit:
    """A limit that the charger was told by somebody else (OCPP 2.0.1, K12)."""

    source: str
    grid_critical: bool
    schedules: Sequence[Payload]

    @property
    def balances(self) -> bool:
        """Return whether loads are balanced by it."""
        return _balances(self.source)


@dataclass(frozen=True, slots=True)
class ForeignProfile:
    """A charging profile in the charger that is not of us (OCPP 2.0.1, K09)."""

    evse: int
    source: str
    profile: Payload

    @property
    def balances(self) -> bool:
        """Return whether loads are balanced by it."""
        return _balances(self.source)


def _balances(source: str) -> bool:
    return source.casefold() in _BALANCING


class External:
    """What is known of limits at one charge point that are not of us."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Know of none."""
        self._charge_point = charge_point
        # By EVSE (0: the whole charge point) and source.
        self._limits: dict[tuple[int, str], ExternalLimit] = {}
        self._profiles: list[ForeignProfile] = []
        self._reading = False
        # Loop time before which the charger is not asked once more.
        self._not_before = 0.0
        # The transaction at each connector whose driver has asked to charge at once.
        self._priority: dict[int, str] = {}

    # Limits

    def limited(self, evse: int, limit: ExternalLimit) -> None:
        """Take note of a limit of an EVSE, or with 0 of the whole charge point."""
        self._limits[evse, limit.source] = limit
        self._changed(evse)

    def cleared(self, evse: int | None, source: str) -> None:
        """Take note that a limit is gone; without an EVSE, from all of them."""
        gone = [
            key
            for key in self._limits
            if key[1] == source and (not evse or key[0] == evse)
        ]
        for key in gone:
            del self._limits[key]
        self._changed(evse or STATION)

    def forget(self) -> None:
        """Assume nothing of a charger that has booted; it tells again what holds."""
        if self._limits or self._profiles:
            self._limits.clear()
            self._profiles.clear()
            self._changed(STATION)

    def at(self, connector: int) -> list[ExternalLimit]:
        """Return what limits a connector, the limits of the whole included."""
        evse, _ = place_of(connector)
        return [
            limit for (place, _), limit in self._limits.items() if place in (0, evse)
        ]

    def now(self, connector: int) -> float | None:
        """Return the lowest limit at present, in A per phase, as far as it was told."""
        limits = [
            value
            for limit in self.at(connector)
            if (value := self.value(limit)) is not None
        ]
        return min(limits, default=None)

    def value(self, limit: ExternalLimit) -> float | None:
        """Return what a limit comes to at present, in A per phase."""
        charge_point = self._charge_point
        values = [
            value
            for schedule in limit.schedules
            if (value := limit_now(schedule, charge_point.config, charge_point.clock))
            is not None
        ]
        return min(values, default=None)

    def _changed(self, evse: int) -> None:
        charge_point = self._charge_point
        concerned = [
            connector
            for connector in charge_point.connectors
            if not evse or place_of(connector)[0] == evse
        ]
        for connector in (STATION, *concerned):
            token = str([*self.at(connector), *self.profiles_at(connector)])
            # Nothing to tell is told to nobody.
            if token != "[]" or "external" in charge_point.values(connector):
                charge_point.update(connector, {"external": token})
        charge_point.schedules.refresh(STATION, *concerned)

    # Profiles of others

    def profiles_at(self, connector: int) -> list[ForeignProfile]:
        """Return the profiles of others that concern a connector."""
        evse, _ = place_of(connector)
        return [one for one in self._profiles if one.evse in (0, evse)]

    def profile_value(self, foreign: ForeignProfile, connector: int) -> float | None:
        """Return what a profile of others limits to at present, in A per phase."""
        charge_point, profile, now = self._charge_point, foreign.profile, utcnow()
        since, until = (
            parse_time(profile.get(name)) for name in ("validFrom", "validTo")
        )
        if (since and now < since) or (until and until <= now):
            return None
        transaction = charge_point.transactions.at(connector)
        values = [
            value
            for schedule in members(profile, "chargingSchedule")
            if (
                value := limit_now(
                    schedule,
                    charge_point.config,
                    charge_point.clock,
                    recurrency=profile.get("recurrencyKind"),
                    begun=transaction.started if transaction else None,
                )
            )
            is not None
        ]
        return min(values, default=None)

    def look(self) -> None:
        """Ask soon, and once, which profiles others have left in the charger."""
        charge_point = self._charge_point
        if (
            self._reading
            or not charge_point.claimed
            or not charge_point.connected
            or charge_point.version == "1.6"
            or charge_point.capabilities.no_profile_list
        ):
            return
        self._reading = True
        charge_point.run(self._read(), "read the profiles of others")

    async def _read(self) -> None:
        charge_point = self._charge_point
        connection = charge_point.connection
        try:
            loop = asyncio.get_running_loop()
            settle = charge_point.timing.settle
            await asyncio.sleep(max(settle, self._not_before - loop.time()))
            self._not_before = loop.time() + _SPARSELY * settle
            while charge_point.bring_up.under_way:
                await charge_point.bring_up.ended()
            reports = await charge_point.commands.get_charging_profiles(
                {"chargingLimitSource": _SOURCES}, None, Priority.POLL
            )
        except ConnectionLost:
            # It may be what took the charger down.
            if connection and connection.lost:
                await self._give_up()
            return
        except NotConnected:
            return
        except NotSupported, CommandTimeout:
            await self._give_up()
            return
        except CommandFailed:
            return
        finally:
            self._reading = False
        self._profiles = list(self._foreign(reports["charging_profiles"]))
        self._changed(STATION)

    async def _give_up(self) -> None:
        self._charge_point.capabilities.no_profile_list = True
        await self._charge_point.capability_store.save()

    def _foreign(self, found: Sequence[Payload]) -> Iterator[ForeignProfile]:
        for report in found:
            evse, profile = number(report, "evseId") or 0, report["chargingProfile"]
            if not self._is_ours(evse, profile):
                source = text(report, "chargingLimitSource")
                yield ForeignProfile(evse, source, profile)

    def _is_ours(self, evse: int, profile: Payload) -> bool:
        purpose = purpose_of(text(profile, "chargingProfilePurpose"))
        stack = number(profile, "stackLevel") or 0
        return purpose is not None and number(profile, "id") == profile_id(
            self._charge_point, purpose, evse, stack
        )

    # Who has asked to charge at once

    def prioritized(self, connector: int, reference: str, *, active: bool) -> None:
        """Take note that the driver has asked for all there is, or does no longer."""
        if active:
            self._priority[connector] = reference
        else:
            self._priority.pop(connector, None)

    def has_priority(self, connector: int) -> bool:
        """Return whether the driver at a connector has asked for all there is."""
        transaction = self._charge_point.transactions.at(connector)
        return (
            transaction is not None
            and self._priority.get(connector) == transaction.reference
        )
