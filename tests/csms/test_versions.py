"""Which version of OCPP is spoken, and a charger that comes back in another."""

import asyncio
from dataclasses import replace

import pytest

from custom_components.ocpp_central.csms.admission import Refusal

from . import common, common2
from .common import Central, Charger, bring_up, until
from .common2 import both_versions, connect2, dial2

ALL = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")


@pytest.mark.parametrize(
    ("pinned", "offered", "spoken"),
    [
        (None, ("ocpp1.6",), "1.6"),
        (None, ("ocpp2.0.1",), "2.0.1"),
        (None, ("ocpp2.1",), "2.1"),
        (None, ALL, "2.1"),
        (None, tuple(reversed(ALL)), "2.1"),
        (None, ("ocpp1.6", "ocpp2.0.1"), "2.0.1"),
        (None, ("ocpp2.0.1", "ocpp1.6"), "2.0.1"),
        (None, ("ocpp2.0", "ocpp1.6", "ocpp1.5"), "1.6"),
        ("1.6", ALL, "1.6"),
        ("2.0.1", ALL, "2.0.1"),
        ("2.1", ALL, "2.1"),
        ("1.6", ("ocpp2.1", "ocpp1.6"), "1.6"),
    ],
)
async def test_negotiation(
    central: Central, pinned: str | None, offered: tuple[str, ...], spoken: str
) -> None:
    """The newest both speak, in whatever order the charger names them; or the chosen."""
    charge_point = await central.add(version=pinned)
    charger = await central.dial(protocols=offered)
    assert charger.socket.protocol == f"ocpp{spoken}"
    await charger.alive()
    assert charge_point.version == spoken
    assert charge_point.commands.protocol == f"ocpp{spoken}"


async def test_offers_in_several_headers(central: Central) -> None:
    """A list may be spread over headers."""
    await central.add()
    charger = await central.dial(
        protocols=(), headers={"Sec-WebSocket-Protocol": " ocpp1.6 ,,ocpp2.0.1"}
    )
    charger.version = "2.0.1"
    assert (
        charger.socket._response.headers["Sec-WebSocket-Protocol"]  # noqa: SLF001
        == "ocpp2.0.1"
    )
    await charger.alive()


@pytest.mark.parametrize(
    ("pinned", "spoken"),
    [(None, "1.6"), ("1.6", "1.6"), ("2.0.1", "2.0.1"), ("2.1", "2.1")],
)
async def test_no_offer(central: Central, pinned: str | None, spoken: str) -> None:
    """Who offers nothing speaks 1.6, unless the user knows better."""
    charge_point = await central.add(version=pinned)
    charger = await central.dial(protocols=())
    charger.version = spoken
    assert charger.socket.protocol is None
    await charger.alive()
    assert charge_point.version == spoken
    boot = common.BOOT if spoken == "1.6" else common2.BOOT
    assert (await charger.call("BootNotification", boot))["status"] == "Accepted"
    assert charge_point.info
    assert charge_point.info.vendor == "Vendor"


@pytest.mark.parametrize(
    ("pinned", "offered", "refusal"),
    [
        ("2.0.1", ("ocpp1.6",), Refusal.OTHER_VERSION),
        ("2.0.1", ("ocpp2.1", "ocpp1.6"), Refusal.OTHER_VERSION),
        ("1.6", ("ocpp2.0.1",), Refusal.OTHER_VERSION),
        (None, ("ocpp1.5", "ocpp2.0"), Refusal.SUBPROTOCOL),
    ],
)
async def test_nothing_in_common(
    central: Central, pinned: str | None, offered: tuple[str, ...], refusal: Refusal
) -> None:
    """The socket is closed in good order, and why is told."""
    refusals: list[tuple[str, Refusal]] = []
    central.system.on_refused = lambda *refused: refusals.append(refused)
    charge_point = await central.add(version=pinned)
    charger = await central.dial(protocols=offered)
    await charger.closed.wait()
    assert charger.close_code == 1002
    assert refusals == [("CP1", refusal)]
    assert not charge_point.connected


