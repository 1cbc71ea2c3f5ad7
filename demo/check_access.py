"""What must hold of who may charge, and of what a charger is asked and told."""

from datetime import UTC, datetime, timedelta
import json

from . import DOMAIN, DemoError, flows
from .api import Json, State
from .cards import API_KEY, BEN, LOST, STRANGER
from .chargers import Charger
from .stage import Stage

#: How long Home Assistant may take to show what somebody did, in seconds.
_PROMPT = 15.0
_OK, _UNAUTHORIZED = 200, 401
#: What of a charger is off until a user switches it on.
_HIDDEN = (
    "configuration_changed",
    "data_transfer",
    "diagnostics_status",
    "security",
)


class AccessChecks:
    """The checks of a charger; each raises DemoError where something does not hold."""

    def __init__(self, scene: Stage, charger: Charger) -> None:
        """Check the last connector of a charger, in a scene with cards."""
        self._scene = scene
        self._api = scene.api
        self.charger = charger
        self._connector = charger.kind.connectors

    async def _entity(self, key: str, connector: int = 0) -> str:
        return await self._api.find(self.charger.kind.key(connector, key))

    async def _charging(self, value: str) -> None:
        await self._api.wait_for(
            await self._entity("charging", self._connector),
            lambda state: state.value == value,
            _PROMPT,
        )

    async def _ask(self, action: str, **data: str | int) -> Json:
        device = await self._api.device(self.charger.kind.device(0))
        return await self._api.ask(f"{DOMAIN}.{action}", device_id=device["id"], **data)

    async def _swiped(self, card: str, answer: str, event: str) -> None:
        """Hold a card to the charger's reader, and see what comes of it."""
        entity_id = await self._entity("id_token")
        before = await self._api.state(entity_id)
        swiped = await self.charger.do(f"swipe {card} {self._connector}")
        if (status := swiped["status"]) != answer:
            raise DemoError(f"The charger was answered {status}, not {answer}")

        def told(state: State) -> bool:
            return (
                state.value != before.value and state.attributes["event_type"] == event
            )

        state = await self._api.wait_for(entity_id, told, _PROMPT)
        if card in json.dumps(state.attributes):
            raise DemoError(f"The whole card can be read: {state.attributes}")

    async def mode(self) -> None:
        """It takes only cards that are known from now on, and nobody charges."""
        entity_id = await self._entity("access_mode")
        await self._api.call(
            "select.select_option", entity_id=entity_id, option="known_tokens"
        )
        await self._api.wait_for(
            entity_id, lambda state: state.value == "known_tokens", _PROMPT
        )
        if (await self.charger.connector(self._connector))["transactionId"] is not None:
            await self.charger.do(f"unplug {self._connector}")
        await self._charging("off")

    async def blocked(self) -> None:
        """A blocked card is refused, and seen."""
        await self._swiped(LOST.token, "Blocked", "blocked")

    async def unknown(self) -> None:
        """A card that nobody knows is refused, and offered to be added."""
        word = "Invalid" if self.charger.kind.protocol == "1.6" else "Unknown"
        await self._swiped(STRANGER, word, "unknown")
        offered = await flows.offered_cards(self._api, self._scene.entry_id)
        if STRANGER not in offered:
            raise DemoError(f"Only these are offered: {', '.join(offered)}")

    async def known(self) -> None:
        """A card that is known starts and ends a session, which is its owner's."""
        await self.charger.do(f"plug {self._connector}")
        await self._swiped(BEN.token, "Accepted", "accepted")
        await self._charging("on")
        sessions = await self._api.ask(f"{DOMAIN}.get_sessions", limit=1)
        [session] = sessions["sessions"]
        found = session["user"], session["charge_point"], session["open"]
        if found != (BEN.name, self.charger.kind.identity, True):
            raise DemoError(f"This is the newest session: {session}")
        await self.charger.do(f"swipe {BEN.token} {self._connector}")
        await self._charging("off")
        await self.charger.do(f"unplug {self._connector}")

    async def reserved(self) -> None:
        """A connector is kept for a card, and shows for whose, until that is called off."""
        expiry = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await self._reservation(
            "reserve_now", id_token=BEN.token, expiry=expiry, connector=self._connector
        )
        await self._shows("reserved", BEN.name)
        await self._reservation("cancel_reservation")
        await self._shows("available", None)

    async def _reservation(self, action: str, **data: str | int) -> None:
        answer = await self._ask(action, reservation_id=7, **data)
        if answer["status"] != "Accepted":
            raise DemoError(f"{action} is answered {answer}")

    async def _shows(self, status: str, holder: str | None) -> None:
        state = await self._api.wait_for(
            await self._entity("status", self._connector),
            lambda state: state.value == status,
            _PROMPT,
        )
        if state.attributes.get("reserved_for") != holder:
            raise DemoError(f"It is reserved like this: {state.attributes}")

    async def switch_on(self) -> None:
        """Switch on what is off at first; it is there after the next restart."""
        for key in _HIDDEN:
            await self._api.send(
                "config/entity_registry/update",
                entity_id=await self._entity(key),
                disabled_by=None,
            )

    async def switched_on(self) -> None:
        """What was switched on says what happens."""
        kind = self.charger.kind
        for key in _HIDDEN:
            await self._api.wait_for_entity(kind.key(0, key), _PROMPT)
        await self._ask("get_diagnostics")
        await self._api.wait_for(
            await self._entity("diagnostics_status"),
            lambda state: state.value == "uploaded",
            _PROMPT,
        )


class ApiChecks:
    """The checks of the REST API."""

    def __init__(self, scene: Stage) -> None:
        """Check a scene whose options have a key."""
        self._scene = scene
        self._api = scene.api

    async def rest_api(self) -> None:
        """The REST API answers whoever has the key, on both ports."""
        expected = {charger.kind.identity for charger in self._scene.everybody}
        for url in (
            self._scene.rest_api,
            f"{self._api.url}/api/{DOMAIN}/API",
        ):
            status, _ = await self._get(f"{url}/Status", "")
            if status != _UNAUTHORIZED:
                raise DemoError(f"Without a key {url} answers {status}")
            status, answer = await self._get(f"{url}/Status", API_KEY)
            if status != _OK or {one["id"] for one in answer} != expected:
                raise DemoError(f"{url} answers {status}: {answer}")

    async def _get(self, url: str, key: str) -> tuple[int, list[Json]]:
        headers = {"X-API-Key": key} if key else {}
        async with self._scene.http.get(url, headers=headers) as response:
            return response.status, await response.json()
