"""The list of tokens on a charger of OCPP 2.0.1 or 2.1."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import CommandRejected, InvalidCommand
from custom_components.ocpp_central.csms.local_list import ListProblem
from custom_components.ocpp_central.csms.model import AuthorizationStatus, KnownToken

from .common import Answer, Central, Charger, Payload, Refusal, bring_up
from .common2 import BOOT, both_versions, card, connect2, dial2

SETTINGS = {"LocalAuthListCtrlr.Enabled": "true"}
EXPIRES = datetime(2040, 1, 1, tzinfo=UTC)


def token(name: str, **more: Any) -> KnownToken:
    """Return a token that somebody was given."""
    return KnownToken(id_token=name, name=name.title(), **more)


def entry(name: str, kind: str = "ISO14443", **more: Any) -> Payload:
    """Return an accepted token as a list has it."""
    info = {"status": "Accepted", **more}
    return {"idToken": card(name, kind), "idTokenInfo": info}


def know(central: Central, *tokens: KnownToken | str) -> None:
    """Let these be the known tokens."""
    central.authorizer.set(
        [token(one) if isinstance(one, str) else one for one in tokens],
        one_session_each=False,
    )


def number(index: int) -> str:
    """Return the number of a card."""
    return f"04A2B3{index:02X}"


@dataclass
class ListKeeper:
    """A charger's list, kept by the book, and the charger's settings."""

    settings: dict[str, str]
    version: int = 0
    entries: dict[str, Payload] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def variables(self, payload: Payload) -> Payload:
        """Answer GetVariables."""
        return {
            "getVariableResult": [self._read(one) for one in payload["getVariableData"]]
        }

    def _read(self, asked: Payload) -> Payload:
        component, variable = asked["component"], asked["variable"]
        name = f"{component['name']}.{variable['name']}"
        result = {"component": component, "variable": variable}
        if name not in self.settings or "instance" in variable:
            return {**result, "attributeStatus": "UnknownVariable"}
        value = self.settings[name]
        return {**result, "attributeStatus": "Accepted", "attributeValue": value}

    def change(self, payload: Payload) -> Payload:
        """Answer SetVariables."""
        results = []
        for one in payload["setVariableData"]:
            where = {"component": one["component"], "variable": one["variable"]}
            name = f"{one['component']['name']}.{one['variable']['name']}"
            self.settings[name] = one["attributeValue"]
            results.append({**where, "attributeStatus": "Accepted"})
        return {"setVariableResult": results}

    def tell(self, _payload: Payload) -> Payload:
        """Answer GetLocalListVersion; an empty list has no version (D02.FR.02)."""
        return {"versionNumber": self.version if self.entries else 0}

    def take(self, payload: Payload) -> Answer:
        """Answer SendLocalList; `answers` are given first, and nothing is done."""
        self.sizes.append(len(orjson.dumps(payload)))
        if self.answers:
            return self.answers.pop(0)
        if payload["updateType"] == "Full":
            self.entries = {}
        elif payload["versionNumber"] <= self.version:
            return {"status": "VersionMismatch"}
        for one in payload.get("localAuthorizationList", []):
            if "idTokenInfo" in one:
                self.entries[one["idToken"]["idToken"]] = one["idTokenInfo"]
            else:
                del self.entries[one["idToken"]["idToken"]]
        self.version = payload["versionNumber"]
        return {"status": "Accepted"}


async def connect(
    central: Central, version: str, keeper: ListKeeper, *, add: bool = True
) -> tuple[ChargePoint, Charger]:
    """Have a charger with a list connect; returns after its bring-up."""
    if add:
        await central.add(sync_local_list=True)
    charger = await dial2(central, version)
    charger.answers["GetVariables"] = keeper.variables
    charger.answers["SetVariables"] = keeper.change
    charger.answers["GetLocalListVersion"] = keeper.tell
    charger.answers["SendLocalList"] = keeper.take
    await charger.call("BootNotification", BOOT)
    await bring_up()
    return central.system.charge_points["cp1"], charger


def sent(charger: Charger) -> list[tuple[int, str, list[Payload]]]:
    """Return the lists that a charger was sent."""
    return [
        (
            call.payload["versionNumber"],
            call.payload["updateType"],
            call.payload.get("localAuthorizationList", []),
        )
        for call in charger.calls
        if call.action == "SendLocalList"
    ]


@both_versions
async def test_kept_in_step(central: Central, version: str) -> None:
    """An empty list is filled at once, and changed as tokens change."""
    keeper = ListKeeper(dict(SETTINGS))
    blocked = token("blocked", status=AuthorizationStatus.BLOCKED)
    know(central, token(number(1), expires=EXPIRES, group="FAMILY"), blocked)
    charge_point, charger = await connect(central, version, keeper)
    family = {"idToken": "FAMILY", "type": "Central"}
    first = entry(
        number(1), cacheExpiryDateTime="2040-01-01T00:00:00Z", groupIdToken=family
    )
    second = entry("blocked", "Central")
    second["idTokenInfo"]["status"] = "Blocked"
    assert sent(charger) == [(1, "Full", [first, second])]
    assert charge_point.local_list.has(number(1))

    charger.forget()
    know(central, token(number(1), expires=EXPIRES, group="FAMILY"), number(2))
    await charge_point.local_list.sync()
    gone = {"idToken": card("blocked", "Central")}
    assert sent(charger) == [(2, "Differential", [gone, entry(number(2))])]
    assert set(keeper.entries) == {number(1), number(2)}

    # Nothing is on it in the end: that is no list at all.
    charger.forget()
    know(central)
    await charge_point.local_list.sync()
    assert sent(charger) == [(3, "Full", [])]
    assert "localAuthorizationList" not in charger.calls[-1].payload
    await charge_point.local_list.sync()
    assert len(sent(charger)) == 1
    assert charge_point.local_list.problems == {}


@both_versions
async def test_in_parts(central: Central, version: str) -> None:
    """As many tokens as fit into a message, by their number and by its size."""
    know(central, *(number(index) for index in range(10)))
    keeper = ListKeeper({**SETTINGS, "LocalAuthListCtrlr.ItemsPerMessage": "4"})
    _, charger = await connect(central, version, keeper)
    assert [(n, kind, len(part)) for n, kind, part in sent(charger)] == [
        (1, "Full", 4),
        (2, "Differential", 4),
        (3, "Differential", 2),
    ]
    assert len(keeper.entries) == 10


@both_versions
@pytest.mark.parametrize("room", [100, 400, 700])
async def test_in_bytes(central: Central, version: str, room: int) -> None:
    """A message is no larger than the charger takes, unless one token is."""
    know(central, *(number(index) for index in range(10)))
    keeper = ListKeeper({**SETTINGS, "LocalAuthListCtrlr.BytesPerMessage": str(room)})
    _, charger = await connect(central, version, keeper)
    assert len(keeper.entries) == 10
    if room == 100:
        assert [len(part) for *_, part in sent(charger)] == [1] * 10
    else:
        assert max(keeper.sizes) <= room
        assert len(keeper.sizes) < 10


@both_versions
async def test_found_again(central: Central, version: str) -> None:
    """A list of ours is known after a reconnect; somebody else's is left alone."""
    keeper = ListKeeper(dict(SETTINGS))
    know(central, number(1))
    charge_point, charger = await connect(central, version, keeper)
    await charger.close()
    _, charger = await connect(central, version, keeper, add=False)
    assert sent(charger) == []
    keeper.version = 77
    await charge_point.local_list.sync()
    assert sent(charger) == []
    assert charge_point.local_list.problems == {ListProblem.FOREIGN: {"version": 77}}


