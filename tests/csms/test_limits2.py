"""From "16 A" to the profiles that a charger of OCPP 2.0.1 or 2.1 holds."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.capabilities import ConfigurationKey
from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import CommandFailed, CommandRejected
from custom_components.ocpp_central.csms.model import ChargingLimit, LimitUnit

from .common import Answer, Central, Charger, Payload, Refusal, bring_up
from .common2 import BOOT, VERSIONS, connect2, dial2, event, status

NOW = "2026-05-01T12:00:00Z"
# Ten minutes before it.
BEFORE = "2026-05-01T11:50:00Z"
ALWAYS = "2020-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clocks on the wall."""
    freezer.move_to(NOW)


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Return the version that is spoken."""
    spoken: str = request.param
    return spoken


def profile(
    number: int,
    purpose: str,
    *periods: tuple[int, float],
    start: str | None = ALWAYS,
    unit: str = "A",
    **more: Any,
) -> Payload:
    """Return a profile as a charger should get it."""
    return {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute" if start else "Dynamic",
        "chargingSchedule": [
            {
                "id": number,
                **({"startSchedule": start} if start else {}),
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": [
                    {"startPeriod": seconds, "limit": limit}
                    for seconds, limit in periods
                ],
            }
        ],
        **more,
    }


def station(limit: float, unit: str = "A") -> tuple[int, Payload]:
    """Return the ceiling of the charge point."""
    return 0, profile(1, "ChargingStationMaxProfile", (0, limit), unit=unit)


def default(evse: int, limit: float, unit: str = "A") -> tuple[int, Payload]:
    """Return what holds for any transaction of an EVSE."""
    return evse, profile(2 * evse, "TxDefaultProfile", (0, limit), unit=unit)


def running(
    evse: int,
    transaction: str,
    *periods: tuple[int, float],
    unit: str = "A",
    start: str | None = BEFORE,
    **more: Any,
) -> tuple[int, Payload]:
    """Return what holds for the running transaction."""
    more["transactionId"] = transaction
    number = 2 * evse + 1
    return evse, profile(number, "TxProfile", *periods, start=start, unit=unit, **more)


def profiles(charger: Charger) -> list[tuple[int, Payload]]:
    """Return what was installed since this was last asked."""
    installed = [
        (call.payload["evseId"], call.payload["chargingProfile"])
        for call in charger.calls
        if call.action == "SetChargingProfile"
    ]
    charger.forget()
    return installed


async def settled(charge_point: ChargePoint, charger: Charger) -> None:
    """Wait until what goes on in the background is done."""
    await charger.alive()
    while tasks := [
        task
        for task in asyncio.all_tasks()
        if task.get_name() == f"{charge_point.identity} set the charging limit"
    ]:
        await asyncio.wait(tasks)


async def begin(charger: Charger, transaction: str = "T1", evse: int = 1) -> None:
    """Begin to charge."""
    await charger.call("StatusNotification", status("Occupied", evse))
    await charger.call(
        "TransactionEvent",
        event("Started", transaction, evse=evse, token="CARD1", state="Charging"),
    )


async def end(charger: Charger, transaction: str = "T1") -> None:
    """Stop charging."""
    await charger.call(
        "TransactionEvent",
        event(
            "Ended", transaction, reason="EVDeparted", info={"stoppedReason": "Local"}
        ),
    )


async def charging(
    central: Central, version: str, **more: Any
) -> tuple[ChargePoint, Charger]:
    """Return a charger in the middle of a transaction."""
    charge_point, charger = await connect2(central, version, **more)
    await begin(charger)
    await settled(charge_point, charger)
    assert profiles(charger) == []
    return charge_point, charger


async def has(charge_point: ChargePoint, **variables: str) -> None:
    """Let the charger have told variables of its smart charging."""
    charge_point.set_configuration(
        {
            f"SmartChargingCtrlr.{name}": ConfigurationKey(value, True)
            for name, value in variables.items()
        }
    )


def refuse(purpose: str, answer: Answer) -> Answer:
    """Refuse the profiles of one purpose."""

    def choose(payload: Payload) -> Answer:
        given = payload["chargingProfile"]["chargingProfilePurpose"]
        return answer if given == purpose else {"status": "Accepted"}

    return choose


# Idle


async def test_limit_of_a_connector(central: Central, version: str) -> None:
    """While nothing charges, it is the default of what comes."""
    charge_point, charger = await connect2(central, version)
    await charger.call("StatusNotification", status())
    await charge_point.set_current_limit(1, 10)
    assert profiles(charger) == [default(1, 10)]
    # What it holds already is not written again.
    await charge_point.set_current_limit(1, 10)
    assert profiles(charger) == []
    await charge_point.set_current_limit(1, 12.3)
    assert profiles(charger) == [default(1, 12.3)]


async def test_each_evse_has_its_own(central: Central, version: str) -> None:
    """Neither the station nor the other one is throttled."""
    charge_point, charger = await connect2(central, version)
    for evse in (1, 2):
        await charger.call("StatusNotification", status(evse=evse))
    await charge_point.set_current_limit(2, 8)
    await charge_point.set_current_limit(1, 9)
    assert charger.actions == ["SetChargingProfile"] * 2
    assert profiles(charger) == [default(2, 8), default(1, 9)]


async def test_connectors_of_one_evse(central: Central, version: str) -> None:
    """They share its default: the smaller limit holds, and the other one after it."""
    charge_point, charger = await connect2(central, version, installation_current=32)
    for connector in (1, 2):
        payload = status("Available", 1, connector)
        await charger.call("StatusNotification", payload)
    await settled(charge_point, charger)
    first, second = charge_point.connectors
    await charge_point.set_current_limit(first, 10)
    await charge_point.set_current_limit(second, 16)
    await charge_point.set_current_limit(first, 20)
    assert profiles(charger) == [default(1, 10), default(1, 16)]
    charger.forget()
    await charge_point.limits.clear(second)
    await settled(charge_point, charger)
    assert profiles(charger) == [default(1, 20)]
    await charge_point.limits.clear(first)
    await settled(charge_point, charger)
    assert charger.calls[-1].payload == {"chargingProfileId": 2}
    assert profiles(charger) == []


async def test_ceiling(central: Central, version: str) -> None:
    """The whole station is limited as such, and never in a relative profile."""
    charge_point, charger = await connect2(central, version, installation_current=32)
    await charge_point.set_maximum_current(20)
    assert profiles(charger) == [station(20)]


async def test_of_all_connectors(central: Central, version: str) -> None:
    """A default of all stands beside none of one: each gets its own."""
    charge_point, charger = await connect2(central, version)
    for evse in (1, 2, 3):
        await charger.call("StatusNotification", status(evse=evse))
    await charge_point.set_current_limit(2, 8)
    profiles(charger)
    assert await charge_point.limits.limit_default(0, ChargingLimit(12)) == {
        "status": "Accepted"
    }
    await settled(charge_point, charger)
    assert profiles(charger) == [default(1, 12), default(3, 12)]
    await charge_point.limits.clear(0)
    assert [call.payload for call in charger.calls] == [
        {"chargingProfileId": 1},
        {"chargingProfileId": 2},
        {"chargingProfileId": 6},
    ]
    await settled(charge_point, charger)
    assert profiles(charger) == []


@pytest.mark.parametrize(
    ("wanted", "sent"), [(5.9, 6), (0, 6), (10.05, 10), (10.09, 10), (32, 32)]
)
async def test_what_a_car_can_do(
    central: Central, version: str, wanted: float, sent: float
) -> None:
    """Never below 6 A, never 0 while idle, and never more than was asked for."""
    charge_point, charger = await connect2(central, version, installation_current=32)
    await charger.call("StatusNotification", status())
    await charge_point.set_current_limit(1, wanted)
    assert profiles(charger) == [default(1, sent)]


async def test_ids_kept_for_others(central: Central, version: str) -> None:
    """Ours are above those that the station keeps for limits from outside."""
    charge_point, charger = await connect2(central, version)
    await charger.call("StatusNotification", status())
    await has(charge_point, MaxExternalConstraintsId="100")
    await charge_point.set_current_limit(1, 10)
    await charge_point.set_maximum_current(20)
    assert [each["id"] for _, each in profiles(charger)] == [103, 102]


# In a transaction


async def test_limit_in_a_transaction(central: Central, version: str) -> None:
    """More than may flow without us is limited in time, by the charger's own id."""
    charge_point, charger = await charging(central, version)
    await charge_point.set_current_limit(1, 10)
    assert profiles(charger) == [default(1, 10)]
    await charge_point.set_offline_current(8)
    assert profiles(charger) == [
        running(1, "T1", (0, 10), (600 + 300, 8)),
        default(1, 8),
    ]
    await end(charger)
    await charger.call("StatusNotification", status())
    await settled(charge_point, charger)
    assert profiles(charger) == []
    await begin(charger, "T2")
    await settled(charge_point, charger)
    assert profiles(charger) == [running(1, "T2", (0, 10), (600 + 300, 8))]


