"""What happens without a connection, and after it."""

from datetime import timedelta
from typing import Any

import pytest

from simulator import Car, Charger, ManualClock
from simulator.clock import format_time

from .central import Central, MakeCharger


async def test_session_goes_on_offline(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Everything about it is told later, in order and with the time it happened."""
    began = clock.now()
    charger.connector(1).plug_in(Car(soc=10))
    await charger.swipe("CARD1")
    central.protocols = ("none",)
    await charger.drop()
    before = len(central.actions)
    await clock.advance(150)
    await charger.swipe("CARD1")
    stopped = clock.now()
    charger.connector(1).unplug()
    await clock.advance(600)
    assert len(central.actions) == before

    central.protocols = ("ocpp1.6",)
    await charger.reconnect()
    assert central.actions[before:] == [
        "BootNotification",
        *["StatusNotification"] * 3,
        "MeterValues",
        "MeterValues",
        "StopTransaction",
    ]
    times = [
        payload["meterValue"][0]["timestamp"] for payload in central.said("MeterValues")
    ]
    assert times == [format_time(began + timedelta(seconds=s)) for s in (60, 120)]
    assert {payload["transactionId"] for payload in central.said("MeterValues")} == {
        101
    }
    assert central.said("StopTransaction")[0]["timestamp"] == format_time(stopped)
    assert central.statuses(1)[-1] == "Available"
    assert charger.outbox.lasting == []


async def test_whole_session_offline(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """The id of the transaction is filled in once it is known."""
    await charger.swipe("CARD1")
    await clock.advance(60)
    await charger.drop()
    charger.connector(1).plug_in()
    assert await charger.swipe("CARD1") == "Accepted", "the card is known from before"
    assert charger.connector(1).transaction_id is None
    charger.configuration.set("MeterValueSampleInterval", "1")
    await clock.advance(1)
    await charger.swipe("CARD1")
    await charger.reconnect()
    sent = [
        each
        for each in central.calls
        if "Transaction" in each[0] or each[0] == "MeterValues"
    ]
    assert [action for action, _ in sent] == [
        "StartTransaction",
        "MeterValues",
        "StopTransaction",
    ]
    assert [payload.get("transactionId") for _, payload in sent] == [None, 101, 101]


async def test_unconfirmed_start_is_repeated(
    charger: Charger, central: Central
) -> None:
    """Word for word, since the central system may have heard it."""
    charger.activity.patience = 0.2
    central.answers["StartTransaction"] = None
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await charger.drop()
    del central.answers["StartTransaction"]
    central.answers["StartTransaction"] = {
        "transactionId": 7,
        "idTagInfo": {"status": "Accepted"},
    }
    await charger.reconnect()
    first, second = central.said("StartTransaction")
    assert first == second
    assert charger.connector(1).transaction_id == 7


async def test_refused_messages_are_repeated_at_intervals(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """TransactionMessageAttempts times, each pause longer; the others wait in line."""
    accepted = central.answers["StartTransaction"]
    central.answers["StartTransaction"] = ["InternalError", "no", {}]
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    assert len(central.said("StartTransaction")) == 1
    await clock.advance(59)
    assert len(central.said("StartTransaction")) == 1
    await clock.advance(1)
    assert len(central.said("StartTransaction")) == 2
    assert "MeterValues" not in central.actions
    assert central.statuses(1)[-1] == "Charging", (
        "what is no part of a transaction goes on"
    )
    central.answers["StartTransaction"] = accepted
    await clock.advance(120)
    assert len(central.said("StartTransaction")) == 3
    assert charger.connector(1).transaction_id == 101
    assert [payload["transactionId"] for payload in central.said("MeterValues")] == [
        101
    ] * 3


async def test_hopeless_start(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """After the last attempt the transaction has no id, which is sent as -1."""
    central.answers["StartTransaction"] = ["InternalError", "no", {}]
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await clock.advance(600)
    assert len(central.said("StartTransaction")) == 3
    await charger.swipe("CARD1")
    assert central.said("StopTransaction")[0]["transactionId"] == -1
    assert {payload["transactionId"] for payload in central.said("MeterValues")} == {-1}


@pytest.mark.parametrize(
    ("config", "known", "status"),
    [
        ({}, False, "Invalid"),
        ({}, True, "Accepted"),
        ({"LocalAuthorizeOffline": "false"}, True, "Invalid"),
        ({"AuthorizationCacheEnabled": "false"}, True, "Invalid"),
        ({"AllowOfflineTxForUnknownId": "true"}, False, "Accepted"),
    ],
)
async def test_cards_offline(
    make_charger: MakeCharger, config: dict[str, str], known: bool, status: str
) -> None:
    """Who may charge without a connection is a matter of configuration."""
    charger = make_charger(config=config, connectors=2)
    await charger.start()
    if known:
        await charger.swipe("CARD1", 2)
    await charger.drop()
    charger.connector(1).plug_in()
    assert await charger.swipe("CARD1") == status


async def test_card_known_as_blocked(charger: Charger, central: Central) -> None:
    """What was learnt holds offline, for better or worse, until it is cleared."""
    central.answers["Authorize"] = {"idTagInfo": {"status": "Blocked"}}
    await charger.swipe("CARD1")
    await charger.drop()
    assert await charger.swipe("CARD1") == "Blocked"
    await charger.reconnect()
    assert await central.call("ClearCache", {}) == {"status": "Accepted"}
    await charger.drop()
    assert await charger.swipe("CARD1") == "Invalid"


async def test_known_card_expires(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """A card is accepted only until its expiry date."""
    expiry = format_time(clock.now() + timedelta(seconds=30))
    info = {"status": "Accepted", "expiryDate": expiry}
    central.answers["Authorize"] = {"idTagInfo": info}
    await charger.swipe("CARD1", 2)
    central.protocols = ("none",)
    await charger.drop()
    assert await charger.swipe("CARD1") == "Accepted"
    await clock.advance(30)
    assert await charger.swipe("CARD1") == "Expired"


async def test_local_pre_authorize(make_charger: MakeCharger, central: Central) -> None:
    """A known card starts at once."""
    charger = make_charger(config={"LocalPreAuthorize": "true"})
    await charger.start()
    charger.connector(1).plug_in()
    for _ in range(4):
        await charger.swipe("CARD1")
    assert central.actions.count("Authorize") == 1
    assert central.actions.count("StartTransaction") == 2


async def test_no_answer_about_a_card(charger: Charger, central: Central) -> None:
    """Trouble in the central system is no permission."""
    central.answers["Authorize"] = ["InternalError", "", {}]
    assert await charger.swipe("CARD1") == "Invalid"


async def test_status_is_not_kept(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Only the last one counts after the connection is back."""
    await charger.drop()
    connector = charger.connector(1)
    connector.plug_in()
    connector.unplug()
    connector.plug_in()
    await clock.advance(2)
    assert central.statuses(1) == ["Available", "Preparing"]


async def test_drop_while_a_call_is_under_way(
    charger: Charger, central: Central
) -> None:
    """Whoever waits for an answer hears that there is none."""

    def vanish(_payload: Any) -> None:
        charger.activity.spawn(charger.drop())

    central.answers["Authorize"] = vanish
    assert await charger.swipe("CARD1") == "Invalid"
    await charger.reconnect()
    assert charger.accepted
