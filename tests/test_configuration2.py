"""The settings of a charger of OCPP 2.x as a user meets them."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.ocpp_central.const import DOMAIN
from simulator import REBOOT_SECONDS
from simulator.v2 import Charger2

from .common import System, until
from .csms.common2 import both_versions
from .test_event import follow

TIMEOUT = "TxCtrlr.EVConnectionTimeOut"
PING = "OCPPCommCtrlr.WebSocketPingInterval"


async def connect(system: System, version: str, **options: Any) -> Charger2:
    """Have a simulated charger of a version connect and come to rest."""
    charger = Charger2(
        system.url, "GARAGE", version=version, clock=system.clock, **options
    )
    system.chargers.append(charger)  # type: ignore[arg-type]
    await charger.start()
    await system.rest()
    return charger


async def asked(charger: Charger2, action: str) -> None:
    """Wait until a charger has been asked for something, and the last has been done."""
    await charger.wait_for(lambda: action in [made for made, _ in charger.requests])
    await charger.settle()


@both_versions
async def test_read(hass: HomeAssistant, system: System, version: str) -> None:
    """Some variables by name, as one likes to write them, or the whole device model."""
    charger = await connect(system, version)
    names = ["txctrlr.evconnectiontimeout", "HeartbeatInterval", "Nonsense.Lamp"]
    answer = await system.act("get_configuration", keys=names, response=True)
    assert answer == {
        "known": [
            {"key": TIMEOUT, "value": "60", "readonly": False},
            {
                "key": "OCPPCommCtrlr.HeartbeatInterval",
                "value": charger.variables.text("OCPPCommCtrlr.HeartbeatInterval"),
                "readonly": False,
            },
        ],
        "unknown": ["Nonsense.Lamp"],
    }
    answer = await system.act("get_configuration", response=True)
    known = {entry["key"]: entry for entry in answer["known"]}
    assert len(known) > 80
    assert answer["unknown"] == []
    assert known["Connector@1:1.AvailabilityState"]["value"] == "Available"
    assert known["Connector@1:1.AvailabilityState"]["readonly"] is True
    assert known[TIMEOUT]["readonly"] is False
    assert known["SecurityCtrlr.BasicAuthPassword"]["value"] is None
    assert charger.violations == []


@both_versions
@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        (TIMEOUT, "120", "Accepted"),
        (TIMEOUT, "soon", "Rejected"),
        ("Connector@1:1.AvailabilityState", "Faulted", "Rejected"),
        ("TxCtrlr.Nonsense", "1", "UnknownVariable"),
        ("Nonsense[1]@7:1.Lamp[2]", "1", "UnknownComponent"),
        (PING, "20", "RebootRequired"),
    ],
)
async def test_change(
    hass: HomeAssistant,
    system: System,
    version: str,
    key: str,
    value: str,
    status: str,
) -> None:
    """The charger's answer is the answer."""
    charger = await connect(system, version)
    data = {"key": key, "value": value}
    answer = await system.act("set_configuration", response=True, **data)
    assert answer["status"] == status
    if status not in {"Accepted", "RebootRequired"}:
        with pytest.raises(HomeAssistantError, match=status):
            await system.act("set_configuration", **data)
    assert charger.violations == []


@both_versions
async def test_watch(
    hass: HomeAssistant,
    all_enabled: None,
    system: System,
    version: str,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Changes of ours and of others are told at once; the charger tells them itself."""
    charger = await connect(system, version)
    happened = follow(system, system.id("event", "configuration_changed", 0))
    answer = await system.act("monitor_configuration", keys=TIMEOUT, response=True)
    assert answer == {"monitored": [TIMEOUT]}
    await asked(charger, "SetVariableMonitoring")
    await system.act("set_configuration", key=TIMEOUT, value="90")
    await system.rest()
    changed: dict[str, Any] = {
        "connector": 0,
        "key": TIMEOUT,
        "old": "60",
        "new": "90",
        "source": "own",
    }
    assert happened == [("changed", changed)]
    charger.variables.set(TIMEOUT, "30")
    await system.rest()
    await system.advance(freezer, 60)
    changed |= {"old": "90", "new": "30", "source": "charger"}
    assert happened[1:] == [("changed", changed)]
    assert await system.act("monitor_configuration", keys=[], response=True) == {
        "monitored": []
    }
    await asked(charger, "ClearVariableMonitoring")
    assert charger.violations == []


@both_versions
async def test_restart_required(
    hass: HomeAssistant, system: System, version: str, freezer: FrozenDateTimeFactory
) -> None:
    """What holds only after a restart is shown, with a repair, until the restart."""
    charger = await connect(system, version)
    await system.act("set_configuration", key=PING, value="20")
    await hass.async_block_till_done()
    assert system.value("binary_sensor", "reboot_required", 0) == "on"
    issues = ir.async_get(hass)
    issue = issues.async_get_issue(DOMAIN, "reboot_required_garage")
    assert issue and issue.is_fixable
    assert issue.translation_placeholders == {"name": "Garage", "keys": PING}
    await system.set("button", "reset", connector=0)
    await system.advance(freezer, REBOOT_SECONDS + 60)
    await until(
        hass, lambda: system.value("binary_sensor", "reboot_required", 0) == "off"
    )
    assert not issues.async_get_issue(DOMAIN, "reboot_required_garage")
    assert charger.violations == []


@both_versions
async def test_access_switches(
    hass: HomeAssistant, all_enabled: None, system: System, version: str
) -> None:
    """The switches of who may charge without us are the same as with OCPP 1.6."""
    charger = await connect(system, version)
    for key, variable in (
        ("local_authorize_offline", "AuthCtrlr.LocalAuthorizeOffline"),
        ("local_pre_authorize", "AuthCtrlr.LocalPreAuthorize"),
        ("allow_offline_unknown", "AuthCtrlr.OfflineTxForUnknownIdEnabled"),
    ):
        before = charger.variables.truth(variable)
        assert system.value("switch", key, 0) == ("on" if before else "off")
        await system.set("switch", key, not before, connector=0)
        assert charger.variables.truth(variable) is not before
        assert system.value("switch", key, 0) == ("off" if before else "on")
    assert charger.violations == []


@both_versions
async def test_reports_by_call(
    hass: HomeAssistant, system: System, version: str
) -> None:
    """What has no action of its own can be called, and what follows comes along."""
    charger = await connect(system, version)
    await system.act(
        "call", action="SetMonitoringBase", payload={"monitoringBase": "All"}
    )
    await system.act("call", action="SetMonitoringLevel", payload={"severity": 9})
    await system.act("monitor_configuration", keys=TIMEOUT)
    await asked(charger, "SetVariableMonitoring")
    answer = await system.act(
        "call",
        action="GetMonitoringReport",
        payload={"requestId": 5},
        report=True,
        response=True,
    )
    assert answer["status"] == "Accepted"
    assert answer["reports"][0]["requestId"] == 5
    answer = await system.act(
        "call",
        action="GetReport",
        payload={
            "requestId": 6,
            "componentVariable": [{"component": {"name": "TxCtrlr"}}],
        },
        report=True,
        response=True,
    )
    assert answer["reports"][0]["reportData"]
    assert charger.violations == []
