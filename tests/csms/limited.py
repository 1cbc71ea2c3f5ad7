"""A charger that executes charging profiles by the standard, as far as it is willing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from .common import (
    Answer,
    Central,
    Charger,
    Payload,
    Refusal,
    Silence,
    meter_values,
    sample,
    status,
    stop,
)

# What its hardware and its wiring carry, in A.
HARDWARE = 16.0
STATION, DEFAULT, TRANSACTION = (
    "ChargePointMaxProfile",
    "TxDefaultProfile",
    "TxProfile",
)
EVERYTHING = frozenset({STATION, DEFAULT, TRANSACTION})
_WATTS = 3 * 230


@dataclass(frozen=True)
class Temper:
    """What a charger makes of profiles that are well-formed."""

    rejects: frozenset[str] = frozenset()
    # Accepted, and of no effect.
    ignores: frozenset[str] = frozenset()
    # One out of so many is not answered; every other of these is carried out.
    silent: int = 0
    # Whether it tells the sum of what it executes; or of what it accepted, even if it
    # ignores it.
    composite: bool = False
    lies: bool = False
    # How it says no.
    refusal: Answer = field(default_factory=lambda: {"status": "Rejected"})

    @property
    def obeys(self) -> bool:
        """Return whether it does all that it is told."""
        return not (self.rejects or self.ignores or self.silent)


OBEYS = Temper()
TEMPERS = [
    OBEYS,
    Temper(composite=True),
    Temper(rejects=frozenset({TRANSACTION})),
    Temper(rejects=frozenset({TRANSACTION}), composite=True),
    Temper(rejects=EVERYTHING),
    Temper(rejects=frozenset({STATION}), refusal=Refusal("NotSupported")),
    Temper(ignores=frozenset({TRANSACTION})),
    Temper(ignores=frozenset({TRANSACTION}), composite=True),
    Temper(ignores=frozenset({TRANSACTION}), composite=True, lies=True),
    Temper(ignores=frozenset({DEFAULT})),
    Temper(ignores=EVERYTHING),
    Temper(ignores=EVERYTHING, composite=True, lies=True),
    Temper(silent=3),
    Temper(silent=2, composite=True),
]


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


@dataclass(frozen=True)
class Profile:
    """A charging profile as it is executed."""

    id: int
    purpose: str
    connector: int
    stack: int
    # None: counted from the start of the transaction.
    start: datetime | None
    # Since when in seconds, and so many A.
    periods: tuple[tuple[float, float], ...]
    valid_to: datetime | None = None
    transaction: int | None = None

    @classmethod
    def read(cls, payload: Payload) -> Self:
        """Read what is to be set."""
        profile = payload["csChargingProfiles"]
        schedule = profile["chargingSchedule"]
        scale = 1 if schedule["chargingRateUnit"] == "A" else 1 / _WATTS
        absolute = profile["chargingProfileKind"] == "Absolute"
        return cls(
            profile["chargingProfileId"],
            profile["chargingProfilePurpose"],
            payload["connectorId"],
            profile["stackLevel"],
            _time(schedule["startSchedule"]) if absolute else None,
            tuple(
                (period["startPeriod"], period["limit"] * scale)
                for period in schedule["chargingSchedulePeriod"]
            ),
            _time(profile["validTo"]) if "validTo" in profile else None,
            profile.get("transactionId"),
        )

    def limit(self, time: datetime, began: datetime | None) -> float | None:
        """Return what it limits to at a time, if it does."""
        start = self.start or began
        if start is None or (self.valid_to and time >= self.valid_to):
            return None
        elapsed = (time - start).total_seconds()
        limits = [limit for since, limit in self.periods if since <= elapsed]
        return limits[-1] if limits else None

    def changes(self, began: datetime | None) -> Iterator[datetime]:
        """Return when it may limit to something else."""
        if start := self.start or began:
            for since, _ in self.periods:
                yield start + timedelta(seconds=since)
        if self.valid_to:
            yield self.valid_to

    def repeats(self, other: Self, time: datetime, began: datetime | None) -> bool:
        """Return whether it comes to the same as another from a time on."""
        changes = {*self.changes(began), *other.changes(began)}
        return self.place == other.place and all(
            self.limit(each, began) == other.limit(each, began)
            for each in {time, *(each for each in changes if each > time)}
        )

    @property
    def place(self) -> tuple[str, int, int]:
        """Return what it replaces, and is replaced by."""
        return self.purpose, self.connector, self.stack


@dataclass
class Running:
    """A transaction."""

    id: int
    began: datetime


class LimitedCharger:
    """A charger of OCPP 1.6 with cars that take all they can get."""

    raw: Charger

    def __init__(self, temper: Temper, connectors: int) -> None:
        """Begin without profiles."""
        self.temper = temper
        self.connectors = range(1, connectors + 1)
        self.running: dict[int, Running] = {}
        self.profiles: list[Profile] = []
        # What it was told since somebody looked last.
        self.told: list[Profile] = []
        # When it was told, per place, what it held already; since it connected last.
        self.repeated: dict[tuple[str, int, int], list[datetime]] = {}
        self.connected = False
        self._sets = 0

    # What it executes

    def allowed(self, connector: int, time: datetime, *, lying: bool = False) -> float:
        """Return what may flow at a time by all that it executes, in A."""
        running = self.running.get(connector)
        began = running.began if running else None
        station = self._leading([STATION], (0,), time, began, lying)
        own = self._leading([TRANSACTION], (connector,), time, began, lying)
        if own is None or running is None:
            own = self._leading([DEFAULT], (connector,), time, began, lying)
        if own is None:
            own = self._leading([DEFAULT], (0,), time, began, lying)
        return min(limit for limit in (station, own, HARDWARE) if limit is not None)

    def idle(self, connector: int, time: datetime) -> float:
        """Return what the next transaction would begin with."""
        kept = self.running.pop(connector, None)
        try:
            return self.allowed(connector, time)
        finally:
            if kept:
                self.running[connector] = kept

    def _leading(
        self,
        purposes: list[str],
        places: tuple[int, ...],
        time: datetime,
        began: datetime | None,
        lying: bool,
    ) -> float | None:
        for profile in sorted(self.profiles, key=lambda one: -one.stack):
            if profile.purpose in purposes and profile.connector in places:
                if profile.purpose in self.temper.ignores and not lying:
                    continue
                if (limit := profile.limit(time, began)) is not None:
                    return limit
        return None

    # What it is told

    def _set(self, payload: Payload) -> Answer:
        profile = Profile.read(payload)
        self.told.append(profile)
        if profile.purpose in self.temper.rejects:
            return self.temper.refusal
        running = self.running.get(profile.connector)
        if profile.purpose == TRANSACTION and (
            running is None or profile.transaction not in (None, running.id)
        ):
            return {"status": "Rejected"}
        if profile.purpose == STATION and profile.connector:
            return {"status": "Rejected"}
        self._sets += 1
        silent = self.temper.silent and self._sets % self.temper.silent == 0
        if silent and self._sets // self.temper.silent % 2:
            return Silence()
        now, began = datetime.now(UTC), running.began if running else None
        if any(profile.repeats(one, now, began) for one in self.profiles):
            self.repeated.setdefault(profile.place, []).append(now)
        self.profiles = [
            one
            for one in self.profiles
            if one.id != profile.id and one.place != profile.place
        ]
        self.profiles.append(profile)
        return Silence() if silent else {"status": "Accepted"}

    def _clear(self, payload: Payload) -> Answer:
        names = {
            "id": "id",
            "connectorId": "connector",
            "chargingProfilePurpose": "purpose",
            "stackLevel": "stack",
        }
        kept = [
            profile
            for profile in self.profiles
            if any(
                getattr(profile, names[key]) != value for key, value in payload.items()
            )
        ]
        found = len(kept) < len(self.profiles)
        self.profiles = kept
        return {"status": "Accepted" if found else "Unknown"}

    def _composite(self, payload: Payload) -> Answer:
        connector, now = payload["connectorId"], datetime.now(UTC)
        if not self.temper.composite or connector == 0:
            return {"status": "Rejected"}
        running = self.running.get(connector)
        end = now + timedelta(seconds=payload["duration"])
        times = {
            time
            for profile in self.profiles
            for time in profile.changes(running.began if running else None)
            if now < time < end
        }
        return {
            "status": "Accepted",
            "connectorId": connector,
            "scheduleStart": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "chargingSchedule": {
                "duration": payload["duration"],
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [
                    {
                        "startPeriod": int((time - now).total_seconds()),
                        "limit": self.allowed(connector, time, lying=self.temper.lies),
                    }
                    for time in [now, *sorted(times)]
                ],
            },
        }

    # What it says

    async def dial(self, central: Central) -> None:
        """Connect."""
        self.repeated.clear()
        self.raw = await central.dial()
        self.raw.answers |= {
            "SetChargingProfile": self._set,
            "ClearChargingProfile": self._clear,
            "GetCompositeSchedule": self._composite,
            "TriggerMessage": {"status": "NotImplemented"},
        }
        self.connected = True

    async def hang_up(self) -> None:
        """Lose the connection."""
        if self.connected:
            self.connected = False
            await self.raw.hang_up()

    async def boot(self, central: Central) -> None:
        """Restart; what was for transactions is lost, and these go on."""
        await self.hang_up()
        self.profiles = [one for one in self.profiles if one.purpose != TRANSACTION]
        await self.dial(central)
        await self.raw.boot(*(status("Available", each) for each in self.connectors))
        await self.measure()

    async def begin(self, connector: int) -> None:
        """Have a car come."""
        began = datetime.now(UTC).replace(microsecond=0)
        number = await self.raw.start(connector, token=f"CARD{connector}")
        self.running[connector] = Running(number, began)
        await self.measure()

    async def end(self, connector: int) -> None:
        """Have a car leave."""
        running = self.running.pop(connector)
        self.profiles = [
            one
            for one in self.profiles
            if (one.purpose, one.connector) != (TRANSACTION, connector)
        ]
        await self.raw.call("StopTransaction", stop(running.id))
        await self.raw.call("StatusNotification", status("Available", connector))

    async def measure(self) -> None:
        """Tell what flows."""
        for connector, running in self.running.items():
            current = self.allowed(connector, datetime.now(UTC))
            word = "Charging" if current >= 6 else "SuspendedEVSE"
            await self.raw.call("StatusNotification", status(word, connector))
            value: Any = f"{current if current >= 6 else 0:.2f}"
            await self.raw.call(
                "MeterValues",
                meter_values(
                    sample(value, "Current.Import", unit="A"),
                    connector=connector,
                    transaction=running.id,
                ),
            )
