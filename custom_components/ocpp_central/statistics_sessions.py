"""Statistics of what sessions have used: of each charge point, and of each id token.

They come from the ledger by the hour, so that a correction of the ledger is a correction
of the statistics, however late it comes.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
import math

from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    async_add_external_statistics,
    get_last_statistics,
    get_metadata,
)
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import slugify
from homeassistant.util.unit_conversion import EnergyConverter

from .const import DOMAIN
from .csms.authorization import is_card
from .csms.charge_point import ChargePoint
from .csms.model import mask_token
from .ledger import Ledger
from .ledger.statistics import Series, Subject, Use, publish, unpublished, use
from .statistics_queue import async_written

_HOUR = timedelta(hours=1)
_TOKEN_PREFIX = "token_"


async def async_publish_sessions(
    hass: HomeAssistant, ledger: Ledger, charge_points: Mapping[str, ChargePoint]
) -> None:
    """Bring the statistics up to the sessions that have changed."""
    changed = await ledger.ask(unpublished)
    if not changed:
        return
    instance = get_instance(hass)
    metadata = await instance.async_add_executor_job(
        partial(get_metadata, hass, statistic_source=DOMAIN)
    )
    names = {
        statistic_id: known["name"] for statistic_id, (_, known) in metadata.items()
    }
    # A charger that was removed keeps its series; a stranger gets none.
    changed = [
        one
        for one in changed
        if one.identity in charge_points
        or _energy_id(charge_point_object_id(one.identity)) in names
    ]
    identities = {one.identity for one in changed}
    first_hours: dict[Subject, datetime] = {}
    for one in changed:
        subjects = [Subject(identity=one.identity)]
        if one.token is not None and is_card(one.token):
            subjects.append(Subject(token=one.token))
        for subject in subjects:
            hour = first_hours.get(subject, one.first_hour)
            first_hours[subject] = min(hour, one.first_hour)

    expected: dict[str, StatisticData] = {}
    for subject, first_hour in first_hours.items():
        job = partial(use, subject=subject, identities=identities)
        since: datetime | None = first_hour
        used = await ledger.ask(partial(job, since=since))
        object_id = _object_id(subject, used)
        if _energy_id(object_id) not in names:
            since = None
            used = await ledger.ask(partial(job, since=since))
        name = _name(subject, used, charge_points)
        for series_metadata, series, factor in _series(object_id, name, used):
            statistic_id = series_metadata["statistic_id"]
            if name is None:
                series_metadata["name"] = names.get(statistic_id)
            if rows := list(_rows(series, factor, since)):
                async_add_external_statistics(hass, series_metadata, rows)
                expected[statistic_id] = rows[-1]

    await async_written(hass)
    if await instance.async_add_executor_job(_are_there, hass, expected):
        revisions = {one.id: one.revision for one in changed}
        await ledger.ask(partial(publish, revisions=revisions))


def _are_there(hass: HomeAssistant, expected: Mapping[str, StatisticData]) -> bool:
    """Return whether each series ends as it should (in a thread of the recorder)."""
    for statistic_id, row in expected.items():
        last = get_last_statistics(hass, 1, statistic_id, False, {"sum"}).get(
            statistic_id
        )
        if (
            not last
            or last[0]["start"] != row["start"].timestamp()
            or not math.isclose(last[0]["sum"] or 0, row["sum"] or 0, abs_tol=1e-9)
        ):
            return False
    return True


def charge_point_object_id(identity: str) -> str:
    """Return what the series of a charge point are called by.

    Identities may hold what statistics may not, and be the same without it.
    """
    identity = identity.casefold()
    slug = slugify(identity)
    if slug == identity and not slug.startswith(_TOKEN_PREFIX):
        return slug
    return f"{slug}_{sha256(identity.encode()).hexdigest()[:6]}"


def _object_id(subject: Subject, used: Use) -> str:
    if subject.identity is not None:
        return charge_point_object_id(subject.identity)
    # Every user sees it: nothing of the card is in it, not even a digest.
    return f"{_TOKEN_PREFIX}{used.first_session}"


def _energy_id(object_id: str) -> str:
    return f"{DOMAIN}:{object_id}_energy"


def _name(
    subject: Subject, used: Use, charge_points: Mapping[str, ChargePoint]
) -> str | None:
    """Return what users call it; None: whatever they called it before."""
    if subject.identity is not None:
        charge_point = charge_points.get(subject.identity)
        return charge_point.config.name if charge_point else None
    token = used.token or ""
    ours = {charge_point.config.remote_tag for charge_point in charge_points.values()}
    return used.user or (token if token in ours else mask_token(token))


def _series(
    object_id: str, name: str | None, used: Use
) -> Iterator[tuple[StatisticMetaData, Series, float]]:
    """Return the series of a subject, and what to multiply their values with."""
    yield (
        StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=f"Charging {name} energy",
            source=DOMAIN,
            statistic_id=_energy_id(object_id),
            unit_class=EnergyConverter.UNIT_CLASS,
            unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        ),
        used.energy,
        0.001,
    )
    for currency, series in used.costs.items():
        yield (
            StatisticMetaData(
                mean_type=StatisticMeanType.NONE,
                has_sum=True,
                name=f"Charging {name} cost",
                source=DOMAIN,
                # What one pays in two currencies is two sums.
                statistic_id=f"{DOMAIN}:{object_id}_cost_{slugify(currency)}",
                unit_class=None,
                unit_of_measurement=currency,
            ),
            series,
            1.0,
        )


def _rows(
    series: Series, factor: float, since: datetime | None
) -> Iterator[StatisticData]:
    """Return the rows of a series."""
    total = series.before
    previous: datetime | None = None
    for hour, amount in series.hours:
        if previous != hour - _HOUR and (since is None or hour >= since):
            # Whoever asks for the change since this hour looks at the one before, and
            # if there is none, at nothing earlier.
            yield StatisticData(start=hour - _HOUR, state=0.0, sum=total * factor)
        total += amount
        previous = hour
        yield StatisticData(start=hour, state=amount * factor, sum=total * factor)
