"""Charging profiles, from the wire to the car."""

from datetime import timedelta
from typing import Any

import pytest

from simulator import Car, Charger, ManualClock
from simulator.clock import format_time

from .central import CallError, Central, MakeCharger


def profile(
    *limits: float | tuple[int, float],
    purpose: str = "TxDefaultProfile",
    **options: Any,
) -> dict[str, Any]:
    """A profile as it is sent; options may be of the profile or of its schedule."""
    periods = [
        {"startPeriod": limit[0], "limit": limit[1]}
        if isinstance(limit, tuple)
        else {"startPeriod": 0, "limit": limit}
        for limit in limits
    ]
    schedule: dict[str, Any] = {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": periods,
    }
    for key in ("startSchedule", "duration", "chargingRateUnit"):
        if key in options:
            schedule[key] = options.pop(key)
    return {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
        **options,
    }


async def install(central: Central, connector: int, payload: dict[str, Any]) -> str:
    """Send a profile and return the status."""
    request = {"connectorId": connector, "csChargingProfiles": payload}
    return str((await central.call("SetChargingProfile", request))["status"])


async def schedule(
    central: Central, connector: int, duration: int, unit: str = "A"
) -> Any:
    """Ask for the composite schedule."""
    request = {"connectorId": connector, "duration": duration, "chargingRateUnit": unit}
    return await central.call("GetCompositeSchedule", request)


@pytest.fixture
async def charging(charger: Charger, clock: ManualClock) -> Charger:
    """A charger that charges at full power on connector 1, transaction 101."""
    charger.connector(1).plug_in(Car(capacity_wh=100_000, soc=0, max_current=16))
    await charger.swipe("CARD1")
    await clock.advance(30)
    return charger


async def test_limit_in_a_transaction(
    charging: Charger, central: Central, clock: ManualClock
) -> None:
    """The car follows, up and down, and pauses at zero."""
    connector = charging.connector(1)
    assert connector.current == 16
    limit = profile(10, purpose="TxProfile", transactionId=101)
    assert await install(central, 1, limit) == "Accepted"
    await clock.advance(10)
    assert connector.current == connector.offered == 10
    assert await install(central, 1, profile(0, purpose="TxProfile")) == "Accepted"
    await charging.settle()
    assert connector.current == 0
    assert central.statuses(1)[-1] == "SuspendedEVSE"
    assert await install(central, 1, profile(5.9, purpose="TxProfile")) == "Accepted"
    await clock.advance(10)
    assert connector.current == 0, "less than 6 A cannot be offered"
    assert await install(central, 1, profile(6, purpose="TxProfile")) == "Accepted"
    await clock.advance(10)
    assert connector.current == 6
    assert central.statuses(1)[-2:] == ["SuspendedEVSE", "Charging"]


async def test_limit_in_watts(
    charging: Charger, central: Central, clock: ManualClock
) -> None:
    """The total of all phases."""
    await install(central, 1, profile(6900, purpose="TxProfile", chargingRateUnit="W"))
    await clock.advance(10)
    assert charging.connector(1).power == pytest.approx(6900)


async def test_switching_phases(
    charging: Charger, central: Central, clock: ManualClock
) -> None:
    """On one phase the power is a third."""
    payload = profile(10, purpose="TxProfile")
    payload["chargingSchedule"]["chargingSchedulePeriod"][0]["numberPhases"] = 1
    await install(central, 1, payload)
    await clock.advance(10)
    assert charging.connector(1).currents == (10, 0, 0)
    assert charging.connector(1).power == 2300


async def test_periods_come_to_pass(
    charging: Charger, central: Central, clock: ManualClock
) -> None:
    """A plan in absolute time, with the way back in it."""
    plan = profile(
        10,
        (600, 0),
        (1200, 8),
        purpose="TxProfile",
        chargingProfileKind="Absolute",
        startSchedule=format_time(clock.now()),
    )
    await install(central, 1, plan)
    for seconds, current in ((590, 10), (20, 0), (580, 0), (30, 8)):
        await clock.advance(seconds)
        assert charging.connector(1).current == current
    assert central.statuses(1)[-3:] == ["Charging", "SuspendedEVSE", "Charging"]


async def test_tx_profile_dies_with_its_transaction(
    charging: Charger, central: Central, clock: ManualClock
) -> None:
    """The next one is not limited by it."""
    await install(central, 1, profile(8, purpose="TxProfile"))
    await install(central, 1, profile(12, chargingProfileId=2))
    await charging.swipe("CARD1")
    assert [each.id for each in charging.profiles] == [2]
    await charging.swipe("CARD1")
    await clock.advance(30)
    assert charging.connector(1).current == 12


