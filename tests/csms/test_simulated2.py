"""Two independent implementations of OCPP 2.x meet: neither may find fault with the other."""

from collections.abc import AsyncIterator

import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.model import Transaction
from simulator import REBOOT_SECONDS, Car, Charger2, ManualClock

from .common import Central, bring_up
from .common2 import VERSIONS

#: How transactions begin and end at chargers that are used at home.
_HABITS = (
    ("PowerPathClosed", "EVConnected,Authorized"),
    ("EVConnected", "EVConnected"),
    ("Authorized", "Authorized"),
    ("EnergyTransfer", "PowerPathClosed"),
    ("ParkingBayOccupancy", "ParkingBayOccupancy"),
)


class Pair:
    """A charge point and the charger it stands for."""

    def __init__(
        self, charge_point: ChargePoint, charger: Charger2, clock: ManualClock
    ) -> None:
        """Hold both."""
        self.charge_point = charge_point
        self.charger = charger
        self.clock = clock

    async def rest(self) -> None:
        """Let both have their say."""
        await self.charger.connected()
        await bring_up("GARAGE")
        await self.charger.settle()

    def running(self) -> Transaction | None:
        """Return the transaction at EVSE 2, as far as the charge point knows."""
        return self.charge_point.transactions.at(2)


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Return the version that is spoken."""
    return str(request.param)


@pytest.fixture(params=_HABITS, ids=lambda habit: habit[0])
async def pair(
    central: Central, request: pytest.FixtureRequest, version: str
) -> AsyncIterator[Pair]:
    """Return a pair that is at rest."""
    start, stop = request.param
    clock = ManualClock()
    charger = Charger2(
        f"ws://127.0.0.1:{central.port}",
        "GARAGE",
        version=version,
        evses=2,
        clock=clock,
        reports_soc=True,
        tx_start_points=start,
        tx_stop_points=stop,
    )
    pair = Pair(await central.add("GARAGE"), charger, clock)
    await charger.start()
    await pair.rest()
    yield pair
    await charger.stop()
    assert charger.violations == []


async def test_a_session(pair: Pair, central: Central) -> None:
    """With a card at one EVSE, whenever the transaction begins and ends."""
    connector = pair.charger.connector(2)
    connector.plug_in(Car())
    assert await pair.charger.swipe("CARD1", 2) == "Accepted"
    assert pair.running()
    await pair.clock.advance(300)
    energy = pair.charge_point.value(2, "session_energy")
    assert energy == pytest.approx(connector.energy_wh, abs=100)
    await pair.charger.swipe("CARD1", 2)
    connector.unplug()
    await pair.charger.settle()
    assert pair.running() is None
    assert len(central.ledger.starts) == 1
    assert central.ledger.stops[0].meter_stop == int(connector.energy_wh)


async def test_from_afar(pair: Pair) -> None:
    """Started, looked at and stopped by the central system; then restarted."""
    charge_point, charger = pair.charge_point, pair.charger
    charger.connector(2).plug_in(Car())
    await charger.settle()
    await charge_point.commands.start_transaction(2, "HA")
    await charger.settle()
    transaction = pair.running()
    assert transaction
    await pair.clock.advance(60)
    assert charger.connector(2).current == 16
    await charge_point.commands.stop_transaction(transaction.reference)
    await charger.settle()
    assert charger.connector(2).current == 0
    charger.connector(2).unplug()
    await charger.settle()
    assert pair.running() is None
    await charge_point.commands.reset("Hard")
    await charger.settle()
    await pair.clock.advance(REBOOT_SECONDS)
    await charger.connected()
    assert charge_point.connected


async def test_losing_things(pair: Pair) -> None:
    """The connection, then the power, in the middle of a transaction."""
    charger = pair.charger
    charger.connector(2).plug_in(Car())
    await charger.swipe("CARD1", 2)
    assert pair.running()
    await charger.drop()
    await pair.clock.advance(120)
    await charger.connected()
    assert pair.running()
    await charger.power_loss()
    await pair.clock.advance(REBOOT_SECONDS)
    await charger.connected()
    assert pair.running() is None
