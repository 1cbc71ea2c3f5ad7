"""What chargers do otherwise than the standard has it, where their current is limited.

`Quirks` is data: fields that do not depend on each other, and any combination of them is a charger.
`simulator.oddities` makes a simulated charger behave so, `simulator.zoo` names the combinations that
are known from real ones.
"""

from dataclasses import dataclass
from enum import StrEnum


class Target(StrEnum):
    """What a profile limits, in the words of no version."""

    STATION = "station"
    DEFAULT = "default"
    TRANSACTION = "transaction"


class Refusal(StrEnum):
    """How something is refused: by a status, by an error, or not even that."""

    REJECTED = "Rejected"
    NOT_SUPPORTED = "NotSupported"
    ERROR = "PropertyConstraintViolation"
    UNKNOWN = "NotImplemented"
    SILENCE = ""


class Composite(StrEnum):
    """What is told to whoever asks for a composite schedule."""

    HONEST = "honest"
    #: What was accepted, whether it is obeyed or not.
    FORMAL = "formal"
    #: What the hardware could do, at all times.
    CONSTANT = "constant"
    NONE = "none"


class Offered(StrEnum):
    """What Current.Offered is worth."""

    HONEST = "honest"
    #: Always 0.
    ZERO = "zero"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """How a charger differs from a good one.

    Attributes:
        purposes: What it takes profiles for, and how it refuses others.
        no_kinds: The kinds of profiles it does not take, and how it refuses them.
        units: What limits may be measured in.
        stacks: The lowest and the highest stack level it takes.
        zero_only: It takes what is for connector 0, and nothing else.
        small_ids: The ids of profiles must not be above the number of those it can hold.
        no_zero: A limit of 0 is refused.
        no_decimals: A limit of which tenths matter is refused.
        no_phases: A period with a number of phases is refused.
        no_profiles: It knows nothing of charging profiles.
        ignores: What it accepts profiles for, without any effect.
        default_fixed: A transaction goes on by the defaults that it began with.
        deaf_after_zero: The first limit after 0 is accepted and forgotten.
        stuck_at_zero: A TxProfile of 0 stays, whatever comes, until a reboot.
        single_period: Only the first period of a schedule counts.
        no_future: A profile that starts in its future never counts.
        zero_ends: A limit of 0 ends the transaction.
        hangs_at_zero: A limit of 0 while nothing charges: nothing will, until a reboot.
        floor: A limit above 0 and below this is taken for this, in A.
        steps: The currents it can offer; what lies between is rounded down.
        step: It offers only multiples of this.
        cap: What somebody has set in an app, which nobody tells.
        current_key: A configuration key that limits the current, in A.
        leftover: The limit of a default that somebody else left behind, in A.
        forgets: It has lost all profiles after a reboot.
        composite: What it tells of its schedules.
        offered: What it tells of its offers.
        behind: How many hours its clock is behind.
        delay: How long its answers take, in seconds.
        reboots_on_read: Configuration keys that it restarts over when asked for by name.
        reboots_on_change: It restarts after every change of a configuration key.
    """

    purposes: frozenset[Target] = frozenset(Target)
    no_purpose: Refusal = Refusal.REJECTED
    no_kinds: frozenset[str] = frozenset()
    no_kind: Refusal = Refusal.REJECTED
    units: frozenset[str] = frozenset({"A", "W"})
    stacks: tuple[int, int] | None = None
    zero_only: bool = False
    small_ids: bool = False
    no_zero: bool = False
    no_decimals: bool = False
    no_phases: bool = False
    no_profiles: bool = False
    ignores: frozenset[Target] = frozenset()
    default_fixed: bool = False
    deaf_after_zero: bool = False
    stuck_at_zero: bool = False
    single_period: bool = False
    no_future: bool = False
    zero_ends: bool = False
    hangs_at_zero: bool = False
    floor: float = 0.0
    steps: tuple[float, ...] = ()
    step: float = 0.0
    cap: float | None = None
    current_key: str | None = None
    leftover: float | None = None
    forgets: bool = False
    composite: Composite = Composite.HONEST
    offered: Offered = Offered.HONEST
    behind: float = 0.0
    delay: float = 0.0
    reboots_on_read: frozenset[str] = frozenset()
    reboots_on_change: bool = False


#: A good charger has none.
NO_QUIRKS = Quirks()
