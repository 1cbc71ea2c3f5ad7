"""What a running session costs is told to chargers of OCPP 2.x that show it."""

from datetime import UTC, datetime

import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.connection import Priority
from custom_components.ocpp_central.csms.prices import Price, Prices

from .common import Central, Charger, Payload, Refusal, bring_up, central_system
from .common2 import BOOT, ENERGY, both_versions, bucket, dial2, event, sample

COST = "TariffCostCtrlr.Enabled[Cost]"
CURRENCY = "TariffCostCtrlr.Currency"
PRICES = Prices([Price(datetime(2026, 1, 1, tzinfo=UTC), None, 0.3, "EUR")])


def settings(values: dict[str, str]) -> object:
    """Answer GetVariables."""

    def read(asked: Payload) -> Payload:
        component, variable = asked["component"], asked["variable"]
        instance = f"[{variable['instance']}]" if "instance" in variable else ""
        name = f"{component['name']}.{variable['name']}{instance}"
        result = {"component": component, "variable": variable}
        if name not in values:
            return {**result, "attributeStatus": "UnknownVariable"}
        return {
            **result,
            "attributeStatus": "Accepted",
            "attributeValue": values[name],
        }

    return lambda payload: {
        "getVariableResult": [read(asked) for asked in payload["getVariableData"]]
    }


async def connect(
    central: Central, version: str, **values: str
) -> tuple[ChargePoint, Charger]:
    """Have a charger connect that a car charges at."""
    charge_point = await central.add()
    charger = await dial2(central, version)
    charger.answers["GetVariables"] = settings(values)
    charger.answers["CostUpdated"] = {}
    await charger.call("BootNotification", BOOT)
    await bring_up()
    await charger.call(
        "TransactionEvent", event("Started", evse=1, token="04A2B3C4", values=at(1000))
    )
    return charge_point, charger


def at(register: float) -> list[Payload]:
    """Return where the meter stands."""
    return [bucket(sample(register, ENERGY))]


async def charge(charger: Charger, register: float) -> None:
    """Let the meter go on."""
    payload = event("Updated", reason="MeterValuePeriodic", values=at(register))
    await charger.call("TransactionEvent", payload)


async def ticked(charge_point: ChargePoint, charger: Charger) -> list[Payload]:
    """Let a minute be over, and return what the charger was told by then."""
    charge_point.costs.tick()
    await charger.alive()
    # Behind what is on its way.
    await charge_point.commands.get_local_list_version(Priority.POLL)
    return [call.payload for call in charger.calls if call.action == "CostUpdated"]


@both_versions
async def test_told(socket_enabled: None, version: str) -> None:
    """Once a minute, where it is another sum than before."""
    async with central_system(prices=PRICES) as central:
        charge_point, charger = await connect(
            central, version, **{COST: "true", CURRENCY: "EUR"}
        )
        assert await ticked(charge_point, charger) == []
        await charge(charger, 2000)
        await charge(charger, 11000)
        told = [{"transactionId": "T1", "totalCost": 3.0}]
        assert await ticked(charge_point, charger) == told
        assert await ticked(charge_point, charger) == told
        await charge(charger, 11001)
        assert await ticked(charge_point, charger) == told
        await charge(charger, 12000)
        told.append({"transactionId": "T1", "totalCost": 3.3})
        assert await ticked(charge_point, charger) == told


@both_versions
@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({}, False),
        ({COST: "false"}, False),
        ({COST: "true"}, True),
        ({COST: "false", "TariffCostCtrlr.Available[Cost]": "true"}, False),
        ({"TariffCostCtrlr.Available[Cost]": "true"}, True),
        ({COST: "true", CURRENCY: "eur"}, True),
        ({COST: "true", CURRENCY: "USD"}, False),
    ],
)
async def test_wanted(
    socket_enabled: None, version: str, values: dict[str, str], wanted: bool
) -> None:
    """Only by chargers that say they show it, in the currency they show."""
    async with central_system(prices=PRICES) as central:
        charge_point, charger = await connect(central, version, **values)
        await charge(charger, 2000)
        assert bool(await ticked(charge_point, charger)) is wanted


@both_versions
async def test_not_known(socket_enabled: None, version: str) -> None:
    """A charger that does not know the message is not sent it again."""
    async with central_system(prices=PRICES) as central:
        charge_point, charger = await connect(central, version, **{COST: "true"})
        charger.answers["CostUpdated"] = Refusal("NotImplemented")
        await charge(charger, 2000)
        assert len(await ticked(charge_point, charger)) == 1
        await charge(charger, 3000)
        assert len(await ticked(charge_point, charger)) == 1
        assert charge_point.capabilities.no_cost
        # Nobody waits for one that is gone.
        await charger.close()
        charge_point.costs.tick()


@both_versions
async def test_without_prices(central: Central, version: str) -> None:
    """What nobody knows is not told."""
    charge_point, charger = await connect(central, version, **{COST: "true"})
    await charge(charger, 2000)
    assert await ticked(charge_point, charger) == []
