"""The components and variables of a good charging station."""

from collections.abc import Callable
from typing import Any

from .meter import MEASURANDS, SOC
from .station import Station2
from .variables import Variable, Variables

_POINTS = (
    "ParkingBayOccupancy",
    "EVConnected",
    "Authorized",
    "DataSigned",
    "PowerPathClosed",
    "EnergyTransfer",
)

#: How many items, and how many bytes, may be in one message.
ITEMS, BYTES = 20, 8000


def _fixed(value: object, kind: str = "string", **more: Any) -> Variable:
    return Variable(_text(value), kind, "ReadOnly", **more)


def _flag(value: bool, **more: Any) -> Variable:
    return Variable(_text(value), "boolean", **more)


def _number(value: int, minimum: int = 0, **more: Any) -> Variable:
    return Variable(str(value), "integer", minimum=minimum, **more)


def _seconds(value: int, **more: Any) -> Variable:
    return _number(value, unit="s", **more)


def _list(value: str, options: tuple[str, ...], kind: str = "MemberList") -> Variable:
    return Variable(value, kind, options=options)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def furnish(
    variables: Variables,
    station: Station2,
    *,
    version: str,
    boot: dict[str, str],
    soc: bool,
    start_points: str,
    stop_points: str,
    security_profile: int,
    state: Callable[[int, int], str],
) -> None:
    """Add the variables of a charger. `state` tells the AvailabilityState of a place."""
    for group in (
        _communication(security_profile, boot),
        _authorization(),
        _transactions(version, start_points, stop_points),
        _metering(soc=soc),
        _hardware(station, boot, state),
    ):
        for name, variable in group.items():
            variables.add(name, variable)


def _communication(profile: int, boot: dict[str, str]) -> dict[str, Variable]:
    comm, device, clock = "OCPPCommCtrlr", "DeviceDataCtrlr", "ClockCtrlr"
    model = {
        f"{comm}.HeartbeatInterval": _seconds(300, minimum=1),
        f"{comm}.WebSocketPingInterval": _seconds(0, reboot=True),
        f"{comm}.MessageAttempts[TransactionEvent]": _number(3),
        f"{comm}.MessageAttemptInterval[TransactionEvent]": _seconds(60),
        f"{comm}.MessageTimeout[Default]": _fixed(30, "integer", unit="s"),
        f"{comm}.OfflineThreshold": _seconds(60),
        f"{comm}.ResetRetries": _number(0),
        f"{comm}.RetryBackOffRepeatTimes": _number(5),
        f"{comm}.RetryBackOffRandomRange": _seconds(0),
        f"{comm}.RetryBackOffWaitMinimum": _seconds(2),
        f"{comm}.UnlockOnEVSideDisconnect": _flag(True),
        f"{comm}.QueueAllMessages": _flag(False),
        f"{comm}.FileTransferProtocols": _fixed("HTTP,HTTPS", "MemberList"),
        f"{comm}.NetworkConfigurationPriority": Variable(
            "0", "SequenceList", options=("0", "1", "2"), reboot=True
        ),
        f"{comm}.NetworkProfileConnectionAttempts": _number(3),
        "SecurityCtrlr.BasicAuthPassword": Variable(
            "", "string", "WriteOnly", minimum=16, maximum=40
        ),
        "SecurityCtrlr.Identity": _fixed(boot["serialNumber"]),
        "SecurityCtrlr.OrganizationName": Variable("Home", maximum=50),
        "SecurityCtrlr.CertificateEntries": _fixed(0, "integer", maximum=10),
        "SecurityCtrlr.SecurityProfile": _fixed(profile, "integer"),
        "SecurityCtrlr.AdditionalRootCertificateCheck": _fixed(False, "boolean"),
        "CustomizationCtrlr.CustomImplementationEnabled": _flag(False),
        f"{clock}.DateTime": _fixed("", "dateTime"),
        f"{clock}.TimeSource": _list("Heartbeat", ("Heartbeat", "NTP"), "SequenceList"),
        f"{clock}.TimeZone": Variable("Europe/Berlin"),
    }
    for message in ("GetReport", "GetVariables", "SetVariables"):
        model[f"{device}.ItemsPerMessage[{message}]"] = _fixed(ITEMS, "integer")
        model[f"{device}.BytesPerMessage[{message}]"] = _fixed(BYTES, "integer")
    return model


