"""Starting and ending transactions, and the statuses on the way."""

from typing import Any

import pytest

from simulator import Car, Charger, ManualClock
from simulator.clock import format_time

from .central import Central, MakeCharger


def _refuse(status: str, **info: str) -> dict[str, Any]:
    return {"idTagInfo": {"status": status, **info}}


async def test_a_whole_session(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """From the plug to the plug."""
    connector = charger.connector(1)
    began = format_time(clock.now())
    connector.plug_in(Car(capacity_wh=60_000, soc=40, max_current=16))
    assert await charger.swipe("CARD1") == "Accepted"
    assert connector.transaction_id == 101
    await clock.advance(60)
    assert connector.current == 16
    assert connector.power == 16 * 690
    assert connector.status == "Charging"
    energy = connector.energy_wh
    assert energy == pytest.approx(16 * 690 * 56 / 3600, rel=0.001)
    assert await charger.swipe("CARD1") == "Accepted"
    await clock.advance(10)
    assert connector.energy_wh == energy, "nothing flows without a transaction"
    connector.unplug()
    await charger.settle()

    assert central.statuses(1) == [
        "Available",
        "Preparing",
        "Charging",
        "Finishing",
        "Available",
    ]
    assert central.actions[4:] == [
        "StatusNotification",
        "Authorize",
        "StartTransaction",
        "StatusNotification",
        "MeterValues",
        "StopTransaction",
        "StatusNotification",
        "StatusNotification",
    ]
    assert central.said("StartTransaction") == [
        {"connectorId": 1, "idTag": "CARD1", "meterStart": 0, "timestamp": began}
    ]
    (stop,) = central.said("StopTransaction")
    assert stop["transactionId"] == 101
    assert stop["meterStop"] == int(energy)
    assert (stop["reason"], stop["idTag"]) == ("Local", "CARD1")
    assert central.actions.count("Authorize") == 1, (
        "the same card needs no permission to stop"
    )


async def test_meter_goes_on_from_session_to_session(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """The register belongs to the connector."""
    charger = make_charger(meter_start=12_345.6)
    await charger.start()
    charger.connector(1).plug_in()
    for _ in range(2):
        await charger.swipe("CARD1")
        await clock.advance(600)
        await charger.swipe("CARD1")
    starts, stops = central.said("StartTransaction"), central.said("StopTransaction")
    assert starts[0]["meterStart"] == 12_345
    assert stops[0]["meterStop"] == starts[1]["meterStart"] > 14_000
    assert stops[1]["meterStop"] > starts[1]["meterStart"]
    assert isinstance(stops[1]["meterStop"], int)


@pytest.mark.parametrize("status", ["Invalid", "Blocked", "Expired", "ConcurrentTx"])
async def test_refused_card(charger: Charger, central: Central, status: str) -> None:
    """Nothing begins."""
    central.answers["Authorize"] = _refuse(status)
    charger.connector(1).plug_in()
    assert await charger.swipe("CARD1") == status
    assert "StartTransaction" not in central.actions
    assert charger.connector(1).status == "Preparing"


async def test_refused_start_stops(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """A token that StartTransaction does not accept ends what has begun."""
    central.answers["StartTransaction"] = {
        "transactionId": 5,
        **_refuse("ConcurrentTx"),
    }
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    (stop,) = central.said("StopTransaction")
    assert (stop["transactionId"], stop["reason"]) == (5, "DeAuthorized")
    assert central.statuses(1)[-1] == "Finishing"
    await clock.advance(60)
    assert charger.connector(1).energy_wh == 0


async def test_refused_start_without_stopping(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """Or suspends it, if so configured."""
    charger = make_charger(config={"StopTransactionOnInvalidId": "false"})
    await charger.start()
    central.answers["StartTransaction"] = {"transactionId": 5, **_refuse("Invalid")}
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await clock.advance(60)
    assert "StopTransaction" not in central.actions
    assert central.statuses(1)[-1] == "SuspendedEVSE"
    assert charger.connector(1).energy_wh == 0


async def test_card_before_plug(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """There is some time to plug in."""
    await charger.swipe("CARD1")
    await charger.settle()
    assert central.statuses(1) == ["Available", "Preparing"]
    await clock.advance(60)
    assert central.statuses(1) == ["Available", "Preparing", "Available"]
    charger.connector(1).plug_in()
    await charger.settle()
    assert "StartTransaction" not in central.actions
    charger.connector(1).unplug()
    await charger.swipe("CARD1")
    await clock.advance(59)
    charger.connector(1).plug_in()
    await charger.settle()
    assert charger.connector(1).transaction_id == 101


async def test_other_cards_do_not_stop(charger: Charger, central: Central) -> None:
    """Except those of the same group."""
    central.answers["Authorize"] = _refuse("Accepted", parentIdTag="FAMILY")
    central.answers["StartTransaction"] = {
        "transactionId": 5,
        **_refuse("Accepted", parentIdTag="FAMILY"),
    }
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    central.answers["Authorize"] = _refuse("Accepted", parentIdTag="STRANGERS")
    assert await charger.swipe("CARD2") == "Accepted"
    assert charger.connector(1).transaction_id == 5
    central.answers["Authorize"] = _refuse("Accepted", parentIdTag="FAMILY")
    await charger.swipe("CARD3")
    (stop,) = central.said("StopTransaction")
    assert stop["idTag"] == "CARD3"


async def test_full_car(charger: Charger, central: Central, clock: ManualClock) -> None:
    """The transaction stays, without energy."""
    charger.connector(1).plug_in(Car(capacity_wh=10_000, soc=99))
    await charger.swipe("CARD1")
    await clock.advance(600)
    assert central.statuses(1)[-2:] == ["Charging", "SuspendedEV"]
    assert charger.connector(1).soc == 100
    assert charger.connector(1).power == 0
    assert charger.connector(1).energy_wh == pytest.approx(100)


async def test_unplugging_ends(charger: Charger, central: Central) -> None:
    """Pulling the plug of the car ends the transaction."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    charger.connector(1).unplug()
    await charger.settle()
    (stop,) = central.said("StopTransaction")
    assert stop["reason"] == "EVDisconnected"
    assert "idTag" not in stop
    assert central.statuses(1)[-1] == "Available"


async def test_unplugging_suspends(make_charger: MakeCharger, central: Central) -> None:
    """Or does not, if so configured."""
    charger = make_charger(config={"StopTransactionOnEVSideDisconnect": "false"})
    await charger.start()
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    charger.connector(1).unplug()
    await charger.settle()
    assert central.statuses(1)[-1] == "SuspendedEV"
    charger.connector(1).plug_in()
    await charger.settle()
    assert central.statuses(1)[-1] == "Charging"


async def test_stop_without_a_card(charger: Charger, central: Central) -> None:
    """Somebody presses a button."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await charger.stop_transaction(1, "Other")
    assert central.said("StopTransaction")[0]["reason"] == "Other"
    await charger.stop_transaction(1)
    assert len(central.said("StopTransaction")) == 1


async def test_remote_start(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Without a connector it means the one with the car; the answer comes first."""
    charger.connector(2).plug_in()
    await charger.settle()
    answer = await central.call("RemoteStartTransaction", {"idTag": "HOME"})
    assert answer == {"status": "Accepted"}
    await charger.settle()
    assert "Authorize" not in central.actions
    assert central.said("StartTransaction")[0]["connectorId"] == 2
    assert charger.connector(2).transaction_id == 101
    await clock.advance(60)

    for wrong in (100, -1):
        answer = await central.call("RemoteStopTransaction", {"transactionId": wrong})
        assert answer == {"status": "Rejected"}
    answer = await central.call("RemoteStopTransaction", {"transactionId": 101})
    assert answer == {"status": "Accepted"}
    await charger.settle()
    assert central.said("StopTransaction")[0]["reason"] == "Remote"


async def test_remote_start_waits_for_the_car(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """As long as ConnectionTimeOut."""
    request = {"idTag": "HOME", "connectorId": 1}
    assert await central.call("RemoteStartTransaction", request) == {
        "status": "Accepted"
    }
    await charger.settle()
    assert central.statuses(1)[-1] == "Preparing"
    await clock.advance(30)
    charger.connector(1).plug_in()
    await charger.settle()
    assert central.said("StartTransaction")[0]["idTag"] == "HOME"


@pytest.mark.parametrize(("status", "starts"), [("Accepted", 1), ("Invalid", 0)])
async def test_remote_start_with_authorization(
    make_charger: MakeCharger, central: Central, status: str, starts: int
) -> None:
    """Some chargers ask about the token of a remote start."""
    charger = make_charger(config={"AuthorizeRemoteTxRequests": "true"})
    await charger.start()
    central.answers["Authorize"] = _refuse(status)
    charger.connector(1).plug_in()
    request = {"idTag": "HOME", "connectorId": 1}
    assert await central.call("RemoteStartTransaction", request) == {
        "status": "Accepted"
    }
    await charger.settle()
    assert central.said("Authorize") == [{"idTag": "HOME"}]
    assert len(central.said("StartTransaction")) == starts


async def test_remote_start_is_rejected(charger: Charger, central: Central) -> None:
    """Where nothing can begin."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await charger.fault(2)
    for request in ({"connectorId": 0}, {"connectorId": 1}, {"connectorId": 2}, {}):
        answer = await central.call(
            "RemoteStartTransaction", {"idTag": "HOME", **request}
        )
        assert answer == {"status": "Rejected"}


async def test_fault(charger: Charger, central: Central, clock: ManualClock) -> None:
    """A fault interrupts, and repair goes on."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await clock.advance(60)
    await charger.fault(1, "GroundFailure")
    report = central.said("StatusNotification")[-1]
    assert (report["status"], report["errorCode"]) == ("Faulted", "GroundFailure")
    energy = charger.connector(1).energy_wh
    await clock.advance(60)
    assert charger.connector(1).energy_wh == energy
    await charger.clear_fault(1)
    await clock.advance(60)
    report = central.said("StatusNotification")[-1]
    assert (report["status"], report["errorCode"]) == ("Charging", "NoError")
    assert charger.connector(1).energy_wh > energy
    assert "StopTransaction" not in central.actions


async def test_fault_of_the_station(charger: Charger, central: Central) -> None:
    """It breaks everything."""
    await charger.fault(0, "InternalError")
    reports = central.said("StatusNotification")[-3:]
    assert [(report["connectorId"], report["status"]) for report in reports] == [
        (0, "Faulted"),
        (1, "Faulted"),
        (2, "Faulted"),
    ]
    assert await charger.swipe("CARD1") == "Unavailable"
    await charger.clear_fault(0)
    assert central.statuses(0)[-1] == "Available"


async def test_unlock(charger: Charger, central: Central) -> None:
    """Unlocking ends the transaction."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    answer = await central.call("UnlockConnector", {"connectorId": 1})
    assert answer == {"status": "Unlocked"}
    await charger.settle()
    assert central.said("StopTransaction")[0]["reason"] == "UnlockCommand"
    answer = await central.call("UnlockConnector", {"connectorId": 3})
    assert answer == {"status": "NotSupported"}


async def test_availability(charger: Charger, central: Central) -> None:
    """Out of service at once where nothing is running, else later."""

    async def change(connector: int, kind: str) -> str:
        request = {"connectorId": connector, "type": kind}
        answer = await central.call("ChangeAvailability", request)
        await charger.settle()
        return str(answer["status"])

    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    assert await change(2, "Inoperative") == "Accepted"
    assert central.statuses(2)[-1] == "Unavailable"
    assert await charger.swipe("CARD2", 2) == "Unavailable"
    assert await change(1, "Inoperative") == "Scheduled"
    assert central.statuses(1)[-1] == "Charging"
    assert await change(0, "Inoperative") == "Scheduled"
    assert central.statuses(0)[-1] == "Available"
    await charger.swipe("CARD1")
    assert central.statuses(1)[-1] == "Unavailable"
    assert central.statuses(0)[-1] == "Unavailable"
    assert await change(0, "Operative") == "Accepted"
    assert central.statuses(1)[-1] == "Finishing"
    assert central.statuses(2)[-1] == "Available"
    assert await change(3, "Operative") == "Rejected"


async def test_availability_survives_a_reboot(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Out of service is out of service."""
    await central.call("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"})
    await charger.power_loss()
    await clock.advance(5)
    assert central.statuses(2)[-1] == "Unavailable"


async def test_there_is_only_one_plug(charger: Charger) -> None:
    """And there are only so many connectors."""
    connector = charger.connector(1)
    connector.plug_in()
    with pytest.raises(ValueError, match="a car"):
        connector.plug_in()
    connector.unplug()
    connector.unplug()
    for number in (0, 3):
        with pytest.raises(ValueError, match="no connector"):
            charger.connector(number)
