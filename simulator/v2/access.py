"""The list of tokens a station knows by heart, and who keeps a place free (OCPP 2.x, D, H)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, override

from simulator.clock import Timer, parse_time

from . import hooks
from .schemas import Payload
from .tokens import same
from .variables import Variable

if TYPE_CHECKING:
    from .features import Features
    from .station import Connector2, Evse

type Key = tuple[str, str]


def _key(token: Mapping[str, Any]) -> Key:
    return str(token["idToken"]).casefold(), str(token["type"])


class LocalList2(hooks.LocalList):
    """A local authorization list (D). Survives reboots."""

    def __init__(self, charger: Features) -> None:
        """Begin with an empty list."""
        self._charger = charger
        self.version = 0
        self._entries: dict[Key, Payload] = {}
        add = charger.variables.add
        name = "LocalAuthListCtrlr"
        add(f"{name}.Available", Variable("true", "boolean", "ReadOnly"))
        add(f"{name}.Enabled", Variable("true", "boolean"))
        add(f"{name}.DisablePostAuthorize", Variable("false", "boolean"))
        entries = Variable(
            kind="integer",
            mutability="ReadOnly",
            maximum=100,
            live=lambda: str(len(self._entries)),
        )
        add(f"{name}.Entries", entries)
        add(f"{name}.ItemsPerMessage", Variable("20", "integer", "ReadOnly"))
        add(f"{name}.BytesPerMessage", Variable("8000", "integer", "ReadOnly"))

    @property
    def enabled(self) -> bool:
        """Whether this station has and uses a list."""
        return all(
            self._charger.variables.truth(f"LocalAuthListCtrlr.{name}")
            for name in ("Available", "Enabled")
        )

    @property
    def tokens(self) -> dict[str, str]:
        """The status of each token in the list."""
        return {
            token: str(info["status"]) for (token, _), info in self._entries.items()
        }

    @override
    def find(self, token: Payload) -> Payload | None:
        info = self._entries.get(_key(token)) if self.enabled else None
        if info is None:
            return None
        expiry = info.get("cacheExpiryDateTime")
        expired = expiry is not None and parse_time(expiry) <= self._charger.clock.now()
        return {**info, "status": "Expired"} if expired else info

    def update(
        self, version: int, kind: str, entries: Sequence[Mapping[str, Any]], size: int
    ) -> tuple[str, str]:
        """Replace or change the list; returns the status to answer, and why if it failed."""
        variables = self._charger.variables
        keys = [_key(entry["idToken"]) for entry in entries]
        if len(set(keys)) < len(keys):
            self._charger.violated("SendLocalList: a token twice (D01.FR.12)")
            return "Failed", "InvalidValue"
        if version <= 0:
            self._charger.violated("SendLocalList: 0 is no version (D01.FR.18)")
            return "Failed", "InvalidValue"
        if len(entries) > variables.integer("LocalAuthListCtrlr.ItemsPerMessage"):
            self._charger.violated("SendLocalList: more than ItemsPerMessage")
            return "Failed", "TooManyElements"
        if size > variables.integer("LocalAuthListCtrlr.BytesPerMessage"):
            self._charger.violated("SendLocalList: more than BytesPerMessage")
            return "Failed", "TooLargeElement"
        full = kind == "Full"
        if not full and version <= self.version:
            return "VersionMismatch", ""
        updated = {} if full else dict(self._entries)
        for key, entry in zip(keys, entries, strict=True):
            if (info := entry.get("idTokenInfo")) is not None:
                updated[key] = info
            elif full:
                self._charger.violated(
                    "SendLocalList: idTokenInfo is missing (D01.FR.11)"
                )
                return "Failed", "MissingParam"
            else:
                updated.pop(key, None)
        if len(updated) > self._most:
            return "Failed", "OutOfStorage"
        self.version, self._entries = version, updated
        return "Accepted", ""

    @property
    def _most(self) -> float:
        return self._charger.maximum("LocalAuthListCtrlr.Entries")


@dataclass(eq=False)
class Reservation2:
    """A reservation: of an EVSE, of a type of connector, or of whatever is free."""

    id: int
    evse: int | None
    kind: str | None
    token: Payload
    group: Payload | None
    timer: Timer

    def meets(self, token: Payload, group: Payload | None) -> bool:
        """Whether it is for somebody."""
        return same(self.token, token) or same(self.group, group)

    def fits(self, evse: Evse, kind: str) -> bool:
        """Whether an EVSE is of what is reserved."""
        return self.evse in {None, evse.id} and self.kind in {None, kind}


class Reservations2(hooks.Reservations):
    """Keeps places free (H). Survives reboots."""

    def __init__(self, charger: Features) -> None:
        """Begin with none."""
        self._charger = charger
        self._reservations: dict[int, Reservation2] = {}
        add = charger.variables.add
        add("ReservationCtrlr.Available", Variable("true", "boolean", "ReadOnly"))
        add("ReservationCtrlr.Enabled", Variable("true", "boolean"))
        add("ReservationCtrlr.NonEvseSpecific", Variable("true", "boolean", "ReadOnly"))

    @property
    def ids(self) -> list[int]:
        """The reservations there are."""
        return list(self._reservations)

    def kind(self, evse: Evse) -> str:
        """What kind of connector an EVSE has."""
        name = f"Connector@{evse.id}:1.ConnectorType"
        return self._charger.variables.text(name) or "cType2"

    def _status(self, evse: Evse) -> str:
        """The status of an EVSE, as one of its connectors shows it."""
        statuses = [connector.status for connector in evse.connectors]
        return next((each for each in statuses if each == "Available"), statuses[0])

    def reserve(self, payload: Payload) -> tuple[str, str]:
        """Reserve something, or change a reservation; returns the answer, and why if refused."""
        variables = self._charger.variables
        if not variables.truth("ReservationCtrlr.Enabled"):
            return "Rejected", "NotEnabled"
        rest = self._rest(parse_time(payload["expiryDateTime"]))
        if rest <= 0:
            return "Rejected", "InvalidValue"
        number, kind = payload.get("evseId"), payload.get("connectorType")
        station = self._charger.station
        if number is not None and station.evse(number) is None:
            return "Rejected", "UnknownEvse"
        if number is None and not variables.truth("ReservationCtrlr.NonEvseSpecific"):
            return "Rejected", "UnsupportedRequest"
        wanted = [evse for evse in station.evses if number in {None, evse.id}]
        wanted = [evse for evse in wanted if kind in {None, self.kind(evse)}]
        if not wanted:
            return "Rejected", "UnknownConnectorType"
        before = self._reservations.get(payload["id"])
        free = [
            evse
            for evse in wanted
            if self._status(evse) == "Available"
            or (before is not None and before.evse == evse.id)
        ]
        others = sum(
            each.evse is None and each.id != payload["id"]
            for each in self._reservations.values()
        )
        if len(free) <= (others if number is None else 0):
            statuses = {self._status(evse) for evse in wanted}
            for status in ("Faulted", "Unavailable"):
                if statuses == {status}:
                    return status, ""
            return "Occupied", ""
        self._put(payload, rest)
        return "Accepted", ""

    def _put(self, payload: Payload, rest: float) -> None:
        reservation_id = payload["id"]
        self._drop(reservation_id)
        self._reservations[reservation_id] = Reservation2(
            reservation_id,
            payload.get("evseId"),
            payload.get("connectorType"),
            payload["idToken"],
            payload.get("groupIdToken"),
            self._charger.clock.call_later(
                rest, lambda: self.over(reservation_id, "Expired")
            ),
        )
        self._show()

    def _rest(self, expiry: datetime) -> float:
        return (expiry - self._charger.clock.now()) / timedelta(seconds=1)

    def cancel(self, reservation_id: int) -> None:
        """Keep a place free no longer, because the central system says so."""
        self._drop(reservation_id)
        self._show()
        self._charger.station.update()

    def over(self, reservation_id: int, status: str) -> None:
        """Keep a place free no longer, and say so: Expired or Removed."""
        if reservation_id in self._reservations:
            self.cancel(reservation_id)
            payload = {
                "reservationId": reservation_id,
                "reservationUpdateStatus": status,
            }
            self._charger.outbox.put("ReservationStatusUpdate", payload)

    @override
    def permits(self, evse: Evse, token: Payload, group: Payload | None) -> bool:
        if self._of(evse, token, group) is not None:
            return True
        station = self._charger.station
        if any(each.evse == evse.id for each in self._reservations.values()):
            return False
        free = [one for one in station.evses if self._status(one) == "Available"]
        anywhere = sum(each.evse is None for each in self._reservations.values())
        return evse not in free or len(free) > anywhere

    @override
    def use(self, evse: Evse, token: Payload, group: Payload | None) -> int | None:
        reservation = self._of(evse, token, group)
        if reservation is None:
            return None
        self._drop(reservation.id)
        self._show()
        return reservation.id

    def watch(self) -> None:
        """Give up what is kept where it cannot be kept any more (H01.FR.17)."""
        for reservation in list(self._reservations.values()):
            if reservation.evse is None:
                continue
            evse = self._charger.station.evse(reservation.evse)
            if evse is not None and self._status(evse) in {"Faulted", "Unavailable"}:
                self.over(reservation.id, "Removed")

    def stop(self) -> None:
        """Stop all timers."""
        for reservation in self._reservations.values():
            reservation.timer.cancel()

    def _of(
        self, evse: Evse, token: Payload, group: Payload | None
    ) -> Reservation2 | None:
        """The reservation somebody has for an EVSE: for itself first."""
        kind = self.kind(evse)
        found = [
            each
            for each in self._reservations.values()
            if each.fits(evse, kind) and each.meets(token, group)
        ]
        return min(found, key=lambda each: each.evse is None, default=None)

    def _drop(self, reservation_id: int) -> None:
        if (reservation := self._reservations.pop(reservation_id, None)) is not None:
            reservation.timer.cancel()

    def _show(self) -> None:
        places = {reservation.evse for reservation in self._reservations.values()}
        connectors: list[Connector2] = self._charger.station.connectors
        for connector in connectors:
            connector.reserved = connector.evse.id in places
