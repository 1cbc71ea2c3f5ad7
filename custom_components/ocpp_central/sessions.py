"""Sessions as people get them: as the answer of an action, as lines of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from .ledger.queries import SessionRecord, StatementLine, Totals

# What makes a spreadsheet take text for a formula, the full-width forms included.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

# The columns of a table of sessions, and what they show of a session.
SESSION_COLUMNS: Final = {
    "Session": "id",
    "Charge point": "charge_point",
    "Name": "name",
    "Connector": "connector",
    "Id token": "id_token",
    "User": "user",
    "Group": "group",
    "Authorized by": "authorized_by",
    "Started": "started",
    "Ended": "ended",
    "Connected (s)": "connected_time",
    "Charging (s)": "charging_time",
    "Idle (s)": "idle_time",
    "Meter start (Wh)": "meter_start_wh",
    "Meter stop (Wh)": "meter_stop_wh",
    "Energy (kWh)": "energy_kwh",
    "Peak power (kW)": "peak_power_kw",
    "Battery at start (%)": "soc_start",
    "Battery at end (%)": "soc_end",
    "Cost": "cost",
    "Currency": "currency",
    "Energy without price (kWh)": "unpriced_energy_kwh",
    "Stop reason": "stop_reason",
    "Told afterwards": "replayed",
    "Inferred": "inferred",
    "Corrected": "corrected",
}
_STATEMENT_COLUMNS: Final = (
    "Month",
    "Id token",
    "User",
    "Sessions",
    "Energy (kWh)",
    "Cost",
    "Currency",
    "Energy without price (kWh)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWriter:
    """Puts sessions into words, as things are now."""

    zone: tzinfo
    now: datetime
    # Identity as the user spells it, and name, by casefolded identity.
    charge_points: Mapping[str, tuple[str, str]]

    def as_dict(
        self, record: SessionRecord, signed: Sequence[dict[str, Any]] = ()
    ) -> dict[str, Any]:
        """Return a session as an action answers it."""
        identity, name = self.charge_points.get(
            record.identity, (record.identity, None)
        )
        connected = ((record.ended or self.now) - record.started).total_seconds()
        connected = max(0.0, connected)
        # An earlier version of the ledger did not write down when current flowed.
        known = record.charging or not record.energy
        meter_stop = (
            record.meter_last if record.meter_stop is None else record.meter_stop
        )
        values: dict[str, Any] = {
            "id": record.id,
            "transaction_id": (
                record.id if record.charger_id is None else record.charger_id
            ),
            "charge_point": identity,
            "name": name,
            "connector": record.connector,
            "id_token": record.id_token,
            "user": record.user,
            "group": record.token_group,
            "authorized_by": record.authorized_by,
            "started": self._local(record.started),
            "ended": record.ended and self._local(record.ended),
            "open": record.ended is None,
            "connected_time": round(connected),
            "charging_time": round(record.charging) if known else None,
            "idle_time": (
                round(max(0.0, connected - record.charging)) if known else None
            ),
            "meter_start_wh": _as_given(record.meter_start),
            "meter_stop_wh": _as_given(meter_stop),
            "energy_kwh": _kilo(record.energy),
            "peak_power_kw": _kilo(record.peak_power),
            "soc_start": record.soc_start,
            "soc_end": record.soc_end,
            "cost": _money(record.cost),
            "currency": record.currency,
            "unpriced_energy_kwh": _kilo(record.unpriced),
            "stop_reason": record.stop_reason,
            "replayed": record.replayed,
            "inferred": record.inferred or record.taken_up,
            "corrected": record.corrected,
        }
        if signed:
            values["signed_meter_values"] = list(signed)
        return values

    def as_row(self, record: SessionRecord) -> list[str]:
        """Return a session as a line of a table."""
        values = self.as_dict(record)
        return [_cell(values[key]) for key in SESSION_COLUMNS.values()]

    def _local(self, time: datetime) -> str:
        return time.astimezone(self.zone).isoformat(timespec="seconds")


def totals_as_dict(totals: Totals) -> dict[str, Any]:
    """Return what sessions come to as an action answers it."""
    return {
        "sessions": totals.sessions,
        "energy_kwh": _kilo(totals.energy),
        "cost": {currency: _money(cost) for currency, cost in totals.cost.items()},
        "unpriced_energy_kwh": _kilo(totals.unpriced),
        "charging_time": round(totals.charging),
    }


def statement_columns(*, by_user: bool) -> list[str]:
    """Return the head of a table of what people have used."""
    return [
        column for column in _STATEMENT_COLUMNS if not by_user or column != "Id token"
    ]


def statement_row(month: str, line: StatementLine, *, by_user: bool) -> list[str]:
    """Return what somebody has used in a month as a line of a table."""
    return [
        month,
        *([] if by_user else [_cell(line.id_token)]),
        _cell(line.user),
        str(line.sessions),
        f"{line.energy / 1000:.3f}",
        "" if line.cost is None else f"{line.cost:.2f}",
        _cell(line.currency),
        f"{line.unpriced / 1000:.3f}",
    ]


def _cell(value: object) -> str:
    """Return a value as a spreadsheet reads it, and never as a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    # Chargers choose their id tokens.
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return str(value)


def _as_given(register: float | None) -> float | None:
    """Return a register as chargers write it: mostly without decimals."""
    if register is None or not register.is_integer():
        return register
    return int(register)


def _kilo(value: float | None) -> float | None:
    return None if value is None else round(value / 1000, 3)


def _money(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
