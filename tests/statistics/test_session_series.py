"""Statistics of charge points and id tokens, from their sessions."""

from functools import partial
from typing import Any

from homeassistant.components.recorder.statistics import (
    list_statistic_ids,
    statistic_during_period,
    valid_statistic_id,
)
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.helpers.recorder import get_instance
import pytest

from custom_components.ocpp_central.ledger import LedgerError
from custom_components.ocpp_central.statistics_sessions import charge_point_object_id
from tests.common import charge_point

from .common import Household, at, charging

GARAGE = "ocpp_central:garage_energy"
GARAGE_COST = "ocpp_central:garage_cost_eur"


def near(hours: dict[str, float]) -> object:
    """Compare by the hour; readings come a second before it is full."""
    return pytest.approx(hours, abs=0.01)


async def listed(household: Household) -> dict[str, str]:
    """Return the series that a user finds, and their names."""
    hass = household.system.hass
    found = await get_instance(hass).async_add_executor_job(list_statistic_ids, hass)
    return {
        series["statistic_id"]: series["name"]
        for series in found
        if series["source"] == "ocpp_central"
    }


async def session(household: Household, token: str, since: str, till: str) -> int:
    """Charge for a while."""
    await household.go(since)
    transaction = await household.begin(token)
    await household.go(till)
    await household.end()
    return transaction


def price(household: Household, per_kwh: float, currency: str = "EUR") -> None:
    """Have energy cost something from now on."""
    household.system.entry.runtime_data.prices.set(household.now, per_kwh, currency)


async def test_charge_point_and_tokens(household: Household) -> None:
    """Each series has what belongs to it, by the hour, and tells nothing of a card."""
    household.register = charging(("21:10", "22:40", 11_000), ("00:30", "02:15", 4_000))
    price(household, 0.3)
    await household.connect()
    first = await session(household, "04A1B2C3D4", "21:05", "22:45")
    await household.go("22:47")
    await household.settle()
    second = await session(household, "HOMEASSISTANT", "00:25", "02:20")
    await session(household, "04a1b2c3d4", "02:25", "02:30")
    await household.go("03:10")

    energies = household.by_hour("21:00", "03:00")
    # Of an hour without energy there is a row only before one with energy.
    del energies["23:00"]
    energies["20:00"] = 0.0
    energies["23:00"] = 0.0
    assert await household.changes(GARAGE) == near(energies)
    assert await household.changes(GARAGE_COST) == near(
        {hour: energy * 0.3 for hour, energy in energies.items()}
    )
    assert await listed(household) == {
        GARAGE: "Charging Garage energy",
        GARAGE_COST: "Charging Garage cost",
        f"ocpp_central:token_{first}_energy": "Charging …C3D4 energy",
        f"ocpp_central:token_{first}_cost_eur": "Charging …C3D4 cost",
        f"ocpp_central:token_{second}_energy": "Charging HOMEASSISTANT energy",
        f"ocpp_central:token_{second}_cost_eur": "Charging HOMEASSISTANT cost",
    }
    cards = await household.changes(f"ocpp_central:token_{first}_energy")
    assert sum(cards.values()) == pytest.approx(16.5, abs=0.01)
    own = await household.changes(f"ocpp_central:token_{second}_energy")
    assert sum(own.values()) == pytest.approx(7, abs=0.01)
    known = await household.metadata(GARAGE, GARAGE_COST)
    assert known[GARAGE]["unit_class"] == "energy"
    assert known[GARAGE]["unit_of_measurement"] == "kWh"
    assert known[GARAGE_COST]["unit_class"] is None
    assert known[GARAGE_COST]["unit_of_measurement"] == "EUR"
    # A statistics card sees the hour in which a period begins.
    hass = household.system.hass
    card = await get_instance(hass).async_add_executor_job(
        partial(
            statistic_during_period,
            hass,
            at("00:00"),
            None,
            GARAGE,
            {"change"},
            None,
        )
    )
    assert card["change"] == pytest.approx(7, abs=0.01)


