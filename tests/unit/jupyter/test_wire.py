"""Jupyter's wire: what is signed is understood, and nothing else is, whatever comes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jupyter_client.session import Session

from inspan.jupyter.wire import DELIMITER, Message, Wire, WireError

pytestmark = pytest.mark.requirement("D2", "D12")

KEY = b"a key"
FEW = settings(max_examples=60)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
JSON = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=3), SCALARS)
OBJECTS = st.dictionaries(st.text(max_size=5), JSON, max_size=3)
FRAMES = st.lists(
    st.binary(max_size=40)
    | st.sampled_from([DELIMITER, b"", b"{}", b"[]", b"null", b'{"msg_id":"a","msg_type":"b"}']),
    max_size=9,
)


def signed(*parts: bytes, key: bytes = KEY) -> list[bytes]:
    """As one who has the key sends it, whatever the parts are."""
    session = Session(key=key)
    return [DELIMITER, session.sign(list(parts)), *parts]


def header(**fields: Any) -> bytes:
    return json.dumps({"msg_id": "m", "msg_type": "t", **fields}).encode()


@FEW
@given(
    ids=st.lists(st.binary(max_size=9).filter(lambda one: one != DELIMITER), max_size=3),
    kind=st.text(max_size=9),
    content=OBJECTS,
    parent=OBJECTS,
)
def test_what_one_end_says_the_other_understands(
    ids: list[bytes], kind: str, content: dict[str, Any], parent: dict[str, Any]
) -> None:
    frames = Wire(KEY).encode(kind, content, parent=parent, ids=ids)
    message = Wire(KEY).decode(frames)
    assert (message.ids, message.kind) == (tuple(ids), kind)
    assert json.dumps(message.content) == json.dumps(content)


@FEW
@given(content=OBJECTS)
def test_jupyter_s_own_client_understands_us_and_we_it(content: dict[str, Any]) -> None:
    theirs = Session(key=KEY)
    ours = Wire(KEY).encode("status", content, parent={"msg_id": "p"})
    _, parts = theirs.feed_identities(ours)
    got = theirs.deserialize(parts)
    assert (got["msg_type"], got["parent_header"]) == ("status", {"msg_id": "p"})
    assert json.dumps(got["content"]) == json.dumps(content)
    sent = theirs.serialize(theirs.msg("execute_request", {"code": "1"}), ident=b"who")
    message = Wire(KEY).decode(sent)
    assert (message.ids, message.kind, message.text("code")) == ((b"who",), "execute_request", "1")


@FEW
@given(frames=FRAMES)
def test_any_frames_are_no_message_and_no_crash(frames: list[bytes]) -> None:
    with pytest.raises(WireError):
        Wire(KEY).decode(frames)


@FEW
@given(
    parts=st.lists(st.binary(max_size=30) | JSON.map(lambda x: json.dumps(x).encode()), max_size=6)
)
def test_any_parts_that_are_signed_are_a_message_or_an_error(parts: list[bytes]) -> None:
    try:
        message = Wire(KEY).decode(signed(*parts))
    except WireError:
        return
    assert isinstance(message.kind, str)


@FEW
@given(
    at=st.integers(min_value=0),
    bit=st.integers(min_value=0, max_value=7),
    content=OBJECTS,
)
def test_one_bit_that_changed_is_noticed(at: int, bit: int, content: dict[str, Any]) -> None:
    frames = Wire(KEY).encode("execute_request", content)
    whole = len(b"".join(frames[1:]))
    place = at % whole
    for number, frame in enumerate(frames[1:], 1):
        if place < len(frame):
            changed = bytearray(frame)
            changed[place] ^= 1 << bit
            frames[number] = bytes(changed)
            break
        place -= len(frame)
    with pytest.raises(WireError):
        Wire(KEY).decode(frames)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ((header(), b"{}", b"{}", b"{"), "no JSON"),
        ((header(), b"{}", b"{}", b"\xff"), "no JSON"),
        ((header(), b"{}", b"{}", b"[]"), "no object"),
        ((header(), b"{}", b"{}", b"null"), "no object"),
        ((header(), b"{}", b"{}", b"[" * 100_000), "no JSON"),
        ((header(), b"{}", b"{}", b'{"a": ' + b"9" * 5000 + b"}"), "no JSON"),
        ((b"{}", b"{}", b"{}", b"{}"), "msg_id"),
        ((header(msg_id=1), b"{}", b"{}", b"{}"), "msg_id"),
        ((header(msg_type=None), b"{}", b"{}", b"{}"), "msg_type"),
        ((header(), b"{}", b"{}"), "not signed"),
    ],
)
def test_what_is_signed_and_no_message_says_why(parts: tuple[bytes, ...], why: str) -> None:
    with pytest.raises(WireError, match=why):
        Wire(KEY).decode(signed(*parts))


def test_without_the_key_nothing_is_understood() -> None:
    frames = Wire(b"another").encode("execute_request", {"code": "1"})
    with pytest.raises(WireError, match="not signed"):
        Wire(KEY).decode(frames)
    with pytest.raises(WireError, match="no delimiter"):
        Wire(KEY).decode(frames[1:])
    frames = Wire(KEY).encode("execute_request", {"code": "1"})
    with pytest.raises(WireError, match="not signed"):
        Wire(KEY).decode([frames[0], b"", *frames[2:]])


def test_what_was_overheard_is_not_taken_twice() -> None:
    wire = Wire(KEY)
    frames = wire.encode("execute_request", {"code": "1"})
    assert wire.decode([b"one", *frames]).ids == (b"one",)
    with pytest.raises(WireError, match="came before"):
        wire.decode([b"another", *frames])


def test_buffers_are_let_go_and_ids_that_look_like_more_are_kept() -> None:
    frames = Wire(KEY).encode("comm_msg", {}, ids=(b"<IDS|", b"MSG>"))
    message = Wire(KEY).decode([*frames, b"raw", b"more"])
    assert message.ids == (b"<IDS|", b"MSG>")


@FEW
@given(content=OBJECTS, name=st.text(max_size=5))
def test_a_field_is_of_its_kind_or_refused(content: dict[str, Any], name: str) -> None:
    message = Message((), {"msg_id": "m", "msg_type": "t"}, content)
    for field in (*content, name):
        value = content.get(field)
        if isinstance(value, str):
            assert message.text(field) == value
        else:
            with pytest.raises(WireError):
                message.text(field)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            assert message.whole(field, 7) == (7 if value is None else value)
        else:
            with pytest.raises(WireError):
                message.whole(field, 7)
