"""What becomes of frames that are not as the standard has them."""

import asyncio
from typing import Any

from aiohttp import WSMsgType
from hypothesis import given, settings, strategies as st
import orjson
import pytest

from custom_components.ocpp_central.csms.errors import (
    CommandFailed,
    CommandTimeout,
    NotSupported,
)

from .common import TIMING, Central, Charger, Raw, Silence, central_system, sample
from .conftest import LoopClock

# What is no OCPP message, and does not say what it would be an answer to.
UNREADABLE = {
    "empty": b"",
    "not JSON": b"hello",
    "not an array": b'{"action":"Heartbeat"}',
    "a number": b"2",
    "text": b'"2"',
    "null": b"null",
    "empty array": b"[]",
    "type only": b"[2]",
    "type as object": b'[{},"x","Heartbeat",{}]',
    "type as list": b'[[2],"x","Heartbeat",{}]',
    "type null": b'[null,"x","Heartbeat",{}]',
    "type 1": b'[1,"x","Heartbeat",{}]',
    "type 5, an error about a result": b'[5,"x","GenericError","",{}]',
    "type 6, sent without an answer": b'[6,"x","NotifyPeriodicEventStream",{}]',
    "type 99": b'[99,"x",{}]',
    "unknown id": b'[3,"nobody",{"status":"Accepted"}]',
    "unknown id of an error": b'[4,"nobody","GenericError","",{}]',
    "answer with an id that is a list": b"[3,[1],{}]",
    "answer without an id": b"[3]",
    "control characters": b"\x00\x01\x02",
    "invalid UTF-8": b"\xff\xfe\xfd",
    "BOM only": b"\xef\xbb\xbf",
    "nested too deep": b"[" * 100_000,
    "deep payload": b'[3,"x",' + b'{"a":' * 5000,
    "quotes without end": b'[3,"x' + rb"\"" * 300_000,
    "commas without end": b"[" + b"," * 300_000 + b'"',
    "white space without end": b"[," + b" " * 300_000 + b'"',
    "XML": b"<soap:Envelope/>",
}


