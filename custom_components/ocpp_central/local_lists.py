"""Lists of tokens on chargers: what the user has to know of them, and to decide."""

from typing import override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .csms.charge_point import ChargePoint
from .csms.local_list import ListProblem


@callback
def async_tell_problems(
    hass: HomeAssistant, entry_id: str, charge_point: ChargePoint
) -> CALLBACK_TYPE:
    """Raise an issue for whatever is wrong with a charger's list, until it is not."""

    def issue_id(problem: ListProblem) -> str:
        return f"{problem}_{charge_point.identity.casefold()}"

    @callback
    def changed() -> None:
        problems = charge_point.local_list.problems
        for problem in ListProblem:
            if problem not in problems:
                ir.async_delete_issue(hass, DOMAIN, issue_id(problem))
        if numbers := problems.get(ListProblem.FOREIGN):
            ir.async_create_issue(
                hass,
                DOMAIN,
                issue_id(ListProblem.FOREIGN),
                data={"entry_id": entry_id, "identity": charge_point.identity},
                is_fixable=True,
                severity=ir.IssueSeverity.WARNING,
                translation_key="local_list_foreign",
                translation_placeholders={
                    "charge_point": charge_point.config.name,
                    "version": str(numbers["version"]),
                },
            )
        if numbers := problems.get(ListProblem.TOO_LONG):
            ir.async_create_issue(
                hass,
                DOMAIN,
                issue_id(ListProblem.TOO_LONG),
                is_fixable=False,
                severity=ir.IssueSeverity.WARNING,
                translation_key="local_list_too_long",
                translation_placeholders={
                    "charge_point": charge_point.config.name,
                    "most": str(numbers["most"]),
                    "number": str(numbers["number"]),
                },
            )

    unsubscribe = charge_point.local_list.subscribe(changed)

    @callback
    def stop() -> None:
        unsubscribe()
        for problem in ListProblem:
            ir.async_delete_issue(hass, DOMAIN, issue_id(problem))

    return stop


class ForeignListFlow(ConfirmRepairFlow):
    """Ask whether somebody else's list on a charger may be replaced."""

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Replace it, now or when the charger is back."""
        if user_input is not None:
            assert self.data
            entry = self.hass.config_entries.async_get_entry(str(self.data["entry_id"]))
            if entry and entry.state is ConfigEntryState.LOADED:
                identity = str(self.data["identity"]).casefold()
                charge_point = entry.runtime_data.central.charge_points.get(identity)
                if charge_point:
                    charge_point.local_list.replace()
        return await super().async_step_confirm(user_input)
