"""Frames between a worker and its host; both sides import this, so it knows no message.

A frame is eight bytes, two big-endian unsigned 32-bit lengths, then a JSON object of the first
length and raw bytes of the second: what a cell prints travels as bytes, without escaping. The
keeper's wire frames alike; a worker and a keeper may import nothing, so neither has the other's.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

#: The largest JSON part and the largest body of one frame, in bytes; longer output is cut.
HEAD_MOST: Final = 8 << 20
BODY_MOST: Final = 1 << 20

LENGTHS: Final = struct.Struct(">II")
_BLANK: Final = " \t\n\r"

Message = dict[str, Any]


class _Reading:
    """What ``json.JSONDecoder`` tells its scanner."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    parse_constant = {word: float(word) for word in ("NaN", "Infinity", "-Infinity")}.__getitem__


def _decoder() -> Callable[[str], Any]:
    """``json.JSONDecoder().decode`` without the rest of json, which takes its time to import.

    Nor is it what code in a session may have done to that module.
    """
    try:
        from _json import make_scanner  # noqa: PLC0415  # some Pythons lack it
    except ImportError:
        import json  # noqa: PLC0415  # the same

        return json.JSONDecoder().decode
    scan: Any = make_scanner(_Reading)  # type: ignore[arg-type]  # it asks for no more than is there

    def decode(text: str) -> Any:
        try:
            value, end = scan(text, len(text) - len(text.lstrip(_BLANK)))
        except StopIteration as error:
            raise ValueError("no JSON") from error
        if text[end:].strip(_BLANK):
            raise ValueError("more than JSON")
        return value

    return decode


def _encoder() -> Callable[[Message], str]:
    """The same of ``json.JSONEncoder``, which makes one for each call."""
    try:
        from _json import encode_basestring_ascii, make_encoder  # noqa: PLC0415  # the same

        words = encode_basestring_ascii
        made = make_encoder(None, _refuse, words, None, ":", ",", False, False, True)
    except (ImportError, TypeError):
        import json  # noqa: PLC0415  # the same

        return json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
    return lambda message: "".join(made(message, 0))


def _refuse(value: object) -> None:
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_decode: Final = _decoder()
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
