"""Why a car does not charge, as a user sees it."""

from dataclasses import replace

from homeassistant.core import HomeAssistant
import pytest

from .common import TIMING, System, until
from .csms.common import (
    Charger,
    Payload,
    bring_up,
    meter_values,
    sample,
    stamp,
    status,
    stop,
)
from .csms.common2 import BOOT, both_versions, event, status as status2

SOON = replace(TIMING, settle=0)


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody wait, neither for a slow charger nor for limits to settle."""
    monkeypatch.setattr("custom_components.ocpp_central.hub.TIMING", SOON)


async def reason(system: System, value: str, connector: int = 1) -> None:
    """Wait until this is the reason."""
    await until(
        system.hass,
        lambda: (
            system.find("sensor", "reason_not_charging", connector) is not None
            and system.value("sensor", "reason_not_charging", connector) == value
        ),
    )


async def dial(system: System, *statuses: str) -> Charger:
    """Have a charger dial in and say something of its connector."""
    charger = await system.dial()
    for each in statuses:
        await charger.call("StatusNotification", status(each))
    return charger


async def charging(system: System, last: str) -> tuple[Charger, int]:
    """Have a charger begin a transaction and say what has become of it."""
    charger = await dial(system, "Preparing")
    number = await charger.start()
    await charger.call("StatusNotification", status(last))
    return charger, number


def schedule(*periods: tuple[int, float]) -> Payload:
    """Return an answer to GetCompositeSchedule of OCPP 1.6."""
    return {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": stamp(),
        "chargingSchedule": {
            "duration": 86_400,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": offset, "limit": limit} for offset, limit in periods
            ],
        },
    }


@pytest.mark.parametrize(
    ("said", "because"),
    [
        ("Available", "no_car"),
        ("Reserved", "no_car"),
        ("Preparing", "pending_authorization"),
        ("Finishing", "pending_authorization"),
        ("Charging", "charging"),
        ("Unavailable", "unavailable"),
        ("Faulted", "fault"),
        # A start that was refused: the car is let in no further.
        ("SuspendedEVSE", "pending_authorization"),
    ],
)
async def test_without_a_transaction(
    hass: HomeAssistant, system: System, said: str, because: str
) -> None:
    """What the connector says is reason enough."""
    await dial(system, said)
    await reason(system, because)


@pytest.mark.parametrize(
    ("said", "because"),
    [
        ("Charging", "charging"),
        ("SuspendedEV", "car_not_requesting"),
        ("SuspendedEVSE", "limited_by_station"),
        ("Preparing", "car_not_requesting"),
        ("Faulted", "fault"),
    ],
)
async def test_in_a_transaction(
    hass: HomeAssistant, system: System, said: str, because: str
) -> None:
    """Who holds it up."""
    await charging(system, said)
    await reason(system, because)


async def test_away(hass: HomeAssistant, system: System) -> None:
    """That the charger is away is a reason, and known when nothing else is."""
    charger = await dial(system, "Charging")
    await reason(system, "charging")
    await charger.close()
    await reason(system, "offline")
    charger = await system.dial()
    # What it said last is what it does, until it says something else.
    await reason(system, "charging")
    await charger.call("StatusNotification", status("Available"))
    await reason(system, "no_car")


async def test_whole_charger(hass: HomeAssistant, system: System) -> None:
    """What the whole charge point is unfit for, no connector of it is fit for."""
    charger = await dial(system, "Available")
    await reason(system, "no_car")
    await charger.call("StatusNotification", status("Unavailable", 0))
    await reason(system, "unavailable")
    await charger.call("StatusNotification", status("Faulted", 0))
    await reason(system, "fault")


async def test_paused(hass: HomeAssistant, system: System) -> None:
    """The user's own pause goes before whatever else there may be."""
    charger, _ = await charging(system, "Charging")
    await system.set("switch", "paused", True)
    await charger.call("StatusNotification", status("SuspendedEVSE"))
    await reason(system, "paused_by_user")
    await system.set("switch", "paused", False)
    await reason(system, "limited_by_station")
    await charger.call("StatusNotification", status("Charging"))
    await reason(system, "charging")


async def test_limited_to_nothing(hass: HomeAssistant, system: System) -> None:
    """0 A for this session, by an action, is a pause as well."""
    charger, _ = await charging(system, "Charging")
    charger.answers["GetCompositeSchedule"] = schedule((0, 0))
    await system.act("set_charging_limit", current=0, scope="session")
    await charger.call("StatusNotification", status("SuspendedEVSE"))
    await reason(system, "paused_by_user")


