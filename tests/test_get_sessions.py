"""Reading charging sessions: which, in which order, and what is said of each."""

from datetime import timedelta
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers.json import json_bytes
from homeassistant.util import dt as dt_util
import pytest
import voluptuous as vol

from .common import System, charge_point
from .csms.common import ENERGY, meter_values, sample, stamp
from .past_sessions import charge, charging, stop

DOMAIN = "ocpp_central"
SIGNED = {"context": "Transaction.End", "format": "SignedData", "value": "OCMF|{}|x"}


@pytest.fixture(autouse=True)
async def berlin(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Begin on a day in Berlin."""
    freezer.move_to("2026-03-02T12:00:00+00:00")
    await hass.config.async_set_time_zone("Europe/Berlin")


@pytest.fixture
def charge_points() -> list[ConfigSubentryData]:
    """Return two charge points."""
    return [charge_point(), charge_point("Street/7", "Street")]


async def ask(system: System, **data: Any) -> dict[str, Any]:
    """Return what the action answers: as it goes to a browser."""
    answer = await system.hass.services.async_call(
        DOMAIN, "get_sessions", data, blocking=True, return_response=True
    )
    assert answer is not None
    result: dict[str, Any] = json.loads(json_bytes(answer))
    return result


async def ids(system: System, **data: Any) -> list[int]:
    """Return the ids of the sessions that are found."""
    return [session["id"] for session in (await ask(system, **data))["sessions"]]


async def test_open_session(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """It is there with the answer to its start, and all that came in since."""
    raw = await system.dial()
    transaction = await raw.start(meter=5000, token="04a1B2")
    (session,) = (await ask(system))["sessions"]
    assert session["id"] == transaction
    assert session["energy_kwh"] == 0
    freezer.tick(timedelta(minutes=10))
    values = meter_values(
        sample("6500", ENERGY),
        sample("7400.0", "Power.Active.Import", unit="W"),
        sample("55", "SoC", unit="Percent"),
        transaction=transaction,
    )
    await raw.call("MeterValues", values)
    freezer.tick(timedelta(minutes=5))
    answer = await ask(system)
    (session,) = answer["sessions"]
    assert session == {
        "id": transaction,
        "transaction_id": transaction,
        "charge_point": "GARAGE",
        "name": "Garage",
        "connector": 1,
        "id_token": "04a1B2",
        "user": None,
        "group": None,
        "authorized_by": "online",
        "started": "2026-03-02T13:00:00+01:00",
        "ended": None,
        "open": True,
        "connected_time": 900,
        "charging_time": 600,
        "idle_time": 300,
        "meter_start_wh": 5000,
        "meter_stop_wh": 6500,
        "energy_kwh": 1.5,
        "peak_power_kw": 7.4,
        "soc_start": 55,
        "soc_end": 55,
        "cost": None,
        "currency": None,
        "unpriced_energy_kwh": 1.5,
        "stop_reason": None,
        "replayed": False,
        "inferred": False,
        "corrected": False,
    }
    assert answer["next_offset"] is None


async def test_ended_session(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """It is there with the answer to its stop: cost, reason, signed values and all."""
    hass.config_entries.async_update_entry(system.entry, options={"price": 0.4})
    await hass.async_block_till_done()
    async with charging(system) as (raw, transaction):
        freezer.tick(timedelta(hours=2))
        data = [{"timestamp": stamp(), "sampledValue": [SIGNED]}]
        await stop(raw, transaction, 10_000, reason="Remote", transactionData=data)
    answer = await ask(system)
    (session,) = answer["sessions"]
    assert session["ended"] == "2026-03-02T15:00:00+01:00"
    assert session["open"] is False
    assert session["connected_time"] == 7200
    assert session["energy_kwh"] == 5
    assert session["meter_stop_wh"] == 10_000
    assert session["stop_reason"] == "remote"
    assert session["cost"] == pytest.approx(2)
    assert session["currency"] == hass.config.currency
    assert session["unpriced_energy_kwh"] == 0
    (signed,) = session["signed_meter_values"]
    assert signed["value"] == SIGNED["value"]
    assert answer["totals"] == {
        "sessions": 1,
        "energy_kwh": 5,
        "cost": {hass.config.currency: pytest.approx(2)},
        "unpriced_energy_kwh": 0,
        "charging_time": session["charging_time"],
    }


async def test_filters(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """By charge point, connector and token, in whatever case."""
    garage, street = await system.dial(), await system.dial("Street%2F7")
    day = "2026-03-02T13:0"
    one = await charge(garage, freezer, f"{day}0Z", f"{day}1Z", token="04AB")
    two = await charge(
        garage, freezer, f"{day}1Z", f"{day}2Z", token="04ab", connector=2
    )
    three = await charge(street, freezer, f"{day}2Z", f"{day}3Z", token="OTHER")
    await hass.async_block_till_done()
    assert await ids(system) == [three, two, one]
    assert await ids(system, device_id=system.device()) == [two, one]
    assert await ids(system, device_id=system.device(1)) == [one]
    assert await ids(system, device_id=system.device(2)) == [two]
    street_id = system.device(identity="Street/7")
    assert await ids(system, device_id=street_id) == [three]
    assert await ids(system, id_token="04Ab") == [two, one]
    assert await ids(system, id_token="04Ab", device_id=system.device(2)) == [two]
    assert await ids(system, id_token="04") == []
    assert await ids(system, user="Anna") == []
    totals = (await ask(system, id_token="04ab"))["totals"]
    assert (totals["sessions"], totals["energy_kwh"]) == (2, 2)
    assert (await ask(system))["sessions"][0]["charge_point"] == "Street/7"


async def test_days(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """A date is the day where Home Assistant is, the one with 23 hours included."""
    raw = await system.dial()
    before, first, last, after = [
        await charge(raw, freezer, time, time)
        for time in (
            "2026-03-28T22:59:59Z",
            "2026-03-28T23:00:00Z",
            "2026-03-29T21:59:59Z",
            "2026-03-29T22:00:00Z",
        )
    ]
    day = {"start": "2026-03-29", "end": "2026-03-30"}
    assert await ids(system, **day) == [last, first]
    dates = {name: dt_util.parse_date(value) for name, value in day.items()}
    assert await ids(system, **dates) == [last, first]
    assert await ids(system, start="2026-03-30") == [after]
    assert await ids(system, end="2026-03-29 00:00:00") == [before]
    assert await ids(system, end="2026-03-28T23:00:00Z") == [before]
    assert await ids(system, start="2026-03-29T23:59:59+02:00") == [after, last]
    # Half past two did not exist on that day.
    assert await ids(system, start="2026-03-29 02:30:00") == [after, last]
    started = [session["started"] for session in (await ask(system, **day))["sessions"]]
    assert started == ["2026-03-29T23:59:59+02:00", "2026-03-29T00:00:00+01:00"]


async def test_autumn(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """The day with 25 hours."""
    raw = await system.dial()
    first, last, _ = [
        await charge(raw, freezer, time, time)
        for time in (
            "2026-10-24T22:00:00Z",
            "2026-10-25T22:59:59Z",
            "2026-10-25T23:00:00Z",
        )
    ]
    assert await ids(system, start="2026-10-25", end="2026-10-26") == [last, first]


async def test_pages(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """Each session on one page, though others begin; totals of all on each page."""
    raw = await system.dial()
    # All start at once, so that the order is not by time only.
    known = [
        await raw.start(connector, time=stamp(dt_util.utcnow()))
        for connector in (1, 2, 3, 4, 5)
    ]
    freezer.tick(timedelta(minutes=1))
    end = dt_util.now().isoformat()
    found: list[int] = []
    offset: int | None = 0
    while offset is not None:
        answer = await ask(system, end=end, limit=2, offset=offset)
        found += [session["id"] for session in answer["sessions"]]
        assert answer["totals"]["sessions"] == 5
        offset = answer["next_offset"]
        freezer.tick(timedelta(seconds=1))
        await raw.start(1)
    assert found == sorted(known, reverse=True)
    assert (await ask(system))["totals"]["sessions"] == 8
    assert (await ask(system, offset=100))["sessions"] == []


async def test_what_is_no_session(hass: HomeAssistant, system: System) -> None:
    """The end of something unknown is none."""
    raw = await system.dial()
    await stop(raw, 4711, 10_000)
    answer = await ask(system)
    assert answer == {
        "sessions": [],
        "totals": {
            "sessions": 0,
            "energy_kwh": 0,
            "cost": {},
            "unpriced_energy_kwh": 0,
            "charging_time": 0,
        },
        "next_offset": None,
    }


async def test_history_of_a_deleted_charge_point(
    hass: HomeAssistant, system: System, freezer: FrozenDateTimeFactory
) -> None:
    """What somebody may have been billed from stays, after a restart as well."""
    raw = await system.dial("Street%2F7")
    time = "2026-03-02T14:00:00Z"
    transaction = await charge(raw, freezer, time, time)
    (subentry_id,) = [
        subentry.subentry_id
        for subentry in system.entry.subentries.values()
        if subentry.title == "Street"
    ]
    hass.config_entries.async_remove_subentry(system.entry, subentry_id)
    await hass.async_block_till_done()
    await system.restart()
    (session,) = (await ask(system))["sessions"]
    assert session["id"] == transaction
    assert (session["charge_point"], session["name"]) == ("street/7", None)


async def test_administrators_only(
    hass: HomeAssistant,
    system: System,
    hass_read_only_user: User,
    hass_admin_user: User,
) -> None:
    """Who charged where and when is not for everybody in the house."""
    for action in ("get_sessions", "export_sessions"):
        for user in (hass_read_only_user, hass_admin_user):
            acting = hass.services.async_call(
                DOMAIN,
                action,
                {},
                blocking=True,
                return_response=True,
                context=Context(user_id=user.id),
            )
            if user.is_admin:
                assert await acting
            else:
                with pytest.raises(Unauthorized):
                    await acting


@pytest.mark.parametrize(
    "data",
    [
        {"limit": 0},
        {"limit": 1001},
        {"offset": -1},
        {"start": "yesterday"},
        {"device": "GARAGE"},
    ],
)
async def test_what_is_refused(
    hass: HomeAssistant, system: System, data: dict[str, Any]
) -> None:
    """What makes no sense is said at once."""
    with pytest.raises(vol.Invalid):
        await ask(system, **data)


async def test_end_before_start(hass: HomeAssistant, system: System) -> None:
    """An empty period is a mistake."""
    with pytest.raises(ServiceValidationError, match="after the start"):
        await ask(system, start="2026-03-01", end="2026-03-01")


async def test_central_system_that_does_not_run(
    hass: HomeAssistant, system: System
) -> None:
    """The action is there, and says why it cannot answer."""
    device_id = system.device()
    await system.entry.runtime_data.ledger.close()
    with pytest.raises(HomeAssistantError, match="cannot be read"):
        await ask(system)
    assert await hass.config_entries.async_unload(system.entry.entry_id)
    for data in ({}, {"device_id": device_id}):
        with pytest.raises(ServiceValidationError):
            await ask(system, **data)
