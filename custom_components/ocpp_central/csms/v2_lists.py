"""OCPP 2.0.1 and 2.1: the local authorization list."""

from .connection import Payload, Priority
from .v2_base import Base2
from .v2_tokens import LONGEST, group_of, token_of


class Lists2(Base2):
    """The commands about the local authorization list."""

    @property
    def longest_token(self) -> int:
        """Return how long a token can be."""
        return LONGEST[self.version]

    async def get_local_list_version(
        self, priority: Priority = Priority.USER
    ) -> Payload:
        """GetLocalListVersion (D02)."""
        return await self._command("GetLocalListVersion", {}, priority)

    async def send_local_list(
        self,
        list_version: int,
        update_type: str,
        local_authorization_list: list[Payload] | None = None,
        priority: Priority = Priority.USER,
    ) -> Payload:
        """SendLocalList (D01); one without any token has no list at all."""
        payload: Payload = {"versionNumber": list_version, "updateType": update_type}
        if local_authorization_list:
            payload["localAuthorizationList"] = [
                self.list_entry(entry) for entry in local_authorization_list
            ]
        response = await self._command("SendLocalList", payload, priority)
        self._charge_point.local_list.sent(
            list_version,
            update_type,
            [_as_known(entry) for entry in local_authorization_list or []],
        )
        return response

    def list_entry(self, entry: Payload) -> Payload:
        """Return a token of the list (AuthorizationData); as it is, or as of OCPP 1.6."""
        if "idTag" not in entry:
            return entry
        translated: Payload = {"idToken": token_of(entry["idTag"])}
        if info := entry.get("idTagInfo"):
            about = {
                "status": info.get("status"),
                "cacheExpiryDateTime": info.get("expiryDate"),
                "groupIdToken": group_of(info["parentIdTag"])
                if "parentIdTag" in info
                else None,
            }
            translated["idTokenInfo"] = {
                key: value for key, value in about.items() if value is not None
            }
        return translated


def _as_known(entry: Payload) -> Payload:
    """Return a token of a list as it is kept, whichever way it was written."""
    if "idTag" in entry:
        return entry
    known: Payload = {"idTag": entry["idToken"]["idToken"]}
    if info := entry.get("idTokenInfo"):
        known["idTagInfo"] = {"status": info["status"]}
        if "cacheExpiryDateTime" in info:
            known["idTagInfo"]["expiryDate"] = info["cacheExpiryDateTime"]
        if "groupIdToken" in info:
            known["idTagInfo"]["parentIdTag"] = info["groupIdToken"]["idToken"]
    return known
