"""What users want of a charge point: kept, and carried out now or later."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .errors import CommandError, NotConnected
from .model import STATION, Event, EventKind, StationWishes, Wishes
from .state import State, Unsubscribe, add_listener, call_listeners
from .write_budget import Cause

if TYPE_CHECKING:
    from .access import Access
    from .commands import Commands
    from .limits import Limits
    from .transactions import Transactions


class WishKeeper(State):
    """Keeps the wishes for one charge point, connected or not."""

    access: Access
    limits: Limits
    transactions: Transactions

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self.wishes = StationWishes()
        self._wishes_told = 0
        self._wish_listeners: list[Callable[[], None]] = []

    @property
    @abstractmethod
    def commands(self) -> Commands:
        """Return what the charger can be told; raises NotConnected."""

    @abstractmethod
    async def disconnect(self) -> None:
        """Let the charger go."""

    @abstractmethod
    def tell(self, event: Event) -> None:
        """Tell an event to who listens, after the answer to its cause has left."""

    def wish(self, connector: int) -> Wishes:
        """Return what the user wants of a connector."""
        return self.wishes.connectors.setdefault(connector, Wishes())

    def wishes_changed(self) -> None:
        """Tell that the user wants something else from now on."""
        self._wishes_told += 1
        call_listeners(self._wish_listeners)

    async def set_current_limit(self, connector: int, current: float) -> None:
        """Limit a connector, in A per phase; kept where the charger is away.

        The newest wish wins: a limit of the running session is over.
        """
        await self._keep_limit(connector, "current_limit", current)

    async def set_power_limit(self, connector: int, power: float) -> None:
        """Limit a connector, in W of all phases; kept where the charger is away.

        Beside a limit in A, the lower one holds.
        """
        await self._keep_limit(connector, "power_limit", power)

    async def _keep_limit(self, connector: int, name: str, limit: float) -> None:
        wish = self.wish(connector)
        session, wish.session = wish.session, None
        try:
            await self.keep_wish(
                wish, name, limit, partial(self.limits.apply, connector)
            )
        except CommandError:
            wish.session = session
            raise

    async def set_maximum_current(self, current: float) -> None:
        """Set the ceiling of the whole charge point, in A per phase."""
        await self.keep_wish(
            self.wishes, "maximum_current", current, partial(self.limits.apply, STATION)
        )

    async def set_offline_current(self, current: float) -> None:
        """Set what may flow at a connector without us, in A per phase."""
        await self.keep_wish(
            self.wishes, "offline_current", current, partial(self.limits.apply, STATION)
        )

    async def set_paused(self, connector: int, paused: bool) -> None:
        """Pause charging at 0 A, or let it go on; the transaction stays."""
        wish = self.wish(connector)
        before = wish.paused
        carried_out = await self.keep_wish(
            wish, "paused", paused, partial(self.limits.apply, connector)
        )
        if carried_out and paused != before and self.transactions.at(connector):
            kind = "paused" if paused else "resumed"
            self.tell(Event(EventKind.TRANSACTION, connector, kind))
        self.access.look(connector)

    async def set_enabled(self, enabled: bool) -> None:
        """Let the charger connect, or hang up and refuse it from now on."""
        self.wishes.enabled = enabled
        self.wishes_changed()
        if not enabled:
            await self.disconnect()

    async def set_available(self, connector: int, available: bool) -> None:
        """Put a connector in or out of service."""
        await self.keep_wish(
            self.wish(connector),
            "available",
            available,
            lambda: self.commands.change_availability(connector, available),
        )

    async def keep_wish(
        self,
        wishes: Wishes | StationWishes,
        name: str,
        wish: Any,
        carry_out: Callable[[], Awaitable[object]],
    ) -> bool:
        """Keep a wish and carry it out, now (True) or when the charger is back.

        A wish that the charger refuses is taken back: the error says so, and it would
        be sent again for ever.
        """
        before = getattr(wishes, name)
        told = self._wishes_told
        setattr(wishes, name, wish)
        carried_out = False
        try:
            await carry_out()
            carried_out = True
        except NotConnected:
            pass
        except CommandError:
            if getattr(wishes, name) == wish:
                setattr(wishes, name, before)
                if self._wishes_told != told:
                    # Whoever heard of it meanwhile hears that it came to nothing.
                    self.wishes_changed()
            self.limits.restore(Cause.TAKEN_BACK)
            raise
        self.wishes_changed()
        return carried_out

    def subscribe_wishes(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call a listener when the user wants something else."""
        return add_listener(self._wish_listeners, listener)
