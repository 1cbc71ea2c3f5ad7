"""When transactions begin and end, and what is said of them."""

from typing import Any

import pytest

from simulator import Car, Charger2, ManualClock

from .central import Central2, MakeCharger2

#: For each start point: what is said until energy flows, with the car first and the card second.
_BEGINNINGS = {
    "EVConnected": [
        "Started CablePluggedIn",
        "Updated Authorized",
        "Updated ChargingStateChanged",
    ],
    "ParkingBayOccupancy": [
        "Started EVDetected",
        "Updated Authorized",
        "Updated ChargingStateChanged",
    ],
    "Authorized": ["Started Authorized", "Updated ChargingStateChanged"],
    "PowerPathClosed": ["Started Authorized", "Updated ChargingStateChanged"],
    "EnergyTransfer": ["Started ChargingStateChanged"],
}


@pytest.mark.parametrize("point", _BEGINNINGS)
async def test_beginnings(
    make_charger: MakeCharger2, central: Central2, point: str
) -> None:
    """Whatever it begins with, the card is told once and energy flows in the end."""
    charger = make_charger(tx_start_points=point)
    await charger.start()
    charger.connector(1).plug_in()
    assert await charger.swipe("CARD1") == "Accepted"
    assert central.story == _BEGINNINGS[point]
    assert [event["seqNo"] for event in central.events] == list(
        range(len(central.events))
    )
    assert [event.get("evse") for event in central.events] == [
        {"id": 1, "connectorId": 1},
        *[None] * (len(central.events) - 1),
    ]
    assert [event["idToken"] for event in central.events if "idToken" in event] == [
        {"idToken": "CARD1", "type": "ISO14443"}
    ]
    assert central.states[-1] == "Charging"
    assert central.events[0]["meterValue"][0]["sampledValue"][0]["context"] == (
        "Transaction.Begin"
    )


async def test_card_first(
    make_charger: MakeCharger2, central: Central2, clock: ManualClock
) -> None:
    """With Authorized it begins before there is a car, and ends if none comes."""
    charger = make_charger(tx_start_points="Authorized")
    await charger.start()
    await charger.swipe("CARD1")
    assert central.story == ["Started Authorized"]
    assert charger.connector(1).status == "Occupied"
    await clock.advance(60)
    assert central.story[1:] == ["Ended EVConnectTimeout"]
    assert central.events[-1]["transactionInfo"]["stoppedReason"] == "Timeout"
    assert charger.connector(1).status == "Available"
    await charger.swipe("CARD1")
    charger.connector(1).plug_in()
    await charger.settle()
    assert central.story[2:] == [
        "Started Authorized",
        "Updated CablePluggedIn",
        "Updated ChargingStateChanged",
    ]
    assert central.states[-3:] == ["Idle", "EVConnected", "Charging"]


@pytest.mark.parametrize(
    ("points", "by_card", "by_plug"),
    [
        ("Authorized", ["Ended StopAuthorized"], []),
        ("PowerPathClosed", ["Ended StopAuthorized"], []),
        ("EnergyTransfer", ["Ended StopAuthorized"], []),
        ("EVConnected", ["Updated StopAuthorized"], ["Ended EVCommunicationLost"]),
        (
            "ParkingBayOccupancy",
            ["Updated StopAuthorized"],
            ["Ended EVCommunicationLost"],
        ),
    ],
)
async def test_ends(
    make_charger: MakeCharger2,
    central: Central2,
    clock: ManualClock,
    points: str,
    by_card: list[str],
    by_plug: list[str],
) -> None:
    """The card ends it, or what follows does."""
    charger = make_charger(tx_stop_points=points)
    await charger.start()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await clock.advance(30)
    before = len(central.events)
    await charger.swipe("CARD1")
    assert central.story[before:] == by_card
    assert central.events[-1]["idToken"]["idToken"] == "CARD1"
    charger.connector(1).unplug()
    await charger.settle()
    assert central.story[before:] == by_card + by_plug
    ended = central.events[-1]
    assert ended["transactionInfo"]["stoppedReason"] == "Local"
    assert ended["transactionInfo"]["timeSpentCharging"] == 30
    contexts = [each["sampledValue"][0]["context"] for each in ended["meterValue"]]
    assert contexts == ["Transaction.Begin", "Transaction.End"]
    assert (
        len({event["transactionInfo"]["transactionId"] for event in central.events})
        == 1
    )


async def test_unplugged(charger: Charger2, central: Central2) -> None:
    """Pulling the plug ends it."""
    charger.connector(2).plug_in()
    await charger.swipe("CARD1", 2)
    charger.connector(2).unplug()
    await charger.settle()
    assert central.story[-1] == "Ended EVCommunicationLost"
    assert central.events[-1]["transactionInfo"]["stoppedReason"] == "EVDisconnected"
    assert central.connector_statuses(2) == ["Available", "Occupied", "Available"]


