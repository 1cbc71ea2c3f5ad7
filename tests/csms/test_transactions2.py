"""Transactions of OCPP 2.0.1 and 2.1: from the first event to the last."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.model import (
    Budget,
    ConnectorStatus,
    Event,
    EventKind,
)

from .common import Charger, Payload, Refused, stamp, until
from .common2 import (
    ENERGY,
    both_versions,
    bucket,
    card,
    connect2,
    dial2,
    event,
    sample,
    status,
)
from .durable import Durable


async def tell(charger: Charger, *args: Any, **more: Any) -> Payload:
    """Send a TransactionEvent and return the answer."""
    return await charger.call("TransactionEvent", event(*args, **more))


def energy(value: float, context: str | None = None, **more: Any) -> Payload:
    """Return a MeterValue with a register."""
    labels = {"context": context} if context else {}
    time = more.pop("time", None)
    return bucket(sample(value, ENERGY, **labels, **more), time=time)


async def plugged(
    durable: Durable, version: str, **more: Any
) -> tuple[ChargePoint, Charger]:
    """Connect a charger with a car at its first EVSE."""
    charge_point, charger = await connect2(durable.central, version, **more)
    await charger.call("StatusNotification", status("Available"))
    await charger.call("StatusNotification", status("Occupied"))
    return charge_point, charger


async def sessions(durable: Durable) -> list[dict[str, Any]]:
    """Return what is on disk."""
    await durable.ledger.drain()
    return durable.rows()


@both_versions
async def test_a_session_from_start_to_end(on_disk: Durable, version: str) -> None:
    """Started, Updated and Ended, each answered after it is on disk."""
    charge_point, charger = await plugged(on_disk, version)
    answer = await tell(
        charger,
        "Started",
        evse=1,
        token="CARD1",
        state="Charging",
        values=[energy(1000, "Transaction.Begin")],
    )
    assert answer["idTokenInfo"] == {"status": "Accepted"}
    (row,) = on_disk.rows()
    assert (row["charger_id"], row["connector"], row["id_token"]) == ("T1", 1, "CARD1")
    assert row["authorized_by"] == "online"
    assert row["meter_start"] == 1000
    assert charge_point.status(1) is ConnectorStatus.CHARGING

    # The EVSE is in the first event only.
    answer = await tell(
        charger,
        "Updated",
        reason="MeterValuePeriodic",
        values=[
            bucket(
                sample(1.5, ENERGY, unit="kWh"),
                sample(7.36, "Power.Active.Import", unit="W", multiplier=3),
            )
        ],
    )
    assert ("totalCost" in answer) is (version == "2.1")
    assert charge_point.value(1, "session_energy") == 500
    assert charge_point.value(1, "power") == 7360

    answer = await tell(
        charger,
        "Ended",
        reason="EVDeparted",
        info={"stoppedReason": "EVDisconnected"},
        values=[energy(3000, "Transaction.End")],
    )
    assert answer["totalCost"] == 0.6
    (row,) = await sessions(on_disk)
    assert (row["energy"], row["meter_stop"]) == (2000, 3000)
    assert row["stop_reason"] == "ev_disconnected"
    assert not row["inferred"]
    assert charge_point.status(1) is ConnectorStatus.FINISHING
    assert charge_point.value(1, "power") == 0
    await charger.call("StatusNotification", status("Available"))
    assert charge_point.status(1) is ConnectorStatus.AVAILABLE


@both_versions
async def test_a_transaction_stays_at_its_evse(on_disk: Durable, version: str) -> None:
    """Over a restart, too, though later events do not name it."""
    _, charger = await connect2(on_disk.central, version)
    for evse in (1, 2):
        await charger.call("StatusNotification", status("Occupied", evse=evse))
    await tell(
        charger, "Started", evse=2, connector=None, token="CARD1", values=[energy(0)]
    )
    await on_disk.restart()
    charge_point, charger = await connect2(on_disk.central, version)
    await tell(charger, "Updated", state="Charging", values=[energy(700)])
    assert charge_point.value(2, "session_energy") == 700
    assert charge_point.status(2) is ConnectorStatus.CHARGING
    assert charge_point.transactions.at(1) is None
    await charge_point.commands.stop_transaction(
        charge_point.transactions.at(2).reference  # type: ignore[union-attr]
    )
    call = await charger.called("RequestStopTransaction")
    assert call.payload == {"transactionId": "T1"}


@both_versions
async def test_the_second_connector_of_an_evse(on_disk: Durable, version: str) -> None:
    """A connector that is not named is the one that is occupied."""
    charge_point, charger = await connect2(on_disk.central, version)
    await charger.call("StatusNotification", status("Available", connector=1))
    await charger.call("StatusNotification", status("Occupied", connector=2))
    await tell(charger, "Started", evse=1, connector=None, token="CARD1")
    assert charge_point.transactions.at(1) is None
    assert charge_point.transactions.at(101)


@both_versions
async def test_where_it_is_may_come_later(on_disk: Durable, version: str) -> None:
    """Authorized first, plugged in after that."""
    charge_point, charger = await connect2(on_disk.central, version)
    for evse in (1, 2):
        await charger.call("StatusNotification", status("Available", evse=evse))
    await tell(charger, "Started", token="CARD1")
    assert [row["connector"] for row in on_disk.rows()] == [0]
    await tell(charger, "Updated", reason="CablePluggedIn", evse=2, state="EVConnected")
    assert [row["connector"] for row in on_disk.rows()] == [2]
    assert charge_point.transactions.at(2)
    assert charge_point.status(2) is ConnectorStatus.PREPARING
    await tell(charger, "Updated", state="Charging", values=[energy(500)])
    await tell(charger, "Updated", values=[energy(900)])
    await tell(charger, "Ended", values=[energy(1000)])
    (row,) = await sessions(on_disk)
    assert (row["energy"], row["connector"]) == (500, 2)


@both_versions
async def test_a_start_told_again_is_the_same(on_disk: Durable, version: str) -> None:
    """Unlike another one that a charger calls by the same id."""
    _, charger = await plugged(on_disk, version)
    first = event("Started", evse=1, token="CARD1", time=stamp(seconds=90))
    await charger.call("TransactionEvent", first)
    await charger.call("TransactionEvent", first)
    assert len(on_disk.rows()) == 1
    await tell(charger, "Updated", state="Charging", time=stamp(seconds=80))
    await charger.call("TransactionEvent", first)
    assert len(on_disk.rows()) == 1
    await on_disk.restart()
    _, charger = await connect2(on_disk.central, version)
    await charger.call("TransactionEvent", first)
    assert len(on_disk.rows()) == 1
    ended = event("Ended", time=stamp(seconds=70))
    await charger.call("TransactionEvent", ended)
    await charger.call("TransactionEvent", ended)
    await charger.call("TransactionEvent", first)
    (row,) = await sessions(on_disk)
    assert row["ended"]
    await tell(charger, "Started", evse=1, token="CARD2", sequence=0)
    await tell(charger, "Ended", sequence=1)
    rows = await sessions(on_disk)
    assert [row["id_token"] for row in rows] == ["CARD1", "CARD2"]
    assert all(row["ended"] for row in rows)


@both_versions
async def test_an_id_used_again_without_a_start(on_disk: Durable, version: str) -> None:
    """What comes after the end, with a number from before it, is another one."""
    charge_point, charger = await plugged(on_disk, version)
    await tell(charger, "Started", evse=1, time=stamp(seconds=50), sequence=0)
    await tell(charger, "Ended", time=stamp(seconds=40), sequence=5)
    await tell(charger, "Updated", time=stamp(seconds=30), sequence=1, evse=1)
    first, second = await sessions(on_disk)
    assert first["ended"]
    assert second["taken_up"]
    assert charge_point.transactions.at(1)


@both_versions
async def test_events_out_of_order(on_disk: Durable, version: str) -> None:
    """A late one counts, and shows nothing; told twice it counts once."""
    charge_point, charger = await plugged(on_disk, version)
    await tell(charger, "Started", evse=1, token="C", values=[energy(0)], sequence=0)
    early = stamp(seconds=1)
    await tell(
        charger, "Updated", state="SuspendedEV", values=[energy(2000)], sequence=9
    )
    late = event(
        "Updated",
        state="Charging",
        sequence=3,
        time=early,
        values=[bucket(sample(7000, "Power.Active.Import"), time=early)],
    )
    for _ in range(2):
        await charger.call("TransactionEvent", late)
    assert charge_point.status(1) is ConnectorStatus.SUSPENDED_EV
    assert not charge_point.value(1, "power")
    assert charge_point.value(1, "session_energy") == 2000
    # A charger that counts anew is heard all the same.
    await tell(
        charger,
        "Updated",
        state="Charging",
        sequence=0,
        time=stamp(datetime.now(UTC) + timedelta(seconds=2)),
    )
    assert charge_point.status(1) is ConnectorStatus.CHARGING


@both_versions
async def test_what_happened_offline_is_history(on_disk: Durable, version: str) -> None:
    """No sensor of the moment shows it, whatever its timestamps say."""
    charge_point, charger = await plugged(on_disk, version)
    events: list[Event] = []
    charge_point.subscribe_events(events.append)
    await tell(
        charger,
        "Started",
        evse=1,
        token="CARD1",
        offline=True,
        time=stamp(minutes=60),
        values=[energy(100, time=stamp(minutes=60))],
    )
    await tell(
        charger,
        "Updated",
        offline=True,
        time=stamp(seconds=20),
        values=[
            bucket(sample(5000, "Power.Active.Import"), time=stamp(seconds=20)),
        ],
    )
    assert charge_point.value(1, "power") is None
    assert charge_point.status(1) is ConnectorStatus.OCCUPIED
    await tell(
        charger,
        "Ended",
        offline=True,
        time=stamp(seconds=10),
        values=[energy(900, time=stamp(seconds=10))],
    )
    (row,) = await sessions(on_disk)
    assert row["authorized_by"] == "offline_unknown"
    assert (row["energy"], row["replayed"]) == (800, 1)
    assert not [one for one in events if one.kind is EventKind.ID_TOKEN]


@both_versions
async def test_the_newest_of_the_past_holds(on_disk: Durable, version: str) -> None:
    """Where nothing newer follows, the car charges still."""
    charge_point, charger = await plugged(on_disk, version)
    await tell(charger, "Started", evse=1, token="C", state="Charging", offline=True)
    await until(
        lambda listener: charge_point.subscribe(1, ("status",), listener),
        lambda: charge_point.status(1) is ConnectorStatus.CHARGING,
    )


@both_versions
@pytest.mark.parametrize("restart", [False, True])
async def test_one_in_the_middle_is_taken_up(
    on_disk: Durable, version: str, restart: bool
) -> None:
    """Its start is what is known of it, until that is told after all."""
    charge_point, charger = await plugged(on_disk, version)
    await tell(
        charger,
        "Updated",
        evse=1,
        token="CARD1",
        state="Charging",
        sequence=5,
        values=[energy(5000)],
    )
    (row,) = on_disk.rows()
    assert (row["taken_up"], row["inferred"]) == (1, 0)
    assert charge_point.status(1) is ConnectorStatus.CHARGING
    if restart:
        await on_disk.restart()
        charge_point, charger = await connect2(on_disk.central, version)
    await tell(
        charger,
        "Started",
        evse=1,
        token="CARD1",
        sequence=0,
        time=stamp(minutes=30),
        values=[energy(4000, time=stamp(minutes=30))],
    )
    assert charge_point.value(1, "session_energy") == 1000
    await tell(charger, "Ended", values=[energy(6000)], sequence=7)
    (row,) = await sessions(on_disk)
    assert (row["energy"], row["taken_up"], row["meter_start"]) == (2000, 0, 4000)


@both_versions
async def test_an_end_of_nothing_is_kept(on_disk: Durable, version: str) -> None:
    """And ends nothing else."""
    charge_point, charger = await plugged(on_disk, version)
    await tell(charger, "Started", "T7", evse=1, token="CARD1")
    for _ in range(2):
        await charger.call("TransactionEvent", event("Ended", "T8", time=stamp()))
    assert charge_point.transactions.at(1)
    orphans = on_disk.rows("orphan_stops")
    assert {one["transaction_id"] for one in orphans} == {"T8"}


@both_versions
@pytest.mark.parametrize("restarted", [False, True])
async def test_the_meter_start_comes_at_the_end(
    on_disk: Durable, version: str, restarted: bool
) -> None:
    """Where the start has no register, what the end says of it counts."""
    _, charger = await plugged(on_disk, version)
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=2)
    begun, ended = at.isoformat(), (at + timedelta(seconds=1)).isoformat()
    await tell(charger, "Started", evse=1, token="CARD1", time=begun)
    if restarted:
        await on_disk.restart()
        _, charger = await connect2(on_disk.central, version)
    values = [
        energy(7000, "Transaction.Begin", time=begun),
        energy(9000, "Transaction.End", time=ended),
    ]
    await tell(charger, "Ended", time=ended, values=values)
    (row,) = await sessions(on_disk)
    assert (row["meter_start"], row["meter_stop"]) == (7000, 9000)
    assert row["energy"] == 2000


@both_versions
async def test_a_start_without_a_register(on_disk: Durable, version: str) -> None:
    """The session counts from where its connector's register stood."""
    charge_point, charger = await plugged(on_disk, version)
    await tell(charger, "Started", "T0", evse=1, values=[energy(900)])
    await tell(charger, "Ended", "T0", values=[energy(1000)])
    await tell(charger, "Started", evse=1, token="CARD1")
    await tell(charger, "Updated", values=[energy(1500)])
    assert charge_point.value(1, "session_energy") == 500
    await tell(charger, "Ended", values=[energy(2000)])
    _, row = await sessions(on_disk)
    assert row["energy"] == 1000


