"""Restarts, availability, and what is done to connectors and messages."""

from typing import Any

import pytest

from simulator import REBOOT_SECONDS, Charger2, ManualClock
from tests.simulator.central import CallError

from .central import Central2, MakeCharger2


async def _charge(charger: Charger2, connector: int = 1) -> None:
    charger.connector(connector).plug_in()
    assert await charger.swipe("CARD1", connector) == "Accepted"


async def test_reset_immediately(
    charger: Charger2, central: Central2, clock: ManualClock
) -> None:
    """Transactions end, and that is told before."""
    await _charge(charger)
    assert await central.call("Reset", {"type": "Immediate"}) == {"status": "Accepted"}
    await charger.settle()
    assert central.story[-1] == "Ended ResetCommand"
    assert central.events[-1]["transactionInfo"]["stoppedReason"] == "ImmediateReset"
    assert not charger.link.connected
    await clock.advance(REBOOT_SECONDS)
    assert central.said("BootNotification")[-1]["reason"] == "RemoteReset"
    assert central.connector_statuses(1)[-1] == "Occupied"


async def test_reset_on_idle(
    charger: Charger2, central: Central2, clock: ManualClock
) -> None:
    """It waits for the transaction."""
    await _charge(charger)
    assert await central.call("Reset", {"type": "OnIdle"}) == {"status": "Scheduled"}
    await clock.advance(30)
    assert charger.accepted
    await charger.swipe("CARD1")
    await clock.advance(REBOOT_SECONDS)
    assert central.said("BootNotification")[-1]["reason"] == "ScheduledReset"
    assert await central.call("Reset", {"type": "OnIdle"}) == {"status": "Accepted"}


async def test_reset_one_evse(
    charger: Charger2, central: Central2, clock: ManualClock
) -> None:
    """The other one goes on."""
    await _charge(charger)
    await _charge(charger, 2)
    answer = await central.call("Reset", {"type": "OnIdle", "evseId": 2})
    assert answer["status"] == "Scheduled"
    answer = await central.call("Reset", {"type": "Immediate", "evseId": 1})
    assert answer["status"] == "Accepted"
    await charger.settle()
    assert central.connector_statuses(1)[-1] == "Unavailable"
    assert charger.connector(2).transaction_id is not None
    await clock.advance(REBOOT_SECONDS)
    assert central.connector_statuses(1)[-1] == "Occupied"
    await charger.swipe("CARD1", 2)
    assert central.connector_statuses(2)[-1] == "Unavailable"
    assert len(central.said("BootNotification")) == 1
    answer = await central.call("Reset", {"type": "Immediate", "evseId": 3})
    assert answer["status"] == "Rejected"


@pytest.mark.parametrize("version", ["2.1"], indirect=True)
async def test_reset_and_resume(
    charger: Charger2, central: Central2, clock: ManualClock
) -> None:
    """The transaction survives."""
    await _charge(charger)
    number = charger.connector(1).transaction_id
    answer = await central.call("Reset", {"type": "ImmediateAndResume"})
    assert answer == {"status": "Accepted"}
    await charger.settle()
    energy = charger.connector(1).energy_wh
    await clock.advance(REBOOT_SECONDS - 1)
    assert charger.connector(1).energy_wh == energy
    await clock.advance(10)
    assert charger.connector(1).transaction_id == number
    assert "Updated TxResumed" in central.story
    assert central.states[-1] == "Charging"
    assert charger.connector(1).energy_wh > energy


async def test_power_loss(
    charger: Charger2, central: Central2, clock: ManualClock
) -> None:
    """What ran has ended, and is told when the power is back."""
    await _charge(charger)
    await charger.power_loss()
    assert len(central.events) == 2
    await clock.advance(REBOOT_SECONDS)
    ended = central.events[-1]
    assert ended["triggerReason"] == "AbnormalCondition"
    assert ended["transactionInfo"]["stoppedReason"] == "PowerLoss"
    assert ended["offline"] is True
    assert central.said("BootNotification")[-1]["reason"] == "PowerUp"


@pytest.mark.parametrize("version", ["2.1"], indirect=True)
async def test_short_power_loss(
    make_charger: MakeCharger2, central: Central2, clock: ManualClock
) -> None:
    """What may be resumed is resumed."""
    charger = make_charger(config={"TxCtrlr.ResumptionTimeout": "60"})
    await charger.start()
    await _charge(charger)
    await charger.power_loss()
    await clock.advance(REBOOT_SECONDS + 1)
    assert "Updated TxResumed" in central.story
    assert "Ended AbnormalCondition" not in central.story


async def test_reboot(charger: Charger2, central: Central2, clock: ManualClock) -> None:
    """On the charger's own account."""
    await _charge(charger)
    await charger.reboot()
    assert central.events[-1]["transactionInfo"]["stoppedReason"] == "Reboot"
    await clock.advance(REBOOT_SECONDS)
    assert central.said("BootNotification")[-1]["reason"] == "LocalReset"


