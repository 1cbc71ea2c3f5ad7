"""What a user can do about an issue."""

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow
from homeassistant.core import HomeAssistant

from .csms.admission import Refusal
from .csms.local_list import ListProblem
from .fail_safe_issue import FAIL_SAFE_UNVERIFIED, DropTestFlow
from .local_lists import ForeignListFlow
from .reboot_issue import REBOOT_REQUIRED, RebootFlow
from .security import InsecureFlow


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that belongs to an issue."""
    if issue_id.startswith(ListProblem.FOREIGN):
        return ForeignListFlow()
    if issue_id.startswith(REBOOT_REQUIRED):
        return RebootFlow()
    if issue_id.startswith(FAIL_SAFE_UNVERIFIED):
        return DropTestFlow()
    if issue_id.startswith(Refusal.INSECURE):
        return InsecureFlow()
    return ConfirmRepairFlow()