async def test_comes_back(
    make_charger: MakeCharger2, central: Central2, clock: ManualClock
) -> None:
    """Where the plug may be pulled, the transaction goes on when it is back."""
    charger = make_charger(
        tx_stop_points="Authorized",
        config={"TxCtrlr.StopTxOnEVSideDisconnect": "false"},
    )
    await charger.start()
    car = charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    charger.connector(1).unplug()
    await charger.settle()
    assert central.story[-1] == "Updated EVCommunicationLost"
    assert central.states[-1] == "Idle"
    charger.connector(1).plug_in(car)
    await charger.settle()
    assert central.states[-2:] == ["EVConnected", "Charging"]
    await charger.swipe("CARD1")
    assert central.story[-1] == "Ended StopAuthorized"


async def test_group_may_stop(charger: Charger2, central: Central2) -> None:
    """Another card of the same group ends it, a stranger's does not."""
    group = {"idToken": "FAMILY", "type": "Central"}

    def authorize(payload: dict[str, Any]) -> dict[str, Any]:
        info: dict[str, Any] = {"status": "Accepted"}
        if payload["idToken"]["idToken"] != "STRANGER":
            info["groupIdToken"] = group
        return {"idTokenInfo": info}

    central.answers["Authorize"] = authorize
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await charger.swipe("STRANGER")
    assert charger.connector(1).transaction_id is not None
    await charger.swipe("CARD2")
    assert central.story[-1] == "Ended StopAuthorized"
    assert central.events[-1]["idToken"]["idToken"] == "CARD2"


@pytest.mark.parametrize("stops", ["true", "false"])
async def test_deauthorized(
    make_charger: MakeCharger2, central: Central2, clock: ManualClock, stops: str
) -> None:
    """What the central system thinks of the token at last counts."""
    central.answers["TransactionEvent"] = lambda payload: (
        {"idTokenInfo": {"status": "Blocked"}} if "idToken" in payload else {}
    )
    charger = make_charger(config={"TxCtrlr.StopTxOnInvalidId": stops})
    await charger.start()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await clock.advance(60)
    if stops == "true":
        assert central.story[-1] == "Ended Deauthorized"
        assert central.events[-1]["transactionInfo"]["stoppedReason"] == "DeAuthorized"
    else:
        assert "Updated Deauthorized" in central.story
        assert central.states[-1] == "SuspendedEVSE"
    assert charger.connector(1).energy_wh < 1
    assert await charger.swipe("CARD1") in {"Blocked", "Accepted"}


async def test_remote(charger: Charger2, central: Central2) -> None:
    """Started and stopped from afar."""
    token = {"idToken": "HA", "type": "Central"}
    start = {"idToken": token, "remoteStartId": 7, "evseId": 2}
    assert await central.call("RequestStartTransaction", start) == {
        "status": "Accepted"
    }
    charger.connector(2).plug_in()
    await charger.settle()
    assert central.story == ["Started CablePluggedIn", "Updated ChargingStateChanged"]
    assert central.events[0]["transactionInfo"]["remoteStartId"] == 7
    assert central.events[0]["idToken"] == token
    assert "remoteStartId" not in central.events[1]["transactionInfo"]
    answer = await central.call("RequestStartTransaction", start)
    assert answer["status"] == "Rejected"
    number = charger.connector(2).transaction_id
    answer = await central.call("GetTransactionStatus", {"transactionId": number})
    assert answer == {"ongoingIndicator": True, "messagesInQueue": False}
    for wanted, status in (("nobody", "Rejected"), (number, "Accepted")):
        answer = await central.call("RequestStopTransaction", {"transactionId": wanted})
        assert answer["status"] == status
    await charger.settle()
    assert central.story[-1] == "Ended RemoteStop"
    assert central.events[-1]["transactionInfo"]["stoppedReason"] == "Remote"
    assert charger.connector(2).finished
    answer = await central.call("GetTransactionStatus", {"transactionId": number})
    assert answer == {"ongoingIndicator": False, "messagesInQueue": False}
    assert await central.call("GetTransactionStatus", {}) == {"messagesInQueue": False}


async def test_remote_takes_over(make_charger: MakeCharger2, central: Central2) -> None:
    """A transaction that began with the plug is authorized from afar, after asking."""
    charger = make_charger(
        tx_start_points="EVConnected", config={"AuthCtrlr.AuthorizeRemoteStart": "true"}
    )
    await charger.start()
    charger.connector(1).plug_in()
    await charger.settle()
    token = {"idToken": "HA", "type": "Central"}
    answer = await central.call(
        "RequestStartTransaction", {"idToken": token, "remoteStartId": 8}
    )
    await charger.settle()
    assert answer["transactionId"] == charger.connector(1).transaction_id
    assert central.said("Authorize") == [{"idToken": token}]
    assert central.story[1:] == ["Updated RemoteStart", "Updated ChargingStateChanged"]
    assert central.events[1]["transactionInfo"]["remoteStartId"] == 8


