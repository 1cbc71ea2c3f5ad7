"""What a browser or an app says to Home Assistant: its REST and WebSocket APIs."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from . import DOMAIN, DemoError

type Json = dict[str, Any]

#: How long an answer may take, in seconds.
_PATIENCE = 30.0

#: How long to wait before asking again, in seconds.
_POLL = 1.0

_UNKNOWN = frozenset({"unavailable", "unknown"})


@dataclass(frozen=True)
class State:
    """The state of an entity."""

    value: str
    attributes: Json

    @property
    def number(self) -> float | None:
        """The state as a number, if it is one."""
        try:
            return float(self.value)
        except ValueError:
            return None

    @property
    def known(self) -> bool:
        """Whether it says anything."""
        return self.value not in _UNKNOWN


class Api:
    """A logged in user, who also sees every state as it changes."""

    def __init__(self, http: ClientSession, url: str) -> None:
        """Talk to a Home Assistant."""
        self.url = url
        #: Names the client that the tokens were issued to.
        self.client_id = f"{url}/"
        self.tokens: Json = {}
        self._http = http
        self._socket: ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ids = count(1)
        self._results: dict[int, asyncio.Future[Any]] = {}
        self._events: dict[int, Callable[[Any], None]] = {}
        self._states: dict[str, State] = {}
        self._discovered: dict[str, Json] = {}
        self._entities: dict[str, str] = {}
        self._changed = asyncio.Event()

    # Logging in

    async def onboard(self, name: str, username: str, password: str) -> None:
        """Make the first user, and log in as them."""
        answer = await self.rest(
            "POST",
            "/api/onboarding/users",
            {
                "client_id": self.client_id,
                "name": name,
                "username": username,
                "password": password,
                "language": "en",
            },
        )
        async with self._http.post(
            f"{self.url}/auth/token",
            data={
                "client_id": self.client_id,
                "grant_type": "authorization_code",
                "code": answer["auth_code"],
            },
        ) as response:
            self.tokens = await response.json()

    # REST

    async def rest(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request; anything but success raises DemoError."""
        headers = {}
        if token := self.tokens.get("access_token"):
            headers["Authorization"] = f"Bearer {token}"
        async with self._http.request(
            method, f"{self.url}{path}", json=body, headers=headers
        ) as response:
            if response.status >= 400:
                raise DemoError(
                    f"{method} {path}: {response.status} {await response.text()}"
                )
            if response.content_type != "application/json":
                return await response.text()
            return await response.json()

    async def call(self, action: str, **data: Any) -> None:
        """Perform an action."""
        await self.rest("POST", f"/api/services/{action.replace('.', '/')}", data)

    async def ask(self, action: str, **data: Any) -> Json:
        """Perform an action and return what it answers."""
        path = f"/api/services/{action.replace('.', '/')}?return_response"
        answer = await self.rest("POST", path, data)
        response: Json = answer["service_response"]
        return response

    async def download(self, path: str) -> tuple[int, str]:
        """Fetch a file as somebody who is not logged in: the status, and what it holds."""
        async with self._http.get(f"{self.url}{path}") as response:
            return response.status, await response.text()

    async def state(self, entity_id: str) -> State:
        """Ask for a state."""
        answer = await self.rest("GET", f"/api/states/{entity_id}")
        return State(answer["state"], answer["attributes"])

    # WebSocket

    async def connect(self) -> None:
        """Open a WebSocket, once Home Assistant runs, and follow the states."""
        await self.close()
        self._socket = await self._http.ws_connect(
            f"{self.url}/api/websocket", max_msg_size=0
        )
        await self._socket.receive_json()
        await self._socket.send_json(
            {"type": "auth", "access_token": self.tokens["access_token"]}
        )
        answer = await self._socket.receive_json()
        if answer["type"] != "auth_ok":
            raise DemoError(f"Home Assistant does not let us in: {answer}")
        self._reader = asyncio.create_task(self._read(self._socket))
        self._discovered.clear()
        await self.subscribe("config_entries/flow/subscribe", self._flows_changed)
        await self.subscribe(
            "subscribe_events", self._state_changed, event_type="state_changed"
        )
        self._states = {
            state["entity_id"]: State(state["state"], state["attributes"])
            for state in await self.send("get_states")
        }

    async def close(self) -> None:
        """Close the WebSocket."""
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await self._reader

    async def send(self, command: str, **data: Any) -> Any:
        """Send a command and return its result."""
        return await self._send(next(self._ids), command, data)

    async def subscribe(
        self, command: str, heard: Callable[[Any], None], **data: Any
    ) -> None:
        """Subscribe to events."""
        number = next(self._ids)
        self._events[number] = heard
        await self._send(number, command, data)

    async def _send(self, number: int, command: str, data: Json) -> Any:
        if self._socket is None or self._socket.closed:
            raise DemoError(f"Not connected: {command}")
        future = asyncio.get_running_loop().create_future()
        self._results[number] = future
        await self._socket.send_json({"id": number, "type": command, **data})
        async with asyncio.timeout(_PATIENCE):
            return await future

    async def _read(self, socket: ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            answer = message.json()
            if answer["type"] == "event":
                self._events[answer["id"]](answer["event"])
                self._changed.set()
                self._changed = asyncio.Event()
            elif future := self._results.pop(answer["id"], None):
                if future.done():
                    continue
                if answer["success"]:
                    future.set_result(answer["result"])
                else:
                    future.set_exception(DemoError(str(answer["error"])))
        for future in self._results.values():
            if not future.done():
                future.set_exception(DemoError("Home Assistant hung up"))
        self._results.clear()
        self._events.clear()

    def _state_changed(self, event: Json) -> None:
        entity_id, new = event["data"]["entity_id"], event["data"]["new_state"]
        if new is None:
            self._states.pop(entity_id, None)
        else:
            self._states[entity_id] = State(new["state"], new["attributes"])

    def _flows_changed(self, changes: list[Json]) -> None:
        for change in changes:
            if change["type"] == "removed":
                self._discovered.pop(change["flow_id"], None)
            else:
                self._discovered[change["flow_id"]] = change["flow"]

    async def until[T](
        self, look: Callable[[], T | None], seconds: float, what: str
    ) -> T:
        """Look whenever something changes, until there is something to be seen."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    changed = self._changed
                    if (found := look()) is not None:
                        return found
                    await changed.wait()
        except TimeoutError:
            raise TimeoutError(f"{what} took more than {seconds:.0f} s") from None

    async def poll[T](
        self,
        ask: Callable[[], Awaitable[T]],
        condition: Callable[[T], bool],
        seconds: float,
        what: str,
    ) -> T:
        """Ask again and again for what nobody tells, until it is as it should be."""
        try:
            async with asyncio.timeout(seconds):
                while not condition(answer := await ask()):
                    await asyncio.sleep(_POLL)
                return answer
        except TimeoutError:
            raise TimeoutError(f"{what} took more than {seconds:.0f} s") from None

    # Entities

    async def find(self, unique_id: str) -> str:
        """The entity id of one of our entities: names may change, unique ids may not."""
        if entity_id := await self._lookup(unique_id):
            return entity_id
        raise DemoError(f"There is no entity {unique_id}")

    async def has(self, unique_id: str) -> bool:
        """Whether one of our entities is there."""
        return bool(await self._lookup(unique_id))

    async def _lookup(self, unique_id: str) -> str:
        if unique_id not in self._entities:
            self._entities = {
                entity["unique_id"]: entity["entity_id"]
                for entity in await self.send("config/entity_registry/list")
                if entity["platform"] == DOMAIN
            }
        return self._entities.get(unique_id, "")

    async def device(self, identifier: str) -> Json:
        """One of our devices."""
        for device in await self.send("config/device_registry/list"):
            if [DOMAIN, identifier] in device["identifiers"]:
                found: Json = device
                return found
        raise DemoError(f"There is no device {identifier}")

    async def wait_for_entity(self, unique_id: str, seconds: float) -> str:
        """Wait until one of our entities is there, and return its id."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    changed = self._changed
                    if (entity_id := await self._lookup(unique_id)) in self._states:
                        return entity_id
                    await changed.wait()
        except TimeoutError:
            raise TimeoutError(
                f"There is no entity {unique_id} after {seconds:.0f} s"
            ) from None

    async def wait_for(
        self, entity_id: str, condition: Callable[[State], bool], seconds: float
    ) -> State:
        """Wait until a state is as it should be. Raises TimeoutError with what it is."""

        def look() -> State | None:
            state = self._states.get(entity_id)
            return state if state is not None and condition(state) else None

        try:
            return await self.until(look, seconds, entity_id)
        except TimeoutError as error:
            found = self._states.get(entity_id)
            raise TimeoutError(
                f"{error}: it is {found.value if found else 'missing'}"
            ) from None

    async def wait_for_discovery(self, name: str, seconds: float) -> str:
        """Wait for the card of a discovered device, and return the id of its flow."""

        def look() -> str | None:
            for flow_id, flow in self._discovered.items():
                placeholders = flow["context"].get("title_placeholders") or {}
                if flow["handler"] == DOMAIN and name in " ".join(
                    [flow["context"].get("unique_id") or "", *placeholders.values()]
                ):
                    return flow_id
            return None

        return await self.until(look, seconds, f"Discovering {name}")
