"""What a charger knows of a session: what it said, and what was confirmed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

#: What a charger may say at the end, and what is to be read in the ledger then.
REASONS = {
    None: "local",
    "Local": "local",
    "EVDisconnected": "ev_disconnected",
    "DeAuthorized": "deauthorized",
    "PowerLoss": "power_loss",
    "Remote": "remote",
}


@dataclass(eq=False)
class Session:
    """A transaction, as the charger has it. Registers are in Wh."""

    identity: str
    connector: int
    token: str
    started: datetime
    meter_start: int
    #: How often the start was sent, and the id that came back.
    starts_sent: int = 0
    id: int | None = None
    #: The row that was found after a kill, of a start that is not confirmed.
    stored: int | None = None
    ended: datetime | None = None
    meter_stop: int | None = None
    reason: str | None = None
    #: How often the stop was sent, and whether an answer came back.
    stops_sent: int = 0
    stopped: bool = False
    #: Whether it was found after a kill, before it was confirmed.
    stop_stored: bool = False

    @property
    def start_payload(self) -> dict[str, Any]:
        """The StartTransaction, the same each time it is sent."""
        return {
            "connectorId": self.connector,
            "idTag": self.token,
            "meterStart": self.meter_start,
            "timestamp": timestamp(self.started),
        }

    @property
    def stop_payload(self) -> dict[str, Any]:
        """The StopTransaction, the same each time it is sent."""
        assert self.ended is not None
        payload = {
            "transactionId": self.id,
            "meterStop": self.meter_stop,
            "timestamp": timestamp(self.ended),
        }
        if self.reason:
            payload["reason"] = self.reason
        return payload


def timestamp(time: datetime) -> str:
    """Write a time as chargers do."""
    return time.isoformat().replace("+00:00", "Z")


def now(*, milliseconds: bool) -> datetime:
    """The time by the charger's clock: most have nothing below a second."""
    time = datetime.now(UTC)
    return time.replace(
        microsecond=time.microsecond // 1000 * 1000 if milliseconds else 0
    )
