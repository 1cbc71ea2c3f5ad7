"""The ladder in OCPP 2.0.1 and 2.1, and what a reboot of ours is not blamed for."""

from collections.abc import Callable

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.capabilities import ConfigurationKey
from custom_components.ocpp_central.csms.clock import utcnow
from custom_components.ocpp_central.csms.errors import CommandRejected

from .common import (
    Answer,
    Central,
    Charger,
    HangUp,
    Payload,
    bring_up,
    status as status16,
    until,
)
from .common2 import both_versions, connect2, status

ACCEPTED: Payload = {"status": "Accepted"}
REJECTED: Payload = {"status": "Rejected", "statusInfo": {"reasonCode": "NoProfile"}}


@pytest.fixture(autouse=True)
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clocks on the wall."""
    freezer.move_to("2026-05-01T12:00:00Z")


def only(obeys: Callable[[int, Payload], bool]) -> Answer:
    """Accept what a charger obeys, by EVSE and profile, and refuse the rest."""

    def choose(payload: Payload) -> Answer:
        accepted = obeys(payload["evseId"], payload["chargingProfile"])
        return ACCEPTED if accepted else REJECTED

    return choose


def told(charger: Charger) -> list[str]:
    """Return what the charger was told since this was last asked, in short."""
    words = []
    for call in charger.calls:
        if call.action == "SetChargingProfile":
            profile = call.payload["chargingProfile"]
            (schedule,) = profile["chargingSchedule"]
            (period,) = schedule["chargingSchedulePeriod"]
            words.append(
                f"{profile['chargingProfilePurpose'].removesuffix('Profile')}"
                f" {profile['chargingProfileKind']} @{call.payload['evseId']}"
                f" stack {profile['stackLevel']}"
                f" {period['limit']:g}{schedule['chargingRateUnit']}"
            )
    charger.forget()
    return words


@both_versions
async def test_found_and_kept(central: Central, version: str) -> None:
    """One that takes what is for all EVSEs only."""
    charge_point, charger = await connect2(central, version)
    await charger.call("StatusNotification", status())
    charger.answers["SetChargingProfile"] = only(lambda evse, _: evse == 0)
    await charge_point.set_current_limit(1, 10)
    assert told(charger)[-1] == "TxDefault Absolute @0 stack 0 10A"
    await charge_point.set_current_limit(1, 12)
    assert told(charger) == ["TxDefault Absolute @0 stack 0 12A"]


@both_versions
async def test_a_station_is_never_limited_relatively(
    central: Central, version: str
) -> None:
    """The standard forbids it (K01.FR.38), and the user hears of the refusal."""
    charge_point, charger = await connect2(central, version, installation_current=32)
    for evse in (1, 2):
        await charger.call("StatusNotification", status(evse=evse))
    charger.answers["SetChargingProfile"] = REJECTED
    with pytest.raises(CommandRejected):
        await charge_point.set_maximum_current(20)
    tried = told(charger)
    assert len(tried) > 1
    assert not [one for one in tried if "Relative" in one]


@both_versions
async def test_watts_where_nothing_is_said(central: Central, version: str) -> None:
    """A charger that says nothing of units may take the other one."""
    charge_point, charger = await connect2(central, version)
    await charger.call("StatusNotification", status())
    charger.answers["SetChargingProfile"] = only(
        lambda _, profile: profile["chargingSchedule"][0]["chargingRateUnit"] == "W"
    )
    await charge_point.set_current_limit(1, 10)
    assert told(charger)[-1] == "TxDefault Absolute @1 stack 0 6900W"
    # One that does say so is not asked for the other.
    charge_point.set_configuration(
        {"SmartChargingCtrlr.RateUnit": ConfigurationKey("A", readonly=True)}
    )
    charge_point.limits.ladder.start_over()
    with pytest.raises(CommandRejected):
        await charge_point.set_current_limit(1, 11)
    assert not [one for one in told(charger) if one.endswith("W")]


@pytest.mark.parametrize("told_to", ["reset", "update"])
async def test_a_reboot_of_ours_bans_nothing(central: Central, told_to: str) -> None:
    """A charger that was told to go down is not taken down by what came next."""
    charge_point, charger = await central.connect()
    await charger.boot(status16("Available"))
    await bring_up()
    if told_to == "reset":
        await charge_point.commands.reset("Soft")
    else:
        await charge_point.jobs.update_firmware("https://example.com/fw", utcnow())
    await charge_point.set_current_limit(1, 10)
    charger.answers["SetChargingProfile"] = HangUp()
    await charger.boot(status16("Available"))
    await charger.called("SetChargingProfile")
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)
    await bring_up()
    assert charge_point.capabilities.quarantined == []
    charger = await central.dial()
    await charger.boot(status16("Available"))
    await bring_up()
    assert [call.action for call in charger.calls].count("SetChargingProfile") == 1
