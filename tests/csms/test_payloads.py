"""Payloads with members that are missing, extra or of the wrong type."""

from collections.abc import Iterator
from copy import deepcopy
import logging
from pathlib import Path
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.ocpp_central.ledger import Ledger

from .common import (
    BOOT,
    ENERGY,
    Central,
    Charger,
    Payload,
    Refused,
    central_system,
    meter_values,
    sample,
    stamp,
    start,
    status,
    stop,
)

# Table 7 of OCPP-J 1.6, spelled as it is there.
CODES = {
    "NotImplemented",
    "NotSupported",
    "InternalError",
    "ProtocolError",
    "SecurityError",
    "FormationViolation",
    "PropertyConstraintViolation",
    "OccurenceConstraintViolation",
    "TypeConstraintViolation",
    "GenericError",
}

FULL: dict[str, Payload] = {
    "Authorize": {"idTag": "CARD"},
    "BootNotification": {
        **BOOT,
        "chargeBoxSerialNumber": "B1",
        "iccid": "1",
        "imsi": "2",
        "meterSerialNumber": "3",
        "meterType": "4",
    },
    "DataTransfer": {"vendorId": "V", "messageId": "M", "data": "D"},
    "DiagnosticsStatusNotification": {"status": "Uploaded"},
    "FirmwareStatusNotification": {"status": "Installed"},
    "Heartbeat": {},
    "LogStatusNotification": {"status": "Uploaded", "requestId": 1},
    "MeterValues": meter_values(
        sample(
            "1000",
            ENERGY,
            context="Sample.Periodic",
            format="Raw",
            location="Outlet",
            unit="Wh",
        ),
        sample("16.1", "Current.Import", phase="L1", unit="A"),
        transaction=1,
    ),
    "SecurityEventNotification": {
        "type": "FirmwareUpdated",
        "timestamp": "2026-01-01T00:00:00Z",
        "techInfo": "x",
    },
    "SignedFirmwareStatusNotification": {"status": "Installed", "requestId": 1},
    "StartTransaction": {**start(), "reservationId": 1},
    "StatusNotification": status(
        "Charging", info="i", vendorId="V", vendorErrorCode="E"
    ),
    "StopTransaction": stop(
        1,
        idTag="CARD",
        reason="Local",
        transactionData=meter_values(sample("2000", ENERGY, context="Transaction.End"))[
            "meterValue"
        ],
    ),
}

WRONG: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    1e300,
    2**63 - 1,
    "",
    "nonsense",
    "1",
    "\x00",
    "x" * 1000,
    [],
    [None],
    [[]],
    [{}],
    {},
    {"a": 1},
)


# Of these, what a database could choke on.
STORED = (None, True, 1e300, 2**63 - 1, "nonsense", "\x00", [None], {"a": 1})


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the path to every member, however deep."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(payload: Payload, path: tuple[Any, ...], *value: Any) -> Payload:
    """Return a payload with one member replaced, or left out."""
    result = deepcopy(payload)
    inner: Any = result
    for key in path[:-1]:
        inner = inner[key]
    if value:
        inner[path[-1]] = value[0]
    else:
        del inner[path[-1]]
    return result


async def send(charger: Charger, action: str, payload: Payload) -> None:
    """Send a payload; its answer is valid, or a refusal that the standard knows."""
    if refused := await charger.attempt(action, payload):
        assert refused.code in CODES - {"InternalError"}
        assert refused.details == {}


@pytest.mark.parametrize("action", FULL)
async def test_complete(central: Central, action: str) -> None:
    """As the standard has it."""
    charge_point, charger = await central.connect()
    await charger.call(action, FULL[action])
    assert charge_point.connection is not None
    assert charge_point.connection.anomalies == {}