async def test_late_correction(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end told late takes back what was too much, from all that came after as well."""
    household.register = charging(("21:00", "22:00", 11_000), ("23:00", "00:00", 7_000))
    household.measures = False
    await household.connect()
    late = await household.begin("CARD1")
    await household.go("21:30")
    await household.tell()
    await household.go("22:00")
    await household.tell()
    # Nobody tells its end: the next one begins.
    await household.go("22:50")
    await session(household, "CARD2", "23:00", "00:00")
    await household.go("00:10")
    before = await household.rows(GARAGE)
    assert [(hour, round(total, 3)) for hour, _, total in before] == [
        ("20:00", 0),
        ("21:00", 11),
        ("22:00", 11),
        ("23:00", 18),
    ]

    # It cannot be noted at first: done twice is done once.
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise LedgerError("no")

    household.transaction = late
    with monkeypatch.context() as patch:
        module = "custom_components.ocpp_central.statistics_sessions"
        patch.setattr(f"{module}.publish", fail)
        await household.end(time=at("22:00"), meter=110_500)
        await household.go("00:20")
        rows = await household.rows(GARAGE)
    await household.go("01:20")
    assert await household.rows(GARAGE) == rows
    assert [(hour, round(total, 3)) for hour, _, total in rows] == [
        ("20:00", 0),
        ("21:00", 10.5),
        ("22:00", 10.5),
        ("23:00", 17.5),
    ]
    other = await household.changes("ocpp_central:garage_energy")
    assert sum(other.values()) == pytest.approx(17.5)


async def test_running_session(household: Household) -> None:
    """A session is counted while it runs, once an hour."""
    household.register = charging(("21:00", "23:30", 11_000))
    await household.connect()
    await household.begin()
    await household.go("22:07")
    rows = await household.rows(GARAGE)
    assert rows[1] == ("21:00", *2 * (pytest.approx(11, abs=0.01),))
    await household.go("23:30")
    await household.end()
    await household.go("23:33")
    assert await household.changes(GARAGE, since="21:00") == near(
        household.by_hour("21:00", "00:00")
    )


async def test_two_currencies(household: Household) -> None:
    """Nobody adds euros to crowns."""
    household.register = charging(("21:00", "23:00", 10_000))
    price(household, 0.3)
    await household.connect()
    await session(household, "CARD1", "21:00", "22:00")
    price(household, 3, "SEK")
    await session(household, "CARD1", "22:05", "23:05")
    await household.go("23:10")
    for currency, cost in {"eur": 3, "sek": 27.5}.items():
        changes = await household.changes(f"ocpp_central:garage_cost_{currency}")
        assert sum(changes.values()) == pytest.approx(cost, rel=0.01)


@pytest.mark.parametrize(
    "charge_points",
    [[charge_point("car-1", "Left"), charge_point("car_1", "Right")]],
)
async def test_alike(
    household: Household, charge_points: list[ConfigSubentryData]
) -> None:
    """Charge points whose names are alike for statistics have series of their own."""
    household.register = charging(("21:00", "22:00", 10_000))
    for identity, till in (("car-1", "21:30"), ("car_1", "21:45")):
        household.raw = await household.system.dial(identity)
        await session(household, "CARD1", "21:00", till)
    household.raw = None
    await household.go("22:10")
    names = await listed(household)
    (left,) = [key for key, name in names.items() if name == "Charging Left energy"]
    assert "ocpp_central:car_1_energy" in names
    for series, energy in {left: 5, "ocpp_central:car_1_energy": 2.5}.items():
        changes = await household.changes(series)
        assert sum(changes.values()) == pytest.approx(energy, abs=0.01)
    (card,) = [key for key in names if "token" in key]
    assert sum((await household.changes(card)).values()) == pytest.approx(7.5, abs=0.01)


async def test_strangers_and_removed_ones(household: Household) -> None:
    """A stranger has no series; a charger that is removed keeps what it has."""
    household.register = charging(("21:00", "00:00", 10_000))
    household.raw = await household.system.dial("STRANGER")
    await session(household, "CARD1", "21:00", "21:30")
    await household.connect()
    await session(household, "CARD2", "21:30", "22:00")
    await household.go("22:10")
    names = await listed(household)
    assert len(names) == 2
    assert sum((await household.changes(GARAGE)).values()) == pytest.approx(5, abs=0.01)

    await household.begin("CARD2")
    await household.go("22:20")
    hass, entry = household.system.hass, household.system.entry
    (subentry_id,) = entry.subentries
    raw, household.raw = household.raw, None
    hass.config_entries.async_remove_subentry(entry, subentry_id)
    await household.settle()
    assert raw
    await raw.closed.wait()
    await household.go("23:10")
    assert await listed(household) == names
    changes = await household.changes(GARAGE)
    assert sum(changes.values()) == pytest.approx(5 + 10 / 6, abs=0.1)


async def test_cleared_by_the_user(household: Household) -> None:
    """A series that is gone comes back whole."""
    household.register = charging(("21:00", "00:00", 10_000))
    await household.connect()
    await session(household, "CARD1", "21:00", "21:30")
    await household.go("21:40")
    done = household.system.hass.loop.create_future()
    get_instance(household.system.hass).async_clear_statistics(
        [GARAGE],
        on_done=partial(
            household.system.hass.loop.call_soon_threadsafe, done.set_result, None
        ),
    )
    await done
    assert GARAGE not in await listed(household)
    await session(household, "CARD1", "22:00", "22:30")
    await household.go("22:40")
    assert await household.changes(GARAGE) == near({"20:00": 0, "21:00": 5, "22:00": 5})


@pytest.mark.parametrize(
    "identity",
    ["GARAGE", "a__b", "_a", "a_", "Ü-1", "日本", "!!!", "a/b", "-", "token_12", " "],
)
def test_object_ids(identity: str) -> None:
    """Whatever a charger is called, its series can be."""
    object_id = charge_point_object_id(identity)
    assert valid_statistic_id(f"ocpp_central:{object_id}_energy")
    assert (object_id == identity.casefold()) is (identity == "GARAGE")
