"""The wire between the keeper and its clients: framing, the verbs, and the version.

A frame is eight bytes, two big-endian unsigned 32-bit lengths, then a JSON object of the first
length and raw bytes of the second. A request has ``id`` and ``op``; its reply has the same ``id``
and either ``ok: true`` with results or ``error`` (a code) with ``message``. A frame with ``push``
answers nothing. Every request is answered; an unknown session is an error, never a stall.

op         takes                                              gives
---------  -------------------------------------------------  ------------------------------------
hello      version                                            version, keeper (instance id), pid,
                                                              started_at, sessions
spawn      session argv cwd env folder                        pid, new (false where that session
           pty cols rows record_input attended cap            was spawned before: it is not spawned
           nofile bound by                                    again), forked; bound: it is killed
                                                              and forgotten when this connection
                                                              ends
forker     forker argv cwd env                                ready: once it is, or has failed
list                                                          sessions: [status…]
status     session                                            status
write      session, body                                      queued (bytes now in the queue)
eof        session                                            end of input: closes a pipe, types
                                                              the terminal's EOF character else
resize     session cols rows
signal     session signal to=foreground|tree                  sent (how many processes)
kill       session                                            left (processes found afterwards),
                                                              by (cgroup, marker, subreaper …)
attend     session on shown                                   size: queries that end behind it are
                                                              not answered by the keeper, while on
                                                              and while this connection lives; off:
                                                              are answered again
watch      session inline                                     size, then pushes about it; with
                                                              inline they bring small growth along
unwatch    session
read       session offset limit                               offset, eof; body: raw bytes
collect    session                                            status; forgets an ended session
shutdown   force                                              refused while sessions live, unless
                                                              forced: then all are killed first

push       carries                                            when
---------  -------------------------------------------------  ------------------------------------
grew       session size [kind; body]                          the recording has grown; coalesced,
                                                              one per loop turn at most; body: all
                                                              its newest bytes up to size, where
                                                              these are few and of one kind
ended      session status                                     process ended and output complete

status: session, pid, alive, started_at, size, exit {code | signal}, ended_at, eof (output is
complete), cols, rows, cut (bytes freed by the cap), left (processes left behind, if known).

``shown`` are the bytes that the attending terminal was shown, where that is known. With on it is
the terminal that attended before: it answers all that was asked behind them, or, if there was a
break, behind ``size``, and the keeper what was not answered before. With off the keeper answers
what was asked behind them; the ``attended`` of a spawn also ends, so, when nobody came to attend
within five seconds. Without it everything up to ``size`` counts as answered.

``by`` names a forker: a process from which sessions on pipes are forked, which the verb ``forker``
starts where there is none. A session is forked where that one is ready and answers in time, else
started as any other; ``argv`` is the same for both.

A reader takes the bytes from the recording itself (``folder``) or with ``read``: the keeper queues
no output for anybody, so a slow or dead reader costs it nothing. What ``grew`` brings along spares
a look at the recording where a program answers a key; it is in the recording already, it may be
left out at any time, and where it does not begin at or before a reader's place the recording tells
the rest. ``kind`` is that of the index: ``o`` or ``e``.

The reply to a ``write`` on a terminal that its sender watches may wait for the echo, to leave in
one piece with it: until anything else happens in the keeper, five milliseconds at most, and only
while that session echoes as soon as that.
"""

from __future__ import annotations

import json
import struct
from functools import lru_cache
from typing import Any, Final

#: Raised when a verb changes its meaning. A daemon also speaks the version before it.
VERSION: Final = 1
OLDEST: Final = 1
#: The largest JSON part and the largest body of one frame, in bytes.
HEAD_MOST: Final = 1 << 20
BODY_MOST: Final = 1 << 20
#: The most bytes that ``grew`` brings along.
INLINE_MOST: Final = 1 << 12

_LENGTHS: Final = struct.Struct(">II")
#: The head of a ``write``, up to the session and between it and the number.
_WRITE: Final = b'{"op":"write","session":"'
_WRITE_ID: Final = b'","id":'
_WRITE_FIRST: Final = _LENGTHS.size + len(_WRITE)
#: The head of its reply, up to the number and between it and the bytes that wait.
_REPLY: Final = b'{"id":'
_QUEUED: Final = b',"ok":true,"queued":'
#: The head of a ``grew`` up to the session, and its ends.
_GREW: Final = b'{"push":"grew","session":"'
_KINDS: Final = {b'o"}': "o", b'e"}': "e"}
# Made once: json.dumps would make an encoder for every frame.
_encode: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_decode: Final = json.JSONDecoder().raw_decode

Message = dict[str, Any]


class WireError(Exception):
    """The other side sent what is no frame; the connection cannot go on."""


def encode(message: Message, body: bytes = b"") -> bytes:
    """One frame."""
    head = _encode(message).encode()
    if len(head) > HEAD_MOST or len(body) > BODY_MOST:
        raise WireError("a frame is too large")
    return _LENGTHS.pack(len(head), len(body)) + head + body