async def test_availability(
    make_charger: MakeCharger2, central: Central2, clock: ManualClock
) -> None:
    """Each level has its own, which survives restarts."""
    charger = make_charger(evses=2, connectors_per_evse=2)
    await charger.start()

    async def change(status: str, **evse: int) -> str:
        payload: dict[str, Any] = {"operationalStatus": status}
        if evse:
            payload["evse"] = evse
        answer = await central.call("ChangeAvailability", payload)
        await charger.settle()
        return str(answer["status"])

    def told() -> list[str]:
        return [
            central.connector_statuses(evse, connector)[-1]
            for evse in (1, 2)
            for connector in (1, 2)
        ]

    assert await change("Inoperative", id=1, connectorId=2) == "Accepted"
    assert told() == ["Available", "Unavailable", "Available", "Available"]
    assert await change("Inoperative", id=2) == "Accepted"
    assert told() == ["Available", "Unavailable", "Unavailable", "Unavailable"]
    await _charge(charger)
    assert await change("Inoperative") == "Scheduled"
    assert told()[0] == "Occupied"
    await charger.swipe("CARD1")
    assert told()[0] == "Unavailable"
    charger.connector(1).unplug()
    assert await charger.swipe("CARD1") == "Unavailable"
    await charger.reboot()
    await clock.advance(REBOOT_SECONDS)
    assert told() == ["Unavailable"] * 4
    assert await change("Operative") == "Accepted"
    assert told() == ["Available", "Unavailable", "Unavailable", "Unavailable"]
    assert await change("Operative", id=3) == "Rejected"
    assert await change("Operative", id=1, connectorId=3) == "Rejected"


async def test_unlock(charger: Charger2, central: Central2) -> None:
    """Not under somebody who charges."""

    async def unlock(evse: int, connector: int = 1) -> str:
        answer = await central.call(
            "UnlockConnector", {"evseId": evse, "connectorId": connector}
        )
        return str(answer["status"])

    assert await unlock(1) == "Unlocked"
    assert await unlock(1, 2) == "UnknownConnector"
    await _charge(charger)
    assert await unlock(1) == "OngoingAuthorizedTransaction"
    charger.connector(2).stuck = True
    assert await unlock(2) == "UnlockFailed"


async def test_triggers(charger: Charger2, central: Central2) -> None:
    """Every message that makes sense, and no other."""

    async def trigger(message: str, **evse: int) -> str:
        payload: dict[str, Any] = {"requestedMessage": message}
        if evse:
            payload["evse"] = evse
        answer = await central.call("TriggerMessage", payload)
        await charger.settle()
        return str(answer["status"])

    assert await trigger("Heartbeat") == "Accepted"
    assert await trigger("StatusNotification") == "Rejected"
    assert await trigger("StatusNotification", id=2, connectorId=1) == "Accepted"
    assert central.connector_statuses(2) == ["Available", "Available"]
    assert await trigger("MeterValues") == "Accepted"
    assert [each["evseId"] for each in central.said("MeterValues")] == [1, 2]
    assert await trigger("MeterValues", id=5) == "Rejected"
    assert await trigger("TransactionEvent") == "Rejected"
    await _charge(charger, 2)
    assert await trigger("TransactionEvent", id=2) == "Accepted"
    assert central.story[-1] == "Updated Trigger"


async def test_data_transfer(charger: Charger2, central: Central2) -> None:
    """Data may be anything."""

    async def transfer(**payload: Any) -> dict[str, Any]:
        return await central.call("DataTransfer", payload)

    vendor = charger.vendor
    assert (await transfer(vendorId="Acme"))["status"] == "UnknownVendorId"
    answer = await transfer(vendorId=vendor, messageId="Echo", data={"a": [1]})
    assert answer == {"status": "Accepted", "data": {"a": [1]}}
    assert (await transfer(vendorId=vendor))["status"] == "Accepted"
    assert (await transfer(vendorId=vendor, messageId="x"))["status"] == (
        "UnknownMessageId"
    )


async def test_cache(charger: Charger2, central: Central2) -> None:
    """Once cleared, nobody is known."""
    await _charge(charger)
    await charger.swipe("CARD1")
    assert charger.tokens.cached == ["card1"]
    assert (await central.call("ClearCache", {}))["status"] == "Accepted"
    assert charger.tokens.cached == []
    await central.set("AuthCacheCtrlr", "Enabled", "false")
    assert (await central.call("ClearCache", {}))["status"] == "Rejected"


async def test_state(charger: Charger2) -> None:
    """What somebody in front of it sees."""
    await _charge(charger)
    first, second = charger.state()["connectors"]
    assert first["status"] == "Occupied"
    assert first["chargingState"] == "Charging"
    assert first["idTag"] == "CARD1"
    assert second["status"] == "Available"


async def test_profile_of_a_remote_start(charger: Charger2, central: Central2) -> None:
    """Only a TxProfile for a transaction that nobody knows yet."""
    period = {"startPeriod": 0, "limit": 6.0}
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    profile = {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": [schedule],
    }
    start = {
        "idToken": {"idToken": "A", "type": "Central"},
        "remoteStartId": 1,
        "chargingProfile": profile,
    }
    with pytest.raises(CallError, match="PropertyConstraintViolation"):
        await central.call("RequestStartTransaction", start)
    assert len(charger.violations) == 1
    charger.violations.clear()