async def test_profiles_survive_a_reboot(
    charging: Charger, central: Central, clock: ManualClock
) -> None:
    """As the standard says; a TxProfile has lost its transaction."""
    await install(central, 1, profile(8, purpose="TxProfile"))
    await install(central, 0, profile(12, chargingProfileId=2))
    await charging.power_loss()
    await clock.advance(5)
    assert [each.id for each in charging.profiles] == [2]


async def test_station_limit_is_shared(
    charging: Charger, central: Central, clock: ManualClock
) -> None:
    """Two cars get half each; if that is too little, the first one goes first."""
    charging.connector(2).plug_in(Car(soc=0))
    await charging.swipe("CARD2", 2)
    maximum = {"purpose": "ChargePointMaxProfile", "chargingProfileKind": "Absolute"}
    await install(central, 0, profile(20, **maximum))
    await clock.advance(30)
    assert [charging.connector(n).current for n in (1, 2)] == [10, 10]
    await install(central, 0, profile(11, **maximum))
    await clock.advance(30)
    assert [charging.connector(n).current for n in (1, 2)] == [11, 0]
    assert central.statuses(2)[-1] == "SuspendedEVSE"
    await charging.swipe("CARD1")
    await clock.advance(30)
    assert charging.connector(2).current == 11


async def test_full_car_leaves_the_station_to_others(
    charging: Charger, central: Central, clock: ManualClock
) -> None:
    """It is not suspended by the charger, and takes nothing from the other one."""
    charging.connector(2).plug_in(Car(soc=100))
    await charging.swipe("CARD2", 2)
    await install(central, 0, profile(12, purpose="ChargePointMaxProfile"))
    await clock.advance(30)
    assert charging.connector(1).current == 12
    assert central.statuses(2)[-1] == "SuspendedEV"


