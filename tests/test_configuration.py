"""A charger's settings as a user meets them."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.ocpp_central.const import DOMAIN
from simulator import REBOOT_SECONDS

from .common import System, until
from .csms.common import stamp
from .test_event import follow

ISSUE = "reboot_required_garage"


async def test_read(hass: HomeAssistant, system: System) -> None:
    """Some keys by name, in any case, or all of them."""
    charger = await system.connect(config={"GetConfigurationMaxKeys": "2"})
    charger.requests.clear()
    names = ["heartbeatinterval", "AuthorizationCacheEnabled", "Nonsense"]
    answer = await system.act("get_configuration", keys=names, response=True)
    assert answer == {
        "known": [
            {"key": "HeartbeatInterval", "value": "60", "readonly": False},
            {"key": "AuthorizationCacheEnabled", "value": "true", "readonly": False},
        ],
        "unknown": ["Nonsense"],
    }
    assert [payload["key"] for _, payload in charger.requests] == [names[:2], names[2:]]
    answer = await system.act("get_configuration", response=True)
    assert len(answer["known"]) > 20
    assert answer["unknown"] == []
    assert charger.violations == []


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("HeartbeatInterval", "120", "Accepted"),
        ("HeartbeatInterval", "soon", "Rejected"),
        ("NumberOfConnectors", "3", "Rejected"),
        ("Nonsense", "1", "NotSupported"),
        ("WebSocketPingInterval", "20", "RebootRequired"),
    ],
)
async def test_change(
    hass: HomeAssistant, system: System, key: str, value: str, status: str
) -> None:
    """The charger's answer is the answer."""
    charger = await system.connect()
    data = {"key": key, "value": value}
    assert await system.act("set_configuration", response=True, **data) == {
        "status": status
    }
    if status in {"Rejected", "NotSupported"}:
        with pytest.raises(HomeAssistantError, match=status):
            await system.act("set_configuration", **data)
    assert charger.violations == []


