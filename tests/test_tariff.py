"""What charging cost: prices of all kinds, their gaps, and what survives a restart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from simulator import Car, ManualClock

from .common import System
from .csms.common import (
    ENERGY,
    Charger as RawCharger,
    meter_values,
    sample,
    stamp,
    status,
    stop,
)

PRICE = "sensor.price"


@pytest.fixture
def clock(freezer: FrozenDateTimeFactory) -> ManualClock:
    """Return a clock that goes with Home Assistant's, which stands still by itself."""
    freezer.move_to("2026-03-02T12:00:00+00:00")
    return ManualClock(dt_util.utcnow())


class Day:
    """A day on which time passes and a car is charged, watched by a household."""

    def __init__(self, system: System, freezer: FrozenDateTimeFactory) -> None:
        """Begin at noon."""
        self.system = system
        self.hass = system.hass
        self.freezer = freezer
        self.raw: RawCharger
        self.transaction = 0
        self.register = 0

    def costs(self, value: Any, unit: str = "EUR/kWh") -> None:
        """Have an entity tell a price."""
        self.hass.states.async_set(PRICE, str(value), {"unit_of_measurement": unit})

    async def options(self, **options: Any) -> None:
        """Change the options."""
        self.hass.config_entries.async_update_entry(self.system.entry, options=options)
        await self.hass.async_block_till_done()

    async def follow(self, value: Any, unit: str = "EUR/kWh") -> None:
        """Follow an entity that tells a price."""
        self.costs(value, unit)
        await self.options(price_entity=PRICE)

    async def start(self) -> None:
        """Begin a session."""
        self.raw = await self.system.dial()
        self.transaction = await self.raw.start(meter=self.register)
        await self.hass.async_block_till_done()

    async def charge(self, minutes: float, kwh: float) -> None:
        """Charge evenly, and read the register at the end."""
        await self.hass.async_block_till_done()
        self.freezer.tick(minutes * 60)
        self.register += round(kwh * 1000)
        values = sample(str(self.register), ENERGY)
        await self.raw.call(
            "MeterValues", meter_values(values, transaction=self.transaction)
        )
        await self.hass.async_block_till_done()

    async def stop(self) -> None:
        """End the session."""
        await self.raw.call("StopTransaction", stop(self.transaction, self.register))
        await self.hass.async_block_till_done()

    async def down(self, minutes: float, *, killed: bool = False) -> None:
        """Have Home Assistant away for a while, and the charger back after it.

        Killed, it leaves behind what was on disk before it went.
        """
        await self.system.entry.runtime_data.ledger.drain()
        put_back = on_disk(Path(self.hass.config.config_dir))
        await self.raw.close()
        entry_id = self.system.entry.entry_id
        assert await self.hass.config_entries.async_unload(entry_id)
        if killed:
            put_back()
        self.freezer.tick(minutes * 60)
        await self.system.set_up()
        self.raw = await self.system.dial()

    def sensor(self, key: str = "session_cost") -> State:
        """Return the state of a sensor."""
        return self.system.state("sensor", key)

    def cost(self, key: str = "session_cost") -> tuple[float, float]:
        """Return the cost, and the energy that it leaves out."""
        state = self.sensor(key)
        return float(state.state), state.attributes.get("unpriced_energy", 0.0)


def on_disk(folder: Path) -> Callable[[], None]:
    """Return what puts back what is on disk now."""
    names = ("ocpp_central.db", "ocpp_central.db-wal")
    contents = [(folder / name).read_bytes() for name in names]

    def put_back() -> None:
        for name, content in zip(names, contents, strict=True):
            (folder / name).write_bytes(content)

    return put_back


@pytest.fixture
def day(all_enabled: None, system: System, freezer: FrozenDateTimeFactory) -> Day:
    """Return a day."""
    return Day(system, freezer)


# --- Prices ----------------------------------------------------------------------------


