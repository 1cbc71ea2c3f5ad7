"""Chargers of several versions of OCPP, in one Home Assistant."""

import json
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ocpp_central.const import DOMAIN

from .common import System, charge_point, config_entry, until
from .csms import common, common2
from .csms.common import Charger as RawCharger, Silence
from .csms.common2 import both_versions, unknown_variables

ALL = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")


async def dial2(system: System, version: str, identity: str = "GARAGE") -> RawCharger:
    """Have a charger dial in that speaks a version."""
    charger = await system.dial(identity, protocols=(f"ocpp{version}",))
    charger.answers["GetVariables"] = unknown_variables
    return charger


async def choose(system: System, version: str) -> None:
    """Choose the version of a charge point, as a user does."""
    flows = system.hass.config_entries.subentries
    [subentry] = system.entry.subentries.values()
    page = await flows.async_init(
        (system.entry.entry_id, "charge_point"),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id},
    )
    await flows.async_configure(
        page["flow_id"],
        {
            "name": "Garage",
            "phases": "3",
            "installation_current": 32,
            "advanced": {"version": version},
        },
    )
    await system.hass.async_block_till_done()


def issue(hass: HomeAssistant, key: str) -> dict[str, str] | None:
    """Return what a repair about the charge point says, if there is one."""
    found = ir.async_get(hass).async_get_issue(DOMAIN, f"{key}_garage")
    return found.translation_placeholders if found and found.active else None


async def test_choose_a_version(hass: HomeAssistant, system: System) -> None:
    """The charger is sent away once, comes back in it, and nothing is reloaded."""
    hub = system.entry.runtime_data
    charger = await system.dial(protocols=ALL[:1])
    await charger.call("StatusNotification", common.status("Charging"))
    await until(hass, lambda: system.find("sensor", "status") is not None)
    await choose(system, "2.0.1")
    await charger.closed.wait()
    assert system.entry.runtime_data is hub
    await until(hass, lambda: system.value("binary_sensor", "connected", 0) == "off")
    assert system.value("sensor", "status") == "unavailable"

    charger = await system.dial(protocols=ALL)
    assert charger.socket.protocol == "ocpp2.0.1"
    charger.answers["GetVariables"] = unknown_variables
    await charger.call("BootNotification", common2.BOOT)
    await charger.call("StatusNotification", common2.status("Available"))
    await hass.async_block_till_done()
    assert system.value("sensor", "status") == "available"
    # It may speak any version again, but this one is as good as another.
    await choose(system, "automatic")
    await charger.alive()


