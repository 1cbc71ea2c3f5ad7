"""The list of tokens that a charger keeps for when it is on its own."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
import logging
from typing import TYPE_CHECKING, Any

from ocpp.v16.enums import UpdateType
import orjson

from .clock import format_time
from .connection import Payload, Priority
from .errors import CommandError, CommandRejected, NotConnected, NotSupported
from .model import AuthorizationStatus, Authorizer, KnownToken
from .state import Unsubscribe, add_listener, call_listeners
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_LOGGER = logging.getLogger(__name__)

STEP = "SendLocalList"
# What a charger says of its list that has none (OCPP 1.6, 5.10).
_NO_LIST = -1
# What a message has besides the tokens.
_OVERHEAD = 200


class ListProblem(StrEnum):
    """Why the list on a charger is not, or not all of, what it should be."""

    # Somebody else's list is on the charger, and it cannot be read back.
    FOREIGN = "local_list_foreign"
    TOO_LONG = "local_list_too_long"


@dataclass(slots=True, kw_only=True)
class _State:
    """What is known of the list on a charger, over restarts."""

    # The version that `entries` are; None: what is on the charger is not known.
    version: int | None = 0
    # As they were sent, by casefolded token.
    entries: dict[str, Payload] = field(default_factory=dict)
    # The versions of ours: the one there was before, and the newest one that may have
    # arrived. 0: there are none.
    first: int = 0
    last: int = 0
    # The version of a foreign list that the user has let us replace.
    replace: int | None = None


class LocalList:
    """Keeps a charger's list in step with the known tokens, where the user wants that."""

    def __init__(self, charge_point: ChargePoint, authorizer: Authorizer) -> None:
        """Know nothing of the list yet."""
        self._charge_point = charge_point
        self._authorizer = authorizer
        self._state = _State()
        self._problems: dict[ListProblem, dict[str, int]] = {}
        # The version found on the charger that is not ours.
        self._foreign: int | None = None
        self._complaint = ""
        self._busy = asyncio.Lock()
        self._following = False
        self._listeners: list[Callable[[], None]] = []

    # What is known

    @property
    def problems(self) -> Mapping[ListProblem, Mapping[str, int]]:
        """Return what the user has to know, with the numbers that matter."""
        return self._problems

    @property
    def wanted(self) -> bool:
        """Return whether the list is to be kept in step."""
        return self._charge_point.config.sync_local_list

    def has(self, id_token: str) -> bool:
        """Return whether a token may charge by the list that is on the charger."""
        return any(
            entry["idTagInfo"].get("status") == AuthorizationStatus.ACCEPTED
            and self._authorizer.same(id_token, listed)
            for listed, entry in self._state.entries.items()
        )

    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call a listener after something to be kept or told has changed."""
        return add_listener(self._listeners, listener)

    def as_dict(self) -> dict[str, Any]:
        """Return what `restore` takes."""
        return asdict(self._state)

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up what was known before a restart."""
        self._state = _State(**data)

    def sent(
        self, version: int, update_type: str, entries: Sequence[Mapping[str, Any]]
    ) -> None:
        """Take note of a list the charger has accepted, whoever had it sent."""
        state = self._state
        if not self._busy.locked():
            # By hand: not to be written over without asking.
            state.first = state.last = 0
        if update_type == UpdateType.full:
            state.entries = {}
        for entry in entries:
            if entry.get("idTagInfo"):
                state.entries[entry["idTag"].casefold()] = dict(entry)
            else:
                state.entries.pop(entry["idTag"].casefold(), None)
        state.version = version
        self._changed()

    # Keeping in step

    def follow(self) -> None:
        """Bring the list in step soon: the tokens, or whether it is wanted, changed."""
        charge_point = self._charge_point
        if not self.wanted:
            if self._problems:
                self._problems.clear()
                self._changed()
        elif charge_point.connected and charge_point.claimed and not self._following:
            self._following = True
            charge_point.run(self._follow(), "keep the list of tokens in step")

    def replace(self) -> None:
        """Let the list that was found on the charger be replaced."""
        self._state.replace = self._foreign
        self._problems.pop(ListProblem.FOREIGN, None)
        self._changed()
        self.follow()

    async def _follow(self) -> None:
        try:
            # It does the same at its end, unless it is over already.
            await self._charge_point.bring_up.ended()
        finally:
            self._following = False
        await self.sync()

    async def sync(self) -> None:
        """Bring the list in step with the known tokens."""
        charge_point = self._charge_point
        if not self.wanted or STEP in charge_point.capabilities.quarantined:
            return
        async with self._busy:
            if charge_point.capabilities.no_local_list:
                self._complain("it keeps no list of tokens")
                return
            try:
                await self._sync()
            except NotSupported:
                self._has_none()
            except NotConnected:
                raise
            except CommandError as error:
                self._complain(str(error))

    async def _sync(self) -> None:
        if not await self._enable():
            return
        for again in (False, True):
            version = await self._read_version()
            if version == _NO_LIST:
                self._has_none()
                return
            if not self._may_write(version) or await self._write(version, full=again):
                return
        self._complain("it does not take the list of tokens")

    async def _write(self, version: int, *, full: bool) -> bool:
        """Bring a list of ours, or an empty one, in step; False where that failed."""
        state = self._state
        if version == 0:
            state.version, state.entries = 0, {}
        wanted = self._wanted_entries()
        is_known = version == state.version
        if is_known and state.entries == wanted:
            self._complaint = ""
            return True
        changes = self._changes(wanted)
        if full or not version or not is_known or len(changes) > len(wanted):
            return await self._send(version, UpdateType.full, list(wanted.values()))
        return await self._send(version, UpdateType.differential, changes)

    async def _enable(self) -> bool:
        """Have the charger use its list; False where it will not, or not yet."""
        charge_point = self._charge_point
        key = charge_point.configuration.find(Setting.LOCAL_LIST_ENABLED)
        if key is None or charge_point.configuration.truth(Setting.LOCAL_LIST_ENABLED):
            return True
        if key.readonly:
            self._complain("its list of tokens is off, and cannot be switched on")
            return False
        try:
            answer = await charge_point.settings.write(
                Setting.LOCAL_LIST_ENABLED, "true"
            )
        except (CommandRejected, NotSupported) as error:
            self._complain(f"its list of tokens cannot be switched on: {error}")
            return False
        if str(answer.get("status")).casefold() == "rebootrequired":
            self._complain("it uses its list of tokens only after a restart")
            return False
        return True

    async def _read_version(self) -> int:
        answer = await self._charge_point.commands.get_local_list_version(
            Priority.SETUP
        )
        try:
            version = answer.get("listVersion", answer.get("versionNumber"))
            return max(int(version or 0), _NO_LIST)
        except TypeError, ValueError:
            return 0

    def _may_write(self, version: int) -> bool:
        """Return whether the list on the charger is ours, or there is none."""
        state = self._state
        ours = state.last > 0 and state.first <= version <= state.last
        if version <= 0 or ours or version == state.replace:
            self._foreign = None
            if self._problems.pop(ListProblem.FOREIGN, None) is not None:
                self._changed()
            return True
        self._foreign = version
        self._problems[ListProblem.FOREIGN] = {"version": version}
        self._changed()
        return False

    def _wanted_entries(self) -> dict[str, Payload]:
        """Return what is to be on the charger, as far as it fits."""
        longest = self._charge_point.commands.longest_token
        tokens = [
            token
            for token in self._authorizer.known
            if 0 < len(token.id_token) <= longest
        ]
        # Whoever may not charge is no loss, should there be too many.
        tokens.sort(key=lambda token: token.status is not AuthorizationStatus.ACCEPTED)
        number = len(self._authorizer.known)
        most = min(
            self._charge_point.configuration.most(Setting.LOCAL_LIST_ENTRIES) or number,
            len(tokens),
        )
        before = self._problems.pop(ListProblem.TOO_LONG, None)
        if most < number:
            self._problems[ListProblem.TOO_LONG] = {"most": most, "number": number}
        if self._problems.get(ListProblem.TOO_LONG) != before:
            self._changed()
        return {
            token.id_token.casefold(): _entry(token, longest) for token in tokens[:most]
        }

    def _changes(self, wanted: Mapping[str, Payload]) -> list[Payload]:
        """Return what has to change on the charger, what makes room first."""
        entries = self._state.entries
        gone = [
            {"idTag": entry["idTag"]}
            for token, entry in entries.items()
            if token not in wanted
        ]
        return gone + [
            entry for token, entry in wanted.items() if entries.get(token) != entry
        ]

    async def _send(
        self, version: int, update_type: UpdateType, entries: list[Payload]
    ) -> bool:
        """Send a list in as many parts as it takes; False where that failed."""
        charge_point = self._charge_point
        state = self._state
        parts = self._parts(entries)
        if update_type is UpdateType.full:
            # Until it has arrived.
            state.version = None
        # On disk before it is sent: what may arrive must be known to be ours.
        state.first, state.last = version, version + len(parts)
        state.replace = None
        self._changed()
        await charge_point.capability_store.save()
        for number, part in enumerate(parts, 1):
            try:
                await charge_point.commands.send_local_list(
                    version + number, update_type, part, Priority.SETUP
                )
            except CommandRejected as error:
                if (
                    error.status.casefold() == "notsupported"
                    and update_type is UpdateType.full
                ):
                    raise NotSupported(error.action, error.status, "") from error
                _LOGGER.debug("%s: %s", charge_point.identity, error)
                return False
            # It has lived through one.
            charge_point.bring_up.survived(STEP)
            update_type = UpdateType.differential
        self._complaint = ""
        return True

    def _parts(self, entries: list[Payload]) -> list[list[Payload]]:
        """Return the tokens as they fit into messages."""
        charge_point = self._charge_point
        most = charge_point.configuration.integer(Setting.LOCAL_LIST_PART)
        room = charge_point.configuration.integer(Setting.LOCAL_LIST_BYTES)
        parts: list[list[Payload]] = [[]]
        used = _OVERHEAD
        for entry in entries:
            size = len(orjson.dumps(charge_point.commands.list_entry(entry))) + 1
            full = most and len(parts[-1]) >= most
            if parts[-1] and (full or (room and used + size > room)):
                parts.append([])
                used = _OVERHEAD
            parts[-1].append(entry)
            used += size
        return parts

    def _has_none(self) -> None:
        self._charge_point.capabilities.no_local_list = True
        self._changed()
        self._complain("it keeps no list of tokens")

    def _complain(self, complaint: str) -> None:
        """Say once what keeps the list from being in step."""
        if complaint != self._complaint:
            self._complaint = complaint
            _LOGGER.warning("%s: %s", self._charge_point.identity, complaint)

    def _changed(self) -> None:
        call_listeners(self._listeners)


def _entry(token: KnownToken, longest: int) -> Payload:
    """Return a token as a list has it (OCPP 1.6, 7.1)."""
    info: Payload = {"status": token.status.value}
    if token.expires:
        info["expiryDate"] = format_time(token.expires)
    if token.group and len(token.group) <= longest:
        info["parentIdTag"] = token.group
    return {"idTag": token.id_token, "idTagInfo": info}
