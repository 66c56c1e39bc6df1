"""The socket at which hosts knock, and who is there: one host, and strangers that said no hello.

It knows no message. Only the same user's processes are let in; what they say decides the rest.
"""

from __future__ import annotations

import os
import struct
import sys
from typing import TYPE_CHECKING, Final

from ..frames import Decoder  # noqa: TID252 - the package has a private name here

if TYPE_CHECKING:
    import socket
else:
    import _socket as socket  # without the enumerations that socket makes, and its files

#: Connections that have not said hello; with one more the oldest goes.
STRANGERS: Final = 8


class Peer:
    """One connection."""

    __slots__ = ("board", "decoder", "gone", "link")

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.decoder = Decoder()
        #: Nothing more comes or goes.
        self.gone = False
        #: It reads the board; see protocol.Hello.
        self.board = False


class Door:
    """Listens from the start."""

    def __init__(self, path: str) -> None:
        """``path`` exists only once it can be connected to. Raises OSError."""
        self.listener = socket.socket(socket.AF_UNIX)
        making = f"{path}.new"
        mask = os.umask(0o177)
        try:
            self.listener.bind(making)
        finally:
            os.umask(mask)
        self.listener.listen(STRANGERS)
        self.listener.setblocking(False)
        os.replace(making, path)  # noqa: PTH105 - pathlib would cost start-up

    def accept(self) -> Peer | None:
        """Who knocked, if it is the same user."""
        try:
            number, _ = self.listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001 - accept is Python's
        except OSError:
            return None
        link = socket.socket(fileno=number)
        if not _is_ours(link):
            link.close()
            return None
        link.setblocking(False)
        return Peer(link)


def _is_ours(link: socket.socket) -> bool:
    if sys.platform == "linux":
        size = struct.calcsize("3i")
        _, uid, _ = struct.unpack(
            "3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        )
    else:
        # struct xucred of BSD and macOS: the version, the uid, and more; LOCAL_PEERCRED is 1.
        _, uid = struct.unpack_from("2I", link.getsockopt(0, 1, 76))
    return bool(uid == os.geteuid())