async def test_watch(
    hass: HomeAssistant,
    all_enabled: None,
    system: System,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Changes of ours are told at once, those of others within the hour."""
    charger = await system.connect()
    happened = follow(system, system.id("event", "configuration_changed", 0))
    answer = await system.act(
        "monitor_configuration", keys="connectiontimeout", response=True
    )
    assert answer == {"monitored": ["ConnectionTimeOut"]}
    await system.act("set_configuration", key="ConnectionTimeOut", value="90")
    await system.rest()
    changed: dict[str, Any] = {
        "connector": 0,
        "key": "ConnectionTimeOut",
        "old": "60",
        "new": "90",
        "source": "own",
    }
    assert happened == [("changed", changed)]

    charger.configuration.set("ConnectionTimeOut", "30")
    await system.advance(freezer, 3700)
    changed |= {"old": "90", "new": "30", "source": "charger"}
    assert happened[1:] == [("changed", changed)]

    # The watch goes on after a restart, and finds what changed meanwhile.
    await charger.stop()
    await system.restart()
    happened = follow(system, system.id("event", "configuration_changed", 0))
    charger.configuration.set("ConnectionTimeOut", "45")
    await charger.start()
    await system.rest()
    changed |= {"old": "30", "new": "45"}
    assert happened[-1] == ("changed", changed)
    assert charger.violations == []


async def test_restart_required(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """It is shown until the charger has restarted, also by Home Assistant started anew."""
    charger = await system.connect()
    issues = ir.async_get(hass)
    assert system.value("binary_sensor", "reboot_required", 0) == "off"
    await system.act("set_configuration", key="WebSocketPingInterval", value="20")
    await hass.async_block_till_done()
    assert system.value("binary_sensor", "reboot_required", 0) == "on"
    issue = issues.async_get_issue(DOMAIN, ISSUE)
    assert issue and issue.is_fixable
    assert issue.translation_placeholders == {
        "name": "Garage",
        "keys": "WebSocketPingInterval",
    }

    await charger.stop()
    issues.async_delete(DOMAIN, ISSUE)
    await system.restart()
    assert system.value("binary_sensor", "reboot_required", 0) == "unavailable"
    assert issues.async_get_issue(DOMAIN, ISSUE)
    await charger.start()
    # The charger was not off: it dialled again without a boot.
    await system.rest()
    await charger.reboot()
    await system.advance(freezer, REBOOT_SECONDS + 1)
    await charger.connected()
    await system.rest()
    assert system.value("binary_sensor", "reboot_required", 0) == "off"
    assert issues.async_get_issue(DOMAIN, ISSUE) is None


async def test_restart_required_and_removed(
    hass: HomeAssistant, system: System
) -> None:
    """Nobody is asked to restart what is not there any more."""
    await system.connect()
    await system.act("set_configuration", key="WebSocketPingInterval", value="20")
    (subentry,) = system.entry.subentries.values()
    hass.config_entries.async_remove_subentry(system.entry, subentry.subentry_id)
    await hass.async_block_till_done()
    assert ir.async_get(hass).async_get_issue(DOMAIN, ISSUE) is None


# Messages on demand, and those of vendors


@pytest.mark.parametrize(
    "message",
    [
        "BootNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "StatusNotification",
    ],
)
async def test_trigger(hass: HomeAssistant, system: System, message: str) -> None:
    """Whatever the standard lets us ask for, comes."""
    charger = await system.connect()
    charger.sent.clear()
    answer = await system.act("trigger_message", message=message, response=True)
    assert answer == {"status": "Accepted"}
    await system.rest()
    assert message in [action for action, _ in charger.sent]
    assert charger.violations == []


@pytest.mark.parametrize(
    ("asked", "comes"),
    [
        ("BootNotification", "BootNotification"),
        ("FirmwareStatusNotification", "SignedFirmwareStatusNotification"),
        ("Heartbeat", "Heartbeat"),
        ("LogStatusNotification", "LogStatusNotification"),
        ("MeterValues", "MeterValues"),
        ("SignChargePointCertificate", "SignCertificate"),
        ("StatusNotification", "StatusNotification"),
    ],
)
async def test_extended_trigger(
    hass: HomeAssistant, system: System, asked: str, comes: str
) -> None:
    """The security extensions let us ask for more."""
    charger = await system.connect()
    charger.sent.clear()
    answer = await system.act("extended_trigger_message", message=asked, response=True)
    assert answer == {"status": "Accepted"}
    await system.rest()
    assert comes in [action for action, _ in charger.sent]
    answer = await system.act(
        "extended_trigger_message", message=asked, connector=9, response=True
    )
    assert answer == {"status": "Rejected"}
    assert charger.violations == []


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ({"vendor_id": "Acme"}, {"status": "UnknownVendorId"}),
        (
            {"vendor_id": "Simulated Chargers", "message_id": "Sing"},
            {"status": "UnknownMessageId"},
        ),
        (
            {"vendor_id": "Simulated Chargers", "message_id": "Echo"},
            {"status": "Rejected"},
        ),
        (
            {"vendor_id": "Simulated Chargers", "message_id": "Echo", "data": "hey"},
            {"status": "Accepted", "data": "hey"},
        ),
    ],
)
async def test_vendor_message_to_the_charger(
    hass: HomeAssistant, system: System, data: dict[str, str], answer: dict[str, str]
) -> None:
    """The charger's status and data come back."""
    charger = await system.connect()
    assert await system.act("data_transfer", response=True, **data) == answer
    assert charger.violations == []


async def test_answers_to_vendor_messages(hass: HomeAssistant, system: System) -> None:
    """As the user has set them, the one for the message before the one for the vendor."""
    charger = await system.connect()
    call = {"vendorId": "com.example", "messageId": "Price"}
    assert await charger.call("DataTransfer", call) == {"status": "Accepted"}
    hass.config_entries.async_update_entry(
        system.entry,
        options={
            "data_transfer_answers": [
                {"vendor_id": " COM.example ", "status": "UnknownMessageId"},
                {
                    "vendor_id": "com.example",
                    "message_id": "price",
                    "status": "Accepted",
                    "data": "0.30",
                },
                {"vendor_id": "evil", "message_id": "", "status": "UnknownVendorId"},
            ]
        },
    )
    await hass.async_block_till_done()
    for said, answer in (
        (call, {"status": "Accepted", "data": "0.30"}),
        (
            {"vendorId": "com.example", "messageId": "Else"},
            {"status": "UnknownMessageId"},
        ),
        ({"vendorId": "com.example"}, {"status": "UnknownMessageId"}),
        ({"vendorId": "evil", "messageId": "x"}, {"status": "UnknownVendorId"}),
        ({"vendorId": "else"}, {"status": "Accepted"}),
    ):
        assert await charger.call("DataTransfer", said) == answer
    assert charger.violations == []


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("TamperDetectionActivated", "tamper_detection_activated"),
        ("InvalidTLSVersion", "invalid_tls_version"),
        ("Acme.DoorOpen", "other"),
    ],
)
async def test_security_event(
    hass: HomeAssistant, all_enabled: None, system: System, said: str, kind: str
) -> None:
    """What the charger notices of its security, by the standard's names."""
    charger = await system.connect()
    happened = follow(system, system.id("event", "security", 0))
    time = stamp()
    payload = {"type": said, "timestamp": time, "techInfo": "Lid"}
    assert await charger.call("SecurityEventNotification", payload) == {}
    await system.rest()
    details = {"connector": 0, "event": said, "timestamp": time, "info": "Lid"}
    assert happened == [(kind, details)]
    assert charger.violations == []


async def test_nothing_is_kept_while_off(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """What is commanded while the connection is not allowed fails, and is gone."""
    charger = await system.connect()
    await system.set("switch", "enabled", False, connector=0)
    await until(hass, lambda: system.value("binary_sensor", "connected", 0) == "off")
    for action, data in (
        ("reset", {}),
        ("clear_cache", {}),
        ("start_transaction", {}),
        ("set_configuration", {"key": "ConnectionTimeOut", "value": "1"}),
        ("get_configuration", {"response": True}),
        ("trigger_message", {"message": "Heartbeat"}),
        ("data_transfer", {"vendor_id": "V"}),
        ("set_charging_limit", {"current": 10, "scope": "session"}),
        ("unlock_connector", {}),
    ):
        with pytest.raises(HomeAssistantError, match="Garage is not connected"):
            await system.act(action, **data)
    charger.requests.clear()
    await system.set("switch", "enabled", True, connector=0)
    await system.advance(freezer, 120)
    await charger.connected()
    await system.rest()
    assert system.value("binary_sensor", "connected", 0) == "on"
    assert {action for action, _ in charger.requests} <= {
        "GetConfiguration",
        "ChangeConfiguration",
        "TriggerMessage",
    }
    assert ("ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "1"}) not in (
        charger.requests
    )
    assert charger.violations == []
