"""Smart charging of OCPP 2.0.1 and 2.1 beyond our own limits."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import InvalidCommand, NotSupported
from custom_components.ocpp_central.csms.model import ChargingLimit

from .common import (
    TIMING,
    Answer,
    Central,
    Charger,
    HangUp,
    Payload,
    Refusal,
    bring_up,
    central_system,
)
from .common2 import BOOT, both_versions, connect2, dial2, status
from .conftest import LoopClock
from .test_limits2 import charging, profiles, running


@pytest.fixture
async def central(socket_enabled: None) -> AsyncIterator[Central]:
    """Run a central system that asks for schedules at once."""
    async with central_system(timing=replace(TIMING, settle=0)) as central:
        yield central


@pytest.fixture(autouse=True)
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clocks on the wall."""
    freezer.move_to("2026-05-01T12:00:00Z")


def composite(
    *periods: tuple[int, float | None, *tuple[int, ...]], evse: int = 1, unit: str = "A"
) -> Payload:
    """Return an answer to GetCompositeSchedule."""
    return {
        "status": "Accepted",
        "schedule": {
            "evseId": evse,
            "duration": 86_400,
            "scheduleStart": "2026-05-01T12:00:00Z",
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [
                {
                    "startPeriod": offset,
                    **({} if limit is None else {"limit": limit}),
                    **({"numberPhases": phases[0]} if phases else {}),
                }
                for offset, limit, *phases in periods
            ],
        },
    }


def foreign(
    number: int,
    purpose: str = "TxDefaultProfile",
    *periods: tuple[int, float],
    kind: str = "Absolute",
    start: str | None = "2026-05-01T00:00:00Z",
    stack: int = 0,
    unit: str = "A",
    **more: Any,
) -> Payload:
    """Return a profile that somebody else has left in a charger."""
    schedule: Payload = {
        "id": number,
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [
            {"startPeriod": offset, "limit": limit} for offset, limit in periods
        ],
    }
    if start:
        schedule["startSchedule"] = start
    if duration := more.pop("duration", None):
        schedule["duration"] = duration
    return {
        "id": number,
        "stackLevel": stack,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [schedule],
        **more,
    }


def holds(
    charger: Charger, *reports: tuple[int, str, list[Payload]]
) -> list[asyncio.Task[Payload]]:
    """Let a charger hold profiles: EVSE, source and profiles of each report."""
    sent: list[asyncio.Task[Payload]] = []

    def answer(payload: Payload) -> Answer:
        for number, (evse, source, found) in enumerate(reports):
            report = {
                "requestId": payload["requestId"],
                "chargingLimitSource": source,
                "evseId": evse,
                "chargingProfile": found,
                "tbc": number < len(reports) - 1,
            }
            call = charger.call("ReportChargingProfiles", report)
            sent.append(asyncio.create_task(call))
        return {"status": "Accepted" if reports else "NoProfiles"}

    charger.answers["GetChargingProfiles"] = answer
    return sent


async def ready(
    central: Central, version: str, *, schedule: Answer | None = None, **more: Any
) -> tuple[ChargePoint, Charger]:
    """Have a charger past its bring-up."""
    charge_point, charger = await connect2(central, version, **more)
    charger.answers["GetCompositeSchedule"] = schedule or Refusal("NotSupported")
    charger.answers.setdefault("GetChargingProfiles", {"status": "NoProfiles"})
    await asyncio.gather(
        charger.call("BootNotification", BOOT),
        charger.call("StatusNotification", status()),
    )
    await bring_up()
    await quiet(charge_point)
    return charge_point, charger


async def quiet(charge_point: ChargePoint) -> None:
    """Wait until nothing is asked any more."""
    names = {
        f"{charge_point.identity} {what}"
        for what in ("read the limits in force", "read the profiles of others")
    }
    while tasks := [task for task in asyncio.all_tasks() if task.get_name() in names]:
        await asyncio.wait(tasks)


def shown(charge_point: ChargePoint, connector: int = 1) -> tuple[Any, Any]:
    """Return the limit and by what it is known."""
    return (
        charge_point.value(connector, "effective_limit"),
        charge_point.value(connector, "effective_limit_source"),
    )


