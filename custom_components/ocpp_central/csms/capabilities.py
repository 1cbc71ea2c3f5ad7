"""What a charger and its firmware was seen to do, kept over restarts."""

from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from .model import BootInfo


@dataclass(slots=True)
class Capabilities:
    """What is known of one vendor, model and firmware."""

    # Bring-up steps after which the charger dropped its socket.
    quarantined: list[str] = field(default_factory=list)
    # The step under way, by identity. Found set after a restart, it is the culprit.
    trying: dict[str, str] = field(default_factory=dict)
    # Messages that TriggerMessage was refused for.
    untriggerable: list[str] = field(default_factory=list)
    # Changes of configuration that were refused, as "key=value".
    refused: list[str] = field(default_factory=list)
    # By what they are to hold for, the way to limit it that it was seen to obey, or at
    # least has accepted; and those that it refuses or ignores, with what it said.
    rungs: dict[str, str] = field(default_factory=dict)
    accepted_rungs: dict[str, str] = field(default_factory=dict)
    failed_rungs: dict[str, str] = field(default_factory=dict)
    # Whether a running transaction goes on by the default it began with, where known.
    default_fixed: bool | None = None
    # A limit of 0 ends the transaction.
    zero_ends: bool = False
    # What it says that it offers to cars is not what it does.
    false_offers: bool = False
    # The ways by which it was seen to come back to what may flow without us, and not to.
    falls_back: list[str] = field(default_factory=list)
    stays_up: list[str] = field(default_factory=list)
    # It obeys only the first period of a profile.
    one_period: bool = False
    # It does not let go of a profile when its validity ends.
    no_validity: bool = False
    # It refuses limits that say a number of phases, and those with decimals.
    no_phase_numbers: bool = False
    whole_amperes: bool = False
    # It keeps no list of tokens.
    no_local_list: bool = False
    # It does not want to know what a session costs.
    no_cost: bool = False
    # It cannot tell what its profiles come to.
    no_composite: bool = False
    # It cannot tell which profiles it holds.
    no_profile_list: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return what `Capabilities(**…)` takes."""
        return asdict(self)


@dataclass(slots=True)
class ConfigurationKey:
    """A configuration key (OCPP 1.6) or a variable (2.x) as the charger has it."""

    value: str | None
    readonly: bool
    # The largest value it takes, where the charger tells.
    most: int | None = None


class CapabilityStore(Protocol):
    """Where capabilities are kept."""

    def get(self, model: str) -> Capabilities:
        """Return what is known of a model; the object may be changed and saved."""

    def configuration(self, identity: str, model: str) -> dict[str, ConfigurationKey]:
        """Return the keys this charge point had with this firmware; may be empty."""

    def set_configuration(
        self, identity: str, model: str, keys: dict[str, ConfigurationKey]
    ) -> None:
        """Cache the configuration of a charge point with this firmware."""

    async def save(self) -> None:
        """Return after everything is on disk."""


def model_key(info: BootInfo) -> str:
    """Return what capabilities are remembered by."""
    return f"{info.vendor}|{info.model}|{info.firmware or ''}"
