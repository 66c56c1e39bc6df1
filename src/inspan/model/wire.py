"""What crosses the daemon's wire beside JSON: names, limits, and chunks as binary frames.

Both ends import it, so that neither can drift. It moves no bytes and knows no socket.

A frame is one byte of opcode, a big-endian uint64 and a payload:

from     opcode  number              payload
-------  ------  ------------------  ---------------------------------------------------
server   ``o``   offset              bytes of output
server   ``e``   offset              bytes of stderr
server   ``g``   first missing byte  uint64: the byte after the last missing one
server   ``r``   offset              two uint32: columns, rows
server   ``x``   size                JSON: how it ended, or null; nothing follows
server   ``k``   of what was sent    empty: done; else the problem as JSON: refused
server   ``f``   0                   the problem as JSON; the connection closes
client   ``i``   any, echoed by k    bytes to type
client   ``s``   any, echoed by k    two uint32: columns, rows
client   ``l``   any, echoed by k    uint64: bytes that were shown; types no more
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final, assert_never

from inspan.errors import BadInput
from inspan.model.session import Chunk, Ended, Gap, Output, Resized
from inspan.model.task import Exit

#: Which inspan speaks: on every request of ours and on every response.
VERSION_HEADER: Final = "inspan-version"
KEY_HEADER: Final = "idempotency-key"
#: What is as it was sent need not be told back (RFC 7240, 4.2), and that it was not.
PREFER_HEADER: Final = "prefer"
PREFERRED_HEADER: Final = "preference-applied"
BRIEF: Final = "return=minimal"
NEXT_HEADER: Final = "inspan-next-offset"
GAP_HEADER: Final = "inspan-gap"
#: On the upgrade to a terminal: the offset behind which the writer's own terminal answers.
ANSWERS_HEADER: Final = "inspan-answers-from"
ENDED_HEADER: Final = "inspan-ended"
#: On the request for a WebSocket at the socket: its client is far, and to be pinged.
PINGED_HEADER: Final = "inspan-pinged"
#: The host that our own clients name; a Unix socket has none.
HOST: Final = "inspan"
#: A body of frames, each behind a big-endian uint32 with its length.
FRAMES_TYPE: Final = "application/vnd.inspan.frames"
PROBLEM_TYPE: Final = "application/problem+json"

#: WebSocket close codes of our own (RFC 6455, 7.4.2: 4000 to 4999 are private).
CLOSE_FAILED: Final = 4000
CLOSE_FELL_BEHIND: Final = 4008
#: Those of the protocol's that the daemon closes with.
CLOSE_DONE: Final = 1000
CLOSE_BROKEN: Final = 1002
CLOSE_NO_TEXT: Final = 1007
CLOSE_TOO_LARGE: Final = 1009
CLOSE_SILENT: Final = 1011
CLOSE_STOPPING: Final = 1012
#: What each of them says.
CLOSES: Final = {
    CLOSE_DONE: "nothing more comes",
    CLOSE_BROKEN: "what was said is no WebSocket",
    CLOSE_NO_TEXT: "a text was no UTF-8",
    CLOSE_TOO_LARGE: "a message was larger than 1 MiB",
    CLOSE_SILENT: "a ping was not answered",
    CLOSE_STOPPING: "the daemon stops; what runs, runs on",
    CLOSE_FAILED: "an error, which the last frame told of",
    CLOSE_FELL_BEHIND: "the client did not take what it was sent; come again from where it was",
}

BODY_MOST: Final = 4 << 20
#: The payload of one frame, either way.
FRAME_MOST: Final = 1 << 20
#: One event as JSON. The largest that can come to be is a cell whose code filled a whole body.
EVENT_MOST: Final = 16 << 20

OUTPUT: Final = ord("o")
STDERR: Final = ord("e")
GAP: Final = ord("g")
RESIZED: Final = ord("r")
ENDED: Final = ord("x")
ACK: Final = ord("k")
FAILED: Final = ord("f")
INPUT: Final = ord("i")
RESIZE: Final = ord("s")
LEAVE: Final = ord("l")

_HEAD: Final = struct.Struct(">BQ")
_LONG: Final = struct.Struct(">Q")
_SIZE: Final = struct.Struct(">II")
_LENGTH: Final = struct.Struct(">I")


def frame(opcode: int, number: int, payload: bytes = b"") -> bytes:
    """One frame."""
    return _HEAD.pack(opcode, number) + payload


def opened(raw: bytes) -> tuple[int, int, bytes]:
    """Opcode, number and payload. Raises BadInput."""
    if len(raw) < _HEAD.size:
        raise BadInput("a frame is shorter than its head")
    opcode, number = _HEAD.unpack_from(raw)
    return opcode, number, raw[_HEAD.size :]


def size(cols: int, rows: int) -> bytes:
    """The size of a terminal as a payload. Raises BadInput."""
    if not (0 < cols < 1 << 16 and 0 < rows < 1 << 16):
        raise BadInput(f"a terminal of {cols} × {rows} cannot be")
    return _SIZE.pack(cols, rows)


def sized(payload: bytes) -> tuple[int, int]:
    """Columns and rows. Raises BadInput."""
    if len(payload) != _SIZE.size:
        raise BadInput("a size takes two numbers")
    cols, rows = _SIZE.unpack(payload)
    size(cols, rows)
    return cols, rows


def long(number: int) -> bytes:
    """An offset as a payload."""
    return _LONG.pack(number)


def longed(payload: bytes) -> int:
    """The offset of a payload. Raises BadInput."""
    if len(payload) != _LONG.size:
        raise BadInput("an offset takes one number of eight bytes")
    return int(_LONG.unpack(payload)[0])


def encode(chunk: Chunk) -> Iterator[bytes]:
    """A chunk as frames: one, or several where its bytes are many."""
    match chunk:
        case Output(offset, data, stream):
            opcode = STDERR if stream == "err" else OUTPUT
            for start in range(0, len(data), FRAME_MOST):
                yield frame(opcode, offset + start, data[start : start + FRAME_MOST])
        case Gap(start, end):
            yield frame(GAP, start, _LONG.pack(end))
        case Resized(offset, cols, rows):
            yield frame(RESIZED, offset, _SIZE.pack(cols, rows))
        case Ended(total, how):
            plain = None if how is None else {"code": how.code, "signal": how.signal}
            yield frame(ENDED, total, json.dumps(plain).encode())
        case _:
            assert_never(chunk)


def decode(opcode: int, number: int, payload: bytes) -> Chunk:
    """The chunk of a frame that ``opened`` took apart. Raises BadInput."""
    try:
        match opcode:
            case _ if opcode == OUTPUT:
                return Output(number, payload)
            case _ if opcode == STDERR:
                return Output(number, payload, "err")
            case _ if opcode == GAP:
                return Gap(number, _LONG.unpack(payload)[0])
            case _ if opcode == RESIZED:
                return Resized(number, *_SIZE.unpack(payload))
            case _ if opcode == ENDED:
                return Ended(number, _exit(json.loads(payload)))
            case _:
                raise BadInput(f"no frame begins with byte {opcode}")
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise BadInput("a frame's payload does not fit its opcode") from error


def _exit(plain: dict[str, Any] | None) -> Exit | None:
    return None if plain is None else Exit(plain["code"], plain["signal"])


def pack(chunks: Iterable[Chunk]) -> bytes:
    """A body of frames."""
    frames = [piece for chunk in chunks for piece in encode(chunk)]
    return b"".join(_LENGTH.pack(len(piece)) + piece for piece in frames)


def unpack(body: bytes) -> tuple[Chunk, ...]:
    """The chunks of a body of frames. Raises BadInput."""
    chunks: list[Chunk] = []
    at = 0
    while at < len(body):
        start = at + _LENGTH.size
        at = start + int.from_bytes(body[at:start], "big")
        if at > len(body):
            raise BadInput("a body of frames is cut short")
        chunks.append(decode(*opened(body[start:at])))
    return tuple(chunks)
