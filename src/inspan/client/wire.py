"""HTTP/1.1 and WebSocket as a client speaks them, without I/O: bytes in, answers out.

Standard library only and little of that, since every command imports it. It knows the shape of
messages (RFC 9112, RFC 6455) and nothing of what inspan says in them.
"""

from __future__ import annotations

import binascii
import os
from collections.abc import Mapping
from typing import Final

from inspan.errors import BadInput, DaemonUnreachable

HEAD_MOST: Final = 64 << 10
#: An answer larger than this is not ours.
BODY_MOST: Final = 256 << 20
#: One message of a WebSocket; an event carries a whole spec, and that may be a whole body. It may
#: come with some that are small.
MESSAGE_MOST: Final = 17 << 20

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

#: The close code that says that all was said.
DONE: Final = 1000

_UNRESERVED: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
)
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def _garbled(what: str) -> DaemonUnreachable:
    return DaemonUnreachable(
        f"what listens there does not speak inspan's wire: {what}",
        hint="Look at what holds the socket with `inspan doctor`.",
    )


# ── requests ──────────────────────────────────────────────────────────────────


def quote(text: str) -> str:
    """``text`` as one segment of a path, or one value of a query. Raises BadInput."""
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"{text!r} is not UTF-8") from error
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in raw)


def query(**given: object) -> str:
    """A query string of what is not ``None``, with its question mark; empty without any."""
    pairs = [f"{name}={quote(_word(value))}" for name, value in given.items() if value is not None]
    return "?" + "&".join(pairs) if pairs else ""


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def request(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """The bytes of a request. Raises BadInput for a header that would break the head."""
    lines = [f"{method} {target} HTTP/1.1"]
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise BadInput(f"{name}: must be printable ASCII")
        lines.append(f"{name}: {value}")
    if body or method == "POST":
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


# ── answers ───────────────────────────────────────────────────────────────────


class Response:
    """A whole answer; names of headers are in lower case."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def kept(self) -> bool:
        """True where the connection may carry another request."""
        return self.headers.get("connection", "").lower() != "close"


class Answer:
    """Reads one answer. After it, ``rest`` has what followed: the first frames of an upgrade."""

    def __init__(self) -> None:
        self.rest = b""
        self._held = bytearray()
        self._body = bytearray()
        self._head: tuple[int, dict[str, str]] | None = None
        #: Bytes of the body (or of its present chunk) still due; ``None``: until the end.
        self._due: int | None = 0
        self._chunked = False
        self._trailers = False

    @property
    def begun(self) -> bool:
        """True once a byte of it has come."""
        return bool(self._held) or self._head is not None

    def feed(self, data: bytes) -> Response | None:
        """The answer once it is complete. Raises DaemonUnreachable for what is no answer."""
        self._held += data
        if self._head is None and not self._read_head():
            return None
        complete = self._read_chunks() if self._chunked else self._read_plain()
        return self._finish() if complete else None

    def end(self) -> Response:
        """The answer where the connection ended; raises DaemonUnreachable if it is cut short."""
        if self._head is None or self._chunked or self._due is not None:
            raise DaemonUnreachable("the daemon went away before it had answered")
        return self._finish()

    def _finish(self) -> Response:
        assert self._head is not None
        self.rest = bytes(self._held)
        return Response(*self._head, bytes(self._body))

    def _read_head(self) -> bool:
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            if len(self._held) > HEAD_MOST:
                raise _garbled("the head of the answer has no end")
            return False
        lines = bytes(self._held[:end]).decode("latin-1").split("\r\n")
        del self._held[: end + 4]
        status = _status(lines[0])
        if status in (100, 102, 103):  # more is to come
            return self._read_head()
        headers = dict(_header(line) for line in lines[1:])
        self._head = (status, headers)
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        if not self._chunked and status not in (101, 204, 304):
            self._due = _length(headers.get("content-length"))
        return True

    def _read_plain(self) -> bool:
        take = len(self._held) if self._due is None else self._due
        self._take(take)
        return self._due == 0

    def _take(self, most: int) -> None:
        piece = self._held[:most]
        del self._held[:most]
        self._body += piece
        if len(self._body) > BODY_MOST:
            raise _garbled("the body of the answer has no end")
        if self._due is not None:
            self._due -= len(piece)

    def _read_chunks(self) -> bool:
        """True once the last chunk and its trailers are read. ``_due`` counts the CRLF too."""
        while True:
            if self._due:
                self._take(min(self._due, len(self._held)))
                if self._due:
                    return False
                if self._body[-2:] != b"\r\n":
                    raise _garbled("a chunk does not end where it said")
                del self._body[-2:]
            line = self._line()
            if line is None:
                return False
            if self._trailers:
                if not line:
                    return True
            elif (size := _chunk_size(line)) > 0:
                self._due = size + 2
            else:
                self._trailers = True

    def _line(self) -> bytes | None:
        end = self._held.find(b"\r\n")
        if end < 0:
            if len(self._held) > HEAD_MOST:
                raise _garbled("a line of the answer has no end")
            return None
        line = bytes(self._held[:end])
        del self._held[: end + 2]
        return line


def _status(line: str) -> int:
    version, _, rest = line.partition(" ")
    code = rest[:3]
    if version not in ("HTTP/1.1", "HTTP/1.0") or not (code.isascii() and code.isdecimal()):
        raise _garbled("the answer is not HTTP/1.1")
    return int(code)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name or name != name.strip():
        raise _garbled("a header of the answer is malformed")
    return name.lower(), value.strip(" \t")


def _length(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) > BODY_MOST:
        raise _garbled("the answer names no length that can be")
    return int(text)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or len(digits) > 8 or digits.strip(b"0123456789abcdefABCDEF"):
        raise _garbled("a chunk has no size")
    return int(digits, 16)


# ── WebSocket ─────────────────────────────────────────────────────────────────


def upgrade_key() -> str:
    """The nonce of one upgrade."""
    return binascii.b2a_base64(os.urandom(16), newline=False).decode()


def upgrade_headers(key: str) -> dict[str, str]:
    """What a request carries that asks for an upgrade."""
    return {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": key,
    }


def _sha1(raw: bytes) -> bytes:
    # Not every command attaches; and `hashlib` loads OpenSSL, in which this may be missing.
    try:
        from _sha1 import sha1  # type: ignore[import-not-found]  # noqa: PLC0415
    except ImportError:
        from hashlib import sha1  # noqa: PLC0415
    return bytes(sha1(raw, usedforsecurity=False).digest())


def check_upgrade(answer: Response, key: str) -> None:
    """Raises DaemonUnreachable where the upgrade was not granted, or not to our question."""
    due = binascii.b2a_base64(_sha1(key.encode() + _GUID), newline=False)
    if answer.status != 101 or answer.headers.get("sec-websocket-accept", "").encode() != due:
        raise _garbled("the upgrade was not answered as it was asked for")


def masked(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """One whole frame as a client sends it (RFC 6455, 5.2 and 5.3)."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + mask + _xor(payload, mask)


def _xor(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return mixed.to_bytes(size, "big")


class Frames:
    """Reads what a server sends: frames in, whole messages out, pings answered."""

    def __init__(self) -> None:
        #: Pongs and the close that are due to the server; the owner sends and clears it.
        self.due = b""
        #: Code and reason once the server has closed.
        self.closed: tuple[int, str] | None = None
        self._held = bytearray()
        self._parts = bytearray()
        self._kind = 0

    @property
    def begun(self) -> bool:
        """True where a part of a message has come."""
        return bool(self._held or self._parts)

    def check_done(self) -> None:
        """Raises DaemonUnreachable where it was closed for another reason than being done."""
        code, why = self.closed or (DONE, "")
        if code != DONE:
            raise DaemonUnreachable(f"the daemon closed the stream ({code} {why})".rstrip())

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The messages that are complete now: ``TEXT`` or ``BINARY`` and the payload."""
        self._held += data
        messages: list[tuple[int, bytes]] = []
        start = 0
        while self.closed is None:
            found = self._frame(start)
            if found is None:
                break
            final, opcode, payload, start = found
            if opcode >= CLOSE:
                self._control(opcode, payload)
            elif (message := self._message(opcode, payload, final=final)) is not None:
                messages.append(message)
        del self._held[:start]
        return messages

    def _frame(self, start: int) -> tuple[bool, int, bytes, int] | None:
        """Final, opcode, payload and end of the frame at ``start``, if all of it is there."""
        held = self._held
        if len(held) - start < 2:
            return None
        first, size = held[start], held[start + 1]
        _check(first, size)
        body = start + 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(held) - body < width:
                return None
            size = int.from_bytes(held[body : body + width], "big")
            body += width
        if size > MESSAGE_MOST:
            raise _garbled("a message is too large")
        if len(held) - body < size:
            return None
        return bool(first & 0x80), first & 0x0F, bytes(held[body : body + size]), body + size

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.due += masked(PONG, payload, os.urandom(4))
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self.closed = (code, payload[2:].decode(errors="replace"))
            self.due += masked(CLOSE, payload[:2], os.urandom(4))

    def _message(self, opcode: int, payload: bytes, *, final: bool) -> tuple[int, bytes] | None:
        if (opcode == 0) != bool(self._kind):
            raise _garbled("the parts of a message are out of order")
        if opcode and final:
            return opcode, payload
        self._kind = self._kind or opcode
        self._parts += payload
        if len(self._parts) > MESSAGE_MOST:
            raise _garbled("a message is too large")
        if not final:
            return None
        message = (self._kind, bytes(self._parts))
        self._kind = 0
        self._parts.clear()
        return message


def _check(first: int, size: int) -> None:
    """Refuse what RFC 6455, 5.2 and 5.5 forbid a server to send."""
    opcode = first & 0x0F
    if first & 0x70 or size & 0x80 or opcode not in (0, TEXT, BINARY, CLOSE, PING, PONG):
        raise _garbled("a frame is malformed")
    if opcode >= CLOSE and (size > 125 or not first & 0x80):
        raise _garbled("a control frame is malformed")
