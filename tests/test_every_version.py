"""Buttons, switches and actions do the same, whatever version a charger speaks."""

from dataclasses import dataclass
from typing import Any, override

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from .common import System, bring_up
from .csms import common, common2
from .csms.common import Charger, HangUp, Payload

VERSIONS = ("1.6", "2.0.1", "2.1")


@dataclass
class Garage:
    """A charger that speaks a version, and what it is told in its words."""

    version: str
    charger: Charger
    system: System

    @property
    def newer(self) -> bool:
        """Return whether it speaks OCPP 2.x."""
        return self.version != "1.6"

    def words(self, older: Payload, newer: Payload) -> Payload:
        """Return what the charger is told, of two dialects."""
        return newer if self.newer else older

    async def status(self, word: str, connector: int = 1) -> None:
        """Tell a connector's status."""
        payload = (
            common2.status(word, connector)
            if self.newer
            else common.status(word, connector)
        )
        await self.charger.call("StatusNotification", payload)
        await self.system.hass.async_block_till_done()

    def told(self, *actions: str) -> list[Payload]:
        """Return what has come of these actions, and forget it."""
        payloads = [
            call.payload for call in self.charger.calls if call.action in actions
        ]
        self.charger.forget()
        return payloads

    @override
    def __str__(self) -> str:
        """Return the version, for the report of a test."""
        return self.version


@pytest.fixture(params=VERSIONS)
async def garage(
    request: pytest.FixtureRequest,
    hass: HomeAssistant,
    all_enabled: None,
    system: System,
) -> Garage:
    """Return a charger with two connectors that is at rest."""
    version: str = request.param
    charger = await system.dial(protocols=(f"ocpp{version}",))
    charger.answers["GetVariables"] = common2.unknown_variables
    garage = Garage(version, charger, system)
    boot = common2.BOOT if garage.newer else common.BOOT
    await charger.call("BootNotification", boot)
    for connector in (1, 2):
        await garage.status("Available", connector)
    await bring_up("GARAGE")
    await hass.async_block_till_done()
    charger.forget()
    return garage


@pytest.mark.parametrize(
    ("key", "older", "newer"),
    [("reset", "Soft", "OnIdle"), ("hard_reset", "Hard", "Immediate")],
)
async def test_reset(
    garage: Garage, system: System, key: str, older: str, newer: str
) -> None:
    """The charger restarts, or says why not."""
    await system.set("button", key, connector=0)
    expected = garage.words({"type": older}, {"type": newer})
    assert garage.told("Reset") == [expected]
    garage.charger.answers["Reset"] = {"status": "Rejected"}
    with pytest.raises(HomeAssistantError, match="answered Reset with: Rejected"):
        await system.set("button", key, connector=0)


async def test_reset_that_is_put_off(garage: Garage, system: System) -> None:
    """A charger of 2.x may wait for the end of a session, and says so."""
    garage.charger.answers["Reset"] = {"status": "Scheduled"}
    answer = await system.act("reset", response=True, type="Soft")
    assert answer == {"status": "Scheduled"}
    if garage.newer:
        await system.set("button", "reset", connector=0)


async def test_hard_reset_takes_it_down(garage: Garage, system: System) -> None:
    """Where the socket closes, nobody waits for an answer."""
    garage.charger.answers["Reset"] = HangUp()
    await system.set("button", "hard_reset", connector=0)


async def test_reset_of_a_connector(garage: Garage, system: System) -> None:
    """Only where it is named, and only in 2.x; else it is of the whole charger."""
    await system.act("reset", device_id=system.device(2))
    assert garage.told("Reset") == [
        garage.words({"type": "Soft"}, {"type": "OnIdle"}),
    ]
    if garage.newer:
        await system.act("reset", type="Immediate", connector=2)
        assert garage.told("Reset") == [{"type": "Immediate", "evseId": 2}]
    else:
        with pytest.raises(ServiceValidationError, match="OCPP 1.6"):
            await system.act("reset", connector=2)
        assert garage.told("Reset") == []


async def test_resume(garage: Garage, system: System) -> None:
    """What only OCPP 2.1 has a word for goes out in OCPP 2.1 only."""
    if garage.version == "2.1":
        await system.act("reset", type="ImmediateAndResume")
        assert garage.told("Reset") == [{"type": "ImmediateAndResume"}]
    else:
        with pytest.raises(ServiceValidationError, match="Reset"):
            await system.act("reset", type="ImmediateAndResume")
        assert garage.told("Reset") == []


