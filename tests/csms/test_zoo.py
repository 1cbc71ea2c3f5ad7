"""Chargers that limits go wrong on: the car draws what was asked, or the user is told."""

from dataclasses import replace
import logging

from freezegun.api import FrozenDateTimeFactory
import pytest

from simulator.quirks import Composite, Offered, Quirks, Refusal, Target
from simulator.zoo import ZOO, Personality

from .common import central_system
from .conftest import LoopClock
from .zoo import REAL, World, bear, live
from .zoo_page import NOON, PAGE, row, table

_STATION, _DEFAULT, _TRANSACTION = Target
_ANY = Personality(
    name="", vendor="Unheard", model="Of", firmware="1", source="nowhere"
)

#: Every mechanism on its own, at a charger that nobody knows.
MECHANISMS = {
    "good": Quirks(),
    "no_relative": Quirks(no_kinds=frozenset({"Relative"})),
    "no_absolute": Quirks(no_kinds=frozenset({"Absolute"})),
    "no_absolute_unanswered": Quirks(
        no_kinds=frozenset({"Absolute"}), no_kind=Refusal.SILENCE
    ),
    "only_default": Quirks(
        purposes=frozenset({_DEFAULT}), no_purpose=Refusal.NOT_SUPPORTED
    ),
    "only_default_by_error": Quirks(
        purposes=frozenset({_DEFAULT}), no_purpose=Refusal.ERROR
    ),
    "only_transaction": Quirks(purposes=frozenset({_TRANSACTION})),
    "only_station": Quirks(purposes=frozenset({_STATION})),
    "only_connector_0": Quirks(zero_only=True),
    "only_stack_0": Quirks(stacks=(0, 0)),
    "only_highest_stack": Quirks(stacks=(8, 8)),
    "only_high_stacks": Quirks(stacks=(1, 8)),
    "only_watts": Quirks(units=frozenset("W")),
    "only_amperes": Quirks(units=frozenset("A"), no_decimals=True),
    "whole_amperes": Quirks(step=1.0),
    "steps": Quirks(steps=(6, 8, 10, 13, 16)),
    "ignores_all": Quirks(ignores=frozenset(Target)),
    "ignores_all_and_lies": Quirks(
        ignores=frozenset(Target), composite=Composite.FORMAL, offered=Offered.NONE
    ),
    "ignores_station": Quirks(ignores=frozenset({_STATION})),
    "ignores_transaction": Quirks(
        ignores=frozenset({_TRANSACTION}), composite=Composite.FORMAL
    ),
    "ignores_default": Quirks(ignores=frozenset({_DEFAULT})),
    "default_fixed": Quirks(default_fixed=True),
    "only_default_and_fixed": Quirks(
        purposes=frozenset({_DEFAULT}), default_fixed=True
    ),
    "deaf_after_zero": Quirks(deaf_after_zero=True, composite=Composite.NONE),
    "stuck_at_zero": Quirks(stuck_at_zero=True),
    "single_period": Quirks(single_period=True),
    "no_composite": Quirks(composite=Composite.NONE),
    "constant_composite": Quirks(composite=Composite.CONSTANT),
    "no_offers": Quirks(offered=Offered.NONE, composite=Composite.NONE),
    "offers_zero": Quirks(offered=Offered.ZERO, composite=Composite.NONE),
    "behind": Quirks(behind=3),
    "behind_and_no_future": Quirks(behind=3, no_future=True),
    "reboots_on_read": Quirks(reboots_on_read=frozenset({"MeterValuesSampledData"})),
    "reboots_on_change": Quirks(reboots_on_change=True),
    "slow": Quirks(delay=3.5),
    "hangs_at_zero": Quirks(hangs_at_zero=True),
    "zero_ends": Quirks(zero_ends=True),
    "no_zero": Quirks(no_zero=True),
    "small_ids": Quirks(small_ids=True),
    "key_only": Quirks(no_profiles=True, current_key="G_MaxCurrent"),
    "nothing": Quirks(no_profiles=True),
    "forgets": Quirks(forgets=True),
    "no_phases": Quirks(no_phases=True),
    "leftover": Quirks(leftover=8.0),
    "cap": Quirks(cap=8.0),
}
#: What is asked of those that would do 10 A anyway.
_LIMITS = {"whole_amperes": 9.5, "steps": 9.0, "floor": 6.0}
MECHANISMS["floor"] = Quirks(floor=8.0)
#: What makes sense with the profiles of 2.x, or is not about them.
_OLD_ONLY = {"key_only", "reboots_on_read", "reboots_on_change", "small_ids"}


@pytest.fixture(autouse=True)
def no_frames(caplog: pytest.LogCaptureFixture) -> None:
    """Keep no log of a great many frames."""
    caplog.set_level(logging.WARNING)


async def run(
    personality: Personality,
    freezer: FrozenDateTimeFactory,
    loop_clock: LoopClock,
    limit: float = 10.0,
) -> World:
    """Hold every outcome against what was promised."""
    freezer.move_to(NOON)
    async with central_system(timing=REAL) as central:
        world = await bear(central, freezer, loop_clock, personality)
        try:
            outcomes = await live(world, limit=limit)
        finally:
            await world.charger.stop()
        assert world.charger.violations == []
        wrong = {
            name: outcome
            for name, outcome in outcomes.items()
            if not outcome.kept and not outcome.told
        }
        assert not wrong, (wrong, world.charge_point.capabilities)
    return world


@pytest.mark.parametrize("name", MECHANISMS)
async def test_mechanism(
    socket_enabled: None,
    freezer: FrozenDateTimeFactory,
    loop_clock: LoopClock,
    name: str,
) -> None:
    """A charger that nobody has heard of comes out right, whatever is odd about it."""
    personality = replace(_ANY, quirks=MECHANISMS[name])
    await run(personality, freezer, loop_clock, _LIMITS.get(name, 10.0))


@pytest.mark.parametrize("name", sorted({*MECHANISMS} - _OLD_ONLY))
async def test_mechanism2(
    socket_enabled: None,
    freezer: FrozenDateTimeFactory,
    loop_clock: LoopClock,
    name: str,
) -> None:
    """So does one of the second dialect."""
    personality = replace(_ANY, quirks=MECHANISMS[name], protocol="2.0.1")
    await run(personality, freezer, loop_clock, _LIMITS.get(name, 10.0))


@pytest.mark.parametrize("personality", ZOO, ids=[each.name for each in ZOO])
async def test_personality(
    socket_enabled: None,
    freezer: FrozenDateTimeFactory,
    loop_clock: LoopClock,
    personality: Personality,
) -> None:
    """So do those that somebody has told of."""
    world = await run(personality, freezer, loop_clock)
    # script/zoo writes it anew.
    assert row(personality, world) in PAGE.read_text()


def test_page() -> None:
    """The page tells of the chargers of the zoo, and of no other."""
    text = PAGE.read_text()
    lines = [line for line in text.splitlines(keepends=True) if line.startswith("|")]
    assert table(lines[2:]) in text
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]] == [
        each.name for each in ZOO
    ]
