from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from contextlib import suppress
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.client import wire
from inspan.errors import BadInput, DaemonUnreachable

CUTS = st.lists(st.integers(1, 50), min_size=1, max_size=20)


def pieces(raw: bytes, cuts: list[int]) -> list[bytes]:
    """``raw`` as a socket might hand it over."""
    found, at = [], 0
    for cut in cuts:
        found.append(raw[at : at + cut])
        at += cut
    return [piece for piece in [*found, raw[at:]] if piece]


def server_frame(
    opcode: int, payload: bytes, *, final: bool = True, first: int | None = None
) -> bytes:
    size = len(payload)
    head = bytes([(0x80 if final else 0) | opcode if first is None else first])
    if size < 126:
        return head + bytes([size]) + payload
    if size < 1 << 16:
        return head + bytes([126]) + size.to_bytes(2, "big") + payload
    return head + bytes([127]) + size.to_bytes(8, "big") + payload


def unmasked(raw: bytes) -> tuple[int, bytes]:
    """What a server makes of a client's frame, byte by byte as RFC 6455 5.3 says it."""
    size, at = raw[1] & 0x7F, 2
    assert raw[1] & 0x80
    if size >= 126:
        width = 2 if size == 126 else 8
        size, at = int.from_bytes(raw[2 : 2 + width], "big"), 2 + width
    mask, body = raw[at : at + 4], raw[at + 4 :]
    assert len(body) == size
    return raw[0], bytes(byte ^ mask[n % 4] for n, byte in enumerate(body))


# ── requests ──────────────────────────────────────────────────────────────────


def test_a_request_is_what_the_rfc_says() -> None:
    raw = wire.request("POST", "/v1/x?a=b", {"host": "inspan"}, b"body")
    assert raw == b"POST /v1/x?a=b HTTP/1.1\r\nhost: inspan\r\ncontent-length: 4\r\n\r\nbody"
    assert b"content-length: 0" in wire.request("POST", "/", {})
    assert b"content-length" not in wire.request("GET", "/", {})


@pytest.mark.parametrize("value", ["a\r\nevil: 1", "a\nb", "ü", "\x00"])
def test_a_header_cannot_break_out(value: str) -> None:
    with pytest.raises(BadInput):
        wire.request("GET", "/", {"idempotency-key": value})


@given(st.text())
def test_a_quoted_word_is_one_harmless_segment(text: str) -> None:
    quoted = wire.quote(text)
    assert quoted.isascii()
    assert not set(quoted) & set("/?#& \r\n")
    assert unquote_to_bytes(quoted) == text.encode()


def test_what_is_not_utf8_cannot_be_asked_for() -> None:
    with pytest.raises(BadInput):
        wire.quote("\udcff")


def test_a_query_leaves_out_what_is_not_there() -> None:
    assert wire.query(a=None) == ""
    assert wire.query(a=1, b=None, c=True, d="x y") == "?a=1&c=true&d=x%20y"


# ── answers ───────────────────────────────────────────────────────────────────


@given(st.binary(max_size=300), st.binary(max_size=20), CUTS)
def test_an_answer_with_a_length_ends_there(body: bytes, rest: bytes, cuts: list[int]) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nX-Y:  z \r\n\r\n".encode()
    answer = wire.Answer()
    reply = None
    fed = b""
    for piece in pieces(head + body + rest, cuts):
        fed += piece
        reply = answer.feed(piece)
        if reply is not None:
            break
    assert reply is not None
    assert (reply.status, reply.body, reply.headers["x-y"]) == (200, body, "z")
    assert answer.rest == fed[len(head) + len(body) :]


@given(st.lists(st.binary(min_size=1, max_size=80), max_size=6), CUTS)
def test_a_chunked_answer_is_put_together(parts: list[bytes], cuts: list[int]) -> None:
    body = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(part), part) for part in parts)
    raw = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\nTrailer: x\r\n\r\n"
    )
    answer = wire.Answer()
    replies = [answer.feed(piece) for piece in pieces(raw, cuts)]
    assert [reply is not None for reply in replies] == [False] * (len(replies) - 1) + [True]
    assert replies[-1] is not None
    assert replies[-1].body == b"".join(parts)


def test_an_answer_may_end_with_the_connection() -> None:
    answer = wire.Answer()
    assert answer.feed(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall ") is None
    assert answer.feed(b"of it") is None
    reply = answer.end()
    assert (reply.body, reply.kept) == (b"all of it", False)


def test_an_interim_answer_is_passed_over() -> None:
    reply = wire.Answer().feed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
    assert reply is not None
    assert (reply.status, reply.kept) == (204, True)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 2",
        b"",
    ],
)
def test_an_answer_that_is_cut_short_is_none(raw: bytes) -> None:
    answer = wire.Answer()
    assert answer.feed(raw) is None
    with pytest.raises(DaemonUnreachable):
        answer.end()


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: \xb2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n",
        b"x" * (wire.HEAD_MOST + 1),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1" * (wire.HEAD_MOST + 1),
    ],
)
def test_what_is_no_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(DaemonUnreachable):
        wire.Answer().feed(raw)