async def test_pause(central: Central, version: str) -> None:
    """0 A, in a transaction only; going on replaces it."""
    charge_point, charger = await charging(central, version, installation_current=20)
    await charge_point.set_paused(1, True)
    assert profiles(charger) == [running(1, "T1", (0, 0))]
    await charge_point.set_paused(1, False)
    assert profiles(charger) == [running(1, "T1", (0, 20))]
    assert "ClearChargingProfile" not in charger.actions


async def test_pause_without_a_transaction(central: Central, version: str) -> None:
    """The wish waits for a transaction: some chargers hang on 0 A while idle."""
    charge_point, charger = await connect2(central, version)
    await charger.call("StatusNotification", status("Occupied"))
    await charge_point.set_paused(1, True)
    assert profiles(charger) == []
    await begin(charger)
    await settled(charge_point, charger)
    assert profiles(charger) == [running(1, "T1", (0, 0))]


async def test_limit_of_the_session(central: Central, version: str) -> None:
    """It ends with the transaction, or when the connector's own one is set anew."""
    charge_point, charger = await charging(central, version, installation_current=20)
    await charge_point.set_current_limit(1, 16)
    profiles(charger)
    await charge_point.limits.limit_session(1, ChargingLimit(8), None)
    assert profiles(charger) == [running(1, "T1", (0, 8))]
    await charge_point.set_current_limit(1, 20)
    assert profiles(charger) == [running(1, "T1", (0, 20)), default(1, 20)]


