"""All there is in OCPP 2.0.1 and 2.1: valid payloads, made from the schemas."""

from hypothesis import HealthCheck, Phase, given, settings, strategies as st
import pytest

from custom_components.ocpp_central.csms.errors import CommandRejected

from .common import Refused, central_system
from .common2 import connect2
from .generated import (
    ACTIONS,
    INCOMING,
    OUTGOING,
    SENT,
    VERSIONS,
    incoming,
    requests,
    responses,
    schemas,
)

# Enough to meet each member of each message.
few = settings(
    max_examples=2,
    deadline=None,
    # Some payloads are large, and a smaller one that fails takes long to find.
    phases=[Phase.generate],
    suppress_health_check=[*HealthCheck],
)


def test_every_schema_is_exercised() -> None:
    """Each file is of a message that is sent below, in one direction at least."""
    for version in VERSIONS:
        files = {
            name.removesuffix("Request").removesuffix("Response")
            for name in schemas(version)
        }
        assert {(version, action) for action in files} <= {*ACTIONS}
    assert {*INCOMING, *OUTGOING} == {*ACTIONS}


@pytest.mark.parametrize(("version", "action"), ACTIONS)
@few
@given(data=st.data())
async def test_a_charger_sends_it(
    socket_enabled: None, version: str, action: str, data: st.DataObject
) -> None:
    """It has a valid answer, or is not known here; the socket stays open."""
    payloads = data.draw(requests(version, action))
    async with central_system() as central:
        _, charger = await connect2(central, version)
        for payload in payloads:
            if action in SENT:
                await charger.send([6, "x", action, payload])
            elif action in incoming(version):
                await charger.call(action, payload)
            else:
                with pytest.raises(Refused) as refused:
                    await charger.call(action, payload)
                assert refused.value.code == "NotImplemented"
        await charger.alive()


@pytest.mark.parametrize(("version", "action"), OUTGOING)
@few
@given(data=st.data())
async def test_a_charger_is_sent_it(
    socket_enabled: None, version: str, action: str, data: st.DataObject
) -> None:
    """Whatever it answers comes back, or its status is told as a refusal."""
    payloads = data.draw(requests(version, action))
    answers = data.draw(responses(version, action))
    async with central_system() as central:
        charge_point, charger = await connect2(central, version)
        for payload, answer in zip(payloads, answers, strict=True):
            charger.answers[action] = answer
            charger.forget()
            try:
                response = await charge_point.commands.call(action, payload)
            except CommandRejected as rejected:
                response = rejected.response
                assert response["status"] not in ("Accepted", "Scheduled")
            assert response == answer
            assert (await charger.called(action)).payload == payload
        await charger.alive()