async def test_unlock(garage: Garage, system: System) -> None:
    """The plug of this connector is released, or the user is told why not."""
    await system.set("button", "unlock", connector=2)
    assert garage.told("UnlockConnector") == [
        garage.words({"connectorId": 2}, {"evseId": 2, "connectorId": 1})
    ]
    words = ["UnlockFailed", "NotSupported"]
    if garage.newer:
        words = ["UnlockFailed", "OngoingAuthorizedTransaction", "UnknownConnector"]
    for word in words:
        garage.charger.answers["UnlockConnector"] = {"status": word}
        with pytest.raises(HomeAssistantError, match=f"UnlockConnector with: {word}"):
            await system.set("button", "unlock", connector=2)
        answer = await system.act("unlock_connector", response=True, connector=2)
        assert answer == {"status": word}


async def test_refresh(garage: Garage, system: System) -> None:
    """The charger is asked for all it has to say."""
    await system.set("button", "refresh", connector=0)
    told = garage.told("TriggerMessage")
    assert told == [
        garage.words(
            {"requestedMessage": message, "connectorId": connector},
            {
                "requestedMessage": message,
                "evse": {"id": connector, **({"connectorId": 1} if exact else {})},
            },
        )
        for connector in (1, 2)
        for message, exact in (("StatusNotification", True), ("MeterValues", False))
    ]


async def test_in_service(garage: Garage, system: System) -> None:
    """A wish: what the charger refuses is taken back."""
    assert system.value("switch", "available", 2) == "on"
    garage.charger.answers["ChangeAvailability"] = {"status": "Scheduled"}
    await system.set("switch", "available", False, connector=2)
    assert garage.told("ChangeAvailability") == [
        garage.words(
            {"connectorId": 2, "type": "Inoperative"},
            {"evse": {"id": 2}, "operationalStatus": "Inoperative"},
        )
    ]
    assert system.value("switch", "available", 2) == "off"
    garage.charger.answers["ChangeAvailability"] = {"status": "Rejected"}
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await system.set("switch", "available", True, connector=2)
    assert system.value("switch", "available", 2) == "off"
    # The whole charger, by the action.
    await system.act("change_availability", response=True, connector=0, operative=True)
    assert garage.told("ChangeAvailability")[-1:] == [
        garage.words(
            {"connectorId": 0, "type": "Operative"},
            {"operationalStatus": "Operative"},
        )
    ]


async def test_available_as_the_charger_says(garage: Garage, system: System) -> None:
    """Without a wish it is what the charger tells."""
    await garage.status("Unavailable", 2)
    assert system.value("switch", "available", 2) == "off"
    await garage.status("Available", 2)
    assert system.value("switch", "available", 2) == "on"


TRIGGERS: dict[str, tuple[str, Payload, Payload]] = {
    "by its old name": (
        "trigger_message",
        {"requestedMessage": "DiagnosticsStatusNotification"},
        {"requestedMessage": "LogStatusNotification"},
    ),
    "extended": (
        "extended_trigger_message",
        {"requestedMessage": "SignChargePointCertificate"},
        {"requestedMessage": "SignChargingStationCertificate"},
    ),
}


@pytest.mark.parametrize("kind", TRIGGERS)
async def test_trigger(garage: Garage, system: System, kind: str) -> None:
    """A message is asked for by the name it has in the charger's version."""
    action, older, newer = TRIGGERS[kind]
    await system.act(action, message=older["requestedMessage"])
    assert garage.told("TriggerMessage", "ExtendedTriggerMessage") == [
        garage.words(older, newer)
    ]


@pytest.mark.parametrize(
    ("data", "older"),
    [
        ("text", "text"),
        (5, "5"),
        ({"brightness": [50, None]}, None),
    ],
)
async def test_vendor_data(
    garage: Garage, system: System, data: Any, older: str | None
) -> None:
    """Text in OCPP 1.6, anything in 2.x; and what comes back comes back."""
    garage.charger.answers["DataTransfer"] = {"status": "Accepted", "data": "there"}
    asked = {"vendor_id": "V", "data": data}
    if not garage.newer and older is None:
        with pytest.raises(ServiceValidationError, match="DataTransfer"):
            await system.act("data_transfer", **asked)
        return
    answer = await system.act("data_transfer", response=True, **asked)
    assert answer == {"status": "Accepted", "data": "there"}
    sent = data if garage.newer else older
    assert garage.told("DataTransfer") == [{"vendorId": "V", "data": sent}]


async def charge(garage: Garage, connector: int = 1) -> int | str:
    """Have a car plugged in and its transaction started; return the id of that."""
    if not garage.newer:
        await garage.status("Charging", connector)
        begin = common.start(connector=connector)
        answer = await garage.charger.call("StartTransaction", begin)
        await garage.system.hass.async_block_till_done()
        return int(answer["transactionId"])
    begin = common2.event("Started", evse=connector, token="CARD1", state="Charging")
    await garage.charger.call("TransactionEvent", begin)
    await garage.system.hass.async_block_till_done()
    return "T1"


