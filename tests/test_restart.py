"""What outlives a restart: of the config entry, and of Home Assistant with its disk."""

from collections.abc import AsyncGenerator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from pathlib import Path
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    category_registry as cr,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    issue_registry as ir,
    label_registry as lr,
    restore_state as rs,
)
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
import pytest
from pytest_homeassistant_custom_component.common import async_test_home_assistant

from simulator import Car, ManualClock

from .common import System, charge_point, config_entry, until
from .csms.common import (
    Charger as RawCharger,
    bring_up,
    meter_values,
    sample,
    stamp,
    start,
    status,
)

ENERGY = "Energy.Active.Import.Register"

# What is the user's, or of the past, and can be read and set while the charger is away.
# Everything else is a fact of the charger or a command to it.
ALWAYS_AVAILABLE = {
    # A press on the charger is a thing of the past, and offline is a reason.
    ("event", 0, "button"),
    ("sensor", 1, "reason_not_charging"),
    ("binary_sensor", 0, "connected"),
    ("event", 0, "configuration_changed"),
    ("event", 0, "data_transfer"),
    ("event", 0, "id_token"),
    ("event", 0, "security"),
    ("event", 1, "transaction"),
    ("number", 0, "maximum_current"),
    ("number", 0, "offline_current"),
    ("number", 1, "current_limit"),
    ("number", 1, "power_limit"),
    ("select", 0, "access_mode"),
    ("sensor", 0, "last_seen"),
    ("sensor", 1, "session_duration"),
    ("sensor", 1, "session_energy"),
    ("sensor", 1, "session_started"),
    ("sensor", 1, "session_user"),
    ("sensor", 1, "stop_reason"),
    ("switch", 0, "enabled"),
    ("switch", 1, "available"),
    ("switch", 1, "paused"),
}


def available(system: System) -> dict[tuple[str, int, str], bool]:
    """Return whether each entity is available."""
    found = {}
    for entity in er.async_get(system.hass).entities.values():
        if entity.disabled:
            continue
        connector, _, key = entity.unique_id.removeprefix("garage_").partition("_")
        state = system.hass.states.get(entity.entity_id)
        assert state is not None, entity.entity_id
        found[entity.domain, int(connector), key] = state.state != STATE_UNAVAILABLE
    return found


async def charge(system: System, meter: float = 95_000) -> tuple[RawCharger, int]:
    """Connect a charger that has charged 5 kWh."""
    raw = await system.dial()
    await raw.boot()
    await bring_up("GARAGE")
    await raw.call("StatusNotification", status("Charging"))
    transaction = await raw.start(meter=meter)
    await raw.call(
        "MeterValues",
        meter_values(
            sample(str(meter + 5000), ENERGY),
            sample("11000", "Power.Active.Import"),
            transaction=transaction,
        ),
    )
    await system.hass.async_block_till_done()
    return raw, transaction


async def test_lost_socket(
    hass: HomeAssistant, all_enabled: None, system: System
) -> None:
    """Facts and commands are unavailable at once, wishes and the past stay."""
    raw, _ = await charge(system)
    await raw.call("FirmwareStatusNotification", {"status": "Idle"})
    await raw.call("StatusNotification", status("Available", 0))
    await hass.async_block_till_done()
    assert all(available(system).values())
    assert system.value("binary_sensor", "connected", 0) == "on"

    await raw.hang_up()
    await until(hass, lambda: system.value("sensor", "power") == STATE_UNAVAILABLE)
    found = available(system)
    assert {entity for entity, is_available in found.items() if is_available} == (
        ALWAYS_AVAILABLE & found.keys()
    )
    assert len(found) > 30
    assert system.value("binary_sensor", "connected", 0) == "off"

    await system.dial()
    await until(hass, lambda: system.value("sensor", "power") == "11.0")
    assert all(available(system).values())


async def test_half_open_socket(hass: HomeAssistant, system: System) -> None:
    """The end of a socket that was replaced is not the end of the charger."""
    old, _ = await charge(system)
    new = await system.dial()
    await old.closed.wait()
    await new.alive()
    await hass.async_block_till_done()
    assert system.value("sensor", "power") == "11.0"
    await system.set("button", "toggle_charging")
    assert new.calls[-1].action == "RemoteStopTransaction"


