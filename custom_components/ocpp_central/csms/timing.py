"""How long everything about a connection may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Time limits in seconds."""

    call: float = 30
    # How long a reduction for safety waits for the answer to another call.
    patience: float = 5
    ping: float = 30
    # Without any frame for `silence`, one cheap call asks for a sign of life. The
    # worst case, silence + ping + call, is the two and a half minutes promised.
    silence: float = 90
    close: float = 2
    # Bring-up: silence after an accepted boot, or this long where none comes; then
    # until the charger has said what it has to say; and between two steps.
    boot_grace: float = 1
    no_boot: float = 10
    quiet: float = 5
    pace: float = 1
    # How long a newly added charge point may take to boot again.
    reboot: float = 10
    # How long limits are left to settle until the charger is asked what they come to.
    settle: float = 5
    # How long a charger may take to do what it has accepted.
    verify: float = 15
    # How long one may take to answer what nobody knows it to understand.
    probe: float = 15
