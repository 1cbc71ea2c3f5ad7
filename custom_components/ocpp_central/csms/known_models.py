"""What is known of some makes and models before they have said a word.

Only where to begin: what a charger itself says and does outweighs it. What somebody has
seen stands beside each, with the public issue that tells of it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
import re
from typing import Any

from .model import BootInfo, LimitUnit, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """What is known of a make, a model or a firmware."""

    name: str
    source: str
    # What its BootNotification says, as patterns that may stand anywhere.
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    # The kinds of profiles it obeys; empty: not known to refuse any.
    purposes: tuple[Purpose, ...] = ()
    # How it wants them, where it is particular about that.
    relative: bool | None = None
    stack: int | None = None
    unit: LimitUnit | None = None
    everywhere: bool = False
    # The currents it can offer: multiples of a step, or these and no others.
    step: float = 0.1
    steps: tuple[float, ...] = ()
    # It switches between one phase and three, though it may not say so.
    switches_phases: bool = False
    # A changed default means nothing to the transaction that runs.
    default_fixed: bool = False
    # The first limit after 0 A is ignored once.
    resume_twice: bool = False
    # A limit of 0 may end the transaction, or never be recovered from.
    zero_ends: bool = False
    # It takes minutes to follow.
    slow: bool = False
    # What it says that it offers is not what it does.
    offers_wrong: bool = False
    # What its user may have to change.
    advice: str = ""

    def matches(self, info: BootInfo) -> bool:
        """Return whether a charger is one of these."""
        return all(
            re.search(pattern, said or "", re.IGNORECASE)
            for pattern, said in (
                (self.vendor, info.vendor),
                (self.model, info.model),
                (self.firmware, info.firmware),
            )
        )

    def as_dict(self) -> dict[str, Any]:
        """Return what differs from a charger of which nothing is known."""
        return {
            key: value
            for key, value in asdict(self).items()
            if value != getattr(_NOTHING, key)
        }


_NOTHING = KnownModel(name="", source="")
_IN_TRANSACTIONS = (Purpose.DEFAULT, Purpose.TRANSACTION)
# The particular before the general: the first that matches counts.
_KNOWN = (
    KnownModel(
        name="Timxon A0, Morek A0",
        source="lbbrhzn/ocpp#2158: only relative defaults, absolute ones unanswered",
        vendor="timxon|morek",
        purposes=(Purpose.DEFAULT,),
        relative=True,
    ),
    KnownModel(
        name="BMW Wallbox Gen4 by Delta",
        source="bmw-wallbox-ha#25: what is for a transaction gets stuck until a reboot",
        vendor="bmw|delta",
        firmware=r"^0?1\.20\.",
        purposes=(Purpose.DEFAULT,),
    ),
    KnownModel(
        name="ABB Terra AC",
        source="evcc#15493, lbbrhzn/ocpp#1737: refuses the level that it names itself",
        vendor="abb",
        stack=0,
    ),
    KnownModel(
        name="Wallbox, firmware 5",
        source="evcc template, evcc#15581: level 0 only, offers 11 A after 0 A",
        vendor="wall ?box",
        firmware=r"^v?5\.",
        stack=0,
        offers_wrong=True,
    ),
    KnownModel(
        name="Wallbox Pulsar Pro, firmware 6",
        source="evcc#16768, evcc#22087: relative only, whole amperes",
        vendor="wall ?box",
        model="pulsar ?pro|ppr",
        firmware=r"^v?6\.",
        relative=True,
        step=1,
    ),
    KnownModel(
        name="Wallbox, firmware 6",
        source="evcc#16768: relative only",
        vendor="wall ?box",
        firmware=r"^v?6\.",
        relative=True,
    ),
    KnownModel(
        name="Autel MaxiCharger",
        source="lbbrhzn/ocpp#2154, #1565: absolute only, begun in the past",
        vendor="autel",
        relative=False,
    ),
    KnownModel(
        name="Grizzl-E",
        source="lbbrhzn/ocpp docs: a ceiling is accepted and not applied",
        vendor="united ?chargers|grizzl",
        purposes=_IN_TRANSACTIONS,
    ),
    KnownModel(
        name="Schneider EVlink",
        source="lbbrhzn/ocpp#877: refuses while its own energy management is off",
        vendor="schneider",
        advice=(
            "Switch on the load balancer and the energy management by an external"
            " system in the charger's own settings."
        ),
    ),
    KnownModel(
        name="EVBox Elvi",
        source="lbbrhzn/ocpp#221, #1703: refuses a ceiling, takes defaults",
        vendor="ev-?box",
        model="elvi|^g3|^e1",
        purposes=_IN_TRANSACTIONS,
    ),
    KnownModel(
        name="KEBA",
        source="OCPP.Core: takes what is for connector 0, and nothing else",
        vendor="keba",
        purposes=(Purpose.STATION, Purpose.DEFAULT),
        everywhere=True,
    ),
    KnownModel(
        name="FoxESS",
        source="lbbrhzn/ocpp#2050: checks profiles of 2.0.1 by the rules of 1.6",
        vendor="fox ?ess",
        advice="If it refuses limits, set its OCPP version to 1.6.",
    ),
    KnownModel(
        name="Huawei SCharger, FusionCharge",
        source="lbbrhzn/ocpp#2084, evcc#29272: watts only, 0 W ends the transaction",
        vendor="huawei",
        unit=LimitUnit.WATT,
        zero_ends=True,
    ),
    KnownModel(
        # Some name no vendor.
        name="Huawei SCharger",
        source="evcc#32170, lbbrhzn/ocpp#2084: watts only, 0 W ends the transaction",
        model="scharger|fusioncharge",
        unit=LimitUnit.WATT,
        zero_ends=True,
    ),
    KnownModel(
        name="Heidelberg Amperfied",
        source="evcc#18109: accepts and ignores, offers 0 at all times",
        vendor="heidelberg|amperfied",
        offers_wrong=True,
    ),
    KnownModel(
        name="NEcharge",
        source="evcc template: a few currents, rounded down",
        vendor="ne-?charge",
        steps=(6, 8, 10, 13, 16),
    ),
    KnownModel(
        name="go-e, firmware 055.6 and newer",
        source="go-e#155, #187: as below, and one phase or three",
        vendor="go-?e",
        firmware=r"^0*(55\.([6-9]|[1-9]\d)|(5[6-9]|[6-9]\d)\.)",
        unit=LimitUnit.AMPERE,
        stack=1,
        resume_twice=True,
        switches_phases=True,
    ),
    KnownModel(
        name="go-e",
        source="go-e#155, #187, #154: level 0 stays, the first limit after 0 is lost",
        vendor="go-?e",
        unit=LimitUnit.AMPERE,
        stack=1,
        resume_twice=True,
    ),
    KnownModel(
        name="Easee",
        source="evcc#29861: follows after minutes",
        vendor="easee",
        slow=True,
    ),
    KnownModel(
        name="EN+, Atronix, SolaX",
        source="evcc templates: 0 A may need a stop",
        vendor=r"^en\+|en-?plus|atronix|solax",
        zero_ends=True,
    ),
    KnownModel(
        name="Legrand, Injet",
        source="lbbrhzn/ocpp#1248: the app's own limit caps all others",
        vendor="legrand|injet",
        advice="Raise the current in the maker's own app: it caps what can be set here.",
    ),
    KnownModel(
        name="Alfen",
        source="evcc template: one phase or three by the number of phases",
        vendor="alfen",
        switches_phases=True,
    ),
    KnownModel(
        name="Garo",
        source="evcc template: one phase or three by the number of phases",
        vendor="garo",
        switches_phases=True,
    ),
    KnownModel(
        name="Growatt THOR",
        source="lbbrhzn/ocpp#1293: a setting of its own",
        vendor="growatt",
    ),
)
# Configuration keys that hold a current in A for the whole charger, by makers that have
# them (Growatt: lbbrhzn/ocpp#1293).
_KEYS = ("G_MaxCurrent",)


def known_model(info: BootInfo | None) -> KnownModel:
    """Return what is known of a model; nothing in particular of most."""
    if info is None:
        return _NOTHING
    return next((known for known in _KNOWN if known.matches(info)), _NOTHING)


def known_keys() -> Sequence[str]:
    """Return the configuration keys that makers limit the current with."""
    return _KEYS


def fixes_default(info: BootInfo | None) -> bool:
    """Return whether a model is known to ignore a changed default while it charges."""
    return known_model(info).default_fixed