@both_versions
async def test_stranger(central: Central, version: str) -> None:
    """A charger that nobody has added is met in the version it speaks."""
    charger = await dial2(central, version)
    answer = await charger.call("BootNotification", common2.BOOT)
    assert answer["status"] == "Pending"
    [stranger] = central.system.unknown.values()
    assert stranger.version == version
    charge_point = await central.add()
    assert charge_point is stranger
    call = await charger.called("TriggerMessage")
    assert call.payload == {"requestedMessage": "BootNotification"}


@both_versions
async def test_stranger_added_for_another_version(
    central: Central, version: str
) -> None:
    """It is let go at once, and let in again only as it was added."""
    charger = await dial2(central, version)
    await charger.call("BootNotification", common2.BOOT)
    charge_point = await central.add(version="1.6")
    await charger.closed.wait()
    assert "TriggerMessage" not in charger.actions
    charger = await central.dial(protocols=ALL)
    assert charger.socket.protocol == "ocpp1.6"
    await charger.alive()
    assert charge_point.version == "1.6"


# The user chooses another


async def test_another_version_is_chosen(central: Central) -> None:
    """A charger that speaks another is sent away, once; in mid-command, even."""
    charge_point, charger = await central.connect()
    charge_point.configure(replace(charge_point.config, version="2.0.1"))
    await charger.closed.wait()
    assert charger.close_code == 1001
    charger = await central.dial(protocols=ALL)
    assert charger.socket.protocol == "ocpp2.0.1"
    for version in (None, "2.0.1"):
        charge_point.configure(replace(charge_point.config, version=version))
        await charger.alive()


async def test_chosen_while_it_is_away(central: Central) -> None:
    """There is nobody to send away."""
    charge_point = await central.add()
    assert not charge_point.configure(replace(charge_point.config, version="2.1"))
    charger = await central.dial(protocols=ALL)
    assert charger.socket.protocol == "ocpp2.1"


# A charger that comes back in another version


@both_versions
async def test_the_newest_socket_wins(central: Central, version: str) -> None:
    """Whichever version the two speak."""
    charge_point, old = await central.connect()
    await old.call("StatusNotification", common.status("Charging"))
    new = await dial2(central, version)
    await old.closed.wait()
    assert charge_point.version == version
    await new.call("StatusNotification", common2.status("Available"))
    assert charge_point.value(1, "status") == "available"

    newest = await central.dial()
    await new.closed.wait()
    assert charge_point.version == "1.6"
    await newest.call("StatusNotification", common.status("Charging"))
    assert charge_point.value(1, "status") == "charging"
    assert charge_point.reconnects == 0
    await charge_point.commands.clear_cache()
    assert newest.actions[-1] == "ClearCache"


@both_versions
async def test_settings_of_another_dialect(central: Central, version: str) -> None:
    """What a charger told of its 1.6 keys is no variable, nor the other way round."""
    charge_point, charger = await central.connect()
    keys = [{"key": "NumberOfConnectors", "value": "2", "readonly": True}]
    charger.answers["GetConfiguration"] = {"configurationKey": keys}
    await charger.boot()
    await bring_up()
    assert list(charge_point.configuration) == ["NumberOfConnectors"]
    await leave(central, charger)

    charger = await dial2(central, version)
    await charger.alive()
    assert not charge_point.configuration
    assert charge_point.connectors == [1, 2]
    await leave(central, charger)

    # What it was in 1.6 is known still, for it is the same firmware.
    charger = await central.dial()
    await charger.boot()
    assert list(charge_point.configuration) == ["NumberOfConnectors"]
    await bring_up()
    assert "GetConfiguration" not in charger.actions


async def leave(central: Central, charger: Charger) -> None:
    """Have the charger go."""
    [charge_point] = central.system.charge_points.values()
    await charger.close()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)