@both_versions
async def test_switched_on(central: Central, version: str) -> None:
    """A list that is off is switched on first."""
    keeper = ListKeeper({"LocalAuthListCtrlr.Enabled": "false"})
    know(central, number(1))
    _, charger = await connect(central, version, keeper)
    assert keeper.settings["LocalAuthListCtrlr.Enabled"] == "true"
    assert len(sent(charger)) == 1


@both_versions
@pytest.mark.parametrize("answer", ["Failed", "VersionMismatch"])
async def test_taken_in_the_end(central: Central, version: str, answer: str) -> None:
    """What fails once is sent in full once more."""
    keeper = ListKeeper(dict(SETTINGS), answers=[{"status": answer}])
    know(central, number(1))
    _, charger = await connect(central, version, keeper)
    assert [kind for _, kind, _ in sent(charger)] == ["Full", "Full"]
    assert set(keeper.entries) == {number(1)}


@both_versions
@pytest.mark.parametrize("code", ["NotSupported", "NotImplemented"])
async def test_keeps_none(central: Central, version: str, code: str) -> None:
    """A charger without a list is asked no more."""
    keeper = ListKeeper(dict(SETTINGS), answers=[Refusal(code)])
    know(central, number(1))
    charge_point, charger = await connect(central, version, keeper)
    assert len(sent(charger)) == 1
    await charge_point.local_list.sync()
    assert len(sent(charger)) == 1


