"""The list of tokens on a charger: what is sent when, and to whom nothing is."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import (
    CommandRejected,
    CommandTimeout,
    NotSupported,
)
from custom_components.ocpp_central.csms.local_list import ListProblem
from custom_components.ocpp_central.csms.model import AuthorizationStatus, KnownToken

from .common import (
    TIMING,
    Answer,
    Central,
    Charger,
    HangUp,
    Payload,
    Raw,
    Refusal,
    Silence,
    bring_up,
    central_system,
    stamp,
    start,
)

KEYS = {"LocalAuthListEnabled": "true", "LocalAuthListMaxLength": "10"}


def token(name: str, **more: Any) -> KnownToken:
    """Return a token that somebody was given."""
    return KnownToken(id_token=name, name=name.title(), **more)


def entry(name: str, **more: Any) -> Payload:
    """Return an accepted token as a list has it."""
    return {"idTag": name, "idTagInfo": {"status": "Accepted", **more}}


def know(central: Central, *tokens: KnownToken | str) -> None:
    """Let these be the known tokens."""
    central.authorizer.set(
        [token(one) if isinstance(one, str) else one for one in tokens],
        one_session_each=False,
    )


@dataclass
class ListKeeper:
    """A charger's list, kept by the book."""

    version: int = 0
    entries: dict[str, Payload] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)

    def tell(self, _payload: Payload) -> Answer:
        """Answer GetLocalListVersion."""
        return {"listVersion": self.version}

    def take(self, payload: Payload) -> Answer:
        """Answer SendLocalList; `answers` are given first, and nothing is done."""
        if self.answers:
            return self.answers.pop(0)
        entries = payload.get("localAuthorizationList", [])
        if payload["updateType"] == "Full":
            self.entries = {}
        elif payload["listVersion"] <= self.version:
            return {"status": "VersionMismatch"}
        for one in entries:
            if "idTagInfo" in one:
                self.entries[one["idTag"]] = one["idTagInfo"]
            else:
                del self.entries[one["idTag"]]
        self.version = payload["listVersion"]
        return {"status": "Accepted"}


async def connect(
    central: Central, keeper: ListKeeper, *, add: bool = True, **keys: str
) -> tuple[ChargePoint, Charger]:
    """Have a charger with a list connect; returns after its bring-up."""
    if add:
        await central.add(sync_local_list=True)
    charger = await central.dial()
    charger.answers["GetConfiguration"] = {
        "configurationKey": [
            {"key": key, "readonly": False, "value": value}
            for key, value in {**KEYS, **keys}.items()
        ]
    }
    charger.answers["GetLocalListVersion"] = keeper.tell
    charger.answers["SendLocalList"] = keeper.take
    await charger.boot()
    await bring_up()
    return central.system.charge_points["cp1"], charger


def sent(charger: Charger) -> list[tuple[int, str, list[Payload]]]:
    """Return the lists that a charger was sent."""
    return [
        (
            call.payload["listVersion"],
            call.payload["updateType"],
            call.payload["localAuthorizationList"],
        )
        for call in charger.calls
        if call.action == "SendLocalList"
    ]


async def in_step(charge_point: ChargePoint) -> None:
    """Wait until what was begun because tokens changed is done."""
    name = f"{charge_point.identity} keep the list of tokens in step"
    if tasks := [task for task in asyncio.all_tasks() if task.get_name() == name]:
        await asyncio.wait(tasks)


async def test_first_full_then_differences(central: Central) -> None:
    """An empty list is filled at once, and changed as tokens change."""
    keeper = ListKeeper()
    expires = datetime(2040, 1, 1, tzinfo=UTC)
    know(central, "CARD1", token("CARD2", expires=expires, group="FAMILY"))
    charge_point, charger = await connect(central, keeper)
    assert sent(charger) == [
        (
            1,
            "Full",
            [
                entry("CARD1"),
                entry("CARD2", expiryDate="2040-01-01T00:00:00Z", parentIdTag="FAMILY"),
            ],
        )
    ]

    know(central, "CARD1", "CARD3")
    await in_step(charge_point)
    assert sent(charger)[1:] == [
        (2, "Differential", [{"idTag": "CARD2"}, entry("CARD3")])
    ]
    assert list(keeper.entries) == ["CARD1", "CARD3"]
    know(central)
    await in_step(charge_point)
    assert sent(charger)[2:] == [(3, "Full", [])]
    assert keeper.entries == {}


