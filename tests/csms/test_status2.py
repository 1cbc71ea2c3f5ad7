"""OCPP 2.0.1 and 2.1: what a charger says of itself and its connectors."""

import pytest

from .common import Central
from .common2 import BOOT, VERSIONS, both_versions, connect2, dial2, status


@both_versions
async def test_boot(central: Central, version: str) -> None:
    """A charger that is known is let in, and shown as what it says it is."""
    charge_point, charger = await connect2(central, version)
    answer = await charger.call("BootNotification", BOOT)
    assert (answer["status"], answer["interval"]) == ("Accepted", 60)
    info = charge_point.info
    assert info
    assert (info.vendor, info.model, info.serial, info.firmware) == (
        "Vendor",
        "Model",
        "S1",
        "1.0",
    )


@both_versions
async def test_boot_of_a_stranger(central: Central, version: str) -> None:
    """A charger that nobody has added has to wait."""
    charger = await dial2(central, version)
    answer = await charger.call("BootNotification", BOOT)
    assert (answer["status"], answer["interval"]) == ("Pending", 30)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Available", "available"),
        ("Occupied", "occupied"),
        ("Reserved", "reserved"),
        ("Unavailable", "unavailable"),
        ("Faulted", "faulted"),
    ],
)
async def test_status(central: Central, version: str, word: str, expected: str) -> None:
    """A connector shows what it says it is."""
    charge_point, charger = await connect2(central, version)
    await charger.call("StatusNotification", status(word, evse=2))
    assert charge_point.status(2) == expected
    assert charge_point.connectors == [2]


@both_versions
@pytest.mark.parametrize(
    ("evse", "connector", "expected"),
    [(1, 1, [1]), (2, 1, [2]), (1, 2, [101]), (1, 0, []), (0, 1, []), (0, 0, [])],
)
async def test_place(
    central: Central, version: str, evse: int, connector: int, expected: list[int]
) -> None:
    """An EVSE is one connector, unless it says that it has more; garbage is none."""
    charge_point, charger = await connect2(central, version)
    await charger.call("StatusNotification", status(evse=evse, connector=connector))
    assert charge_point.connectors == expected