@both_versions
async def test_long_tokens(central: Central, version: str) -> None:
    """Longer ones than OCPP 1.6 knows fit, each version's own longest."""
    keeper = ListKeeper(dict(SETTINGS))
    know(central, "x" * 36, "y" * 37, "z" * 256)
    charge_point, charger = await connect(central, version, keeper)
    names = [one["idToken"]["idToken"] for one in sent(charger)[0][2]]
    assert names == ["x" * 36, *(["y" * 37] if version == "2.1" else [])]
    assert ListProblem.TOO_LONG in charge_point.local_list.problems


@both_versions
async def test_by_hand(central: Central, version: str) -> None:
    """A list goes out as it is given, or is translated where it is one of OCPP 1.6."""
    charge_point, charger = await connect2(central, version)
    send = charge_point.commands.send_local_list
    own = {
        **entry(number(1), language1="de"),
        "idToken": {"idToken": number(1), "type": "KeyCode"},
    }
    older = {
        "idTag": number(2),
        "idTagInfo": {
            "status": "Accepted",
            "expiryDate": "2040-01-01T00:00:00Z",
            "parentIdTag": "FAMILY",
        },
    }
    assert await send(5, "Full", [own, older]) == {"status": "Accepted"}
    family = {"idToken": "FAMILY", "type": "Central"}
    newer = entry(
        number(2), cacheExpiryDateTime="2040-01-01T00:00:00Z", groupIdToken=family
    )
    assert sent(charger) == [(5, "Full", [own, newer])]
    has = charge_point.local_list.has
    assert has(number(1))
    assert has(number(2))
    gone = [{"idToken": card(number(1))}, {"idTag": number(2)}]
    await send(6, "Differential", gone)
    assert sent(charger)[-1][2] == [gone[0], {"idToken": card(number(2))}]
    assert not has(number(1))
    assert not has(number(2))
    await send(7, "Full", [newer])
    assert has(number(2))
    # What the schema forbids is not sent, and changes nothing.
    for wrong in ({}, {"idTag": "x" * 256}, {"idTag": "A", "idTagInfo": {"a": 1}}):
        with pytest.raises(InvalidCommand):
            await send(8, "Full", [wrong])
    charger.answers["SendLocalList"] = {"status": "Failed"}
    with pytest.raises(CommandRejected):
        await send(8, "Full")
    assert has(number(2))
    assert len(sent(charger)) == 4
    charger.answers["GetLocalListVersion"] = {"versionNumber": 7}
    answer = await charge_point.commands.get_local_list_version()
    assert answer == {"versionNumber": 7}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("04a2b3c4", "ISO14443"),
        ("04A2B3C4D5E6F7", "ISO14443"),
        ("04A2B3C4D5E6F7000000", "ISO14443"),
        ("E004015012345678", "ISO15693"),
        ("00:11:22:aa:bb:cc", "MacAddress"),
        ("001122AABBCC", "MacAddress"),
        ("DE-8AA-C12345678-9", "eMAID"),
        ("NLTNMC12345678", "eMAID"),
        ("HOMEASSISTANT", "Central"),
        ("Ada", "Central"),
    ],
)
async def test_kinds(central: Central, name: str, kind: str) -> None:
    """Chargers compare the kind of a token too; it shows in how it is written."""
    charge_point, charger = await connect2(central, "2.0.1")
    await charge_point.commands.send_local_list(1, "Full", [{"idTag": name}])
    assert sent(charger)[0][2] == [{"idToken": card(name, kind)}]
