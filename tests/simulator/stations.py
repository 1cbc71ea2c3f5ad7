"""What the tests of the features of 2.x stations share."""

from typing import Any

from simulator import Car, ManualClock
from simulator.clock import format_time
from simulator.v2 import Charger2

from .central import Central

ACCEPTED = {"status": "Accepted"}

#: What a central system answers where it is not enough to say nothing.
ANSWERS: dict[str, Any] = {
    "Authorize": {"idTokenInfo": ACCEPTED},
    "DataTransfer": ACCEPTED,
    "SignCertificate": ACCEPTED,
    "OpenPeriodicEventStream": ACCEPTED,
    "TransactionEvent": lambda payload: (
        {"idTokenInfo": ACCEPTED} if "idToken" in payload else {}
    ),
}


def ready(central: Central, version: str) -> None:
    """Make a central system speak a version."""
    central.protocols = (f"ocpp{version}",)
    central.answers.update(ANSWERS)


async def charge(charger: Charger2, clock: ManualClock, evse: int = 1) -> str:
    """Charge at full power, and return the id of the transaction."""
    charger.connector(evse).plug_in(Car(capacity_wh=100_000, soc=0, max_current=16))
    await charger.swipe("CARD1", evse)
    await clock.advance(10)
    found = charger.connector(evse).transaction_id
    assert found is not None
    return found


def profile(
    *limits: float | tuple[int, float] | dict[str, Any],
    purpose: str = "TxDefaultProfile",
    kind: str = "Relative",
    **options: Any,
) -> dict[str, Any]:
    """A profile as it is sent; options may be of the profile or of its schedule."""
    periods: list[dict[str, Any]] = []
    for limit in limits:
        if isinstance(limit, dict):
            periods.append({"startPeriod": 0, **limit})
        elif isinstance(limit, tuple):
            periods.append({"startPeriod": limit[0], "limit": limit[1]})
        else:
            periods.append({"startPeriod": 0, "limit": limit})
    schedule: dict[str, Any] = {
        "id": 1,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": periods,
    }
    for key in ("startSchedule", "duration", "chargingRateUnit"):
        if key in options:
            schedule[key] = options.pop(key)
    return {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [schedule],
        **options,
    }


def maximum(limit: float, clock: ManualClock, **options: Any) -> dict[str, Any]:
    """A ChargingStationMaxProfile that counts from now on."""
    return profile(
        limit,
        purpose="ChargingStationMaxProfile",
        kind="Absolute",
        startSchedule=format_time(clock.now()),
        **options,
    )


async def install(
    central: Central, evse: int, payload: dict[str, Any]
) -> tuple[str, str]:
    """Send a profile; returns the status and the reason."""
    request = {"evseId": evse, "chargingProfile": payload}
    answer = await central.call("SetChargingProfile", request)
    return answer["status"], answer.get("statusInfo", {}).get("reasonCode", "")
