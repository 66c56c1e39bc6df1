"""A WebSocket of a client that knows no inspan and need not behave: frames as bytes."""

from __future__ import annotations

import os
import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inspan.client import wire

PATIENCE = 30.0


class RawSocket:
    """One connection after its upgrade."""

    def __init__(self, link: sockets.socket, come: bytes) -> None:
        self.link = link
        self._frames = wire.Frames()
        self.heard = self._frames.feed(come)

    @property
    def closed(self) -> int | None:
        """The code that it was closed with, as far as was read."""
        return self._frames.closed[0] if self._frames.closed else None

    def say(self, opcode: int, payload: bytes) -> None:
        """One whole message, masked as it has to be."""
        self.link.sendall(wire.masked(opcode, payload, os.urandom(4)))

    def read(self, at_most: int = 1 << 16) -> bool:
        """One read; false at the end. Pings are left unanswered."""
        try:
            data = self.link.recv(at_most)
        except ConnectionResetError:
            return False
        self.heard += self._frames.feed(data)
        return bool(data) and self._frames.closed is None

    def to_the_end(self) -> None:
        """Read until the server closes."""
        while self.read():
            pass


@contextmanager
def upgraded(
    at: Path | tuple[str, int], target: str, headers: dict[str, str] | None = None
) -> Iterator[RawSocket]:
    """A WebSocket at ``target``."""
    near = isinstance(at, Path)
    with sockets.socket(sockets.AF_UNIX if near else sockets.AF_INET) as link:
        link.settimeout(PATIENCE)
        link.connect(os.fspath(at) if isinstance(at, Path) else at)
        key = wire.upgrade_key()
        given = {"host": "inspan" if isinstance(at, Path) else f"{at[0]}:{at[1]}"}
        given |= wire.upgrade_headers(key) | (headers or {})
        link.sendall(wire.request("GET", target, given))
        answer = wire.Answer()
        while (reply := answer.feed(link.recv(1 << 16))) is None:
            pass
        wire.check_upgrade(reply, key)
        yield RawSocket(link, answer.rest)
