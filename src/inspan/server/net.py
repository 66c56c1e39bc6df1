"""The way in by the network, for whoever asked for one: a socket that listens, and its gate.

It is imported only where there is one.
"""

from __future__ import annotations

import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from inspan.errors import Unable
from inspan.model.listen import Listen, refuse_unsafe
from inspan.server.entry import Front
from inspan.server.gate import Gate
from inspan.server.logins import Logins
from inspan.server.tokens import Tokens

_BACKLOG: Final = 128


@dataclass(frozen=True, slots=True)
class Network:
    """A socket that listens, where, and who may come in."""

    socket: sockets.socket
    listen: Listen
    port: int
    tokens: Tokens
    #: How often a WebSocket is asked for a sign, and how long that may take, in seconds.
    ping: float = 30.0
    pong: float = 10.0

    @property
    def url(self) -> str:
        """Where it is reached."""
        return self.listen.url(self.port)

    def guard(self) -> Gate:
        """Who stands at it. Raises SettingsInvalid where the tokens cannot be read."""
        self.tokens.all()
        listen, port = self.listen, self.port
        return Gate(
            self.tokens,
            hosts=listen.served(port),
            origins=listen.admitted(port),
            cookie=listen.cookie(port),
        )

    def front(self) -> Front:
        """Where browsers come in."""
        listen, port = self.listen, self.port
        logins, secure = Logins(self.tokens), listen.cert is not None
        return Front(logins, listen.page(port), listen.cookie(port), secure)


@contextmanager
def bound(
    listen: Listen, tokens: Tokens, *, ping: float = 30.0, pong: float = 10.0
) -> Iterator[Network]:
    """Listen there until the block is left. Raises BadInput where that is not safe, Unable."""
    refuse_unsafe(listen)
    try:
        found = sockets.getaddrinfo(
            listen.host, listen.port, type=sockets.SOCK_STREAM, flags=sockets.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        listener = sockets.socket(family, kind, protocol)
    except OSError as error:
        raise _refused(listen, error) from error
    with listener:
        try:
            # Not REUSEPORT: two daemons must not share what comes in.
            listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError as error:
            raise _refused(listen, error) from error
        listener.setblocking(False)
        yield Network(listener, listen, listener.getsockname()[1], tokens, ping, pong)


def _refused(listen: Listen, error: OSError) -> Unable:
    return Unable(
        f"cannot listen at {listen.url(listen.port)}: {error.strerror or error}",
        hint="Choose another port, or stop what has that one.",
    )