@pytest.mark.parametrize("action", FULL)
async def test_members_left_out(
    central: Central, action: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Anything may be missing, on any level, alone or together with the rest."""
    _, charger = await central.connect()
    await send(charger, action, {})
    for path in places(FULL[action]):
        await send(charger, action, changed(FULL[action], path))
        await send(charger, action, {path[0]: FULL[action][path[0]]})
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("action", FULL)
async def test_members_of_the_wrong_type(
    central: Central, action: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Anything may be something else."""
    _, charger = await central.connect()
    for path in places(FULL[action]):
        for value in WRONG:
            await send(charger, action, changed(FULL[action], path, value))
    await send(charger, action, FULL[action])
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("action", ["StartTransaction", "StopTransaction"])
async def test_members_that_go_to_disk(
    socket_enabled: None, action: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is odd is no reason to lose a transaction."""
    ledger = Ledger(tmp_path / "ledger.db")
    await ledger.open()
    async with central_system(ledger=ledger) as central:
        _, charger = await central.connect()
        for path in places(FULL[action]):
            for value in (*STORED, -(2**63), 10**400):
                await send(charger, action, changed(FULL[action], path, value))
    await ledger.close()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("action", FULL)
async def test_extra_members(central: Central, action: str) -> None:
    """Vendors add their own, on any level; that is no reason to refuse."""
    charge_point, charger = await central.connect()
    payload = {**deepcopy(FULL[action]), "vendorSays": {"a": [1, None]}}
    for path in places(FULL[action]):
        if isinstance((inner := payload[path[0]]), list):
            inner[0]["vendorSays"] = 1
            inner[0]["sampledValue"][0]["vendorSays"] = 1
    await charger.call(action, payload)
    assert charge_point.connection is not None
    assert action in charge_point.connection.anomalies


# What the charger has to be told because there is nothing that could be done.
HOPELESS: tuple[tuple[str, Payload], ...] = (
    ("StartTransaction", changed(FULL["StartTransaction"], ("connectorId",))),
    ("StartTransaction", changed(FULL["StartTransaction"], ("connectorId",), -1)),
    ("StopTransaction", changed(FULL["StopTransaction"], ("transactionId",))),
    ("StopTransaction", changed(FULL["StopTransaction"], ("transactionId",), "?")),
    ("StatusNotification", changed(FULL["StatusNotification"], ("connectorId",))),
    ("StatusNotification", changed(FULL["StatusNotification"], ("status",))),
    ("StatusNotification", changed(FULL["StatusNotification"], ("status",), "Odd")),
    ("MeterValues", changed(FULL["MeterValues"], ("connectorId",))),
)


@pytest.mark.parametrize(("action", "payload"), HOPELESS)
async def test_what_is_refused(central: Central, action: str, payload: Payload) -> None:
    """Only where nothing sensible can be done."""
    charge_point, charger = await central.connect()
    with pytest.raises(Refused) as refused:
        await charger.call(action, payload)
    assert refused.value.code in (
        "OccurenceConstraintViolation",
        "PropertyConstraintViolation",
    )
    assert charge_point.connectors == []
    assert central.ledger.rows == {}


# What chargers are known to send, all of it accepted.
ODD: tuple[tuple[str, Payload], ...] = (
    ("Authorize", {"idTag": "x" * 22}),
    ("Authorize", {"idTag": ""}),
    ("Authorize", {}),
    ("BootNotification", {"chargePointVendor": "", "chargePointModel": ""}),
    ("BootNotification", {**BOOT, "firmwareVersion": "v" * 80}),
    ("BootNotification", {**BOOT, "chargePointSerialNumber": "s" * 40}),
    ("Heartbeat", {"currentTime": "2026-01-01T00:00:00Z"}),
    ("StatusNotification", status("Charging", info="i" * 200)),
    ("StatusNotification", status("Faulted", error="Error")),
    ("StatusNotification", status("Faulted", error="Error", connector=70)),
    ("StatusNotification", status("SuspendedEV") | {"timestamp": "yesterday"}),
    ("StatusNotification", {"connectorId": "1", "status": "Available"}),
    ("StatusNotification", status("suspendedEVSE")),
    ("StatusNotification", status("Suspended_EV")),
    ("StatusNotification", status("CHARGING")),
    ("StartTransaction", start(token="x" * 22)),
    ("StartTransaction", start() | {"meterStart": "1000"}),
    ("StartTransaction", start() | {"meterStart": 1000.7}),
    ("StartTransaction", start() | {"timestamp": "1970-01-01T00:00:00Z"}),
    ("StartTransaction", start() | {"timestamp": ""}),
    ("StopTransaction", stop(1) | {"transactionId": "1"}),
    ("StopTransaction", stop(1, reason="Unplugged")),
    ("StopTransaction", stop(1, idTag="x" * 22)),
    ("StopTransaction", stop(1, transactionData=[])),
    ("StopTransaction", stop(-1)),
    ("StopTransaction", stop(0)),
    ("StopTransaction", stop(9223372036854775807)),
    ("MeterValues", {"connectorId": 1, "meterValue": []}),
    ("MeterValues", meter_values()),
    ("MeterValues", meter_values(sample(""))),
    ("MeterValues", meter_values(sample(7))),
    ("MeterValues", meter_values(sample("1"), connector=99)),
    ("DataTransfer", {"vendorId": "V", "data": {"any": ["thing"]}}),
    ("DataTransfer", {}),
    ("FirmwareStatusNotification", {}),
    ("DiagnosticsStatusNotification", {"status": None}),
)


@pytest.mark.parametrize(("action", "payload"), ODD)
async def test_what_is_accepted(
    central: Central, action: str, payload: Payload
) -> None:
    """A charger that is refused goes on charging, or stops, for no good reason."""
    _, charger = await central.connect()
    await charger.call(action, payload)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Available", "available"),
        ("Preparing", "preparing"),
        ("Charging", "charging"),
        ("SuspendedEV", "suspended_ev"),
        ("SuspendedEVSE", "suspended_evse"),
        ("Finishing", "finishing"),
        ("Reserved", "reserved"),
        ("Unavailable", "unavailable"),
        ("Faulted", "faulted"),
        ("suspendedEV", "suspended_ev"),
        ("Suspended_EVSE", "suspended_evse"),
        (" Charging\x00", "charging"),
    ],
)
async def test_status(central: Central, said: str, shown: str) -> None:
    """Every status, however it is spelled."""
    charge_point, charger = await central.connect()
    await charger.call("StatusNotification", status(said))
    assert charge_point.value(1, "status") == shown


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["1", "-1", "Charging", "L1", "Raw", "kWh", stamp(), "\x00"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "timestamp", "x"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, Payload]:
    """Return a payload of which a few members are something else."""
    action = draw(st.sampled_from(list(FULL)))
    payload = deepcopy(FULL[action])
    for _ in range(draw(st.integers(0, 4))):
        if paths := list(places(payload)):
            payload = changed(payload, draw(st.sampled_from(paths)), draw(JSON))
    return action, payload


@settings(max_examples=60)
@given(st.lists(mutations(), min_size=1, max_size=8))
async def test_any_payload(
    socket_enabled: None, messages: list[tuple[str, Payload]]
) -> None:
    """Whatever the members are, there is an answer, and it is a legal one."""
    async with central_system() as central:
        _, charger = await central.connect()
        for action, payload in messages:
            await send(charger, action, payload)
        await charger.alive()
