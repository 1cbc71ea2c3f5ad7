"""The ladder: how the way is found that a charger obeys, and how it is remembered."""

import asyncio
from collections.abc import Callable
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import (
    CommandError,
    CommandFailed,
    CommandRejected,
    CommandTimeout,
    InvalidCommand,
)
from custom_components.ocpp_central.csms.model import ChargingLimit

from .common import (
    TIMING,
    Answer,
    Central,
    Charger,
    HangUp,
    Payload,
    Refusal,
    Silence,
    bring_up,
    central_system,
    meter_values,
    sample,
    status,
    until,
)
from .conftest import LoopClock

ACCEPTED: Payload = {"status": "Accepted"}
REJECTED: Payload = {"status": "Rejected"}
NOT_SUPPORTED: Payload = {"status": "NotSupported"}


@pytest.fixture(autouse=True)
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clocks on the wall."""
    freezer.move_to("2026-05-01T12:00:00Z")


def only(obeys: Callable[[int, Payload], bool], refusal: Answer = REJECTED) -> Answer:
    """Accept what a charger obeys, by connector and profile, and refuse the rest."""

    def choose(payload: Payload) -> Answer:
        profile = payload["csChargingProfiles"]
        return ACCEPTED if obeys(payload["connectorId"], profile) else refusal

    return choose


def told(charger: Charger) -> list[str]:
    """Return what the charger was told since this was last asked, in short."""
    words = []
    for call in charger.calls:
        payload = call.payload
        if call.action == "SetChargingProfile":
            profile = payload["csChargingProfiles"]
            schedule = profile["chargingSchedule"]
            limits = [
                f"{each['limit']:g}" for each in schedule["chargingSchedulePeriod"]
            ]
            words.append(
                f"{profile['chargingProfilePurpose'].removesuffix('Profile')}"
                f" {profile['chargingProfileKind']} @{payload['connectorId']}"
                f" stack {profile['stackLevel']}"
                f" {' '.join(limits)}{schedule['chargingRateUnit']}"
            )
        elif call.action == "ClearChargingProfile":
            words.append(f"clear {payload['id']}")
        elif call.action == "ChangeConfiguration":
            words.append(f"{payload['key']}={payload['value']}")
    charger.forget()
    return words


async def connected(
    central: Central,
    *,
    vendor: str = "Vendor",
    model: str = "Model",
    firmware: str = "1.0",
    settings: Payload | None = None,
    **more: Any,
) -> tuple[ChargePoint, Charger]:
    """Return an idle charger of some make."""
    charge_point, charger = await central.connect(**more)
    await set_up(charge_point, charger, vendor, model, firmware, settings)
    return charge_point, charger


async def set_up(
    charge_point: ChargePoint,
    charger: Charger,
    vendor: str = "Vendor",
    model: str = "Model",
    firmware: str = "1.0",
    settings: Payload | None = None,
) -> None:
    """Boot a charger, and wait until all is said."""
    charger.answers["GetConfiguration"] = {
        "configurationKey": [
            {"key": key, "value": value, "readonly": False}
            for key, value in (settings or {}).items()
        ]
    }
    await charger.boot(
        status("Available"),
        chargePointVendor=vendor,
        chargePointModel=model,
        firmwareVersion=firmware,
    )
    await bring_up()
    await settled(charge_point, charger)
    charger.forget()


async def settled(charge_point: ChargePoint, charger: Charger) -> None:
    """Wait until what goes on in the background is done."""
    await charger.alive()
    while tasks := [
        task
        for task in asyncio.all_tasks()
        if task.get_name() == f"{charge_point.identity} set the charging limit"
    ]:
        await asyncio.wait(tasks)


async def begin(charge_point: ChargePoint, charger: Charger) -> int:
    """Begin a transaction that the charger knows of."""
    number = await charger.start()
    await charger.call("StatusNotification", status("Charging"))
    await charger.call("MeterValues", meter_values(sample("1"), transaction=number))
    await settled(charge_point, charger)
    return number


# What is known of the model


async def test_keba_takes_connector_0(central: Central) -> None:
    """KEBA is known to take what is for all connectors, and nothing else."""
    charge_point, charger = await connected(central, vendor="Keba AG", model="P30")
    charger.answers["SetChargingProfile"] = only(lambda connector, _: connector == 0)
    await charge_point.set_current_limit(1, 10)
    assert told(charger) == ["TxDefault Absolute @0 stack 0 10A"]
    await begin(charge_point, charger)
    await charge_point.set_current_limit(1, 12)
    assert told(charger) == ["TxDefault Absolute @0 stack 0 12A"]


async def test_connector_0_is_found(central: Central) -> None:
    """A charger that is not known gets there as well, and stays there."""
    charge_point, charger = await connected(central)
    charger.answers["SetChargingProfile"] = only(
        lambda connector, _: connector == 0, Refusal("PropertyConstraintViolation")
    )
    await charge_point.set_current_limit(1, 10)
    assert told(charger)[-1] == "TxDefault Absolute @0 stack 0 10A"
    await charge_point.set_current_limit(1, 12)
    assert told(charger) == ["TxDefault Absolute @0 stack 0 12A"]


async def test_autel_absolute_only(central: Central) -> None:
    """Of a ceiling it never gets to see a relative one."""
    charge_point, charger = await connected(
        central, vendor="Autel", model="MaxiCharger AC", installation_current=32
    )
    charger.answers["SetChargingProfile"] = only(
        lambda _, profile: profile["chargingProfileKind"] == "Absolute"
    )
    await charge_point.set_maximum_current(20)
    await charge_point.set_current_limit(1, 10)
    assert told(charger) == [
        "ChargePointMax Absolute @0 stack 0 20A",
        "TxDefault Absolute @1 stack 0 10A",
    ]


async def test_wallbox_relative(central: Central) -> None:
    """Its sixth firmware takes nothing absolute."""
    charge_point, charger = await connected(
        central, vendor="Wall Box Chargers", model="PLP1", firmware="6.7.38"
    )
    charger.answers["SetChargingProfile"] = only(
        lambda _, profile: profile["chargingProfileKind"] == "Relative"
    )
    await charge_point.set_current_limit(1, 10)
    assert told(charger) == ["TxDefault Relative @1 stack 0 10A"]


async def test_huawei_in_watts(central: Central) -> None:
    """It takes watts, whether it says so or not."""
    charge_point, charger = await connected(central, vendor="", model="SCharger-22KT")
    charger.answers["SetChargingProfile"] = only(
        lambda _, profile: profile["chargingSchedule"]["chargingRateUnit"] == "W"
    )
    await charge_point.set_current_limit(1, 10)
    assert told(charger) == ["TxDefault Absolute @1 stack 0 6900W"]


async def test_go_e_above_level_0(central: Central) -> None:
    """What is on level 0 there, stays."""
    charge_point, charger = await connected(central, vendor="go-e", model="GO22")
    await charge_point.set_current_limit(1, 10)
    assert told(charger) == ["TxDefault Absolute @1 stack 1 10A"]


async def test_go_e_resumes_twice(central: Central) -> None:
    """The first limit after 0 A is lost there."""
    charge_point, charger = await connected(central, vendor="go-e", model="GO22")
    await begin(charge_point, charger)
    await charge_point.set_paused(1, True)
    assert told(charger) == ["Tx Absolute @1 stack 1 0A"]
    await charge_point.set_paused(1, False)
    assert told(charger) == ["Tx Absolute @1 stack 1 16A"] * 2


# Found out


async def test_abb_level_0(central: Central) -> None:
    """It refuses the level that it names itself."""
    charge_point, charger = await connected(
        central, settings={"ChargeProfileMaxStackLevel": "3"}
    )
    charger.answers["SetChargingProfile"] = only(
        lambda _, profile: profile["stackLevel"] == 0
    )
    await charge_point.set_current_limit(1, 10)
    assert told(charger) == ["TxDefault Absolute @1 stack 0 10A"]


async def test_highest_level(central: Central) -> None:
    """One that only obeys the highest is found, too."""
    charge_point, charger = await connected(
        central, settings={"ChargeProfileMaxStackLevel": "8"}
    )
    charger.answers["SetChargingProfile"] = only(
        lambda _, profile: profile["stackLevel"] == 8
    )
    await charge_point.set_current_limit(1, 10)
    assert told(charger)[-1] == "TxDefault Absolute @1 stack 8 10A"


async def test_timxon(socket_enabled: None, loop_clock: LoopClock) -> None:
    """No answer is a no, and does not take as long as for what is known to work."""
    timing = TIMING.__replace__(call=300, probe=15)
    async with central_system(timing=timing) as central:
        charge_point, charger = await connected(central)

        def answer(payload: Payload) -> Answer:
            profile = payload["csChargingProfiles"]
            if profile["chargingProfilePurpose"] != "TxDefaultProfile":
                return NOT_SUPPORTED
            if profile["chargingProfileKind"] == "Absolute":
                return Silence()
            return ACCEPTED

        charger.answers["SetChargingProfile"] = answer
        setting = asyncio.create_task(charge_point.set_current_limit(1, 10))
        await charger.called("SetChargingProfile")
        loop_clock.advance(16)
        await setting
        # Nothing absolute is asked for any more; what it may have taken is replaced.
        assert told(charger) == [
            "TxDefault Absolute @1 stack 0 10A",
            "TxDefault Relative @1 stack 0 10A",
        ]
        await begin(charge_point, charger)
        await charge_point.set_paused(1, True)
        assert told(charger) == [
            "Tx Absolute @1 stack 0 0A",
            "TxDefault Relative @1 stack 0 0 10A",
        ]
        # And what works has as long as any.
        charger.answers["SetChargingProfile"] = Silence()
        setting = asyncio.create_task(charge_point.set_paused(1, False))
        call = await charger.called("SetChargingProfile")
        loop_clock.advance(200)
        await charger.answer(call, ACCEPTED)
        await setting


async def test_never_sent_is_not_refused(
    socket_enabled: None, loop_clock: LoopClock
) -> None:
    """A limit that waits behind a slow answer says nothing of the charger."""
    async with central_system(timing=TIMING.__replace__(call=30)) as central:
        charge_point, charger = await connected(central)
        charger.answers["UnlockConnector"] = Silence()
        unlocking = asyncio.create_task(charge_point.commands.unlock_connector(1))
        await charger.called("UnlockConnector")
        setting = asyncio.create_task(charge_point.set_current_limit(1, 10))
        loop_clock.advance(20)
        await charger.alive()
        loop_clock.advance(20)
        with pytest.raises(CommandTimeout):
            await unlocking
        await asyncio.wait([setting])
        assert charge_point.capabilities.failed_rungs == {}


async def test_what_was_taken_and_is_not_used_is_cleared(
    socket_enabled: None, loop_clock: LoopClock
) -> None:
    """A profile that may have been taken without an answer does not stay behind."""
    async with central_system(timing=TIMING.__replace__(probe=15)) as central:
        charge_point, charger = await connected(central)
        charger.answers["ClearChargingProfile"] = {"status": "Unknown"}
        charger.answers["SetChargingProfile"] = only(
            lambda connector, _: connector == 0, Silence()
        )
        setting = asyncio.create_task(charge_point.set_current_limit(1, 10))
        for _ in range(2):
            await charger.called("SetChargingProfile")
            loop_clock.advance(16)
        await setting
        assert told(charger) == [
            "TxDefault Absolute @1 stack 0 10A",
            "TxDefault Relative @1 stack 0 10A",
            "TxDefault Absolute @0 stack 0 10A",
            "clear 2",
        ]


async def test_only_a_ceiling(central: Central) -> None:
    """What holds for the whole station holds for its only connector."""
    charge_point, charger = await connected(central)
    charger.answers["SetChargingProfile"] = only(
        lambda _, profile: profile["chargingProfilePurpose"] == "ChargePointMaxProfile",
        NOT_SUPPORTED,
    )
    await charge_point.set_current_limit(1, 10)
    assert told(charger) == [
        "TxDefault Absolute @1 stack 0 10A",
        "TxDefault Absolute @0 stack 0 10A",
        "ChargePointMax Absolute @0 stack 0 10A",
    ]


async def test_a_ceiling_that_is_held_by_the_connector(central: Central) -> None:
    """And the other way round."""
    charge_point, charger = await connected(central, installation_current=32)
    charger.answers["SetChargingProfile"] = only(
        lambda _, profile: profile["chargingProfilePurpose"] != "ChargePointMaxProfile",
        NOT_SUPPORTED,
    )
    await charge_point.set_maximum_current(20)
    assert told(charger) == [
        "ChargePointMax Absolute @0 stack 0 20A",
        "TxDefault Absolute @1 stack 0 20A",
    ]


@pytest.mark.parametrize(
    ("vendor", "model"), [("United Chargers", "Grizzl-E"), ("EV-BOX", "Elvi")]
)
async def test_known_to_have_no_ceiling(
    central: Central, vendor: str, model: str
) -> None:
    """Its only connector holds a ceiling at once where that is known to be lost."""
    charge_point, charger = await connected(central, vendor=vendor, model=model)
    await charge_point.set_maximum_current(10)
    assert told(charger) == ["TxDefault Absolute @1 stack 0 10A"]
    await charge_point.set_maximum_current(12)
    assert told(charger) == ["TxDefault Absolute @1 stack 0 12A"]


async def test_known_to_have_no_ceiling_with_two_connectors(central: Central) -> None:
    """What two share is tried all the same, as nothing else holds for both."""
    charge_point, charger = await connected(central, vendor="Grizzl-E")
    await charger.call("StatusNotification", status("Available", 2))
    await charge_point.set_maximum_current(10)
    assert told(charger)[0] == "ChargePointMax Absolute @0 stack 0 10A"


async def test_insisting_on_a_ceiling(central: Central) -> None:
    """Who insists on it gets it."""
    charge_point, charger = await connected(
        central, vendor="Grizzl-E", limit_way="station absolute 0 A"
    )
    await charge_point.set_maximum_current(10)
    assert told(charger) == ["ChargePointMax Absolute @0 stack 0 10A"]


async def test_a_ceiling_below_what_a_car_needs(central: Central) -> None:
    """It goes out as it is; what charges gets nothing, and nothing more than it."""
    charge_point, charger = await connected(central)
    await begin(charge_point, charger)
    await charge_point.limits.limit_station(ChargingLimit(4))
    assert told(charger) == [
        "ChargePointMax Absolute @0 stack 0 4A",
        "Tx Absolute @1 stack 0 0A",
    ]
    await charge_point.set_current_limit(1, 10)
    assert told(charger) == []
    await charge_point.set_maximum_current(13)
    assert told(charger) == [
        "Tx Absolute @1 stack 0 10A",
        "TxDefault Absolute @1 stack 0 10A",
        "ChargePointMax Absolute @0 stack 0 13A",
    ]


async def test_such_a_ceiling_that_is_held_by_the_connector(central: Central) -> None:
    """It is there before a car comes, as nothing else holds it."""
    charge_point, charger = await connected(central, vendor="Grizzl-E")
    await charge_point.limits.limit_station(ChargingLimit(4))
    assert told(charger) == ["TxDefault Absolute @1 stack 0 4A"]
    await begin(charge_point, charger)
    assert told(charger) == ["Tx Absolute @1 stack 0 0A"]


@pytest.mark.parametrize(("most", "number"), [("1", 1), ("3", 1), ("4", 2), ("50", 2)])
async def test_few_ids(central: Central, most: str, number: int) -> None:
    """Some want no id above the number of profiles that they hold."""
    charge_point, charger = await connected(
        central, settings={"MaxChargingProfilesInstalled": most}
    )
    await charge_point.set_current_limit(1, 10)
    (call,) = charger.calls
    assert call.payload["csChargingProfiles"]["chargingProfileId"] == number


async def test_a_way_that_drops_the_connection(central: Central) -> None:
    """Twice over the same is enough."""
    charge_point, charger = await connected(central)
    charger.answers["SetChargingProfile"] = HangUp()
    await charge_point.set_current_limit(1, 10)
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    charger = await central.dial()
    charger.answers["SetChargingProfile"] = HangUp()
    await charger.boot(status("Available"))
    await charger.called("SetChargingProfile")
    await bring_up()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    assert charge_point.capabilities.quarantined == ["SetChargingProfile"]
    # It is left alone then, until the user tries once more.
    charger = await central.dial()
    await charger.boot(status("Available"))
    await bring_up()
    assert told(charger) == []
    await charge_point.set_current_limit(1, 11)
    assert told(charger) == ["TxDefault Relative @1 stack 0 11A"]
    assert charge_point.capabilities.quarantined == []


# Remembered


async def test_remembered_over_a_restart(central: Central) -> None:
    """What was accepted once is where the next process begins."""
    relative = only(lambda _, profile: profile["chargingProfileKind"] == "Relative")
    charge_point, charger = await connected(central)
    charger.answers["SetChargingProfile"] = relative
    await charge_point.set_current_limit(1, 10)
    assert told(charger)[-1] == "TxDefault Relative @1 stack 0 10A"
    await settled(charge_point, charger)
    await central.restart()
    charge_point, charger = await connected(central)
    # A refusal of the moment does not lose it.
    charger.answers["SetChargingProfile"] = REJECTED
    with pytest.raises(CommandRejected):
        await charge_point.set_current_limit(1, 10)
    assert told(charger) == ["TxDefault Relative @1 stack 0 10A"]
    charger.answers["SetChargingProfile"] = relative
    await charge_point.set_current_limit(1, 10)
    assert told(charger) == ["TxDefault Relative @1 stack 0 10A"]
    # What another charger of the kind has shown, this one need not.
    other, charger = await connected(central, identity="CP2")
    charger.answers["SetChargingProfile"] = relative
    await other.set_current_limit(1, 10)
    assert told(charger) == ["TxDefault Relative @1 stack 0 10A"]


async def test_forgotten_with_new_firmware(central: Central) -> None:
    """It may have learnt something."""
    charge_point, charger = await connected(central)
    charger.answers["SetChargingProfile"] = only(
        lambda _, profile: profile["chargingProfileKind"] == "Relative"
    )
    await charge_point.set_current_limit(1, 10)
    told(charger)
    charger.answers["SetChargingProfile"] = ACCEPTED
    await set_up(charge_point, charger, firmware="2.0")
    await charge_point.set_current_limit(1, 12)
    assert told(charger) == ["TxDefault Absolute @1 stack 0 12A"]


async def test_refused_too_often(central: Central) -> None:
    """A way that has worked is given up after three refusals in a row."""
    charge_point, charger = await connected(central)
    await charge_point.set_current_limit(1, 10)
    told(charger)
    charger.answers["SetChargingProfile"] = only(
        lambda _, profile: profile["chargingProfileKind"] == "Relative"
    )
    for _ in range(2):
        with pytest.raises(CommandRejected):
            await charge_point.set_current_limit(1, 12)
    await charge_point.set_current_limit(1, 12)
    assert told(charger)[-1] == "TxDefault Relative @1 stack 0 12A"


# All refused


async def test_all_refused(central: Central) -> None:
    """The user hears it in the charger's words; after a boot, all is tried again."""
    charge_point, charger = await connected(central)
    words = "EM controlled by external system is disabled"
    charger.answers["SetChargingProfile"] = Refusal("InternalError", words)
    with pytest.raises(CommandFailed, match=words):
        await charge_point.set_current_limit(1, 10)
    tried = told(charger)
    assert len(tried) == len(set(tried)) > 4
    # Once is enough, but for what tells most.
    with pytest.raises(CommandFailed, match=words):
        await charge_point.set_current_limit(1, 10)
    assert told(charger) == tried[:1]
    charger.answers["SetChargingProfile"] = only(lambda connector, _: connector == 0)
    await set_up(charge_point, charger)
    await charge_point.set_current_limit(1, 10)
    assert told(charger)[-1] == "TxDefault Absolute @0 stack 0 10A"


