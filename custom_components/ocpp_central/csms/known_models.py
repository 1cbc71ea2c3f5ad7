"""What is known of some makes and models before they have said a word."""

from collections.abc import Sequence

from .model import BootInfo


def known_ways(info: BootInfo | None) -> Sequence[str]:
    """Return the ways to limit a charger that its model is known to obey."""
    return ()


def known_keys() -> Sequence[str]:
    """Return the configuration keys that makers limit the current with."""
    return ("G_MaxCurrent",)


def fixes_default(info: BootInfo | None) -> bool:
    """Return whether a model is known to ignore a changed default while it charges."""
    return False
