"""What the energy dashboard shows of what was charged unheard."""

from datetime import timedelta
from functools import partial
from typing import Any

from homeassistant.components.recorder.statistics import statistic_during_period
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
import pytest

from custom_components.ocpp_central.ledger import LedgerError
from custom_components.ocpp_central.ledger.statistics import replayed

from .common import PERIOD, Household, Register, at, charging

# 11 kW, then nothing for a while, then 7 kW.
NIGHT = charging(("21:00", "23:30", 11_000), ("00:40", "03:30", 7_000))


def near(hours: dict[str, float]) -> object:
    """Compare with what the meter counted, but for the second before each full hour."""
    return pytest.approx(hours, abs=0.01)


async def lose(household: Household, register: Register = NIGHT) -> None:
    """Charge from 21:00 on, and be offline from 22:20 to 02:10."""
    household.register = register
    await household.connect()
    await household.begin()
    await household.go("22:20")
    await household.disconnect()
    await household.go("02:10")


async def come_back(household: Household) -> None:
    """Be heard again, and tell all."""
    await household.connect()
    await household.replay("22:25", "02:00")
    await household.settle()


async def left(household: Household) -> Any:
    """Return the points that statistics do not have yet."""
    return await household.system.entry.runtime_data.ledger.ask(replayed)


async def test_offline_queue(household: Household) -> None:
    """What is told afterwards is shown when it was charged."""
    await lose(household)
    assert await household.changes() == near({"21:00": 11, "22:00": 11 / 3})
    await household.connect()
    await household.replay("22:25", "02:00")
    await household.settle()
    # Sensors of the moment show nothing of the past.
    assert await household.states("power", "02:10") == ["unknown"]
    await household.go("04:00")
    assert set(await household.states("power", "02:10")) == {"unknown", "7.0", "0.0"}

    expected = household.by_hour("21:00", "04:00")
    assert await household.changes() == near(expected)
    rows = await household.rows()
    assert [row[0] for row in rows] == [*expected]
    assert rows[-1][1] == pytest.approx(household.register(household.now) / 1000)
    assert rows[-1][2] == pytest.approx(household.charged("21:00", "04:00"))
    assert not await left(household)

    # Midnight is in the middle of it.
    assert await household.changes(period="day") == near(
        {
            "Mon": household.charged("21:00", "00:00"),
            "Tue": household.charged("00:00", "04:00"),
        }
    )
    # A statistics card asks in another way.
    card = await get_instance(household.system.hass).async_add_executor_job(
        partial(
            statistic_during_period,
            household.system.hass,
            at("23:00"),
            at("02:00"),
            household.energy,
            {"change"},
            None,
        )
    )
    expected_on_card = household.charged("23:00", "02:00")
    assert card["change"] == pytest.approx(expected_on_card, abs=0.01)


async def test_only_start_and_stop(household: Household) -> None:
    """Without readings in between, energy flowed evenly."""
    household.register = charging(("23:10", "01:40", 7_000))
    await household.connect()
    await household.go("22:20")
    await household.disconnect()
    await household.go("02:10")
    await household.connect()
    await household.begin(time=at("23:10"))
    await household.end(time=at("01:40"))
    await household.go("04:00")
    assert await household.changes() == near(household.by_hour("21:00", "04:00"))
    assert not await left(household)


async def test_silent_afterwards(household: Household) -> None:
    """A charge that was over hours before the charger was heard again."""
    household.register = charging(("21:00", "00:20", 11_000))
    household.measures = False
    await household.connect()
    await household.tell()
    await household.go("22:20")
    await household.disconnect()
    await household.go("03:20")
    await household.connect()
    await household.replay("22:25", "00:20")
    await household.go("05:00")
    assert await household.changes() == near(household.by_hour("21:00", "05:00"))


async def test_told_in_any_order(household: Household) -> None:
    """Readings that come after the end of their session make it more exact."""
    household.register = NIGHT
    await household.connect()
    await household.tell()
    await household.go("22:20")
    await household.disconnect()
    await household.go("04:10")
    await household.connect()
    await household.begin(time=at("22:25"))
    await household.end(time=at("03:45"))
    await household.go("04:20")
    assert not await left(household)
    even = await household.changes()
    assert even != near(household.by_hour("21:00", "04:00"))
    await household.replay("22:30", "03:40")
    await household.go("06:00")
    assert await household.changes() == near(household.by_hour("21:00", "06:00"))


@pytest.mark.parametrize("boots", [False, True])
async def test_killed_before_it_is_noted(
    household: Household, monkeypatch: pytest.MonkeyPatch, boots: bool
) -> None:
    """Done twice is done once."""
    await lose(household)
    await come_back(household)

    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise LedgerError("no")

    with monkeypatch.context() as patch:
        module = "custom_components.ocpp_central.statistics_replay"
        patch.setattr(f"{module}.forget_replayed", fail)
        await household.go("02:20")
        rows = await household.rows()
        assert await left(household)
        if boots:
            await household.disconnect()
            await household.system.restart()
            await household.connect()
            await household.begin(time=at("21:00"))
    await household.go("02:35")
    assert await household.rows() == rows
    await household.go("03:10")
    assert not await left(household)
    assert (await household.rows())[:-1] == rows
    # And the charger tells it all once more.
    await household.replay("22:25", "02:00")
    await household.go("04:00")
    assert (await household.rows())[:-2] == [
        (hour, pytest.approx(state), pytest.approx(total))
        for hour, state, total in rows
    ]
    assert await household.changes() == near(household.by_hour("21:00", "04:00"))


