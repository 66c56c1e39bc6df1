"""A word with the keeper itself, without the daemon: is it there, and will it stop.

Blocking, over the keeper's own wire. It asks nothing about sessions: that is the daemon's.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, Final

from inspan.errors import Conflict, KeeperLost
from inspan.keeper import wire

#: How long the keeper may take to answer, in seconds; killing many trees takes a while.
_PATIENCE: Final = 30.0


def ask(path: Path, op: str, **given: Any) -> dict[str, Any] | None:
    """The keeper's reply; ``None`` where none listens. Raises KeeperLost, Conflict."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(_PATIENCE)
        try:
            link.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as error:
            raise KeeperLost(f"the keeper cannot be reached: {error.strerror}") from error
        try:
            link.sendall(wire.encode({"id": 1, "op": "hello", "version": wire.VERSION}))
            decoder = wire.Decoder()
            hello = _reply(link, decoder, 1)
            if op == "hello":
                return hello
            link.sendall(wire.encode({"id": 2, "op": op, **given}))
            return _reply(link, decoder, 2)
        except (OSError, wire.WireError) as error:
            raise KeeperLost(f"the keeper does not answer: {error}") from error


def _reply(link: socket.socket, decoder: wire.Decoder, wanted: int) -> dict[str, Any]:
    while True:
        data = link.recv(1 << 16)
        if not data:
            raise KeeperLost("the keeper closed the connection")
        for message, _ in decoder.feed(data):
            if message.get("id") != wanted:
                continue
            if "error" in message:
                raise Conflict(
                    f"the keeper refuses: {message.get('message', message['error'])}",
                    hint="Let its tasks end, or use --force.",
                )
            return message
