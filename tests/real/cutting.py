"""A way to a port that can be cut: what is on it then is lost, as with a network that fails."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

READ = 1 << 14


class Cutting:
    """Passes bytes on, and hangs up on everybody once so many have come from the far side."""

    def __init__(self, *cuts: int) -> None:
        self._to = ("127.0.0.1", 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        #: After so many bytes each; what is cut is the connection that has brought them.
        self._cuts = list(cuts)
        self.cut = 0
        self._accepted = 0
        #: The first connection that is cut: an earlier one may still bring its farewell.
        self._first = 0
        self._open = True

    def leads_to(self, url: str) -> None:
        at = urlsplit(url)
        assert at.hostname
        assert at.port
        self._to = (at.hostname, at.port)

    def cut_after(self, *cuts: int) -> None:
        """Cut those that come from now on."""
        self._first = self._accepted
        self._cuts += cuts

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = False
        self._listener.close()

    def _accept(self) -> None:
        while self._open:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near, self._accepted), daemon=True).start()
            self._accepted += 1

    def _carry(self, near: socket.socket, number: int) -> None:
        with near, suppress(OSError), socket.create_connection(self._to) as far:
            asking = threading.Thread(target=self._pass, args=(near, far), daemon=True)
            asking.start()
            self._pass(far, near, number)
            asking.join()

    def _pass(self, source: socket.socket, to: socket.socket, number: int = -1) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(READ):
                if number >= self._first and self._cuts and passed + len(data) > self._cuts[0]:
                    # A part of a frame goes through, and the rest never.
                    to.sendall(data[: self._cuts.pop(0) - passed])
                    self.cut += 1
                    break
                to.sendall(data)
                passed += len(data)
        for link in (source, to):
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
