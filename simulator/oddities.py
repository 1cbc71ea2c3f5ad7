"""What becomes of limits at a charger with quirks, whatever version of OCPP it speaks."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
import math
from typing import Any, Protocol, Self

from .activity import Activity
from .clock import Clock, parse_time
from .quirks import Composite, Quirks, Refusal, Target
from .transport import TransportClosed

_TARGETS = {
    "ChargePointMaxProfile": Target.STATION,
    "ChargingStationMaxProfile": Target.STATION,
    "TxDefaultProfile": Target.DEFAULT,
    "TxProfile": Target.TRANSACTION,
}
#: Below this nothing is offered, in A or W.
_NOTHING = 0.05
#: How long a charger needs for what it does of its own accord, in seconds.
_MOMENT = 1.0


class Installed(Protocol):
    """A profile of any version."""

    @property
    def id(self) -> int:
        """What the central system calls it."""

    @property
    def purpose(self) -> str:
        """What it limits, in the words of its version."""


class Session(Protocol):
    """A transaction of any version."""

    @property
    def start(self) -> datetime:
        """When it began."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered in place of a proper answer: a frame without its ids, or nothing."""

    frame: tuple[int, list[Any]] | None


_ACCEPTED = Reply((3, [{"status": "Accepted"}]))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A profile as it is asked for."""

    id: int
    where: int
    target: Target | None
    kind: str
    stack: int
    unit: str
    start: datetime | None
    periods: list[Mapping[str, Any]]

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> Self | None:
        """Read a SetChargingProfile. What makes no sense is left to others to refuse."""
        try:
            profile = payload.get("csChargingProfiles") or payload["chargingProfile"]
            schedules = profile["chargingSchedule"]
            schedule = schedules[0] if isinstance(schedules, list) else schedules
            start = schedule.get("startSchedule")
            return cls(
                id=profile.get("chargingProfileId", profile.get("id")),
                where=payload.get("connectorId", payload.get("evseId")),
                target=_TARGETS.get(profile["chargingProfilePurpose"]),
                kind=profile["chargingProfileKind"],
                stack=profile["stackLevel"],
                unit=schedule["chargingRateUnit"],
                start=None if start is None else parse_time(start),
                periods=schedule["chargingSchedulePeriod"],
            )
        except KeyError, IndexError, TypeError, ValueError:
            return None

    def limit_at(self, now: datetime) -> float:
        """What it lets flow now, in its unit."""
        elapsed = 0.0
        if self.kind == "Absolute" and self.start is not None:
            elapsed = (now - self.start).total_seconds()
        found = math.inf
        for period in self.periods:
            if period["startPeriod"] <= elapsed:
                found = period.get("limit", math.inf)
        return found


class Oddities:
    """Makes one charger behave as its quirks want it to."""

    def __init__(self, quirks: Quirks, clock: Clock, activity: Activity) -> None:
        """Begin as if it had just been bought."""
        self.quirks = quirks
        #: How many profiles it says it can hold.
        self.room: Callable[[], int] = lambda: 10
        #: Restarts the charger.
        self.reboot: Callable[[], None] = lambda: None
        #: Ends the transaction of a connector.
        self.end: Callable[[int], None] = lambda _connector: None
        #: Whether it hangs until a reboot: nobody can charge any more.
        self.hung = False
        self._clock = clock
        self._activity = activity
        # Connectors that are told 0, those that missed what came after it, and those
        # that remain there.
        self._at_zero: set[int] = set()
        self._missed: set[int] = set()
        self._stuck: set[int] = set()
        # Ids of profiles that do not count.
        self._void: set[int] = set()
        # By connector, when its transaction began and the defaults of that time.
        self._begun: dict[int, tuple[datetime, tuple[Any, ...]]] = {}

    # What is asked of it

    def answer(self, action: str, payload: Any) -> Reply | None:
        """What to answer instead of serving a request; None: it is served as ever."""
        quirks = self.quirks
        match action:
            case "SetChargingProfile" | "ClearChargingProfile" if quirks.no_profiles:
                return _refused(Refusal.UNKNOWN)
            case "SetChargingProfile" if (asked := _Asked.read(payload)) is not None:
                refusal = self._refusal(asked)
                if refusal is not None:
                    return _refused(refusal, old="connectorId" in payload)
                return self._take(asked)
            case "ClearChargingProfile" if self._stuck:
                return Reply((3, [{"status": "Unknown"}]))
            case "GetCompositeSchedule" if quirks.composite is Composite.NONE:
                return _refused(Refusal.UNKNOWN)
            case "GetConfiguration" if quirks.reboots_on_read & {
                *(payload.get("key") or ())
            }:
                self._soon(self.reboot)
                return Reply(None)
            case "ChangeConfiguration" if quirks.reboots_on_change:
                self._soon(self.reboot)
        return None

    def _refusal(self, asked: _Asked) -> Refusal | None:
        """How a profile is refused, if it is."""
        quirks = self.quirks
        if asked.target is not None and asked.target not in quirks.purposes:
            return quirks.no_purpose
        if asked.kind in quirks.no_kinds:
            return quirks.no_kind
        low, high = quirks.stacks or (asked.stack, asked.stack)
        limits = [period.get("limit", 0) for period in asked.periods]
        if (
            (quirks.zero_only and asked.where != 0)
            or asked.unit not in quirks.units
            or not low <= asked.stack <= high
            or (quirks.small_ids and asked.id > self.room())
            or (quirks.no_zero and 0 in limits)
            or (quirks.no_decimals and any(limit % 1 for limit in limits))
            or (quirks.no_phases and any("numberPhases" in p for p in asked.periods))
            or (asked.target is Target.TRANSACTION and asked.where in self._stuck)
        ):
            return Refusal.REJECTED
        return None

    def _take(self, asked: _Asked) -> Reply | None:
        """Take note of a profile that is accepted; a reply: and forgotten at once."""
        quirks, now = self.quirks, self._clock.now()
        future = asked.start is not None and asked.start > now
        (self._void.add if quirks.no_future and future else self._void.discard)(
            asked.id
        )
        if asked.target in quirks.ignores or asked.id in self._void:
            return None
        if asked.limit_at(now) < _NOTHING:
            self._at_zero.add(asked.where)
            self._missed.discard(asked.where)
            if quirks.stuck_at_zero and asked.target is Target.TRANSACTION:
                self._stuck.add(asked.where)
        elif asked.where in self._at_zero:
            if quirks.deaf_after_zero and asked.where not in self._missed:
                self._missed.add(asked.where)
                return _ACCEPTED
            self._at_zero.discard(asked.where)
        return None

    def taken(self, action: str, payload: Any) -> Any:
        """A request as the charger understands it."""
        if action != "SetChargingProfile" or not self.quirks.single_period:
            return payload
        if (asked := _Asked.read(payload)) is None:
            return payload
        name = "csChargingProfiles" if "connectorId" in payload else "chargingProfile"
        schedules = payload[name]["chargingSchedule"]
        several = isinstance(schedules, list)
        schedule = schedules[0] if several else schedules
        first = {**schedule, "chargingSchedulePeriod": asked.periods[:1]}
        changed = [first, *schedules[1:]] if several else first
        return {**payload, name: {**payload[name], "chargingSchedule": changed}}

    def defer(self, message: str, send: Callable[[str], Awaitable[None]]) -> bool:
        """Hold an answer back for as long as the charger takes over it."""
        if not self.quirks.delay or not message.lstrip("[ ").startswith(("3", "4")):
            return False

        async def late() -> None:
            with suppress(TransportClosed):
                await send(message)

        self._clock.call_later(self.quirks.delay, lambda: self._activity.spawn(late()))
        return True

    def _soon(self, what: Callable[[], None]) -> None:
        self._clock.call_later(_MOMENT, what)

    # What flows

    def counting[P: Installed](
        self, profiles: Collection[P], connector: int, running: Mapping[int, Session]
    ) -> list[P]:
        """The profiles that a connector is limited by, as far as the charger cares."""
        ignored = self.quirks.ignores
        found = [
            profile
            for profile in profiles
            if profile.id not in self._void
            and _TARGETS.get(profile.purpose) not in ignored
        ]
        session = running.get(connector)
        if not self.quirks.default_fixed or session is None:
            return found
        defaults = [each for each in found if _is_default(each)]
        began, then = self._begun.get(connector, (None, ()))
        if began != session.start:
            then = tuple(defaults)
            self._begun[connector] = session.start, then
        return [*then, *(each for each in found if not _is_default(each))]

    def told[P: Installed](
        self, profiles: Collection[P], connector: int, running: Mapping[int, Session]
    ) -> Collection[P]:
        """The profiles that a composite schedule is made of."""
        match self.quirks.composite:
            case Composite.CONSTANT:
                return ()
            case Composite.FORMAL:
                return profiles
        return self.counting(profiles, connector, running)

    def offered(self, connector: int, current: float) -> float:
        """What is offered in place of what the profiles allow, in A."""
        quirks = self.quirks
        if connector in self._stuck:
            return 0.0
        if quirks.cap is not None:
            current = min(current, quirks.cap)
        if not _NOTHING < current < math.inf:
            return current
        current = max(current, quirks.floor)
        if quirks.steps:
            current = max((s for s in quirks.steps if s <= current), default=0.0)
        if quirks.step:
            current = math.floor(current / quirks.step + 1e-6) * quirks.step
        return current

    def limited(self, connector: int, current: float, *, busy: bool) -> None:
        """Take note of what the profiles allow a connector."""
        if current >= _NOTHING:
            return
        if busy and self.quirks.zero_ends:
            self._soon(lambda: self.end(connector))
        if not busy and self.quirks.hangs_at_zero:
            self.hung = True

    # What happens

    def ended(self, connector: int) -> None:
        """A transaction has ended."""
        self._at_zero.discard(connector)
        self._missed.discard(connector)

    def rebooted(self) -> None:
        """The charger has restarted."""
        self.hung = False
        for several in (self._stuck, self._at_zero, self._missed):
            several.clear()


def _is_default(profile: Installed) -> bool:
    return _TARGETS.get(profile.purpose) is Target.DEFAULT


def _refused(refusal: Refusal, *, old: bool = True) -> Reply:
    """Refuse something; 2.x knows fewer statuses than 1.6."""
    match refusal:
        case Refusal.SILENCE:
            return Reply(None)
        case Refusal.ERROR | Refusal.UNKNOWN:
            return Reply((4, [refusal.value, "", {}]))
        case Refusal.NOT_SUPPORTED if not old:
            return Reply((3, [{"status": "Rejected"}]))
    return Reply((3, [{"status": refusal.value}]))
