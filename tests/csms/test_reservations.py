"""Reservations: what is asked of the charger, and what becomes of them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.ocpp_central.csms.charge_point import ChargePoint
from custom_components.ocpp_central.csms.errors import (
    CommandError,
    CommandRejected,
    CommandTimeout,
    InvalidCommand,
    NotConnected,
    NotSupported,
)
from custom_components.ocpp_central.csms.model import KnownToken
from custom_components.ocpp_central.csms.reservations import ReservationState

from .common import (
    TIMING,
    Central,
    Charger,
    HangUp,
    Refusal,
    Silence,
    central_system,
    start,
    status,
)

ACTIVE = ReservationState.ACTIVE
EXPIRY = datetime(2040, 1, 1, 12, tzinfo=UTC)


def states(charge_point: ChargePoint) -> list[tuple[int, str]]:
    """Return the reservations there are, and what became of them."""
    return [(one.id, one.state) for one in charge_point.reservations]


@pytest.fixture
async def connected(central: Central) -> tuple[ChargePoint, Charger]:
    """Return a charge point that is connected."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status("Available"))
    return charge_point, charger


type Connected = tuple[ChargePoint, Charger]


async def test_reserve(connected: Connected) -> None:
    """The frame is as asked for; ids are free ones, or as given."""
    charge_point, charger = connected
    reserve = charge_point.reservations.reserve
    assert await reserve(1, "CARD1", EXPIRY) == (1, {"status": "Accepted"})
    await reserve(0, "CARD2", EXPIRY, parent_id_token="FAMILY")
    await reserve(7, "CARD3", EXPIRY, reservation_id=3)
    await reserve(1, "CARD4", EXPIRY)
    assert [call.payload for call in charger.calls if call.action == "ReserveNow"] == [
        {
            "connectorId": 1,
            "expiryDate": "2040-01-01T12:00:00Z",
            "idTag": "CARD1",
            "reservationId": 1,
        },
        {
            "connectorId": 0,
            "expiryDate": "2040-01-01T12:00:00Z",
            "idTag": "CARD2",
            "parentIdTag": "FAMILY",
            "reservationId": 2,
        },
        {
            "connectorId": 7,
            "expiryDate": "2040-01-01T12:00:00Z",
            "idTag": "CARD3",
            "reservationId": 3,
        },
        {
            "connectorId": 1,
            "expiryDate": "2040-01-01T12:00:00Z",
            "idTag": "CARD4",
            "reservationId": 4,
        },
    ]
    assert states(charge_point) == [(number, ACTIVE) for number in (1, 2, 3, 4)]


@pytest.mark.parametrize("answer", ["Faulted", "Occupied", "Rejected", "Unavailable"])
async def test_refused(connected: Connected, answer: str) -> None:
    """It is kept as refused, and what the same id stood for stays."""
    charge_point, charger = connected
    await charge_point.reservations.reserve(1, "CARD1", EXPIRY)
    charger.answers["ReserveNow"] = {"status": answer}
    for reservation_id in (1, None):
        with pytest.raises(CommandRejected) as error:
            await charge_point.reservations.reserve(
                1, "CARD2", EXPIRY, reservation_id=reservation_id
            )
        assert error.value.status == answer
    assert states(charge_point) == [(1, "active"), (1, "refused"), (2, "refused")]
    held = charge_point.reservations.at(1)
    assert held
    assert held.id_token == "CARD1"

    await charge_point.reservations.cancel(1)
    assert states(charge_point) == [(1, "cancelled"), (1, "refused"), (2, "refused")]
    assert charge_point.reservations.at(1) is None


async def test_changed(connected: Connected) -> None:
    """The same id again is the same reservation."""
    charge_point, _ = connected
    await charge_point.reservations.reserve(1, "CARD1", EXPIRY, reservation_id=5)
    await charge_point.reservations.reserve(0, "CARD2", EXPIRY, reservation_id=5)
    assert [
        (one.id, one.connector, one.id_token) for one in charge_point.reservations
    ] == [(5, 0, "CARD2")]


async def test_cancel(connected: Connected) -> None:
    """A charger may not know a reservation; then it stays what it was."""
    charge_point, charger = connected
    await charge_point.reservations.reserve(1, "CARD1", EXPIRY)
    charger.answers["CancelReservation"] = {"status": "Rejected"}
    with pytest.raises(CommandRejected):
        await charge_point.reservations.cancel(1)
    assert states(charge_point) == [(1, "active")]
    charger.answers["CancelReservation"] = {"status": "accepted"}
    await charge_point.reservations.cancel(1)
    assert charger.calls[-1].payload == {"reservationId": 1}
    assert states(charge_point) == [(1, "cancelled")]
    # One that is not known here goes out all the same.
    assert await charge_point.reservations.cancel(-9) == {"status": "accepted"}
    assert charger.calls[-1].payload == {"reservationId": -9}


async def test_used(connected: Connected) -> None:
    """A transaction that begins by a reservation closes it."""
    charge_point, charger = connected
    await charge_point.reservations.reserve(1, "CARD1", EXPIRY)
    await charge_point.reservations.reserve(1, "CARD2", EXPIRY)
    await charger.call("StartTransaction", {**start(token="CARD2"), "reservationId": 2})
    assert states(charge_point) == [(1, "active"), (2, "used")]
    for strange in (0, 99, "one", None, -1):
        payload = {**start(2, token="CARD3"), "reservationId": strange}
        await charger.call("StartTransaction", payload)
    assert states(charge_point) == [(1, "active"), (2, "used")]


