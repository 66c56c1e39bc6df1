"""Where a daemon is, how a connection to it is made, and what each request to it carries.

It is this user's own socket, or one that is far: a socket that was brought here, as by ``ssh -L``,
a port of this machine, or TLS. It knows no verb. Whoever only speaks to the own socket pays for
nothing of the network: that is in ``network``.
"""

from __future__ import annotations

import _socket as sockets
import os
from typing import TYPE_CHECKING, Final

from inspan.errors import BadInput, DaemonMismatch, DaemonUnreachable, InspanError

if TYPE_CHECKING:
    from os import PathLike

_SOCKET: Final = "unix://"
_SCHEMES: Final = ("http://", "https://")
PORT_MOST: Final = 65535
_HOW: Final = (
    "Write unix:///PATH for a socket that SSH brought here, http://127.0.0.1:PORT for a port of"
    " this machine, or https://HOST:PORT."
)
_LOOK: Final = (
    "Look there with `inspan status` whether it runs and listens; it is never started from afar."
)


class Address:
    """One place; ``far`` where it is not the own socket of whoever asks."""

    __slots__ = ("_head", "ca", "far", "host", "path", "port", "tls", "url")

    def __init__(
        self,
        url: str,
        *,
        path: str = "",
        host: str = "",
        port: int = 0,
        tls: bool = False,
        ca: str | None = None,
        token: str | None = None,
        far: bool = True,
    ) -> None:
        self.url = url
        #: Of a socket; empty where it is reached by TCP.
        self.path = path
        self.host, self.port, self.tls, self.ca = host, port, tls, ca
        self.far = far
        named = "inspan" if path else url.partition("://")[2]
        shown = "" if token is None else f"authorization: Bearer {token}\r\n"
        #: Not told by ``repr``, since it holds the token.
        self._head = f"host: {named}\r\n{shown}".encode("ascii")

    def dressed(self, raw: bytes) -> bytes:
        """``raw``, a request, with what it has to carry to be heard there."""
        end = raw.index(b"\n") + 1
        return b"".join((raw[:end], self._head, memoryview(raw)[end:]))  # it may be long

    def connect(self) -> sockets.socket:
        """A new connection, blocking. Raises DaemonUnreachable."""
        if not self.path:
            from inspan.client.network import connect  # noqa: PLC0415  seldom, and not light

            return connect(self)
        link = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
        try:
            link.connect(self.path)
        except OSError as error:
            link.close()
            raise self.silent(error) from error
        return link

    def silent(self, error: OSError) -> DaemonUnreachable:
        """The error for a place that takes no connection."""
        return DaemonUnreachable(
            f"no daemon answers at {self.url}: {error.strerror or error}",
            hint=_LOOK if self.far else None,
        )

    def explain(self, error: InspanError) -> None:
        """Give ``error`` advice that fits a daemon which is not here."""
        if not self.far:
            return
        if isinstance(error, DaemonMismatch):
            error.hint = f"Have the same version here and at {self.url}."
        elif isinstance(error, DaemonUnreachable) and self.url not in error.message:
            error.message, error.hint = f"{error.message} ({self.url})", _LOOK


def own(socket: str | PathLike[str]) -> Address:
    """The socket of this user's own daemon."""
    path = os.fspath(socket)
    return Address(path, path=path, far=False)


def place(at: Address | str | PathLike[str]) -> Address:
    """``at`` as an address, where it is only the path of an own socket."""
    return at if isinstance(at, Address) else own(at)


def parse(url: str, *, token: str | None = None, ca: str | None = None) -> Address:
    """What a person writes. Raises BadInput."""
    if url.startswith(_SOCKET):
        return _brought(url, ca, token)
    scheme = next((each for each in _SCHEMES if url.lower().startswith(each)), None)
    if scheme is None or not (url.isascii() and url.isprintable()):
        raise BadInput(f"{url!r} is no address of a daemon", hint=_HOW)
    rest = url[len(scheme) :].removesuffix("/").lower()
    if "@" in rest:
        raise BadInput(
            "an address holds no token and no password",
            hint="Set INSPAN_TOKEN_FILE or INSPAN_TOKEN, or make a context.",
        )
    host, port = _parted(url, rest)
    tls = scheme == "https://"
    if not tls and not _loopback(host):
        raise BadInput(
            f"nothing would be encrypted on the way to {host}",
            hint=f"Write https://, or `ssh -L {port}:127.0.0.1:{port} {host}` and"
            f" http://127.0.0.1:{port}.",
        )
    if ca is not None and not tls:
        raise BadInput("a certificate authority is only for https://")
    token = _printable(token)
    return Address(f"{scheme}{rest}", host=host, port=port, tls=tls, ca=ca, token=token)


def _printable(token: str | None) -> str | None:
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise BadInput("that is no token of inspan's", hint="`inspan token new` there makes one.")
    return token


def _brought(url: str, ca: str | None, token: str | None) -> Address:
    path = url[len(_SOCKET) :]
    if not path.startswith("/") or "\0" in path:
        raise BadInput(f"{url!r} names no socket", hint=_HOW)
    if ca is not None:
        raise BadInput("a certificate authority is only for https://")
    return Address(url, path=path, token=_printable(token))


def _parted(url: str, rest: str) -> tuple[str, int]:
    host, colon, port = rest.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    good = colon and host and not set(host) & set("/?#[] \\")
    if not good or not port.isdecimal() or not 0 < int(port) <= PORT_MOST:
        raise BadInput(f"{url!r} is no address of a daemon", hint=_HOW)
    return host, int(port)


def _loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost") or host == "::1":
        return True
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdecimal() for part in parts)
