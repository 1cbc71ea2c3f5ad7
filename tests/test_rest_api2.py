"""The REST API and chargers of OCPP 2.0.1 and 2.1: asked the same, answered the same."""

from typing import Any

from aiohttp import ClientSession
from homeassistant.core import HomeAssistant
import pytest

from .common import System
from .csms import common2
from .csms.common import Charger, Refusal
from .csms.common2 import both_versions, unknown_variables
from .test_rest_api import KEY, Api, connector, set_key


@pytest.fixture
async def api(hass: HomeAssistant, system: System) -> Any:
    """Ask at our own listener."""
    set_key(hass, system, KEY)
    session = ClientSession()
    system.sessions.append(session)
    return Api(session.get, f"http://127.0.0.1:{system.port}")


async def connect(system: System, version: str) -> Charger:
    """Have a charger with an EVSE dial in."""
    charger = await system.dial(protocols=(f"ocpp{version}",))
    charger.answers["GetVariables"] = unknown_variables
    await charger.call("BootNotification", common2.BOOT)
    await charger.call("StatusNotification", common2.status("Available"))
    await system.hass.async_block_till_done()
    return charger


@both_versions
async def test_status(system: System, api: Api, version: str) -> None:
    """What a charger does is put into the numbers of OCPP.Core."""
    charger = await connect(system, version)
    for status, number in (
        ("Available", 1),
        ("Occupied", 2),
        ("Reserved", 2),
        ("Unavailable", 3),
        ("Faulted", 4),
    ):
        await charger.call("StatusNotification", common2.status(status))
        _, [told] = await api.ask("Status")
        assert told["OnlineConnectors"]["1"] == connector(Status=number)
    assert told["protocol"] == f"ocpp{version}"
    await charger.call("StatusNotification", common2.status("Occupied"))
    await charger.call(
        "TransactionEvent",
        common2.event(
            "Started",
            evse=1,
            token="CARD1",
            state="Charging",
            values=[
                common2.bucket(
                    common2.sample(12345.6, common2.ENERGY),
                    common2.sample(7.36, "Power.Active.Import", unit="kW"),
                    common2.sample(41, "SoC"),
                )
            ],
        ),
    )
    _, [told] = await api.ask("Status")
    assert told["OnlineConnectors"]["1"] == {
        "Status": 2,
        "ChargeRateKW": 7.36,
        "MeterKWH": 12.346,
        "SoC": 41,
    }


@both_versions
@pytest.mark.parametrize("status", ["Accepted", "Rejected", "Scheduled"])
async def test_reset(system: System, api: Api, version: str, status: str) -> None:
    """A reset waits for the car, as the soft one of 1.6."""
    charger = await connect(system, version)
    charger.answers["Reset"] = {"status": status}
    assert await api.status("Reset/GARAGE") == (200, status)
    assert (await charger.called("Reset")).payload == {"type": "OnIdle"}


@both_versions
@pytest.mark.parametrize(
    "status",
    ["Unlocked", "UnlockFailed", "OngoingAuthorizedTransaction", "UnknownConnector"],
)
async def test_unlock(system: System, api: Api, version: str, status: str) -> None:
    """Each status is told as it is."""
    charger = await connect(system, version)
    charger.answers["UnlockConnector"] = {"status": status}
    assert await api.status("UnlockConnector/GARAGE/1") == (200, status)
    call = await charger.called("UnlockConnector")
    assert call.payload == {"evseId": 1, "connectorId": 1}


@both_versions
@pytest.mark.parametrize(
    ("limit", "unit", "value"), [("16A", "A", 16), ("9660W", "W", 9660)]
)
async def test_limit(
    system: System, api: Api, version: str, limit: str, unit: str, value: float
) -> None:
    """A limit goes out as a profile in its unit, or as amperes, and can be cleared."""
    charger = await connect(system, version)
    assert await api.status(f"SetChargingLimit/GARAGE/1/{limit}") == (200, "Accepted")
    profile = (await charger.called("SetChargingProfile")).payload["chargingProfile"]
    [schedule] = profile["chargingSchedule"]
    period = schedule["chargingSchedulePeriod"][0]
    if schedule["chargingRateUnit"] == unit:
        assert period["limit"] == value
    else:
        assert period["limit"] == 14
    assert await api.status("ClearChargingLimit/GARAGE/1") == (200, "Accepted")
    await charger.called("ClearChargingProfile")


@both_versions
async def test_refusals(system: System, api: Api, version: str) -> None:
    """What the charger does not take is told in its words."""
    charger = await connect(system, version)
    charger.answers["UnlockConnector"] = Refusal("NotImplemented", "no lock")
    assert await api.ask("UnlockConnector/GARAGE/1") == (
        200,
        {"status": "NotImplemented", "message": "no lock"},
    )
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}
    assert await api.status("SetChargingLimit/GARAGE/1/10A") == (200, "Rejected")
    await charger.close()
    assert await api.status("Reset/GARAGE") == (404, "Offline")