async def test_tried_again_on_wish(central: Central) -> None:
    """The user may have switched something on in the charger's own menu."""
    charge_point, charger = await connected(central)
    charger.answers["SetChargingProfile"] = REJECTED
    with pytest.raises(CommandRejected):
        await charge_point.set_current_limit(1, 10)
    charger.answers["SetChargingProfile"] = only(lambda connector, _: connector == 0)
    with pytest.raises(CommandRejected):
        await charge_point.set_current_limit(1, 10)
    charge_point.limits.ladder.try_again()
    await charge_point.set_current_limit(1, 10)
    assert told(charger)[-1] == "TxDefault Absolute @0 stack 0 10A"


# The user's own way


async def test_the_user_insists(central: Central) -> None:
    """What the user has chosen is what is done, also where it is refused."""
    charge_point, charger = await connected(
        central, limit_way="default relative 1 A", installation_current=16
    )
    await charge_point.set_current_limit(1, 10)
    assert told(charger) == ["TxDefault Relative @1 stack 1 10A"]
    charger.answers["SetChargingProfile"] = REJECTED
    for _ in range(4):
        with pytest.raises(CommandRejected):
            await charge_point.set_current_limit(1, 12)
    assert told(charger) == ["TxDefault Relative @1 stack 1 12A"] * 4


