"""A household that records nothing."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import DATA_INSTANCE
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.ocpp_central.ledger.statistics import replayed, unpublished
from tests.common import System
from tests.csms.common import ENERGY, meter_values, sample, stamp, stop


async def test_nothing_breaks(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """Sessions are kept; what only statistics are interested in is not, for ever."""
    assert DATA_INSTANCE not in hass.data
    ledger = system.entry.runtime_data.ledger
    raw = await system.dial()
    transaction = await raw.start(meter=1000, time=stamp(hours=3))
    for hours in (2, 1):
        payload = meter_values(
            sample(str(5000 - 1000 * hours), ENERGY),
            transaction=transaction,
            time=stamp(hours=hours),
        )
        await raw.call("MeterValues", payload)
    await raw.call("StopTransaction", stop(transaction, 5000))
    await hass.async_block_till_done()
    assert system.value("sensor", "energy") == "5.0"

    for days, kept in ((1, True), (11, False)):
        freezer.tick(timedelta(days=days))
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert bool(await ledger.ask(replayed)) is kept
    (session,) = await ledger.ask(unpublished)
    assert session.id == transaction
