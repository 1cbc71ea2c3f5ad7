"""What optional features have a say in. Here is the charger without them; each may be replaced."""

from typing import TYPE_CHECKING, Any

from simulator.profiles import Limit

from .schemas import Payload

if TYPE_CHECKING:
    from .station import Evse


class Limits:
    """What smart charging leaves of the hardware: everything."""

    def session(self, evse: Evse) -> Limit:
        """What one EVSE may draw."""
        return Limit(evse.max_current, phases=evse.phases)

    def station(self) -> Limit:
        """What all EVSEs may draw together."""
        return Limit()

    def permits(self, evse: Evse, profile: Payload) -> bool:
        """Whether a transaction may be started with a profile."""
        return True

    def started(self, evse: Evse, profile: Payload | None) -> None:
        """A transaction has begun, with the profile it was asked for with."""

    def ended(self, evse: Evse, transaction_id: str) -> None:
        """A transaction has ended."""


class Reservations:
    """Who keeps a place free: nobody."""

    def permits(self, evse: Evse, token: Payload, group: Payload | None) -> bool:
        """Whether somebody may use an EVSE as far as reservations go."""
        return True

    def use(self, evse: Evse, token: Payload, group: Payload | None) -> int | None:
        """Take up a reservation, and return its id."""
        return None


class LocalList:
    """Whom the charger knows by heart: nobody."""

    def find(self, token: Payload) -> Payload | None:
        """The IdTokenInfo of a token."""
        return None


class Costs:
    """What a transaction costs by a tariff that the charger knows (OCPP 2.1): it knows none."""

    def authorized(self, evse: Evse, answer: Payload) -> None:
        """The central system has answered to Authorize, perhaps with a tariff."""

    def event(self, evse: Evse, event: Payload) -> dict[str, Any]:
        """More members for a TransactionEvent, such as costDetails."""
        return {}

    def cost(self, evse: Evse) -> float | None:
        """The cost so far."""
        return None