# A key is pressed after a pause, when all code is slow: every step that its frames are spared is
# time that somebody waits. They are made by hand, and read so where one is all there is.


def encode_write(session: str, number: int, body: bytes) -> bytes:
    """``encode`` of a ``write``, sooner."""
    head = b"%b%d}" % (_write_to(session), number)
    return _LENGTHS.pack(len(head), len(body)) + head + body


@lru_cache(64)
def _write_to(session: str) -> bytes:
    return b'{"op":"write","session":%b,"id":' % _encode(session).encode()


def decode_write(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """The session, the number and the body, where ``data`` is as ``encode_write`` makes it.

    Anything else is for a ``Decoder`` to read.
    """
    if not data.startswith(_WRITE, _LENGTHS.size):
        return None
    head, body = _LENGTHS.unpack_from(data)
    end = _LENGTHS.size + head
    session, _, number = data[_WRITE_FIRST : end - 1].partition(_WRITE_ID)
    plain = number.isdigit() and not number.startswith(b"0") and data[end - 1 : end] == b"}"
    return (session, number, data[end:]) if plain and end + body == len(data) else None


def encode_queued(number: bytes, queued: int) -> bytes:
    """``encode`` of the reply to what ``decode_write`` read, sooner."""
    head = b"%b%b%b%d}" % (_REPLY, number, _QUEUED, queued)
    return _LENGTHS.pack(len(head), 0) + head


def decode_queued(data: bytes) -> tuple[int, int] | None:
    """The number and the bytes that wait, where ``data`` is as ``encode_queued`` makes it."""
    if not data.startswith(_REPLY, _LENGTHS.size) or not data.endswith(b"}"):
        return None
    number, _, queued = data[_LENGTHS.size + len(_REPLY) : -1].partition(_QUEUED)
    whole = _LENGTHS.unpack_from(data) == (len(data) - _LENGTHS.size, 0)
    return (int(number), int(queued)) if whole and number.isdigit() and queued.isdigit() else None


def first_end(data: bytes) -> int:
    """Where the first frame in ``data`` ends, or should."""
    if len(data) < _LENGTHS.size:
        return _LENGTHS.size
    head, body = _LENGTHS.unpack_from(data)
    end: int = _LENGTHS.size + head + body
    return end


def encode_grew(session: str, size: int, kind: str, body: bytes) -> bytes:
    """``encode`` of a ``grew`` that brings ``body`` along, sooner: it may be the echo of a key."""
    head = b'{"push":"grew","session":"%b","size":%d,"kind":"%b"}' % (
        session.encode(),
        size,
        kind.encode(),
    )
    return _LENGTHS.pack(len(head), len(body)) + head + body


def decode_grew(data: bytes) -> tuple[str, int, str, bytes] | None:
    """The session, the size, the kind and the body, where ``data`` is as ``encode_grew`` makes it.

    A session that has another name in JSON is one that nobody watches.
    """
    if not data.startswith(_GREW, _LENGTHS.size):
        return None
    head, body = _LENGTHS.unpack_from(data)
    end = _LENGTHS.size + head
    session, _, rest = data[_LENGTHS.size + len(_GREW) : end].partition(b'","size":')
    size, _, kind = rest.partition(b',"kind":"')
    if end + body != len(data) or not size.isdigit() or kind not in _KINDS:
        return None
    return session.decode(errors="replace"), int(size), _KINDS[kind], data[end:]


class Decoder:
    """Bytes in, frames out; holds at most one incomplete frame."""

    def __init__(self) -> None:
        #: The frame that is not complete.
        self.held = bytearray()

    def feed(self, data: bytes) -> list[tuple[Message, bytes]]:
        """The frames that are complete now. Raises WireError."""
        held: bytes | bytearray = data
        if self.held:
            self.held += data
            held = self.held
        frames: list[tuple[Message, bytes]] = []
        start = 0
        while len(held) - start >= _LENGTHS.size:
            head, body = _LENGTHS.unpack_from(held, start)
            if head > HEAD_MOST or body > BODY_MOST:
                raise WireError("a frame is too large")
            first = start + _LENGTHS.size
            end = first + head + body
            if len(held) < end:
                break
            frames.append((_message(held[first : first + head]), bytes(held[first + head : end])))
            start = end
        if self.held:
            del self.held[:start]
        elif start < len(data):
            self.held += data[start:]
        return frames


def _message(raw: bytes | bytearray) -> Message:
    try:
        text = raw.decode()
        message, end = _decode(text)
        if end < len(text):
            message = json.loads(text)  # white space, or an error that it names
    except ValueError as error:
        raise WireError("a frame is not JSON") from error
    if not isinstance(message, dict):
        raise WireError("a frame is no object")
    return message
