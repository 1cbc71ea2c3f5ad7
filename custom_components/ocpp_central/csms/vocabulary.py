"""The settings of a charger that the house knows, by their names in each dialect."""

from enum import Enum


class Setting(Enum):
    """A configuration key of OCPP 1.6 and the variable that OCPP 2.x has for it."""

    # How to ask.
    KEYS_PER_READ = (
        "GetConfigurationMaxKeys",
        "DeviceDataCtrlr.ItemsPerMessage[GetVariables]",
    )
    BYTES_PER_READ = None, "DeviceDataCtrlr.BytesPerMessage[GetVariables]"
    # The connection.
    HEARTBEAT_INTERVAL = "HeartbeatInterval", "OCPPCommCtrlr.HeartbeatInterval"
    PASSWORD = "AuthorizationKey", "SecurityCtrlr.BasicAuthPassword"
    SECURITY_PROFILE = "SecurityProfile", "SecurityCtrlr.SecurityProfile"
    # What there is.
    CONNECTORS = "NumberOfConnectors", None
    # What is measured.
    SAMPLE_INTERVAL = "MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval"
    SAMPLED_DATA = "MeterValuesSampledData", "SampledDataCtrlr.TxUpdatedMeasurands"
    SAMPLED_DATA_ENABLED = None, "SampledDataCtrlr.Enabled"
    SAMPLED_DATA_LENGTH = "MeterValuesSampledDataMaxLength", None
    STARTED_DATA = None, "SampledDataCtrlr.TxStartedMeasurands"
    ENDED_DATA = None, "SampledDataCtrlr.TxEndedMeasurands"
    # Who may charge, and when.
    LOCAL_AUTHORIZE_OFFLINE = "LocalAuthorizeOffline", "AuthCtrlr.LocalAuthorizeOffline"
    LOCAL_PRE_AUTHORIZE = "LocalPreAuthorize", "AuthCtrlr.LocalPreAuthorize"
    ALLOW_OFFLINE_UNKNOWN = (
        "AllowOfflineTxForUnknownId",
        "AuthCtrlr.OfflineTxForUnknownIdEnabled",
    )
    CONNECTION_TIMEOUT = "ConnectionTimeOut", "TxCtrlr.EVConnectionTimeOut"
    START_POINT = None, "TxCtrlr.TxStartPoint"
    STOP_POINT = None, "TxCtrlr.TxStopPoint"
    # Its list of tokens. How many fit is the largest value of the variable.
    LOCAL_LIST_ENABLED = "LocalAuthListEnabled", "LocalAuthListCtrlr.Enabled"
    LOCAL_LIST_ENTRIES = "LocalAuthListMaxLength", "LocalAuthListCtrlr.Entries"
    LOCAL_LIST_PART = "SendLocalListMaxLength", "LocalAuthListCtrlr.ItemsPerMessage"
    LOCAL_LIST_BYTES = None, "LocalAuthListCtrlr.BytesPerMessage"
    # Whether it shows what a session costs, and in which currency.
    COST_AVAILABLE = None, "TariffCostCtrlr.Available[Cost]"
    COST_ENABLED = None, "TariffCostCtrlr.Enabled[Cost]"
    COST_CURRENCY = None, "TariffCostCtrlr.Currency"
    # Limits. Chargers that list no smart charging may know it all the same.
    FEATURES = "SupportedFeatureProfiles", None
    SMART_CHARGING = None, "SmartChargingCtrlr.Available"
    LIMIT_UNITS = (
        "ChargingScheduleAllowedChargingRateUnit",
        "SmartChargingCtrlr.RateUnit",
    )
    LIMIT_PERIODS = (
        "ChargingScheduleMaxPeriods",
        "SmartChargingCtrlr.PeriodsPerSchedule",
    )
    LIMIT_STACK = "ChargeProfileMaxStackLevel", "SmartChargingCtrlr.ProfileStackLevel"
    # Whether it switches between one phase and three.
    PHASES_3TO1 = "ConnectorSwitch3to1PhaseSupported", "SmartChargingCtrlr.Phases3to1"
    PHASES_AC = (
        "ACPhaseSwitchingSupported",
        "SmartChargingCtrlr.ACPhaseSwitchingSupported",
    )
    # 0 with direct current.
    SUPPLY_PHASES = None, "EVSE@1.SupplyPhases"
    # How many profiles it holds; some want their ids to be no higher.
    LIMIT_PROFILES = "MaxChargingProfilesInstalled", None
    # It falls back on its own when it is offline for too long (OCPP 2.1).
    LIMIT_OFFLINE = None, "SmartChargingCtrlr.SupportsMaxOfflineDuration"
    # It takes profiles of which only the limit is updated (OCPP 2.1).
    LIMIT_DYNAMIC = None, "SmartChargingCtrlr.SupportsDynamicProfiles"
    # Up to which id profiles are kept for limits from outside (OCPP 2.1).
    LIMIT_KEPT_IDS = None, "SmartChargingCtrlr.MaxExternalConstraintsId"

    def __init__(self, key: str | None, variable: str | None) -> None:
        """Keep both names; None where the dialect has no such setting."""
        self.key = key
        self.variable = variable

    def is_called(self, name: str) -> bool:
        """Return whether this is its name, in any dialect."""
        return name.casefold() in {
            known.casefold() for known in (self.key, self.variable) if known
        }


def same_setting(name: str, other: str) -> bool:
    """Return whether two names are of one setting, in whichever dialect."""
    return name.casefold() == other.casefold() or any(
        setting.is_called(name) and setting.is_called(other) for setting in Setting
    )