async def test_stopped(hass: HomeAssistant, system: System) -> None:
    """Where every car is started, one that somebody has stopped stays stopped."""
    await system.act(
        "select_option",
        domain="select",
        entity_id=system.id("select", "access_mode", 0),
        option="plug_and_charge",
    )
    charger, number = await charging(system, "Charging")
    await charger.call("StopTransaction", stop(number, reason="Remote"))
    await charger.call("StatusNotification", status("Finishing"))
    await reason(system, "paused_by_user")


async def test_limit_below_minimum(hass: HomeAssistant, system: System) -> None:
    """Less than a car can charge with looks like a car that does not want to."""
    charger, _ = await charging(system, "SuspendedEV")
    await charger.call("MeterValues", meter_values(sample("4", "Current.Offered")))
    await reason(system, "limit_below_minimum")
    await charger.call("MeterValues", meter_values(sample("16", "Current.Offered")))
    await reason(system, "car_not_requesting")


async def test_pending_schedule(hass: HomeAssistant, system: System) -> None:
    """Nothing now, and something later: that is a plan."""
    charger, _ = await charging(system, "Charging")
    charger.answers["GetCompositeSchedule"] = schedule((0, 0), (3600, 16))
    await charger.boot()
    await bring_up("GARAGE")
    await charger.call("StatusNotification", status("SuspendedEVSE"))
    await reason(system, "pending_schedule")


async def test_reboot_required(hass: HomeAssistant, system: System) -> None:
    """A setting that waits for a restart may be what holds a charger back."""
    charger, _ = await charging(system, "SuspendedEVSE")
    await reason(system, "limited_by_station")
    charger.answers["ChangeConfiguration"] = {"status": "RebootRequired"}
    await system.act("set_configuration", key="SmartCharging", value="on")
    await reason(system, "reboot_required")


@both_versions
@pytest.mark.parametrize(
    ("source", "because"),
    [
        ("EMS", "limited_by_load_balancing"),
        ("SO", "limited_by_load_balancing"),
        ("CSO", "limited_by_station"),
    ],
)
async def test_limited_from_outside(
    hass: HomeAssistant, system: System, version: str, source: str, because: str
) -> None:
    """Who limits from outside is told, and what to."""
    charger = await system.dial(protocols=(f"ocpp{version}",))
    await charger.call("BootNotification", BOOT)
    await charger.call("StatusNotification", status2("Occupied"))
    await reason(system, "pending_authorization")
    await charger.call(
        "TransactionEvent",
        event("Started", evse=1, token="CARD1", state="SuspendedEVSE"),
    )
    await reason(system, "limited_by_station")
    limit: Payload = {
        "evseId": 1,
        "chargingLimit": {"chargingLimitSource": source, "isGridCritical": True},
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 0}],
            }
        ],
    }
    await charger.call("NotifyChargingLimit", limit)
    await reason(system, because)
    state = system.state("sensor", "effective_limit")
    assert (state.state, state.attributes["source"]) == ("0.0", "external")
    assert state.attributes["external_limits"] == [
        {"source": source, "limit": 0.0, "grid_critical": True}
    ]
    await charger.call(
        "ClearedChargingLimit", {"evseId": 1, "chargingLimitSource": source}
    )
    await reason(system, "limited_by_station")


@both_versions
async def test_waiting_for_a_card(
    hass: HomeAssistant, system: System, version: str
) -> None:
    """Where plugging in starts a transaction, it may still wait for a card."""
    charger = await system.dial(protocols=(f"ocpp{version}",))
    await charger.call("StatusNotification", status2("Occupied"))
    await charger.call(
        "TransactionEvent",
        event("Started", evse=1, reason="CablePluggedIn", state="EVConnected"),
    )
    await reason(system, "pending_authorization")
    await charger.call(
        "TransactionEvent",
        event("Updated", token="CARD1", reason="Authorized", state="EVConnected"),
    )
    await reason(system, "car_not_requesting")
    await charger.call(
        "TransactionEvent",
        event("Updated", reason="ChargingStateChanged", state="Charging"),
    )
    await reason(system, "charging")


async def test_only_when_it_changes(hass: HomeAssistant, system: System) -> None:
    """Samples and repeated statuses write nothing."""
    charger, _ = await charging(system, "Charging")
    await reason(system, "charging")
    before = system.state("sensor", "reason_not_charging")
    for current in ("9", "10", "11"):
        await charger.call(
            "MeterValues", meter_values(sample(current, "Current.Import"))
        )
    await charger.call("StatusNotification", status("Charging"))
    await hass.async_block_till_done()
    after = system.state("sensor", "reason_not_charging")
    assert after.last_reported == before.last_reported