async def test_nothing_new_is_not_sent(central: Central) -> None:
    """A list that is what it should be is only asked for its version."""
    keeper = ListKeeper()
    know(central, "CARD1")
    charge_point, charger = await connect(central, keeper)
    assert len(sent(charger)) == 1
    know(central, "CARD1")
    await in_step(charge_point)
    assert charger.actions.count("GetLocalListVersion") == 1
    await charger.close()

    _, charger = await connect(central, keeper, add=False)
    assert "GetLocalListVersion" in charger.actions
    assert sent(charger) == []


async def test_only_where_it_is_wanted(central: Central) -> None:
    """Unless the user says so, nothing is asked nor sent; it can be said later."""
    keeper = ListKeeper()
    know(central, "CARD1")
    await central.add()
    charge_point, charger = await connect(central, keeper, add=False)
    know(central, "CARD1", "CARD2")
    await in_step(charge_point)
    assert not {"GetLocalListVersion", "SendLocalList"} & set(charger.actions)

    charge_point.config = replace(charge_point.config, sync_local_list=True)
    charge_point.local_list.follow()
    await in_step(charge_point)
    assert set(keeper.entries) == {"CARD1", "CARD2"}


async def test_a_card_spelled_otherwise(central: Central) -> None:
    """It is the same card: it is sent anew, and nothing is taken away."""
    keeper = ListKeeper()
    know(central, "card1", "CARD2")
    charge_point, charger = await connect(central, keeper)
    know(central, "CARD1", "CARD2")
    await in_step(charge_point)
    assert sent(charger)[1:] == [(2, "Differential", [entry("CARD1")])]
    know(central, "CARD1", "CARD2")
    await in_step(charge_point)
    assert len(sent(charger)) == 2


async def test_in_parts(central: Central) -> None:
    """No message is longer than the charger can take."""
    keeper = ListKeeper()
    know(central, *(f"CARD{number}" for number in range(5)))
    charge_point, charger = await connect(central, keeper, SendLocalListMaxLength="2")
    assert [(version, kind, len(part)) for version, kind, part in sent(charger)] == [
        (1, "Full", 2),
        (2, "Differential", 2),
        (3, "Differential", 1),
    ]
    assert len(keeper.entries) == 5
    know(central, *(f"CARD{number}" for number in range(3, 8)))
    await in_step(charge_point)
    # That many changes are no less than all of it.
    assert [kind for _, kind, _ in sent(charger)[3:]] == [
        "Full",
        "Differential",
        "Differential",
    ]
    assert list(keeper.entries) == [f"CARD{number}" for number in range(3, 8)]


async def test_hang_up_between_parts(central: Central) -> None:
    """What is on the charger by then is known, and the rest follows."""
    keeper = ListKeeper()
    know(central, *(f"CARD{number}" for number in range(5)))
    await central.add(sync_local_list=True)
    parts = iter([keeper.take, HangUp()])
    charger = await central.dial()
    charger.answers |= {
        "GetConfiguration": {
            "configurationKey": [
                {"key": "SendLocalListMaxLength", "readonly": True, "value": "2"}
            ]
        },
        "GetLocalListVersion": keeper.tell,
        "SendLocalList": lambda payload: (
            part(payload) if callable(part := next(parts)) else part
        ),
    }
    await charger.boot()
    await charger.closed.wait()
    await bring_up()
    assert list(keeper.entries) == ["CARD0", "CARD1"]

    charge_point, charger = await connect(
        central, keeper, add=False, SendLocalListMaxLength="2"
    )
    assert [(version, kind) for version, kind, _ in sent(charger)] == [
        (2, "Differential"),
        (3, "Differential"),
    ]
    assert len(keeper.entries) == 5
    assert not charge_point.capabilities.quarantined


async def test_it_takes_the_charger_down(central: Central) -> None:
    """A charger that drops its socket at the first list is not sent one again."""
    keeper = ListKeeper(answers=[HangUp()])
    know(central, "CARD1")
    charge_point, _ = await connect(central, keeper)
    assert charge_point.capabilities.quarantined == ["SendLocalList"]
    _, charger = await connect(central, keeper, add=False)
    know(central, "CARD1", "CARD2")
    await in_step(charge_point)
    assert sent(charger) == []