@both_versions
async def test_an_empty_id(on_disk: Durable, version: str) -> None:
    """It is an id, by the schema; none at all is refused."""
    _, charger = await plugged(on_disk, version)
    await tell(charger, "Started", "", evse=1, token="CARD1", values=[energy(1000)])
    await on_disk.restart()
    _, charger = await connect2(on_disk.central, version)
    assert await tell(charger, "Updated", "", values=[energy(1500)]) is not None
    await tell(charger, "Ended", "", values=[energy(2000)])
    (row,) = await sessions(on_disk)
    assert (row["charger_id"], row["energy"]) == ("", 1000)
    payload = event("Started")
    del payload["transactionInfo"]["transactionId"]
    with pytest.raises(Refused, match="OccurrenceConstraintViolation"):
        await charger.call("TransactionEvent", payload)


@both_versions
async def test_the_token_comes_late(on_disk: Durable, version: str) -> None:
    """The session is somebody's from then on; another token may end it."""
    charge_point, charger = await plugged(on_disk, version)
    answer = await tell(
        charger, "Started", evse=1, reason="CablePluggedIn", state="EVConnected"
    )
    assert "idTokenInfo" not in answer
    assert charge_point.status(1) is ConnectorStatus.PREPARING
    (row,) = on_disk.rows()
    assert (row["id_token"], row["authorized_by"]) == (None, "none")
    answer = await tell(charger, "Updated", token="CARD1", state="Charging")
    assert answer["idTokenInfo"]["status"] == "Accepted"
    (row,) = on_disk.rows()
    assert (row["id_token"], row["authorized_by"]) == ("CARD1", "online")
    answer = await tell(charger, "Updated", reason="StopAuthorized", token="CARD2")
    assert answer["idTokenInfo"]["status"] == "Accepted"
    await tell(charger, "Ended", reason="StopAuthorized")
    (row,) = await sessions(on_disk)
    assert (row["id_token"], row["stop_id_token"]) == ("CARD1", "CARD2")


