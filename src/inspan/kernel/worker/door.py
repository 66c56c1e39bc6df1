"""The socket at which hosts knock, and who is there: one host, and strangers that said no hello.

It knows no message. Only the same user's processes are let in; what they say decides the rest.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import time
from typing import TYPE_CHECKING, Final

from ..frames import Decoder  # noqa: TID252 - the package has a private name here

if TYPE_CHECKING:
    import socket
else:
    import _socket as socket  # without the enumerations that socket makes, and its files

#: Connections that have not said hello; with one more the oldest goes.
STRANGERS: Final = 8
#: Seconds for which nobody is let in after no descriptor was left for one.
_FULL: Final = 0.1
_NONE_LEFT: Final = frozenset({errno.EMFILE, errno.ENFILE})


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
    """Listens from the start.

    A descriptor is held in reserve: where the session's code has used up all others, a host that
    comes back still gets in.
    """

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
        self._reserve: int | None = _reserved()
        self._full_until = 0.0

    def opens_in(self) -> float:
        """Seconds until somebody can be let in: 0 unless no descriptor was left just now."""
        return max(0.0, self._full_until - time.monotonic())

    def accept(self) -> Peer | None:
        """Who knocked, if it is the same user."""
        if self._reserve is None:
            self._reserve = _reserved()
        try:
            number = self._answered()
        except OSError as error:
            if error.errno in _NONE_LEFT:
                # Whoever knocks goes on knocking: to be asked at once again would never end.
                self._full_until = time.monotonic() + _FULL
            return None
        link = socket.socket(fileno=number)
        if not _is_ours(link):
            link.close()
            return None
        link.setblocking(False)
        return Peer(link)

    def _answered(self) -> int:
        """The connection's descriptor, out of the reserve where there is no other."""
        try:
            return self._accepted()
        except OSError as error:
            if error.errno not in _NONE_LEFT or self._reserve is None:
                raise
        os.close(self._reserve)
        self._reserve = None
        return self._accepted()

    def _accepted(self) -> int:
        number: int = self.listener._accept()[0]  # type: ignore[attr-defined]  # noqa: SLF001 - accept is Python's
        return number


def _reserved() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return None


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
