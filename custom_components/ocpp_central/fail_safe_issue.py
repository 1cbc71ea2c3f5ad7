"""The repair of a charger of which nobody knows what it does when it is on its own."""

import asyncio
from typing import TYPE_CHECKING

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
import voluptuous as vol

from .const import DOMAIN
from .csms.charge_point import ChargePoint
from .csms.errors import CommandError
from .csms.fail_safe import CannotTest, Obstacle
from .csms.model import STATION

if TYPE_CHECKING:
    from .hub import OcppConfigEntry

FAIL_SAFE_UNVERIFIED = "fail_safe_unverified"


@callback
def async_offer_test(
    hass: HomeAssistant, entry_id: str, charge_point: ChargePoint
) -> CALLBACK_TYPE:
    """Offer to find out for as long as it is worth while."""

    @callback
    def changed() -> None:
        if not charge_point.fail_safe.wanting:
            async_delete_fail_safe_issue(hass, charge_point.identity)
            return
        name = charge_point.config.name
        ir.async_create_issue(
            hass,
            DOMAIN,
            _issue_id(charge_point.identity),
            data={
                "entry_id": entry_id,
                "identity": charge_point.identity,
                "name": name,
            },
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key="fail_safe_unverified",
            translation_placeholders={"name": name},
        )

    unsubscribe = [
        charge_point.subscribe(STATION, ("fail_safe",), changed),
        charge_point.subscribe_wishes(changed),
    ]
    changed()

    @callback
    def stop() -> None:
        for each in unsubscribe:
            each()

    return stop


@callback
def async_delete_fail_safe_issue(hass: HomeAssistant, identity: str) -> None:
    """Take the repair of a charge point back."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(identity))


def _issue_id(identity: str) -> str:
    return f"{FAIL_SAFE_UNVERIFIED}_{identity.casefold()}"


class DropTestFlow(RepairsFlow):
    """Leave a charger on its own for a minute, if the user agrees."""

    _task: asyncio.Task[bool] | None = None
    # What the last minute has come to.
    _error: dict[str, str] | None = None
    _words = ""
    _passed = False

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Say what will happen, and ask."""
        charge_point = self._charge_point()
        if charge_point is None:
            return self.async_abort(reason="charge_point_gone")
        errors = self._error or {}
        if user_input is not None:
            connector, obstacle = _best(charge_point)
            if obstacle is None:
                self._task = self.hass.async_create_background_task(
                    charge_point.fail_safe.test(connector),
                    f"{charge_point.identity} fail-safe test",
                )
                return await self.async_step_wait()
            errors = {"base": obstacle}
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders={
                "name": charge_point.config.name,
                "limit": f"{_told(charge_point):g}",
                "fallback": f"{_fallback(charge_point):g}",
                "error": self._words,
            },
        )

    async def async_step_wait(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Wait for a minute, and for the charger to follow."""
        assert self._task
        if not self._task.done():
            return self.async_show_progress(
                step_id="wait", progress_action="wait", progress_task=self._task
            )
        try:
            self._passed = self._task.result()
        except CannotTest as error:
            self._error = {"base": error.obstacle}
        except CommandError as error:
            self._error, self._words = {"base": "refused"}, str(error)
        else:
            return self.async_show_progress_done(next_step_id="outcome")
        return self.async_show_progress_done(next_step_id="confirm")

    async def async_step_outcome(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Tell what was found out."""
        if self._passed:
            return self.async_create_entry(data={})
        return self.async_abort(reason="stays_up")

    def _charge_point(self) -> ChargePoint | None:
        data = self.data or {}
        entries: list[OcppConfigEntry] = self.hass.config_entries.async_loaded_entries(
            DOMAIN
        )
        identity = str(data["identity"]).casefold()
        return next(
            (
                entry.runtime_data.central.charge_points.get(identity)
                for entry in entries
                if entry.entry_id == data["entry_id"]
            ),
            None,
        )


def _best(charge_point: ChargePoint) -> tuple[int, Obstacle | None]:
    """Return the connector that can tell, or why none of them can."""
    found = [
        (connector, charge_point.fail_safe.obstacle(connector))
        for connector in charge_point.connectors
    ]
    # A car that takes too little is nearer to it than none.
    found.sort(key=lambda one: (one[1] is not None, one[1] is Obstacle.NO_CAR))
    return found[0] if found else (STATION, Obstacle.NO_CAR)


def _told(charge_point: ChargePoint) -> float:
    """Return what the connector that can tell is let draw now, in A."""
    connector, _ = _best(charge_point)
    limit = charge_point.limits.now(connector)
    return limit.value if limit else charge_point.config.installation_current


def _fallback(charge_point: ChargePoint) -> float:
    floor = charge_point.wishes.offline_current
    return charge_point.config.installation_current if floor is None else floor
