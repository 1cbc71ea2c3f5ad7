"""What is told of a limit besides its value."""

from collections.abc import Mapping
from typing import Any

from .csms.charge_point import ChargePoint
from .csms.payloads import text

ATTR_EXTERNAL_LIMITS = "external_limits"
ATTR_FOREIGN_PROFILES = "foreign_profiles"
ATTR_THROTTLED = "throttled"


def limit_attributes(
    charge_point: ChargePoint, connector: int
) -> Mapping[str, Any] | None:
    """Return by what a limit is known, what comes next, and who else limits."""
    attributes: dict[str, Any] = {
        "source": charge_point.value(connector, "effective_limit_source")
    }
    if schedule := charge_point.schedules.at(connector):
        attributes["unit"] = schedule.unit
        attributes["schedule"] = [
            {
                "start": period.start.isoformat(),
                "limit": period.limit,
                "phases": period.phases,
            }
            for period in schedule.periods
        ]
    if charge_point.value(connector, "throttled") is not None:
        attributes[ATTR_THROTTLED] = True
    external = charge_point.external
    if limits := external.at(connector):
        attributes[ATTR_EXTERNAL_LIMITS] = [
            {
                "source": limit.source,
                "limit": external.value(limit),
                "grid_critical": limit.grid_critical,
            }
            for limit in limits
        ]
    if profiles := external.profiles_at(connector):
        attributes[ATTR_FOREIGN_PROFILES] = [
            {
                "id": foreign.profile.get("id"),
                "purpose": text(foreign.profile, "chargingProfilePurpose"),
                "stack": foreign.profile.get("stackLevel"),
                "source": foreign.source,
                "limit": external.profile_value(foreign, connector),
            }
            for foreign in profiles
        ]
    return attributes