def others(charge_point: ChargePoint, connector: int = 1) -> list[tuple[Any, ...]]:
    """Return the profiles of others: id, EVSE, source, and what holds now."""
    external = charge_point.external
    return [
        (
            each.profile["id"],
            each.evse,
            each.source,
            external.profile_value(each, connector),
        )
        for each in external.profiles_at(connector)
    ]


# What is in force


@both_versions
async def test_composite_schedule(central: Central, version: str) -> None:
    """The charger's own sum of all its limits, of each EVSE and of itself."""

    def answer(payload: Payload) -> Answer:
        assert set(payload) == {"evseId", "duration"}
        evse = payload["evseId"]
        return composite((0, 10.0 + evse), (1800, 8), evse=evse)

    charge_point, _ = await ready(central, version, schedule=answer)
    assert shown(charge_point) == (11, "composite")
    assert shown(charge_point, 0) == (10, "composite")
    known = charge_point.schedules.at(1)
    assert known
    assert [period.limit for period in known.periods] == [11, 8]


@pytest.mark.parametrize(
    ("answer", "limit"),
    [
        (composite((0, 11_040), unit="W"), 16),
        (composite((0, 3680, 1), unit="W"), 16),
        (composite((0, -1)), None),
        # In OCPP 2.1 a period need not limit.
        (composite((0, None)), None),
        ({"status": "Accepted"}, None),
        ({"status": "Rejected"}, None),
    ],
)
async def test_composite_value(
    central: Central, answer: Payload, limit: float | None
) -> None:
    """In A per phase, for now."""
    charge_point, _ = await ready(central, "2.1", schedule=answer)
    assert shown(charge_point)[0] == limit


@both_versions
async def test_when_it_is_asked(central: Central, version: str) -> None:
    """After each change of a profile, of what it concerns."""
    charge_point, charger = await ready(central, version, schedule=composite((0, 16)))
    await charger.call("StatusNotification", status(evse=2))
    await quiet(charge_point)
    for change, asked in (
        (charge_point.limits.limit_default(1, ChargingLimit(10)), [0, 1]),
        (charge_point.commands.clear_charging_profile({}), [0, 1, 2]),
        (charge_point.limits.limit_station(ChargingLimit(20)), [0, 1, 2]),
    ):
        charger.forget()
        await change
        await charger.alive()
        await quiet(charge_point)
        assert [
            call.payload["evseId"]
            for call in charger.calls
            if call.action == "GetCompositeSchedule"
        ] == asked


# Profiles as given


@both_versions
async def test_set_charging_profile(central: Central, version: str) -> None:
    """As given; only the standard's schema refuses."""
    charge_point, charger = await connect2(central, version)
    given = foreign(70, "TxDefaultProfile", (0, 16), (3600, 8))
    await charge_point.commands.set_charging_profile(1, given)
    assert profiles(charger) == [(1, given)]
    with pytest.raises(InvalidCommand):
        await charge_point.commands.set_charging_profile(1, {"id": 70})
    v2x = foreign(71, "TxDefaultProfile", (0, 16), kind="Dynamic", start=None)
    v2x["chargingSchedule"][0]["chargingSchedulePeriod"] = [
        {
            "startPeriod": 0,
            "operationMode": "CentralSetpoint",
            "setpoint": -7000,
            "setpoint_L2": -7000,
            "dischargeLimit_L3": -7000,
            "limit_L2": 11_000,
        }
    ]
    if version == "2.1":
        await charge_point.commands.set_charging_profile(1, v2x)
        assert profiles(charger) == [(1, v2x)]
    else:
        with pytest.raises(InvalidCommand):
            await charge_point.commands.set_charging_profile(1, v2x)


@both_versions
async def test_profile_in_the_words_of_1_6(central: Central, version: str) -> None:
    """An automation need not know what is spoken."""
    charge_point, charger = await charging(central, version)
    transaction = charge_point.transactions.at(1)
    assert transaction
    await charge_point.commands.set_charging_profile(
        1,
        {
            "chargingProfileId": 70,
            "transactionId": transaction.id,
            "stackLevel": 1,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}],
            },
        },
    )
    assert profiles(charger) == [
        (
            1,
            {
                "id": 70,
                "transactionId": "T1",
                "stackLevel": 1,
                "chargingProfilePurpose": "TxProfile",
                "chargingProfileKind": "Relative",
                "chargingSchedule": [
                    {
                        "id": 70,
                        "chargingRateUnit": "A",
                        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}],
                    }
                ],
            },
        )
    ]


