"""The repairs of a charger whose limits do not hold, or may not when it is alone."""

from collections.abc import Iterator, Mapping

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .csms.charge_point import ChargePoint
from .csms.limit_problems import REFUSED, LimitProblem
from .csms.model import STATION
from .csms.rungs import Rung
from .devices import connector_name
from .fail_safe_issue import async_delete_fail_safe_issue, async_offer_test
from .limit_ways import described

LIMIT_NOT_OBEYED = "limit_not_obeyed"
# So many lines tell of all that was tried.
_MOST_LINES = 5
_ACTION = "SetChargingProfile: "


@callback
def async_tell_limit_issues(
    hass: HomeAssistant, entry_id: str, charge_point: ChargePoint
) -> CALLBACK_TYPE:
    """Tell what is wrong with the limits of a charger, until it is not."""
    unsubscribe = charge_point.subscribe(
        STATION, ("limit_problem",), lambda: _update(hass, charge_point)
    )
    unsubscribe_test = async_offer_test(hass, entry_id, charge_point)

    @callback
    def stop() -> None:
        unsubscribe()
        unsubscribe_test()

    return stop


def _update(hass: HomeAssistant, charge_point: ChargePoint) -> None:
    problems = charge_point.proof.problems
    for connector in _told(hass, charge_point.identity):
        if connector not in problems:
            _delete(hass, charge_point.identity, connector)
    for problem in problems.values():
        _create(hass, charge_point, problem)


@callback
def async_delete_limit_issues(hass: HomeAssistant, identity: str) -> None:
    """Take the repairs of a charge point back."""
    for connector in _told(hass, identity):
        _delete(hass, identity, connector)
    async_delete_fail_safe_issue(hass, identity)


def _create(
    hass: HomeAssistant, charge_point: ChargePoint, problem: LimitProblem
) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        _prefix(charge_point.identity) + str(problem.connector),
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key="limit_not_obeyed",
        translation_placeholders={
            "name": _name(charge_point, problem.connector),
            "limit": f"{problem.wanted:g}",
            "seen": _seen(problem.seen),
            "ways": "\n".join(f"- {line}" for line in _tried(problem.ways)),
            "advice": f"{problem.advice} " if problem.advice else "",
        },
    )


def _delete(hass: HomeAssistant, identity: str, connector: int) -> None:
    ir.async_delete_issue(hass, DOMAIN, _prefix(identity) + str(connector))


def _told(hass: HomeAssistant, identity: str) -> list[int]:
    """Return the connectors of a charge point that there is a repair of."""
    prefix = _prefix(identity)
    numbers = [
        issue_id.removeprefix(prefix)
        for domain, issue_id in ir.async_get(hass).issues
        if domain == DOMAIN and issue_id.startswith(prefix)
    ]
    # Another charge point may be called by this one's name and a number.
    return [int(number) for number in numbers if number.isdecimal()]


def _prefix(identity: str) -> str:
    return f"{LIMIT_NOT_OBEYED}_{identity.casefold()}_"


def _name(charge_point: ChargePoint, connector: int) -> str:
    name = charge_point.config.name
    if connector == STATION or len(charge_point.connectors) == 1:
        return name
    return f"{name} connector {connector_name(connector)}"


def _seen(words: str) -> str:
    """Return what a charger does instead of what it is told."""
    if words == REFUSED:
        return "it refuses every way to limit it"
    return words or "not known, as it does not tell"


def _tried(ways: Mapping[str, str]) -> Iterator[str]:
    """Return what came of the ways to limit a charger, in a few lines."""
    answers: dict[str, list[str]] = {}
    for name, words in ways.items():
        answers.setdefault(words.removeprefix(_ACTION), []).append(name)
    told = sorted(answers.items(), key=lambda answer: -len(answer[1]))
    if len(told) > _MOST_LINES:
        rest = [name for _, names in told[_MOST_LINES - 1 :] for name in names]
        told[_MOST_LINES - 1 :] = [("something else each", rest)]
    for words, names in told:
        who = _way(names[0]) if len(names) == 1 else f"{len(names)} ways"
        yield f"{who}: {words}"
    if not told:
        yield "only the way that it follows now"


def _way(name: str) -> str:
    rung = Rung.named(name)
    return described(rung) if rung else name
