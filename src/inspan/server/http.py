"""HTTP/1.1 as it is served: uvicorn's protocol over httptools, with limits and fences of ours.

It parses and writes, and knows no route.
"""

from __future__ import annotations

import asyncio
import json
import socket as sockets
import struct
import sys
from http import HTTPStatus
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from inspan.errors import BadInput
from inspan.model import wire
from inspan.server import problem

#: The most bytes before the body of a request.
HEAD_MOST: Final = 1 << 16
#: What is written in one go is held together up to this size.
GATHERED_MOST: Final = 1 << 16

#: Linux, unix(7): pid, uid, gid.
_UCRED: Final = struct.Struct("=iII")
#: macOS, sys/ucred.h and sys/un.h: version, uid, then groups.
_XUCRED: Final = struct.Struct("=II")
_LOCAL_PEERCRED: Final = 1


class Plain(HttpToolsProtocol):
    """The protocol, of which what is no HTTP gets a problem document too."""

    #: Bytes that came since the head of the request that is being read began.
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast("asyncio.Transport", _Gathered(transport, self.loop)))

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if self._head > HEAD_MOST and not self.transport.is_closing():
            self.send_400_response(f"the head of a request is larger than {HEAD_MOST} bytes")

    def on_headers_complete(self) -> None:
        self._head = -sys.maxsize  # what follows is body
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._head = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._gathered.flush()
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        self.transport = self._gathered.transport
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        body = json.dumps(problem.document(BadInput(msg), HTTPStatus.BAD_REQUEST)).encode()
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: {wire.PROBLEM_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    @property
    def _gathered(self) -> _Gathered:
        return cast("_Gathered", self.transport)


class _Gathered:
    """A transport that hands on in one piece what is written in one go.

    An answer is written as a head and a body; a piece for each would wake whoever reads it twice.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > GATHERED_MOST:
            self.flush()

    def flush(self) -> None:
        """Hand on what is held."""
        if self._held:
            held, self._held, self._size = self._held, [], 0
            self.transport.write(b"".join(held))

    def close(self) -> None:
        self.flush()
        self.transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)


# ── who may connect ───────────────────────────────────────────────────────────


def fenced(uid: int) -> type[Plain]:
    """The protocol, for peers that run as ``uid`` only."""

    class Fenced(Plain):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if peer_uid(transport.get_extra_info("socket")) not in (uid, None):
                transport.abort()

    return Fenced


def peer_uid(peer: Any) -> int | None:
    """The user at the other end of a Unix socket; ``None`` where the system does not say."""
    platform: str = sys.platform
    if platform == "linux":
        raw = peer.getsockopt(sockets.SOL_SOCKET, sockets.SO_PEERCRED, _UCRED.size)
        return int(_UCRED.unpack(raw)[1])
    if platform == "darwin":
        return int(_XUCRED.unpack_from(peer.getsockopt(0, _LOCAL_PEERCRED, 76))[1])
    return None
