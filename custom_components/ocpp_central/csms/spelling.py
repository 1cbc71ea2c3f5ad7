"""What a charger is particular about in limits, besides the way they take."""

from typing import TYPE_CHECKING

from .errors import CommandError, CommandFailed, CommandRejected, NotSupported
from .known_models import known_model
from .model import LimitProfile, LimitUnit
from .profiles import written

if TYPE_CHECKING:
    from .charge_point import ChargePoint

# What the standard's schemas take, in A; nobody needs less than one watt.
_STEP = 0.1
_WATTS = 1.0


class Spelling:
    """How limits are spelled for one charge point, as far as it was seen to matter.

    One that refuses a limit may only dislike its decimals, or to be told the number of
    phases: it is asked once more without, before the way itself is in doubt.
    """

    def __init__(self, charge_point: ChargePoint) -> None:
        """Begin with what is remembered."""
        self._charge_point = charge_point
        # What is left out for a try, and of which profile.
        self._without_phases = False
        self._whole = False
        self._tried: object = None
        # Neither was the reason.
        self._in_vain = False

    def forget(self) -> None:
        """Begin anew: the charger may have other reasons now."""
        self._without_phases = self._whole = self._in_vain = False

    @property
    def tells_phases(self) -> bool:
        """Return whether a number of phases may be written."""
        return not (
            self._without_phases or self._charge_point.capabilities.no_phase_numbers
        )

    def offered(self, limit: float, unit: LimitUnit) -> float:
        """Return the most that a charger can offer and that is within a limit."""
        if unit is LimitUnit.WATT:
            return written(limit, _WATTS)
        known = known_model(self._charge_point.info)
        if known.steps:
            return max((step for step in known.steps if step <= limit), default=0.0)
        whole = self._whole or self._charge_point.capabilities.whole_amperes
        return written(limit, max(known.step, 1.0 if whole else _STEP))

    def refused(self, profile: LimitProfile, error: CommandError) -> bool:
        """Return whether to try once more, in plainer words."""
        refusal = isinstance(error, (CommandRejected, CommandFailed))
        if self._in_vain or not refusal or isinstance(error, NotSupported):
            return False
        self._tried = profile.slot
        if profile.phases is not None and self.tells_phases:
            self._without_phases = True
            return True
        decimals = any(step.limit % 1 for step in profile.course)
        if decimals and profile.unit is LimitUnit.AMPERE and not self._whole:
            self._whole = True
            return True
        if self._without_phases or self._whole:
            self.forget()
            self._in_vain = True
        return False

    async def accepted(self, profile: LimitProfile) -> None:
        """Remember what had to be left out, now that it is taken."""
        if not (self._without_phases or self._whole) or profile.slot != self._tried:
            return
        capabilities = self._charge_point.capabilities
        # Left out last is what it disliked; where both were, nobody knows more.
        capabilities.no_phase_numbers |= self._without_phases and not self._whole
        capabilities.whole_amperes |= self._whole
        self._without_phases = self._whole = False
        self._charge_point.phases.look_at_all()
        await self._charge_point.capability_store.save()