async def test_before_the_charger_is_back(hass: HomeAssistant, system: System) -> None:
    """All entities are there again, with what the user wants and what was charged."""
    raw, _ = await charge(system)
    await system.set("number", "current_limit", 10)
    before = available(system)
    await raw.close()
    await system.restart()
    assert available(system).keys() == before.keys()
    assert available(system) == {
        entity: entity in ALWAYS_AVAILABLE for entity in before
    }
    assert system.value("sensor", "session_energy") == "5.0"
    assert system.number("number", "current_limit") == 10

    # Then it is back, and says nothing about its connector yet.
    await system.dial()
    await until(hass, lambda: system.value("sensor", "status") == "unknown")
    assert system.value("sensor", "energy") == "100.0"
    assert system.value("sensor", "power") == "unknown"
    assert system.value("binary_sensor", "plugged_in") == "unknown"
    assert system.value("switch", "charging") == "on"


@pytest.mark.parametrize("boots", [False, True])
async def test_energy_over_a_restart(
    hass: HomeAssistant, system: System, boots: bool
) -> None:
    """5 kWh before and 2 kWh after are 7 kWh, also with a changed entity id."""
    raw, transaction = await charge(system)
    er.async_get(hass).async_update_entity(
        system.id("sensor", "session_energy"), new_entity_id="sensor.mine"
    )
    await raw.close()
    await system.restart()
    raw = await system.dial()
    if boots:
        await raw.boot()
    values = meter_values(sample("102000", ENERGY), transaction=transaction)
    await raw.call("MeterValues", values)
    await hass.async_block_till_done()
    assert system.value("sensor", "session_energy") == "7.0"
    await system.set("switch", "charging", False)
    assert raw.calls[-1].payload == {"transactionId": transaction}
    payload = {
        "transactionId": transaction,
        "meterStop": 102_000,
        "timestamp": values["meterValue"][0]["timestamp"],
        "reason": "Remote",
    }
    await raw.call("StopTransaction", payload)
    await hass.async_block_till_done()
    assert system.value("sensor", "session_energy") == "7.0"
    assert system.value("sensor", "stop_reason") == "remote"