@both_versions
async def test_step_under_way(central: Central, version: str) -> None:
    """A step that another version cut short is not held against the firmware."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = common.Silence()
    await charger.boot()
    await charger.called("GetConfiguration")
    charger = await dial2(central, version)
    await charger.alive()
    await leave(central, charger)
    charger = await central.dial()
    await charger.boot()
    await charger.called("GetConfiguration")
    assert charge_point.capabilities.quarantined == []


@both_versions
async def test_transaction_of_another_version(central: Central, version: str) -> None:
    """A transaction goes on until the charger shows that there is another."""
    charge_point, charger = await central.connect()
    number = await charger.start(meter=1000)
    await charger.call("StatusNotification", common.status("Charging"))
    await leave(central, charger)

    charger = await dial2(central, version)
    await charger.call("BootNotification", common2.BOOT)
    transaction = charge_point.transactions.at(1)
    assert transaction
    assert transaction.id == number
    await charger.call("StatusNotification", common2.status("Available"))
    await charger.call(
        "TransactionEvent", common2.event("Started", "T1", evse=1, token="CARD2")
    )
    transaction = charge_point.transactions.at(1)
    assert transaction
    assert transaction.id > number
    await leave(central, charger)

    charger = await central.dial()
    await charger.boot(common.status("Available"))
    another = await charger.start(meter=2000)
    transaction = charge_point.transactions.at(1)
    assert transaction
    assert transaction.id == another


@both_versions
async def test_short_connection_of_another_version(
    central: Central, version: str
) -> None:
    """Some chargers look in with 1.6 for a moment; it changes nothing for the other."""
    charge_point, charger = await connect2(central, version)
    await charger.call("BootNotification", common2.BOOT)
    await charger.call("StatusNotification", common2.status("Occupied"))
    await bring_up()
    await leave(central, charger)
    probe = await central.dial()
    await probe.hang_up()
    await until(charge_point.subscribe_connection, lambda: not charge_point.connected)

    charger = await dial2(central, version)
    await charger.call("BootNotification", common2.BOOT)
    await charger.call("StatusNotification", common2.status("Occupied"))
    assert charge_point.version == version
    assert charge_point.value(1, "status") == "occupied"
    assert charge_point.connectors == [1]
    assert charge_point.capabilities.quarantined == []


# Messages of another version than agreed


@both_versions
@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("BootNotification", common.BOOT),
        ("StatusNotification", common.status("Charging")),
        ("StartTransaction", common.start()),
        ("StopTransaction", common.stop(7)),
        ("Authorize", {"idTag": "CARD1"}),
    ],
)
async def test_speaks_16_all_the_same(
    central: Central, version: str, action: str, payload: common.Payload
) -> None:
    """Whoever agrees to 2.x and goes on in 1.6 gets answers, and the user is told."""
    told: list[tuple[str, str]] = []
    central.system.on_wrong_dialect = lambda *wrong: told.append(wrong)
    charge_point, charger = await connect2(central, version)
    await charger.attempt(action, payload)
    assert told == [("CP1", version)]
    assert charge_point.connection
    assert charge_point.connection.anomalies
    await charger.alive()


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("BootNotification", common2.BOOT),
        ("StatusNotification", common2.status("Occupied")),
        ("TransactionEvent", common2.event("Started", evse=1)),
    ],
)
async def test_speaks_2_all_the_same(
    central: Central, action: str, payload: common.Payload
) -> None:
    """The same the other way round."""
    told: list[tuple[str, str]] = []
    central.system.on_wrong_dialect = lambda *wrong: told.append(wrong)
    _, charger = await central.connect()
    await charger.attempt(action, payload)
    assert told == [("CP1", "1.6")]
    await charger.alive()


@both_versions
async def test_odd_but_of_the_version_agreed(central: Central, version: str) -> None:
    """What is only wrong is nothing to tell the user."""
    told: list[tuple[str, str]] = []
    central.system.on_wrong_dialect = lambda *wrong: told.append(wrong)
    _, charger = await connect2(central, version)
    status = common2.status("Available")
    del status["timestamp"]
    await asyncio.gather(
        charger.attempt("StatusNotification", status),
        charger.attempt("NoSuchThing", {}),
        charger.attempt("Authorize", {}),
    )
    assert told == []