async def test_an_answer_that_got_lost(socket_enabled: None) -> None:
    """What may have arrived is ours, and is replaced without a question."""
    async with central_system(timing=replace(TIMING, call=0.05)) as central:
        keeper = ListKeeper()
        know(central, "CARD1")

        def take_silently(payload: Payload) -> Answer:
            keeper.take(payload)
            return Silence()

        await central.add(sync_local_list=True)
        charger = await central.dial()
        charger.answers["GetLocalListVersion"] = keeper.tell
        charger.answers["SendLocalList"] = take_silently
        await charger.boot()
        await bring_up()
        assert keeper.version == 1
        charger.answers["SendLocalList"] = keeper.take
        know(central, "CARD1", "CARD2")
        charge_point = central.system.charge_points["cp1"]
        await in_step(charge_point)
        assert sent(charger)[1:] == [(2, "Full", [entry("CARD1"), entry("CARD2")])]
        assert charge_point.local_list.problems == {}


async def test_a_foreign_list_is_not_touched(central: Central) -> None:
    """Somebody has to say so first, and means the list that was there then."""
    keeper = ListKeeper(version=7, entries={"THEIRS": {"status": "Accepted"}})
    know(central, "CARD1")
    charge_point, charger = await connect(central, keeper)
    assert sent(charger) == []
    assert charge_point.local_list.problems == {ListProblem.FOREIGN: {"version": 7}}

    keeper.version = 8
    charge_point.local_list.replace()
    await in_step(charge_point)
    assert sent(charger) == []
    assert charge_point.local_list.problems == {ListProblem.FOREIGN: {"version": 8}}

    charge_point.local_list.replace()
    assert charge_point.local_list.problems == {}
    await in_step(charge_point)
    assert sent(charger) == [(9, "Full", [entry("CARD1")])]
    assert list(keeper.entries) == ["CARD1"]
    # From now on it is ours.
    know(central, "CARD1", "CARD2")
    await in_step(charge_point)
    assert sent(charger)[1:] == [(10, "Differential", [entry("CARD2")])]


async def test_a_foreign_list_goes_away(central: Central) -> None:
    """Emptied by its owner, the list is free to be filled."""
    keeper = ListKeeper(version=7)
    know(central, "CARD1")
    charge_point, charger = await connect(central, keeper)
    keeper.version = 0
    know(central, "CARD2")
    await in_step(charge_point)
    assert sent(charger) == [(1, "Full", [entry("CARD2")])]
    assert charge_point.local_list.problems == {}


async def test_replaced_when_it_is_back(central: Central) -> None:
    """The word holds until the charger connects again."""
    keeper = ListKeeper(version=7)
    know(central, "CARD1")
    charge_point, charger = await connect(central, keeper)
    await charger.close()
    charge_point.local_list.replace()
    _, charger = await connect(central, keeper, add=False)
    assert sent(charger) == [(8, "Full", [entry("CARD1")])]


async def test_a_list_sent_by_hand_is_not_ours(central: Central) -> None:
    """Nor is it if another central system has written over ours."""
    keeper = ListKeeper()
    know(central, "CARD1")
    charge_point, charger = await connect(central, keeper)
    await charge_point.commands.send_local_list(5, "Full", [entry("BYHAND")])
    assert charge_point.local_list.has("byhand")
    assert not charge_point.local_list.has("CARD1")
    know(central, "CARD1", "CARD2")
    await in_step(charge_point)
    assert len(sent(charger)) == 2
    assert ListProblem.FOREIGN in charge_point.local_list.problems

    # No longer wanted, it is nobody's problem.
    charge_point.config = replace(charge_point.config, sync_local_list=False)
    charge_point.local_list.follow()
    assert charge_point.local_list.problems == {}


async def test_an_emptied_list_is_filled(central: Central) -> None:
    """A charger put back to its factory settings has lost it."""
    keeper = ListKeeper()
    know(central, "CARD1")
    _, charger = await connect(central, keeper)
    await charger.close()
    keeper = ListKeeper()
    _, charger = await connect(central, keeper, add=False)
    assert sent(charger) == [(1, "Full", [entry("CARD1")])]


@pytest.mark.parametrize(
    "answer", ["VersionMismatch", "Failed", "failed", "NotSupported"]
)
async def test_a_difference_is_refused(central: Central, answer: str) -> None:
    """The whole list follows."""
    keeper = ListKeeper()
    know(central, "CARD1")
    charge_point, charger = await connect(central, keeper)
    keeper.answers = [{"status": answer}]
    know(central, "CARD1", "CARD2")
    await in_step(charge_point)
    assert [(version, kind) for version, kind, _ in sent(charger)] == [
        (1, "Full"),
        (2, "Differential"),
        (2, "Full"),
    ]
    assert set(keeper.entries) == {"CARD1", "CARD2"}


