"""Limits at a simulated station of 2.x: what is asked for is what flows."""

from collections.abc import AsyncIterator

import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.model import ChargingLimit
from simulator import Car, Charger2, ManualClock

from .common import Central, bring_up
from .common2 import VERSIONS


@pytest.fixture(params=VERSIONS)
async def pair(
    central: Central, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[ChargePoint, Charger2]]:
    """Return a charge point and its station; in the end nobody may have done wrong."""
    clock = ManualClock()
    charge_point = await central.add("GARAGE")
    charger = Charger2(
        f"ws://127.0.0.1:{central.port}",
        "GARAGE",
        version=request.param,
        evses=2,
        clock=clock,
    )
    await charger.start()
    await bring_up("GARAGE")
    await charger.settle()
    yield charge_point, charger
    await charger.stop()
    assert charger.violations == []


async def test_limits(pair: tuple[ChargePoint, Charger2]) -> None:
    """Of the transaction, by default and of the whole station; then none."""
    charge_point, charger = pair
    clock = charger.clock
    assert isinstance(clock, ManualClock)
    limits = charge_point.limits
    connector = charger.connector(1)
    connector.plug_in(Car(soc=0, max_current=16))
    await charger.swipe("CARD1")

    async def flows(current: float) -> bool:
        await charger.settle()
        await clock.advance(20)
        return connector.current == pytest.approx(current)

    assert await flows(16)
    await limits.limit_default(0, ChargingLimit(13))
    assert await flows(13)
    await limits.limit_default(1, ChargingLimit(12))
    assert await flows(12)
    await limits.limit_session(1, ChargingLimit(9), None)
    assert await flows(9)
    await limits.limit_session(1, ChargingLimit(10), None)
    assert await flows(10)
    await limits.limit_station(ChargingLimit(7))
    assert await flows(7)
    await charger.external_limit(0, 6)
    assert await flows(6)
    await charger.external_limit(0, None)
    await limits.clear(0)
    await limits.clear(1)
    assert await flows(16)
