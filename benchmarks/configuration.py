"""Home Assistant's configuration folder, as the user interface would have made it."""

from collections.abc import Sequence
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FLOOR = ROOT / "benchmarks" / "ocpp_floor"
INTEGRATION = ROOT / "custom_components" / "ocpp_central"

ENTRY_ID = "benchmark"
_TIME = "2026-01-01T00:00:00+00:00"
# Enabled on top of what is by default, so that each of the eight samples has an entity.
_PHASE_CURRENTS = ("current_l1", "current_l2", "current_l3")
MEASURED = ("energy", "power", "current", *_PHASE_CURRENTS, "voltage", "soc")


def make_folder(
    folder: Path, integration: Path, entry: dict[str, Any], http_port: int
) -> None:
    """Write a configuration folder with one integration and its entry."""
    components = folder / "custom_components"
    components.mkdir(parents=True)
    (components / "__init__.py").touch()
    (components / integration.name).symlink_to(integration)
    http = {
        "server_host": ["127.0.0.1"],
        "server_port": http_port,
        "cors_allowed_origins": [],
        "login_attempts_threshold": -1,
        "ip_ban_enabled": True,
        "ssl_profile": "modern",
        "use_x_frame_options": True,
        "created_at": _TIME,
        "error": None,
        "error_message": None,
    }
    stored = {"stable": http, "pending": None, "yaml_migration_done": True}
    _write(folder, "http", 2, 2, stored)
    _write(folder, "core.config_entries", 1, 5, {"entries": [entry]})


def floor_entry(
    port: int, identities: Sequence[str], *, idle: int, session: bool
) -> dict[str, Any]:
    """Return the floor's entry."""
    return _entry(
        "ocpp_floor",
        {
            "port": port,
            "charge_points": list(identities),
            "idle": idle,
            "session": session,
        },
    )


def integration_entry(
    port: int, identities: Sequence[str], *, reduced: bool
) -> dict[str, Any]:
    """Return the integration's entry; `reduced`: no entities are enabled by default."""
    return _entry(
        "ocpp_central",
        {
            "name": "OCPP",
            "listen": True,
            "port": port,
            "serve_on_home_assistant": False,
        },
        subentries=[
            {
                "data": {
                    "identity": identity,
                    "name": identity,
                    "phases": 3,
                    "nominal_voltage": 230,
                    "installation_current": 16,
                    "meter_interval": 30,
                    "keep_alive": True,
                },
                "subentry_id": identity,
                "subentry_type": "charge_point",
                "title": identity,
                "unique_id": f"charge_point:{identity}",
            }
            for identity in identities
        ],
        pref_disable_new_entities=reduced,
    )


def sensors_to_enable(
    identities: Sequence[str], *, reduced: bool
) -> list[dict[str, str]]:
    """Return the integration's sensors that have to be enabled beforehand."""
    return [
        {
            "unique_id": f"{identity}_1_{key}",
            "entry_id": ENTRY_ID,
            "subentry_id": identity,
        }
        for identity in identities
        for key in (MEASURED if reduced else _PHASE_CURRENTS)
    ]


def _entry(domain: str, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    return {
        "created_at": _TIME,
        "data": data,
        "discovery_keys": {},
        "disabled_by": None,
        "domain": domain,
        "entry_id": ENTRY_ID,
        "minor_version": 1,
        "modified_at": _TIME,
        "options": {},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "subentries": [],
        "title": domain,
        "unique_id": None,
        "version": 1,
        **kwargs,
    }


def _write(
    folder: Path, key: str, version: int, minor_version: int, data: dict[str, Any]
) -> None:
    storage = folder / ".storage"
    storage.mkdir(exist_ok=True)
    content = {
        "version": version,
        "minor_version": minor_version,
        "key": key,
        "data": data,
    }
    (storage / key).write_text(json.dumps(content))
