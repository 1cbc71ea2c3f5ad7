"""What charging profiles allow."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
import math
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from simulator.profiles import (
    Kind,
    Limit,
    Period,
    Profile,
    Purpose,
    Running,
    Site,
    Unit,
    composite,
    limit_at,
    period_at,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def profile(*limits: float | tuple[int, float], **options: Any) -> Profile:
    """A profile with a limit from the start on, and more limits from later seconds on."""
    periods = tuple(
        Period(*limit) if isinstance(limit, tuple) else Period(0, limit)
        for limit in limits
    )
    defaults: dict[str, Any] = {
        "id": 1,
        "connector": 1,
        "purpose": Purpose.TX_DEFAULT,
        "stack_level": 0,
        "kind": Kind.ABSOLUTE,
        "unit": Unit.A,
        "installed": NOON,
        "start": NOON,
    }
    return Profile(periods=periods, **(defaults | options))


def charging(connector: int = 1, start: datetime = NOON, **options: Any) -> Site:
    """A site with a transaction."""
    return Site(transactions={connector: Running(start, 7)}, **options)


def test_without_profiles_the_hardware_limits() -> None:
    """Nothing installed means what the charger can carry."""
    assert limit_at([], 1, NOON, Site(max_current=20)) == 20
    assert limit_at([], 1, NOON, Site(max_current=20), Unit.W) == 20 * 230 * 3
    assert limit_at([], 0, NOON, Site(max_current=20, connectors=2)) == 40


def test_least_of_maximum_and_session() -> None:
    """ChargePointMaxProfile and TxDefaultProfile both hold."""
    station = profile(10, connector=0, purpose=Purpose.MAX)
    session = profile(16)
    assert limit_at([station, session], 1, NOON, Site()) == 10
    assert limit_at([station, profile(6)], 1, NOON, Site()) == 6


def test_tx_profile_overrules_default_upwards_too() -> None:
    """TxProfile takes the place of TxDefaultProfile, even to allow more."""
    profiles = [profile(6), profile(16, id=2, purpose=Purpose.TX)]
    assert limit_at(profiles, 1, NOON, charging()) == 16
    assert limit_at(profiles, 1, NOON, Site()) == 6, (
        "without a transaction there is no TxProfile"
    )
    assert limit_at(profiles, 2, NOON, charging(2)) == 32, (
        "it is not for another connector"
    )


def test_tx_profile_of_another_transaction_does_not_count() -> None:
    """A TxProfile with an id holds for that transaction only."""
    mine = profile(10, purpose=Purpose.TX, transaction_id=7)
    other = profile(8, purpose=Purpose.TX, transaction_id=8, stack_level=1)
    assert limit_at([mine, other], 1, NOON, charging()) == 10


def test_expired_tx_profile_leaves_the_default() -> None:
    """After its duration a TxProfile says nothing any more."""
    profiles = [profile(6), profile(16, purpose=Purpose.TX, duration=60)]
    assert limit_at(profiles, 1, NOON + 59 * SECOND, charging()) == 16
    assert limit_at(profiles, 1, NOON + 60 * SECOND, charging()) == 6


def test_highest_valid_stack_level_wins() -> None:
    """Even if it allows more than the lower ones; and only while it is valid."""
    low = profile(8)
    high = profile(20, stack_level=1, valid_to=NOON + 60 * SECOND)
    assert limit_at([low, high], 1, NOON, Site()) == 20
    assert limit_at([low, high], 1, NOON + 60 * SECOND, Site()) == 8


def test_default_of_a_connector_replaces_the_general_one() -> None:
    """On the same stack level; others stay."""
    general = profile(10, connector=0)
    own = profile(20)
    higher = profile(8, connector=0, stack_level=1)
    assert limit_at([general, own], 1, NOON, Site(connectors=2)) == 20
    assert limit_at([general, own], 2, NOON, Site(connectors=2)) == 10
    assert limit_at([general, own, higher], 1, NOON, Site(connectors=2)) == 8


def test_absolute_periods() -> None:
    """Periods count from the start, and nothing holds before it or after the duration."""
    plan = profile(6, (60, 12), (120, 0), start=NOON, duration=180)
    seconds = {-1: 32, 0: 6, 59: 6, 60: 12, 119: 12, 120: 0, 179: 0, 180: 32}
    for second, limit in seconds.items():
        assert limit_at([plan], 1, NOON + second * SECOND, Site()) == limit


def test_relative_periods_count_from_the_start_of_charging() -> None:
    """Not from when the profile was installed."""
    plan = profile(16, (60, 8), kind=Kind.RELATIVE, start=None)
    site = charging(start=NOON - 30 * SECOND)
    assert limit_at([plan], 1, NOON, site) == 16
    assert limit_at([plan], 1, NOON + 30 * SECOND, site) == 8
    assert limit_at([plan], 1, NOON + timedelta(days=1), Site()) == 16, (
        "nothing began yet"
    )


def test_absolute_without_start_is_relative() -> None:
    """As the standard says of an absent startSchedule."""
    plan = profile(16, (60, 8), start=None)
    assert limit_at([plan], 1, NOON, charging(start=NOON - 61 * SECOND)) == 8


def test_maximum_without_start_counts_from_installation() -> None:
    """It belongs to no transaction that it could be relative to."""
    plan = profile(16, (60, 8), start=None, connector=0, purpose=Purpose.MAX)
    assert limit_at([plan], 1, NOON + 59 * SECOND, charging()) == 16
    assert (
        limit_at([plan], 1, NOON + 61 * SECOND, charging(start=NOON + 50 * SECOND)) == 8
    )


@pytest.mark.parametrize(("days", "name"), [(1, "Daily"), (7, "Weekly")])
def test_recurring_periods(days: int, name: str) -> None:
    """Every day or week starts anew; after the duration nothing holds until then."""
    plan = Profile.from_wire(
        1,
        {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Recurring",
            "recurrencyKind": name,
            "chargingSchedule": {
                "startSchedule": "2026-03-02T12:00:00Z",
                "duration": 7200,
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [
                    {"startPeriod": 0, "limit": 6},
                    {"startPeriod": 3600, "limit": 10},
                ],
            },
        },
        NOON,
    )
    later = NOON + 3 * timedelta(days=days)
    assert limit_at([plan], 1, later, Site()) == 6
    assert limit_at([plan], 1, later + 3600 * SECOND, Site()) == 10
    assert limit_at([plan], 1, later + 7200 * SECOND, Site()) == 32
    assert limit_at([plan], 1, later - SECOND, Site()) == 32
    assert limit_at([plan], 1, NOON - SECOND, Site()) == 32


def test_validity_bounds() -> None:
    """Valid from the first moment on, until right before the last."""
    plan = profile(6, valid_from=NOON + 10 * SECOND, valid_to=NOON + 20 * SECOND)
    limits = [limit_at([plan], 1, NOON + s * SECOND, Site()) for s in (9, 10, 19, 20)]
    assert limits == [32, 6, 6, 32]


def test_watts_and_amps() -> None:
    """W is the total of all phases that may be used, A is per phase."""
    watts = profile(6900, unit=Unit.W)
    assert limit_at([watts], 1, NOON, Site()) == 10
    assert limit_at([watts], 1, NOON, Site(), Unit.W) == 6900
    assert limit_at([watts], 1, NOON, Site(phases=1)) == 30
    single = Profile(**{**_fields(watts), "periods": (Period(0, 2300, 1),)})
    assert limit_at([single], 1, NOON, Site()) == 10
    amps = Profile(**{**_fields(watts), "unit": Unit.A, "periods": (Period(0, 10, 1),)})
    assert limit_at([amps], 1, NOON, Site(), Unit.W) == 2300
    assert limit_at([amps], 1, NOON, Site(phase_switching=False), Unit.W) == 6900


def test_mixed_units() -> None:
    """Whatever is tighter in fact, holds."""
    station = profile(6900, unit=Unit.W, connector=0, purpose=Purpose.MAX)
    assert limit_at([station, profile(16)], 1, NOON, Site()) == 10
    assert limit_at([station, profile(8)], 1, NOON, Site(), Unit.W) == 8 * 690


def test_limit_for_the_phases_of_a_car() -> None:
    """A power limit goes further on fewer phases."""
    limit = Limit(32, 3680, 3)
    assert limit.amps(230, 1) == 16
    assert limit.amps(230, 3) == pytest.approx(16 / 3)


def test_composite_of_the_station_adds_up() -> None:
    """Connector 0 is the sum of the connectors, up to the maximum."""
    profiles = [
        profile(6),
        profile(10, connector=2),
        profile((0, 12), (60, 40), connector=0),
    ]
    site = Site(connectors=2)
    assert composite(profiles, 0, NOON, 120, site) == [Period(0, 16)]
    profiles.append(profile(40, (60, 12), connector=0, purpose=Purpose.MAX))
    assert composite(profiles, 0, NOON, 120, site) == [Period(0, 16), Period(60, 12)]


def test_composite_rounds_down() -> None:
    """The schema takes tenths, and a limit must not grow."""
    assert composite([profile(4700, unit=Unit.W)], 1, NOON, 60, Site()) == [
        Period(0, 6.8)
    ]
    assert composite([profile(16.1)], 1, NOON, 60, Site()) == [Period(0, 16.1)]


def test_composite_merges_equal_neighbours() -> None:
    """What does not change is one period."""
    plan = profile(6, (60, 6), (120, 8), (180, 40), (240, 33))
    expected = [Period(0, 6), Period(120, 8), Period(180, 32)]
    assert composite([plan], 1, NOON, 600, Site()) == expected


# Properties, against an evaluation as simple as can be

_HOUR = 3600
_limits = st.integers(0, 400).map(lambda tenths: tenths / 10)
_seconds = st.integers(-3 * _HOUR, 3 * _HOUR)


@st.composite
def _profiles(draw: st.DrawFn) -> Profile:
    purpose = draw(st.sampled_from(Purpose))
    kind = draw(st.sampled_from(Kind))
    unit = draw(st.sampled_from(Unit))
    connector = {Purpose.MAX: st.just(0), Purpose.TX: st.integers(1, 2)}
    starts = draw(st.sets(st.integers(1, 3 * _HOUR), max_size=4))
    periods = tuple(
        Period(
            start,
            draw(_limits) * (690 if unit is Unit.W else 1),
            draw(st.none() | st.integers(1, 3)),
        )
        for start in (0, *sorted(starts))
    )

    def moment(required: bool = False) -> datetime | None:
        seconds = draw(_seconds if required else st.none() | _seconds)
        return None if seconds is None else NOON + seconds * SECOND

    recurring = kind is Kind.RECURRING
    return Profile(
        id=0,
        connector=draw(connector.get(purpose, st.integers(0, 2))),
        purpose=purpose,
        stack_level=draw(st.integers(0, 2)),
        kind=kind,
        unit=unit,
        periods=periods,
        installed=NOON,
        start=moment(recurring),
        duration=draw(st.none() | st.integers(1, 4 * _HOUR)),
        recurrence=timedelta(hours=2) if recurring else None,
        valid_from=moment(),
        valid_to=moment(),
        transaction_id=draw(st.sampled_from([None, 7, 8]))
        if purpose is Purpose.TX
        else None,
    )


@st.composite
def _installed(draw: st.DrawFn) -> list[Profile]:
    """Profiles as a charger holds them: one of each purpose, stack level and connector."""
    found = draw(st.lists(_profiles(), max_size=6))
    places = {(each.purpose, each.stack_level, each.connector): each for each in found}
    return list(places.values())


_sites = st.builds(
    Site,
    connectors=st.just(2),
    phases=st.sampled_from([1, 3]),
    max_current=st.sampled_from([16.0, 32.0]),
    phase_switching=st.booleans(),
    transactions=st.dictionaries(
        st.integers(1, 2),
        st.builds(
            Running, _seconds.map(lambda s: NOON + min(s, 0) * SECOND), st.just(7)
        ),
    ),
)


def _naive_period(one: Profile, at: datetime, began: datetime) -> Period | None:
    """Count seconds from the start, without any shortcut."""
    if (one.valid_from or at) > at or (one.valid_to or at + SECOND) <= at:
        return None
    if one.start is None or one.kind is Kind.RELATIVE:
        start = one.installed if one.purpose is Purpose.MAX else began
    else:
        start = one.start
    while one.recurrence is not None and start + one.recurrence <= at:
        start += one.recurrence
    if start > at or (one.duration is not None and start + one.duration * SECOND <= at):
        return None
    return [period for period in one.periods if start + period.start * SECOND <= at][-1]


def _applicable(
    profiles: Sequence[Profile], connector: int, at: datetime, site: Site
) -> list[Profile]:
    """The profiles that hold for a connector: at most one for the station, one for the session."""
    running = site.transactions.get(connector)
    began = at if running is None else running.start

    def active(candidates: Sequence[Profile]) -> list[Profile]:
        valid = [
            each for each in candidates if _naive_period(each, at, began) is not None
        ]
        return [max(valid, key=lambda each: each.stack_level)] if valid else []

    station = [each for each in profiles if each.purpose is Purpose.MAX]
    own = [
        each
        for each in profiles
        if running is not None
        and each.purpose is Purpose.TX
        and each.connector == connector
        and each.transaction_id in (None, running.id)
    ]
    default = [
        each
        for each in profiles
        if each.purpose is Purpose.TX_DEFAULT
        and (
            each.connector == connector
            or (
                each.connector == 0
                and not any(
                    other.purpose is Purpose.TX_DEFAULT
                    and other.connector == connector
                    and other.stack_level == each.stack_level
                    for other in profiles
                )
            )
        )
    ]
    return active(station) + (active(own) or active(default))


@settings(max_examples=200)
@given(_installed(), _sites, _seconds, st.sampled_from(Unit), st.integers(1, 2))
def test_limit_is_the_least_of_the_applicable_ones(
    profiles: list[Profile], site: Site, second: int, unit: Unit, connector: int
) -> None:
    """Never above any of them, and equal to one of them or to the hardware."""
    at = NOON + second * SECOND
    running = site.transactions.get(connector)
    limits = []
    session_phases = site.phases
    for each in _applicable(profiles, connector, at, site):
        period = _naive_period(each, at, at if running is None else running.start)
        assert period is not None
        phases = min(site.phases, period.phases or 3)
        if each.purpose is Purpose.MAX:
            switched = site.phases if each.unit is Unit.A else phases
        else:
            switched = phases if site.phase_switching else site.phases
            session_phases = switched
        factor = 230 * switched
        if each.unit is unit:
            limits.append(period.limit)
        else:
            limits.append(
                period.limit * factor if unit is Unit.W else period.limit / factor
            )
    limits.append(site.max_current * (230 * session_phases if unit is Unit.W else 1))
    assert limit_at(profiles, connector, at, site, unit) == pytest.approx(min(limits))


@settings(max_examples=200)
@given(
    _installed(),
    _sites,
    _seconds,
    st.integers(1, 6 * _HOUR),
    st.sampled_from(Unit),
    st.integers(0, 2),
    st.data(),
)
def test_composite_is_the_limit_at_every_second(
    profiles: list[Profile],
    site: Site,
    second: int,
    duration: int,
    unit: Unit,
    connector: int,
    data: st.DataObject,
) -> None:
    """Wherever it is looked at: at its own edges, right before them, and anywhere else."""
    start = NOON + second * SECOND
    schedule = composite(profiles, connector, start, duration, site, unit)
    assert schedule[0].start == 0
    assert all(0 <= period.start < duration for period in schedule)
    edges = {
        edge for period in schedule for edge in (period.start, max(0, period.start - 1))
    }
    for offset in edges | data.draw(st.sets(st.integers(0, duration - 1), max_size=20)):
        claimed = [period for period in schedule if period.start <= offset][-1].limit
        limit = limit_at(
            profiles, connector, start + offset * SECOND, site, unit, idle=start
        )
        assert claimed == math.floor(limit * 10 + 1e-6) / 10
        assert claimed <= limit + 1e-6


@given(_profiles(), _seconds, _seconds)
def test_period_is_found(one: Profile, second: int, began: int) -> None:
    """The period of one profile is the one that counting finds."""
    at, start = NOON + second * SECOND, NOON + began * SECOND
    assert period_at(one, at, start) == _naive_period(one, at, start)


def _fields(one: Profile) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Profile.__slots__}