@given(st.binary(max_size=400), CUTS)
def test_no_bytes_at_all_break_the_reader(raw: bytes, cuts: list[int]) -> None:
    answer, frames = wire.Answer(), wire.Frames()
    for feed in (answer.feed, frames.feed):
        with suppress(DaemonUnreachable):
            for piece in pieces(raw, cuts):
                feed(piece)


# ── WebSocket ─────────────────────────────────────────────────────────────────


def test_an_upgrade_is_granted_only_to_its_own_question() -> None:
    key = wire.upgrade_key()
    assert len(base64.b64decode(key)) == 16
    digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    accept = base64.b64encode(digest).decode()
    wire.check_upgrade(wire.Response(101, {"sec-websocket-accept": accept}, b""), key)
    for status, headers in ((101, {}), (101, {"sec-websocket-accept": "x"}), (200, {})):
        with pytest.raises(DaemonUnreachable):
            wire.check_upgrade(wire.Response(status, headers, b""), key)


@pytest.mark.parametrize("size", [0, 1, 3, 125, 126, 127, 65535, 65536, 70001])
def test_a_masked_frame_can_be_unmasked(size: int) -> None:
    payload = bytes(n % 251 for n in range(size))
    assert unmasked(wire.masked(wire.BINARY, payload, b"\x01\xfe\x00\x80")) == (0x82, payload)


@given(st.lists(st.lists(st.binary(max_size=150), min_size=1, max_size=4), max_size=5), CUTS)
def test_messages_are_put_together_from_their_parts(
    messages: list[list[bytes]], cuts: list[int]
) -> None:
    raw = b""
    for parts in messages:
        for n, part in enumerate(parts):
            opcode = wire.BINARY if n == 0 else 0
            raw += server_frame(opcode, part, final=n == len(parts) - 1)
            raw += server_frame(wire.PING, b"p")
    frames = wire.Frames()
    got = [message for piece in pieces(raw, cuts) for message in frames.feed(piece)]
    assert got == [(wire.BINARY, b"".join(parts)) for parts in messages]
    pings = sum(len(parts) for parts in messages)
    assert len(frames.due) == pings * len(wire.masked(wire.PONG, b"p", b"mask"))


def test_a_ping_is_answered_with_its_own_words() -> None:
    frames = wire.Frames()
    assert frames.feed(server_frame(wire.PING, b"still there?")) == []
    assert unmasked(frames.due) == (0x80 | wire.PONG, b"still there?")


def test_a_close_is_told_and_echoed() -> None:
    frames = wire.Frames()
    raw = server_frame(wire.TEXT, b"last") + server_frame(wire.CLOSE, b"\x0f\xa8fell-behind")
    assert frames.feed(raw + b"\xff\xff\xff") == [(wire.TEXT, b"last")]
    assert frames.closed == (4008, "fell-behind")
    assert unmasked(frames.due) == (0x80 | wire.CLOSE, b"\x0f\xa8")
    with pytest.raises(DaemonUnreachable, match="4008"):
        frames.check_done()
    plain = wire.Frames()
    plain.feed(server_frame(wire.CLOSE, (1000).to_bytes(2, "big")))
    plain.check_done()


@pytest.mark.parametrize(
    "raw",
    [
        server_frame(0, b"", first=0xC1),  # a reserved bit
        server_frame(0, b"", first=0x83),  # an opcode that is none
        b"\x82\x81mask!",  # a server does not mask
        server_frame(wire.PING, b"x" * 126),
        server_frame(wire.PING, b"x", final=False),
        server_frame(0, b"goes on, but from what?"),
        server_frame(wire.TEXT, b"a", final=False) + server_frame(wire.TEXT, b"b"),
        b"\x82\x7f" + (wire.MESSAGE_MOST + 1).to_bytes(8, "big"),
    ],
)
def test_what_a_server_must_not_send_is_refused(raw: bytes) -> None:
    with pytest.raises(DaemonUnreachable):
        wire.Frames().feed(raw)


def test_a_message_in_parts_has_a_limit_too() -> None:
    frames = wire.Frames()
    part = server_frame(0, b"x" * (1 << 20), final=False)
    frames.feed(server_frame(wire.BINARY, b"", final=False))
    for _ in range(wire.MESSAGE_MOST >> 20):
        frames.feed(part)
    with pytest.raises(DaemonUnreachable):
        frames.feed(part)


def test_a_body_without_an_end_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BODY_MOST", 10)
    with pytest.raises(DaemonUnreachable, match="has no end"):
        wire.Answer().feed(b"HTTP/1.1 200 X\r\n\r\n" + bytes(11))


def test_an_upgrade_is_checked_where_only_hashlib_is_there() -> None:
    code = (
        "import sys; sys.modules['_sha1'] = None\n"
        "from inspan.client.wire import Response, check_upgrade\n"
        "said = {'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='}\n"
        "check_upgrade(Response(101, said, b''), 'dGhlIHNhbXBsZSBub25jZQ==')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