async def test_remote_start_with_a_profile(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """It holds for the transaction that begins."""
    charger.connector(1).plug_in()
    request = {"idTag": "HOME", "connectorId": 1}
    for wrong in (
        profile(7),
        profile(7, purpose="TxProfile", transactionId=3),
        profile(7, purpose="TxProfile", stackLevel=99),
    ):
        answer = await central.call(
            "RemoteStartTransaction", {**request, "chargingProfile": wrong}
        )
        assert answer == {"status": "Rejected"}
    right = profile(7, purpose="TxProfile")
    answer = await central.call(
        "RemoteStartTransaction", {**request, "chargingProfile": right}
    )
    assert answer == {"status": "Accepted"}
    await clock.advance(30)
    assert charger.connector(1).current == 7


REJECTED: list[tuple[int, dict[str, Any]]] = [
    (1, profile(8, purpose="ChargePointMaxProfile")),
    (0, profile(8, purpose="TxProfile")),
    (2, profile(8, purpose="TxProfile")),
    (1, profile(8, purpose="TxProfile", transactionId=102)),
    (1, profile(8, transactionId=101)),
    (1, profile(8, stackLevel=9)),
    (1, profile(8, stackLevel=-1)),
    (1, profile(-1)),
    (1, profile()),
    (1, profile((1, 8))),
    (1, profile(8, (60, 10), (60, 12))),
    (1, profile(8, *((n, 8) for n in range(1, 25)))),
    (
        1,
        profile(
            8, chargingProfileKind="Recurring", startSchedule="2026-01-01T00:00:00Z"
        ),
    ),
    (1, profile(8, chargingProfileKind="Recurring", recurrencyKind="Daily")),
]


@pytest.mark.parametrize(("connector", "payload"), REJECTED)
async def test_rejected_profiles(
    charging: Charger, central: Central, connector: int, payload: dict[str, Any]
) -> None:
    """What this charger does not take, and why is in its own words."""
    assert await install(central, connector, payload) == "Rejected"
    assert len(charging.profiles) == 0


@pytest.mark.parametrize(
    ("connector", "payload"),
    [
        (3, profile(8)),
        (1, profile(8, validFrom="tomorrow")),
        (1, profile(8, startSchedule="?")),
    ],
)
async def test_nonsense_is_an_error(
    charging: Charger, central: Central, connector: int, payload: dict[str, Any]
) -> None:
    """Values that cannot be are answered with a CALLERROR."""
    with pytest.raises(CallError) as error:
        await install(central, connector, payload)
    assert error.value.code == "PropertyConstraintViolation"


async def test_remote_start_with_nonsense(charger: Charger, central: Central) -> None:
    """The same in a remote start."""
    wrong = profile(8, purpose="TxProfile", validTo="never")
    with pytest.raises(CallError) as error:
        await central.call(
            "RemoteStartTransaction", {"idTag": "HOME", "chargingProfile": wrong}
        )
    assert error.value.code == "PropertyConstraintViolation"


async def test_limit_must_be_in_tenths(charging: Charger, central: Central) -> None:
    """The schema says so."""
    assert await install(central, 1, profile(16.1)) == "Accepted"
    with pytest.raises(CallError):
        await install(central, 1, profile(16.15))
    charging.violations.clear()


async def test_units_are_limited(make_charger: MakeCharger, central: Central) -> None:
    """A charger may know only one of them."""
    charger = make_charger(config={"ChargingScheduleAllowedChargingRateUnit": "Power"})
    await charger.start()
    assert await install(central, 1, profile(8)) == "Rejected"
    assert await install(central, 1, profile(8, chargingRateUnit="W")) == "Accepted"


async def test_replacing(make_charger: MakeCharger, central: Central) -> None:
    """The same id, or the same purpose, stack level and connector."""
    charger = make_charger(connectors=2, config={"MaxChargingProfilesInstalled": "2"})
    await charger.start()

    def ids() -> list[tuple[int, int, int]]:
        return [
            (each.id, each.connector, each.stack_level) for each in charger.profiles
        ]

    assert await install(central, 1, profile(8)) == "Accepted"
    assert await install(central, 1, profile(9, chargingProfileId=2)) == "Accepted"
    assert ids() == [(2, 1, 0)]
    assert (
        await install(central, 2, profile(9, chargingProfileId=2, stackLevel=1))
        == "Accepted"
    )
    assert ids() == [(2, 2, 1)]
    assert await install(central, 1, profile(9)) == "Accepted"
    assert await install(central, 0, profile(9, chargingProfileId=3)) == "Rejected", (
        "full"
    )
    assert await install(central, 2, profile(9, stackLevel=1)) == "Accepted"
    assert ids() == [(1, 2, 1)], "one profile can replace two"


async def test_clearing(charger: Charger, central: Central) -> None:
    """All criteria must be met; without any, everything goes."""

    async def clear(**criteria: Any) -> str:
        return str((await central.call("ClearChargingProfile", criteria))["status"])

    assert await clear() == "Unknown"
    await install(
        central, 0, profile(20, chargingProfileId=1, purpose="ChargePointMaxProfile")
    )
    await install(central, 0, profile(8, chargingProfileId=2))
    await install(central, 1, profile(8, chargingProfileId=3))
    await install(central, 1, profile(8, chargingProfileId=4, stackLevel=1))
    assert await clear(id=4, connectorId=2) == "Unknown"
    assert await clear(connectorId=1, stackLevel=0) == "Accepted"
    assert [each.id for each in charger.profiles] == [1, 2, 4]
    assert (
        await clear(chargingProfilePurpose="TxDefaultProfile", connectorId=0)
        == "Accepted"
    )
    assert [each.id for each in charger.profiles] == [1, 4]
    assert await clear(id=1) == "Accepted"
    assert await clear() == "Accepted"
    assert len(charger.profiles) == 0


async def test_clearing_lifts_the_limit(
    charging: Charger, central: Central, clock: ManualClock
) -> None:
    """At once."""
    await install(central, 1, profile(8))
    await clock.advance(10)
    assert charging.connector(1).current == 8
    await central.call("ClearChargingProfile", {})
    await clock.advance(10)
    assert charging.connector(1).current == 16


async def test_composite_schedule(
    charging: Charger, central: Central, clock: ManualClock
) -> None:
    """For any connector, duration and unit."""
    start = clock.now()
    plan = profile(
        10,
        (600, 6.5),
        purpose="TxProfile",
        chargingProfileKind="Absolute",
        startSchedule=format_time(start - timedelta(seconds=60)),
    )
    await install(central, 1, plan)
    assert await schedule(central, 1, 3600) == {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": format_time(start),
        "chargingSchedule": {
            "duration": 3600,
            "startSchedule": format_time(start),
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 10},
                {"startPeriod": 540, "limit": 6.5},
            ],
        },
    }
    watts = await schedule(central, 1, 60, "W")
    assert watts["chargingSchedule"]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 6900}
    ]
    total = await schedule(central, 0, 60)
    assert total["chargingSchedule"]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 42}
    ]
    assert await schedule(central, 3, 60) == {"status": "Rejected"}
    assert await schedule(central, 1, 0) == {"status": "Rejected"}
