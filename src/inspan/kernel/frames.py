"""Frames between a worker and its host; both sides import this, so it knows no message.

A frame is eight bytes, two big-endian unsigned 32-bit lengths, then a JSON object of the first
length and raw bytes of the second: what a cell prints travels as bytes, without escaping. The
keeper's wire frames alike; a worker and a keeper may import nothing, so neither has the other's.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final

#: The largest JSON part and the largest body of one frame, in bytes; longer output is cut.
HEAD_MOST: Final = 8 << 20
BODY_MOST: Final = 1 << 20

LENGTHS: Final = struct.Struct(">II")
# Not json.loads: in a worker the module is the user's to change, too.
_decode: Final = json.JSONDecoder().decode

Message = dict[str, Any]


def _encoder() -> Any:
    """As ``JSONEncoder`` makes one for each call: that costs as much as a short message."""
    documented = json.JSONEncoder(separators=(",", ":"), check_circular=False)
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    words: Any = vars(json.encoder)["encode_basestring_ascii"]
    try:
        made = make(None, documented.default, words, None, ":", ",", False, False, True)
    except TypeError:
        return documented.encode
    return lambda message: "".join(made(message, 0))


_encode: Final = _encoder()


class FrameError(Exception):
    """The other side sent what is no frame; the connection cannot go on."""


def encode(message: Message, body: bytes = b"") -> bytes:
    """One frame. Raises FrameError where a part is too large."""
    return framed(_encode(message).encode(), body)


def framed(head: bytes, body: bytes = b"") -> bytes:
    """The same, of a JSON part that is written already."""
    if len(head) > HEAD_MOST or len(body) > BODY_MOST:
        raise FrameError("a frame is too large")
    return LENGTHS.pack(len(head), len(body)) + head + body


class Decoder:
    """Bytes in, frames out; holds at most one incomplete frame."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[tuple[Message, bytes]]:
        """The frames that are complete now. Raises FrameError; the decoder is of no use then."""
        return [(parsed(head), body) for head, body in self.split(data)]

    def split(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The same with the JSON parts as they came, for who reads them otherwise."""
        held: bytes | bytearray = data
        if self._held:
            self._held += data
            held = self._held
        start = 0
        frames: list[tuple[bytes, bytes]] = []
        while len(held) - start >= LENGTHS.size:
            head, body = LENGTHS.unpack_from(held, start)
            if head > HEAD_MOST or body > BODY_MOST:
                raise FrameError("a frame is too large")
            first = start + LENGTHS.size
            end = first + head + body
            if len(held) < end:
                break
            middle = first + head
            frames.append((bytes(held[first:middle]), bytes(held[middle:end])))
            start = end
        if held is self._held:
            del self._held[:start]
        elif start < len(data):
            self._held += data[start:]
        return frames


def parsed(head: bytes) -> Message:
    """The JSON part of a frame. Raises FrameError."""
    try:
        message = _decode(head.decode())
    except (ValueError, RecursionError) as error:
        raise FrameError("a frame is not JSON") from error
    if not isinstance(message, dict):
        raise FrameError("a frame is no object")
    return message
