"""Smart charging of stations that speak OCPP 2.0.1 and 2.1."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest

from simulator import ManualClock
from simulator.clock import format_time
from simulator.v2 import Charger2

from .central import Central
from .stations import charge, install, maximum, profile, ready

OK = ("Accepted", "")


@pytest.fixture(params=["2.0.1", "2.1"])
def version(request: pytest.FixtureRequest) -> str:
    """A version of OCPP."""
    return str(request.param)


@pytest.fixture
async def station(
    central: Central, clock: ManualClock, version: str
) -> AsyncGenerator[Charger2]:
    """A station with two EVSEs, online."""
    ready(central, version)
    charger = Charger2(central.url, "GARAGE", version=version, evses=2, clock=clock)
    await charger.start()
    yield charger
    await charger.stop()


async def test_limits_flow(
    station: Charger2, central: Central, clock: ManualClock
) -> None:
    """What flows is the least of what the profiles leave."""
    transaction = await charge(station, clock)
    assert await install(central, 0, profile(13)) == OK
    await clock.advance(10)
    assert station.connector(1).current == pytest.approx(13)

    of_transaction = profile(9, purpose="TxProfile", id=2, transactionId=transaction)
    assert await install(central, 1, of_transaction) == OK
    await clock.advance(10)
    assert station.connector(1).current == pytest.approx(9)

    assert await install(central, 0, maximum(7, clock, id=3)) == OK
    await clock.advance(10)
    assert station.connector(1).current == pytest.approx(7)
    assert station.profiles.find(2) is not None

    await station.swipe("CARD1")
    assert station.profiles.find(2) is None
    assert station.violations == []


async def test_watts_and_phases(
    station: Charger2, central: Central, clock: ManualClock
) -> None:
    """A limit in W is of all phases that may be used."""
    await charge(station, clock)
    await install(
        central, 1, profile({"limit": 2300, "numberPhases": 1}, chargingRateUnit="W")
    )
    await clock.advance(10)
    assert station.connector(1).currents == pytest.approx((10, 0, 0))
    answer = await central.call(
        "GetCompositeSchedule", {"evseId": 1, "duration": 60, "chargingRateUnit": "W"}
    )
    assert answer["schedule"]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 2300.0, "numberPhases": 1}
    ]
    assert station.violations == []


@pytest.mark.parametrize(
    ("evse", "payload", "reason"),
    [
        (1, profile(6, purpose="TxProfile"), "MissingParam"),
        (0, profile(6, purpose="TxProfile", transactionId="t"), "InvalidValue"),
        (0, profile(6, purpose="ChargingStationMaxProfile"), "InvalidValue"),
        (1, profile(6, purpose="ChargingStationExternalConstraints"), "InvalidProfile"),
        (1, profile(6, kind="Absolute"), "InvalidSchedule"),
        (1, profile(6, startSchedule="2026-03-02T12:00:00Z"), "InvalidSchedule"),
        (1, profile((5, 6)), "InvalidSchedule"),
        (1, profile(6, (20, 8), (10, 7)), "InvalidSchedule"),
        (1, profile(6, stackLevel=9), "InvalidStackLevel"),
        (1, profile({"limit": 6, "phaseToUse": 2}), "InvalidSchedule"),
        (3, profile(6), "UnknownEvse"),
        (1, profile(*((i, 6) for i in range(25))), "TooManyElements"),
    ],
)
async def test_forbidden(
    station: Charger2, central: Central, evse: int, payload: dict[str, Any], reason: str
) -> None:
    """What the standard forbids is refused, and remembered."""
    assert await install(central, evse, payload) == ("Rejected", reason)
    assert len(station.violations) == 1
    assert len(station.profiles) == 0


async def test_rivals(station: Charger2, central: Central) -> None:
    """No two profiles of one purpose and stack level may count at once."""
    assert await install(central, 0, profile(10)) == OK
    assert await install(central, 0, profile(11)) == OK
    rival = ("Rejected", "DuplicateProfile")
    assert await install(central, 0, profile(12, id=2)) == rival
    assert await install(central, 1, profile(12, id=2)) == rival
    assert await install(central, 1, profile(12, id=2, stackLevel=1)) == OK
    assert await install(central, 2, profile(12, id=3, stackLevel=1)) == OK
    assert await install(central, 0, profile(12, id=4, stackLevel=1)) == rival
    assert len(station.violations) == 3


async def test_no_transaction(station: Charger2, central: Central) -> None:
    """A TxProfile for a transaction that is not there is no rule broken: it may just have ended."""
    payload = profile(6, purpose="TxProfile", transactionId="gone")
    assert await install(central, 1, payload) == ("Rejected", "TxNotFound")
    assert station.violations == []


async def test_reports(station: Charger2, central: Central, clock: ManualClock) -> None:
    """Profiles are reported by EVSE and source, in parts, and cleared as asked."""
    for number in range(5):
        payload = profile(10, id=number, stackLevel=number)
        assert await install(central, 1, payload) == OK
    assert await install(central, 0, maximum(20, clock, id=9)) == OK
    await station.external_limit(0, 16)
    ask: dict[str, Any] = {"requestId": 7, "chargingProfile": {}}
    answer = await central.call("GetChargingProfiles", ask)
    assert answer["status"] == "Accepted"
    await station.settle()
    reports = central.said("ReportChargingProfiles")
    assert [len(each["chargingProfile"]) for each in reports] == [3, 2, 1, 1]
    assert [each["tbc"] for each in reports] == [True, True, True, False]
    assert [each["chargingLimitSource"] for each in reports] == ["CSO"] * 3 + ["EMS"]

    async def clear(**what: Any) -> str:
        return str((await central.call("ClearChargingProfile", what))["status"])

    assert await clear(chargingProfileId=3) == "Accepted"
    assert await clear(chargingProfileId=3) == "Unknown"
    assert await clear(chargingProfileCriteria={"evseId": 1}) == "Accepted"
    assert [each.id for each in station.profiles] == [9, -1]
    assert station.violations == []


async def test_external_limit(
    station: Charger2, central: Central, clock: ManualClock
) -> None:
    """A limit from outside counts, and is told about."""
    await charge(station, clock)
    await station.external_limit(1, 8, "SO")
    await clock.advance(10)
    assert station.connector(1).current == pytest.approx(8)
    (told,) = central.said("NotifyChargingLimit")
    assert told["evseId"] == 1
    assert told["chargingLimit"] == {"chargingLimitSource": "SO"}
    events = central.said("TransactionEvent")
    assert events[-1]["triggerReason"] == "ChargingRateChanged"
    await station.external_limit(1, None)
    await clock.advance(10)
    assert station.connector(1).current == pytest.approx(16)
    assert central.said("ClearedChargingLimit") == [
        {"evseId": 1, "chargingLimitSource": "SO"}
    ]
    assert station.violations == []


@pytest.mark.parametrize("version", ["2.1"])
async def test_dynamic(station: Charger2, central: Central, clock: ManualClock) -> None:
    """A Dynamic profile is updated, pulls updates, and ends a while after the last."""
    await charge(station, clock)
    payload = profile(
        10,
        kind="Dynamic",
        purpose="TxDefaultProfile",
        dynUpdateInterval=30,
        duration=60,
    )
    assert await install(central, 1, payload) == OK
    update = {"chargingProfileId": 1, "scheduleUpdate": {"limit": 8.0}}
    assert (await central.call("UpdateDynamicSchedule", update))["status"] == "Accepted"
    await clock.advance(10)
    assert station.connector(1).current == pytest.approx(8)

    central.answers["PullDynamicScheduleUpdate"] = {
        "status": "Accepted",
        "scheduleUpdate": {"limit": 7.0},
    }
    await clock.advance(25)
    assert central.said("PullDynamicScheduleUpdate") == [{"chargingProfileId": 1}]
    assert station.connector(1).current == pytest.approx(7)

    central.answers["PullDynamicScheduleUpdate"] = {"status": "Rejected"}
    await clock.advance(80)
    assert station.connector(1).current == pytest.approx(16)

    update = {"chargingProfileId": 5, "scheduleUpdate": {"limit": 8.0}}
    answer = await central.call("UpdateDynamicSchedule", update)
    assert answer["statusInfo"]["reasonCode"] == "InvalidProfile"
    assert station.violations == []


@pytest.mark.parametrize("version", ["2.1"])
async def test_offline(station: Charger2, central: Central, clock: ManualClock) -> None:
    """A profile does not count for longer offline than it may."""
    await charge(station, clock)
    await install(central, 1, profile(10, maxOfflineDuration=60))
    gone = profile(
        8, id=2, stackLevel=1, maxOfflineDuration=30, invalidAfterOfflineDuration=True
    )
    await install(central, 1, gone)
    await clock.advance(10)
    assert station.connector(1).current == pytest.approx(8)
    port = central.url
    station.login.url = "ws://127.0.0.1:9/"
    await station.drop()
    await clock.advance(40)
    assert station.connector(1).current == pytest.approx(10)
    await clock.advance(40)
    assert station.connector(1).current == pytest.approx(16)
    station.login.url = port
    await station.reconnect()
    await clock.advance(10)
    assert station.connector(1).current == pytest.approx(10)
    assert [each.id for each in station.profiles] == [1]


@pytest.mark.parametrize("version", ["2.1"])
async def test_priority(
    station: Charger2, central: Central, clock: ManualClock
) -> None:
    """PriorityCharging counts instead of the others, by request or at the press of a button."""
    transaction = await charge(station, clock)
    await install(central, 1, profile(6))
    ask = {"transactionId": transaction, "activate": True}
    assert (await central.call("UsePriorityCharging", ask))["status"] == "NoProfile"
    assert not await station.press_priority(1)
    payload = profile(14, purpose="PriorityCharging", id=2)
    assert await install(central, 0, payload) == OK
    assert (await central.call("UsePriorityCharging", ask))["status"] == "Accepted"
    await clock.advance(10)
    assert station.connector(1).current == pytest.approx(14)
    assert await station.press_priority(1, on=False)
    await clock.advance(10)
    assert station.connector(1).current == pytest.approx(6)
    assert central.said("NotifyPriorityCharging") == [
        {"transactionId": transaction, "activated": False}
    ]
    ask["transactionId"] = "other"
    assert (await central.call("UsePriorityCharging", ask))["status"] == "Rejected"
    assert station.violations == []


@pytest.mark.parametrize("version", ["2.1"])
async def test_local_generation(
    station: Charger2, central: Central, clock: ManualClock
) -> None:
    """What is generated locally comes on top of the limit."""
    await charge(station, clock)
    await install(central, 1, profile(6))
    await station.external_limit(1, 4, local_generation=True)
    await clock.advance(10)
    assert station.connector(1).current == pytest.approx(10)
    (told,) = central.said("NotifyChargingLimit")
    assert told["chargingLimit"]["isLocalGeneration"] is True


async def test_composite(
    station: Charger2, central: Central, clock: ManualClock
) -> None:
    """The composite schedule tells what is to come."""
    start = format_time(clock.now() - timedelta(hours=1))
    daily = profile(
        10,
        (3600 + 100, 12),
        kind="Recurring",
        recurrencyKind="Daily",
        startSchedule=start,
        duration=3600 + 200,
    )
    assert await install(central, 0, daily) == OK
    answer = await central.call(
        "GetCompositeSchedule", {"evseId": 1, "duration": 86400}
    )
    assert [
        (each["startPeriod"], each["limit"])
        for each in answer["schedule"]["chargingSchedulePeriod"]
    ] == [(0, 10), (100, 12), (200, 32), (82800, 10)]
    for ask, reason in (
        ({"evseId": 3, "duration": 60}, "UnknownEvse"),
        ({"evseId": 1, "duration": 0}, "ValuePositiveOnly"),
    ):
        answer = await central.call("GetCompositeSchedule", ask)
        assert answer["statusInfo"]["reasonCode"] == reason
