"""The configuration keys of a charger."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from .quirks import NO_QUIRKS, Quirks

#: Everything the meter can measure, apart from what only some chargers know.
MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Voltage",
    "Current.Offered",
    "Power.Offered",
    "Temperature",
    "Frequency",
)

#: Known only by a charger that talks to the car's battery.
SOC = "SoC"


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _current(text: str) -> bool:
    return text.replace(".", "", 1).isdigit() and 6 <= float(text) <= 32


def _truth(text: str) -> bool:
    return text.lower() in {"true", "false"}


def _anything(text: str) -> bool:
    return len(text) <= 500


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its value, and what may be done to it."""

    value: str
    valid: Callable[[str], bool] = _anything
    readonly: bool = False
    reboot: bool = False
    #: Its value is told to nobody.
    hidden: bool = False


class Configuration:
    """What GetConfiguration shows and ChangeConfiguration changes. Survives reboots."""

    def __init__(
        self,
        *,
        connectors: int,
        soc: bool = False,
        overrides: Mapping[str, str | None] | None = None,
        quirks: Quirks = NO_QUIRKS,
    ) -> None:
        """Set up the keys of a good charger.

        Overrides give known keys other values, without any check, add keys of the vendor's own,
        or, with None, leave keys out.
        """
        self.measurands = (*MEASURANDS, SOC) if soc else MEASURANDS
        self.changed: Callable[[str], None] = lambda _key: None
        self._keys = self._defaults(connectors)
        if quirks.current_key:
            self._keys[quirks.current_key] = Key("32", _current)
        for name, value in (overrides or {}).items():
            if value is None:
                self._keys.pop(name, None)
            else:
                self._keys[name] = replace(self._keys.get(name, Key("")), value=value)

    def _defaults(self, connectors: int) -> dict[str, Key]:
        sampled = (*MEASURANDS[:5], *([SOC] if SOC in self.measurands else []))

        def fixed(value: object) -> Key:
            return Key(str(value), readonly=True)

        def measured(*values: str) -> Key:
            return Key(",".join(values), self._measurable)

        return {
            "AllowOfflineTxForUnknownId": Key("false", _truth),
            "AuthorizationCacheEnabled": Key("true", _truth),
            "AuthorizeRemoteTxRequests": Key("false", _truth),
            "ClockAlignedDataInterval": Key("0", _number),
            "ConnectionTimeOut": Key("60", _number),
            "ConnectorPhaseRotation": fixed("0.RST"),
            "GetConfigurationMaxKeys": fixed(50),
            "HeartbeatInterval": Key("300", _number),
            "LocalAuthListEnabled": Key("true", _truth),
            "LocalAuthListMaxLength": fixed(100),
            "LocalAuthorizeOffline": Key("true", _truth),
            "LocalPreAuthorize": Key("false", _truth),
            "MeterValuesAlignedData": measured(MEASURANDS[0]),
            "MeterValuesAlignedDataMaxLength": fixed(len(self.measurands)),
            "MeterValuesSampledData": measured(*sampled),
            "MeterValuesSampledDataMaxLength": fixed(len(self.measurands)),
            "MeterValueSampleInterval": Key("60", _number),
            "NumberOfConnectors": fixed(connectors),
            "ReserveConnectorZeroSupported": fixed("true"),
            "ResetRetries": fixed(0),
            "SendLocalListMaxLength": fixed(20),
            "StopTransactionOnEVSideDisconnect": Key("true", _truth),
            "StopTransactionOnInvalidId": Key("true", _truth),
            "StopTxnAlignedData": fixed(""),
            "StopTxnSampledData": measured(MEASURANDS[0]),
            "StopTxnSampledDataMaxLength": fixed(len(self.measurands)),
            "SupportedFeatureProfiles": fixed(
                "Core,FirmwareManagement,LocalAuthListManagement,Reservation,"
                "SmartCharging,RemoteTrigger"
            ),
            "TransactionMessageAttempts": Key("3", _number),
            "TransactionMessageRetryInterval": Key("60", _number),
            "UnlockConnectorOnEVSideDisconnect": fixed("true"),
            "WebSocketPingInterval": Key("0", _number, reboot=True),
            "ChargeProfileMaxStackLevel": fixed(8),
            "ChargingScheduleAllowedChargingRateUnit": fixed("Current,Power"),
            "ChargingScheduleMaxPeriods": fixed(24),
            "ConnectorSwitch3to1PhaseSupported": fixed("true"),
            "MaxChargingProfilesInstalled": fixed(10),
        }

    def _measurable(self, text: str) -> bool:
        names = [name.strip() for name in text.split(",") if name.strip()]
        return all(name in self.measurands for name in names) and len(
            set(names)
        ) == len(names)

    def text(self, name: str) -> str:
        """The value of a key, empty where this charger lacks it."""
        return self._keys[name].value if name in self._keys else ""

    def integer(self, name: str) -> int:
        """The value of a key as a number, 0 where there is none."""
        text = self.text(name)
        return int(text) if _number(text) else 0

    def truth(self, name: str) -> bool:
        """Whether a key is true."""
        return self.text(name).lower() == "true"

    def items(self, name: str) -> list[str]:
        """The values of a list."""
        return [
            item
            for item in (part.strip() for part in self.text(name).split(","))
            if item
        ]

    def report(self, names: Iterable[str]) -> tuple[list[dict[str, object]], list[str]]:
        """What to answer to GetConfiguration: known and unknown keys. No names means all."""
        wanted = list(names)
        if not wanted:
            wanted = list(self._keys)
        known, unknown = [], []
        for asked in wanted:
            if (name := self._find(asked)) is None:
                unknown.append(asked)
                continue
            key = self._keys[name]
            told: dict[str, object] = {"key": name, "readonly": key.readonly}
            known.append(told if key.hidden else {**told, "value": key.value})
        return known, unknown

    def change(self, asked: str, value: str) -> str:
        """Change a key, and return the status to answer."""
        if (name := self._find(asked)) is None:
            return "NotSupported"
        key = self._keys[name]
        if key.readonly or not key.valid(value):
            return "Rejected"
        self.set(name, value)
        return "RebootRequired" if key.reboot else "Accepted"

    def set(self, name: str, value: str) -> None:
        """Set a key from within the charger."""
        self._keys[name] = replace(self._keys.get(name, Key("")), value=value)
        self.changed(name)

    def add(self, name: str, key: Key) -> None:
        """Have one more key; if its value was given from outside, that stays."""
        value = self._keys[name].value if name in self._keys else key.value
        self._keys[name] = replace(key, value=value)

    def _find(self, asked: str) -> str | None:
        """The spelling of a key here: names of keys are not case-sensitive."""
        folded = asked.casefold()
        return next((name for name in self._keys if name.casefold() == folded), None)