@both_versions
async def test_no_authorization(on_disk: Durable, version: str) -> None:
    """A charger that asks nobody has nobody's session."""
    _, charger = await plugged(on_disk, version)
    answer = await tell(
        charger,
        "Started",
        evse=1,
        state="Charging",
        idToken=card("", "NoAuthorization"),
    )
    assert answer["idTokenInfo"]["status"] == "Accepted"
    (row,) = on_disk.rows()
    assert row["authorized_by"] == "none"


@both_versions
async def test_an_occupied_connector_tells_no_more(
    on_disk: Durable, version: str
) -> None:
    """What its transaction does stays; a fault is shown, and over with it."""
    charge_point, charger = await plugged(on_disk, version)
    await tell(charger, "Started", evse=1, token="C", state="SuspendedEV")
    for reported, shown in (
        ("Occupied", ConnectorStatus.SUSPENDED_EV),
        ("Faulted", ConnectorStatus.FAULTED),
        ("Occupied", ConnectorStatus.SUSPENDED_EV),
        ("Unavailable", ConnectorStatus.UNAVAILABLE),
    ):
        await charger.call("StatusNotification", status(reported))
        assert charge_point.status(1) is shown
    await tell(charger, "Updated", state="Charging")
    assert charge_point.status(1) is ConnectorStatus.CHARGING
    await charger.call("StatusNotification", status("Occupied"))
    await tell(charger, "Ended", info={"stoppedReason": "Local"})
    assert charge_point.status(1) is ConnectorStatus.FINISHING
    await charger.call("StatusNotification", status("Occupied"))
    assert charge_point.status(1) is ConnectorStatus.FINISHING