@pytest.mark.parametrize("frame", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_unreadable_frames_change_nothing(central: Central, frame: bytes) -> None:
    """A frame that cannot be read is passed over; everyone is served on."""
    _, charger = await central.connect("CP1")
    _, other = await central.connect("CP2")
    await charger.send(frame)
    await charger.alive()
    await other.alive()
    assert charger.calls == []


async def test_binary_frames(central: Central) -> None:
    """They are read like text."""
    _, charger = await central.connect()
    for frame in UNREADABLE.values():
        await charger.send(frame, text=False)
    for frame, unique_id in MENDED.values():
        await charger.send(frame, text=False)
        assert (await charger.frame())[:2] == [3, unique_id]


# Heartbeats as chargers send them, and the id of the answer.
MENDED: dict[str, tuple[bytes, Any]] = {
    "text type": (b'["2","x","Heartbeat",{}]', "x"),
    "number as id": (b'[2,17,"Heartbeat",{}]', 17),
    "zero as id": (b'[2,0,"Heartbeat",{}]', 0),
    "negative id": (b'[2,-5,"Heartbeat",{}]', -5),
    "empty id": (b'[2,"","Heartbeat",{}]', ""),
    "long id": (b'[2,"' + b"x" * 500 + b'","Heartbeat",{}]', "x" * 500),
    "umlaut in the id": ('[2,"ü","Heartbeat",{}]'.encode(), "ü"),
    "escapes in the id": (rb'[2,"\"\\\u0001","Heartbeat",{}]', '"\\\x01'),
    "null payload": (b'[2,"x","Heartbeat",null]', "x"),
    "no payload": (b'[2,"x","Heartbeat"]', "x"),
    "extra element": (b'[2,"x","Heartbeat",{},"more"]', "x"),
    "payload with members": (b'[2,"x","Heartbeat",{"a":[1,{"b":null}]}]', "x"),
    "white space": (b' \r\n[ 2 , "x" , "Heartbeat" , { } ]\n', "x"),
    "BOM": (b'\xef\xbb\xbf[2,"x","Heartbeat",{}]', "x"),
    "NUL at the end": (b'[2,"x","Heartbeat",{}]\x00', "x"),
    "leading comma": (b'[,2,"x","Heartbeat",{}]', "x"),
    "comma before the payload": (b'[2,"x","Heartbeat",,{}]', "x"),
    "comma in the payload": (b'[2,"x","Heartbeat",{,"a":1}]', "x"),
    "trailing comma": (b'[2,"x","Heartbeat",{},]', "x"),
    "trailing comma in the payload": (b'[2,"x","Heartbeat",{"a":1,}]', "x"),
    "missing bracket": (b'[2,"x","Heartbeat",{}', "x"),
    "missing brackets": (b'[2,"x","Heartbeat",{"a":[1]', "x"),
    "missing bracket, leading comma": (b'[,2,"x","Heartbeat",{}', "x"),
    "raw NUL in a text": (b'[2,"x","Heartbeat",{"a":"b\x00c"}]', "x"),
    "raw control characters in the id": (b'[2,"x\x01","Heartbeat",{}]', "x\x01"),
    "raw new line in a text": (b'[2,"x","Heartbeat",{"a":"b\nc"}]', "x"),
    "invalid UTF-8 in a text": (b'[2,"x","Heartbeat",{"a":"\xc3"}]', "x"),
    "lone surrogate in a text": (rb'[2,"x","Heartbeat",{"a":"\ud800"}]', "x"),
    "not a number": (b'[2,"x","Heartbeat",{"a":NaN,"b":-Infinity}]', "x"),
    "huge number": (
        b'[2,"x","Heartbeat",{"a":' + b"9" * 5000 + b',"b":1e999,"c":"\x00"}]',
        "x",
    ),
    "duplicate names": (b'[2,"x","Heartbeat",{"a":1,"a":2}]', "x"),
}


@pytest.mark.parametrize(("frame", "unique_id"), MENDED.values(), ids=MENDED.keys())
async def test_what_can_be_understood_is_answered(
    central: Central, frame: bytes, unique_id: Any
) -> None:
    """A frame whose meaning is clear is answered, with its id as it was given."""
    _, charger = await central.connect()
    await charger.send(frame)
    message_type, answered, payload = await charger.frame()
    assert (message_type, answered) == (3, unique_id)
    assert type(answered) is type(unique_id)
    assert payload["currentTime"].endswith("Z")
    await charger.alive()


REFUSED: dict[str, tuple[bytes, Any, str]] = {
    "unknown action": (b'[2,"x","Nonsense",{}]', "x", "NotImplemented"),
    "action of the other direction": (b'[2,"x","Reset",{}]', "x", "NotImplemented"),
    "action in lower case": (b'[2,"x","heartbeat",{}]', "x", "NotImplemented"),
    "empty action": (b'[2,"x","",{}]', "x", "NotImplemented"),
    "endless action": (b'[2,"x","' + b"A" * 9000 + b'",{}]', "x", "NotImplemented"),
    "number as action": (b'[2,"x",7,{}]', "x", "FormationViolation"),
    "object as action": (b'[2,"a",{},{}]', "a", "FormationViolation"),
    "list as action": (b'[2,"a",["Heartbeat"],{}]', "a", "FormationViolation"),
    "null as action": (b'[2,"a",null,{}]', "a", "FormationViolation"),
    "no action": (b'[2,"a"]', "a", "FormationViolation"),
    "list as payload": (b'[2,"a","Heartbeat",[]]', "a", "FormationViolation"),
    "text as payload": (b'[2,"a","Heartbeat","{}"]', "a", "FormationViolation"),
    "number as payload": (b'[2,4,"Heartbeat",0]', 4, "FormationViolation"),
    "null as id": (b'[2,null,"Heartbeat",{}]', "-1", "FormationViolation"),
    "object as id": (b'[2,{},"Heartbeat",{}]', "-1", "FormationViolation"),
    "true as id": (b'[2,true,"Heartbeat",{}]', "-1", "FormationViolation"),
    "fraction as id": (b'[2,1.5,"Heartbeat",{}]', "-1", "FormationViolation"),
    "endless number as id": (
        b'[2,99999999999999999999999999,"Heartbeat",{}]',
        "-1",
        "FormationViolation",
    ),
    "endless number as id, mended": (
        b'[2,99999999999999999999999999,"Heartbeat",{},]',
        "-1",
        "FormationViolation",
    ),
    "lone surrogate in the id": (
        rb'[2,"a\ud800","Heartbeat",{"connectorId"',
        "a\ufffd",
        "FormationViolation",
    ),
    "garbage after the frame": (
        b'[2,"a","Heartbeat",{}] [2,"b"',
        "a",
        "FormationViolation",
    ),
    "cut in a text": (
        b'[2,"a","StartTransaction",{"connectorId":1,"idTag":"CA',
        "a",
        "FormationViolation",
    ),
    "cut in a number": (
        b'[2,12,"StopTransaction",{"transactionId":1,"meterStop":12',
        12,
        "FormationViolation",
    ),
    "cut in a name": (
        b'[2,"a","StatusNotification",{"connectorId":1,"err',
        "a",
        "FormationViolation",
    ),
    "cut after a colon": (
        b'[2,"a","StatusNotification",{"connectorId":',
        "a",
        "FormationViolation",
    ),
    "cut in the action": (b'[2,"a","Status', "a", "FormationViolation"),
    "cut after the id": (b'[2,"a",', "a", "FormationViolation"),
    "cut after an escape": (
        rb'[2,"\"a","StatusNotification",{"info":"b\ ',
        '"a',
        "FormationViolation",
    ),
    "cut after a text": (
        b'[2,"a","StartTransaction",{"connectorId":1,"idTag":"CARD"',
        "a",
        "FormationViolation",
    ),
    "cut after a comma": (
        b'[2,"a","StatusNotification",{"connectorId":1,"status":"Faulted",',
        "a",
        "FormationViolation",
    ),
    "cut, type as text": (b'["2","a","Heartb', "a", "FormationViolation"),
}


@pytest.mark.parametrize(
    ("frame", "unique_id", "code"), REFUSED.values(), ids=REFUSED.keys()
)
async def test_a_call_that_cannot_be_understood_is_refused(
    central: Central, frame: bytes, unique_id: Any, code: str
) -> None:
    """The charger hears at once, and so does not wait for its own time limit."""
    charge_point, charger = await central.connect("CP1")
    _, other = await central.connect("CP2")
    await charger.send(frame)
    message_type, answered, *error = await charger.frame()
    assert (message_type, answered) == (4, unique_id)
    assert error[0] == code
    assert isinstance(error[1], str)
    assert error[2] == {}
    assert charge_point.connectors == []
    await charger.alive()
    await other.alive()


async def test_commas_in_texts_are_not_mended(central: Central) -> None:
    """Only what is between the texts is changed."""
    charge_point, charger = await central.connect()
    await charger.send(
        b'[2,"x","StatusNotification",{"connectorId":1,"status":"Faulted",'
        b'"errorCode":"OtherError","info":"[,a,] \\"{,b,}",}]'
    )
    await charger.frame()
    assert charge_point.value(1, "error_code") == 'OtherError [,a,] "{,b,}'


async def test_control_characters_do_not_reach_the_state(central: Central) -> None:
    """They are neither shown nor stored, however the charger writes them."""
    _, charger = await central.connect()
    await charger.send(
        b'[2,"x","StartTransaction",{"connectorId":1,"idTag":"CA\x00RD\\u0010\x0e",'
        b'"meterStart":0,"timestamp":"2026-01-01T00:00:00Z"}]'
    )
    assert (await charger.frame())[0] == 3
    assert central.ledger.starts[0].id_token == "CARD"


ANSWERS = {
    "as it should be": '[3,"{id}",{"status":"Accepted"}]',
    "type as text": '["3","{id}",{"status":"Accepted"}]',
    "action before the payload": '[3,"{id}","ClearCache",{"status":"Accepted"}]',
    "extra element": '[3,"{id}",{"status":"Accepted"},"more"]',
    "extra property": '[3,"{id}",{"status":"Accepted","info":"x"}]',
    "leading comma": '[,3,"{id}",{"status":"Accepted"}]',
    "trailing comma": '[3,"{id}",{"status":"Accepted",}]',
    "missing bracket": '[3,"{id}",{"status":"Accepted"}',
    "BOM": '\ufeff[3,"{id}",{"status":"Accepted"}]',
    "NUL at the end": '[3,"{id}",{"status":"Accepted"}]\x00',
    "control character in the status": '[3,"{id}",{"status":"Accep\x00ted"}]',
    "lower case": '[3,"{id}",{"status":"accepted"}]',
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_answers_that_can_be_understood(central: Central, answer: str) -> None:
    """An answer whose meaning is clear reaches the caller."""
    charge_point, charger = await central.connect()
    charger.answers["ClearCache"] = Raw(answer)
    response = await charge_point.commands.clear_cache()
    assert response["status"].lower() == "accepted"
    await charger.alive()


BROKEN_ANSWERS = {
    "cut in a text": '[3,"{id}",{"status":"Accep',
    "cut after a text": '[3,"{id}",{"status":"Accepted"',
    "cut in a number": '[3,"{id}",{"status":"Accepted","n":12',
    "cut after the id": '[3,"{id}",',
    "cut before the payload": '[3,"{id}"',
    "cut, type as text": '["3","{id}",{"status":"Accep',
    "payload is text": '[3,"{id}","Accepted"]',
    "payload is a list": '[3,"{id}",[]]',
    "type 5": '[5,"{id}","GenericError","",{}]',
    "garbage": '[3,"{id}",{"status":"Accepted"}} nonsense',
}


@pytest.mark.parametrize("answer", BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS.keys())
async def test_a_broken_answer_fails_its_caller_at_once(
    central: Central, answer: str
) -> None:
    """Nobody waits for the time limit, and the next call goes out."""
    charge_point, charger = await central.connect("CP1")
    _, other = await central.connect("CP2")
    charger.answers["ClearCache"] = Raw(answer)
    with pytest.raises(CommandFailed, match="ClearCache: FormationViolation"):
        await charge_point.commands.clear_cache()
    await charger.alive()
    await other.alive()
    await charge_point.commands.unlock_connector(1)


async def test_null_as_the_payload_of_an_answer(central: Central) -> None:
    """It is taken for an empty answer."""
    charge_point, charger = await central.connect()
    charger.answers["GetConfiguration"] = Raw('[3,"{id}",null]')
    assert await charge_point.commands.get_configuration([]) == {}
    charger.answers["GetConfiguration"] = Raw('[3,"{id}"]')
    assert await charge_point.commands.get_configuration([]) == {}


@pytest.mark.parametrize(
    "answer",
    ["[]", "{}", "1", "null", "true", '["Accepted"]'],
)
async def test_a_status_that_is_no_text(central: Central, answer: str) -> None:
    """It is no consent; nothing else breaks."""
    charge_point, charger = await central.connect()
    charger.answers["ClearCache"] = Raw(f'[3,"{{id}}",{{"status":{answer}}}]')
    with pytest.raises(Exception, match="ClearCache"):
        await charge_point.commands.clear_cache()
    await charger.alive()


ERRORS = {
    "complete": (
        '[4,"{id}","InternalError","it hurts",{"a":1}]',
        "InternalError",
        "it hurts",
    ),
    "four elements": (
        '[4,"{id}","InternalError","it hurts"]',
        "InternalError",
        "it hurts",
    ),
    "three elements": ('[4,"{id}","InternalError"]', "InternalError", ""),
    "two elements": ('[4,"{id}"]', "GenericError", ""),
    "null": ('[4,"{id}",null,null,null]', "GenericError", ""),
    "numbers": ('[4,"{id}",7,8,9]', "7", "8"),
    "unknown code": ('[4,"{id}","RpcFrameworkError","",{}]', "RpcFrameworkError", ""),
    "type as text": ('["4","{id}","InternalError","",{}]', "InternalError", ""),
}


@pytest.mark.parametrize(
    ("answer", "code", "description"), ERRORS.values(), ids=ERRORS.keys()
)
async def test_errors_as_answers(
    central: Central, answer: str, code: str, description: str
) -> None:
    """The caller hears what the charger said, however it put it."""
    charge_point, charger = await central.connect()
    charger.answers["ClearCache"] = Raw(answer)
    with pytest.raises(CommandFailed) as error:
        await charge_point.commands.clear_cache()
    assert (error.value.code, error.value.description) == (code, description)
    assert error.value.action == "ClearCache"
    await charger.alive()


@pytest.mark.parametrize("code", ["NotSupported", "NotImplemented"])
async def test_not_supported(central: Central, code: str) -> None:
    """A charger that does not know an action is told from one that failed."""
    charge_point, charger = await central.connect()
    charger.answers["ClearCache"] = Raw(f'[4,"{{id}}","{code}","",{{}}]')
    with pytest.raises(NotSupported):
        await charge_point.commands.clear_cache()


async def test_result_of_a_call_that_timed_out(
    socket_enabled: None, loop_clock: LoopClock
) -> None:
    """It comes too late for its caller and is not taken for the next answer."""
    async with central_system(timing=TIMING.__replace__(call=30)) as central:
        charge_point, charger = await central.connect()
        charger.answers["ClearCache"] = Silence()
        clearing = asyncio.create_task(charge_point.commands.clear_cache())
        late = await charger.called("ClearCache")
        loop_clock.advance(31)
        with pytest.raises(CommandTimeout, match="ClearCache"):
            await clearing
        charger.answers["UnlockConnector"] = Silence()
        unlocking = asyncio.create_task(charge_point.commands.unlock_connector(1))
        call = await charger.called("UnlockConnector")
        await charger.answer(late, {"status": "Rejected"})
        await charger.alive()
        assert not unlocking.done()
        await charger.answer(call, {"status": "Unlocked"})
        assert await unlocking == {"status": "Unlocked"}


async def test_a_frame_of_more_than_a_mebibyte(central: Central) -> None:
    """The socket is closed, as the protocol wants; the charger may dial again."""
    charge_point, charger = await central.connect("CP1")
    _, other = await central.connect("CP2")
    await charger.send(b'[2,"x","Heartbeat",{"a":"' + b"x" * 1024 * 1024 + b'"}]')
    await charger.closed.wait()
    assert charger.close_code == 1009
    await other.alive()
    charger = await central.dial("/CP1")
    await charger.send(b'[2,"x","Heartbeat",{"a":"' + b"x" * 1000 * 1000 + b'"}]')
    assert (await charger.frame())[0] == 3
    assert charge_point.connected


async def test_a_message_in_pieces(central: Central) -> None:
    """Chargers with little memory send a frame in parts."""
    _, charger = await central.connect()
    writer = charger.socket._writer  # noqa: SLF001
    transport = writer.transport

    def part(opcode: int, data: bytes, last: bool) -> bytes:
        head = bytes([(0x80 if last else 0) | opcode, 0x80 | len(data), 0, 0, 0, 0])
        return head + data

    transport.write(part(1, b'[2,"x","Hea', last=False))
    transport.write(part(0, b'rtbeat",', last=False))
    transport.write(part(9, b"", last=True))
    transport.write(part(0, b"{}]", last=True))
    assert (await charger.frame())[:2] == [3, "x"]


async def test_pings_are_answered(central: Central) -> None:
    """A charger's ping comes back with what it carried."""
    _, charger = await central.connect()
    await charger.close()
    socket = await central.session.ws_connect(
        f"http://127.0.0.1:{central.port}/CP1", autoping=False
    )
    await socket.ping(b"are you there")
    message = await socket.receive()
    assert (message.type, message.data) == (WSMsgType.PONG, b"are you there")
    await socket.close()


async def test_what_is_wrong_is_counted(central: Central) -> None:
    """For the diagnostics: how often, and an example."""
    charge_point, charger = await central.connect()
    for _ in range(3):
        await charger.send(b"nonsense")
    await charger.call("MeterValues", {"connectorId": 1, "meterValue": []})
    await charger.call(
        "MeterValues",
        {
            "connectorId": 1,
            "meterValue": [
                {
                    "timestamp": "2026-01-01T00:00:00Z",
                    "sampledValue": [sample(50, "Frequency", unit="Hz")],
                }
            ],
        },
    )
    assert charge_point.connection is not None
    anomalies = charge_point.connection.anomalies
    assert anomalies["not JSON"].count == 3
    assert "nonsense" in anomalies["not JSON"].example
    assert anomalies["MeterValues"].count == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)
ACTIONS = st.sampled_from(
    [
        "Authorize",
        "BootNotification",
        "DataTransfer",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
    ]
)
FRAMES = (
    st.binary(max_size=200)
    | JSON.map(_json := lambda value: orjson.dumps(_tame(value)))
    | st.tuples(
        st.sampled_from([2, 3, 4, 5, "2", "3"]),
        st.text(max_size=5) | st.integers(),
        ACTIONS | JSON,
        JSON,
    ).map(_json)
    | st.tuples(
        st.tuples(st.just(2), st.just("x"), ACTIONS, JSON).map(_json),
        st.integers(0, 60),
        st.binary(max_size=3),
    ).map(lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :])
    | st.tuples(
        st.tuples(st.just(2), st.just("x"), ACTIONS, JSON).map(_json), st.integers(0)
    ).map(lambda parts: parts[0][: parts[1]])
)


def _tame(value: Any) -> Any:
    """Keep to what orjson can write; other frames are in the lists above."""
    match value:
        case int() if not -(2**63) <= value < 2**63:
            return float(value % 1e308)
        case str():
            return value.encode("utf-8", "replace").decode()
        case list() | tuple():
            return [_tame(item) for item in value]
        case dict():
            return {_tame(key): _tame(item) for key, item in value.items()}
    return value


async def _take(charger: Charger, frames: list[bytes]) -> None:
    for frame in frames:
        await charger.send(frame)
    await charger.alive()


@settings(max_examples=60)
@given(st.lists(FRAMES, min_size=1, max_size=10))
async def test_nothing_a_charger_sends_stops_the_reader(
    socket_enabled: None, frames: list[bytes]
) -> None:
    """Whatever comes, the same socket goes on being served."""
    async with central_system() as central:
        _, charger = await central.connect()
        await _take(charger, frames)
