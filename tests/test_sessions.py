"""A charging session from its start to its end, as a household sees it."""

from collections.abc import AsyncGenerator
from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util
import pytest

from simulator import Car, Charger, ManualClock

from .common import System
from .csms.common import Refused, meter_values, sample, stamp, status

ENERGY = "Energy.Active.Import.Register"


@pytest.fixture
def clock(freezer: FrozenDateTimeFactory) -> ManualClock:
    """Return a clock that goes with Home Assistant's, which stands still by itself."""
    freezer.move_to("2026-03-02T12:00:00+00:00")
    return ManualClock(dt_util.utcnow())


@pytest.fixture
async def charger(system: System) -> AsyncGenerator[Charger]:
    """Connect a charger whose register has seen some sessions already."""
    charger = await system.connect(meter_start=100_000)
    yield charger
    assert charger.violations == []


async def test_whole_session(
    hass: HomeAssistant,
    all_enabled: None,
    system: System,
    charger: Charger,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Energy, duration, start, user and reason, from the card to the plug."""
    assert system.value("sensor", "session_energy") == "unknown"
    assert system.value("sensor", "stop_reason") == "unknown"
    charger.connector(1).plug_in(Car(soc=20, max_current=16, ramp=1000))
    await system.rest()
    assert system.value("sensor", "status") == "preparing"
    assert await charger.swipe("04A1B2C3") == "Accepted"
    await system.rest()
    assert system.value("sensor", "status") == "charging"
    assert system.value("sensor", "session_user") == "…B2C3"
    assert system.value("sensor", "session_energy") == "0.0"
    assert system.value("sensor", "session_started") == "2026-03-02T12:00:00+00:00"

    await system.advance(freezer, 3600)
    # 16 A on three phases of 230 V for an hour, but for a moment at the beginning.
    energy = system.number("sensor", "session_energy")
    assert energy == pytest.approx(11.04, abs=0.02)
    lifetime = system.number("sensor", "energy")
    assert lifetime == pytest.approx(100 + energy, abs=0.001)
    assert system.number("sensor", "session_duration") == pytest.approx(1)
    assert system.number("sensor", "power") == pytest.approx(11.04)

    await system.advance(freezer, 1800)
    charger.connector(1).unplug()
    await system.rest()
    assert system.value("sensor", "status") == "available"
    assert system.value("sensor", "stop_reason") == "ev_disconnected"
    assert system.number("sensor", "session_duration") == pytest.approx(1.5)
    final = system.number("sensor", "session_energy")
    assert final == pytest.approx(16.56, abs=0.02)
    # Over is over, until the next one.
    await system.advance(freezer, 600)
    assert system.number("sensor", "session_energy") == final
    assert system.number("sensor", "session_duration") == pytest.approx(1.5)
    assert system.value("sensor", "session_user") == "…B2C3"

    charger.connector(1).plug_in(Car(soc=20))
    await charger.swipe("0123")
    await system.rest()
    assert system.value("sensor", "session_energy") == "0.0"
    assert system.value("sensor", "session_duration") == "0.0"
    assert system.value("sensor", "session_user") == "…"
    assert system.value("sensor", "stop_reason") == "unknown"


async def test_duration_is_written_once_a_minute(
    hass: HomeAssistant,
    system: System,
    charger: Charger,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Samples come twice as often, and do not touch it."""
    charger.connector(1).plug_in()
    await charger.swipe("CARD1")
    await system.rest()
    energies: list[str] = []
    durations: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        new_state = event.data["new_state"]
        assert new_state is not None
        log = energies if "energy" in new_state.entity_id else durations
        log.append(new_state.state)

    entity_ids = [
        system.id("sensor", key) for key in ("session_energy", "session_duration")
    ]
    async_track_state_change_event(hass, entity_ids, note)
    await system.advance(freezer, 600)
    assert len(energies) == 20
    assert len(durations) == 10
    assert float(durations[-1]) == pytest.approx(10 / 60)


async def test_brand_new_charger(hass: HomeAssistant, system: System) -> None:
    """A register that begins at nothing is a register all the same."""
    raw = await system.dial()
    for begin, end in ((0, 2000), (10_000, 12_000)):
        transaction = await raw.start(meter=begin)
        for register in (begin, end):
            await raw.call(
                "MeterValues",
                meter_values(sample(str(register), ENERGY), transaction=transaction),
            )
        await hass.async_block_till_done()
        assert system.number("sensor", "session_energy") == 2
        assert system.number("sensor", "energy") == end / 1000
        payload = {"transactionId": transaction, "meterStop": end, "timestamp": stamp()}
        await raw.call("StopTransaction", payload)


async def test_end_without_samples(hass: HomeAssistant, system: System) -> None:
    """What was charged is known from the end, or from the samples that came with it."""
    raw = await system.dial()
    transaction = await raw.start(meter=1000)
    payload = {"transactionId": transaction, "meterStop": 4500, "timestamp": stamp()}
    await raw.call("StopTransaction", payload)
    await hass.async_block_till_done()
    assert system.value("sensor", "session_energy") == "3.5"

    transaction = await raw.start(meter=4500)
    values = meter_values(sample("4500", ENERGY))["meterValue"]
    values += meter_values(sample("5000", ENERGY))["meterValue"]
    del payload["meterStop"]
    payload |= {"transactionId": transaction, "transactionData": values}
    await raw.call("StopTransaction", payload)
    await hass.async_block_till_done()
    assert system.value("sensor", "session_energy") == "0.5"


async def test_end_of_an_unknown_transaction(
    hass: HomeAssistant, system: System
) -> None:
    """It is confirmed, and nobody else's session ends for it."""
    raw = await system.dial()
    await raw.call("StatusNotification", status("Charging"))
    transaction = await raw.start(meter=100_000)
    values = meter_values(sample("105000", ENERGY), transaction=transaction)
    await raw.call("MeterValues", values)
    payload = {"transactionId": 7, "meterStop": 5000, "timestamp": stamp()}
    assert await raw.call("StopTransaction", payload) == {}
    await hass.async_block_till_done()
    assert system.value("switch", "charging") == "on"
    assert system.value("sensor", "session_energy") == "5.0"
    await system.set("switch", "charging", False)
    assert raw.calls[-1].action == "RemoteStopTransaction"
    assert raw.calls[-1].payload == {"transactionId": transaction}


async def test_two_connectors_at_once(
    hass: HomeAssistant, all_enabled: None, system: System
) -> None:
    """Sessions that begin in one second are two, each with its own user and energy."""
    raw = await system.dial()
    time = stamp()
    ids = [
        await raw.start(connector, token=f"CARD-{connector}", meter=0, time=time)
        for connector in (1, 2)
    ]
    assert ids[0] != ids[1]
    # The same start once more is the same transaction.
    assert await raw.start(1, token="CARD-1", meter=0, time=time) == ids[0]
    for connector, transaction in enumerate(ids, 1):
        values = meter_values(
            sample(str(connector * 1000), ENERGY),
            connector=connector,
            transaction=transaction,
        )
        await raw.call("MeterValues", values)
    await hass.async_block_till_done()
    for connector in (1, 2):
        assert system.value("sensor", "session_user", connector) == f"…RD-{connector}"
        energy = system.value("sensor", "session_energy", connector)
        assert float(energy) == connector
    payload = {"transactionId": ids[1], "meterStop": 2500, "timestamp": stamp()}
    await raw.call("StopTransaction", payload)
    await hass.async_block_till_done()
    assert system.value("switch", "charging", 1) == "on"
    assert system.value("switch", "charging", 2) == "off"


async def test_register_below_the_start(hass: HomeAssistant, system: System) -> None:
    """A session never has charged less than nothing."""
    raw = await system.dial()
    transaction = await raw.start(meter=100_000)
    await raw.call(
        "MeterValues", meter_values(sample("5000", ENERGY), transaction=transaction)
    )
    await hass.async_block_till_done()
    assert system.value("sensor", "session_energy") == "0.0"


async def test_transaction_of_another_system(
    hass: HomeAssistant, system: System
) -> None:
    """A transaction begun elsewhere is shown from now on, and can be ended."""
    raw = await system.dial()
    values = meter_values(sample("7000", ENERGY), transaction=4711)
    await raw.call("MeterValues", values)
    values = meter_values(sample("9000", ENERGY), transaction=4711)
    await raw.call("MeterValues", values)
    await hass.async_block_till_done()
    assert system.value("switch", "charging") == "on"
    assert system.value("sensor", "session_energy") == "2.0"
    await system.set("switch", "charging", False)
    assert raw.calls[-1].payload == {"transactionId": 4711}


async def test_clock_that_is_wrong(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """A charger whose clock is two hours ahead started now, not in two hours."""
    raw = await system.dial()
    ahead = stamp(dt_util.utcnow() + timedelta(hours=2))
    await raw.call("StatusNotification", {**status("Preparing"), "timestamp": ahead})
    await raw.start(time=ahead)
    await hass.async_block_till_done()
    assert system.value("sensor", "session_started") == "2026-03-02T12:00:00+00:00"
    assert system.value("sensor", "session_duration") == "0.0"


async def test_disk_that_is_full_does_not_confirm(
    hass: HomeAssistant, system: System
) -> None:
    """A start that is not on disk is not confirmed: the charger will say it again."""
    raw = await system.dial()
    await raw.start()
    await system.entry.runtime_data.ledger.close()
    with pytest.raises(Refused) as refused:
        await raw.start(2)
    assert refused.value.code == "InternalError"
    await hass.async_block_till_done()
    assert system.find("sensor", "session_energy", 2) is None