@both_versions
async def test_a_remote_start_is_recognised(on_disk: Durable, version: str) -> None:
    """By its number, whatever the charger makes of the token."""
    charge_point, charger = await plugged(on_disk, version)
    await charge_point.commands.start_transaction(1, "CARD9")
    call = await charger.called("RequestStartTransaction")
    assert call.payload["evseId"] == 1
    assert call.payload["idToken"] == {"idToken": "CARD9", "type": "Central"}
    number = call.payload["remoteStartId"]
    await tell(
        charger,
        "Started",
        evse=1,
        reason="RemoteStart",
        info={"remoteStartId": number},
    )
    (row,) = on_disk.rows()
    assert (row["id_token"], row["authorized_by"]) == ("CARD9", "remote")
    await charge_point.commands.start_transaction(1, "CARD9")
    again = await charger.called("RequestStartTransaction")
    assert again.payload["remoteStartId"] > number


@both_versions
async def test_it_goes_on_though_it_seemed_over(on_disk: Durable, version: str) -> None:
    """GetTransactionStatus tells; the charger's next word counts for more."""
    charge_point, charger = await plugged(on_disk, version)
    await tell(charger, "Started", evse=1, token="C", state="Charging")
    await charger.close()
    charger = await dial2(on_disk.central, version, "/CP1")
    charger.answers["GetTransactionStatus"] = {
        "ongoingIndicator": False,
        "messagesInQueue": False,
    }
    await charge_point.transaction_events.verify()
    call = await charger.called("GetTransactionStatus")
    assert call.payload == {"transactionId": "T1"}
    assert charge_point.transactions.at(1) is None
    (row,) = await sessions(on_disk)
    assert row["inferred"]
    await tell(charger, "Updated", state="Charging", values=[energy(100)])
    assert charge_point.transactions.at(1)
    (row,) = await sessions(on_disk)
    assert (row["ended"], row["inferred"]) == (None, 0)


