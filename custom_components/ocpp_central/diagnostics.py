"""What helps to find out why a charger does what it does; nothing that identifies."""

from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_PASSWORD
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import AnyDeviceEntry

from .const import CONF_API_KEY, CONF_IDENTITY, CONF_REMOTE_TAG
from .csms.charge_point import ChargePoint
from .csms.model import STATION
from .devices import identity_and_connector
from .hub import OcppConfigEntry

# Configuration keys of chargers may hold secrets, and URLs with credentials.
_SECRET_KEYS = (
    *("authorizationkey", "password", "url", "uri", "apn", "token", "tag"),
    # Variables of OCPP 2.
    *(
        "identity",
        "serial",
        "iccid",
        "imsi",
        "macaddress",
        "masterpass",
        "organization",
    ),
    *("networkconfiguration", "seccid"),
)
_REDACT = {
    CONF_API_KEY,
    CONF_IDENTITY,
    CONF_PASSWORD,
    CONF_REMOTE_TAG,
    "serial",
    "session_user",
    "transaction",
}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: OcppConfigEntry
) -> dict[str, Any]:
    """Return what is known of all charge points."""
    hub = entry.runtime_data
    return {
        "data": async_redact_data(dict(entry.data), _REDACT),
        "options": async_redact_data(dict(entry.options), _REDACT),
        "charge_points": [
            _charge_point(charge_point)
            for charge_point in hub.central.charge_points.values()
        ],
        "waiting_to_be_added": len(hub.central.unknown),
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: OcppConfigEntry, device: AnyDeviceEntry
) -> dict[str, Any]:
    """Return what is known of one charge point."""
    identity, _ = identity_and_connector(device)
    return _charge_point(entry.runtime_data.central.charge_points[identity])


def _charge_point(charge_point: ChargePoint) -> dict[str, Any]:
    connection = charge_point.connection
    return async_redact_data(
        {
            "config": asdict(charge_point.config),
            "info": asdict(charge_point.info) if charge_point.info else None,
            "connected": charge_point.connected,
            "version": charge_point.spoken,
            "reconnects": charge_point.reconnects,
            "latency": connection.latency if connection else None,
            # What the charger sends against the standard. The examples may name cards.
            "anomalies": {
                kind: anomaly.count
                for kind, anomaly in (
                    connection.anomalies if connection else {}
                ).items()
            },
            "clock_offset": (
                charge_point.clock.offset.total_seconds()
                if charge_point.clock.offset is not None
                else None
            ),
            "capabilities": asdict(charge_point.capabilities),
            # What helps others with the same charger, as a whole.
            "limits": {
                **charge_point.limits.ladder.as_dict(),
                "written": charge_point.wishes.places,
                "fail_safe": charge_point.value(STATION, "fail_safe"),
            },
            "configuration": {
                name: (
                    "**REDACTED**"
                    if any(secret in name.lower() for secret in _SECRET_KEYS)
                    else asdict(key)
                )
                for name, key in charge_point.configuration.items()
            },
            "wishes": asdict(charge_point.wishes),
            "values": {
                str(connector): dict(charge_point.values(connector))
                for connector in (STATION, *charge_point.connectors)
            },
        },
        _REDACT,
    )
