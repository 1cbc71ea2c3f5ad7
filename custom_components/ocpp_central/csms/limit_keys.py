"""Limits by a configuration key, for chargers that take no profiles.

What the key held before is the most that it may hold: whoever has installed the charger
had a reason for it.
"""

from typing import TYPE_CHECKING

from .connection import Payload, Priority
from .errors import CommandRejected, InvalidCommand
from .profiles import MINIMUM_CURRENT

if TYPE_CHECKING:
    from .charge_point import ChargePoint

_REBOOT = "rebootrequired"


async def write_key(
    charge_point: ChargePoint, name: str, limit: float, priority: Priority
) -> Payload:
    """Limit the whole charger by a key, in A. Raises CommandError."""
    state = charge_point.settings.state
    key = charge_point.configuration.get(name)
    present = (key.value if key else None) or ""
    if name not in state.former or present != state.ours.get(name):
        # Nobody has limited it yet, or somebody has set it anew.
        state.former[name] = present
    if limit < MINIMUM_CURRENT:
        # It would hold for every car to come, and without us for ever.
        raise InvalidCommand(f"{name} limits this charger, and cannot pause it")
    value = f"{int(min(limit, _number(state.former[name], limit)))}"
    state.ours[name] = value
    answer = await charge_point.commands.set_configuration(name, value, priority)
    if str(answer.get("status")).casefold() == _REBOOT:
        # That is no way to follow anything.
        await restore_key(charge_point, name)
        charge_point.settings.taken_back(name)
        raise CommandRejected("ChangeConfiguration", answer)
    charge_point.settings.remember()
    return answer


async def restore_key(charge_point: ChargePoint, name: str) -> Payload:
    """Let a key hold what it held before us. Raises CommandError."""
    state = charge_point.settings.state
    former = state.former.get(name)
    answer: Payload = {"status": "Accepted"}
    if former:
        answer = await charge_point.commands.set_configuration(name, former)
    state.former.pop(name, None)
    state.ours.pop(name, None)
    charge_point.settings.remember()
    return answer


def _number(text: str, otherwise: float) -> float:
    try:
        return float(text)
    except ValueError:
        return otherwise