async def test_ways_to_choose_from(central: Central) -> None:
    """Every way has a name that it is chosen by."""
    charge_point, _ = await connected(central)
    ways = charge_point.limits.ladder.ways()
    assert len({str(way) for way in ways}) == len(ways)
    assert {"transaction absolute 0 A", "default relative 0 W everywhere"} < {
        str(way) for way in ways
    }


# A key of the maker's


GROWATT = {"G_MaxCurrent": "25.00", "SupportedFeatureProfiles": "Core,RemoteTrigger"}


async def test_a_key(central: Central, freezer: FrozenDateTimeFactory) -> None:
    """It holds whole amperes, and never more than before."""
    charge_point, charger = await connected(
        central, settings=GROWATT, installation_current=32
    )
    await charge_point.set_current_limit(1, 10.5)
    assert told(charger) == ["G_MaxCurrent=10"]
    await charge_point.set_current_limit(1, 9)
    assert told(charger) == ["G_MaxCurrent=9"]
    await begin(charge_point, charger)
    assert told(charger) == []
    with pytest.raises(InvalidCommand):
        await charge_point.set_paused(1, True)
    assert told(charger) == []
    # What it held before comes back in the end.
    await charge_point.limits.clear(1)
    assert told(charger) == ["G_MaxCurrent=25.00"]