async def test_fixed_price(
    hass: HomeAssistant,
    all_enabled: None,
    system: System,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Energy times price, at any time and at the end."""
    hass.config_entries.async_update_entry(system.entry, options={"price": 0.25})
    charger = await system.connect(meter_start=100_000)
    assert system.find("sensor", "session_cost") is None
    charger.connector(1).plug_in(Car(soc=20, max_current=16, ramp=1000))
    await charger.swipe("04A1B2C3")
    await system.rest()
    state = system.state("sensor", "session_cost")
    assert state.state == "0.0"
    assert state.attributes.items() >= {
        ("unit_of_measurement", "EUR"),
        ("device_class", "monetary"),
        ("state_class", "total"),
        ("last_reset", system.value("sensor", "session_started")),
    }
    assert "unpriced_energy" not in state.attributes
    for _ in range(4):
        await system.advance(freezer, 900)
        energy = system.number("sensor", "session_energy")
        cost = system.number("sensor", "session_cost")
        assert cost == pytest.approx(energy * 0.25, abs=1e-4)
    charger.connector(1).unplug()
    await system.rest()
    final = system.number("sensor", "session_energy")
    assert final == pytest.approx(11.04, abs=0.02)
    for key in ("session_cost", "last_session_cost"):
        assert system.number("sensor", key) == pytest.approx(final * 0.25, abs=1e-4)
    assert system.number("sensor", "last_session_energy") == final
    told = system.state("event", "transaction").attributes
    assert (told["event_type"], told["currency"]) == ("ended", "EUR")
    assert told["cost"] == pytest.approx(final * 0.25, abs=1e-3)
    # The next one begins anew, and what the last one cost stays.
    charger.connector(1).plug_in(Car(soc=20))
    await charger.swipe("04A1B2C3")
    await system.rest()
    assert system.value("sensor", "session_cost") == "0.0"
    assert system.number("sensor", "last_session_energy") == final
    assert charger.violations == []
    # Home Assistant finds nothing wrong with the sensors' classes.
    assert "homeassistant.components.sensor" not in {
        record.name for record in caplog.records if record.levelname == "WARNING"
    }


async def test_nothing_without_a_price(day: Day) -> None:
    """Who has not said what energy costs is not shown a cost."""
    await day.start()
    await day.charge(60, 5)
    await day.stop()
    assert day.system.find("sensor", "session_cost") is None
    assert day.system.find("sensor", "last_session_cost") is None
    assert day.sensor("last_session_energy").state == "5.0"


async def test_price_of_an_entity(day: Day) -> None:
    """Each price counts for what flowed while it held, also when it is negative."""
    await day.follow(0.2)
    await day.start()
    await day.charge(15, 2)
    assert day.cost() == (0.4, 0)
    day.freezer.tick(300)
    day.costs(0.5)
    # 6 kWh in 15 minutes, of which 5 at the old price.
    await day.charge(10, 6)
    assert day.cost() == (0.4 + 2 * 0.2 + 4 * 0.5, 0)
    day.costs(-0.1)
    await day.charge(30, 10)
    assert day.cost() == (1.8, 0)
    await day.stop()
    assert day.cost("last_session_cost") == (1.8, 0)


@pytest.mark.parametrize(
    ("price", "unit", "currency"),
    [(30_000, "ct/MWh", "EUR"), (300, "SEK/MWh", "SEK"), (0, "EUR/kWh", "EUR")],
)
async def test_units_of_an_entity(
    day: Day, price: float, unit: str, currency: str
) -> None:
    """The cost is in the currency of the price."""
    await day.follow(price, unit)
    await day.start()
    await day.charge(60, 10)
    assert day.cost() == (3 if price else 0, 0)
    assert day.sensor().attributes["unit_of_measurement"] == currency


@pytest.mark.parametrize(
    "gap", [STATE_UNAVAILABLE, STATE_UNKNOWN, "nan", "-inf", "free", ""]
)
async def test_gap(day: Day, gap: str) -> None:
    """What flowed while nobody knew the price is told apart, not guessed."""
    await day.follow(0.2)
    await day.start()
    await day.charge(30, 5)
    day.costs(gap)
    await day.charge(30, 5)
    assert day.cost() == (1, 5)
    day.costs(0.4)
    await day.charge(30, 5)
    assert day.cost() == (3, 5)
    await day.stop()
    assert day.cost("last_session_cost") == (3, 5)


async def test_entity_that_goes_and_comes(day: Day) -> None:
    """An entity may come later than we do, and be removed."""
    await day.options(price_entity=PRICE)
    await day.start()
    await day.charge(30, 5)
    assert day.system.find("sensor", "session_cost") is None
    day.costs(0.2)
    await day.charge(30, 5)
    assert day.cost() == (1, 5)
    day.hass.states.async_remove(PRICE)
    await day.charge(30, 5)
    assert day.cost() == (1, 10)


async def test_entity_that_is_renamed(day: Day) -> None:
    """The user may call it something else."""
    registry = er.async_get(day.hass)
    registry.async_get_or_create("sensor", "test", "1", object_id_base="price")
    await day.follow(0.2)
    registry.async_update_entity(PRICE, name="Mine")
    registry.async_update_entity(PRICE, new_entity_id="sensor.mine")
    await day.hass.async_block_till_done()
    assert day.system.entry.options == {"price_entity": "sensor.mine"}
    day.hass.states.async_set("sensor.mine", "0.4", {"unit_of_measurement": "€/kWh"})
    await day.start()
    await day.charge(30, 5)
    assert day.cost() == (2, 0)


async def test_unit_that_is_not_understood(
    day: Day, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once, and there is no price."""
    await day.follow(0.2)
    await day.start()
    for price in (1, 2, 3):
        day.costs(price, "EUR/kW")
        await day.charge(10, 1)
    assert day.sensor().attributes["unpriced_energy"] == 3
    assert caplog.text.count("The unit 'EUR/kW' of sensor.price is not") == 1


async def test_no_price_for_any_of_it(day: Day) -> None:
    """The cost of a session without a price is unknown, not that of the one before."""
    await day.follow(0.2)
    await day.start()
    await day.charge(60, 5)
    await day.stop()
    assert day.cost() == (1, 0)
    day.costs(STATE_UNAVAILABLE)
    for _ in range(2):
        await day.raw.close()
        await day.start()
        await day.charge(60, 5)
        assert day.sensor().state == STATE_UNKNOWN
        assert day.sensor().attributes["unpriced_energy"] == 5
        await day.stop()
        assert day.sensor("last_session_cost").state == STATE_UNKNOWN
        # Also where what was restored is of a session that had a price.
        await day.down(1)


async def test_two_currencies(day: Day) -> None:
    """A bill is in one currency: that of its first price."""
    await day.follow(0.2)
    await day.start()
    await day.charge(30, 5)
    day.costs(2, "SEK/kWh")
    await day.charge(30, 5)
    assert day.cost() == (1, 5)
    assert day.sensor().attributes["unit_of_measurement"] == "EUR"
    await day.stop()
    await day.raw.close()
    await day.start()
    await day.charge(30, 5)
    assert day.cost() == (10, 0)
    assert day.sensor().attributes["unit_of_measurement"] == "SEK"
    last = day.sensor("last_session_cost")
    assert last.attributes["unit_of_measurement"] == "EUR"


async def test_other_price_in_mid_session(day: Day) -> None:
    """Options count from now on, and no socket is closed for them."""
    await day.options(price=0.2)
    await day.start()
    await day.charge(30, 5)
    await day.options(price=0.4)
    await day.charge(30, 5)
    assert day.cost() == (3, 0)
    await day.follow(0.4)
    await day.charge(30, 5)
    assert day.cost() == (5, 0)
    await day.options()
    await day.charge(30, 5)
    assert day.cost() == (5, 5)
    assert not day.raw.closed.is_set()


# --- What survives ---------------------------------------------------------------------


async def test_restart_with_a_fixed_price(day: Day) -> None:
    """It holds until it is replaced, also while nobody looks."""
    await day.options(price=0.2)
    await day.start()
    await day.charge(30, 5)
    await day.down(30)
    assert day.cost() == (1, 0)
    await day.charge(30, 10)
    assert day.cost() == (3, 0)
    await day.down(30, killed=True)
    await day.charge(30, 10)
    assert day.cost() == (5, 0)


async def test_restart_with_the_price_of_an_entity(day: Day) -> None:
    """What it cost before is known, what it would have cost meanwhile is not."""
    await day.follow(0.2)
    await day.start()
    await day.charge(30, 5)
    day.costs(0.4)
    await day.down(30)
    assert day.cost() == (1, 0)
    # 10 kWh in an hour, half of it while nobody looked.
    await day.charge(30, 10)
    assert day.cost() == (3, 5)


async def test_killed_with_the_price_of_an_entity(day: Day) -> None:
    """What it cost is known until it was last seen, every five minutes."""
    await day.follow(0.3)
    await day.start()
    await day.charge(3, 0.3)
    day.freezer.tick(120)
    async_fire_time_changed(day.hass)
    await day.hass.async_block_till_done()
    day.freezer.tick(240)
    await day.down(11, killed=True)
    assert day.cost() == (0.09, 0)
    # Of half an hour there are prices for the first 2 and the last 13 minutes.
    await day.charge(13, 3)
    assert day.cost() == (0.54, 1.5)


async def test_fixed_after_the_price_of_an_entity(day: Day) -> None:
    """The same price by another name holds for as long as that does."""
    await day.follow(0.2)
    await day.start()
    await day.options(price=0.2)
    await day.down(30, killed=True)
    await day.charge(30, 10)
    assert day.cost() == (2, 0)
    await day.follow(0.2)
    await day.down(30, killed=True)
    await day.charge(30, 10)
    assert day.cost() == (3, 5)


@pytest.mark.parametrize("restarts", [False, True])
async def test_replay(day: Day, restarts: bool) -> None:
    """What was charged offline is priced with what held at that time."""
    await day.follow(0.2)
    day.freezer.tick(3600)
    day.costs(0.4)
    day.freezer.tick(3600)
    day.raw = await day.system.dial()
    if restarts:
        await day.down(0)
    await day.raw.call("StatusNotification", status("Available"))
    transaction = await day.raw.start(meter=0, time=stamp(hours=2))
    for hours, register in ((1, "5000"), (0.5, "10000")):
        values = sample(register, ENERGY)
        past = {"transaction": transaction, "time": stamp(hours=hours)}
        await day.raw.call("MeterValues", meter_values(values, **past))
    payload = stop(transaction, 12_000, time=stamp(hours=0.25))
    await day.raw.call("StopTransaction", payload)
    await day.hass.async_block_till_done()
    assert day.cost("last_session_cost") == (3.8, 0)


async def test_what_is_shown_after_a_restart(day: Day) -> None:
    """The cost of the last session, in its currency, with what it leaves out."""
    await day.follow(2, "SEK/kWh")
    await day.start()
    await day.charge(30, 5)
    day.costs(STATE_UNAVAILABLE)
    await day.charge(30, 5)
    await day.stop()
    keys = ("session_cost", "last_session_cost", "last_session_energy")
    before = {key: day.sensor(key) for key in keys}
    assert day.cost() == (10, 5)
    await day.down(30)
    for key, state in before.items():
        assert day.sensor(key).state == state.state
        assert day.sensor(key).attributes == state.attributes, key


async def test_disk_that_is_full(day: Day, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be written is said once and written later."""
    await day.follow(0.2)
    await day.start()
    ledger = day.system.entry.runtime_data.ledger
    await ledger.close()
    for price in (0.3, 0.4):
        day.freezer.tick(60)
        day.costs(price)
        await day.hass.async_block_till_done()
    assert caplog.text.count("Prices wait for the disk") == 1
    await ledger.open()
    day.freezer.tick(60)
    await day.down(5)
    prices = day.system.entry.runtime_data.prices
    assert [price.per_kwh for price in prices] == [0.2, 0.3, 0.4, 0.4]
