"""Reservations in OCPP 2.0.1 and 2.1."""

from datetime import UTC, datetime

import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import CommandRejected, InvalidCommand
from custom_components.ocpp_central.csms.reservations import ReservationState

from .common import Central
from .common2 import both_versions, connect2

EXPIRY = datetime(2040, 1, 1, 12, tzinfo=UTC)
WRITTEN = "2040-01-01T12:00:00Z"


def states(charge_point: ChargePoint) -> list[tuple[int, str]]:
    """Return the reservations there are, and what became of them."""
    return [(one.id, one.state) for one in charge_point.reservations]


@both_versions
async def test_reserve(central: Central, version: str) -> None:
    """The frame is as asked for: an EVSE, a kind of connector, or any at all."""
    charge_point, charger = await connect2(central, version)
    reserve = charge_point.reservations.reserve
    assert await reserve(1, "04A2B3C4", EXPIRY) == (1, {"status": "Accepted"})
    await reserve(0, "app", EXPIRY, parent_id_token="FAMILY")
    await reserve(0, "04A2B3C4D5E6F7", EXPIRY, connector_type="cCCS2")
    await reserve(102, "E004015012345678", EXPIRY, reservation_id=9)
    assert [call.payload for call in charger.calls] == [
        {
            "id": 1,
            "expiryDateTime": WRITTEN,
            "idToken": {"idToken": "04A2B3C4", "type": "ISO14443"},
            "evseId": 1,
        },
        {
            "id": 2,
            "expiryDateTime": WRITTEN,
            "idToken": {"idToken": "app", "type": "Central"},
            "groupIdToken": {"idToken": "FAMILY", "type": "Central"},
        },
        {
            "id": 3,
            "expiryDateTime": WRITTEN,
            "idToken": {"idToken": "04A2B3C4D5E6F7", "type": "ISO14443"},
            "connectorType": "cCCS2",
        },
        {
            "id": 9,
            "expiryDateTime": WRITTEN,
            "idToken": {"idToken": "E004015012345678", "type": "ISO15693"},
            "evseId": 2,
        },
    ]
    assert states(charge_point) == [(n, "active") for n in (1, 2, 3, 9)]


@both_versions
@pytest.mark.parametrize("answer", ["Faulted", "Occupied", "Rejected", "Unavailable"])
async def test_refused(central: Central, version: str, answer: str) -> None:
    """It is kept as refused, in the charger's own word."""
    charge_point, charger = await connect2(central, version)
    charger.answers["ReserveNow"] = {"status": answer}
    with pytest.raises(CommandRejected) as error:
        await charge_point.reservations.reserve(1, "04A2B3C4", EXPIRY)
    assert error.value.status == answer
    assert states(charge_point) == [(1, "refused")]


@both_versions
async def test_cancel(central: Central, version: str) -> None:
    """By its number; a charger that does not know it leaves it what it was."""
    charge_point, charger = await connect2(central, version)
    await charge_point.reservations.reserve(1, "04A2B3C4", EXPIRY)
    charger.answers["CancelReservation"] = {"status": "Rejected"}
    with pytest.raises(CommandRejected):
        await charge_point.reservations.cancel(1)
    assert states(charge_point) == [(1, "active")]
    charger.answers["CancelReservation"] = {"status": "Accepted"}
    await charge_point.reservations.cancel(1)
    assert charger.calls[-1].payload == {"reservationId": 1}
    # Some say so once more.
    update = {"reservationId": 1, "reservationUpdateStatus": "Removed"}
    await charger.call("ReservationStatusUpdate", update)
    assert states(charge_point) == [(1, "cancelled")]


@pytest.mark.parametrize(
    ("version", "word", "state"),
    [
        ("2.0.1", "Expired", ReservationState.EXPIRED),
        ("2.0.1", "Removed", ReservationState.REMOVED),
        ("2.1", "Expired", ReservationState.EXPIRED),
        ("2.1", "Removed", ReservationState.REMOVED),
        ("2.1", "NoTransaction", ReservationState.UNUSED),
    ],
)
async def test_over(
    central: Central, version: str, word: str, state: ReservationState
) -> None:
    """The charger says how a reservation has ended, and listeners hear of it."""
    charge_point, charger = await connect2(central, version)
    await charge_point.reservations.reserve(1, "04A2B3C4", EXPIRY)
    told: list[None] = []
    charge_point.reservations.subscribe(lambda: told.append(None))
    update = {"reservationId": 1, "reservationUpdateStatus": word}
    assert await charger.call("ReservationStatusUpdate", update) == {}
    assert states(charge_point) == [(1, state)]
    assert charge_point.reservations.at(1) is None
    assert len(told) == 1
    kept = charge_point.reservations.as_dict()
    charge_point.reservations.restore(kept)
    assert states(charge_point) == [(1, state)]


@both_versions
@pytest.mark.parametrize(
    "payload",
    [
        {"reservationId": 99, "reservationUpdateStatus": "Expired"},
        {"reservationId": 1, "reservationUpdateStatus": "Lost"},
        {"reservationId": None, "reservationUpdateStatus": "Expired"},
        {},
    ],
)
async def test_strange_updates(
    central: Central, version: str, payload: dict[str, object]
) -> None:
    """What no reservation is meant by changes none."""
    charge_point, charger = await connect2(central, version)
    await charge_point.reservations.reserve(1, "04A2B3C4", EXPIRY)
    assert await charger.call("ReservationStatusUpdate", payload) == {}
    assert states(charge_point) == [(1, "active")]


async def test_no_kinds_in_16(central: Central) -> None:
    """OCPP 1.6 cannot reserve a kind of connector."""
    charge_point, charger = await central.connect()
    with pytest.raises(InvalidCommand):
        await charge_point.reservations.reserve(
            0, "CARD1", EXPIRY, connector_type="cCCS2"
        )
    assert charger.actions == []
    assert states(charge_point) == []
