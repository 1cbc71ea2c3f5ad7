"""Smart charging as only OCPP 2.1 has it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import CommandRejected
from custom_components.ocpp_central.csms.model import ChargingLimit, Event

from .common import TIMING, Answer, Central, Charger, Payload, central_system
from .common2 import VERSIONS, connect2
from .test_limits2 import begin, charging, has, profiles, running, settled


@pytest.fixture
async def central(socket_enabled: None) -> AsyncIterator[Central]:
    """Run a central system that asks for schedules at once."""
    async with central_system(timing=replace(TIMING, settle=0)) as central:
        yield central


@pytest.fixture(autouse=True)
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clocks on the wall."""
    freezer.move_to("2026-05-01T12:00:00Z")


# OCPP 2.1: dynamic profiles, and time alone


def dynamic(limit: float, **more: Any) -> tuple[int, Payload]:
    """Return the dynamic profile of the running transaction."""
    return running(1, "T1", (0, limit), start=None, **more)


async def on_its_own_fuse(central: Central) -> tuple[ChargePoint, Charger]:
    """Return a charger that is to fall back to 16 A, though nobody relies on that."""
    charge_point, charger = await charging(central, "2.1", installation_current=32)
    charge_point.shares_fuse = False
    await charge_point.set_offline_current(16)
    charger.forget()
    return charge_point, charger


async def test_dynamic(central: Central) -> None:
    """Installed once, and then only the limit is updated."""
    charge_point, charger = await charging(central, "2.1")
    await has(charge_point, SupportsDynamicProfiles="true")
    await charge_point.limits.limit_session(1, ChargingLimit(8), None)
    assert profiles(charger) == [dynamic(8)]
    await charge_point.limits.limit_session(1, ChargingLimit(9.5), None)
    await charge_point.set_paused(1, True)
    assert [
        (call.action, call.payload)
        for call in charger.calls
        if call.action != "GetCompositeSchedule"
    ] == [
        (
            "UpdateDynamicSchedule",
            {"chargingProfileId": 3, "scheduleUpdate": {"limit": limit}},
        )
        for limit in (9.5, 0)
    ]
    charger.forget()
    await charge_point.set_paused(1, False)
    charger.forget()
    # The way back is in a schedule, which a dynamic profile cannot have.
    until_ = datetime.now(UTC) + timedelta(minutes=30)
    await charge_point.limits.limit_session(1, ChargingLimit(8), until_)
    assert profiles(charger) == [running(1, "T1", (0, 8), (2400, 16))]
    await charge_point.set_current_limit(1, 12)
    assert profiles(charger)[0] == dynamic(12)


async def test_dynamic_update_refused(central: Central) -> None:
    """A charger that has none any more gets it anew."""
    charge_point, charger = await charging(central, "2.1")
    await has(charge_point, SupportsDynamicProfiles="true")
    await charge_point.limits.limit_session(1, ChargingLimit(8), None)
    charger.forget()
    charger.answers["UpdateDynamicSchedule"] = {"status": "Rejected"}
    await charge_point.limits.limit_session(1, ChargingLimit(9), None)
    assert profiles(charger) == [dynamic(9)]


async def test_dynamic_refused(central: Central) -> None:
    """A charger that says it can and cannot is told in the way all can."""
    charge_point, charger = await charging(central, "2.1")
    await has(charge_point, SupportsDynamicProfiles="true")

    def only_absolute(payload: Payload) -> Answer:
        kind = payload["chargingProfile"]["chargingProfileKind"]
        return {"status": "Accepted" if kind == "Absolute" else "Rejected"}

    charger.answers["SetChargingProfile"] = only_absolute
    await charge_point.limits.limit_session(1, ChargingLimit(8), None)
    assert profiles(charger) == [dynamic(8), running(1, "T1", (0, 8))]
    await charge_point.limits.limit_session(1, ChargingLimit(9), None)
    assert profiles(charger) == [running(1, "T1", (0, 9))]


async def test_2_0_1_knows_no_dynamic_profiles(central: Central) -> None:
    """Whatever its variables say."""
    charge_point, charger = await charging(central, "2.0.1", installation_current=32)
    await has(
        charge_point, SupportsDynamicProfiles="true", SupportsMaxOfflineDuration="true"
    )
    await charge_point.limits.limit_session(1, ChargingLimit(30), None)
    assert profiles(charger) == [running(1, "T1", (0, 30))]