async def test_fails_for_good(
    central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried twice, said once, and tried again when there is something new."""
    keeper = ListKeeper(answers=[{"status": "Failed"}] * 4)
    know(central, "CARD1")
    charge_point, charger = await connect(central, keeper)
    assert [kind for _, kind, _ in sent(charger)] == ["Full", "Full"]
    know(central, "CARD1", "CARD2")
    await in_step(charge_point)
    assert len(sent(charger)) == 4
    assert caplog.text.count("does not take the list") == 1
    know(central, "CARD1", "CARD2", "CARD3")
    await in_step(charge_point)
    assert len(keeper.entries) == 3


async def test_more_than_it_takes(central: Central) -> None:
    """Those who may charge come first, and the user is told."""
    keeper = ListKeeper()
    know(
        central,
        token("CARD1", status=AuthorizationStatus.BLOCKED),
        "CARD2",
        "CARD3",
        "CARD4",
    )
    charge_point, charger = await connect(central, keeper, LocalAuthListMaxLength="2")
    assert sent(charger) == [(1, "Full", [entry("CARD2"), entry("CARD3")])]
    assert charge_point.local_list.problems == {
        ListProblem.TOO_LONG: {"most": 2, "number": 4}
    }
    know(central, "CARD2", "CARD4")
    await in_step(charge_point)
    assert set(keeper.entries) == {"CARD2", "CARD4"}
    assert charge_point.local_list.problems == {}


async def test_tokens_that_no_list_can_have(central: Central) -> None:
    """OCPP 1.6 ends at 20 characters."""
    keeper = ListKeeper()
    know(central, "CARD1", "X" * 21, token("CARD2", group="G" * 21))
    charge_point, charger = await connect(central, keeper)
    assert sent(charger) == [(1, "Full", [entry("CARD1"), entry("CARD2")])]
    assert charge_point.local_list.problems == {
        ListProblem.TOO_LONG: {"most": 2, "number": 3}
    }


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("GetLocalListVersion", {"listVersion": -1}),
        ("GetLocalListVersion", Refusal("NotImplemented")),
        ("GetLocalListVersion", Refusal("NotSupported")),
        ("SendLocalList", {"status": "NotSupported"}),
        ("SendLocalList", {"status": "notsupported"}),
        ("SendLocalList", Refusal("NotSupported")),
    ],
)
async def test_keeps_no_list(
    central: Central, caplog: pytest.LogCaptureFixture, action: str, answer: Answer
) -> None:
    """That is remembered of its model."""
    know(central, "CARD1")
    await central.add(sync_local_list=True)
    charger = await central.dial()
    charger.answers |= {"GetLocalListVersion": {"listVersion": 0}, action: answer}
    await charger.boot()
    await bring_up()
    assert action in charger.actions
    assert "keeps no list" in caplog.text
    charger.forget()
    know(central, "CARD1", "CARD2")
    await in_step(central.system.charge_points["cp1"])
    assert charger.calls == []
    await central.restart()
    assert central.store.get("Vendor|Model|1.0").no_local_list


@pytest.mark.parametrize(
    "answer",
    [
        Refusal("InternalError"),
        Silence(),
        {"status": "Perhaps"},
        {},
        Raw('[3,"{id}",{"status":"Accep'),
    ],
)
async def test_rude_answers(socket_enabled: None, answer: Answer) -> None:
    """Whatever a charger says, the next change is sent, and the rest goes on."""
    async with central_system(timing=replace(TIMING, call=0.05)) as central:
        keeper = ListKeeper(answers=[answer, answer])
        know(central, "CARD1")
        charge_point, charger = await connect(central, keeper)
        keeper.answers.clear()
        know(central, "CARD1", "CARD2")
        await in_step(charge_point)
        assert set(keeper.entries) == {"CARD1", "CARD2"}
        await charger.alive()


@pytest.mark.parametrize("version", ["1", 1.0, None, "new", -7])
async def test_rude_versions(central: Central, version: Any) -> None:
    """A version is a number, or nothing."""
    know(central, "CARD1")
    await central.add(sync_local_list=True)
    charger = await central.dial()
    charger.answers["GetLocalListVersion"] = {"listVersion": version}
    await charger.boot()
    await bring_up()
    charge_point = central.system.charge_points["cp1"]
    assert (ListProblem.FOREIGN in charge_point.local_list.problems) == (
        version in ("1", 1.0)
    )
    assert bool(sent(charger)) == (version in (None, "new"))
    await charger.alive()


async def test_its_list_is_switched_on(central: Central) -> None:
    """Where that can be done."""
    keeper = ListKeeper()
    know(central, "CARD1")
    _, charger = await connect(central, keeper, LocalAuthListEnabled="false")
    assert [
        call.payload for call in charger.calls if call.action == "ChangeConfiguration"
    ] == [{"key": "LocalAuthListEnabled", "value": "true"}]
    assert list(keeper.entries) == ["CARD1"]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "Rejected"},
        {"status": "RebootRequired"},
        Refusal("NotSupported"),
        None,
    ],
)
async def test_its_list_stays_off(
    central: Central, caplog: pytest.LogCaptureFixture, answer: Answer | None
) -> None:
    """Then nothing is sent, it is said, and nothing is held against the model."""
    know(central, "CARD1")
    await central.add(sync_local_list=True)
    charger = await central.dial()
    charger.answers["GetConfiguration"] = {
        "configurationKey": [
            {
                "key": "LocalAuthListEnabled",
                "readonly": answer is None,
                "value": "False",
            }
        ]
    }
    if answer:
        charger.answers["ChangeConfiguration"] = answer
    await charger.boot()
    await bring_up()
    assert "GetLocalListVersion" not in charger.actions
    assert "its list of tokens" in caplog.text
    charge_point = central.system.charge_points["cp1"]
    assert not charge_point.capabilities.no_local_list


async def test_sessions_by_the_list(central: Central) -> None:
    """A start that is told late was by the list, if the token was on it."""
    keeper = ListKeeper()
    know(central, "CARD1", token("CARD2", status=AuthorizationStatus.BLOCKED), "CARD3")
    _, charger = await connect(central, keeper)
    await charger.call("Heartbeat")
    for connector, name in enumerate(("card1", "CARD2", "CARD4"), 1):
        await charger.call(
            "StartTransaction",
            start(connector, token=name, time=stamp(hours=2, seconds=-connector)),
        )
    await charger.call("StartTransaction", start(4, token="CARD3"))
    assert [one.authorized_by for one in central.ledger.starts] == [
        "offline_local_list",
        "offline_unknown",
        "offline_unknown",
        "online",
    ]


async def test_commands(central: Central) -> None:
    """They go out as given, and answer as the charger does."""
    charge_point, charger = await central.connect()
    charger.answers["GetLocalListVersion"] = {"listVersion": 3}
    commands = charge_point.commands
    assert await commands.get_local_list_version() == {"listVersion": 3}
    assert await commands.send_local_list(-4, "Differential") == {"status": "Accepted"}
    assert charger.calls[-1].payload == {
        "listVersion": -4,
        "updateType": "Differential",
    }
    for status in ("Failed", "NotSupported", "VersionMismatch"):
        charger.answers["SendLocalList"] = {"status": status}
        with pytest.raises(CommandRejected) as error:
            await commands.send_local_list(4, "Full", [entry("CARD1")])
        assert error.value.status == status
        assert not charge_point.local_list.has("CARD1")
    charger.answers["SendLocalList"] = Refusal("NotImplemented")
    with pytest.raises(NotSupported):
        await commands.send_local_list(4, "Full", [])


async def test_no_answer_to_a_command(socket_enabled: None) -> None:
    """It is a time-out, as with any command."""
    async with central_system(timing=replace(TIMING, call=0.05)) as central:
        charge_point, charger = await central.connect()
        charger.answers["SendLocalList"] = Silence()
        with pytest.raises(CommandTimeout):
            await charge_point.commands.send_local_list(1, "Full", [])


async def test_what_is_kept(central: Central) -> None:
    """After a restart, the list is still ours, and still known."""
    keeper = ListKeeper()
    know(central, "CARD1")
    charge_point, _ = await connect(central, keeper)
    kept = charge_point.local_list.as_dict()
    await central.restart()
    charge_point = await central.add(sync_local_list=True)
    charge_point.local_list.restore(kept)
    assert charge_point.local_list.has("CARD1")
    know(central, "CARD1", "CARD2")
    _, charger = await connect(central, keeper, add=False)
    assert sent(charger) == [(2, "Differential", [entry("CARD2")])]


async def test_blocked_later(central: Central) -> None:
    """A card that may not charge any more is told of as such."""
    keeper = ListKeeper()
    know(central, "CARD1")
    charge_point, charger = await connect(central, keeper)
    know(
        central,
        token(
            "CARD1",
            status=AuthorizationStatus.BLOCKED,
            expires=datetime.now(UTC) + timedelta(days=1),
        ),
    )
    await in_step(charge_point)
    assert keeper.entries["CARD1"]["status"] == "Blocked"
    assert not charge_point.local_list.has("CARD1")
    assert sent(charger)[1][:2] == (2, "Differential")
