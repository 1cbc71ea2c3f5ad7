"""Puts energy that was charged unheard into the hours in which it was charged.

A charger that was offline tells afterwards what it has charged. Its energy sensor then
jumps, and the recorder takes the whole jump for the hour of the reconnect. The rows of
the hours before are written here, up to what the sensor has jumped to: what is left for
the hour of the reconnect is what was charged in it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import accumulate
import math
from typing import NamedTuple

from homeassistant.components.recorder.db_schema import (
    Statistics as StatisticsTable,
    StatisticsRuns,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMetaData,
    process_timestamp,
)
from homeassistant.components.recorder.statistics import (
    async_import_statistics,
    get_metadata_with_session,
)
from homeassistant.const import Platform, UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import EnergyConverter
from sqlalchemy import func, select

from .const import DOMAIN
from .entity import unique_id
from .ledger import Ledger
from .ledger.statistics import Place, Points, forget_replayed, replayed
from .statistics_queue import async_written

# What nothing can be made of is kept as long as the recorder keeps states by default.
KEPT = timedelta(days=10)
# By when the recorder is through with an hour.
_LATE = timedelta(minutes=5)
_HOUR = 3600.0
# Sensors are rounded.
_HEARD = 1e-3


class Row(NamedTuple):
    """A row of hourly statistics, at the timestamp that its hour begins."""

    start: float
    state: float
    sum: float


class Point(NamedTuple):
    """What a register was at a timestamp."""

    time: float
    value: float


@dataclass(frozen=True, slots=True)
class _Correction:
    """What is to be written into a series."""

    metadata: StatisticMetaData
    rows: Sequence[Row]
    # Whether there is nothing more to come.
    final: bool


async def async_import_replayed(hass: HomeAssistant, ledger: Ledger) -> None:
    """Bring the statistics of all energy sensors up to what was told afterwards."""
    for place, points in (await ledger.ask(replayed)).items():
        if await _async_import(hass, place, points):
            await ledger.ask(partial(forget_replayed, place=place, points=points))


async def _async_import(hass: HomeAssistant, place: Place, points: Points) -> bool:
    """Return whether the points of a connector have served their purpose."""
    correction = await _async_correction(hass, place, points)
    if correction is None:
        return points[-1][0] < dt_util.utcnow() - KEPT
    if correction.rows:
        async_import_statistics(
            hass,
            correction.metadata,
            [
                StatisticData(
                    start=dt_util.utc_from_timestamp(row.start),
                    state=row.state,
                    sum=row.sum,
                )
                for row in correction.rows
            ],
        )
        await async_written(hass)
        # It may have failed, and be tried again after what was waited for.
        correction = await _async_correction(hass, place, points)
    return correction is not None and correction.final and not correction.rows


async def _async_correction(
    hass: HomeAssistant, place: Place, points: Points
) -> _Correction | None:
    """Return what is wrong in the statistics of a sensor; None where it has none."""
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(
        Platform.SENSOR, DOMAIN, unique_id(*place, "energy")
    )
    entity = entity_id and registry.async_get(entity_id)
    if not entity or entity.disabled:
        return None
    return await get_instance(hass).async_add_executor_job(
        _correction, hass, entity.entity_id, points
    )


def _correction(
    hass: HomeAssistant, entity_id: str, points: Points
) -> _Correction | None:
    """Compare points with the database of the recorder (in one of its threads)."""
    table = StatisticsTable
    with session_scope(hass=hass, read_only=True) as session:
        known = get_metadata_with_session(
            get_instance(hass), session, statistic_ids={entity_id}
        ).get(entity_id)
        last_run = session.scalar(select(func.max(StatisticsRuns.start)))
        if known is None or last_run is None:
            return None
        metadata_id, metadata = known
        unit = metadata["unit_of_measurement"]
        if not metadata["has_sum"] or unit not in EnergyConverter.VALID_UNITS:
            return None
        convert = EnergyConverter.converter_factory(UnitOfEnergy.WATT_HOUR, unit)
        in_unit = [Point(time.timestamp(), convert(energy)) for time, energy in points]
        # A row in the recorder's way would cost everybody's statistics of that hour:
        # it inserts its own, and looks for no others.
        compiled = process_timestamp(last_run) + StatisticsShortTerm.duration
        # The clock may have been ahead at some time, and the last run of that time.
        latest = min(compiled, dt_util.utcnow() - _LATE)
        end = _hour_of(latest.timestamp())
        first = _hour_of(in_unit[0].time)
        rows = (
            select(table.start_ts, table.state, table.sum)
            .where(table.metadata_id == metadata_id)
            .where(table.state.is_not(None), table.sum.is_not(None))
        )
        before = session.execute(
            rows.where(table.start_ts < first).order_by(table.start_ts.desc()).limit(1)
        ).first()
        following = session.execute(
            rows.where(table.start_ts >= first, table.start_ts < end)
        )
        hours = {row[0]: Row(*row) for row in following}
    if before is None and not hours:
        # The sensor is new: its first row will tell where the sum begins.
        return None
    wanted = corrected(in_unit, Row(*before) if before else None, hours, end)
    return _Correction(
        metadata,
        [row for row in wanted if not _is_same(row, hours.get(row.start))],
        final=_hour_of(in_unit[-1].time) < end,
    )


def corrected(
    points: Sequence[Point], before: Row | None, known: Mapping[float, Row], end: float
) -> Iterator[Row]:
    """Return the rows as they should be, from the hour of the first point to the end.

    `known` are the rows there are of these hours and `before` is the last one before
    them; none where there are neither.
    """
    times = [point.time for point in points]
    # The last one is where the sensor stands now.
    last = points[-1].value
    values = list(accumulate((min(point.value, last) for point in points), max))
    if before and before.state > last:
        # Of a register before this one.
        before = None
    anchor = before or (known[min(known)] if known else None)
    if anchor is None:
        return
    # The recorder's sum follows the state at a distance, which changes where a user
    # has adjusted the sum.
    distance = anchor.sum - anchor.state
    value = before.state if before else None
    start = _hour_of(times[0])
    while start < end:
        row = known.get(start)
        if row:
            distance = row.sum - row.state
        told = _value_at(start + _HOUR, times, values, row)
        value = told if value is None else max(value, told)
        # Before the first state that the recorder has ever seen there is nothing.
        if row or before or value + distance > 0:
            yield Row(start, value, value + distance)
        start += _HOUR


def _value_at(
    time: float, times: Sequence[float], values: Sequence[float], row: Row | None
) -> float:
    """Return the value at the end of an hour, by the points and the row there is.

    The first point is not after it.
    """
    index = bisect_left(times, time)
    if index == len(times):
        # It may have gone on since, heard by the recorder.
        return max(values[-1], row.state) if row else values[-1]
    since, till = times[index - 1 : index + 1]
    low, high = values[index - 1 : index + 1]
    # Between two points there may be one that the recorder has heard; but not if it
    # stands where it stood when the charger was last heard.
    if row and low + (high - low) * _HEARD < row.state <= high:
        return row.state
    return low + (high - low) * (time - since) / (till - since)


def _hour_of(time: float) -> float:
    return time - time % _HOUR


def _is_same(row: Row, known: Row | None) -> bool:
    return known is not None and all(
        math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-7)
        for one, other in zip(row, known, strict=True)
    )