async def test_expires(connected: Connected, freezer: FrozenDateTimeFactory) -> None:
    """By the time; a start that is told late was still by it."""
    charge_point, charger = connected
    soon = datetime.now(UTC) + timedelta(minutes=10)
    await charge_point.reservations.reserve(1, "CARD1", soon)
    await charge_point.reservations.reserve(1, "CARD2", EXPIRY)
    told: list[None] = []
    charge_point.reservations.subscribe(lambda: told.append(None))
    charge_point.reservations.tick()
    assert told == []
    freezer.tick(600)
    charge_point.reservations.tick()
    assert len(told) == 1
    assert states(charge_point) == [(1, "expired"), (2, "active")]
    await charger.call("StartTransaction", {**start(), "reservationId": 1})
    assert states(charge_point) == [(1, "used"), (2, "active")]


async def test_who_holds_a_connector(connected: Connected) -> None:
    """Its own reservation, else one of any connector; the newest."""
    charge_point, _ = connected
    reservations = charge_point.reservations
    assert reservations.at(1) is None
    await reservations.reserve(0, "CARD1", EXPIRY)
    await reservations.reserve(1, "CARD2", EXPIRY)
    await reservations.reserve(1, "CARD3", EXPIRY)
    assert (held := reservations.at(1))
    assert held.id == 3
    assert (held := reservations.at(2))
    assert held.id == 1


async def test_the_last_ones_are_kept(connected: Connected) -> None:
    """Those that hold a connector are, in any case."""
    charge_point, charger = connected
    await charge_point.reservations.reserve(1, "CARD1", EXPIRY)
    charger.answers["ReserveNow"] = {"status": "Occupied"}
    for _ in range(30):
        with pytest.raises(CommandRejected):
            await charge_point.reservations.reserve(1, "CARD2", EXPIRY)
    assert states(charge_point) == [
        (1, "active"),
        *((number, "refused") for number in range(13, 32)),
    ]


async def test_over_a_restart(
    connected: Connected, freezer: FrozenDateTimeFactory
) -> None:
    """They are as they were, and new ones get new ids."""
    charge_point, charger = connected
    soon = datetime.now(UTC) + timedelta(minutes=10)
    await charge_point.reservations.reserve(1, "CARD1", EXPIRY)
    await charge_point.reservations.reserve(1, "CARD2", soon)
    kept = charge_point.reservations.as_dict()
    before = list(charge_point.reservations)
    charge_point.reservations.restore(kept)
    assert list(charge_point.reservations) == before
    freezer.tick(601)
    charge_point.reservations.restore(kept)
    assert states(charge_point) == [(1, "active"), (2, "expired")]
    assert (await charge_point.reservations.reserve(1, "CARD3", EXPIRY))[0] == 3
    await charger.alive()


async def test_not_there(central: Central) -> None:
    """What a charger was never asked is no reservation."""
    charge_point = await central.add()
    with pytest.raises(NotConnected):
        await charge_point.reservations.reserve(1, "CARD1", EXPIRY)
    with pytest.raises(NotConnected):
        await charge_point.reservations.cancel(1)
    assert states(charge_point) == []


@pytest.mark.parametrize("code", ["NotImplemented", "NotSupported"])
async def test_not_supported(connected: Connected, code: str) -> None:
    """A charger that knows no reservations has none."""
    charge_point, charger = connected
    charger.answers |= {
        "ReserveNow": Refusal(code),
        "CancelReservation": Refusal(code),
    }
    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: charge_point.reservations.reserve(1, "CARD1", EXPIRY),
        lambda: charge_point.reservations.cancel(1),
    ]
    for call in calls:
        with pytest.raises(NotSupported):
            await call()
    assert states(charge_point) == []


async def test_not_allowed(connected: Connected) -> None:
    """What the schema forbids is not sent."""
    charge_point, charger = connected
    with pytest.raises(InvalidCommand):
        await charge_point.reservations.reserve(1, "X" * 21, EXPIRY)
    assert "ReserveNow" not in charger.actions
    assert states(charge_point) == []


@pytest.mark.parametrize("answer", [Silence(), HangUp()])
async def test_no_answer(socket_enabled: None, answer: Silence | HangUp) -> None:
    """The charger may hold the connector: it can be cancelled."""
    async with central_system(timing=replace(TIMING, call=0.05)) as central:
        charge_point, charger = await central.connect()
        charger.answers["ReserveNow"] = answer
        with pytest.raises((CommandTimeout, NotConnected)):
            await charge_point.reservations.reserve(1, "CARD1", EXPIRY)
        assert states(charge_point) == [(1, "active")]


async def test_disconnected_while_asked(connected: Connected) -> None:
    """So it may where the socket closes before the answer."""
    charge_point, charger = connected
    charger.answers["CancelReservation"] = HangUp()
    await charge_point.reservations.reserve(1, "CARD1", EXPIRY)
    with pytest.raises(CommandError):
        await charge_point.reservations.cancel(1)
    assert states(charge_point) == [(1, "active")]


async def test_names(central: Central, connected: Connected) -> None:
    """Who holds a connector is called by name, and anew when the name changes."""
    charge_point, _ = connected
    await charge_point.reservations.reserve(1, "04A2B3C4", EXPIRY)
    assert charge_point.access.name_of("04A2B3C4") == "…B3C4"
    before = charge_point.value(1, "reservations")
    central.authorizer.set(
        [KnownToken(id_token="04a2b3c4", name="Ada")],
        one_session_each=False,
    )
    assert charge_point.access.name_of("04A2B3C4") == "Ada"
    assert charge_point.value(1, "reservations") != before
