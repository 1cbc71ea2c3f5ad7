"""What variables of the device model are called."""

from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.ocpp_central.csms.variables import connectors_in, name_of, named
from custom_components.ocpp_central.csms.vocabulary import Setting, same_setting


@pytest.mark.parametrize(
    ("name", "component", "variable"),
    [
        ("TxCtrlr.TxStopPoint", {"name": "TxCtrlr"}, {"name": "TxStopPoint"}),
        (
            "DeviceDataCtrlr.ItemsPerMessage[GetVariables]",
            {"name": "DeviceDataCtrlr"},
            {"name": "ItemsPerMessage", "instance": "GetVariables"},
        ),
        (
            "Connector[A]@1:2.Available",
            {
                "name": "Connector",
                "instance": "A",
                "evse": {"id": 1, "connectorId": 2},
            },
            {"name": "Available"},
        ),
        ("EVSE@1.Power", {"name": "EVSE", "evse": {"id": 1}}, {"name": "Power"}),
        (
            "Custom.Version.1[a.b@c]",
            {"name": "Custom"},
            {"name": "Version.1", "instance": "a.b@c"},
        ),
        (
            "Acme%2ELamp.100%25",
            {"name": "Acme.Lamp"},
            {"name": "100%"},
        ),
    ],
)
def test_names(name: str, component: dict[str, Any], variable: dict[str, Any]) -> None:
    """A name says all that a component and a variable say, and no more."""
    payload = {"component": component, "variable": variable}
    assert named(name) == payload
    assert name_of(payload) == name


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        (" TxCtrlr . TxStopPoint ", "TxCtrlr.TxStopPoint"),
        ("Connector [A] @ 1 : 2 . Available [x] ", "Connector[A]@1:2.Available[x]"),
        ("Empty[].Instance[]", "Empty.Instance"),
        # What OCPP 1.6 calls it.
        ("ConnectionTimeOut", "TxCtrlr.EVConnectionTimeOut"),
        ("localpreauthorize ", "AuthCtrlr.LocalPreAuthorize"),
    ],
)
def test_lenient(name: str, canonical: str) -> None:
    """People write as they like, and may know OCPP 1.6 only."""
    assert name_of(named(name) or {}) == canonical


@pytest.mark.parametrize(
    "name", ["", "Lamp", ".Lamp", "Lamp.", "A[b.C", "NumberOfConnectors"]
)
def test_no_name(name: str) -> None:
    """What is no name of a variable is not made into one."""
    assert named(name) is None


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"component": None, "variable": []},
        {"component": {"name": "A"}},
        {"component": {"name": " "}, "variable": {"name": "B"}},
    ],
)
def test_nameless(payload: dict[str, Any]) -> None:
    """What a charger leaves out has no name."""
    assert name_of(payload) == ""


_TEXTS = st.text(
    st.characters(min_codepoint=0x21, exclude_categories=("C", "Z")), min_size=1
)
_INSTANCES = st.none() | _TEXTS


@given(_TEXTS, _INSTANCES, st.none() | st.integers(0), _TEXTS, _INSTANCES)
def test_there_and_back(
    component: str,
    instance: str | None,
    evse: int | None,
    variable: str,
    variable_instance: str | None,
) -> None:
    """Whatever a charger calls its variables, the name leads back to it."""
    payload: dict[str, Any] = {
        "component": {"name": component},
        "variable": {"name": variable},
    }
    if instance:
        payload["component"]["instance"] = instance
    if evse is not None:
        payload["component"]["evse"] = {"id": evse, "connectorId": evse}
    if variable_instance:
        payload["variable"]["instance"] = variable_instance
    assert named(name_of(payload)) == payload


def test_connectors() -> None:
    """Connectors and EVSEs are evidence of connectors, other parts are not."""
    names = [
        "EVSE@1.Power",
        "Connector@2:1.Available",
        "connector@1:2.Available",
        "EVSE@0.Power",
        "Meter@3.Power",
        "Connector.Available",
        "NumberOfConnectors",
    ]
    assert [*connectors_in(names)] == [1, 2, 101]


def test_one_setting() -> None:
    """A setting is the same by whichever of its names."""
    assert same_setting("connectiontimeout", "TXCTRLR.EVConnectionTimeOut")
    assert same_setting("My.Own", "my.OWN")
    assert not same_setting("ConnectionTimeOut", "HeartbeatInterval")
    assert Setting.CONNECTORS.is_called("numberofconnectors")
    for setting in Setting:
        if setting.variable:
            assert name_of(named(setting.variable) or {}) == setting.variable
