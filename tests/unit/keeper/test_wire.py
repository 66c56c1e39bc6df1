"""The framing: every way to cut a stream gives the same frames, and rubbish gives WireError."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.keeper.wire import (
    BODY_MOST,
    HEAD_MOST,
    Decoder,
    Message,
    WireError,
    decode_grew,
    decode_queued,
    decode_write,
    encode,
    encode_grew,
    encode_queued,
    encode_write,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FRAMES = st.lists(
    st.tuples(st.dictionaries(st.text(), VALUES, max_size=4), st.binary(max_size=200)), max_size=5
)


@given(frames=FRAMES, size=st.integers(1, 50))
def test_what_is_encoded_comes_out_however_it_is_cut(
    frames: list[tuple[Message, bytes]], size: int
) -> None:
    stream = b"".join(encode(*frame) for frame in frames)
    decoder = Decoder()
    found = []
    for start in range(0, len(stream), size):
        found += decoder.feed(stream[start : start + size])
    assert found == frames


@given(st.binary(max_size=300))
def test_rubbish_is_a_wire_error_or_waits_for_more(rubbish: bytes) -> None:
    try:
        frames = Decoder().feed(rubbish)
    except WireError:
        return
    assert all(isinstance(message, dict) for message, _ in frames)


@pytest.mark.parametrize(
    "raw",
    [
        struct.pack(">II", HEAD_MOST + 1, 0),
        struct.pack(">II", 2, BODY_MOST + 1),
        struct.pack(">II", 2, 0) + b"[]",
        struct.pack(">II", 2, 0) + b"{x",
        struct.pack(">II", 2, 0) + b"\xff\xfe",
    ],
)
def test_a_frame_that_is_none_is_refused(raw: bytes) -> None:
    with pytest.raises(WireError):
        Decoder().feed(raw)


def test_the_hot_frames_are_as_any_other() -> None:
    write = {"op": "write", "session": "some", "id": 7}
    grew = {"push": "grew", "session": "some", "size": 9, "kind": "e"}
    assert encode_write("some", 7, b"x") == encode(write, b"x")
    assert encode_grew("some", 9, "e", b"y") == encode(grew, b"y")
    assert encode_queued(b"7", 3) == encode({"id": 7, "ok": True, "queued": 3})
    [(message, body)] = Decoder().feed(encode_write('"\\é', 1, b""))
    assert (message["session"], body) == ('"\\é', b"")


@given(body=st.binary(max_size=200), number=st.integers(1, 1 << 40))
def test_a_write_that_is_all_there_is_read_by_hand(body: bytes, number: int) -> None:
    frame = encode_write("some", number, body)
    assert decode_write(frame) == (b"some", b"%d" % number, body)
    for other in (frame[:-1], frame[:20], frame + b"x", frame + frame):
        assert decode_write(other) is None


@pytest.mark.parametrize(
    "head",
    [
        b'{"op":"write","session":"some","id":07}',
        b'{"op":"write","session":"some","id":7 }',
        b'{"op":"write","session":"some","id":7]',
        b'{"op":"write","session":"some","id":""}',
        b'{"op":"write","session":"some","id":}',
        b'{"op":"write","session":"some"}',
        b'{"op":"write","session":"',
        b'{"op":"writes","session":"some","id":7}',
    ],
)
def test_a_write_in_other_words_is_for_the_decoder(head: bytes) -> None:
    assert decode_write(struct.pack(">II", len(head), 0) + head) is None


@given(body=st.binary(max_size=200), size=st.integers(0, 1 << 40), kind=st.sampled_from("oe"))
def test_what_comes_after_a_key_is_read_by_hand(body: bytes, size: int, kind: str) -> None:
    grew, queued = encode_grew("some", size, kind, body), encode_queued(b"7", size)
    assert decode_grew(grew) == ("some", size, kind, body)
    assert decode_queued(queued) == (7, size)
    for other in (grew[:-1], grew[:40], grew + b"x", grew + queued, queued):
        assert decode_grew(other) is None
    for other in (queued[:-1], queued[:10], queued + b"x", queued + grew, grew):
        assert decode_queued(other) is None


@pytest.mark.parametrize(
    "head",
    [
        b'{"push":"grew","session":"some","size":7}',
        b'{"push":"grew","session":"some","size":7,"kind":"x"}',
        b'{"push":"grew","session":"some","size":-7,"kind":"o"}',
        b'{"push":"ended","session":"some"}',
        b'{"id":7,"ok":true,"queued":7,"more":7}',
        b'{"id":7,"ok":true,"queued":}',
        b'{"id":7,"ok":true}',
        b'{"id":"7","ok":true,"queued":7}',
        b"{}",
    ],
)
def test_other_words_are_for_the_decoder(head: bytes) -> None:
    frame = struct.pack(">II", len(head), 0) + head
    assert decode_grew(frame) is None
    assert decode_queued(frame) is None


def test_what_is_too_large_is_not_encoded() -> None:
    with pytest.raises(WireError):
        encode({}, bytes(BODY_MOST + 1))
    with pytest.raises(WireError):
        encode({"text": "x" * HEAD_MOST})


def test_arguments_that_are_not_utf8_survive() -> None:
    argument = b"\xff\xfe".decode(errors="surrogateescape")
    [(message, _)] = Decoder().feed(encode({"argv": [argument]}))
    assert message == {"argv": [argument]}
    assert json.dumps(argument).isascii()


def test_what_is_too_large_or_no_json_is_a_wire_error() -> None:
    with pytest.raises(WireError, match="too large"):
        encode({"text": "x" * HEAD_MOST})
    with pytest.raises(WireError, match="not JSON"):
        Decoder().feed(encode({})[:8] + b"{]")