@both_versions
@pytest.mark.parametrize(
    ("criteria", "sent"),
    [
        ({"chargingProfileId": 7}, {"chargingProfileId": 7}),
        (
            {"chargingProfileCriteria": {"evseId": 1, "stackLevel": 2}},
            {"chargingProfileCriteria": {"evseId": 1, "stackLevel": 2}},
        ),
        ({}, {"chargingProfileCriteria": {}}),
        ({"id": 7}, {"chargingProfileId": 7}),
        (
            {
                "connectorId": 2,
                "chargingProfilePurpose": "ChargePointMaxProfile",
                "stackLevel": 1,
            },
            {
                "chargingProfileCriteria": {
                    "evseId": 2,
                    "chargingProfilePurpose": "ChargingStationMaxProfile",
                    "stackLevel": 1,
                }
            },
        ),
    ],
)
async def test_clear_charging_profile(
    central: Central, version: str, criteria: Payload, sent: Payload
) -> None:
    """As given, and as OCPP 1.6 would have it."""
    charge_point, charger = await connect2(central, version)
    charger.answers["ClearChargingProfile"] = {"status": "Unknown"}
    answer = await charge_point.commands.clear_charging_profile(criteria)
    assert answer == {"status": "Unknown"}
    assert charger.calls[-1].payload == sent


# Which profiles there are


@both_versions
async def test_get_charging_profiles(central: Central, version: str) -> None:
    """All parts of the report, as the charger tells them."""
    charge_point, charger = await connect2(central, version)
    first, second, third = (
        foreign(number, "TxProfile", (0, 6)) for number in (7, 8, 9)
    )
    sent = holds(charger, (1, "CSO", [first, second]), (0, "EMS", [third]))
    answer = await charge_point.commands.get_charging_profiles(
        {"chargingProfilePurpose": "TxProfile"}, 1
    )
    assert await asyncio.gather(*sent) == [{}, {}]
    payload = charger.calls[-1].payload
    assert payload.pop("requestId") > 0
    assert payload == {
        "evseId": 1,
        "chargingProfile": {"chargingProfilePurpose": "TxProfile"},
    }
    assert answer == {
        "status": "Accepted",
        "complete": True,
        "charging_profiles": [
            {"evseId": evse, "chargingLimitSource": source, "chargingProfile": each}
            for evse, source, each in (
                (1, "CSO", first),
                (1, "CSO", second),
                (0, "EMS", third),
            )
        ],
    }
    charger.answers["GetChargingProfiles"] = {"status": "NoProfiles"}
    assert await charge_point.commands.get_charging_profiles({}) == {
        "status": "NoProfiles",
        "complete": True,
        "charging_profiles": [],
    }
    assert "evseId" not in charger.calls[-1].payload
    # What nobody has asked for is answered all the same.
    stray = {
        "requestId": 1,
        "chargingLimitSource": "SO",
        "evseId": 1,
        "chargingProfile": [first],
    }
    assert await charger.call("ReportChargingProfiles", stray) == {}


async def test_1_6_cannot_tell(central: Central) -> None:
    """OCPP 1.6 knows of neither."""
    charge_point, _ = await central.connect()
    with pytest.raises(NotSupported):
        await charge_point.commands.get_charging_profiles({})
    with pytest.raises(NotSupported):
        await charge_point.commands.use_priority_charging(1, True)