async def test_a_key_is_never_raised(central: Central) -> None:
    """Whoever has installed the charger had a reason."""
    charge_point, charger = await connected(
        central, settings={**GROWATT, "G_MaxCurrent": "13"}, installation_current=32
    )
    await charge_point.set_current_limit(1, 20)
    assert told(charger) == ["G_MaxCurrent=13"]


async def test_a_key_that_needs_a_reboot(central: Central) -> None:
    """That is no way to follow anything."""
    charge_point, charger = await connected(central, settings=GROWATT)
    charger.answers["ChangeConfiguration"] = {"status": "RebootRequired"}
    await charge_point.set_current_limit(1, 10)
    assert told(charger) == [
        "G_MaxCurrent=10",
        "G_MaxCurrent=25.00",
        "TxDefault Absolute @1 stack 0 10A",
    ]
    assert charge_point.value(0, "reboot_required") is False


async def test_a_key_comes_last(central: Central) -> None:
    """Where profiles are taken, the key is left alone."""
    charge_point, charger = await connected(central, settings={"G_MaxCurrent": "25.00"})
    await charge_point.set_current_limit(1, 10)
    assert told(charger) == ["TxDefault Absolute @1 stack 0 10A"]


# Told to others


async def test_what_others_can_learn(central: Central) -> None:
    """All that is known, in one place."""
    charge_point, charger = await connected(central, vendor="Timxon", model="A0")
    charger.answers["SetChargingProfile"] = REJECTED
    with pytest.raises(CommandError):
        await charge_point.set_current_limit(1, 10)
    known = charge_point.limits.ladder.as_dict()
    assert known["known_model"]["relative"] is True
    assert "2158" in known["known_model"]["source"]
    idle = known["slots"]["idle"]
    assert idle["ways"][0] == idle["way"] == "default relative 0 A"
    assert idle["failed"]["default relative 0 A"] == "SetChargingProfile: Rejected"
    assert "default_fixed" not in known["known_model"]
