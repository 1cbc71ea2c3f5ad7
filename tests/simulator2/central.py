"""A tiny central system for OCPP 2.x, which checks whatever is said against the schemas."""

from collections.abc import Callable
from typing import Any, Protocol, override

from aiohttp import web
from ocpp.messages import MessageType, get_validator

from simulator import Charger2
from simulator.clock import format_time
from tests.simulator.central import Central, Payload


class MakeCharger2(Protocol):
    """Makes a charger; see there for the options."""

    def __call__(self, **options: Any) -> Charger2:
        """Make one."""


class Central2(Central):
    """Speaks one version."""

    def __init__(self, now: Callable[[], Any], version: str) -> None:
        """Answer everything kindly."""
        super().__init__(now)
        self.version = version
        self.protocols = (f"ocpp{version}",)
        self.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted"}}
        self.agree()
        self.errors: list[list[Any]] = []

    def agree(self, **more: Any) -> None:
        """Answer kindly to TransactionEvent, and say more."""

        def answer(payload: Payload) -> Payload:
            if "idToken" not in payload:
                return more
            return {"idTokenInfo": {"status": "Accepted"}, **more}

        self.answers["TransactionEvent"] = answer

    @override
    async def take(self, socket: web.WebSocketResponse, frame: list[Any]) -> None:
        match frame:
            case [2, _, action, payload]:
                get_validator(MessageType.Call, action, self.version).validate(payload)
            case [5, *error]:
                self.errors.append(error)
        await super().take(socket, frame)

    @override
    async def call(self, action: str, payload: Payload) -> Payload:
        answer = await super().call(action, payload)
        get_validator(MessageType.CallResult, action, self.version).validate(answer)
        return answer

    @property
    def events(self) -> list[Payload]:
        """The TransactionEvents."""
        return self.said("TransactionEvent")

    @property
    def story(self) -> list[str]:
        """What happened in transactions, in short."""
        return [
            f"{event['eventType']} {event['triggerReason']}" for event in self.events
        ]

    @property
    def states(self) -> list[str]:
        """The charging states, as they were told."""
        return [
            event["transactionInfo"]["chargingState"]
            for event in self.events
            if "chargingState" in event["transactionInfo"]
        ]

    def connector_statuses(self, evse: int, connector: int = 1) -> list[str]:
        """The statuses a connector went through."""
        return [
            payload["connectorStatus"]
            for payload in self.said("StatusNotification")
            if (payload["evseId"], payload["connectorId"]) == (evse, connector)
        ]

    async def get(self, component: Payload, variable: Payload) -> Payload:
        """Ask for one variable."""
        wanted = {"component": component, "variable": variable}
        answer = await self.call("GetVariables", {"getVariableData": [wanted]})
        result: Payload = answer["getVariableResult"][0]
        return result

    async def set(self, component: str, variable: str, value: str) -> str:
        """Change one variable, and return the status."""
        wanted = {
            "component": {"name": component},
            "variable": {"name": variable},
            "attributeValue": value,
        }
        answer = await self.call("SetVariables", {"setVariableData": [wanted]})
        return str(answer["setVariableResult"][0]["attributeStatus"])


def boot_answer(clock_now: Callable[[], Any], status: str, interval: int) -> Payload:
    """An answer to BootNotification."""
    return {
        "status": status,
        "currentTime": format_time(clock_now()),
        "interval": interval,
    }