async def test_limit_for_a_while(
    central: Central, version: str, freezer: FrozenDateTimeFactory
) -> None:
    """The way back is in the schedule: the charger goes it alone."""
    charge_point, charger = await charging(central, version, installation_current=16)
    until = datetime.now(UTC) + timedelta(minutes=30)
    await charge_point.limits.limit_session(1, ChargingLimit(8), until)
    assert profiles(charger) == [running(1, "T1", (0, 8), (600 + 1800, 16))]
    freezer.tick(1801)
    await charge_point.limits.apply()
    assert profiles(charger) == []


async def test_limit_of_a_session_without_one(central: Central, version: str) -> None:
    """The charger itself says what it thinks of that."""
    charge_point, charger = await connect2(central, version)
    await charger.call("StatusNotification", status())
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}
    with pytest.raises(CommandRejected):
        await charge_point.limits.limit_session(1, ChargingLimit(8), None)
    evse, sent = running(1, "", (0, 8))
    del sent["transactionId"]
    assert profiles(charger) == [(evse, sent)]


async def test_limit_of_the_next_session(central: Central, version: str) -> None:
    """A start with a limit: the profile follows the transaction's id."""
    charge_point, charger = await connect2(central, version)
    await charger.call("StatusNotification", status())
    charge_point.limits.limit_next_session(1, "CARD1", ChargingLimit(7))
    await begin(charger)
    await settled(charge_point, charger)
    assert profiles(charger) == [running(1, "T1", (0, 7))]


async def test_two_at_once(central: Central, version: str) -> None:
    """Each transaction is limited at its own EVSE."""
    charge_point, charger = await connect2(central, version)
    await begin(charger, "T1", 1)
    await begin(charger, "T2", 2)
    await charge_point.set_paused(2, True)
    assert profiles(charger) == [running(2, "T2", (0, 0))]
    await charge_point.set_paused(1, True)
    assert profiles(charger) == [running(1, "T1", (0, 0))]


