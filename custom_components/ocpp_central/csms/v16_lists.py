"""OCPP 1.6: the list of tokens that a charger keeps for when it is on its own."""

from ocpp.v16.enums import Action

from .connection import Payload, Priority
from .v16_base import Base16


class Lists16(Base16):
    """The commands about the local authorization list."""

    longest_token = 20

    async def get_local_list_version(
        self, priority: Priority = Priority.USER
    ) -> Payload:
        """GetLocalListVersion (5.10)."""
        return await self._command(Action.get_local_list_version, {}, priority)

    async def send_local_list(
        self,
        list_version: int,
        update_type: str,
        local_authorization_list: list[Payload] | None = None,
        priority: Priority = Priority.USER,
    ) -> Payload:
        """SendLocalList (5.15)."""
        payload: Payload = {"listVersion": list_version, "updateType": update_type}
        if local_authorization_list is not None:
            payload["localAuthorizationList"] = local_authorization_list
        response = await self._command(Action.send_local_list, payload, priority)
        self._charge_point.local_list.sent(
            list_version, update_type, local_authorization_list or []
        )
        return response

    def list_entry(self, entry: Payload) -> Payload:
        """Return a token of the list as it goes out, which is as it is kept."""
        return entry
