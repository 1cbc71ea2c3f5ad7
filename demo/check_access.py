"""What must hold of who may charge, and of what a charger is asked and told."""

from datetime import UTC, datetime, timedelta
import json

from . import DOMAIN, DemoError, flows
from .api import Json, State
from .cards import API_KEY, BEN, LOST, STRANGER
from .stage import Stage

#: How long Home Assistant may take to show what somebody did, in seconds.
_PROMPT = 15.0
_OK, _UNAUTHORIZED = 200, 401
#: What of the garage is off until a user switches it on.
_HIDDEN = (
    "configuration_changed",
    "data_transfer",
    "diagnostics_status",
    "security",
)


class AccessChecks:
    """The checks of one scene; each raises DemoError where something does not hold."""

    def __init__(self, scene: Stage) -> None:
        """Check a scene with cards, whose car park takes only those."""
        self._scene = scene
        self._api = scene.api

    async def _car_park(self, key: str, connector: int = 0) -> str:
        return await self._api.find(self._scene.car_park.kind.key(connector, key))

    async def _swiped(self, card: str, answer: str, event: str) -> None:
        """Hold a card to the car park's reader, and see what comes of it."""
        entity_id = await self._car_park("id_token")
        before = await self._api.state(entity_id)
        # Somebody charges at the other connector.
        status = (await self._scene.car_park.do(f"swipe {card} 2"))["status"]
        if status != answer:
            raise DemoError(f"The charger was answered {status}, not {answer}")

        def told(state: State) -> bool:
            return (
                state.value != before.value and state.attributes["event_type"] == event
            )

        state = await self._api.wait_for(entity_id, told, _PROMPT)
        if card in json.dumps(state.attributes):
            raise DemoError(f"The whole card can be read: {state.attributes}")

    async def mode(self) -> None:
        """The car park takes only cards that are known."""
        state = await self._api.state(await self._car_park("access_mode"))
        if state.value != "known_tokens":
            raise DemoError(f"The car park is on {state.value}")

    async def blocked(self) -> None:
        """A blocked card is refused, and seen."""
        await self._swiped(LOST.token, "Blocked", "blocked")

    async def unknown(self) -> None:
        """A card that nobody knows is refused, and offered to be added."""
        # As OCPP 2 says it; in 1.6 it is Invalid.
        await self._swiped(STRANGER, "Unknown", "unknown")
        offered = await flows.offered_cards(self._api, self._scene.entry_id)
        if STRANGER not in offered:
            raise DemoError(f"Only these are offered: {', '.join(offered)}")

    async def known(self) -> None:
        """A card that is known starts and ends a session, which is its owner's."""
        charging = await self._car_park("charging", 2)
        await self._scene.car_park.do("plug 2")
        await self._swiped(BEN.token, "Accepted", "accepted")
        await self._api.wait_for(charging, lambda state: state.value == "on", _PROMPT)
        sessions = await self._api.ask(f"{DOMAIN}.get_sessions", limit=1)
        if (user := sessions["sessions"][0]["user"]) != BEN.name:
            raise DemoError(f"It is the session of {user}")
        await self._scene.car_park.do(f"swipe {BEN.token} 2")
        await self._api.wait_for(charging, lambda state: state.value == "off", _PROMPT)

    async def reserved(self) -> None:
        """A connector is kept for a card, and shows for whose, until that is called off."""
        expiry = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await self._reservation(
            "reserve_now", id_token=BEN.token, expiry=expiry, connector=2
        )
        await self._shows("reserved", BEN.name)
        await self._reservation("cancel_reservation")
        await self._shows("available", None)

    async def _reservation(self, action: str, **data: str | int) -> None:
        device = await self._api.device(self._scene.car_park.kind.device(0))
        answer = await self._api.ask(
            f"{DOMAIN}.{action}", device_id=device["id"], reservation_id=7, **data
        )
        if answer["status"] != "Accepted":
            raise DemoError(f"{action} is answered {answer}")

    async def _shows(self, status: str, holder: str | None) -> None:
        entity_id = await self._car_park("status", 2)
        state = await self._api.wait_for(
            entity_id, lambda state: state.value == status, _PROMPT
        )
        if state.attributes.get("reserved_for") != holder:
            raise DemoError(f"It is reserved like this: {state.attributes}")

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

    async def _ask_garage(self, action: str) -> Json:
        device = await self._api.device(self._scene.garage.kind.device(0))
        return await self._api.ask(f"{DOMAIN}.{action}", device_id=device["id"])

    async def switch_on(self) -> None:
        """Switch on what is off at first; it is there after the next restart."""
        for key in _HIDDEN:
            await self._api.send(
                "config/entity_registry/update",
                entity_id=await self._api.find(self._scene.garage.kind.key(0, key)),
                disabled_by=None,
            )

    async def switched_on(self) -> None:
        """What was switched on says what happens."""
        kind = self._scene.garage.kind
        for key in _HIDDEN:
            await self._api.wait_for_entity(kind.key(0, key), _PROMPT)
        await self._ask_garage("get_diagnostics")
        await self._api.wait_for(
            await self._api.find(kind.key(0, "diagnostics_status")),
            lambda state: state.value == "uploaded",
            _PROMPT,
        )