@both_versions
async def test_foreign_profiles(central: Central, version: str) -> None:
    """Whoever throttles is found after the first conversation, once, and shown."""
    charge_point, charger = await connect2(central, version)
    _, ours = running(1, "T1", (0, 16))
    sent = holds(
        charger,
        (1, "CSO", [foreign(99, "TxDefaultProfile", (0, 6)), ours]),
        (0, "EMS", [foreign(12, "ChargingStationExternalConstraints", (0, 13))]),
    )
    charger.answers["GetCompositeSchedule"] = composite((0, 6))
    await charger.call("StatusNotification", status())
    await charger.call("StatusNotification", status(evse=2))
    await charger.call("BootNotification", BOOT)
    await bring_up()
    await quiet(charge_point)
    assert await asyncio.gather(*sent) == [{}, {}]
    assert others(charge_point, 1) == [(99, 1, "CSO", 6), (12, 0, "EMS", 13)]
    assert others(charge_point, 2) == [(12, 0, "EMS", 13)]
    assert others(charge_point, 0) == [(12, 0, "EMS", 13)]
    assert charger.actions.count("GetChargingProfiles") == 1
    # Booted anew, it tells anew.
    charger.answers["GetChargingProfiles"] = {"status": "NoProfiles"}
    await charger.call("BootNotification", BOOT)
    await bring_up()
    await quiet(charge_point)
    assert others(charge_point) == []


@pytest.mark.parametrize(
    ("profile", "limit"),
    [
        (foreign(9, "TxDefaultProfile", (0, 16), (3600, 8)), 8),
        (foreign(9, "TxDefaultProfile", (0, 16), (86_400, 8)), 16),
        (foreign(9, "TxDefaultProfile", (0, 5520), unit="W"), 8),
        (foreign(9, "TxDefaultProfile", (0, 16), duration=3600), None),
        (foreign(9, "TxDefaultProfile", (0, 16), start="2026-05-02T00:00:00Z"), None),
        (
            foreign(9, "TxDefaultProfile", (0, 16), validTo="2026-05-01T11:00:00Z"),
            None,
        ),
        (
            foreign(9, "TxDefaultProfile", (0, 16), validFrom="2026-05-01T13:00:00Z"),
            None,
        ),
        (
            foreign(
                9,
                "TxDefaultProfile",
                (0, 6),
                (39_600, 16),
                (50_000, 6),
                kind="Recurring",
                recurrencyKind="Daily",
                start="2026-01-01T00:00:00Z",
            ),
            16,
        ),
        (foreign(9, "TxProfile", (0, 10), kind="Relative", start=None), 10),
        (foreign(9, "TxDefaultProfile"), None),
    ],
)
async def test_foreign_limit(
    central: Central, profile: Payload, limit: float | None
) -> None:
    """What it comes to just now, in A per phase."""
    charge_point, charger = await connect2(central, "2.1")
    sent = holds(charger, (1, "CSO", [profile]))
    await ready_again(charge_point, charger)
    await asyncio.gather(*sent)
    assert others(charge_point) == [(9, 1, "CSO", limit)]


async def ready_again(charge_point: ChargePoint, charger: Charger) -> None:
    """Have a charger boot and go through its bring-up."""
    charger.answers["GetCompositeSchedule"] = Refusal("NotSupported")
    await charger.call("StatusNotification", status())
    await charger.call("BootNotification", BOOT)
    await bring_up()
    await quiet(charge_point)


@pytest.mark.parametrize(
    "answer",
    [Refusal("NotSupported"), Refusal("NotImplemented"), HangUp()],
    ids=["NotSupported", "NotImplemented", "hangs up"],
)
async def test_who_cannot_tell_is_not_asked_again(
    central: Central, answer: Answer
) -> None:
    """Said once, it holds for this firmware."""
    charge_point, charger = await connect2(central, "2.0.1")
    charger.answers["GetChargingProfiles"] = answer
    await ready_again(charge_point, charger)
    assert charge_point.capabilities.no_profile_list
    charger = await dial2(central, "2.0.1")
    await ready_again(charge_point, charger)
    assert "GetChargingProfiles" not in charger.actions


async def test_no_report(socket_enabled: None, loop_clock: LoopClock) -> None:
    """A charger that promises and does not tell keeps nobody waiting."""
    async with central_system(timing=replace(TIMING, call=30)) as central:
        charge_point, charger = await connect2(central, "2.1")
        charger.answers["GetChargingProfiles"] = {"status": "Accepted"}
        asking = asyncio.create_task(charge_point.commands.get_charging_profiles({}))
        await charger.called("GetChargingProfiles")
        await charger.alive()
        await charger.alive()
        loop_clock.advance(31)
        answer = await asking
        assert answer["complete"] is False
        assert answer["charging_profiles"] == []
