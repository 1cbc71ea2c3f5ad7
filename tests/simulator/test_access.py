"""The list of tokens, and reservations."""

from datetime import timedelta
from typing import Any

import pytest

from simulator import Charger, ManualClock
from simulator.clock import format_time

from .central import Central, MakeCharger, Payload


def entry(token: str, **more: Any) -> Payload:
    """A token as a list has it."""
    return {"idTag": token, "idTagInfo": {"status": "Accepted", **more}}


async def send(central: Central, version: int, kind: str, *entries: Payload) -> str:
    """Send a list and return the status."""
    payload: Payload = {"listVersion": version, "updateType": kind}
    if entries:
        payload["localAuthorizationList"] = list(entries)
    return str((await central.call("SendLocalList", payload))["status"])


async def version(central: Central) -> int:
    """The version of the list."""
    return int((await central.call("GetLocalListVersion", {}))["listVersion"])


async def reserve(
    central: Central, clock: ManualClock, number: int = 1, **more: Any
) -> str:
    """Reserve a connector for a minute and return the status."""
    payload = {
        "connectorId": number,
        "expiryDate": format_time(clock.now() + timedelta(seconds=60)),
        "idTag": "CARD1",
        "reservationId": 1,
        **more,
    }
    return str((await central.call("ReserveNow", payload))["status"])


async def test_lists(charger: Charger, central: Central) -> None:
    """Replaced and changed, by versions."""
    assert await version(central) == 0
    assert await send(central, 1, "Full", entry("CARD1"), entry("CARD2")) == "Accepted"
    assert await send(central, 1, "Differential") == "VersionMismatch"
    assert (
        await send(central, 2, "Differential", {"idTag": "card1"}, entry("CARD3"))
        == "Accepted"
    )
    assert charger.local_list.tokens == {"card2": "Accepted", "card3": "Accepted"}
    await charger.reboot()
    assert charger.local_list.version == 2


async def test_no_list(central: Central, make_charger: MakeCharger) -> None:
    """A charger without one says so."""
    await make_charger(config={"LocalAuthListEnabled": None}).start()
    assert await version(central) == -1
    assert await send(central, 1, "Full") == "NotSupported"


@pytest.mark.parametrize(
    ("number", "kind", "entries"),
    [
        (1, "Full", [entry("CARD1"), entry("CARD2"), entry("CARD3")]),
        (2, "Differential", [entry("CARD2"), entry("CARD3")]),
        (0, "Full", []),
        (-1, "Full", []),
        (2, "Full", [{"idTag": "CARD1"}]),
        (2, "Full", [entry("CARD1"), entry("card1")]),
    ],
)
async def test_lists_that_fail(
    central: Central,
    make_charger: MakeCharger,
    number: int,
    kind: str,
    entries: list[Payload],
) -> None:
    """Nothing changes."""
    charger = make_charger(
        config={"SendLocalListMaxLength": "2", "LocalAuthListMaxLength": "2"}
    )
    await charger.start()
    assert await send(central, 1, "Full", entry("CARD1")) == "Accepted"
    assert await send(central, number, kind, *entries) == "Failed"
    assert charger.local_list.version == 1
    assert charger.local_list.tokens == {"card1": "Accepted"}


async def test_list_offline(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Whoever is on it charges, until it expires, or where that is switched off."""
    expiry = format_time(clock.now() + timedelta(hours=1))
    blocked = {"idTag": "CARD2", "idTagInfo": {"status": "Blocked"}}
    await send(central, 1, "Full", entry("CARD1", expiryDate=expiry), blocked)
    central.protocols = ("none",)
    await charger.drop()
    assert await charger.swipe("card1") == "Accepted"
    assert await charger.swipe("CARD2") == "Blocked"
    assert await charger.swipe("CARD3") == "Invalid"
    await clock.advance(3600)
    assert await charger.swipe("CARD1") == "Expired"
    charger.configuration.set("LocalAuthorizeOffline", "false")
    assert await charger.swipe("CARD1") == "Invalid"


async def test_reservation(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Changed, and over when its time is."""
    assert await reserve(central, clock) == "Accepted"
    assert await reserve(central, clock, reservationId=2) == "Occupied"
    assert await reserve(central, clock, idTag="CARD2") == "Accepted"
    await charger.settle()
    assert central.statuses(1)[-1] == "Reserved"
    assert await charger.swipe("CARD1") == "Unavailable"
    await clock.advance(61)
    assert central.statuses(1)[-1] == "Available"
    cancelled = await central.call("CancelReservation", {"reservationId": 1})
    assert cancelled == {"status": "Rejected"}


async def test_reservation_cancelled(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Then it is as if it had never been."""
    await reserve(central, clock)
    cancelled = await central.call("CancelReservation", {"reservationId": 1})
    assert cancelled == {"status": "Accepted"}
    await charger.settle()
    assert central.statuses(1)[-2:] == ["Reserved", "Available"]
    assert charger.reservations.ids == []


async def test_reserved_and_plugged_in_later(
    charger: Charger, central: Central, clock: ManualClock
) -> None:
    """Who shows the card first has the connector until the car comes."""
    await reserve(central, clock)
    assert await charger.swipe("CARD1") == "Accepted"
    await charger.settle()
    assert central.statuses(1)[-1] == "Preparing"
    charger.connector(1).plug_in()
    await charger.settle()
    assert central.said("StartTransaction")[-1]["reservationId"] == 1
    assert charger.reservations.ids == []