async def test_recorder_fails(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the recorder did not take is offered again."""
    await lose(household)
    package = "custom_components.ocpp_central"
    with monkeypatch.context() as patch:
        for function in (
            "statistics_replay.async_import_statistics",
            "statistics_sessions.async_add_external_statistics",
        ):
            patch.setattr(f"{package}.{function}", lambda *_: None)
        await come_back(household)
        await household.go("02:20")
        assert [row[0] for row in await household.rows()] == ["21:00", "22:00"]
        assert await left(household)
    await household.go("04:10")
    expected = household.by_hour("21:00", "04:00")
    assert await household.changes() == near(expected)
    assert not await left(household)
    of_sessions = await household.changes("ocpp_central:garage_energy")
    assert sum(of_sessions.values()) == pytest.approx(sum(expected.values()))


@pytest.mark.parametrize("unit_at", ["21:00", "22:00", "01:00"])
async def test_units_and_names(household: Household, unit_at: str) -> None:
    """A series is left in its unit, whatever the sensor shows, under the sensor's name."""

    async def in_watt_hours() -> None:
        household.freezer.tick(1)
        registry.async_update_entity_options(
            household.energy, "sensor", {"unit_of_measurement": "Wh"}
        )
        await household.settle()

    registry = er.async_get(household.system.hass)
    household.register = NIGHT
    await household.connect()
    await household.begin()
    await household.settle()
    if unit_at == "21:00":
        await in_watt_hours()
        # The recorder takes the unit of the first state that it sees.
        household.compiled += PERIOD
    await household.go("22:00")
    if unit_at == "22:00":
        await in_watt_hours()
    await household.go("22:20")
    before = await household.metadata(household.energy)
    await household.disconnect()
    await household.go("01:00")
    if unit_at == "01:00":
        await in_watt_hours()
    registry.async_update_entity(household.energy, new_entity_id="sensor.mine")
    await household.settle()
    await household.go("02:10")
    await come_back(household)
    await household.go("04:00")
    assert household.energy == "sensor.mine"
    assert await household.changes() == near(household.by_hour("21:00", "04:00"))
    (known,) = before.values()
    unit = "Wh" if unit_at == "21:00" else "kWh"
    assert known["unit_of_measurement"] == unit
    assert await household.metadata("sensor.mine") == {
        "sensor.mine": {**known, "statistic_id": "sensor.mine"}
    }


async def test_around_the_full_hour(household: Household) -> None:
    """Nobody writes into an hour before the recorder has: all its rows would be lost."""
    household.register = charging(("21:00", "23:30", 11_000))
    await household.connect()
    await household.begin()
    await household.go("22:40")
    await household.disconnect()
    await household.go("22:55")
    household.freezer.move_to(at("23:00") + timedelta(seconds=5))
    await household.connect()
    await household.replay("22:45", "22:55")
    await household.tell()
    await household.system.entry.runtime_data.statistics.async_update()
    await household.settle()
    assert [row[0] for row in await household.rows()] == ["21:00"]
    assert await left(household)
    await household.go("01:00")
    assert await household.changes() == near(household.by_hour("21:00", "01:00"))
    of_session = await household.rows(household.system.id("sensor", "session_energy"))
    assert [row[0] for row in of_session] == ["21:00", "22:00", "23:00", "00:00"]
    assert not await left(household)


@pytest.mark.parametrize("since", ["21:00", "22:00", "00:00"])
async def test_adjusted_sum(household: Household, since: str) -> None:
    """What the user has corrected stays corrected."""
    await lose(household)
    get_instance(household.system.hass).async_adjust_statistics(
        household.energy, at(since), 1000, "kWh"
    )
    await household.settle()
    expected = household.by_hour("21:00", "04:00")
    changes = await household.changes()
    if since != "00:00":
        assert changes[since] == pytest.approx(
            1000 + {"21:00": 11, "22:00": 11 / 3}[since], abs=0.01
        )
        expected[since] += 1000
    await come_back(household)
    await household.go("04:00")
    assert await household.changes() == near(expected)


async def test_new_charger(household: Household) -> None:
    """What was charged before the charger was added is no spike when it is."""
    household.register = NIGHT
    await household.go("02:10")
    await household.connect()
    await household.begin(time=at("21:00"))
    await household.replay("21:05", "02:00")
    await household.go("04:00")
    changes = await household.changes()
    assert changes["02:00"] <= 7.01
    assert changes["03:00"] == pytest.approx(3.5, abs=0.01)
    for hour, expected in household.by_hour("21:00", "02:00").items():
        assert 0 <= changes.get(hour, 0) <= expected + 0.01
    rows = await household.rows()
    assert rows[-1][2] == pytest.approx(sum(changes.values()))
    assert not await left(household)


async def test_without_statistics(household: Household) -> None:
    """Of a sensor without statistics nothing is kept for ever."""
    await lose(household)
    er.async_get(household.system.hass).async_update_entity(
        household.energy, disabled_by=er.RegistryEntryDisabler.USER
    )
    await household.settle()
    rows = await household.rows()
    await come_back(household)
    await household.go("04:10")
    assert await household.rows() == rows
    assert await left(household)
    await household.tick(household.now + timedelta(days=11))
    assert not await left(household)