async def test_pull_dynamic_schedule(central: Central) -> None:
    """A charger that asks gets the limit that is to hold now, of our profile only."""
    charge_point, charger = await charging(central, "2.1")
    await has(charge_point, SupportsDynamicProfiles="true")
    await charge_point.limits.limit_session(1, ChargingLimit(8), None)
    ask = "PullDynamicScheduleUpdate"
    assert await charger.call(ask, {"chargingProfileId": 3}) == {
        "status": "Accepted",
        "scheduleUpdate": {"limit": 8},
    }
    await charge_point.set_paused(1, True)
    answer = await charger.call(ask, {"chargingProfileId": 3})
    assert answer["scheduleUpdate"] == {"limit": 0}
    for unknown in (2, 5, 99):
        answer = await charger.call(ask, {"chargingProfileId": unknown})
        assert answer == {"status": "Rejected"}


async def test_offline_duration(central: Central) -> None:
    """More than the fallback lasts for minutes only, once the charger is alone."""
    charge_point, charger = await on_its_own_fuse(central)
    await has(charge_point, SupportsMaxOfflineDuration="true")
    await charge_point.limits.limit_session(1, ChargingLimit(20), None)
    assert profiles(charger) == [
        running(
            1,
            "T1",
            (0, 20),
            maxOfflineDuration=300,
            invalidAfterOfflineDuration=False,
        )
    ]
    await charge_point.limits.limit_session(1, ChargingLimit(16), None)
    assert profiles(charger) == [running(1, "T1", (0, 16))]
    await charge_point.set_paused(1, True)
    assert profiles(charger) == [running(1, "T1", (0, 0))]


async def test_dynamic_above_the_fallback(central: Central) -> None:
    """Whether it lasts while the charger is alone is not for an update to change."""
    charge_point, charger = await on_its_own_fuse(central)
    await has(
        charge_point, SupportsDynamicProfiles="true", SupportsMaxOfflineDuration="true"
    )
    alone = {"maxOfflineDuration": 300, "invalidAfterOfflineDuration": False}
    for limit, installed in (
        (10, [dynamic(10)]),
        (20, [dynamic(20, **alone)]),
        (24, []),
        (12, [dynamic(12)]),
    ):
        await charge_point.limits.limit_session(1, ChargingLimit(limit), None)
        assert profiles(charger) == installed


# OCPP 2.1: who wants to charge at once


async def test_priority_charging(central: Central) -> None:
    """A press on the charger is told, and known as long as its transaction runs."""
    charge_point, charger = await charging(central, "2.1")
    events: list[Event] = []
    charge_point.subscribe_events(events.append)
    press = {"transactionId": "T1", "activated": True}
    assert not charge_point.priority(1)
    assert await charger.call("NotifyPriorityCharging", press) == {}
    assert charge_point.priority(1)
    await charger.call("NotifyPriorityCharging", press | {"activated": False})
    assert not charge_point.priority(1)
    await charger.call("NotifyPriorityCharging", press | {"transactionId": "T9"})
    assert not charge_point.priority(1)
    await charger.alive()
    assert [(each.kind, each.connector, each.type) for each in events] == [
        ("button", 1, "priority_charging_on"),
        ("button", 1, "priority_charging_off"),
        ("button", 0, "priority_charging_on"),
    ]


async def test_priority_ends_with_its_transaction(central: Central) -> None:
    """The next car is not meant."""
    charge_point, charger = await charging(central, "2.1")
    press = {"transactionId": "T1", "activated": True}
    await charger.call("NotifyPriorityCharging", press)
    await begin(charger, "T2")
    await settled(charge_point, charger)
    assert not charge_point.priority(1)


async def test_use_priority_charging(central: Central) -> None:
    """The charger is asked for it by the name of its transaction."""
    charge_point, charger = await charging(central, "2.1")
    await charge_point.commands.use_priority_charging(1, True)
    assert charger.calls[-1].payload == {"transactionId": "T1", "activate": True}
    charger.answers["UsePriorityCharging"] = {"status": "NoProfile"}
    with pytest.raises(CommandRejected):
        await charge_point.commands.use_priority_charging(1, False)


@pytest.mark.parametrize("version", VERSIONS)
async def test_priority_messages_by_version(central: Central, version: str) -> None:
    """OCPP 2.0.1 does not know them."""
    _, charger = await connect2(central, version)
    for action, payload in (
        ("NotifyPriorityCharging", {"transactionId": "T1", "activated": True}),
        ("PullDynamicScheduleUpdate", {"chargingProfileId": 3}),
    ):
        refused = await charger.attempt(action, payload)
        assert (refused is None) == (version == "2.1")
