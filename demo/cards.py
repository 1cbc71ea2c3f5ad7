"""The cards of the demo, and the key of its scripts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .past import CARDS

#: Long enough for the options; the demo listens on this machine only.
API_KEY = "demo-key-for-scripts"

#: A card that nobody has added.
STRANGER = "0459E1A07B22C8"


@dataclass(frozen=True)
class Card:
    """A card as its owner adds it."""

    name: str
    token: str
    status: str = "accepted"

    @property
    def answers(self) -> dict[str, Any]:
        """What is typed into the form."""
        return {"token": self.token, "name": self.name, "status": self.status}


ANNA = Card("Anna", CARDS["Anna"])
BEN = Card("Ben", CARDS["Ben"])
LOST = Card("Lost card", "04E7720B5C9D13", "blocked")

ADDED: Sequence[Card] = (ANNA, BEN, LOST)
