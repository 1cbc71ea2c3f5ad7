"""What running sessions cost, for chargers that show it (OCPP 2.x, I02)."""

from typing import TYPE_CHECKING

from .errors import NotSupported
from .vocabulary import Setting

if TYPE_CHECKING:
    from .charge_point import ChargePoint


class Costs:
    """Tells a charger that wants to know what its sessions have cost so far."""

    def __init__(self, charge_point: ChargePoint) -> None:
        """Begin with nothing told."""
        self._charge_point = charge_point
        # By transaction.
        self._told: dict[int, float] = {}

    def tick(self) -> None:
        """Tell what is another sum than before; called once a minute."""
        charge_point = self._charge_point
        if not charge_point.connected or not self._wanted:
            return
        told, self._told = self._told, {}
        for connector in charge_point.connectors:
            transaction = charge_point.transactions.at(connector)
            if transaction is None or transaction.charger_id is None:
                continue
            account = transaction.account
            if account.cost is None or not self._understood(account.currency):
                continue
            cost = self._told[transaction.id] = round(account.cost, 2)
            if told.get(transaction.id) != cost:
                charge_point.run(
                    self._tell(transaction.charger_id, cost), "tell what it costs"
                )

    @property
    def _wanted(self) -> bool:
        configuration = self._charge_point.configuration
        enabled = configuration.truth(Setting.COST_ENABLED)
        if enabled is None:
            enabled = configuration.truth(Setting.COST_AVAILABLE)
        return bool(enabled) and not self._charge_point.capabilities.no_cost

    def _understood(self, currency: str | None) -> bool:
        """Return whether a charger shows sums in this currency, as far as it says."""
        theirs = self._charge_point.configuration.text(Setting.COST_CURRENCY)
        return not theirs or not currency or theirs.casefold() == currency.casefold()

    async def _tell(self, transaction: str, cost: float) -> None:
        charge_point = self._charge_point
        try:
            await charge_point.commands.update_cost(transaction, cost)
        except NotSupported:
            charge_point.capabilities.no_cost = True
            await charge_point.capability_store.save()