def _authorization() -> dict[str, Variable]:
    return {
        "AuthCtrlr.Enabled": _flag(True),
        "AuthCtrlr.AuthorizeRemoteStart": _flag(False),
        "AuthCtrlr.LocalAuthorizeOffline": _flag(True),
        "AuthCtrlr.LocalPreAuthorize": _flag(False),
        "AuthCtrlr.OfflineTxForUnknownIdEnabled": _flag(False),
        "AuthCtrlr.AdditionalInfoItemsPerMessage": _fixed(5, "integer"),
        "AuthCacheCtrlr.Available": _fixed(True, "boolean"),
        "AuthCacheCtrlr.Enabled": _flag(True),
        "AuthCacheCtrlr.LifeTime": _seconds(0),
        "AuthCacheCtrlr.Storage": _fixed(0, "integer", maximum=100_000),
    }


def _transactions(version: str, start: str, stop: str) -> dict[str, Variable]:
    model = {
        "TxCtrlr.TxStartPoint": _list(start, _POINTS),
        "TxCtrlr.TxStopPoint": _list(stop, _POINTS),
        "TxCtrlr.EVConnectionTimeOut": _seconds(60, minimum=1),
        "TxCtrlr.StopTxOnEVSideDisconnect": _flag(True),
        "TxCtrlr.StopTxOnInvalidId": _flag(True),
        "TxCtrlr.TxBeforeAcceptedEnabled": _flag(False),
        "TxCtrlr.ChargingTime": _fixed(0, "decimal", unit="s"),
    }
    if version == "2.1":
        model["TxCtrlr.ResumptionTimeout"] = _seconds(0)
        model["TxCtrlr.AllowEnergyTransferResumption"] = _flag(True)
        for kind in ("MaxCost", "MaxEnergy", "MaxTime", "MaxSoC"):
            model[f"TxCtrlr.SupportedLimits[{kind}]"] = _fixed(True, "boolean")
    return model


def _metering(*, soc: bool) -> dict[str, Variable]:
    known = (*MEASURANDS, SOC) if soc else MEASURANDS
    updated = ",".join((*MEASURANDS[:5], *([SOC] if soc else [])))
    register = MEASURANDS[0]
    sampled, aligned = "SampledDataCtrlr", "AlignedDataCtrlr"
    return {
        f"{sampled}.Available": _fixed(True, "boolean"),
        f"{sampled}.Enabled": _flag(True),
        f"{sampled}.TxStartedMeasurands": _list(register, known),
        f"{sampled}.TxUpdatedMeasurands": _list(updated, known),
        f"{sampled}.TxUpdatedInterval": _seconds(60),
        f"{sampled}.TxEndedMeasurands": _list(register, known),
        f"{sampled}.TxEndedInterval": _seconds(0),
        f"{sampled}.SignReadings": _flag(False),
        f"{sampled}.RegisterValuesWithoutPhases": _fixed(True, "boolean"),
        f"{aligned}.Available": _fixed(True, "boolean"),
        f"{aligned}.Enabled": _flag(True),
        f"{aligned}.Measurands": _list(register, known),
        f"{aligned}.Interval": _seconds(0),
        f"{aligned}.TxEndedMeasurands": _list("", known),
        f"{aligned}.TxEndedInterval": _seconds(0),
        f"{aligned}.SendDuringIdle": _flag(False),
        f"{aligned}.SignReadings": _flag(False),
    }


def _hardware(
    station: Station2, boot: dict[str, str], state: Callable[[int, int], str]
) -> dict[str, Variable]:
    most = station.max_current * 230 * station.phases
    states = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")

    def live(evse: int, connector: int) -> Variable:
        return Variable(
            kind="OptionList",
            mutability="ReadOnly",
            options=states,
            live=lambda: state(evse, connector),
        )

    phases = _fixed(station.phases, "integer")
    present = _fixed(True, "boolean")
    model = {
        "ChargingStation.Available": present,
        "ChargingStation.AvailabilityState": live(0, 0),
        "ChargingStation.SupplyPhases": phases,
        "ChargingStation.AllowNewSessionsPendingFirmwareUpdate": _flag(False),
        "ChargingStation.VendorName": _fixed(boot["vendorName"]),
        "ChargingStation.Model": _fixed(boot["model"]),
        "ChargingStation.SerialNumber": _fixed(boot["serialNumber"]),
        "ChargingStation.FirmwareVersion": _fixed(boot["firmwareVersion"]),
    }
    for evse in station.evses:
        at = f"EVSE@{evse.id}"
        model |= {
            f"{at}.Available": present,
            f"{at}.AvailabilityState": live(evse.id, 0),
            f"{at}.AllowReset": _fixed(True, "boolean"),
            f"{at}.SupplyPhases": phases,
            f"{at}.Power": _fixed(0, "decimal", unit="W", maximum=most),
        }
        for connector in evse.connectors:
            at = f"Connector@{evse.id}:{connector.id}"
            model |= {
                f"{at}.Available": present,
                f"{at}.AvailabilityState": live(evse.id, connector.id),
                f"{at}.ConnectorType": _fixed("cType2"),
                f"{at}.SupplyPhases": phases,
            }
    return model
