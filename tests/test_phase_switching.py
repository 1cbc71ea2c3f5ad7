"""One phase or three, as a user meets it: an option, and a parameter of an action."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
import pytest

from .charging import VERSIONS, charge, connect
from .common import System, charge_point

ON = [charge_point(phase_switching=True)]


async def switch(system: System, phases: Any, **more: Any) -> None:
    """Ask for a number of phases."""
    await system.act(
        "set_charging_limit",
        domain="ocpp_central",
        device_id=system.device(),
        phases=phases,
        **more,
    )


@pytest.mark.parametrize("charge_points", [ON])
@pytest.mark.parametrize("version", VERSIONS)
async def test_in_the_middle_of_a_session(
    hass: HomeAssistant,
    system: System,
    charge_points: list[ConfigSubentryData],
    version: str,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The car stops, and goes on with what one phase gives it."""
    charger = await connect(system, version)
    await charge(charger, system)
    await system.advance(freezer, 60)
    outlet = charger.connector(1)
    assert len([current for current in outlet.currents if current > 1]) == 3
    await switch(system, "1", current=16)
    await system.advance(freezer, 20)
    assert not any(outlet.currents)
    for _ in range(6):
        await system.advance(freezer, 15)
    flowing = [current for current in outlet.currents if current > 1]
    assert len(flowing) == 1
    assert flowing[0] <= 16
    assert charger.violations == []


async def test_switched_off(hass: HomeAssistant, system: System) -> None:
    """Nobody's contactors move unasked."""
    await system.connect()
    with pytest.raises(ServiceValidationError) as error:
        await switch(system, 1)
    assert error.value.translation_key == "phase_switching_off"


@pytest.mark.parametrize("charge_points", [[charge_point(phases=1)]])
async def test_nothing_to_switch(
    hass: HomeAssistant, system: System, charge_points: list[ConfigSubentryData]
) -> None:
    """One phase is all there is."""
    await system.connect()
    with pytest.raises(ServiceValidationError) as error:
        await switch(system, 1)
    assert error.value.translation_key == "phase_switching_unknown"


@pytest.mark.parametrize("charge_points", [ON])
async def test_of_the_station(
    hass: HomeAssistant, system: System, charge_points: list[ConfigSubentryData]
) -> None:
    """The ceiling has no phases."""
    await system.connect()
    with pytest.raises(ServiceValidationError) as error:
        await switch(system, 1, current=16, scope="station")
    assert error.value.translation_key == "phases_of_connectors"


async def test_the_option(hass: HomeAssistant, system: System) -> None:
    """It is offered for a charger that can."""
    (subentry,) = system.entry.subentries.values()
    for connected in (False, True):
        if connected:
            await system.connect()
        page = await system.entry.start_subentry_reconfigure_flow(
            hass, subentry.subentry_id
        )
        fields = page["data_schema"].schema["advanced"].schema.schema
        assert ("phase_switching" in fields) is connected
        hass.config_entries.subentries.async_abort(page["flow_id"])