async def test_offline(
    charger: Charger2, central: Central2, clock: ManualClock
) -> None:
    """What happened offline is told afterwards, in order, and says so."""
    await charger.swipe("CARD1")
    charger.connector(1).plug_in()
    await charger.settle()
    await charger.drop()
    await clock.advance(1)
    assert await charger.swipe("CARD1") == "Accepted"
    charger.connector(1).unplug()
    charger.connector(2).plug_in()
    assert await charger.swipe("CARD1", 2) == "Accepted", "It is in the cache"
    assert await charger.swipe("CARD9", 1) == "Invalid"
    await charger.reconnect()
    offline = [event for event in central.events if event.get("offline")]
    assert [event["eventType"] for event in offline] == ["Ended", "Started", "Updated"]
    assert [event["seqNo"] for event in offline] == [2, 0, 1]
    assert "offline" not in central.events[0]


@pytest.mark.parametrize("version", ["2.0.1"], indirect=True)
async def test_retries(
    charger: Charger2, central: Central2, clock: ManualClock
) -> None:
    """A message that was not understood is tried again, and the others wait."""
    central.answers["TransactionEvent"] = ["InternalError", "", {}]
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    number = charger.connector(1).transaction_id
    answer = await central.call("GetTransactionStatus", {"transactionId": number})
    assert answer == {"ongoingIndicator": True, "messagesInQueue": True}
    central.agree()
    await clock.advance(60)
    assert [event["seqNo"] for event in central.events] == [0, 0, 1, 2]


async def test_costs(charger: Charger2, central: Central2) -> None:
    """Of a transaction that runs, and of no other."""
    central.agree(totalCost=1.5)
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    transaction = charger.connector(1).transaction
    assert transaction is not None
    assert transaction.cost == 1.5
    number = charger.connector(1).transaction_id
    await central.call("CostUpdated", {"totalCost": 2.5, "transactionId": number})
    assert transaction.cost == 2.5
    assert charger.violations == []
    await central.call("CostUpdated", {"totalCost": 2.5, "transactionId": "other"})
    assert len(charger.violations) == 1
    charger.violations.clear()


@pytest.mark.parametrize("version", ["2.1"], indirect=True)
@pytest.mark.parametrize(
    ("limits", "trigger"),
    [
        ({"maxEnergy": 200.0}, "EnergyLimitReached"),
        ({"maxTime": 90}, "TimeLimitReached"),
        ({"maxSoC": 41}, "SoCLimitReached"),
        ({"maxCost": 1.0}, "CostLimitReached"),
    ],
)
async def test_limits(
    make_charger: MakeCharger2,
    central: Central2,
    clock: ManualClock,
    limits: dict[str, float],
    trigger: str,
) -> None:
    """A transaction pauses at its limit, and goes on when that is raised."""
    central.agree(transactionLimit=limits)
    charger = make_charger()
    await charger.start()
    charger.connector(1).plug_in(Car(soc=40))
    await charger.swipe("CARD1")
    said = next(
        event for event in central.events if event["triggerReason"] == "LimitSet"
    )
    assert said["transactionInfo"]["transactionLimit"] == limits
    await clock.advance(240)
    if trigger == "CostLimitReached":
        number = charger.connector(1).transaction_id
        await central.call("CostUpdated", {"totalCost": 1, "transactionId": number})
        await charger.settle()
    assert f"Updated {trigger}" in central.story
    assert central.states[-1] == "SuspendedEVSE"
    await clock.advance(5)
    assert charger.connector(1).current == 0
    central.agree(transactionLimit={"maxEnergy": 9999})
    await clock.advance(60)
    assert central.states[-1] == "Charging"


async def test_several_connectors(
    make_charger: MakeCharger2, central: Central2
) -> None:
    """One meter, one transaction at a time."""
    charger = make_charger(connectors_per_evse=2, meter_start=1000)
    await charger.start()
    second = charger.connector(101)
    assert second is charger.connector(1, 2)
    second.plug_in()
    await charger.settle()
    assert central.connector_statuses(1, 1) == ["Available", "Unavailable"]
    assert central.connector_statuses(1, 2) == ["Available", "Occupied"]
    await charger.swipe("CARD1", 101)
    assert central.events[0]["evse"] == {"id": 1, "connectorId": 2}
    sample = central.events[0]["meterValue"][0]["sampledValue"][0]
    assert sample["value"] == 1000
    with pytest.raises(ValueError, match="There is a car"):
        charger.connector(1).plug_in()
    with pytest.raises(ValueError, match="no connector"):
        charger.connector(2)


async def test_faults_pause(charger: Charger2, central: Central2) -> None:
    """And are over when repaired."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await charger.fault(0)
    assert central.states[-1] == "SuspendedEVSE"
    assert central.connector_statuses(2)[-1] == "Faulted"
    await charger.clear_fault(0)
    assert central.states[-1] == "Charging"
    assert central.connector_statuses(1)[-1] == "Occupied"
    await charger.stop_transaction(1, "EmergencyStop")
    assert central.story[-1] == "Ended AbnormalCondition"