async def test_version_that_the_charger_lacks(
    hass: HomeAssistant, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    """A repair names the version that was chosen, until the charger is let in."""
    await choose(system, "2.1")
    for _ in range(2):
        charger = await system.dial()
        await charger.closed.wait()
    assert issue(hass, "other_version") == {"identity": "GARAGE", "version": "2.1"}
    assert caplog.text.count("it does not offer OCPP 2.1, which is set for it") == 1
    await choose(system, "automatic")
    charger = await system.dial()
    await charger.alive()
    assert issue(hass, "other_version") is None


@both_versions
async def test_mixes_versions(
    hass: HomeAssistant, system: System, version: str
) -> None:
    """A charger that agrees to one version and speaks another is told of."""
    charger = await dial2(system, version)
    await charger.attempt("BootNotification", common.BOOT)
    assert issue(hass, "wrong_dialect") == {"identity": "GARAGE", "version": version}
    await choose(system, "1.6")
    await charger.closed.wait()
    charger = await system.dial(protocols=ALL)
    await charger.boot()
    assert issue(hass, "wrong_dialect") is None


@both_versions
async def test_discovered(hass: HomeAssistant, system: System, version: str) -> None:
    """The card of a charger says which version it speaks."""
    charger = await dial2(system, version, "CARPORT")
    await charger.call("BootNotification", common2.BOOT)
    await hass.async_block_till_done()
    [flow] = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    page = await hass.config_entries.flow.async_configure(flow["flow_id"])
    assert page["description_placeholders"] == {
        "identity": "CARPORT",
        "vendor": "Vendor",
        "model": "Model",
        "serial": "S1",
        "version": version,
    }


@both_versions
async def test_wishes_outlive_the_version(
    hass: HomeAssistant, system: System, version: str
) -> None:
    """What was wished for while it spoke 1.6 is carried out in the other version."""
    charger = await system.dial()
    await charger.boot(common.status("Available"))
    await until(hass, lambda: system.find("switch", "available") is not None)
    await charger.close()
    await until(hass, lambda: system.value("binary_sensor", "connected", 0) == "off")
    await system.set("switch", "available", False)

    charger = await dial2(system, version)
    await charger.call("BootNotification", common2.BOOT)
    await charger.call("StatusNotification", common2.status("Available"))
    call = await charger.called("ChangeAvailability")
    assert call.payload["operationalStatus"] == "Inoperative"
    assert call.payload["evse"]["id"] == 1


@both_versions
async def test_version_over_a_restart(
    hass: HomeAssistant,
    system: System,
    hass_client: ClientSessionGenerator,
    version: str,
) -> None:
    """Which version a charger spoke is known before it is back."""
    assert await async_setup_component(hass, "diagnostics", {})
    charger = await dial2(system, version)
    await charger.alive()
    await system.restart()
    whole = await get_diagnostics_for_config_entry(hass, hass_client, system.entry)
    (told,) = whole["charge_points"]
    assert told["version"] == version
    assert told["connected"] is False


def report(**values: str) -> Any:
    """Answer GetVariables with these; names are those of variables."""

    def answer(payload: common.Payload) -> common.Payload:
        results = []
        for item in payload["getVariableData"]:
            value = values.get(item["variable"]["name"])
            results.append(
                {
                    "attributeStatus": "UnknownVariable"
                    if value is None
                    else "Accepted",
                    **({} if value is None else {"attributeValue": value}),
                    "component": item["component"],
                    "variable": item["variable"],
                }
            )
        return {"getVariableResult": results}

    return answer


@both_versions
async def test_diagnostics(
    hass: HomeAssistant,
    system: System,
    hass_client: ClientSessionGenerator,
    version: str,
) -> None:
    """The variables that are known are told, but for what is nobody's business."""
    assert await async_setup_component(hass, "diagnostics", {})
    charger = await dial2(system, version)
    charger.answers["GetVariables"] = report(
        BasicAuthPassword="secret-key-16char", HeartbeatInterval="300"
    )
    answer = await system.act(
        "get_configuration",
        response=True,
        keys=["SecurityCtrlr.BasicAuthPassword", "OCPPCommCtrlr.HeartbeatInterval"],
    )
    assert {key["key"]: key["value"] for key in answer["known"]}[
        "OCPPCommCtrlr.HeartbeatInterval"
    ] == "300"
    whole = await get_diagnostics_for_config_entry(hass, hass_client, system.entry)
    (told,) = whole["charge_points"]
    assert told["version"] == version
    text = json.dumps(whole)
    assert "secret-key-16char" not in text
    assert "GARAGE" not in text


@both_versions
async def test_evses(hass: HomeAssistant, system: System, version: str) -> None:
    """A connector that is not the first of its EVSE is called by both numbers."""
    charger = await dial2(system, version)
    await charger.call("BootNotification", common2.BOOT)
    for evse, connector in ((1, 1), (1, 2), (2, 1)):
        await charger.call(
            "StatusNotification", common2.status("Available", evse, connector)
        )
    await hass.async_block_till_done()
    registry = dr.async_get(hass)
    names = {
        child.name
        for child in dr.async_entries_for_parent_device(registry, system.device())
    }
    assert names == {
        "Garage connector 1",
        "Garage connector 1-2",
        "Garage connector 2",
    }
    assert system.id("sensor", "status", 101) == "sensor.garage_connector_1_2_status"

    (told,) = (await system.act("get_status", response=True))["charge_points"]
    assert told["protocol"] == f"ocpp{version}"
    numbers = {
        connector["connector"]: (
            connector.get("evse"),
            connector.get("evse_connector"),
        )
        for connector in told["connectors"]
    }
    assert numbers == {1: (None, None), 2: (None, None), 101: (1, 2)}

    await system.act("unlock_connector", device_id=system.device(101))
    call = await charger.called("UnlockConnector")
    assert call.payload == {"evseId": 1, "connectorId": 2}


@pytest.mark.usefixtures("socket_enabled", "fast")
async def test_one_of_each(hass: HomeAssistant, unused_tcp_port: int) -> None:
    """Three chargers of three versions, with the same entities at hand."""
    identities = ("OLD", "NEW", "NEXT")
    entry = config_entry(
        unused_tcp_port, *(charge_point(name, name.title()) for name in identities)
    )
    entry.add_to_hass(hass)
    system = System(hass, unused_tcp_port, None, entry)  # type: ignore[arg-type]
    await system.set_up()
    old = await system.dial("OLD")
    await old.boot(common.status("Available"))
    for identity, version in (("NEW", "2.0.1"), ("NEXT", "2.1")):
        charger = await dial2(system, version, identity)
        charger.answers["SetChargingProfile"] = Silence()
        await charger.call("BootNotification", common2.BOOT)
        await charger.call("StatusNotification", common2.status("Available"))
    await hass.async_block_till_done()
    for identity in identities:
        assert system.value("sensor", "status", identity=identity) == "available"
        for platform, key in (
            ("switch", "charging"),
            ("switch", "paused"),
            ("number", "current_limit"),
            ("button", "unlock"),
        ):
            assert system.find(platform, key, identity=identity), (identity, key)
    answer = await system.act("get_status", response=True)
    assert [each["protocol"] for each in answer["charge_points"]] == list(ALL)
    await system.close()
