"""Sessions of OCPP 2.0.1 and 2.1, as a household sees them."""

from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from .common import System
from .csms.common import Charger, bring_up
from .csms.common2 import BOOT, ENERGY, bucket, event, sample, status, unknown_variables

pytestmark = pytest.mark.parametrize("version", ["2.0.1", "2.1"])


async def dial(system: System, version: str) -> Charger:
    """Have a charger dial in that speaks a version."""
    raw = await system.dial(protocols=(f"ocpp{version}",))
    raw.answers["GetVariables"] = unknown_variables
    return raw


async def charge(system: System, version: str) -> Charger:
    """Connect a charger that has charged 5 kWh."""
    raw = await dial(system, version)
    await raw.call("BootNotification", BOOT)
    await bring_up("GARAGE")
    await raw.call("StatusNotification", status("Occupied"))
    values = [bucket(sample(95, ENERGY, unit="kWh"))]
    await raw.call(
        "TransactionEvent",
        event("Started", evse=1, token="CARD1", state="Charging", values=values),
    )
    values = [
        bucket(
            sample(100, ENERGY, unit="kWh"),
            sample(11, "Power.Active.Import", unit="kW"),
        )
    ]
    await raw.call("TransactionEvent", event("Updated", values=values))
    await system.hass.async_block_till_done()
    return raw


async def get_sessions(system: System) -> list[dict[str, Any]]:
    """Return the sessions as the action does."""
    response = await system.act("get_sessions", response=True)
    found: list[dict[str, Any]] = response["sessions"]
    return found


async def test_whole_session(hass: HomeAssistant, system: System, version: str) -> None:
    """From the plug to the ledger."""
    raw = await charge(system, version)
    assert system.value("sensor", "status") == "charging"
    assert system.value("sensor", "session_energy") == "5.0"
    assert system.value("sensor", "power") == "11.0"
    assert system.value("switch", "charging") == "on"
    await system.set("switch", "charging", False)
    call = await raw.called("RequestStopTransaction")
    assert call.payload == {"transactionId": "T1"}
    await raw.call(
        "TransactionEvent",
        event(
            "Ended",
            info={"stoppedReason": "StoppedByEV"},
            values=[bucket(sample(102_000, ENERGY))],
        ),
    )
    await hass.async_block_till_done()
    assert system.value("sensor", "stop_reason") == "stopped_by_ev"
    assert system.value("sensor", "status") == "finishing"
    (session,) = await get_sessions(system)
    assert session["transaction_id"] == "T1"
    assert session["energy_kwh"] == 7
    assert session["id_token"] == "CARD1"
    assert not session["open"]


async def test_restart_in_the_middle(
    hass: HomeAssistant, system: System, version: str
) -> None:
    """5 kWh before and 2 kWh after are 7 kWh, of a transaction that can be stopped."""
    raw = await charge(system, version)
    await raw.close()
    await system.restart()
    assert system.value("sensor", "session_energy") == "5.0"
    raw = await dial(system, version)
    await raw.call(
        "TransactionEvent",
        event("Updated", state="Charging", values=[bucket(sample(102_000, ENERGY))]),
    )
    await hass.async_block_till_done()
    assert system.value("sensor", "session_energy") == "7.0"
    assert system.value("sensor", "status") == "charging"
    await system.act("stop_transaction", transaction_id="T1")
    call = await raw.called("RequestStopTransaction")
    assert call.payload == {"transactionId": "T1"}


async def test_a_car_that_waits(
    hass: HomeAssistant, all_enabled: None, system: System, version: str
) -> None:
    """A transaction nobody has authorized does not charge, until it is switched on."""
    raw = await dial(system, version)
    await raw.call(
        "TransactionEvent",
        event("Started", evse=1, reason="CablePluggedIn", state="EVConnected"),
    )
    await hass.async_block_till_done()
    assert system.value("sensor", "status") == "preparing"
    assert system.value("switch", "charging") == "off"
    await system.set("switch", "charging", True)
    call = await raw.called("RequestStartTransaction")
    await raw.call(
        "TransactionEvent",
        event(
            "Updated",
            reason="RemoteStart",
            state="Charging",
            token=call.payload["idToken"]["idToken"],
        ),
    )
    await hass.async_block_till_done()
    assert system.value("switch", "charging") == "on"
    assert system.value("sensor", "session_user") == call.payload["idToken"]["idToken"]