async def test_our_tag_is_known(hass: HomeAssistant, system: System) -> None:
    """A start from here that the charger could not tell in time is accepted later."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Preparing"))
    await hass.async_block_till_done()
    await system.set("switch", "charging", True)
    tag = raw.calls[-1].payload["idTag"]
    await raw.close()
    await system.restart()
    raw = await system.dial()
    answer = await raw.call("StartTransaction", start(token=tag))
    assert answer["idTagInfo"] == {"status": "Accepted"}
    assert await raw.call("Authorize", {"idTag": tag}) == {
        "idTagInfo": {"status": "Accepted"}
    }
    await system.set("button", "toggle_charging")
    await raw.called("RemoteStopTransaction")
    stop = {"transactionId": answer["transactionId"], "meterStop": 1}
    await raw.call("StopTransaction", {**stop, "timestamp": stamp()})
    await hass.async_block_till_done()
    await system.set("button", "toggle_charging")
    assert raw.calls[-1].payload["idTag"] == tag


async def test_nothing_that_was_not_wished(hass: HomeAssistant, system: System) -> None:
    """The first connection after a start changes nothing that the user set elsewhere."""
    for _ in range(2):
        raw = await system.dial()
        await raw.boot()
        for connector in (0, 1):
            await raw.call("StatusNotification", status("Unavailable", connector))
        await bring_up("GARAGE")
        assert not {"ChangeAvailability", "SetChargingProfile", "UpdateFirmware"} & {
            *raw.actions
        }
        assert system.value("switch", "available") == "off"
        await raw.close()
        await system.restart()


async def test_wishes_survive(hass: HomeAssistant, system: System) -> None:
    """What the user set while the charger was away is carried out after a restart."""
    raw, transaction = await charge(system)
    await raw.close()
    await until(hass, lambda: system.value("switch", "charging") == STATE_UNAVAILABLE)
    await system.set("number", "current_limit", 8)
    await system.set("number", "maximum_current", 20, connector=0)
    await system.set("switch", "paused", True)
    await system.set("switch", "available", False)
    await system.restart()
    assert system.number("number", "current_limit") == 8
    assert system.number("number", "maximum_current", 0) == 20
    assert system.value("switch", "paused") == "on"
    assert system.value("switch", "available") == "off"

    raw = await system.dial()
    await raw.boot()
    await bring_up("GARAGE")
    sent = [
        (call.action, call.payload)
        for call in raw.calls
        if call.action in {"SetChargingProfile", "ChangeAvailability"}
    ]
    assert sent[0] == ("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    assert [_limit(payload) for _, payload in sent[1:]] == [
        ("ChargePointMaxProfile", 0, 20, None),
        ("TxProfile", 1, 0, transaction),
        ("TxDefaultProfile", 1, 8, None),
    ]


def _limit(payload: dict[str, Any]) -> tuple[Any, ...]:
    profile = payload["csChargingProfiles"]
    (period,) = profile["chargingSchedule"]["chargingSchedulePeriod"]
    return (
        profile["chargingProfilePurpose"],
        payload["connectorId"],
        period["limit"],
        profile.get("transactionId"),
    )


async def test_refused_charger_stays_refused(
    hass: HomeAssistant, system: System
) -> None:
    """A charger that may not connect may not after a restart either."""
    raw, _ = await charge(system)
    await system.set("switch", "enabled", False, connector=0)
    await raw.closed.wait()
    await system.restart()
    assert system.value("switch", "enabled", 0) == "off"
    charger = system.charger()
    await charger.start(wait=False)
    await charger.settle()
    assert not charger.link.connected
    await system.set("switch", "enabled", True, connector=0)
    await charger.reconnect()
    await system.rest()
    assert system.value("sensor", "status") == "available"


@asynccontextmanager
async def home_assistant(
    config_dir: Path,
    port: int,
    clock: ManualClock,
    beside: Callable[[HomeAssistant], AbstractAsyncContextManager[None]] = nullcontext,
) -> AsyncGenerator[System]:
    """Run a Home Assistant that reads and writes its disk, and something beside us."""
    async with (
        async_test_home_assistant(
            load_registries=False, config_dir=str(config_dir)
        ) as hass,
        AsyncExitStack() as stack,
    ):
        del hass.data[DATA_CUSTOM_COMPONENTS]
        dr.async_setup(hass)
        for helper in (ar, cr, dr, er, fr, ir, lr, rs):
            await helper.async_load(hass)
        await stack.enter_async_context(beside(hass))
        await hass.config_entries.async_initialize()
        entries = hass.config_entries.async_entries("ocpp_central")
        if entries:
            system = System(hass, port, clock, entries[0])
            await system.set_up()
        else:
            entry = config_entry(port, charge_point())
            await hass.config_entries.async_add(entry)
            await hass.async_block_till_done()
            system = System(hass, port, clock, entry)
        try:
            yield system
        finally:
            await hass.async_stop(force=True)


async def test_home_assistant_restarts(
    tmp_path: Path,
    socket_enabled: None,
    fast: None,
    clock: ManualClock,
    unused_tcp_port_factory: Callable[[], int],
) -> None:
    """A car that charges while Home Assistant is away for a moment."""
    port = unused_tcp_port_factory()
    async with home_assistant(tmp_path, port, clock) as system:
        charger = await system.connect(meter_start=95_000, boot_on_reconnect=False)
        charger.connector(1).plug_in(Car(ramp=1000))
        await charger.swipe("CARD1")
        await clock.advance(900)
        await system.set("number", "current_limit", 10)
        await system.rest()
        before = available(system)
        energy = system.number("sensor", "session_energy")
        entity = er.async_get(system.hass).async_get("sensor.garage_session_energy")
        assert entity is not None
    assert energy > 2
    await charger.wait_for(lambda: not charger.link.connected)
    await clock.advance(900)

    async with home_assistant(tmp_path, port, clock) as again:
        assert available(again) == {
            entity: entity in ALWAYS_AVAILABLE for entity in before
        }
        assert again.number("sensor", "session_energy") == energy
        assert again.number("number", "current_limit") == 10
        restored = er.async_get(again.hass).async_get("sensor.garage_session_energy")
        assert restored is not None
        assert restored.id == entity.id
        await charger.reconnect()
        await clock.advance(60)
        await again.hass.async_block_till_done()
        register = charger.connector(1).energy_wh / 1000
        assert charger.connector(1).status == "Charging"
        assert again.number("sensor", "session_energy") == pytest.approx(
            register - 95, abs=0.1
        )
        await again.set("switch", "charging", False)
        await charger.settle()
        await again.hass.async_block_till_done()
        final = register - 95
        assert again.number("sensor", "session_energy") == pytest.approx(
            final, abs=0.002
        )
        assert again.value("sensor", "stop_reason") == "remote"

        # The next one comes and goes while Home Assistant is away.
        charger.connector(1).unplug()
        await charger.settle()
    await charger.wait_for(lambda: not charger.link.connected)
    charger.connector(1).plug_in(Car(ramp=1000))
    assert await charger.swipe("CARD1") == "Accepted"
    await clock.advance(1800)
    charger.connector(1).unplug()
    await charger.settle()

    async with home_assistant(tmp_path, port, clock) as last:
        await charger.reconnect()
        await last.hass.async_block_till_done()
        assert last.value("switch", "charging") == "off"
        assert last.value("sensor", "stop_reason") == "ev_disconnected"
        # An hour at 10 A would be 6.9 kWh.
        assert last.number("sensor", "session_energy") == pytest.approx(3.45, abs=0.01)
        await charger.stop()
    assert charger.violations == []