async def test_a_budget_is_told(on_disk: Durable) -> None:
    """In 2.1 the charger itself ends what has come to its limit."""
    charge_point, charger = await plugged(on_disk, "2.1")
    charge_point.wish(1).budget = Budget(energy=10_000, cost=5.5, seconds=3600)
    answer = await tell(charger, "Started", evse=1, token="C", values=[energy(0)])
    assert answer["transactionLimit"] == {
        "maxEnergy": 10_000,
        "maxCost": 5.5,
        "maxTime": 3600,
    }
    await tell(charger, "Ended", values=[energy(10_000)])
    assert charge_point.wish(1).budget is None


@both_versions
async def test_meter_values_of_an_evse(on_disk: Durable, version: str) -> None:
    """A register belongs to its connector, and so to what is open there."""
    charge_point, charger = await plugged(on_disk, version)
    await tell(charger, "Started", evse=1, token="C", values=[energy(1000)])
    signed = {
        "signedMeterData": "AAAA",
        "signingMethod": "",
        "encodingMethod": "OCMF",
        "publicKey": "",
    }
    value = sample(2.5, ENERGY, unit="Wh", multiplier=3, signedMeterValue=signed)
    await charger.call("MeterValues", {"evseId": 1, "meterValue": [bucket(value)]})
    assert charge_point.value(1, "session_energy") == 1500
    await on_disk.ledger.drain()
    (kept,) = on_disk.rows("signed_values")
    assert "OCMF" in kept["value"]
    # Station, and garbage.
    for evse in (0, 4711):
        await charger.call(
            "MeterValues", {"evseId": evse, "meterValue": [bucket(value)]}
        )


@both_versions
async def test_the_end_is_answered_after_it_is_on_disk(
    on_disk: Durable, version: str
) -> None:
    """A power cut after the answer takes nothing."""
    _, charger = await plugged(on_disk, version)
    await tell(charger, "Started", evse=1, token="C", values=[energy(10)])
    await tell(charger, "Ended", values=[energy(60)])
    await on_disk.power_cut()
    (row,) = on_disk.rows()
    assert row["ended"]
    assert row["energy"] == 50