# Away and back


async def test_wish_while_away(central: Central, version: str) -> None:
    """It is kept, and carried out when the charger is back."""
    charge_point = await central.add(installation_current=32)
    charge_point.add_connector(1)
    await charge_point.set_current_limit(1, 10)
    await charge_point.set_maximum_current(20)
    charger = await dial2(central, version)
    await charger.call("BootNotification", BOOT)
    await bring_up()
    assert profiles(charger) == [station(20), default(1, 10)]


# Refused


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": "Rejected"}, CommandRejected),
        (
            {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidProfile"}},
            CommandRejected,
        ),
        (Refusal("NotSupported"), CommandFailed),
        (Refusal("PropertyConstraintViolation"), CommandFailed),
    ],
)
async def test_refused(
    central: Central, version: str, answer: Answer, error: type[Exception]
) -> None:
    """The wish is taken back and the user hears it in the charger's words."""
    charge_point, charger = await connect2(central, version)
    await charger.call("StatusNotification", status())
    await charge_point.set_current_limit(1, 16)
    charger.answers["SetChargingProfile"] = answer
    for setting in (
        charge_point.set_current_limit(1, 10),
        charge_point.set_maximum_current(10),
        charge_point.limits.limit_default(1, ChargingLimit(10)),
        charge_point.limits.limit_station(ChargingLimit(10)),
    ):
        with pytest.raises(error):
            await setting
    assert charge_point.wish(1).current_limit == 16
    assert charge_point.wishes.maximum_current is None


async def test_only_defaults(central: Central, version: str) -> None:
    """A charger that takes no profiles of transactions gets all in the default."""
    charge_point, charger = await charging(central, version)
    charger.answers["SetChargingProfile"] = refuse("TxProfile", Refusal("NotSupported"))
    await charge_point.set_paused(1, True)
    paused = profile(2, "TxDefaultProfile", (0, 0), (600 + 12 * 3600, 16), start=BEFORE)
    assert profiles(charger) == [running(1, "T1", (0, 0)), (1, paused)]
    await charge_point.set_paused(1, False)
    assert profiles(charger) == [default(1, 16)]


# Clearing


async def test_clear(central: Central, version: str) -> None:
    """Only our own profiles, by their ids."""
    charge_point, charger = await charging(central, version)
    await charge_point.set_current_limit(1, 10)
    await charge_point.set_maximum_current(20)
    charger.forget()
    assert await charge_point.limits.clear(1) == {"status": "Accepted"}
    assert await charge_point.limits.clear(0) == {"status": "Accepted"}
    assert [(call.action, call.payload) for call in charger.calls] == [
        ("ClearChargingProfile", {"chargingProfileId": 3}),
        ("ClearChargingProfile", {"chargingProfileId": 2}),
        ("ClearChargingProfile", {"chargingProfileId": 1}),
    ]
    charger.answers["ClearChargingProfile"] = {"status": "Unknown"}
    assert await charge_point.limits.clear(1) == {"status": "Unknown"}


# Units


async def test_a_charger_that_only_speaks_watts(central: Central, version: str) -> None:
    """Amperes times phases times the nominal voltage."""
    charge_point, charger = await charging(
        central, version, nominal_voltage=230.0, phases=3, installation_current=16
    )
    await has(charge_point, RateUnit="W")
    await charge_point.set_current_limit(1, 10)
    assert profiles(charger) == [default(1, 6900, "W")]
    await charge_point.set_maximum_current(13)
    assert profiles(charger) == [station(8970, "W")]


async def test_watts_for_a_charger_that_speaks_both(
    central: Central, version: str
) -> None:
    """A fuse is rated in amperes, and so is what is kept."""
    charge_point, charger = await connect2(central, version)
    await charger.call("StatusNotification", status())
    await has(charge_point, RateUnit="W,A")
    limit = ChargingLimit(7000, LimitUnit.WATT)
    await charge_point.limits.limit_default(1, limit)
    assert profiles(charger) == [default(1, 10.1)]