@pytest.mark.parametrize("key", ["charging", "toggle_charging"])
async def test_start_and_stop(garage: Garage, system: System, key: str) -> None:
    """Switched or pressed, a session starts under our own tag, and ends."""

    async def press(on: bool) -> None:
        if key == "charging":
            await system.set("switch", key, on, connector=2)
        else:
            await system.set("button", key, connector=2)

    answers = garage.charger.answers
    answers["RemoteStartTransaction"] = {"status": "Rejected"}
    answers["RequestStartTransaction"] = {"status": "Rejected"}
    assert system.value("switch", "charging", 2) == "off"
    with pytest.raises(HomeAssistantError, match="StartTransaction with: Rejected"):
        await press(on=True)
    garage.told()
    answers["RemoteStartTransaction"] = {"status": "Accepted"}
    answers["RequestStartTransaction"] = {"status": "Accepted"}
    await press(on=True)
    (told,) = garage.told("RemoteStartTransaction", "RequestStartTransaction")
    tag = told.get("idToken", {}).get("idToken") or told.get("idTag")
    assert tag
    assert told == garage.words(
        {"connectorId": 2, "idTag": tag},
        {
            "evseId": 2,
            "idToken": told.get("idToken"),
            "remoteStartId": told.get("remoteStartId"),
        },
    )

    transaction = await charge(garage, 2)
    assert system.value("switch", "charging", 2) == "on"
    assert system.value("switch", "charging", 1) == "off"
    garage.told()
    answers["RemoteStopTransaction"] = {"status": "Rejected"}
    answers["RequestStopTransaction"] = {"status": "Rejected"}
    with pytest.raises(HomeAssistantError, match="StopTransaction with: Rejected"):
        await press(on=False)
    answers["RemoteStopTransaction"] = {"status": "Accepted"}
    answers["RequestStopTransaction"] = {"status": "Accepted"}
    garage.told()
    await press(on=False)
    assert garage.told("RemoteStopTransaction", "RequestStopTransaction") == [
        {"transactionId": transaction}
    ]


async def test_clear_cache(garage: Garage, system: System) -> None:
    """The same in all."""
    await system.act("clear_cache")
    assert garage.told("ClearCache") == [{}]


async def test_reserve(garage: Garage, system: System) -> None:
    """One action reserves, one cancels; a kind of connector is for 2.x."""
    card = {"id_token": "04A2B3C4", "expiry": "2040-01-01T12:00:00+00:00"}
    answer = await system.act("reserve_now", response=True, connector=2, **card)
    assert answer == {"status": "Accepted", "reservation_id": 1}
    assert garage.told("ReserveNow") == [
        garage.words(
            {
                "connectorId": 2,
                "expiryDate": "2040-01-01T12:00:00Z",
                "idTag": "04A2B3C4",
                "reservationId": 1,
            },
            {
                "id": 1,
                "evseId": 2,
                "expiryDateTime": "2040-01-01T12:00:00Z",
                "idToken": {"idToken": "04A2B3C4", "type": "ISO14443"},
            },
        )
    ]
    await system.act("cancel_reservation", reservation_id=1)
    assert garage.told("CancelReservation") == [{"reservationId": 1}]
    kind = {"connector": 0, "connector_type": "cCCS2", **card}
    if garage.newer:
        await system.act("reserve_now", **kind)
        assert garage.told("ReserveNow")[0]["connectorType"] == "cCCS2"
    else:
        with pytest.raises(ServiceValidationError, match="OCPP 1.6"):
            await system.act("reserve_now", **kind)


async def test_send_local_list(garage: Garage, system: System) -> None:
    """A list as OCPP 1.6 writes it does for all."""
    await system.act(
        "send_local_list",
        list_version=5,
        update_type="Full",
        local_authorization_list=[
            {"idTag": "04A2B3C4", "idTagInfo": {"status": "Accepted"}}
        ],
    )
    assert garage.told("SendLocalList") == [
        garage.words(
            {
                "listVersion": 5,
                "updateType": "Full",
                "localAuthorizationList": [
                    {"idTag": "04A2B3C4", "idTagInfo": {"status": "Accepted"}}
                ],
            },
            {
                "versionNumber": 5,
                "updateType": "Full",
                "localAuthorizationList": [
                    {
                        "idToken": {"idToken": "04A2B3C4", "type": "ISO14443"},
                        "idTokenInfo": {"status": "Accepted"},
                    }
                ],
            },
        )
    ]


async def test_call(garage: Garage, system: System) -> None:
    """Any call goes out raw; one that the version does not have is refused in 2.x."""
    garage.charger.answers["GetLocalListVersion"] = {"own": 7}
    answer = await system.act(
        "call", response=True, action="GetLocalListVersion", payload={}
    )
    assert answer == {"own": 7}
    if garage.newer:
        with pytest.raises(ServiceValidationError, match="no message of OCPP 2"):
            await system.act("call", action="GetDiagnostics", payload={})
    with pytest.raises(ServiceValidationError, match="Reset"):
        await system.act("call", action="Reset", payload={"type": "Now"})
    assert garage.told("GetDiagnostics", "Reset") == []
