"""Real chargers as combinations of quirks: what public sources tell of them, and nothing else.

Nobody has held these against the hardware: they are what an integration has to get along with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .charger import Charger
from .clock import Clock
from .quirks import Composite, Offered, Quirks, Refusal, Target
from .v2 import Charger2

_STATION, _DEFAULT, _TRANSACTION = Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Personality:
    """A charger that somebody has told of.

    Attributes:
        name: What its owner calls it.
        vendor: What its BootNotification says, as model and firmware do.
        source: Where it is told of; evcc, go-e and so on are repositories and their issues.
        config: Configuration keys, or variables, that it has otherwise; None: it lacks them.
    """

    name: str
    vendor: str
    model: str
    firmware: str
    source: str
    protocol: str = "1.6"
    connectors: int = 1
    phases: int = 3
    max_current: float = 32.0
    boot_on_reconnect: bool = True
    quirks: Quirks = field(default_factory=Quirks)
    config: Mapping[str, str | None] = field(default_factory=dict)


ZOO = (
    Personality(
        name="ABB Terra AC",
        vendor="ABB",
        model="Terra AC",
        firmware="1.8.21",
        source="evcc#15493; lbbrhzn/ocpp#1737, #1275",
        boot_on_reconnect=False,
        quirks=Quirks(
            stacks=(0, 0), reboots_on_read=frozenset({"MeterValuesSampledData"})
        ),
        config={"ChargeProfileMaxStackLevel": "3"},
    ),
    Personality(
        name="Alfen Eve Double",
        vendor="Alfen BV",
        model="NG920-61001",
        firmware="6.6.0",
        source="evcc templates; lbbrhzn/ocpp#514",
        connectors=2,
        boot_on_reconnect=False,
        config={"PlugAndChargeIdentifier": "ABCDEF"},
    ),
    Personality(
        name="Autel MaxiCharger",
        vendor="Autel",
        model="MaxiCharger AC",
        firmware="1.35.51",
        source="lbbrhzn/ocpp#2154, #1565",
        quirks=Quirks(no_kinds=frozenset({"Relative"})),
    ),
    Personality(
        name="BMW Wallbox (Delta Gen4)",
        vendor="BMW",
        model="EIAW-E22KTSE6B04",
        firmware="01.20.06.71",
        source="bmw-wallbox-ha#25",
        protocol="2.0.1",
        quirks=Quirks(stuck_at_zero=True),
    ),
    Personality(
        name="Charge Amps Halo",
        vendor="Charge-Amps",
        model="HALO",
        firmware="160",
        source="lbbrhzn/ocpp#1576",
        max_current=16,
        config={"ChargingScheduleAllowedChargingRateUnit": "Current"},
    ),
    Personality(
        name="CTEK Chargestorm Connected 2",
        vendor="CTEK",
        model="CHARGESTORM 2",
        firmware="4.9.1",
        source="lbbrhzn/ocpp#1747",
        connectors=2,
    ),
    Personality(
        name="Easee Home",
        vendor="Easee",
        model="Easee Home",
        firmware="331",
        source="evcc#29861",
        quirks=Quirks(offered=Offered.NONE, delay=2.0),
    ),
    Personality(
        name="EN+ Caro",
        vendor="EN+",
        model="AC007K",
        firmware="1.2.20",
        source="evcc templates; lbbrhzn/ocpp#211",
        phases=1,
        quirks=Quirks(zero_ends=True, offered=Offered.NONE),
    ),
    Personality(
        name="Etrel Inch",
        vendor="Etrel",
        model="INCH Pro",
        firmware="4.11",
        source="lbbrhzn/ocpp#1000",
        boot_on_reconnect=False,
    ),
    Personality(
        name="EVBox Elvi",
        vendor="EV-BOX",
        model="ELVI V2",
        firmware="0.9",
        source="lbbrhzn/ocpp#221, #1703",
        quirks=Quirks(purposes=frozenset({_DEFAULT, _TRANSACTION})),
    ),
    Personality(
        name="FoxESS A, OCPP 2.0.1",
        vendor="FoxESS",
        model="A011KP1",
        firmware="1.14",
        source="lbbrhzn/ocpp#2050: holds profiles against the schema of 1.6",
        protocol="2.0.1",
        quirks=Quirks(purposes=frozenset(), no_purpose=Refusal.ERROR),
    ),
    Personality(
        name="FoxESS A, OCPP 1.6",
        vendor="FoxESS",
        model="A011KP1",
        firmware="1.14",
        source="lbbrhzn/ocpp#2008",
    ),
    Personality(
        name="go-e Charger Gemini",
        vendor="go-e",
        model="GO-CHARGER",
        firmware="055.7",
        source="go-e#155, #187, #154",
        quirks=Quirks(
            units=frozenset("A"), deaf_after_zero=True, composite=Composite.NONE
        ),
        config={"ChargingScheduleAllowedChargingRateUnit": "Current"},
    ),
    Personality(
        name="Grizzl-E Ultimate",
        vendor="United Chargers",
        model="Grizzl-E Ultimate",
        firmware="3.09",
        source="lbbrhzn/ocpp docs, #1600",
        phases=1,
        quirks=Quirks(
            ignores=frozenset({_STATION}), forgets=True, composite=Composite.FORMAL
        ),
    ),
    Personality(
        name="Growatt THOR",
        vendor="GROWATT",
        model="THOR 11AS-S",
        firmware="TA1.1",
        source="lbbrhzn/ocpp#1293, #1892",
        quirks=Quirks(no_profiles=True, current_key="G_MaxCurrent"),
        config={
            "NumberOfConnectors": "1634030126",
            "SupportedFeatureProfiles": "Core,RemoteTrigger",
        },
    ),
    Personality(
        name="Heidelberg Amperfied",
        vendor="Amperfied",
        model="connect.business",
        firmware="1.0.8",
        source="evcc#18109",
        max_current=16,
        quirks=Quirks(
            ignores=frozenset(Target),
            offered=Offered.ZERO,
            composite=Composite.FORMAL,
        ),
    ),
    Personality(
        name="HomeCharge (EFR SECC)",
        vendor="EFR",
        model="SECC",
        firmware="1.0",
        source="evcc#9838",
        quirks=Quirks(units=frozenset("W")),
        config={"ChargingScheduleAllowedChargingRateUnit": "W"},
    ),
    Personality(
        name="Huawei SCharger",
        vendor="Huawei",
        model="SCharger-22KT-S0",
        firmware="V100R023C10",
        source="lbbrhzn/ocpp#2084; evcc#29272",
        quirks=Quirks(units=frozenset("W"), zero_ends=True, hangs_at_zero=True),
        config={"ChargingScheduleAllowedChargingRateUnit": "Power"},
    ),
    Personality(
        name="KEBA KeContact P30",
        vendor="KEBA AG",
        model="KC-P30-EC240122-E00",
        firmware="1.15",
        source="OCPP.Core",
        quirks=Quirks(zero_only=True),
    ),
    Personality(
        name="Legrand Green'up, 8 A in its app",
        vendor="Legrand",
        model="EVCS",
        firmware="2.1",
        source="lbbrhzn/ocpp#1248",
        quirks=Quirks(cap=8.0),
    ),
    Personality(
        name="NEcharge",
        vendor="NEcharge",
        model="NE-11",
        firmware="1.4",
        source="evcc template",
        max_current=16,
        quirks=Quirks(steps=(6, 8, 10, 13, 16)),
    ),
    Personality(
        name="Ocular LTE Plus",
        vendor="BS AC EV Charger",
        model="BS20-BA",
        firmware="V1.1.40",
        source="lbbrhzn/ocpp#2030",
        phases=1,
        config={"ChargingScheduleAllowedChargingRateUnit": "Current,Power"},
    ),
    Personality(
        name="OpenEVSE (MicroOcpp)",
        vendor="OpenEVSE",
        model="Advanced Series",
        firmware="5.1.2",
        source="MicroOcpp",
        phases=1,
        quirks=Quirks(offered=Offered.NONE),
        config={"MaxChargingProfilesInstalled": "4", "ChargeProfileMaxStackLevel": "3"},
    ),
    Personality(
        name="Phoenix Contact CHARX SEC",
        vendor="Phoenix Contact",
        model="CHARX SEC-3100",
        firmware="1.5.0",
        source="ConnectorIO#144",
        config={"AuthorizeRemoteTxRequests": "true"},
    ),
    Personality(
        name="Schneider EVlink, own energy management off",
        vendor="Schneider Electric",
        model="MONOBLOCK",
        firmware="3.4.0.10",
        source="lbbrhzn/ocpp#877",
        quirks=Quirks(purposes=frozenset()),
    ),
    Personality(
        name="Schneider EVlink, least current 8 A",
        vendor="Schneider Electric",
        model="EVB3S22N4A",
        firmware="3.4.0.11",
        source="lbbrhzn/ocpp#1662",
        quirks=Quirks(floor=8.0),
    ),
    Personality(
        name="StarCharge, MG",
        vendor="StarCharge",
        model="Aurora",
        firmware="1.2.3",
        source="lbbrhzn/ocpp#1096",
        quirks=Quirks(delay=3.5),
    ),
    Personality(
        name="Timxon A0",
        vendor="Timxon",
        model="A0-MEV",
        firmware="1.0.5",
        source="lbbrhzn/ocpp#2158",
        quirks=Quirks(
            purposes=frozenset({_DEFAULT}),
            no_purpose=Refusal.NOT_SUPPORTED,
            no_kinds=frozenset({"Absolute"}),
            no_kind=Refusal.SILENCE,
        ),
    ),
    Personality(
        name="Vestel EVC04",
        vendor="Vestel",
        model="EVC04-AC22A",
        firmware="3.156",
        source="lbbrhzn/ocpp#1425, #466",
        quirks=Quirks(offered=Offered.NONE, composite=Composite.NONE),
    ),
    Personality(
        name="Wallbox, firmware 5",
        vendor="Wall Box Chargers",
        model="PLP1-0-2-4-9-002-E",
        firmware="5.17.68",
        source="evcc template, evcc#15581",
        quirks=Quirks(stacks=(0, 0), offered=Offered.NONE),
    ),
    Personality(
        name="Wallbox, firmware 6",
        vendor="Wall Box Chargers",
        model="PLP2-0-2-4",
        firmware="6.4.12",
        source="evcc#16768",
        boot_on_reconnect=False,
        quirks=Quirks(no_kinds=frozenset({"Absolute"})),
    ),
    Personality(
        name="Wallbox Pulsar Pro",
        vendor="Wall Box Chargers",
        model="PPR1-0-2-4",
        firmware="6.5.3",
        source="evcc#22087",
        boot_on_reconnect=False,
        quirks=Quirks(no_kinds=frozenset({"Absolute"}), step=1.0),
    ),
    Personality(
        name="ZJ Beny",
        vendor="ZJBENY",
        model="BCP-AT1N-L",
        firmware="2.0.1",
        source="lbbrhzn/ocpp#1078, #1491",
        quirks=Quirks(delay=1.0, offered=Offered.NONE),
    ),
)


def build(
    personality: Personality, url: str, identity: str, clock: Clock, **more: Any
) -> Charger | Charger2:
    """Make a charger of a kind. More options replace those of its kind."""
    options: dict[str, Any] = {
        "vendor": personality.vendor,
        "model": personality.model,
        "firmware": personality.firmware,
        "phases": personality.phases,
        "max_current": personality.max_current,
        "boot_on_reconnect": personality.boot_on_reconnect,
        "quirks": personality.quirks,
        "config": personality.config,
        "clock": clock,
        **more,
    }
    if personality.protocol == "1.6":
        return Charger(url, identity, connectors=personality.connectors, **options)
    return Charger2(
        url,
        identity,
        version=personality.protocol,
        evses=personality.connectors,
        **options,
    )
