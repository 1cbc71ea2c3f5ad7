"""Resets, power cuts and other ends."""

import asyncio

import pytest

from simulator import REBOOT_SECONDS, Car, Charger, ManualClock
from simulator.clock import format_time

from .central import Central, MakeCharger


async def test_soft_reset(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """End transactions first, say so, then go."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    assert await central.call("Reset", {"type": "Soft"}) == {"status": "Accepted"}
    await charger.settle()
    assert not charger.link.connected
    assert central.actions[-2:] == ["StopTransaction", "StatusNotification"]
    assert central.said("StopTransaction")[0]["reason"] == "SoftReset"
    assert central.statuses(1)[-1] == "Finishing"
    await clock.advance(REBOOT_SECONDS)
    assert charger.accepted
    assert central.statuses(1)[-1] == "Preparing"


async def test_soft_reset_does_not_wait_for_ever(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """A central system that does not take the end of a transaction gets it after the reboot."""
    charger.activity.patience = 0.2
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    central.answers["StopTransaction"] = None
    await central.call("Reset", {"type": "Soft"})
    await clock.advance(9)
    assert charger.link.connected
    await clock.advance(1)
    assert not charger.link.connected
    central.answers["StopTransaction"] = {}
    await clock.advance(REBOOT_SECONDS)
    stops = central.said("StopTransaction")
    assert len(stops) == 2
    assert stops[0] == stops[1]


async def test_hard_reset(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Go at once, and tell after the boot."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    assert await central.call("Reset", {"type": "Hard"}) == {"status": "Accepted"}
    await charger.settle()
    assert not charger.link.connected
    assert central.said("StopTransaction") == []
    gone = format_time(clock.now())
    await clock.advance(REBOOT_SECONDS)
    (stop,) = central.said("StopTransaction")
    assert (stop["reason"], stop["timestamp"]) == ("HardReset", gone)
    boot = len(central.actions) - central.actions[::-1].index("BootNotification")
    assert central.actions[boot:] == [*["StatusNotification"] * 3, "StopTransaction"]


@pytest.mark.parametrize(
    ("how", "reason"), [("power_loss", "PowerLoss"), ("reboot", "Reboot")]
)
async def test_restart_of_its_own(
    charger: Charger, central: Central, clock: ManualClock, how: str, reason: str
) -> None:
    """The reason tells what happened."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await getattr(charger, how)()
    await clock.advance(REBOOT_SECONDS)
    assert charger.accepted
    (stop,) = central.said("StopTransaction")
    assert stop["reason"] == reason
    assert charger.connector(1).transaction_id is None


async def test_stop_and_start_again(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Time stands still for a stopped charger."""
    charger.connector(1).plug_in(Car(ramp=100))
    await charger.swipe("CARD1")
    await clock.advance(60)
    energy = charger.connector(1).energy_wh
    await charger.stop()
    await clock.advance(3600)
    assert charger.connector(1).energy_wh == energy
    await charger.start()
    await clock.advance(60)
    assert charger.connector(1).energy_wh == pytest.approx(2 * energy, rel=0.01)
    assert len(central.said("MeterValues")) == 2


async def test_stop_in_the_middle(
    make_charger: MakeCharger, central: Central, clock: ManualClock
) -> None:
    """Whatever is under way, nothing stays behind."""
    await make_charger(identity="NEVER STARTED").stop()
    dialling = make_charger(identity="DIALLING")
    await dialling.start(wait=False)
    await dialling.stop()

    central.answers["Authorize"] = None
    calling = make_charger(identity="CALLING")
    await calling.start()
    swipe = asyncio.create_task(calling.swipe("CARD1"))
    await central.wait_for(lambda: "Authorize" in central.actions)
    await calling.stop()
    assert await swipe == "Invalid"
